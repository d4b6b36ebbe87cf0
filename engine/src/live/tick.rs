//! One tick: the ring says what, a backend computes it, finished latents leave.

use std::sync::Arc;

use crate::backend::{Backend, BackendError};
use crate::ring::{Request, Ring, SlotView, StepControls, TickPlan};

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
#[derive(Debug, Default, PartialEq)]
pub struct TickReport {
    /// Slots that were filled.
    pub born: usize,
    /// Slots that advanced.
    pub advanced: usize,
    /// Rows that were computed for them: one a prompt, and the unconditional ones.
    pub rows: usize,
    /// Latents that left.
    pub finished: usize,
    /// Slots given up because they were no longer finite.
    pub unsound: usize,
    /// Slots given up because the backend cannot compute their requests.
    pub refused: usize,
    /// What it said of the last of them.
    pub refusal: Option<BackendError>,
}

/// Runs one tick. `shared` is the snapshot of the player's step controls: nothing changes half a tick.
///
/// Allocates nothing once `plan` and the backend have seen the ring's size.
///
/// A slot whose request the backend cannot compute (a prompt longer than the model was compiled for) is given up and told in
/// the report; the others go on in the same tick.
///
/// # Errors
/// When the device failed. The slots then stand where they stood, and the tick may be run again; those that could not be
/// filled begin at the next tick.
pub fn tick<B: Backend + ?Sized>(
    ring: &mut Ring,
    backend: &mut B,
    plan: &mut TickPlan,
    shared: &StepControls,
    emit: &mut dyn FnMut(Finished<'_>),
) -> Result<TickReport, BackendError> {
    let mut report = TickReport::default();
    let mut finished = 0;
    ring.begin(plan, |slot, view| {
        emit(parting(backend, slot, view));
        finished += 1;
    });
    fill(ring, backend, plan, &mut report)?;
    let unsound = advance(ring, backend, plan, shared, &mut report)?;
    ring.end(plan, unsound, |slot, view| {
        emit(parting(backend, slot, view));
        finished += 1;
    });
    (report.born, report.advanced, report.finished) = (plan.births.len(), plan.steps.len(), finished);
    report.rows = plan.positive.len() + plan.negative.len();
    report.unsound = unsound.count_ones() as usize;
    Ok(report)
}

fn fill<B: Backend + ?Sized>(
    ring: &mut Ring,
    backend: &mut B,
    plan: &mut TickPlan,
    report: &mut TickReport,
) -> Result<(), BackendError> {
    let mut at = 0;
    while let Some(birth) = plan.births.get(at) {
        match backend.fill(birth) {
            Ok(()) => at += 1,
            // A device that failed says nothing about the request.
            Err(error) if error.is_of_the_device() => {
                plan.births[at..].iter().for_each(|it| ring.refill(it.slot));
                return Err(error);
            }
            // A request that does not fit will never fit. The births behind it move up.
            Err(error) => {
                let slot = birth.slot;
                refuse(ring, plan, report, slot, error);
            }
        }
    }
    Ok(())
}

/// Advances what can be advanced. A backend that fails has moved nothing, so it is asked again without the slot at fault.
fn advance<B: Backend + ?Sized>(
    ring: &mut Ring,
    backend: &mut B,
    plan: &mut TickPlan,
    shared: &StepControls,
    report: &mut TickReport,
) -> Result<u8, BackendError> {
    loop {
        match backend.advance(plan, shared) {
            Ok(unsound) => return Ok(unsound),
            Err(error) if error.is_of_the_device() => return Err(error),
            Err(BackendError::RowOf { slot, error }) if plan.steps.iter().any(|it| it.slot == slot) => {
                refuse(ring, plan, report, slot, BackendError::RowOf { slot, error });
            }
            // Nobody says whose fault it is: all of them go, since a tick that is taken again for ever would keep them all.
            Err(error) => {
                while let Some(slot) = plan.steps.last().map(|it| it.slot) {
                    ring.refuse(slot);
                    plan.leave_out(slot);
                    report.refused += 1;
                }
                report.refusal = Some(error);
                return Ok(0);
            }
        }
    }
}

fn refuse(ring: &mut Ring, plan: &mut TickPlan, report: &mut TickReport, slot: usize, error: BackendError) {
    ring.refuse(slot);
    plan.leave_out(slot);
    report.refused += 1;
    report.refusal = Some(error);
}

fn parting<'a, B: Backend + ?Sized>(backend: &'a mut B, slot: usize, view: SlotView<'a>) -> Finished<'a> {
    Finished { ticket: view.ticket, request: view.request, slot, latent: backend.latent(slot) }
}
