//! Goal: a player in another process plays what one in this process plays, and whatever its engine does, is, or leaves behind when
//! it dies, harms nothing but itself.
//! Method: both players beside each other on the same windows and orders; an engine whose stores end after every number of them;
//! memory full of anything.

use std::sync::atomic::Ordering::{Relaxed, Release};

use proptest::prelude::{any, prop_assert, proptest};

use super::super::*;
use crate::boundary::{
    Arena, DESK_GAIN, ORDERS, Order as Asked, RingWriter, Sizes, Standing, TraceReader, WINDOWS, Window, Words as _,
};
use crate::latent::{SAMPLES_PER_LATENT_FRAME as FRAME, StereoFrame};

const TAPE: usize = 4 * FRAME;
const SIZES: Sizes = Sizes { boxes: 3, window_frames: 2 * FRAME, tape_frames: 6 * FRAME };

fn arena() -> Arena {
    Arena::on_heap(SIZES)
}

fn tone(frames: usize, hz: f32, level: f32) -> Vec<StereoFrame> {
    (0..frames).map(|i| [(i as f32 * hz / 48_000.0 * std::f32::consts::TAU).sin() * level; 2]).collect()
}

/// A player and an engine that is attached to it.
struct Pair {
    arena: Arena,
    own: AttachedPlayer,
    packer: Packer,
    transport: Transport,
    epochs: Epoch,
}

impl Pair {
    /// Over this memory; the engine writes through `engine`.
    fn over(arena: &Arena, engine: &Arena, epoch: u64) -> Self {
        let mut own = Player::attached(arena);
        own.grant.give(epoch);
        own.player.feed.begin_step(false, PlayedFrame::default());
        let epochs = Epoch::default();
        epochs.set(epoch);
        let (packer, transport) = attach(engine, &epochs);
        Self { arena: arena.clone(), own, packer, transport, epochs }
    }

    /// With a tape that plays.
    fn playing(sound: &[StereoFrame]) -> Self {
        let arena = arena();
        let mut pair = Self::over(&arena, &arena, 1);
        pair.transport.swap(Tape::new(sound).unwrap(), 0).unwrap();
        pair.play(1);
        assert!(pair.own.loader.poll());
        pair.play(100);
        assert_eq!(pair.own.player.tape().frames(), sound);
        pair
    }

    fn play(&mut self, periods: usize) -> Vec<StereoFrame> {
        let mut out = vec![[0.0; 2]; 64 * periods];
        out.chunks_mut(64).for_each(|period| self.own.player.fill(period));
        assert!(out.iter().flatten().all(|it| it.is_finite()));
        out
    }

    fn plan(&self, land: usize, frames: usize) -> WindowPlan {
        let now = self.transport.playhead().played;
        WindowPlan { tape: self.transport.tape(), land, frames, keep: 1, run_up: 0, due: now.after(400), planned: now }
    }

    fn send(&mut self, land: usize, sound: &[StereoFrame]) {
        let plan = self.plan(land, sound.len());
        self.packer.collect(|_| ());
        self.packer.send(&plan, 0.0, |room| room.copy_from_slice(sound)).expect("a box is home");
    }

    fn refused(&self) -> Vec<Refused> {
        self.own.refusals.told().map(|it| it.0).collect()
    }
}

