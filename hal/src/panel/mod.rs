//! A hand-wired panel as a surface: buttons, encoders, potentiometers and lights on the machine's own pins.
//!
//! A description ([`PanelPlan`]) says which pins; a [`Board`] opens them: the kernel's ([`LinuxBoard`]) or one that plays a
//! script ([`FakeBoard`]). All that decides (bounces, directions, noise, what is held, who left) is here and the same for
//! both. A panel whose chip left (an expander's USB plug) lets go of what was held, is told as gone, and is looked for twice a
//! second. A button that is down when the panel comes is told nothing of until it has been let go of: nobody pressed it.

mod acceleration;
mod board;
mod controls;
mod debounce;
mod fake;
mod lamps;
mod linux;
mod plan;
mod quadrature;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use acceleration::Acceleration;
pub use board::{Board, Converter, Edge, Lamp, Lines, PanelFault, Wired};
pub use debounce::{Debounce, LOCKOUT};
pub use fake::FakeBoard;
pub use linux::LinuxBoard;
pub use plan::{ButtonPlan, EncoderPlan, InputLine, LedPlan, Line, LinePlace, PanelPlan, PotPlan};
pub use quadrature::{DetentSteps, Quadrature};

use self::controls::Controls;
use self::lamps::Lamps;
use crate::gesture::{Clock, Gesture, Identity, Motion, Roster, Surface, SurfaceError, SurfaceId, Voice};

/// How often a panel that is away is looked for, and the lines of one that is here are compared with what was heard.
const LOOK: Duration = Duration::from_millis(500);
/// Between two readings of the potentiometers: 250 a second, of which a moved knob needs two.
const READING: Duration = Duration::from_millis(4);
/// Readings in a row without an answer after which a converter is gone: a tenth of a second.
const SILENT: u32 = 25;
const PANEL: &str = "panel";

/// A hand-wired panel.
pub struct Panel {
    plan: PanelPlan,
    board: Box<dyn Board>,
    clock: Box<dyn Clock + Send>,
    roster: Roster,
    lamps: Lamps,
    here: Option<Here>,
    pending: VecDeque<Gesture>,
    look_at: Duration,
    /// What was last complained of, so that a panel that stays away is complained of once.
    complaint: Option<PanelFault>,
    lost_edges: u64,
    voice_given: bool,
}

/// A panel that is here.
struct Here {
    id: SurfaceId,
    wired: Wired,
    controls: Controls,
    read_at: Duration,
    check_at: Duration,
    /// Readings in a row without an answer.
    silent: u32,
}

