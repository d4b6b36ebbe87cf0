//! Live USB-MIDI: the selected controllers, connected as they come and let go as they go.
//!
//! A watcher waits for plugs and a reader a device for transfers; everything they say goes through one bounded queue, so
//! that what a controller said before its plug was pulled is told before its leaving. The bus is looked at four times a
//! second besides: a device that was refused (permission, another program) is taken as soon as it is free. The surface
//! itself only moves when it is asked for a gesture.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::bus::{Bus, Found, Refusal, Seat};
use super::descriptor::{Streaming, carries_sound, midi};
use super::plug::Plug;
use super::reader::{Heard, Reader};
use super::voice::{Line, Lines, UsbVoice};
use super::{LibUsb, UsbSelect};
use crate::gesture::{Clock, Gesture, Motion, Roster, Surface, SurfaceError, SurfaceId, Voice, WallClock};
use crate::midi::{Ear, Ears, PATIENCE, Pairing};

/// Gestures that may wait: a second of the densest controller stream.
const WAITING: usize = 1024;
/// How often the bus is looked at where nothing is heard of it.
const LOOK: Duration = Duration::from_millis(250);
/// Looks after which a refusal is told. Until then it may be udev, which sets permissions some time after the plug.
const PATIENT_LOOKS: u32 = 8;

/// The selected controllers as one surface.
pub struct UsbMidi<B: Bus = LibUsb, C = WallClock> {
    bus: Arc<B>,
    select: UsbSelect,
    clock: C,
    roster: Roster,
    pairing: Pairing,
    ears: Ears,
    /// None only while it is being dropped.
    queue: Option<Receiver<Heard>>,
    sender: SyncSender<Heard>,
    pending: VecDeque<Result<Gesture, SurfaceError>>,
    open: Vec<Open<B::Link>>,
    refused: Vec<Refused>,
    lines: Lines<B::Link>,
    voice_given: bool,
    dropped: Arc<AtomicU64>,
    watcher: Option<Watcher>,
}

/// A device that is open.
struct Open<L> {
    seat: Seat,
    plug: Plug,
    /// By cable.
    surfaces: Vec<SurfaceId>,
    stop: Arc<AtomicBool>,
    /// None where the device only listens.
    reader: Option<JoinHandle<()>>,
    /// It keeps the device open; the reader and the voice hold it too.
    _link: Arc<L>,
}

/// A device that is plugged in and not open.
struct Refused {
    seat: Seat,
    looks: u32,
    /// It is not tried again before it is plugged in again.
    for_good: bool,
}

struct Watcher {
    stop: Arc<AtomicBool>,
    /// A notice is in the queue and not read yet.
    noticed: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl UsbMidi {
    /// Opens the selected controllers, present and future; gestures carry the time of `clock`.
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] where the machine has no USB or libusb does not start.
    pub fn open(clock: WallClock, roster: &Roster, pairing: &Pairing, select: UsbSelect) -> Result<Self, SurfaceError> {
        let bus = LibUsb::new().map_err(no_usb)?;
        Self::over(bus, clock, roster, pairing, select)
    }
}

