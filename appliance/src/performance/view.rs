//! What the player sees while it runs: the status in the terminal, or a line a second where there is none.

use std::collections::VecDeque;
use std::io::{Stdout, Write as _};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use engine::latent::SAMPLE_RATE_HZ;
use engine::param::ParamId;
use engine::playback::Meters;
use hal::display::TextPanel;

use crate::compute::health::Watch;
use crate::control::binding::{Act, KEY_HELP, prompt};
use crate::control::tempo::Source;
use crate::display::displays::Displays;
use crate::display::status::{Morph, Pick, Status, Tempo, Took};
use crate::display::text::{WIDTH, lines};
use crate::files::plain;
use crate::performance::conductor::Conductor;
use crate::performance::threads::Pulse;

/// How long a message stays.
const MESSAGE: Duration = Duration::from_secs(4);
/// How often the terminal is drawn; displays are drawn with every call.
const TERMINAL_FRAME: Duration = Duration::from_millis(100);
/// How long the list of parameters stays after the last turn.
const BROWSING: Duration = Duration::from_millis(1500);
/// Times that the display looks back on: two seconds.
const TIMES: usize = 64;
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
    drawn_at: Instant,
    place: String,
    displays: Displays,
    gpu: Option<Watch>,
    ticks: Times,
    decodes: Times,
    /// Until when the list of parameters is shown.
    browsing: Option<Instant>,
    /// What is not over yet, each under its name; the first is shown.
    faults: Vec<(&'static str, String)>,
}

/// The last few times that something took, in milliseconds.
#[derive(Default)]
struct Times(VecDeque<f32>);

impl Times {
    fn add(&mut self, ms: f32) {
        if self.0.len() == TIMES {
            self.0.pop_front();
        }
        self.0.push_back(ms);
    }

