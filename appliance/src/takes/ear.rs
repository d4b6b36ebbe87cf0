//! Hears what is played, beside the player.

use engine::boundary::{Heard, TraceReader};
use engine::latent::StereoFrame;

/// Stereo samples of a piece at most.
const PIECE: usize = 9_600;

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Sound.
    Sound(Vec<StereoFrame>),
    /// So many stereo samples are missing: nobody listened in time.
    Missing(u64),
}

impl Piece {
    /// How many stereo samples it is of.
    #[must_use]
    pub fn frames(&self) -> u64 {
        match self {
            Self::Sound(sound) => sound.len() as u64,
            Self::Missing(frames) => *frames,
        }
    }
}

/// Listens from the moment on at which it was made.
#[derive(Debug)]
pub struct Ear {
    tee: TraceReader,
    /// The count of frames played up to which it has heard.
    heard: u64,
}

impl Ear {
    /// Listens to a player's tee.
    #[must_use]
    pub fn new(tee: TraceReader) -> Self {
        Self { heard: tee.head(), tee }
    }

    /// The next piece; nothing where nothing more was played.
    pub fn hear(&mut self) -> Option<Piece> {
        // A player that was started again counts on from where the last one had told that it was.
        self.heard = self.heard.min(self.tee.head());
        let mut sound = vec![[0.0; 2]; PIECE];
        match self.tee.hear(self.heard, &mut sound) {
            Heard::Frames(0) => None,
            Heard::Frames(frames) => {
                sound.truncate(frames);
                self.heard += frames as u64;
                Some(Piece::Sound(sound))
            }
            Heard::Missed(oldest) => {
                let missing = oldest.saturating_sub(self.heard);
                self.heard = oldest;
                Some(Piece::Missing(missing))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ear, PIECE, Piece};
    use engine::latent::StereoFrame;
    use engine::playback::{DeckSize, Player, Tape, deck_with_tee};

    fn player() -> (Player, Ear) {
        let sound: Vec<StereoFrame> = (0..48_000).map(|it| [(it as f32 * 0.02).sin() * 0.4; 2]).collect();
        let (player, _, transport) = deck_with_tee(Tape::new(sound).expect("a tape"), DeckSize::default());
        (player, Ear::new(transport.tee().expect("it has one")))
    }

    #[test]
    fn everything_that_is_played_is_heard_once_and_in_its_order() {
        let (mut player, mut ear) = player();
        let (mut played, mut heard) = (Vec::new(), Vec::new());
        for period in [960, 64, 20_000, 1, 480] {
            let mut out = vec![[0.0; 2]; period];
            player.fill(&mut out);
            played.extend(out);
            while let Some(piece) = ear.hear() {
                assert!(piece.frames() <= PIECE as u64);
                let Piece::Sound(sound) = piece else { panic!("nothing is missing") };
                heard.extend(sound);
            }
        }
        assert_eq!(heard, played);
        assert_eq!(ear.hear(), None);
    }

    #[test]
    fn who_listens_too_late_knows_how_much_is_missing_and_hears_the_rest() {
        let (mut player, mut ear) = player();
        let mut out = vec![[0.0; 2]; 300_000];
        player.fill(&mut out);
        let Some(Piece::Missing(missing)) = ear.hear() else { panic!("the tee holds less") };
        let rest: u64 = std::iter::from_fn(|| ear.hear()).map(|it| it.frames()).sum();
        assert_eq!(missing + rest, 300_000);
        assert!(200_000 < rest, "five seconds are there: {rest}");
    }
}
