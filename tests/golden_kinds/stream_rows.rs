//! The recorded rows and draws of a stream, as a denoiser and a source of noise.

use std::collections::HashMap;

use engine::backend::{Denoiser, DenoiserError, DenoiserRow};
use engine::latent::LATENT_CHANNELS;
use engine::solver::noise::{Draw, NoiseSource, Purpose};

use super::network::Network;
use super::script::{Script, condition_name, mask_seed, named};
use crate::case::Case;

/// What a script says of one row.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    pub t: f32,
    pub x: Option<&'a [f32]>,
    pub velocity: &'a [f32],
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
            let tick = record["tick"].as_u64().expect("a tick has a number");
            for side in ["pos", "neg"] {
                let tensor = |kind: &str| case.tensors.get(&format!("tick{tick:03}.{side}_{kind}"));
                let rows = record[format!("{side}_rows")].as_array().map_or(&[][..], |it| it);
                for (at, row) in rows.iter().enumerate() {
                    let velocity = tensor("v").unwrap_or_else(|| panic!("{}: tick {tick} has no {side}_v", case.path));
                    let numbers = velocity.data.len() / rows.len();
                    let part = |it: &'a crate::case::Tensor| &it.data[at * numbers..][..numbers];
                    let text = |key: &str| row[key].as_str().expect("a row names its request and condition").to_owned();
                    by_name.entry((text("request"), text("cond"))).or_default().push(Expected {
                        t: row["t"].as_f64().expect("a row has a time") as f32,
                        x: tensor("x").map(part),
                        velocity: part(velocity),
                        padded_tokens: record[format!("padded_len_{side}")].as_u64().unwrap_or(0) as usize,
                    });
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
            Answer::Recorded => out.copy_from_slice(expected.velocity),
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

/// Recorded draws by request and step. A draw that the script does not hold is multiplied by zero there, so here it is
/// NaN: it would be heard.
pub struct ScriptNoise {
    draws: HashMap<(u64, Purpose), Vec<f32>>,
}

impl ScriptNoise {
    pub fn new(case: &Case, script: &Script<'_>) -> Self {
        let mut draws = HashMap::new();
        let data = |tensor: &str| case.tensor(tensor).data.clone();
        for (name, request) in &script.requests {
            if let Some(tensor) = case.tensors.get(&format!("init_noise.{name}")) {
                draws.insert((request.generation, Purpose::Start), tensor.data.clone());
            }
        }
        let all = script.ticks.iter().flat_map(|it| it["draws"].as_array().expect("draws are a list"));
        for draw in all {
            let Some(tensor) = draw["tensor"].as_str() else { continue };
            if let Some(mask) = draw["mask"].as_str() {
                draws.insert((mask_seed(mask), Purpose::Mask), data(tensor));
                continue;
            }
            let request = draw["request"].as_str().expect("a draw names its request");
            let step = draw["step"].as_u64().expect("a draw names its step") as u32;
            draws.insert((script.requests[request].generation, Purpose::Step { step }), data(tensor));
        }
        Self { draws }
    }
}

impl NoiseSource for ScriptNoise {
    fn fill(&self, draw: &Draw, first_frame: usize, out: &mut [f32]) {
        let name = if draw.purpose == Purpose::Mask { draw.seed } else { draw.generation };
        match self.draws.get(&(name, draw.purpose)) {
            Some(numbers) => out.copy_from_slice(&numbers[first_frame * LATENT_CHANNELS..][..out.len()]),
            None => out.fill(f32::NAN),
        }
    }
}
