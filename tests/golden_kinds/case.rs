//! One golden case: its manifest entry, its tensors, its tolerances, and the table of what was found.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The opened folder of golden vectors.
pub struct Golden {
    folder: PathBuf,
    manifest: Value,
}

/// A tensor of a case, numbers as f64 whatever the file held (token ids included).
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
    /// Present for I64 tensors.
    pub ids: Option<Vec<i64>>,
}

/// One entry of the manifest with its tensors loaded.
pub struct Case {
    pub path: String,
    pub entry: Value,
    pub tensors: BTreeMap<String, Tensor>,
}

/// `|x - ref| <= absolute + relative * |ref|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    pub absolute: f64,
    pub relative: f64,
}

impl Golden {
    /// Opens `$DEMON_GOLDEN`, or `tests/golden`.
    pub fn open() -> Self {
        let folder = std::env::var_os("DEMON_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from);
        let path = folder.join("manifest.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let manifest = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { folder, manifest }
    }

    /// Every entry of the manifest, tensors loaded.
    pub fn cases(&self) -> impl Iterator<Item = Case> + '_ {
        self.cases_of(|_| true)
    }

    /// Entries of the kinds that are wanted; the files of others need not be there.
    pub fn cases_of<'a>(&'a self, wanted: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = Case> + 'a {
        let files = self.manifest["files"].as_array().expect("the manifest lists files");
        let known = move |entry: &&Value| entry["kind"].as_str().is_some_and(&wanted);
        files.iter().filter(known).map(|entry| {
            let path = entry["path"].as_str().expect("every file has a path").to_owned();
            let wanted = path.ends_with(".safetensors") && entry["kind"] != "weights";
            let tensors = if wanted { self.tensors(&path) } else { BTreeMap::new() };
            Case { path, entry: entry.clone(), tensors }
        })
    }

