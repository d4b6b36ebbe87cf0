//! What computes a set: the processor, or plans on a graphics card.
//!
//! `auto` takes the card when there is one that works and says in words why not; a card that is named and does not work is
//! an error. Plans that are missing are built first, which is said and takes minutes, once.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use anyhow::{Context, bail};
use engine::backend::cuda::{Device, DeviceBackend};
use engine::backend::tensorrt::{DenoiserPlans, Plan, TrtEncoder, TrtNetwork, TrtWindows, WindowPlan};
use engine::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::{self, CodecWindows, Material, window_lengths};
use engine::model::Model;
use tensorrt::{Runtime, Search, TensorRt};

use crate::build::{self, DENOISER, EncoderGraphs, ModelGraphs, Outcome, PROMPT, Ready, window_name};
use crate::cli::{BackendChoice, BuildArgs, PlanPrecision};
use crate::plans::KERNELS;
use crate::progress::ProgressLine;
use crate::recovery::{Build, Parts, Recovery};

/// Room for condition tokens that plans are built with: the first that holds the longest prompt, so that other words do not
/// mean another plan.
const TOKENS: [usize; 4] = [256, 512, 1024, 2560];
/// Depths that a plan serves: all that the depth knob reaches.
const DEPTHS: [u32; 4] = [1, 2, 4, 8];

/// What was chosen, before anything is loaded.
pub enum Chosen {
    /// The processor.
    Processor,
    /// A card with TensorRT.
    Card {
        /// The card.
        device: Arc<Device>,
        /// The library.
        tensorrt: TensorRt,
        /// Where the library was looked for.
        search: Search,
    },
}

/// Looks what there is. The sentence says why `auto` does not take a card, where there is a driver at all.
///
/// # Errors
/// When a card was asked for and cannot be had.
pub fn choose(choice: BackendChoice) -> anyhow::Result<(Chosen, Option<String>)> {
    if choice == BackendChoice::Cpu {
        return Ok((Chosen::Processor, None));
    }
    match card() {
        Ok(chosen) => Ok((chosen, None)),
        Err(error) if choice == BackendChoice::Tensorrt => Err(error.context("TensorRT cannot compute here")),
        Err(error) => {
            // A machine without a card is no news; one whose card is not used is.
            let has_card = Device::count().is_ok_and(|it| 0 < it);
            Ok((Chosen::Processor, has_card.then(|| format!("playing on the processor: {error:#}"))))
        }
    }
}

fn card() -> anyhow::Result<Chosen> {
    let device = Device::open(0)?;
    let search = Search::usual();
    let tensorrt = TensorRt::open(&search)?;
    Ok(Chosen::Card { device, tensorrt, search })
}

impl Chosen {
    /// The latent of a recording where a card computes it; `None` where the processor is to.
    ///
    /// # Errors
    /// With the file or the part and the fault.
    pub fn listen(
        &self,
        folder: &Path,
        sound: &[StereoFrame],
        line: &mut ProgressLine,
    ) -> anyhow::Result<Option<Vec<f32>>> {
        let Self::Card { device, tensorrt, .. } = self else { return Ok(None) };
        let graphs = ModelGraphs::open(folder)?;
        let frames = sound.len() / SAMPLES_PER_LATENT_FRAME;
        let args = BuildArgs::for_the_card(frames as u32, 1);
        let (outcome, ready) = build::ready(&args, &EncoderGraphs(&graphs), line, &AtomicBool::new(false))?;
        let Some(Ready { plan, .. }) = ready.first() else { bail!("the encoder has no plan: {outcome:?}") };
        let mut encoder = TrtEncoder::new(device, &Runtime::new(tensorrt)?, &read(plan)?, graphs.encode_context())?;
        let latent = encoder.encode(sound, &mut |done, total| line.tell("listening to the source", done, total))?;
        keep_kernels(plan, encoder.kernels());
        Ok(latent)
    }
}

/// Builds and loads what computes `material`.
pub struct Preparing<'a> {
    /// The model's folder.
    pub folder: &'a Path,
    /// The model.
    pub model: &'a Model,
    /// The model on the decode thread's own threads.
    pub decode_side: &'a Model,
    /// The set.
    pub material: &'a Arc<Material>,
    /// Whether the processor takes over while a card is away.
    pub stand_in: bool,
    /// Precision of a card's plans.
    pub precision: PlanPrecision,
}

