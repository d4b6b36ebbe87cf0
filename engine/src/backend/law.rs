//! What decides a slot's step under its own and the shared controls: the same for every backend.

use crate::ring::StepControls;
use crate::ring::plan::SlotStep;
use crate::ring::request::{MaskRequest, Request};
use crate::solver::mask::MaskAt;
use crate::solver::step::{Method, StepLaw, TargetPull, gate};

/// The law of a slot's step.
pub(super) fn law<'a>(request: &'a Request, step: &SlotStep, shared: &'a StepControls) -> StepLaw<'a> {
    let own = &request.controls;
    let target = request.target.as_ref().and_then(|target| match &target.curve {
        Some(curve) => Some(TargetPull { strength: curve, factor: gate(target.gate, step.step, step.steps) }),
        None if step.steps / 2 <= step.step && 0.0 < step.span.now => {
            let strength = StepControls::target_strength(own, shared)?;
            Some(TargetPull { strength, factor: 1.0 })
        }
        None => None,
    });
    StepLaw {
        span: step.span,
        method: StepControls::method(own, shared).copied().unwrap_or_default(),
        velocity_scale: StepControls::velocity_scale(own, shared),
        source_blend: StepControls::source_blend(own, shared).filter(|_| request.source.is_some()),
        ode_noise: StepControls::ode_noise(own, shared),
        mask: request.mask.as_ref().map(|it| it.at(step)),
        target: target.filter(|it| it.factor != 0.0 && !it.strength.is_zero()),
    }
}

/// Whether a mask's own noise stands for the draw of the step: in a plain SDE step, so that kept frames keep theirs.
pub(super) fn mask_draws(request: &Request, law: &StepLaw<'_>) -> bool {
    request.mask.is_some() && law.source_blend.is_none() && law.method == Method::Sde
}

impl MaskRequest {
    /// The mask at a step.
    pub(super) fn at(&self, step: &SlotStep) -> MaskAt<'_> {
        MaskAt { curve: &self.curve, strength: self.strength.at(step.step, step.steps) }
    }
}
