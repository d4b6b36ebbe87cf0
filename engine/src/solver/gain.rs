//! Channel gains: loudness of single latent channels at the network's input.
//!
//! Only the input is scaled, never the state, so a gain does not pile up over the steps.

use super::curve::Curve;

/// Gain of channels `first..=last`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelGain {
    /// First channel.
    pub first: usize,
    /// Last channel, included.
    pub last: usize,
    /// The factor; 1 leaves the channels as they are.
    pub gain: Curve,
}

/// Whether the list changes anything.
#[must_use]
pub fn is_neutral(gains: &[ChannelGain]) -> bool {
    gains.iter().all(|it| it.gain == Curve::Scalar(1.0))
}

/// Writes the gain of every channel of one frame. Gains are assigned, not multiplied: the last entry of a channel wins.
pub fn frame_gains(gains: &[ChannelGain], frame: usize, frames: usize, out: &mut [f32]) {
    out.fill(1.0);
    for range in gains {
        let end = (range.last.saturating_add(1)).min(out.len());
        if range.first < end {
            out[range.first..end].fill(range.gain.at(frame, frames));
        }
    }
}

/// `out = x * gain` over a whole latent of `CHANNELS` channels.
pub fn apply<const CHANNELS: usize>(gains: &[ChannelGain], x: &[f32], out: &mut [f32]) {
    let frames = x.len() / CHANNELS;
    let mut gain = [1.0; CHANNELS];
    let rows = x.chunks_exact(CHANNELS).zip(out.chunks_exact_mut(CHANNELS));
    for (frame, (x, out)) in rows.enumerate() {
        frame_gains(gains, frame, frames, &mut gain);
        for ((out, &x), &gain) in out.iter_mut().zip(x).zip(&gain) {
            *out = x * gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChannelGain, frame_gains};

    #[test]
    fn the_last_range_of_a_channel_wins_and_ranges_beyond_the_last_channel_are_cut() {
        let range = |first, last, gain: f32| ChannelGain { first, last, gain: gain.into() };
        let mut gain = [0.0; 4];
        frame_gains(&[range(0, 2, 2.0), range(2, 9, 0.5), range(7, 8, 9.0)], 0, 1, &mut gain);
        assert_eq!(gain, [2.0, 2.0, 0.5, 0.5]);
    }
}
