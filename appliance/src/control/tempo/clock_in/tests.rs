//! A sender of clock that trembles, stalls, changes its mind, dies and talks garbage.

use super::{ClockIn, Cue};
use hal::gesture::{SurfaceId, Transport};
use proptest::prelude::*;
use std::time::Duration;

const A: SurfaceId = SurfaceId(2);
const B: SurfaceId = SurfaceId(3);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A sender with a tempo and a time of its own.
struct Sender {
    who: SurfaceId,
    now: f64,
    bpm: f64,
}

impl Sender {
    fn new(who: SurfaceId, start_s: f64, bpm: f64) -> Self {
        Self { who, now: start_s, bpm }
    }

    /// Ticks, each late by so many seconds (early where below zero); the next is due one period after the last.
    fn tick(&mut self, clock: &mut ClockIn, late: impl IntoIterator<Item = f64>) {
        for late in late {
            clock.hear(Duration::from_secs_f64(self.now + late), self.who, Transport::Clock);
            self.now += 60.0 / self.bpm / 24.0;
        }
    }

    fn steady(&mut self, clock: &mut ClockIn, ticks: usize) {
        self.tick(clock, vec![0.0; ticks]);
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.now)
    }
}

fn bpm(clock: &ClockIn) -> f64 {
    clock.grid().expect("a tempo").bpm
}

fn close(found: f64, expected: f64, off: f64) {
    assert!((found - expected).abs() <= off, "{found} and not {expected}");
}

#[test]
fn a_steady_clock_is_heard_exactly_and_its_first_tick_is_a_beat() {
    let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 5.0, 120.0));
    sender.steady(&mut clock, 11);
    assert_eq!(clock.grid(), None, "too early to say");
    sender.steady(&mut clock, 49);
    close(bpm(&clock), 120.0, 1e-4);
    let grid = clock.grid().expect("a tempo");
    close(grid.beat_at(Duration::from_secs(6)), 2.0, 1e-6);
    close(grid.beat_at(Duration::from_secs(65)), 120.0, 1e-4);
}

#[test]
fn a_start_makes_the_next_tick_the_one_and_a_continue_goes_on_from_the_song_position() {
    let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 0.0, 120.0));
    sender.steady(&mut clock, 30);
    assert_eq!(clock.hear(sender.time(), A, Transport::Start), Some(Cue::Start));
    let one = sender.time();
    sender.steady(&mut clock, 25);
    close(clock.grid().expect("a tempo").beat_at(one), 0.0, 1e-6);

    assert_eq!(clock.hear(sender.time(), A, Transport::Stop), Some(Cue::Stop));
    sender.steady(&mut clock, 10);
    assert_eq!(clock.hear(sender.time(), A, Transport::Continue), Some(Cue::Continue));
    let on = sender.time();
    sender.steady(&mut clock, 1);
    close(clock.grid().expect("a tempo").beat_at(on), 25.0 / 24.0, 1e-6);

    clock.hear(sender.time(), A, Transport::Stop);
    assert_eq!(clock.hear(sender.time(), A, Transport::Position(32)), Some(Cue::Locate(32)));
    clock.hear(sender.time(), A, Transport::Continue);
    let on = sender.time();
    sender.steady(&mut clock, 1);
    close(clock.grid().expect("a tempo").beat_at(on), 8.0, 1e-6);
}

#[test]
fn the_first_that_ticks_is_master_and_the_other_is_not_heard() {
    let mut clock = ClockIn::default();
    let (mut first, mut second) = (Sender::new(A, 0.0, 120.0), Sender::new(B, 0.003, 90.0));
    for _ in 0..100 {
        first.steady(&mut clock, 1);
        if second.now < first.now {
            second.steady(&mut clock, 1);
        }
    }
    assert_eq!(clock.master(), Some(A));
    close(bpm(&clock), 120.0, 1e-4);
    assert_eq!(clock.hear(first.time(), B, Transport::Start), None);
    assert_eq!(clock.hear(first.time(), A, Transport::Start), Some(Cue::Start));
}

#[test]
fn another_takes_over_after_a_second_of_silence_or_at_once_when_the_master_is_unplugged() {
    let mut clock = ClockIn::default();
    let mut first = Sender::new(A, 0.0, 120.0);
    first.steady(&mut clock, 48);
    let end = first.now - 0.5 / 24.0;
    let mut second = Sender::new(B, end + 0.9, 90.0);
    second.steady(&mut clock, 3);
    assert_eq!(clock.master(), Some(A));
    second.steady(&mut clock, 60);
    assert_eq!(clock.master(), Some(B));
    close(bpm(&clock), 90.0, 1e-4);
    clock.gone(B);
    let mut third = Sender::new(A, second.now, 100.0);
    third.steady(&mut clock, 13);
    assert_eq!(clock.master(), Some(A));
    close(bpm(&clock), 100.0, 1e-4);
}

