//! Noise levels of a generation, from its first step to sound.
//!
//! A schedule of `n` steps has `n + 1` levels, running down to 0. It is written once, when a slot is born.

use half::{bf16, f16};

/// A denoise value at or below this means: leave the source as it is.
pub const DENOISE_MIN: f64 = 1e-6;

/// How a denoise value becomes the first noise level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ScheduleLaw {
    /// `t_start = denoise`: every position of the knob sounds different.
    #[default]
    Continuous,
    /// `t_start = steps / trunc(steps / denoise)`, the published law: at 8 steps everything above 0.89 is 1.
    Stepped,
}

/// The type in which every intermediate result is rounded. The instrument uses [`Grain::F32`]; the others reproduce
/// schedules of models that run in half precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Grain {
    /// IEEE single.
    #[default]
    F32,
    /// IEEE half.
    F16,
    /// bfloat16.
    Bf16,
}

/// What all generations born at one time share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Steps of a full generation, at least 1.
    pub steps: usize,
    /// Bends the levels: `s t / (1 + (s - 1) t)`; 1 leaves them, above 1 stays longer with much noise. Above 0.
    pub shift: f32,
    /// What denoise means.
    pub law: ScheduleLaw,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { steps: 8, shift: 3.0, law: ScheduleLaw::default() }
    }
}

impl Sampling {
    /// Writes the levels for a denoise value into `levels`, replacing what was there.
    ///
    /// `denoise` is f64 because the published law divides and truncates it in f64. At most [`DENOISE_MIN`] gives the
    /// single step `[0, 0]`; NaN counts as that.
    pub fn levels_into(&self, denoise: f64, grain: Grain, levels: &mut Vec<f32>) {
        levels.clear();
        if denoise.is_nan() || denoise <= DENOISE_MIN {
            levels.extend([0.0, 0.0]);
            return;
        }
        let steps = self.steps.max(1);
        let start = self.start(denoise) as f32;
        levels.extend((0..=steps).map(|at| self.bent(level_of_line(start, at, steps, grain), grain)));
    }

    /// [`Self::levels_into`] in single precision, as a new vector.
    #[must_use]
    pub fn levels(&self, denoise: f64) -> Vec<f32> {
        let mut levels = Vec::new();
        self.levels_into(denoise, Grain::F32, &mut levels);
        levels
    }

    fn start(&self, denoise: f64) -> f64 {
        let steps = self.steps.max(1) as f64;
        match self.law {
            _ if 1.0 <= denoise => 1.0,
            ScheduleLaw::Continuous => denoise,
            ScheduleLaw::Stepped => steps / (steps / denoise).trunc(),
        }
    }

    fn bent(&self, level: f32, grain: Grain) -> f32 {
        if self.shift == 1.0 {
            return level;
        }
        let above = grain.round(self.shift * level);
        let below = grain.round(1.0 + grain.round((self.shift - 1.0) * level));
        grain.round(above / below)
    }
}

impl Grain {
    /// The nearest number of the type.
    #[must_use]
    pub fn round(self, value: f32) -> f32 {
        match self {
            Self::F32 => value,
            Self::F16 => f16::from_f32(value).to_f32(),
            Self::Bf16 => bf16::from_f32(value).to_f32(),
        }
    }
}

/// Entry `at` of the line from `start` to 0 in `steps` steps: counted from the nearer end, as the published tensors are.
fn level_of_line(start: f32, at: usize, steps: usize, grain: Grain) -> f32 {
    let start = grain.round(start);
    let stride = grain.round(start / steps as f32);
    if at * 2 < steps + 1 {
        grain.round(start - grain.round(stride * at as f32))
    } else {
        grain.round(stride * (steps - at) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::{Grain, Sampling, ScheduleLaw, level_of_line};

    #[test]
    fn the_continuous_law_starts_where_the_knob_points() {
        let sampling = Sampling { shift: 1.0, ..Sampling::default() };
        assert_eq!(sampling.levels(0.93)[0], 0.93);
        assert_eq!(sampling.levels(0.93).len(), 9);
    }

    #[test]
    fn a_shift_warps_every_level_by_its_law() {
        let sampling = Sampling { steps: 4, shift: 3.0, ..Sampling::default() };
        assert_eq!(sampling.levels(1.0), [1.0, 0.9, 0.75, 0.5, 0.0]);
    }

    /// In half precision it shows from which end a level was counted.
    #[test]
    fn a_line_of_levels_is_counted_from_its_nearer_end() {
        let levels = [0, 3, 4, 7].map(|at| level_of_line(0.9, at, 7, Grain::Bf16));
        assert_eq!(levels, [0.898_437_5, 0.515_625, 0.382_812_5, 0.0]);
    }

    #[test]
    fn the_stepped_law_truncates_in_double_precision() {
        let sampling = Sampling { steps: 8, shift: 1.0, law: ScheduleLaw::Stepped };
        assert_eq!(sampling.levels(0.8)[0], 0.8);
        assert_eq!(sampling.levels(0.95)[0], 1.0);
    }

    #[test]
    fn no_denoise_is_one_step_that_changes_nothing() {
        for denoise in [0.0, -1.0, 1e-6, f64::NAN] {
            assert_eq!(Sampling::default().levels(denoise), [0.0, 0.0]);
        }
    }
}
