//! A parameter drawn over the tape: breakpoints, and the value of every latent frame between them.
//!
//! A player draws few points; the solver wants one number a frame. The law between is a straight line, held level
//! before the first and after the last point, read at the middle of each frame. Places (prompts) have nothing between
//! them: each holds until the next.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::{PARAMS, ParamId, Taper};
use crate::latent::LATENT_FRAMES_PER_SECOND;

/// Most points in a curve: far more than hands draw, few enough to refuse a hostile file early.
const MOST_POINTS: usize = 4096;
/// Below this rate (Hz) the blend stands still, as on the published instrument.
const STILL_HZ: f32 = 0.01;

/// Points of a drawn curve, in the order of their times.
#[derive(Clone, Debug, PartialEq)]
pub struct Breakpoints {
    points: Vec<[f64; 2]>,
    /// Whether each holds until the next: there is nothing between two places.
    holds: bool,
}

/// The curves that are drawn at one moment, each one value a latent frame. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Drawn([Option<Arc<[f32]>>; PARAMS]);

impl Default for Drawn {
    fn default() -> Self {
        Self([const { None }; PARAMS])
    }
}

impl Drawn {
    /// The curve of a parameter.
    #[must_use]
    pub fn get(&self, id: ParamId) -> Option<&Arc<[f32]>> {
        self.0[id as usize].as_ref()
    }

    /// Draws a curve, or takes it back.
    pub fn set(&mut self, id: ParamId, curve: Option<Arc<[f32]>>) {
        self.0[id as usize] = curve;
    }

