//! Foot switches and computer keyboards as a surface, straight from the kernel: no desktop and no terminal needed.
//!
//! Which devices are played is chosen by name, model, or as all that a player would play ([`InputChoice`]). They may come
//! and go; one that leaves lets go of its keys first, so that no note stays. The kernel's key repeat is not a gesture. A
//! device can be grabbed, so that a terminal does not hear the same keys. What decides is here; the devices are the kernel's
//! ([`LinuxInput`]) or play a script ([`FakeInput`]).

mod bench;
mod choice;
mod fake;
mod linux;
mod stamps;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

pub use bench::{Heard, InputBench, InputFault, KeyMove, Node};
pub use choice::{InputChoice, InputDevice, InputKind, POWER_KEY, kind_of};
pub use fake::FakeInput;
pub use linux::LinuxInput;

use crate::gesture::{Clock, Control, Gesture, Motion, Roster, Surface, SurfaceError, SurfaceId};

/// How often new devices are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How hard a key is pressed that cannot tell.
const HARDEST: u8 = 127;
const INPUT: &str = "input";

/// All chosen keyboards and foot switches as one surface.
pub struct InputKeys {
    bench: Box<dyn InputBench>,
    clock: Box<dyn Clock + Send>,
    roster: Roster,
    wanted: Vec<InputChoice>,
    grab: bool,
    here: Vec<Keyboard>,
    /// Looked at and not wanted; not opened again until they are made anew.
    passed: HashSet<Node>,
    pending: VecDeque<Gesture>,
    look_at: Duration,
    complaint: Option<InputFault>,
}

/// One that is open.
struct Keyboard {
    node: Node,
    id: SurfaceId,
    held: BTreeSet<u16>,
}

impl InputKeys {
    /// Listens to all that any of `wanted` chooses; with `grab`, for itself alone.
    #[must_use]
    pub fn new(
        wanted: Vec<InputChoice>,
        grab: bool,
        bench: impl InputBench + 'static,
        clock: impl Clock + Send + 'static,
        roster: &Roster,
    ) -> Self {
        Self {
            bench: Box::new(bench),
            clock: Box::new(clock),
            roster: roster.clone(),
            wanted,
            grab,
            here: Vec::new(),
            passed: HashSet::new(),
            pending: VecDeque::new(),
            look_at: Duration::ZERO,
            complaint: None,
        }
    }

    /// Looks who came and who went; what is wrong, if it is not the same as the last time.
    fn look(&mut self) -> Option<InputFault> {
        self.look_at = self.clock.now() + LOOK;
        let (nodes, mut fault) = match self.bench.present() {
            Ok(nodes) => (nodes, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let gone: Vec<Node> = self.here.iter().map(|it| it.node.clone()).filter(|it| !nodes.contains(it)).collect();
        gone.iter().for_each(|node| self.lose(&node.path));
        self.passed.retain(|it| nodes.contains(it));
        for node in nodes {
            if self.passed.contains(&node) || self.here.iter().any(|it| it.node == node) {
                continue;
            }
            // The first of several: they mostly have one cause.
            fault = fault.or(self.meet(node).err());
        }
        let news = fault.clone().filter(|it| self.complaint.as_ref() != Some(it));
        self.complaint = fault;
        news
    }

    /// Opens one that is new here.
    fn meet(&mut self, node: Node) -> Result<(), InputFault> {
        let device = self.bench.open(&node.path)?;
        if !self.wanted.iter().any(|choice| choice.wants(&device)) {
            self.bench.close(&node.path);
            self.passed.insert(node);
            return Ok(());
        }
        let grabbed = if self.grab { self.bench.grab(&node.path) } else { Ok(()) };
        let identity = device.identity();
        let id = self.roster.arrive(&identity);
        self.here.push(Keyboard { node, id, held: BTreeSet::new() });
        let motion = Motion::Connected(identity);
        self.pending.push_back(Gesture { at: self.clock.now(), surface: id, motion });
        grabbed
    }

    /// One left, or what is at its place is another one.
    fn lose(&mut self, path: &std::path::Path) {
        let Some(place) = self.here.iter().position(|it| it.node.path == path) else { return };
        let left = self.here.remove(place);
        self.bench.close(path);
        self.roster.leave(left.id);
        let released = left.held.into_iter().map(|code| Motion::Released(Control::Key(code)));
        let (at, surface) = (self.clock.now(), left.id);
        let motions = released.chain([Motion::Disconnected]);
        self.pending.extend(motions.map(|motion| Gesture { at, surface, motion }));
    }

    fn hear(&mut self, heard: Heard) {
        let (path, at, code, moved) = match heard {
            Heard::Left(path) => return self.lose(&path),
            Heard::Key { path, at, code, moved } => (path, at, code, moved),
        };
        let Some(keyboard) = self.here.iter_mut().find(|it| it.node.path == path) else { return };
        let control = Control::Key(code);
        let motion = match moved {
            KeyMove::Down if keyboard.held.insert(code) => Motion::Pressed(control, HARDEST),
            // One that was down before we came was not pressed, so it is not released.
            KeyMove::Up if keyboard.held.remove(&code) => Motion::Released(control),
            _ => return,
        };
        self.pending.push_back(Gesture { at, surface: keyboard.id, motion });
    }
}

impl Surface for InputKeys {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = self.clock.now() + patience;
        loop {
            if let Some(gesture) = self.pending.pop_front() {
                return Ok(Some(gesture));
            }
            let now = self.clock.now();
            if now >= self.look_at {
                if let Some(fault) = self.look() {
                    return Err(SurfaceError::Garbled { surface: INPUT, fault: fault.to_string() });
                }
                continue;
            }
            let mut heard = Vec::new();
            self.bench.wait(until.min(self.look_at).saturating_sub(now), &mut heard);
            heard.into_iter().for_each(|it| self.hear(it));
            if self.pending.is_empty() && self.clock.now() >= until {
                return Ok(None);
            }
        }
    }
}
