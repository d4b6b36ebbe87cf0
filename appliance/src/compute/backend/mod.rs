//! What computes a set: the processor, or a graphics card with plans of TensorRT or with plain kernels.
//!
//! `auto` takes the fastest that works and says in words why not a faster one; what is named and does not work is an error.

mod plain;
mod tensorrt;

use std::path::Path;
use std::sync::{Arc, Weak};

use ::tensorrt::TensorRt;
use anyhow::{Context, bail};
use engine::backend::cuda::Device;
use engine::latent::StereoFrame;
use engine::live::{self, CodecWindows, Material, window_lengths};
use engine::model::Model;

use crate::compute::arguments::{BackendChoice, PlanPrecision};
use crate::compute::progress::Progress;
use crate::compute::recovery::{Build, Parts, Recovery};

/// Room for condition tokens that a card is prepared with: the first that holds the longest prompt, so that other words do
/// not mean another plan.
const TOKENS: [usize; 4] = [256, 512, 1024, 2560];

/// What was chosen, before anything is loaded.
pub enum Chosen {
    /// The processor.
    Processor,
    /// A card with TensorRT.
    TensorRt {
        /// The card.
        device: Arc<Device>,
        /// The library.
        tensorrt: TensorRt,
    },
    /// A card with cuBLASLt and plain kernels: slower, and for cards that TensorRT for RTX does not know.
    Plain {
        /// The card.
        device: Arc<Device>,
    },
}

/// Looks what there is. The sentence says why `auto` takes nothing faster, where there is a card at all.
///
/// # Errors
/// When what was asked for cannot be had.
pub fn choose(choice: BackendChoice) -> anyhow::Result<(Chosen, Option<String>)> {
    match choice {
        BackendChoice::Cpu => Ok((Chosen::Processor, None)),
        BackendChoice::Tensorrt => Ok((tensorrt::find().context("TensorRT cannot compute here")?, None)),
        BackendChoice::Cuda => Ok((plain::find().context("no graphics card can compute here")?, None)),
        BackendChoice::Auto => Ok(best()),
    }
}

fn best() -> (Chosen, Option<String>) {
    let not_tensorrt = match tensorrt::find() {
        Ok(chosen) => return (chosen, None),
        Err(error) => error,
    };
    // A machine without a card is no news; one whose card is not used is.
    let has_card = Device::count().is_ok_and(|it| 0 < it);
    match plain::find() {
        Ok(chosen) => (chosen, Some(format!("playing with plain kernels, not TensorRT: {not_tensorrt:#}"))),
        Err(error) => (Chosen::Processor, has_card.then(|| format!("playing on the processor: {error:#}"))),
    }
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
        line: &mut dyn Progress,
    ) -> anyhow::Result<Option<Vec<f32>>> {
        match self {
            Self::TensorRt { device, tensorrt } => tensorrt::listen(device, tensorrt, folder, sound, line).map(Some),
            Self::Plain { .. } | Self::Processor => Ok(None),
        }
    }
}

/// What is to be computed, and how.
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
    /// Precision of a card's products.
    pub precision: PlanPrecision,
}

/// Builds a set's parts on a card that is open.
type OnCard = Box<dyn Fn(&Arc<Device>) -> anyhow::Result<Parts> + Send>;

impl Preparing<'_> {
    /// Both sides, and the way back from a lost card.
    ///
    /// # Errors
    /// With the file or the part and the fault.
    pub fn parts(&self, chosen: Chosen, line: &mut dyn Progress) -> anyhow::Result<(Parts, Option<Recovery>)> {
        let (device, load): (_, OnCard) = match chosen {
            Chosen::Processor => {
                line.tell("compiling", 0, 1);
                let parts = on_processor(self.model, self.decode_side, self.material, self.longest());
                line.tell("compiling", 1, 1);
                return Ok((parts?, None));
            }
            Chosen::TensorRt { device, tensorrt } => (device, tensorrt::loader(self, tensorrt, line)?),
            Chosen::Plain { device } => (device, plain::loader(self)?),
        };
        line.tell("loading the card", 0, 1);
        let parts = load(&device)?;
        line.tell("loading the card", 1, 1);
        Ok((parts, Some(self.recovery(Arc::downgrade(&device), load))))
    }

    /// The way back: the same, on the card as it is opened again.
    fn recovery(&self, mut known: Weak<Device>, load: OnCard) -> Recovery {
        let again: Build = Box::new(move || {
            if 0 < known.strong_count() {
                bail!("something of the lost card is still in use");
            }
            let device = Device::reopen(0)?;
            known = Arc::downgrade(&device);
            load(&device)
        });
        let stand_in = self.stand_in.then(|| -> Build {
            let (model, decode_side) = (self.model.clone(), self.decode_side.clone());
            // As much room as the card has: other words may have come by then.
            let (material, room) = (Arc::clone(self.material), self.tokens().unwrap_or_else(|_| self.longest()));
            Box::new(move || on_processor(&model, &decode_side, &material, room))
        });
        Recovery::new(window_lengths(self.material.frames), again, stand_in)
    }

    /// Condition tokens that there will be room for.
    ///
    /// # Errors
    /// When a prompt is longer than what cards are prepared for.
    pub fn room(&self, chosen: &Chosen) -> anyhow::Result<usize> {
        if matches!(chosen, Chosen::Processor) { Ok(self.longest()) } else { self.tokens() }
    }

    /// Tokens of the set's longest prompt.
    fn longest(&self) -> usize {
        self.material.longest_prompt() / self.material.token_width
    }

    /// Room for the set's prompts on a card.
    fn tokens(&self) -> anyhow::Result<usize> {
        let longest = self.longest();
        let room = TOKENS.into_iter().find(|it| longest <= *it);
        room.with_context(|| format!("a prompt has {longest} tokens, a card is prepared for {}", TOKENS[3]))
    }
}

fn on_processor(model: &Model, decode_side: &Model, material: &Arc<Material>, room: usize) -> anyhow::Result<Parts> {
    Ok(Parts {
        backend: live::cpu_backend(model, material, room)?,
        decoder: Box::new(CodecWindows::prepare(&decode_side.codec(), material.frames)?),
        words: "the processor".to_owned(),
    })
}
