//! Goal: the tape plays what it should at each sample, whatever is spliced, sought or swapped meanwhile.
//! Method: fills of the device's size, exact tapes, and the guard's latency taken off.

use std::sync::atomic::Ordering::Relaxed;

use super::super::{
    DeckSize, GUARD_LATENCY_FRAMES, OPENING_FADE_FRAMES, POWER_ON_FADE_FRAMES, Packer, SPLICE_FRAMES_PER_FILL,
    SWAP_FADE_FRAMES, Start, Transport, Unsent, Walk, WindowPlan, deck,
};
use super::*;
use crate::latent::SAMPLES_PER_LATENT_FRAME as FRAME;

const LATENT: usize = 50;
const TAPE: usize = LATENT * FRAME;
const PERIOD: usize = 256;
/// What the DC blocker may do to a 440 Hz tone at 0.25.
const NEAR: f32 = 0.007;

fn tone(frames: usize, cycles: f32, level: f32) -> Vec<StereoFrame> {
    (0..frames).map(|i| [(i as f32 / frames as f32 * cycles * std::f32::consts::TAU).sin() * level; 2]).collect()
}

/// A deck whose tape loops cleanly: whole cycles of 440 Hz.
fn toned() -> (Player, Packer, Transport) {
    let tape = Tape::new(tone(TAPE, 880.0, 0.25)).unwrap();
    let (mut player, packer, transport) = deck(tape, DeckSize { boxes: 3, window_frames: 40 * FRAME });
    player.open_at_once();
    (player, packer, transport)
}

fn play(player: &mut Player, frames: usize) -> Vec<StereoFrame> {
    let mut out = vec![[0.0; 2]; frames];
    out.chunks_mut(PERIOD).for_each(|period| player.fill(period));
    out
}

fn send(packer: &mut Packer, plan: &WindowPlan, level: f32) {
    packer.send(plan, 0.0, |sound| sound.fill([level; 2])).unwrap();
}

fn walk(transport: &Transport) -> Walk {
    Walk::new(transport.tape(), LATENT, 25)
}

/// The largest second difference, after the start from silence.
fn roughest(sound: &[StereoFrame]) -> f32 {
    sound[200..].windows(3).map(|w| (w[0][0] - 2.0 * w[1][0] + w[2][0]).abs()).fold(0.0, f32::max)
}

#[test]
fn the_tape_starts_as_the_source_itself_and_goes_round_for_ever() {
    let (mut player, _packer, transport) = toned();
    let out = play(&mut player, 2 * TAPE + GUARD_LATENCY_FRAMES);
    let wanted = tone(TAPE, 880.0, 0.25);
    let worst = out[GUARD_LATENCY_FRAMES..].iter().zip(wanted.iter().cycle()).map(|(a, b)| (a[0] - b[0]).abs());
    let worst = worst.fold(0.0, f32::max);
    assert!(worst < NEAR, "{worst}");
    assert_eq!(transport.meters().laps.load(Relaxed), 2);
}

#[test]
fn the_playhead_counts_every_frame_handed_out() {
    let (mut player, _packer, transport) = toned();
    play(&mut player, 1000);
    assert_eq!(transport.playhead(), Playhead { position: 1000, played: PlayedFrame::new(1000) });
}

#[test]
fn a_window_is_heard_where_it_landed_and_nowhere_else() {
    let (mut player, mut packer, transport) = toned();
    let plan = walk(&transport).plan(&transport.course(), 10_000, Start::Fresh);
    send(&mut packer, &plan, 0.5);
    play(&mut player, 20 * PERIOD);
    let (tape, source) = (player.tape().frames(), tone(TAPE, 880.0, 0.25));
    let end = plan.land + plan.frames;
    assert!(tape[..plan.land] == source[..plan.land] && tape[end..] == source[end..]);
    let body = plan.land + SPLICE_FADE_FRAMES..end - SPLICE_FADE_FRAMES;
    assert!(tape[body].iter().all(|frame| *frame == [0.5; 2]));
    assert_eq!(transport.meters().windows_spliced.load(Relaxed), 1);
}

