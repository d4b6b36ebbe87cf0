//! Which program the tests of the doors start.

use std::path::PathBuf;

/// The program that is tested; `DEMON_UNDER_TEST` names another, to see a test fail on an older one.
pub fn demon() -> PathBuf {
    std::env::var_os("DEMON_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_demon").into(), Into::into)
}
