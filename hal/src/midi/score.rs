//! A Standard MIDI File as a surface: the performance of another day, or one written in a sequencer.
//!
//! Formats 0 and 1, with tempo map or SMPTE time. All tracks are played at once, in the file's order where times are
//! equal, so that a file always plays to the same gestures at the same nanosecond. Notes and controls only: what else a
//! file holds (text, exclusives) is passed over. A file that cannot be played says why, and never panics.

use std::collections::VecDeque;
use std::time::Duration;

use midly::{Format, MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use super::{Listener, Message};
use crate::gesture::{Clock, Gesture, Surface, SurfaceError, SurfaceId};

/// Tempo before a file says otherwise: 120 quarter notes a minute, in microseconds a quarter.
const USUAL_TEMPO_US: u64 = 500_000;

/// Why a file is no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreFault {
    /// Not a Standard MIDI File, or a broken one.
    #[error("not a Standard MIDI File that can be read: {0}")]
    Unreadable(String),
    /// Independent songs in one file.
    #[error("MIDI file of format 2, a collection of songs (expected format 0 or 1)")]
    Songs,
    /// A quarter note of no ticks, or a frame of no parts.
    #[error("MIDI file whose time does not advance (expected at least one tick a quarter note or frame)")]
    NoTime,
}

/// A score: gestures in the order of their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    gestures: Vec<Gesture>,
    length: Duration,
}

impl Score {
    /// Reads a file's bytes. Control changes of the bits of `paired` are 14-bit pairs, as in [`Listener::pairing`].
    ///
    /// # Errors
    /// [`ScoreFault`].
    pub fn read(bytes: &[u8], paired: u32) -> Result<Self, ScoreFault> {
        // midly negates this byte before it looks at it; the one that has no negative would be its panic.
        if bytes.windows(13).any(|header| header.starts_with(b"MThd") && header[12] == 0x80) {
            return Err(ScoreFault::Unreadable("invalid smpte fps".to_owned()));
        }
        let smf = Smf::parse(bytes).map_err(|error| ScoreFault::Unreadable(error.to_string()))?;
        if smf.header.format == Format::Sequential {
            return Err(ScoreFault::Songs);
        }
        let mut events: Vec<(u64, TrackEventKind<'_>)> = Vec::new();
        for track in &smf.tracks {
            let mut ticks = 0u64;
            for event in track {
                ticks += u64::from(event.delta.as_int());
                events.push((ticks, event.kind));
            }
        }
        // Stable: equal times keep the order of the tracks, and within a track the order of the file.
        events.sort_by_key(|(ticks, _)| *ticks);
        let mut time = Time::of(smf.header.timing)?;
        let mut listener = Listener::pairing(paired);
        let mut gestures = Vec::new();
        let mut length = Duration::ZERO;
        for (ticks, kind) in events {
            let at = time.at(ticks);
            length = at;
            match kind {
                TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => time.set_tempo(ticks, u64::from(tempo.as_int())),
                TrackEventKind::Midi { channel, message } => {
                    let motion = heard(channel.as_int(), message).and_then(|message| listener.hear(message));
                    gestures.extend(motion.map(|motion| Gesture { at, surface: SurfaceId::SCORE, motion }));
                }
                _ => {}
            }
        }
        Ok(Self { gestures, length })
    }

    /// The gestures, in the order of their times.
    #[must_use]
    pub fn gestures(&self) -> &[Gesture] {
        &self.gestures
    }

    /// The time of the last event, the end of a track included.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.length
    }
}

/// A score that plays on a clock, from the clock's zero.
#[derive(Debug)]
pub struct ScoreSurface<C> {
    left: VecDeque<Gesture>,
    clock: C,
}

impl<C: Clock> ScoreSurface<C> {
    /// Plays `score` on `clock`.
    pub fn new(score: Score, clock: C) -> Self {
        Self { left: score.gestures.into(), clock }
    }

