//! A knob that is one number, or one number a frame.

use std::sync::Arc;

/// A value along the timeline. Cloning shares the numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// The same everywhere.
    Scalar(f32),
    /// One value a frame. A curve of another length than the latent is stretched over it ([`Curve::at`]).
    Frames(Arc<[f32]>),
}

impl Curve {
    /// The value at frame `frame` of `frames`.
    ///
    /// A curve of another length is read linearly between its points, each point in the middle of its share of the
    /// timeline and the outer ones held (the published law for wavelet bands, used here for every curve).
    /// An empty curve is 0.
    #[must_use]
    #[inline]
    pub fn at(&self, frame: usize, frames: usize) -> f32 {
        match self {
            Self::Scalar(value) => *value,
            Self::Frames(points) if points.len() == frames => points[frame],
            Self::Frames(points) => stretched(points, frame, frames),
        }
    }

    /// Whether every value is zero, so that what the curve scales can be left out.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Scalar(value) => *value == 0.0,
            Self::Frames(points) => points.iter().all(|it| *it == 0.0),
        }
    }

    /// The same curve with every value multiplied. Allocates for curves: not for use within a tick.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        match self {
            Self::Scalar(value) => Self::Scalar(value * factor),
            Self::Frames(points) => Self::Frames(points.iter().map(|it| it * factor).collect()),
        }
    }

    /// Whether the curve has a value and all of them are finite.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Scalar(value) => value.is_finite(),
            Self::Frames(points) => !points.is_empty() && points.iter().all(|it| it.is_finite()),
        }
    }
}

impl From<f32> for Curve {
    fn from(value: f32) -> Self {
        Self::Scalar(value)
    }
}

impl From<Vec<f32>> for Curve {
    fn from(points: Vec<f32>) -> Self {
        Self::Frames(points.into())
    }
}

/// Half-pixel centres: point `i` of `n` stands at `(i + 0.5) / n`.
fn stretched(points: &[f32], frame: usize, frames: usize) -> f32 {
    let Some(last) = points.len().checked_sub(1) else { return 0.0 };
    let ratio = points.len() as f32 / frames as f32;
    let position = (ratio * (frame as f32 + 0.5) - 0.5).max(0.0);
    let left = (position as usize).min(last);
    let right = (left + 1).min(last);
    let share = position - left as f32;
    (1.0 - share) * points[left] + share * points[right]
}

#[cfg(test)]
mod tests {
    use super::Curve;

    #[test]
    fn a_curve_of_twice_the_length_is_read_as_the_mean_of_neighbours() {
        let curve = Curve::from(vec![1.0, 3.0, 10.0, 20.0]);
        assert_eq!([curve.at(0, 2), curve.at(1, 2)], [2.0, 15.0]);
    }

    #[test]
    fn a_short_curve_holds_its_outer_points() {
        let curve = Curve::from(vec![1.0, 2.0]);
        let read: Vec<f32> = (0..4).map(|frame| curve.at(frame, 4)).collect();
        assert_eq!(read, [1.0, 1.25, 1.75, 2.0]);
    }

    #[test]
    fn an_empty_curve_is_zero_everywhere() {
        assert_eq!(Curve::from(vec![]).at(3, 8), 0.0);
    }
}
