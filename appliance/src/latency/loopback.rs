//! The delay of a sound device, measured: a quiet sweep goes out and is found in what comes back through a cable, or a microphone.
//!
//! What goes out and what comes in are counted in frames by one device each. Where both stand at one moment is known by what they tell
//! of their delays; a sweep that comes back later than that has been delayed by what nobody told: converters, buffers of the bus,
//! the cable's way. That is more than the way out alone by the way in, which nobody can tell apart.

use engine::playback::{Found, Sweep};
use hal::audio::{Ask, AudioIn, AudioOut, OutError, StereoFrame};

/// Sweeps that are played.
const SWEEPS: usize = 5;
/// Sweeps that have to be found.
const WANTED: usize = 3;
/// Frames of silence before the first one: the device has begun by then.
const BEFORE: usize = 14_400;
/// Frames of silence behind each: a quarter of a second, in which it has to come back, and some more.
const BEHIND: usize = 14_400;
/// Frames later than told in which it is looked for.
const LATEST: usize = 12_000;
/// Frames earlier than told: a device may tell more than it holds.
const EARLIEST: usize = 1_024;
/// Frames that are read at a time, and how often between two periods: a device that always has some is no device of ours.
const READ: usize = 512;
/// See [`READ`].
const READS: usize = 16;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The delay from handing a frame over to hearing it, as the device tells it, in milliseconds.
    pub told_ms: f64,
    /// The same, as the sweeps were found: of each, shortest first.
    pub found_ms: Vec<f64>,
    /// How loud they came back, as a factor.
    pub gain: f32,
}

impl Round {
    /// The usual of them.
    #[must_use]
    pub fn measured_ms(&self) -> f64 {
        self.found_ms[self.found_ms.len() / 2]
    }

    /// From the shortest to the longest.
    #[must_use]
    pub fn spread_ms(&self) -> f64 {
        self.found_ms.last().copied().unwrap_or_default() - self.found_ms.first().copied().unwrap_or_default()
    }
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum NotHeard {
    /// A device is not there, or cannot.
    #[error(transparent)]
    Device(#[from] OutError),
    /// Nothing came back.
    #[error(
        "of {SWEEPS} sweeps {found} came back on {device}: lay a cable from the output to this input, and turn its level up"
    )]
    Silent {
        /// The device that listens.
        device: String,
        /// Sweeps that were found.
        found: usize,
    },
}

/// Plays the sweeps and finds them.
///
/// # Errors
/// See [`NotHeard`].
pub fn loopback(out: &mut dyn AudioOut, input: &mut dyn AudioIn, ask: Ask) -> Result<Round, NotHeard> {
    input.open(ask)?;
    let agreed = out.open(ask)?;
    let sweep = Sweep::default();
    let mut card =
        Card { out, input, period: agreed.period_frames.max(1), written: 0, recorded: Vec::new(), told: Vec::new() };
    card.play(&vec![[0.0; 2]; BEFORE])?;
    // What was told while the device began is not how it is.
    card.told.clear();
    let sound: Vec<StereoFrame> = sweep.samples().iter().map(|it| [*it; 2]).collect();
    let (silence, mut begun) = (vec![[0.0; 2]; BEHIND], Vec::new());
    for _ in 0..SWEEPS {
        begun.push(card.written);
        card.play(&sound)?;
        card.play(&silence)?;
    }
    // Whatever is left is played out with the device; what was found is found by now.
    let _ = card.out.close();
    let device = card.input.name();
    let (told, offset) = card.stand();
    let found: Vec<(i64, Found)> = begun
        .iter()
        .filter_map(|begun| {
            let wanted = *begun as i64 + offset;
            let found = card.find(&sweep, wanted)?;
            Some((found.at as i64 - wanted, found))
        })
        .collect();
    if found.len() < WANTED {
        return Err(NotHeard::Silent { device, found: found.len() });
    }
    let ms = |frames: i64| frames as f64 * 1e3 / f64::from(ask.rate_hz);
    let mut found_ms: Vec<f64> = found.iter().map(|it| ms(told as i64 + it.0)).collect();
    found_ms.sort_by(f64::total_cmp);
    Ok(Round { told_ms: ms(told as i64), found_ms, gain: found[found.len() / 2].1.gain })
}

