//! What the player sees while it runs: the status on the terminal's screen and on displays, or lines where there is no screen.
//!
//! [`start`] shows how far the start is, from its first moment. [`fill`] reads the status off everybody, [`rates`] keep times and rates, [`engine`] sees when a fault of the engine is over;
//! [`Messages`] hold what is told. Here they are joined and drawn.

mod counted;
mod engine;
mod fill;
mod pace;
mod rates;
mod start;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ::engine::param::ParamId;
use ::engine::playback::Meters;
use hal::gesture::{Clock as _, WallClock};

use crate::compute::health::Watch;
use crate::control::binding::Act;
use crate::display::displays::Displays;
use crate::display::messages::{FaultKey, Level, Messages};
use crate::display::status::{HandToEar, Pick, Status};
use crate::display::terminal::Terminal;
use crate::performance::conductor::Conductor;
use crate::performance::threads::Pulse;
use crate::service::journal;
use rates::{Rates, Times};
pub use start::LAST_WORDS;
use start::Start;

/// How long a part of the faults stands before the next one does: as long as the longest takes to read.
pub const FAULT_TURN: Duration = Duration::from_secs(2);
/// How long the list of parameters stays after the last turn.
const BROWSING: Duration = Duration::from_millis(1500);

/// The status display.
pub struct View {
    status: Status,
    terminal: Terminal,
    messages: Messages,
    /// Lines go to a journal, which has every message as an event already.
    journal: bool,
    rates: Rates,
    place: String,
    displays: Displays,
    clock: WallClock,
    /// How far the start is, until it is over.
    start: Option<Start>,
    gpu: Option<Watch>,
    ticks: Times,
    decodes: Times,
    /// Tick side and decode side.
    engine: [engine::Side; 2],
    pace: pace::Pace,
    /// Until when the list of parameters is shown.
    browsing: Option<Instant>,
    /// Since when the faults that stand are these.
    faults_since: Duration,
    /// When the time of the gestures began.
    epoch: Instant,
    /// The time of the last picture.
    moment: Instant,
    /// When it was last noted how it goes.
    noted: Duration,
}

impl View {
    /// A view on a terminal and the box's displays, of an instrument that starts. `clock` is the time of the gestures.
    #[must_use]
    pub fn new(terminal: Terminal, displays: Displays, clock: WallClock) -> Self {
        let now = Instant::now();
        let epoch = now.checked_sub(clock.now()).unwrap_or(now);
        let journal = terminal.is_plain() && journal::holds(std::io::stdout());
        let messages = Messages::new(terminal.is_plain() && !journal, []);
        let start = Some(Start::new(terminal.is_plain()));
        Self {
            status: Status::default(),
            terminal,
            messages,
            journal,
            rates: Rates::new(now),
            place: String::new(),
            displays,
            clock,
            start,
            gpu: None,
            ticks: Times::default(),
            decodes: Times::default(),
            engine: [FaultKey::EngineTick, FaultKey::EngineDecode].map(engine::Side::new),
            pace: pace::Pace::default(),
            browsing: None,
            faults_since: Duration::ZERO,
            epoch,
            moment: now,
            noted: Duration::ZERO,
        }
    }

    /// The start is over: this is played. `computes` says what computes it, `place` where the sound goes.
    pub fn begin(&mut self, (source, seconds): (&str, f64), computes: &str, place: &str, gpu: Watch) {
        self.start = None;
        self.status.boot = None;
        (self.status.source, self.status.seconds) = (source.to_owned(), seconds);
        self.status.where_ = format!("{computes}, {place}");
        (self.place, self.gpu) = (place.to_owned(), Some(gpu));
        self.rates = Rates::new(self.epoch + self.clock.now());
        self.say(&format!("playing {source} ({seconds:.1} s), sound to {place}"));
        self.print_messages();
    }

    /// Another recording is played.
    pub fn plays(&mut self, source: &str, seconds: f64) {
        (self.status.source, self.status.seconds) = (source.to_owned(), seconds);
    }

    /// Shows from now on how long a gesture takes, as it was measured last.
    pub fn measured(&mut self, hand_to_ear: Option<HandToEar>) {
        self.status.hand_to_ear = hand_to_ear;
    }

    /// What the displays were given last.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// The displays, for what stands on them.
    pub const fn displays(&mut self) -> &mut Displays {
        &mut self.displays
    }

    /// Where everything is told.
    pub const fn messages(&mut self) -> &mut Messages {
        &mut self.messages
    }

    /// Tells something that happened as it should.
    pub fn say(&mut self, message: &str) {
        self.messages.tell(Level::Info, message);
    }

    /// Shows what came of a gesture; `muted` is how the tape stands after it.
    pub fn show(&mut self, act: &Act, muted: bool) {
        match act {
            Act::Moved(id) => (self.status.moved, self.status.waiting) = (Some(*id), None),
            Act::Waiting(id, place) => (self.status.moved, self.status.waiting) = (Some(*id), Some(*place)),
            Act::Selected(id) => {
                (self.status.moved, self.status.waiting) = (Some(*id), None);
                self.browsing = Some(self.moment + BROWSING);
            }
            Act::KeyList(asked) => self.status.key_list = *asked,
            Act::Closed => (self.status.key_list, self.browsing) = (0, None),
            Act::NextScreen => self.displays.turn(),
            Act::Came(..) => self.status.controllers += 1,
            Act::Went(_) => self.status.controllers = self.status.controllers.saturating_sub(1),
            _ => {}
        }
        let words = match act {
            Act::Mute => Some(if muted { "muted" } else { "playing again" }.to_owned()),
            other => other.words(),
        };
        let Some(words) = words else { return };
        match act {
            Act::Refused(_) => self.messages.tell(Level::Warning, &words),
            Act::Came(..) | Act::Went(_) => self.messages.tell(Level::Info, &words),
            _ => self.messages.hand(&words),
        }
    }

