//! What the flight recorder is told of hands: every gesture but the ticks of a clock, and what came of each.

use hal::gesture::{Gesture, Motion, Transport};

use super::SurfaceSide;
use crate::control::binding::Act;
use crate::performance::conductor::Conductor;
use crate::recorder::Kind;

impl SurfaceSide {
    /// A hand moved.
    pub(super) fn note_gesture(&self, gesture: &Gesture) {
        // Twenty-four a beat would leave room for nothing else.
        if !matches!(gesture.motion, Motion::Transport(Transport::Clock)) {
            let name = self.here.get(&gesture.surface).map_or("", String::as_str);
            self.recorder.note(Kind::Gesture, &format!("{:?} {name}", gesture.motion));
        }
    }

    /// What came of it; of a value, the value.
    pub(super) fn note_act(&self, act: &Act, conductor: &Conductor) {
        let words = match act {
            Act::Moved(id) => {
                let row = id.row();
                format!("{} = {}", row.name, row.written(conductor.store().value(*id)))
            }
            other => format!("{other:?}"),
        };
        self.recorder.note(Kind::Act, &words);
    }
}
