//! The clocks: the one that paces, and the one that dates.

use std::time::{Duration, SystemTime};

use super::{Finding, Machine};

const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// Sources that take a microsecond and more to read, or go wrong under load.
const SLOW: [&str; 4] = ["hpet", "acpi_pm", "jiffies", "refined-jiffies"];
/// The first of January 2026: this program is younger.
const YOUNGEST: Duration = Duration::from_secs(1_767_225_600);

/// Both of them.
pub(super) fn clock(machine: &dyn Machine) -> Finding {
    const ROW: &str = "clock";
    if machine.now().duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|it| it < YOUNGEST) {
        let mend = "set the date (`timedatectl set-time`), and put in a new battery; sound does not need it, takes and reports do";
        return Finding::warning(ROW, "the date lies before this program was made", mend);
    }
    match machine.text(SOURCE) {
        Some(source) if SLOW.contains(&source.as_str()) => Finding::warning(
            ROW,
            format!("the kernel keeps time by `{source}`, which is slow to read"),
            "switch C-states and spread spectrum off in the firmware, or add `tsc=reliable` to the kernel's command line",
        ),
        Some(source) => Finding::well(ROW, format!("kept by `{source}`")),
        None => Finding::well(ROW, "its source is not told here"),
    }
}
