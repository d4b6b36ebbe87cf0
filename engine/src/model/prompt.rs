//! Prompt and lyric templates, as the model's own handler writes them.
//!
//! The model was trained on exactly these lines, so nothing here is a matter of taste. Length limits are the
//! tokenizer's ([`super::tokens`]).

use std::fmt::Write;

/// What the model is asked to do; each has its own instruction line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Music from words alone.
    #[default]
    TextToMusic,
    /// A new version of a source.
    Cover,
    /// A part of a source anew.
    Repaint,
}

impl Task {
    /// The instruction line.
    #[must_use]
    pub fn instruction(self) -> &'static str {
        match self {
            Self::TextToMusic => "Fill the audio semantic mask based on the given conditions:",
            Self::Cover => "Generate audio semantic tokens based on the given conditions:",
            Self::Repaint => "Repaint the mask area based on the given conditions:",
        }
    }
}

/// What the player says about the music.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// Style, instruments, mood.
    pub caption: String,
    /// Beats a minute.
    pub bpm: Option<u32>,
    /// Beats in a bar, as the model knows it: `4` for 4/4.
    pub time_signature: String,
    /// For instance `C minor`.
    pub key: String,
    /// Length of the piece, in whole seconds.
    pub seconds: u32,
    /// Lyrics; `[Instrumental]` for none.
    pub lyrics: String,
    /// Language of the lyrics, for instance `en`.
    pub language: String,
}

/// Stands for everything unknown.
const UNKNOWN: &str = "N/A";
/// Ends both texts.
const END: &str = "<|endoftext|>";

impl Prompt {
    /// The text that the text encoder reads.
    #[must_use]
    pub fn text(&self, task: Task) -> String {
        let bpm = self.bpm.map_or_else(|| UNKNOWN.to_owned(), |it| it.to_string());
        let or_unknown = |it: &str| if it.trim().is_empty() { UNKNOWN.to_owned() } else { it.to_owned() };
        let mut text = format!("# Instruction\n{}\n\n# Caption\n{}\n\n# Metas\n", task.instruction(), self.caption);
        let metas = [
            ("bpm", bpm),
            ("timesignature", or_unknown(&self.time_signature)),
            ("keyscale", or_unknown(&self.key)),
            ("duration", format!("{} seconds", self.seconds)),
        ];
        for (name, value) in metas {
            writeln!(text, "- {name}: {value}").expect("writing to a string cannot fail");
        }
        text + END + "\n"
    }

    /// The text whose tokens are embedded as lyrics.
    #[must_use]
    pub fn lyric_text(&self) -> String {
        format!("# Languages\n{}\n\n# Lyric\n{}{END}", self.language, self.lyrics)
    }
}

#[cfg(test)]
mod tests {
    //! Goal: the templates are the published ones, letter for letter.

    use super::*;

    #[test]
    fn an_unknown_meta_is_said_as_the_model_learnt_it() {
        let prompt = Prompt { caption: "slow dub".into(), seconds: 60, ..Prompt::default() };
        let wanted = "# Instruction\nFill the audio semantic mask based on the given conditions:\n\n# Caption\nslow dub\n\n\
                      # Metas\n- bpm: N/A\n- timesignature: N/A\n- keyscale: N/A\n- duration: 60 seconds\n<|endoftext|>\n";
        assert_eq!(prompt.text(Task::TextToMusic), wanted);
    }

    #[test]
    fn known_metas_are_written_as_the_player_gave_them() {
        let prompt = Prompt {
            caption: "x".into(),
            bpm: Some(120),
            time_signature: "3".into(),
            key: "C minor".into(),
            seconds: 7,
            ..Prompt::default()
        };
        let text = prompt.text(Task::Cover);
        let metas = "# Metas\n- bpm: 120\n- timesignature: 3\n- keyscale: C minor\n- duration: 7 seconds\n";
        assert!(text.starts_with("# Instruction\nGenerate audio semantic tokens") && text.contains(metas), "{text}");
    }

    #[test]
    fn lyrics_end_with_exactly_one_end_of_text() {
        let prompt = Prompt { lyrics: "la la".into(), language: "en".into(), ..Prompt::default() };
        assert_eq!(prompt.lyric_text(), "# Languages\nen\n\n# Lyric\nla la<|endoftext|>");
    }
}
