//! Goal: windows cover the tape without gaps, land where the playhead will be, and name the right latent frames.

use super::super::meters::Playhead;
use super::*;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

const LATENT: usize = 100;
const TAPE: usize = LATENT * SAMPLES_PER_LATENT_FRAME;

fn at(position: usize, played: u64, band: LoopBand) -> Course {
    Course::new(Playhead { position, played: PlayedFrame::new(played) }, band)
}

fn moment(count: usize) -> PlayedFrame {
    PlayedFrame::new(count as u64)
}

#[test]
fn a_fresh_window_lands_at_the_playhead_plus_the_lead() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let band = LoopBand::whole(TAPE);
    walk.plan(&at(0, 0, band), 24_000, Start::Fresh);
    let plan = walk.plan(&at(4_800, 4_800, band), 24_000, Start::Fresh);
    assert_eq!((plan.land, plan.due), (28_800, moment(28_800)));
}

#[test]
fn going_on_covers_the_last_windows_fade_with_the_next_ones_body() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let band = LoopBand::whole(TAPE);
    let first = walk.plan(&at(0, 0, band), 24_000, Start::Fresh);
    let second = walk.plan(&at(4_800, 4_800, band), 24_000, Start::Onward);
    assert_eq!(second.land, first.land + first.frames - OVERLAP_FRAMES);
    let (tail, body) = (first.land + first.frames - SPLICE_FADE_FRAMES, second.land + SPLICE_FADE_FRAMES);
    assert!(body <= tail, "the fade out from {tail} on is covered by what has faded in at {body}");
    assert_eq!(second.due, first.due.after(first.frames - OVERLAP_FRAMES));
}

#[test]
fn a_walk_that_was_overtaken_starts_again_at_the_lead() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 5);
    let band = LoopBand::whole(TAPE);
    walk.plan(&at(0, 0, band), 4_800, Start::Fresh);
    let plan = walk.plan(&at(90_000, 90_000, band), 4_800, Start::Onward);
    assert_eq!((plan.land, plan.due), (94_800, moment(94_800)));
}

#[test]
fn a_fresh_window_joins_one_that_ended_just_short_of_it() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 10);
    let band = LoopBand::whole(TAPE);
    let first = walk.plan(&at(0, 0, band), 9_600, Start::Fresh);
    let end = first.land + first.frames - OVERLAP_FRAMES;
    let now = end + 1000 - 9_600;
    let plan = walk.plan(&at(now, now as u64, band), 9_600, Start::Fresh);
    assert_eq!((plan.land, plan.run_up), (end, 1_000));
    assert_eq!(plan.due, moment(now + 9_600), "what lies nearer than the lead is not promised");
}

#[test]
fn a_seek_forgets_where_the_last_window_ended() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let band = LoopBand::whole(TAPE);
    walk.plan(&at(0, 0, band), 9_600, Start::Fresh);
    assert_eq!(walk.planned_ahead(&at(150_000, 480, band)), 0);
    let plan = walk.plan(&at(150_000, 480, band), 9_600, Start::Onward);
    assert_eq!(plan.land, 159_600);
}

#[test]
fn the_walk_crosses_the_seam_of_a_whole_tape_in_one_window() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let plan = walk.plan(&at(TAPE - 12_000, 0, LoopBand::whole(TAPE)), 4_800, Start::Fresh);
    assert_eq!(plan.land, TAPE - 7_200);
    assert!(plan.frames > 7_200);
}

#[test]
fn a_band_that_fits_into_a_window_is_renewed_whole_each_time() {
    let band = LoopBand::new(48_000, 60_000, TAPE).unwrap();
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let first = walk.plan(&at(50_000, 0, band), 1_000, Start::Fresh);
    assert_eq!((first.land, first.due), (48_000 - MARGIN_FRAMES, moment(1_000)), "heard from playhead + lead on");
    assert_eq!(first.frames, 12_000 + 2 * MARGIN_FRAMES);
    assert_eq!(walk.planned_ahead(&at(50_000, 0, band)), 13_000, "for a whole lap");
    let next = walk.plan(&at(50_480, 480, band), 1_000, Start::Fresh);
    assert_eq!((next.land, next.due), (first.land, moment(1_480)));
    let onward = walk.plan(&at(50_480, 480, band), 1_000, Start::Onward);
    assert_eq!((onward.land, onward.due), (first.land, moment(13_480)));
}

