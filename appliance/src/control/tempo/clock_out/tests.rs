//! A receiver that only knows what it hears, beside a tape that turns, jumps and stalls.

use super::ClockOut;
use crate::control::tempo::tape_beats::TapeBeats;
use hal::gesture::Transport::{self, Clock, Continue, Position, Start, Stop};
use proptest::prelude::*;
use std::ops::Range;

const RATE: u32 = 48_000;
/// 120 beats in 60 s: a tick is 1000 frames.
const TAPE: Range<u64> = 0..60 * 48_000;

fn clock() -> ClockOut {
    ClockOut::new(TapeBeats::new(120_000, TAPE.end, RATE))
}

fn advance(clock: &mut ClockOut, playhead: u64) -> Vec<Transport> {
    let mut said = Vec::new();
    clock.advance(playhead, TAPE, &mut |message| said.push(message));
    said
}

fn start(clock: &mut ClockOut) {
    clock.start(&mut |_| panic!("the receiver does not play"));
}

/// What is said while the playhead goes from frame to frame in steps of 100.
fn walk(clock: &mut ClockOut, frames: Range<u64>) -> Vec<Transport> {
    frames.step_by(100).flat_map(|playhead| advance(clock, playhead)).collect()
}

/// A receiver: where its song stands, in ticks, and whether it plays.
#[derive(Debug, Default)]
struct Receiver {
    at: u64,
    next: u64,
    plays: bool,
    ticks: u64,
}

impl Receiver {
    fn hear(&mut self, message: Transport) {
        match message {
            Clock => {
                self.ticks += 1;
                if self.plays {
                    (self.at, self.next) = (self.next, self.next + 1);
                }
            }
            Start => (self.next, self.plays) = (0, true),
            Continue => {
                assert!(!self.plays, "a continue to one that plays");
                self.plays = true;
            }
            Stop => self.plays = false,
            Position(at) => {
                assert!(!self.plays, "a position to one that plays");
                self.next = u64::from(at) * 6;
            }
        }
    }
}

#[test]
fn a_start_is_said_with_the_first_tick_of_the_tape() {
    let mut clock = clock();
    assert_eq!(walk(&mut clock, 500_000..502_500), [Clock, Clock, Clock], "ticks go on while it is stopped");
    start(&mut clock);
    assert_eq!(walk(&mut clock, 502_500..503_500), [Clock], "the tape is not there yet");
    assert_eq!(walk(&mut clock, 0..1_500), [Start, Clock, Clock]);
    assert!(clock.running());
}

#[test]
fn a_start_that_finds_the_tape_a_little_late_makes_the_ticks_good() {
    let mut clock = clock();
    walk(&mut clock, 500_000..501_000);
    start(&mut clock);
    assert_eq!(advance(&mut clock, 2_100), [Start, Clock, Clock, Clock]);
    let mut clock = self::clock();
    start(&mut clock);
    assert_eq!(advance(&mut clock, 3_100), [], "too late: with the next turn");
    assert!(!clock.running());
    walk(&mut clock, 3_200..3_900);
    start(&mut clock);
    assert_eq!(advance(&mut clock, 50), [Start, Clock], "also over so short a way back");
}

#[test]
fn a_stop_stops_the_song_and_not_the_ticks_and_a_continue_enters_at_the_sixteenth_it_told() {
    let mut clock = clock();
    start(&mut clock);
    walk(&mut clock, 0..10_100);
    let mut said = Vec::new();
    clock.stop(&mut |message| said.push(message));
    assert_eq!(said, [Stop]);
    assert_eq!(walk(&mut clock, 10_100..12_100), [Clock, Clock]);
    clock.carry_on();
    // The next tick is 13; the next sixteenth begins at tick 18.
    assert_eq!(walk(&mut clock, 12_100..12_500), [Position(3)]);
    assert_eq!(walk(&mut clock, 12_500..18_100), [Clock, Clock, Clock, Clock, Clock, Continue, Clock]);
    clock.carry_on();
    assert_eq!(walk(&mut clock, 18_100..18_500), [], "it plays already");
}

#[test]
fn a_stop_before_the_song_began_says_nothing() {
    let mut clock = clock();
    clock.carry_on();
    advance(&mut clock, 100);
    clock.stop(&mut |_| panic!("the receiver does not play"));
    assert_eq!(walk(&mut clock, 200..7_100), vec![Clock; 7]);
}

#[test]
fn a_seek_stops_places_and_continues() {
    let mut clock = clock();
    start(&mut clock);
    walk(&mut clock, 0..5_100);
    clock.sought();
    // Tick 2000 is two ticks into a sixteenth: the next is 2004.
    assert_eq!(walk(&mut clock, 2_000_100..2_000_200), [Stop, Position(334)]);
    assert_eq!(walk(&mut clock, 2_000_200..2_004_100), [Clock, Clock, Clock, Continue, Clock]);
    assert_eq!(clock.skipped(), 0);
}

#[test]
fn a_seek_that_nobody_announced_is_noticed() {
    let mut clock = clock();
    start(&mut clock);
    walk(&mut clock, 0..1_000_100);
    assert_eq!(advance(&mut clock, 900_500), [Stop, Position(151)]);
}

#[test]
fn the_turn_of_the_tape_is_no_seek() {
    let mut clock = clock();
    start(&mut clock);
    let mut receiver = Receiver::default();
    for _ in 0..3 {
        walk(&mut clock, TAPE).into_iter().for_each(|message| receiver.hear(message));
    }
    assert_eq!((receiver.ticks, receiver.next), (3 * 2880, 3 * 2880));
}

