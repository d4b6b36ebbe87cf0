//! Everything a loaded set gives the ring: the source, its structure, and the prompts, as latents and tokens.
//!
//! A worker prepares a whole [`Material`] (encode, structure hints, text) while the old one plays on; the tick side
//! swaps it in between two ticks. Nothing in it changes afterwards.

use std::sync::Arc;

use super::words;
use crate::latent::LATENT_CHANNELS;

/// One prompt as condition tokens, `[tokens, width]`, twice and equally long: with the source's timbre and without.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// How much it acts beside another one, above 0; 1 where both are to count alike.
    pub weight: f32,
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
    /// The prompts that it begins with, 1 to 8.
    pub prompts: Vec<Prompt>,
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
    /// No prompt, or more than there are places for.
    #[error("{found} prompts, a set has 1 to 8")]
    Prompts {
        /// How many.
        found: usize,
    },
    /// A weight that weighs nothing.
    #[error("{what} weighs nothing")]
    Weight {
        /// Which prompt.
        what: &'static str,
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
        let (width, found) = (self.token_width, self.unconditional.len());
        if found == 0 || width == 0 || !found.is_multiple_of(width) {
            return Err(MaterialError::Tokens { what: "unconditional prompt", found, width });
        }
        words::check(&self.prompts, width)
    }

    /// Numbers of the longest prompt that a row may have, the unconditional one among them.
    #[must_use]
    pub fn longest_prompt(&self) -> usize {
        words::longest(&self.prompts).max(self.unconditional.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Material, MaterialError, Prompt};
    use std::sync::Arc;

    fn material(a: usize, b: usize, unconditional: usize) -> Material {
        let numbers = |count: usize| -> Arc<[f32]> { vec![0.0; count].into() };
        let prompt =
            |tokens: usize| Prompt { weight: 1.0, with_timbre: numbers(2 * tokens), neutral: numbers(2 * tokens) };
        Material {
            frames: 1,
            token_width: 2,
            source: numbers(64),
            hints: numbers(64),
            silence: numbers(64),
            prompts: vec![prompt(a), prompt(b)],
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
        assert_eq!(found(&|it| it.token_width = 0), tokens("unconditional prompt", 2, 0));
        assert_eq!(found(&|it| it.prompts[1].neutral = vec![0.0; 3].into()), tokens("prompt 2", 3, 2));
    }

    #[test]
    fn a_prompt_whose_sides_differ_in_length_is_refused() {
        let mut material = material(2, 2, 1);
        assert_eq!(material.check(), Ok(()));
        material.prompts[1].neutral = vec![0.0; 6].into();
        let sides = MaterialError::Sides { what: "prompt 2", with_timbre: 4, neutral: 6 };
        assert_eq!(material.check(), Err(sides));
    }

    #[test]
    fn a_set_has_one_prompt_to_eight_and_each_weighs_something() {
        let mut material = material(2, 2, 1);
        material.prompts = vec![material.prompts[0].clone(); 9];
        assert_eq!(material.check(), Err(MaterialError::Prompts { found: 9 }));
        material.prompts.truncate(8);
        assert_eq!(material.check(), Ok(()));
        for weight in [0.0, -1.0, f32::NAN] {
            material.prompts[7].weight = weight;
            assert_eq!(material.check(), Err(MaterialError::Weight { what: "prompt 8" }), "{weight}");
        }
        material.prompts.clear();
        assert_eq!(material.check(), Err(MaterialError::Prompts { found: 0 }));
    }
}
