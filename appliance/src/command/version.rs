//! What `demon --version` says: which program this is, and what it reads and writes. One line each, to be put into a report
//! of a fault as it is; `demon -V` says the first of it in one line.
//!
//! Nothing here is written twice: formats, families of models and the fields of a plan's key come from where they are used.

use std::sync::LazyLock;

use engine::model::config::DitConfig;

use crate::compute::plans::PlanKey;
use crate::files::document::Format;

/// The package's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, as the build script found it.
const COMMIT: &str = env!("DEMON_COMMIT");

static SHORT: LazyLock<String> = LazyLock::new(|| format!("{VERSION} ({COMMIT})"));

static LONG: LazyLock<String> = LazyLock::new(|| {
    let formats = Format::ALL.map(|format| format!("{} {}", format.name(), format.newest()));
    [
        VERSION.to_owned(),
        format!("commit: {COMMIT}"),
        format!("formats: {}", formats.join(", ")),
        format!("model layouts: {}", DitConfig::FAMILIES.join(", ")),
        format!("plan key: {} ({})", PlanKey::VERSION, PlanKey::FIELDS.join(", ")),
    ]
    .join("\n")
});

/// `0.1.0 (0123456789ab)`
#[must_use]
pub fn short() -> &'static str {
    &SHORT
}

/// Version, commit, formats, model layouts and plan key, a line each.
#[must_use]
pub fn long() -> &'static str {
    &LONG
}
