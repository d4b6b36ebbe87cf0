//! Carries decoded windows to the audio thread, and the empty boxes back.
//!
//! The audio thread may neither allocate nor free. So a fixed set of boxes goes round: full ones out on one ring, empty
//! ones home on the other, each with a note of how it landed. A box is never made or dropped while sound runs.
//!
//! When all boxes are out the audio thread has more windows waiting than it can splice. [`Packer::collect`] says so before
//! anything is decoded; the newest latent is decoded a moment later. A window with a sample that is not finite is refused whole and
//! counted; the tape keeps what it had.

use rtrb::{Consumer, Producer, RingBuffer};

use super::attached_packer::AttachedPacker;
use super::landing::Landing;
use super::meters::{Meters, SharedMeters};
use super::sound_memory::SoundMemory;
use super::window::WindowPlan;
use crate::latent::StereoFrame;
use crate::wide::{Wide, widest};

/// A box of sound. Its capacity never changes.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) plan: Option<WindowPlan>,
    pub(super) feedback: f32,
    pub(super) sound: SoundMemory,
    /// Frames of the sound that are here and finite. A window of another process is copied and looked at as it is written.
    pub(super) here: usize,
    /// How it landed; nothing when it was for another tape.
    pub(super) landing: Option<Landing>,
    /// The box and number of a window of another process.
    pub(super) sound_box: u32,
    /// See `sound_box`.
    pub(super) number: u64,
}

/// The decode thread's end. Nothing on it blocks, allocates or frees.
#[derive(Debug)]
pub struct Packer(Way);

/// The way to the audio thread.
#[derive(Debug)]
enum Way {
    /// Which is one of this process.
    Here(PackerHere),
    /// Which is another process's.
    Attached(AttachedPacker),
}

#[derive(Debug)]
struct PackerHere {
    full: Producer<Parcel>,
    empty: Consumer<Parcel>,
    /// Boxes that are here; with room for all.
    home: Vec<Parcel>,
    meters: SharedMeters,
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
pub(super) fn post(boxes: usize, frames: usize, meters: SharedMeters) -> (Packer, Post) {
    let (full_in, full_out) = RingBuffer::new(boxes);
    let (empty_in, empty_out) = RingBuffer::new(boxes);
    let empty = || Parcel { sound: SoundMemory::silent(frames).expect("memory for windows"), ..Parcel::default() };
    let packer = PackerHere { full: full_in, empty: empty_out, home: (0..boxes).map(|_| empty()).collect(), meters };
    (Packer(Way::Here(packer)), Post { full: full_out, empty: empty_in })
}

impl Packer {
    /// Of a player in another process.
    pub(super) fn attached(packer: AttachedPacker) -> Self {
        Self(Way::Attached(packer))
    }

    /// Takes in the boxes that came home; answers whether there is one to send. `landed` hears of every window that met
    /// the head; feed it to [`super::Lead`]. Ask before decoding: without a box a window goes nowhere.
    pub fn collect(&mut self, mut landed: impl FnMut(Landing)) -> bool {
        match &mut self.0 {
            Way::Here(packer) => packer.collect(&mut landed),
            Way::Attached(packer) => packer.collect(&mut landed),
        }
    }

    /// As what this end is attached to a player of another process ([`super::Epoch`]): another number, and what was on its
    /// way to the one before is heard by nobody. Always 0 for a player of this process.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        match &self.0 {
            Way::Here(_) => 0,
            Way::Attached(packer) => packer.epoch(),
        }
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
        let feedback = if feedback.is_finite() { feedback.clamp(0.0, 1.0) } else { 0.0 };
        match &mut self.0 {
            Way::Here(packer) => packer.send(plan, feedback, write),
            Way::Attached(packer) => packer.send(plan, feedback, write),
        }
    }

    /// Calls `witness` with every window before another process can see it: its number there, the plan, and the sound. A player
    /// of this process has none.
    pub fn set_witness(&mut self, witness: Witness) {
        if let Way::Attached(packer) = &mut self.0 {
            packer.witness = Some(witness);
        }
    }
}

/// Who is told of a window before it leaves: epoch, record, sound.
pub type Witness = Box<dyn FnMut(u64, &crate::boundary::Window, &[StereoFrame]) + Send>;

impl PackerHere {
    fn collect(&mut self, landed: &mut dyn FnMut(Landing)) -> bool {
        while let Ok(mut parcel) = self.empty.pop() {
            parcel.landing.take().into_iter().for_each(&mut *landed);
            self.home.push(parcel);
        }
        !self.home.is_empty()
    }

    fn send(&mut self, plan: &WindowPlan, feedback: f32, write: impl FnOnce(&mut [StereoFrame])) -> Result<(), Unsent> {
        let parcel = self.home.last_mut().ok_or(Unsent::NoBox)?;
        written(&mut parcel.sound, plan.frames, write, &self.meters)?;
        (parcel.plan, parcel.feedback, parcel.here) = (Some(*plan), feedback, plan.frames);
        let parcel = self.home.pop().expect("it was just written");
        self.full.push(parcel).expect("there are as many places as boxes");
        Ok(())
    }
}

/// The first `frames` of `room`, filled by `write` and all finite.
pub(super) fn written<'r>(
    room: &'r mut [StereoFrame],
    frames: usize,
    write: impl FnOnce(&mut [StereoFrame]),
    meters: &Meters,
) -> Result<&'r [StereoFrame], Unsent> {
    let most = room.len();
    let sound = room.get_mut(..frames).ok_or(Unsent::TooLong { found: frames, most })?;
    write(sound);
    if let Some(at) = not_finite(sound) {
        Meters::add(&meters.windows_non_finite, 1);
        return Err(Unsent::NonFinite { at });
    }
    Ok(sound)
}

/// The first frame that is no number.
pub(super) fn not_finite(sound: &[StereoFrame]) -> Option<usize> {
    // Nearly all are: a block is looked at at once, by the greatest exponent in it.
    const BLOCK: usize = 512;
    let is_finite = |frame: &StereoFrame| frame[0].is_finite() & frame[1].is_finite();
    let block = sound.chunks(BLOCK).position(|block| INFINITE <= widest(Magnitude(bytemuck::cast_slice(block))))?;
    let begin = block * BLOCK;
    sound[begin..].iter().position(|frame| !is_finite(frame)).map(|at| begin + at)
}

/// The bits of infinity; those of what is no number lie above, and those of every number below.
const INFINITE: u32 = f32::INFINITY.to_bits();

/// The greatest bits among samples, without their signs.
struct Magnitude<'a>(&'a [u32]);

impl Wide for Magnitude<'_> {
    type Out = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        self.0.iter().fold(0, |most, bits| most.max(bits & !(1 << 31)))
    }
}

#[cfg(test)]
mod tests {
    use super::not_finite;

    #[test]
    fn the_first_frame_that_is_no_number_is_found_at_every_place_and_on_both_sides() {
        let sound = vec![[0.5, -1.0]; 200];
        assert_eq!(not_finite(&sound), None);
        for (at, bad) in (0..sound.len()).flat_map(|at| [f32::NAN, f32::INFINITY, -f32::INFINITY].map(|bad| (at, bad)))
        {
            for frame in [[bad, 0.0], [0.0, bad]] {
                let mut sound = sound.clone();
                sound[at] = frame;
                // Another behind it changes nothing.
                sound[199] = if at < 199 { [f32::NAN; 2] } else { frame };
                assert_eq!(not_finite(&sound), Some(at), "{frame:?}");
            }
        }
    }
}
