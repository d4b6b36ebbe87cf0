//! Strokes: what undo takes back at once, and the moves that need no place (detents, keys).

use std::time::Duration;

use engine::param::{ParamId, Taper};
use hal::gesture::{Control, Gesture, SurfaceId};

use super::keys::KeyMeaning;
use super::{Act, Binding, Deed, Entry, Target};
use crate::control::desk::Desk;

/// A hand that rests this long begins a new stroke for undo.
const REST: Duration = Duration::from_millis(700);
/// So soon after the first `q` the second one leaves.
const ASKED: Duration = Duration::from_secs(2);
/// A second `q` that comes with the first was not typed by a hand: a key held down repeats no faster than every 30 ms, and two
/// strokes of one finger lie further apart.
const ONE_STROKE: Duration = Duration::from_millis(30);
/// Travel of one detent, or of one key: as fine as a 7-bit knob.
const DETENT: f64 = 1.0 / 128.0;

/// The stroke under way: whose, of what, and when it was last moved.
#[derive(Debug, Default)]
pub(super) struct Strokes(Option<(SurfaceId, Target, Duration)>);

impl Binding {
    pub(super) fn begin_stroke(&mut self, gesture: &Gesture, target: Target, desk: &mut Desk) {
        let goes_on = self.stroke.0.is_some_and(|(surface, moved, at)| {
            (surface, moved) == (gesture.surface, target) && gesture.at.saturating_sub(at) < REST
        });
        if !goes_on && !self.draws {
            desk.end_stroke();
        }
        self.stroke.0 = Some((gesture.surface, target, gesture.at));
        // What was learnt is older than what is played now: undo takes this back first.
        self.unlearn = None;
    }

    /// An encoder, on one of its meanings.
    pub(super) fn turn_by(
        &mut self,
        gesture: &Gesture,
        control: Control,
        entry: &Entry,
        detents: i32,
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        let detents = if entry.travel.reversed { detents.saturating_neg() } else { detents };
        match entry.target {
            Target::Param(id) => self.nudge(gesture, id, entry, detents, desk, acts),
            Target::Selected => self.nudge(gesture, self.selected, entry, detents, desk, acts),
            Target::Morph(low, high) => {
                let at = desk.morph_place((low, high)).unwrap_or(0.0);
                let to = (at + f64::from(detents) * DETENT).clamp(0.0, 1.0);
                self.begin_stroke(gesture, entry.target, desk);
                let morphed = desk.morph((low, high), to, gesture.at);
                acts.push(Act::Morphed(low, high, morphed.then_some(to)));
            }
            Target::Deed(Deed::Browse) => self.walk_by(detents.signum() as isize, acts),
            Target::Deed(Deed::BankBy(_)) => {
                self.deed(gesture, Deed::BankBy(detents.signum() as i8), control, desk, acts)
            }
            Target::Deed(Deed::PromptBy(end, _)) => {
                self.deed(gesture, Deed::PromptBy(end, detents.signum() as i8), control, desk, acts);
            }
            Target::Deed(Deed::PatchBy(_)) => acts.push(Act::PatchBy(detents.signum() as i8)),
            Target::Deed(Deed::LibraryBy(_)) => acts.push(Act::LibraryBy(detents.signum() as i8)),
            // A turn is one stroke, however far it goes.
            Target::Deed(Deed::ScaleCurve(by)) => {
                self.begin_stroke(gesture, entry.target, desk);
                acts.push(Act::ScaleCurve(detents.saturating_mul(by.into())));
            }
            // A fast hand goes far.
            Target::Deed(Deed::CharacterBy(_)) => acts.push(Act::CharacterBy(detents)),
            // A turn is no second press, and takes nothing.
            Target::Deed(
                Deed::TakeUpdate
                | Deed::SwitchOff
                | Deed::TakeCharacter
                | Deed::Draw
                | Deed::Form(_)
                | Deed::EraseCurve
                | Deed::Record
                | Deed::KeepLast
                | Deed::MatchLoudness
                | Deed::Crop
                | Deed::WholeRecording,
            ) => {}
            Target::Deed(deed) => self.deed(gesture, deed, control, desk, acts),
        }
    }

