//! Leaves out positions that a fader has already left again.
//!
//! A fader says two hundred places in one throw, and only the last of those that wait together is worth a value. What
//! happens once (a press, a release, a detent, a key, a transport message, a coming or a going) is always kept, and
//! whatever could look at the fader's value in between keeps the place before it: a press anywhere, since a pad of one
//! controller keeps the scene that another's faders have set; a detent on its own controller, since it may turn a page.
//! Clock ticks look at nothing.

use std::collections::HashSet;

use hal::gesture::{Control, Gesture, Motion, Position, SurfaceId, Transport};

/// Keeps of each absolute control only the latest position between two edges; everything else stays, in its order.
/// Answers how many were left out.
///
/// `is_absolute` says whether a control's number is a place; for an encoder that sends its steps as numbers it must be
/// false. It should be false too for a control that has not been heard since its controller came, because the first
/// place that one says is not acted upon, and must not be the only one left.
pub fn coalesce(batch: &mut Vec<Gesture>, is_absolute: impl Fn(SurfaceId, Control) -> bool) -> usize {
    let before = batch.len();
    let mut superseded: HashSet<(SurfaceId, Control)> = HashSet::new();
    // Seen from the end, the first place of a control is its latest.
    let mut keep: Vec<bool> = Vec::with_capacity(before);
    for gesture in batch.iter().rev() {
        let place = place(gesture).filter(|control| is_absolute(gesture.surface, *control));
        keep.push(place.is_none_or(|control| superseded.insert((gesture.surface, control))));
        if place.is_none() {
            match reach(&gesture.motion) {
                Reach::Nothing => {}
                Reach::ItsSurface => superseded.retain(|(surface, _)| *surface != gesture.surface),
                Reach::All => superseded.clear(),
            }
        }
    }
    batch.retain(|_| keep.pop().expect("one answer for each gesture"));
    before - batch.len()
}

/// Whose values something that happened once may look at.
enum Reach {
    Nothing,
    ItsSurface,
    All,
}

const fn reach(motion: &Motion) -> Reach {
    match motion {
        Motion::Transport(Transport::Clock) => Reach::Nothing,
        Motion::Turned(..) | Motion::Connected(_) | Motion::Disconnected => Reach::ItsSurface,
        Motion::Pressed(..) | Motion::Released(_) | Motion::Struck(_) | Motion::Transport(_) => Reach::All,
    }
}

