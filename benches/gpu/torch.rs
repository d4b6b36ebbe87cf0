//! The published pipeline's shapes in PyTorch, timed in the same run by `pipeline.py`, where there is a Python with it. Every
//! line of the script is a row as JSON.

use serde_json::Value;

use super::report::{Figures, Found, Row, Verdict};

/// The row that a line of the script is; nothing where it is none.
pub fn row(section: &str, line: &str) -> Option<Row> {
    let it: Value = serde_json::from_str(line).ok()?;
    let name = it["name"].as_str()?.to_owned();
    let number = |key: &str| it[key].as_f64();
    let (found, unit, verdict) = match (it["skipped"].as_str(), number("p50"), number("value")) {
        (Some(why), ..) => (Found::Nothing, "", Verdict::Skipped(why.to_owned())),
        (_, Some(p50), _) => {
            let figures = Figures { p50, p99: number("p99")?, max: number("max")? };
            (Found::Spread(figures), "ms", Verdict::Measured)
        }
        (_, _, Some(value)) => (Found::Number(value), it["unit"].as_str().unwrap_or(""), Verdict::Measured),
        _ => (Found::Words(it["words"].as_str()?.to_owned()), "", Verdict::Measured),
    };
    Some(Row { section: section.to_owned(), name, found, unit: unit.to_owned(), verdict })
}
