//! Any number of channels to two.
//!
//! One channel goes to both sides at full level; two stay as they are, bit for bit; more are folded by where their
//! speakers stand, with the weights of ITU-R BS.775 (centre and surrounds at -3 dB, the effects channel left out). Channels
//! without a place alternate between the sides. Folding may exceed full scale; the loader turns the whole down after.

use symphonia::core::audio::{Channels, Position};

/// -3 dB: half the power to each side.
const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// The weight of every channel on the left and on the right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fold(Vec<[f32; 2]>);

impl Fold {
    /// The fold for a set of channels.
    pub fn of(channels: &Channels) -> Self {
        let count = channels.count();
        Self(match (channels, count) {
            (_, 1) => vec![[1.0, 1.0]],
            (_, 2) => vec![[1.0, 0.0], [0.0, 1.0]],
            (Channels::Positioned(positions), _) => positions.iter().map(weight).collect(),
            _ => (0..count).map(|channel| if channel % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect(),
        })
    }

    /// Channels that go in.
    pub fn channels(&self) -> usize {
        self.0.len()
    }

    /// Folds interleaved samples onto the ends of the planes.
    pub fn append(&self, interleaved: &[f32], planes: &mut [Vec<f32>; 2]) {
        if self.0.is_empty() {
            return;
        }
        let [left, right] = planes;
        for frame in interleaved.chunks_exact(self.0.len()) {
            match *frame {
                [mono] => {
                    left.push(mono);
                    right.push(mono);
                }
                [l, r] => {
                    left.push(l);
                    right.push(r);
                }
                _ => {
                    left.push(frame.iter().zip(&self.0).map(|(sample, weight)| sample * weight[0]).sum());
                    right.push(frame.iter().zip(&self.0).map(|(sample, weight)| sample * weight[1]).sum());
                }
            }
        }
    }
}

/// Left and right weight of a speaker's place.
fn weight(position: Position) -> [f32; 2] {
    let left = Position::FRONT_LEFT | Position::FRONT_LEFT_CENTER | Position::FRONT_LEFT_WIDE;
    let right = Position::FRONT_RIGHT | Position::FRONT_RIGHT_CENTER | Position::FRONT_RIGHT_WIDE;
    let left_around = Position::REAR_LEFT
        | Position::SIDE_LEFT
        | Position::TOP_FRONT_LEFT
        | Position::TOP_REAR_LEFT
        | Position::TOP_SIDE_LEFT
        | Position::BOTTOM_FRONT_LEFT;
    let right_around = Position::REAR_RIGHT
        | Position::SIDE_RIGHT
        | Position::TOP_FRONT_RIGHT
        | Position::TOP_REAR_RIGHT
        | Position::TOP_SIDE_RIGHT
        | Position::BOTTOM_FRONT_RIGHT;
    if left.contains(position) {
        [1.0, 0.0]
    } else if right.contains(position) {
        [0.0, 1.0]
    } else if left_around.contains(position) {
        [HALF_POWER, 0.0]
    } else if right_around.contains(position) {
        [0.0, HALF_POWER]
    } else if position == Position::FRONT_CENTER {
        [HALF_POWER, HALF_POWER]
    } else if (Position::LFE1 | Position::LFE2).contains(position) {
        [0.0, 0.0]
    } else {
        // Rear and overhead centres: once more 3 dB down, as they reach both ears from behind.
        [0.5, 0.5]
    }
}

#[cfg(test)]
mod tests {
    use super::{Fold, HALF_POWER};
    use symphonia::core::audio::{Channels, Position};

    fn folded(channels: &Channels, frame: &[f32]) -> [f32; 2] {
        let mut planes = [Vec::new(), Vec::new()];
        Fold::of(channels).append(frame, &mut planes);
        [planes[0][0], planes[1][0]]
    }

    #[test]
    fn five_point_one_folds_by_where_the_speakers_stand() {
        let places = Position::FRONT_LEFT
            | Position::FRONT_RIGHT
            | Position::FRONT_CENTER
            | Position::LFE1
            | Position::REAR_LEFT
            | Position::REAR_RIGHT;
        let channels = Channels::Positioned(places);
        assert_eq!(folded(&channels, &[1., 0., 0., 0., 0., 0.]), [1.0, 0.0]);
        assert_eq!(folded(&channels, &[0., 1., 0., 0., 0., 0.]), [0.0, 1.0]);
        assert_eq!(folded(&channels, &[0., 0., 1., 0., 0., 0.]), [HALF_POWER; 2]);
        assert_eq!(folded(&channels, &[0., 0., 0., 1., 0., 0.]), [0.0, 0.0]);
        assert_eq!(folded(&channels, &[0., 0., 0., 0., 1., 0.]), [HALF_POWER, 0.0]);
        assert_eq!(folded(&channels, &[0., 0., 0., 0., 0., 1.]), [0.0, HALF_POWER]);
    }

    #[test]
    fn one_channel_is_heard_on_both_sides_at_full_level() {
        assert_eq!(folded(&Channels::Positioned(Position::FRONT_LEFT), &[0.7]), [0.7, 0.7]);
        assert_eq!(folded(&Channels::Discrete(1), &[0.7]), [0.7, 0.7]);
    }

    #[test]
    fn channels_without_a_place_alternate() {
        assert_eq!(folded(&Channels::Discrete(4), &[0.1, 0.2, 0.3, 0.5]), [0.4, 0.7]);
    }
}
