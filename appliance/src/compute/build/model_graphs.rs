//! The graphs of a model: prompt, denoiser, and the decoder for every window length, written from its checkpoint.
//!
//! The denoiser is one plan for all depths, with a profile for every batch size that a depth can ask for, guided or not:
//! weights of gigabytes are on the card once. The codec stays in 32 bits: its products run on tensor cores all the same
//! (TF32), a mantissa of 8 bits would be heard as hiss, and f16 may overflow in a published codec that nobody measured.

use std::io::{BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use engine::backend::tensorrt::ENCODER_TILE;
use engine::graph::onnx::{Batch, Form, Port, Written};
use engine::graph::{Precision, WeightSource};
use engine::live::window_lengths;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::PromptForm;
use engine::model::export::{DenoiserShape, Network, decoder, denoiser, encoder, prompt};
use engine::model::{Part, open};
use tensorrt::{Dims, Profile, Range};

use super::{GraphFile, Graphs, Wish};
use crate::files::volume::room;
use crate::files::{Place, shown};

/// What a graph is for, in its plan's file name; windows add the frames that they keep.
pub const PROMPT: &str = "prompt";
/// As [`PROMPT`].
pub const DENOISER: &str = "denoiser";

/// As [`PROMPT`].
pub const ENCODER: &str = "encoder";

/// The most that a model's file takes beside its weights: nodes and small tensors; the published denoiser's has 1.5 MB.
const MODEL_BYTES: u64 = 4 << 20;

/// A model's graphs.
pub struct ModelGraphs {
    denoiser: Part<DitConfig>,
    codec: Part<CodecConfig>,
}

/// A graph with what it is for.
struct Graph<'a> {
    network: Network,
    weights: &'a dyn WeightSource,
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
        let words = || format!("the model in {} cannot be read", shown(&folder));
        Ok(Self {
            denoiser: open::denoiser_part(folder).with_context(words)?,
            codec: open::codec_part(folder).with_context(words)?,
        })
    }

    /// Latent frames that the codec's encoder wants on either side.
    #[must_use]
    pub fn encode_context(&self) -> usize {
        self.codec.config.encode_context()
    }

    /// The same for every length of tape, but for the key's sake.
    fn encoder(&self, frames: u32) -> Graph<'_> {
        let config = &self.codec.config;
        let samples = (ENCODER_TILE + 2 * config.encode_context()) * config.hop();
        let mut network = encoder(config, samples, Batch::Fixed(1), Precision::F32);
        ENCODER.clone_into(&mut network.name);
        let weights = &self.codec.weights;
        Graph { network, weights, frames, tokens: 0, batches: Vec::new() }
    }

    fn graphs(&self, wish: &Wish) -> anyhow::Result<Vec<Graph<'_>>> {
        let precision = match wish.precision.as_str() {
            "f32" => Precision::F32,
            "bf16" => Precision::Bf16,
            "f16" => Precision::F16,
            other => bail!("`{other}` is no precision: expected f32, bf16 or f16"),
        };
        let (frames, tokens) = (wish.frames as usize, wish.tokens as usize);
        let config = &self.denoiser.config;
        let shape = DenoiserShape { frames, tokens, batch: Batch::Dynamic, prompt: PromptForm::KeysAndValues };
        let graph =
            |network, weights, tokens, batches| Graph { network, weights, frames: wish.frames, tokens, batches };
        let mut prompt = prompt(config, tokens, Batch::Fixed(1), precision);
        PROMPT.clone_into(&mut prompt.name);
        let mut denoiser = denoiser(config, &shape, precision);
        DENOISER.clone_into(&mut denoiser.name);
        let mut graphs = vec![
            graph(prompt, &self.denoiser.weights as &dyn WeightSource, wish.tokens, Vec::new()),
            graph(denoiser, &self.denoiser.weights, wish.tokens, wish.batches()),
        ];
        graphs.extend([self.encoder(wish.frames)]);
        for keep in window_lengths(frames) {
            let span = keep + 2 * self.codec.config.decode_context();
            let mut decoder = decoder(&self.codec.config, span, Batch::Fixed(1), Precision::F32);
            decoder.name = window_name(keep);
            graphs.push(graph(decoder, &self.codec.weights, 0, Vec::new()));
        }
        Ok(graphs)
    }
}

