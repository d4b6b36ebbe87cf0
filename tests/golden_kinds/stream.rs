//! Golden cases of the stream: scripted runs of the ring, tick by tick.
//!
//! Every script is driven through the instrument's own ring and CPU backend, in replay (the recorded velocities are fed
//! back; isolates ring and solver) and in full (the network runs). Every number that the script holds is compared. `card.rs`
//! replays the same scripts on a card.
//!
//! Where we differ from the published implementation (DESIGN.md, decisions 1, 2, 4 and 5), and how each is compared:
//! - *Padding.* Published rows attend to the zeros that a neighbour's longer prompt causes. Ours never do, so in full mode
//!   the driver hands those zeros over as tokens of the prompt.
//! - *Noise.* Published draws come from one global generator. Ours are named; the driver feeds the recorded draw of that
//!   name, NaN for a draw that the script says is multiplied by zero, and zeros for one that the published run never came to.
//! - *Emission.* A published latent leaves a tick or more after its last step, one a tick. Bookkeeping is compared with the
//!   ring set to that ([`Emission::OneATick`]). Then the script is run again as the instrument runs: a generation that was
//!   born in the same tick must give the same latent, bit for bit, in the tick of its last step.
//! - *Shrinking.* The published ring discards slots; so does the driver ([`Shrink::Discard`]).

#[path = "network.rs"]
mod network;
#[path = "one_shot.rs"]
mod one_shot;
#[path = "stream_rows.rs"]
mod rows;
#[path = "stream_script.rs"]
mod script;

use std::collections::BTreeMap;

use engine::backend::{Alone, Backend, BackendError, CpuBackend};
use engine::live::tick;
use engine::ring::plan::{Birth, TickPlan};
use engine::ring::{Emission, Ring, Shrink, StepControls};
use serde_json::Value;

use crate::case::{Case, Golden, Report, Tolerance};
use crate::model::{Machine, dit_part};
use network::Network;
pub use rows::{Answer, Rows, ScriptNoise, Seen};
pub use script::Script;

/// The kinds that [`run`] knows.
pub const KINDS: [&str; 2] = ["stream", "reference_generate"];

/// Runs one case.
pub fn run(golden: &Golden, case: &Case, report: &mut Report) {
    if case.kind() == "reference_generate" {
        return one_shot::run(golden, case, report);
    }
    let script = Script::read(golden, case);
    let replay = || on_cpu(Rows::new(case, &script, Answer::Recorded), ScriptNoise::new(case, &script));
    replayed(case, &script, "replay", report, replay);
    computed(golden, case, &script, report);
}

/// A backend that plays rows of a script.
pub trait Plays<'a>: Backend {
    /// What is computed next belongs to this tick.
    fn begin_tick(&mut self, tick: usize);

    /// What was computed since the last time.
    fn take_seen(&mut self) -> Vec<Seen<'a>>;
}

impl<'a> Plays<'a> for CpuBackend<Rows<'a>, ScriptNoise, Alone> {
    fn begin_tick(&mut self, tick: usize) {
        self.denoiser().tick = tick;
    }

    fn take_seen(&mut self) -> Vec<Seen<'a>> {
        std::mem::take(&mut self.denoiser().seen)
    }
}

fn on_cpu(rows: Rows<'_>, noise: ScriptNoise) -> CpuBackend<Rows<'_>, ScriptNoise, Alone> {
    CpuBackend::with(rows, noise, Alone)
}

/// "timesteps to 3e-7".
const TIMES: Tolerance = Tolerance { absolute: 3e-7, relative: 0.0 };

/// Runs a script twice with the recorded velocities, on the backends that `make` makes.
pub fn replayed<'a, B: Plays<'a>>(
    case: &'a Case,
    script: &'a Script<'a>,
    label: &str,
    report: &mut Report,
    make: impl Fn() -> B,
) {
    let run = Run { case, script, state: case.tolerance_saying("replay"), velocity: None, label: label.into() };
    let published = run.play(make(), Emission::OneATick, report);
    let ours = run.play(make(), Emission::WhenFinished, report);
    compare_lives(case, &published, &ours, report);
}

fn computed(golden: &Golden, case: &Case, script: &Script<'_>, report: &mut Report) {
    let part = dit_part(golden, case);
    let width = part.config.encoders.hidden;
    for machine in Machine::ON_HOST {
        let velocity = Some(case.tolerance("tick000.pos_v"));
        let state = case.tolerance("finished.any");
        let run = Run { case, script, state, velocity, label: format!("full ({machine:?})") };
        let network = Answer::Computed { network: Network::new(machine, &part), width };
        let backend = on_cpu(Rows::new(case, script, network), ScriptNoise::new(case, script));
        run.play(backend, Emission::OneATick, report);
    }
}

/// One way of driving a script.
struct Run<'a> {
    case: &'a Case,
    script: &'a Script<'a>,
    /// For latents and network inputs.
    state: Tolerance,
    /// For velocities, when a network computes them.
    velocity: Option<Tolerance>,
    label: String,
}

