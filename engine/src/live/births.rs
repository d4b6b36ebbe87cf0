//! Slot-class parameters: what the next slot is born with.
//!
//! Every birth mixes its own source (feedback), context (structure) and tokens (timbre) from the material, onto shelves, so
//! that later knob movements cannot reach a slot that lives. Between two prompts a slot has a row for each, and its velocity
//! is their mean by the blend, or stands on the arc between them ([`BlendPath`]): so each prompt keeps its own length, and the
//! first thousandth of the way is as short as any. What is drawn over the tape acts frame by frame: feedback and structure in what is mixed,
//! prompts and their blend in how much each row counts there.

use std::sync::Arc;

use super::material::Material;
use super::shelf::{Shelf, mix};
use super::standing::same_bits;
use super::words::{PROMPTS, Words};
use crate::latent::LATENT_CHANNELS;
use crate::param::{Drawn, ParamId, Values};
use crate::ring::request::CONTEXT_CHANNELS;
use crate::ring::{Condition, GuidanceMode, MAX_DEPTH, Request, TargetRequest};
use crate::solver::blend::BlendPath;
use crate::solver::curve::Curve;

/// Finished latents that feedback can reach back to.
pub(super) const TAPS: usize = 8;
/// Requests: as many as can hold on to a birth (slots, the backend's copy of each), and those being written.
pub(super) const REQUESTS: usize = 2 * MAX_DEPTH + 2;

/// Mixes births.
#[derive(Debug)]
pub(super) struct Births {
    requests: Shelf<Request>,
    mixer: Mixer,
    empty: Arc<[f32]>,
}

/// The material and what is mixed from it.
#[derive(Debug)]
struct Mixer {
    material: Arc<Material>,
    sources: Shelf<[f32]>,
    /// The context of a structure that is not faded, shared by all births.
    whole: Arc<[f32]>,
    contexts: Shelf<[f32]>,
    /// How much each prompt of a birth counts, frame by frame, where that is drawn.
    weights: Shelf<[f32]>,
    words: Words,
    history: History,
}

/// The last finished latents.
#[derive(Debug)]
struct History {
    latents: Vec<Vec<f32>>,
    count: usize,
}

impl Births {
    pub(super) fn new(material: Arc<Material>) -> Self {
        let frames = material.frames;
        let empty: Arc<[f32]> = Arc::from(vec![]);
        let request = || {
            let mut it = Request::new(frames, Arc::clone(&empty), Arc::clone(&empty));
            it.conditions.reserve(PROMPTS);
            it.negatives.reserve(1);
            Arc::new(it)
        };
        let mut whole = vec![0.0; frames * CONTEXT_CHANNELS];
        write_context(&material, |_| 1.0, &mut whole);
        let mixer = Mixer {
            whole: whole.into(),
            sources: Shelf::of_buffers(REQUESTS, frames * LATENT_CHANNELS),
            contexts: Shelf::of_buffers(REQUESTS, frames * CONTEXT_CHANNELS),
            weights: Shelf::of_buffers(REQUESTS * PROMPTS, frames),
            words: Words::new(material.prompts.clone(), material.token_width).expect("material is checked"),
            history: History { latents: vec![vec![0.0; frames * LATENT_CHANNELS]; TAPS], count: 0 },
            material,
        };
        Self { requests: Shelf::new((0..REQUESTS).map(|_| request())), mixer, empty }
    }

    pub(super) fn material(&self) -> &Arc<Material> {
        &self.mixer.material
    }

    /// Remembers a finished latent for feedback; answers whether it is the one before it, bit for bit.
    pub(super) fn remember(&mut self, latent: &[f32]) -> bool {
        let history = &mut self.mixer.history;
        let equal = history.count.checked_sub(1).is_some_and(|last| same_bits(&history.latents[last % TAPS], latent));
        history.latents[history.count % TAPS].copy_from_slice(latent);
        history.count += 1;
        equal
    }

