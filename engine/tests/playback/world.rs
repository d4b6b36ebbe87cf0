//! A stage on a virtual clock: the real player, packer, walk and patcher, with a decoder that takes as long as it is told
//! and whose every frame is unique.
//!
//! While a window is decoded, time passes: periods are played and latents finish, as they do on the other threads. One
//! frame of sound is a function of the place of the tape and of the number of the latent, so that sound that lies one
//! frame off, or comes from another latent, is told apart. No clock is read and nothing sleeps.
#![allow(dead_code, reason = "a bench and a test use this, each a part of it")]

use std::sync::{Arc, Mutex, MutexGuard};

use engine::backend::BackendError;
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME as FRAME, StereoFrame};
use engine::live::{LatentWriter, Patched, Patcher, WindowDecoder, latents, window_lengths};
use engine::param::Values;
use engine::playback::{DeckSize, Lead, Packer, Player, Tape, TapeId, Transport, Walk, deck};

/// What the decode thread waits when there is nothing to do: 2 ms.
const REST_FRAMES: usize = 96;
/// As long as a lead may become on stage: 8 s.
const LEAD_MOST_FRAMES: usize = 8 * 48_000;

/// A sound for each place of the tape and each latent.
pub type Law = fn(place: usize, serial: u64) -> StereoFrame;

/// Noise that is another for each place, channel and `salt`: uniform within ±0.25.
pub fn noise(place: usize, salt: u64) -> StereoFrame {
    let number = |channel: u64| {
        // SplitMix64's finisher: neighbouring inputs have unrelated outputs.
        let mut z = (place as u64) ^ (salt << 40) ^ (channel << 63);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 25) as f32 - 0.25
    };
    [number(0), number(1)]
}

/// What a stage is made of.
pub struct Setting {
    /// Latent frames of the tape.
    pub latent_frames: usize,
    /// The device's period, in stereo samples.
    pub period: usize,
    /// Stereo samples between two finished latents.
    pub latent_every: usize,
    /// The sound of the tape before anything is decoded.
    pub source: fn(place: usize) -> StereoFrame,
    /// The sound of a latent.
    pub law: Law,
    /// Stereo samples that the decode of a window of so many latent frames takes.
    pub decode: Box<dyn FnMut(usize) -> usize + Send>,
}

impl Default for Setting {
    /// A tape of 6 s, periods of 256, a latent each 80 ms, and decodes of 10 ms.
    fn default() -> Self {
        Self {
            latent_frames: 150,
            period: 256,
            latent_every: 3_840,
            source: |place| noise(place, 0),
            law: |place, _| noise(place, 1),
            decode: Box::new(|_| 480),
        }
    }
}

/// What goes on while the decode thread is busy: sound is played, latents finish.
pub struct Meanwhile {
    pub player: Player,
    /// Everything that was played since it was last taken, while it is wanted.
    pub heard: Vec<StereoFrame>,
    pub listens: bool,
    /// The sound device takes nothing.
    pub stands_still: bool,
    /// Latents that finish are the last one again.
    pub rests: bool,
    latents: LatentWriter,
    latent: Vec<f32>,
    /// Latents that have finished.
    pub finished: u64,
    latent_every: usize,
    period: usize,
    now: usize,
    next_fill: usize,
    next_latent: usize,
    out: Vec<StereoFrame>,
}

impl Meanwhile {
    /// Lets `frames` of time pass.
    pub fn pass(&mut self, frames: usize) {
        let until = self.now + frames;
        loop {
            let next = self.next_fill.min(self.next_latent);
            if next > until {
                break;
            }
            self.now = next;
            if self.next_latent == next {
                self.next_latent += self.latent_every;
                if self.rests {
                    self.latents.publish_again(&self.latent);
                    continue;
                }
                self.finished += 1;
                // The number travels in the latent, as a latent's sound does.
                self.latent[0] = self.finished as f32;
                self.latents.publish(&self.latent);
            } else {
                self.next_fill += self.period;
                if self.stands_still {
                    continue;
                }
                self.player.fill(&mut self.out);
                if self.listens {
                    self.heard.extend_from_slice(&self.out);
                }
            }
        }
        self.now = until;
    }

    /// The next latent that finishes is another, was born under this snapshot, and stays.
    pub fn finish(&mut self, generation: u64) {
        self.finished += 1;
        self.latent[0] = self.finished as f32;
        self.latents.publish(&self.latent);
        self.latents.made(generation, generation);
    }

    /// Stereo samples of time since the start.
    pub fn now(&self) -> usize {
        self.now
    }
}

