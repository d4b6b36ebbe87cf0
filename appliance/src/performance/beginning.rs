//! How a performance begins: as its patch is written, or where the last one was.

use std::f64::consts::LOG2_10;

use engine::latent::StereoFrame;
use engine::param::ParamId;
use engine::playback::{LoopBand, Transport};
use hal::audio::Ask;

use crate::control::desk::Desk;
use crate::settings::last_state::LastState;
use crate::settings::patch::Patch;

/// Gains that differ by less, as a part of the larger, are the same: that much comes of reckoning in decibel, and nobody hears it.
const SAME_GAIN: f32 = 1e-5;

/// How a performance begins.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// What the sound device is asked, by whoever plays.
    pub ask: Ask,
    /// Whether it begins without a sound, until a hand says otherwise.
    pub muted: bool,
    /// Where the last performance was.
    pub last: Option<Last>,
    /// What the tape had become; the recording where nothing is known of it.
    pub tape: Option<Vec<StereoFrame>>,
}

/// Where the last performance was.
#[derive(Clone, Debug)]
pub struct Last {
    /// All of it.
    pub state: LastState,
    /// The patch of the set list that it had gone to.
    pub patch: Option<Patch>,
}

impl Beginning {
    /// Where a tape of so many stereo samples begins to be played.
    #[must_use]
    pub fn position(&self, tape_frames: usize) -> usize {
        let last = self.last.as_ref().and_then(|it| usize::try_from(it.state.position).ok());
        last.filter(|it| *it < tape_frames).unwrap_or(0)
    }
}

/// What is heard of a player that plays already is not changed by an engine that comes: level and loop are what its desk says from now on.
/// Its mute is the player's own word.
pub fn adopt(desk: &mut Desk, transport: &Transport) {
    let known = desk.store().values().gain();
    let gain = transport.gain();
    if gain.is_finite() && SAME_GAIN * known.max(gain) < (known - gain).abs() {
        let decibel = if gain > 0.0 { f64::from(gain).log2() / LOG2_10 * 20.0 } else { f64::NEG_INFINITY };
        desk.adopt(ParamId::GainDb, decibel);
    }
    let (frames, band) = (transport.tape_frames(), transport.band());
    let values = desk.store().values();
    if LoopBand::from_faders(values.get(ParamId::LoopStart), values.get(ParamId::LoopEnd), frames) != band {
        let fader = |place: usize| place as f64 / frames as f64;
        desk.adopt(ParamId::LoopStart, fader(band.start()));
        desk.adopt(ParamId::LoopEnd, fader(band.end()));
    }
}

#[cfg(test)]
#[path = "beginning_tests.rs"]
mod tests;