impl Graph<'_> {
    /// With all that its plan's key wants to know.
    fn file(self) -> anyhow::Result<GraphFile> {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|it| format!("{it:02x}")).collect::<String>();
        let outline = self.network.outline(self.weights)?;
        Ok(GraphFile {
            profiles: profiles(&outline.inputs, &self.batches),
            rows: [self.batches.first().copied().unwrap_or(1), self.batches.last().copied().unwrap_or(1)],
            precision: numbers_of(&self.network.form),
            frames: self.frames,
            tokens: self.tokens,
            weights: hex(self.network.weights_digest(self.weights)?),
            onnx: hex(outline.fingerprint),
            name: self.network.name,
        })
    }
}

/// What a file computes in, and what it stores its residual stream in where that is another: `f32`, `f16/f32`.
fn numbers_of(form: &Form) -> String {
    let word = |it: Precision| format!("{it:?}").to_lowercase();
    if form.residual == form.precision {
        return word(form.precision);
    }
    format!("{}/{}", word(form.precision), word(form.residual))
}

/// One profile a batch, for every input whose batch is open; none where every input is fixed.
#[must_use]
pub fn profiles(inputs: &[Port], batches: &[u32]) -> Vec<Profile> {
    let open: Vec<&Port> = inputs.iter().filter(|it| it.dims.contains(&None)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let profile = |batch: &u32| -> Profile {
        let range = |port: &&Port| {
            let dims = port.dims.iter().map(|it| it.map_or(i64::from(*batch), |it| it as i64));
            let dims: Vec<i64> = dims.collect();
            Range::fixed(&port.name, Dims::new(&dims).expect("at most four axes"))
        };
        open.iter().map(range).collect()
    };
    batches.iter().map(profile).collect()
}

/// Only what listens to recordings, which is needed before the length of the prompts is known.
pub struct EncoderGraphs<'a>(pub &'a ModelGraphs);

impl Graphs for EncoderGraphs<'_> {
    fn list(&self, wish: &Wish) -> anyhow::Result<Vec<GraphFile>> {
        Ok(vec![self.0.encoder(wish.frames).file()?])
    }

    fn write(&self, graph: &GraphFile, folder: &Path) -> anyhow::Result<PathBuf> {
        self.0.write(graph, folder)
    }
}

/// The name of the decoder that keeps so many latent frames.
#[must_use]
pub fn window_name(keep: usize) -> String {
    format!("window-{keep}")
}

impl Graphs for ModelGraphs {
    fn list(&self, wish: &Wish) -> anyhow::Result<Vec<GraphFile>> {
        self.graphs(wish)?.into_iter().map(Graph::file).collect()
    }

    fn write(&self, graph: &GraphFile, folder: &Path) -> anyhow::Result<PathBuf> {
        let products = graph.precision.split('/').next().unwrap_or_default();
        let wish = Wish {
            frames: graph.frames,
            tokens: graph.tokens.max(1),
            depths: Vec::new(),
            precision: products.to_owned(),
        };
        let found = self.graphs(&wish)?.into_iter().find(|it| it.network.name == graph.name);
        let it = found.with_context(|| format!("{} is no graph of this model", graph.name))?;
        Ok(export(&it.network, it.weights, folder)?.0)
    }
}

/// What a network's files take at most, in bytes.
fn wanted(network: &Network, weights: &dyn WeightSource) -> anyhow::Result<u64> {
    Ok(network.outline(weights)?.data_bytes + MODEL_BYTES)
}

