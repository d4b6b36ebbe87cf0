//! Bytes to planes of samples: what stands in the file is played, thing by thing, up to its last byte.
//!
//! A reader of one kind answers where it stopped. Whatever is left there is looked at again: a tag is stepped over, another
//! recording is played too, and anything else is told with its place. So no reader can stop early without its being known.

use super::bytes::{Bytes, Glance, Readable};
use super::sniff::{self, Kind};
use super::take::{Recording, Take};
use super::{Fault, Notice, Progress};
use super::{adts, aiff, boxed, caf, flac, mpeg, ogg, wave};

/// Decodes at most `longest_s` seconds.
pub(super) fn decode<R: Readable + 'static>(
    bytes: R,
    longest_s: f64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Recording, Fault> {
    let mut glance = Glance::new(Bytes::new(bytes)?);
    if glance.length() == 0 {
        return Err(Fault::Empty);
    }
    let mut take = Take::new(longest_s, progress);
    let mut at = sniff::behind_tags(&mut glance, 0)?;
    let mut known = false;
    while at < glance.length() && !take.is_full() {
        let begun = take.is_empty();
        let kind = if begun { sniff::sniff(&mut glance, at)? } else { sniff::follows(&mut glance, at)? };
        let Some(kind) = kind else {
            // Of a recording without one sound part more is to be said than that it is none.
            if begun && !known {
                return Err(Fault::Unknown);
            }
            let next = sniff::next_marked(&mut glance, at)?;
            if !glance.is_blank(at, next)? {
                take.foreign(next - at);
            }
            at = next;
            continue;
        };
        known = true;
        let end = match play(&mut take, &mut glance, at, kind) {
            Ok(end) => end,
            Err(Fault::Unreadable(error)) if !begun => {
                take.note(Notice::Unreadable { at_s: take.at_s(), why: error.to_string() });
                break;
            }
            Err(fault) if !begun => {
                take.note(Notice::LeftOut { what: fault.to_string(), at_s: take.at_s() });
                break;
            }
            Err(fault) => return Err(fault),
        };
        at = sniff::behind_tags(&mut glance, end.max(at + 1))?;
    }
    take.finish()
}

/// Plays the thing at `at`; answers where it ends.
fn play(take: &mut Take<'_>, glance: &mut Glance, at: u64, kind: Kind) -> Result<u64, Fault> {
    match kind {
        Kind::Wave | Kind::Wave64 => wave::play(take, glance, at),
        Kind::Aiff => aiff::play(take, glance, at),
        Kind::Au => aiff::play_au(take, glance, at),
        Kind::Flac => flac::play(take, glance, at),
        Kind::Ogg => ogg::play(take, glance, at),
        Kind::Mpeg(first) => {
            if first > at && !glance.is_blank(at, first)? {
                take.foreign(first - at);
            }
            mpeg::play(take, glance, first)
        }
        Kind::Adts => adts::play(take, glance, at),
        Kind::Boxed("CAF") => caf::play(take, glance, at),
        Kind::Boxed(kind) => boxed::play(take, glance, at, kind),
        Kind::Other(name) => Err(Fault::Unsupported(name.to_owned())),
    }
}
