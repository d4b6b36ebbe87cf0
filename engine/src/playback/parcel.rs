//! Carries decoded windows to the audio thread, and the empty boxes back.
//!
//! The audio thread may neither allocate nor free. So a fixed set of boxes goes round: full ones out on one ring, empty
//! ones home on the other, each with a note of how it landed. A box is never made or dropped while sound runs.
//!
//! When all boxes are out the audio thread has more windows waiting than it can splice. [`Packer::collect`] says so before
//! anything is decoded; the newest latent is decoded a moment later. A window with a sample that is not finite is refused whole and
//! counted; the tape keeps what it had.

use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use super::landing::Landing;
use super::meters::Meters;
use super::window::WindowPlan;
use crate::latent::StereoFrame;

/// A box of sound. Its capacity never changes.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) plan: Option<WindowPlan>,
    pub(super) feedback: f32,
    pub(super) sound: Box<[StereoFrame]>,
    /// How it landed; nothing when it was for another tape.
    pub(super) landing: Option<Landing>,
}

/// The decode thread's end. Nothing on it blocks, allocates or frees.
#[derive(Debug)]
pub struct Packer {
    full: Producer<Parcel>,
    empty: Consumer<Parcel>,
    /// Boxes that are here; with room for all.
    home: Vec<Parcel>,
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
    /// Every box is on its way, or was not collected.
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
    let (empty_in, empty_out) = RingBuffer::new(boxes);
    let empty = || Parcel { plan: None, feedback: 0.0, sound: vec![[0.0; 2]; frames].into(), landing: None };
    let packer = Packer { full: full_in, empty: empty_out, home: (0..boxes).map(|_| empty()).collect(), meters };
    (packer, Post { full: full_out, empty: empty_in })
}

impl Packer {
    /// Takes in the boxes that came home; answers whether there is one to send. `landed` hears of every window that met
    /// the head; feed it to [`super::Lead`]. Ask before decoding: without a box a window goes nowhere.
    pub fn collect(&mut self, mut landed: impl FnMut(Landing)) -> bool {
        while let Ok(mut parcel) = self.empty.pop() {
            parcel.landing.take().into_iter().for_each(&mut landed);
            self.home.push(parcel);
        }
        !self.home.is_empty()
    }

    /// Sends the window of `plan`; `write` fills its `plan.frames` stereo samples. `feedback` is how much stays of what
    /// was heard in the lap before (0 to 1; outside is clamped, not a number is 0).
    ///
    /// # Errors
    /// See [`Unsent`].
    pub fn send(
        &mut self,
        plan: &WindowPlan,
        feedback: f32,
        write: impl FnOnce(&mut [StereoFrame]),
    ) -> Result<(), Unsent> {
        let parcel = self.home.last_mut().ok_or(Unsent::NoBox)?;
        let most = parcel.sound.len();
        let sound = parcel.sound.get_mut(..plan.frames).ok_or(Unsent::TooLong { found: plan.frames, most })?;
        write(sound);
        if let Some(at) = sound.iter().position(|frame| !(frame[0].is_finite() && frame[1].is_finite())) {
            Meters::add(&self.meters.windows_non_finite, 1);
            return Err(Unsent::NonFinite { at });
        }
        parcel.plan = Some(*plan);
        parcel.feedback = if feedback.is_finite() { feedback.clamp(0.0, 1.0) } else { 0.0 };
        let parcel = self.home.pop().expect("it was just written");
        self.full.push(parcel).expect("there are as many places as boxes");
        Ok(())
    }
}
