//! A potentiometer's readings to positions: a resting knob says nothing, a moving one is followed, the stops are reached.
//!
//! Three steps. The median of three readings drops single spikes and costs one reading of delay. A knob at rest must
//! leave a band around where it came to rest before it is believed to move; noise stays inside. A moving knob is
//! followed at once when it is far from where it was told to be, and smoothed when it is near. The first and last
//! hundredth of the travel are the stops themselves, since no track reaches the ends of its supply. Pure.

/// Full scale of a position.
pub const FULL: u16 = 16383;
/// The part of full scale that noise may fill, peak to peak, before a resting knob speaks: 1 / 256.
const BAND_PART: u16 = 256;
/// The part of full scale that counts as each stop. More than twice the band: a knob that rests just outside a stop must
/// leave its band on the way to the end, and be inside the stop while it is still being smoothed.
const STOP_PART: u16 = 100;
/// Readings without leaving the band after which a moving knob is at rest.
const SETTLED: u8 = 32;
/// Fractions of a converter's step that are kept while smoothing.
const FINE: i32 = 256;

/// The memory of one potentiometer.
#[derive(Clone, Debug)]
pub struct Smoother {
    full: i32,
    band: i32,
    stop: i32,
    window: [u16; 3],
    heard: u8,
    /// Where the knob is believed to stand, in `FINE` parts of a step.
    place: i32,
    /// Where it rests, or where it was when it last left its band, in steps.
    anchor: i32,
    still: u8,
    told: Option<u16>,
}

impl Smoother {
    /// For a converter whose largest reading is `full` (1023, 4095).
    #[must_use]
    pub fn new(full: u16) -> Self {
        let (band, stop) = (full.div_ceil(BAND_PART), full.div_ceil(STOP_PART));
        Self {
            full: i32::from(full),
            band: i32::from(band),
            stop: i32::from(stop),
            window: [0; 3],
            heard: 0,
            place: 0,
            anchor: 0,
            still: SETTLED,
            told: None,
        }
    }

    /// A reading; the new position (0 to [`FULL`]) if the knob moved. The third reading tells where it stands.
    pub fn sample(&mut self, reading: u16) -> Option<u16> {
        self.window[usize::from(self.heard % 3)] = reading;
        self.heard = if self.heard >= 5 { 3 } else { self.heard + 1 };
        if self.heard < 3 {
            return None;
        }
        let mut sorted = self.window;
        sorted.sort_unstable();
        let median = i32::from(sorted[1]).min(self.full);
        if self.told.is_none() {
            (self.place, self.anchor) = (median * FINE, median);
        } else {
            self.follow(median);
        }
        let position = self.position();
        (self.told != Some(position)).then(|| {
            self.told = Some(position);
            position
        })
    }

    fn follow(&mut self, median: i32) {
        if (median - self.anchor).abs() > self.band {
            (self.anchor, self.still) = (median, 0);
        } else if self.still < SETTLED {
            self.still += 1;
        } else {
            return;
        }
        let gap = median * FINE - self.place;
        // Near: a quarter of the way, which halves the noise. Far: all of it.
        self.place += if gap.abs() <= self.band * FINE { gap / 4 } else { gap };
    }

    fn position(&self) -> u16 {
        let travel = (self.full - 2 * self.stop) * FINE;
        let along = (self.place - self.stop * FINE).clamp(0, travel);
        let position = (i64::from(along) * i64::from(FULL) + i64::from(travel) / 2) / i64::from(travel);
        u16::try_from(position).unwrap_or(FULL)
    }
}

#[cfg(test)]
mod tests {
    use super::{FULL, Smoother};
    use proptest::prelude::*;

    fn settle(knob: &mut Smoother, at: u16) -> u16 {
        (0..40).filter_map(|_| knob.sample(at)).last().unwrap_or_else(|| knob.told.unwrap())
    }

    #[test]
    fn the_third_reading_tells_where_the_knob_stands() {
        let mut knob = Smoother::new(1023);
        let told = [512, 512, 512, 512].map(|reading| knob.sample(reading));
        assert_eq!([told[0], told[1], told[3]], [None; 3]);
        assert!(told[2].is_some_and(|it| it.abs_diff(FULL / 2) < 20), "{told:?}");
    }