#[test]
fn a_player_in_another_process_plays_the_very_samples_of_one_in_this_process() {
    let sound = tone(TAPE, 93.7, 0.5);
    let mut pair = Pair::playing(&sound);
    // The other goes the same way there: silence, then the tape.
    let size = DeckSize { boxes: 3, window_frames: 2 * FRAME };
    let (mut player, mut packer, mut transport) = deck(Tape::new(vec![[0.0; 2]; FRAME]).unwrap(), size);
    let mut warm = vec![[0.0; 2]; 64];
    player.fill(&mut warm);
    // Its sound, too, begins with the tape.
    player.unheard();
    transport.swap(Tape::new(sound).unwrap(), 0).unwrap();
    (0..100).for_each(|_| player.fill(&mut warm));
    for round in 0..2_000_usize {
        let plan = pair.plan((round * 1_777) % TAPE, 960 + (round * 37) % (2 * FRAME - 960));
        if round % 3 == 0 {
            let fresh = tone(plan.frames, 100.0 + round as f32, 0.4);
            assert_eq!(pair.packer.collect(|_| ()), packer.collect(|_| ()), "round {round}");
            let sent = pair.packer.send(&plan, 0.25, |room| room.copy_from_slice(&fresh));
            assert_eq!(packer.send(&plan, 0.25, |room| room.copy_from_slice(&fresh)), sent, "round {round}");
        }
        for both in [&mut pair.transport, &mut transport] {
            match round % 50 {
                7 => both.seek((round * 313) % TAPE).unwrap(),
                19 => both.set_band(LoopBand::from_faders(0.1, 0.4 + (round % 5) as f32 / 10.0, TAPE)).unwrap(),
                31 => assert!(both.set_gain_db(-((round % 4) as f32))),
                40 => both.set_muted(round % 100 < 50),
                _ => {}
            }
        }
        player.fill(&mut warm);
        let theirs = pair.play(1);
        assert!(theirs == warm, "round {round}");
    }
    assert_eq!(pair.refused(), []);
    let counts =
        |of: &Meters| [&of.windows_spliced, &of.windows_late, &of.late_frames, &of.laps].map(|it| it.load(Relaxed));
    assert!(counts(transport.meters()) == counts(pair.transport.meters()) && 300 < counts(transport.meters())[0]);
}

/// What an engine does that a test lets die.
fn lives(pair: &mut Pair) {
    let fresh = tone(1_000, 300.0, 0.3);
    let plan = pair.plan(3_000, fresh.len());
    let _ = pair.packer.send(&plan, 0.0, |room| room.copy_from_slice(&fresh));
    let _ = pair.transport.seek(500);
    let _ = pair.transport.set_band(LoopBand::new(0, 3 * FRAME, TAPE).unwrap());
    pair.transport.set_gain_db(-6.0);
    let _ = pair.transport.swap(Tape::new(tone(FRAME, 200.0, 0.2)).unwrap(), 7);
}

#[test]
fn an_engine_that_dies_after_any_store_leaves_what_it_said_whole_or_not_at_all_and_the_next_one_plays() {
    let sound = tone(TAPE, 93.7, 0.5);
    let (mut seen, mut windows) = (std::collections::BTreeSet::new(), [0, 0]);
    for stores in 0.. {
        let mut pair = Pair::playing(&sound);
        let dying = pair.arena.dying_after(stores);
        let (packer, transport) = attach(&dying, &pair.epochs);
        (pair.packer, pair.transport) = (packer, transport);
        lives(&mut pair);
        pair.play(1);
        pair.own.loader.poll();
        pair.play(40);
        assert_eq!(pair.refused(), [], "after {stores} stores");
        let standing = Standing::read(&pair.arena).expect("a tape stands");
        let spliced = pair.transport.meters().windows_spliced.load(Relaxed);
        seen.insert((standing.tape, standing.band, spliced));
        if standing.tape == 1 {
            let tape = pair.own.player.tape().frames();
            let is_new = tape[3_500] != sound[3_500];
            assert_eq!(is_new, spliced == 1, "after {stores} stores");
            windows[usize::from(is_new)] += 1;
        }
        // The player goes on, and obeys the next engine.
        pair.own.grant.give(2);
        pair.play(40);
        assert!(pair.own.grant.is_obeyed(2));
        pair.epochs.set(2);
        let (packer, transport) = attach(&pair.arena, &pair.epochs);
        (pair.packer, pair.transport) = (packer, transport);
        pair.send(0, &tone(1_000, 777.0, 0.25));
        pair.play(40);
        assert_eq!(pair.transport.meters().windows_spliced.load(Relaxed), spliced + 1, "after {stores} stores");
        if !dying.is_dead() {
            break;
        }
    }
    // In this order: nothing, the window, the band, the tape.
    let steps: Vec<_> =
        seen.into_iter().map(|(tape, [_, end], spliced)| (tape, end as usize / FRAME, spliced)).collect();
    assert_eq!(steps, [(1, 3, 1), (1, 4, 0), (1, 4, 1), (2, 1, 1)]);
    assert!(1_000 < windows[0] && 1_000 < windows[1], "{windows:?}");
}