#[test]
fn a_window_across_the_seam_lands_at_both_ends_of_the_tape() {
    let (mut player, mut packer, mut transport) = toned();
    transport.seek(TAPE - 10_000).unwrap();
    play(&mut player, PERIOD);
    let plan = walk(&transport).plan(&transport.course(), 5_000, Start::Fresh);
    send(&mut packer, &plan, 0.5);
    play(&mut player, 9_000 / PERIOD * PERIOD);
    let tape = player.tape().frames();
    assert_eq!((tape[TAPE - 1], tape[0], tape[plan.frames - 5_000 - 2_000]), ([0.5; 2], [0.5; 2], [0.5; 2]));
}

#[test]
fn no_call_splices_more_than_its_share() {
    let (mut player, mut packer, transport) = toned();
    let plan = walk(&transport).plan(&transport.course(), 10_000, Start::Fresh);
    send(&mut packer, &plan, 0.5);
    let source = tone(TAPE, 880.0, 0.25);
    let mut written = 0;
    while written < plan.frames {
        play(&mut player, PERIOD);
        let changed = player.tape().frames().iter().zip(&source).filter(|(a, b)| a != b).count();
        assert!(changed - written.min(changed) <= 2 * SPLICE_FRAMES_PER_FILL, "at a period of 256");
        if changed == written {
            break;
        }
        written = changed;
    }
    assert!(written > plan.frames - 100, "{written} of {}", plan.frames);
}

/// A window of silence far from the head.
fn plan_at(transport: &Transport, land: usize, frames: usize) -> WindowPlan {
    let (tape, now) = (transport.tape(), transport.playhead().played);
    WindowPlan { tape, land, frames, keep: 1, run_up: 0, due: now.after(land), planned: now }
}

#[test]
fn a_call_begins_as_many_windows_as_it_has_room_for() {
    let tape = Tape::new(tone(TAPE, 880.0, 0.25)).unwrap();
    let (mut player, mut packer, transport) = deck(tape, DeckSize { boxes: 5, window_frames: 2_000 });
    for window in 1..=3 {
        send(&mut packer, &plan_at(&transport, window * 10_000, 2_000), 0.5);
    }
    let spliced = || transport.meters().windows_spliced.load(Relaxed);
    player.fill(&mut [[0.0; 2]; 128]);
    // Of 6144 are left after two 2144: less than both fades of the third.
    assert_eq!(spliced(), 2);
    player.fill(&mut [[0.0; 2]; 128]);
    assert_eq!(spliced(), 3);
}

#[test]
fn a_window_that_does_not_lie_on_the_tape_is_not_written() {
    let tape = Tape::new(vec![[0.0; 2]; 4 * FRAME]).unwrap();
    let (mut player, mut packer, transport) = deck(tape, DeckSize { boxes: 3, window_frames: 8 * FRAME });
    for (land, frames) in [(4 * FRAME, FRAME), (FRAME, 4 * FRAME + 1)] {
        send(&mut packer, &plan_at(&transport, land, frames), 0.5);
    }
    play(&mut player, PERIOD);
    assert_eq!(transport.meters().windows_stale.load(Relaxed), 2);
    assert!(player.tape().frames().iter().all(|frame| *frame == [0.0; 2]));
}

#[test]
fn of_a_place_that_is_left_in_silence_nothing_is_heard_when_the_sound_comes_back() {
    // Loud in its first half, silent in its second.
    let mut sound = tone(TAPE, 880.0, 0.5);
    sound[TAPE / 2..].fill([0.0; 2]);
    let (mut player, _packer, mut transport) = deck(Tape::new(sound).unwrap(), DeckSize::default());
    player.open_at_once();
    let loudest = |out: &[StereoFrame]| out.iter().map(|it| it[0].abs()).fold(0.0, f32::max);
    assert!(0.4 < loudest(&play(&mut player, 9_600)));
    transport.set_muted(true);
    play(&mut player, 9_600);
    assert!(transport.playhead().position < TAPE / 4, "it is still where it is loud");
    transport.seek(TAPE * 5 / 8).unwrap();
    transport.set_muted(false);
    let out = play(&mut player, 9_600);
    assert!(loudest(&out) < 1e-3, "{}", loudest(&out));
    // Heard, a jump fades over as ever.
    transport.seek(100).unwrap();
    play(&mut player, 9_600);
    transport.seek(TAPE * 5 / 8).unwrap();
    let out = play(&mut player, 4_800);
    assert!(0.2 < loudest(&out) && roughest(&out) < 0.1, "{}", roughest(&out));
}

