//! M4A and packed CAF, by symphonia's demultiplexers.
//!
//! A demultiplexer may stop without saying so. What it gave is therefore compared with what the file promises, and places
//! where its times jump are gaps. Where sound is left that nobody reads, that is said.

use std::ops::Range;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::bytes::Glance;
use super::fold::Fold;
use super::guarded::{self, guarded};
use super::take::Take;
use super::{Fault, Notice, gaps, packets};

/// Damaged packets in a row after which nothing more is to be hoped for.
const MOST_DAMAGED: u64 = 1000;
const HEADERS: &str = "its headers cannot be understood, or are cut off";

/// Plays a file of `kind` that begins at `from`: all the rest belongs to it.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64, kind: &'static str) -> Result<u64, Fault> {
    let broken = |why: &str| Fault::Broken { kind, why: why.to_owned() };
    let length = glance.length();
    let bytes = Box::new(glance.part(from, length));
    let stream = MediaSourceStream::new(bytes, MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    hint.with_extension(match kind {
        "CAF" => "caf",
        _ => "m4a",
    });
    let probe = symphonia::default::get_probe();
    let probed = guarded(|| probe.probe(&hint, stream, FormatOptions::default(), MetadataOptions::default()));
    let mut format = match probed {
        Some(Ok(format)) => format,
        Some(Err(Error::IoError(error))) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            return Err(Fault::Unreadable(error));
        }
        _ => return Err(broken(HEADERS)),
    };
    let tracks: Vec<&Track> =
        format.tracks().iter().filter(|it| matches!(it.codec_params, Some(CodecParameters::Audio(_)))).collect();
    let default = format.default_track(TrackType::Audio).map(|it| it.id);
    let Some(track) = tracks.iter().find(|it| Some(it.id) == default).or(tracks.first()) else {
        return Err(Fault::NoTrack(if kind == "M4A" { "an M4A or MP4" } else { "a CAF" }));
    };
    if tracks.len() > 1 {
        let what = format!("{} more tracks of sound", tracks.len() - 1);
        take.note(Notice::LeftOut { what, at_s: take.at_s() });
    }
    let Some(CodecParameters::Audio(params)) = &track.codec_params else { return Err(broken("it says no codec")) };
    let options = AudioDecoderOptions::default();
    let decoder = guarded::decoder(params, &options)
        .ok_or_else(|| Fault::Unsupported(format!("{} with sound of another codec", article(kind))))?;
    take.coded_in(decoder.codec_info().short_name);
    let rate_hz = params.sample_rate.unwrap_or(0);
    let promised = track.num_frames.unwrap_or(0);
    let id = track.id;
    let sound = if kind == "M4A" { gaps::sound(glance, from, rate_hz)? } else { None };
    take.promises(sound.map_or(promised, |it| it.frames), rate_hz);
    let mut packets = Packets {
        id,
        skip: sound.map_or(0, |it| it.skip),
        left: sound.map_or(u64::MAX, |it| it.frames),
        longest: 1,
        gave_up: false,
    };
    let played = packets.play(take, &mut *format, decoder)?;
    if take.is_empty() && packets.gave_up {
        return Err(broken(HEADERS));
    }
    // Counts are often rounded up to whole packets: less than one is no loss.
    let promised = promised.max(sound.map_or(0, |it| it.skip + it.frames));
    if promised >= played + packets.longest {
        take.ends_early(played, promised, rate_hz);
    } else if kind == "M4A" && !take.is_full() && gaps::is_cut_off(glance, from)? {
        take.note(Notice::BreaksOff { at_s: take.at_s() });
    }
    Ok(length)
}

fn article(kind: &str) -> String {
    if kind == "CAF" { "a CAF file".to_owned() } else { format!("an {kind} file") }
}

/// The packets of a track.
struct Packets {
    id: u32,
    /// Frames still to be left out, and then to be played.
    skip: u64,
    left: u64,
    /// Frames of the longest packet.
    longest: u64,
    /// The demultiplexer panicked.
    gave_up: bool,
}

impl Packets {
    /// Plays them; answers how many frames were coded.
    fn play(
        &mut self,
        take: &mut Take<'_>,
        format: &mut dyn FormatReader,
        mut decoder: Box<dyn AudioDecoder>,
    ) -> Result<u64, Fault> {
        let (mut played, mut in_a_row, mut interleaved) = (0, 0, Vec::new());
        while !take.is_full() && in_a_row < MOST_DAMAGED {
            let Some(next) = guarded(|| format.next_packet()) else {
                self.gave_up = true;
                if !take.is_empty() {
                    take.note(Notice::Unreadable {
                        at_s: take.at_s(),
                        why: "its index cannot be understood".to_owned(),
                    });
                }
                break;
            };
            let packet = match next {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(Error::IoError(error)) if !take.is_empty() => {
                    take.note(Notice::Unreadable { at_s: take.at_s(), why: error.to_string() });
                    break;
                }
                Err(Error::IoError(error)) => return Err(error.into()),
                // What a demultiplexer does not understand may be followed by what it does; else it says so again.
                Err(_) => {
                    in_a_row += 1;
                    continue;
                }
            };
            if packet.track_id != self.id {
                continue;
            }
            let frames = packet.dur.get();
            self.longest = self.longest.max(frames);
            match packets::decoded(&mut *decoder, &packet.as_packet_ref()) {
                Some(buffer) => {
                    in_a_row = 0;
                    self.longest = self.longest.max(buffer.frames() as u64);
                    played += buffer.frames() as u64;
                    buffer.copy_to_vec_interleaved(&mut interleaved);
                    let (rate_hz, fold) = (buffer.spec().rate(), Fold::of(buffer.spec().channels()));
                    let kept = self.keep(buffer.frames() as u64);
                    let channels = fold.channels();
                    take.sound(&interleaved[kept.start * channels..kept.end * channels], rate_hz, &fold)?;
                }
                None => {
                    in_a_row += 1;
                    let rate_hz = decoder.codec_params().sample_rate.unwrap_or(0);
                    let kept = self.keep(frames);
                    take.damaged(kept.len() as u64, rate_hz);
                    played += frames;
                }
            }
        }
        Ok(played)
    }

    /// Which of the next frames are sound.
    fn keep(&mut self, frames: u64) -> Range<usize> {
        let start = self.skip.min(frames);
        self.skip -= start;
        let kept = (frames - start).min(self.left);
        self.left -= kept;
        start as usize..(start + kept) as usize
    }
}
