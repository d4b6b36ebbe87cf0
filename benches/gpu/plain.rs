//! The denoiser and the codec as our own plain lowering: the seam, until that lowering is here.

use engine::backend::cuda::Network;
use engine::graph::WeightSource;
use engine::live::WindowDecoder;
use engine::model::config::{CodecConfig, DitConfig};

use super::network::{Maker, Shape};

/// Why its rows are skipped.
const NOT_HERE: &str = "the plain network is not in this build";

/// Networks of cuBLASLt products and our own kernels.
pub struct Plain;

impl Maker for Plain {
    fn denoiser(&self, _: &DitConfig, _: &dyn WeightSource, _: &Shape) -> Result<Box<dyn Network>, String> {
        Err(NOT_HERE.to_owned())
    }

    fn windows(
        &self,
        _: &CodecConfig,
        _: &dyn WeightSource,
        _: &[usize],
        _: usize,
        _: bool,
    ) -> Result<Box<dyn WindowDecoder>, String> {
        Err(NOT_HERE.to_owned())
    }
}

/// The card's bf16 matrix ceiling, in TFLOP a second.
pub fn ceiling() -> Result<f64, String> {
    Err(NOT_HERE.to_owned())
}
