//! What a check found: a row of the table.

use std::fmt;

use serde::Serialize;

/// How bad it is. Ordered: the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Well,
    /// Not built into this box, and not needed.
    Absent,
    /// It plays; on stage it may disturb.
    Warning,
    /// It does not play, or not as asked.
    Fault,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Well => "well",
            Self::Absent => "absent",
            Self::Warning => "warning",
            Self::Fault => "fault",
        })
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub row: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, in plain words.
    pub found: String,
    /// What would mend it; of a warning and a fault alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(super) fn well(row: &'static str, found: impl Into<String>) -> Self {
        Self { row, verdict: Verdict::Well, found: found.into(), mend: None }
    }

    /// Not here, and not missed.
    pub(super) fn absent(row: &'static str, found: impl Into<String>) -> Self {
        Self { row, verdict: Verdict::Absent, found: found.into(), mend: None }
    }

    /// It may disturb.
    pub(super) fn warning(row: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { row, verdict: Verdict::Warning, found: found.into(), mend: Some(mend.into()) }
    }

    /// It does not play.
    pub(super) fn fault(row: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { row, verdict: Verdict::Fault, found: found.into(), mend: Some(mend.into()) }
    }
}
