//! The recorded rows and draws of a stream, as a denoiser and a source of noise.

use std::collections::{HashMap, HashSet};

use engine::backend::{Denoiser, DenoiserError, DenoiserRow};
use engine::latent::LATENT_CHANNELS;
use engine::solver::noise::{Draw, NoiseSource, Purpose};
use serde_json::Value;

use super::network::Network;
use super::script::{Script, condition_name, mask_seed, named};
use crate::case::{Case, Tensor};

/// What a script says of one row.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    pub t: f32,
    pub x: Option<&'a [f32]>,
    /// None where the script has the row but its velocity was left out (`"recorded": false`).
    pub velocity: Option<&'a [f32]>,
    padded_tokens: usize,
}

/// A row that was computed, beside what was expected.
pub struct Seen<'a> {
    pub tick: usize,
    pub name: String,
    pub t: f32,
    pub x: Vec<f32>,
    pub velocity: Vec<f32>,
    pub expected: Expected<'a>,
}

/// Rows of one condition of one request, in the order of its steps.
struct Track<'a> {
    name: String,
    rows: Vec<Expected<'a>>,
    next: usize,
}

/// Where a row's velocity comes from.
pub enum Answer<'a> {
    /// The script.
    Recorded,
    /// A network; its prompts are `width` numbers a token.
    Computed { network: Network<'a>, width: usize },
}

/// Feeds recorded velocities back, or asks a network. Rows are told apart by the number of their condition.
pub struct Rows<'a> {
    tracks: HashMap<u16, Track<'a>>,
    answer: Answer<'a>,
    pub tick: usize,
    pub seen: Vec<Seen<'a>>,
}

impl<'a> Rows<'a> {
    pub fn new(case: &'a Case, script: &Script<'_>, answer: Answer<'a>) -> Self {
        let mut by_name: HashMap<(String, String), Vec<Expected<'a>>> = HashMap::new();
        for record in &script.ticks {
            for side in ["pos", "neg"] {
                for (row, expected) in rows_of(case, record, side) {
                    let text = |key: &str| row[key].as_str().expect("a row names its request and condition").to_owned();
                    by_name.entry((text("request"), text("cond"))).or_default().push(expected);
                }
            }
        }
        let mut tracks = HashMap::new();
        for (request_name, request) in &script.requests {
            for (list, negative) in [(&request.conditions, false), (&request.negatives, true)] {
                for (at, condition) in list.iter().enumerate() {
                    let cond = condition_name(at, negative);
                    let rows = by_name.remove(&(request_name.clone(), cond.clone())).unwrap_or_default();
                    let track = Track { name: format!("{request_name} {cond}"), rows, next: 0 };
                    let doubled = tracks.insert(named(&condition.tokens).0, track);
                    assert!(doubled.is_none(), "{}: every condition has its own number", case.path);
                }
            }
        }
        assert!(by_name.is_empty(), "{}: rows of unknown conditions", case.path);
        Self { tracks, answer, tick: 0, seen: Vec::new() }
    }
}

/// The rows of one side of a tick, with what its tensors say of them. The tensors hold the recorded rows alone.
fn rows_of<'a, 's>(case: &'a Case, record: &'s Value, side: &str) -> Vec<(&'s Value, Expected<'a>)> {
    let tick = record["tick"].as_u64().expect("a tick has a number");
    let rows = record[format!("{side}_rows")].as_array().map_or(&[][..], |it| it);
    let recorded = |row: &Value| row["recorded"].as_bool().unwrap_or(true);
    let count = rows.iter().filter(|row| recorded(row)).count();
    let tensor = |kind: &str| case.tensors.get(&format!("tick{tick:03}.{side}_{kind}"));
    let mut next = 0;
    let mut expected = |row: &Value| {
        let at = recorded(row).then_some(next);
        next += usize::from(at.is_some());
        let part = |it: &'a Tensor| {
            assert_eq!(it.shape[0], count, "{}: tick {tick}, rows of {side}", case.path);
            at.map(|at| &it.data[at * it.data.len() / count..][..it.data.len() / count])
        };
        let velocity = tensor("v").and_then(part);
        assert_eq!(velocity.is_some(), at.is_some(), "{}: tick {tick}, {side}_v of {row}", case.path);
        Expected {
            t: row["t"].as_f64().expect("a row has a time") as f32,
            x: tensor("x").and_then(part),
            velocity,
            padded_tokens: record[format!("padded_len_{side}")].as_u64().unwrap_or(0) as usize,
        }
    };
    rows.iter().map(|row| (row, expected(row))).collect()
}

