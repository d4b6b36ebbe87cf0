//! Live MIDI: every input port of the ALSA sequencer, connected as it comes and let go as it goes, and a port of our own
//! that other programs can connect to.
//!
//! Each connection has its own parser and its own thread (midir's); gestures meet in one bounded queue, and a full queue
//! holds that thread up, since the sequencer behind it can wait and a gesture must not be lost. A watcher hears the
//! sequencer's announcements, so that a late plug needs no polling. Without a sequencer (no `/dev/snd/seq`: a container, or
//! the module is missing) opening says so in words; the program plays on without MIDI.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alsa::Direction;
use alsa::seq::{Addr, EventType, PortCap, PortSubscribe, PortType, Seq};
use midir::os::unix::VirtualInput;
use midir::{MidiInput, MidiInputConnection};

use super::{Listener, Wire};
use crate::gesture::{Clock, Gesture, Identity, Motion, Roster, Surface, SurfaceError, SurfaceId, WallClock};

/// Our name among the sequencer's clients.
const CLIENT: &std::ffi::CStr = c"DEMON box";
/// The sequencer's device.
const SEQUENCER: &str = "/dev/snd/seq";
/// Gestures that may wait: a second of the densest controller stream.
const WAITING: usize = 1024;
/// How often the watcher looks whether it should end.
const WATCH_MS: i32 = 300;

/// What the connections and the watcher say.
enum Heard {
    Gesture(Gesture),
    PortsChanged,
}

/// All MIDI inputs of the machine as one surface.
pub struct LiveMidi {
    queue: Receiver<Heard>,
    sender: SyncSender<Heard>,
    clock: WallClock,
    paired: u32,
    roster: Roster,
    /// By the sequencer's name of the port, with its numbers: what is connected now.
    connections: HashMap<String, (SurfaceId, MidiInputConnection<Ear>)>,
    own_port: Option<MidiInputConnection<Ear>>,
    pending: Vec<Gesture>,
    watcher: Option<(JoinHandle<()>, Arc<AtomicBool>)>,
}

/// What one connection needs to make gestures of bytes.
struct Ear {
    wire: Wire,
    listener: Listener,
    clock: WallClock,
    surface: SurfaceId,
    queue: SyncSender<Heard>,
}

impl Ear {
    fn hear(_stamp_us: u64, bytes: &[u8], ear: &mut Self) {
        for byte in bytes {
            let Some(motion) = ear.wire.feed(*byte).and_then(|message| ear.listener.hear(message)) else { continue };
            let gesture = Gesture { at: ear.clock.now(), surface: ear.surface, motion };
            // Blocks while the queue is full. It errs only when the surface is gone, and then nobody listens.
            let _ = ear.queue.send(Heard::Gesture(gesture));
        }
    }
}

impl LiveMidi {
    /// Opens all inputs, present and future; gestures carry the time of `clock`. `paired` as in [`Listener::pairing`].
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] where the machine has no ALSA sequencer.
    pub fn open(clock: WallClock, roster: &Roster, paired: u32) -> Result<Self, SurfaceError> {
        // Asked first: libasound prints its own complaint about a missing device, and the player should not see it.
        if !std::path::Path::new(SEQUENCER).exists() {
            return Err(SurfaceError::Unavailable(format!(
                "no MIDI: {SEQUENCER} is missing (kernel module snd-seq), playing on without controllers"
            )));
        }
        let (sender, queue) = sync_channel(WAITING);
        let mut surface = Self {
            queue,
            sender,
            clock,
            paired,
            roster: roster.clone(),
            connections: HashMap::new(),
            own_port: None,
            pending: Vec::new(),
            watcher: None,
        };
        surface.own_port = surface.open_own_port();
        surface.watcher = watch(surface.sender.clone());
        surface.follow_ports()?;
        Ok(surface)
    }

    fn client() -> Result<MidiInput, SurfaceError> {
        MidiInput::new(&CLIENT.to_string_lossy()).map_err(|error| {
            SurfaceError::Unavailable(format!("no MIDI: {SEQUENCER} does not open ({error}), playing on without"))
        })
    }

    fn ear(&self, surface: SurfaceId) -> Ear {
        Ear {
            wire: Wire::default(),
            listener: Listener::pairing(self.paired),
            clock: self.clock,
            surface,
            queue: self.sender.clone(),
        }
    }

    /// The port for other programs. Its absence is not worth a word: real controllers do not need it.
    fn open_own_port(&mut self) -> Option<MidiInputConnection<Ear>> {
        let id = self.roster.arrive(&Identity::new("other programs", "alsa other programs"));
        Self::client().ok()?.create_virtual("knobs", Ear::hear, self.ear(id)).ok()
    }

    /// Connects whom the system lists and lets go whom it no longer does.
    fn follow_ports(&mut self) -> Result<(), SurfaceError> {
        let client = Self::client()?;
        let mut present = Vec::new();
        for port in client.ports() {
            let Ok(name) = client.port_name(&port) else { continue };
            if !name.starts_with(&*CLIENT.to_string_lossy()) {
                present.push((port, name));
            }
        }
        let gone: Vec<String> =
            self.connections.keys().filter(|it| !present.iter().any(|(_, name)| name == *it)).cloned().collect();
        for name in gone {
            let Some((id, _)) = self.connections.remove(&name) else { continue };
            self.roster.leave(id);
            self.pending.push(Gesture { at: self.clock.now(), surface: id, motion: Motion::Disconnected });
        }
        for (port, name) in present {
            if self.connections.contains_key(&name) {
                continue;
            }
            let lasting = lasting_name(&name);
            let identity = Identity::new(lasting, format!("alsa {lasting}"));
            let id = self.roster.arrive(&identity);
            // Gone again already: its announcement is on its way.
            let Ok(connection) = Self::client()?.connect(&port, "knobs", Ear::hear, self.ear(id)) else {
                self.roster.leave(id);
                continue;
            };
            self.connections.insert(name, (id, connection));
            let motion = Motion::Connected(identity);
            self.pending.push(Gesture { at: self.clock.now(), surface: id, motion });
        }
        Ok(())
    }
}

