//! A board that plays a script: fingers, worn contacts, noise, pulled plugs, and a kernel that forgets. It owns its time.
//!
//! It stands where the kernel stands, below everything that decides: it makes levels, edges, pins and the bits of the
//! converters' wire, never gestures.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use embedded_hal::digital::{ErrorKind, ErrorType, OutputPin};

use super::board::{Board, Converter, Edge, Lamp, Lines, PanelFault, Wired};
use super::plan::PanelPlan;
use crate::adc::{FakeSpi, Mcp, McpKind, Track};
use crate::gesture::{Clock, VirtualClock};

/// Edges that the kernel keeps; the oldest are forgotten first.
const KERNEL_EDGES: usize = 1024;
/// Edges of one read, as many as are read from the real one.
const READ_EDGES: usize = 64;
/// Between two openings of a bouncing contact.
const BOUNCE: Duration = Duration::from_micros(150);
/// The round of an encoder's contacts, upwards, beginning at rest: both open.
const ROUND: [[bool; 2]; 4] = [[false, false], [false, true], [true, true], [true, false]];

/// A script, written from first to last; each step comes `after` the one before. Clones are the same board.
#[derive(Clone)]
pub struct FakeBoard {
    plan: PanelPlan,
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<(Duration, Step)>,
    last: Duration,
    pause: Duration,
    /// How the contacts will stand when the script so far has been played.
    written: Vec<bool>,
    phases: Vec<usize>,
    levels: Vec<bool>,
    edges: VecDeque<Edge>,
    lost: u64,
    away: Option<PanelFault>,
    tracks: BTreeMap<PathBuf, Track>,
    pins: Vec<bool>,
    opened: usize,
    /// Whether the edges that wait get the levels of when they are taken.
    late: bool,
}

enum Step {
    Level(usize, bool),
    Reading(PathBuf, u8, u16),
    Noise(u16),
    Unwire,
    Away(PanelFault),
    Back,
    Stall(Duration),
    Lag(Duration),
    Forget,
}

impl FakeBoard {
    /// A board with this panel on it, nothing touched.
    #[must_use]
    pub fn new(plan: &PanelPlan) -> Self {
        let lines = plan.inputs().len();
        let state = State {
            levels: vec![false; lines],
            written: vec![false; lines],
            phases: vec![0; plan.encoders.len()],
            pins: plan.leds.iter().map(|led| led.active_low).collect(),
            tracks: plan.pots.iter().map(|pot| (pot.adc.clone(), Track::default())).collect(),
            ..State::default()
        };
        Self { plan: plan.clone(), clock: VirtualClock::default(), state: Arc::new(Mutex::new(state)) }
    }

    /// The time that this board lives in.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// The numbers of the lights that are lit.
    #[must_use]
    pub fn lit(&self) -> Vec<u8> {
        let state = self.state();
        let lit = self.plan.leds.iter().zip(&state.pins).filter(|(led, pin)| **pin != led.active_low);
        lit.map(|(led, _)| led.number).collect()
    }

