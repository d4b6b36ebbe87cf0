//! Generations in flight: who lives, who is born, who is done.
//!
//! The ring is host logic without tensors: it knows requests, schedules and steps, and says in a [`TickPlan`] what has
//! to be computed. Every slot carries its own schedule, so a knob that changes what is born does not disturb what is in
//! flight. It never knows who computes.

pub mod controls;
pub mod plan;
pub mod request;
#[expect(clippy::module_inception, reason = "the ring is the room's main piece of furniture")]
pub mod ring;

pub use controls::StepControls;
pub use plan::{PlanRow, SlotStep, TickPlan};
pub use request::{Condition, GuidanceMode, MaskRequest, Request, RequestError, TargetRequest};
pub use ring::{Emission, MAX_DEPTH, Ring, RingCounters, Shrink, SlotView, Submitted};

#[cfg(test)]
mod tests;
