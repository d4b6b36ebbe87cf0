//! The header of a safetensors file, read strictly.
//!
//! Eight bytes of length, that many bytes of JSON (name to type, shape, byte range), then the numbers. A header is
//! believed only when the ranges cover the rest of the file exactly, without holes or overlaps, and every range has the
//! size that its shape asks for. Faults are said with the tensor's name.

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;

use crate::graph::Precision;
use crate::model::mistaken::mistaken_binary;

/// Longest header accepted; the published ones are a few hundred kilobytes.
const LONGEST_HEADER_BYTES: u64 = 100 << 20;
/// Bytes of the length in front of the header.
const LENGTH_BYTES: usize = 8;

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The type as the file names it.
    pub dtype: String,
    /// One entry an axis.
    pub shape: Vec<usize>,
    /// Where its numbers lie in the file.
    pub bytes: Range<usize>,
}

impl Entry {
    /// The precision, or `None` for types that no weight has (integers, f64, f8).
    #[must_use]
    pub fn precision(&self) -> Option<Precision> {
        match self.dtype.as_str() {
            "F32" => Some(Precision::F32),
            "F16" => Some(Precision::F16),
            "BF16" => Some(Precision::Bf16),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Reads the header of a whole file.
///
/// # Errors
/// What is wrong, with the tensor's name where one is at fault.
pub fn parse(file: &[u8]) -> Result<HashMap<String, Entry>, String> {
    let Some((length, rest)) = file.split_first_chunk::<LENGTH_BYTES>() else {
        if let Some(words) = mistaken_binary(file) {
            return Err(words);
        }
        return Err(format!("{} bytes, expected a safetensors file (at least {LENGTH_BYTES})", file.len()));
    };
    if let Some(words) = mistaken_binary(file) {
        return Err(words);
    }
    let length = u64::from_le_bytes(*length);
    if LONGEST_HEADER_BYTES < length {
        return Err(format!("a header of {length} bytes, expected at most {LONGEST_HEADER_BYTES}"));
    }
    let length = usize::try_from(length).map_err(|_| "a header larger than memory".to_owned())?;
    let Some((json, numbers)) = rest.split_at_checked(length) else {
        let found = rest.len();
        return Err(format!("truncated: the header needs {length} bytes, found {found}"));
    };
    let json: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(json).map_err(|error| format!("the header is not a JSON object: {error}"))?;
    let mut entries = HashMap::with_capacity(json.len());
    for (name, value) in json {
        if name != "__metadata__" {
            let entry = entry(&name, value, numbers.len(), LENGTH_BYTES + length)?;
            entries.insert(name, entry);
        }
    }
    check_cover(&entries, LENGTH_BYTES + length, file.len())?;
    Ok(entries)
}

fn entry(name: &str, value: serde_json::Value, available: usize, base: usize) -> Result<Entry, String> {
    let described: Described =
        serde_json::from_value(value).map_err(|error| format!("tensor `{name}`: {error} in the header"))?;
    let Described { dtype, shape, data_offsets: [start, end] } = described;
    let in_file = |at: u64| usize::try_from(at).ok().filter(|it| *it <= available);
    let (Some(first), Some(last)) = (in_file(start), in_file(end)) else {
        return Err(format!("tensor `{name}`: bytes {start}..{end}, but the file holds {available} (truncated?)"));
    };
    if last < first {
        return Err(format!("tensor `{name}`: bytes {start}..{end} end before they begin"));
    }
    let axes: Option<Vec<usize>> = shape.iter().map(|&it| usize::try_from(it).ok()).collect();
    let count = axes.as_ref().and_then(|it| it.iter().try_fold(1_usize, |all, &axis| all.checked_mul(axis)));
    let (Some(axes), Some(count)) = (axes, count) else {
        return Err(format!("tensor `{name}`: shape {shape:?} overflows"));
    };
    let Some(wanted) = bytes_of(&dtype, count) else {
        return Err(format!("tensor `{name}`: type {dtype} with shape {shape:?} is unknown or overflows"));
    };
    if wanted != last - first {
        let found = last - first;
        return Err(format!("tensor `{name}`: {found} bytes, expected {wanted} for shape {shape:?} of {dtype}"));
    }
    Ok(Entry { dtype, shape: axes, bytes: base + first..base + last })
}

/// Bytes of `count` numbers of a type, `None` for unknown types and overflow.
fn bytes_of(dtype: &str, count: usize) -> Option<usize> {
    let bits: usize = match dtype {
        "F64" | "I64" | "U64" | "C64" => 64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "BOOL" | "I8" | "U8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => 8,
        "F4" => 4,
        _ => return None,
    };
    count.checked_mul(bits).map(|it| it.div_ceil(8))
}

/// Every byte after the header belongs to exactly one tensor.
fn check_cover(entries: &HashMap<String, Entry>, base: usize, end: usize) -> Result<(), String> {
    let mut ranges: Vec<(&Range<usize>, &str)> = entries.iter().map(|(name, it)| (&it.bytes, name.as_str())).collect();
    ranges.sort_by_key(|(range, name)| (range.start, range.end, *name));
    let mut at = base;
    for (range, name) in ranges {
        if range.start < at {
            return Err(format!("tensor `{name}`: overlaps the tensor before it by {} bytes", at - range.start));
        }
        if at < range.start {
            return Err(format!("{} bytes before tensor `{name}` belong to no tensor", range.start - at));
        }
        at = range.end;
    }
    if at != end {
        return Err(format!("{} bytes after the last tensor, expected none", end - at));
    }
    Ok(())
}
