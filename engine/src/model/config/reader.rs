//! Takes typed, bounded values out of a JSON object and collects what is wrong instead of stopping at the first fault.
//!
//! A faulty value is replaced by the lower limit so that reading can go on; the configuration is thrown away at the end.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{ConfigError, Fault};

/// Longest piece of a wrong value that a message repeats, in characters.
const LONGEST_QUOTE: usize = 60;
/// Configurations are a few kilobytes; a larger file is something else.
const LARGEST_FILE_BYTES: usize = 1 << 20;

/// A JSON object being read.
pub(super) struct Reader {
    file: PathBuf,
    object: Map<String, Value>,
    faults: Vec<Fault>,
    /// How many of the faults are contradictions between sound values.
    contradictions: usize,
}

impl Reader {
    /// Parses `text`, which came from `file`.
    pub(super) fn new(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let fault = |found: String, expected: &str| ConfigError {
            file: file.to_owned(),
            faults: vec![Fault { key: String::new(), found, expected: expected.into() }],
        };
        if LARGEST_FILE_BYTES < text.len() {
            return Err(fault(format!("{} bytes", text.len()), "a configuration of at most 1 MiB"));
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => {
                Ok(Self { file: file.to_owned(), object, faults: Vec::new(), contradictions: 0 })
            }
            Ok(other) => Err(fault(quote(&other), "a JSON object")),
            Err(error) => Err(fault(format!("broken JSON ({error})"), "a JSON object")),
        }
    }

    /// A required whole number.
    pub(super) fn count(&mut self, key: &str, limits: RangeInclusive<usize>) -> usize {
        self.optional_count(key, limits.clone()).unwrap_or_else(|| {
            if !self.has(key) {
                self.miss(key, &whole(&limits));
            }
            *limits.start()
        })
    }

    /// A whole number that may be absent or null.
    pub(super) fn optional_count(&mut self, key: &str, limits: RangeInclusive<usize>) -> Option<usize> {
        let value = self.object.get(key).filter(|it| !it.is_null())?;
        let number = value.as_u64().and_then(|it| usize::try_from(it).ok()).filter(|it| limits.contains(it));
        if number.is_none() {
            let found = quote(value);
            self.fault(key, found, whole(&limits));
        }
        Some(number.unwrap_or(*limits.start()))
    }

    /// A required list of whole numbers.
    pub(super) fn counts(&mut self, key: &str, each: RangeInclusive<usize>, most: usize) -> Vec<usize> {
        let expected = format!("1 to {most} entries, each {}", whole(&each));
        let Some(value) = self.object.get(key) else {
            self.miss(key, &expected);
            return vec![*each.start()];
        };
        let entry = |it: &Value| it.as_u64().and_then(|it| usize::try_from(it).ok()).filter(|it| each.contains(it));
        let entries: Option<Vec<usize>> = value.as_array().and_then(|it| it.iter().map(entry).collect());
        match entries {
            Some(entries) if (1..=most).contains(&entries.len()) => entries,
            _ => {
                let found = quote(value);
                self.fault(key, found, expected);
                vec![*each.start()]
            }
        }
    }

    /// A required number.
    pub(super) fn number(&mut self, key: &str, limits: RangeInclusive<f64>) -> f32 {
        let expected = format!("a number from {} to {}", limits.start(), limits.end());
        let Some(value) = self.object.get(key) else {
            self.miss(key, &expected);
            return *limits.start() as f32;
        };
        match value.as_f64().filter(|it| limits.contains(it)) {
            Some(number) => number as f32,
            None => {
                let found = quote(value);
                self.fault(key, found, expected);
                *limits.start() as f32
            }
        }
    }

    /// The base of the rotary frequencies: the key itself, or, as newer libraries write it, in `rope_parameters`, there for all
    /// layers or the same for each kind of layer. Where it stands twice it has to be one number.
    pub(super) fn rope_theta(&mut self, limits: RangeInclusive<f64>) -> f32 {
        const KEY: &str = "rope_theta";
        let Some(parameters) = self.object.get("rope_parameters").and_then(Value::as_object).cloned() else {
            return self.number(KEY, limits);
        };
        // One object, or one for each kind of layer.
        let kinds: Vec<&Map<String, Value>> =
            std::iter::once(&parameters).chain(parameters.values().filter_map(Value::as_object)).collect();
        let mut found = self.object.get(KEY).filter(|it| !it.is_null()).cloned();
        for kind in kinds {
            match kind.get("rope_type").or_else(|| kind.get("type")).filter(|it| !it.is_null()) {
                Some(other) if other != "default" => {
                    self.fault("rope_parameters.rope_type", quote(other), "\"default\"".into());
                }
                _ => {}
            }
            let Some(theta) = kind.get(KEY).filter(|it| !it.is_null()) else { continue };
            match &found {
                Some(first) if first.as_f64() != theta.as_f64() => {
                    self.fault("rope_parameters.rope_theta", quote(theta), format!("{}, as elsewhere", quote(first)));
                }
                _ => found = Some(theta.clone()),
            }
        }
        if let Some(theta) = found {
            self.object.insert(KEY.to_owned(), theta);
        }
        self.number(KEY, limits)
    }

    /// `rope_scaling` scales nothing: it is absent, or says so.
    pub(super) fn no_rope_scaling(&mut self) {
        let scaling = self.raw("rope_scaling").cloned();
        let kind = |it: &Value| it.get("rope_type").or_else(|| it.get("type")).cloned();
        if let Some(scaling) = scaling.filter(|it| kind(it).is_none_or(|kind| kind != "default")) {
            self.fault("rope_scaling", quote(&scaling), quote(&Value::Null));
        }
    }

    /// A switch that may be absent.
    pub(super) fn switch(&mut self, key: &str, absent: bool) -> bool {
        match self.object.get(key) {
            None | Some(Value::Null) => absent,
            Some(Value::Bool(value)) => *value,
            Some(value) => {
                let found = quote(value);
                self.fault(key, found, "true or false".into());
                absent
            }
        }
    }

    /// A key that may be absent, but if present must be exactly this: other values mean an architecture we do not have.
    pub(super) fn only(&mut self, key: &str, value: Value) {
        if let Some(found) = self.object.get(key).filter(|it| !it.is_null() && **it != value) {
            let found = quote(found);
            self.fault(key, found, quote(&value));
        }
    }

    /// The raw value, when present and not null.
    pub(super) fn raw(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|it| !it.is_null())
    }

    /// Whether the key is present and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// Remembers a fault.
    pub(super) fn fault(&mut self, key: &str, found: String, expected: String) {
        self.faults.push(Fault { key: key.to_owned(), found, expected });
    }

    /// Remembers a fault unless a condition between several keys holds. Once a value itself was faulty, conditions are
    /// not looked at: they would judge the stand-in.
    pub(super) fn require(&mut self, holds: bool, key: &str, found: usize, expected: impl Into<String>) {
        if !holds && self.faults.len() == self.contradictions {
            self.fault(key, found.to_string(), expected.into());
            self.contradictions += 1;
        }
    }

    /// The configuration, if nothing was wrong.
    pub(super) fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(config) } else { Err(ConfigError { file: self.file, faults: self.faults }) }
    }

    fn miss(&mut self, key: &str, expected: &str) {
        self.fault(key, "nothing".into(), expected.to_owned());
    }
}

fn whole(limits: &RangeInclusive<usize>) -> String {
    format!("a whole number from {} to {}", limits.start(), limits.end())
}

/// The value as JSON, cut to a length that fits a line.
pub(super) fn quote(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