    /// How often the panel was opened.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.state().opened
    }

    /// The steps that follow come this long after one another.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        self.state().pause = pause;
        self
    }

    /// Presses a button.
    #[must_use]
    pub fn press(self, number: u8) -> Self {
        self.button(number, true)
    }

    /// Lets go of a button.
    #[must_use]
    pub fn release(self, number: u8) -> Self {
        self.button(number, false)
    }

    /// The button's contact bounces so many times, right after its last change.
    #[must_use]
    pub fn bounce(self, number: u8, times: usize) -> Self {
        let line = self.button_line(number);
        self.state().bounce(line, times);
        self
    }

    /// Turns an encoder by detents, one a pause.
    #[must_use]
    pub fn turn(self, number: u8, detents: i32) -> Self {
        self.turn_with_bounce(number, detents, 0)
    }

    /// Turns an encoder by detents whose every contact bounces so many times.
    #[must_use]
    pub fn turn_with_bounce(self, number: u8, detents: i32, bounces: usize) -> Self {
        let place = self.plan.encoders.iter().position(|it| it.number == number).expect("an encoder of the plan");
        let encoder = &self.plan.encoders[place];
        let (steps, first) = (encoder.steps as usize, self.plan.buttons.len() + 2 * place);
        let forward = (detents > 0) != encoder.reversed;
        for _ in 0..detents.unsigned_abs() as usize * steps {
            let mut state = self.state();
            state.pass(u32::try_from(steps).expect("4 at most"));
            state.phases[place] = (state.phases[place] + if forward { 1 } else { 3 }) % 4;
            let contacts = ROUND[state.phases[place]];
            let moved = usize::from(state.written[first] == contacts[0]);
            state.level(first + moved, contacts[moved]);
            state.bounce(first + moved, bounces);
        }
        self
    }

    /// Turns a potentiometer to where the converter reads this.
    #[must_use]
    pub fn pot(self, number: u8, reading: u16) -> Self {
        let pot = self.plan.pots.iter().find(|it| it.number == number).expect("a potentiometer of the plan");
        let step = Step::Reading(pot.adc.clone(), pot.channel, reading);
        self.then(step)
    }

    /// From now on readings are wrong by up to `peak`.
    #[must_use]
    pub fn noise(self, peak: u16) -> Self {
        self.then(Step::Noise(peak))
    }

    /// The converters stop answering.
    #[must_use]
    pub fn unwire(self) -> Self {
        self.then(Step::Unwire)
    }

    /// Pulls the plug of all chips.
    #[must_use]
    pub fn unplug(self) -> Self {
        self.refuse(PanelFault::Absent("no GPIO chip 'fake' is here".to_owned()))
    }

    /// The chips are there no more, or for others only.
    #[must_use]
    pub fn refuse(self, fault: PanelFault) -> Self {
        self.then(Step::Away(fault))
    }

    /// Puts the plug back, and the converters.
    #[must_use]
    pub fn replug(self) -> Self {
        self.then(Step::Back)
    }

    /// Who listens is held up for so long, whatever patience it had. The kernel goes on stamping edges.
    #[must_use]
    pub fn stall(self, span: Duration) -> Self {
        self.then(Step::Stall(span))
    }

    /// The kernel's own thread is held up for so long: it stamps edges in time, and reads the levels after them too late.
    #[must_use]
    pub fn lag(self, span: Duration) -> Self {
        self.then(Step::Lag(span))
    }

    /// A button's contact chatters so many times at once, more than the kernel keeps if it is more than 1024.
    #[must_use]
    pub fn flood(self, number: u8, edges: usize) -> Self {
        let line = self.button_line(number);
        let mut state = self.state();
        state.pass(1);
        for _ in 0..edges {
            let level = !state.written[line];
            state.level(line, level);
        }
        drop(state);
        self
    }

    /// The kernel loses all edges that nobody has taken.
    #[must_use]
    pub fn forget(self) -> Self {
        self.then(Step::Forget)
    }

    fn button(self, number: u8, down: bool) -> Self {
        let line = self.button_line(number);
        let mut state = self.state();
        state.pass(1);
        state.level(line, down);
        drop(state);
        self
    }

    fn button_line(&self, number: u8) -> usize {
        self.plan.buttons.iter().position(|it| it.number == number).expect("a button of the plan")
    }

    fn then(self, step: Step) -> Self {
        let mut state = self.state();
        state.pass(1);
        let at = state.last;
        state.script.push_back((at, step));
        drop(state);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets a part of the pause go by in the script.
    fn pass(&mut self, part: u32) {
        self.last += self.pause / part;
    }

    fn level(&mut self, line: usize, high: bool) {
        self.written[line] = high;
        self.script.push_back((self.last, Step::Level(line, high)));
    }

    fn bounce(&mut self, line: usize, times: usize) {
        for _ in 0..2 * times {
            self.last += BOUNCE;
            let high = !self.written[line];
            self.level(line, high);
        }
    }

    /// Plays the script up to `until`; for how much longer who listens is held up.
    fn play(&mut self, until: Duration) -> Duration {
        let mut stall = Duration::ZERO;
        while self.script.front().is_some_and(|(at, _)| *at <= until) {
            let Some((at, step)) = self.script.pop_front() else { break };
            match step {
                Step::Level(line, high) => self.change(at, line, high),
                Step::Reading(path, channel, reading) => self.tracks[&path].set(channel, reading),
                Step::Noise(peak) => self.tracks.values().for_each(|track| track.noise(peak)),
                Step::Unwire => self.tracks.values().for_each(Track::unwire),
                Step::Away(fault) => {
                    (self.away, self.lost) = (Some(fault), 0);
                    self.edges.clear();
                    self.tracks.values().for_each(Track::unplug);
                }
                Step::Back => {
                    self.away = None;
                    self.tracks.values().for_each(Track::replug);
                }
                Step::Stall(span) => stall = span,
                Step::Lag(span) => (stall, self.late) = (span, true),
                Step::Forget => {
                    self.lost += self.edges.len() as u64;
                    self.edges.clear();
                }
            }
        }
        stall
    }

    fn change(&mut self, at: Duration, line: usize, high: bool) {
        if std::mem::replace(&mut self.levels[line], high) == high || self.away.is_some() {
            return;
        }
        if self.edges.len() == KERNEL_EDGES {
            self.edges.pop_front();
            self.lost += 1;
        }
        self.edges.push_back(Edge { at, line, high });
    }

    fn read_late(&mut self) {
        if std::mem::take(&mut self.late) {
            let Self { edges, levels, .. } = self;
            edges.iter_mut().for_each(|edge| edge.high = levels[edge.line]);
        }
    }

    fn here(&self) -> Result<(), PanelFault> {
        if self.away.is_some() { Err(PanelFault::Gone("the fake board".to_owned())) } else { Ok(()) }
    }
}

