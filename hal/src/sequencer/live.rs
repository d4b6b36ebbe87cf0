//! Live MIDI: every port of a sequencer that speaks, connected as it comes and let go as it goes, and ports of our own that
//! other programs can connect to.
//!
//! Each connection has its own ear and its own thread (midir's); gestures meet in one bounded queue, and a full queue holds
//! that thread up, since the sequencer behind it can wait and a gesture must not be lost. A watcher hears who comes and
//! goes, so that a late plug needs no polling. Who a controller is comes from its plug, by way of the sound card that its
//! client belongs to; sequencer numbers are used for connecting only. Controllers that are taken straight from USB are left
//! alone. Without a sequencer (no `/dev/snd/seq`: a container, or the module is missing) opening says so in words; the
//! program plays on without MIDI.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::alsa::AlsaSeq;

use super::port::{Address, Hear, News, Port, Sequencer};
use super::voice::{MidiVoice, Mouths};

use crate::gesture::{Clock, Gesture, Identity, Motion, Roster, Surface, SurfaceError, SurfaceId, Voice, WallClock};
use crate::midi::{Ear, Ears, PATIENCE, Pairing, lock};
use crate::usb::UsbSelect;
use crate::usb::plug::{SYS, of_card};

/// Gestures that may wait: a second of the densest controller stream.
const WAITING: usize = 1024;
/// How often the watcher looks whether it should end.
const WATCH: Duration = Duration::from_millis(300);
/// The kernel's port that says again whatever it hears: spoken to, it would turn our lights into knobs.
const THROUGH: &str = "Midi Through";

/// What the connections and the watcher say.
enum Heard {
    Gesture(Gesture),
    /// Ports came or went.
    Plugs,
    /// A connection that was being closed has heard out.
    Closed,
}

/// All MIDI ports of the machine as one surface.
pub struct LiveMidi<S: Sequencer = AlsaSeq, C = WallClock> {
    sequencer: S,
    /// The kernel's view of the devices: [`SYS`], except in tests.
    sys: PathBuf,
    taken: UsbSelect,
    clock: C,
    roster: Roster,
    pairing: Pairing,
    ears: Ears,
    /// None only while it is being dropped.
    queue: Option<Receiver<Heard>>,
    sender: SyncSender<Heard>,
    pending: VecDeque<Gesture>,
    connections: Vec<Connection<S::In>>,
    own: SurfaceId,
    own_ear: Option<S::In>,
    mouths: Mouths<S::Out>,
    voice_given: bool,
    watcher: Option<Watcher>,
}

struct Connection<I> {
    address: Address,
    /// Its port says who it is; a new client may get the numbers of one that left.
    name: String,
    surface: SurfaceId,
    ear: I,
}

struct Watcher {
    stop: Arc<AtomicBool>,
    plugs: Arc<Mutex<Plugs>>,
    thread: JoinHandle<()>,
}

/// What the watcher heard since the surface last asked.
#[derive(Default)]
struct Plugs {
    went: Vec<Address>,
    /// There is something to be told.
    any: bool,
    /// The queue has word of it.
    told: bool,
}

impl LiveMidi {
    /// Opens all ports, present and future; gestures carry the time of `clock`. Controllers of `taken` are left to
    /// [`UsbMidi`](crate::usb::UsbMidi).
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] where the machine has no ALSA sequencer.
    pub fn open(clock: WallClock, roster: &Roster, pairing: &Pairing, taken: UsbSelect) -> Result<Self, SurfaceError> {
        let missing = |words| SurfaceError::Unavailable(format!("no MIDI: {words}, playing on without controllers"));
        Ok(Self::over(AlsaSeq::new().map_err(missing)?, SYS.into(), clock, roster, pairing, taken))
    }
}