/// Why a network's files do not fit into a folder, in words; none where they do.
///
/// # Errors
/// When graph and weights do not fit each other, or the disk cannot be asked.
pub fn no_room(network: &Network, weights: &dyn WeightSource, folder: &Path) -> anyhow::Result<Option<String>> {
    let (wanted, free) = (wanted(network, weights)?, room(folder)?);
    Ok((free < wanted).then(|| format!("it takes {} MB and {} MB are free", wanted / 1_000_000, free / 1_000_000)))
}

/// Writes a network's two files into `folder`, and answers where its model is and what both hold. The model has its name
/// last: where it is, its weights are too.
///
/// # Errors
/// With the file; what was there is then as it was, unless the last renaming of the two fails. Where they do not fit nothing is begun.
pub fn export(network: &Network, weights: &dyn WeightSource, folder: &Path) -> anyhow::Result<(PathBuf, Written)> {
    let path = folder.join(network.model_file());
    let words = || shown(&path).to_string();
    if let Some(why) = no_room(network, weights, folder).with_context(words)? {
        bail!("{}: {why}; make room there, or name another folder", shown(&path));
    }
    let begin = |path: &Path| anyhow::Ok(BufWriter::new(Place::look(path)?.begin()?));
    let (mut model, mut data) = (begin(&path)?, begin(&folder.join(&network.form.data_file))?);
    let written = network.write(weights, &mut model, &mut data).with_context(words)?;
    for part in [data, model] {
        part.into_inner().map_err(IntoInnerError::into_error).with_context(words)?.finish()?;
    }
    Ok((path, written))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use engine::graph::onnx::Element;
    use engine::graph::weights::InMemory;

    use super::*;

    fn wish() -> Wish {
        Wish { frames: 50, tokens: 64, depths: vec![1, 4], precision: "f16".to_owned() }
    }

    #[test]
    fn a_network_takes_on_the_disk_what_was_told_before() {
        let house = house();
        let network = prompt(&house.denoiser.config, 64, Batch::Fixed(1), Precision::F16);
        let folder = tempfile::tempdir().expect("a folder");
        let weights = &house.denoiser.weights;
        let wanted = wanted(&network, weights).expect("it can be asked");
        let why = no_room(&network, weights, folder.path()).expect("it can be asked");
        let (model, written) = export(&network, &house.denoiser.weights, folder.path()).expect("it can be written");
        let sizes =
            [&model, &folder.path().join(&network.form.data_file)].map(|it| it.metadata().expect("is there").len());
        assert_eq!(why, None);
        assert_eq!(sizes[1], written.data_bytes);
        assert_eq!(wanted, sizes[1] + MODEL_BYTES);
        assert!(0 < sizes[0] && sizes[0] < MODEL_BYTES, "{sizes:?}");
    }

    fn house() -> ModelGraphs {
        ModelGraphs::open(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"))).expect("it is there")
    }

    #[test]
    fn a_set_needs_a_prompt_a_denoiser_for_every_batch_and_a_window_for_every_length() {
        let files = house().list(&wish()).expect("the model is sound");
        let names: Vec<&str> = files.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["prompt", "denoiser", "encoder", "window-5", "window-13", "window-25", "window-50"]);
        let denoiser = &files[1];
        let rows = |profile: &Profile| -> Vec<i64> { profile.iter().map(|it| it.best[0]).collect() };
        let batches: Vec<Vec<i64>> = denoiser.profiles.iter().map(rows).collect();
        let inputs = batches[0].len();
        assert_eq!(batches, [1, 2, 4, 8].map(|it| vec![it; inputs]), "depth 1 and 4, guided or not");
        assert!(denoiser.profiles[0].iter().any(|it| it.tensor == "k5" && it.best[1..] == [64, 2, 32]));
        assert!(files.iter().all(|it| it.weights.len() == 64 && it.onnx.len() == 64));
        assert!(files[3].profiles.is_empty(), "a window has one shape");
        assert_ne!(files[1].weights, files[3].weights);
        let numbers: Vec<&str> = files.iter().take(4).map(|it| it.precision.as_str()).collect();
        assert_eq!(numbers, ["f16", "f16/f32", "f32", "f32"], "a key tells products and residual apart");
        let bf16 = house().list(&Wish { precision: "bf16".to_owned(), ..wish() }).expect("the model is sound");
        assert_eq!((bf16[0].precision.as_str(), bf16[1].precision.as_str()), ("bf16", "bf16/f32"));
        assert!((0..2).all(|at| bf16[at].onnx != files[at].onnx && bf16[at].weights == files[at].weights));
    }

    /// `engine::backend::tensorrt` finds tensors by these names, and writes f32 to all but keys and values.
    #[test]
    fn files_have_the_ports_that_the_card_reads_and_writes() {
        let house = house();
        let graphs = house.graphs(&wish()).expect("the model is sound");
        let ports = |at: usize| {
            let outline = graphs[at].network.outline(graphs[at].weights).expect("the model is sound");
            let port = |it: &engine::graph::onnx::Port| {
                let dims: Vec<String> =
                    it.dims.iter().map(|size| size.map_or("B".into(), |it| it.to_string())).collect();
                let wide = it.element == Element::Float(Precision::F32);
                format!("{} {}{}", it.name, dims.join("x"), if wide { "" } else { " narrow" })
            };
            let [inputs, outputs]: [Vec<String>; 2] =
                [&outline.inputs, &outline.outputs].map(|it| it.iter().map(port).collect());
            (inputs, outputs)
        };
        let kept = |batch: &str| -> Vec<String> {
            (0..6).flat_map(|n| ["k", "v"].map(|it| format!("{it}{n} {batch}x64x2x32 narrow"))).collect()
        };
        let (mut inputs, outputs) = ports(1);
        inputs.sort();
        let plain = ["context Bx50x128", "t B", "t_minus_r B", "token_mask Bx64", "x Bx50x64"].map(str::to_owned);
        let mut expected = [kept("B"), plain.to_vec()].concat();
        expected.sort();
        assert_eq!((inputs, outputs), (expected, vec!["velocity Bx50x64".to_owned()]), "the denoiser");
        assert_eq!(ports(0), (vec!["tokens 1x64x256".to_owned()], kept("1")), "the prompt");
        let (span, tile) = (5 + 18, 64 + 14);
        let audio = |frames: usize| vec![format!("audio 1x{}x2", frames * 1920)];
        assert_eq!(ports(2), (audio(tile), vec![format!("moments 1x{tile}x128")]), "the encoder");
        assert_eq!(ports(3), (vec![format!("latents 1x{span}x64")], audio(span)), "a window");
    }

    #[test]
    fn every_graph_of_the_list_can_be_written() {
        let (graphs, folder) = (house(), tempfile::tempdir().expect("a folder can be made"));
        for file in graphs.list(&wish()).expect("the model is sound") {
            let path = graphs.write(&file, folder.path()).expect("the folder takes files");
            assert!(path.metadata().expect("it was written").len() > 1000, "{}", path.display());
        }
    }

    #[test]
    fn an_export_that_fails_leaves_no_file_and_the_old_ones_alone() {
        let (house, folder) = (house(), tempfile::tempdir().expect("a folder can be made"));
        let graphs = house.graphs(&wish()).expect("the model is sound");
        let files = || -> BTreeMap<PathBuf, Vec<u8>> {
            let entries = std::fs::read_dir(folder.path()).expect("it is a folder");
            let paths = entries.map(|it| it.expect("it is listed").path());
            paths.map(|path| (path.clone(), std::fs::read(path).expect("it is a file"))).collect()
        };
        let (prompt, whole) = (&graphs[0].network, graphs[0].weights);
        export(prompt, whole, folder.path()).expect("the folder takes files");
        let before = files();
        assert_eq!(before.len(), 2);
        let error = export(prompt, &InMemory::new(), folder.path()).expect_err("there are no weights");
        assert!(format!("{error:#}").contains("prompt.onnx: "), "{error:#}");
        assert_eq!(files(), before);
    }
}