#[test]
fn a_little_before_a_turn_is_left_and_the_next_lap_begins_in_time() {
    let band = LoopBand::new(48_000, 148_000, TAPE).unwrap();
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let first = walk.plan(&at(120_000, 0, band), 9_600, Start::Fresh);
    assert_eq!((first.land, first.heard()), (129_600, 18_400 + MARGIN_FRAMES));
    // The head turns 28 000 frames after it stood at 120 000; a lead from now 3 000 are left until then.
    let plan = walk.plan(&at(135_400, 15_400, band), 9_600, Start::Fresh);
    assert_eq!((plan.due, plan.land, plan.run_up), (moment(28_000), 48_000 - MARGIN_FRAMES, MARGIN_FRAMES));
}

#[test]
fn after_a_window_that_meets_the_end_of_a_band_the_next_runs_up_to_its_start() {
    let band = LoopBand::new(48_000, 96_000, TAPE).unwrap();
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let first = walk.plan(&at(70_000, 0, band), 9_600, Start::Fresh);
    assert_eq!(first.land + first.frames, 96_000 + MARGIN_FRAMES);
    let second = walk.plan(&at(71_000, 1_000, band), 9_600, Start::Onward);
    assert_eq!(second.land, 48_000 - MARGIN_FRAMES);
    // The playhead turns 26 000 frames after it stood at 70 000.
    assert_eq!((second.due, second.run_up), (moment(26_000), MARGIN_FRAMES));
}

#[test]
fn a_window_holds_a_band_with_its_margin_and_fade_and_not_one_sample_more() {
    let walk = Walk::new(TapeId::default(), LATENT, 5);
    let fits = |start: usize, len: usize| walk.fits(LoopBand::new(start, start + len, TAPE).unwrap());
    // Of five latent frames go the margin and a fade, and what lies before the landing in its latent frame.
    assert_eq!([fits(48_000, 6_480), fits(48_000, 6_481)], [true, false]);
    assert_eq!([fits(48_100, 6_380), fits(48_100, 6_381)], [true, false]);
    assert_eq!([fits(100, 6_380), fits(100, 6_381)], [true, false]);
    let wide = Walk::new(TapeId::default(), LATENT, 500);
    let band = |len: usize| LoopBand::new(0, len, TAPE).unwrap();
    let most = TAPE - MARGIN_FRAMES - SPLICE_FADE_FRAMES;
    assert_eq!([most, most + 1, TAPE].map(|len| wide.fits(band(len))), [true, false, false]);
}

#[test]
fn a_window_joins_the_last_one_up_to_half_a_lead_behind_where_it_would_start() {
    let (band, lead) = (LoopBand::whole(TAPE), 9_600);
    // Where the next window lands, against where the last one ended; `behind` is by how much a lead from now is beyond that.
    let landed = |start: Start, behind: i64| {
        let mut walk = Walk::new(TapeId::default(), LATENT, 25);
        let first = walk.plan(&at(0, 0, band), lead, Start::Fresh);
        let joint = first.land + first.frames - OVERLAP_FRAMES;
        let now = (joint as i64 + behind) as usize - lead;
        walk.plan(&at(now, now as u64, band), lead, start).land as i64 - joint as i64
    };
    assert_eq!([-1, 0, 4_800, 4_801].map(|behind| landed(Start::Fresh, behind)), [-1, 0, 0, 4_801]);
    assert_eq!([-5_000, 0, 4_800, 4_801].map(|behind| landed(Start::Onward, behind)), [0, 0, 0, 4_801]);
}

#[test]
fn a_band_renewed_whole_is_renewed_from_the_lead_on_and_joins_nothing_that_is_past() {
    let band = LoopBand::new(48_000, 60_000, TAPE).unwrap();
    for start in [Start::Fresh, Start::Onward] {
        let mut walk = Walk::new(TapeId::default(), LATENT, 25);
        walk.plan(&at(50_000, 0, band), 1_000, Start::Fresh);
        // The last one is heard up to moment 13 000: 100 before what can be heard next.
        let now = at(50_100, 12_100, band);
        assert_eq!(walk.plan(&now, 1_000, start).due, moment(13_100));
        assert_eq!(walk.planned_ahead(&now), 13_000, "{start:?}: a lead and a lap");
    }
}

