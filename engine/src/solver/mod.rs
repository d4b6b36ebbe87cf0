//! Sampling arithmetic over plain slices.
//!
//! A latent is `[frames, channels]`, row-major, so the 64 channels of a frame lie side by side and are the axis that a
//! processor works on at once. Per-frame knobs are [`curve::Curve`]s. Nothing here allocates after construction, reads a
//! clock or calls a mathematical function whose last bit differs between machines: a recorded performance renders
//! again to the same bits. Products and sums are never fused, so the width of the machine does not change a result.
//!
//! A step in order: [`blend`] or [`slerp`] makes one velocity of several prompts', [`guidance`] one of two, [`sweep`] integrates it under the law of [`step`] with noise
//! from [`noise`], and [`dcw`] corrects the result in the bands of [`wavelet`].

mod arc;
pub mod blend;
pub mod curve;
pub mod dcw;
pub mod gain;
pub mod guidance;
pub mod mask;
pub mod noise;
mod normal;
pub mod schedule;
pub mod slerp;
pub mod step;
pub mod sweep;
pub mod wavelet;
