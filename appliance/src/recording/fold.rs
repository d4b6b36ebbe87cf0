//! Any number of channels to two.
//!
//! One channel goes to both sides at full level; two stay as they are, bit for bit; more are folded by where their
//! speakers stand, with the weights of ITU-R BS.775 (centre and surrounds at -3 dB, the effects channel left out). A file of
//! three to eight channels that says no places has the usual ones. Channels without a place alternate between the sides: the
//! first left, the second right. Folding may exceed full scale; the loader turns the whole down after.

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
            _ => return Self::even(count),
        })
    }

    /// The fold for channels without places: they alternate.
    pub fn even(count: usize) -> Self {
        match count {
            1 => Self(vec![[1.0, 1.0]]),
            _ => Self((0..count).map(alternate).collect()),
        }
    }

    /// The fold for a file that says how many channels it has and not where they stand.
    pub fn usual(count: usize) -> Self {
        const FRONT: u32 = 0b11;
        const CENTRE: u32 = 0b100;
        const REAR: u32 = 0b11_0000;
        const SIDE: u32 = 0b110_0000_0000;
        match count {
            3 => Self::placed(3, FRONT | CENTRE),
            4 => Self::placed(4, FRONT | REAR),
            5 => Self::placed(5, FRONT | CENTRE | REAR),
            6 => Self::placed(6, 0b1111 | REAR),
            7 => Self::placed(7, 0b1111 | 1 << 8 | SIDE),
            8 => Self::placed(8, 0b1111 | REAR | SIDE),
            _ => Self::even(count),
        }
    }

    /// The fold for channels in the order that Vorbis and Opus have: the centre second, the effects channel last.
    pub fn vorbis_order(count: usize) -> Self {
        let order: &[usize] = match count {
            3 => &[0, 2, 1],
            5 => &[0, 2, 1, 3, 4],
            6 => &[0, 2, 1, 4, 5, 3],
            7 => &[0, 2, 1, 5, 6, 4, 3],
            8 => &[0, 2, 1, 6, 7, 4, 5, 3],
            _ => return Self::usual(count),
        };
        let usual = Self::usual(count).0;
        Self(order.iter().map(|place| usual[*place]).collect())
    }

    /// The fold for a mask of places as WAVE files have it: the lowest bit is the first channel's. Channels beyond the
    /// mask have no place.
    pub fn placed(count: usize, mask: u32) -> Self {
        if count < 3 {
            return Self::of(&Channels::Discrete(count as u16));
        }
        let places = (0..18).map(|bit| 1u64 << bit).filter(|bit| u64::from(mask) & bit != 0);
        let mut weights: Vec<_> = places.filter_map(Position::from_bits).map(weight).take(count).collect();
        weights.extend((weights.len()..count).map(alternate));
        Self(weights)
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

/// Left and right weight of a channel that has no place.
fn alternate(channel: usize) -> [f32; 2] {
    if channel.is_multiple_of(2) { [1.0, 0.0] } else { [0.0, 1.0] }
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
        let mut planes = [Vec::new(), Vec::new()];
        let frame: Vec<f32> = (0..32).map(|channel| if channel < 2 { 0.25 } else { 0.0 }).collect();
        Fold::usual(32).append(&frame, &mut planes);
        assert_eq!(planes, [vec![0.25], vec![0.25]]);
    }

    #[test]
    fn a_mask_that_is_too_short_leaves_the_others_without_a_place() {
        // Centre alone is named; the second and third channel stand right and left.
        let mut planes = [Vec::new(), Vec::new()];
        Fold::placed(3, 0b100).append(&[0.0, 0.5, 0.25], &mut planes);
        assert_eq!(planes, [vec![0.25], vec![0.5]]);
        assert_eq!(Fold::placed(6, 0b11_1111), Fold::usual(6));
    }
}