    /// Where a file of the folder lies.
    pub fn file(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// A JSON file of the folder.
    pub fn json(&self, relative: &str) -> Value {
        let path = self.file(relative);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The configuration of a model of the manifest, and the path of its weights.
    pub fn model(&self, name: &str) -> (&Value, PathBuf) {
        let model = &self.manifest["models"][name];
        let weights = model["weights"].as_str().unwrap_or_else(|| panic!("the manifest has no model `{name}`"));
        (&model["config"], self.file(weights))
    }

    /// All tensors of a safetensors file.
    pub fn tensors(&self, relative: &str) -> BTreeMap<String, Tensor> {
        let path = self.file(relative);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        file.tensors()
            .into_iter()
            .map(|(name, view)| (name, Tensor::read(view.dtype(), view.shape(), view.data())))
            .collect()
    }
}

impl Tensor {
    fn read(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Self {
        let shape = shape.to_vec();
        match dtype {
            Dtype::F32 => {
                let read = |it: &[u8]| f32::from_le_bytes(it.try_into().expect("four bytes"));
                Self { shape, data: bytes.chunks_exact(4).map(read).collect(), ids: None }
            }
            Dtype::I64 => {
                let read = |it: &[u8]| i64::from_le_bytes(it.try_into().expect("eight bytes"));
                let ids: Vec<i64> = bytes.chunks_exact(8).map(read).collect();
                Self { shape, data: ids.iter().map(|&id| id as f32).collect(), ids: Some(ids) }
            }
            other => panic!("golden files hold F32 and I64, found {other:?}"),
        }
    }
}

impl Case {
    pub fn kind(&self) -> &str {
        self.entry["kind"].as_str().expect("every file has a kind")
    }

    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no tensor `{name}`", self.path))
    }

    /// The manifest's tolerance for a tensor: the key that names it, else the first pattern that fits, else `*`.
    /// Patterns: `*` any run of characters, `N` any run of digits, several separated by commas; words after the
    /// pattern are a remark.
    pub fn tolerance(&self, tensor: &str) -> Tolerance {
        let keys = self.entry["tolerance"].as_object().unwrap_or_else(|| panic!("{}: no tolerances", self.path));
        let exact = keys.get_key_value(tensor);
        let fitting = || keys.iter().find(|(key, _)| *key != "*" && key.split(", ").any(|it| fits(it, tensor)));
        let (key, value) = exact.or_else(fitting).or_else(|| keys.get_key_value("*")).unwrap_or_else(|| {
            panic!("{}: the manifest gives no tolerance for `{tensor}`", self.path);
        });
        Tolerance::read(value).unwrap_or_else(|| panic!("{}: tolerance `{key}` is {value}", self.path))
    }

    /// The tolerance whose key contains `words`, for keys that are sentences.
    pub fn tolerance_saying(&self, words: &str) -> Tolerance {
        let keys = self.entry["tolerance"].as_object().unwrap_or_else(|| panic!("{}: no tolerances", self.path));
        let (key, value) = keys.iter().find(|(key, _)| key.contains(words)).unwrap_or_else(|| {
            panic!("{}: no tolerance says `{words}`", self.path);
        });
        Tolerance::read(value).unwrap_or_else(|| panic!("{}: tolerance `{key}` is {value}", self.path))
    }
}

impl Tolerance {
    pub const EXACT: Self = Self { absolute: 0.0, relative: 0.0 };

    fn read(value: &Value) -> Option<Self> {
        if value.as_str().is_some_and(|it| it.starts_with("exact")) {
            return Some(Self::EXACT);
        }
        let number = |key: &str| value.get(key).map_or(Some(0.0), Value::as_f64);
        value.is_object().then_some(())?;
        Some(Self { absolute: number("atol")?, relative: number("rtol")? })
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return name.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => (0..=name.len()).any(|cut| name.is_char_boundary(cut) && fits(rest, &name[cut..])),
        'N' => {
            let digits = name.bytes().take_while(u8::is_ascii_digit).count();
            let pattern_rest = pattern.trim_start_matches('N');
            digits > 0 && fits(pattern_rest, &name[digits..])
        }
        _ => name.strip_prefix(first).is_some_and(|it| fits(rest, it)),
    }
}

/// What was compared, kind by kind.
#[derive(Default)]
pub struct Report {
    rows: BTreeMap<String, Row>,
    failures: Vec<String>,
    elsewhere: usize,
}

#[derive(Default)]
struct Row {
    cases: Vec<String>,
    comparisons: usize,
    worst_error: f64,
    tolerance_there: Option<Tolerance>,
    /// Largest share of its tolerance that any number used up.
    worst_share: f64,
}

impl Report {
    /// Compares numbers with the reference, under a tolerance, and remembers the worst.
    pub fn compare(&mut self, case: &Case, what: &str, found: &[f32], reference: &[f32], tolerance: Tolerance) {
        let row = self.row(case);
        row.comparisons += 1;
        row.tolerance_there.get_or_insert(tolerance);
        if found.len() != reference.len() {
            let lengths = format!("{what}: {} numbers, the reference has {}", found.len(), reference.len());
            return self.fail(case, lengths);
        }
        let mut worst: Option<(usize, f64, f64)> = None;
        for (at, (&x, &expected)) in found.iter().zip(reference).enumerate() {
            let error = (f64::from(x) - f64::from(expected)).abs();
            let allowed = tolerance.absolute + tolerance.relative * f64::from(expected).abs();
            let share = if error == 0.0 { 0.0 } else { error / allowed };
            let share = if share.is_nan() { f64::INFINITY } else { share };
            if worst.is_none_or(|(_, _, it)| it < share) {
                worst = Some((at, error, share));
            }
            if row.worst_error < error || error.is_nan() {
                row.worst_error = error;
            }
        }
        let Some((at, error, share)) = worst else { return };
        if row.worst_share < share {
            row.worst_share = share;
            row.tolerance_there = Some(tolerance);
        }
        if 1.0 < share {
            let (x, expected) = (found[at], reference[at]);
            self.fail(
                case,
                format!("{what}[{at}] = {x}, the reference has {expected}: off by {error:e}, {tolerance:?}"),
            );
        }
    }

    /// Compares with a tensor of the case, under the manifest's tolerance for it.
    pub fn compare_tensor(&mut self, case: &Case, name: &str, found: &[f32]) {
        self.compare(case, name, found, &case.tensor(name).data, case.tolerance(name));
    }

    /// Something that must be exactly so.
    pub fn check(&mut self, case: &Case, holds: bool, what: impl Into<String>) {
        self.row(case).comparisons += 1;
        if !holds {
            self.fail(case, what.into());
        }
    }

    /// Remembers a failure.
    pub fn fail(&mut self, case: &Case, what: String) {
        self.row(case);
        self.failures.push(format!("{} ({}): {what}", case.path, case.kind()));
    }

    /// A file that other cases read (weights, stream scripts).
    pub fn covered_elsewhere(&mut self, _case: &Case) {
        self.elsewhere += 1;
    }

    fn row(&mut self, case: &Case) -> &mut Row {
        let row = self.rows.entry(case.kind().to_owned()).or_default();
        if !row.cases.contains(&case.path) {
            row.cases.push(case.path.clone());
        }
        row
    }

    /// Per kind: cases, comparisons, worst error, the tolerance where it came nearest. Written past the harness's capture:
    /// the table is wanted when everything passes, too.
    pub fn print_table(&self) {
        let head = "| kind | cases | comparisons | worst error | tolerance there | share of it used |";
        let mut lines = vec![String::new(), head.to_owned(), "| --- | --- | --- | --- | --- | --- |".to_owned()];
        for (kind, row) in &self.rows {
            let tolerance = match row.tolerance_there {
                Some(it) if it != Tolerance::EXACT => format!("{:e} + {:e} x", it.absolute, it.relative),
                _ => "exact".to_owned(),
            };
            lines.push(format!(
                "| {kind} | {} | {} | {:.2e} | {tolerance} | {:.0} % |",
                row.cases.len(),
                row.comparisons,
                row.worst_error,
                100.0 * row.worst_share
            ));
        }
        lines.push(format!("read by other cases: {} files (weights, stream scripts)\n", self.elsewhere));
        std::io::stdout().lock().write_all(lines.join("\n").as_bytes()).expect("standard output takes a table");
    }

    /// Fails with everything that did not agree, and when a case compared nothing.
    pub fn assert_clean(&self) {
        let idle = self.rows.iter().filter(|(_, row)| row.comparisons < row.cases.len());
        let idle: Vec<String> = idle.map(|(kind, _)| format!("{kind}: a case compared nothing")).collect();
        let all = [self.failures.clone(), idle].concat();
        assert!(all.is_empty(), "{} disagreements:\n{}", all.len(), all.join("\n"));
    }
}
