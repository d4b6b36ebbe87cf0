//! What a worker is asked for, and what it hands out.

use std::sync::Arc;

use engine::live::{DecodeSet, Load, Material, Words};
use engine::playback::Berthed;

use super::heard::Heard;
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

/// What was prepared.
pub enum Ready {
    /// Other words for the set that plays.
    Words {
        /// To be handed to the tick side.
        words: Box<Words>,
        /// What was read.
        spoken: Vec<Spoken>,
    },
    /// Another set.
    Set(Box<ReadySet>),
}

/// Another set, for all three sides.
pub struct ReadySet {
    /// For the tick side.
    pub load: Box<Load>,
    /// For the decode side.
    pub decode: Box<DecodeSet>,
    /// For the player.
    pub tape: Berthed,
    /// What it plays on.
    pub recording: Arc<Heard>,
    /// What was asked for.
    pub wish: Wish,
    /// What plays once it was taken over.
    pub(super) base: Base,
}
