//! Receivers that only know what they are told.

use super::{Order, Orders, Songs};
use crate::control::tempo::TapeBeats;
use hal::gesture::SurfaceId;
use hal::gesture::Transport::{self, Clock, Continue, Position, Start, Stop};

const TAPE: u64 = 4 * 24_000;
const ONE: SurfaceId = SurfaceId(2);
const TWO: SurfaceId = SurfaceId(3);

/// A clock of 120 a minute: a tick is 1000 frames.
fn songs(to: &[SurfaceId]) -> Songs {
    let mut songs = Songs::new(48_000);
    let beats = Order::Beats(Some(TapeBeats::new(120_000, TAPE, 48_000)));
    for order in [beats, Order::Lap(0..TAPE), Order::To(to.to_vec())] {
        assert_eq!(obey(&mut songs, order), [], "nobody plays yet");
    }
    songs
}

/// What is said while these frames are heard.
fn walk(songs: &mut Songs, frames: impl Iterator<Item = u64>) -> Vec<(SurfaceId, Transport)> {
    let mut said = Vec::new();
    frames.for_each(|place| songs.reach(place, &mut |to, word| said.push((to, word))));
    said
}

fn to(whom: SurfaceId, said: &[(SurfaceId, Transport)]) -> Vec<Transport> {
    said.iter().filter(|(to, _)| *to == whom).map(|(_, word)| *word).collect()
}

fn obey(songs: &mut Songs, order: Order) -> Vec<(SurfaceId, Transport)> {
    let mut said = Vec::new();
    songs.obey(order, &mut |to, word| said.push((to, word)));
    said
}

#[test]
fn the_tape_sends_start_and_twenty_four_ticks_a_beat_to_those_who_want_them() {
    let mut songs = songs(&[ONE]);
    assert_eq!(obey(&mut songs, Order::Start), []);
    // From just before the tape's start through a beat and a half.
    let said = to(ONE, &walk(&mut songs, (TAPE - 480..TAPE).chain(0..36_000).step_by(48)));
    let start = said.iter().position(|word| *word == Start).expect("a start");
    assert_eq!(said[start..].iter().filter(|word| **word == Clock).count(), 36);
    assert_eq!(obey(&mut songs, Order::Stop), [(ONE, Stop)]);
}

#[test]
fn without_a_tempo_or_a_receiver_nothing_is_said() {
    let mut nobody = songs(&[]);
    obey(&mut nobody, Order::Start);
    assert_eq!(walk(&mut nobody, (0..TAPE).step_by(480)), []);
    let mut songs = songs(&[ONE]);
    obey(&mut songs, Order::Start);
    obey(&mut songs, Order::Beats(None));
    assert_eq!(walk(&mut songs, (0..TAPE).step_by(480)), []);
}

#[test]
fn a_receiver_that_comes_late_or_missed_ticks_is_placed_without_disturbing_the_others() {
    let mut songs = songs(&[ONE]);
    obey(&mut songs, Order::Start);
    walk(&mut songs, (0..10_100).step_by(100));
    obey(&mut songs, Order::To(vec![ONE, TWO]));
    let said = walk(&mut songs, (10_100..20_100).step_by(100));
    assert_eq!(to(ONE, &said), [Clock; 10]);
    // Found behind tick 10: the next sixteenth is tick 12.
    assert_eq!(to(TWO, &said)[..4], [Position(2), Clock, Continue, Clock]);
    let mut said = Vec::new();
    songs.place_anew(|to| to == ONE, &mut |to, word| said.push((to, word)));
    assert_eq!(said, [(ONE, Stop)]);
    let said = walk(&mut songs, (20_100..30_100).step_by(100));
    assert_eq!(to(ONE, &said)[..6], [Position(4), Clock, Clock, Clock, Continue, Clock]);
    assert_eq!(to(TWO, &said), [Clock; 10]);
    assert_eq!(obey(&mut songs, Order::To(vec![TWO])), [(ONE, Stop)], "who is let go does not play on");
}

#[test]
fn of_orders_that_wait_together_the_latest_counts_and_they_are_obeyed_in_their_order() {
    let mut orders = Orders::default();
    for order in [
        Order::Stop,
        Order::Lap(0..1),
        Order::Start,
        Order::Continue,
        Order::Sought,
        Order::To(vec![ONE]),
        Order::Lap(0..2),
    ] {
        orders.put(order);
    }
    let taken: Vec<Order> = orders.take().collect();
    assert_eq!(taken, [Order::Lap(0..2), Order::To(vec![ONE]), Order::Start, Order::Sought]);
    assert!(orders.is_empty());
}
