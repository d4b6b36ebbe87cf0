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
