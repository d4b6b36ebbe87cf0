//! One slot on the card: its latents, and room on the host for what goes there and comes back.
//!
//! The state has two sides. A step reads one and writes the other, and the host turns the slot over when the tick is known
//! to be done: a tick that failed on the way can be taken again.

use std::sync::Arc;

use super::driver::{Device, Done};
use super::memory::{Buffer, Pinned};
use super::parameters::{BirthParameters, CurveParameters, TAPS, flags};
use super::stream::Stream;
use crate::latent::LATENT_CHANNELS;
use crate::ring::plan::Birth;
use crate::ring::request::{GuidanceMode, Request};
use crate::solver::noise::{Draw, NoiseSource, Purpose, fill_wide};

/// Latents of a slot on the card, each `[frames, 64]` unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    /// The state, one of two sides.
    X(usize),
    /// What guidance remembers, one of two sides.
    Average(usize),
    /// The kept negative velocity.
    Negative,
    /// The source.
    Source,
    /// What a mask keeps.
    Original,
    /// The target.
    Target,
    /// The mask's noise.
    MaskNoise,
    /// Recorded draws.
    GivenNoise,
    /// Gains along the timeline.
    Gains,
    /// The start's share of noise, `[frames]` used.
    Start,
    /// `[frames + TAPS, 64]`.
    Scratch,
    /// Four bands of at most `[(frames + TAPS) / 2, 64]`.
    Bands,
}

impl Plane {
    fn place(self) -> usize {
        match self {
            Self::X(side) => side,
            Self::Average(side) => 2 + side,
            Self::Negative => 4,
            Self::Source => 5,
            Self::Original => 6,
            Self::Target => 7,
            Self::MaskNoise => 8,
            Self::GivenNoise => 9,
            Self::Gains => 10,
            Self::Start => 11,
            Self::Scratch => 12,
            Self::Bands => 13,
        }
    }

    /// Planes that the host writes, in the order of their room.
    fn staged(self) -> usize {
        match self {
            Self::Source => 0,
            Self::Original => 1,
            Self::Target => 2,
            Self::MaskNoise => 3,
            Self::GivenNoise => 4,
            Self::Gains => 5,
            Self::Start => 6,
            other => unreachable!("{other:?} never comes from the host"),
        }
    }
}

const STAGED: usize = 7;

/// One slot.
pub(super) struct DeviceSlot {
    pub(super) request: Option<Arc<Request>>,
    /// Seats of its rows: of the conditions, then of the negatives.
    pub(super) seats: [usize; super::parameters::ROWS],
    /// The side that holds the state.
    pub(super) side: usize,
    /// The state as the host has it.
    pub(super) latent: Pinned<f32>,
    /// Whether [`Self::latent`] is the present state.
    pub(super) is_home: bool,
    planes: Buffer,
    staging: Pinned<f32>,
    frames: usize,
    numbers: usize,
}

impl DeviceSlot {
    /// Room for generations of `frames` frames.
    pub(super) fn new(device: &Arc<Device>, frames: usize) -> Done<Self> {
        let numbers = frames * LATENT_CHANNELS;
        // Scratch and bands are the last and the only ones with room beyond a latent.
        let beyond = (TAPS + 4 * ((frames + TAPS) / 2)) * LATENT_CHANNELS;
        Ok(Self {
            request: None,
            seats: [0; super::parameters::ROWS],
            side: 0,
            latent: Pinned::zeroed(device, numbers)?,
            is_home: false,
            planes: Buffer::zeroed(device, 4 * (Plane::Bands.place() * numbers + beyond))?,
            staging: Pinned::zeroed(device, STAGED * numbers)?,
            frames,
            numbers,
        })
    }

    /// Address of a plane.
    pub(super) fn at(&self, plane: Plane) -> u64 {
        let beyond = if plane == Plane::Bands { TAPS * LATENT_CHANNELS } else { 0 };
        self.planes.float(plane.place() * self.numbers + beyond)
    }

    /// Address of a plane where there is something on it, else 0.
    pub(super) fn maybe(&self, plane: Plane, is_there: bool) -> u64 {
        if is_there { self.at(plane) } else { 0 }
    }

