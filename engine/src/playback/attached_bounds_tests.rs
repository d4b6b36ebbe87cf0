//! Goal: what a player looks at in a step is bounded whatever is sent, a long window is fetched from where it lies, and what an engine is
//! told is what stands there.

use std::sync::Arc;

use super::*;
use crate::boundary::{Event, REPORTS, Report, Taken};

const OF_ANOTHER_TAPE: Asked = Asked::Seek { tape: 77, position: 0 };

fn send_orders(pair: &Pair, count: usize) {
    let mut ring = RingWriter::resume(ORDERS, &pair.arena);
    (0..count).for_each(|_| assert!(ring.push(&pair.arena, &OF_ANOTHER_TAPE.pack(1))));
}

fn refusals(pair: &Pair) -> u64 {
    pair.transport.meters().refused.load(Relaxed)
}

#[test]
fn a_step_looks_at_sixteen_records_and_leaves_the_others_to_the_next() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    send_orders(&pair, 40);
    for seen in [16, 32, 40, 40] {
        pair.play(1);
        assert_eq!(refusals(&pair), seen);
    }
    // Orders first; what is left of the sixteen is for windows. A look that finds nothing is one of them.
    send_orders(&pair, 10);
    let no_such_box = Window { number: 1, sound_box: 3, tape: 1, frames: 1_000, keep: 1, ..Window::default() };
    let mut ring = RingWriter::resume(WINDOWS, &pair.arena);
    (0..16).for_each(|_| assert!(ring.push(&pair.arena, &no_such_box.pack(1))));
    for seen in [55, 66, 66] {
        pair.play(1);
        assert_eq!(refusals(&pair), seen);
    }
}

#[test]
fn a_window_that_is_all_run_up_is_a_window() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    let fresh = tone(1_000, 300.0, 0.3);
    let plan = WindowPlan { run_up: fresh.len(), ..pair.plan(3_000, fresh.len()) };
    pair.packer.send(&plan, 0.0, |room| room.copy_from_slice(&fresh)).expect("a box is home");
    pair.play(10);
    assert_eq!((pair.refused(), pair.transport.meters().windows_spliced.load(Relaxed)), (vec![], 1));
}

#[test]
fn a_window_that_takes_many_steps_is_on_the_tape_as_it_was_sent() {
    let sizes = Sizes { boxes: 2, window_frames: 30 * FRAME, tape_frames: 40 * FRAME };
    let arena = Arena::on_heap(sizes);
    let mut pair = Pair::over(&arena, &arena, 1);
    let tape = Tape::new(tone(40 * FRAME, 93.7, 0.5)).expect("a tape");
    pair.transport.swap(tape, 0).expect("there is room");
    pair.play(1);
    assert!(pair.own.loader.poll());
    pair.play(10);
    // No two places of it are alike.
    let fresh: Vec<StereoFrame> = (0..30 * FRAME).map(|at| [at as f32 * 1e-6, -0.5 + at as f32 * 1e-6]).collect();
    pair.send(5 * FRAME, &fresh);
    pair.play(20);
    let body = SPLICE_FADE_FRAMES..fresh.len() - SPLICE_FADE_FRAMES;
    let spliced = &pair.own.player.tape().frames()[5 * FRAME..];
    assert!(spliced[body.clone()] == fresh[body]);
}

#[test]
fn every_order_that_was_obeyed_stands_in_the_trace() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    let mut reader = TraceReader::from_now_on(&pair.arena);
    let now = pair.transport.playhead().played.count();
    pair.transport.seek(500).expect("there is room");
    pair.transport.set_band(LoopBand::new(0, 3 * FRAME, TAPE).expect("a band")).expect("there is room");
    pair.play(1);
    let events = [Event::Seek(500), Event::Band(0, 3 * FRAME as u64)];
    for event in events {
        assert_eq!(reader.taken(), Ok(Some(Taken { now, event })));
    }
    assert_eq!(reader.taken(), Ok(None));
}

