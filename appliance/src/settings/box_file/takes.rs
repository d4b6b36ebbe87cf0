//! What is recorded of the music without being asked: its last minutes.

use crate::files::document::{Item, Reader};

/// Minutes that are kept behind the music where the file says nothing.
const USUAL_MINUTES: u32 = 30;
/// Four hours: what the longest evening is of.
const MOST_MINUTES: u32 = 240;

/// What is recorded of the music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakesPlan {
    /// So many minutes lie behind, 0 to 240; of none nothing is kept after the fact.
    pub behind_minutes: u32,
}

impl Default for TakesPlan {
    fn default() -> Self {
        Self { behind_minutes: USUAL_MINUTES }
    }
}

pub(super) fn takes(reader: &mut Reader<'_>, item: Item<'_, '_>) -> TakesPlan {
    let mut plan = TakesPlan::default();
    reader.table("takes", item, |reader, key, item| match key.get_ref().as_ref() {
        "behind_minutes" => {
            let minutes = reader.whole("takes.behind_minutes", item, 0, MOST_MINUTES);
            plan.behind_minutes = minutes.unwrap_or(plan.behind_minutes);
        }
        _ => reader.unknown("takes.", key, &["behind_minutes"]),
    });
    plan
}