    /// Plays it as the hands that it was recorded from.
    #[must_use]
    pub fn by_hand(mut self) -> Self {
        self.left.iter_mut().for_each(|gesture| gesture.surface = SurfaceId::RECORDED_HANDS);
        self
    }

    /// When the next gesture comes; `None` after the last.
    #[must_use]
    pub fn next_at(&self) -> Option<Duration> {
        self.left.front().map(|gesture| gesture.at)
    }
}

impl<C: Clock + Send> Surface for ScoreSurface<C> {
    /// A gesture whose time has come, waiting up to `patience` for it. The end of a score is silence, not an error.
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let now = self.clock.now();
        match self.next_at() {
            Some(at) if at <= now.saturating_add(patience) => {
                if at > now {
                    self.clock.wait(at - now);
                }
                Ok(self.left.pop_front())
            }
            _ => {
                if !patience.is_zero() {
                    self.clock.wait(patience);
                }
                Ok(None)
            }
        }
    }
}

/// Ticks to time, exactly: nanoseconds are multiplied out and divided once, so that long files do not drift.
struct Time {
    /// Nanoseconds of `per` ticks.
    nanos: u128,
    per: u128,
    /// Where the tempo last changed, in ticks and in nanoseconds.
    anchor: (u64, u128),
    metrical: bool,
}

impl Time {
    fn of(timing: Timing) -> Result<Self, ScoreFault> {
        let (nanos, per, metrical) = match timing {
            Timing::Metrical(ticks) => (u128::from(USUAL_TEMPO_US) * 1000, u128::from(ticks.as_int()), true),
            Timing::Timecode(midly::Fps::Fps29, parts) => (1_001_000_000, 30 * u128::from(parts), false),
            Timing::Timecode(fps, parts) => (1_000_000_000, u128::from(fps.as_int()) * u128::from(parts), false),
        };
        if per == 0 {
            return Err(ScoreFault::NoTime);
        }
        Ok(Self { nanos, per, anchor: (0, 0), metrical })
    }

    fn nanos_at(&self, ticks: u64) -> u128 {
        let (from_ticks, from_nanos) = self.anchor;
        from_nanos + u128::from(ticks - from_ticks) * self.nanos / self.per
    }

    fn at(&self, ticks: u64) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanos_at(ticks)).unwrap_or(u64::MAX))
    }

    /// From `ticks` on a quarter note lasts `us` microseconds. SMPTE time is absolute and knows no tempo.
    fn set_tempo(&mut self, ticks: u64, us: u64) {
        if self.metrical {
            self.anchor = (ticks, self.nanos_at(ticks));
            self.nanos = u128::from(us) * 1000;
        }
    }
}

/// A file's message as the wire's; `None` for what nobody binds.
fn heard(channel: u8, message: MidiMessage) -> Option<Message> {
    Some(match message {
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
    })
}

#[cfg(test)]
mod tests {
    use super::{Score, ScoreFault, ScoreSurface};
    use crate::gesture::{Clock, Control, Motion, Position, Surface, VirtualClock};
    use std::time::Duration;

    /// A file of the given format, division and tracks (each without its end).
    fn file(format: u8, division: u16, tracks: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"MThd\0\0\0\x06\0".to_vec();
        bytes.extend([format, 0, tracks.len() as u8]);
        bytes.extend(division.to_be_bytes());
        for track in tracks {
            bytes.extend(b"MTrk");
            bytes.extend((track.len() as u32 + 4).to_be_bytes());
            bytes.extend(*track);
            bytes.extend([0, 0xff, 0x2f, 0]);
        }
        bytes
    }

    /// Milliseconds and value of each turn of control change 1.
    fn turns(bytes: &[u8]) -> Vec<(u128, u8)> {
        let score = Score::read(bytes, 0).expect("a sane file");
        let knob = Control::Cc { channel: 1, number: 1 };
        let turn = |motion: &Motion| match motion {
            Motion::Turned(control, Position::Seven(value)) if *control == knob => *value,
            other => panic!("expected a turn of {knob}, found {other:?}"),
        };
        score.gestures().iter().map(|gesture| (gesture.at.as_millis(), turn(&gesture.motion))).collect()
    }

