//! The words that a set is played under: up to eight prompts, of which two are under the blend.
//!
//! A worker reads other words while the old ones play on, and the tick side takes the whole of them between two ticks
//! ([`Swap::Words`](super::Swap::Words)): the ring lives on, slots in flight keep the tokens that they were born with, and
//! slots born afterwards have the new ones. What leaves is still held by those slots, so it goes home whole, and is freed
//! there when nobody holds it any more ([`Words::let_go`]). Taking them allocates nothing.
//!
//! Where prompts or their blend are drawn over the tape, each frame has its own two of them and its own blend: every prompt that acts anywhere
//! has a row, and what it counts is a curve.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::births::REQUESTS;
use super::material::{MaterialError, Prompt};
use super::shelf::{Shelf, mix};
use crate::param::{Drawn, ParamId, Values};
use crate::ring::Condition;
use crate::solver::curve::Curve;

/// Prompts that a set has at most.
pub const PROMPTS: usize = 8;

/// Up to [`PROMPTS`] prompts, with the shelves that births mix them on.
pub struct Words {
    prompts: Vec<Prompt>,
    /// Of each prompt its tokens between the neutral and the source's timbre.
    mixed: Vec<Shelf<[f32]>>,
    /// A network with room for these, where the backend's own has less; after the exchange, the one before.
    network: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("prompts", &self.prompts.len()).finish_non_exhaustive()
    }
}

impl Words {
    /// Words of these prompts, made ready to be born with. Allocates: for the worker.
    ///
    /// # Errors
    /// [`MaterialError`] where a prompt is no whole number of tokens of `token_width`, or there is none, or more than [`PROMPTS`].
    pub fn new(prompts: Vec<Prompt>, token_width: usize) -> Result<Self, MaterialError> {
        check(&prompts, token_width)?;
        let mixed = prompts.iter().map(|it| Shelf::of_buffers(REQUESTS, it.neutral.len())).collect();
        Ok(Self { prompts, mixed, network: None })
    }

    /// Brings a network along that has room for these words ([`Backend::exchange`](crate::backend::Backend::exchange)).
    #[must_use]
    pub fn with_network(mut self, network: Box<dyn Any + Send>) -> Self {
        self.network = Some(network);
        self
    }

    /// The prompts.
    #[must_use]
    pub fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    /// Numbers of the longest of its prompts.
    #[must_use]
    pub fn longest(&self) -> usize {
        longest(&self.prompts)
    }

    /// The network that is brought along.
    pub(super) fn network_mut(&mut self) -> Option<&mut Box<dyn Any + Send>> {
        self.network.as_mut()
    }

    /// Frees what nobody else holds any more; answers whether nothing is left. For where words come home to: what a slot still
    /// holds would else be freed by the tick thread, which frees nothing.
    pub fn let_go(&mut self) -> bool {
        self.network = None;
        self.mixed.retain(|shelf| !shelf.is_whole());
        let alone = |tokens: &Arc<[f32]>| Arc::strong_count(tokens) <= self.holders(tokens);
        let held = self.prompts.iter().filter(|it| !(alone(&it.neutral) && alone(&it.with_timbre)));
        self.prompts = held.cloned().collect();
        self.mixed.is_empty() && self.prompts.is_empty()
    }

    /// How often the prompts themselves hold these tokens: the same words may stand in several places.
    fn holders(&self, tokens: &Arc<[f32]>) -> usize {
        let sides = self.prompts.iter().flat_map(|it| [&it.neutral, &it.with_timbre]);
        sides.filter(|it| Arc::ptr_eq(it, tokens)).count()
    }

    /// The two prompts under the blend, by their places. A place where there is none counts as the last one.
    fn chosen(&self, values: &Values) -> [usize; 2] {
        [ParamId::PromptA, ParamId::PromptB].map(|id| values.whole(id).saturating_sub(1).min(self.prompts.len() - 1))
    }

    /// How much each of the two acts, in all 1. Where both are the same words there is one.
    fn shares(&self, values: &Values) -> [f32; 2] {
        let [a, b] = self.chosen(values).map(|place| &self.prompts[place]);
        if Arc::ptr_eq(&a.with_timbre, &b.with_timbre) {
            return [1.0, 0.0];
        }
        shares(values.get(ParamId::PromptBlend), [a.weight, b.weight])
    }

    /// Rows that a slot born now has for its prompts.
    pub(super) fn rows(&self, values: &Values, drawn: &Drawn) -> usize {
        match Layout::of(values, drawn) {
            Some(layout) => self.acting(&layout).iter().filter(|acts| **acts).count(),
            None => self.shares(values).iter().filter(|share| **share != 0.0).count(),
        }
    }

    /// The prompts under the blend as far as it lets them act, each between its neutral and its source's timbre; where prompts or blend are
    /// drawn, every prompt that acts anywhere, with how much it does there (from `weights`, each as long as the tape). `None` where a shelf is
    /// empty, which it is not by construction.
    pub(super) fn write(
        &mut self,
        values: &Values,
        drawn: &Drawn,
        weights: &mut Shelf<[f32]>,
        conditions: &mut Vec<Condition>,
    ) -> Option<()> {
        let timbre = values.get(ParamId::TimbreStrength);
        if let Some(layout) = Layout::of(values, drawn) {
            let acting = self.acting(&layout);
            let is_alone = acting.iter().filter(|acts| **acts).count() == 1;
            for place in (0..PROMPTS).filter(|place| acting[*place]) {
                let tokens = self.tokens(place, timbre)?;
                let share =
                    |frame| self.shares_at(&layout, frame).into_iter().find(|it| it.0 == place).map_or(0.0, |it| it.1);
                let write = |out: &mut [f32]| out.iter_mut().enumerate().for_each(|(frame, out)| *out = share(frame));
                let weight = if is_alone { None } else { Some(Curve::Frames(weights.fill(write)?)) };
                conditions.push(Condition { weight, ..Condition::always(tokens) });
            }
            return Some(());
        }
        for (place, share) in self.chosen(values).into_iter().zip(self.shares(values)) {
            if share == 0.0 {
                continue;
            }
            let tokens = self.tokens(place, timbre)?;
            let weight = (share < 1.0).then_some(Curve::Scalar(share));
            conditions.push(Condition { weight, ..Condition::always(tokens) });
        }
        Some(())
    }

