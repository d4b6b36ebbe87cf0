//! Decode windows on a stream of their own: latent span up, decoder, kept samples down, as one graph a window length.

use std::sync::Arc;

use super::PlanError;
use super::plan::{CudaPlan, Draft};
use super::rig::Rig;
use crate::backend::cuda::{Buffer, Device, DeviceError, Event, Pinned, Stream, stream::Graph as Recorded};
use crate::backend::{BackendError, WindowDecoder};
use crate::graph::{Graph, LowerError, Sizes, WeightSource};
use crate::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::model::windows::{before, read_around};

/// Windows of a tape.
pub struct PlainWindows {
    // The stream waits for its work before the memory that it uses goes.
    stream: Stream,
    done: Event,
    keeps: Vec<usize>,
    windows: Vec<Window>,
    context: usize,
    frames: usize,
    device: Arc<Device>,
}

/// One window length.
struct Window {
    recorded: Option<Recorded>,
    plan: CudaPlan,
    span: usize,
    host_latents: Pinned<f32>,
    host_audio: Pinned<StereoFrame>,
}

impl PlainWindows {
    /// Compiles `model::vae::decoder` for windows that keep `keeps` frames, ascending, with `context` frames on either
    /// side ([`CONTEXT_FRAMES`](crate::playback::CONTEXT_FRAMES) makes them exact), of a tape of `frames` latent frames.
    ///
    /// # Errors
    /// As [`CudaPlan::compile`]; [`LowerError`] also when the graph is not a decoder to 48 kHz stereo.
    pub fn new(
        rig: &Arc<Rig>,
        decoder: &Graph,
        weights: &dyn WeightSource,
        keeps: &[usize],
        (context, frames): (usize, usize),
    ) -> Result<Self, PlanError> {
        let device = rig.device();
        // A tick is urgent, a window is not: its lead covers it.
        let stream = Stream::new(device, false)?;
        let spans: Vec<usize> = keeps.iter().map(|it| it + 2 * context).collect();
        let sizes: Vec<Sizes> = spans.iter().map(|&span| Sizes::new().with("batch", 1).with("frames", span)).collect();
        let drafts = sizes.iter().map(|it| Draft::new(rig, decoder, it, weights, &[]));
        let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
        let bytes = drafts.iter().map(Draft::memory_bytes).max().unwrap_or(0);
        let arena = Arc::new(Buffer::zeroed(device, bytes)?);
        let mut windows = Vec::new();
        for ((draft, &keep), &span) in drafts.into_iter().zip(keeps).zip(&spans) {
            let plan = draft.compile(&arena)?;
            let (found, expected) = (plan.output_shape("audio"), [1, span * SAMPLES_PER_LATENT_FRAME, 2]);
            if found != expected {
                let what = format!("a decoder gives {expected:?} samples, this one {found:?}");
                return Err(LowerError::Shape { node: decoder.nodes.len(), what }.into());
            }
            let mut window = Window {
                recorded: None,
                plan,
                span,
                host_latents: Pinned::zeroed(device, span * LATENT_CHANNELS)?,
                host_audio: Pinned::zeroed(device, keep * SAMPLES_PER_LATENT_FRAME)?,
            };
            window.record(&stream, keep)?;
            windows.push(window);
        }
        let (keeps, device, done) = (keeps.to_vec(), Arc::clone(device), Event::new(device, false)?);
        Ok(Self { stream, done, keeps, windows, context, frames, device })
    }
}

impl Window {
    /// Runs once, so that everything is loaded, then records.
    fn record(&mut self, stream: &Stream, keep: usize) -> Result<(), DeviceError> {
        self.enqueue(stream, keep)?;
        stream.wait()?;
        self.recorded = Some(stream.capture(|| self.enqueue(stream, keep))?);
        Ok(())
    }

    fn enqueue(&mut self, stream: &Stream, keep: usize) -> Result<(), DeviceError> {
        stream.upload(self.plan.input("latents"), &self.host_latents, 0, self.span * LATENT_CHANNELS)?;
        self.plan.enqueue(stream)?;
        let skipped = (self.span - keep) / 2 * SAMPLES_PER_LATENT_FRAME * size_of::<StereoFrame>();
        let from = self.plan.output("audio") + skipped as u64;
        stream.download(&mut self.host_audio, 0, keep * SAMPLES_PER_LATENT_FRAME, from)
    }
}

impl WindowDecoder for PlainWindows {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        self.device.enter()?;
        assert_eq!(latent.len(), self.frames * LATENT_CHANNELS, "a latent as long as the tape");
        let keep = sound.len() / SAMPLES_PER_LATENT_FRAME;
        let place = self.keeps.iter().position(|&it| it == keep).expect("the patcher asks for a prepared length");
        let window = &mut self.windows[place];
        let start = before(first, self.context, self.frames) * LATENT_CHANNELS;
        read_around(latent, latent.len(), start, &mut window.host_latents);
        self.stream.replay(window.recorded.as_ref().expect("recorded when it was made"))?;
        self.done.record(&self.stream)?;
        self.done.wait()?;
        sound.copy_from_slice(&window.host_audio);
        Ok(())
    }
}
