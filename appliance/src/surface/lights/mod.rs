//! What every light of every controller should show, and what must be said so that it does.
//!
//! Rings, button lights and motor faders follow what their control reaches, whoever moved it: a hand on another controller,
//! a scene, undo. Nothing is said twice, but what a hand has touched (many controllers draw a touched light by themselves)
//! and what a controller is known to forget. A thing that shows where it stands is left alone while a hand moves it. No wire
//! is spoken to faster than its profile allows; what does not fit is said the next time, as it is then. So a flood of moves
//! chokes no wire, and the last state always arrives.
//!
//! Speaks to no device: replies are handed back. Reads no clock: time is handed in.

mod lit;
mod look;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hal::gesture::{Gesture, Motion, Reply, SurfaceId};

use crate::control::binding::{Entry, Map, Playing};
use crate::settings::profile::Profile;
use lit::Lit;
pub use look::{LightState, Panel, look};

/// A thing that shows where it stands is told its place again when the hand has rested for this long.
pub const REST: Duration = Duration::from_millis(300);

/// The lights of all controllers.
#[derive(Debug, Default)]
pub struct Lights {
    lit: BTreeMap<SurfaceId, Lit>,
}

impl Lights {
    /// A controller came, or came back: nothing is known of its lights, and it is set up first.
    pub fn came(&mut self, surface: SurfaceId, profile: Arc<Profile>) {
        self.lit.insert(surface, Lit::new(profile));
    }

    /// A controller went. There is nobody to tell.
    pub fn went(&mut self, surface: SurfaceId) {
        self.lit.remove(&surface);
    }

    /// Hears what hands do, so as not to fight them. Call it with every gesture.
    pub fn heard(&mut self, gesture: &Gesture) {
        let Some(lit) = self.lit.get_mut(&gesture.surface) else { return };
        match &gesture.motion {
            Motion::Turned(control, position) => lit.turned(*control, *position, gesture.at),
            Motion::Pressed(control, _) | Motion::Released(control) => lit.pressed(*control),
            Motion::Disconnected => self.went(gesture.surface),
            _ => {}
        }
    }

    /// Everything is to be told again to one controller, its setup too: something that was said did not arrive.
    pub fn all_again(&mut self, surface: SurfaceId) {
        if let Some(lit) = self.lit.get_mut(&surface) {
            lit.set_up_again();
        }
    }

    /// What must be said now, added to `replies` in the order in which it must be said. `show` says what an entry of the map
    /// shows; of the entries that a control has on the layer being played, the first decides. Call it a few dozen times a
    /// second, and after every gesture.
    pub fn tell(
        &mut self,
        now: Duration,
        map: &Map,
        playing: Playing,
        show: impl Fn(&Entry) -> LightState,
        replies: &mut Vec<(SurfaceId, Reply)>,
    ) {
        for (surface, lit) in &mut self.lit {
            let shows = |control| map.find(*surface, control, playing).next().map(|entry| show(&entry));
            lit.tell(now, &shows, &mut |reply| replies.push((*surface, reply)));
        }
    }

    /// Whether something is still to be said that did not fit, or waits for a hand to rest.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.lit.values().any(Lit::waits)
    }

    /// What darkens all lights and leaves the controllers as they were: the box goes. No profile's rate holds it up.
    #[must_use]
    pub fn farewell(&mut self) -> Vec<(SurfaceId, Reply)> {
        let lit = std::mem::take(&mut self.lit);
        lit.iter().flat_map(|(surface, lit)| lit.farewell().map(|reply| (*surface, reply))).collect()
    }
}