impl Panel {
    /// A panel that is opened when it is first asked for gestures, and looked for if it is not there yet.
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] with everything that cannot be right in the plan.
    pub fn new(
        plan: PanelPlan,
        board: impl Board + 'static,
        clock: impl Clock + Send + 'static,
        roster: &Roster,
    ) -> Result<Self, SurfaceError> {
        let faults = plan.faults();
        if !faults.is_empty() {
            return Err(SurfaceError::Unavailable(format!("the panel '{}': {}", plan.name, faults.join("; "))));
        }
        Ok(Self {
            lamps: Lamps::new(&plan),
            plan,
            board: Box::new(board),
            clock: Box::new(clock),
            roster: roster.clone(),
            here: None,
            pending: VecDeque::new(),
            look_at: Duration::ZERO,
            complaint: None,
            lost_edges: 0,
            voice_given: false,
        })
    }

    /// Why the panel is not here, if it is not.
    #[must_use]
    pub const fn complaint(&self) -> Option<&PanelFault> {
        self.complaint.as_ref()
    }

    /// Edges that the kernel could not keep for us or whose level it read too late, and both contacts of an encoder changing
    /// at once: what was missed since the panel was last plugged in. None of it stays wrong, but detents are lost. A number
    /// that grows is a broken wire, or the chip's interrupt thread waits for something that runs before it.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.lost_edges + self.here.as_ref().map_or(0, |here| here.controls.unseen())
    }

    /// Opens the panel, if it is there.
    fn look(&mut self) -> Result<(), PanelFault> {
        let now = self.clock.now();
        self.look_at = now + LOOK;
        let mut wired = self.board.open(&self.plan)?;
        let levels = wired.lines.levels()?;
        // A converter that does not answer at the start is not there: better a panel that is away than knobs at zero.
        let mut fulls = vec![0; self.plan.pots.len()];
        for Converter { adc, pots } in &mut wired.converters {
            for place in pots {
                adc.read(self.plan.pots[*place].channel).map_err(|fault| PanelFault::Absent(fault.to_string()))?;
                fulls[*place] = adc.full();
            }
        }
        let identity = Identity::new(&self.plan.name, format!("gpio {}", self.plan.name));
        let id = self.roster.arrive(&identity);
        self.lamps.connect(id, std::mem::take(&mut wired.lamps));
        let controls = Controls::new(&self.plan, &levels, &fulls);
        self.here = Some(Here { id, wired, controls, read_at: now, check_at: now + LOOK, silent: 0 });
        (self.complaint, self.lost_edges) = (None, 0);
        self.pending.push_back(Gesture { at: now, surface: id, motion: Motion::Connected(identity) });
        Ok(())
    }

    /// Closes a panel that left. What was held is let go of first.
    fn lose(&mut self, fault: PanelFault) {
        let Some(mut here) = self.here.take() else { return };
        let (at, surface) = (self.clock.now(), here.id);
        self.lamps.disconnect();
        self.lost_edges += here.controls.unseen();
        let motions = here.controls.let_go().into_iter().chain([Motion::Disconnected]);
        self.pending.extend(motions.map(|motion| Gesture { at, surface, motion }));
        self.roster.leave(surface);
        (self.complaint, self.look_at) = (Some(fault), at + LOOK);
    }

    /// Listens once, for `patience` at most and no longer than until something is due.
    fn listen(&mut self, patience: Duration) -> Result<(), PanelFault> {
        let Some(here) = &mut self.here else { return Ok(()) };
        let now = self.clock.now();
        let due = here.due(!self.plan.pots.is_empty());
        let mut edges = Vec::new();
        let lost = here.wired.lines.wait(patience.min(due.saturating_sub(now)), &mut edges)?;
        let surface = here.id;
        let mut told = |at, motion| self.pending.push_back(Gesture { at, surface, motion });
        edges.iter().for_each(|edge| here.controls.edge(*edge, &mut told));
        self.lost_edges += lost;
        let now = self.clock.now();
        if lost > 0 {
            here.check_at = now;
        }
        // Edges that wait are older than the levels: they come first.
        let quiet = edges.is_empty();
        let settled = here.controls.due().is_some_and(|due| due <= now);
        let check = here.check_at <= now;
        if quiet && (settled || check) {
            let levels = here.wired.lines.levels()?;
            here.controls.settle(now, &levels, check, &mut told);
            if check {
                here.check_at = now + LOOK;
            }
        }
        if here.read_at <= now {
            here.read_at = now + READING;
            here.read(&self.plan, now, &mut told)?;
        }
        Ok(())
    }
}

impl Here {
    /// When something is to be done even if no edge comes.
    fn due(&self, pots: bool) -> Duration {
        let settle = self.controls.due().unwrap_or(Duration::MAX);
        settle.min(self.check_at).min(if pots { self.read_at } else { Duration::MAX })
    }

    fn read(
        &mut self,
        plan: &PanelPlan,
        now: Duration,
        told: &mut impl FnMut(Duration, Motion),
    ) -> Result<(), PanelFault> {
        let mut fault = None;
        for Converter { adc, pots } in &mut self.wired.converters {
            for place in pots {
                match adc.read(plan.pots[*place].channel) {
                    Ok(reading) => self.controls.reading(*place, reading, now, told),
                    Err(silent) => fault = Some(silent),
                }
            }
        }
        self.silent = if fault.is_some() { self.silent + 1 } else { 0 };
        match fault {
            Some(fault) if self.silent >= SILENT => Err(PanelFault::Gone(format!("a converter ({fault})"))),
            _ => Ok(()),
        }
    }
}

impl Surface for Panel {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = self.clock.now() + patience;
        loop {
            if let Some(gesture) = self.pending.pop_front() {
                return Ok(Some(gesture));
            }
            let now = self.clock.now();
            if self.here.is_some() {
                if let Err(fault) = self.listen(until.saturating_sub(now)) {
                    self.lose(fault);
                }
            } else if now < self.look_at {
                self.clock.wait((until.min(self.look_at)).saturating_sub(now));
            } else if let Some(fault) = self.look().err().filter(|fault| self.complaint.as_ref() != Some(fault)) {
                self.complaint = Some(fault.clone());
                return Err(SurfaceError::Garbled { surface: PANEL, fault: fault.to_string() });
            }
            if self.pending.is_empty() && self.clock.now() >= until {
                return Ok(None);
            }
        }
    }

    fn voice(&mut self) -> Option<Box<dyn Voice>> {
        let first = !std::mem::replace(&mut self.voice_given, true);
        (first && !self.plan.leds.is_empty()).then(|| Box::new(self.lamps.clone()) as Box<dyn Voice>)
    }
}
