//! MIDI files as others write them: rows of bytes, what is heard of them, and what is told. Byte by byte after public reports.
//! midly is the second reader: what it reads, we read alike.

use std::time::Duration;

use midly::{MetaMessage, MidiMessage, Smf, TrackEventKind};
use proptest::prelude::*;

use super::smf::{self, Event};
use super::{Message, Score, ScoreNotice};
use crate::gesture::{Control, Gesture, Motion, Position};

fn bytes(hexed: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexed.chars().filter_map(|it| it.to_digit(16)).map(|it| it as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
    [name, &(body.len() as u32).to_be_bytes(), body].concat()
}

fn head(format: u8, tracks: u8) -> Vec<u8> {
    chunk(b"MThd", &[0, format, 0, tracks, 1, 0xe0])
}

/// One track of 480 ticks a quarter note.
fn file(track: &str) -> Vec<u8> {
    [head(0, 1), chunk(b"MTrk", &bytes(track))].concat()
}

/// Milliseconds and value of every move of control change 1, and what is told.
fn moves(file: &[u8]) -> (Vec<(u128, u8)>, Vec<ScoreNotice>) {
    let score = Score::read(file).expect("a file that can be played");
    let knob = Control::Cc { channel: 1, number: 1 };
    let value = |it: &Gesture| match it.motion {
        Motion::Turned(control, Position::Seven(value)) if control == knob => (it.at.as_millis(), value),
        ref other => panic!("expected a turn of {knob}, found {other:?}"),
    };
    (score.gestures(0).iter().map(value).collect(), score.notices().to_vec())
}

const FOUR: [(u128, u8); 4] = [(0, 10), (500, 40), (1000, 80), (1500, 120)];

#[test]
fn what_other_programs_play_plays_here() {
    let rows = [
        ("running status across a text", "00b0010a00ff0102686983600128836001508360017800ff2f00"),
        ("running status across an exclusive", "00b0010a00f0037e7ff783600128836001508360017800ff2f00"),
        ("real-time bytes with times of their own", "00b0010a8170f88170b0012800fe8360b001508360b0017800ff2f00"),
        ("real-time bytes inside a message", "00b0f801fe0a8360b001f8288360f9b00150"),
        ("a song position, a tune request", "00b0010a00f2010100f683600128836001508360017800ff2f00"),
        ("an exclusive without its length", "00b0010a00f07e7f060102f783600128836001508360017800ff2f00"),
        ("no end mark", "00b0010a836001288360015083600178"),
        ("an end mark, then padding", "00b0010a83600128836001508360017800ff2f0000000000"),
    ];
    for (what, track) in rows {
        let (heard, told) = moves(&file(track));
        if what == "real-time bytes inside a message" {
            // The third byte F9 takes the time with it; what follows it would need one of its own.
            assert_eq!(heard[..2], FOUR[..2], "{what}");
            continue;
        }
        assert_eq!((heard, told), (FOUR.to_vec(), vec![]), "{what}");
    }
    let (heard, told) = moves(&file("00b0010a0afe0ab001280ab0015000ff2f00"));
    assert_eq!((heard, told), (vec![(0, 10), (20, 40), (31, 80)], vec![]));
}

#[test]
fn what_is_clipped_or_left_out_is_told_with_track_and_byte() {
    let (heard, told) = moves(&file("00b0010a8360b001a88360b0015000ff2f00"));
    assert_eq!(heard, vec![(0, 10), (500, 127), (1000, 80)]);
    assert_eq!(told, vec![ScoreNotice::Clipped { track: 1, byte: 30, count: 1 }]);
    assert_eq!(told[0].to_string(), "track 1, byte 30: a value above 127 is taken for 127");

    let (heard, told) = moves(&file("00014000b0010a8360b001288360b001508360b0017800ff2f00"));
    assert_eq!((heard, told), (FOUR.to_vec(), vec![ScoreNotice::NoStatus { track: 1, byte: 23, count: 2 }]));
    // A tempo of nothing, at which all would come at once, and one cut short.
    let (heard, told) = moves(&file("00ff510300000000b0010a8360b0012800ff51020100836001508360017800ff2f00"));
    assert_eq!((heard, told.clone()), (FOUR.to_vec(), vec![ScoreNotice::NoTempo { track: 1, byte: 23, count: 2 }]));
    assert_eq!(told[0].to_string(), "track 1: 2 tempos that are none are left out, the first at byte 23");

    // One byte of data, and several in a row.
    let (heard, told) = moves(&file("000500b0010a8360b001288360b001508360b0017800ff2f00"));
    assert_eq!((heard, told), (FOUR.to_vec(), vec![ScoreNotice::NoStatus { track: 1, byte: 23, count: 1 }]));

    let (heard, told) = moves(&file("00b0010a83600128836001508360017800ff2f0000b00101"));
    assert_eq!((heard, told), (FOUR.to_vec(), vec![ScoreNotice::BehindEnd { track: 1, byte: 42, count: 4 }]));
}

#[test]
fn a_track_that_cannot_be_read_further_leaves_the_others_alone() {
    let whole = chunk(b"MTrk", &bytes("00b0010a83600128836001508360017800ff2f00"));
    let rows = [
        ("a text longer than its track", "00ff017f68", ScoreNotice::Broken { track: 1, byte: 23 }),
        ("a time of too many bytes", "ffffffffff00b00101", ScoreNotice::Broken { track: 1, byte: 22 }),
        ("half a message", "00b001", ScoreNotice::CutOff { track: 1, byte: 25 }),
    ];
    for (what, track, expected) in rows {
        let (heard, told) = moves(&[head(1, 2), chunk(b"MTrk", &bytes(track)), whole.clone()].concat());
        assert_eq!((heard, told), (FOUR.to_vec(), vec![expected]), "{what}");
    }
}

#[test]
fn a_file_that_is_cut_off_plays_as_far_as_it_goes_and_says_so() {
    let whole = file("00b0010a83600128836001508360017800ff2f00");
    for left in 30..whole.len() {
        let (heard, told) = moves(&whole[..left]);
        assert_eq!(heard[..], FOUR[..heard.len()]);
        assert_eq!(told, vec![ScoreNotice::CutOff { track: 1, byte: left }], "{left} bytes");
    }
}

#[test]
fn headers_are_compared_and_not_believed() {
    let track = bytes("00b0010a83600128836001508360017800ff2f00");
    let with_length = |length: u32| [&b"MTrk"[..], &length.to_be_bytes(), &track].concat();
    let shell = |file: &[u8]| {
        let data = [&b"data"[..], &(file.len() as u32).to_le_bytes(), file].concat();
        [&b"RIFF"[..], &(data.len() as u32 + 4).to_le_bytes(), b"RMID", &data].concat()
    };
    let one = file("00b0010a83600128836001508360017800ff2f00");
    let rows = [
        ("a RIFF shell", shell(&one)),
        ("a Macintosh's head", [vec![0; 128], one.clone()].concat()),
        ("too few tracks in the header", [head(1, 0), chunk(b"MTrk", &track)].concat()),
        ("a header of eight bytes", [chunk(b"MThd", &[0, 0, 0, 1, 1, 0xe0, 9, 9]), chunk(b"MTrk", &track)].concat()),
        ("another chunk before", [head(0, 1), chunk(b"XFIH", &[1, 2, 3]), chunk(b"MTrk", &track)].concat()),
        ("rubbish before", [head(0, 1), vec![0xff, 3, 0x80], chunk(b"MTrk", &track)].concat()),
        ("a length that is too short", [head(0, 1), with_length(5)].concat()),
        ("a length past the end, all of it there", [head(0, 1), with_length(4000)].concat()),
    ];
    for (what, file) in rows {
        assert_eq!(moves(&file), (FOUR.to_vec(), vec![]), "{what}");
    }
    let (heard, told) = moves(&[head(1, 3), chunk(b"MTrk", &track)].concat());
    assert_eq!((heard, told), (FOUR.to_vec(), vec![ScoreNotice::TracksMissing { found: 1, said: 3 }]));
    // A wrong length in front does not cost the track behind.
    let empty = [&b"MTrk"[..], &9u32.to_be_bytes(), &bytes("00ff2f00")].concat();
    assert_eq!(moves(&[head(1, 2), empty, chunk(b"MTrk", &track)].concat()), (FOUR.to_vec(), vec![]));
}

#[test]
fn what_lies_behind_a_track_plays_nothing_and_is_told_unless_it_is_padding() {
    let whole = [head(0, 1), chunk(b"MTrk", &bytes("00b0010a836001288360015083600178"))].concat();
    let with = |rest: &[u8]| moves(&[&whole[..], rest].concat());
    assert_eq!(with(&[0; 6]), (FOUR.to_vec(), vec![]));
    let told = vec![ScoreNotice::BehindEnd { track: 1, byte: whole.len(), count: 6 }];
    assert_eq!(with(&[0, 1, 0, 2, 0, 3]), (FOUR.to_vec(), told), "which running status would make three moves of");
}

#[test]
fn pairs_and_parameter_numbers_are_heard_in_files_as_on_wires() {
    let gestures = |track: &str, paired: u32| -> Vec<(u128, Motion)> {
        let score = Score::read(&file(track)).expect("a file that can be played");
        score.gestures(paired).into_iter().map(|it| (it.at.as_millis(), it.motion)).collect()
    };
    let turned = |control, place| Motion::Turned(control, Position::Fourteen(place));
    let (knob, nrpn) = (Control::Cc { channel: 1, number: 1 }, Control::Nrpn { channel: 1, number: 10 });
    for (track, low) in [("00b0014000b0210000ff2f00", 0), ("00b0014000b0217f00ff2f00", 127)] {
        assert_eq!(gestures(track, 1 << 1), vec![(0, turned(knob, 64 << 7 | low))]);
    }
    // Halves that are alone: the first, the only one, the last; 20 ms after they came, when it is known.
    assert_eq!(gestures("00b0014000ff2f00", 1 << 1), vec![(20, turned(knob, 64 << 7))]);
    let two = vec![(20, turned(knob, 64 << 7)), (500, turned(knob, 65 << 7))];
    assert_eq!(gestures("00b001408360b0014100ff2f00", 1 << 1), two);
    assert_eq!(gestures("00b0630000620a00065000ff2f00", 0), vec![(20, turned(nrpn, 80 << 7))]);
    let row = "00b0630000620a0006010006020006038360630000620a00065000ff2f00";
    let places = gestures(row, 0).into_iter().map(|(_, motion)| motion).collect::<Vec<_>>();
    assert_eq!(places, [1, 2, 3, 80].map(|high| turned(nrpn, high << 7)));
}

#[test]
fn smpte_of_29_frames_is_drop_frame() {
    let bytes = [chunk(b"MThd", &[0, 0, 0, 1, 0xe3, 100]), chunk(b"MTrk", &bytes("9738b0010a00ff2f00"))].concat();
    let score = Score::read(&bytes).expect("a file that can be played");
    assert_eq!(score.length(), Duration::from_nanos(1_001_000_000));
}

/// What midly hears of a file: the ticks and messages of each track.
fn second_reader(bytes: &[u8]) -> Option<Vec<Vec<(u64, Event)>>> {
    let smf = Smf::parse(bytes).ok()?;
    let track = |track: &midly::Track<'_>| {
        let mut ticks = 0;
        let heard = track.iter().filter_map(|event| {
            ticks += u64::from(event.delta.as_int());
            Some((ticks, heard(&event.kind)?))
        });
        heard.collect()
    };
    Some(smf.tracks.iter().map(track).collect())
}