impl<B: Bus, C: Clock + Clone + Send + 'static> UsbMidi<B, C> {
    /// The same over any bus and clock.
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] where the bus cannot be listed.
    pub fn over(bus: B, clock: C, roster: &Roster, pairing: &Pairing, select: UsbSelect) -> Result<Self, SurfaceError> {
        let mut surface = Self::unwatched(bus, clock, roster, pairing, select)?;
        surface.watcher = surface.watch();
        Ok(surface)
    }

    /// Transfers and packets that were dropped because they were broken, since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// A surface that looks at the bus only when [`look`](Self::look) is called.
    pub(super) fn unwatched(
        bus: B,
        clock: C,
        roster: &Roster,
        pairing: &Pairing,
        select: UsbSelect,
    ) -> Result<Self, SurfaceError> {
        let (sender, queue) = sync_channel(WAITING);
        bus.devices().map_err(no_usb)?;
        let mut surface = Self {
            bus: Arc::new(bus),
            select,
            clock,
            roster: roster.clone(),
            pairing: pairing.clone(),
            ears: Ears::default(),
            queue: Some(queue),
            sender,
            pending: VecDeque::new(),
            open: Vec::new(),
            refused: Vec::new(),
            lines: Lines::default(),
            voice_given: false,
            dropped: Arc::default(),
            watcher: None,
        };
        surface.look();
        Ok(surface)
    }

    /// Starts the thread that waits for plugs; none if the system gives no thread (plugs are then seen at the start only).
    fn watch(&self) -> Option<Watcher> {
        let (stop, noticed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (bus, queue) = (Arc::clone(&self.bus), self.sender.clone());
        let (stopped, known) = (Arc::clone(&stop), Arc::clone(&noticed));
        let thread = Builder::new().name("usb plugs".to_owned()).spawn(move || {
            while !stopped.load(Relaxed) {
                bus.wait(LOOK);
                // One notice at a time. In a full queue it finds a place at the next look.
                if !known.swap(true, Relaxed) && queue.try_send(Heard::Look).is_err() {
                    known.store(false, Relaxed);
                }
            }
        });
        Some(Watcher { stop, noticed, thread: thread.ok()? })
    }

    /// Looks at the bus: lets go whom it no longer lists, then connects whom it does.
    pub(super) fn look(&mut self) {
        // A bus that cannot be listed now is looked at again soon.
        let Ok(mut found) = self.bus.devices() else { return };
        let is_here = |seat: Seat| found.iter().any(|it| it.seat == seat);
        self.refused.retain(|it| is_here(it.seat));
        let gone: Vec<Seat> = self.open.iter().map(|it| it.seat).filter(|seat| !is_here(*seat)).collect();
        for seat in &gone {
            let Some(open) = self.open.iter().find(|it| it.seat == *seat) else { continue };
            // Its reader says so when it has told everything; it may be at it.
            open.stop.store(true, Relaxed);
            if open.reader.is_none() {
                self.let_go(*seat, None);
            }
        }
        if self.open.iter().any(|it| gone.contains(&it.seat)) {
            // Whoever comes may be the one who is leaving, on another port: one after the other.
            return;
        }
        // So that equal controllers get the same numbers at every start.
        found.sort_by(|a, b| a.plug.port.cmp(&b.plug.port));
        found.iter().for_each(|it| self.consider(it));
    }

    /// Opens a device if it is selected, not open, and worth a try.
    fn consider(&mut self, found: &Found) {
        let Plug { vendor, product, .. } = found.plug;
        let is_open = self.open.iter().any(|it| it.seat == found.seat);
        if is_open || !self.select.takes(vendor, product, carries_sound(&found.interfaces)) || !self.is_due(found.seat)
        {
            return;
        }
        let Some(streaming) = midi(&found.interfaces) else {
            if matches!(self.select, UsbSelect::Models(_)) {
                let words =
                    format!("{}: it has no MIDI that follows the USB class, and is left alone", found.plug.words());
                self.pending.push_back(Err(SurfaceError::Unavailable(words)));
            }
            self.refused.push(Refused { seat: found.seat, looks: 0, for_good: true });
            return;
        };
        match self.bus.open(found, &streaming) {
            Ok(link) => {
                self.refused.retain(|it| it.seat != found.seat);
                self.connect(found, &streaming, link);
            }
            Err(Refusal::Gone) => {}
            Err(refusal) => self.refuse(found, &refusal),
        }
    }

    /// Whether a device may be tried: always at first, and now and then once its refusal was told.
    fn is_due(&mut self, seat: Seat) -> bool {
        let Some(refused) = self.refused.iter_mut().find(|it| it.seat == seat) else { return true };
        refused.looks += 1;
        !refused.for_good && (refused.looks <= PATIENT_LOOKS || refused.looks.is_multiple_of(PATIENT_LOOKS))
    }

    fn refuse(&mut self, found: &Found, refusal: &Refusal) {
        let known = self.refused.iter().find(|it| it.seat == found.seat);
        let looks = known.map_or(0, |it| it.looks);
        if known.is_none() {
            self.refused.push(Refused { seat: found.seat, looks, for_good: false });
        }
        if looks == PATIENT_LOOKS {
            self.pending.push_back(Err(SurfaceError::Unavailable(mending(&found.plug, refusal))));
        }
    }

    fn connect(&mut self, found: &Found, streaming: &Streaming, link: B::Link) {
        let link = Arc::new(link);
        let stop = Arc::new(AtomicBool::new(false));
        let [inputs, outputs] = [streaming.input, streaming.output].map(|it| it.map_or(0, |it| it.cables));
        let (mut surfaces, mut ears) = (Vec::new(), Vec::new());
        for cable in 0..inputs.max(outputs) {
            let identity = found.plug.identity(cable);
            let surface = self.roster.arrive(&identity);
            self.tell(surface, Motion::Connected(identity));
            surfaces.push(surface);
            if cable < inputs {
                ears.push(self.ears.add(Ear::of(surface, &self.pairing)));
            }
            if cable < outputs {
                self.lines.put(surface, Line { link: Arc::clone(&link), cable, words: found.plug.words() });
            }
        }
        let (seat, plug) = (found.seat, found.plug.clone());
        let mut open = Open { seat, plug, surfaces, stop: Arc::clone(&stop), reader: None, _link: Arc::clone(&link) };
        if !ears.is_empty() {
            let (clock, queue, dropped) = (self.clock.clone(), self.sender.clone(), Arc::clone(&self.dropped));
            let reader = Reader { seat, clock, ears, queue, dropped };
            let thread = Builder::new().name("usb midi".to_owned()).spawn(move || reader.run(&*link, &stop));
            open.reader = thread.ok();
        }
        let is_deaf = inputs > 0 && open.reader.is_none();
        self.open.push(open);
        if is_deaf {
            self.let_go(seat, Some("the system gives no thread for it".to_owned()));
        }
    }

    /// Forgets a device whose reader has ended, and says so.
    fn let_go(&mut self, seat: Seat, fault: Option<String>) {
        let Some(place) = self.open.iter().position(|it| it.seat == seat) else { return };
        let open = self.open.swap_remove(place);
        if let Some(reader) = open.reader {
            // It has said its last word; a panic of it has nothing left to say.
            let _ = reader.join();
        }
        for surface in open.surfaces {
            self.lines.take(surface);
            self.roster.leave(surface);
            self.tell(surface, Motion::Disconnected);
        }
        if let Some(fault) = fault {
            let fault = format!("{}: {fault} again and again, and is let go; plug it in again", open.plug.words());
            self.pending.push_back(Err(SurfaceError::Garbled { surface: "USB MIDI", fault }));
            self.refused.push(Refused { seat, looks: 0, for_good: true });
        }
    }

    fn tell(&mut self, surface: SurfaceId, motion: Motion) {
        self.pending.push_back(Ok(Gesture { at: self.clock.now(), surface, motion }));
    }
}

