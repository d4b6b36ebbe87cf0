//! Learning: from "this parameter" and "this knob" to a line of the map, without a screen or a keyboard.
//!
//! Hold learn, touch the control that has the parameter (or pick it on the display; with neither it is the one in the hand),
//! then turn the new knob slowly left, or press the new button. While learning, nothing that is touched moves a value. A short
//! press of learn stays on until something was learnt, for a player with one hand free. Pure.

use std::collections::HashMap;
use std::time::Duration;

use hal::gesture::{Control, Gesture, Motion, Position, SurfaceId};

use super::control::{Layer, On, Playing};
use super::encoding::{Encoding, Kind, detect};
use super::map::{Entry, Map};
use super::target::{Deed, Target};

/// A press of learn shorter than this stays on.
const SHORT: Duration = Duration::from_millis(400);
/// Values of a knob that are kept to tell its kind; older ones are of another movement.
const KEPT: usize = 16;

/// What learning says.
#[derive(Clone, Debug, PartialEq)]
pub enum Lesson {
    /// It waits: for a parameter to be touched, or, with one, for a knob.
    Asks(Option<Target>),
    /// A control has a new meaning; this is its line, and on which surface.
    Learnt(SurfaceId, Entry),
    /// It is over, and nothing was learnt.
    Over,
}

/// The lesson under way.
#[derive(Debug, Default)]
pub struct Learn {
    active: Option<Active>,
}

#[derive(Debug, Default)]
struct Active {
    since: Duration,
    target: Option<Target>,
    /// The control by which the target was picked: it does not learn what it already knows.
    picked_by: Option<(SurfaceId, Control)>,
    heard: HashMap<(SurfaceId, Control), Vec<u8>>,
    busy: bool,
}

impl Learn {
    /// Whether a lesson is under way.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.active.is_some()
    }

    /// What is being learnt, once it was picked.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        self.active.as_ref()?.target
    }

    /// Learn goes down: a lesson begins, or the one that stayed on is over.
    pub fn press(&mut self, now: Duration) -> Lesson {
        if self.active.take().is_some() {
            return Lesson::Over;
        }
        self.active = Some(Active { since: now, ..Active::default() });
        Lesson::Asks(None)
    }

    /// Learn comes up: the lesson is over, unless it was a short press.
    pub fn release(&mut self, now: Duration) -> Option<Lesson> {
        let active = self.active.as_ref()?;
        if !active.busy && now.saturating_sub(active.since) < SHORT {
            return None;
        }
        self.active = None;
        Some(Lesson::Over)
    }

    /// Ends the lesson.
    pub fn cancel(&mut self) {
        self.active = None;
    }

    /// The display has picked a parameter.
    pub fn pick(&mut self, target: Target) -> Option<Lesson> {
        let active = self.active.as_mut()?;
        (active.target, active.busy) = (Some(target), true);
        Some(Lesson::Asks(active.target))
    }

    /// Hears what is touched meanwhile. `in_hand` is what is learnt when nothing was picked.
    pub fn hear(&mut self, gesture: &Gesture, map: &Map, playing: Playing, in_hand: Target) -> Option<Lesson> {
        let active = self.active.as_mut()?;
        let (control, value) = match &gesture.motion {
            Motion::Turned(control, position) => (*control, Some(*position)),
            Motion::Pressed(control, _) => (*control, None),
            _ => return None,
        };
        let surface = gesture.surface;
        if active.picked_by == Some((surface, control)) {
            return None;
        }
        active.busy = true;
        let known = map.find(surface, control, playing).map(|entry| entry.target);
        if let Some(target) = known.into_iter().find(|it| is_learnable(*it)).filter(|_| active.target.is_none()) {
            (active.target, active.picked_by) = (Some(target), Some((surface, control)));
            return Some(Lesson::Asks(Some(target)));
        }
        let target = active.target.unwrap_or(in_hand);
        let entry = active.entry(surface, control, value, target)?;
        let entry = Entry { layer: layer(playing), ..entry };
        self.active = None;
        Some(Lesson::Learnt(surface, entry))
    }
}

impl Active {
    /// The new line, once it is clear what the control is.
    fn entry(
        &mut self,
        surface: SurfaceId,
        control: Control,
        value: Option<Position>,
        target: Target,
    ) -> Option<Entry> {
        let (on, channel) = On::of(control);
        let entry = Entry { channel, ..Entry::usual(on, target) };
        let button = Entry { press: Some(press_for(target)), ..entry };
        let Some(position) = value else {
            // A pad says by itself that it is one; only a value needs to be told what a press does to it.
            return Some(if matches!(target, Target::Deed(_)) { entry } else { button });
        };
        let Position::Seven(value) = position else {
            // Fourteen bits are a place; detents say what they are.
            return Some(entry);
        };
        if let Some(coarse) = self.coarse_of(surface, control) {
            return Some(Entry { pair: true, ..Entry { channel, ..Entry::usual(On::Cc(coarse), target) } });
        }
        let heard = self.heard.entry((surface, control)).or_default();
        heard.push(value);
        if heard.len() > KEPT {
            heard.remove(0);
        }
        match detect(heard)? {
            Kind::Knob(encoding) => Some(Entry { encoding, ..entry }),
            Kind::Button if matches!(target, Target::Deed(_)) => Some(entry),
            Kind::Button => Some(button),
        }
    }