#[test]
fn what_counts_as_a_little_before_a_turn_is_the_lead_and_a_quarter_of_the_band_at_most() {
    let band = LoopBand::new(48_000, 148_000, TAPE).unwrap();
    // Where it is due, in samples after playhead + lead, when so much is left from there to the turn.
    let due = |lead: usize, left: usize| {
        let plan =
            Walk::new(TapeId::default(), LATENT, 25).plan(&at(148_000 - left - lead, 0, band), lead, Start::Fresh);
        moment(lead).until(plan.due)
    };
    assert_eq!([due(9_600, 9_600), due(9_600, 9_599)], [0, 9_599]);
    assert_eq!([due(40_000, 25_000), due(40_000, 24_999)], [0, 24_999]);
}

#[test]
fn a_window_whose_fade_lies_beyond_the_turn_leaves_the_next_one_to_begin_with_the_lap() {
    // Samples beyond the lead that are planned after one window from 57 600 on, in a band that ends so far on from there.
    let ahead = |keep: usize, lead: usize, to_turn: usize| {
        let band = LoopBand::new(48_000, 57_600 + to_turn, TAPE).unwrap();
        let (mut walk, now) = (Walk::new(TapeId::default(), LATENT, keep), at(57_600 - lead, 0, band));
        walk.plan(&now, lead, Start::Fresh);
        walk.planned_ahead(&now) - lead as i64
    };
    assert_eq!(ahead(25, 9_600, 48_000 - SPLICE_FADE_FRAMES), 46_800, "to the turn");
    assert_eq!(ahead(25, 9_600, 48_000 - SPLICE_FADE_FRAMES + 1), (48_000 - OVERLAP_FRAMES) as i64);
    // A window of one latent frame fades over half of it.
    assert_eq!([ahead(1, 500, 960), ahead(1, 500, 961)], [960, 960]);
    assert_eq!(ahead(1, 500, 900), 900, "to the turn");
    assert_eq!(ahead(1, 500, 1_000), 960, "and before it by its own half");
}

#[test]
fn another_window_length_holds_from_the_next_window_on() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    assert_eq!(walk.tape_frames(), TAPE);
    let course = at(0, 0, LoopBand::whole(TAPE));
    assert_eq!(walk.plan(&course, 9_600, Start::Fresh).keep, 25);
    walk.set_keep(10);
    assert_eq!(walk.plan(&course, 9_600, Start::Fresh).keep, 10);
    walk.set_keep(0);
    assert_eq!(walk.plan(&course, 9_600, Start::Fresh).keep, 1);
}

#[test]
fn what_cannot_come_before_a_short_band_has_turned_is_promised_for_a_lap_to_come() {
    let band = LoopBand::new(0, 2_227, TAPE).unwrap();
    let (mut walk, lead) = (Walk::new(TapeId::default(), LATENT, 1), 42_314);
    let mut turned = 0;
    for step in 0..12_u64 {
        let now = at(band.wrap(step as usize * 480), step * 480, band);
        let plan = walk.plan(&now, lead, if step % 4 == 0 { Start::Fresh } else { Start::Onward });
        assert_eq!((plan.land + plan.run_up) % TAPE, now.place(plan.due), "at step {step}");
        assert!(now.now().until(plan.due) >= lead.min(plan.frames) as i64, "at step {step}");
        turned += usize::from(band.len() < plan.land + plan.frames && plan.heard() == plan.frames);
    }
    assert!(0 < turned, "some lie over the turn");
}

/// What a window that joins one before it is promised for, when the lead reaches `early` beyond where that ended: the first is planned with
/// the playhead at `position`, a lead before its landing. Says also where it ended.
fn joined(position: usize, early: usize, band: LoopBand) -> (PlayedFrame, WindowPlan, PlayedFrame) {
    let (mut walk, lead) = (Walk::new(TapeId::default(), LATENT, 10), 9_600);
    let first = walk.plan(&at(position, 0, band), lead, Start::Fresh);
    let ends = first.due.after(first.frames - OVERLAP_FRAMES);
    let now = usize::try_from(moment(lead).until(ends)).expect("later") + early;
    let plan = walk.plan(&at(band.wrap(position + now), now as u64, band), lead, Start::Fresh);
    (ends, plan, moment(now + lead))
}

