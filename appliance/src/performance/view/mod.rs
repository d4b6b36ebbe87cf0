//! What the player sees while it runs: the status on the terminal's screen and on displays, or lines where there is no screen.
//!
//! [`fill`] reads the status off everybody, [`rates`] keep times and rates, [`engine`] sees when a fault of the engine is over;
//! [`Messages`] hold what is told. Here they are joined and drawn.

mod engine;
mod fill;
mod rates;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ::engine::param::ParamId;
use ::engine::playback::Meters;

use crate::compute::health::Watch;
use crate::control::binding::Act;
use crate::display::displays::Displays;
use crate::display::journal;
use crate::display::messages::{FaultKey, Level, Messages};
use crate::display::status::{Pick, Status};
use crate::display::terminal::Terminal;
use crate::performance::conductor::Conductor;
use crate::performance::threads::Pulse;
use rates::{Rates, Times};

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
    gpu: Option<Watch>,
    ticks: Times,
    decodes: Times,
    /// Tick side and decode side.
    engine: [engine::Side; 2],
    /// Until when the list of parameters is shown.
    browsing: Option<Instant>,
}

impl View {
    /// A display of one set on a terminal. `computes` says what computes it, `place` where the sound goes.
    #[must_use]
    pub fn new(terminal: Terminal, source: &str, seconds: f64, computes: &str, place: &str) -> Self {
        let status =
            Status { source: source.to_owned(), seconds, where_: format!("{computes}, {place}"), ..Status::default() };
        let now = Instant::now();
        let journal = terminal.is_plain() && journal::holds(std::io::stdout());
        let messages = Messages::new(terminal.is_plain() && !journal, []);
        let mut view = Self {
            status,
            terminal,
            messages,
            journal,
            rates: Rates::new(now),
            place: place.to_owned(),
            displays: Displays::default(),
            gpu: None,
            ticks: Times::default(),
            decodes: Times::default(),
            engine: [FaultKey::EngineTick, FaultKey::EngineDecode].map(engine::Side::new),
            browsing: None,
        };
        view.say(&format!("playing {source} ({seconds:.1} s), sound to {place}"));
        view.print_messages();
        view
    }

    /// Adds the box's displays, and who watches the card.
    #[must_use]
    pub fn with(mut self, displays: Displays, gpu: Watch) -> Self {
        (self.displays, self.gpu) = (displays, Some(gpu));
        self
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
                self.browsing = Some(Instant::now() + BROWSING);
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

    /// Draws the status of now.
    pub fn draw(&mut self, conductor: &Conductor, pulse: &Pulse, patch: &str, now: Duration) {
        let moment = Instant::now();
        fill::sound(&mut self.status, conductor, pulse);
        fill::hands(&mut self.status, conductor, patch, now);
        self.take_times(pulse, moment);
        self.take_pick();
        self.look_for_faults(pulse, moment);
        self.take_messages(moment);
        for (display, fault) in self.displays.show(&self.status, now) {
            let key = FaultKey::Display(display);
            match fault {
                Some(words) => self.messages.fault(key, &words),
                None => self.messages.over(&key),
            }
        }
        self.print_messages();
        if !self.journal {
            self.terminal.show(&self.status);
        }
    }

    /// Times and rates of late.
    fn take_times(&mut self, pulse: &Pulse, now: Instant) {
        self.ticks.add(pulse.tick_us.load(Relaxed) as f32 / 1e3);
        self.decodes.add(pulse.window_us.load(Relaxed) as f32 / 1e3);
        let status = &mut self.status;
        (status.tick, status.decode) = (self.ticks.took(), self.decodes.took());
        status.gpu = self.gpu.as_ref().and_then(Watch::last);
        if let Some(rates) = self.rates.count(now, [pulse.ticks.load(Relaxed), pulse.latents.load(Relaxed)]) {
            [status.ticks_per_s, status.finished_per_s] = rates;
        }
    }

    /// The list of parameters, while somebody browses.
    fn take_pick(&mut self) {
        self.browsing = self.browsing.filter(|until| Instant::now() < *until);
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
        let ticks = (count(&pulse.ticks).saturating_sub(failed), failed);
        let windows = (count(&pulse.windows), count(&pulse.dropped));
        for (side, counts) in self.engine.iter_mut().zip([ticks, windows]) {
            side.look(now, counts, &mut self.messages);
        }
    }

    /// The line of news, and the worst fault.
    fn take_messages(&mut self, now: Instant) {
        self.messages.line(now).clone_into(&mut self.status.message);
        self.status.fault = self.messages.worst().map(str::to_owned);
        self.status.further_faults = self.messages.further();
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
