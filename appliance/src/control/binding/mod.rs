//! What a gesture means: which values it moves, or what it makes happen.
//!
//! The binding sets aims on the [`Desk`] and hands everything else back as an [`Act`]. A knob that does not stand where its
//! value is takes hold only when it comes by, or in proportion, and never with the first thing it says after a connect: no
//! value ever jumps because a controller was plugged in, a bank was turned or a scene recalled. Reads no clock: gestures
//! bring their time.

mod act;
mod buttons;
mod control;
mod encoding;
mod keys;
mod learn;
mod map;
mod read;
mod strokes;
mod takeover;
mod target;
mod travel;
mod travels;

use std::collections::HashMap;
use std::time::Duration;

use engine::param::ParamId;
use hal::gesture::{Control, Gesture, Key, Motion, Position, SurfaceId};

pub use act::Act;
pub use control::{BANKS, Layer, On, Playing};
pub use encoding::{ENCODINGS, Encoding, Kind, detect};
pub use keys::{KEY_HELP, key_of};
pub use learn::{Learn, Lesson, learnt_words, prompt};
pub use map::{Entry, MAIN, Map, PRESSES, Press};
pub(crate) use read::{entries, entry_with, usual_press, write_entry};
pub use takeover::{TAKEOVERS, Takeover};
pub use target::{BlendEnd, Deed, Target};
pub use travel::{Along, Curve, Travel};
pub use travels::{Ends, Travels};

use crate::control::desk::Desk;
use crate::control::keyboard::{SHIFTS, typed};
use keys::meaning;
use takeover::{Hold, Turn};

/// A knob and the value that it moves, both as places of its travel, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knob {
    /// The parameter.
    pub id: ParamId,
    /// Where the value is.
    pub value_at: f64,
    /// Where the knob stands while it has not taken hold; `None` as well where it never said.
    pub waiting: Option<f64>,
}

/// The map, and what must be remembered about knobs, buttons and keys.
#[derive(Debug)]
pub struct Binding {
    map: Map,
    travels: Travels,
    playing: Playing,
    /// Where each knob stands, as far as it has said.
    places: HashMap<(SurfaceId, Control), f64>,
    holds: HashMap<(SurfaceId, Control, Target), Hold>,
    buttons: buttons::Buttons,
    learn: Learn,
    /// What a controller knew before it learnt something, for undo.
    unlearn: Option<(SurfaceId, Vec<Entry>)>,
    selected: ParamId,
    /// The next digit keeps a scene.
    will_capture: bool,
    /// When leaving was asked for, by the key before.
    quit_asked: Option<Duration>,
    /// How often the list of keys was asked for since it was closed.
    key_list: usize,
    stroke: strokes::Strokes,
    /// Scenes wait for a beat.
    patient: bool,
    /// The pen is held: what is moved is one stroke.
    draws: bool,
    /// Prompts that there are to choose from.
    prompts: usize,
    /// Words are being written; whether shift is held on a keyboard. Keys that nothing is bound to are letters then.
    typing: Option<bool>,
}

impl Default for Binding {
    fn default() -> Self {
        Self::new(Map::default())
    }
}

impl Binding {
    /// A binding by `map`, with the first main parameter under the keys.
    #[must_use]
    pub fn new(map: Map) -> Self {
        Self {
            map,
            travels: Travels::default(),
            playing: Playing::default(),
            places: HashMap::new(),
            holds: HashMap::new(),
            buttons: buttons::Buttons::default(),
            learn: Learn::default(),
            unlearn: None,
            selected: MAIN[0],
            will_capture: false,
            quit_asked: None,
            key_list: 0,
            stroke: strokes::Strokes::default(),
            patient: false,
            draws: false,
            prompts: 1,
            typing: None,
        }
    }

    /// The map.
    #[must_use]
    pub const fn map(&self) -> &Map {
        &self.map
    }

    /// The map, to give a controller its profile or what it has learnt. Knobs must come by their values again.
    pub fn map_mut(&mut self) -> &mut Map {
        self.holds.clear();
        &mut self.map
    }