#[test]
fn what_is_joined_nearer_than_the_lead_is_promised_for_this_lap_where_there_is_enough_of_it() {
    let half = LoopBand::new(0, TAPE / 2, TAPE).unwrap();
    let (_, plan, target) = joined(0, 1_000, half);
    assert_eq!((plan.due, plan.run_up), (target, 1_000));
    // The end of the whole tape is no turn.
    let (_, plan, target) = joined(TAPE - 9_600 - 19_200, 3_000, LoopBand::whole(TAPE));
    assert_eq!((plan.due, plan.run_up, plan.land), (target, 3_000, TAPE - OVERLAP_FRAMES));
}

#[test]
fn what_is_joined_and_turns_before_the_lead_is_promised_for_the_next_lap() {
    // The first one ends 2,000 before the turn.
    let band = LoopBand::new(0, 9_600 + 19_200 - OVERLAP_FRAMES + 2_000, TAPE).unwrap();
    for (early, due_after, run_up) in [(1_999, 1_999, 1_999), (2_000, band.len(), 0), (2_001, band.len(), 0)] {
        let (ends, plan, _) = joined(0, early, band);
        assert_eq!((ends.until(plan.due), plan.run_up), (due_after as i64, run_up), "{early} behind its beginning");
    }
}

proptest! {
    /// A decoder that keeps up leaves no frame of the band untouched in one turn of the loop.
    #[test]
    fn going_on_covers_the_whole_band(
        start in 0_usize..TAPE - LoopBand::FRAMES_MIN, length in 8_000_usize..TAPE, keep in 5_usize..40, whole in any::<bool>()
    ) {
        let band = if whole { LoopBand::whole(TAPE) } else {
            let end = (start + length).min(TAPE);
            LoopBand::new(start.min(end - LoopBand::FRAMES_MIN), end, TAPE).unwrap()
        };
        let mut walk = Walk::new(TapeId::default(), LATENT, keep);
        let mut touched = vec![false; TAPE];
        let lead = 4_000.min(band.len() / 2);
        let mut played = 0_u64;
        while played < 2 * band.len() as u64 + 8_000 {
            let now = at(band.wrap(band.start() + played as usize), played, band);
            let mut plans = 0;
            while walk.planned_ahead(&now) < lead as i64 + 2_000 {
                plans += 1;
                prop_assert!(plans < 100, "the walk makes no way");
                let plan = walk.plan(&now, lead, Start::Onward);
                (0..plan.frames).for_each(|i| touched[(plan.land + i) % TAPE] = true);
            }
            played += 480;
        }
        prop_assert!(touched[band.start()..band.end()].iter().all(|it| *it));
    }

    /// Sound is where the head will be: each frame of a window is decoded for the place that is played at its moment.
    #[test]
    fn every_window_fits_its_decode_and_lies_where_its_moment_says(
        start in 0_usize..TAPE - LoopBand::FRAMES_MIN, length in LoopBand::FRAMES_MIN..TAPE, keep in 1_usize..120,
        lead in 256_usize..100_000, whole in any::<bool>()
    ) {
        let end = (start + length).min(TAPE);
        let band = if whole { LoopBand::whole(TAPE) } else { LoopBand::new(start.min(end - LoopBand::FRAMES_MIN), end, TAPE).unwrap() };
        let mut walk = Walk::new(TapeId::default(), LATENT, keep);
        for step in 0..12 {
            let now = at(band.wrap(band.start() + step * 480), step as u64 * 480, band);
            let plan = walk.plan(&now, lead, if step % 4 == 0 { Start::Fresh } else { Start::Onward });
            prop_assert!(plan.inside() + plan.frames <= plan.keep * SAMPLES_PER_LATENT_FRAME);
            prop_assert!((1..=TAPE).contains(&plan.frames) && plan.first_latent() < LATENT && plan.land < TAPE);
            prop_assert_eq!((plan.land + plan.run_up) % TAPE, now.place(plan.due));
            prop_assert_eq!(plan.first_latent() * SAMPLES_PER_LATENT_FRAME + plan.inside(), plan.land);
            prop_assert!(now.now().until(plan.due) >= lead.min(plan.frames) as i64, "nothing is planned to be late");
        }
    }
}