    /// Slots born from now on have these words; those before come back in their place, still held by the slots that were born with
    /// them.
    pub(super) fn take_words(&mut self, words: &mut Words) {
        std::mem::swap(&mut self.mixer.words, words);
    }

    /// Rows of a slot born now: one for each prompt that acts, and the unconditional one where it is computed.
    pub(super) fn rows(&self, values: &Values, drawn: &Drawn) -> usize {
        self.mixer.words.rows(values, drawn) + usize::from(2 <= values.whole(ParamId::CfgMode))
    }

    /// The request of a slot born now; `drawn` has one value a latent frame of what is drawn. `None` when the shelves are empty,
    /// which they are not by construction.
    pub(super) fn request(&mut self, values: &Values, seed: u32, drawn: &Drawn) -> Option<Arc<Request>> {
        let Self { requests, mixer, empty } = self;
        // Requests that wait for their next life hold on to no words: those that left are freed as soon as no slot has them. Here
        // nothing is freed: whoever let them go holds them still.
        requests.for_each_free(|it| it.conditions.clear());
        let mut whole = false;
        let request = requests.fill(|it| {
            // What the request held in its last life goes back first: the mixes below may need those very buffers.
            it.conditions.clear();
            it.negatives.clear();
            (it.source, it.target, it.context) = (None, None, Arc::clone(empty));
            whole = mixer.write(it, values, seed, drawn).is_some();
        });
        request.filter(|_| whole)
    }
}

impl Mixer {
    fn write(&mut self, it: &mut Request, values: &Values, seed: u32, drawn: &Drawn) -> Option<()> {
        it.source = Some(self.source(values, drawn.get(ParamId::Feedback))?);
        it.context = self.context(values, drawn.get(ParamId::HintStrength))?;
        self.words.write(values, drawn, &mut self.weights, &mut it.conditions)?;
        it.path = if values.whole(ParamId::PromptPath) == 1 { BlendPath::Spherical } else { BlendPath::Linear };
        it.seed = u64::from(seed);
        // One number for all: a knob at rest gives the same latent again, so windows of one generation and the next join
        // without a seam, and the loop stands still until a hand moves.
        it.generation = 0;
        it.denoise = values.exact(ParamId::Denoise);
        let mode = values.whole(ParamId::CfgMode);
        it.controls.guidance_scale = (mode != 0).then_some(Curve::Scalar(values.get(ParamId::GuidanceScale)));
        it.guidance_mode = match mode {
            1 => GuidanceMode::OwnNoise,
            2 => GuidanceMode::Initialize,
            _ => GuidanceMode::Full,
        };
        if mode >= 2 {
            it.negatives.push(Condition::always(Arc::clone(&self.material.unconditional)));
        }
        it.target = Some(TargetRequest {
            latent: Arc::clone(&self.material.source),
            curve: drawn.get(ParamId::X0Target).map(|it| Curve::Frames(Arc::clone(it))),
            gate: values.get(ParamId::X0TargetGate),
        });
        Some(())
    }

    /// The source, or a blend of it with an earlier finished latent.
    fn source(&mut self, values: &Values, drawn: Option<&Arc<[f32]>>) -> Option<Arc<[f32]>> {
        let known = self.history.count.min(TAPS);
        if !feeds_back(values, drawn) || known == 0 {
            return Some(Arc::clone(&self.material.source));
        }
        let feedback = values.get(ParamId::Feedback);
        let tap = values.whole(ParamId::FeedbackTap).clamp(1, known);
        let heard = &self.history.latents[(self.history.count - tap) % TAPS];
        let dry = &self.material.source;
        self.sources.fill(|out| match drawn {
            None => mix(out, dry, heard, feedback),
            Some(drawn) => {
                let frames = out.chunks_exact_mut(LATENT_CHANNELS).zip(drawn.iter());
                let sides = dry.chunks_exact(LATENT_CHANNELS).zip(heard.chunks_exact(LATENT_CHANNELS));
                frames.zip(sides).for_each(|((out, share), (dry, heard))| mix(out, dry, heard, *share));
            }
        })
    }

