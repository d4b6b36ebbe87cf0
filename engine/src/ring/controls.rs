//! What reaches into generations that are already in flight.
//!
//! The same set exists twice: in a request, as what this generation wants, and once shared by all slots, as what the
//! player's hands say now. A shared control overrides the request's own in every slot from the next tick on; taking it
//! back (`None`) gives each slot its own again. A snapshot is taken once at tick start; cloning one allocates nothing.

use std::sync::Arc;

use crate::solver::curve::Curve;
use crate::solver::dcw::Correction;
use crate::solver::gain::ChannelGain;
use crate::solver::step::Method;

/// Step-class controls. `None` means: not said here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepControls {
    /// Share of the generation against the source, per frame; chooses the SDE where there is a source. 0 to 1.
    pub source_blend: Option<Curve>,
    /// Factor on the velocity; 1 when nobody says.
    pub velocity_scale: Option<Curve>,
    /// Noise added in ODE steps; 0 when nobody says.
    pub ode_noise: Option<Curve>,
    /// Pull toward the request's target in the second half of the schedule, 0 to 1; not for requests with a target curve.
    pub target_strength: Option<Curve>,
    /// Guidance scale; 1 is none. Only requests that have a scale of their own are guided; a shared one overrides it.
    pub guidance_scale: Option<Curve>,
    /// How far guided velocities are pulled back to the length of unguided ones, 0 to 1; none when nobody says.
    pub guidance_rescale: Option<Curve>,
    /// Momentum of the guidance; [`crate::solver::guidance::DEFAULT_MOMENTUM`] when nobody says.
    pub momentum: Option<Curve>,
    /// Channel gains, later entries win; none when nobody says.
    pub channel_gains: Option<Arc<[ChannelGain]>>,
    /// Wavelet correction; as published when nobody says.
    pub correction: Option<Correction>,
    /// Solver; [`Method::Ode`] when nobody says.
    pub method: Option<Method>,
}

macro_rules! resolved {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        impl StepControls {
            $($(#[$doc])*
            #[must_use]
            pub fn $name<'a>(own: &'a Self, shared: &'a Self) -> Option<&'a $type> {
                shared.$name.as_ref().or(own.$name.as_ref())
            })*
        }
    };
}

resolved! {
    /// [`Self::source_blend`] as it acts on a slot.
    source_blend: Curve,
    /// [`Self::velocity_scale`] as it acts on a slot.
    velocity_scale: Curve,
    /// [`Self::ode_noise`] as it acts on a slot.
    ode_noise: Curve,
    /// [`Self::target_strength`] as it acts on a slot.
    target_strength: Curve,
    /// [`Self::guidance_scale`] as it acts on a slot.
    guidance_scale: Curve,
    /// [`Self::guidance_rescale`] as it acts on a slot.
    guidance_rescale: Curve,
    /// [`Self::momentum`] as it acts on a slot.
    momentum: Curve,
    /// [`Self::channel_gains`] as it acts on a slot.
    channel_gains: Arc<[ChannelGain]>,
    /// [`Self::correction`] as it acts on a slot.
    correction: Correction,
    /// [`Self::method`] as it acts on a slot.
    method: Method,
}
