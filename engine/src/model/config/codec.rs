//! Configuration of the codec (the Oobleck autoencoder): `vae/config.json`.
//!
//! One key is ours: `encoder_base_channels`, the width of the encoder's first layer. The published file has no such key
//! and the width there is `encoder_hidden_size`, which is also the number of moments; a small model wants them apart.

use std::path::Path;

use super::ConfigError;
use super::reader::Reader;

/// Widest layer accepted.
const WIDEST: usize = 16_384;

/// `vae/config.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecConfig {
    /// Channels of sound, 2 in the published model.
    pub audio_channels: usize,
    /// Width of the encoder's first layer.
    pub encoder_base: usize,
    /// Channels that the encoder puts out: means, then scales; even.
    pub moments: usize,
    /// Width of the decoder's last layer.
    pub decoder_base: usize,
    /// Channels of one latent frame.
    pub latent_channels: usize,
    /// Step of every encoder block, first block first; even numbers.
    pub strides: Vec<usize>,
    /// Width of each block as a multiple of the base; as many as strides.
    pub multiples: Vec<usize>,
    /// Audio frames a second.
    pub sample_rate_hz: usize,
}

impl CodecConfig {
    /// Reads the text of a `vae/config.json`; `file` is for messages.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(file, text)?;
        let r = &mut reader;
        let moments = r.count("encoder_hidden_size", 2..=WIDEST);
        let config = Self {
            audio_channels: r.count("audio_channels", 1..=64),
            encoder_base: r.optional_count("encoder_base_channels", 1..=WIDEST).unwrap_or(moments),
            moments,
            decoder_base: r.count("decoder_channels", 1..=WIDEST),
            latent_channels: r.count("decoder_input_channels", 1..=WIDEST),
            strides: r.counts("downsampling_ratios", 2..=64, 8),
            multiples: r.counts("channel_multiples", 1..=64, 8),
            sample_rate_hz: r.count("sampling_rate", 1..=768_000),
        };
        r.require(moments.is_multiple_of(2), "encoder_hidden_size", moments, "an even number: means and scales");
        let blocks = config.multiples.len();
        let expected = format!("{} entries, one for each of `downsampling_ratios`", config.strides.len());
        r.require(blocks == config.strides.len(), "channel_multiples", blocks, expected);
        if let Some(&odd) = config.strides.iter().find(|&&it| !it.is_multiple_of(2)) {
            r.require(false, "downsampling_ratios", odd, "even strides: an odd one loses a sample a block");
        }
        let widest = config.multiples.iter().max().map_or(0, |it| it * config.encoder_base.max(config.decoder_base));
        r.require(widest <= WIDEST, "channel_multiples", widest, format!("no layer wider than {WIDEST}"));
        let hop = config.strides.iter().try_fold(1_usize, |hop, &stride| hop.checked_mul(stride));
        let fits = hop.is_some_and(|it| it <= 1 << 20);
        r.require(fits, "downsampling_ratios", hop.unwrap_or(usize::MAX), "a product of at most 2^20 samples a frame");
        reader.finish(config)
    }

    /// Audio frames that one latent frame stands for.
    #[must_use]
    pub fn hop(&self) -> usize {
        self.strides.iter().product()
    }

    /// Latent frames on either side that can change an output sample, so that a window decoded with this much context
    /// equals the full decode. Walked from the samples back to the latent: each convolution widens what is seen.
    ///
    /// 9 for the published strides 2, 4, 4, 6, 10.
    #[must_use]
    pub fn decode_context(&self) -> usize {
        // Outputs of a layer at rate `hop` see inputs up to `reach` samples away on either side.
        let taps = 3; // the last convolution, kernel 7
        let mut reach = taps;
        for &stride in &self.strides {
            reach += 3 * (1 + 3 + 9); // three units, kernel 7, dilations 1, 3, 9
            // A transposed convolution of kernel 2s and padding s/2 reads inputs (o + s/2 - k) / s, k < 2s: one more
            // input than the span itself, on the worse side.
            reach = (reach + stride / 2).div_ceil(stride);
        }
        reach + taps // the first convolution, kernel 7
    }

    /// Latent frames on either side of a chunk that make its encoding equal the encoding of the whole.
    ///
    /// Walked like [`Self::decode_context`], from the moments back to the samples, then rounded up to whole frames.
    #[must_use]
    pub fn encode_context(&self) -> usize {
        let mut reach = 1; // the last convolution, kernel 3
        for &stride in self.strides.iter().rev() {
            // A convolution of kernel 2s, stride s, padding s/2 reads inputs s o - s/2 .. s o + 3s/2 - 1.
            reach = reach * stride + stride / 2;
            reach += 3 * (1 + 3 + 9);
        }
        (reach + 3).div_ceil(self.hop())
    }
}
