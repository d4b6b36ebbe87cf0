//! Decode windows on a stream of their own: latent span up, decoder, kept samples down, as one graph a window length.
//!
//! A decode plan takes `latents` `[1, span, 64]` and gives `audio` `[1, span * 1920, 2]`, `span` being what is kept and the
//! decoder's context on either side; the tape is a loop, so there is always context.

use std::sync::Arc;

use ::tensorrt::Runtime;

use super::plan::{Loaded, Plan};
use super::session::{Session, shared_memory};
use crate::backend::cuda::{Buffer, Device, DeviceError, Event, Pinned, Stream, stream::Graph};
use crate::backend::{BackendError, WindowDecoder};
use crate::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::model::windows::{before, read_around};

/// A decoder's plan for one window length.
#[derive(Clone, Debug)]
pub struct WindowPlan {
    /// Latent frames that a window keeps.
    pub keep: usize,
    /// The plan, for `keep` frames and the context on either side.
    pub plan: Plan,
}

/// Windows of a tape.
pub struct TrtWindows {
    // The stream waits for its work before the memory that it uses goes.
    stream: Stream,
    done: Event,
    keeps: Vec<usize>,
    windows: Vec<Window>,
    _memory: Buffer,
    frames: usize,
    device: Arc<Device>,
}

/// One window length.
struct Window {
    graph: Option<Graph>,
    session: Session,
    loaded: Loaded,
    span: usize,
    latents: Buffer,
    audio: Buffer,
    host_latents: Pinned<f32>,
    host_audio: Pinned<StereoFrame>,
}

impl TrtWindows {
    /// Loads the plans for a tape of `frames` latent frames. `plans` are ascending in what they keep.
    ///
    /// # Errors
    /// [`DeviceError::WrongCard`] for plans of another card or version, or that are not a decoder's.
    pub fn new(
        device: &Arc<Device>,
        runtime: &Runtime,
        plans: &[WindowPlan],
        frames: usize,
    ) -> Result<Self, DeviceError> {
        // A tick is urgent, a window is not: its lead covers it.
        let stream = Stream::new(device, false)?;
        let windows = plans.iter().map(|it| {
            let loaded = Loaded::new(device, runtime, "a decoder's plan", &it.plan)?;
            Window::new(device, loaded, &stream, it.keep)
        });
        let mut windows = windows.collect::<Result<Vec<_>, _>>()?;
        let mut sessions: Vec<&mut Session> = windows.iter_mut().map(|it| &mut it.session).collect();
        let memory = shared_memory(device, &mut sessions)?;
        for (window, plan) in windows.iter_mut().zip(plans) {
            window.record(&stream, plan.keep)?;
        }
        Ok(Self {
            done: Event::new(device, false)?,
            keeps: plans.iter().map(|it| it.keep).collect(),
            windows,
            stream,
            _memory: memory,
            frames,
            device: Arc::clone(device),
        })
    }
}

impl TrtWindows {
    /// Kernels that were compiled for this card, plan by plan.
    #[must_use]
    pub fn kernels(&self) -> Vec<Option<Vec<u8>>> {
        self.windows.iter().map(|it| it.loaded.kernels()).collect()
    }
}

impl Window {
    fn new(device: &Arc<Device>, loaded: Loaded, stream: &Stream, keep: usize) -> Result<Self, DeviceError> {
        let engine = &loaded.engine;
        let dims = |name: &str| engine.tensors().iter().find(|it| it.name == name).map(|it| it.dims);
        let span = dims("latents").and_then(|it| usize::try_from(*it.get(1)?).ok()).unwrap_or(0);
        let samples = (span * SAMPLES_PER_LATENT_FRAME) as i64;
        let audio_fits = dims("audio").is_some_and(|it| it.get(1) == Some(&samples) && it.get(2) == Some(&2));
        if span < keep || !(span - keep).is_multiple_of(2) || !audio_fits {
            let words = format!("it is not a decoder's that keeps {keep} frames: it decodes {span}");
            let card = device.card().to_string();
            return Err(DeviceError::WrongCard { what: "a decoder's plan".to_owned(), card, words });
        }
        let latents = Buffer::zeroed(device, 4 * span * LATENT_CHANNELS)?;
        let audio = Buffer::zeroed(device, size_of::<StereoFrame>() * span * SAMPLES_PER_LATENT_FRAME)?;
        let addresses = [("latents".to_owned(), latents.address()), ("audio".to_owned(), audio.address())];
        let open = dims("latents").is_some_and(|it| it.first() == Some(&-1));
        let shapes: &[_] = if open { &[("latents", vec![1, span as i64, LATENT_CHANNELS as i64])] } else { &[] };
        let session = Session::new(engine, loaded.cache.as_ref(), stream, shapes, &addresses)?;
        Ok(Self {
            graph: None,
            session,
            loaded,
            span,
            host_latents: Pinned::zeroed(device, span * LATENT_CHANNELS)?,
            host_audio: Pinned::zeroed(device, keep * SAMPLES_PER_LATENT_FRAME)?,
            latents,
            audio,
        })
    }

    /// Runs once, so that everything is compiled, then records.
    fn record(&mut self, stream: &Stream, keep: usize) -> Result<(), DeviceError> {
        self.enqueue(stream, keep)?;
        stream.wait()?;
        self.graph = Some(stream.capture(|| self.enqueue(stream, keep))?);
        Ok(())
    }

    fn enqueue(&mut self, stream: &Stream, keep: usize) -> Result<(), DeviceError> {
        stream.upload(self.latents.address(), &self.host_latents, 0, self.span * LATENT_CHANNELS)?;
        self.session.enqueue(stream)?;
        let skipped = (self.span - keep) / 2 * SAMPLES_PER_LATENT_FRAME * size_of::<StereoFrame>();
        let from = self.audio.address() + skipped as u64;
        stream.download(&mut self.host_audio, 0, keep * SAMPLES_PER_LATENT_FRAME, from)
    }
}

impl WindowDecoder for TrtWindows {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        self.device.enter()?;
        assert_eq!(latent.len(), self.frames * LATENT_CHANNELS, "a latent as long as the tape");
        let keep = sound.len() / SAMPLES_PER_LATENT_FRAME;
        let place = self.keeps.iter().position(|&it| it == keep).expect("the patcher asks for a prepared length");
        let window = &mut self.windows[place];
        let context = (window.span - keep) / 2;
        let start = before(first, context, self.frames) * LATENT_CHANNELS;
        read_around(latent, latent.len(), start, &mut window.host_latents);
        let graph = window.graph.as_ref().expect("recorded when it was made");
        self.stream.replay(graph)?;
        self.done.record(&self.stream)?;
        self.done.wait()?;
        sound.copy_from_slice(&window.host_audio);
        Ok(())
    }
}
