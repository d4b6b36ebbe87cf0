//! What a kernel is told, laid out as `kernels/parameters.h` declares it. A test compares the two field by field.
//!
//! Addresses are of device memory, 0 standing for none. Every structure is plain numbers without gaps, so that a tick's
//! block is one copy.

use bytemuck::{Pod, Zeroable};

use crate::latent::LATENT_CHANNELS;
use crate::ring::MAX_DEPTH;

/// Rows of the largest batch: a full ring under guidance.
pub const ROWS: usize = 2 * MAX_DEPTH;
/// Most taps of a wavelet.
pub const TAPS: usize = 16;

/// Bits of [`SlotParameters::flags`].
pub mod flags {
    #![allow(missing_docs, reason = "the header says what each means")]
    pub const STOCHASTIC: u32 = 1;
    pub const BLENDED: u32 = 2;
    pub const MASKED: u32 = 4;
    pub const PULLED: u32 = 8;
    pub const DRAWS: u32 = 16;
    pub const GUIDED: u32 = 32;
    pub const RESCALED: u32 = 64;
    pub const GAINED: u32 = 128;
    pub const MASK_DRAWS: u32 = 256;
    pub const ARC: u32 = 512;
    pub const NEGATIVE_ARC: u32 = 1024;
    /// Of [`super::BirthParameters::flags`].
    pub const OWN_NOISE: u32 = 1;
    pub const REMEMBERS: u32 = 2;
    pub const MASK_BORN: u32 = 4;
}

/// Values of [`SlotParameters::correction`]; 0 is none.
pub mod correction {
    #![allow(missing_docs, reason = "the header says what each means")]
    pub const PAIRS: i32 = 1;
    pub const BANDED: i32 = 2;
    pub const POINTWISE: i32 = 3;
}

/// One value everywhere, or one an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CurveParameters {
    /// 0: the value.
    pub points: u64,
    /// An f32 in the low half.
    pub value_bits: u64,
}

impl CurveParameters {
    /// The same value everywhere.
    #[must_use]
    pub fn value(value: f32) -> Self {
        Self { points: 0, value_bits: u64::from(value.to_bits()) }
    }
}

/// One slot's step.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "the header says what each means")]
pub struct SlotParameters {
    pub x: u64,
    pub x_next: u64,
    pub average: u64,
    pub average_next: u64,
    pub negative: u64,
    pub scratch: u64,
    pub bands: u64,
    pub source: u64,
    pub original: u64,
    pub target: u64,
    pub mask_noise: u64,
    pub given_noise: u64,
    pub gain_plane: u64,
    pub hilbert: u64,
    pub seed: u64,
    pub generation: u64,
    pub source_blend: CurveParameters,
    pub velocity_scale: CurveParameters,
    pub ode_noise: CurveParameters,
    pub mask: CurveParameters,
    pub target_pull: CurveParameters,
    pub guidance_scale: CurveParameters,
    pub momentum: CurveParameters,
    pub rescale: CurveParameters,
    pub scaler: CurveParameters,
    pub high_scaler: CurveParameters,
    pub gains: [f32; LATENT_CHANNELS],
    pub low_filter: [f32; TAPS],
    pub high_filter: [f32; TAPS],
    pub now: f32,
    pub next: f32,
    pub mask_factor: f32,
    pub target_factor: f32,
    pub soft_threshold: f32,
    pub multiplicative: f32,
    pub phase: f32,
    pub norm_threshold: f32,
    pub eta: f32,
    pub flags: u32,
    pub active: i32,
    pub frames: i32,
    pub noise_tag: u32,
    pub taps: i32,
    pub band_frames: i32,
    pub correction: i32,
    pub bands_corrected: i32,
    pub positive_first: i32,
    pub positive_count: i32,
    pub negative_first: i32,
    pub negative_count: i32,
    pub reserved: i32,
}

/// One row of the batch.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "the header says what each means")]
pub struct RowParameters {
    pub weight: CurveParameters,
    pub slot: i32,
    pub seat: i32,
}

/// One tick: what is uploaded at the head of its graph.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "the header says what each means")]
pub struct TickParameters {
    pub slots: [SlotParameters; MAX_DEPTH],
    pub rows: [RowParameters; ROWS],
    pub seat_row: [i32; ROWS],
    pub net_x: u64,
    pub net_t: u64,
    pub net_t_minus_r: u64,
    pub net_velocity: u64,
    pub unsound: u64,
    pub frames: u64,
}

/// One generation's start.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "the header says what each means")]
pub struct BirthParameters {
    pub x: u64,
    pub negative: u64,
    pub average: u64,
    pub mask_noise: u64,
    pub clean: u64,
    pub given_start: u64,
    pub start: CurveParameters,
    pub seed: u64,
    pub mask_seed: u64,
    pub frames: i32,
    pub flags: u32,
}
