//! A Standard MIDI File as a surface: the performance of another day, or one written in a sequencer.
//!
//! Formats 0 and 1, with tempo map or SMPTE time. All tracks are played at once, in the file's order where times are
//! equal, so that a file always plays to the same gestures at the same nanosecond. Notes and controls only: what else a
//! file holds (text, exclusives) is passed over. Its messages go through the same [`Listener`] as those of a wire, while they
//! play: 14-bit pairs and parameter numbers are what the map says at that moment. What is not heard is told with its place;
//! a file that cannot be played says why, and never panics.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::smf::{self, Division, Event};
use super::{Listener, Message, Pairing};
use crate::gesture::{Clock, Gesture, Surface, SurfaceError, SurfaceId};

/// Tempo before a file says otherwise: 120 quarter notes a minute, in microseconds a quarter.
const USUAL_TEMPO_US: u64 = 500_000;

/// Why a file is no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreFault {
    /// Not a Standard MIDI File, or one that has lost its beginning.
    #[error("not a Standard MIDI File that can be read: {0}")]
    Unreadable(String),
    /// Independent songs in one file.
    #[error("MIDI file of format 2, a collection of songs (expected format 0 or 1)")]
    Songs,
    /// A quarter note of no ticks, or a frame of no parts.
    #[error("MIDI file whose time does not advance (expected at least one tick a quarter note or frame)")]
    NoTime,
}

/// Something of a file that is not heard as it was written. Tracks count from 1, bytes from the file's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScoreNotice {
    /// Values above 127 were taken for 127.
    Clipped {
        /// Which track.
        track: usize,
        /// The first of them.
        byte: usize,
        /// How many.
        count: usize,
    },
    /// Data before any status, which belongs to nothing.
    NoStatus {
        /// Which track.
        track: usize,
        /// The first of them.
        byte: usize,
        /// How many bytes.
        count: usize,
    },
    /// Tempos in which time would stand still, or that are cut short: the one before goes on.
    NoTempo {
        /// Which track.
        track: usize,
        /// The first of them.
        byte: usize,
        /// How many.
        count: usize,
    },
    /// Something stands behind the track's end mark.
    BehindEnd {
        /// Which track.
        track: usize,
        /// Where.
        byte: usize,
        /// How many bytes.
        count: usize,
    },
    /// The file ends inside the track.
    CutOff {
        /// Which track.
        track: usize,
        /// Where.
        byte: usize,
    },
    /// The track makes no sense from here on; the other tracks play.
    Broken {
        /// Which track.
        track: usize,
        /// Where.
        byte: usize,
    },
    /// The header counts more tracks than there are.
    TracksMissing {
        /// How many are there.
        found: usize,
        /// How many the header says.
        said: usize,
    },
}

impl fmt::Display for ScoreNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clipped { track, byte, count: 1 } => {
                write!(f, "track {track}, byte {byte}: a value above 127 is taken for 127")
            }
            Self::Clipped { track, byte, count } => {
                write!(f, "track {track}: {count} values above 127 are taken for 127, the first at byte {byte}")
            }
            Self::NoStatus { track, byte, count } => {
                write!(f, "track {track}, byte {byte}: {count} bytes that belong to no message are left out")
            }
            Self::NoTempo { track, byte, count: 1 } => {
                write!(f, "track {track}, byte {byte}: a tempo that is none is left out")
            }
            Self::NoTempo { track, byte, count } => {
                write!(f, "track {track}: {count} tempos that are none are left out, the first at byte {byte}")
            }
            Self::BehindEnd { track, byte, count } => {
                write!(f, "track {track}, byte {byte}: {count} bytes behind the track's end are left out")
            }
            Self::CutOff { track, byte } => write!(f, "track {track} is cut off at byte {byte}, where the file ends"),
            Self::Broken { track, byte } => write!(f, "track {track} cannot be read from byte {byte} on"),
            Self::TracksMissing { found, said } => write!(f, "only {found} of {said} tracks are there"),
        }
    }
}

/// A score: messages in the order of their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    messages: Vec<(Duration, Message)>,
    length: Duration,
    notices: Vec<ScoreNotice>,
}