#[test]
fn reports_without_end_are_not_waited_for_and_no_box_comes_home_twice_or_from_nowhere() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    let mut ring = RingWriter::resume(REPORTS, &pair.arena);
    let landing = Landing::of(&pair.plan(0, 1_000), PlayedFrame::default(), PlayedFrame::default());
    let mut report = |sound_box| {
        let home = Report::Home { sound_box, landing: Some(landing.told()) };
        assert!(ring.push(&pair.arena, &home.pack(1)));
    };
    (0..4).for_each(|_| report(0));
    (0..3).for_each(|_| report(3));
    let mut told = [0, 0];
    told.iter_mut().for_each(|it| _ = pair.packer.collect(|_| *it += 1));
    assert_eq!(told, [6, 1], "twice as many as there are boxes");
    // Three boxes, each once.
    let plan = pair.plan(0, 1_000);
    let mut send = || pair.packer.send(&plan, 0.0, |room| room.fill([0.1; 2]));
    assert_eq!([send(), send(), send(), send()], [Ok(()), Ok(()), Ok(()), Err(Unsent::NoBox)]);
    assert!(format!("{:?}", pair.packer).contains("Packer"));
}

#[test]
fn an_engine_is_told_what_the_player_has() {
    let sound = tone(TAPE, 93.7, 0.5);
    let mut pair = Pair::playing(&sound);
    let standing = pair.transport.standing().expect("a tape");
    assert_eq!((standing.frames, standing.sum), (TAPE as u64, sum_of(&sound)));
    let mut other = sound.clone();
    other[TAPE / 2][1] += 1e-6;
    assert!(sum_of(&other) != sum_of(&sound) && sum_of(&other[1..]) != sum_of(&other));
    for muted in [true, false] {
        pair.transport.set_muted(muted);
        assert_eq!(pair.transport.muted(), muted);
    }
    // Tapes go to one place and the other in turn.
    for round in 1..5 {
        pair.transport.swap(Tape::new(tone(FRAME * round, 200.0, 0.2)).expect("a tape"), 0).expect("there is room");
        pair.play(1);
        assert!(pair.own.loader.poll(), "round {round}");
        pair.play(1);
        assert_eq!(pair.transport.standing().expect("a tape").frames, (FRAME * round) as u64);
    }
}

#[test]
fn a_witness_is_told_every_window_that_leaves_as_it_leaves() {
    let mut pair = Pair::playing(&tone(TAPE, 93.7, 0.5));
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    pair.packer.set_witness(Box::new(move |epoch, window, sound| {
        heard.lock().expect("one writer").push((epoch, window.number, sound.to_vec()));
    }));
    let fresh = tone(2_000, 300.0, 0.3);
    for number in 1..=2 {
        let plan = pair.plan(3_000, fresh.len());
        pair.packer.send(&plan, 0.0, |room| room.copy_from_slice(&fresh)).expect("a box is home");
        let (epoch, found, sound) = seen.lock().expect("one writer").pop().expect("it is told");
        assert_eq!((epoch, found), (pair.epochs.now(), number));
        assert!(sound == fresh);
        pair.play(10);
    }
}

