//! Noise that depends on nothing but its name.
//!
//! Every Gaussian number is computed from a key (the seed) and a counter (what the draw is for, the step, the element):
//! Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011). There is no
//! generator whose state would tie one slot to another, so a stream renders the same latents as a batch, at any depth,
//! with any number of threads, and a recorded performance renders again to the same bits. Tests feed recorded draws
//! through the same trait.

use super::normal::{LANES, box_muller};
use crate::latent::LATENT_CHANNELS;
use crate::wide::{Wide, widest};

/// What a draw is for. Part of the counter: draws for different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The latent a generation starts from; keyed by the seed alone, whatever the generation.
    Start,
    /// Noise added in a step.
    Step {
        /// Which step of the schedule.
        step: u32,
    },
    /// The noise that a mask adds to kept frames: one for the life of the mask.
    Mask,
}

/// The name of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Draw {
    /// The player's seed (of the mask for [`Purpose::Mask`]).
    pub seed: u64,
    /// Tells generations of the same seed apart.
    pub generation: u64,
    /// What for.
    pub purpose: Purpose,
}

/// Where Gaussian numbers come from.
pub trait NoiseSource: Sync {
    /// Writes the numbers of frames `first_frame..` of a draw, `[frames, 64]`, as many as `out` holds whole frames.
    /// The same draw and frame give the same numbers however the latent is cut into calls.
    fn fill(&self, draw: &Draw, first_frame: usize, out: &mut [f32]);
}

/// [`NoiseSource`] of the instrument.
#[derive(Clone, Copy, Debug, Default)]
pub struct Philox;

impl NoiseSource for Philox {
    #[inline(always)]
    fn fill(&self, draw: &Draw, first_frame: usize, out: &mut [f32]) {
        let key = [draw.seed as u32, (draw.seed >> 32) as u32];
        let (tag, generation) = draw.tag();
        for (frame, row) in out.chunks_exact_mut(LATENT_CHANNELS).enumerate() {
            frame_of_noise(key, tag, generation, (first_frame + frame) as u32, row);
        }
    }
}

impl Draw {
    /// Second counter word, and the generation that takes part.
    #[inline(always)]
    fn tag(&self) -> (u32, u64) {
        match self.purpose {
            Purpose::Start => (0, 0),
            Purpose::Mask => (1, 0),
            Purpose::Step { step } => (2 + step, self.generation),
        }
    }
}

/// Writes a whole latent's draw with the widest vectors there are.
pub fn fill_wide<N: NoiseSource + ?Sized>(noise: &N, draw: &Draw, out: &mut [f32]) {
    struct Fill<'a, N: ?Sized>(&'a N, &'a Draw, &'a mut [f32]);
    impl<N: NoiseSource + ?Sized> Wide for Fill<'_, N> {
        type Out = ();
        #[inline(always)]
        fn run(self) {
            self.0.fill(self.1, 0, self.2);
        }
    }
    widest(Fill(noise, draw, out));
}

/// The 64 numbers of one frame: lane `l` of block word `w` is channel `16 w + l`, so every store is one vector.
#[inline(always)]
fn frame_of_noise(key: [u32; 2], tag: u32, generation: u64, frame: u32, out: &mut [f32]) {
    let mut counter = [[0_u32; LANES]; 4];
    for (lane, word) in counter[0].iter_mut().enumerate() {
        *word = frame.wrapping_mul(LANES as u32).wrapping_add(lane as u32);
    }
    counter[1] = [tag; LANES];
    counter[2] = [generation as u32; LANES];
    counter[3] = [(generation >> 32) as u32; LANES];
    let words = philox(key, counter);
    let [a, b] = box_muller(&words[0], &words[1]);
    let [c, d] = box_muller(&words[2], &words[3]);
    for (out, lanes) in out.chunks_exact_mut(LANES).zip([a, b, c, d]) {
        out.copy_from_slice(&lanes);
    }
}

/// Ten rounds over [`LANES`] counters at once.
#[inline(always)]
fn philox(mut key: [u32; 2], mut counter: [[u32; LANES]; 4]) -> [[u32; LANES]; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let mut next = [[0_u32; LANES]; 4];
        for lane in 0..LANES {
            let left = u64::from(MULTIPLIERS[0]) * u64::from(counter[0][lane]);
            let right = u64::from(MULTIPLIERS[1]) * u64::from(counter[2][lane]);
            next[0][lane] = (right >> 32) as u32 ^ counter[1][lane] ^ key[0];
            next[1][lane] = right as u32;
            next[2][lane] = (left >> 32) as u32 ^ counter[3][lane] ^ key[1];
            next[3][lane] = left as u32;
        }
        counter = next;
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::{Draw, LANES, NoiseSource, Philox, Purpose, fill_wide, philox};

    fn draw(seed: u64, generation: u64, purpose: Purpose) -> Draw {
        Draw { seed, generation, purpose }
    }

    fn numbers(draw: Draw, frames: usize) -> Vec<f32> {
        let mut out = vec![0.0; frames * 64];
        fill_wide(&Philox, &draw, &mut out);
        out
    }

    #[test]
    fn generations_differ_beyond_32_bits_too() {
        let of = |generation| numbers(draw(7, generation, Purpose::Step { step: 1 }), 1);
        assert!(of(1 << 32) != of(0) && of(1 << 32) != of(1 << 33));
    }

    /// Known answers of the authors' Random123 library.
    #[test]
    fn the_generator_is_philox_4x32_10() {
        let known = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        ];
        for (counter, key, words) in known {
            let found = philox(key, counter.map(|word| [word; LANES]));
            assert_eq!(found, words.map(|word| [word; LANES]));
        }
    }

    #[test]
    fn the_numbers_do_not_depend_on_where_a_latent_is_cut_or_how_wide_the_machine_is() {
        let it = draw(7, 3, Purpose::Step { step: 2 });
        let whole = numbers(it, 10);
        let mut cut = vec![0.0; 640];
        Philox.fill(&it, 0, &mut cut[..192]);
        Philox.fill(&it, 3, &mut cut[192..]);
        assert_eq!(whole, cut);
    }

    #[test]
    fn the_numbers_are_gaussian() {
        let it = numbers(draw(1, 0, Purpose::Start), 4096);
        let count = it.len() as f64;
        let moment = |power: i32| it.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / count;
        assert!(moment(1).abs() < 0.01, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.01, "variance {}", moment(2));
        assert!(moment(3).abs() < 0.03, "skewness {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.1, "kurtosis {}", moment(4));
    }

    #[test]
    fn a_generation_changes_the_steps_and_not_the_start() {
        let start = |generation| numbers(draw(5, generation, Purpose::Start), 2);
        let step = |generation| numbers(draw(5, generation, Purpose::Step { step: 0 }), 2);
        assert_eq!(start(0), start(1));
        assert_ne!(step(0), step(1));
        assert_ne!(start(0), step(0));
    }
}
