//! Goal: the engine computes what the published implementation computes.
//! Method: every case of `manifest.json` in `$DEMON_GOLDEN` (default `tests/golden`) is run and compared with the
//! manifest's own tolerance; a kind that nobody here knows is a failure, so nothing is skipped in silence.

#[path = "golden_kinds/case.rs"]
mod case;
#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "golden_kinds/model.rs"]
mod model;
#[path = "golden_kinds/solver.rs"]
mod solver;
#[path = "golden_kinds/stream.rs"]
mod stream;

use case::{Golden, Report};
use engine::latent::LATENT_CHANNELS;
use engine::solver::noise::{Draw, NoiseSource, Purpose};
use stream::{Script, ScriptNoise};

#[test]
fn every_case_of_the_manifest_agrees_with_the_published_implementation() {
    let golden = Golden::open();
    let mut report = Report::default();
    for case in golden.cases() {
        match case.kind() {
            "weights" | "stream_script" => report.covered_elsewhere(&case),
            kind if model::KINDS.contains(&kind) => model::run(&golden, &case, &mut report),
            kind if solver::KINDS.contains(&kind) => solver::run(&golden, &case, &mut report),
            kind if stream::KINDS.contains(&kind) => stream::run(&golden, &case, &mut report),
            kind => report.fail(&case, format!("kind `{kind}` is not known to this test")),
        }
    }
    report.print_table();
    report.assert_clean();
}

/// A change of length takes requests from the published queue; our earlier emission may have seated one by then. Nothing is
/// known of its noise, and a script that does so is legal.
#[test]
fn a_request_that_the_published_run_never_bore_starts_from_zeros_and_an_unheard_draw_from_nan() {
    let golden = Golden::open();
    let (mut never_born, mut unheard) = (0, 0);
    for case in golden.cases_of(|it| it == "stream") {
        let script = Script::read(&golden, &case);
        let noise = ScriptNoise::new(&case, &script);
        let lists =
            |key: &'static str| script.ticks.iter().flat_map(move |it| it[key].as_array().into_iter().flatten());
        for (name, request) in &script.requests {
            let fill = |purpose| {
                let mut out = vec![9.0; request.frames * LATENT_CHANNELS];
                noise.fill(&Draw { seed: 0, generation: request.generation, purpose }, 0, &mut out);
                out
            };
            if lists("filled").any(|it| it["request"] == **name) {
                let silent = lists("draws").filter(|it| it["request"] == **name && it["tensor"].is_null());
                for draw in silent.filter(|it| it["mask"].is_null()) {
                    let step = draw["step"].as_u64().expect("a step") as u32;
                    assert!(fill(Purpose::Step { step }).iter().all(|it| it.is_nan()), "{}: {draw}", case.path);
                    unheard += 1;
                }
            } else {
                let start = fill(Purpose::Start);
                assert!(start.iter().all(|it| *it == 0.0), "{}: {name} starts from {}", case.path, start[0]);
                never_born += 1;
            }
        }
    }
    assert!(never_born > 4 && unheard > 20, "{never_born} requests were never born, {unheard} draws are not heard");
}