/// What became of a request.
#[derive(Debug, Default, PartialEq)]
struct Life {
    born: Option<usize>,
    last_step: Option<usize>,
    left: Option<usize>,
    latent: Vec<f32>,
}

type Lives = BTreeMap<String, Life>;

impl Run<'_> {
    fn play<'a>(&self, inner: impl Plays<'a>, emission: Emission, report: &mut Report) -> Lives {
        let Self { case, script, .. } = self;
        let mut ring = Ring::new(script.depth, script.sampling);
        ring.shrink = Shrink::Discard;
        ring.emission = emission;
        let mut backend = Watched { inner, started: Vec::new() };
        let mut shared = script.controls.clone();
        let mut plan = TickPlan::new();
        let mut tickets: Vec<String> = Vec::new();
        let mut lives = Lives::new();
        for (at, record) in script.ticks.iter().enumerate() {
            for event in record["events"].as_array().expect("events are a list") {
                script.apply(event, &mut ring, &mut shared, &mut tickets);
            }
            let published = emission == Emission::OneATick;
            if published {
                self.check_before(at, record, &ring, &tickets, report);
            }
            backend.inner.begin_tick(at);
            let mut left = Vec::new();
            let result = tick(&mut ring, &mut backend, &mut plan, &shared, &mut |it| {
                left.push((tickets[it.ticket as usize].clone(), it.slot, it.latent.to_vec()));
            });
            let report_of_tick = result.unwrap_or_else(|error| panic!("{}, tick {at}: {error}", case.path));
            report.check(case, report_of_tick.unsound == 0, format!("tick {at}: a slot is not finite"));
            note_lives(at, &plan, &ring, &tickets, &left, &mut lives);
            if published {
                self.check_plan(at, record, &plan, &ring, &tickets, report);
                self.check_after(at, record, &ring, &tickets, report);
                self.check_left(at, record, &left, report);
                self.check_starts(&mut backend, &tickets, &ring, report);
                self.check_rows(&mut backend, report);
            }
        }
        lives
    }

    fn check_before(&self, at: usize, record: &Value, ring: &Ring, tickets: &[String], report: &mut Report) {
        let depth = record["depth"].as_u64().expect("a depth") as usize;
        report.check(self.case, ring.depth() == depth, format!("tick {at}: depth {}, not {depth}", ring.depth()));
        self.check_queue(at, "queue_before", record, ring, tickets, report);
    }

    fn check_queue(&self, at: usize, key: &str, record: &Value, ring: &Ring, names: &[String], report: &mut Report) {
        let found: Vec<&str> = ring.waiting().map(|ticket| &*names[ticket as usize]).collect();
        let what = format!("{} tick {at}: {key} is {found:?}, not {}", self.label, record[key]);
        report.check(self.case, serde_json::json!(found) == record[key], what);
    }

    fn check_plan(
        &self,
        at: usize,
        record: &Value,
        plan: &TickPlan,
        ring: &Ring,
        names: &[String],
        report: &mut Report,
    ) {
        let list = |key: &str| record[key].as_array().map_or(&[][..], |it| it);
        let name = |slot: usize| ring.slot(slot).map_or("nobody", |it| &names[it.ticket as usize]);
        let check = |report: &mut Report, key: &str, found: Value, expected: Value| {
            let what = format!("{} tick {at}: {key} {found}, not {expected}", self.label);
            report.check(self.case, found == expected, what);
        };
        let pick = |key: &str, fields: &[&str]| -> Value {
            list(key).iter().map(|it| fields.iter().map(|field| it[*field].clone()).collect::<Value>()).collect()
        };
        let births = plan.births.iter().map(|it| serde_json::json!([it.slot, name(it.slot)])).collect();
        check(report, "filled", births, pick("filled", &["slot", "request"]));
        let active =
            plan.steps.iter().map(|it| serde_json::json!([it.slot, name(it.slot), it.step, it.steps])).collect();
        check(report, "active", active, pick("active", &["slot", "request", "step", "total_steps"]));
        for (key, rows, negative) in [("pos_rows", &plan.positive, false), ("neg_rows", &plan.negative, true)] {
            let named = |condition| script::condition_name(condition, negative);
            let found =
                rows.iter().map(|it| serde_json::json!([it.slot, name(it.slot), named(it.condition)])).collect();
            check(report, key, found, pick(key, &["slot", "request", "cond"]));
        }
        for (step, record) in plan.steps.iter().zip(list("active")) {
            let expected = ["t_curr", "t_next"].map(|key| record[key].as_f64().expect("a time") as f32);
            let what = format!("{} tick {at} slot {} times", self.label, step.slot);
            report.compare(self.case, &what, &[step.span.now, step.span.next], &expected, TIMES);
        }
        for (birth, record) in plan.births.iter().zip(list("filled")) {
            let numbers = record["schedule"].as_array().expect("a schedule").iter();
            let expected: Vec<f32> = numbers.map(|it| it.as_f64().expect("a time") as f32).collect();
            let levels = ring.slot(birth.slot).map_or(&[][..], |it| it.levels);
            report.compare(self.case, &format!("{} tick {at} schedule", self.label), levels, &expected, TIMES);
        }
    }

    fn check_after(&self, at: usize, record: &Value, ring: &Ring, names: &[String], report: &mut Report) {
        let slot = |it: Option<engine::ring::SlotView<'_>>| {
            it.map_or(Value::Null, |it| {
                let (request, done) = (&names[it.ticket as usize], it.levels.len() <= it.step + 1);
                serde_json::json!({ "request": request, "step": it.step, "done": done })
            })
        };
        let found: Value = ring.slots().take(ring.depth()).map(slot).collect();
        let what = format!("{} tick {at}: slots are {found}, not {}", self.label, record["slots_after"]);
        report.check(self.case, found == record["slots_after"], what);
        self.check_queue(at, "queue_after", record, ring, names, report);
    }

    fn check_left(&self, at: usize, record: &Value, left: &[(String, usize, Vec<f32>)], report: &mut Report) {
        let expected = &record["finished"];
        let found = left.first().map(|(name, slot, _)| serde_json::json!([name, slot]));
        let wanted = expected.is_object().then(|| serde_json::json!([expected["request"], expected["slot"]]));
        let what = format!("{} tick {at}: {found:?} left, not {wanted:?}", self.label);
        report.check(self.case, found == wanted && left.len() < 2, what);
        let blind = |name: &str| self.velocity.is_none() && self.script.unrecorded.contains(name);
        if let (Some((_, _, latent)), Some(tensor)) =
            (left.first().filter(|it| !blind(&it.0)), expected["tensor"].as_str())
        {
            let what = format!("{} {tensor}", self.label);
            report.compare(self.case, &what, latent, &self.case.tensor(tensor).data, self.state);
        }
    }

    fn check_starts<B: Backend>(&self, backend: &mut Watched<B>, names: &[String], ring: &Ring, report: &mut Report) {
        for (slot, start) in backend.started.drain(..) {
            let Some(view) = ring.slot(slot) else { continue };
            let tensor = format!("init_xt.{}", names[view.ticket as usize]);
            if let Some(expected) = self.case.tensors.get(&tensor) {
                report.compare(self.case, &format!("{} {tensor}", self.label), &start, &expected.data, self.state);
            }
        }
    }

    fn check_rows<'a>(&self, backend: &mut Watched<impl Plays<'a>>, report: &mut Report) {
        for row in backend.inner.take_seen() {
            let what = format!("{} tick {} {}", self.label, row.tick, row.name);
            report.compare(self.case, &format!("{what} t"), &[row.t], &[row.expected.t], TIMES);
            if let Some(x) = row.expected.x {
                report.compare(self.case, &format!("{what} x"), &row.x, x, self.state);
            }
            if let (Some(tolerance), Some(velocity)) = (self.velocity, row.expected.velocity) {
                report.compare(self.case, &format!("{what} v"), &row.velocity, velocity, tolerance);
            }
        }
    }
}