    /// Writes a plane from the host: `write` fills its first `count` numbers.
    pub(super) fn send(
        &mut self,
        stream: &Stream,
        plane: Plane,
        count: usize,
        write: impl FnOnce(&mut [f32]),
    ) -> Done<()> {
        let first = plane.staged() * self.numbers;
        write(&mut self.staging[first..first + count]);
        stream.upload(self.at(plane), &self.staging, first, count)
    }

    fn copy(&mut self, stream: &Stream, plane: Plane, latent: &[f32]) -> Done<()> {
        self.send(stream, plane, latent.len(), |room| room.copy_from_slice(latent))
    }

    /// Sends everything that a birth brings, and gives what `begin_generation` has to know. `recorded` replaces drawn
    /// noise.
    pub(super) fn fill(
        &mut self,
        stream: &Stream,
        birth: &Birth,
        recorded: Option<&(dyn NoiseSource + Send)>,
    ) -> Done<BirthParameters> {
        let request = &birth.request;
        let numbers = self.numbers;
        self.is_home = false;
        let mask = request.mask.as_ref();
        if let Some(source) = &request.source {
            self.copy(stream, Plane::Source, source)?;
        }
        if let Some(mask) = mask {
            self.copy(stream, Plane::Original, &mask.original)?;
        }
        if let Some(target) = &request.target {
            self.copy(stream, Plane::Target, &target.latent)?;
        }
        if let Some(given) = mask.and_then(|it| it.noise.as_ref()) {
            self.copy(stream, Plane::MaskNoise, given)?;
        }
        let mut bits = 0;
        let draws_mask = mask.filter(|it| it.noise.is_none());
        if let (Some(mask), Some(noise)) = (draws_mask, recorded) {
            let draw = Draw { seed: mask.seed, generation: 0, purpose: Purpose::Mask };
            self.send(stream, Plane::MaskNoise, numbers, |room| fill_wide(noise, &draw, room))?;
        } else if draws_mask.is_some() {
            bits |= flags::MASK_BORN;
        }
        if let Some(noise) = recorded {
            let draw = Draw { seed: request.seed, generation: request.generation, purpose: Purpose::Start };
            self.send(stream, Plane::GivenNoise, numbers, |room| fill_wide(noise, &draw, room))?;
        }
        let start = self.start(stream, birth)?;
        if request.is_guided() {
            bits |= flags::REMEMBERS;
            bits |= if request.guidance_mode == GuidanceMode::OwnNoise { flags::OWN_NOISE } else { 0 };
        }
        let clean = if request.source.is_some() { Plane::Source } else { Plane::Original };
        self.request = Some(Arc::clone(request));
        Ok(BirthParameters {
            x: self.at(Plane::X(self.side)),
            negative: self.at(Plane::Negative),
            average: self.at(Plane::Average(self.side)),
            mask_noise: self.at(Plane::MaskNoise),
            clean: self.maybe(clean, request.clean().is_some()),
            given_start: self.maybe(Plane::GivenNoise, recorded.is_some()),
            start,
            seed: request.seed,
            mask_seed: mask.map_or(0, |it| it.seed),
            frames: self.frames as i32,
            flags: bits,
        })
    }

    fn start(&mut self, stream: &Stream, birth: &Birth) -> Done<CurveParameters> {
        let frames = self.frames;
        match &birth.request.start_noise {
            Some(curve) => {
                self.send(stream, Plane::Start, frames, |room| {
                    room.iter_mut().enumerate().for_each(|(frame, it)| *it = curve.at(frame, frames));
                })?;
                Ok(CurveParameters { points: self.at(Plane::Start), value_bits: 0 })
            }
            None if birth.request.denoise < 1.0 => Ok(CurveParameters::value(birth.start)),
            None => Ok(CurveParameters::value(1.0)),
        }
    }

    /// Fetches the state from a side; it is here when the stream has been waited for.
    pub(super) fn fetch(&mut self, stream: &Stream, side: usize) -> Done<()> {
        let from = self.at(Plane::X(side));
        stream.download(&mut self.latent, 0, self.numbers, from)
    }
}
