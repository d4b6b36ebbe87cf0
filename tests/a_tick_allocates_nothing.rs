//! Goal: once prepared, a tick allocates and frees nothing: births, steps, guidance, masks and every wavelet included; and
//! the instrument's tick side neither, whatever the hands do.
//! Method: the allocator itself refuses within the tick (`assert_no_alloc`).

#[path = "ring_support/mod.rs"]
mod support;

use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use engine::backend::CpuBackend;
use engine::live::{Governor, Load, Material, Performer, Prompt, Swap, Ticked, Words, latents, tick, work_of};
use engine::param::{Class, Edge, ParamId, Values, edge_queue};
use engine::ring::Ring;
use engine::ring::plan::TickPlan;
use engine::solver::dcw::{Correction, Faders};
use engine::solver::schedule::Sampling;
use engine::solver::wavelet::Wavelet;
use support::{Dice, Stage, Toy};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAMES: usize = 24;

#[test]
fn a_warm_tick_allocates_nothing() {
    let mut dice = Dice(11);
    let mut stage = Stage::new(Ring::new(4, Sampling { steps: 4, ..Sampling::default() }));
    let requests: Vec<_> = (0..64).map(|_| Arc::new(dice.request(FRAMES))).collect();
    let faders = Faders { soft_threshold: 0.1, multiplicative: 0.3, phase: 0.4 };
    let wavelets: Vec<Wavelet> = Wavelet::names().filter_map(Wavelet::named).collect();
    stage.shared.correction = Some(Correction { faders, ..Correction::default() });
    let Stage { ring, backend, plan, shared } = &mut stage;
    *plan = TickPlan::new();
    backend.prepare(FRAMES);
    let mut finished = 0;
    for (at, request) in requests.iter().cycle().take(192).enumerate() {
        let request = Arc::clone(request);
        if let Some(correction) = &mut shared.correction {
            correction.wavelet = wavelets[at % wavelets.len()].clone();
        }
        let once = || {
            ring.submit(request).expect("the request is sound");
            tick(ring, backend, plan, shared, &mut |_| finished += 1).expect("the toy can compute");
        };
        // The plan grows in the first tick; from then on nothing may.
        if at < 1 { once() } else { assert_no_alloc(once) }
    }
    assert!(40 < finished, "{finished} latents left");
}

const WIDTH: usize = 4;

fn material(frames: usize) -> Arc<Material> {
    let mut dice = Dice(5);
    let mut prompt = |tokens: usize| {
        let with_timbre = dice.numbers(tokens * WIDTH);
        Prompt { weight: 1.0, with_timbre, neutral: dice.numbers(tokens * WIDTH) }
    };
    let prompts = vec![prompt(2), prompt(5)];
    let mut latent = || dice.numbers(frames * 64);
    let material = Material {
        frames,
        token_width: WIDTH,
        source: latent(),
        hints: latent(),
        silence: latent(),
        prompts,
        unconditional: [0.5; WIDTH].into(),
    };
    material.check().expect("the set is sound");
    Arc::new(material)
}

/// Every parameter at a place of its own that moves; depth and steps too.
fn moved(values: &mut Values, turn: usize) {
    for (at, id) in ParamId::all().enumerate() {
        let place = ((turn * (2 * at + 3) + 7 * at) % 97) as f64 / 96.0;
        values.set(id, id.row().at(place));
    }
}

/// Whether a slot that is born now stands on the arc between two prompts.
fn is_on_the_arc(values: &Values) -> bool {
    let blend = values.get(ParamId::PromptBlend);
    0.0 < blend && blend < 1.0 && values.whole(ParamId::PromptPath) == 1
}

/// A curve a tick, drawn or taken back; of the tape's length and of others; a lock in every third. Prompts lie over all their places: each slot has a row
/// for every one.
fn drawn_at(turn: usize, drawn: &[ParamId]) -> (ParamId, Option<Arc<[f32]>>) {
    let id = if turn.is_multiple_of(3) { ParamId::X0Target } else { drawn[turn % drawn.len()] };
    let (row, frames) = (id.row(), [FRAMES, 3, 100][turn % 3]);
    let at = |frame: usize| if row.class == Class::Slot { row.at(frame as f64 / 12.0) } else { row.default };
    (id, (turn % 4 != 1).then(|| (0..frames).map(|frame| at(frame) as f32).collect()))
}

