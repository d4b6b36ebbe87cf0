//! Writes a tick's block: every slot's step as the kernels want it.
//!
//! Values are copied as they are, curves into an arena that goes up beside the block. A curve of another length is
//! stretched here, with the solver's own arithmetic, so that the kernels only index.

use std::sync::Arc;

use super::driver::{Device, Done};
use super::memory::{Buffer, Pinned};
use super::parameters::{CurveParameters, ROWS, SlotParameters, TAPS, correction, flags};
use super::slot::{DeviceSlot, Plane};
use super::stream::Stream;
use crate::backend::law::{law, mask_draws};
use crate::latent::LATENT_CHANNELS;
use crate::ring::plan::SlotStep;
use crate::ring::request::Request;
use crate::ring::{MAX_DEPTH, StepControls};
use crate::solver::curve::Curve;
use crate::solver::dcw::{Bands, Correction};
use crate::solver::gain;
use crate::solver::guidance::{Axis, DEFAULT_MOMENTUM, GuidanceLaw};
use crate::solver::step::{Method, StepLaw};

/// Curves of one slot's step: those of [`SlotParameters`].
const CURVES_OF_A_SLOT: usize = 10;
/// Curves that a tick can have, all of them different.
const MOST_CURVES: usize = MAX_DEPTH * CURVES_OF_A_SLOT + ROWS;

/// Curves of one tick, each sent once however many slots it acts on.
pub(super) struct Arena {
    host: Pinned<f32>,
    device: Buffer,
    used: usize,
    /// Where its numbers lie, how many there are, how many were asked for, where they went. Valid within one tick, while
    /// the controls that they came from are borrowed.
    sent: Vec<(usize, usize, usize, u64)>,
}

impl Arena {
    pub(super) fn new(device: &Arc<Device>, frames: usize) -> Done<Self> {
        let numbers = MOST_CURVES * (frames + TAPS);
        Ok(Self {
            host: Pinned::zeroed(device, numbers)?,
            device: Buffer::zeroed(device, 4 * numbers)?,
            used: 0,
            sent: Vec::with_capacity(MOST_CURVES),
        })
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.sent.clear();
    }

    /// A curve read at `count` places.
    pub(super) fn curve(&mut self, curve: &Curve, count: usize) -> CurveParameters {
        let points = match curve {
            Curve::Scalar(value) => return CurveParameters::value(*value),
            Curve::Frames(points) => points,
        };
        let name = (points.as_ptr() as usize, points.len(), count);
        if let Some(&(.., address)) = self.sent.iter().find(|it| (it.0, it.1, it.2) == name) {
            return CurveParameters { points: address, value_bits: 0 };
        }
        let room = &mut self.host[self.used..self.used + count];
        if points.len() == count {
            room.copy_from_slice(points);
        } else {
            room.iter_mut().enumerate().for_each(|(at, it)| *it = curve.at(at, count));
        }
        let address = self.device.float(self.used);
        self.used += count;
        self.sent.push((name.0, name.1, name.2, address));
        CurveParameters { points: address, value_bits: 0 }
    }

    /// Enqueues the copy of what was collected; none when every knob is a plain value.
    pub(super) fn upload(&self, stream: &Stream) -> Done<()> {
        if self.used == 0 { Ok(()) } else { stream.upload(self.device.address(), &self.host, 0, self.used) }
    }
}

/// Hilbert kernels, one for every length that a band can have.
pub(super) struct Hilbert {
    kernels: Buffer,
    first_length: usize,
    stride: usize,
}

impl Hilbert {
    /// For bands of latents of `frames` frames.
    pub(super) fn new(device: &Arc<Device>, frames: usize, stream: &Stream) -> Done<Self> {
        let (first_length, stride) = (frames.div_ceil(2), (frames + TAPS) / 2);
        let lengths = stride + 1 - first_length;
        let mut host: Pinned<f32> = Pinned::zeroed(device, lengths * stride)?;
        for (at, room) in host.chunks_exact_mut(stride).enumerate() {
            hilbert_kernel(&mut room[..first_length + at]);
        }
        let kernels = Buffer::zeroed(device, 4 * lengths * stride)?;
        stream.upload(kernels.address(), &host, 0, lengths * stride)?;
        stream.wait()?;
        Ok(Self { kernels, first_length, stride })
    }