impl Denoiser for Rows<'_> {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let (number, tokens) = named(row.tokens);
        let track = self.tracks.get_mut(&number).expect("every row's condition is a request's own");
        let Some(expected) = track.rows.get(track.next).copied() else {
            // Only in the instrument's own run: a step that the published run never came to.
            out.fill(0.0);
            return Ok(());
        };
        track.next += 1;
        match &mut self.answer {
            Answer::Recorded => match expected.velocity {
                Some(velocity) => out.copy_from_slice(velocity),
                None => out.fill(0.0),
            },
            Answer::Computed { network, width } => {
                let mut tokens = tokens.to_vec();
                tokens.resize(expected.padded_tokens * *width, 0.0);
                network.velocity(&DenoiserRow { tokens: &tokens, ..*row }, out)?;
            }
        }
        let (x, velocity) = (row.x.to_vec(), out.to_vec());
        self.seen.push(Seen { tick: self.tick, name: track.name.clone(), t: row.t, x, velocity, expected });
        Ok(())
    }
}

/// Recorded draws by request and step. A draw that the script has and holds no numbers of is multiplied by zero there, so
/// here it is NaN: it would be heard. One that the published run never came to (a request that our earlier emission seated
/// and a change of length took from its queue) is zeros: nothing is known of it, and nothing is compared.
pub struct ScriptNoise {
    draws: HashMap<(u64, Purpose), Vec<f32>>,
    /// Draws of the published run that are multiplied by zero.
    unheard: HashSet<(u64, Purpose)>,
}

impl ScriptNoise {
    pub fn new(case: &Case, script: &Script<'_>) -> Self {
        let (mut draws, mut unheard) = (HashMap::new(), HashSet::new());
        let data = |tensor: &str| case.tensor(tensor).data.clone();
        for (name, request) in &script.requests {
            if let Some(tensor) = case.tensors.get(&format!("init_noise.{name}")) {
                draws.insert((request.generation, Purpose::Start), tensor.data.clone());
            }
        }
        for tick in &script.ticks {
            let list = |key: &str| tick[key].as_array().map_or(&[][..], |it| it);
            let generation = |it: &Value| {
                let name = it["request"].as_str().expect("births, steps and draws name their request");
                script.requests[name].generation
            };
            unheard.extend(list("filled").iter().map(|it| (generation(it), Purpose::Start)));
            for it in list("active") {
                let step = it["step"].as_u64().expect("a step has a number") as u32;
                unheard.insert((generation(it), Purpose::Step { step }));
            }
            for draw in list("draws") {
                let mask = draw["mask"].as_str().map(|it| (mask_seed(it), Purpose::Mask));
                let key = mask.unwrap_or_else(|| {
                    let step = draw["step"].as_u64().expect("a draw names its step") as u32;
                    (generation(draw), Purpose::Step { step })
                });
                match draw["tensor"].as_str() {
                    Some(tensor) => drop(draws.insert(key, data(tensor))),
                    None => drop(unheard.insert(key)),
                }
            }
        }
        Self { draws, unheard }
    }
}

impl NoiseSource for ScriptNoise {
    fn fill(&self, draw: &Draw, first_frame: usize, out: &mut [f32]) {
        let name = if draw.purpose == Purpose::Mask { draw.seed } else { draw.generation };
        let key = (name, draw.purpose);
        match self.draws.get(&key) {
            Some(numbers) => out.copy_from_slice(&numbers[first_frame * LATENT_CHANNELS..][..out.len()]),
            None => out.fill(if self.unheard.contains(&key) { f32::NAN } else { 0.0 }),
        }
    }
}
