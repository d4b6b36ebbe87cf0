//! Messages to motions: pairs of 7 bits become 14 where the device sends pairs.
//!
//! Non-registered parameters (99, 98, then 6 and 38, or 96 and 97) are unmistakable and always heard as such; data for a
//! registered parameter is nobody's knob and passed over. Control changes 0 to 31 are paired with 32 to 63 only where asked
//! for: many controllers use those numbers for knobs of their own. Which half comes first, and whether the other half comes
//! at all, is the device's habit and learned from what it sends. A half whose other half may follow waits for it, but not
//! longer than [`PATIENCE`]: then it was alone, and is told as that. Times come with the messages; it never reads a clock,
//! and never grows.

use std::time::Duration;

use super::pairing::Mask;
use super::{Message, Pairing};
use crate::gesture::{Control, Motion, Position, SurfaceId};

/// How long a half waits for the other: a wire needs 1 ms for it, wireless and busy hosts some more; a hand does not feel it.
pub const PATIENCE: Duration = Duration::from_millis(20);

/// The numbers by which a parameter is chosen and moved.
const DATA_HIGH: u8 = 6;
const DATA_LOW: u8 = 38;
const DATA_UP: u8 = 96;
const DATA_DOWN: u8 = 97;
const NRPN_LOW: u8 = 98;
const NRPN_HIGH: u8 = 99;
const RPN_LOW: u8 = 100;
const RPN_HIGH: u8 = 101;
/// The registered or non-registered number that chooses nothing.
const NOTHING: u8 = 127;

/// A half that came.
#[derive(Clone, Copy, Debug)]
struct Half {
    value: u8,
    since: Duration,
    /// It was told already, and only waits to be made finer.
    told: bool,
}

/// What a half makes known: what waited before it and was alone, and the place that it made.
type Places = [Option<u16>; 2];

/// A 14-bit value of which either half may or may not come, in either order.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// A high half that waits for its low one.
    high: Option<Half>,
    /// A low half that waits for its high one.
    low: Option<Half>,
    /// The halves as last told.
    last_high: Option<u8>,
    last_low: u8,
    /// The device has shown that it sends no low halves.
    coarse: bool,
    /// The device has shown that it sends low halves alone.
    fine: bool,
    /// The device has shown that it sends the low half first.
    low_first: bool,
}

impl Pair {
    /// A high half: told at once only where no low half is to be expected, since a value without it would jump back.
    fn high(&mut self, value: u8, since: Duration) -> Places {
        self.last_high = Some(value);
        if let Some(low) = self.low.take() {
            self.low_first = true;
            return [None, Some(joined(value, low.value))];
        }
        if self.low_first {
            return [None, Some(joined(value, self.last_low))];
        }
        let alone = self.high.take();
        self.coarse |= alone.is_some();
        self.high = Some(Half { value, since, told: self.coarse });
        let alone = alone.filter(|it| !it.told).map(|it| joined(it.value, 0));
        [alone, self.coarse.then_some(joined(value, 0))]
    }

    /// A low half: held back only while its high half is still to come, since the two together are one place.
    fn low(&mut self, value: u8, since: Duration) -> Places {
        self.coarse = false;
        self.last_low = value;
        if let Some(high) = self.high.take() {
            return [None, Some(joined(high.value, value))];
        }
        let high_may_follow = self.low_first || (self.last_high.is_none() && !self.fine);
        let alone = self.low.take();
        if high_may_follow && alone.is_none() {
            self.low = Some(Half { value, since, told: false });
            return [None; 2];
        }
        let whole = |low: u8| joined(self.last_high.unwrap_or(0), low);
        let places = [alone.map(|it| whole(it.value)), Some(whole(value))];
        if alone.is_some() {
            // Two low halves in a row: no high one belonged to the first.
            (self.fine, self.low_first) = (true, false);
        }
        places
    }