    fn of(&self, band_frames: usize) -> u64 {
        self.kernels.float((band_frames - self.first_length) * self.stride)
    }
}

/// The circular kernel whose convolution with a real signal is the imaginary part of its analytic signal:
/// `h[n] = 2/N sum_{0 < k < N/2} sin(2 pi k n / N)`, summed as a geometric series.
fn hilbert_kernel(kernel: &mut [f32]) {
    let length = kernel.len();
    // Frequencies strictly between the constant and the highest.
    let last = (length.max(1) - 1) / 2;
    for (n, tap) in kernel.iter_mut().enumerate() {
        let half = std::f64::consts::PI * n as f64 / length as f64;
        // sum sin(2 k half), k = 1..=last: sin(last half) sin((last + 1) half) / sin(half).
        let sum = if n == 0 { 0.0 } else { (last as f64 * half).sin() * ((last + 1) as f64 * half).sin() / half.sin() };
        *tap = (2.0 / length as f64 * sum) as f32;
    }
}

/// What all slots of a tick share.
pub(super) struct Filler<'a> {
    pub(super) arena: &'a mut Arena,
    pub(super) hilbert: &'a Hilbert,
    pub(super) shared: &'a StepControls,
    pub(super) default_correction: &'a Correction,
    pub(super) guidance: &'a GuidanceLaw,
    pub(super) frames: usize,
}

impl Filler<'_> {
    /// One slot's step; its rows and gains are the caller's.
    pub(super) fn slot(&mut self, slot: &DeviceSlot, request: &Request, step: &SlotStep) -> SlotParameters {
        let shared = self.shared;
        let law = law(request, step, shared);
        let mut it: SlotParameters = bytemuck::Zeroable::zeroed();
        addresses(&mut it, slot, request);
        (it.seed, it.generation) = (request.seed, request.generation);
        (it.now, it.next) = (step.span.now, step.span.next);
        (it.active, it.frames, it.noise_tag) = (1, self.frames as i32, 2 + step.step as u32);
        it.flags |= if mask_draws(request, &law) { flags::MASK_DRAWS } else { 0 };
        self.step(&mut it, &law);
        self.guided(&mut it, request);
        let correction = StepControls::correction(&request.controls, shared).unwrap_or(self.default_correction);
        self.correction(&mut it, correction);
        it
    }

    fn step(&mut self, it: &mut SlotParameters, law: &StepLaw<'_>) {
        let frames = self.frames;
        let neutral = [Curve::Scalar(1.0), Curve::Scalar(0.0)];
        it.velocity_scale = self.arena.curve(law.velocity_scale.unwrap_or(&neutral[0]), frames);
        it.ode_noise = self.arena.curve(law.ode_noise.unwrap_or(&neutral[1]), frames);
        let mut flag = |holds: bool, bit: u32| it.flags |= if holds { bit } else { 0 };
        flag(law.method == Method::Sde, flags::STOCHASTIC);
        flag(law.draws(), flags::DRAWS);
        flag(law.source_blend.is_some(), flags::BLENDED);
        flag(law.mask.is_some(), flags::MASKED);
        flag(law.target.is_some(), flags::PULLED);
        if let Some(blend) = law.source_blend {
            it.source_blend = self.arena.curve(blend, frames);
        }
        if let Some(mask) = law.mask {
            (it.mask, it.mask_factor) = (self.arena.curve(mask.curve, frames), mask.strength);
        }
        if let Some(target) = law.target {
            (it.target_pull, it.target_factor) = (self.arena.curve(target.strength, frames), target.factor);
        }
    }

    fn guided(&mut self, it: &mut SlotParameters, request: &Request) {
        let (own, shared, frames) = (&request.controls, self.shared, self.frames);
        let Some(scale) = StepControls::guidance_scale(own, shared).filter(|_| request.is_guided()) else { return };
        assert_eq!(self.guidance.axis, Axis::Time, "the kernels measure along time");
        it.flags |= flags::GUIDED;
        (it.norm_threshold, it.eta) = (self.guidance.norm_threshold, self.guidance.eta);
        it.guidance_scale = self.arena.curve(scale, frames);
        let momentum = StepControls::momentum(own, shared);
        it.momentum =
            momentum.map_or(CurveParameters::value(DEFAULT_MOMENTUM), |momentum| self.arena.curve(momentum, frames));
        if let Some(amount) = StepControls::guidance_rescale(own, shared) {
            it.flags |= flags::RESCALED;
            it.rescale = self.arena.curve(amount, frames);
        }
    }

    fn correction(&mut self, it: &mut SlotParameters, by: &Correction) {
        if !by.is_active() {
            return;
        }
        let band_frames = if by.bands != Bands::Pix && by.is_pairwise() {
            it.correction = correction::PAIRS;
            self.frames.div_ceil(2)
        } else if by.bands == Bands::Pix {
            it.correction = correction::POINTWISE;
            self.frames
        } else {
            it.correction = correction::BANDED;
            by.wavelet.band_frames(self.frames)
        };
        it.band_frames = band_frames as i32;
        it.bands_corrected = match by.bands {
            Bands::Low => 0,
            Bands::High => 1,
            Bands::Double | Bands::Pix => 2,
        };
        it.scaler = self.arena.curve(&by.scaler, band_frames);
        it.high_scaler = self.arena.curve(&by.high_scaler, band_frames);
        if it.correction == correction::BANDED {
            let [low, high] = by.wavelet.filters();
            it.taps = low.len() as i32;
            it.low_filter[..low.len()].copy_from_slice(low);
            it.high_filter[..high.len()].copy_from_slice(high);
            it.soft_threshold = by.faders.soft_threshold;
            it.multiplicative = by.faders.multiplicative;
            it.phase = by.faders.phase;
            it.hilbert = self.hilbert.of(band_frames);
        }
    }
}