#[test]
fn what_cannot_be_is_refused_by_its_reason_and_the_tape_is_as_it_was() {
    let sound = tone(TAPE, 93.7, 0.5);
    let mut pair = Pair::playing(&sound);
    let whole = Window { number: 1, sound_box: 0, tape: 1, land: 0, frames: 1_000, keep: 1, ..Window::default() };
    let windows = [
        (Window { sound_box: 3, ..whole }, Refused::NoBox),
        (Window { frames: 0, ..whole }, Refused::Size),
        (Window { frames: 2 * FRAME as u64 + 1, ..whole }, Refused::Size),
        (Window { frames: u64::MAX, ..whole }, Refused::Size),
        (Window { run_up: 1_001, ..whole }, Refused::Size),
        (Window { land: u64::MAX, ..whole }, Refused::Size),
        (Window { feedback: 1.5, ..whole }, Refused::Feedback),
        (Window { feedback: f32::NAN, ..whole }, Refused::Feedback),
    ];
    let mut ring = RingWriter::resume(WINDOWS, &pair.arena);
    for (window, why) in windows {
        let before = pair.own.refusals.of(why);
        assert!(ring.push(&pair.arena, &window.pack(1)));
        pair.play(2);
        assert_eq!(pair.own.refusals.of(why), before + 1, "{window:?}");
    }
    let seek = |tape, position| Asked::Seek { tape, position };
    let swap = |slot, frames, position| {
        let (sum, recording, band, due, fade) = (5, 5, [0, 0], 0, 0);
        Asked::Swap { tape: 2, slot, frames, position, sum, recording, band, due, fade }
    };
    let orders = [
        (seek(1, TAPE as u64), Refused::OffTape),
        (seek(2, 0), Refused::OtherTape),
        (Asked::Band { tape: 1, start: 0, end: TAPE as u64 + 1 }, Refused::OffTape),
        (Asked::Band { tape: 1, start: u64::MAX - 5, end: 9 }, Refused::OffTape),
        (swap(2, 1_920, 0), Refused::NoSlot),
        (swap(0, 1_920, 0), Refused::NoSlot),
        (swap(1, 6 * FRAME as u64 + 1, 0), Refused::OffTape),
        (swap(1, 1_920, 1_920), Refused::OffTape),
        (swap(1, 1_920, 0), Refused::TapeSum),
    ];
    let mut ring = RingWriter::resume(ORDERS, &pair.arena);
    for (order, why) in orders {
        let before = pair.own.refusals.of(why);
        assert!(ring.push(&pair.arena, &order.pack(1)));
        pair.play(1);
        pair.own.loader.poll();
        pair.play(1);
        assert_eq!(pair.own.refusals.of(why), before + 1, "{order:?}");
    }
    for gain in [f32::NAN, f32::INFINITY, -0.5, 1e30] {
        pair.arena.store(DESK_GAIN, gain.to_bits().into(), Relaxed);
        pair.play(2);
    }
    assert_eq!(pair.own.refusals.of(Refused::Gain), 4);
    assert_eq!(pair.own.player.tape().frames(), sound);
    assert_eq!(pair.transport.meters().refused.load(Relaxed), (windows.len() + orders.len() + 4) as u64);
}

#[test]
fn a_record_that_was_changed_on_its_way_is_refused_and_nothing_of_it_is_heard() {
    let sound = tone(TAPE, 93.7, 0.5);
    let mut pair = Pair::playing(&sound);
    let at = WINDOWS.records + 16 * (pair.arena.load(WINDOWS.head, Relaxed) as usize % 16);
    pair.send(0, &tone(1_000, 300.0, 0.3));
    // Another place: everything about it could be, but it is not what was sent.
    pair.arena.store(at + 4, 2_000, Relaxed);
    pair.play(40);
    assert_eq!(pair.refused(), [Refused::Torn(crate::boundary::Torn::Sum)]);
    assert_eq!(pair.own.player.tape().frames(), sound);
}