#[test]
fn gaps_that_the_device_reports_are_added_up() {
    let (player, _packer, transport) = toned();
    player.underran(2);
    player.underran(0);
    player.underran(3);
    assert_eq!(transport.meters().underruns.load(Relaxed), 5);
}

#[test]
fn how_late_the_next_period_is_heard_is_said_by_who_fills_it_last() {
    let (player, _packer, transport) = toned();
    player.delayed_by(2_048);
    player.delayed_by(1_024);
    assert_eq!(transport.meters().delay.load(Relaxed), 1_024);
}

#[test]
fn a_window_that_comes_late_is_heard_from_the_head_on_and_whole_in_the_next_lap() {
    let (mut player, mut packer, transport) = toned();
    let plan = walk(&transport).plan(&transport.course(), 1_000, Start::Fresh);
    let mut out = play(&mut player, 5_120);
    let other = tone(TAPE, 660.0, 0.25);
    packer.send(&plan, 0.0, |sound| sound.copy_from_slice(&other[..plan.frames])).unwrap();
    out.extend(play(&mut player, 20 * PERIOD));
    let tape = player.tape().frames();
    let body = SPLICE_FADE_FRAMES..plan.frames - SPLICE_FADE_FRAMES;
    assert!(tape[plan.land..][body.clone()] == other[body], "it is on the tape, on both sides of the head");
    assert!(roughest(&out) < 2.5 * roughest(&tone(TAPE, 880.0, 0.25)), "{}", roughest(&out));
    let heard = |at: usize| out[at + GUARD_LATENCY_FRAMES][0];
    for at in 5_120 + JUMP_FADE_FRAMES..9_000 {
        assert!((heard(at) - other[at - plan.land][0]).abs() < NEAR, "{at}: {} is not the new sound", heard(at));
    }
    let meters = transport.meters();
    assert_eq!((meters.windows_late.load(Relaxed), meters.late_frames.load(Relaxed)), (1, 4_120));
}

/// What the old splice took for a late window: its place is behind the head and under it, its moment a lap ahead.
#[test]
fn a_window_for_the_next_lap_is_in_time_and_keeps_its_beginning() {
    let (mut player, mut packer, mut transport) = toned();
    let band = LoopBand::new(9_600, 9_600 + 60_000, TAPE).unwrap();
    transport.set_band(band).unwrap();
    transport.seek(40_000).unwrap();
    play(&mut player, PERIOD);
    let mut walk = walk(&transport);
    let first = walk.plan(&transport.course(), 1_000, Start::Fresh);
    send(&mut packer, &first, 0.2);
    play(&mut player, PERIOD);
    let second = walk.plan(&transport.course(), 1_000, Start::Onward);
    let course = transport.course();
    assert_eq!((course.lap(second.due), course.place(second.due)), (1, band.start()));
    assert!(course.now().until(second.due) > 0 && second.land < transport.playhead().position);
    send(&mut packer, &second, 0.3);
    play(&mut player, 8 * PERIOD);
    assert!(player.tape().frames()[band.start()..40_000].iter().all(|it| *it == [0.3; 2]), "its beginning is there");
    let mut landings = Vec::new();
    packer.collect(|landing| landings.push(landing));
    assert!(landings.iter().all(|it| matches!(it.timing(), Timing::InTime { .. })), "{landings:?}");
    assert_eq!((landings.len(), transport.meters().windows_late.load(Relaxed)), (2, 0));
}

#[test]
fn a_window_says_how_much_lead_was_left_and_how_long_it_took() {
    let (mut player, mut packer, transport) = toned();
    let mut landings = Vec::new();
    let mut walk = walk(&transport);
    for _ in 0..3 {
        let plan = walk.plan(&transport.course(), 3_000, Start::Fresh);
        play(&mut player, 2 * PERIOD);
        assert!(packer.collect(|landing| landings.push(landing)), "a box is home");
        send(&mut packer, &plan, 0.1);
        play(&mut player, 40 * PERIOD);
    }
    packer.collect(|landing| landings.push(landing));
    let said = |it: &Landing| (it.timing(), it.delay(), it.keep());
    let expected = (Timing::InTime { left: 3_000 - 2 * PERIOD }, 2 * PERIOD, 25);
    assert_eq!(landings.iter().map(said).collect::<Vec<_>>(), [expected; 3]);
}