fn heard(kind: &TrackEventKind<'_>) -> Option<Event> {
    let TrackEventKind::Midi { channel, message } = *kind else {
        return match kind {
            TrackEventKind::Meta(MetaMessage::Tempo(us)) => Some(Event::Tempo(us.as_int())),
            _ => None,
        };
    };
    let channel = channel.as_int();
    Some(Event::Message(match message {
        MidiMessage::NoteOn { key, vel } if vel.as_int() == 0 => Message::NoteOff { channel, note: key.as_int() },
        MidiMessage::NoteOn { key, vel } => Message::NoteOn { channel, note: key.as_int(), velocity: vel.as_int() },
        MidiMessage::NoteOff { key, .. } => Message::NoteOff { channel, note: key.as_int() },
        MidiMessage::Controller { controller, value } => {
            Message::Cc { channel, number: controller.as_int(), value: value.as_int() }
        }
        MidiMessage::ProgramChange { program } => Message::Program { channel, number: program.as_int() },
        MidiMessage::ChannelAftertouch { vel } => Message::Pressure { channel, value: vel.as_int() },
        MidiMessage::PitchBend { bend } => Message::Bend { channel, value: bend.0.as_int() },
        MidiMessage::Aftertouch { key, vel } => {
            Message::PolyPressure { channel, note: key.as_int(), value: vel.as_int() }
        }
    }))
}

