//! One tick: the ring says what, a backend computes it, finished latents leave.

use std::sync::Arc;

use super::controls::StepControls;
use super::plan::TickPlan;
use super::request::Request;
use super::ring::{Ring, SlotView};
use crate::backend::{Backend, BackendError};

/// A latent on its way out. Borrowed: copy what is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// The submission that asked for it.
    pub ticket: u64,
    /// What it was born with.
    pub request: &'a Arc<Request>,
    /// The slot that made it.
    pub slot: usize,
    /// `[frames, 64]`, finite.
    pub latent: &'a [f32],
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Slots that were filled.
    pub born: usize,
    /// Slots that advanced.
    pub advanced: usize,
    /// Latents that left.
    pub finished: usize,
    /// Slots given up because they were no longer finite.
    pub unsound: usize,
}

/// Runs one tick. `shared` is the snapshot of the player's step controls: nothing changes half a tick.
///
/// Allocates nothing once `plan` and the backend have seen the ring's size.
///
/// # Errors
/// When the backend could not compute. The slots then stand where they stood, and the tick may be run again; slots whose
/// requests do not fit the backend are given up, those that a failing device could not fill begin at the next tick.
pub fn tick<B: Backend + ?Sized>(
    ring: &mut Ring,
    backend: &mut B,
    plan: &mut TickPlan,
    shared: &StepControls,
    emit: &mut dyn FnMut(Finished<'_>),
) -> Result<TickReport, BackendError> {
    let mut finished = 0;
    ring.begin(plan, |slot, view| {
        emit(parting(backend, slot, view));
        finished += 1;
    });
    for at in 0..plan.births.len() {
        let birth = &plan.births[at];
        if let Err(error) = backend.fill(birth) {
            let unfilled = plan.births[at..].iter().map(|it| it.slot);
            // A request that does not fit will never fit; a device that failed says nothing about the request.
            if error.is_of_the_device() {
                unfilled.for_each(|it| ring.refill(it))
            } else {
                unfilled.for_each(|it| ring.abandon(it))
            }
            return Err(error);
        }
    }
    let unsound = backend.advance(plan, shared)?;
    ring.end(plan, unsound, |slot, view| {
        emit(parting(backend, slot, view));
        finished += 1;
    });
    let (born, advanced) = (plan.births.len(), plan.steps.len());
    Ok(TickReport { born, advanced, finished, unsound: unsound.count_ones() as usize })
}

fn parting<'a, B: Backend + ?Sized>(backend: &'a mut B, slot: usize, view: SlotView<'a>) -> Finished<'a> {
    Finished { ticket: view.ticket, request: view.request, slot, latent: backend.latent(slot) }
}
