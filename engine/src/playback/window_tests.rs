//! Goal: windows cover the tape without gaps, land where the playhead will be, and name the right latent frames.

use super::*;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

const LATENT: usize = 100;
const TAPE: usize = LATENT * SAMPLES_PER_LATENT_FRAME;

fn head(position: usize, played: u64) -> Playhead {
    Playhead { position, played }
}

#[test]
fn a_window_decodes_its_own_frames_and_nine_on_each_side() {
    let plan = WindowPlan::at(20 * 1920, 25, LATENT, Edges::Cyclic);
    assert_eq!(plan.latent_frames().collect::<Vec<_>>(), (11..54).collect::<Vec<_>>());
    assert_eq!((plan.skip, plan.frames), (9 * 1920, 25 * 1920));
}

#[test]
fn context_is_taken_around_the_seam_of_the_tape() {
    let plan = WindowPlan::at(2 * 1920, 3, LATENT, Edges::Cyclic);
    let wanted: Vec<usize> = (93..100).chain(0..14).collect();
    assert_eq!(plan.latent_frames().collect::<Vec<_>>(), wanted);
}

#[test]
fn a_clamped_window_stops_at_both_ends_of_the_tape() {
    let first = WindowPlan::at(2 * 1920, 3, LATENT, Edges::Clamped);
    assert_eq!((first.first_latent, first.decode_frames, first.skip), (0, 14, 2 * 1920));
    let last = WindowPlan::at(98 * 1920, 5, LATENT, Edges::Clamped);
    assert_eq!((last.first_latent, last.decode_frames, last.frames), (89, 11, 2 * 1920));
}

#[test]
fn a_tape_shorter_than_the_context_goes_round_as_often_as_needed() {
    let plan = WindowPlan::at(1920, 2, 4, Edges::Cyclic);
    assert_eq!(plan.latent_frames().nth(CONTEXT_FRAMES), Some(1));
    assert_eq!(plan.latent_frames().count(), 20);
}

#[test]
fn landing_inside_a_latent_frame_skips_what_lies_before() {
    let plan = WindowPlan::at(20 * 1920 + 700, 25, LATENT, Edges::Cyclic);
    assert_eq!((plan.skip, plan.frames), (9 * 1920 + 700, 25 * 1920 - 700));
}

#[test]
fn gathered_rows_are_the_rows_that_the_plan_names() {
    let latent: Vec<f32> = (0..LATENT * LATENT_CHANNELS).map(|i| (i / LATENT_CHANNELS) as f32).collect();
    let plan = WindowPlan::at(97 * 1920, 4, LATENT, Edges::Cyclic);
    let mut rows = vec![0.0; plan.decode_frames * LATENT_CHANNELS];
    plan.gather(&latent, &mut rows);
    let heads: Vec<usize> = rows.iter().step_by(LATENT_CHANNELS).map(|row| *row as usize).collect();
    assert_eq!(heads, plan.latent_frames().collect::<Vec<_>>());
}

#[test]
fn kept_sound_is_the_decoded_sound_after_the_context() {
    let plan = WindowPlan::at(5 * 1920 + 3, 1, LATENT, Edges::Cyclic);
    let half = plan.decode_frames * 1920;
    let decoded: Vec<f32> = (0..2 * half).map(|i| if i < half { i as f32 } else { -((i - half) as f32) }).collect();
    let mut kept = vec![[0.0; 2]; plan.frames];
    plan.keep_planar(&decoded, &mut kept);
    assert_eq!(kept[0], [(9 * 1920 + 3) as f32, -((9 * 1920 + 3) as f32)]);
    assert_eq!(kept[plan.frames - 1][0], (10 * 1920 - 1) as f32);
}

#[test]
fn a_fresh_window_lands_at_the_playhead_plus_the_lead() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let band = LoopBand::whole(TAPE);
    walk.plan(head(0, 0), band, 24_000, Start::Fresh);
    let plan = walk.plan(head(4_800, 4_800), band, 24_000, Start::Fresh);
    assert_eq!((plan.land, plan.due), (28_800, 28_800));
}