#[test]
fn a_tape_that_waits_for_its_moment_goes_with_the_engine_that_ordered_it() {
    for (polls, name) in [(true, "loaded"), (false, "being loaded")] {
        let mut pair = Pair::playing(&tone(TAPE, 200.0, 0.2));
        let before = pair.transport.standing();
        let tape = Tape::new(tone(2 * FRAME, 300.0, 0.2)).expect("a tape");
        let due = Some(pair.transport.playhead().played.after(6_400));
        let how = Transition { due, ..Transition::at_once(0, tape.len()) };
        let berthed = pair.transport.berth().bring(tape, 0).expect("there is room");
        let id = pair.transport.hand_over(berthed, &how).expect("there is room");
        pair.play(1);
        if polls {
            assert!(pair.own.loader.poll());
            pair.play(1);
        }
        pair.own.grant.give(2);
        pair.play(1);
        pair.own.loader.poll();
        pair.play(200);
        assert_eq!((pair.own.player.tape().len(), pair.transport.plays(id)), (TAPE, false), "{name}");
        assert_eq!(pair.transport.standing(), before, "{name}");
        // The engine that comes goes on with what plays, and brings what it likes.
        pair.epochs.set(2);
        pair.transport.go_on_with_what_plays();
        assert_eq!(pair.transport.tape_frames(), TAPE);
        let other = pair.transport.swap(Tape::new(tone(FRAME, 100.0, 0.2)).expect("a tape"), 0).expect("there is room");
        pair.play(1);
        assert!(pair.own.loader.poll());
        pair.play(100);
        assert!(pair.transport.plays(other) && pair.own.player.tape().len() == FRAME, "{name}");
    }
}

/// Orders another tape with these figures, `due` so many stereo samples from now, and plays a step.
fn hand_over(pair: &mut Pair, due: usize, fade_frames: usize, band: LoopBand) -> TapeId {
    let tape = Tape::new(tone(2 * FRAME, 300.0, 0.2)).expect("a tape");
    let due = Some(pair.transport.playhead().played.after(due));
    let how = Transition { due, fade_frames, band, ..Transition::at_once(0, tape.len()) };
    let berthed = pair.transport.berth().bring(tape, 0).expect("there is room");
    let id = pair.transport.hand_over(berthed, &how).expect("there is room");
    pair.play(1);
    id
}

#[test]
fn a_moment_far_ahead_is_refused_and_nothing_waits_for_it() {
    let whole = LoopBand::whole(2 * FRAME);
    let mut pair = Pair::playing(&tone(TAPE, 200.0, 0.2));
    let id = hand_over(&mut pair, DUE_FRAMES_MOST + 1, 960, whole);
    assert!(!pair.own.loader.poll(), "nobody loads it");
    assert_eq!(pair.own.refusals.of(Refused::Size), 1);
    pair.transport.go_on_with_what_plays();
    pair.transport.seek(FRAME).expect("there is room");
    pair.play(1);
    assert_eq!((pair.transport.playhead().position, pair.transport.plays(id)), (FRAME + 64, false));
    let mut pair = Pair::playing(&tone(TAPE, 200.0, 0.2));
    hand_over(&mut pair, DUE_FRAMES_MOST, 960, whole);
    assert!(pair.own.loader.poll(), "two seconds are not far");
    assert_eq!(pair.refused(), []);
}

#[test]
fn a_tape_comes_with_the_fade_and_the_band_that_were_asked_for_and_the_trace_says_both() {
    for (fade, band) in
        [(960, LoopBand::whole(2 * FRAME)), (3_000, LoopBand::new(100, 3_000, 2 * FRAME).expect("a band"))]
    {
        let mut pair = Pair::playing(&tone(TAPE, 200.0, 0.2));
        let mut reader = TraceReader::from_now_on(&pair.arena);
        let id = hand_over(&mut pair, 0, fade, band);
        assert!(pair.own.loader.poll());
        pair.play(100);
        assert!(pair.transport.plays(id) && pair.refused().is_empty());
        let mut told = Vec::new();
        while let Ok(Some(Taken { event, .. })) = reader.taken() {
            told.push(event);
        }
        let sum = crate::boundary::Sum::of_sound(&tone(2 * FRAME, 300.0, 0.2));
        let mut wanted = vec![Event::Swap { sum, position: 0, fade: fade as u64 }];
        if band != LoopBand::whole(2 * FRAME) {
            wanted.push(Event::Band(band.start() as u64, band.end() as u64));
        }
        assert_eq!(told, wanted);
    }
}