impl Surface for LiveMidi {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = Instant::now() + patience;
        loop {
            if !self.pending.is_empty() {
                return Ok(Some(self.pending.remove(0)));
            }
            match self.queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Heard::Gesture(gesture)) => return Ok(Some(gesture)),
                Ok(Heard::PortsChanged) => self.follow_ports()?,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(SurfaceError::Closed("MIDI")),
            }
        }
    }
}

impl Drop for LiveMidi {
    fn drop(&mut self) {
        if let Some((thread, stop)) = self.watcher.take() {
            stop.store(true, Ordering::Relaxed);
            // It looks at the flag three times a second; a panic of it has nothing left to say.
            let _ = thread.join();
        }
    }
}

/// The part of a port's name that a replug keeps: midir ends it with the client's and port's numbers.
fn lasting_name(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((lasting, numbers)) if numbers.chars().all(|c| c.is_ascii_digit() || c == ':') => lasting,
        _ => name,
    }
}

/// Starts the thread that hears the sequencer's announcements; none if it cannot (plugs are then seen at the start only).
fn watch(changed: SyncSender<Heard>) -> Option<(JoinHandle<()>, Arc<AtomicBool>)> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let seq = announcements().ok()?;
    let thread = std::thread::Builder::new().name("midi plugs".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            let capture = (&seq, Some(Direction::Capture));
            let ready = alsa::poll::poll_all(&[&capture], WATCH_MS);
            if ready.is_ok_and(|ready| !ready.is_empty()) && has_news(&seq) {
                // A full queue already holds up everyone; one more notice behind it is enough.
                let _ = changed.try_send(Heard::PortsChanged);
            }
        }
    });
    Some((thread.ok()?, stop))
}

/// A client that is told who comes and goes.
fn announcements() -> alsa::Result<Seq> {
    let seq = Seq::open(None, Some(Direction::Capture), true)?;
    seq.set_client_name(CLIENT)?;
    let port = seq.create_simple_port(
        c"plugs",
        PortCap::WRITE | PortCap::SUBS_WRITE | PortCap::NO_EXPORT,
        PortType::APPLICATION,
    )?;
    let subscription = PortSubscribe::empty()?;
    subscription.set_sender(Addr::system_announce());
    subscription.set_dest(Addr { client: seq.client_id()?, port });
    seq.subscribe_port(&subscription)?;
    Ok(seq)
}

/// Reads what was announced; whether any of it is a port that came or went.
fn has_news(seq: &Seq) -> bool {
    let mut input = seq.input();
    let mut news = false;
    while input.event_input_pending(true).is_ok_and(|waiting| waiting > 0) {
        let Ok(event) = input.event_input() else { break };
        news |= matches!(
            event.get_type(),
            EventType::PortStart | EventType::PortExit | EventType::ClientStart | EventType::ClientExit
        );
    }
    news
}

#[cfg(test)]
mod tests {
    use super::{Ear, Heard, LiveMidi, SEQUENCER, lasting_name};
    use crate::gesture::{Control, Motion, Position, Roster, SurfaceError, SurfaceId, WallClock};
    use crate::midi::{Listener, Wire};

    #[test]
    fn a_name_keeps_what_a_replug_keeps() {
        assert_eq!(lasting_name("nanoKONTROL2:nanoKONTROL2 MIDI 1 28:0"), "nanoKONTROL2:nanoKONTROL2 MIDI 1");
        assert_eq!(lasting_name("odd name"), "odd name");
    }

    #[test]
    fn a_machine_without_a_sequencer_is_told_in_words() {
        if std::path::Path::new(SEQUENCER).exists() {
            return; // held where it can be: in containers
        }
        match LiveMidi::open(WallClock::start(), &Roster::default(), 0) {
            Err(SurfaceError::Unavailable(words)) => assert!(words.contains(SEQUENCER) && words.contains("without")),
            Err(other) => panic!("expected it to be unavailable, found {other}"),
            Ok(_) => panic!("opened a sequencer that is not there"),
        }
    }

    #[test]
    fn a_packet_of_several_messages_is_several_gestures() {
        let (queue, heard) = std::sync::mpsc::sync_channel(8);
        let (wire, listener, clock) = (Wire::default(), Listener::default(), WallClock::start());
        let mut ear = Ear { wire, listener, clock, surface: SurfaceId(5), queue };
        Ear::hear(0, &[0xb0, 1, 2, 1, 3], &mut ear);
        drop(ear);
        let told: Vec<_> = heard
            .iter()
            .map(|heard| match heard {
                Heard::Gesture(gesture) => (gesture.surface, gesture.motion),
                Heard::PortsChanged => panic!("no port changed"),
            })
            .collect();
        let knob = Control::Cc { channel: 1, number: 1 };
        assert_eq!(told, [2, 3].map(|to| (SurfaceId(5), Motion::Turned(knob, Position::Seven(to)))));
    }
}
