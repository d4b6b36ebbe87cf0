//! A sound card with a cable from its output to its input, which owns its time: for tests of whoever measures delays.
//!
//! Time passes in frames, and only while the output waits for room. What is heard comes back so many frames later, softer, under
//! noise. What the card tells of its own delays may be wrong, as a card's words are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Agreed, Ask, AudioIn, AudioOut, Encoding, OutError, StereoFrame, Written};

/// How the card and its cable are.
#[derive(Clone, Copy, Debug)]
pub struct Cable {
    /// Frames from the converter out to the converter in, of which the card knows nothing.
    pub frames: usize,
    /// Frames that the card says it holds fewer than it does.
    pub concealed: usize,
    /// How loud the sound comes back, as a factor; 0 without a cable.
    pub gain: f32,
    /// Peak of the noise beside it.
    pub noise: f32,
    /// Frames by which the delay that is told goes up and down.
    pub jitter: usize,
}

impl Cable {
    /// A cable of so many frames, as loud as it was played.
    #[must_use]
    pub const fn of(frames: usize) -> Self {
        Self { frames, concealed: 0, gain: 1.0, noise: 0.0, jitter: 0 }
    }

    /// Both ends of the card.
    #[must_use]
    pub fn card(self) -> (CableOut, CableIn) {
        let card = Arc::new(Mutex::new(Card { cable: self, ..Card::default() }));
        (CableOut(Arc::clone(&card)), CableIn(card))
    }
}

impl Default for Cable {
    fn default() -> Self {
        Self::of(0)
    }
}

#[derive(Debug, Default)]
struct Card {
    cable: Cable,
    buffer: usize,
    queue: VecDeque<StereoFrame>,
    /// What was heard, from the beginning of time.
    heard: Vec<StereoFrame>,
    /// From when on it records.
    since: usize,
    read: usize,
    random: u32,
}

impl Card {
    fn noise(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.random >> 8) as f32 / (1 << 23) as f32 - 1.0) * self.cable.noise
    }

    fn jitter(&self) -> usize {
        // As the time stands: it goes up and comes down.
        if self.cable.jitter == 0 { 0 } else { self.heard.len() / 64 % (2 * self.cable.jitter) }
    }
}

/// Its output.
#[derive(Debug)]
pub struct CableOut(Arc<Mutex<Card>>);

/// Its input.
#[derive(Debug)]
pub struct CableIn(Arc<Mutex<Card>>);

fn locked(card: &Mutex<Card>) -> MutexGuard<'_, Card> {
    card.lock().expect("nobody panics while it is held")
}

fn agreed(ask: Ask, buffer_frames: usize) -> Agreed {
    Agreed { period_frames: ask.period_frames, buffer_frames, channels: 2, encoding: Encoding::F32, paced: true }
}

impl AudioOut for CableOut {
    fn name(&self) -> String {
        "cable".into()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        let mut card = locked(&self.0);
        card.buffer = ask.period_frames * ask.periods;
        Ok(agreed(ask, card.buffer))
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        let mut card = locked(&self.0);
        card.queue.extend(frames);
        while card.buffer < card.queue.len() {
            let frame = card.queue.pop_front().expect("it is not empty");
            card.heard.push(frame);
        }
        Ok(Written::default())
    }

    fn delay_frames(&mut self) -> usize {
        let card = locked(&self.0);
        (card.queue.len() + card.jitter()).saturating_sub(card.cable.concealed)
    }
}

impl AudioIn for CableIn {
    fn name(&self) -> String {
        "cable".into()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        let mut card = locked(&self.0);
        (card.since, card.read) = (card.heard.len(), 0);
        Ok(agreed(ask, ask.rate_hz as usize))
    }

    fn read(&mut self, frames: &mut [StereoFrame]) -> Result<usize, OutError> {
        let mut card = locked(&self.0);
        let there = (card.heard.len() - card.since - card.read).min(frames.len());
        for frame in &mut frames[..there] {
            let at = card.since + card.read;
            let back = at.checked_sub(card.cable.frames).map_or([0.0; 2], |it| card.heard[it]);
            let gain = card.cable.gain;
            *frame = [back[0] * gain + card.noise(), back[1] * gain + card.noise()];
            card.read += 1;
        }
        Ok(there)
    }

    fn delay_frames(&mut self) -> usize {
        let card = locked(&self.0);
        card.heard.len() - card.since - card.read
    }
}