impl Board for FakeBoard {
    fn open(&mut self, plan: &PanelPlan) -> Result<Wired, PanelFault> {
        let mut guard = self.state();
        let state = &mut *guard;
        state.play(self.clock.now());
        if let Some(fault) = &state.away {
            return Err(fault.clone());
        }
        state.opened += 1;
        state.edges.clear();
        let pin = |place: usize| {
            state.pins[place] = plan.leds[place].active_low;
            Box::new(FakePin { board: self.clone(), place }) as Box<dyn Lamp>
        };
        let lamps = (0..plan.leds.len()).map(pin).collect();
        let mut converters: BTreeMap<&PathBuf, (McpKind, Vec<usize>)> = BTreeMap::new();
        for (place, pot) in plan.pots.iter().enumerate() {
            converters.entry(&pot.adc).or_insert_with(|| (pot.kind, Vec::new())).1.push(place);
        }
        let converter = |(path, (kind, pots)): (&PathBuf, (McpKind, Vec<usize>))| {
            let adc = Box::new(Mcp::new(kind, FakeSpi::new(kind, state.tracks[path].clone())));
            Converter { adc, pots }
        };
        let converters = converters.into_iter().map(converter).collect();
        Ok(Wired { lines: Box::new(FakeLines(self.clone())), lamps, converters })
    }
}

struct FakeLines(FakeBoard);

impl Lines for FakeLines {
    fn wait(&mut self, patience: Duration, edges: &mut Vec<Edge>) -> Result<u64, PanelFault> {
        let (mut state, clock) = (self.0.state(), &self.0.clock);
        let until = clock.now() + patience;
        let mut stall = state.play(clock.now());
        loop {
            if !stall.is_zero() {
                clock.advance(stall);
                stall = state.play(clock.now());
                state.read_late();
                continue;
            }
            state.here()?;
            if !state.edges.is_empty() || state.lost > 0 {
                let taken = state.edges.len().min(READ_EDGES);
                edges.extend(state.edges.drain(..taken));
                return Ok(std::mem::take(&mut state.lost));
            }
            match state.script.front() {
                Some((at, _)) if *at <= until => {
                    clock.set((*at).max(clock.now()));
                    stall = state.play(clock.now());
                }
                _ => {
                    clock.set(until.max(clock.now()));
                    return Ok(0);
                }
            }
        }
    }

    fn levels(&mut self) -> Result<Vec<bool>, PanelFault> {
        let state = self.0.state();
        state.here()?;
        Ok(state.levels.clone())
    }
}

struct FakePin {
    board: FakeBoard,
    place: usize,
}

impl ErrorType for FakePin {
    type Error = ErrorKind;
}

impl OutputPin for FakePin {
    fn set_low(&mut self) -> Result<(), ErrorKind> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), ErrorKind> {
        self.set(true)
    }
}

impl FakePin {
    fn set(&self, high: bool) -> Result<(), ErrorKind> {
        let mut state = self.board.state();
        state.here().map_err(|_| ErrorKind::Other)?;
        state.pins[self.place] = high;
        Ok(())
    }
}
