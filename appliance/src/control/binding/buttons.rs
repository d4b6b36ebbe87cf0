//! Buttons, pads, foot switches: values that are pressed, and deeds.

use std::collections::HashMap;

use engine::param::ParamId;
use hal::gesture::{Control, Gesture, SurfaceId};

use super::control::BANKS;
use super::read::usual_press;
use super::{Act, Binding, BlendEnd, Deed, Entry, Lesson, Press, Target};
use crate::control::desk::Desk;

/// A line of the map that is acting, and the value to come back to.
type Held = (Entry, Option<f64>);

/// What is held down, and what a latch came from.
#[derive(Debug, Default)]
pub(super) struct Buttons {
    /// Lines of the map that a held button acts by (they may be others by the time it comes up), with the value before.
    held: HashMap<(SurfaceId, Control), Vec<Held>>,
    latched: HashMap<ParamId, f64>,
}

impl Buttons {
    /// Forgets what a controller held when it went. Values stay; answers whether it held shift.
    pub(super) fn leave(&mut self, gone: SurfaceId) -> bool {
        let shift = |(entry, _): &Held| entry.target == Target::Deed(Deed::Shift);
        let held = self.held.iter().any(|((surface, _), held)| *surface == gone && held.iter().any(shift));
        self.held.retain(|(surface, _), _| *surface != gone);
        held
    }
}

/// The number that a control carries.
fn number_of(control: Control) -> usize {
    match control {
        Control::Program { number, .. } | Control::Note { number, .. } | Control::Cc { number, .. } => number.into(),
        _ => 0,
    }
}

/// What the binding only passes on; nothing for what it does itself.
fn passed_on(deed: Deed) -> Option<Act> {
    Some(match deed {
        Deed::Reseed => Act::Reseed,
        Deed::Mute => Act::Mute,
        Deed::Pause => Act::Pause,
        Deed::NextScreen => Act::NextScreen,
        Deed::PatchBy(by) => Act::PatchBy(by),
        Deed::Save => Act::Save(false),
        Deed::SaveNew => Act::Save(true),
        Deed::Reload => Act::Reload,
        Deed::LibraryBy(by) => Act::LibraryBy(by),
        Deed::TakeUpdate => Act::TakeUpdate,
        Deed::SwitchOff => Act::SwitchOff(true),
        Deed::Form(form) => Act::Form(Some(form)),
        Deed::EraseCurve => Act::Form(None),
        Deed::Record => Act::Record,
        Deed::KeepLast => Act::KeepLast,
        Deed::MatchLoudness => Act::MatchLoudness,
        Deed::LibraryLoad => Act::LibraryLoad,
        Deed::Write(end) => Act::Write(end),
        Deed::CharacterBy(by) => Act::CharacterBy(by.into()),
        Deed::TakeCharacter => Act::TakeCharacter,
        Deed::Start => Act::Seek(0.0),
        Deed::Tap => Act::Tapped,
        Deed::SnapLoop => Act::SnapLoop,
        Deed::Crop => Act::Crop,
        Deed::WholeRecording => Act::WholeRecording,
        _ => return None,
    })
}

impl Binding {
    pub(super) fn press(
        &mut self,
        gesture: &Gesture,
        control: Control,
        velocity: u8,
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        let entries = self.reached(gesture, control);
        let mut held = Vec::new();
        for entry in entries {
            let before = match entry.target {
                Target::Deed(deed) => {
                    self.deed(gesture, deed, control, desk, acts);
                    None
                }
                Target::Param(id) => self.press_value(gesture, id, &entry, velocity, desk, acts),
                Target::Selected => self.press_value(gesture, self.selected, &entry, velocity, desk, acts),
                // A button on a morph: from one scene to the other.
                Target::Morph(low, high) => {
                    let to = if desk.morph_place((low, high)).unwrap_or(0.0) < 0.5 { 1.0 } else { 0.0 };
                    self.begin_stroke(gesture, entry.target, desk);
                    let morphed = desk.morph((low, high), to, gesture.at);
                    acts.push(Act::Morphed(low, high, morphed.then_some(to)));
                    None
                }
            };
            held.push((entry, before));
        }
        // A program change never comes up.
        if !held.is_empty() && !matches!(control, Control::Program { .. }) {
            self.buttons.held.insert((gesture.surface, control), held);
        }
    }

    pub(super) fn release(&mut self, gesture: &Gesture, control: Control, desk: &mut Desk, acts: &mut Vec<Act>) {
        for (entry, before) in self.buttons.held.remove(&(gesture.surface, control)).unwrap_or_default() {
            match (entry.target, before) {
                (Target::Deed(Deed::Shift), _) => {
                    self.playing.shift = false;
                    self.turn_layer(acts);
                }
                (Target::Deed(Deed::Draw), _) if self.draws => {
                    self.draws = false;
                    acts.push(Act::Draw(false));
                }
                (Target::Deed(Deed::SwitchOff), _) => acts.push(Act::SwitchOff(false)),
                (Target::Deed(Deed::Learn), _) => {
                    acts.extend(self.learn.release(gesture.at).map(|_| Act::NotLearnt));
                }
                (Target::Param(id), Some(before)) => {
                    let set = desk.turn(id, before, gesture.at);
                    acts.push(set.map_or_else(Act::Refused, |_| Act::Moved(id)));
                }
                _ => {}
            }
        }
    }