impl<S: Sequencer, C: Clock + Clone + Send + 'static> LiveMidi<S, C> {
    /// The same over any sequencer and clock, and a copy of `/sys`.
    pub fn over(sequencer: S, sys: PathBuf, clock: C, roster: &Roster, pairing: &Pairing, taken: UsbSelect) -> Self {
        let (sender, queue) = sync_channel(WAITING);
        let own = roster.arrive(&Identity::new("other programs", "alsa other programs"));
        let mut surface = Self {
            sequencer,
            sys,
            taken,
            clock,
            roster: roster.clone(),
            pairing: pairing.clone(),
            ears: Ears::default(),
            queue: Some(queue),
            sender,
            pending: VecDeque::new(),
            connections: Vec::new(),
            own,
            own_ear: None,
            mouths: Mouths::default(),
            voice_given: false,
            watcher: None,
        };
        // Their absence is not worth a word: real controllers do not need them.
        surface.own_ear = surface.sequencer.own_ear(surface.ear(own));
        if let Some(mouth) = surface.sequencer.own_mouth() {
            surface.mouths.put(own, "other programs", mouth);
        }
        surface.watcher = surface.watch();
        surface.follow();
        surface
    }

    /// The surface of other programs: what our own ports hear, and whom they are told.
    #[must_use]
    pub const fn other_programs(&self) -> SurfaceId {
        self.own
    }

    fn ear(&self, surface: SurfaceId) -> Hear {
        let ear = self.ears.add(Ear::of(surface, &self.pairing));
        let (clock, queue) = (self.clock.clone(), self.sender.clone());
        Box::new(move |bytes| {
            for byte in bytes {
                // Not held while the queue is waited for: whoever reads the queue looks at the ears.
                let told = lock(&ear).hear(*byte, clock.now());
                for gesture in told {
                    // Blocks while the queue is full. It errs only when the surface is gone, and then nobody listens.
                    let _ = queue.send(Heard::Gesture(gesture));
                }
            }
        })
    }

    /// Starts the thread that hears who comes and goes; none if it cannot (plugs are then seen at the start only).
    fn watch(&self) -> Option<Watcher> {
        let mut news = self.sequencer.news()?;
        let stop = Arc::new(AtomicBool::new(false));
        let plugs = Arc::new(Mutex::new(Plugs::default()));
        let (stopped, heard, queue) = (Arc::clone(&stop), Arc::clone(&plugs), self.sender.clone());
        let thread = Builder::new().name("midi plugs".to_owned()).spawn(move || {
            while !stopped.load(Relaxed) {
                let went = news.wait(WATCH);
                let mut plugs = lock(&heard);
                plugs.any |= went.is_some();
                plugs.went.extend(went.into_iter().flatten());
                // One notice at a time. In a full queue it finds a place the next time round.
                if plugs.any && !plugs.told {
                    plugs.told = queue.try_send(Heard::Plugs).is_ok();
                }
            }
        });
        Some(Watcher { stop, plugs, thread: thread.ok()? })
    }

    /// Lets go whom the sequencer no longer lists, or said that it went, and connects whom it does.
    fn follow(&mut self) {
        // Taken before the ports are listed: what is announced from here on is told again.
        let plugs = self.watcher.as_ref().map(|it| std::mem::take(&mut *lock(&it.plugs))).unwrap_or_default();
        let ports = self.sequencer.ports();
        let (kept, gone): (Vec<_>, Vec<_>) = self.connections.drain(..).partition(|it| {
            // One that left and came back within a moment may have its old numbers, but not its old connection.
            let went = |at: &Address| at.client == it.address.client && (at.port == -1 || at.port == it.address.port);
            !plugs.went.iter().any(went)
                && ports.iter().any(|port| port.address == it.address && called(port) == it.name)
        });
        self.connections = kept;
        gone.into_iter().for_each(|it| self.let_go(it));
        for port in ports.iter().filter(|it| it.speaks) {
            if !self.connections.iter().any(|it| it.address == port.address) {
                self.connect(port, &ports);
            }
        }
    }

    fn connect(&mut self, port: &Port, ports: &[Port]) {
        let Some(identity) = self.identity(port) else { return };
        let surface = self.roster.arrive(&identity);
        let Some(ear) = self.sequencer.listen(port.address, self.ear(surface)) else {
            // Gone again already: word of it is on its way.
            self.roster.leave(surface);
            return;
        };
        if let Some(mouth) = mouth_of(port, ports).and_then(|it| self.sequencer.speak(it.address)) {
            self.mouths.put(surface, &identity.name, mouth);
        }
        self.connections.push(Connection { address: port.address, name: called(port), surface, ear });
        self.tell(surface, Motion::Connected(identity));
    }

    /// Who is behind a port; none where it is taken straight from USB.
    fn identity(&self, port: &Port) -> Option<Identity> {
        let Some((plug, sound)) = port.card.and_then(|card| of_card(&self.sys, card)) else {
            let name = called(port);
            return Some(Identity::new(name.clone(), format!("alsa {name}")));
        };
        // The kernel numbers a device's ports as the device numbers its cables.
        let cable = u8::try_from(port.address.port).unwrap_or(u8::MAX);
        (!self.taken.takes(plug.vendor, plug.product, sound)).then(|| plug.identity(cable))
    }

    /// Closes a connection, which may be waiting for a place in the queue that we read: what it still says is told first.
    fn let_go(&mut self, connection: Connection<S::In>) {
        let Connection { surface, ear, .. } = connection;
        self.mouths.take(surface);
        let closed = self.sender.clone();
        let closing = Builder::new().name("midi close".to_owned()).spawn(move || {
            drop(ear);
            // It errs only when the surface is gone, and then nobody waits.
            let _ = closed.send(Heard::Closed);
        });
        let mut plugs = false;
        while closing.is_ok() {
            match self.queue.as_ref().map(Receiver::recv) {
                Some(Ok(Heard::Gesture(gesture))) => self.pending.push_back(gesture),
                Some(Ok(Heard::Plugs)) => plugs = true,
                Some(Ok(Heard::Closed) | Err(_)) | None => break,
            }
        }
        if plugs {
            // It was meant for after this. The watcher says it again.
            if let Some(watcher) = &self.watcher {
                lock(&watcher.plugs).told = false;
            }
        }
        self.roster.leave(surface);
        self.tell(surface, Motion::Disconnected);
    }

    fn tell(&mut self, surface: SurfaceId, motion: Motion) {
        self.pending.push_back(Gesture { at: self.clock.now(), surface, motion });
    }
}