    /// Another model's knobs. Those that are held must come by their values again.
    pub fn set_travels(&mut self, travels: Travels) {
        self.holds.clear();
        self.travels = travels;
    }

    /// An entry with the travel that it has: where it says no range, the model does.
    #[must_use]
    pub fn resolved(&self, entry: &Entry) -> Entry {
        let id = match entry.target {
            Target::Param(id) => id,
            Target::Selected => self.selected,
            Target::Morph(..) | Target::Deed(_) => return *entry,
        };
        Entry { travel: self.travels.resolved(id, entry.travel), ..*entry }
    }

    /// What a control reaches on the layer being played.
    fn reached(&self, gesture: &Gesture, control: Control) -> Vec<Entry> {
        self.map.find(gesture.surface, control, self.playing).map(|entry| self.resolved(&entry)).collect()
    }

    /// The parameter that the keys move.
    #[must_use]
    pub const fn selected(&self) -> ParamId {
        self.selected
    }

    /// The layer being played.
    #[must_use]
    pub const fn playing(&self) -> Playing {
        self.playing
    }

    /// Goes on where another one was: its bank, and the parameter under its keys. Where knobs stand is not known.
    pub fn go_on(&mut self, bank: u8, selected: ParamId) {
        self.playing = Playing { bank: bank.min(BANKS - 1), shift: false };
        self.selected = selected;
    }

    /// So many prompts there are to choose from, at least one.
    pub fn set_prompts(&mut self, count: usize) {
        self.prompts = count.max(1);
    }

    /// Whether words are being written: keys are letters then ([`Act::Typed`]), but for those that the map gives a meaning.
    pub const fn set_typing(&mut self, types: bool) {
        self.typing = if types { Some(false) } else { None };
    }

    /// What a motion types, while words are being written.
    fn typed(&mut self, gesture: &Gesture) -> Option<Key> {
        let shift = self.typing?;
        match gesture.motion {
            Motion::Struck(key) => Some(key).filter(|it| *it != Key::Interrupt),
            Motion::Pressed(control @ Control::Key(code), _) => {
                self.typing = Some(shift || SHIFTS.contains(&code));
                let is_bound = self.map.find(gesture.surface, control, self.playing).next().is_some();
                typed(code, shift).filter(|_| !is_bound)
            }
            Motion::Released(Control::Key(code)) if SHIFTS.contains(&code) => {
                self.typing = Some(false);
                None
            }
            _ => None,
        }
    }

    /// Whether what is moved is drawn.
    #[must_use]
    pub const fn draws(&self) -> bool {
        self.draws
    }

    /// Whether scenes wait: they are then asked for ([`Act::WillRecall`]) and not recalled.
    pub fn set_patient(&mut self, patient: bool) {
        self.patient = patient;
    }

    /// Whether a control has said where it stands since its controller came: its first word moves nothing.
    #[must_use]
    pub fn has_heard(&self, surface: SurfaceId, control: Control) -> bool {
        self.places.contains_key(&(surface, control))
    }

    /// What a knob moves on the layer being played, and how they stand to each other; `None` where it moves no value.
    #[must_use]
    pub fn knob(&self, surface: SurfaceId, control: Control, desk: &Desk) -> Option<Knob> {
        let entries = self.map.find(surface, control, self.playing).map(|entry| self.resolved(&entry));
        let (entry, id) = entries.filter(|entry| entry.press.is_none()).find_map(|entry| match entry.target {
            Target::Param(id) => Some((entry, id)),
            Target::Selected => Some((entry, self.selected)),
            Target::Morph(..) | Target::Deed(_) => None,
        })?;
        let value_at = entry.travel.place(id, desk.heard(id));
        // An encoder stands nowhere.
        let stands = self.places.get(&(surface, control)).copied();
        let hold = self.holds.get(&(surface, control, Target::Param(id)));
        let has_hold = hold.is_some_and(|it| it.is_on(value_at, desk.store().jumps()));
        Some(Knob { id, value_at, waiting: stands.filter(|_| !has_hold) })
    }

