//! Checkpoints: safetensors files, mapped, never copied.
//!
//! A folder holds one file or several with an index; numbers are f32, f16 or bf16 and stay as they are until a lowering
//! packs them, tensor by tensor, and lets their pages go again ([`WeightSource::release`]). Loading a model therefore
//! never needs the memory twice. Headers are checked whole before anything is believed: sizes that overflow, offsets out
//! of range, overlapping or unaccounted bytes are refused with the name of the tensor.

pub mod header;
pub mod index;
mod map;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::graph::{Graph, LowerError, Op, Precision, TensorView, Weight, WeightSource};
use header::Entry;
use map::Map;

/// Names under which one part of a model stores its weights, most likely first.
const FILE_NAMES: [&str; 2] = ["model.safetensors", "diffusion_pytorch_model.safetensors"];

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The system does not let us read a file: check path and rights.
    #[error("{}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be: fetch it again.
    #[error("{}: {what}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// The tensor or key, what was found there and what was expected.
        what: String,
    },
    /// The files are sound but are not the weights of this configuration.
    #[error("{}: {what}", file.display())]
    Unfit {
        /// The file or folder.
        file: PathBuf,
        /// The tensor, what was found and what the configuration asks for.
        what: String,
    },
}

/// The tensors of one part of a model.
#[derive(Debug)]
pub struct Checkpoint {
    origin: PathBuf,
    shards: Vec<(PathBuf, Map)>,
    tensors: HashMap<String, (usize, Entry)>,
}

impl Checkpoint {
    /// The weight file or index in `folder`, if there is one.
    #[must_use]
    pub fn find(folder: &Path) -> Option<PathBuf> {
        let single = FILE_NAMES.iter().map(|name| folder.join(name));
        let sharded = FILE_NAMES.iter().map(|name| folder.join(format!("{name}.index.json")));
        single.chain(sharded).find(|path| path.is_file())
    }

    /// Maps what [`Self::find`] found: one file, or all files of an index.
    ///
    /// # Errors
    /// [`CheckpointError::Unreadable`] and [`CheckpointError::Broken`].
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let mut found = Self { origin: path.to_owned(), shards: Vec::new(), tensors: HashMap::new() };
        if path.extension().is_some_and(|it| it == "json") {
            if !path.is_file() {
                return Err(broken(path, "not a regular file".to_owned()));
            }
            let text = std::fs::read(path).map_err(|source| unreadable(path, source))?;
            let index = index::parse(&text).map_err(|what| broken(path, what))?;
            let folder = path.parent().unwrap_or(Path::new("."));
            for (file, names) in index {
                found.add(&folder.join(&file), Some(&names))?;
            }
        } else {
            found.add(path, None)?;
        }
        Ok(found)
    }

    /// Drops `prefix` from every name that has it: the same text encoder is published with and without `model.`.
    #[must_use]
    pub fn without_prefix(mut self, prefix: &str) -> Self {
        let strip = |name: String| name.strip_prefix(prefix).map_or_else(|| name.clone(), str::to_owned);
        self.tensors = self.tensors.into_iter().map(|(name, place)| (strip(name), place)).collect();
        self
    }

    /// Names of all tensors, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Stored bytes of all tensors.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.tensors.values().map(|(_, entry)| entry.bytes.len()).sum()
    }

    /// Says a lowering's complaint with the file that caused it.
    #[must_use]
    pub fn explain(&self, error: &LowerError) -> CheckpointError {
        let named = match error {
            LowerError::MissingWeight(name) => self.tensors.get(name).map(|place| (name, place)),
            LowerError::WeightShape { name, .. } => self.tensors.get(name).map(|place| (name, place)),
            _ => None,
        };
        let file = named.map_or(&self.origin, |(_, (shard, _))| &self.shards[*shard].0).clone();
        let what = match (error, named) {
            (LowerError::MissingWeight(name), Some((_, (_, entry)))) => {
                format!("tensor `{name}` has type {}, expected F32, F16 or BF16", entry.dtype)
            }
            _ => error.to_string(),
        };
        CheckpointError::Unfit { file, what }
    }

    /// Looks at every weight that `graph` names, and gives its pages back: it must have the shape that `expected` gives
    /// for its name (`None`: any), and hold finite numbers.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] with the first tensor that is missing or is not so.
    pub fn check(&self, graph: &Graph, expected: impl Fn(&str) -> Option<Vec<usize>>) -> Result<(), CheckpointError> {
        let weights = graph.nodes.iter().flat_map(|node| weights_of(&node.op));
        for name in weights.flat_map(names_of) {
            let view = self.tensor(name);
            let view = view.ok_or_else(|| self.explain(&LowerError::MissingWeight(name.to_owned())))?;
            if let Some(shape) = expected(name).filter(|it| it != view.shape) {
                let (name, found, expected) = (name.to_owned(), view.shape.to_vec(), format!("{shape:?}"));
                return Err(self.explain(&LowerError::WeightShape { name, found, expected }));
            }
            if let Some(at) = first_not_finite(&view) {
                let file = self.shards[self.tensors[name].0].0.clone();
                let what = format!("tensor `{name}` holds {} at position {at}, expected finite numbers", view.at(at));
                return Err(CheckpointError::Unfit { file, what });
            }
            self.release(name);
        }
        Ok(())
    }

    /// Adds a file, or those of its tensors that the index gives to it.
    fn add(&mut self, path: &Path, wanted: Option<&[String]>) -> Result<(), CheckpointError> {
        let map = Map::open(path).map_err(|source| match (source.kind(), wanted) {
            (std::io::ErrorKind::NotFound, Some(_)) => {
                let words = "not there, although the index of the checkpoint names it";
                unreadable(path, std::io::Error::new(source.kind(), words))
            }
            _ => unreadable(path, source),
        })?;
        let mut entries = header::parse(map.bytes()).map_err(|what| broken(path, what))?;
        let shard = self.shards.len();
        match wanted {
            None => self.tensors.extend(entries.into_iter().map(|(name, entry)| (name, (shard, entry)))),
            Some(names) => {
                for name in names {
                    let Some(entry) = entries.remove(name) else {
                        return Err(broken(path, format!("no tensor `{name}`, which the index expects here")));
                    };
                    self.tensors.insert(name.clone(), (shard, entry));
                }
            }
        }
        self.shards.push((path.to_owned(), map));
        Ok(())
    }
}