#[test]
fn a_window_with_a_sample_that_is_no_number_ends_before_it_with_its_fade_or_is_not_begun() {
    let sound = vec![[0.25; 2]; TAPE];
    for bad in [0, 900, 1_500, 2_399, 2_400, 3_000, 3_839] {
        let mut pair = Pair::playing(&sound);
        let head = pair.arena.load(WINDOWS.head, Relaxed);
        pair.send(0, &vec![[0.25; 2]; 2 * FRAME]);
        // The engine looked at it; what is in the memory is another matter. The record is there before the sound is spoilt.
        assert_eq!(pair.arena.load(WINDOWS.head, Relaxed), head + 1);
        let (begin, _) = pair
            .arena
            .sound_box(pair.arena.load(WINDOWS.records + 16 * (head as usize % 16) + 3, Relaxed) as usize & 3)
            .unwrap();
        let word = |it: f32| u64::from(it.to_bits());
        (0..2 * FRAME).for_each(|i| pair.arena.store(begin + i, word(0.5) << 32 | word(0.5), Relaxed));
        pair.arena.store(begin + bad, word(f32::NAN), Relaxed);
        pair.play(100);
        assert_eq!(pair.own.refusals.of(Refused::NonFinite), 1, "{bad}");
        let tape = pair.own.player.tape().frames();
        assert!(tape.iter().flatten().all(|it| it.is_finite()));
        let steepest = (0..TAPE).map(|at| (tape[at][0] - tape[(at + 1) % TAPE][0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.25 * 2.0 / 450.0 * 1.6, "{bad}: {steepest}");
        assert_eq!(tape[..] != sound[..], 960 <= bad, "{bad}");
        assert!(tape[bad.max(1)..].iter().all(|it| *it == [0.25; 2]), "{bad}: nothing of what follows it");
        // Its box came home: three more find room.
        (0..3).for_each(|_| pair.send(0, &vec![[0.25; 2]; 1_000]));
    }
}

#[test]
fn a_window_that_is_changed_while_it_is_written_harms_nothing() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    pair.send(0, &tone(2 * FRAME, 300.0, 0.3));
    for round in 0..60_u64 {
        let (begin, room) = pair.arena.sound_box(2).unwrap();
        (0..room)
            .for_each(|i| pair.arena.store(begin + i, (i as u64 * 0x9e37_79b9).wrapping_mul(round << 17 | 1), Relaxed));
        pair.play(1);
    }
    assert!(pair.own.player.tape().frames().iter().flatten().all(|it| it.is_finite()));
}

#[test]
fn a_player_that_is_started_again_has_its_tape_place_band_and_count() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    pair.send(1_000, &tone(3_000, 300.0, 0.3));
    pair.transport.set_band(LoopBand::new(FRAME, 3 * FRAME, TAPE).unwrap()).unwrap();
    pair.play(100);
    let (tape, head, band) =
        (pair.own.player.tape().frames().to_vec(), pair.transport.playhead(), pair.own.player.head.band());
    let mut pair = Pair::over(&pair.arena, &pair.arena, 9);
    assert_eq!(pair.own.player.tape().frames(), tape);
    assert_eq!((pair.own.player.head.band(), pair.own.player.head.position()), (band, head.position));
    pair.play(1);
    assert_eq!(pair.transport.playhead().played, head.played.after(64));
    // What it says of it to an engine that comes: the tape, its length, what loops.
    assert_eq!((pair.transport.tape(), pair.transport.tape_frames(), pair.transport.band()), (TapeId(1), TAPE, band));
}

