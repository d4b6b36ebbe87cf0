//! Correction in the wavelet domain: after each step, the bands of the latent are pushed away from those of the
//! network's own prediction of the sound.
//!
//! The method is "Elucidating the SNR-t bias of diffusion probabilistic models" (Yu et al., 2026), with three faders:
//! a soft threshold, a multiplicative mix and a mix toward a correction of magnitude and phase. Needs room
//! ([`CorrectionRoom`]), which is made once for latents of a length and for every wavelet ([`AnalyticPlans`]); only a band of
//! another length makes it grow.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

use super::arc;
use super::curve::Curve;
use super::wavelet::Wavelet;
use crate::wide::{Wide, widest};

/// Which bands are corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Bands {
    /// The low one, strongest where there is most noise.
    Low,
    /// The high one, strongest near the end.
    High,
    /// Both.
    #[default]
    Double,
    /// None: the latent itself, frame by frame.
    Pix,
}

/// How a band is corrected, beyond the plain sum. All at 0 is the published default.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Faders {
    /// Differences smaller than this count as none; 0 or more.
    pub soft_threshold: f32,
    /// Share of the multiplicative form, 0 to 1.
    pub multiplicative: f32,
    /// Share of the magnitude-and-phase form, 0 to 1.
    pub phase: f32,
}

/// Settings of the correction. Cloning shares curves and filters.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// Off leaves every step as it is.
    pub enabled: bool,
    /// Which bands.
    pub bands: Bands,
    /// Strength of the low band (of the high one in [`Bands::High`], of the latent in [`Bands::Pix`]).
    pub scaler: Curve,
    /// Strength of the high band in [`Bands::Double`].
    pub high_scaler: Curve,
    /// The filter pair.
    pub wavelet: Wavelet,
    /// Beyond the plain sum; ignored by [`Bands::Pix`].
    pub faders: Faders,
}

impl Default for Correction {
    /// As published: on, both bands, 0.05 and 0.02, Haar.
    fn default() -> Self {
        Self {
            enabled: true,
            bands: Bands::Double,
            scaler: Curve::Scalar(0.05),
            high_scaler: Curve::Scalar(0.02),
            wavelet: Wavelet::default(),
            faders: Faders::default(),
        }
    }
}

/// Buffers for one latent at a time.
pub struct CorrectionRoom {
    /// Low and high band of the latent, then of the prediction.
    bands: [Vec<f32>; 4],
    hilbert: Hilbert,
}

impl Correction {
    /// No correction.
    #[must_use]
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// Whether anything would change.
    #[must_use]
    pub fn is_active(&self) -> bool {
        let high = self.bands == Bands::Double && !self.high_scaler.is_zero();
        self.enabled && (!self.scaler.is_zero() || high)
    }

    /// Whether the plain Haar form suffices, which works on pairs of frames ([`super::sweep`] fuses it into the step).
    #[must_use]
    pub fn is_pairwise(&self) -> bool {
        self.bands != Bands::Pix && self.wavelet.taps() == 2 && self.faders == Faders::default()
    }

    /// Strength at band frame `k` of `band_frames` (or frame of the latent in [`Bands::Pix`]) for the low and the high
    /// band; `t` is the noise level before the step.
    #[must_use]
    #[inline]
    pub fn strength(&self, t: f32, k: usize, band_frames: usize) -> [f32; 2] {
        let scaler = self.scaler.at(k, band_frames);
        match self.bands {
            Bands::Low => [t * scaler, 0.0],
            Bands::High => [0.0, (1.0 - t) * scaler],
            Bands::Double => [t * scaler, (1.0 - t) * self.high_scaler.at(k, band_frames)],
            Bands::Pix => [scaler, scaler],
        }
    }

    /// Corrects `x` (the latent after a step) away from `y` (the prediction made in it), both `[frames, channels]`.
    pub fn apply(&self, t: f32, y: &[f32], channels: usize, room: &mut CorrectionRoom, x: &mut [f32]) {
        if !self.is_active() {
            return;
        }
        let frames = x.len() / channels;
        if self.bands == Bands::Pix {
            let rows = x.chunks_exact_mut(channels).zip(y.chunks_exact(channels));
            for (frame, (x, y)) in rows.enumerate() {
                let [strength, _] = self.strength(t, frame, frames);
                for (x, &y) in x.iter_mut().zip(y) {
                    *x += strength * (*x - y);
                }
            }
            return;
        }
        widest(Banded { correction: self, t, y, channels, room, x });
    }