fn no_usb(words: String) -> SurfaceError {
    SurfaceError::Unavailable(format!("no USB MIDI: {words}, playing on without"))
}

/// What the player can do about a refusal.
fn mending(plug: &Plug, refusal: &Refusal) -> String {
    let what = match refusal {
        Refusal::Denied => {
            "install udev/70-demon-usb-midi.rules below /etc/udev/rules.d, put the user of this program into the group \
             audio, and plug it in again"
        }
        Refusal::Busy => "close the other program; it is taken as soon as it is free",
        Refusal::Gone | Refusal::Failed(_) => "it is tried again; if that does not help, plug it in again",
    };
    format!("{}: {refusal}; {what}", plug.words())
}

impl<B: Bus, C: Clock + Clone + Send + 'static> Surface for UsbMidi<B, C> {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = Instant::now() + patience;
        loop {
            if let Some(told) = self.pending.pop_front() {
                return told.map(Some);
            }
            let (overdue, waiting) = self.ears.overdue(self.clock.now());
            if !overdue.is_empty() {
                self.pending.extend(overdue.into_iter().map(Ok));
                continue;
            }
            let queue = self.queue.as_ref().ok_or(SurfaceError::Closed("USB MIDI"))?;
            let left = until.saturating_duration_since(Instant::now());
            // A half that waits for its other half may turn out to be alone.
            match queue.recv_timeout(if waiting { left.min(PATIENCE) } else { left }) {
                Ok(Heard::Gesture(gesture)) => return Ok(Some(gesture)),
                Ok(Heard::Look) => {
                    if let Some(watcher) = &self.watcher {
                        watcher.noticed.store(false, Relaxed);
                    }
                    self.look();
                }
                Ok(Heard::Ended(seat, fault)) => {
                    self.let_go(seat, fault);
                    self.look();
                }
                Err(RecvTimeoutError::Timeout) if waiting && left > PATIENCE => {}
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(SurfaceError::Closed("USB MIDI")),
            }
        }
    }

    fn voice(&mut self) -> Option<Box<dyn Voice>> {
        let is_first = !std::mem::replace(&mut self.voice_given, true);
        is_first.then(|| Box::new(UsbVoice(self.lines.clone())) as Box<dyn Voice>)
    }
}

impl<B: Bus, C> Drop for UsbMidi<B, C> {
    fn drop(&mut self) {
        // First of all, so that a reader that waits for a place in it is let go.
        self.queue = None;
        if let Some(watcher) = &self.watcher {
            watcher.stop.store(true, Relaxed);
        }
        self.open.iter().for_each(|it| it.stop.store(true, Relaxed));
        let readers = self.open.drain(..).flat_map(|it| {
            it.surfaces.iter().for_each(|surface| {
                self.lines.take(*surface);
                self.roster.leave(*surface);
            });
            it.reader
        });
        for thread in readers.chain(self.watcher.take().map(|it| it.thread)) {
            // A panic of it has nothing left to say.
            let _ = thread.join();
        }
    }
}