#[test]
fn without_a_master_anyone_may_start() {
    let mut clock = ClockIn::default();
    assert_eq!(clock.hear(ms(0), B, Transport::Start), Some(Cue::Start));
    assert_eq!(clock.hear(ms(1), A, Transport::Stop), Some(Cue::Stop));
    assert_eq!(clock.master(), None);
}

#[test]
fn a_lost_clock_is_noticed_and_its_beats_go_on() {
    let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 0.0, 120.0));
    assert!(!clock.lost(ms(5000)), "there was none");
    sender.steady(&mut clock, 49);
    let last = ms(1000);
    assert!(clock.ticking(last + ms(499)) && !clock.lost(last + ms(499)));
    assert!(clock.lost(last + ms(500)));
    close(bpm(&clock), 120.0, 1e-4);
    close(clock.grid().expect("a tempo").beat_at(ms(11_000)), 22.0, 1e-4);
    let mut again = Sender::new(A, 20.0, 60.0);
    again.steady(&mut clock, 6);
    close(bpm(&clock), 120.0, 1e-4);
    again.steady(&mut clock, 6);
    close(bpm(&clock), 60.0, 1e-4);
}

#[test]
fn a_new_tempo_is_followed_within_a_beat() {
    let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 0.0, 120.0));
    sender.steady(&mut clock, 200);
    for tempo in [150.0, 100.0, 140.0] {
        sender.bpm = tempo;
        sender.steady(&mut clock, 25);
        close(bpm(&clock), tempo, 0.5);
    }
}

#[test]
fn ticks_that_come_in_bunches_keep_the_tempo() {
    let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 0.0, 120.0));
    sender.steady(&mut clock, 100);
    // A sender that stalls for three ticks and then says all of them.
    let period = 0.5 / 24.0;
    sender.tick(&mut clock, [3.0 * period, 2.0 * period, period, 0.0]);
    close(bpm(&clock), 120.0, 1.5);
    sender.steady(&mut clock, 100);
    close(bpm(&clock), 120.0, 1e-3);
}

#[test]
fn ticks_at_no_tempo_of_music_give_none_and_leave_the_old_one() {
    let mut clock = ClockIn::default();
    Sender::new(A, 0.0, 1000.0).steady(&mut clock, 500);
    assert_eq!(clock.grid(), None);
    assert!(clock.refused() > 0);
    Sender::new(A, 10.0, 120.0).steady(&mut clock, 100);
    Sender::new(A, 15.0, 9000.0).steady(&mut clock, 500);
    close(bpm(&clock), 120.0, 1e-3);
}

proptest! {
    #[test]
    fn jitter_of_two_milliseconds_leaves_the_tempo_within_half_a_percent_after_two_beats(
        bpm in 20.0..200.0f64, late in prop::collection::vec(-0.002..0.002f64, 49)
    ) {
        let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 1.0, bpm));
        sender.tick(&mut clock, late);
        let found = clock.grid().expect("a tempo").bpm;
        prop_assert!((found / bpm - 1.0).abs() < 0.005, "{} and not {}", found, bpm);
    }

    /// Two beats of the fastest tempo are a quarter of a second: 2 ms of it cannot be told from tempo so soon.
    #[test]
    fn four_beats_do_it_at_any_tempo_and_place_the_beat_within_a_millisecond(
        bpm in 20.0..420.0f64, late in prop::collection::vec(-0.002..0.002f64, 97)
    ) {
        let (mut clock, mut sender) = (ClockIn::default(), Sender::new(A, 1.0, bpm));
        sender.tick(&mut clock, late);
        let grid = clock.grid().expect("a tempo");
        prop_assert!((grid.bpm / bpm - 1.0).abs() < 0.005, "{} and not {}", grid.bpm, bpm);
        let off = (grid.beat_at(sender.time()) - 97.0 / 24.0) * 60.0 / bpm;
        prop_assert!(off.abs() < 0.0012, "{} s off", off);
    }

    #[test]
    fn no_ticks_make_a_tempo_outside_its_range_or_a_beat_that_is_no_number(
        said in prop::collection::vec((0..700_000u64, 0..8u8, 2..4u16), 0..400), fast in 1..1000u64
    ) {
        let mut clock = ClockIn::default();
        let mut now = Duration::ZERO;
        for (pause, what, who) in said {
            // Mostly too fast, now and then a stall, now and then a step back.
            now = if what == 7 { now.saturating_sub(ms(3)) } else { now + Duration::from_micros(pause / fast) };
            let message = match what {
                0 => Transport::Start,
                1 => Transport::Position((pause % 16_384) as u16),
                2 => Transport::Continue,
                _ => Transport::Clock,
            };
            clock.hear(now, SurfaceId(who), message);
            if let Some(grid) = clock.grid() {
                prop_assert!((20.0..=420.0).contains(&grid.bpm));
                prop_assert!(grid.beat_at(now).is_finite());
            }
        }
    }
}