    /// What waits was alone: its place, if that was not told.
    fn cut(&mut self) -> Option<u16> {
        if let Some(low) = self.low.take() {
            (self.fine, self.low_first) = (true, false);
            return Some(joined(self.last_high.unwrap_or(0), low.value));
        }
        let high = self.high.take()?;
        self.coarse = true;
        (!high.told).then_some(joined(high.value, 0))
    }

    /// When what waits has waited long enough.
    fn waits_until(&self) -> Option<Duration> {
        let half = self.low.or(self.high).filter(|it| !it.told)?;
        Some(half.since.saturating_add(PATIENCE))
    }

    /// The time is over: what waits is told. A high half may still be made finer.
    fn give_up(&mut self) -> Option<u16> {
        let high = self.high;
        let place = self.cut();
        self.high = high.map(|half| Half { told: true, ..half });
        place
    }

    /// Another parameter: its halves are not known, the device's habits are.
    fn another(&mut self) {
        let &mut Self { coarse, low_first, .. } = self;
        *self = Self { coarse, low_first, ..Self::default() };
    }
}

fn joined(high: u8, low: u8) -> u16 {
    u16::from(high) << 7 | u16::from(low)
}

/// What data entry means on a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chosen {
    /// Controls 6, 38, 96 and 97 are knobs.
    #[default]
    Nothing,
    /// A registered parameter, low and high half.
    Registered([Option<u8>; 2]),
    /// A non-registered one.
    Other([Option<u8>; 2]),
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    chosen: Chosen,
    data: Pair,
    /// The parameter whose halves `data` holds.
    held: Option<u16>,
}

/// The memory of one port.
#[derive(Clone, Debug)]
pub struct Listener {
    paired: Mask,
    /// The mask as it was when the pairs were last used.
    used: u32,
    channels: [Channel; 16],
    pairs: [[Pair; 32]; 16],
    /// No half has waited long enough before this.
    soonest: Option<Duration>,
}

impl Default for Listener {
    fn default() -> Self {
        Self::pairing(0)
    }
}

impl Listener {
    /// Hears control changes n (bit n of `paired`, 0 to 31) and n + 32 as one 14-bit control n, for good.
    #[must_use]
    pub fn pairing(paired: u32) -> Self {
        Self::under(Mask::fixed(paired))
    }

    /// Hears as `pairing` says of `surface`, also when it says something else later.
    #[must_use]
    pub fn heeding(pairing: &Pairing, surface: SurfaceId) -> Self {
        Self::under(pairing.of(surface))
    }

    fn under(paired: Mask) -> Self {
        let used = paired.get();
        let (channels, pairs) = ([Channel::default(); 16], [[Pair::default(); 32]; 16]);
        Self { paired, used, channels, pairs, soonest: None }
    }

    /// The motions that a message makes known, which came at `at`: none, one, or that of a half that turns out to have been
    /// alone and then its own. [`Listener::overdue`] is to be asked first.
    pub fn hear(&mut self, message: Message, at: Duration) -> impl Iterator<Item = Motion> + use<> {
        self.motions(message, at).into_iter().flatten()
    }

    fn motions(&mut self, message: Message, at: Duration) -> [Option<Motion>; 2] {
        let one = |motion| [Some(motion), None];
        match message {
            Message::NoteOn { channel, note, velocity } => {
                one(Motion::Pressed(Control::Note { channel: channel + 1, number: note }, velocity))
            }
            Message::NoteOff { channel, note } => {
                one(Motion::Released(Control::Note { channel: channel + 1, number: note }))
            }
            Message::Program { channel, number } => {
                one(Motion::Pressed(Control::Program { channel: channel + 1, number }, 127))
            }
            Message::Pressure { channel, value } => {
                one(turned(Control::Pressure { channel: channel + 1 }, Position::Seven(value)))
            }
            Message::PolyPressure { channel, note, value } => {
                one(turned(Control::PolyPressure { channel: channel + 1, number: note }, Position::Seven(value)))
            }
            Message::Bend { channel, value } => {
                one(turned(Control::Bend { channel: channel + 1 }, Position::Fourteen(value)))
            }
            Message::Transport(transport) => one(Motion::Transport(transport)),
            Message::Cc { channel, number, value } => self.control_change(channel & 15, number, value, at),
        }
    }