#[test]
fn a_window_that_is_not_finite_never_leaves_and_its_box_is_used_again() {
    let (mut player, mut packer, transport) = toned();
    let plan = walk(&transport).plan(&transport.course(), 3_000, Start::Fresh);
    for _ in 0..10 {
        let sent = packer.send(&plan, 0.0, |sound| sound[7] = [0.0, f32::NAN]);
        assert_eq!(sent, Err(Unsent::NonFinite { at: 7 }));
    }
    play(&mut player, 8 * PERIOD);
    assert!(player.tape().frames() == tone(TAPE, 880.0, 0.25));
    assert_eq!(transport.meters().windows_non_finite.load(Relaxed), 10);
}

#[test]
fn the_packer_knows_whether_a_box_is_home_before_anything_is_decoded() {
    let (mut player, mut packer, transport) = toned();
    let mut walk = walk(&transport);
    for _ in 0..3 {
        assert!(packer.collect(|_| ()));
        let plan = walk.plan(&transport.course(), 3_000, Start::Fresh);
        send(&mut packer, &plan, 0.1);
    }
    assert!(!packer.collect(|_| ()), "three are on their way");
    play(&mut player, 20 * PERIOD);
    assert!(packer.collect(|_| ()));
}

#[test]
fn with_every_box_on_its_way_the_packer_says_so_and_loses_nothing() {
    let (mut player, mut packer, transport) = toned();
    let mut walk = walk(&transport);
    let mut plan = || walk.plan(&transport.course(), 3_000, Start::Fresh);
    let sent: Vec<_> = (0..4).map(|_| packer.send(&plan(), 0.0, |sound| sound.fill([0.1; 2]))).collect();
    assert_eq!(sent, [Ok(()), Ok(()), Ok(()), Err(Unsent::NoBox)]);
    play(&mut player, 60 * PERIOD);
    assert_eq!(transport.meters().windows_spliced.load(Relaxed), 3);
}

#[test]
fn tape_feedback_keeps_its_share_of_what_was_heard_however_often_a_place_is_written() {
    let (mut player, mut packer, transport) = toned();
    let mut walk = walk(&transport);
    for _ in 0..3 {
        packer.collect(|_| ());
        let plan = walk.plan(&transport.course(), 10_000, Start::Fresh);
        packer.send(&plan, 0.75, |sound| sound.fill([0.8; 2])).unwrap();
        play(&mut player, 20 * PERIOD);
    }
    let (at, source) = (25_000, tone(TAPE, 880.0, 0.25));
    let expected = 0.75 * source[at][0] + 0.25 * 0.8;
    assert!((player.tape().frames()[at][0] - expected).abs() < 1e-6, "{}", player.tape().frames()[at][0]);
}

#[test]
fn splicing_the_sound_that_is_there_changes_nothing() {
    let (mut player, mut packer, transport) = toned();
    let plan = walk(&transport).plan(&transport.course(), 10_000, Start::Fresh);
    let source = tone(TAPE, 880.0, 0.25);
    packer.send(&plan, 0.0, |sound| sound.copy_from_slice(&source[plan.land..][..plan.frames])).unwrap();
    play(&mut player, 20 * PERIOD);
    let worst = player.tape().frames().iter().zip(&source).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-6, "{worst}");
}

#[test]
fn a_seek_into_a_window_that_is_still_being_written_is_heard_without_a_click() {
    let (mut player, mut packer, mut transport) = toned();
    let plan = walk(&transport).plan(&transport.course(), 10_000, Start::Fresh);
    let other = tone(TAPE, 660.0, 0.25);
    packer.send(&plan, 0.0, |sound| sound.copy_from_slice(&other[..plan.frames])).unwrap();
    let mut out = play(&mut player, PERIOD);
    transport.seek(plan.land + 20_000).unwrap();
    out.extend(play(&mut player, 2 * TAPE));
    assert!(roughest(&out) < 2.5 * roughest(&tone(TAPE, 880.0, 0.25)), "{}", roughest(&out));
}

