//! What a gesture means: which parameter it moves, or what it makes happen.
//!
//! The binding sets values in the store itself and hands everything else back as an [`Act`]. A knob that does not stand
//! where its value is takes hold only when it comes by (soft takeover), and never with the first thing it says after a
//! connect: no value ever jumps because a controller was plugged in or a scene recalled. Reads no clock: gestures bring
//! their time.

mod keys;
mod map;
mod takeover;

use std::collections::HashMap;
use std::time::Duration;

use engine::param::{NotANumber, ParamId, Store, Taper};
use hal::gesture::{Control, Gesture, Motion, Position, SurfaceId};

pub use keys::{KEY_HELP, key_of};
pub use map::{Deed, Entry, MAIN, Map, On, Target};
pub use takeover::{Encoding, Takeover};

use keys::{KeyMeaning, meaning};
use takeover::Knob;

/// A hand that rests this long begins a new stroke for undo.
const REST: Duration = Duration::from_millis(700);
/// Travel of one detent, or of one key: as fine as a 7-bit knob.
const DETENT: f64 = 1.0 / 128.0;

/// What came of a gesture, for the conductor to do and the display to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A value was moved in the store.
    Moved(ParamId),
    /// A knob, at this position (0 to 1), has not yet come by its value.
    Waiting(ParamId, f64),
    /// The keys now move this parameter.
    Selected(ParamId),
    /// Slots born from now on take other seeds.
    Reseed,
    /// Mute or play again.
    Panic,
    /// Move the playhead: to a fraction of the tape.
    Seek(f32),
    /// Move the playhead by a fraction of the tape.
    SeekBy(f32),
    /// A stroke was taken back; `false`: there was none.
    Undone(bool),
    /// A stroke was done again; `false`: there was none.
    Redone(bool),
    /// A scene (from 0) was recalled; `false`: the place is empty.
    Recalled(usize, bool),
    /// The values were kept as a scene (from 0).
    Captured(usize),
    /// The next digit keeps a scene.
    WillCapture,
    /// A controller came, under this name.
    Came(String),
    /// A controller went.
    Went(SurfaceId),
    /// Leave.
    Quit,
    /// A device sent something that is not a number.
    Refused(NotANumber),
}

impl Act {
    /// One short sentence for the message line; none where the display shows it anyway.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        Some(match self {
            Self::Moved(_) | Self::Selected(_) | Self::Seek(_) | Self::SeekBy(_) | Self::Quit => return None,
            Self::Waiting(id, _) => format!("{}: turn on to pick up", id.row().words),
            Self::Reseed => "new seeds".to_owned(),
            Self::Panic => "mute".to_owned(),
            Self::Undone(true) => "undone".to_owned(),
            Self::Undone(false) => "nothing to undo".to_owned(),
            Self::Redone(true) => "done again".to_owned(),
            Self::Redone(false) => "nothing to redo".to_owned(),
            Self::Recalled(place, true) => format!("scene {}", place + 1),
            Self::Recalled(place, false) => format!("scene {} is empty", place + 1),
            Self::Captured(place) => format!("kept as scene {}", place + 1),
            Self::WillCapture => "keep as scene: 1 to 9".to_owned(),
            Self::Came(name) => format!("connected: {name}"),
            Self::Went(_) => "a controller is gone".to_owned(),
            Self::Refused(fault) => fault.to_string(),
        })
    }
}

/// The map, and what must be remembered about knobs and keys.
#[derive(Debug)]
pub struct Binding {
    map: Map,
    knobs: HashMap<(SurfaceId, Control), Knob>,
    selected: ParamId,
    will_capture: bool,
    stroke: Option<(SurfaceId, ParamId, Duration)>,
}

impl Default for Binding {
    fn default() -> Self {
        Self::new(Map::default())
    }
}

impl Binding {
    /// Binds by `map`; the keys begin at the first of the main parameters.
    #[must_use]
    pub fn new(map: Map) -> Self {
        Self { map, knobs: HashMap::new(), selected: MAIN[0], will_capture: false, stroke: None }
    }

    /// Takes another map, as a patch brings one; every knob must come by its value again.
    pub fn set_map(&mut self, map: Map) {
        self.map = map;
        self.knobs.clear();
    }

    /// The map.
    #[must_use]
    pub const fn map(&self) -> &Map {
        &self.map
    }

    /// The parameter that the keys move.
    #[must_use]
    pub const fn selected(&self) -> ParamId {
        self.selected
    }

    /// Plays one gesture: moves the store, or says what is to be done. `None` where nothing is bound to it.
    pub fn play(&mut self, gesture: &Gesture, store: &mut Store) -> Option<Act> {
        match &gesture.motion {
            Motion::Turned(control, position) => {
                let entry = *self.map.find(*control)?;
                self.turned(gesture, *control, *position, &entry, store)
            }
            Motion::Pressed(control, velocity) => {
                let entry = *self.map.find(*control)?;
                match entry.target {
                    Target::Param(id) => Some(self.pressed(gesture, id, *velocity, store)),
                    Target::Deed(deed) => Some(self.do_deed(deed, *control, store)),
                }
            }
            Motion::Struck(key) => self.struck(gesture, meaning(*key)?, store),
            Motion::Connected(identity) => {
                self.knobs.retain(|(surface, _), _| *surface != gesture.surface);
                Some(Act::Came(identity.name.clone()))
            }
            Motion::Disconnected => Some(Act::Went(gesture.surface)),
            Motion::Released(_) | Motion::Transport(_) => None,
        }
    }

