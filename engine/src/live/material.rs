//! Everything a loaded set gives the ring: the source, its structure, and the prompts, as latents and tokens.
//!
//! A worker prepares a whole [`Material`] (encode, structure hints, text) while the old one plays on; the tick side
//! swaps it in between two ticks. Nothing in it changes afterwards.

use std::sync::Arc;

use crate::latent::LATENT_CHANNELS;

/// One prompt as condition tokens, `[tokens, width]`, twice and equally long: with the source's timbre and without.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// Tokens whose timbre comes from the source.
    pub with_timbre: Arc<[f32]>,
    /// Tokens whose timbre comes from the silence latent.
    pub neutral: Arc<[f32]>,
}

/// What a performance plays on. All latents have [`Material::frames`] frames of 64 channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// Latent frames of the tape.
    pub frames: usize,
    /// Width of a condition token.
    pub token_width: usize,
    /// The source, encoded: `[frames, 64]`.
    pub source: Arc<[f32]>,
    /// Structure hints of the source: `[frames, 64]`.
    pub hints: Arc<[f32]>,
    /// The codec's silence: `[frames, 64]`; what structure fades to.
    pub silence: Arc<[f32]>,
    /// Prompt A.
    pub prompt_a: Prompt,
    /// Prompt B; the same as A when a set has only one.
    pub prompt_b: Prompt,
    /// Tokens of the unconditional side of guidance, `[tokens, width]`.
    pub unconditional: Arc<[f32]>,
}

/// Why a [`Material`] cannot be played.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MaterialError {
    /// A latent has another length than the tape.
    #[error("the {what} has {found} numbers, a tape of {frames} frames needs {expected}")]
    Length {
        /// Which latent.
        what: &'static str,
        /// Its numbers.
        found: usize,
        /// Numbers expected.
        expected: usize,
        /// Frames of the tape.
        frames: usize,
    },
    /// Tokens that are not whole, or none at all.
    #[error("the {what} has {found} numbers, not a whole, non-zero number of tokens of width {width}")]
    Tokens {
        /// Which tokens.
        what: &'static str,
        /// Its numbers.
        found: usize,
        /// Width of a token.
        width: usize,
    },
    /// A prompt's two sides are not equally long, so that there is nothing between them.
    #[error("{what} has {with_timbre} numbers with timbre and {neutral} without")]
    Sides {
        /// Which prompt.
        what: &'static str,
        /// Numbers with the source's timbre.
        with_timbre: usize,
        /// Numbers without.
        neutral: usize,
    },
}

impl Material {
    /// Checks every length, so that the tick side need not.
    ///
    /// # Errors
    /// Names the part that does not fit.
    pub fn check(&self) -> Result<(), MaterialError> {
        let expected = self.frames * LATENT_CHANNELS;
        for (what, latent) in [("source", &self.source), ("structure", &self.hints), ("silence", &self.silence)] {
            if latent.len() != expected {
                return Err(MaterialError::Length { what, found: latent.len(), expected, frames: self.frames });
            }
        }
        let width = self.token_width;
        let tokens = [
            ("prompt A", &self.prompt_a.with_timbre),
            ("prompt A without timbre", &self.prompt_a.neutral),
            ("prompt B", &self.prompt_b.with_timbre),
            ("prompt B without timbre", &self.prompt_b.neutral),
            ("unconditional prompt", &self.unconditional),
        ];
        for (what, tokens) in tokens {
            if tokens.is_empty() || width == 0 || !tokens.len().is_multiple_of(width) {
                return Err(MaterialError::Tokens { what, found: tokens.len(), width });
            }
        }
        for (what, prompt) in [("prompt A", &self.prompt_a), ("prompt B", &self.prompt_b)] {
            let (with_timbre, neutral) = (prompt.with_timbre.len(), prompt.neutral.len());
            if with_timbre != neutral {
                return Err(MaterialError::Sides { what, with_timbre, neutral });
            }
        }
        Ok(())
    }

    /// Numbers of the longest prompt that a row may have, the unconditional one among them.
    #[must_use]
    pub fn longest_prompt(&self) -> usize {
        let prompts = [&self.prompt_a, &self.prompt_b];
        let longest = prompts.iter().map(|it| it.with_timbre.len().max(it.neutral.len())).max().unwrap_or(0);
        longest.max(self.unconditional.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Material, MaterialError, Prompt};
    use std::sync::Arc;

    fn material(a: usize, b: usize, unconditional: usize) -> Material {
        let numbers = |count: usize| -> Arc<[f32]> { vec![0.0; count].into() };
        let prompt = |tokens: usize| Prompt { with_timbre: numbers(2 * tokens), neutral: numbers(2 * tokens) };
        Material {
            frames: 1,
            token_width: 2,
            source: numbers(64),
            hints: numbers(64),
            silence: numbers(64),
            prompt_a: prompt(a),
            prompt_b: prompt(b),
            unconditional: numbers(2 * unconditional),
        }
    }

    #[test]
    fn the_longest_prompt_is_the_longest_of_all_that_a_row_may_have() {
        let longest = |a, b, unconditional| material(a, b, unconditional).longest_prompt() / 2;
        assert_eq!([longest(3, 1, 1), longest(1, 3, 1), longest(1, 1, 3)], [3; 3]);
    }

    #[test]
    fn tokens_that_are_none_or_no_whole_number_of_rows_are_refused() {
        let found = |change: &dyn Fn(&mut Material)| {
            let mut material = material(2, 2, 1);
            change(&mut material);
            material.check()
        };
        let tokens = |what, found, width| Err(MaterialError::Tokens { what, found, width });
        assert_eq!(found(&|it| it.unconditional = Arc::from([])), tokens("unconditional prompt", 0, 2));
        assert_eq!(found(&|it| it.unconditional = vec![0.0; 3].into()), tokens("unconditional prompt", 3, 2));
        assert_eq!(found(&|it| it.token_width = 0), tokens("prompt A", 4, 0));
    }

    #[test]
    fn a_prompt_whose_sides_differ_in_length_is_refused() {
        let mut material = material(2, 2, 1);
        assert_eq!(material.check(), Ok(()));
        material.prompt_b.neutral = vec![0.0; 6].into();
        let sides = MaterialError::Sides { what: "prompt B", with_timbre: 4, neutral: 6 };
        assert_eq!(material.check(), Err(sides));
    }
}