/// An event as a sequencer writes it, with its time: a status always, or a running one.
fn written() -> impl Strategy<Value = Vec<u8>> {
    let delta = (0u8..4, 0u8..128).prop_map(|(high, low)| if high > 0 { vec![0x80 | high, low] } else { vec![low] });
    let event = prop_oneof![
        (0x80u8..0xc0, 0u8..128, 0u8..128).prop_map(|(status, a, b)| vec![status, a, b]),
        (0xc0u8..0xe0, 0u8..128).prop_map(|(status, a)| vec![status, a]),
        (0xe0u8..0xf0, 0u8..128, 0u8..128).prop_map(|(status, a, b)| vec![status, a, b]),
        (1u8..8, 0u8..8)
            .prop_map(|(kind, length)| [vec![0xff, kind, length], vec![b'x'; usize::from(length)]].concat()),
        (0u8..16).prop_map(|us| vec![0xff, 0x51, 3, us, 0x42, 0x40]),
        (0u8..8).prop_map(|length| [vec![0xf0, length + 1], vec![5; usize::from(length)], vec![0xf7]].concat()),
    ];
    (delta, event).prop_map(|(delta, event)| [delta, event].concat())
}

proptest! {
    #[test]
    fn what_midly_reads_we_read_alike(tracks in prop::collection::vec(prop::collection::vec(written(), 0..30), 1..4)) {
        let mut file = head(1, tracks.len() as u8);
        for track in tracks {
            file.extend(chunk(b"MTrk", &[track.concat(), vec![0, 0xff, 0x2f, 0]].concat()));
        }
        let ours = smf::read(&file).expect("a file that can be played");
        prop_assert_eq!(&ours.notices, &vec![]);
        let ours: Vec<Vec<_>> = ours
            .tracks
            .into_iter()
            .map(|track| track.into_iter().filter(|(_, event)| *event != Event::Nothing).collect())
            .collect();
        prop_assert_eq!(second_reader(&file).expect("it is as the standard wants it"), ours);
    }

    #[test]
    fn any_bytes_are_read_or_refused_in_one_line(track in prop::collection::vec(any::<u8>(), 0..300)) {
        let score = Score::read(&[head(0, 1), chunk(b"MTrk", &track)].concat()).expect("a header and a track");
        prop_assert!(score.messages().windows(2).all(|pair| pair[0].0 <= pair[1].0));
        prop_assert!(score.notices().iter().all(|it| !it.to_string().contains('\n')));
        let gestures = score.gestures(0);
        prop_assert!(gestures.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }
}
