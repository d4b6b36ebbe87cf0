//! Plans of TensorRT: built where they are missing, which is said and takes minutes, once; then loaded.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ::tensorrt::{Flavour, Runtime, Search, TensorRt};
use anyhow::{Context, bail};
use engine::backend::cuda::{Device, DeviceBackend};
use engine::backend::tensorrt::{DenoiserPlans, Plan, TrtEncoder, TrtNetwork, TrtWindows, WindowPlan};
use engine::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::window_lengths;

use super::{Chosen, OnCard, Preparing};
use crate::compute::build::{
    self, BuildArgs, DENOISER, EncoderGraphs, ModelGraphs, Outcome, PROMPT, Ready, window_name,
};
use crate::compute::plans::KERNELS;
use crate::compute::progress::Progress;
use crate::compute::recovery::Parts;
use crate::files::{FileError, read_regular, write_whole};

/// Depths that a plan serves: all that the depth knob reaches.
const DEPTHS: [u32; 4] = [1, 2, 4, 8];
/// Compute capabilities that TensorRT for RTX 1.7 builds for.
const RTX_KNOWS: [(u32, u32); 6] = [(7, 5), (8, 0), (8, 6), (8, 9), (12, 0), (12, 1)];

/// A card with a TensorRT that knows it.
pub(super) fn find() -> anyhow::Result<Chosen> {
    let device = Device::open(0)?;
    let tensorrt = TensorRt::open(&Search::usual())?;
    let card = device.card();
    if tensorrt.version().flavour == Flavour::Rtx && !RTX_KNOWS.contains(&card.compute) {
        bail!("TensorRT for RTX does not know {card}");
    }
    Ok(Chosen::TensorRt { device, tensorrt })
}

/// The latent of a tape.
pub(super) fn listen(
    device: &Arc<Device>,
    tensorrt: &TensorRt,
    folder: &Path,
    sound: &[StereoFrame],
    line: &mut dyn Progress,
) -> anyhow::Result<Vec<f32>> {
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

/// Builds what is missing; gives what loads it.
pub(super) fn loader(set: &Preparing<'_>, tensorrt: TensorRt, line: &mut dyn Progress) -> anyhow::Result<OnCard> {
    let mut args = BuildArgs::for_the_card(set.material.frames as u32, set.tokens()? as u32);
    args.depth = DEPTHS.to_vec();
    args.precision = set.precision;
    let graphs = ModelGraphs::open(set.folder)?;
    let (outcome, ready) = build::ready(&args, &graphs, line, &AtomicBool::new(false))?;
    if let Outcome::Interrupted { .. } = outcome {
        bail!("the build of the plans was interrupted");
    }
    let frames = set.material.frames;
    let plans = PlanFiles::of(&ready, window_lengths(frames), args.wish().batches())?;
    Ok(Box::new(move |device| load(device, &tensorrt, &plans, frames)))
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

fn load(device: &Arc<Device>, tensorrt: &TensorRt, plans: &PlanFiles, frames: usize) -> anyhow::Result<Parts> {
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
    let decoder = TrtWindows::new(device, &runtime, &windows, frames)?;
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
    let bytes = read_regular(plan, u64::MAX - 1).map_err(FileError::reading(plan))?;
    Ok(Plan { bytes, kernels: kept_kernels(plan) })
}

/// Kernels that an earlier start kept for a plan.
fn kept_kernels(plan: &Path) -> Option<Vec<u8>> {
    read_regular(&plan.with_extension(KERNELS), u64::MAX - 1).ok()
}

/// Keeps kernels beside their plan. They save seconds at the next start and nothing else, so a full disk is no reason not to
/// play.
fn keep_kernels(plan: &Path, kernels: Option<Vec<u8>>) {
    if let Some(kernels) = kernels.filter(|it| kept_kernels(plan).as_ref() != Some(it)) {
        let _ = write_whole(&plan.with_extension(KERNELS), &kernels);
    }
}