impl Score {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`ScoreFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, ScoreFault> {
        let file = smf::read(bytes)?;
        if file.format == 2 {
            return Err(ScoreFault::Songs);
        }
        let mut events: Vec<(u64, Event)> = file.tracks.into_iter().flatten().collect();
        // Stable: equal times keep the order of the tracks, and within a track the order of the file.
        events.sort_by_key(|(ticks, _)| *ticks);
        let mut time = Time::of(file.division)?;
        let (mut messages, mut length) = (Vec::new(), Duration::ZERO);
        for (ticks, event) in events {
            let at = time.at(ticks);
            length = at;
            match event {
                Event::Tempo(us) => time.set_tempo(ticks, u64::from(us)),
                Event::Message(message) => messages.push((at, message)),
                Event::Nothing => {}
            }
        }
        Ok(Self { messages, length, notices: file.notices })
    }

    /// The messages, in the order of their times.
    #[must_use]
    pub fn messages(&self) -> &[(Duration, Message)] {
        &self.messages
    }

    /// What is not heard as it was written.
    #[must_use]
    pub fn notices(&self) -> &[ScoreNotice] {
        &self.notices
    }

    /// The gestures, in the order of their times, while control changes of the bits of `paired` are 14-bit pairs.
    #[must_use]
    pub fn gestures(&self, paired: u32) -> Vec<Gesture> {
        let pairing = Pairing::default();
        pairing.set(SurfaceId::SCORE, paired);
        let clock = crate::gesture::VirtualClock::default();
        clock.set(Duration::MAX);
        let mut surface = ScoreSurface::new(self.clone(), clock, &pairing);
        std::iter::from_fn(|| surface.take_until(Duration::MAX)).collect()
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
    left: VecDeque<(Duration, Message)>,
    /// Gestures that a message completed and that were not taken yet.
    ready: VecDeque<Gesture>,
    listener: Listener,
    surface: SurfaceId,
    pairing: Pairing,
    clock: C,
}

impl<C: Clock> ScoreSurface<C> {
    /// Plays `score` on `clock`; which control changes are pairs, `pairing` says while it plays.
    pub fn new(score: Score, clock: C, pairing: &Pairing) -> Self {
        let surface = SurfaceId::SCORE;
        let listener = Listener::heeding(pairing, surface);
        let pairing = pairing.clone();
        Self { left: score.messages.into(), ready: VecDeque::new(), listener, surface, pairing, clock }
    }

    /// Plays it as the hands that it was recorded from.
    #[must_use]
    pub fn by_hand(mut self) -> Self {
        self.surface = SurfaceId::RECORDED_HANDS;
        self.listener = Listener::heeding(&self.pairing, self.surface);
        self
    }

    /// When something comes next, at the earliest; `None` after the last.
    #[must_use]
    pub fn next_at(&self) -> Option<Duration> {
        let ready = self.ready.front().map(|gesture| gesture.at);
        let due = [self.left.front().map(|(at, _)| *at), self.listener.waits_until()];
        ready.or(due.into_iter().flatten().min())
    }

    /// The next gesture whose time is not after `until`.
    fn take_until(&mut self, until: Duration) -> Option<Gesture> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let next = self.left.front().map(|(at, _)| *at).filter(|at| *at <= until);
            // A half that waits is told before whatever comes after its time.
            if let Some((at, motion)) = self.listener.overdue(next.unwrap_or(until)) {
                return Some(Gesture { at, surface: self.surface, motion });
            }
            next?;
            let (at, message) = self.left.pop_front()?;
            let surface = self.surface;
            let heard = self.listener.hear(message, at);
            self.ready.extend(heard.map(|motion| Gesture { at, surface, motion }));
        }
    }
}

impl<C: Clock + Send> Surface for ScoreSurface<C> {
    /// A gesture whose time has come, waiting up to `patience` for it. The end of a score is silence, not an error.
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = self.clock.now().saturating_add(patience);
        loop {
            let now = self.clock.now();
            if let Some(gesture) = self.take_until(now) {
                return Ok(Some(gesture));
            }
            match self.next_at().filter(|at| *at <= until) {
                Some(at) if at > now => self.clock.wait(at - now),
                _ => {
                    if until > now {
                        self.clock.wait(until - now);
                    }
                    return Ok(None);
                }
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
    fn of(division: Division) -> Result<Self, ScoreFault> {
        let (nanos, per, metrical) = match division {
            Division::Quarter(ticks) => (u128::from(USUAL_TEMPO_US) * 1000, u128::from(ticks), true),
            Division::Smpte(29, parts) => (1_001_000_000, 30 * u128::from(parts), false),
            Division::Smpte(frames, parts) => (1_000_000_000, u128::from(frames) * u128::from(parts), false),
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

#[cfg(test)]
mod tests {
    use super::{Pairing, Score, ScoreFault, ScoreSurface};
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
        let score = Score::read(bytes).expect("a sane file");
        let knob = Control::Cc { channel: 1, number: 1 };
        let turn = |motion: &Motion| match motion {
            Motion::Turned(control, Position::Seven(value)) if *control == knob => *value,
            other => panic!("expected a turn of {knob}, found {other:?}"),
        };
        score.gestures(0).iter().map(|gesture| (gesture.at.as_millis(), turn(&gesture.motion))).collect()
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
        let score = Score::read(&file(0, 96, &[&bytes])).expect("a sane file");
        assert_eq!(score.length(), Duration::from_secs(5_000));
    }

    #[test]
    fn what_is_no_score_says_why() {
        assert!(matches!(Score::read(b""), Err(ScoreFault::Unreadable(_))));
        assert!(matches!(Score::read(b"RIFF and so on, not a score"), Err(ScoreFault::Unreadable(_))));
        assert_eq!(Score::read(&file(2, 96, &[&[]])), Err(ScoreFault::Songs));
        assert_eq!(Score::read(&file(0, 0, &[&[]])), Err(ScoreFault::NoTime));
        assert!(matches!(Score::read(&file(0, 0x8060, &[&[]])), Err(ScoreFault::Unreadable(_))));
    }

    #[test]
    fn a_score_plays_on_its_clock_and_then_is_silent() {
        let score = Score::read(&file(0, 96, &[&[0, 0xb0, 1, 10, 96, 1, 20]])).expect("a sane file");
        let clock = VirtualClock::default();
        let mut surface = ScoreSurface::new(score, clock.clone(), &Pairing::default());
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