/// Both ends of a card.
struct Card<'c> {
    out: &'c mut dyn AudioOut,
    input: &'c mut dyn AudioIn,
    period: usize,
    written: usize,
    recorded: Vec<StereoFrame>,
    /// After each period: the delay out that was told, and by how many frames what is recorded is ahead of what is heard.
    told: Vec<(usize, i64)>,
}

impl Card<'_> {
    /// Plays, and records what comes meanwhile.
    fn play(&mut self, sound: &[StereoFrame]) -> Result<(), OutError> {
        for period in sound.chunks(self.period) {
            self.out.write(period)?;
            self.written += period.len();
            self.listen()?;
            let (out, input) = (self.out.delay_frames(), self.input.delay_frames());
            let heard = self.written as i64 - out as i64;
            self.told.push((out, (self.recorded.len() + input) as i64 - heard));
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<(), OutError> {
        let mut room = [[0.0; 2]; READ];
        for _ in 0..READS {
            match self.input.read(&mut room)? {
                0 => break,
                read => self.recorded.extend_from_slice(&room[..read]),
            }
        }
        Ok(())
    }

    /// The usual of what was told: delay out, and offset of the recording.
    fn stand(&self) -> (usize, i64) {
        let (mut delays, mut offsets): (Vec<usize>, Vec<i64>) = self.told.iter().copied().unzip();
        delays.sort_unstable();
        offsets.sort_unstable();
        (delays[delays.len() / 2], offsets[offsets.len() / 2])
    }

    /// Where a sweep lies that is to begin about at `wanted`, on the side on which it is clearer.
    fn find(&self, sweep: &Sweep, wanted: i64) -> Option<Found> {
        let first = usize::try_from(wanted).unwrap_or(0).saturating_sub(EARLIEST);
        let last = (usize::try_from(wanted).unwrap_or(0) + LATEST + sweep.samples().len()).min(self.recorded.len());
        let part = self.recorded.get(first..last)?;
        let sides = [0, 1].map(|side: usize| {
            let sound: Vec<f32> = part.iter().map(|it| it[side]).collect();
            sweep.find(&sound)
        });
        let best = sides.into_iter().flatten().max_by(|a, b| a.like.total_cmp(&b.like))?;
        Some(Found { at: first + best.at, ..best })
    }
}

#[cfg(test)]
mod tests {
    use super::{NotHeard, Round, loopback};
    use hal::audio::{Ask, Cable};

    const ASK: Ask = Ask { rate_hz: 48_000, period_frames: 256, periods: 3 };

    fn round(cable: Cable) -> Result<Round, NotHeard> {
        let (mut out, mut input) = cable.card();
        loopback(&mut out, &mut input, ASK)
    }

    #[test]
    fn a_known_delay_is_found_within_a_millisecond_whatever_the_device_tells() {
        let noisy = Cable { gain: -0.1, noise: 0.002, ..Cable::of(0) };
        for (frames, concealed, jitter) in [(0, 0, 0), (137, 0, 0), (137, 300, 0), (4_800, 700, 0), (96, 0, 24)] {
            let round = round(Cable { frames, concealed, jitter, ..noisy }).expect("it comes back");
            // The buffer is full behind every period: 768 frames.
            let (wanted, told) = ((768 + frames) as f64 / 48.0, (768 - concealed) as f64 / 48.0);
            let measured = round.measured_ms();
            assert!((measured - wanted).abs() < 1.0, "{measured} ms, {wanted} ms it takes");
            assert!((round.told_ms - told).abs() < 1.0, "{} ms, {told} ms it tells", round.told_ms);
            assert!(round.spread_ms() < 1.0 && round.gain < 0.0, "{round:?}");
        }
    }

    #[test]
    fn without_a_cable_it_is_said_that_nothing_came_back() {
        for noise in [0.0, 0.02] {
            match round(Cable { gain: 0.0, noise, ..Cable::default() }) {
                Err(error @ NotHeard::Silent { found: 0, .. }) => {
                    assert!(error.to_string().starts_with("of 5 sweeps 0 came back on cable: lay a cable"), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
