//! Listens for the tempo of what plays, on a thread that gives way to everything else; nobody waits for it.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Weak};

use engine::latent::StereoFrame;

use crate::recording::tempo::tempo_of;
use crate::service::slow::give_way;

/// A recording's sound, and what was heard of it: kept as long as somebody has the sound.
type Heard = (Weak<[StereoFrame]>, Option<f64>);
/// A recording's sound, and where its tempo comes.
type Listening = (Weak<[StereoFrame]>, Receiver<Option<f64>>);

/// What listens, and what it has heard.
#[derive(Debug, Default)]
pub struct TempoFinder {
    known: Vec<Heard>,
    /// Of what plays, where it is known.
    now: Option<f64>,
    listens: Option<Listening>,
}

impl TempoFinder {
    /// A recording plays: its tempo in beats a minute where it is known; else it is listened to.
    pub fn listen(&mut self, sound: &Arc<[StereoFrame]>) -> Option<f64> {
        let it = Arc::downgrade(sound);
        self.listens = None;
        let known = self.of(&it);
        self.now = known.flatten();
        if known.is_some() {
            return self.now;
        }
        let (tell, tempo) = channel();
        let sound = Arc::clone(sound);
        let work = move || {
            give_way();
            // Another recording may play by now.
            let _ = tell.send(tempo_of(&sound));
        };
        // Where the system has no thread left, the player taps.
        if std::thread::Builder::new().name("tempo".to_owned()).spawn(work).is_ok() {
            self.listens = Some((it, tempo));
        }
        None
    }

    /// What was heard of a sound; nothing where it was not listened to.
    fn of(&self, sound: &Weak<[StereoFrame]>) -> Option<Option<f64>> {
        self.known.iter().find(|(known, _)| known.ptr_eq(sound)).map(|(_, found)| *found)
    }

    /// Another part of the recording that plays does: it has the tempo that all of it has, where that is known, and else is listened to. A part
    /// is whole latent frames and rarely whole bars, so that by itself it would be counted a little slower.
    pub fn go_on(&mut self, sound: &Arc<[StereoFrame]>) -> Option<f64> {
        let it = Arc::downgrade(sound);
        if self.now.is_some() && self.of(&it).is_none() {
            self.known.push((it, self.now));
        }
        self.listen(sound)
    }

    /// The tempo of what plays, once, when it has been found.
    pub fn come(&mut self) -> Option<f64> {
        let (_, tempo) = self.listens.as_ref()?;
        let found = match tempo.try_recv() {
            Ok(found) => found,
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => return None,
        };
        let (sound, _) = self.listens.take()?;
        self.known.retain(|(it, _)| it.strong_count() > 0);
        self.known.push((sound, found));
        self.now = found;
        found
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn clicks(every: usize) -> Arc<[StereoFrame]> {
        (0..480_000).map(|it| [if it % every < 200 { 0.7 } else { 0.0 }; 2]).collect()
    }

    fn come(finder: &mut TempoFinder) -> Option<f64> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(120) && finder.listens.is_some() {
            if let Some(found) = finder.come() {
                return Some(found);
            }
            std::thread::yield_now();
        }
        None
    }

    #[test]
    fn a_recording_is_listened_to_once_and_another_ends_the_wait() {
        let mut finder = TempoFinder::default();
        let [fast, slow] = [clicks(24_000), clicks(30_000)];
        assert_eq!(finder.listen(&slow), None);
        assert_eq!(finder.listen(&fast), None, "nobody waits");
        let found = come(&mut finder).expect("there are 20 beats in 10 s");
        assert!((found - 120.0).abs() < 1e-9, "{found}");
        assert_eq!(finder.come(), None, "it is told once");
        assert_eq!(finder.listen(&fast), Some(found), "it is known");
        let part: Arc<[StereoFrame]> = fast[..90_000].into();
        assert_eq!(finder.go_on(&part), Some(found), "a part has the tempo of all of it");
        assert_eq!((finder.listen(&fast), finder.listen(&part)), (Some(found), Some(found)));
        assert_eq!(finder.listen(&clicks(24_000)), None, "another one with the same sound is another");
        assert_eq!(finder.go_on(&clicks(30_000)), None, "nothing is known yet of what it is a part of");
    }
}
