//! The lights of the controllers: what each of them shows is what the values under it are.

use engine::param::SCENES;
use hal::gesture::Clock;

use super::SurfaceSide;
use crate::control::binding::{Entry, Target};
use crate::performance::conductor::Conductor;
use crate::surface::lights::{LightState, Panel, look};

impl SurfaceSide {
    /// Tells every controller what has changed.
    pub(super) fn light(&mut self, conductor: &Conductor) {
        let voices = self.hardware.surfaces.voices();
        voices.take_again().into_iter().for_each(|surface| self.lights.all_again(surface));
        let (desk, binding) = (conductor.desk(), conductor.binding());
        let kept = (0..SCENES).filter(|place| desk.store().scene(*place).is_some());
        let panel = Panel {
            scene: desk.scene(),
            scenes_kept: kept.fold(0, |all, place| all | 1 << place),
            muted: conductor.transport().muted(),
            drawing: binding.draws(),
            recording: self.takes_shown().taking_s.is_some(),
            learning: binding.learning().is_on(),
            shift: binding.playing().shift,
            bank: binding.playing().bank,
            morphs: desk.morphing(),
        };
        let now = self.clock.now();
        let waiting = self.waiting.filter(|(_, until)| now < *until).map(|(id, _)| Target::Param(id));
        let show = |entry: &Entry| {
            let state = look(&binding.resolved(entry), desk.store().aims(), binding.selected(), &panel);
            LightState { blink: state.blink || Some(entry.target) == waiting, ..state }
        };
        let (map, playing) = (binding.map(), binding.playing());
        self.lights.tell(now, map, playing, show, &mut self.replies);
        for (surface, reply) in self.replies.drain(..) {
            voices.light(surface, &reply);
        }
    }
}
