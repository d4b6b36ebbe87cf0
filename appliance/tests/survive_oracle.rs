//! Goal: the oracle of `survive` finds what it is there for: a record that was torn, a period that was lost, a sample that is wrong.
//! Method: a player and an engine on one thread, recorded as `survive` records them; the recording as it is, and with one fault.

#[path = "survive/dummy.rs"]
#[allow(dead_code)]
mod dummy;
#[path = "survive/oracle.rs"]
#[allow(dead_code)]
mod oracle;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use appliance::handover::witness::{read, write_tape, write_window};
use dummy::{Dice, TAPE, chord, tape};
use engine::boundary::{Arena, Event, Sizes, TraceReader};
use engine::playback::{Epoch, LoopBand, Player, Tape, WindowPlan, attach};
use oracle::{Life, PERIOD, Sent, Verdict, judge};

const PERIODS: usize = 1_500;

/// What goes wrong, at this period.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The second half of the box that is being written becomes another's.
    Torn(usize),
}

/// A life with windows, seeks, bands, gains and a swap.
fn life(fault: Fault) -> (Life, Sent) {
    let sizes = Sizes { boxes: 3, window_frames: 16_000, tape_frames: TAPE };
    let arena = Arena::on_heap(sizes);
    let mut own = Player::attached(&arena);
    let memory = arena.memory().words().iter().map(|it| it.load(Relaxed)).collect();
    let (mut life, mut trace) = (Life { memory, ..Life::default() }, TraceReader::from_now_on(&arena));
    own.grant.give(9);
    let epochs = Epoch::default();
    epochs.set(9);
    let (mut packer, mut transport) = attach(&arena, &epochs);
    let log = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&log);
    packer.set_witness(Box::new(move |epoch, window, sound| {
        write_window(&mut *theirs.lock().expect("one thread"), epoch, window, sound).expect("room");
    }));
    let mut dice = Dice(5);
    for period in 0..PERIODS {
        if period == 3 || period == 900 {
            let sound = tape(period);
            write_tape(&mut *log.lock().expect("one thread"), &sound).expect("room");
            transport.swap(Tape::new(sound).expect("a tape"), period).expect("room");
        }
        match dice.throw(30) {
            0 => transport.seek(dice.throw(TAPE)).expect("room"),
            1 => transport.set_band(LoopBand::from_faders(0.1, 0.4 + dice.throw(5) as f32 / 10.0, TAPE)).expect("room"),
            2 => assert!(transport.set_gain_db(-(dice.throw(5) as f32))),
            3..15 if packer.collect(|_| ()) => {
                let (head, frames) = (transport.playhead(), 1_000 + dice.throw(15_000));
                let land = (head.position + 2_000) % TAPE;
                let (due, planned) = (head.played.after(2_000), head.played);
                let plan = WindowPlan { tape: transport.tape(), land, frames, keep: 9, run_up: 0, due, planned };
                let sound = chord(frames, 90.0 + dice.throw(300) as f32, 0);
                packer.send(&plan, 0.25, |room| room.copy_from_slice(&sound)).expect("a box");
            }
            _ => {}
        }
        if fault == Fault::Torn(period) {
            let words = arena.memory().words();
            let boxes = sizes.boxes * sizes.window_frames;
            let begin = Sizes { boxes: 1, window_frames: 1, tape_frames: 1 }.words();
            // Wherever the boxes lie: all of the memory behind the front that holds sound and is no tape.
            let front = begin - (1 + (1 << 16) + (1 << 18) + 2);
            (0..boxes).filter(|it| 6_000 < it % sizes.window_frames).for_each(|it| words[front + it].store(0, Relaxed));
        }
        let mut out = [[0.0; 2]; PERIOD];
        own.player.fill(&mut out);
        own.loader.poll();
        life.heard.extend(out);
        while let Some(taken) = trace.taken().expect("it is read in time") {
            life.events.push(taken);
        }
    }
    let mut sent = Sent::default();
    read(&log.lock().expect("one thread")).expect("whole entries").into_iter().for_each(|it| sent.add(it));
    life.left = Some(own.player.tape().frames().to_vec());
    (life, sent)
}

#[test]
fn a_life_without_a_fault_has_none() {
    let (life, sent) = life(Fault::None);
    let verdict = judge(&life, &sent);
    assert!(verdict.is_clean() && 300 < verdict.windows, "{verdict:?}");
    assert!(0.1 < life.heard.iter().flatten().fold(0.0_f32, |most, it| most.max(it.abs())), "it is not silence");
}

#[test]
fn one_sample_that_is_wrong_by_its_last_bit_is_found() {
    let (mut life, sent) = life(Fault::None);
    let sample = &mut life.heard[200_001][1];
    *sample = f32::from_bits(sample.to_bits() ^ 1);
    let verdict = judge(&life, &sent);
    assert_eq!((verdict.wrong, verdict.first_wrong), (1, Some(200_001)), "{verdict:?}");
}

#[test]
fn a_period_that_was_lost_is_found_whether_or_not_its_count_was() {
    let (mut life, sent) = life(Fault::None);
    life.heard.drain(100 * PERIOD..101 * PERIOD);
    let verdict = judge(&life, &sent);
    assert!(100 < verdict.wrong && verdict.first_wrong.is_some_and(|it| (25_600..26_000).contains(&it)), "{verdict:?}");
    life.gaps = PERIOD as u64;
    assert_eq!(judge(&life, &sent).gaps, PERIOD as u64);
}

#[test]
fn a_record_whose_sound_was_torn_on_its_way_is_found() {
    let found: Vec<Verdict> =
        (700..730).map(|at| life(Fault::Torn(at))).map(|(life, sent)| judge(&life, &sent)).collect();
    // Only where a window was on its way at that moment.
    assert!(found.iter().any(|it| 0 < it.wrong), "{found:?}");
}

#[test]
fn a_window_that_nobody_sent_and_one_at_no_steps_begin_are_found() {
    let (mut life, sent) = life(Fault::None);
    let window = |it: &&mut engine::boundary::Taken| matches!(it.event, Event::Window { .. });
    let first = life.events.iter_mut().find(window).expect("a window");
    first.event = Event::Window { epoch: 9, number: 1 << 40 };
    assert_eq!(judge(&life, &sent).foreign, 1);
    life.events.iter_mut().filter(window).nth(4).expect("a window").now -= 7;
    assert_eq!(judge(&life, &sent).foreign, 2);
}

#[test]
fn a_tape_that_is_not_what_was_written_to_it_is_found() {
    let (mut life, sent) = life(Fault::None);
    // Far from whatever was written last.
    let head = life.left.as_ref().expect("a tape").len();
    let wrong = |life: &Life| judge(life, &sent).tape_wrong;
    assert_eq!(wrong(&life), 0);
    let left = life.left.as_mut().expect("a tape");
    let every = (0..head).step_by(1_000);
    let count = every.clone().count() as u64;
    every.for_each(|at| left[at][0] += 0.01);
    assert!((count / 2..=count).contains(&wrong(&life)));
    life.left = Some(vec![[0.0; 2]; 5]);
    assert_eq!(wrong(&life), 5);
}