#[test]
fn another_tape_fades_in_and_windows_for_the_old_one_are_dropped() {
    let (mut player, mut packer, mut transport) = toned();
    let mut walk = walk(&transport);
    let plan = walk.plan(&transport.course(), 3_000, Start::Fresh);
    let before = play(&mut player, 10 * PERIOD);
    let id = transport.swap(Tape::new(tone(40 * FRAME, 400.0, 0.2)).unwrap(), 5_000).unwrap();
    send(&mut packer, &plan, 0.7);
    let out = [before, play(&mut player, 20 * PERIOD)].concat();
    assert!(roughest(&out) < 2.5 * roughest(&tone(TAPE, 880.0, 0.25)), "{}", roughest(&out));
    assert!(player.tape().frames() == tone(40 * FRAME, 400.0, 0.2));
    assert_eq!((transport.meters().windows_stale.load(Relaxed), transport.collect(), transport.tape()), (1, 1, id));
    assert_eq!(transport.playhead().position, 5_000 + 20 * PERIOD);
}

#[test]
fn more_swaps_than_ways_home_wait_and_none_is_lost() {
    let (mut player, _packer, mut transport) = toned();
    let mut last = TapeId::default();
    for _ in 0..9 {
        last = transport.swap(Tape::new(tone(20 * FRAME, 200.0, 0.2)).unwrap(), 0).unwrap();
    }
    let mut home = 0;
    for _ in 0..4 {
        play(&mut player, PERIOD);
        home += transport.collect();
    }
    assert_eq!((home, player.tape_id), (9, last));
}

#[test]
fn a_band_loops_at_its_exact_length_and_keeps_the_beat() {
    let (mut player, _packer, mut transport) = toned();
    play(&mut player, 10 * PERIOD);
    transport.set_band(LoopBand::new(20_000, 30_001, TAPE).unwrap()).unwrap();
    play(&mut player, PERIOD);
    let first = transport.playhead().position;
    assert_eq!(first, LoopBand::new(20_000, 30_001, TAPE).unwrap().wrap(10 * PERIOD) + PERIOD);
    play(&mut player, 10_001);
    assert_eq!(transport.playhead().position, first);
}

#[test]
fn mute_fades_to_silence_and_back_while_the_tape_goes_on() {
    let (mut player, _packer, transport) = toned();
    let mut out = play(&mut player, 4_096);
    transport.set_muted(true);
    out.extend(play(&mut player, 16_384));
    assert!(out[out.len() - 100..].iter().all(|frame| frame[0].abs() < 1e-5));
    transport.set_muted(false);
    out.extend(play(&mut player, 16_384));
    assert!(out[out.len() - 200..].iter().any(|frame| frame[0].abs() > 0.2));
    assert!(roughest(&out) < 2.0 * roughest(&tone(TAPE, 880.0, 0.25)), "{}", roughest(&out));
    assert_eq!(transport.playhead().position, 4_096 + 2 * 16_384);
}

#[test]
fn who_leaves_fades_out_whatever_the_hands_do_and_says_when_it_is_silent() {
    let (mut player, _packer, transport) = toned();
    let mut out = play(&mut player, 4_096);
    player.fade_out();
    assert!(!player.has_faded());
    let before = out.len();
    let mut periods = 0;
    while !player.has_faded() {
        periods += 1;
        assert!(periods < 1_000, "it never ends");
        // A hand that opens the gain meanwhile is not heard any more.
        transport.set_gain_db(6.0);
        transport.set_muted(false);
        out.extend(play(&mut player, PERIOD));
    }
    let took = out.len() - before;
    assert!((2_400..7_200).contains(&took), "it took {took} stereo samples, 50 to 150 ms");
    // What is left is what the DC blocker has to forget: 60 dB below full scale, and no edge.
    assert!(out[out.len() - 32..].iter().all(|frame| frame[0].abs() < 1e-3), "{:?}", &out[out.len() - 4..]);
    assert!(roughest(&out) < 2.0 * roughest(&tone(TAPE, 880.0, 0.25)), "{}", roughest(&out));
}

