//! Plans for the card, built before anything plays.
//!
//! What is up to date stays; for everything else it is said why it is built. Ctrl-C stops at the next step that TensorRT can
//! stop at, and what was finished before is kept.

mod arguments;
mod gauge;
mod graphs;
mod model_graphs;
mod shelf;
mod target;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use tensorrt::{Blob, BuildError, BuildOptions, Flow, Search, TensorRt};

pub use arguments::BuildArgs;
pub use graphs::{FolderGraphs, GraphFile, Graphs, Wish};
pub use model_graphs::{DENOISER, ENCODER, EncoderGraphs, ModelGraphs, PROMPT, export, no_room, profiles, window_name};
pub use shelf::{clean, list, usual_folder};

use crate::compute::plans::{Lookup, PlanKey, PlanStore};
use crate::compute::progress::Progress;
use crate::files::shown;
use gauge::Gauge;
use target::Card;
pub use target::parse as parse_target;

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All plans are there; so many were built, so many were up to date.
    Done {
        /// Built now.
        built: usize,
        /// There already.
        kept: usize,
    },
    /// Somebody asked to stop; so many were finished before.
    Interrupted {
        /// Built now.
        built: usize,
    },
}

/// Builds what is missing.
///
/// # Errors
/// In words, with the file and what would mend it.
pub fn build(
    args: &BuildArgs,
    graphs: &dyn Graphs,
    line: &mut dyn Progress,
    stop: &AtomicBool,
) -> anyhow::Result<Outcome> {
    ready(args, graphs, line, stop).map(|(outcome, _)| outcome)
}

/// A plan that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// What it is of.
    pub graph: GraphFile,
    /// Where it is.
    pub plan: PathBuf,
}

/// Builds what is missing, and says where everything is; when somebody asked to stop, only what was done before.
///
/// # Errors
/// In words, with the file and what would mend it.
pub fn ready(
    args: &BuildArgs,
    graphs: &dyn Graphs,
    line: &mut dyn Progress,
    stop: &AtomicBool,
) -> anyhow::Result<(Outcome, Vec<Ready>)> {
    let search = args.library.as_deref().map_or_else(Search::usual, Search::only);
    let tensorrt = TensorRt::open(&search)?;
    let card = Card::find(args.target, &search)?;
    let store = PlanStore::open(&args.out.clone().unwrap_or_else(usual_folder))?;
    let mut work = Work { args, graphs, tensorrt, card, store, line, stop };
    let lock = work.store.lock()?;
    let (mut built, mut plans) = (0, Vec::new());
    for graph in graphs.list(&args.wish())? {
        let key = work.key(&graph);
        let path = match work.found(&key)? {
            Some(path) => path,
            None => {
                let Some(plan) = work.plan(&graph)? else {
                    return Ok((Outcome::Interrupted { built }, plans));
                };
                let path = work.store.write(&lock, &key, &plan)?;
                work.line.say(&format!("{}: {}", shown(&path), size(plan.len() as u64)));
                built += 1;
                path
            }
        };
        plans.push(Ready { graph, plan: path });
    }
    if plans.is_empty() {
        bail!("there is nothing to build: the model gives no graph for this length and depth");
    }
    Ok((Outcome::Done { built, kept: plans.len() - built }, plans))
}

struct Work<'a> {
    args: &'a BuildArgs,
    graphs: &'a dyn Graphs,
    tensorrt: TensorRt,
    card: Card,
    store: PlanStore,
    line: &'a mut dyn Progress,
    stop: &'a AtomicBool,
}

impl Work<'_> {
    fn key(&self, graph: &GraphFile) -> PlanKey {
        PlanKey {
            name: graph.name.clone(),
            precision: graph.precision.clone(),
            frames: graph.frames,
            tokens: graph.tokens,
            rows: graph.rows,
            options: self.args.level.map_or("default level".to_owned(), |level| format!("level {level}")),
            weights: graph.weights.clone(),
            onnx: graph.onnx.clone(),
            tensorrt: self.tensorrt.version().to_string(),
            gpu: self.card.gpu.clone(),
            capability: self.card.capability,
            driver: self.card.driver.clone(),
        }
    }

    /// The plan where it is up to date; otherwise it is said why it is built.
    fn found(&mut self, key: &PlanKey) -> anyhow::Result<Option<PathBuf>> {
        match self.store.find(key)? {
            Lookup::Found(_) if self.args.force => self.line.say(&format!("{}: built again, as asked", key.name)),
            Lookup::Found(_) => {
                self.line.say(&format!("{}: up to date", key.name));
                return Ok(Some(self.store.paths(key).0));
            }
            Lookup::Missing(why) => self.line.say(&format!("{}: {why}", key.name)),
        }
        Ok(None)
    }

    /// Nothing when somebody asked to stop.
    fn plan(&mut self, graph: &GraphFile) -> anyhow::Result<Option<Blob>> {
        // Beside the plans: the system's folder for such things is often in memory, and weights are gigabytes.
        let out = self.args.out.clone().unwrap_or_else(usual_folder);
        let scratch = Scratch::new(&out)?;
        self.line.tell(&format!("writing {}", graph.name), 0, 1);
        let onnx = self.graphs.write(graph, &scratch.0)?;
        let options = BuildOptions {
            profiles: graph.profiles.clone(),
            level: self.args.level,
            ..BuildOptions::new(self.card.target)
        };
        let (line, stop) = (&mut *self.line, self.stop);
        let stage = format!("building {}", graph.name);
        let mut gauge = Gauge::default();
        let built = self.tensorrt.build(&onnx, &options, &mut |now| {
            let done = gauge.hear(now);
            line.tell(&stage, done, Gauge::WHOLE);
            if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Go }
        });
        match built {
            Ok(plan) => Ok(Some(plan)),
            Err(BuildError::Interrupted) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be built", graph.name)),
        }
    }
}

/// A folder that goes when the build of a graph ends; a killed build's is taken by the next.
struct Scratch(PathBuf);

impl Scratch {
    fn new(out: &Path) -> anyhow::Result<Self> {
        let path = out.join("graph.unfinished");
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| shown(&path).to_string())?;
        }
        std::fs::create_dir_all(&path).with_context(|| shown(&path).to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is taken away by the next build.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes as a person says them.
fn size(bytes: u64) -> String {
    let (value, unit) = match bytes {
        0..1_000 => (bytes as f64, "bytes"),
        1_000..1_000_000 => (bytes as f64 / 1e3, "kB"),
        1_000_000..1_000_000_000 => (bytes as f64 / 1e6, "MB"),
        _ => (bytes as f64 / 1e9, "GB"),
    };
    let digits = usize::from(bytes >= 1_000);
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_as_a_person_says_them() {
        assert_eq!([0, 999, 19_196, 3_400_000_000].map(size), ["0 bytes", "999 bytes", "19.2 kB", "3.4 GB"]);
    }
}