    /// A half that has waited long enough by `now` for its other half, with the time at which it had; the earliest first.
    /// To be asked until there is none: before a message is heard, and while nothing comes.
    pub fn overdue(&mut self, now: Duration) -> Option<(Duration, Motion)> {
        self.soonest.filter(|soonest| *soonest <= now)?;
        let halves = self.channels.iter().map(|it| &it.data).chain(self.pairs.iter().flatten());
        let first = halves.enumerate().filter_map(|(place, pair)| Some((pair.waits_until()?, place))).min();
        self.soonest = first.map(|(at, _)| at);
        let (at, place) = first.filter(|(at, _)| *at <= now)?;
        let motion = match place.checked_sub(16) {
            None => {
                let parameter = self.channels[place].held?;
                let control = Control::Nrpn { channel: place as u8 + 1, number: parameter };
                turned(control, Position::Fourteen(self.channels[place].data.give_up()?))
            }
            Some(pair) => {
                let control = Control::Cc { channel: (pair / 32) as u8 + 1, number: (pair % 32) as u8 };
                turned(control, Position::Fourteen(self.pairs[pair / 32][pair % 32].give_up()?))
            }
        };
        Some((at, motion))
    }

    /// When the next half has waited long enough, at the earliest; `None` while none waits.
    #[must_use]
    pub const fn waits_until(&self) -> Option<Duration> {
        self.soonest
    }

    fn control_change(&mut self, channel: u8, number: u8, value: u8, at: Duration) -> [Option<Motion>; 2] {
        let paired = self.paired.get();
        if paired != self.used {
            // What waits in a pair was said under another meaning.
            self.used = paired;
            self.pairs = [[Pair::default(); 32]; 16];
        }
        let state = &mut self.channels[usize::from(channel)];
        let (control, pair) = match number {
            NRPN_HIGH | NRPN_LOW | RPN_HIGH | RPN_LOW => return [state.choose(channel, number, value), None],
            DATA_UP | DATA_DOWN | DATA_HIGH | DATA_LOW if state.chosen != Chosen::Nothing => {
                let Some(control) = state.parameter(channel) else { return [None, None] };
                // The value of these two is left open by the standard: one message is one step.
                match number {
                    DATA_UP => return [Some(turned(control, Position::Detents(1))), None],
                    DATA_DOWN => return [Some(turned(control, Position::Detents(-1))), None],
                    _ => (control, &mut state.data),
                }
            }
            0..=63 if paired >> (number % 32) & 1 == 1 => {
                let control = Control::Cc { channel: channel + 1, number: number % 32 };
                (control, &mut self.pairs[usize::from(channel)][usize::from(number % 32)])
            }
            _ => return [Some(turned(Control::Cc { channel: channel + 1, number }, Position::Seven(value))), None],
        };
        let places = if number < 32 { pair.high(value, at) } else { pair.low(value, at) };
        let until = pair.waits_until();
        self.soonest = [self.soonest, until].into_iter().flatten().min();
        places.map(|place| place.map(|place| turned(control, Position::Fourteen(place))))
    }
}

impl Channel {
    /// Chooses a parameter; answers a half of the one before, if one still waited.
    fn choose(&mut self, channel: u8, number: u8, value: u8) -> Option<Motion> {
        let place = self.data.cut();
        let alone = self.held.zip(place).map(|(parameter, place)| {
            turned(Control::Nrpn { channel: channel + 1, number: parameter }, Position::Fourteen(place))
        });
        let registered = matches!(number, RPN_LOW | RPN_HIGH);
        let mut halves = match self.chosen {
            Chosen::Registered(halves) if registered => halves,
            Chosen::Other(halves) if !registered => halves,
            _ => [None; 2],
        };
        halves[usize::from(matches!(number, NRPN_HIGH | RPN_HIGH))] = Some(value);
        self.chosen = match (halves, registered) {
            ([Some(NOTHING), Some(NOTHING)], _) => Chosen::Nothing,
            (halves, true) => Chosen::Registered(halves),
            (halves, false) => Chosen::Other(halves),
        };
        alone
    }