    /// Whether a parameter has the same curve in both, or none in both.
    #[must_use]
    pub fn agrees(&self, other: &Self, id: ParamId) -> bool {
        match (self.get(id), other.get(id)) {
            // A curve that was read again is the same curve.
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

impl PartialEq for Drawn {
    fn eq(&self, other: &Self) -> bool {
        ParamId::all().all(|id| self.agrees(other, id))
    }
}

/// Why points make no curve. The points come from a hand or a file: say it and keep the old curve.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CurveFault {
    /// The parameter is a switch, a choice, or one number for all of a generation.
    #[error("{} takes no curve", .0.row().name)]
    NoCurve(ParamId),
    /// There is no point, or far too many.
    #[error("a curve has 1 to {MOST_POINTS} points, found {0}")]
    Points(usize),
    /// A time is not in 0..=1, or runs backwards.
    #[error("point {point}: time {time} (expected 0 to 1, never less than the point before)")]
    Time {
        /// Which point, from 1.
        point: usize,
        /// Its time.
        time: f64,
    },
    /// A value lies outside the parameter's range or is not a number.
    #[error("point {point}: value {value} (expected {low} to {high})")]
    Value {
        /// Which point, from 1.
        point: usize,
        /// Its value.
        value: f64,
        /// Least value of the parameter.
        low: f64,
        /// Greatest value of the parameter.
        high: f64,
    },
}

impl Breakpoints {
    /// Points of `[time, value]`: time as a fraction of the tape, value in the parameter's unit. Two points may share a
    /// time: the curve jumps there.
    ///
    /// # Errors
    /// [`CurveFault`], for the first point at fault.
    pub fn new(id: ParamId, points: &[[f64; 2]]) -> Result<Self, CurveFault> {
        let row = id.row();
        if !row.curve {
            return Err(CurveFault::NoCurve(id));
        }
        if points.is_empty() || points.len() > MOST_POINTS {
            return Err(CurveFault::Points(points.len()));
        }
        let mut before = 0.0;
        for (place, &[time, value]) in points.iter().enumerate() {
            // Written so that NaN fails too.
            if !(before..=1.0).contains(&time) {
                return Err(CurveFault::Time { point: place + 1, time });
            }
            if !(row.low..=row.high).contains(&value) {
                return Err(CurveFault::Value { point: place + 1, value, low: row.low, high: row.high });
            }
            before = time;
        }
        Ok(Self { points: points.to_vec(), holds: row.taper == Taper::Whole })
    }

    /// Points that give these values, one a latent frame, back to the bit where there are not too many of them; then every second, every third
    /// and so on.
    ///
    /// # Errors
    /// [`CurveFault`], where the values are none of this parameter.
    pub fn through(id: ParamId, values: &[f32]) -> Result<Self, CurveFault> {
        let differs = |a: Option<&f32>, b: &f32| a.is_none_or(|it| it != b);
        let is_needed = |at: usize| {
            let before = at.checked_sub(1).and_then(|it| values.get(it));
            differs(before, &values[at]) || differs(values.get(at + 1), &values[at])
        };
        let time = |at: usize| (at as f64 + 0.5) / values.len() as f64;
        let points: Vec<[f64; 2]> =
            (0..values.len()).filter(|at| is_needed(*at)).map(|at| [time(at), values[at].into()]).collect();
        let step = points.len().div_ceil(MOST_POINTS).max(1);
        Self::new(id, &points.into_iter().step_by(step).collect::<Vec<_>>())
    }

    /// The points as they were given.
    #[must_use]
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// One value for each of `frames` latent frames: frame `i` reads the curve at `(i + 1/2) / frames`.
    #[must_use]
    pub fn resample(&self, frames: usize) -> Arc<[f32]> {
        let time = |frame| (frame as f64 + 0.5) / frames as f64;
        (0..frames).map(|frame| self.value(time(frame)) as f32).collect()
    }

    fn value(&self, time: f64) -> f64 {
        let points = &self.points;
        let right = points.partition_point(|point| point[0] <= time);
        if right == 0 {
            return points[0][1];
        }
        let [left_time, left] = points[right - 1];
        match points.get(right) {
            _ if self.holds => left,
            Some(&[right_time, value]) => left + (value - left) * (time - left_time) / (right_time - left_time),
            None => left,
        }
    }
}

/// Fills `out`, one value a latent frame, with a source blend that swells between 0 and `blend` at `rate_hz` over the
/// tape: `blend (1/2 + 1/2 sin(2 pi rate t))`, or level `blend` below 0.01 Hz. The law is the published instrument's.
pub fn swell(blend: f32, rate_hz: f32, out: &mut [f32]) {
    if rate_hz < STILL_HZ {
        out.fill(blend);
        return;
    }
    let turn = TAU * f64::from(rate_hz) / LATENT_FRAMES_PER_SECOND as f64;
    for (frame, value) in out.iter_mut().enumerate() {
        *value = blend * (0.5 + 0.5 * (turn * frame as f64).sin()) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::{Breakpoints, CurveFault, swell};
    use crate::param::ParamId;

    #[test]
    fn a_curve_is_straight_between_points_and_level_outside_them() {
        let curve = Breakpoints::new(ParamId::SourceBlend, &[[0.25, 0.0], [0.75, 1.0]]).expect("sane points");
        let frames = curve.resample(8);
        assert_eq!(*frames, [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]);
    }

    #[test]
    fn two_points_at_one_time_are_a_jump() {
        let curve = Breakpoints::new(ParamId::X0Target, &[[0.0, 0.2], [0.5, 0.2], [0.5, 0.8]]).expect("sane points");
        assert_eq!(*curve.resample(4), [0.2, 0.2, 0.8, 0.8]);
    }

    #[test]
    fn one_point_is_a_level_curve() {
        let curve = Breakpoints::new(ParamId::OdeNoise, &[[0.5, 0.25]]).expect("sane points");
        assert_eq!(*curve.resample(3), [0.25; 3]);
        assert_eq!(curve.points(), [[0.5, 0.25]]);
    }

    #[test]
    fn a_place_holds_until_the_next() {
        let points = [[0.0, 1.0], [0.25, 3.0], [0.75, 2.0]];
        let curve = Breakpoints::new(ParamId::PromptA, &points).expect("sane points");
        let values = curve.resample(8);
        assert_eq!(*values, [1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.0]);
        let through = Breakpoints::through(ParamId::PromptA, &values).expect("its own values");
        assert_eq!(through.resample(8), values);
    }

    #[test]
    fn points_through_the_values_of_a_curve_give_the_same_values() {
        for points in [&[[0.25, 0.0], [0.75, 1.0]][..], &[[0.0, 0.2], [0.5, 0.2], [0.5, 0.8]], &[[0.5, 0.3]]] {
            let values = Breakpoints::new(ParamId::SourceBlend, points).expect("sane points").resample(37);
            let through = Breakpoints::through(ParamId::SourceBlend, &values).expect("its own values");
            assert_eq!(through.resample(37), values, "{through:?}");
        }
        let long: Vec<f32> = (0..9_000).map(|it| (it % 2) as f32).collect();
        assert!(Breakpoints::through(ParamId::SourceBlend, &long).is_ok_and(|it| it.points().len() <= 4096));
        assert_eq!(Breakpoints::through(ParamId::SourceBlend, &[]), Err(CurveFault::Points(0)));
    }

    #[test]
    fn a_bad_point_is_named() {
        let fault = |points: &[[f64; 2]]| Breakpoints::new(ParamId::SourceBlend, points).expect_err("a fault");
        assert_eq!(fault(&[]), CurveFault::Points(0));
        assert_eq!(fault(&[[0.5, 0.0], [0.4, 0.0]]), CurveFault::Time { point: 2, time: 0.4 });
        assert_eq!(fault(&[[1.5, 0.0]]), CurveFault::Time { point: 1, time: 1.5 });
        assert!(matches!(fault(&[[f64::NAN, 0.0]]), CurveFault::Time { point: 1, .. }));
        assert_eq!(fault(&[[0.0, 1.5]]), CurveFault::Value { point: 1, value: 1.5, low: 0.0, high: 1.0 });
        assert!(matches!(fault(&[[0.0, f64::NAN]]), CurveFault::Value { point: 1, .. }));
        let no_curve = Breakpoints::new(ParamId::Seed, &[[0.0, 0.0]]);
        assert_eq!(no_curve, Err(CurveFault::NoCurve(ParamId::Seed)));
    }

    #[test]
    fn a_swell_moves_between_nothing_and_the_blend_at_its_rate() {
        let mut out = [9.0; 25];
        swell(0.8, 6.25, &mut out); // four frames a turn
        for (frame, expected) in [(0, 0.4), (1, 0.8), (2, 0.4), (3, 0.0), (4, 0.4), (5, 0.8)] {
            assert!((out[frame] - expected).abs() < 1e-6, "frame {frame}: {}", out[frame]);
        }
        swell(0.8, 1.0, &mut out);
        assert!((out[5] - 0.780_422_6).abs() < 1e-6, "a fifth of a turn: {}", out[5]);
        swell(0.8, 0.0, &mut out);
        assert_eq!(out, [0.8; 25]);
        swell(0.8, 0.01, &mut out);
        assert_eq!(out[0], 0.4, "the slowest swell");
    }
}