/// The control, if the gesture says a number that may be a place.
const fn place(gesture: &Gesture) -> Option<Control> {
    match gesture.motion {
        Motion::Turned(control, Position::Seven(_) | Position::Fourteen(_)) => Some(control),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, coalesce, reach};
    use hal::gesture::{Control, Gesture, Identity, Key, Motion, Position, SurfaceId, Transport};
    use proptest::prelude::*;
    use std::time::Duration;

    fn cc(number: u8) -> Control {
        Control::Cc { channel: 1, number }
    }

    fn gestures(motions: &[(u16, Motion)]) -> Vec<Gesture> {
        let said = |(place, (surface, motion)): (usize, &(u16, Motion))| Gesture {
            at: Duration::from_micros(place as u64),
            surface: SurfaceId(*surface),
            motion: motion.clone(),
        };
        motions.iter().enumerate().map(said).collect()
    }

    fn to(number: u8, value: u8) -> Motion {
        Motion::Turned(cc(number), Position::Seven(value))
    }

    /// Controls from 100 on are encoders.
    fn is_absolute(_: SurfaceId, control: Control) -> bool {
        !matches!(control, Control::Cc { number: 100.., .. })
    }

    fn left_of(motions: &[(u16, Motion)]) -> Vec<u64> {
        let mut batch = gestures(motions);
        let dropped = coalesce(&mut batch, is_absolute);
        assert_eq!(dropped, motions.len() - batch.len());
        batch.iter().map(|it| it.at.as_micros() as u64).collect()
    }

    #[test]
    fn of_a_throw_only_the_last_place_is_left() {
        assert_eq!(left_of(&[(2, to(1, 1)), (2, to(2, 9)), (2, to(1, 2)), (2, to(1, 3))]), [1, 3]);
    }

    #[test]
    fn equal_controls_of_two_controllers_are_two() {
        assert_eq!(left_of(&[(2, to(1, 1)), (3, to(1, 2))]), [0, 1]);
    }

    #[test]
    fn a_press_on_another_controller_keeps_the_place_before_it() {
        assert_eq!(left_of(&[(2, to(1, 1)), (2, to(1, 2)), (3, Motion::Pressed(cc(9), 1)), (2, to(1, 3))]), [1, 2, 3]);
    }

    #[test]
    fn a_clock_tick_between_two_places_keeps_neither_of_them() {
        let tick = Motion::Transport(Transport::Clock);
        assert_eq!(left_of(&[(2, to(1, 1)), (2, tick), (2, to(1, 2))]), [1, 2]);
    }

    #[test]
    fn steps_of_an_encoder_are_never_left_out() {
        let step = Motion::Turned(cc(1), Position::Detents(1));
        assert_eq!(left_of(&[(2, to(100, 1)), (2, to(100, 1)), (2, step.clone()), (2, step)]), [0, 1, 2, 3]);
    }

    fn motion() -> impl Strategy<Value = Motion> {
        let control = prop_oneof![4 => (0u8..3).prop_map(cc), 1 => Just(cc(100))];
        prop_oneof![
            8 => (control, any::<u8>()).prop_map(|(control, value)| Motion::Turned(control, Position::Seven(value))),
            2 => (0u8..3, 0u16..99).prop_map(|(number, value)| Motion::Turned(cc(number), Position::Fourteen(value))),
            1 => (0u8..3).prop_map(|number| Motion::Turned(cc(number), Position::Detents(1))),
            1 => Just(Motion::Pressed(cc(9), 1)),
            1 => Just(Motion::Released(cc(9))),
            1 => Just(Motion::Struck(Key::Tab)),
            2 => Just(Motion::Transport(Transport::Clock)),
            1 => Just(Motion::Transport(Transport::Start)),
            1 => Just(Motion::Connected(Identity::default())),
            1 => Just(Motion::Disconnected),
        ]
    }

    /// The place that a gesture says, as the rule counts it.
    fn place_of(gesture: &Gesture) -> Option<(SurfaceId, Control)> {
        match gesture.motion {
            Motion::Turned(_, Position::Detents(_)) => None,
            Motion::Turned(control, _) if is_absolute(gesture.surface, control) => Some((gesture.surface, control)),
            _ => None,
        }
    }

    /// Whether the gesture may look at what `surface` has set.
    fn looks_at(gesture: &Gesture, surface: SurfaceId) -> bool {
        place_of(gesture).is_none()
            && match reach(&gesture.motion) {
                Reach::Nothing => false,
                Reach::ItsSurface => gesture.surface == surface,
                Reach::All => true,
            }
    }

    proptest! {
        #[test]
        fn exactly_the_superseded_places_are_left_out(
            motions in prop::collection::vec((2u16..5, motion()), 0..60)
        ) {
            let all = gestures(&motions);
            let mut kept = all.clone();
            coalesce(&mut kept, is_absolute);
            // By the words of the rule, looking forward from each gesture.
            let stays = |place: usize| {
                let Some(control) = place_of(&all[place]) else { return true };
                let edge_or_end = all[place + 1..].iter().position(|it| looks_at(it, control.0));
                let span = &all[place + 1..][..edge_or_end.unwrap_or(all.len() - place - 1)];
                !span.iter().any(|later| place_of(later) == Some(control))
            };
            let expected: Vec<Gesture> =
                (0..all.len()).filter(|place| stays(*place)).map(|place| all[place].clone()).collect();
            prop_assert_eq!(&kept, &expected);

            // And by what a player knows: each control ends where it was left, and nothing that happens once is lost.
            for gesture in &all {
                if let Some(control) = place_of(gesture) {
                    let last = |of: &[Gesture]| of.iter().rev().find(|it| place_of(it) == Some(control)).cloned();
                    prop_assert_eq!(last(&all), last(&kept));
                } else {
                    prop_assert!(kept.contains(gesture));
                }
            }
        }
    }
}
