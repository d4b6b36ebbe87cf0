//! A surface that plays a script: it turns knobs, fails on cue, and owns its time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{
    Clock, Control, Gesture, Identity, Key, Motion, Position, Reply, Surface, SurfaceError, SurfaceId, VirtualClock,
    Voice,
};

/// A script, written from first to last; each step happens `step` after the one before (see [`FakeSurface::after`]).
#[derive(Debug, Default)]
pub struct FakeSurface {
    script: VecDeque<(Duration, Step)>,
    last: Duration,
    pause: Duration,
    clock: VirtualClock,
    told: Told,
}

/// What a fake was told, in order, and how its wires behave; clones hear the same.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Wires>);

#[derive(Debug, Default)]
struct Wires {
    state: Mutex<WireState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct WireState {
    told: Vec<(SurfaceId, Reply)>,
    /// Wires that refuse what they are told.
    refusing: Vec<SurfaceId>,
    /// Wires on which whoever speaks is held until they are let go.
    held: Vec<SurfaceId>,
    /// How often something was refused.
    refused: usize,
    /// How many speakers are held now.
    holding: usize,
}

impl Told {
    /// Everything told since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<(SurfaceId, Reply)> {
        std::mem::take(&mut self.state().told)
    }

    /// The same, after waiting until there is something and at most for `patience`.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Vec<(SurfaceId, Reply)> {
        let waited = self.0.changed.wait_timeout_while(self.state(), patience, |state| state.told.is_empty());
        std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).0.told)
    }

    /// From now on the wire to a controller refuses everything, or takes everything again.
    pub fn refuse(&self, to: SurfaceId, refuses: bool) {
        let mut state = self.state();
        state.refusing.retain(|it| *it != to);
        state.refusing.extend(refuses.then_some(to));
    }

    /// From now on whoever speaks to a controller is held there, or let go.
    pub fn hold(&self, to: SurfaceId, holds: bool) {
        let mut state = self.state();
        state.held.retain(|it| *it != to);
        state.held.extend(holds.then_some(to));
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits until so many times something was refused, or for `patience`; answers whether it was.
    #[must_use]
    pub fn wait_refused(&self, times: usize, patience: Duration) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.state(), patience, |state| state.refused < times);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until a speaker is held, or for `patience`; answers whether one is.
    #[must_use]
    pub fn wait_held(&self, patience: Duration) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.state(), patience, |state| state.holding == 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn state(&self) -> MutexGuard<'_, WireState> {
        // A test that failed while holding it has already said so.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Voice for Told {
    fn say(&mut self, to: SurfaceId, reply: &Reply) -> Result<(), SurfaceError> {
        let mut state = self.state();
        state.holding += 1;
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_while(state, |state| state.held.contains(&to));
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.holding -= 1;
        let refuses = state.refusing.contains(&to);
        if refuses {
            state.refused += 1;
        } else {
            state.told.push((to, reply.clone()));
        }
        drop(state);
        self.0.changed.notify_all();
        let fault = || SurfaceError::Garbled { surface: "the fake surface", fault: "it takes nothing".to_owned() };
        if refuses { Err(fault()) } else { Ok(()) }
    }

    fn another(&self) -> Box<dyn Voice> {
        Box::new(self.clone())
    }
}

#[derive(Debug)]
enum Step {
    Say(Motion),
    Garble,
    Close,
}

impl FakeSurface {
    /// The time that this surface lives in.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// What this surface is told.
    #[must_use]
    pub fn told(&self) -> Told {
        self.told.clone()
    }

    /// The steps that follow come this long after one another.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Turns a control change on channel 1 to a place.
    #[must_use]
    pub fn turn(self, number: u8, to: u8) -> Self {
        self.say(Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(to)))
    }

    /// Strikes a key.
    #[must_use]
    pub fn strike(self, key: Key) -> Self {
        self.say(Motion::Struck(key))
    }

    /// Any motion.
    #[must_use]
    pub fn say(self, motion: Motion) -> Self {
        self.then(Step::Say(motion))
    }

    /// Pulls the plug.
    #[must_use]
    pub fn unplug(self) -> Self {
        self.say(Motion::Disconnected)
    }

    /// Puts the plug back.
    #[must_use]
    pub fn replug(self) -> Self {
        self.say(Motion::Connected(Identity::new("fake", "fake")))
    }

    /// Fails once.
    #[must_use]
    pub fn garble(self) -> Self {
        self.then(Step::Garble)
    }

    /// Closes for good.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    fn then(mut self, step: Step) -> Self {
        self.last += self.pause;
        self.script.push_back((self.last, step));
        self
    }
}

impl Surface for FakeSurface {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let now = self.clock.now();
        let due = self.script.front().map(|(at, _)| *at);
        match due {
            Some(at) if at <= now + patience => self.clock.wait(at.saturating_sub(now)),
            _ => {
                self.clock.wait(patience);
                return Ok(None);
            }
        }
        match self.script.pop_front() {
            Some((at, Step::Say(motion))) => Ok(Some(Gesture { at, surface: SurfaceId::FIRST_LIVE, motion })),
            Some((_, Step::Garble)) => {
                Err(SurfaceError::Garbled { surface: "the fake surface", fault: "as told".to_owned() })
            }
            Some((_, Step::Close)) => {
                self.script.clear();
                Err(SurfaceError::Closed("the fake surface"))
            }
            None => Ok(None),
        }
    }

    fn voice(&mut self) -> Option<Box<dyn Voice>> {
        Some(Box::new(self.told.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, FakeSurface, Surface, SurfaceError};
    use std::time::Duration;

    #[test]
    fn the_fake_keeps_time_and_fails_on_cue() {
        let ms = Duration::from_millis;
        let mut surface = FakeSurface::default().after(ms(10)).turn(1, 64).garble().turn(1, 65).close();
        assert_eq!(surface.next_gesture(ms(4)).expect("nothing yet"), None);
        let turned = surface.next_gesture(ms(20)).expect("a turn").expect("in time");
        assert_eq!((turned.at, surface.clock().now()), (ms(10), ms(10)));
        assert!(matches!(surface.next_gesture(ms(20)), Err(SurfaceError::Garbled { .. })));
        assert_eq!(surface.next_gesture(ms(20)).expect("a turn").expect("in time").at, ms(30));
        assert!(matches!(surface.next_gesture(ms(20)), Err(SurfaceError::Closed(_))));
        assert_eq!(surface.next_gesture(ms(20)).expect("silence"), None);
    }
}
