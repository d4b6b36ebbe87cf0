//! Parts of a model as ONNX files, for TensorRT.
//!
//! A [`Network`] says what is to be written; it needs a configuration and costs nothing. [`Network::write`] streams the
//! weights from the mapped checkpoint, one tensor after another: nothing is packed, and a model of several gigabytes
//! is written with the memory of one tensor. It makes no file: where the bytes go, and when they are safe there, is the
//! caller's business.

use std::io::Write;

use super::config::{CodecConfig, DitConfig};
use super::dit::{self, Extras, PromptForm};
use super::vae;
use crate::graph::onnx::{self, Batch, Form, OnnxError, Written};
use crate::graph::{Graph, LowerError, Precision, Sizes, WeightSource};

/// Weights of the denoiser that compute in f32 whatever the precision: the time, because everything is modulated by it;
/// and the last layer, so that the velocity is not rounded to 16 bits (the published engine keeps it in f32, too).
const DENOISER_ISLANDS: [&str; 2] = ["decoder.time_embed", "decoder.proj_out"];
/// What the denoiser's residual stream is stored in, whatever its products compute in. In f16 it ends at 65504, which
/// published weights pass at a high t, and the velocity is not a number; in bf16 it costs half of all the error there is.
/// In f32 it costs no kernel and no scratch memory: the sums are fused into their neighbours, which compute in f32 anyway.
const DENOISER_RESIDUAL: Precision = Precision::F32;
/// The codec's: its last layers, so that sound and latents are not rounded to 16 bits.
const CODEC_ISLANDS: [&str; 2] = ["decoder.conv2", "encoder.conv2"];

/// Sizes of a denoiser file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DenoiserShape {
    /// Latent frames of a row.
    pub frames: usize,
    /// Condition tokens of a row; shorter prompts hide the rest with `token_mask`.
    pub tokens: usize,
    /// Rows.
    pub batch: Batch,
    /// How prompts come in.
    pub prompt: PromptForm,
}

/// Something that can be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Stem of the file names: what it is, its sizes, its precision.
    pub name: String,
    /// The graph.
    pub graph: Graph,
    /// Its named axes, without the batch.
    pub sizes: Sizes,
    /// How it is written. May be changed before [`Network::write`].
    pub form: Form,
}

/// The velocity network: products in `precision`, the residual stream in f32. Inputs as [`dit::graph`], with `token_mask`;
/// with [`PromptForm::KeysAndValues`] its `k{n}` and `v{n}` have the products' precision, as [`prompt`] writes them.
#[must_use]
pub fn denoiser(config: &DitConfig, shape: &DenoiserShape, precision: Precision) -> Network {
    let extras = Extras { trace: false, token_mask: true, prompt: shape.prompt };
    let kind = match shape.prompt {
        PromptForm::Tokens => "denoiser",
        PromptForm::KeysAndValues => "denoiser-kv",
    };
    let name = format!("{kind}-{}f-{}t", shape.frames, shape.tokens);
    let sizes = Sizes::new().with("frames", shape.frames).with("tokens", shape.tokens);
    let mut network = network(name, dit::graph(config, extras), sizes, shape.batch, precision);
    network.form.residual = DENOISER_RESIDUAL;
    network.form.islands = DENOISER_ISLANDS.map(str::to_owned).to_vec();
    network.form.between = kept(config);
    network
}

/// Keys and values of a prompt, as [`dit::prompt_graph`], in the file's precision.
#[must_use]
pub fn prompt(config: &DitConfig, tokens: usize, batch: Batch, precision: Precision) -> Network {
    let sizes = Sizes::new().with("tokens", tokens);
    let mut network = network(format!("prompt-{tokens}t"), dit::prompt_graph(config), sizes, batch, precision);
    network.form.between = kept(config);
    network
}

/// The codec's decoder for spans of `frames` latent frames, context included, as [`vae::decoder`].
#[must_use]
pub fn decoder(config: &CodecConfig, frames: usize, batch: Batch, precision: Precision) -> Network {
    let sizes = Sizes::new().with("frames", frames);
    codec(format!("decoder-{frames}f"), vae::decoder(config, false), sizes, batch, precision)
}

/// The codec's encoder for `samples` audio frames, as [`vae::encoder`].
#[must_use]
pub fn encoder(config: &CodecConfig, samples: usize, batch: Batch, precision: Precision) -> Network {
    let sizes = Sizes::new().with("samples", samples);
    codec(format!("encoder-{samples}s"), vae::encoder(config, false), sizes, batch, precision)
}

impl Network {
    /// The name of the model's file.
    #[must_use]
    pub fn model_file(&self) -> String {
        format!("{}.onnx", self.name)
    }

    /// Writes the model, and its weights as the file `form.data_file`, which the model looks for beside itself.
    ///
    /// # Errors
    /// As [`onnx::write`]; both are then good for nothing.
    pub fn write(
        &self,
        weights: &dyn WeightSource,
        model: &mut dyn Write,
        data: &mut dyn Write,
    ) -> Result<Written, OnnxError> {
        onnx::write(&self.graph, &self.sizes, weights, &self.form, model, data)
    }

    /// What [`Self::write`] would write, without reading the large weights; its fingerprint belongs into the key of a
    /// plan, beside [`Self::weights_digest`].
    ///
    /// # Errors
    /// As [`onnx::outline`].
    pub fn outline(&self, weights: &dyn WeightSource) -> Result<Written, OnnxError> {
        onnx::outline(&self.graph, &self.sizes, weights, &self.form)
    }

    /// BLAKE3 of the checkpoint tensors that this network reads: names, shapes, stored bytes, in the order of names. It
    /// reads them once and gives their pages back.
    ///
    /// # Errors
    /// [`LowerError::MissingWeight`], and as [`Self::outline`].
    pub fn weights_digest(&self, weights: &dyn WeightSource) -> Result<[u8; 32], OnnxError> {
        let mut names: Vec<String> = self.outline(weights)?.weights.into_iter().flat_map(|it| it.sources).collect();
        names.sort();
        names.dedup();
        let mut hasher = blake3::Hasher::new();
        for name in &names {
            let view = weights.tensor(name).ok_or_else(|| LowerError::MissingWeight(name.clone()))?;
            hasher.update(format!("{name} {:?} {:?} {}\n", view.precision, view.shape, view.bytes.len()).as_bytes());
            hasher.update(view.bytes);
            weights.release(name);
        }
        Ok(*hasher.finalize().as_bytes())
    }
}

fn network(kind: String, graph: Graph, sizes: Sizes, batch: Batch, precision: Precision) -> Network {
    let batch_name = match batch {
        Batch::Fixed(rows) => format!("{rows}b"),
        Batch::Dynamic => "anyb".to_owned(),
    };
    let name = format!("{kind}-{batch_name}-{precision:?}").to_lowercase();
    let form = Form { batch, ..Form::new(precision, format!("{name}.data")) };
    Network { name, graph, sizes, form }
}

fn codec(kind: String, graph: Graph, sizes: Sizes, batch: Batch, precision: Precision) -> Network {
    let mut network = network(kind, graph, sizes, batch, precision);
    network.form.islands = CODEC_ISLANDS.map(str::to_owned).to_vec();
    network
}

/// Names of all keys and values between a prompt file and a denoiser file.
fn kept(config: &DitConfig) -> Vec<String> {
    (0..config.reaches.len()).flat_map(dit::kept_names).collect()
}

#[cfg(test)]
mod tests;