    /// The lesson under way.
    #[must_use]
    pub const fn learning(&self) -> &Learn {
        &self.learn
    }

    /// Begins a lesson about `target`: the next control that is turned or pressed learns it.
    pub fn teach(&mut self, target: Target, now: Duration) {
        self.learn.cancel();
        self.learn.press(now);
        self.learn.pick(target);
    }

    /// Plays one gesture: moves the desk, and adds what came of it to `acts`; nothing where nothing is bound to it.
    pub fn play(&mut self, gesture: &Gesture, desk: &mut Desk, acts: &mut Vec<Act>) {
        if let Some(key) = self.typed(gesture) {
            return acts.push(Act::Typed(key));
        }
        match &gesture.motion {
            Motion::Turned(control, position) => self.turned(gesture, *control, *position, desk, acts),
            Motion::Pressed(control, velocity) => {
                if !self.taught(gesture, acts) {
                    self.press(gesture, *control, *velocity, desk, acts);
                }
            }
            Motion::Released(control) => self.release(gesture, *control, desk, acts),
            Motion::Struck(key) => {
                if let Some(meaning) = meaning(*key) {
                    self.struck(gesture, meaning, desk, acts);
                }
            }
            Motion::Connected(identity) => {
                self.forget(gesture.surface);
                acts.push(Act::Came(gesture.surface, identity.name.clone()));
            }
            Motion::Disconnected => {
                self.forget(gesture.surface);
                if self.buttons.leave(gesture.surface) && std::mem::take(&mut self.playing.shift) {
                    acts.push(Act::Layer(self.playing.bank, false));
                }
                acts.push(Act::Went(gesture.surface));
            }
            Motion::Transport(_) => {}
        }
    }

    /// Where its knobs stand is not known any more.
    fn forget(&mut self, gone: SurfaceId) {
        self.places.retain(|(surface, _), _| *surface != gone);
        self.holds.retain(|(surface, ..), _| *surface != gone);
    }

    /// Offers a gesture to the lesson under way; whether there is one, and nothing else may come of it.
    fn taught(&mut self, gesture: &Gesture, acts: &mut Vec<Act>) -> bool {
        if !self.learn.is_on() {
            return false;
        }
        // Learn itself ends the lesson.
        if let Motion::Pressed(control, _) = gesture.motion {
            let mut entries = self.map.find(gesture.surface, control, self.playing);
            if entries.any(|entry| matches!(entry.target, Target::Deed(deed) if deed.is_held())) {
                return false;
            }
        }
        let in_hand = Target::Param(self.selected);
        match self.learn.hear(gesture, &self.map, self.playing, in_hand) {
            Some(Lesson::Learnt(surface, entry)) => self.keep(surface, entry, acts),
            Some(Lesson::Asks(target)) => acts.push(Act::Learning(target)),
            Some(Lesson::Over) => acts.push(Act::NotLearnt),
            None => {}
        }
        true
    }

    /// Keeps what was learnt; one press of undo brings back what was known before.
    fn keep(&mut self, surface: SurfaceId, entry: Entry, acts: &mut Vec<Act>) {
        let before = self.map.learnt(surface).to_vec();
        let mut now = before.clone();
        now.retain(|it| (it.on, it.channel, it.layer) != (entry.on, entry.channel, entry.layer));
        now.push(entry);
        self.map_mut().set_learnt(surface, now);
        self.unlearn = Some((surface, before));
        acts.push(Act::Learnt(surface, learnt_words(&entry)));
    }