/// The decoder: lets time pass, then renders what the law says.
pub struct Lawful {
    keeps: Vec<usize>,
    meanwhile: Arc<Mutex<Meanwhile>>,
    law: Law,
    took: Box<dyn FnMut(usize) -> usize + Send>,
    /// Windows decoded.
    pub decoded: Arc<Mutex<u64>>,
}

impl WindowDecoder for Lawful {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        let tape = latent.len() / LATENT_CHANNELS * FRAME;
        let serial = latent[0] as u64;
        for (i, frame) in sound.iter_mut().enumerate() {
            *frame = (self.law)((first * FRAME + i) % tape, serial);
        }
        *self.decoded.lock().expect("one thread") += 1;
        let took = (self.took)(sound.len() / FRAME);
        self.meanwhile.lock().expect("one thread").pass(took);
        Ok(())
    }
}

/// A stage: the decode thread is whoever calls [`World::step`].
pub struct World {
    pub transport: Transport,
    pub patcher: Patcher,
    pub decoded: Arc<Mutex<u64>>,
    meanwhile: Arc<Mutex<Meanwhile>>,
}

/// Everything but the decode thread, for who has one of his own.
pub struct Parts {
    pub transport: Transport,
    pub packer: Packer,
    pub decoder: Lawful,
    pub reader: engine::live::LatentReader,
    pub meanwhile: Arc<Mutex<Meanwhile>>,
}

/// Sets a stage up. The first latent finishes after `latent_every`.
pub fn parts(setting: Setting) -> Parts {
    let tape_frames = setting.latent_frames * FRAME;
    let tape = Tape::new((0..tape_frames).map(setting.source).collect::<Vec<_>>()).expect("whole latent frames");
    let (mut player, packer, transport) = deck(tape, DeckSize::default());
    player.open_at_once();
    let (latents, reader) = latents(setting.latent_frames * LATENT_CHANNELS);
    let meanwhile = Arc::new(Mutex::new(Meanwhile {
        player,
        heard: Vec::new(),
        listens: false,
        stands_still: false,
        rests: false,
        latents,
        latent: vec![0.0; setting.latent_frames * LATENT_CHANNELS],
        finished: 0,
        latent_every: setting.latent_every,
        period: setting.period,
        now: 0,
        next_fill: 0,
        next_latent: setting.latent_every,
        out: vec![[0.0; 2]; setting.period],
    }));
    let decoder = Lawful {
        keeps: window_lengths(setting.latent_frames),
        meanwhile: Arc::clone(&meanwhile),
        law: setting.law,
        took: setting.decode,
        decoded: Arc::default(),
    };
    Parts { transport, packer, decoder, reader, meanwhile }
}

impl World {
    pub fn new(setting: Setting) -> Self {
        let (frames, period) = (setting.latent_frames, setting.period);
        let Parts { transport, packer, decoder, reader, meanwhile } = parts(setting);
        let walk = Walk::new(TapeId::default(), frames, 1);
        let lead = Lead::new(period, LEAD_MOST_FRAMES.min(frames * FRAME / 2));
        let decoded = Arc::clone(&decoder.decoded);
        let patcher = Patcher::new(Box::new(decoder), reader, packer, walk, lead);
        Self { transport, patcher, decoded, meanwhile }
    }

    /// One turn of the decode thread.
    pub fn step(&mut self, values: &Values) -> Patched {
        let patched = self.patcher.patch(values, &self.transport.course());
        if matches!(patched, Patched::Nothing | Patched::Rests) {
            self.meanwhile().pass(REST_FRAMES);
        }
        patched
    }

    /// The decode thread for `frames` of time.
    pub fn play(&mut self, values: &Values, frames: usize) {
        let until = self.now() + frames;
        while self.now() < until {
            self.step(values);
        }
    }

    /// The lead that the next window would be planned with.
    pub fn lead(&mut self, values: &Values) -> usize {
        let course = self.transport.course();
        self.patcher.lead_frames(values, &course)
    }

    pub fn meanwhile(&self) -> MutexGuard<'_, Meanwhile> {
        self.meanwhile.lock().expect("one thread")
    }

    /// What goes on meanwhile, to be looked at while the stage is played.
    pub fn others(&self) -> Arc<Mutex<Meanwhile>> {
        Arc::clone(&self.meanwhile)
    }

    pub fn now(&self) -> usize {
        self.meanwhile().now()
    }

    pub fn late(&self) -> u64 {
        self.transport.meters().windows_late.load(std::sync::atomic::Ordering::Relaxed)
    }
}
