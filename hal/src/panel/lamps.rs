//! The lights of a panel, shared by the thread that listens (it opens and closes them) and the one that lights them.
//!
//! What was asked for is kept, so that a panel that comes back shows it at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Lamp, PANEL, PanelPlan};
use crate::gesture::{Reply, SurfaceError, SurfaceId, Voice};

/// Clones are the same lights.
#[derive(Clone)]
pub struct Lamps(Arc<Mutex<Shared>>);

struct Shared {
    bulbs: Vec<Bulb>,
    /// Who they belong to, while they are here.
    id: Option<SurfaceId>,
}

struct Bulb {
    number: u8,
    active_low: bool,
    on: bool,
    pin: Option<Box<dyn Lamp>>,
}

impl Lamps {
    /// The plan's lights, dark and not here.
    pub fn new(plan: &PanelPlan) -> Self {
        let dark =
            plan.leds.iter().map(|it| Bulb { number: it.number, active_low: it.active_low, on: false, pin: None });
        Self(Arc::new(Mutex::new(Shared { bulbs: dark.collect(), id: None })))
    }

    /// The lights are here, in the plan's order.
    pub fn connect(&self, id: SurfaceId, pins: Vec<Box<dyn Lamp>>) {
        let mut shared = self.shared();
        shared.id = Some(id);
        for (bulb, pin) in shared.bulbs.iter_mut().zip(pins) {
            bulb.pin = Some(pin);
            // One that fails now has gone again, which the listening thread is about to notice.
            let _ = bulb.drive();
        }
    }

    /// The lights are not here any more.
    pub fn disconnect(&self) {
        self.shared().bulbs.iter_mut().for_each(|bulb| bulb.pin = None);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Whoever panicked while holding it left lights that are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bulb {
    fn drive(&mut self) -> Result<(), String> {
        self.pin.as_mut().map_or(Ok(()), |pin| pin.drive(self.on != self.active_low))
    }
}

impl Voice for Lamps {
    fn say(&mut self, to: SurfaceId, reply: &Reply) -> Result<(), SurfaceError> {
        let Reply::Led(number, on) = reply else { return Ok(()) };
        let mut shared = self.shared();
        if shared.id != Some(to) {
            return Ok(());
        }
        let Some(bulb) = shared.bulbs.iter_mut().find(|it| it.number == *number) else { return Ok(()) };
        bulb.on = *on;
        let refused = |fault| SurfaceError::Garbled { surface: PANEL, fault: format!("light {number}: {fault}") };
        bulb.drive().map_err(refused)
    }

    fn another(&self) -> Box<dyn Voice> {
        Box::new(self.clone())
    }
}