    fn turned(
        &mut self,
        gesture: &Gesture,
        control: Control,
        position: Position,
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        let place = match position {
            Position::Seven(value) => Some(f64::from(value) / 127.0),
            Position::Fourteen(value) => Some(f64::from(value) / 16_383.0),
            Position::Detents(_) => None,
        };
        let last = self.places.get(&(gesture.surface, control)).copied();
        if !self.taught(gesture, acts) {
            let entries = self.reached(gesture, control);
            let is_button = |entry: &Entry| entry.press.is_some() || matches!(entry.target, Target::Deed(_));
            for entry in &entries {
                match (entry.encoding.detents(position), place) {
                    (Some(0), _) | (None, None) => {}
                    (Some(detents), _) => self.turn_by(gesture, control, entry, detents, desk, acts),
                    (None, Some(_)) if is_button(entry) => {}
                    (None, Some(place)) => self.turn_to(gesture, control, entry, (last, place), desk, acts),
                }
            }
            // A button that sends control changes: down is the upper half of the travel. An encoder has no such half.
            let is_place = |entry: &Entry| entry.encoding.detents(position).is_none();
            if let Some(place) = place.filter(|_| entries.iter().any(|it| is_button(it) && is_place(it))) {
                match (last.is_some_and(|last| last >= 0.5), place >= 0.5) {
                    (false, true) => self.press(gesture, control, (place * 127.0).round() as u8, desk, acts),
                    (true, false) => self.release(gesture, control, desk, acts),
                    _ => {}
                }
            }
        }
        if let Some(place) = place {
            self.places.insert((gesture.surface, control), place);
        }
    }

    /// A knob that says where it stands, on one of its meanings.
    fn turn_to(
        &mut self,
        gesture: &Gesture,
        control: Control,
        entry: &Entry,
        (last, place): (Option<f64>, f64),
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        // A score has no hand that could come by: what it says is meant.
        let meant = gesture.surface == SurfaceId::SCORE;
        let id = match entry.target {
            Target::Param(id) => id,
            Target::Selected => self.selected,
            Target::Morph(low, high) => {
                return self.turn_morph(gesture, control, entry, (low, high), (last, place), desk, acts);
            }
            Target::Deed(_) => return,
        };
        // A keystone channel that says nothing itself is taken from where its group is: nothing jumps.
        let value_at = entry.travel.place(id, desk.heard(id));
        let points_at_it =
            Travel::stepped(id) && id.row().nearest(entry.travel.value(id, place)) == desk.store().value(id);
        let turn = Turn { last, place, value_at, points_at_it, jumps: desk.store().jumps() };
        let hold = self.holds.entry((gesture.surface, control, Target::Param(id))).or_default();
        let given = hold.turn(turn, entry.takeover).or_else(|| meant.then_some(place));
        let Some(given) = given else { return acts.push(Act::Waiting(id, place)) };
        self.begin_stroke(gesture, Target::Param(id), desk);
        let set = desk.turn(id, entry.travel.value(id, given), gesture.at);
        if let Some(hold) = self.holds.get_mut(&(gesture.surface, control, Target::Param(id))) {
            hold.holds(given, place, entry.travel.place(id, desk.store().value(id)));
        }
        acts.push(set.map_or_else(Act::Refused, |_| Act::Moved(id)));
    }

    #[expect(clippy::too_many_arguments, reason = "one line of the map at one moment")]
    fn turn_morph(
        &mut self,
        gesture: &Gesture,
        control: Control,
        entry: &Entry,
        scenes: (usize, usize),
        (last, place): (Option<f64>, f64),
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        let place = if entry.travel.reversed { 1.0 - place } else { place };
        let last = last.map(|last| if entry.travel.reversed { 1.0 - last } else { last });
        // A morph that nobody holds begins wherever its fader stands.
        let value_at = desk.morph_place(scenes).unwrap_or(place);
        let turn = Turn { last, place, value_at, points_at_it: false, jumps: desk.store().jumps() };
        let key = (gesture.surface, control, entry.target);
        let given = self.holds.entry(key).or_default().turn(turn, entry.takeover);
        let given = given.or_else(|| (gesture.surface == SurfaceId::SCORE).then_some(place));
        let Some(given) = given else { return };
        self.begin_stroke(gesture, entry.target, desk);
        let morphed = desk.morph(scenes, given, gesture.at);
        if let Some(hold) = self.holds.get_mut(&key) {
            hold.holds(given, place, given);
        }
        acts.push(Act::Morphed(scenes.0, scenes.1, morphed.then_some(given)));
    }
}

#[cfg(test)]
mod tests;
