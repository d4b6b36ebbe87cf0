//! What the player sees while it runs: the status in the terminal, or a line a second where there is none.

use std::collections::VecDeque;
use std::io::Stdout;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use engine::latent::SAMPLE_RATE_HZ;
use engine::param::ParamId;
use engine::playback::Meters;
use hal::display::TextPanel;

use crate::binding::{Act, KEY_HELP};
use crate::conductor::Conductor;
use crate::fast::Pulse;
use crate::terminal::{Status, WIDTH, lines};

/// How long a message stays.
const MESSAGE: Duration = Duration::from_secs(4);
/// How often a plain line is printed.
const PLAIN_LINE: Duration = Duration::from_secs(1);

/// The status display.
pub struct View {
    status: Status,
    panel: Option<TextPanel<Stdout>>,
    messages: VecDeque<String>,
    message_since: Instant,
    rates: Rates,
    line_at: Instant,
    place: String,
}

/// Ticks and latents a second, over about a second.
struct Rates {
    since: Instant,
    ticks: u64,
    latents: u64,
}

impl View {
    /// A display of one set; `plain` prints lines. `computes` says what computes it, `place` where the sound goes.
    #[must_use]
    pub fn new(plain: bool, source: &str, seconds: f64, computes: &str, place: &str) -> Self {
        let status =
            Status { source: source.to_owned(), seconds, where_: format!("{computes}, {place}"), ..Status::default() };
        let now = Instant::now();
        let mut view = Self {
            status,
            panel: (!plain).then(|| TextPanel::new(std::io::stdout(), WIDTH)),
            messages: VecDeque::new(),
            message_since: now,
            rates: Rates { since: now, ticks: 0, latents: 0 },
            line_at: now,
            place: place.to_owned(),
        };
        view.say(&format!("playing {source} ({seconds:.1} s), sound to {place}"));
        if !plain {
            let help: Vec<String> = KEY_HELP.iter().map(|(keys, what)| format!("{keys}: {what}")).collect();
            help.iter().for_each(|it| view.say(it));
        }
        view
    }

    /// Queues a message; in plain mode prints it.
    pub fn say(&mut self, message: &str) {
        if self.panel.is_none() {
            print(message);
        } else {
            self.messages.push_back(message.to_owned());
        }
    }

    /// Shows what came of a gesture; `muted` is how the tape stands after it.
    pub fn show(&mut self, act: &Act, muted: bool) {
        match act {
            Act::Moved(id) => (self.status.moved, self.status.waiting) = (Some(*id), None),
            Act::Waiting(id, place) => (self.status.moved, self.status.waiting) = (Some(*id), Some(*place)),
            Act::Selected(id) => (self.status.moved, self.status.waiting) = (Some(*id), None),
            Act::Came(..) => self.status.controllers += 1,
            Act::Went(_) => self.status.controllers = self.status.controllers.saturating_sub(1),
            _ => {}
        }
        let words = match act {
            Act::Mute => Some(if muted { "muted" } else { "playing again" }.to_owned()),
            other => other.words(),
        };
        if let Some(words) = words {
            // What a hand just did is news; what waited behind it is not.
            self.messages.clear();
            self.say(&words);
            self.message_since = Instant::now().checked_sub(MESSAGE).unwrap_or(self.message_since);
        }
    }

    /// Draws the status of now.
    pub fn draw(&mut self, conductor: &Conductor, pulse: &Pulse) {
        self.take(conductor, pulse);
        match &mut self.panel {
            // A terminal that is gone is no reason to stop playing.
            Some(panel) => drop(panel.show(&lines(&self.status))),
            None if PLAIN_LINE <= self.line_at.elapsed() => {
                self.line_at = Instant::now();
                print(&plain_line(&self.status));
            }
            None => {}
        }
    }

    fn take(&mut self, conductor: &Conductor, pulse: &Pulse) {
        let (transport, status) = (conductor.transport(), &mut self.status);
        let (meters, frames) = (transport.meters(), transport.tape_frames());
        let part = |place: usize| place as f32 / frames as f32;
        status.position = part(transport.playhead().position);
        status.window = (pulse.windows.load(Relaxed) > 0)
            .then(|| (part(pulse.window[0].load(Relaxed)), part(pulse.window[1].load(Relaxed))));
        status.values = *conductor.store().values();
        status.selected = conductor.binding().selected();
        status.slots = pulse.slots(status.values.whole(ParamId::Depth));
        status.lead_ms = pulse.lead.load(Relaxed) as f32 * 1e3 / SAMPLE_RATE_HZ as f32;
        status.xruns = meters.underruns.load(Relaxed);
        status.late = meters.windows_late.load(Relaxed);
        status.non_finite = meters.non_finite_frames.load(Relaxed) + meters.windows_non_finite.load(Relaxed);
        status.peaks = meters.take_peaks();
        status.limiting = meters.take_limiter_gain() < 0.999;
        status.muted = transport.muted();
        let elapsed = self.rates.since.elapsed().as_secs_f32();
        if elapsed >= 1.0 {
            let (ticks, latents) = (pulse.ticks.load(Relaxed), pulse.latents.load(Relaxed));
            status.ticks_per_s = (ticks - self.rates.ticks) as f32 / elapsed;
            status.finished_per_s = (latents - self.rates.latents) as f32 / elapsed;
            self.rates = Rates { since: Instant::now(), ticks, latents };
        }
        if pulse.away.load(Relaxed) {
            "the sound device is away; playing on, waiting for it".clone_into(&mut self.status.message);
        } else if MESSAGE <= self.message_since.elapsed() || self.status.message.is_empty() {
            self.status.message = self.messages.pop_front().unwrap_or_default();
            self.message_since = Instant::now();
        }
    }

    /// Leaves the terminal as it was found.
    pub fn close(&mut self) {
        self.panel = None;
    }

    /// One line on how it went.
    pub fn farewell(&self, pulse: &Pulse, meters: &Meters) {
        print(&format!(
            "{} ticks, {} generations, {} windows ({} late), {} underruns; the sound went to {}",
            pulse.ticks.load(Relaxed),
            pulse.latents.load(Relaxed),
            pulse.windows.load(Relaxed),
            meters.windows_late.load(Relaxed),
            meters.underruns.load(Relaxed),
            self.place,
        ));
    }
}

fn plain_line(status: &Status) -> String {
    let id = status.spotlight();
    format!(
        "{:5.1} s  {:.1} ticks/s  {:.1} gen/s  lead {:.0} ms  underruns {}  late {}  peak {:.2}  {} {}",
        f64::from(status.position) * status.seconds,
        status.ticks_per_s,
        status.finished_per_s,
        status.lead_ms,
        status.xruns,
        status.late,
        status.peaks[0].max(status.peaks[1]),
        id.row().words,
        id.row().written(status.values.exact(id)),
    )
}

#[expect(clippy::print_stdout, reason = "this is the program's own voice, not a library's")]
fn print(line: &str) {
    println!("{line}");
}