/// A backend whose start states are looked at.
struct Watched<B> {
    inner: B,
    started: Vec<(usize, Vec<f32>)>,
}

impl<B: Backend> Backend for Watched<B> {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        self.inner.fill(birth)?;
        self.started.push((birth.slot, self.inner.latent(birth.slot).to_vec()));
        Ok(())
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        self.inner.advance(plan, shared)
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        self.inner.latent(slot)
    }
}

fn note_lives(
    at: usize,
    plan: &TickPlan,
    ring: &Ring,
    names: &[String],
    left: &[(String, usize, Vec<f32>)],
    lives: &mut Lives,
) {
    // A slot that left in this tick is no longer in the ring: it is found among those that left.
    let name = |slot: usize| {
        let gone = left.iter().find(|(_, it, _)| *it == slot && ring.slot(slot).is_none());
        ring.slot(slot).map(|it| names[it.ticket as usize].clone()).or(gone.map(|it| it.0.clone()))
    };
    for birth in &plan.births {
        if let Some(name) = name(birth.slot) {
            lives.entry(name).or_default().born = Some(at);
        }
    }
    for step in plan.steps.iter().filter(|it| it.step + 1 == it.steps) {
        if let Some(name) = name(step.slot) {
            lives.entry(name).or_default().last_step = Some(at);
        }
    }
    for (name, _, latent) in left {
        let life = lives.entry(name.clone()).or_default();
        life.left = Some(at);
        life.latent.clone_from(latent);
    }
}

/// The instrument's own run against the published order of events.
fn compare_lives(case: &Case, published: &Lives, ours: &Lives, report: &mut Report) {
    let same = |name: &String, it: &Life| ours.get(name).filter(|our| our.born == it.born);
    let mut compared = 0;
    for (name, theirs) in published {
        let Some(our) = same(name, theirs).filter(|_| theirs.last_step.is_some()) else { continue };
        let in_time = our.left == theirs.last_step;
        report.check(
            case,
            in_time,
            format!("{name} left in tick {:?}, its last step is in {:?}", our.left, theirs.last_step),
        );
        if theirs.left.is_some() {
            compared += 1;
            report.check(case, our.latent == theirs.latent, format!("{name}: the same life gives another latent"));
        }
    }
    report.check(case, 0 < compared, "no request lives at the same time in both runs");
}