#[test]
fn going_on_starts_where_the_last_window_ended_and_overlaps_it_by_its_fade() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let band = LoopBand::whole(TAPE);
    let first = walk.plan(head(0, 0), band, 24_000, Start::Fresh);
    let second = walk.plan(head(4_800, 4_800), band, 24_000, Start::Onward);
    assert_eq!(second.land, first.land + first.frames - SPLICE_FADE_FRAMES);
    assert_eq!(second.due, first.due + (first.frames - SPLICE_FADE_FRAMES) as u64);
}

#[test]
fn a_walk_that_was_overtaken_starts_again_at_the_lead() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 5);
    let band = LoopBand::whole(TAPE);
    walk.plan(head(0, 0), band, 4_800, Start::Fresh);
    let plan = walk.plan(head(90_000, 90_000), band, 4_800, Start::Onward);
    assert_eq!((plan.land, plan.due), (94_800, 94_800));
}

#[test]
fn a_fresh_window_joins_one_that_ended_just_short_of_it() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 10);
    let band = LoopBand::whole(TAPE);
    let first = walk.plan(head(0, 0), band, 9_600, Start::Fresh);
    let end = first.land + first.frames - SPLICE_FADE_FRAMES;
    let now = end + 1000 - 9_600;
    let plan = walk.plan(head(now, now as u64), band, 9_600, Start::Fresh);
    assert_eq!(plan.land, end);
}

#[test]
fn a_seek_forgets_where_the_last_window_ended() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let band = LoopBand::whole(TAPE);
    walk.plan(head(0, 0), band, 9_600, Start::Fresh);
    assert_eq!(walk.planned_ahead(head(150_000, 480), band), 0);
    let plan = walk.plan(head(150_000, 480), band, 9_600, Start::Onward);
    assert_eq!(plan.land, 159_600);
}

#[test]
fn the_walk_crosses_the_seam_of_a_whole_tape_in_one_window() {
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let plan = walk.plan(head(TAPE - 12_000, 0), LoopBand::whole(TAPE), 4_800, Start::Fresh);
    assert_eq!(plan.land, TAPE - 7_200);
    assert!(plan.frames > 7_200);
}

#[test]
fn after_a_window_that_meets_the_end_of_a_band_the_next_runs_up_to_its_start() {
    let band = LoopBand::new(48_000, 96_000, TAPE).unwrap();
    let mut walk = Walk::new(TapeId::default(), LATENT, 25);
    let first = walk.plan(head(70_000, 0), band, 9_600, Start::Fresh);
    assert_eq!(first.land + first.frames, 96_000 + MARGIN_FRAMES);
    let second = walk.plan(head(71_000, 1_000), band, 9_600, Start::Onward);
    assert_eq!(second.land, 48_000 - MARGIN_FRAMES);
    // The playhead turns 26 000 frames after it stood at 70 000.
    assert_eq!((second.due, second.run_up), (26_000, MARGIN_FRAMES));
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
            let now = head(band.wrap(band.start() + played as usize), played);
            let mut plans = 0;
            while walk.planned_ahead(now, band) < lead as i64 + 2_000 {
                plans += 1;
                prop_assert!(plans < 100, "the walk makes no way");
                let plan = walk.plan(now, band, lead, Start::Onward);
                (0..plan.frames).for_each(|i| touched[(plan.land + i) % TAPE] = true);
            }
            played += 480;
        }
        prop_assert!(touched[band.start()..band.end()].iter().all(|it| *it));
    }

    #[test]
    fn every_plan_fits_its_decode_and_its_tape(land in 0_usize..TAPE, keep in 1_usize..300) {
        for edges in [Edges::Cyclic, Edges::Clamped] {
            let plan = WindowPlan::at(land, keep, LATENT, edges);
            prop_assert!(plan.skip + plan.frames <= plan.decode_frames * SAMPLES_PER_LATENT_FRAME);
            prop_assert!((1..=TAPE).contains(&plan.frames));
            let latent = plan.latent_frames().nth(plan.skip / SAMPLES_PER_LATENT_FRAME).unwrap();
            prop_assert_eq!(latent, land / SAMPLES_PER_LATENT_FRAME);
        }
    }
}
