//! Any bytes as a Standard MIDI File: refused in words, or gestures in the order of their times; and nothing is lost silently. What
//! midly reads without a fault, we read alike, or say what is missing.
#![no_main]

use hal::midi::{Score, ScoreFault};
use midly::{Smf, TrackEventKind};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // midly negates this byte before it looks at it; the one that has no negative would be its panic.
    let odd = bytes.windows(13).any(|header| header.starts_with(b"MThd") && header[12] == 0x80);
    let theirs = if odd { None } else { Smf::parse(bytes).ok() };
    let theirs = theirs.filter(|it| !it.tracks.is_empty()).map(|it| {
        let messages = it.tracks.iter().flatten().filter(|event| matches!(event.kind, TrackEventKind::Midi { .. }));
        messages.count()
    });
    match Score::read(bytes) {
        Ok(score) => {
            assert!(score.messages().windows(2).all(|pair| pair[0].0 <= pair[1].0));
            assert!(score.messages().last().is_none_or(|last| last.0 <= score.length()));
            let gestures = score.gestures(u32::MAX);
            assert!(gestures.windows(2).all(|pair| pair[0].at <= pair[1].at));
            assert!(score.notices().iter().all(|it| !it.to_string().contains('\n')));
            if let Some(theirs) = theirs.filter(|_| score.notices().is_empty()) {
                assert_eq!(score.messages().len(), theirs, "and not a word");
            }
        }
        Err(fault) => {
            assert!(!fault.to_string().contains('\n'));
            if let ScoreFault::Unreadable(words) = fault {
                assert!(theirs.is_none(), "midly reads it: {words}");
            }
        }
    }
});
