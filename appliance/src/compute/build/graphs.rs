//! Where the ONNX files come from: what a build asks of whoever writes them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tensorrt::Profile;

use crate::files::{FileError, open_regular, shown};

/// What plans are wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Latent frames of the tape.
    pub frames: u32,
    /// Condition tokens that prompts have room for.
    pub tokens: u32,
    /// Generations in flight.
    pub depths: Vec<u32>,
    /// `f32`, `bf16` or `f16`.
    pub precision: String,
}

impl Wish {
    /// Batch sizes of the denoiser: every depth, and twice as many rows for guidance, ascending.
    #[must_use]
    pub fn batches(&self) -> Vec<u32> {
        let mut batches: Vec<u32> = self.depths.iter().flat_map(|&depth| [depth, 2 * depth]).collect();
        batches.sort_unstable();
        batches.dedup();
        batches
    }
}

/// A graph that can be written, with all that its plan's key wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphFile {
    /// What it is and its sizes.
    pub name: String,
    /// Of linear layers, convolutions and attention; after a slash that of the residual stream, where it is another:
    /// `f32`, `f16/f32`.
    pub precision: String,
    /// Latent frames of a row.
    pub frames: u32,
    /// Condition tokens of a row; 0 where there are none.
    pub tokens: u32,
    /// Rows, smallest and largest.
    pub rows: [u32; 2],
    /// Hash of the weights.
    pub weights: String,
    /// Hash of the file that would be written, without its weights.
    pub onnx: String,
    /// Shapes that are left open in the file; none where everything is fixed.
    pub profiles: Vec<Profile>,
}

/// Whoever writes graphs.
pub trait Graphs {
    /// The graphs that the wish needs, their hashes included. Writes nothing.
    ///
    /// # Errors
    /// When the model cannot be read.
    fn list(&self, wish: &Wish) -> anyhow::Result<Vec<GraphFile>>;

    /// Writes a graph of the list into a folder of its own; gives the ONNX file.
    ///
    /// # Errors
    /// When the model cannot be read or the disk is full.
    fn write(&self, graph: &GraphFile, folder: &Path) -> anyhow::Result<PathBuf>;
}

/// ONNX files that somebody wrote before, with fixed shapes: `--onnx FOLDER`.
#[derive(Clone, Debug)]
pub struct FolderGraphs {
    folder: PathBuf,
}

impl FolderGraphs {
    /// The files of this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let there = || shown(&self.folder).to_string();
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).with_context(there)? {
            files.push(entry.with_context(there)?.path());
        }
        files.retain(|it| it.is_file());
        files.sort();
        Ok(files)
    }
}

fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "onnx")
}

fn hash(paths: &[&PathBuf]) -> anyhow::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        let file = open_regular(path).map_err(FileError::reading(path))?;
        hasher.update_reader(file).with_context(|| shown(&path).to_string())?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

impl Graphs for FolderGraphs {
    fn list(&self, wish: &Wish) -> anyhow::Result<Vec<GraphFile>> {
        let files = self.files()?;
        let (graphs, beside): (Vec<_>, Vec<_>) = files.iter().partition(|it| is_onnx(it));
        if graphs.is_empty() {
            bail!("{}: holds no ONNX file", shown(&self.folder));
        }
        // Which of the other files a graph reads stands in the graph; all of them are taken, which errs on the safe side.
        let weights = hash(&beside)?;
        let graph = |path: &PathBuf| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let (precision, weights) = (wish.precision.clone(), weights.clone());
            let onnx = hash(&[path])?;
            Ok(GraphFile { name, precision, frames: 0, tokens: 0, rows: [1, 1], weights, onnx, profiles: Vec::new() })
        };
        graphs.into_iter().map(graph).collect()
    }

    fn write(&self, graph: &GraphFile, _folder: &Path) -> anyhow::Result<PathBuf> {
        Ok(self.folder.join(format!("{}.onnx", graph.name)))
    }
}
