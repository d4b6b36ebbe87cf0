//! The values of one moment, whole and by copy.
//!
//! A snapshot is what one tick sees: plain numbers, no pointers, about half a kilobyte. Every value in it lies inside its
//! row's range or is [`AS_GROUP`], because only the store and [`Values::set`] make values and both clamp.

use super::{AS_GROUP, PARAMS, ParamId};

/// A latent channel with a gain of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keystone {
    /// Its gain.
    pub id: ParamId,
    /// The channel.
    pub channel: usize,
    /// The gain of the group that it belongs to.
    pub group: ParamId,
}

/// All keystone channels.
pub const KEYSTONES: [Keystone; 6] = [
    Keystone { id: ParamId::Ch13, channel: 13, group: ParamId::ChG1 },
    Keystone { id: ParamId::Ch14, channel: 14, group: ParamId::ChG1 },
    Keystone { id: ParamId::Ch19, channel: 19, group: ParamId::ChG2 },
    Keystone { id: ParamId::Ch23, channel: 23, group: ParamId::ChG2 },
    Keystone { id: ParamId::Ch29, channel: 29, group: ParamId::ChG3 },
    Keystone { id: ParamId::Ch56, channel: 56, group: ParamId::ChG7 },
];

/// One value for every parameter, each inside its row's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values([f64; PARAMS]);

impl Default for Values {
    fn default() -> Self {
        Self(super::TABLE.map(|row| row.default))
    }
}

impl Values {
    /// The value in the row's own unit, exact.
    #[must_use]
    pub const fn exact(&self, id: ParamId) -> f64 {
        self.0[id as usize]
    }

    /// The value as the solver computes with it. For the seed use [`Values::seed`]: f32 does not hold every seed.
    #[must_use]
    pub const fn get(&self, id: ParamId) -> f32 {
        self.exact(id) as f32
    }

    /// The place of a choice in its row's labels, or a whole number.
    #[must_use]
    pub const fn whole(&self, id: ParamId) -> usize {
        self.exact(id) as usize
    }

    /// Whether a switch is on (for a number: whether it is not zero).
    #[must_use]
    pub const fn on(&self, id: ParamId) -> bool {
        self.exact(id) != 0.0
    }

    /// The label of a choice or switch; empty for a number.
    #[must_use]
    pub fn label(&self, id: ParamId) -> &'static str {
        id.row().labels().map_or("", |labels| labels[self.whole(id)])
    }

    /// The seed, exact.
    #[must_use]
    pub const fn seed(&self) -> u32 {
        self.exact(ParamId::Seed) as u32
    }

    /// The output gain as a factor: `10^(dB/20)`, and nothing at all at the lowest place of its knob.
    #[must_use]
    pub fn gain(&self) -> f32 {
        let decibel = self.exact(ParamId::GainDb);
        if decibel <= ParamId::GainDb.row().low { 0.0 } else { 10f64.powf(decibel / 20.0) as f32 }
    }

    /// What is heard of a parameter: its value, or its group's gain where it is a keystone channel that says nothing itself.
    #[must_use]
    pub fn heard(&self, id: ParamId) -> f64 {
        let own = self.exact(id);
        let keystone = KEYSTONES.iter().find(|it| it.id == id && own == AS_GROUP);
        keystone.map_or(own, |it| self.exact(it.group))
    }

    /// The gain of each of the 64 latent channels: its group's, or its own where it is a keystone that was set.
    #[must_use]
    pub fn channel_gains(&self) -> [f32; 64] {
        let group = ParamId::ChG0 as usize;
        let mut gains = [1.0; 64];
        for (channel, gain) in gains.iter_mut().enumerate() {
            *gain = self.0[group + channel / 8] as f32;
        }
        for keystone in KEYSTONES {
            gains[keystone.channel] = self.heard(keystone.id) as f32;
        }
        gains
    }

    /// Puts the nearest possible value; answers whether that was the value asked for. NaN leaves the old value.
    pub fn set(&mut self, id: ParamId, value: f64) -> bool {
        if value.is_nan() {
            return false;
        }
        let nearest = id.row().nearest(value);
        self.0[id as usize] = nearest;
        nearest == value
    }
}

