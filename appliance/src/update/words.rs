//! What whoever plays is told of an update that is written.

use super::install::{Progress, Step};
use super::version::Version;

/// How far it is, at a step of per cent.
#[must_use]
pub fn going_on(progress: &Progress, percent: u64) -> String {
    let doing = match progress.step {
        Step::Check => "looking at it",
        Step::Write => "writing beside what plays",
        Step::ReadBack => "reading back",
    };
    format!("update at {percent} %: {doing}")
}

/// It is done.
#[must_use]
pub fn written(version: &Version) -> String {
    format!("demon {version} is written: the next start plays it")
}

/// It is not done, and nothing is another.
#[must_use]
pub fn not_taken(why: &str) -> String {
    format!("the update was not taken: {why}")
}