#[test]
fn a_tape_that_came_back_from_a_disk_is_known_by_the_recording_that_it_began_as_also_after_a_restart() {
    let (recording, back) = (tone(TAPE, 93.7, 0.5), tone(TAPE, 210.0, 0.3));
    let mut pair = Pair::playing(&recording);
    let known = |pair: &Pair| pair.transport.standing().map(|it| (it.sum, it.recording));
    let of_it = sum_of(&recording);
    assert_eq!(known(&pair), Some((of_it, of_it)));
    pair.transport.bring_back(Tape::new(back.clone()).unwrap(), of_it, 100).expect("there is room");
    (0..20).for_each(|_| {
        pair.play(1);
        pair.own.loader.poll();
    });
    assert_eq!(known(&pair), Some((sum_of(&back), of_it)));
    let copy = pair.transport.tape_reader().and_then(|it| it.snapshot().ok()).expect("a tape");
    assert!(copy.sound == back && copy.sound == pair.own.player.tape().frames());
    let pair = Pair::over(&pair.arena, &pair.arena, 9);
    assert_eq!(known(&pair), Some((sum_of(&back), of_it)));
}

#[test]
fn an_engine_notices_that_its_player_was_started_again_and_has_all_boxes() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    (0..3).for_each(|_| pair.send(0, &tone(1_000, 300.0, 0.3)));
    assert!(!pair.packer.collect(|_| ()), "all are on their way");
    let mut own = Player::attached(&pair.arena);
    own.grant.give(5);
    own.player.fill(&mut [[0.0; 2]; 64]);
    pair.epochs.set(5);
    pair.own = own;
    (0..3).for_each(|_| pair.send(0, &tone(1_000, 300.0, 0.3)));
    pair.transport.seek(70).expect("its orders go there too");
    pair.play(60);
    assert_eq!((pair.refused(), pair.transport.meters().windows_spliced.load(Relaxed)), (vec![], 3));
}

#[test]
fn what_an_engine_sends_that_is_no_longer_attached_is_dropped_and_counted() {
    let sound = tone(TAPE, 93.7, 0.5);
    let mut pair = Pair::playing(&sound);
    pair.send(0, &tone(1_000, 300.0, 0.3));
    pair.own.grant.give(2);
    pair.play(40);
    // It hung while it was detached, and goes on where it was.
    pair.send(0, &tone(1_000, 300.0, 0.3));
    pair.transport.seek(7).unwrap();
    pair.play(40);
    assert_eq!(pair.own.refusals.of(Refused::Torn(crate::boundary::Torn::Epoch)), 2);
    assert_eq!(pair.own.player.tape().frames(), sound);
}

#[test]
fn a_new_engine_is_obeyed_only_after_the_window_of_the_one_before_is_whole() {
    // Longer than what a step of 64 writes.
    let sizes = Sizes { window_frames: 12 * FRAME, tape_frames: 12 * FRAME, ..SIZES };
    let arena = Arena::on_heap(sizes);
    let mut pair = Pair::over(&arena, &arena, 1);
    pair.transport.swap(Tape::new(vec![[0.25; 2]; 12 * FRAME]).unwrap(), 0).unwrap();
    pair.play(1);
    pair.own.loader.poll();
    pair.play(100);
    pair.send(9_000, &vec![[0.5; 2]; 12 * FRAME - 5_000]);
    pair.play(1);
    pair.own.grant.give(2);
    assert!(!pair.own.grant.is_obeyed(2));
    pair.play(1);
    assert!(!pair.own.grant.is_obeyed(2), "half of it is written");
    pair.play(4);
    assert!(pair.own.grant.is_obeyed(2));
    assert_eq!(pair.transport.meters().windows_spliced.load(Relaxed), 1);
}

#[test]
fn without_a_tape_it_plays_silence_and_waits_for_one() {
    let arena = arena();
    let mut pair = Pair::over(&arena, &arena, 1);
    assert!(pair.play(200).iter().all(|it| *it == [0.0; 2]));
    let slot_too_small = pair.transport.swap(Tape::new(tone(7 * FRAME, 100.0, 0.1)).unwrap(), 0);
    assert!(matches!(slot_too_small, Err(TransportError::NoRoom { found, .. }) if found == 7 * FRAME));
}

