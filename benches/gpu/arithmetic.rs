//! The card's solver: golden cases, the CPU beside it, slots alone and in company.

use std::sync::Arc;

use engine::backend::cuda::Device;

use super::Settings;
use super::report::Report;
use crate::card;
use crate::case::Report as Compared;
use crate::ring_support::side_by_side::{
    Apart, FRAMES, alone_and_together, on_the_arc, random_requests, recorded_ticks,
};

/// Runs all of it.
pub fn run(device: &Arc<Device>, settings: &Settings, report: &mut Report) {
    report.section("solver");
    match settings.golden() {
        None => report.skip("goldens of solver and stream", "no golden vectors: set DEMON_GOLDEN"),
        Some(golden) => {
            for case in golden.cases_of(|it| card::KINDS.contains(&it)) {
                report.check(&format!("golden {}", case.path), || {
                    let mut compared = Compared::default();
                    card::run(device, &golden, &case, &mut compared);
                    compared.assert_clean();
                    Ok("every number within the manifest's tolerance".to_owned())
                });
            }
        }
    }
    report.part("card and CPU", |report| {
        // Bit for bit where nothing is summed over time; sums and convolutions are taken in another order on the card.
        let limits = [("plain", 0.0), ("guided", 1e-6), ("with analytic signals", 2e-5)];
        for (apart, (what, limit)) in random_requests(device, settings.seeds).into_iter().zip(limits) {
            apart_row(report, &format!("random requests, {what}, card and CPU"), &apart, limit);
        }
        for frames in [FRAMES, 150] {
            let apart = on_the_arc(device, frames, settings.seeds);
            apart_row(report, &format!("on the arc between two prompts, {frames} frames, card and CPU"), &apart, 1e-6);
        }
        for depth in [1, 2, 4, 8] {
            let apart = recorded_ticks(device, depth);
            apart_row(report, &format!("recorded ticks at depth {depth}, card and CPU"), &apart, 0.0);
        }
    });
    report.part("alone and together", |report| {
        for depth in 1..=8 {
            let apart = alone_and_together(device, depth);
            apart_row(report, &format!("slots at depth {depth} and alone"), &apart, 0.0);
        }
    });
}

fn apart_row(report: &mut Report, name: &str, apart: &Apart, limit: f32) {
    let holds = 0 < apart.latents && apart.worst <= limit && (0.0 < limit || !apart.differs);
    let words = if apart.latents == 0 { "nothing was compared" } else { &apart.place };
    report.target(format!("{name}, {} latents", apart.latents), f64::from(apart.worst), "of the number", holds, words);
}
