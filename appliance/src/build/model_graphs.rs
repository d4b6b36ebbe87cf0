//! The graphs of a model: prompt, denoiser, and the decoder for every window length, written from its checkpoint.
//!
//! The denoiser is one plan for all depths, with a profile for every batch size that a depth can ask for, guided or not:
//! weights of gigabytes are on the card once. The codec stays in 32 bits: its products run on tensor cores all the same
//! (TF32), a mantissa of 8 bits would be heard as hiss, and f16 may overflow in a published codec that nobody measured.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use engine::graph::onnx::Batch;
use engine::graph::{Precision, WeightSource};
use engine::live::window_lengths;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::PromptForm;
use engine::model::export::{self, DenoiserShape, Network};
use engine::model::{Part, open};
use tensorrt::{Dims, Profile, Range};

use super::{GraphFile, Graphs, Wish};

/// What a graph is for, in its plan's file name; windows add the frames that they keep.
pub const PROMPT: &str = "prompt";
/// As [`PROMPT`].
pub const DENOISER: &str = "denoiser";

/// A model's graphs.
pub struct ModelGraphs {
    denoiser: Part<DitConfig>,
    codec: Part<CodecConfig>,
}

/// A graph with what it is for.
struct Graph<'a> {
    network: Network,
    weights: &'a dyn WeightSource,
    precision: &'static str,
    frames: u32,
    tokens: u32,
    batches: Vec<u32>,
}

impl ModelGraphs {
    /// Maps the model in `folder`; packs nothing.
    ///
    /// # Errors
    /// With the file and the fault.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let words = || format!("the model in {} cannot be read", folder.display());
        Ok(Self {
            denoiser: open::denoiser_part(folder).with_context(words)?,
            codec: open::codec_part(folder).with_context(words)?,
        })
    }

    fn graphs(&self, wish: &Wish) -> anyhow::Result<Vec<Graph<'_>>> {
        let (precision, word) = match wish.precision.as_str() {
            "f32" => (Precision::F32, "f32"),
            "bf16" => (Precision::Bf16, "bf16"),
            "f16" => (Precision::F16, "f16"),
            other => bail!("`{other}` is no precision: expected f32, bf16 or f16"),
        };
        let (frames, tokens) = (wish.frames as usize, wish.tokens as usize);
        let config = &self.denoiser.config;
        let shape = DenoiserShape { frames, tokens, batch: Batch::Dynamic, prompt: PromptForm::KeysAndValues };
        let graph = |network, weights, precision, tokens, batches| Graph {
            network,
            weights,
            precision,
            frames: wish.frames,
            tokens,
            batches,
        };
        let mut prompt = export::prompt(config, tokens, Batch::Fixed(1), precision);
        PROMPT.clone_into(&mut prompt.name);
        let mut denoiser = export::denoiser(config, &shape, precision);
        DENOISER.clone_into(&mut denoiser.name);
        let mut graphs = vec![
            graph(prompt, &self.denoiser.weights as &dyn WeightSource, word, wish.tokens, Vec::new()),
            graph(denoiser, &self.denoiser.weights, word, wish.tokens, wish.batches()),
        ];
        for keep in window_lengths(frames) {
            let span = keep + 2 * self.codec.config.decode_context();
            let mut decoder = export::decoder(&self.codec.config, span, Batch::Fixed(1), Precision::F32);
            decoder.name = window_name(keep);
            graphs.push(graph(decoder, &self.codec.weights, "f32", 0, Vec::new()));
        }
        Ok(graphs)
    }
}

/// The name of the decoder that keeps so many latent frames.
#[must_use]
pub fn window_name(keep: usize) -> String {
    format!("window-{keep}")
}

impl Graphs for ModelGraphs {
    fn list(&self, wish: &Wish) -> anyhow::Result<Vec<GraphFile>> {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|it| format!("{it:02x}")).collect::<String>();
        let file = |it: Graph<'_>| {
            let outline = it.network.outline(it.weights)?;
            let open: Vec<_> = outline.inputs.iter().filter(|port| port.dims.contains(&None)).collect();
            let profile = |batch: &u32| -> Profile {
                let range = |port: &&engine::graph::onnx::Port| {
                    let dims = port.dims.iter().map(|it| it.map_or(i64::from(*batch), |it| it as i64));
                    let dims: Vec<i64> = dims.collect();
                    Range::fixed(&port.name, Dims::new(&dims).expect("at most four axes"))
                };
                open.iter().map(range).collect()
            };
            Ok(GraphFile {
                profiles: it.batches.iter().map(profile).collect(),
                rows: [it.batches.first().copied().unwrap_or(1), it.batches.last().copied().unwrap_or(1)],
                precision: it.precision.to_owned(),
                frames: it.frames,
                tokens: it.tokens,
                weights: hex(it.network.weights_digest(it.weights)?),
                onnx: hex(outline.fingerprint),
                name: it.network.name,
            })
        };
        self.graphs(wish)?.into_iter().map(file).collect()
    }

    fn write(&self, graph: &GraphFile, folder: &Path) -> anyhow::Result<PathBuf> {
        let wish = Wish {
            frames: graph.frames,
            tokens: graph.tokens.max(1),
            depths: Vec::new(),
            precision: graph.precision.clone(),
        };
        let found = self.graphs(&wish)?.into_iter().find(|it| it.network.name == graph.name);
        let it = found.with_context(|| format!("{} is no graph of this model", graph.name))?;
        Ok(it.network.write(it.weights, folder)?.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish { frames: 50, tokens: 64, depths: vec![1, 4], precision: "bf16".to_owned() }
    }

    fn house() -> ModelGraphs {
        ModelGraphs::open(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"))).expect("it is there")
    }

    #[test]
    fn a_set_needs_a_prompt_a_denoiser_for_every_batch_and_a_window_for_every_length() {
        let files = house().list(&wish()).expect("the model is sound");
        let names: Vec<&str> = files.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["prompt", "denoiser", "window-5", "window-13", "window-25", "window-50"]);
        let denoiser = &files[1];
        let rows = |profile: &Profile| -> Vec<i64> { profile.iter().map(|it| it.best[0]).collect() };
        let batches: Vec<Vec<i64>> = denoiser.profiles.iter().map(rows).collect();
        let inputs = batches[0].len();
        assert_eq!(batches, [1, 2, 4, 8].map(|it| vec![it; inputs]), "depth 1 and 4, guided or not");
        assert!(denoiser.profiles[0].iter().any(|it| it.tensor == "k5" && it.best[1..] == [64, 2, 32]));
        assert!(files.iter().all(|it| it.weights.len() == 64 && it.onnx.len() == 64));
        assert!(files[2].profiles.is_empty(), "a window has one shape");
        assert_ne!(files[1].weights, files[2].weights);
    }

    #[test]
    fn every_graph_of_the_list_can_be_written() {
        let (graphs, folder) = (house(), tempfile::tempdir().expect("a folder can be made"));
        for file in graphs.list(&wish()).expect("the model is sound") {
            let path = graphs.write(&file, folder.path()).expect("the folder takes files");
            assert!(path.metadata().expect("it was written").len() > 1000, "{}", path.display());
        }
    }
}