#[test]
fn the_sound_opens_over_two_seconds_when_its_first_tape_comes_and_over_a_tenth_when_the_tape_was_heard_before() {
    let loudest = |part: &[StereoFrame]| part.iter().map(|it| it[0].abs()).fold(0.0, f32::max);
    let arena = arena();
    let mut pair = Pair::over(&arena, &arena, 1);
    // For longer than the fade there is nothing to be heard.
    pair.play(1_600);
    pair.transport.swap(Tape::new(tone(TAPE, 937.0, 0.5)).unwrap(), 0).unwrap();
    assert!(pair.transport.set_gain_db(-20.0));
    pair.play(1);
    assert!(pair.own.loader.poll());
    let out = pair.play(1_600);
    assert!(loudest(&out) < 0.0525, "never louder than what was kept: {}", loudest(&out));
    assert!(loudest(&out[..4_800]) < 0.001, "{}", loudest(&out[..4_800]));
    assert!(loudest(&out[24_000..26_000]) < 0.02 && 0.049 < loudest(&out[POWER_ON_FADE_FRAMES..]));
    let mut again = Pair::over(&arena, &arena, 2);
    assert!((again.transport.gain() - 0.1).abs() < 1e-6, "and an engine that comes knows it");
    let out = again.play(200);
    assert!(loudest(&out[GUARD_LATENCY_FRAMES..][..300]) < 0.001 && 0.049 < loudest(&out[OPENING_FADE_FRAMES..]));
}

#[test]
fn everything_that_was_played_stands_in_the_tee_by_its_count_and_every_window_in_the_trace() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    let mut reader = TraceReader::from_now_on(&pair.arena);
    let from = pair.transport.playhead().played;
    pair.send(0, &tone(1_000, 300.0, 0.3));
    let played = pair.play(50);
    let mut heard = vec![[0.0; 2]; played.len()];
    assert_eq!(reader.hear(from.count(), &mut heard), crate::boundary::Heard::Frames(played.len()));
    assert!(heard == played);
    let taken = reader.taken().unwrap().expect("a window");
    let event = crate::boundary::Event::Window { epoch: 1, number: 1 };
    assert_eq!((taken, reader.taken()), (crate::boundary::Taken { now: from.count(), event }, Ok(None)));
}

proptest! {
    /// Whatever lies in the memory and changes there, the player plays finite sound under the ceiling, reads nothing outside and
    /// never stops; so does an engine that is attached to it.
    #[test]
    fn any_memory_is_survived(words in proptest::collection::vec(any::<u64>(), 1..80), places in proptest::collection::vec(any::<u32>(), 80)) {
        let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
        let all = SIZES.words();
        for (i, (word, place)) in words.iter().zip(&places).enumerate() {
            // Half of them where the rings and the desk are.
            let place = *place as usize % if i % 2 == 0 { 3_000 } else { all };
            pair.arena.store(place, *word, Release);
            if i % 5 == 0 {
                // A whole record of wild numbers.
                let [a, b, c] = [0, 1, 2].map(|k| words[(i + k) % words.len()]);
                let window = Window { sound_box: (a % 4) as u32, tape: (b % 3) as u32, land: c, frames: a % 5_000, ..Window::default() };
                let mut ring = RingWriter::resume(WINDOWS, &pair.arena);
                ring.push(&pair.arena, &window.pack(1));
                let (slot, frames, position, band) = ((a % 3) as u32, b % 12_000, c % 12_000, [a % 9_000, b % 12_000]);
                let order = Asked::Swap { tape: 2, slot, frames, position, sum: c, recording: c, band, due: c, fade: a };
                let mut ring = RingWriter::resume(ORDERS, &pair.arena);
                ring.push(&pair.arena, &order.pack(1));
            }
            let out = pair.play(2);
            prop_assert!(out.iter().flatten().all(|it| it.abs() <= CEILING + 1e-6));
            pair.own.loader.poll();
            pair.packer.collect(|_| ());
            let plan = pair.plan(0, 1_000);
            let _ = pair.packer.send(&plan, 0.0, |room| room.fill([0.1; 2]));
            let _ = pair.transport.seek(5);
        }
        // One that starts on it does too.
        let mut pair = Pair::over(&pair.arena, &pair.arena, 3);
        pair.play(20);
    }
}

#[path = "attached_bounds_tests.rs"]
mod bounds;
