//! A file in the place of a sound card, until there is one: for a machine that has none, of which nobody said that it should.
//!
//! A USB interface often turns up after the start. It is looked for every two seconds of sound; when one is there and opens, the
//! file is closed, whole, and the sound goes to the card from then on. It never goes back to the file: a card that is pulled
//! out later is waited for as any other.

use super::{Agreed, Ask, AudioOut, OutError, StereoFrame, Written};

/// Seconds of sound between two looks.
const LOOK_S: usize = 2;

/// Whether the system has a sound card now, opened by somebody or not.
#[must_use]
pub fn has_card() -> bool {
    alsa::card::Iter::new().next().is_some_and(|card| card.is_ok())
}

/// A file that stands in for a card.
pub struct StandIn<C, F> {
    card: C,
    file: Option<F>,
    is_there: fn() -> bool,
    ask: Ask,
    /// Since the last look.
    frames: usize,
    /// A card came and is open.
    came: Option<Agreed>,
}

impl<C: AudioOut, F: AudioOut> StandIn<C, F> {
    /// `file` until `is_there` says that there is a card, and `card` opens.
    pub fn new(card: C, file: F, is_there: fn() -> bool) -> Self {
        Self { card, file: Some(file), is_there, ask: Ask::default(), frames: 0, came: None }
    }
}

impl<C: AudioOut, F: AudioOut> AudioOut for StandIn<C, F> {
    fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| self.card.name(), AudioOut::name)
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        self.ask = ask;
        if let Some(agreed) = self.came.take() {
            if let Some(mut file) = self.file.take() {
                // Its header is a second old at most: a disk that fails now is no reason to be silent on the card.
                let _ = file.close();
            }
            return Ok(agreed);
        }
        match &mut self.file {
            Some(file) => file.open(ask),
            None => self.card.open(ask),
        }
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        let Some(file) = &mut self.file else { return self.card.write(frames) };
        self.frames += frames.len();
        if LOOK_S * self.ask.rate_hz as usize <= self.frames {
            self.frames = 0;
            if (self.is_there)()
                && let Ok(agreed) = self.card.open(self.ask)
            {
                self.came = Some(agreed);
                // Opened again by whoever plays, with a fade: nothing begins in the middle of a wave.
                return Err(OutError::Gone { device: file.name(), cause: "a sound card has come".into() });
            }
        }
        file.write(frames)
    }

    fn delay_frames(&mut self) -> usize {
        if self.file.is_some() { 0 } else { self.card.delay_frames() }
    }

    fn close(&mut self) -> Result<(), OutError> {
        match &mut self.file {
            Some(file) => file.close(),
            None => self.card.close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StandIn;
    use crate::audio::{Ask, AudioOut as _, FakeClock, FakeOut, Heard, Opening, Speaker, WavFormat, WavOut};

    /// Plays `periods` of a hundredth of a second; how many the file holds, and the speaker heard in all.
    fn evening(card: FakeOut, is_there: fn() -> bool, periods: usize) -> (u32, Vec<Heard>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let clock = FakeClock::default();
        let sound = Box::new(std::fs::File::create(&path).unwrap());
        let file = WavOut::with_clock("take.wav", sound, WavFormat::F32, Some(Box::new(clock.clone())));
        let mut out = StandIn::new(card, file, is_there);
        let ask = Ask { period_frames: 480, ..Ask::default() };
        let mut speaker = Speaker::with_clock(&mut out, ask, Box::new(clock));
        let heard = (0..periods).map(|_| speaker.play_period(&mut |it| it.fill([0.5; 2]))).collect();
        out.close().unwrap();
        (hound::WavReader::open(&path).unwrap().duration() / 480, heard, out.card.heard().len() / 480)
    }

    #[test]
    fn without_a_card_everything_is_in_the_file() {
        let (filed, heard, played) = evening(FakeOut::default(), || false, 1_000);
        assert_eq!((filed, played), (1_000, 0));
        assert!(!heard.contains(&Heard::Away));
    }

    #[test]
    fn a_card_that_comes_is_played_on_and_the_file_is_whole() {
        let (filed, heard, played) = evening(FakeOut::default(), || true, 1_000);
        assert_eq!(heard.iter().filter(|it| **it == Heard::Back).count(), 1);
        let away = heard.iter().filter(|it| **it == Heard::Away).count();
        assert_eq!((filed, filed as usize + away + played), (199, 1_000));
    }

    #[test]
    fn a_card_that_somebody_else_has_is_left_alone_and_the_file_has_no_gap() {
        let (filed, heard, played) = evening(FakeOut::default().answer(&[Opening::Busy; 9]), || true, 1_000);
        assert_eq!((filed, played), (1_000, 0));
        assert!(!heard.contains(&Heard::Away));
    }
}
