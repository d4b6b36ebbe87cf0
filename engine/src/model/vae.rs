//! The codec (Oobleck autoencoder) as graphs: sound to latent moments, latent to sound.
//!
//! Convolutions with folded weight norm, residual units with growing dilation, and the snake activation, which lets a
//! network of finite width continue a periodic wave. Time comes before channels, so sound is interleaved stereo.

use super::config::CodecConfig;
use crate::graph::{Builder, Dim, Graph, NodeId, Op, Weight};

/// Dilations of the three residual units of a block.
const DILATIONS: [usize; 3] = [1, 3, 9];
/// Taps of the wide convolutions.
const TAPS: usize = 7;

/// Input `audio` `[batch, samples, audio channels]`, output `moments` `[batch, samples / hop, moments]`: means, then
/// scales. A length that is not a multiple of the hop is rounded down at every stride.
///
/// `trace` names every layer's output by its place in the checkpoint, for bisection.
#[must_use]
pub fn encoder(config: &CodecConfig, trace: bool) -> Graph {
    let mut net = Net { b: Builder::new(), trace };
    let audio = net.b.input("audio", &[BATCH, Dim::Named("samples"), Dim::Fixed(config.audio_channels)]);
    let mut h = net.conv(audio, "encoder.conv1", TAPS, 1);
    for (block, &stride) in config.strides.iter().enumerate() {
        let prefix = format!("encoder.block.{block}");
        h = net.units(h, &prefix);
        h = net.snake(h, &format!("{prefix}.snake1"));
        h = net.down(h, &format!("{prefix}.conv1"), stride);
    }
    let h = net.snake(h, "encoder.snake1");
    let moments = net.conv(h, "encoder.conv2", 3, 1);
    net.b.output("moments", moments);
    net.b.finish()
}

/// Input `latents` `[batch, frames, latent channels]`, output `audio` `[batch, frames * hop, audio channels]`.
///
/// `trace` as in [`encoder`].
#[must_use]
pub fn decoder(config: &CodecConfig, trace: bool) -> Graph {
    let mut net = Net { b: Builder::new(), trace };
    let latents = net.b.input("latents", &[BATCH, Dim::Named("frames"), Dim::Fixed(config.latent_channels)]);
    let mut h = net.conv(latents, "decoder.conv1", TAPS, 1);
    for (block, &stride) in config.strides.iter().rev().enumerate() {
        let prefix = format!("decoder.block.{block}");
        h = net.snake(h, &format!("{prefix}.snake1"));
        h = net.up(h, &format!("{prefix}.conv_t1"), stride);
        h = net.units(h, &prefix);
    }
    let h = net.snake(h, "decoder.snake1");
    let weight = Weight::normed("decoder.conv2");
    let last = Op::Conv1d { weight, bias: None, stride: 1, padding: TAPS / 2, dilation: 1 };
    let audio = net.node(last, h, "decoder.conv2");
    net.b.output("audio", audio);
    net.b.finish()
}

const BATCH: Dim = Dim::Named("batch");

/// The pen, and whether layers are named.
struct Net {
    b: Builder,
    trace: bool,
}

impl Net {
    fn node(&mut self, op: Op, x: NodeId, name: &str) -> NodeId {
        let value = self.b.node(op, &[x]);
        if self.trace {
            self.b.output(name, value);
        }
        value
    }

    /// A convolution that keeps the length.
    fn conv(&mut self, x: NodeId, prefix: &str, taps: usize, dilation: usize) -> NodeId {
        let (weight, bias) = (Weight::normed(prefix), bias(prefix));
        let op = Op::Conv1d { weight, bias, stride: 1, padding: dilation * (taps - 1) / 2, dilation };
        self.node(op, x, prefix)
    }

    fn down(&mut self, x: NodeId, prefix: &str, stride: usize) -> NodeId {
        let (weight, bias) = (Weight::normed(prefix), bias(prefix));
        self.node(Op::Conv1d { weight, bias, stride, padding: stride / 2, dilation: 1 }, x, prefix)
    }

    fn up(&mut self, x: NodeId, prefix: &str, stride: usize) -> NodeId {
        let (weight, bias) = (Weight::normed(prefix), bias(prefix));
        self.node(Op::ConvTranspose1d { weight, bias, stride, padding: stride / 2 }, x, prefix)
    }

    fn snake(&mut self, x: NodeId, prefix: &str) -> NodeId {
        let (alpha, beta) = (Weight::plain(format!("{prefix}.alpha")), Weight::plain(format!("{prefix}.beta")));
        self.node(Op::Snake { alpha, beta }, x, prefix)
    }

    /// The three residual units of a block.
    fn units(&mut self, mut h: NodeId, prefix: &str) -> NodeId {
        for (unit, dilation) in DILATIONS.into_iter().enumerate() {
            let prefix = format!("{prefix}.res_unit{}", unit + 1);
            let x = self.snake(h, &format!("{prefix}.snake1"));
            let x = self.conv(x, &format!("{prefix}.conv1"), TAPS, dilation);
            let x = self.snake(x, &format!("{prefix}.snake2"));
            let x = self.conv(x, &format!("{prefix}.conv2"), 1, 1);
            h = self.b.add(h, x);
        }
        h
    }
}

fn bias(prefix: &str) -> Option<Weight> {
    Some(Weight::plain(format!("{prefix}.bias")))
}
