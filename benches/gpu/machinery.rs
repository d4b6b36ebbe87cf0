//! Everything of a tick but the denoiser: a stand-in in its place, and nothing at all in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::backend::BackendError;
use engine::backend::cuda::parameters::ROWS;
use engine::backend::cuda::{Buffer, Device, DeviceError, Network, NetworkShape, Ports, Seated, StandIn, Stream};
use engine::latent::LATENT_CHANNELS;
use engine::solver::curve::Curve;

use super::Settings;
use super::report::{Figures, Report};
use super::stage::{Motion, Parts, Stage};

/// A network that does nothing: what remains of a tick is everything besides the denoiser.
pub struct Silent {
    shape: NetworkShape,
    memory: [Buffer; 3],
}

impl Silent {
    /// Room for a full batch.
    pub fn new(device: &Arc<Device>, shape: NetworkShape) -> Result<Self, DeviceError> {
        let row = 4 * ROWS * shape.frames * LATENT_CHANNELS;
        let [x, velocity] = [Buffer::zeroed(device, row)?, Buffer::zeroed(device, row)?];
        Ok(Self { shape, memory: [x, Buffer::zeroed(device, 8 * ROWS)?, velocity] })
    }
}

impl Network for Silent {
    fn shape(&self) -> NetworkShape {
        self.shape
    }

    fn batches(&self) -> &[usize] {
        &[1, 2, 4, 8, 16]
    }

    fn ports(&self) -> Ports {
        let [x, times, velocity] = &self.memory;
        let (t, t_minus_r) = (times.address(), times.float(ROWS));
        Ports { x: x.address(), t, t_minus_r, velocity: velocity.address() }
    }

    fn seat(&mut self, _stream: &Stream, _seat: usize, _row: Seated<'_>) -> Result<(), BackendError> {
        Ok(())
    }

    fn enqueue(&mut self, _stream: &Stream, _batch: usize, _live: &[usize]) -> Result<(), BackendError> {
        Ok(())
    }
}

/// What a tick costs besides the denoiser, by depth: the card's time and the host's until it waits, in microseconds.
pub type Besides = BTreeMap<usize, f64>;

/// Measures the machinery.
pub fn run(device: &Arc<Device>, settings: &Settings, report: &mut Report) -> Besides {
    report.section("machinery");
    let shape = NetworkShape { frames: settings.frames, most_tokens: 16, token_width: 64 };
    let mut besides = Besides::new();
    for &depth in &settings.depths {
        for motion in [Motion::Plain, Motion::Guided, Motion::Everything] {
            let name = format!("depth {depth}, {}", words(motion));
            report.part(&name.clone(), |report| {
                let network = StandIn::new(device, shape).expect("the card has room");
                let mut stage = Stage::new(device, network, depth, motion).expect("the card can");
                parts(report, &name, &stage.ticks(settings.ticks));
                let network = Silent::new(device, shape).expect("the card has room");
                let mut stage = Stage::new(device, network, depth, motion).expect("the card can");
                let runs = stage.ticks(settings.ticks);
                let card = report.spread(
                    format!("{name}: card's time besides the denoiser"),
                    runs.iter().map(|it| it.graph_us).collect(),
                    "us",
                );
                if motion == Motion::Guided {
                    let host = Figures::of(runs.iter().map(|it| it.births_us + it.write_us + it.launch_us).collect());
                    besides.insert(depth, card.p50 + host.p50);
                    let share = (card.p50 + host.p50) / PUBLISHED_TICK_MS / 10.0;
                    let what = "card and host besides the denoiser, of the published depth-4 tick of 42.8 ms";
                    report.number(format!("{name}: {what}"), share, "%");
                }
            });
        }
    }
    report.part("trace", |report| trace(device, shape, report));
    report.part("onset", |report| onset(device, shape, report));
    report.part("jitter", |report| jitter(device, shape, settings, report));
    besides
}

fn words(motion: Motion) -> &'static str {
    match motion {
        Motion::Plain => "plain",
        Motion::Guided => "guided, every step control drawn",
        Motion::Everything => "guided, every step control and fader",
    }
}

