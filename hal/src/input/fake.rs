//! Input devices that play a script: keys, pulled plugs, missing rights, a kernel that stalls. They own their time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bench::{Heard, InputBench, InputFault, KeyMove, Node};
use super::choice::InputDevice;
use crate::gesture::{Clock, VirtualClock};

/// Between a key's repeats, and before the first.
const REPEAT: Duration = Duration::from_millis(33);

/// A script, written from first to last; each step comes `after` the one before. Clones are the same devices. A device
/// is named by its number: 3 is `/dev/input/event3`.
#[derive(Clone, Default)]
pub struct FakeInput {
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<(Duration, Step)>,
    last: Duration,
    pause: Duration,
    plugged: BTreeMap<PathBuf, Plugged>,
    plugs: u64,
    open: BTreeSet<PathBuf>,
    grabbed: BTreeSet<PathBuf>,
    opened: usize,
    heard: Vec<Heard>,
}

struct Plugged {
    device: InputDevice,
    inode: u64,
    forbidden: bool,
    taken: bool,
}

enum Step {
    Plug(PathBuf, InputDevice),
    Unplug(PathBuf),
    Forbid(PathBuf, bool),
    Take(PathBuf),
    Key(PathBuf, u16, KeyMove),
    Stall(Duration),
}

impl FakeInput {
    /// The time that these devices live in.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// How often a device was opened.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.state().opened
    }

    /// The numbers of those that somebody took for themselves.
    #[must_use]
    pub fn grabbed(&self) -> Vec<PathBuf> {
        self.state().grabbed.iter().cloned().collect()
    }

    /// The steps that follow come this long after one another.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        self.state().pause = pause;
        self
    }

    /// Plugs a device in.
    #[must_use]
    pub fn plug(self, number: u8, device: InputDevice) -> Self {
        self.then(Step::Plug(path(number), device))
    }

    /// Pulls the plug.
    #[must_use]
    pub fn unplug(self, number: u8) -> Self {
        self.then(Step::Unplug(path(number)))
    }

    /// Only others may open it from now on.
    #[must_use]
    pub fn forbid(self, number: u8) -> Self {
        self.then(Step::Forbid(path(number), true))
    }

    /// Everyone may open it.
    #[must_use]
    pub fn allow(self, number: u8) -> Self {
        self.then(Step::Forbid(path(number), false))
    }

    /// Another program takes it for itself.
    #[must_use]
    pub fn take(self, number: u8) -> Self {
        self.then(Step::Take(path(number)))
    }

    /// Presses a key.
    #[must_use]
    pub fn press(self, number: u8, code: u16) -> Self {
        self.then(Step::Key(path(number), code, KeyMove::Down))
    }

    /// Lets go of a key.
    #[must_use]
    pub fn release(self, number: u8, code: u16) -> Self {
        self.then(Step::Key(path(number), code, KeyMove::Up))
    }

    /// The kernel repeats a held key so many times.
    #[must_use]
    pub fn repeat(self, number: u8, code: u16, times: usize) -> Self {
        for _ in 0..times {
            let mut state = self.state();
            state.last += REPEAT;
            let at = state.last;
            state.script.push_back((at, Step::Key(path(number), code, KeyMove::Repeat)));
        }
        self
    }

    /// Presses and lets go so many times at one moment.
    #[must_use]
    pub fn flood(self, number: u8, code: u16, times: usize) -> Self {
        for moved in [KeyMove::Down, KeyMove::Up].into_iter().cycle().take(2 * times) {
            let mut state = self.state();
            let at = state.last;
            state.script.push_back((at, Step::Key(path(number), code, moved)));
        }
        self
    }

    /// Who listens is held up for so long. The kernel goes on stamping.
    #[must_use]
    pub fn stall(self, span: Duration) -> Self {
        self.then(Step::Stall(span))
    }

    fn then(self, step: Step) -> Self {
        let mut state = self.state();
        state.last = state.last + state.pause;
        let at = state.last;
        state.script.push_back((at, step));
        drop(state);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(number: u8) -> PathBuf {
    PathBuf::from(format!("/dev/input/event{number}"))
}

impl State {
    /// Plays the script up to `until`; for how much longer who listens is held up.
    fn play(&mut self, until: Duration) -> Duration {
        let mut stall = Duration::ZERO;
        while self.script.front().is_some_and(|(at, _)| *at <= until) {
            let Some((at, step)) = self.script.pop_front() else { break };
            match step {
                Step::Plug(path, device) => {
                    self.plugs += 1;
                    let inode = self.plugs;
                    self.plugged.insert(path, Plugged { device, inode, forbidden: false, taken: false });
                }
                Step::Unplug(path) => {
                    self.plugged.remove(&path);
                    if self.open.contains(&path) {
                        self.heard.push(Heard::Left(path));
                    }
                }
                Step::Forbid(path, forbidden) => {
                    if let Some(plugged) = self.plugged.get_mut(&path) {
                        plugged.forbidden = forbidden;
                    }
                }
                Step::Take(path) => {
                    if let Some(plugged) = self.plugged.get_mut(&path) {
                        plugged.taken = true;
                    }
                }
                Step::Key(path, code, moved) if self.open.contains(&path) => {
                    self.heard.push(Heard::Key { path, at, code, moved });
                }
                Step::Key(..) => {}
                Step::Stall(span) => stall = span,
            }
        }
        stall
    }
}

impl InputBench for FakeInput {
    fn present(&mut self) -> Result<Vec<Node>, InputFault> {
        let mut state = self.state();
        state.play(self.clock.now());
        let node = |(path, it): (&PathBuf, &Plugged)| Node { path: path.clone(), inode: it.inode };
        Ok(state.plugged.iter().map(node).collect())
    }

    fn open(&mut self, path: &Path) -> Result<InputDevice, InputFault> {
        let mut state = self.state();
        let what = path.display().to_string();
        let device = match state.plugged.get(path) {
            None => return Err(InputFault::Absent(format!("{what} has gone"))),
            Some(it) if it.forbidden => return Err(InputFault::Forbidden(what)),
            Some(it) => it.device.clone(),
        };
        state.opened += 1;
        state.open.insert(path.to_owned());
        Ok(device)
    }

    fn grab(&mut self, path: &Path) -> Result<(), InputFault> {
        let mut state = self.state();
        if state.plugged.get(path).is_some_and(|it| it.taken) {
            return Err(InputFault::Unfit(format!("{} is not ours alone: busy", path.display())));
        }
        state.grabbed.insert(path.to_owned());
        Ok(())
    }

    fn close(&mut self, path: &Path) {
        let mut state = self.state();
        state.open.remove(path);
        state.grabbed.remove(path);
    }

    fn wait(&mut self, patience: Duration, heard: &mut Vec<Heard>) {
        let (mut state, clock) = (self.state(), &self.clock);
        let until = clock.now() + patience;
        let mut stall = state.play(clock.now());
        loop {
            if !stall.is_zero() {
                clock.advance(stall);
                stall = state.play(clock.now());
                continue;
            }
            if !state.heard.is_empty() {
                return heard.append(&mut state.heard);
            }
            match state.script.front() {
                Some((at, _)) if *at <= until => {
                    clock.set((*at).max(clock.now()));
                    stall = state.play(clock.now());
                }
                _ => return clock.set(until.max(clock.now())),
            }
        }
    }
}