    /// Structure faded towards silence, and a chunk mask of ones: everything is to be generated.
    fn context(&mut self, values: &Values, drawn: Option<&Arc<[f32]>>) -> Option<Arc<[f32]>> {
        let (strength, material) = (values.get(ParamId::HintStrength), &self.material);
        match drawn {
            Some(drawn) => self.contexts.fill(|out| write_context(material, |frame| drawn[frame], out)),
            None if strength == 1.0 => Some(Arc::clone(&self.whole)),
            None => self.contexts.fill(|out| write_context(material, |_| strength, out)),
        }
    }
}

/// Whether births hear finished latents: by the knob, or where a curve is drawn in its place by any frame of that.
pub(super) fn feeds_back(values: &Values, drawn: Option<&Arc<[f32]>>) -> bool {
    drawn.map_or_else(|| values.get(ParamId::Feedback) != 0.0, |it| it.iter().any(|it| *it != 0.0))
}

/// `strength` is by frame.
fn write_context(material: &Material, strength: impl Fn(usize) -> f32, out: &mut [f32]) {
    let rows = out.chunks_exact_mut(CONTEXT_CHANNELS);
    let silence = material.silence.chunks_exact(LATENT_CHANNELS);
    let hints = material.hints.chunks_exact(LATENT_CHANNELS);
    for (frame, ((row, silence), hint)) in rows.zip(silence).zip(hints).enumerate() {
        let (structure, chunk) = row.split_at_mut(LATENT_CHANNELS);
        mix(structure, silence, hint, strength(frame));
        chunk.fill(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Prompt;

    fn material() -> Arc<Material> {
        let ramp = |len: usize, scale: f32| -> Arc<[f32]> { (0..len).map(|at| at as f32 * scale).collect() };
        let prompt =
            |tokens: usize| Prompt { weight: 1.0, with_timbre: ramp(tokens * 2, 1.0), neutral: ramp(tokens * 2, 3.0) };
        Arc::new(Material {
            frames: 2,
            token_width: 2,
            source: ramp(128, 1.0),
            hints: ramp(128, 2.0),
            silence: ramp(128, 0.0),
            prompts: vec![prompt(1), prompt(3)],
            unconditional: ramp(2, 1.0),
        })
    }

    fn with(changes: &[(ParamId, f64)]) -> Values {
        let mut values = Values::default();
        changes.iter().for_each(|&(id, value)| assert!(values.set(id, value), "{id:?} takes {value}"));
        values
    }

    #[test]
    fn births_never_stop_for_want_of_a_buffer() {
        let mut births = Births::new(material());
        births.remember(&[1.0; 128]);
        let mut values = with(&[(ParamId::Feedback, 0.5), (ParamId::TimbreStrength, 0.5)]);
        let mut alive: Vec<Arc<Request>> = Vec::new();
        for turn in 0..200 {
            values.set(ParamId::PromptBlend, f64::from(turn % 10) / 10.0);
            // As many as slots and the backend's own copies can hold.
            if alive.len() == 2 * MAX_DEPTH {
                alive.remove(0);
            }
            alive.push(
                births
                    .request(&values, turn, &Drawn::default())
                    .unwrap_or_else(|| panic!("birth {turn} found no buffer")),
            );
        }
        assert_eq!(alive.last().map(|it| it.seed), Some(199));
    }

    #[test]
    fn feedback_listens_to_the_oldest_there_is() {
        let mut births = Births::new(material());
        let far = with(&[(ParamId::Feedback, 1.0), (ParamId::FeedbackTap, 8.0)]);
        let dry = births.request(&far, 0, &Drawn::default()).expect("a buffer is free");
        assert_eq!(dry.source.as_deref(), Some(&*births.material().source), "nothing has finished yet");
        births.remember(&[3.0; 128]);
        births.remember(&[4.0; 128]);
        let wet = births.request(&far, 0, &Drawn::default()).expect("a buffer is free");
        assert_eq!(wet.source.as_deref(), Some(&[3.0; 128][..]));
    }

    #[test]
    fn drawn_feedback_and_structure_act_frame_by_frame_whatever_their_knobs_say() {
        let mut births = Births::new(material());
        let mut drawn = Drawn::default();
        drawn.set(ParamId::Feedback, Some(Arc::from([0.0, 0.5])));
        drawn.set(ParamId::HintStrength, Some(Arc::from([1.0, 0.25])));
        let knobs = with(&[(ParamId::Feedback, 1.0), (ParamId::HintStrength, 0.0)]);
        let dry = births.request(&knobs, 0, &drawn).expect("a buffer is free");
        assert_eq!(dry.source.as_deref(), Some(&*births.material().source), "nothing has finished yet");
        births.remember(&[3.0; 128]);
        let request = births.request(&knobs, 0, &drawn).expect("a buffer is free");
        let source = request.source.as_deref().expect("a source");
        assert_eq!((source[5], source[64 + 5]), (5.0, 0.5 * 69.0 + 1.5));
        let hint = |frame: usize| request.context[frame * 128 + 5];
        assert_eq!((hint(0), hint(1)), (10.0, 0.25 * 138.0));
        drawn.set(ParamId::Feedback, Some(Arc::from([0.0; 2])));
        let request = births.request(&knobs, 0, &drawn).expect("a buffer is free");
        assert_eq!(request.source.as_deref(), Some(&*births.material().source), "drawn as nothing");
    }

    #[test]
    fn births_under_every_drawn_prompt_never_stop_for_want_of_a_buffer() {
        let mut eight = Material::clone(&material());
        eight.prompts = (0..8)
            .map(|_| Prompt { weight: 1.0, with_timbre: vec![1.0; 2].into(), neutral: vec![2.0; 2].into() })
            .collect();
        eight.frames = 8;
        let mut births = Births::new(Arc::new(Material {
            source: vec![0.0; 512].into(),
            hints: vec![0.0; 512].into(),
            silence: vec![0.0; 512].into(),
            ..eight
        }));
        let mut drawn = Drawn::default();
        drawn.set(ParamId::PromptA, Some((1..=8_u8).map(f32::from).collect()));
        let mut alive: Vec<Arc<Request>> = Vec::new();
        for turn in 0..100 {
            if alive.len() == 2 * MAX_DEPTH {
                alive.remove(0);
            }
            let request = births.request(&with(&[(ParamId::TimbreStrength, 0.5)]), turn, &drawn);
            alive.push(request.unwrap_or_else(|| panic!("birth {turn} found no buffer")));
            assert_eq!(alive[alive.len() - 1].rows(), 8);
        }
    }

    #[test]
    fn feedback_hears_the_latent_that_its_tap_names_after_more_than_are_kept() {
        let mut births = Births::new(material());
        (1..=19_u8).for_each(|number| _ = births.remember(&[f32::from(number); 128]));
        for tap in 1..=8_u8 {
            let values = with(&[(ParamId::Feedback, 1.0), (ParamId::FeedbackTap, f64::from(tap))]);
            let request = births.request(&values, 0, &Drawn::default()).expect("a buffer is free");
            assert_eq!(request.source.as_deref(), Some(&[f32::from(20 - tap); 128][..]), "tap {tap}");
        }
    }

    #[test]
    fn the_cfg_mode_says_where_the_negative_comes_from_and_which_rows_are_computed() {
        let mut births = Births::new(material());
        let modes =
            [(1.0, GuidanceMode::OwnNoise, 0), (2.0, GuidanceMode::Initialize, 1), (3.0, GuidanceMode::Full, 1)];
        for (mode, expected, negatives) in modes {
            let values = with(&[(ParamId::CfgMode, mode), (ParamId::GuidanceScale, 4.0)]);
            let request = births.request(&values, 0, &Drawn::default()).expect("a buffer is free");
            assert_eq!((request.guidance_mode, request.negatives.len()), (expected, negatives));
            assert_eq!(request.controls.guidance_scale, Some(Curve::Scalar(4.0)));
            assert_eq!(births.rows(&values, &Drawn::default()), 1 + negatives);
            assert_eq!(request.rows(), births.rows(&values, &Drawn::default()), "as many as the backend is asked for");
        }
        let off = births.request(&with(&[(ParamId::CfgMode, 0.0)]), 0, &Drawn::default()).expect("a buffer is free");
        assert_eq!((&off.controls.guidance_scale, off.negatives.len(), off.rows()), (&None, 0, 1));
    }

    #[test]
    fn structure_fades_to_silence_and_the_chunk_mask_stays_whole() {
        let mut births = Births::new(material());
        let half =
            births.request(&with(&[(ParamId::HintStrength, 0.5)]), 0, &Drawn::default()).expect("a buffer is free");
        assert_eq!((half.context[3], half.context[64], half.context[128 + 1]), (3.0, 1.0, 65.0));
    }

    #[test]
    fn between_two_prompts_each_keeps_its_tokens_and_acts_by_its_share() {
        let mut births = Births::new(material());
        let (a, b) = (births.material().prompts[0].clone(), births.material().prompts[1].clone());
        let mut born = |blend: f64| {
            let values = with(&[(ParamId::PromptBlend, blend)]);
            let request = births.request(&values, 0, &Drawn::default()).expect("a buffer is free");
            assert_eq!(request.conditions.len(), births.rows(&values, &Drawn::default()));
            request.conditions.iter().map(|it| (Arc::clone(&it.tokens), it.weight.clone())).collect::<Vec<_>>()
        };
        assert_eq!(born(0.0), [(Arc::clone(&a.with_timbre), None)]);
        assert_eq!(born(1.0), [(Arc::clone(&b.with_timbre), None)]);
        let shares = |a_share: f32, b_share: f32| {
            [(Arc::clone(&a.with_timbre), Some(a_share.into())), (Arc::clone(&b.with_timbre), Some(b_share.into()))]
        };
        assert_eq!(born(0.25), shares(0.75, 0.25));
        assert_eq!(born(1.0 / 1024.0), shares(1023.0 / 1024.0, 1.0 / 1024.0));
    }

    #[test]
    fn a_slot_keeps_the_path_between_its_prompts_that_it_was_born_with() {
        let mut births = Births::new(material());
        let mut born = |path: f64| {
            let values = with(&[(ParamId::PromptBlend, 0.5), (ParamId::PromptPath, path)]);
            births.request(&values, 0, &Drawn::default()).expect("a buffer is free")
        };
        let (straight, round) = (born(0.0), born(1.0));
        assert_eq!((straight.path, round.path), (BlendPath::Linear, BlendPath::Spherical));
        drop(round);
        // A request that comes back from the shelf has nothing of its last life.
        for _ in 0..2 * REQUESTS {
            assert_eq!(born(0.0).path, BlendPath::Linear);
        }
    }

    #[test]
    fn timbre_moves_one_prompt_alone_and_is_exact_at_both_ends() {
        let mut births = Births::new(material());
        let a = births.material().prompts[0].clone();
        let mut born = |timbre: f64| {
            let request = births
                .request(&with(&[(ParamId::TimbreStrength, timbre)]), 0, &Drawn::default())
                .expect("a buffer is free");
            assert_eq!(request.conditions.len(), 1);
            Arc::clone(&request.conditions[0].tokens)
        };
        assert!(Arc::ptr_eq(&born(0.0), &a.neutral) && Arc::ptr_eq(&born(1.0), &a.with_timbre));
        assert_eq!(*born(0.75), [0.0, 1.5], "as long as prompt A, whatever B is");
    }

    #[test]
    fn a_set_of_one_prompt_has_one_row_wherever_the_blend_stands() {
        let mut material = Material::clone(&material());
        material.prompts.truncate(1);
        let mut births = Births::new(Arc::new(material));
        let request =
            births.request(&with(&[(ParamId::PromptBlend, 0.5)]), 0, &Drawn::default()).expect("a buffer is free");
        assert_eq!((request.conditions.len(), request.conditions[0].weight.clone()), (1, None));
    }
}