    /// The tokens of a prompt between its neutral and its source's timbre; at either end as they are, to the bit.
    fn tokens(&mut self, place: usize, timbre: f32) -> Option<Arc<[f32]>> {
        let prompt = &self.prompts[place];
        match timbre {
            0.0 => Some(Arc::clone(&prompt.neutral)),
            1.0 => Some(Arc::clone(&prompt.with_timbre)),
            _ => self.mixed[place].fill(|out| mix(out, &prompt.neutral, &prompt.with_timbre, timbre)),
        }
    }

    /// Which prompts act anywhere in a layout; of those that are the same words the first.
    fn acting(&self, layout: &Layout<'_>) -> [bool; PROMPTS] {
        let mut acting = [false; PROMPTS];
        for (place, share) in (0..layout.frames).flat_map(|frame| self.shares_at(layout, frame)) {
            acting[place] |= share != 0.0;
        }
        acting
    }

    /// The two prompts of a frame, and how much each acts there, in all 1. The first has all of it where both are the same words.
    fn shares_at(&self, layout: &Layout<'_>, frame: usize) -> [(usize, f32); 2] {
        let [a, b] = [layout.a, layout.b].map(|it| {
            let place = (it.at(frame).round().max(1.0) as usize - 1).min(self.prompts.len() - 1);
            let words = &self.prompts[place].with_timbre;
            self.prompts.iter().position(|it| Arc::ptr_eq(&it.with_timbre, words)).unwrap_or(place)
        });
        if a == b {
            return [(a, 1.0), (b, 0.0)];
        }
        let shares = shares(layout.blend.at(frame), [self.prompts[a].weight, self.prompts[b].weight]);
        [(a, shares[0]), (b, shares[1])]
    }
}

/// How much each of two prompts of these weights acts under a blend, in all 1. At either end one is alone, exactly, whatever it weighs.
fn shares(blend: f32, weights: [f32; 2]) -> [f32; 2] {
    let (a, b) = ((1.0 - blend) * weights[0], blend * weights[1]);
    if a == 0.0 || b == 0.0 { [f32::from(b == 0.0), f32::from(b != 0.0)] } else { [a / (a + b), b / (a + b)] }
}

/// Prompts and their blend where one of these is drawn over the tape.
struct Layout<'d> {
    frames: usize,
    a: Laid<'d>,
    b: Laid<'d>,
    blend: Laid<'d>,
}

/// A parameter frame by frame: as it is drawn, or where its knob stands.
#[derive(Clone, Copy)]
enum Laid<'d> {
    Drawn(&'d [f32]),
    Stands(f32),
}

impl<'d> Layout<'d> {
    /// `None` where nothing of it is drawn.
    fn of(values: &Values, drawn: &'d Drawn) -> Option<Self> {
        let of = |id| drawn.get(id).map_or_else(|| Laid::Stands(values.get(id)), |it| Laid::Drawn(it));
        let [a, b, blend] = [ParamId::PromptA, ParamId::PromptB, ParamId::PromptBlend].map(of);
        let frames =
            [a, b, blend].iter().find_map(|it| if let Laid::Drawn(it) = it { Some(it.len()) } else { None })?;
        Some(Self { frames, a, b, blend })
    }
}

impl Laid<'_> {
    fn at(self, frame: usize) -> f32 {
        match self {
            Self::Drawn(curve) => curve[frame],
            Self::Stands(value) => value,
        }
    }
}

/// Checks prompts, so that births need not.
pub(super) fn check(prompts: &[Prompt], width: usize) -> Result<(), MaterialError> {
    if prompts.is_empty() || PROMPTS < prompts.len() {
        return Err(MaterialError::Prompts { found: prompts.len() });
    }
    for (place, prompt) in prompts.iter().enumerate() {
        let (with_timbre, neutral) = (prompt.with_timbre.len(), prompt.neutral.len());
        for found in [with_timbre, neutral] {
            if found == 0 || width == 0 || !found.is_multiple_of(width) {
                return Err(MaterialError::Tokens { what: NAMES[place], found, width });
            }
        }
        if with_timbre != neutral {
            return Err(MaterialError::Sides { what: NAMES[place], with_timbre, neutral });
        }
        if !(prompt.weight.is_finite() && 0.0 < prompt.weight) {
            return Err(MaterialError::Weight { what: NAMES[place] });
        }
    }
    Ok(())
}

/// Numbers of the longest of these prompts.
#[must_use]
pub fn longest(prompts: &[Prompt]) -> usize {
    prompts.iter().map(|it| it.with_timbre.len().max(it.neutral.len())).max().unwrap_or(0)
}

const NAMES: [&str; PROMPTS] =
    ["prompt 1", "prompt 2", "prompt 3", "prompt 4", "prompt 5", "prompt 6", "prompt 7", "prompt 8"];

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
