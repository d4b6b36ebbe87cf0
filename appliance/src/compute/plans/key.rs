//! Everything that a plan depends on. A plan made for one key is worthless, or wrong, for another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Letters and digits of a key's hash that go into file names: 48 bits, for a handful of files.
const SHORT: usize = 12;

/// What a plan is made from and for. Every field is plain words or a number, so that a difference can be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanKey {
    /// What it is, its sizes, its precision: also the beginning of the file's name.
    pub name: String,
    /// Of linear layers, convolutions and attention; after a slash that of the residual stream, where it is another.
    pub precision: String,
    /// Latent frames of a row.
    pub frames: u32,
    /// Condition tokens of a row; 0 where there are none.
    pub tokens: u32,
    /// Rows, smallest and largest.
    pub rows: [u32; 2],
    /// Builder optimisation level and other choices of ours.
    pub options: String,
    /// Hash of the weights.
    pub weights: String,
    /// Hash of the ONNX file, without its weights.
    pub onnx: String,
    /// Flavour and version.
    pub tensorrt: String,
    /// The card's name; empty for a plan that was built without one.
    pub gpu: String,
    /// The card's compute capability, 120 for 12.0.
    pub capability: u32,
    /// The driver's version; empty for a plan that was built without one.
    pub driver: String,
}

/// A field that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The field, as the sidecar calls it.
    pub field: &'static str,
    /// What the plan was made for.
    pub from: String,
    /// What is wanted.
    pub to: String,
}

/// ``driver was `13.0, 580.95` and is `13.1, 590.10` ``
impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut =
            |text: &str| if text.is_empty() { "nothing".to_owned() } else { format!("`{}`", text.escape_default()) };
        write!(out, "{} was {} and is {}", self.field, cut(&self.from), cut(&self.to))
    }
}

impl PlanKey {
    /// Goes up when a field comes, goes or is called otherwise. Names are part of the hash, so plans of two versions never
    /// meet; a field whose meaning changes gets another name.
    pub const VERSION: u32 = 1;

    /// The fields' names, in the order of the sidecar.
    pub const FIELDS: [&'static str; 12] = [
        "name",
        "precision",
        "frames",
        "tokens",
        "rows",
        "options",
        "weights",
        "onnx",
        "tensorrt",
        "gpu",
        "capability",
        "driver",
    ];

    /// The fields by name, in the order of the sidecar.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, String); 12] {
        let values = [
            self.name.clone(),
            self.precision.clone(),
            self.frames.to_string(),
            self.tokens.to_string(),
            format!("{} to {}", self.rows[0], self.rows[1]),
            self.options.clone(),
            self.weights.clone(),
            self.onnx.clone(),
            self.tensorrt.clone(),
            self.gpu.clone(),
            self.capability.to_string(),
            self.driver.clone(),
        ];
        let mut names = Self::FIELDS.into_iter();
        values.map(|value| (names.next().expect("a name for each value"), value))
    }

    /// What differs between a plan that is there and this key.
    #[must_use]
    pub fn changes_from(&self, there: &Self) -> Vec<Change> {
        let pairs = there.fields().into_iter().zip(self.fields());
        pairs.filter(|(from, to)| from != to).map(|((field, from), (_, to))| Change { field, from, to }).collect()
    }

    /// `denoiser-1500f-bf16-0123456789ab`, without an ending.
    #[must_use]
    pub fn stem(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (field, value) in self.fields() {
            // The length keeps two neighbours from passing for each other.
            hasher.update(format!("{field} {} {value}\n", value.len()).as_bytes());
        }
        format!("{}-{}", file_name(&self.name), &hasher.finalize().to_hex()[..SHORT])
    }
}

/// The name as part of a file's: what has a meaning in paths does not get in.
fn file_name(name: &str) -> String {
    let safe = |it: char| if it.is_ascii_alphanumeric() || it == '-' { it } else { '_' };
    let name: String = name.chars().take(80).map(safe).collect();
    if name.is_empty() { "plan".to_owned() } else { name }
}