    #[inline(always)]
    fn apply_in_bands(&self, t: f32, y: &[f32], channels: usize, room: &mut CorrectionRoom, x: &mut [f32]) {
        let band_frames = self.wavelet.band_frames(x.len() / channels);
        room.bands.iter_mut().for_each(|it| it.resize(band_frames * channels, 0.0));
        let [low, high, low_y, high_y] = &mut room.bands;
        self.wavelet.split(x, channels, low, high);
        self.wavelet.split(y, channels, low_y, high_y);
        if self.bands != Bands::High {
            self.correct_band(t, 0, channels, (&mut *low, low_y), &mut room.hilbert);
        }
        if self.bands != Bands::Low {
            self.correct_band(t, 1, channels, (&mut *high, high_y), &mut room.hilbert);
        }
        self.wavelet.join(low, high, channels, x);
    }

    #[inline(always)]
    fn correct_band(&self, t: f32, side: usize, channels: usize, bands: (&mut [f32], &[f32]), hilbert: &mut Hilbert) {
        let (band, band_y) = bands;
        let band_frames = band.len() / channels;
        if 0.0 < self.faders.phase {
            hilbert.correct(band, band_y, channels, |k| self.strength(t, k, band_frames)[side]);
        }
        let phase = self.faders.phase;
        let rows = band.chunks_exact_mut(channels).zip(band_y.chunks_exact(channels));
        for (k, (band, band_y)) in rows.enumerate() {
            let strength = self.strength(t, k, band_frames)[side];
            if self.faders == Faders::default() {
                for (b, &b_y) in band.iter_mut().zip(band_y) {
                    *b += strength * (*b - b_y);
                }
                continue;
            }
            for (channel, (b, &b_y)) in band.iter_mut().zip(band_y).enumerate() {
                let real = self.faders.blended(*b, b_y, strength);
                *b = if 0.0 < phase {
                    (1.0 - phase) * real + phase * hilbert.corrected[channel * band_frames + k]
                } else {
                    real
                };
            }
        }
    }
}

/// The work in bands, compiled for wide vectors.
struct Banded<'a> {
    correction: &'a Correction,
    t: f32,
    y: &'a [f32],
    channels: usize,
    room: &'a mut CorrectionRoom,
    x: &'a mut [f32],
}

impl Wide for Banded<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        self.correction.apply_in_bands(self.t, self.y, self.channels, self.room, self.x);
    }
}

impl Faders {
    #[inline(always)]
    fn blended(&self, b: f32, b_y: f32, strength: f32) -> f32 {
        let raw = b - b_y;
        let sign = if raw == 0.0 { 0.0 } else { raw.signum() };
        let difference =
            if 0.0 < self.soft_threshold { sign * (raw.abs() - self.soft_threshold).max(0.0) } else { raw };
        let sum = b + strength * difference;
        if 0.0 < self.multiplicative {
            (1.0 - self.multiplicative) * sum + self.multiplicative * (b * (1.0 + strength * sign))
        } else {
            sum
        }
    }
}

impl CorrectionRoom {
    /// Room for latents of up to `frames` frames of `channels` channels and every wavelet of the table; longer ones make
    /// it grow, and so does the phase fader, whose transforms are planned when they are first asked for.
    #[must_use]
    pub fn new(frames: usize, channels: usize) -> Self {
        let band = || Vec::with_capacity((frames / 2 + 8) * channels);
        Self { bands: [band(), band(), band(), band()], hilbert: Hilbert::default() }
    }

    /// As [`Self::new`], with everything that the phase fader needs.
    #[must_use]
    pub fn with(plans: &AnalyticPlans, frames: usize, channels: usize) -> Self {
        Self { hilbert: Hilbert::with(plans.clone(), channels), ..Self::new(frames, channels) }
    }
}

/// Transforms for the bands of latents of one length, one for every wavelet of the table. Cloning shares them.
#[derive(Clone, Default)]
pub struct AnalyticPlans(Vec<[Arc<dyn Fft<f32>>; 2]>);

impl AnalyticPlans {
    /// For latents of `frames` frames.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        let mut plans = Self::default();
        for wavelet in Wavelet::names().filter_map(Wavelet::named) {
            plans.of(wavelet.band_frames(frames));
        }
        plans
    }

    /// Forward and backward for bands of `length` frames; planned now where that was not done before.
    fn of(&mut self, length: usize) -> &[Arc<dyn Fft<f32>>; 2] {
        let known = self.0.iter().position(|it| it[0].len() == length);
        let place = known.unwrap_or_else(|| {
            let mut planner = FftPlannerScalar::new();
            self.0.push([planner.plan_fft_forward(length), planner.plan_fft_inverse(length)]);
            self.0.len() - 1
        });
        &self.0[place]
    }
}