    pub(super) fn nudge(
        &mut self,
        gesture: &Gesture,
        id: ParamId,
        entry: &Entry,
        detents: i32,
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        self.begin_stroke(gesture, Target::Param(id), desk);
        let (row, travel) = (id.row(), &entry.travel);
        let (low, high) = travel.ends(id);
        let value = match row.taper {
            // Held at the ends here, so that turning on at an end is not counted as a value from outside. A value beyond
            // the binding's own range stays until it is turned back into it.
            Taper::Linear | Taper::Log => {
                let now = desk.heard(id);
                let forwards = super::Travel { reversed: false, ..*travel };
                let place = forwards.place(id, now) + f64::from(detents) * DETENT;
                let outside = (now < low && detents < 0) || (now > high && detents > 0);
                if outside { now } else { forwards.value(id, place.clamp(0.0, 1.0)) }
            }
            Taper::Whole | Taper::Choice(_) | Taper::Toggle => {
                let places = if row.labels().is_some() { detents.signum() } else { detents };
                (desk.store().value(id) + f64::from(places)).clamp(low, high)
            }
        };
        let set = desk.turn(id, value, gesture.at);
        acts.push(set.map_or_else(Act::Refused, |_| Act::Moved(id)));
    }

    pub(super) fn struck(&mut self, gesture: &Gesture, meaning: KeyMeaning, desk: &mut Desk, acts: &mut Vec<Act>) {
        let (capture, asked) = (std::mem::take(&mut self.will_capture), self.quit_asked.take());
        let entry = self.resolved(&Entry::usual(super::On::Bend, Target::Selected));
        match meaning {
            KeyMeaning::Quit => acts.push(Act::Quit),
            KeyMeaning::AskQuit => self.ask_quit(gesture.at, asked, acts),
            KeyMeaning::Close if self.learn.is_on() => {
                self.learn.cancel();
                acts.push(Act::NotLearnt);
            }
            KeyMeaning::Close => {
                self.key_list = 0;
                acts.push(Act::Closed);
            }
            KeyMeaning::KeyList => {
                self.key_list += 1;
                acts.push(Act::KeyList(self.key_list));
            }
            KeyMeaning::Deed(Deed::Recall(place)) if capture => acts.push(self.capture(place, desk)),
            KeyMeaning::Deed(deed) => {
                self.deed(gesture, deed, Control::Program { channel: 1, number: 0 }, desk, acts);
                // A key has no way up that a terminal would tell: learn stays on as after a short press.
            }
            KeyMeaning::WillCapture => {
                self.will_capture = true;
                acts.push(Act::WillCapture);
            }
            KeyMeaning::Select(id) => self.select(id, acts),
            KeyMeaning::Walk(by) => self.walk_by(by, acts),
            KeyMeaning::Nudge(detents) => self.nudge(gesture, self.selected, &entry, detents, desk, acts),
            KeyMeaning::Default => {
                let id = self.selected;
                self.begin_stroke(gesture, Target::Param(id), desk);
                let set = desk.turn(id, id.row().default, gesture.at);
                acts.push(set.map_or_else(Act::Refused, |_| Act::Moved(id)));
            }
            KeyMeaning::SeekBy(part) => acts.push(Act::SeekBy(part)),
        }
    }

    /// A `q`: the first asks, the second leaves.
    fn ask_quit(&mut self, now: Duration, asked: Option<Duration>, acts: &mut Vec<Act>) {
        match asked.map(|at| now.saturating_sub(at)) {
            Some(since) if since < ONE_STROKE => self.quit_asked = asked,
            Some(since) if since <= ASKED => acts.push(Act::Quit),
            _ => {
                self.quit_asked = Some(now);
                acts.push(Act::WillQuit);
            }
        }
    }

    pub(super) fn walk_by(&mut self, by: isize, acts: &mut Vec<Act>) {
        let count = engine::param::PARAMS as isize;
        let place = (self.selected as isize + by).rem_euclid(count);
        self.select(engine::param::TABLE[place as usize].id, acts);
    }

    fn select(&mut self, id: ParamId, acts: &mut Vec<Act>) {
        self.selected = id;
        acts.push(Act::Selected(id));
        if let Some(super::Lesson::Asks(target)) = self.learn.pick(Target::Param(id)) {
            acts.push(Act::Learning(target));
        }
    }
}