impl WeightSource for Checkpoint {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let (shard, entry) = self.tensors.get(name)?;
        let precision = entry.precision()?;
        let bytes = &self.shards[*shard].1.bytes()[entry.bytes.clone()];
        Some(TensorView { bytes, precision, shape: &entry.shape })
    }

    fn release(&self, name: &str) {
        if let Some((shard, entry)) = self.tensors.get(name) {
            self.shards[*shard].1.release(entry.bytes.clone());
        }
    }
}

/// The weights that an operation reads.
fn weights_of(op: &Op) -> Vec<&Weight> {
    match op {
        Op::Constant(weight) | Op::Embedding { table: weight } | Op::RmsNorm { gain: weight, .. } => vec![weight],
        Op::Snake { alpha, beta } => vec![alpha, beta],
        Op::Linear { weight, bias } | Op::Conv1d { weight, bias, .. } | Op::ConvTranspose1d { weight, bias, .. } => {
            std::iter::once(weight).chain(bias).collect()
        }
        _ => Vec::new(),
    }
}

fn names_of(weight: &Weight) -> Vec<&str> {
    match weight {
        Weight::Plain(name) => vec![name],
        Weight::Normed { gain, direction } => vec![gain, direction],
    }
}

/// A number whose exponent bits are all ones is infinite or not a number; widening is not needed to see that.
fn first_not_finite(view: &TensorView<'_>) -> Option<usize> {
    let halves = |mask: u16| {
        let bad = move |it: &[u8]| u16::from_le_bytes([it[0], it[1]]) & mask == mask;
        view.bytes.chunks_exact(2).position(bad)
    };
    match view.precision {
        Precision::F16 => halves(0x7C00),
        Precision::Bf16 => halves(0x7F80),
        Precision::F32 => {
            let bad = |it: &[u8]| u32::from_le_bytes([it[0], it[1], it[2], it[3]]) & 0x7F80_0000 == 0x7F80_0000;
            view.bytes.chunks_exact(4).position(bad)
        }
    }
}

fn unreadable(file: &Path, source: std::io::Error) -> CheckpointError {
    CheckpointError::Unreadable { file: file.to_owned(), source }
}

fn broken(file: &Path, what: String) -> CheckpointError {
    CheckpointError::Broken { file: file.to_owned(), what }
}

#[cfg(test)]
mod tests;