    fn turned(
        &mut self,
        gesture: &Gesture,
        control: Control,
        position: Position,
        entry: &Entry,
        store: &mut Store,
    ) -> Option<Act> {
        if let Some(detents) = entry.encoding.detents(position) {
            return match (entry.target, detents) {
                (_, 0) => None,
                (Target::Param(id), _) => Some(self.nudge(gesture, id, detents, store)),
                (Target::Deed(deed), _) => Some(self.do_deed(deed, control, store)),
            };
        }
        let place = match position {
            Position::Seven(value) => f64::from(value) / 127.0,
            Position::Fourteen(value) => f64::from(value) / 16_383.0,
            Position::Detents(_) => return None,
        };
        let knob = self.knobs.entry((gesture.surface, control)).or_default();
        let id = match entry.target {
            Target::Param(id) => id,
            // A button that sends control changes: down is the upper half of the travel.
            Target::Deed(deed) => return knob.went_down(place).then(|| self.do_deed(deed, control, store)),
        };
        // A score has no hand that could come by: what it says is meant.
        let meant = gesture.surface == SurfaceId::SCORE;
        if !knob.takes_hold(place, id, store, entry.takeover) && !meant {
            return Some(Act::Waiting(id, place));
        }
        self.begin_stroke(gesture, id, store);
        let set = store.set_position(id, place);
        if let Some(knob) = self.knobs.get_mut(&(gesture.surface, control)) {
            knob.holds_at(store.position(id));
        }
        Some(set.map_or_else(Act::Refused, |_| Act::Moved(id)))
    }

    /// A pad on a parameter: the next choice, or how hard it was struck.
    fn pressed(&mut self, gesture: &Gesture, id: ParamId, velocity: u8, store: &mut Store) -> Act {
        self.begin_stroke(gesture, id, store);
        let row = id.row();
        let set = match row.labels() {
            Some(labels) => store.set(id, (store.value(id) + 1.0) % labels.len() as f64),
            None => store.set_position(id, f64::from(velocity) / 127.0),
        };
        set.map_or_else(Act::Refused, |_| Act::Moved(id))
    }

    fn nudge(&mut self, gesture: &Gesture, id: ParamId, detents: i32, store: &mut Store) -> Act {
        self.begin_stroke(gesture, id, store);
        let row = id.row();
        let set = match row.taper {
            // Held at the ends here, so that turning on at an end is not counted as a value from outside.
            Taper::Linear | Taper::Log => {
                store.set_position(id, (store.position(id) + f64::from(detents) * DETENT).clamp(0.0, 1.0))
            }
            Taper::Whole | Taper::Choice(_) | Taper::Toggle => {
                let places = if row.labels().is_some() { detents.signum() } else { detents };
                store.set(id, (store.value(id) + f64::from(places)).clamp(row.low, row.high))
            }
        };
        set.map_or_else(Act::Refused, |_| Act::Moved(id))
    }

    fn begin_stroke(&mut self, gesture: &Gesture, id: ParamId, store: &mut Store) {
        let goes_on = self.stroke.is_some_and(|(surface, moved, at)| {
            (surface, moved) == (gesture.surface, id) && gesture.at.saturating_sub(at) < REST
        });
        if !goes_on {
            store.end_stroke();
        }
        self.stroke = Some((gesture.surface, id, gesture.at));
    }

    fn do_deed(&mut self, deed: Deed, control: Control, store: &mut Store) -> Act {
        match deed {
            Deed::Reseed => Act::Reseed,
            Deed::Panic => Act::Panic,
            Deed::Undo => Act::Undone(store.undo()),
            Deed::Redo => Act::Redone(store.redo()),
            Deed::Recall(place) => Act::Recalled(place, store.recall(place)),
            Deed::Capture(place) => {
                store.capture(place);
                Act::Captured(place)
            }
            Deed::RecallByNumber => {
                let (Control::Program { number, .. } | Control::Note { number, .. } | Control::Cc { number, .. }) =
                    control
                else {
                    return Act::Recalled(0, store.recall(0));
                };
                Act::Recalled(usize::from(number), store.recall(usize::from(number)))
            }
            Deed::Start => Act::Seek(0.0),
        }
    }

    fn struck(&mut self, gesture: &Gesture, meaning: KeyMeaning, store: &mut Store) -> Option<Act> {
        let capture = std::mem::take(&mut self.will_capture);
        Some(match meaning {
            KeyMeaning::Quit => Act::Quit,
            KeyMeaning::Deed(Deed::Recall(place)) if capture => {
                store.capture(place);
                Act::Captured(place)
            }
            KeyMeaning::Deed(deed) => self.do_deed(deed, Control::Program { channel: 1, number: 0 }, store),
            KeyMeaning::WillCapture => {
                self.will_capture = true;
                Act::WillCapture
            }
            KeyMeaning::Select(id) => self.select(id),
            KeyMeaning::Walk(by) => {
                let count = engine::param::PARAMS as isize;
                let place = (self.selected as isize + by).rem_euclid(count);
                self.select(engine::param::TABLE[place as usize].id)
            }
            KeyMeaning::Nudge(detents) => self.nudge(gesture, self.selected, detents, store),
            KeyMeaning::Default => {
                self.begin_stroke(gesture, self.selected, store);
                let set = store.set(self.selected, self.selected.row().default);
                set.map_or_else(Act::Refused, |_| Act::Moved(self.selected))
            }
            KeyMeaning::SeekBy(part) => Act::SeekBy(part),
        })
    }

    fn select(&mut self, id: ParamId) -> Act {
        self.selected = id;
        Act::Selected(id)
    }
}

#[cfg(test)]
mod tests;