    fn took(&self) -> Took {
        let mut sorted: Vec<f32> = self.0.iter().copied().collect();
        sorted.sort_by(f32::total_cmp);
        let (p50_ms, max_ms) = (sorted.get(sorted.len() / 2), sorted.last());
        Took { p50_ms: p50_ms.copied().unwrap_or_default(), max_ms: max_ms.copied().unwrap_or_default() }
    }
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
            drawn_at: now,
            place: place.to_owned(),
            displays: Displays::default(),
            gpu: None,
            ticks: Times::default(),
            decodes: Times::default(),
            browsing: None,
            faults: Vec::new(),
        };
        view.say(&format!("playing {source} ({seconds:.1} s), sound to {place}"));
        if !plain {
            let help: Vec<String> = KEY_HELP.iter().map(|(keys, what)| format!("{keys}: {what}")).collect();
            help.iter().for_each(|it| view.say(it));
        }
        view
    }

    /// Adds the box's displays, and who watches the card.
    #[must_use]
    pub fn with(mut self, displays: Displays, gpu: Watch) -> Self {
        (self.displays, self.gpu) = (displays, Some(gpu));
        self
    }

    /// Queues a message; in plain mode prints it.
    pub fn say(&mut self, message: &str) {
        if self.panel.is_none() {
            print(message);
        } else {
            self.messages.push_back(message.to_owned());
        }
    }

    /// A fault that stands until [`Self::over`], said now.
    pub fn fault(&mut self, name: &'static str, words: &str) {
        self.over(name);
        self.faults.push((name, words.to_owned()));
        self.say(words);
    }

    /// The fault of this name is over.
    pub fn over(&mut self, name: &'static str) {
        self.faults.retain(|it| it.0 != name);
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
            Act::NextScreen => self.displays.turn(),
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
    pub fn draw(&mut self, conductor: &Conductor, pulse: &Pulse, patch: &str, now: Duration) {
        self.take(conductor, pulse);
        self.take_hands(conductor, patch, now);
        if let Some(fault) = self.displays.show(&self.status, now) {
            self.say(&fault);
        }
        match &mut self.panel {
            // A terminal that is gone is no reason to stop playing.
            Some(panel) if TERMINAL_FRAME <= self.drawn_at.elapsed() => {
                self.drawn_at = Instant::now();
                drop(panel.show(&lines(&self.status)));
            }
            Some(_) => {}
            None if PLAIN_LINE <= self.line_at.elapsed() => {
                self.line_at = Instant::now();
                print(&plain_line(&self.status));
            }
            None => {}
        }
    }

    /// What the hands have done, and how the machine is.
    fn take_hands(&mut self, conductor: &Conductor, patch: &str, now: Duration) {
        let (status, binding, desk) = (&mut self.status, conductor.binding(), conductor.desk());
        patch.clone_into(&mut status.patch);
        (status.scene, status.scene_changed) = desk.scene().map_or((None, false), |(at, moved)| (Some(at), moved));
        status.morph = desk.morphing().map(|((a, b), position)| Morph { scenes: [a, b], position });
        status.undo = desk.store().undo_depth();
        status.gpu = self.gpu.as_ref().and_then(Watch::last);
        (status.tick, status.decode) = (self.ticks.took(), self.decodes.took());
        status.learn = binding.learning().is_on().then(|| prompt(binding.learning().target()));
        let playing = binding.playing();
        status.layer = match (playing.bank, playing.shift) {
            (0, false) => String::new(),
            (0, true) => "shift".to_owned(),
            (bank, false) => format!("{}", bank + 1),
            (bank, true) => format!("{} shift", bank + 1),
        };
        let tempo = conductor.tempo();
        status.tempo = tempo.source(now).zip(tempo.bpm(now)).map(|(source, bpm)| {
            let from = match source {
                Source::Clock => "clock",
                Source::Tap => "tap",
                Source::Patch => "patch",
            };
            Tempo { bpm: bpm as f32, from: from.to_owned() }
        });
        self.browsing = self.browsing.filter(|until| Instant::now() < *until);
        status.pick = self.browsing.map(|_| {
            let list: Vec<ParamId> = ParamId::all().collect();
            let cursor = list.iter().position(|id| *id == binding.selected()).unwrap_or(0);
            Pick { list, cursor }
        });
    }

    fn take(&mut self, conductor: &Conductor, pulse: &Pulse) {
        let (transport, status) = (conductor.transport(), &mut self.status);
        let (meters, frames) = (transport.meters(), transport.tape_frames());
        let part = |place: usize| place as f32 / frames as f32;
        status.position = part(transport.playhead().position);
        status.window = (pulse.windows.load(Relaxed) > 0)
            .then(|| (part(pulse.window[0].load(Relaxed)), part(pulse.window[1].load(Relaxed))));
        // What the hand has asked for: the display must not lag behind the knob.
        status.values = *conductor.store().aims();
        self.ticks.add(pulse.tick_us.load(Relaxed) as f32 / 1e3);
        self.decodes.add(pulse.window_us.load(Relaxed) as f32 / 1e3);
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
        self.status.fault = self.faults.first().map(|it| it.1.clone());
        if let Some(words) = &self.status.fault {
            words.clone_into(&mut self.status.message);
        } else if MESSAGE <= self.message_since.elapsed() || self.status.message.is_empty() {
            self.status.message = self.messages.pop_front().unwrap_or_default();
            self.message_since = Instant::now();
        }
    }

    /// Leaves the terminal as it was found; displays and who watches the card are handed to whoever closes them.
    pub fn close(&mut self) -> (Displays, Option<Watch>) {
        self.panel = None;
        (std::mem::take(&mut self.displays), self.gpu.take())
    }

    /// One line on how it went.
    pub fn farewell(&self, pulse: &Pulse, meters: &Meters) {
        let given_up = pulse.unsound.load(Relaxed) + pulse.refused.load(Relaxed);
        print(&format!(
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

fn print(line: &str) {
    // A terminal or a pipe that is gone is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{}", plain(line));
}
