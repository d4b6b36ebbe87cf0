//! The last measurement, in the state folder: what the displays show of it.
//!
//! A file that is damaged or of another form is as good as none: it is measured again in a minute.

use std::path::{Path, PathBuf};

use engine::param::Class;

use crate::display::status::HandToEar;
use crate::files::{FileError, read_regular, write_whole};
use crate::latency::report::{FORMAT, Report};

/// The file's name in the state folder.
pub const FILE: &str = "latency.json";
/// Greatest file in bytes.
const LARGEST_BYTES: u64 = 1 << 16;

/// Keeps a measurement; answers where.
///
/// # Errors
/// With the file and the fault.
pub fn keep(folder: &Path, report: &Report) -> Result<PathBuf, FileError> {
    let path = folder.join(FILE);
    // A folder that cannot be made is told by what cannot be written in it.
    let _ = std::fs::create_dir_all(folder);
    let mut text = serde_json::to_vec_pretty(report).expect("numbers and words are JSON");
    text.push(b'\n');
    write_whole(&path, &text)?;
    Ok(path)
}

/// The last measurement, where there is one.
#[must_use]
pub fn read(folder: &Path) -> Option<Report> {
    let report: Report = serde_json::from_slice(&read_regular(&folder.join(FILE), LARGEST_BYTES).ok()?).ok()?;
    (report.format == FORMAT).then_some(report)
}

/// What the displays show of it.
#[must_use]
pub fn shown(folder: &Path) -> Option<HandToEar> {
    let report = read(folder)?;
    let ms = |class| report.hand_to_ear_ms(class).map(|it| it as f32);
    Some(HandToEar { step_ms: ms(Class::Step)?, slot_ms: ms(Class::Slot)?, decode_ms: ms(Class::Decode)? })
}

#[cfg(test)]
mod tests {
    use super::{FILE, keep, read, shown};
    use crate::display::status::HandToEar;
    use crate::latency::figures::Figures;
    use crate::latency::report::{ClassReport, Delay, FORMAT, Report, Way};

    fn report() -> Report {
        let class = |class: &str, ms: f64| ClassReport {
            class: class.to_owned(),
            parameter: Some("denoise".to_owned()),
            moves: [40, 40],
            ways: vec![Way {
                way: "hand to ear".to_owned(),
                figures: Figures { count: 40, p50_ms: ms, p99_ms: ms + 50.0, max_ms: ms + 60.5 },
            }],
            skipped: None,
        };
        Report {
            format: FORMAT,
            measured_at: 1_790_000_000,
            computes: "built-in model on the processor".to_owned(),
            depth: 4,
            steps: 8,
            tape_s: 12.0,
            device: ("default".to_owned(), 256, 3),
            classes: vec![class("step", 91.0), class("slot", 464.0), class("decode", 68.5)],
            delay: Delay { measured_ms: Some(17.25), ..Delay::default() },
            late_windows: 0,
            underruns: 0,
        }
    }

    #[test]
    fn what_was_kept_is_read_and_shown_and_what_is_damaged_or_newer_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read(folder.path()), None);
        keep(folder.path(), &report()).expect("it is written");
        assert_eq!(read(folder.path()), Some(report()));
        assert_eq!(shown(folder.path()), Some(HandToEar { step_ms: 91.0, slot_ms: 464.0, decode_ms: 68.5 }));
        keep(folder.path(), &Report { format: FORMAT + 1, ..report() }).expect("it is written");
        assert_eq!(read(folder.path()), None);
        for damaged in ["", "{", "{\"format\": 1}", "\0\u{1}"] {
            std::fs::write(folder.path().join(FILE), damaged).expect("it is written");
            assert_eq!((read(folder.path()), shown(folder.path())), (None, None), "{damaged:?}");
        }
    }
}