/// The values of one moment and their number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// Counts up by one with every publication; equal numbers mean equal values.
    pub generation: u64,
    /// The values.
    pub values: Values,
}

/// The tick thread's end of the triple buffer: never blocks, never sees half a change.
#[derive(Debug)]
pub struct SnapshotReader(pub(super) triple_buffer::Output<Snapshot>);

impl SnapshotReader {
    /// The newest values; take them once a tick.
    pub fn latest(&mut self) -> Snapshot {
        *self.0.read()
    }
}

#[cfg(test)]
mod tests {
    use super::{AS_GROUP, KEYSTONES, ParamId, Values};

    #[test]
    fn the_lowest_gain_is_silence_and_zero_decibel_is_one() {
        let mut values = Values::default();
        assert_eq!(values.gain(), 1.0);
        assert!(values.set(ParamId::GainDb, -60.0));
        assert_eq!(values.gain(), 0.0);
        assert!(values.set(ParamId::GainDb, -20.0));
        assert_eq!(values.gain(), 0.1);
    }

    #[test]
    fn a_switch_a_choice_and_a_number_are_read_as_what_they_are() {
        let mut values = Values::default();
        assert!(values.on(ParamId::DcwEnabled) && !values.on(ParamId::Feedback));
        assert!(values.set(ParamId::DcwEnabled, 0.0) && values.set(ParamId::Feedback, 0.5));
        assert!(!values.on(ParamId::DcwEnabled) && values.on(ParamId::Feedback));
        assert_eq!((values.label(ParamId::DcwMode), values.label(ParamId::DcwEnabled)), ("double", "off"));
        assert_eq!(values.label(ParamId::Denoise), "");
    }

    #[test]
    fn a_keystone_that_says_nothing_is_heard_as_its_own_group_and_as_no_other() {
        let mut values = Values::default();
        assert!(values.set(ParamId::ChG7, 2.0) && values.set(ParamId::ChG3, 0.5));
        assert_eq!(
            (values.heard(ParamId::Ch56), values.heard(ParamId::Ch29), values.heard(ParamId::Ch13)),
            (2.0, 0.5, 1.0)
        );
    }

    #[test]
    fn a_moved_keystone_replaces_its_groups_gain_and_an_untouched_one_does_not() {
        let mut values = Values::default();
        values.set(ParamId::ChG1, 2.0);
        values.set(ParamId::Ch14, 0.5);
        let gains = values.channel_gains();
        assert_eq!((gains[7], gains[8], gains[13], gains[14], gains[15], gains[16]), (1.0, 2.0, 2.0, 0.5, 2.0, 1.0));
    }

    #[test]
    fn a_keystone_that_was_set_to_one_is_one_and_not_its_groups_gain() {
        let mut values = Values::default();
        assert!(values.set(ParamId::ChG1, 2.0));
        assert_eq!((values.heard(ParamId::Ch13), values.channel_gains()[13]), (2.0, 2.0));
        // The place that a 14-bit knob reaches exactly.
        assert!(values.set(ParamId::Ch13, ParamId::Ch13.row().at(5461.0 / 16_383.0)));
        assert_eq!((values.exact(ParamId::Ch13), values.channel_gains()[13]), (1.0, 1.0));
        assert!(values.set(ParamId::Ch13, AS_GROUP));
        assert_eq!(values.channel_gains()[13], 2.0, "and it can be taken back");
        assert!(!values.set(ParamId::ChG1, AS_GROUP), "a group has nothing to follow");
    }

    #[test]
    fn every_keystone_belongs_to_the_group_that_its_channel_lies_in() {
        for keystone in KEYSTONES {
            assert_eq!(keystone.group as usize, ParamId::ChG0 as usize + keystone.channel / 8, "{keystone:?}");
            assert!(keystone.id.row().follows_group());
        }
        assert_eq!(ParamId::all().filter(|id| id.row().follows_group()).count(), KEYSTONES.len());
    }

    #[test]
    fn a_nan_leaves_the_value_as_it_was() {
        let mut values = Values::default();
        assert!(!values.set(ParamId::Denoise, f64::NAN));
        assert_eq!(values, Values::default());
    }
}