impl std::fmt::Debug for CorrectionRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CorrectionRoom").field("numbers", &self.bands[0].len()).finish_non_exhaustive()
    }
}

/// Analytic signals along time: the transform is planned once a length. The planner is the scalar one, whose result does
/// not depend on the processor.
#[derive(Default)]
struct Hilbert {
    plans: AnalyticPlans,
    lines: [Vec<Complex<f32>>; 2],
    scratch: Vec<Complex<f32>>,
    /// Result, channel-major.
    corrected: Vec<f32>,
}

impl Hilbert {
    fn with(plans: AnalyticPlans, channels: usize) -> Self {
        let longest = plans.0.iter().map(|it| it[0].len()).max().unwrap_or(0);
        let scratch = plans.0.iter().flatten().map(|it| it.get_inplace_scratch_len()).max().unwrap_or(0);
        Self {
            plans,
            lines: [Vec::with_capacity(longest), Vec::with_capacity(longest)],
            scratch: vec![Complex::default(); scratch],
            corrected: Vec::with_capacity(longest * channels),
        }
    }

    /// Moves magnitude and phase of `band`'s analytic signal away from those of `band_y`; the real part lands in
    /// `self.corrected`.
    fn correct(&mut self, band: &[f32], band_y: &[f32], channels: usize, strength: impl Fn(usize) -> f32) {
        let frames = band.len() / channels;
        self.corrected.resize(band.len(), 0.0);
        for channel in 0..channels {
            for (line, signal) in [band, band_y].into_iter().enumerate() {
                self.analytic(line, signal.iter().skip(channel).step_by(channels));
            }
            let [z, z_y] = &self.lines;
            let out = &mut self.corrected[channel * frames..][..frames];
            for (k, out) in out.iter_mut().enumerate() {
                *out = turned(z[k], z_y[k], strength(k));
            }
        }
    }

    fn analytic<'a>(&mut self, line: usize, signal: impl Iterator<Item = &'a f32>) {
        let Self { plans, lines, scratch, .. } = self;
        let line = &mut lines[line];
        line.clear();
        line.extend(signal.map(|&x| Complex::new(x, 0.0)));
        let length = line.len();
        let [forward, inverse] = plans.of(length);
        let wanted = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        scratch.resize(wanted.max(scratch.len()), Complex::default());
        forward.process_with_scratch(line, scratch);
        // Positive frequencies twice, negative ones not at all; the constant and the highest of an even length once.
        let scale = 1.0 / length as f32;
        for (at, it) in line.iter_mut().enumerate() {
            let once = at == 0 || 2 * at == length;
            *it *= if once {
                scale
            } else if 2 * at < length {
                2.0 * scale
            } else {
                0.0
            };
        }
        inverse.process_with_scratch(line, scratch);
    }
}

/// Real part of `(|z| + s (|z| - |z_y|)) exp(i (arg z + s arg(z / (z_y + 1e-8))))`.
fn turned(z: Complex<f32>, z_y: Complex<f32>, strength: f32) -> f32 {
    let safe = Complex::new(z_y.re + 1e-8, z_y.im);
    let [length, length_y] = [z, z_y].map(|it| (it.re * it.re + it.im * it.im).sqrt());
    let ratio = z * safe.conj();
    let phase = arc::angle(z.im, z.re) + strength * arc::angle(ratio.im, ratio.re);
    (length + strength * (length - length_y)) * arc::cos(phase)
}

#[cfg(test)]
mod tests {
    use super::{Bands, Correction, CorrectionRoom};

    #[test]
    fn nothing_changes_when_the_latent_is_its_own_prediction() {
        let y: Vec<f32> = (0..48).map(|at| (at % 7) as f32).collect();
        let mut x = y.clone();
        let mut room = CorrectionRoom::new(6, 8);
        let correction = Correction { bands: Bands::Double, ..Correction::default() };
        correction.apply(0.5, &y, 8, &mut room, &mut x);
        for (x, y) in x.iter().zip(&y) {
            assert!((x - y).abs() < 1e-5);
        }
    }

    #[test]
    fn a_correction_without_strength_is_not_active() {
        let silent = Correction { scaler: 0.0.into(), high_scaler: 0.0.into(), ..Correction::default() };
        assert!(!silent.is_active());
        assert!(Correction { high_scaler: 0.1.into(), ..silent.clone() }.is_active());
        assert!(!Correction { bands: Bands::Low, high_scaler: 0.1.into(), ..silent }.is_active());
    }
}