    #[test]
    fn a_change_of_tempo_moves_what_follows_and_nothing_before() {
        let tempo = [0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40]; // one second a quarter
        let track = [&[0, 0xb0, 1, 10, 96, 1, 20][..], &tempo, &[96, 0xb0, 1, 30]].concat();
        assert_eq!(turns(&file(0, 96, &[&track])), vec![(0, 10), (500, 20), (1500, 30)]);
    }

    #[test]
    fn the_tempo_track_of_format_1_rules_the_others() {
        let tempo = [48, 0xff, 0x51, 3, 0x0f, 0x42, 0x40];
        let knobs = [0, 0xb0, 1, 10, 96, 1, 20];
        assert_eq!(turns(&file(1, 96, &[&tempo, &knobs])), vec![(0, 10), (750, 20)]);
    }

    #[test]
    fn equal_times_keep_the_order_of_the_tracks() {
        let tracks: [&[u8]; 2] = [&[96, 0xb0, 1, 1], &[0, 0xb0, 1, 2, 96, 1, 3]];
        assert_eq!(turns(&file(1, 96, &tracks)), vec![(0, 2), (500, 1), (500, 3)]);
    }

    #[test]
    fn smpte_time_is_absolute() {
        let division = 0xe728; // 25 frames of 40 parts: a tick is a millisecond
        let tempo = [0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40];
        let track = [&tempo[..], &[100, 0xb0, 1, 10]].concat();
        assert_eq!(turns(&file(0, division, &[&track])), vec![(100, 10)]);
    }

    #[test]
    fn a_long_file_does_not_drift() {
        // Ten thousand quarters of 96 ticks at 500 ms, told tick by tick: thirds of a nanosecond would add up.
        let track: Vec<u8> = std::iter::once(0xb0).chain([1, 0]).collect();
        let mut bytes = vec![0];
        bytes.extend(&track);
        for _ in 0..10_000 {
            bytes.extend([96, 1, 0]);
        }
        let score = Score::read(&file(0, 96, &[&bytes]), 0).expect("a sane file");
        assert_eq!(score.length(), Duration::from_secs(5_000));
    }

    #[test]
    fn what_is_no_score_says_why() {
        assert!(matches!(Score::read(b"", 0), Err(ScoreFault::Unreadable(_))));
        assert!(matches!(Score::read(b"RIFF and so on, not a score", 0), Err(ScoreFault::Unreadable(_))));
        assert_eq!(Score::read(&file(2, 96, &[&[]]), 0), Err(ScoreFault::Songs));
        assert_eq!(Score::read(&file(0, 0, &[&[]]), 0), Err(ScoreFault::NoTime));
        assert!(matches!(Score::read(&file(0, 0x8060, &[&[]]), 0), Err(ScoreFault::Unreadable(_))));
    }

    #[test]
    fn a_score_plays_on_its_clock_and_then_is_silent() {
        let score = Score::read(&file(0, 96, &[&[0, 0xb0, 1, 10, 96, 1, 20]]), 0).expect("a sane file");
        let clock = VirtualClock::default();
        let mut surface = ScoreSurface::new(score, clock.clone());
        let none = Duration::ZERO;
        assert_eq!(surface.next_gesture(none).expect("a score").map(|gesture| gesture.at), Some(none));
        assert_eq!(surface.next_gesture(none).expect("a score"), None, "half a second too early");
        clock.advance(Duration::from_millis(499));
        assert_eq!(surface.next_gesture(none).expect("a score"), None, "a millisecond too early");
        let turned = surface.next_gesture(Duration::from_millis(5)).expect("a score").expect("its time has come");
        assert_eq!((turned.at, clock.now()), (Duration::from_millis(500), Duration::from_millis(500)));
        assert_eq!((surface.next_gesture(none).expect("a score"), surface.next_at()), (None, None));
    }
}