    /// The number of the coarse half, when this is the fine half of a pair whose coarse half was just heard.
    fn coarse_of(&self, surface: SurfaceId, control: Control) -> Option<u8> {
        let Control::Cc { channel, number: number @ 32..=63 } = control else { return None };
        let coarse = Control::Cc { channel, number: number - 32 };
        self.heard.contains_key(&(surface, coarse)).then_some(number - 32)
    }
}

/// Learn itself, and what is only held, are not learnt by touching them.
const fn is_learnable(target: Target) -> bool {
    !matches!(target, Target::Deed(Deed::Learn | Deed::Shift | Deed::Browse) | Target::Selected)
}

/// The first bank without shift is the ground: what is learnt there holds on every layer that has nothing of its own.
const fn layer(playing: Playing) -> Layer {
    Layer {
        bank: if playing.bank == 0 { None } else { Some(playing.bank) },
        shift: if playing.shift { Some(true) } else { None },
    }
}

fn press_for(target: Target) -> super::Press {
    match target {
        Target::Param(id) => super::read::usual_press(id),
        _ => super::Press::default(),
    }
}

/// What a knob needs to be told while it is learnt.
#[must_use]
pub fn prompt(target: Option<Target>) -> String {
    match target {
        None => "learn: touch or pick a parameter, or turn the new knob slowly left".to_owned(),
        Some(target) => format!("learn {}: turn the new knob slowly left, or press the new button", target.words()),
    }
}

/// What was learnt, in words.
#[must_use]
pub fn learnt_words(entry: &Entry) -> String {
    let how = match (entry.encoding, entry.pair) {
        (Encoding::Absolute, true) => ", 14 bits",
        (Encoding::Absolute, false) => "",
        _ => ", an endless encoder",
    };
    format!("{} is {} now{how}; undo takes it back", entry.on, entry.target.words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::param::ParamId;

    const IN_HAND: Target = Target::Param(ParamId::Denoise);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn turned(number: u8, to: u8) -> Gesture {
        let motion = Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(to));
        Gesture { at: Duration::ZERO, surface: SurfaceId(7), motion }
    }

    #[test]
    fn a_press_shorter_than_four_tenths_stays_on_whenever_it_came() {
        for (held, over) in [(100, None), (399, None), (400, Some(Lesson::Over)), (2_000, Some(Lesson::Over))] {
            let mut learn = Learn::default();
            learn.press(ms(60_000));
            assert_eq!(learn.release(ms(60_000 + held)), over, "{held} ms");
            assert_eq!(learn.is_on(), over.is_none());
        }
    }

    #[test]
    fn what_is_learnt_on_a_layer_belongs_to_it_and_on_the_ground_to_all() {
        for (playing, expected) in [
            (Playing { bank: 0, shift: false }, Layer { bank: None, shift: None }),
            (Playing { bank: 2, shift: false }, Layer { bank: Some(2), shift: None }),
            (Playing { bank: 3, shift: true }, Layer { bank: Some(3), shift: Some(true) }),
        ] {
            let (mut learn, map) = (Learn::default(), Map::default());
            learn.press(ms(0));
            learn.pick(IN_HAND);
            let heard = [90, 89, 88].map(|to| learn.hear(&turned(90, to), &map, playing, IN_HAND));
            let Some(Lesson::Learnt(_, entry)) = heard[2] else { panic!("three values show a knob: {heard:?}") };
            assert_eq!((entry.layer, entry.on, entry.target), (expected, On::Cc(90), IN_HAND));
        }
    }

    #[test]
    fn what_is_only_held_or_walks_along_is_not_learnt_by_touching_it() {
        for target in
            [Target::Deed(Deed::Browse), Target::Deed(Deed::Shift), Target::Deed(Deed::Learn), Target::Selected]
        {
            let (mut learn, map) = (Learn::default(), Map::with(vec![Entry::usual(On::Cc(90), target)]));
            learn.press(ms(0));
            assert_eq!(learn.hear(&turned(90, 64), &map, Playing::default(), IN_HAND), None, "{target:?}");
            assert_eq!(learn.target(), None);
        }
    }

    #[test]
    fn a_button_that_sends_its_two_ends_is_told_what_to_do_to_a_value_and_not_to_a_deed() {
        let learnt = |target| {
            let (mut learn, map) = (Learn::default(), Map::default());
            learn.press(ms(0));
            learn.pick(target);
            let heard = [127, 0].map(|to| learn.hear(&turned(90, to), &map, Playing::default(), IN_HAND));
            let Some(Lesson::Learnt(_, entry)) = heard[1] else { panic!("both ends show a button: {heard:?}") };
            entry.press
        };
        assert_eq!(learnt(Target::Deed(Deed::Mute)), None);
        assert_eq!(learnt(IN_HAND), Some(crate::control::binding::usual_press(ParamId::Denoise)));
    }

    #[test]
    fn the_words_say_how_a_control_speaks_where_that_is_not_usual() {
        let usual = Entry::usual(On::Cc(90), IN_HAND);
        assert!(learnt_words(&usual).contains(" now; undo"), "{}", learnt_words(&usual));
        assert!(learnt_words(&Entry { pair: true, ..usual }).contains(" now, 14 bits; undo"));
        let endless = Entry { encoding: Encoding::SignBit, ..usual };
        assert!(learnt_words(&endless).contains(" now, an endless encoder; undo"));
    }
}
