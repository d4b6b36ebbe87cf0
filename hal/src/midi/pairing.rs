//! Which control changes of which controller are halves of one 14-bit value: told by the binding, read by every listener.
//!
//! It may change while a controller plays (a patch is loaded, a knob is learned), so a listener reads it anew with every
//! control change; that is one atomic load. Transports share one pairing, since a controller may come by any of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::gesture::SurfaceId;

/// The masks of all controllers. Clones are the same pairing. A controller nobody spoke of has no pairs.
#[derive(Clone, Debug, Default)]
pub struct Pairing(Arc<Mutex<HashMap<SurfaceId, Mask>>>);

impl Pairing {
    /// From now on bit n (0 to 31) of `mask` makes control changes n and n + 32 of `surface` one 14-bit control n.
    pub fn set(&self, surface: SurfaceId, mask: u32) {
        self.of(surface).0.store(mask, Ordering::Relaxed);
    }

    /// The mask of a controller as it is now.
    #[must_use]
    pub fn mask(&self, surface: SurfaceId) -> u32 {
        self.of(surface).get()
    }

    /// The mask of a controller, which follows later settings.
    pub(super) fn of(&self, surface: SurfaceId) -> Mask {
        // Whoever panicked while holding it left a map that is whole.
        let mut masks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        masks.entry(surface).or_default().clone()
    }
}

/// One controller's mask; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Mask(Arc<AtomicU32>);

impl Mask {
    pub(super) fn fixed(mask: u32) -> Self {
        Self(Arc::new(AtomicU32::new(mask)))
    }

    pub(super) fn get(&self) -> u32 {
        // It guards nothing else: which message is the first under a new mask is nobody's promise.
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Pairing;
    use crate::gesture::SurfaceId;

    #[test]
    fn clones_say_the_same_and_surfaces_do_not() {
        let pairing = Pairing::default();
        let clone = pairing.clone();
        clone.set(SurfaceId(4), 6);
        assert_eq!([4, 5].map(|id| pairing.mask(SurfaceId(id))), [6, 0]);
    }
}