#[test]
fn a_start_waits_for_the_turn_and_a_loop_without_the_tapes_start_is_entered_at_its_own() {
    let mut clock = clock();
    walk(&mut clock, 100_000..100_500);
    start(&mut clock);
    assert_eq!(walk(&mut clock, 100_500..101_100), [Clock]);
    // A band from tick 50 to tick 102.
    let mut said = Vec::new();
    for playhead in (101_100..102_000).chain(50_000..55_100).step_by(100) {
        clock.advance(playhead, 50_000..102_000, &mut |message| said.push(message));
    }
    assert_eq!(said, [vec![Position(9)], vec![Clock; 4], vec![Continue], vec![Clock; 2]].concat());
}

#[test]
fn a_continue_that_the_turn_overtook_is_told_anew() {
    let mut clock = clock();
    // A band from tick 2000 to tick 2063, whose last sixteenth is cut off.
    let band = 2_000_000..2_063_000;
    let mut said = Vec::new();
    clock.advance(2_060_500, band.clone(), &mut |message| said.push(message));
    clock.carry_on();
    for playhead in (2_060_600..band.end).chain(band.start..2_004_100).step_by(100) {
        clock.advance(playhead, band.clone(), &mut |message| said.push(message));
    }
    let (cut_off, whole) = (Position(344), Position(334));
    assert_eq!(said, [vec![cut_off, Clock, Clock, whole], vec![Clock; 4], vec![Continue, Clock]].concat());
}

#[test]
fn a_stall_is_not_made_up_for_by_a_burst_and_the_receiver_is_placed_anew() {
    let mut clock = clock();
    start(&mut clock);
    let mut receiver = Receiver::default();
    let mut hear = |said: Vec<Transport>| said.into_iter().for_each(|message| receiver.hear(message));
    hear(walk(&mut clock, 0..10_100));
    let after = advance(&mut clock, 40_100);
    assert_eq!(after, [Stop, Position(7)]);
    hear(after);
    hear(walk(&mut clock, 40_200..60_100));
    assert_eq!(clock.skipped(), 30);
    assert_eq!((receiver.plays, receiver.at), (true, 60), "in time with the tape again");
}

#[test]
fn a_short_stall_is_made_up_for() {
    let mut clock = clock();
    start(&mut clock);
    walk(&mut clock, 0..10_100);
    assert_eq!(advance(&mut clock, 14_050), [Clock; 4]);
    assert_eq!(clock.skipped(), 0);
}

#[test]
fn a_playhead_that_trembles_says_no_tick_twice() {
    let mut clock = clock();
    start(&mut clock);
    walk(&mut clock, 0..10_100);
    assert_eq!(advance(&mut clock, 9_100), []);
    assert_eq!(advance(&mut clock, 10_050), []);
    assert_eq!(advance(&mut clock, 11_000), [Clock]);
}

#[test]
fn the_rest_ends_with_the_next_tick() {
    let mut clock = clock();
    assert_eq!(clock.rest(7), 0);
    advance(&mut clock, 9_000);
    assert_eq!(clock.rest(9_000), 1_000);
    advance(&mut clock, 9_001);
    assert_eq!(clock.rest(9_001), 999);
}

#[test]
fn an_hour_has_exactly_24_ticks_a_beat_and_each_in_its_own_frame() {
    // An hour in one lap, at a tempo that divides nothing, in periods that divide nothing.
    let tape = 0..3600 * 48_000 + 7;
    let beats = TapeBeats::new(123_457, tape.end, RATE);
    let mut clock = ClockOut::new(beats);
    let (mut ticks, mut playhead) = (0u64, 0);
    while playhead < tape.end {
        clock.advance(playhead, tape.clone(), &mut |_| ticks += 1);
        // Tick n stands at n * 60 s / (bpm * 24): as many as there are up to here.
        let exact = u128::from(playhead) * 123_457 * 24 / (60_000 * 48_000) + 1;
        assert_eq!(u128::from(ticks), exact, "at frame {playhead}");
        playhead += 443;
    }
    clock.advance(tape.end - 1, tape.clone(), &mut |_| ticks += 1);
    assert_eq!(ticks, (123_457 * 24 * 60) / 1000 + 1);
}

#[derive(Clone, Debug)]
enum Turn {
    Play(u64),
    Seek(u64),
    Start,
    CarryOn,
    Stop,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => (1..400u64).prop_map(Turn::Play),
        1 => (0..TAPE.end).prop_map(Turn::Seek),
        1 => Just(Turn::Start),
        1 => Just(Turn::CarryOn),
        1 => Just(Turn::Stop),
    ]
}

proptest! {
    /// The receiver asserts that nothing is told out of order.
    #[test]
    fn a_receiver_that_plays_is_always_where_the_tape_is(
        turns in prop::collection::vec(turn(), 1..60), step in 20..3_000u64
    ) {
        let mut clock = clock();
        let mut receiver = Receiver::default();
        let mut playhead = 0u64;
        for turn in turns {
            match turn {
                Turn::Start => {
                    clock.start(&mut |message| receiver.hear(message)); playhead = 0; }
                Turn::CarryOn => clock.carry_on(),
                Turn::Stop => clock.stop(&mut |message| receiver.hear(message)),
                Turn::Seek(to) => { clock.sought(); playhead = to; }
                Turn::Play(steps) => for _ in 0..steps {
                    let before = receiver.ticks;
                    clock.advance(playhead, TAPE, &mut |message| receiver.hear(message));
                    prop_assert!(receiver.ticks - before <= 4);
                    if receiver.plays {
                        // Over the turn the song goes on.
                        prop_assert_eq!((receiver.next - 1) % 2880, playhead / 1000);
                    }
                    prop_assert_eq!(clock.running(), receiver.plays);
                    playhead = (playhead + step) % TAPE.end;
                },
            }
        }
        prop_assert_eq!(clock.skipped(), 0);
    }
}
