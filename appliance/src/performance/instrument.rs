//! The instrument put together: deck, performer, patcher and conductor, joined by their queues.
//!
//! `demon run` gives each part a thread, `demon render` steps them all on one; how they are joined is the same and stands
//! here once.

use std::sync::Arc;

use engine::live::{Original, Patcher, Performer, SetReceiver, TickSide, ValuesReader, relay, set_queue};
use engine::param::{PARAMS, edge_queue};
use engine::playback::{DeckSize, Lead, Packer, Player, Tape, Transport, Walk, deck_with_tee};

use crate::compute::set::Set;
use crate::performance::beginning::{Beginning, Last};
use crate::performance::conductor::{Conductor, EngineLinks};
use crate::performance::loading::Loading;

/// Edges that can wait for the tick side.
const EDGES: usize = 64;
// All curves of a patch wait there together.
const _: () = assert!(PARAMS <= EDGES);

/// The parts, ready to be moved to where they run.
pub struct Instrument {
    /// The audio side.
    pub player: Player,
    /// All the others.
    pub engine: EngineParts,
}

/// The parts but for the player, which may be another process's.
pub struct EngineParts {
    /// The tick side.
    pub ticks: TickSide,
    /// The decode side.
    pub patcher: Patcher,
    /// The decode side's values.
    pub values: ValuesReader,
    /// Sets that the decode side takes over.
    pub sets: SetReceiver,
    /// The slow hand.
    pub conductor: Conductor,
    /// What is prepared while it plays.
    pub loading: Loading,
}

impl Instrument {
    /// Joins the parts of a set; windows land as `lead` says.
    ///
    /// # Errors
    /// When the recording cannot be a tape.
    pub fn new(set: Set, lead: Lead) -> anyhow::Result<Self> {
        Self::begin(set, lead, Beginning::default())
    }

    /// As [`Self::new`], where the last performance was.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn begin(set: Set, lead: Lead, beginning: Beginning) -> anyhow::Result<Self> {
        let (player, packer, mut transport) = deck_with_tee(Tape::new(&set.tape)?, DeckSize::default());
        transport.set_muted(beginning.muted);
        match beginning.position(transport.tape_frames()) {
            0 => {}
            position => transport.seek(position)?,
        }
        Ok(Self { player, engine: EngineParts::new(set, lead, packer, transport, beginning.last, false) })
    }
}

impl EngineParts {
    /// Joins the parts of a set to a player, where the `last` performance was; one that `plays` already goes on as it is heard.
    #[must_use]
    pub fn new(set: Set, lead: Lead, packer: Packer, transport: Transport, last: Option<Last>, plays: bool) -> Self {
        let frames = set.material.frames;
        // The patcher sets the window's length before its first plan.
        let walk = Walk::new(transport.tape(), frames, 1);
        let original = Original::new(Arc::clone(&set.material.source), set.tape);
        let patcher = Patcher::new(set.stage.decoder, set.stage.latents, packer, walk, lead).on(original);
        let (edge_sender, edges) = edge_queue(EDGES);
        let (decode_values, values) = relay();
        let (set_sender, sets) = set_queue();
        let engine = EngineLinks { edges: edge_sender, decode_values, sets: set_sender, transport };
        let (mut conductor, snapshots) = Conductor::begin(&set.patch, frames, engine, last, plays);
        conductor.play_by(set.instrument);
        let ticks = TickSide::new(Performer::new(set.stage.load), snapshots, edges);
        let mut loader = set.loader;
        loader.set_berth(conductor.berth());
        let loading = Loading::new(loader, set.patch.words());
        Self { ticks, patcher, values, sets, conductor, loading }
    }
}