#[test]
fn the_tick_side_touches_no_heap_whatever_the_hands_do() {
    const TURNS: usize = 2_000;
    let load = |frames: usize| {
        let mut backend = CpuBackend::new(Toy::default());
        backend.prepare(frames);
        let (writer, reader) = latents(frames * 64);
        (Load::new(material(frames), Box::new(backend), writer), reader)
    };
    let (first, mut reader) = load(FRAMES);
    let mut performer = Performer::new(first);
    let (mut sender, mut receiver) = edge_queue::<Swap>(64);
    let drawn: Vec<ParamId> = ParamId::all().filter(|id| id.row().curve).collect();
    let (mut values, mut finished, mut wavelets) = (Values::default(), 0, [0; 4]);
    let (mut governor, mut rested, mut arcs) = (Governor::default(), 0, 0);
    let (mut leaving, mut most_leaving) = (Vec::<Words>::new(), 0);
    let mut dice = Dice(6);
    let mut prompt = |tokens: usize| {
        let with_timbre = dice.numbers(tokens * WIDTH);
        Prompt { weight: 1.0, with_timbre, neutral: dice.numbers(tokens * WIDTH) }
    };
    for turn in 0..TURNS {
        moved(&mut values, turn);
        let (id, curve) = drawn_at(turn, &drawn);
        sender.send(Edge::SetCurve(id, curve), 0).expect("the queue is emptied every tick");
        if turn % 11 == 0 {
            // Other words, longer and shorter ones, up to eight; and a network, as those that need more room bring along.
            let words = Words::new(vec![prompt(1 + turn % 6); 1 + turn % 8], WIDTH).expect("the words are sound");
            let words = words.with_network(Box::new(Toy::default()));
            sender.send(Edge::Load(Swap::Words(Box::new(words))), 0).expect("the queue is emptied every tick");
        }
        if turn % 97 == 96 {
            // Another set, of another length.
            let set = Swap::Set(Box::new(load([12, 40, FRAMES][turn % 3]).0));
            sender.send(Edge::Load(set), 0).expect("the queue is emptied every tick");
        }
        if turn % 7 == 0 {
            sender.send(Edge::Reseed, 0).expect("the queue is emptied every tick");
        }
        // What has come home is freed here: curves while slots may still play by them, words when no slot has them.
        leaving.extend(sender.come_home().filter_map(|edge| match edge {
            Edge::Load(Swap::Words(words)) => Some(*words),
            _ => None,
        }));
        leaving.retain_mut(|it| !it.let_go());
        most_leaving = most_leaving.max(leaving.len());
        if 0.0 < values.get(ParamId::DcwMagPhase) {
            wavelets[values.whole(ParamId::DcwWavelet)] += 1;
        }
        arcs += usize::from(is_on_the_arc(&values));
        let mut once = || {
            while let Some(edge) = receiver.next_edge(0) {
                assert!(receiver.retire(performer.obey(edge)));
            }
            let report = performer.tick(&values, |_, _| ()).expect("the toy can compute");
            finished += report.finished;
            let (rows, wanted) = (report.rows, values.whole(ParamId::Depth));
            let took_us = [20_000, 90_000, 1_000][turn % 3];
            performer.hold_depth(governor.hear(Ticked { took_us, rows, work: work_of(&values), wanted }));
            rested += usize::from(performer.rests(&values));
        };
        if turn == 0 { once() } else { assert_no_alloc(once) }
    }
    assert!(500 < finished && 0 < reader.newest().serial, "{finished} latents");
    assert!((1..12).contains(&most_leaving), "{most_leaving} words waited for the slots that have them");
    assert_eq!(rested, 0, "something moves in every tick");
    assert!(wavelets.iter().all(|it| 100 < *it), "every wavelet was corrected by phase: {wavelets:?}");
    assert!(500 < arcs, "in {arcs} ticks slots are born on the arc between two prompts");
}