    /// A press on a value; the value to come back to when the button comes up, where it should.
    fn press_value(
        &mut self,
        gesture: &Gesture,
        id: ParamId,
        entry: &Entry,
        velocity: u8,
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) -> Option<f64> {
        self.begin_stroke(gesture, Target::Param(id), desk);
        let (now, row) = (desk.store().value(id), id.row());
        let struck = f64::from(velocity) / 127.0;
        let high = entry.travel.value(id, if entry.velocity { struck } else { 1.0 });
        let low = entry.travel.value(id, 0.0);
        let press = entry.press.unwrap_or_else(|| usual_press(id));
        let value = match press {
            Press::Set => match row.labels() {
                Some(labels) => (now + 1.0) % labels.len() as f64,
                None => entry.travel.value(id, struck),
            },
            Press::Momentary => high,
            Press::Toggle => {
                let middle = (entry.travel.place(id, low) + entry.travel.place(id, high)) / 2.0;
                let up = (entry.travel.place(id, desk.heard(id)) <= middle) == (entry.travel.place(id, low) <= middle);
                if up { high } else { low }
            }
            Press::Latch => self.buttons.latched.remove(&id).unwrap_or_else(|| {
                self.buttons.latched.insert(id, now);
                high
            }),
        };
        let set = desk.turn(id, value, gesture.at);
        acts.push(set.map_or_else(Act::Refused, |_| Act::Moved(id)));
        (press == Press::Momentary).then_some(now)
    }

    /// Does a deed.
    pub(super) fn deed(
        &mut self,
        gesture: &Gesture,
        deed: Deed,
        control: Control,
        desk: &mut Desk,
        acts: &mut Vec<Act>,
    ) {
        let number = number_of(control);
        if deed.is_undone_by_itself() {
            // What was learnt is older: undo takes this back first.
            self.unlearn = None;
        }
        let act = match deed {
            Deed::Panic => {
                desk.panic();
                Act::Panicked
            }
            Deed::Revert => {
                desk.revert();
                Act::Reverted
            }
            Deed::Undo => self.undo(desk),
            Deed::Redo => Act::Redone(desk.redo()),
            Deed::Recall(place) => self.recall(place, desk),
            Deed::RecallByNumber => self.recall(number, desk),
            Deed::Capture(place) => self.capture(place, desk),
            Deed::PatchByNumber => Act::Patch(number),
            Deed::ScaleCurve(by) => {
                // Presses that follow one another are one stroke, as a turn is.
                self.begin_stroke(gesture, Target::Deed(deed), desk);
                Act::ScaleCurve(by.into())
            }
            Deed::Draw => {
                self.draws = !self.draws;
                if self.draws {
                    // All that is moved while it is held is one stroke.
                    desk.end_stroke();
                }
                Act::Draw(self.draws)
            }
            Deed::Prompt(end, place) => self.choose_prompt(gesture, end, place, desk),
            Deed::PromptByNumber(end) => self.choose_prompt(gesture, end, number, desk),
            Deed::PromptBy(end, by) => self.step_prompt(gesture, end, by, desk),
            Deed::Browse => return self.walk_by(1, acts),
            Deed::Shift => {
                self.playing.shift = true;
                return self.turn_layer(acts);
            }
            Deed::Bank(bank) => {
                self.playing.bank = bank;
                return self.turn_layer(acts);
            }
            Deed::BankBy(by) => {
                self.playing.bank = (self.playing.bank as i8 + by).rem_euclid(BANKS as i8) as u8;
                return self.turn_layer(acts);
            }
            Deed::Learn => match self.learn.press(gesture.at) {
                Lesson::Asks(target) => Act::Learning(target),
                _ => Act::NotLearnt,
            },
            other => match passed_on(other) {
                Some(act) => act,
                None => return,
            },
        };
        acts.push(act);
    }

    pub(super) fn capture(&mut self, place: usize, desk: &mut Desk) -> Act {
        self.unlearn = None;
        desk.capture(place);
        Act::Captured(place)
    }

    fn recall(&mut self, place: usize, desk: &mut Desk) -> Act {
        if self.patient && desk.store().scene(place).is_some() {
            return Act::WillRecall(place);
        }
        Act::Recalled(place, desk.recall(place))
    }

    /// A prompt, from 0, comes to an end of the blend. One that there is not is the last.
    fn choose_prompt(&mut self, gesture: &Gesture, end: BlendEnd, place: usize, desk: &mut Desk) -> Act {
        let id = end.param();
        self.begin_stroke(gesture, Target::Param(id), desk);
        let set = desk.turn(id, place.min(self.prompts - 1) as f64 + 1.0, gesture.at);
        set.map_or_else(Act::Refused, |_| Act::Moved(id))
    }

    /// The next prompt comes to an end of the blend, or the one before, round and round.
    fn step_prompt(&mut self, gesture: &Gesture, end: BlendEnd, by: i8, desk: &mut Desk) -> Act {
        let count = self.prompts as i64;
        // A place without a prompt is the last one.
        let now = (desk.store().value(end.param()) as i64 - 1).min(count - 1);
        self.choose_prompt(gesture, end, (now + i64::from(by)).rem_euclid(count) as usize, desk)
    }

    /// What was learnt last is taken back first; it was done last.
    fn undo(&mut self, desk: &mut Desk) -> Act {
        match self.unlearn.take() {
            Some((surface, before)) => {
                self.map_mut().set_learnt(surface, before);
                Act::Unlearnt(surface)
            }
            None => Act::Undone(desk.undo()),
        }
    }

    /// On another layer every knob is another knob: it must come by its value first.
    fn turn_layer(&mut self, acts: &mut Vec<Act>) {
        self.holds.clear();
        acts.push(Act::Layer(self.playing.bank, self.playing.shift));
    }
}