#[test]
fn gain_in_decibels_is_what_is_heard_and_nonsense_is_refused() {
    let (mut player, _packer, transport) = toned();
    assert!(transport.set_gain_db(-6.0) && !transport.set_gain_db(f32::NAN));
    let out = play(&mut player, TAPE);
    let loudest = out[TAPE / 2..].iter().map(|frame| frame[0].abs()).fold(0.0, f32::max);
    assert!((loudest - 0.25 * 0.5012).abs() < 1e-3, "{loudest}");
}

#[test]
fn a_fill_of_any_length_plays_the_same_bits() {
    let (mut small, _p, _t) = toned();
    let (mut large, _p, _t) = toned();
    let (mut a, mut b) = (vec![[0.0; 2]; 10_000], vec![[0.0; 2]; 10_000]);
    a.chunks_mut(37).for_each(|period| small.fill(period));
    large.fill(&mut b);
    assert!(a == b);
}

#[test]
fn sound_that_is_heard_at_the_seam_is_not_changed_under_the_ear() {
    let (mut player, mut packer, mut transport) = toned();
    transport.set_band(LoopBand::new(48_000, 60_050, TAPE).unwrap()).unwrap();
    transport.seek(59_780).unwrap();
    let mut out = play(&mut player, 128);
    // The head now fades into the run-up to the band's start, over which this window lands.
    let (planned, due) = (PlayedFrame::new(0), PlayedFrame::new(20_000));
    let tape = transport.tape();
    let plan = WindowPlan { tape, land: 46_080, frames: 5 * FRAME, keep: 5, run_up: 0, due, planned };
    send(&mut packer, &plan, -0.5);
    out.extend(play(&mut player, 30 * PERIOD));
    let own = roughest(&tone(TAPE, 880.0, 0.25));
    assert!(roughest(&out[1..]) < 3.0 * own, "{} after {own}", roughest(&out[1..]));
    assert_eq!(transport.meters().windows_spliced.load(Relaxed), 1);
}

#[test]
fn sound_that_begins_opens_from_silence_to_what_was_kept_and_again_when_the_device_is_back() {
    let tape = Tape::new(tone(TAPE, 880.0, 0.25)).unwrap();
    let (mut player, _packer, transport) = deck(tape, DeckSize { boxes: 1, window_frames: FRAME });
    assert!(transport.set_gain_db(-20.0));
    let begins = |out: &[StereoFrame], opening: usize| {
        let loudest = |part: &[StereoFrame]| part.iter().map(|it| it[0].abs()).fold(0.0, f32::max);
        assert!(loudest(out) < 0.026, "louder than the level that was kept: {}", loudest(out));
        assert!(loudest(&out[GUARD_LATENCY_FRAMES..][..400]) < 0.001, "it begins with silence");
        assert!(loudest(&out[opening / 4..][..opening / 20]) < 0.006, "slowly");
        assert!(loudest(&out[opening..]) > 0.0245, "and arrives");
    };
    begins(&play(&mut player, 2 * POWER_ON_FADE_FRAMES), POWER_ON_FADE_FRAMES);
    // A period of which nobody heard anything, then one that is heard again.
    player.unheard();
    let lost = play(&mut player, PERIOD);
    player.unheard();
    let back = play(&mut player, 2 * OPENING_FADE_FRAMES);
    assert!(lost[GUARD_LATENCY_FRAMES..].iter().all(|it| it[0].abs() < 0.001));
    begins(&back, OPENING_FADE_FRAMES);
}

#[test]
fn a_swap_fades_from_one_tape_to_the_other_over_its_whole_length() {
    let (mut player, mut packer, mut transport) = toned();
    let mut out = play(&mut player, 80 * PERIOD);
    // A window of the next lap is half on the tape when that tape's time is over: it ends for now where the head, which plays
    // on into the fade, comes by.
    let (head, half_fade) = (out.len(), SWAP_FADE_FRAMES / 2);
    let land = head + half_fade - 2 * SPLICE_FRAMES_PER_FILL;
    let (planned, due) = (PlayedFrame::new(0), PlayedFrame::new(60_000));
    let plan = WindowPlan { tape: transport.tape(), land, frames: 20 * FRAME, keep: 20, run_up: 0, due, planned };
    let other = tone(TAPE, 660.0, 0.25);
    packer.send(&plan, 0.0, |sound| sound.copy_from_slice(&other[..plan.frames])).unwrap();
    out.extend(play(&mut player, PERIOD));
    let before = out.len();
    transport.swap(Tape::new(tone(40 * FRAME, 700.0, 0.2)).unwrap(), 0).unwrap();
    out.extend(play(&mut player, 4 * SWAP_FADE_FRAMES));
    let new = tone(40 * FRAME, 700.0, 0.2);
    let off = |at: usize| (out[before + at + GUARD_LATENCY_FRAMES][0] - new[at][0]).abs();
    let worst = |range: std::ops::Range<usize>| range.map(off).fold(0.0, f32::max);
    assert!(worst(SWAP_FADE_FRAMES..3 * SWAP_FADE_FRAMES) < NEAR, "then only the new tape is heard");
    assert!(worst(half_fade..half_fade + 500) > 0.1, "half way both are heard");
    assert!(roughest(&out) < 2.5 * roughest(&tone(TAPE, 880.0, 0.25)), "{}", roughest(&out));
}