    #[test]
    fn a_single_spike_is_not_a_move() {
        let mut knob = Smoother::new(1023);
        settle(&mut knob, 300);
        assert_eq!([900, 300, 300, 0, 300, 300].map(|reading| knob.sample(reading)), [None; 6]);
    }

    #[test]
    fn a_slow_hand_is_heard_in_fine_steps() {
        let mut knob = Smoother::new(1023);
        settle(&mut knob, 300);
        let told: Vec<u16> = (301..340).flat_map(|at| [at; 4]).filter_map(|at| knob.sample(at)).collect();
        assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "upwards only: {told:?}");
        assert!(told.windows(2).skip(8).all(|pair| pair[1] - pair[0] < 30), "in steps under 0.2 %: {told:?}");
    }

    #[test]
    fn a_moving_knob_shows_half_of_its_noise_at_most() {
        let mut knob = Smoother::new(1023);
        settle(&mut knob, 300);
        let noisy = (0..400_u16).map(|sample| 300 + sample / 2 + 4 * (sample / 2 % 2));
        let told: Vec<u16> = noisy.filter_map(|at| knob.sample(at)).collect();
        let back = told.windows(2).map(|pair| pair[0].saturating_sub(pair[1])).max();
        // Four readings of 1023 are 65 positions.
        assert!(told.len() > 100 && back.is_some_and(|back| back <= 32), "{back:?} back in {told:?}");
    }

    proptest! {
        #[test]
        fn a_resting_knob_says_nothing_once_it_has_settled(
            full in prop::sample::select(vec![1023_u16, 4095]), at in 0.0_f64..1.0, from in 0.0_f64..1.0,
            noise in prop::collection::vec(-1.0_f64..1.0, 400),
        ) {
            let mut knob = Smoother::new(full);
            settle(&mut knob, (from * f64::from(full)) as u16);
            let reach = f64::from(full.div_ceil(256)) / 2.0;
            let noisy = |noise: f64| (at * f64::from(full) + noise * reach).round().clamp(0.0, f64::from(full)) as u16;
            let told: Vec<Option<u16>> = noise.iter().map(|noise| knob.sample(noisy(*noise))).collect();
            // It speaks when it leaves the band of where it was before, which may be late if it moved by little; that is
            // the end of it once it has settled.
            let first = told.iter().position(Option::is_some).unwrap_or(0);
            let late: Vec<_> = told.iter().skip(first + usize::from(super::SETTLED) + 1).flatten().collect();
            prop_assert!(late.is_empty(), "a knob at {} of {} said {:?}", at, full, late);
        }

        #[test]
        fn a_moved_knob_is_where_it_was_moved_to_within_two_readings(
            full in prop::sample::select(vec![1023_u16, 4095]), from in 0.0_f64..1.0, to in 0.0_f64..1.0,
        ) {
            let (from, to) = ((from * f64::from(full)) as u16, (to * f64::from(full)) as u16);
            let mut fresh = Smoother::new(full);
            let expected = settle(&mut fresh, to);
            let mut knob = Smoother::new(full);
            settle(&mut knob, from);
            knob.sample(to);
            knob.sample(to);
            let now = knob.told.unwrap();
            // The band, in positions, and the rounding.
            prop_assert!(now.abs_diff(expected) <= 68, "{} to {} of {}: {} against {}", from, to, full, now, expected);
        }

        #[test]
        fn both_stops_are_reached_from_anywhere_at_any_speed(
            full in prop::sample::select(vec![1023_u16, 4095]), from in 0.0_f64..1.0, speed in 0.2_f64..200.0, up in any::<bool>(),
            offset in 0.0_f64..0.004,
        ) {
            let mut knob = Smoother::new(full);
            let (mut at, scale) = (from * f64::from(full), f64::from(full));
            settle(&mut knob, at as u16);
            // The track ends a little short of the supply.
            let end = if up { scale * (1.0 - offset) } else { scale * offset };
            while (at - end).abs() > 0.5 {
                at += (end - at).clamp(-speed, speed);
                knob.sample(at.round() as u16);
            }
            knob.sample(end.round() as u16);
            knob.sample(end.round() as u16);
            prop_assert_eq!(knob.told, Some(if up { FULL } else { 0 }));
        }
    }
}
