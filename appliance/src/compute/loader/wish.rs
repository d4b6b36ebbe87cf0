//! What a worker is asked for, and what it hands out.

use std::sync::Arc;

use engine::live::{DecodeSet, Load, Material, Words};
use engine::playback::{Berth, Berthed, Tape};

use super::heard::Heard;
use crate::settings::model_settings::ModelSettings;
use crate::settings::patch::{Sources, Spoken};

/// All that is to be played, whatever of it plays already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// The recordings.
    pub sources: Sources,
    /// The words.
    pub words: Vec<Spoken>,
}

/// What plays, as far as a worker builds on it.
#[derive(Debug)]
pub struct Base {
    /// The set.
    pub material: Arc<Material>,
    /// The latent that timbre is taken from, `[frames, 64]`.
    pub timbre: Arc<[f32]>,
    /// The recordings that it is made of.
    pub sources: Sources,
    /// Length of the recording, which the model is told.
    pub seconds: f64,
    /// Condition tokens that the network has room for.
    pub room: usize,
}

/// What was prepared, before its tape has a place at the player.
pub(super) type Prepared = Ready<Tape>;

impl Prepared {
    /// The same, its tape where the player takes it.
    ///
    /// # Errors
    /// In words, when the player has no place for it.
    pub fn berthed(self, berth: &Berth) -> Result<Ready, String> {
        match self {
            Self::Words { words, spoken } => Ok(Ready::Words { words, spoken }),
            Self::Set(set) => {
                let ReadySet { load, decode, tape, recording, wish, settings, refused, base } = *set;
                let tape = berth.bring(tape, 0).map_err(|it| it.to_string())?;
                Ok(Ready::Set(Box::new(ReadySet { load, decode, tape, recording, wish, settings, refused, base })))
            }
        }
    }
}

/// What was prepared; its tape as it stands at the player, or by itself.
pub enum Ready<T = Berthed> {
    /// Other words for the set that plays.
    Words {
        /// To be handed to the tick side.
        words: Box<Words>,
        /// What was read.
        spoken: Vec<Spoken>,
    },
    /// Another set.
    Set(Box<ReadySet<T>>),
}

/// Another set, for all three sides.
pub struct ReadySet<T = Berthed> {
    /// For the tick side.
    pub load: Box<Load>,
    /// For the decode side.
    pub decode: Box<DecodeSet>,
    /// For the player.
    pub tape: T,
    /// What it plays on.
    pub recording: Arc<Heard>,
    /// What was asked for; on the model that plays where the other one cannot be had.
    pub wish: Wish,
    /// What another model says of its knobs and its words, where one plays.
    pub settings: Option<ModelSettings>,
    /// Why the model that was asked for is not among it.
    pub refused: Option<String>,
    /// What plays once it was taken over.
    pub(super) base: Base,
}