/// The first frame in which two runs of sound are not the same.
fn parts(a: &[StereoFrame], b: &[StereoFrame]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a.map(f32::to_bits) != b.map(f32::to_bits))
}

#[test]
fn a_tape_begins_at_its_moment_to_the_sample_and_what_is_ordered_after_it_waits() {
    let still = {
        let mut still = toned().0;
        play(&mut still, 40 * PERIOD)
    };
    for due in [1_000, 5_121] {
        let (mut player, _packer, mut transport) = toned();
        let tape = Tape::new(tone(40 * FRAME, 400.0, 0.2)).unwrap();
        let band = LoopBand::new(10 * FRAME, 20 * FRAME, tape.len()).unwrap();
        let how = Transition { position: band.start(), band, due: Some(PlayedFrame::new(due)), fade_frames: 480 };
        let id = transport.hand_over(transport.berth().bring(tape, 0).unwrap(), &how).unwrap();
        transport.seek(15 * FRAME).unwrap();
        let mut out = play(&mut player, PERIOD);
        assert!(!transport.plays(id) && player.tape().len() == TAPE);
        out.extend(play(&mut player, 39 * PERIOD));
        assert_eq!(parts(&out, &still), Some(due as usize + GUARD_LATENCY_FRAMES));
        assert!(transport.plays(id) && transport.band() == band && player.tape().len() == 40 * FRAME);
        let played = 40 * PERIOD - due as usize;
        assert_eq!(transport.playhead().position, 15 * FRAME + played, "the seek was the new tape's");
    }
}

#[test]
fn a_long_fade_reads_the_tape_that_goes_to_its_end_and_only_then_lets_it_go() {
    let (mut player, _packer, mut transport) = toned();
    let mut out = play(&mut player, 10 * PERIOD);
    let fade = 96_000;
    let swap = |transport: &mut Transport, cycles: f32| {
        let tape = Tape::new(tone(TAPE, cycles, 0.25)).unwrap();
        let how = Transition { fade_frames: fade, ..Transition::at_once(0, tape.len()) };
        transport.hand_over(transport.berth().bring(tape, 0).unwrap(), &how).unwrap()
    };
    let first = swap(&mut transport, 1_320.0);
    out.extend(play(&mut player, fade / 2));
    assert!(player.fades() && transport.plays(first) && transport.collect() == 0);
    // The next one waits until the first is heard alone.
    let second = swap(&mut transport, 440.0);
    out.extend(play(&mut player, fade / 4));
    assert!(!transport.plays(second));
    out.extend(play(&mut player, fade / 2));
    assert_eq!((transport.plays(second), transport.collect()), (true, 1));
    out.extend(play(&mut player, fade));
    assert_eq!((player.fades(), transport.collect()), (false, 1));
    assert!(roughest(&out) < 2.5 * roughest(&tone(TAPE, 1_320.0, 0.25)), "{}", roughest(&out));
    // In the middle both are there at the power of one.
    let power = |of: &[StereoFrame]| of.iter().map(|it| it[0] * it[0]).sum::<f32>() / of.len() as f32;
    let middle = 10 * PERIOD + fade / 2;
    let (before, within) = (power(&out[1_000..2_000]), power(&out[middle - 4_800..middle]));
    assert!((0.9..1.1).contains(&(within / before)), "{before} {within}");
}