    /// The parameter that data now moves: none for a registered one, or one of which only half the number is known.
    fn parameter(&mut self, channel: u8) -> Option<Control> {
        let Chosen::Other([Some(low), Some(high)]) = self.chosen else { return None };
        let parameter = joined(high, low);
        if self.held != Some(parameter) {
            self.held = Some(parameter);
            self.data.another();
        }
        Some(Control::Nrpn { channel: channel + 1, number: parameter })
    }
}

const fn turned(control: Control, position: Position) -> Motion {
    Motion::Turned(control, position)
}

#[cfg(test)]
mod tests {
    use super::{Listener, Message, PATIENCE, Pairing};
    use crate::gesture::{Control, Motion, Position, SurfaceId};
    use proptest::prelude::*;
    use std::time::Duration;

    fn heard(listener: &mut Listener, changes: &[(u8, u8)]) -> Vec<(Control, Position)> {
        let motions: Vec<Motion> = changes
            .iter()
            .flat_map(|&(number, value)| listener.hear(Message::Cc { channel: 0, number, value }, Duration::ZERO))
            .collect();
        motions
            .into_iter()
            .map(|motion| match motion {
                Motion::Turned(control, position) => (control, position),
                other => panic!("expected a turn, found {other:?}"),
            })
            .collect()
    }

    const FADER: Control = Control::Cc { channel: 1, number: 1 };
    const BUTTON: Control = Control::Cc { channel: 1, number: 33 };

    #[test]
    fn numbers_above_31_are_knobs_of_their_own_unless_paired() {
        assert_eq!(
            heard(&mut Listener::default(), &[(1, 5), (33, 6)]),
            vec![(FADER, Position::Seven(5)), (BUTTON, Position::Seven(6))]
        );
    }

    #[test]
    fn a_paired_knob_is_told_once_with_all_its_bits() {
        let mut listener = Listener::pairing(1 << 1);
        assert_eq!(heard(&mut listener, &[(1, 64), (33, 1)]), vec![(FADER, Position::Fourteen(64 << 7 | 1))]);
        assert_eq!(heard(&mut listener, &[(33, 2)]), vec![(FADER, Position::Fourteen(64 << 7 | 2))]);
    }

    #[test]
    fn a_paired_knob_that_sends_no_low_half_is_still_heard() {
        let mut listener = Listener::pairing(1 << 1);
        assert_eq!(
            heard(&mut listener, &[(1, 64), (1, 65), (1, 66)]),
            [64, 65, 66].map(|high| (FADER, Position::Fourteen(high << 7)))
        );
    }

    #[test]
    fn a_non_registered_parameter_is_one_control() {
        let control = Control::Nrpn { channel: 1, number: 3 << 7 | 4 };
        let told = heard(&mut Listener::default(), &[(99, 3), (98, 4), (6, 10), (38, 11), (6, 12), (38, 0)]);
        assert_eq!(told, vec![(control, Position::Fourteen(10 << 7 | 11)), (control, Position::Fourteen(12 << 7))]);
    }

    #[test]
    fn data_entry_after_nothing_was_chosen_is_a_knob() {
        let knob = (Control::Cc { channel: 1, number: 6 }, Position::Seven(10));
        assert_eq!(heard(&mut Listener::default(), &[(6, 10)]), vec![knob]);
        let told = heard(&mut Listener::default(), &[(99, 3), (98, 4), (99, 127), (98, 127), (6, 10)]);
        assert_eq!(told, vec![knob]);
    }