    /// Draws the status of now; `around` writes what stands around the conductor into it.
    pub fn draw(&mut self, conductor: &Conductor, pulse: &Pulse, around: impl FnOnce(&mut Status), now: Duration) {
        let moment = self.epoch + now;
        self.moment = moment;
        fill::sound(&mut self.status, conductor, pulse);
        fill::hands(&mut self.status, conductor, now);
        around(&mut self.status);
        self.take_times(pulse, moment);
        self.take_pick();
        self.look_for_faults(pulse, moment);
        self.take_messages(moment, now);
        self.note_counters(pulse, conductor.transport().meters(), now);
        self.show_on_displays(now);
        self.print_messages();
        if !self.journal {
            self.terminal.show(&self.status);
        }
    }

    /// Hands the status to the displays, and takes what is wrong with them.
    fn show_on_displays(&mut self, now: Duration) {
        for (display, fault) in self.displays.show(&self.status, now) {
            let key = FaultKey::Display(display);
            match fault {
                Some(words) => self.messages.fault(key, &words),
                None => self.messages.over(&key),
            }
        }
    }

    /// Times and rates of late.
    fn take_times(&mut self, pulse: &Pulse, now: Instant) {
        // At rest what took long last would be told again and again.
        for (times, took, rests) in [
            (&mut self.ticks, &pulse.tick_us, &pulse.ticks_rest),
            (&mut self.decodes, &pulse.window_us, &pulse.windows_rest),
        ] {
            if !rests.load(Relaxed) {
                times.add(took.load(Relaxed) as f32 / 1e3);
            }
        }
        let status = &mut self.status;
        (status.tick, status.decode) = (self.ticks.took(), self.decodes.took());
        status.gpu = self.gpu.as_ref().and_then(Watch::last);
        if let Some(rates) = self.rates.count(now, [pulse.ticks.load(Relaxed), pulse.latents.load(Relaxed)]) {
            [status.ticks_per_s, status.finished_per_s] = rates;
        }
    }

    /// The list of parameters, while somebody browses.
    fn take_pick(&mut self) {
        self.browsing = self.browsing.filter(|until| self.moment < *until);
        let selected = self.status.selected;
        self.status.pick = self.browsing.map(|_| {
            let list: Vec<ParamId> = ParamId::all().collect();
            let cursor = list.iter().position(|id| *id == selected).unwrap_or(0);
            Pick { list, cursor }
        });
    }

    /// Faults that the fast threads show by their counters.
    fn look_for_faults(&mut self, pulse: &Pulse, now: Instant) {
        let count = |it: &std::sync::atomic::AtomicU64| it.load(Relaxed);
        let failed = count(&pulse.failed_ticks);
        let done = count(&pulse.ticks).saturating_sub(failed);
        let ticks = ((done, failed + count(&pulse.tick_crashes)), pulse.ticks_rest.load(Relaxed));
        let lost = count(&pulse.dropped) + count(&pulse.window_crashes);
        let windows = ((count(&pulse.windows), lost), pulse.windows_rest.load(Relaxed));
        // At rest nobody is slow.
        let held_back = if ticks.1 { 0 } else { pulse.held_back.load(Relaxed) };
        self.pace.look(now, held_back, &mut self.messages);
        for (side, (counts, rests)) in self.engine.iter_mut().zip([ticks, windows]) {
            side.look(now, counts, rests, &mut self.messages);
        }
    }

    /// The line of news, and the faults, which are read a part at a time where there is no room for all.
    fn take_messages(&mut self, moment: Instant, now: Duration) {
        self.messages.line(moment).clone_into(&mut self.status.message);
        if !self.messages.standing().eq(self.status.faults.iter().map(String::as_str)) {
            self.status.faults = self.messages.standing().map(str::to_owned).collect();
            self.faults_since = now;
        }
        let turns = now.saturating_sub(self.faults_since).as_nanos() / FAULT_TURN.as_nanos();
        self.status.fault_page = turns as usize;
    }

    fn print_messages(&mut self) {
        while let Some(line) = self.messages.next_line() {
            self.terminal.print(&line);
        }
    }

    /// Leaves the terminal as it was found; displays and who watches the card are handed to whoever closes them.
    pub fn close(&mut self) -> (Displays, Option<Watch>) {
        self.print_messages();
        self.terminal.close();
        (std::mem::take(&mut self.displays), self.gpu.take())
    }

    /// Says which surfaces did not end in time.
    pub fn not_closed(&self, names: &[String]) {
        names.iter().for_each(|name| self.terminal.print(&format!("{name} did not end in time")));
    }

    /// One line on how it went.
    pub fn farewell(&self, pulse: &Pulse, meters: &Meters) {
        let given_up = pulse.unsound.load(Relaxed) + pulse.refused.load(Relaxed);
        self.terminal.print(&format!(
            "{} ticks, {} generations, {given_up} given up, {} windows ({} late), {} underruns; the sound went to {}",
            pulse.ticks.load(Relaxed),
            pulse.latents.load(Relaxed),
            pulse.windows.load(Relaxed),
            meters.windows_late.load(Relaxed),
            meters.underruns.load(Relaxed),
            self.place,
        ));
    }
}

#[cfg(test)]
mod tests;
