//! Carries decoded windows to the audio thread, and the empty boxes back.
//!
//! The audio thread may neither allocate nor free. So a fixed set of boxes goes round: full ones out on one ring, empty
//! ones home on the other, each with a note of how it landed. A box is never made or dropped while sound runs.
//!
//! When all boxes are out, `send` refuses: the audio thread has more windows waiting than it can splice, and the newest
//! latent will be decoded again a moment later anyway. A window with a sample that is not finite is refused whole and
//! counted; the tape keeps what it had.

use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use super::meters::Meters;
use super::window::WindowPlan;
use crate::latent::StereoFrame;

/// How a window met the playhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Spliced whole; `left` stereo samples of lead remained between the playhead and its first sample.
    InTime {
        /// Remaining lead in stereo samples.
        left: usize,
    },
    /// Its first `by` stereo samples had been played already and were dropped.
    Late {
        /// Stereo samples that came too late.
        by: usize,
    },
    /// The playhead jumped, or the tape was swapped, after it was planned: it says nothing about the lead.
    Void,
}

/// A box of sound. Its capacity never changes.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) plan: Option<WindowPlan>,
    pub(super) feedback: f32,
    pub(super) sound: Box<[StereoFrame]>,
    pub(super) landing: Landing,
}

/// The decode thread's end. Nothing on it blocks, allocates or frees.
#[derive(Debug)]
pub struct Packer {
    full: Producer<Parcel>,
    empty: Consumer<Parcel>,
    /// A box that was opened and not sent.
    spare: Option<Parcel>,
    meters: Arc<Meters>,
}

/// The audio thread's end of the rings.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) full: Consumer<Parcel>,
    pub(super) empty: Producer<Parcel>,
}

/// Why a window did not leave. In each case the tape goes on with what it has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unsent {
    /// Every box is on its way; decode the next latent instead.
    #[error("the audio thread holds every window box")]
    NoBox,
    /// The decoder produced a sample that is not finite.
    #[error("sample {at} of the decoded window is not a finite number")]
    NonFinite {
        /// Stereo sample of the window.
        at: usize,
    },
    /// The plan keeps more than a box holds.
    #[error("the window has {found} stereo samples, a box holds {most}")]
    TooLong {
        /// Stereo samples of the plan.
        found: usize,
        /// Stereo samples of a box.
        most: usize,
    },
}

/// Both ends, with `boxes` boxes of `frames` stereo samples at home.
pub(super) fn post(boxes: usize, frames: usize, meters: Arc<Meters>) -> (Packer, Post) {
    let (full_in, full_out) = RingBuffer::new(boxes);
    let (mut empty_in, empty_out) = RingBuffer::new(boxes);
    for _ in 0..boxes {
        let sound = vec![[0.0; 2]; frames].into();
        let parcel = Parcel { plan: None, feedback: 0.0, sound, landing: Landing::Void };
        empty_in.push(parcel).expect("the ring was made for exactly this many");
    }
    let packer = Packer { full: full_in, empty: empty_out, spare: None, meters };
    (packer, Post { full: full_out, empty: empty_in })
}

impl Packer {
    /// Sends the window of `plan`; `write` fills its `plan.frames` stereo samples. `feedback` is how much of the old
    /// sound stays (0 to 1; outside is clamped, not a number is 0).
    ///
    /// `landed` is called with the landing of each window whose box comes home meanwhile; feed it to [`super::Lead`].
    ///
    /// # Errors
    /// See [`Unsent`].
    pub fn send(
        &mut self,
        plan: &WindowPlan,
        feedback: f32,
        landed: impl FnMut(Landing),
        write: impl FnOnce(&mut [StereoFrame]),
    ) -> Result<(), Unsent> {
        let mut parcel = self.open(landed).ok_or(Unsent::NoBox)?;
        let most = parcel.sound.len();
        if plan.frames > most {
            self.spare = Some(parcel);
            return Err(Unsent::TooLong { found: plan.frames, most });
        }
        let sound = &mut parcel.sound[..plan.frames];
        write(sound);
        if let Some(at) = sound.iter().position(|frame| !(frame[0].is_finite() && frame[1].is_finite())) {
            Meters::add(&self.meters.windows_non_finite, 1);
            self.spare = Some(parcel);
            return Err(Unsent::NonFinite { at });
        }
        parcel.plan = Some(*plan);
        parcel.feedback = if feedback.is_finite() { feedback.clamp(0.0, 1.0) } else { 0.0 };
        parcel.landing = Landing::Void;
        self.full.push(parcel).expect("there are as many places as boxes");
        Ok(())
    }

    /// [`Self::send`] for sound as the codec decodes it: `[2, decode_frames * 1920]`, left then right.
    ///
    /// # Errors
    /// See [`Unsent`].
    pub fn send_planar(
        &mut self,
        plan: &WindowPlan,
        feedback: f32,
        decoded: &[f32],
        landed: impl FnMut(Landing),
    ) -> Result<(), Unsent> {
        self.send(plan, feedback, landed, |kept| plan.keep_planar(decoded, kept))
    }

    fn open(&mut self, mut landed: impl FnMut(Landing)) -> Option<Parcel> {
        if let Some(parcel) = self.spare.take() {
            return Some(parcel);
        }
        let parcel = self.empty.pop().ok()?;
        if parcel.plan.is_some() {
            landed(parcel.landing);
        }
        Some(parcel)
    }
}