/// What a replug keeps of a port where its plug is not known.
fn called(port: &Port) -> String {
    format!("{}:{}", port.client, port.name)
}

/// Where a port is answered: itself, or else the first port of its client that only listens.
fn mouth_of<'a>(port: &'a Port, ports: &'a [Port]) -> Option<&'a Port> {
    if port.client.starts_with(THROUGH) {
        return None;
    }
    let only_listens = |it: &&Port| it.address.client == port.address.client && it.listens && !it.speaks;
    if port.listens { Some(port) } else { ports.iter().find(only_listens) }
}

impl<S: Sequencer, C: Clock + Clone + Send + 'static> Surface for LiveMidi<S, C> {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = Instant::now() + patience;
        loop {
            if let Some(gesture) = self.pending.pop_front() {
                return Ok(Some(gesture));
            }
            let (overdue, waiting) = self.ears.overdue(self.clock.now());
            if !overdue.is_empty() {
                self.pending.extend(overdue);
                continue;
            }
            let queue = self.queue.as_ref().ok_or(SurfaceError::Closed("MIDI"))?;
            let left = until.saturating_duration_since(Instant::now());
            // A half that waits for its other half may turn out to be alone.
            match queue.recv_timeout(if waiting { left.min(PATIENCE) } else { left }) {
                Ok(Heard::Gesture(gesture)) => return Ok(Some(gesture)),
                Ok(Heard::Plugs) => self.follow(),
                Ok(Heard::Closed) => {}
                Err(RecvTimeoutError::Timeout) if waiting && left > PATIENCE => {}
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(SurfaceError::Closed("MIDI")),
            }
        }
    }

    fn voice(&mut self) -> Option<Box<dyn Voice>> {
        let is_first = !std::mem::replace(&mut self.voice_given, true);
        is_first.then(|| Box::new(MidiVoice(self.mouths.clone())) as Box<dyn Voice>)
    }
}

impl<S: Sequencer, C> Drop for LiveMidi<S, C> {
    fn drop(&mut self) {
        // First of all, so that a connection that waits for a place in it is let go.
        self.queue = None;
        for connection in self.connections.drain(..) {
            self.mouths.take(connection.surface);
            self.roster.leave(connection.surface);
        }
        self.mouths.take(self.own);
        self.own_ear = None;
        self.roster.leave(self.own);
        if let Some(watcher) = self.watcher.take() {
            watcher.stop.store(true, Relaxed);
            // It looks at the flag three times a second; a panic of it has nothing left to say.
            let _ = watcher.thread.join();
        }
    }
}
