//! Any bytes as a recording: refused in one line, or finite samples within full scale and a whole number of latent frames; and
//! nothing is lost silently. What a second reader (hound, claxon, lewton) plays to its end without a fault, we play as long, or say
//! what is missing.
#![no_main]

use std::io::Cursor;

use appliance::recording::{Fault, Notice, read_source};

/// Seconds at most: a fuzzer learns nothing from more.
const LONGEST_S: f64 = 4.0;
/// Frames of the longest Vorbis packet: lewton gives what its encoder added.
const PACKET: u64 = 8192;

/// Frames and rate that a second reader finds, if it plays the whole file without a fault.
fn second_reader(bytes: &[u8]) -> Option<(u64, u32)> {
    let most = |rate: u32| (LONGEST_S * f64::from(rate)) as u64;
    if bytes.starts_with(b"RIFF") {
        let mut reader = hound::WavReader::new(Cursor::new(bytes)).ok()?;
        let spec = reader.spec();
        let channels = u64::from(spec.channels.max(1));
        let wanted = most(spec.sample_rate) * channels;
        let count = |it: &mut dyn Iterator<Item = bool>| {
            let mut count = 0;
            for whole in it {
                if !whole {
                    return None;
                }
                count += 1;
                if count == wanted {
                    break;
                }
            }
            Some(count)
        };
        let samples = match spec.sample_format {
            hound::SampleFormat::Float => count(&mut reader.samples::<f32>().map(|it| it.is_ok())),
            hound::SampleFormat::Int => count(&mut reader.samples::<i32>().map(|it| it.is_ok())),
        };
        return Some((samples? / channels, spec.sample_rate));
    }
    if bytes.starts_with(b"fLaC") {
        let mut reader = claxon::FlacReader::new(Cursor::new(bytes)).ok()?;
        let rate = reader.streaminfo().sample_rate;
        let (mut frames, mut blocks, mut buffer) = (0, reader.blocks(), Vec::new());
        while frames < most(rate) {
            let Some(block) = blocks.read_next_or_eof(std::mem::take(&mut buffer)).ok()? else { break };
            frames += u64::from(block.duration());
            buffer = block.into_buffer();
        }
        return Some((frames, rate));
    }
    if bytes.starts_with(b"OggS") && headers_are_known(bytes) {
        let mut reader = lewton::inside_ogg::OggStreamReader::new(Cursor::new(bytes)).ok()?;
        let rate = reader.ident_hdr.audio_sample_rate;
        let mut frames = 0;
        while frames < most(rate) {
            let Some(packet) = reader.read_dec_packet().ok()? else { break };
            frames += packet.first().map_or(0, |plane| plane.len() as u64);
        }
        return Some((frames.saturating_sub(PACKET), rate));
    }
    None
}

/// Whether all Vorbis headers are those of the seed: lewton takes as much memory as a header says, be it terabytes for a book of
/// codes.
fn headers_are_known(bytes: &[u8]) -> bool {
    const SEED: &[u8] = include_bytes!("../seeds/recording/small.ogg");
    let places = |within: &[u8], mark: &[u8]| -> Vec<usize> {
        (0..within.len()).filter(|at| within[*at..].starts_with(mark)).collect()
    };
    let (Some(comment), Some(end)) =
        (places(SEED, b"\x03vorbis").first().copied(), places(SEED, b"OggS").get(2).copied())
    else {
        return false;
    };
    let known = places(bytes, &SEED[comment..end]).len();
    known > 0 && [&b"\x03vorbis"[..], b"\x05vorbis"].iter().all(|mark| places(bytes, mark).len() == known)
}

/// Whether a word is about something that is missing, or has another length for a reason.
fn is_loss(notice: &Notice) -> bool {
    !matches!(notice, Notice::TurnedDown { .. } | Notice::Silent | Notice::Fitted { .. } | Notice::SeamBent)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let found = read_source(Cursor::new(bytes.to_vec()), String::new(), LONGEST_S, &mut |_| {});
    match &found {
        Ok(source) => {
            assert!(source.pcm.iter().flatten().all(|sample| sample.abs() <= 1.0));
            assert!(!source.pcm.is_empty() && source.pcm.len() % 1920 == 0);
            assert!(source.notices.iter().all(|it| !it.to_string().contains('\n')));
        }
        Err(fault) => assert!(!fault.to_string().contains('\n'), "{fault}"),
    }
    let Some((frames, rate)) = second_reader(bytes) else { return };
    match &found {
        Ok(source) if source.notices.iter().any(is_loss) => {}
        Ok(source) => {
            let ours = source.origin.frames;
            // A last block that holds less than a frame of all channels is no frame.
            assert!(ours + 1 >= frames, "{ours} of {frames} frames at {rate} Hz, and not a word");
        }
        Err(Fault::Unknown) => panic!("{frames} frames at {rate} Hz are called unknown"),
        Err(_) => {}
    }
});
