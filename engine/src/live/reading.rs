//! Reads words: prompts become condition tokens. For a start, and for a worker while the old words play.

use super::material::Prompt;
use super::stage::StageProgress;
use crate::model::{self, Model, ModelError, Task};

/// A prompt as somebody says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// What is told to the model.
    pub prompt: model::Prompt,
    /// How much it acts beside another one, above 0.
    pub weight: f32,
}

impl From<model::Prompt> for Said {
    fn from(prompt: model::Prompt) -> Self {
        Self { prompt, weight: 1.0 }
    }
}

/// Why words were not read. What was playing plays on.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The model cannot read one of them.
    #[error("prompt {place}: {error}")]
    Model {
        /// Which, from 1.
        place: usize,
        /// Why.
        error: ModelError,
    },
    /// Somebody wants other words by now.
    #[error("other words are wanted by now")]
    Stopped,
}

/// Reads prompts, each with the timbre of `source` (a latent, `[frames, 64]`) and without. The same words are read once and share
/// their tokens, so that a blend between them is none. `stops` is asked before each.
///
/// # Errors
/// [`Unread`].
pub fn read(
    model: &Model,
    said: &[Said],
    source: &[f32],
    progress: &mut dyn FnMut(StageProgress),
    stops: &dyn Fn() -> bool,
) -> Result<Vec<Prompt>, Unread> {
    let mut read: Vec<Prompt> = Vec::with_capacity(said.len());
    for (place, Said { prompt, weight }) in said.iter().enumerate() {
        if stops() {
            return Err(Unread::Stopped);
        }
        progress(StageProgress { stage: "reading the prompts", done: place, total: said.len() });
        let same = said[..place].iter().position(|it| it.prompt == *prompt);
        read.push(match same {
            Some(same) => Prompt { weight: *weight, ..read[same].clone() },
            None => {
                let tokens = model.conditions(prompt, Task::Cover, [Some(source), None]);
                let [with_timbre, neutral] = tokens.map_err(|error| Unread::Model { place: place + 1, error })?;
                Prompt { weight: *weight, with_timbre: with_timbre.into(), neutral: neutral.into() }
            }
        });
    }
    progress(StageProgress { stage: "reading the prompts", done: said.len(), total: said.len() });
    Ok(read)
}
