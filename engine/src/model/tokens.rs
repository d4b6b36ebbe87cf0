//! Text to token ids: the `tokenizers` crate with the limits that the model was trained under.
//!
//! The tokenizer's own special tokens are added (the published one ends every text with `<|endoftext|>`) and count
//! towards the limit; what is cut is the end of the text.

use std::path::{Path, PathBuf};

use tokenizers::{Tokenizer, TruncationDirection};

use super::mistaken::mistaken;

/// Most tokens of a prompt.
pub const MOST_TEXT_TOKENS: usize = 256;
/// Most tokens of lyrics.
pub const MOST_LYRIC_TOKENS: usize = 2048;

/// A tokenizer file that cannot be used, or a text that it cannot read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub struct TokensError {
    /// The `tokenizer.json`.
    pub file: PathBuf,
    /// What was found and what was expected.
    pub what: String,
}

/// Splits text into token ids.
#[derive(Debug)]
pub struct Tokens {
    file: PathBuf,
    tokenizer: Tokenizer,
}

impl Tokens {
    /// Reads a `tokenizer.json` for a text encoder that knows `vocabulary` tokens.
    ///
    /// # Errors
    /// When the file cannot be read, is no tokenizer, or knows more tokens than the encoder.
    pub fn open(file: &Path, vocabulary: usize) -> Result<Self, TokensError> {
        let fault = |what: String| TokensError { file: file.to_owned(), what };
        let bytes = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
        if let Some(words) = mistaken(&bytes) {
            return Err(fault(words));
        }
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| fault(format!("not a tokenizer.json: {error}")))?;
        tokenizer.with_truncation(None).map_err(|error| fault(error.to_string()))?;
        tokenizer.with_padding(None);
        let most = tokenizer.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        if vocabulary < most {
            let expected = format!("at most {vocabulary}, the rows of the text encoder's table");
            return Err(fault(format!("{most} token ids, expected {expected}")));
        }
        Ok(Self { file: file.to_owned(), tokenizer })
    }

    /// Ids of a prompt, at most [`MOST_TEXT_TOKENS`].
    ///
    /// # Errors
    /// When the tokenizer cannot read the text or makes no token of it.
    pub fn text(&self, text: &str) -> Result<Vec<u32>, TokensError> {
        self.ids(text, MOST_TEXT_TOKENS)
    }

    /// Ids of lyrics, at most [`MOST_LYRIC_TOKENS`].
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn lyrics(&self, text: &str) -> Result<Vec<u32>, TokensError> {
        self.ids(text, MOST_LYRIC_TOKENS)
    }

    fn ids(&self, text: &str, most: usize) -> Result<Vec<u32>, TokensError> {
        let fault = |what: String| TokensError { file: self.file.clone(), what };
        let said = |error: tokenizers::Error| fault(error.to_string());
        let mut plain = self.tokenizer.encode(text, false).map_err(said)?;
        let ends =
            self.tokenizer.get_post_processor().map_or(0, |it| tokenizers::PostProcessor::added_tokens(it, false));
        plain.truncate(most.saturating_sub(ends), 0, TruncationDirection::Right);
        let whole = self.tokenizer.post_process(plain, None, true).map_err(said)?;
        if whole.is_empty() {
            return Err(fault(format!("made no token of a text of {} bytes", text.len())));
        }
        Ok(whole.get_ids().to_vec())
    }
}

#[cfg(test)]
mod tests {
    //! Goal: limits and special tokens are those the model was trained with.
    //! Method: a tokenizer of single letters that ends texts as the published one does.

    use super::*;

    /// Ids: `a` 0, `b` 1, end of text 2.
    fn letters() -> tempfile::NamedTempFile {
        let end = "<|endoftext|>";
        let json = serde_json::json!({
            "version": "1.0", "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
            "padding": null, "normalizer": null, "pre_tokenizer": null, "decoder": null,
            "added_tokens": [{"id": 2, "content": end, "single_word": false, "lstrip": false, "rstrip": false,
                              "normalized": false, "special": true}],
            "post_processor": {"type": "TemplateProcessing",
                "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": end, "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                "special_tokens": {end: {"id": end, "ids": [2], "tokens": [end]}}},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                      "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                      "vocab": {"a": 0, "b": 1, end: 2}, "merges": []},
        });
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), json.to_string()).expect("it can be written");
        file
    }

    #[test]
    fn the_tokenizer_ends_a_text_and_written_ends_are_special_tokens() {
        let tokens = Tokens::open(letters().path(), 3).expect("three tokens");
        assert_eq!(tokens.text("ab<|endoftext|>").expect("known letters"), [0, 1, 2, 2]);
    }

    #[test]
    fn a_long_text_loses_its_end_but_not_the_end_token() {
        let tokens = Tokens::open(letters().path(), 3).expect("three tokens");
        let text = tokens.text(&"ab".repeat(300)).expect("known letters");
        assert_eq!((text.len(), text[254], text[255]), (256, 0, 2));
        assert_eq!(tokens.lyrics(&"a".repeat(5000)).expect("known letters").len(), 2048);
    }

    #[test]
    fn a_tokenizer_of_more_tokens_than_the_table_is_refused() {
        let file = letters();
        let error = Tokens::open(file.path(), 2).expect_err("two rows, three ids").to_string();
        assert!(error.ends_with(": 3 token ids, expected at most 2, the rows of the text encoder's table"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_tokenizer_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let error = Tokens::open(file.path(), 2).expect_err("it is empty").to_string();
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
    }
}
