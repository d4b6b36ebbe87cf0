//! The surfaces, each on a thread of its own, and the way back to their lights.
//!
//! A gesture wakes the conductor at once, whatever other surface is being waited for. The way back has a thread for each
//! voice, so that a controller that takes its bytes slowly holds up nobody. When its queue is full, what is told is left out
//! and [`Voices::missed`] says so: lights are a state, and a state can be told again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use hal::gesture::{Gesture, Reply, Surface, SurfaceError, SurfaceId, Voice};

use crate::surface::inbox::{Closed, GestureSender, Inbox, inbox};

/// How long a surface waits for a gesture before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(100);
/// What may wait for one voice: every light of a large controller, twice.
const WAITING: usize = 512;
/// A surface that errs rests this long: an error that repeats must not eat a core.
const REST: Duration = Duration::from_millis(50);

/// The listening side, for the conductor.
pub struct Surfaces {
    inbox: Inbox,
    mouth: GestureSender,
    faults: Receiver<String>,
    fault_sender: Sender<String>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    voices: Voices,
}

/// The speaking side: everything that lights up or moves. Clones speak to the same, each with its own count of what it
/// missed.
#[derive(Clone, Default)]
pub struct Voices {
    queues: Vec<SyncSender<(SurfaceId, Reply)>>,
    missed: bool,
}

impl Voices {
    /// Tells a controller something, wherever it is plugged in.
    pub fn tell(&mut self, to: SurfaceId, reply: &Reply) {
        // Each voice knows who is its own, and passes over the others.
        for queue in &self.queues {
            if let Err(TrySendError::Full(_)) = queue.try_send((to, reply.clone())) {
                self.missed = true;
            }
        }
    }

    /// Whether something was left out since the last call: tell all of it again.
    pub fn missed(&mut self) -> bool {
        std::mem::take(&mut self.missed)
    }
}

impl Default for Surfaces {
    fn default() -> Self {
        let (mouth, inbox) = inbox();
        let (fault_sender, faults) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        Self { inbox, mouth, faults, fault_sender, stop, threads: Vec::new(), voices: Voices::default() }
    }
}

impl Surfaces {
    /// Listens to a surface from now on.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn add(&mut self, mut surface: Box<dyn Surface>) -> std::io::Result<()> {
        if let Some(voice) = surface.voice() {
            let (sender, queue) = sync_channel(WAITING);
            self.voices.queues.push(sender);
            let faults = self.fault_sender.clone();
            let thread = Builder::new().name("lights".to_owned()).spawn(move || speak(voice, &queue, &faults))?;
            self.threads.push(thread);
        }
        let (mouth, faults, stop) = (self.mouth.clone(), self.fault_sender.clone(), Arc::clone(&self.stop));
        let thread = Builder::new().name("surface".to_owned());
        self.threads.push(thread.spawn(move || listen(surface.as_mut(), &mouth, &faults, &stop))?);
        Ok(())
    }

    /// Adds what was opened; what was not is left out, and said in words.
    pub fn add_opened<S: Surface + 'static>(&mut self, opened: Result<S, SurfaceError>, said: &mut Vec<String>) {
        let added = match opened {
            Ok(surface) => self.add(Box::new(surface)).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        said.extend(added.err());
    }

    /// The gestures that have come, waiting up to `patience` for the first.
    pub fn take(&self, patience: Duration, batch: &mut Vec<Gesture>) {
        // We hold a mouth ourselves: it is never closed.
        let _: Result<usize, Closed> = self.inbox.take(patience, batch);
    }

    /// A fault that the player should read, if there is one.
    pub fn take_fault(&self) -> Option<String> {
        self.faults.try_recv().ok()
    }

    /// The speaking side.
    pub fn voices(&mut self) -> &mut Voices {
        &mut self.voices
    }

    /// Ends the threads; what was told before is still said.
    pub fn close(mut self) {
        self.stop.store(true, Relaxed);
        self.voices.queues.clear();
        // A surface that waits for room in the inbox finds it closed.
        drop(self.inbox);
        for thread in self.threads {
            // A surface that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn listen(surface: &mut dyn Surface, mouth: &GestureSender, faults: &Sender<String>, stop: &AtomicBool) {
    let mut last = String::new();
    while !stop.load(Relaxed) {
        match surface.next_gesture(PATIENCE) {
            Ok(Some(gesture)) => {
                if mouth.put(gesture).is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(error) => {
                let over = matches!(error, SurfaceError::Closed(_));
                // The same fault again is no news.
                let words = error.to_string();
                if words != last {
                    let _ = faults.send(words.clone());
                    last = words;
                }
                if over {
                    return;
                }
                std::thread::sleep(REST);
            }
        }
    }
}

fn speak(mut voice: Box<dyn Voice>, queue: &Receiver<(SurfaceId, Reply)>, faults: &Sender<String>) {
    let mut last = String::new();
    while let Ok((to, reply)) = queue.recv() {
        if let Err(error) = voice.say(to, &reply) {
            let words = error.to_string();
            if words != last {
                let _ = faults.send(words.clone());
                last = words;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Surfaces;
    use hal::gesture::{FakeSurface, Motion, Reply, SurfaceId};
    use std::time::Duration;

    #[test]
    fn every_surface_is_heard_and_told_and_a_fault_is_said_once() {
        let mut surfaces = Surfaces::default();
        let first = FakeSurface::default().turn(1, 10).garble().garble().turn(1, 20);
        let second = FakeSurface::default().turn(2, 30);
        let told = first.told();
        surfaces.add(Box::new(first)).expect("a thread");
        surfaces.add(Box::new(second)).expect("a thread");
        let mut heard = Vec::new();
        while heard.len() < 3 {
            surfaces.take(Duration::from_secs(5), &mut heard);
        }
        let turns = heard.iter().filter(|it| matches!(it.motion, Motion::Turned(..))).count();
        assert_eq!(turns, 3);
        surfaces.voices().tell(SurfaceId(2), &Reply::Midi(vec![0xb0, 1, 2]));
        assert!(!surfaces.voices().missed());
        let faults: Vec<String> = std::iter::from_fn(|| surfaces.take_fault()).collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        surfaces.close();
        assert_eq!(told.take(), vec![(SurfaceId(2), Reply::Midi(vec![0xb0, 1, 2]))]);
    }
}
