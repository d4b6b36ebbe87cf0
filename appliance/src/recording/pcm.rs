//! Sound in blocks of one size: plain samples, logarithmic ones, and ADPCM, whatever container they stand in.
//!
//! A container says a [`Layout`] and where the bytes lie; the decoding is symphonia's. Bytes that do not fill a last block are
//! no sound. Containers of this kind say how long they are in a header that is often wrong, so here only bytes count; what
//! the header says is compared by whoever read it.

use std::io::{self, Read};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::bytes::Bytes;
use super::fold::Fold;
use super::guarded;
use super::take::Take;
use super::{Fault, Notice, packets};

/// Bytes decoded at once, before rounding to whole blocks.
const AT_ONCE: usize = 1 << 15;

/// How the bytes are to be read.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub codec: AudioCodecId,
    pub fold: Fold,
    pub rate_hz: u32,
    /// Bytes of a block: one frame of plain samples.
    pub block: usize,
    /// Frames of a block.
    pub frames: usize,
}

impl Layout {
    /// Frames that so many bytes hold.
    pub fn frames_in(&self, bytes: u64) -> u64 {
        bytes / self.block as u64 * self.frames as u64
    }
}

/// Plays the bytes; answers how many frames they held. No more than `most` are played: a last block may be filled up.
pub(super) fn play(take: &mut Take<'_>, mut bytes: Bytes, layout: &Layout, most: u64) -> Result<u64, Fault> {
    let mut params = AudioCodecParameters::new();
    let at_once = (AT_ONCE / layout.block).max(1);
    params
        .for_codec(layout.codec)
        .with_sample_rate(layout.rate_hz)
        // The places of the channels are the fold's; the decoder only needs to know how many there are.
        .with_channels(Channels::Discrete(layout.fold.channels() as u16))
        .with_max_frames_per_packet((at_once * layout.frames) as u64)
        .with_frames_per_block(layout.frames as u64);
    let Some(mut decoder) = guarded::decoder(&params, &AudioDecoderOptions::default()) else {
        let channels = layout.fold.channels();
        return Err(Fault::Unsupported(format!(
            "sound coded in blocks of {} bytes for {channels} channels",
            layout.block
        )));
    };
    take.coded_in(decoder.codec_info().short_name);
    let (mut block, mut interleaved) = (vec![0; at_once * layout.block], Vec::new());
    let mut played = 0;
    while !take.is_full() && played < most {
        let filled = match fill(&mut bytes, &mut block) {
            Ok(filled) => filled,
            Err(error) if take.is_empty() => return Err(error.into()),
            Err(error) => {
                take.note(Notice::Unreadable { at_s: take.at_s(), why: error.to_string() });
                break;
            }
        };
        let whole = filled - filled % layout.block;
        if whole == 0 {
            break;
        }
        let frames = layout.frames_in(whole as u64);
        let wanted = frames.min(most - played);
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::from(frames), &block[..whole]);
        match packets::decoded(&mut *decoder, &packet) {
            Some(buffer) => {
                buffer.copy_to_vec_interleaved(&mut interleaved);
                interleaved.truncate(wanted as usize * layout.fold.channels());
                take.sound(&interleaved, layout.rate_hz, &layout.fold)?;
            }
            None => take.damaged(wanted, layout.rate_hz),
        }
        played += wanted;
    }
    Ok(played)
}

/// As many bytes as there are, up to the block's length.
fn fill(bytes: &mut Bytes, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match bytes.read(&mut block[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
