//! What is wrong with surfaces and wires, under the name of each, until it is over.

use super::SurfaceSide;
use crate::display::messages::{FaultKey, Level};
use crate::files::plain;
use crate::performance::view::View;
use crate::surface::troubles::{Trouble, Who};

impl SurfaceSide {
    /// What went wrong with surfaces and wires, and what is well again.
    pub(super) fn tell_troubles(&mut self, view: &mut View) {
        let messages = view.messages();
        for trouble in self.hardware.surfaces.take_troubles() {
            match trouble {
                Trouble::Stands(who, words) => {
                    let key = FaultKey::Surface(self.name_of(&who));
                    if let Who::Wire(surface) = who {
                        self.broken.insert(surface, key.clone());
                    }
                    messages.fault(key, &plain(&words));
                }
                Trouble::Over(Who::Wire(surface), lost) => {
                    let Some(key) = self.broken.remove(&surface) else { continue };
                    let lost = if lost == 0 { String::new() } else { format!("; {lost} ticks of clock were lost") };
                    messages.over_with(&key, &format!("{key} takes lights and clock again{lost}"));
                }
                Trouble::Over(who, _) => messages.over(&FaultKey::Surface(self.name_of(&who))),
                Trouble::Once(words, 0) => messages.tell(Level::Warning, &plain(&words)),
                Trouble::Once(words, more) => {
                    messages.tell(Level::Warning, &format!("{} (and {more} more)", plain(&words)));
                }
            }
        }
    }

    /// The name of a surface or wire among faults: two equal controllers are two.
    pub(super) fn name_of(&self, who: &Who) -> String {
        match who {
            Who::Surface(name) => name.clone(),
            Who::Wire(surface) => {
                let name = self.here.get(surface).map_or("a controller", String::as_str);
                let alike = self.here.iter().any(|(other, known)| other != surface && known == name);
                plain(&if alike { format!("{name} (number {})", surface.0) } else { name.to_owned() }).into_owned()
            }
        }
    }
}