/// The parts of ticks as rows.
pub fn parts(report: &mut Report, name: &str, runs: &[Parts]) {
    let mut row = |what: &str, of: fn(&Parts) -> f64| {
        report.spread(format!("{name}: {what}"), runs.iter().map(of).collect(), "us");
    };
    row("tick", |it| it.tick_us);
    row("graph on the card", |it| it.graph_us);
    row("host, writing the block", |it| it.write_us);
    row("host, launching", |it| it.launch_us);
    let births: Vec<f64> = runs.iter().filter(|it| 0 < it.born).map(|it| it.births_us / it.born as f64).collect();
    report.spread(format!("{name}: host, one birth"), births, "us");
}

/// The driver's calls of a tick: one graph, one wait, and that at the end.
fn trace(device: &Arc<Device>, shape: NetworkShape, report: &mut Report) {
    for motion in [Motion::Plain, Motion::Guided, Motion::Everything] {
        let network = StandIn::new(device, shape).expect("the card has room");
        let mut stage = Stage::new(device, network, 4, motion).expect("the card can");
        let calls = stage.traced();
        let waits = |it: &&&str| it.ends_with("Synchronize");
        let graphs = calls.iter().filter(|it| **it == "cuGraphLaunch").count();
        report.check(&format!("calls of a tick, {}", words(motion)), || {
            let list = calls.join(", ");
            let waited = calls.iter().filter(waits).count();
            let holds = graphs == 1 && waited == 1 && calls.last() == Some(&"cuEventSynchronize");
            if holds { Ok(format!("{} calls: {list}", calls.len())) } else { Err(format!("{waited} waits: {list}")) }
        });
    }
}

/// Two rings alike; one knob moves in one of them. Ticks until it shows in every slot.
fn onset(device: &Arc<Device>, shape: NetworkShape, report: &mut Report) {
    let stage = || {
        let network = StandIn::new(device, shape).expect("the card has room");
        Stage::new(device, network, 4, Motion::Plain).expect("the card can")
    };
    let (mut still, mut moved) = (stage(), stage());
    for _ in 0..STEPS_BEFORE {
        still.tick();
        moved.tick();
    }
    let differ = |still: &mut Stage<StandIn>, moved: &mut Stage<StandIn>| {
        let slots: Vec<usize> = (0..4).filter(|&slot| still.ring.slot(slot).is_some()).collect();
        let differing = slots.iter().filter(|&&slot| still.latent(slot) != moved.latent(slot)).count();
        (differing, slots.len())
    };
    assert_eq!(differ(&mut still, &mut moved).0, 0, "two rings alike play alike");
    moved.shared.velocity_scale = Some(Curve::Scalar(0.7));
    let mut ticks = 0;
    let (mut differing, mut slots) = (0, 4);
    while ticks < 8 && (differing < slots || slots == 0) {
        still.tick();
        moved.tick();
        ticks += 1;
        (differing, slots) = differ(&mut still, &mut moved);
    }
    report.number("onset of a step control: slots that hear it in that tick", differing as f64, "of 4");
    let holds = ticks == 1 && differing == 4;
    report.target("onset of a step control", f64::from(ticks), "ticks", holds, "one tick, in every slot");
}

/// Ticks before the knob of [`onset`] moves: the ring is full and nobody has left.
const STEPS_BEFORE: usize = 5;
/// What the published engine takes for a tick at depth 4 on an RTX 5090.
const PUBLISHED_TICK_MS: f64 = 42.8;

fn jitter(device: &Arc<Device>, shape: NetworkShape, settings: &Settings, report: &mut Report) {
    let network = StandIn::new(device, shape).expect("the card has room");
    let mut stage = Stage::new(device, network, 4, Motion::Guided).expect("the card can");
    let runs = stage.ticks(settings.jitter_ticks);
    let name = format!("jitter, depth 4, guided, {} ticks", runs.len());
    let all = report.spread(format!("{name}: tick"), runs.iter().map(|it| it.tick_us).collect(), "us");
    report.number(format!("{name}: p99 over p50"), all.p99 / all.p50.max(1e-9), "times");
    let late = runs.iter().filter(|it| 2.0 * all.p50 < it.tick_us).count();
    report.number(format!("{name}: longer than twice the p50"), late as f64, "ticks");
}