    /// A row: what it is, what comes on channel 1, and what is told of the one control it is about.
    type Row = (&'static str, &'static [(u8, u8)], &'static [u16]);

    const PAIRS: [Row; 8] = [
        ("high, then low", &[(1, 64), (33, 1), (1, 65), (33, 2)], &[64 << 7 | 1, 65 << 7 | 2]),
        ("low, then high", &[(33, 127), (1, 0), (33, 0), (1, 1), (33, 1), (1, 1)], &[127, 128, 129]),
        ("high alone", &[(1, 64), (1, 65), (1, 66)], &[64 << 7, 65 << 7, 66 << 7]),
        ("low alone", &[(33, 1), (33, 2), (33, 3)], &[1, 2, 3]),
        ("fine moves between whole ones", &[(1, 9), (33, 1), (33, 2), (1, 10), (33, 0)], &[1153, 1154, 1280]),
        ("low first, then the high half alone", &[(33, 5), (1, 1), (1, 2)], &[133, 261]),
        ("low first, then low halves alone", &[(33, 5), (1, 1), (33, 6), (33, 7), (33, 8)], &[133, 134, 135, 136]),
        ("a low half after all", &[(1, 1), (1, 2), (33, 3), (1, 4), (33, 5)], &[128, 256, 259, 517]),
    ];

    #[test]
    fn halves_make_the_place_that_the_device_meant() {
        for (what, sent, told) in PAIRS {
            let heard = heard(&mut Listener::pairing(1 << 1), sent);
            let expected: Vec<_> = told.iter().map(|it| (FADER, Position::Fourteen(*it))).collect();
            assert_eq!(heard, expected, "{what}");
        }
    }

    #[test]
    fn a_half_that_is_alone_is_told_when_its_time_is_over_and_only_once() {
        let nrpn = Control::Nrpn { channel: 1, number: 9 };
        /// What comes, of which control, and the place of the half that waits.
        type Alone = (&'static [(u8, u8)], Control, u16);
        let rows: [Alone; 5] = [
            (&[(1, 64)], FADER, 64 << 7),
            (&[(33, 5)], FADER, 5),
            (&[(1, 3), (33, 4), (1, 70)], FADER, 70 << 7),
            (&[(99, 0), (98, 9), (6, 50)], nrpn, 50 << 7),
            (&[(99, 0), (98, 9), (38, 7)], nrpn, 7),
        ];
        for (sent, control, place) in rows {
            let mut listener = Listener::pairing(1 << 1);
            let _ = heard(&mut listener, sent);
            assert_eq!(listener.waits_until(), Some(PATIENCE));
            assert_eq!(listener.overdue(PATIENCE - Duration::from_nanos(1)), None, "{sent:?}: too early");
            let told = Motion::Turned(control, Position::Fourteen(place));
            assert_eq!(listener.overdue(Duration::MAX), Some((PATIENCE, told)), "{sent:?}");
            assert_eq!(listener.overdue(Duration::MAX), None, "{sent:?}: told twice");
        }
    }

    #[test]
    fn a_low_half_that_comes_late_makes_what_was_told_finer() {
        let mut listener = Listener::pairing(1 << 1);
        let _ = heard(&mut listener, &[(1, 64)]);
        assert!(listener.overdue(PATIENCE).is_some());
        assert_eq!(heard(&mut listener, &[(33, 1)]), vec![(FADER, Position::Fourteen(64 << 7 | 1))]);
        assert_eq!(listener.overdue(Duration::MAX), None);
    }

    #[test]
    fn interleaved_knobs_keep_their_halves() {
        let other = Control::Cc { channel: 1, number: 2 };
        let told = heard(&mut Listener::pairing(0b110), &[(1, 3), (2, 5), (33, 4), (34, 6), (34, 7)]);
        let place = |control, high: u16, low| (control, Position::Fourteen(high << 7 | low));
        assert_eq!(told, vec![place(FADER, 3, 4), place(other, 5, 6), place(other, 5, 7)]);
    }

    const PARAMETERS: [Row; 7] = [
        ("without low halves", &[(99, 0), (98, 9), (6, 1), (6, 2), (6, 3)], &[128, 256, 384]),
        (
            "chosen anew each time, without low halves",
            &[(99, 0), (98, 9), (6, 1), (99, 0), (98, 9), (6, 2), (99, 0), (98, 9), (6, 3)],
            &[128, 256, 384],
        ),
        ("low half first", &[(99, 0), (98, 9), (38, 1), (6, 2), (99, 0), (98, 9), (38, 0), (6, 3)], &[257, 384]),
        ("a registered one in between", &[(99, 0), (98, 9), (101, 0), (100, 0), (6, 2), (38, 0), (96, 0)], &[]),
        ("a registered one, then this", &[(101, 0), (100, 0), (6, 2), (99, 0), (98, 9), (6, 1), (38, 2)], &[130]),
        ("half chosen", &[(98, 9), (6, 1), (38, 2)], &[]),
        (
            "another in between, of which nothing is known",
            &[(99, 0), (98, 9), (6, 1), (38, 2), (98, 8), (38, 7)],
            &[130],
        ),
    ];

    #[test]
    fn data_entry_makes_the_place_that_the_device_meant() {
        let control = Control::Nrpn { channel: 1, number: 9 };
        for (what, sent, told) in PARAMETERS {
            let heard = heard(&mut Listener::default(), sent);
            let expected: Vec<_> = told.iter().map(|it| (control, Position::Fourteen(*it))).collect();
            assert_eq!(heard, expected, "{what}");
        }
    }

    #[test]
    fn increments_of_a_parameter_are_detents_and_else_knobs() {
        let control = Control::Nrpn { channel: 1, number: 9 };
        let told = heard(&mut Listener::default(), &[(96, 5), (99, 0), (98, 9), (96, 0), (97, 1)]);
        let knob = (Control::Cc { channel: 1, number: 96 }, Position::Seven(5));
        assert_eq!(told, vec![knob, (control, Position::Detents(1)), (control, Position::Detents(-1))]);
    }

    #[test]
    fn data_entry_after_registered_nothing_is_a_knob() {
        let told = heard(&mut Listener::default(), &[(101, 0), (100, 0), (6, 1), (101, 127), (100, 127), (6, 10)]);
        assert_eq!(told, vec![(Control::Cc { channel: 1, number: 6 }, Position::Seven(10))]);
    }

    #[test]
    fn a_pairing_set_while_it_runs_is_heard_at_once_and_by_its_own_surface_only() {
        let pairing = Pairing::default();
        let [mut ours, mut theirs] = [7, 8].map(|id| Listener::heeding(&pairing, SurfaceId(id)));
        assert_eq!(heard(&mut ours, &[(1, 5)]), vec![(FADER, Position::Seven(5))]);
        pairing.set(SurfaceId(7), 1 << 1);
        assert_eq!(heard(&mut ours, &[(1, 5), (33, 6)]), vec![(FADER, Position::Fourteen(5 << 7 | 6))]);
        assert_eq!(heard(&mut theirs, &[(33, 6)]), vec![(BUTTON, Position::Seven(6))]);
        // A half that waits is not told under the next meaning.
        assert_eq!(heard(&mut ours, &[(1, 9)]), vec![]);
        pairing.set(SurfaceId(7), 0);
        assert_eq!(heard(&mut ours, &[(33, 6)]), vec![(BUTTON, Position::Seven(6))]);
        pairing.set(SurfaceId(7), 1 << 1);
        assert_eq!(heard(&mut ours, &[(33, 6)]), vec![], "its high half was forgotten with the meaning");
    }

    proptest! {
        #[test]
        fn whatever_came_before_a_whole_pair_is_told_as_it_is(
            before in prop::collection::vec((0u8..128, 0u8..128), 0..64), high in 0u8..128, low in 0u8..128,
        ) {
            let mut listener = Listener::pairing(1 << 1);
            // The habits of a device do not change: this one sends the high half first, and always both.
            let _ = heard(&mut listener, &[(1, 0), (33, 0)]);
            for (number, value) in before.into_iter().filter(|(number, _)| number % 32 != 1) {
                let _ = listener.hear(Message::Cc { channel: 0, number, value }, Duration::ZERO);
            }
            let told = heard(&mut listener, &[(1, high), (33, low)]);
            prop_assert_eq!(told, vec![(FADER, Position::Fourteen(u16::from(high) << 7 | u16::from(low)))]);
        }
    }
}