/// Gains of a slot: into the block where they are plain values; otherwise they are handed back to be written along the
/// timeline.
pub(super) fn gains<'a>(
    it: &mut SlotParameters,
    request: &'a Request,
    shared: &'a StepControls,
) -> Option<&'a [gain::ChannelGain]> {
    let gains = StepControls::channel_gains(&request.controls, shared).filter(|it| !gain::is_neutral(it))?;
    it.flags |= flags::GAINED;
    if gains.iter().all(|it| matches!(it.gain, Curve::Scalar(_))) {
        gain::frame_gains(gains, 0, 1, &mut it.gains);
        return None;
    }
    Some(gains)
}

/// Writes gains along the timeline, `[frames, 64]`.
pub(super) fn write_gains(gains: &[gain::ChannelGain], frames: usize, room: &mut [f32]) {
    for (frame, row) in room.chunks_exact_mut(LATENT_CHANNELS).enumerate() {
        gain::frame_gains(gains, frame, frames, row);
    }
}

fn addresses(it: &mut SlotParameters, slot: &DeviceSlot, request: &Request) {
    let (now, next) = (slot.side, 1 - slot.side);
    (it.x, it.x_next) = (slot.at(Plane::X(now)), slot.at(Plane::X(next)));
    (it.average, it.average_next) = (slot.at(Plane::Average(now)), slot.at(Plane::Average(next)));
    it.negative = slot.at(Plane::Negative);
    it.scratch = slot.at(Plane::Scratch);
    it.bands = slot.at(Plane::Bands);
    it.source = slot.maybe(Plane::Source, request.source.is_some());
    it.original = slot.maybe(Plane::Original, request.mask.is_some());
    it.mask_noise = slot.maybe(Plane::MaskNoise, request.mask.is_some());
    it.target = slot.maybe(Plane::Target, request.target.is_some());
}

#[cfg(test)]
mod tests {
    use super::hilbert_kernel;

    /// The analytic signal of a cosine has the sine as its imaginary part.
    #[test]
    fn the_kernel_turns_every_cosine_into_its_sine() {
        for length in [5, 8, 13, 24] {
            let mut kernel = vec![0.0; length];
            hilbert_kernel(&mut kernel);
            for frequency in 1..length.div_ceil(2) {
                let turn = |n: usize| std::f64::consts::TAU * (frequency * n % length) as f64 / length as f64;
                for n in 0..length {
                    let sum: f64 =
                        (0..length).map(|m| turn(m).cos() * f64::from(kernel[(n + length - m) % length])).sum();
                    assert!((sum - turn(n).sin()).abs() < 1e-6, "{frequency} of {length} at {n}: {sum}");
                }
            }
        }
    }
}
