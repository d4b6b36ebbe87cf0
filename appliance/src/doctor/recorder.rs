//! The flight recorder: whether the last performance ended in order.

use std::path::Path;

use super::{Finding, Machine};
use crate::files::plain;
use crate::recorder::report::{LastEnd, is_alive, last_end};
use crate::recorder::{Entry, Kind, read};

/// Of what lies in the state folder.
pub(super) fn recorder(machine: &dyn Machine, state: &Path) -> Finding {
    const ROW: &str = "recorder";
    let Some(entries) = read(state) else { return Finding::absent(ROW, "nothing was played yet") };
    let kept = format!("{} notes are kept", entries.len());
    match last_end(&entries) {
        LastEnd::Never => Finding::absent(ROW, "nothing was played yet"),
        LastEnd::InOrder => Finding::well(ROW, format!("the last performance ended in order; {kept}")),
        LastEnd::Cut(_) if plays(machine, &entries) => Finding::well(ROW, format!("a performance plays now; {kept}")),
        LastEnd::Cut(why) => {
            let why = why.map_or_else(|| "power, or a kill".to_owned(), |it| plain(&it).into_owned());
            let found = format!("the last performance was cut off: {why}");
            Finding::warning(
                ROW,
                found,
                "`demon report --crash --out FOLDER` copies what happened before to a stick, for whoever mends it",
            )
        }
    }
}

/// Whether the process that began last is still there. Its note begins with its number.
fn plays(machine: &dyn Machine, entries: &[Entry]) -> bool {
    let start = entries.iter().rev().find(|it| it.kind == Kind::Start);
    let number = start.and_then(|it| it.text.split(' ').next()?.parse::<u32>().ok());
    let of = |number: u32, name: &str| machine.text(&format!("/proc/{number}/{name}")).unwrap_or_default();
    number.is_some_and(|it| is_alive(&of(it, "comm"), &of(it, "stat")))
}