impl Preparing<'_> {
    /// Both sides, and the way back from a lost card.
    ///
    /// # Errors
    /// With the file or the part and the fault.
    pub fn parts(&self, chosen: Chosen, line: &mut ProgressLine) -> anyhow::Result<(Parts, Option<Recovery>)> {
        match chosen {
            Chosen::Processor => {
                line.tell("compiling", 0, 1);
                let parts = on_processor(self.model, self.decode_side, self.material);
                line.tell("compiling", 1, 1);
                Ok((parts?, None))
            }
            Chosen::Card { device, tensorrt, search } => self.on_card(device, tensorrt, search, line),
        }
    }

    fn on_card(
        &self,
        device: Arc<Device>,
        tensorrt: TensorRt,
        search: Search,
        line: &mut ProgressLine,
    ) -> anyhow::Result<(Parts, Option<Recovery>)> {
        let plans = self.plans(line)?;
        line.tell("loading the plans", 0, 1);
        drop(search);
        let material = Arc::clone(self.material);
        let parts = load(&device, &tensorrt, &plans, &material)?;
        line.tell("loading the plans", 1, 1);
        let mut known = Arc::downgrade(&device);
        let again: Build = Box::new(move || {
            let (device, parts) = reopen(&known, &tensorrt, &plans, &material)?;
            known = Arc::downgrade(&device);
            Ok(parts)
        });
        let stand_in = self.stand_in.then(|| -> Build {
            let (model, decode_side, material) =
                (self.model.clone(), self.decode_side.clone(), Arc::clone(self.material));
            Box::new(move || on_processor(&model, &decode_side, &material))
        });
        let recovery = Recovery::new(window_lengths(self.material.frames), again, stand_in);
        Ok((parts, Some(recovery)))
    }

    /// Plans for the set, built where they are missing.
    fn plans(&self, line: &mut ProgressLine) -> anyhow::Result<PlanFiles> {
        let longest = self.material.longest_prompt() / self.material.token_width;
        let tokens = TOKENS.into_iter().find(|it| longest <= *it);
        let tokens = tokens.with_context(|| format!("a prompt has {longest} tokens, plans hold {}", TOKENS[3]))?;
        let mut args = BuildArgs::for_the_card(self.material.frames as u32, tokens as u32);
        args.depth = DEPTHS.to_vec();
        args.precision = self.precision;
        let graphs = ModelGraphs::open(self.folder)?;
        let (outcome, ready) = build::ready(&args, &graphs, line, &AtomicBool::new(false))?;
        if let Outcome::Interrupted { .. } = outcome {
            bail!("the build of the plans was interrupted");
        }
        PlanFiles::of(&ready, window_lengths(self.material.frames), args.wish().batches())
    }
}

/// Where a set's plans are.
struct PlanFiles {
    prompt: PathBuf,
    denoiser: PathBuf,
    batches: Vec<usize>,
    windows: Vec<(usize, PathBuf)>,
}

impl PlanFiles {
    fn of(ready: &[Ready], keeps: Vec<usize>, batches: Vec<u32>) -> anyhow::Result<Self> {
        let plan = |name: &str| {
            let found = ready.iter().find(|it| it.graph.name == name).map(|it| it.plan.clone());
            found.with_context(|| format!("there is no plan for {name}"))
        };
        let windows = keeps.into_iter().map(|keep| Ok((keep, plan(&window_name(keep))?)));
        Ok(Self {
            prompt: plan(PROMPT)?,
            denoiser: plan(DENOISER)?,
            batches: batches.into_iter().map(|it| it as usize).collect(),
            windows: windows.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn on_processor(model: &Model, decode_side: &Model, material: &Arc<Material>) -> anyhow::Result<Parts> {
    Ok(Parts {
        backend: live::cpu_backend(model, material)?,
        decoder: Box::new(CodecWindows::prepare(&decode_side.codec(), material.frames)?),
        words: "the processor".to_owned(),
    })
}

fn load(device: &Arc<Device>, tensorrt: &TensorRt, plans: &PlanFiles, material: &Material) -> anyhow::Result<Parts> {
    let runtime = Runtime::new(tensorrt)?;
    let denoiser = DenoiserPlans {
        prompt: read(&plans.prompt)?,
        velocity: read(&plans.denoiser)?,
        batches: plans.batches.clone(),
    };
    let network = TrtNetwork::new(device, &runtime, &denoiser)?;
    drop(denoiser);
    let windows = plans.windows.iter().map(|(keep, path)| Ok(WindowPlan { keep: *keep, plan: read(path)? }));
    let windows = windows.collect::<anyhow::Result<Vec<_>>>()?;
    let decoder = TrtWindows::new(device, &runtime, &windows, material.frames)?;
    let mut backend = DeviceBackend::new(device, network)?;
    let [prompt, velocity] = backend.network().kernels();
    let paths = [&plans.prompt, &plans.denoiser].into_iter().chain(plans.windows.iter().map(|it| &it.1));
    for (path, kernels) in paths.zip([prompt, velocity].into_iter().chain(decoder.kernels())) {
        keep_kernels(path, kernels);
    }
    let words = format!("TensorRT, {}", device.card().name);
    Ok(Parts { decoder: Box::new(decoder), backend: Box::new(backend), words })
}

fn read(plan: &Path) -> anyhow::Result<Plan> {
    let bytes = std::fs::read(plan).with_context(|| plan.display().to_string())?;
    Ok(Plan { bytes, kernels: kept_kernels(plan) })
}

/// Kernels that an earlier start kept for a plan.
fn kept_kernels(plan: &Path) -> Option<Vec<u8>> {
    std::fs::read(plan.with_extension(KERNELS)).ok()
}

/// Keeps kernels beside their plan. They save seconds at the next start and nothing else, so a full disk is no reason not to
/// play.
fn keep_kernels(plan: &Path, kernels: Option<Vec<u8>>) {
    let (path, beside) = (plan.with_extension(KERNELS), plan.with_extension("kernels.unfinished"));
    if let Some(kernels) = kernels.filter(|it| kept_kernels(plan).as_ref() != Some(it)) {
        let kept = std::fs::write(&beside, kernels).and_then(|()| std::fs::rename(&beside, &path));
        if kept.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
    }
}

/// Opens the card again, once everything that lived on it is dropped.
fn reopen(
    known: &Weak<Device>,
    tensorrt: &TensorRt,
    plans: &PlanFiles,
    material: &Material,
) -> anyhow::Result<(Arc<Device>, Parts)> {
    if 0 < known.strong_count() {
        bail!("something of the lost card is still in use");
    }
    let device = Device::reopen(0)?;
    let parts = load(&device, tensorrt, plans, material)?;
    Ok((device, parts))
}
