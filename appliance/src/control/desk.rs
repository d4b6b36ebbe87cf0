//! The values under the hands: the store, the patch they began with, the scene they are at, and the morph.
//!
//! A hand sets an aim; [`Desk::walk`] takes the value there as fast as the sound can follow. Undo, scenes, revert and panic
//! are one stroke each. Reads no clock: time comes with the gestures and with `walk`.

use std::sync::Arc;
use std::time::Duration;

use engine::param::{Class, Drawn, Kept, Mark, NotANumber, ParamId, SCENES, Set, Store, Values};

use crate::control::morph::Morph;
use crate::control::slew::{Slew, SlewSetting};

/// What panic leaves alone: where the music is and who made it, what it counts, and what only a worker can change.
const KEPT_IN_PANIC: [ParamId; 6] =
    [ParamId::Seed, ParamId::LoopStart, ParamId::LoopEnd, ParamId::Tempo, ParamId::TimeSignature, ParamId::Key];

/// A morph under way: from the values that were there when the fader took hold, so that nothing jumps.
#[derive(Clone, Debug)]
struct Morphing {
    scenes: (usize, usize),
    /// Where the fader took hold.
    from: f64,
    at: f64,
    /// From the values then up to the upper scene, and down to the lower.
    up: Morph,
    down: Morph,
    /// The store's count of jumps: after another scene the fader takes hold anew.
    jumps: u64,
}

impl Morphing {
    fn from(scenes: (usize, usize), (low, high): (Values, Values), (from, values): (f64, Values), jumps: u64) -> Self {
        let (up, down) = (Morph::new(values, high), Morph::new(values, low));
        Self { scenes, from, at: from, up, down, jumps }
    }

    fn values(&mut self, place: f64, now: &Values) -> Values {
        if place >= self.from {
            let way = 1.0 - self.from;
            self.up.at(if way > 0.0 { (place - self.from) / way } else { 0.0 }, now)
        } else {
            self.down.at((self.from - place) / self.from, now)
        }
    }
}

/// The values under the hands.
#[derive(Debug)]
pub struct Desk {
    store: Store,
    hand: Slew,
    patch: Values,
    curves: Drawn,
    scene: Option<(usize, Values)>,
    morphing: Option<Morphing>,
    began: bool,
}

impl Desk {
    /// The values of a store; `revert` comes back to what they are now.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let patch = *store.aims();
        let hand = Slew::new(&patch);
        Self { store, hand, patch, curves: Drawn::default(), scene: None, morphing: None, began: false }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// As [`Self::load_as`], on the recordings that play.
    pub fn load(&mut self, values: &Values, scenes: &[Option<Values>; SCENES], curves: &Drawn, number: u32) {
        self.load_as(values, scenes, curves, Mark { patch: number, ..self.store.mark() });
    }

    /// Takes the values, scenes and curves of the patch of a mark in one stroke; they are what `revert` comes back to. The first patch is
    /// where a set begins: undo goes back to no time before it.
    pub fn load_as(&mut self, values: &Values, scenes: &[Option<Values>; SCENES], curves: &Drawn, mark: Mark) {
        // Load-class values stay: a patch is heard at once, and never waits for a worker.
        let mut kept = *values;
        ParamId::all().filter(|id| self.began && id.row().class == Class::Load).for_each(|id| {
            kept.set(id, self.store.value(id));
        });
        if std::mem::replace(&mut self.began, true) {
            self.store.load(&kept, curves, scenes, mark);
        } else {
            self.store.begin(&kept, curves);
            for (place, scene) in scenes.iter().enumerate() {
                self.store.put_scene(place, *scene);
            }
            self.store.set_mark(mark);
        }
        self.stand_by(&kept, curves);
        (self.scene, self.morphing) = (None, None);
        self.hand.follow(self.store.values());
    }

    /// Takes values and curves that mean the same on another tape, in one stroke.
    pub fn stand_elsewhere(&mut self, values: &Values, curves: &Drawn, mark: Mark) {
        let scenes = std::array::from_fn(|place| self.store.scene(place).copied());
        self.end_stroke();
        self.store.load(values, curves, &scenes, mark);
        self.morphing = None;
        self.hand.follow(self.store.values());
    }

    /// `revert` comes back to these values and curves from now on; nothing moves.
    pub fn stand_by(&mut self, values: &Values, curves: &Drawn) {
        (self.patch, self.curves) = (*values, curves.clone());
    }

    /// A patch was saved, or other recordings play: one stroke that moves no value.
    pub fn note_mark(&mut self, mark: Mark) {
        self.store.note_mark(mark);
    }

    /// Says where this belongs; not a thing to undo.
    pub fn set_mark(&mut self, mark: Mark) {
        self.store.set_mark(mark);
    }

    /// Goes on where another desk was, in one snapshot: nothing walks, and hands take hold anew. `revert` comes back to the patch that was
    /// loaded last.
    pub fn restore(&mut self, kept: Kept, scene: Option<(usize, Values)>) {
        self.store.restore(kept);
        (self.scene, self.morphing) = (scene, None);
        self.hand.follow(self.store.values());
    }

    /// Takes a value that is heard already, in its row's unit.
    pub fn adopt(&mut self, id: ParamId, value: f64) {
        self.store.adopt(id, value);
        self.hand.stand(id, self.store.value(id));
    }

    /// The scene last recalled or kept, from 0, and its values as they were then.
    #[must_use]
    pub const fn scene_values(&self) -> Option<&(usize, Values)> {
        self.scene.as_ref()
    }

    /// The aim that is heard of a parameter, in its row's unit: where a hand takes it from.
    #[must_use]
    pub fn heard(&self, id: ParamId) -> f64 {
        self.store.aims().heard(id)
    }

    /// Sets where a hand wants a value, in its row's unit; `now` is when.
    ///
    /// # Errors
    /// [`NotANumber`]; the old value stays.
    pub fn turn(&mut self, id: ParamId, value: f64, now: Duration) -> Result<Set, NotANumber> {
        let set = self.store.aim(id, value)?;
        // It walks from where it is heard: a keystone channel that said nothing says its group's gain first.
        let from = self.store.values().heard(id);
        if set.moved && from != self.store.values().exact(id) {
            self.store.walk(id, from);
            self.hand.stand(id, from);
        }
        // And one that is to say nothing again walks to its group's gain first.
        self.hand.aim_at(now, id, set.value, id.row().position(self.store.aims().heard(id)));
        Ok(set)
    }

    /// How fast a parameter follows the hand.
    pub fn set_feel(&mut self, feel: &SlewSetting) {
        if let Some(limit) = feel.limit {
            self.hand.set_limit(feel.id, limit);
        }
        self.hand.set_glide(feel.id, feel.glide);
    }

    /// Takes values on their way to where the hands want them.
    pub fn walk(&mut self, now: Duration) {
        self.hand.advance(now, |step| self.store.walk(step.id, step.value));
    }

    /// Whether every value is where the hands want it.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.store.values() == self.store.aims()
    }

    /// Ends the stroke: the next change is a new thing to undo.
    pub fn end_stroke(&mut self) {
        self.store.end_stroke();
    }

    /// Takes the last stroke back; answers whether there was one.
    pub fn undo(&mut self) -> bool {
        let jumps = self.store.jumps();
        let undone = self.store.undo();
        self.went(jumps);
        undone
    }

    /// Does the last undone stroke again; answers whether there was one.
    pub fn redo(&mut self) -> bool {
        let jumps = self.store.jumps();
        let redone = self.store.redo();
        self.went(jumps);
        redone
    }

    /// After undo or redo: where values have not jumped, those on their way go on; and a scene that is another now is not the one that
    /// the hands are at.
    fn went(&mut self, jumps: u64) {
        self.follow_if(self.store.jumps() != jumps);
        let is_kept = |it: &(usize, Values)| self.store.scene(it.0) == Some(&it.1);
        self.scene = self.scene.filter(is_kept);
    }

    /// Draws a parameter's curve, or takes it back; see [`Store::draw`].
    pub fn draw(&mut self, id: ParamId, curve: Option<Arc<[f32]>>) {
        self.store.draw(id, curve);
    }

    /// Publishes the values of now under another number; see [`Store::publish_again`].
    pub fn publish_again(&mut self) {
        self.store.publish_again();
    }

    /// Recalls a scene, from 0; answers whether there is one.
    pub fn recall(&mut self, place: usize) -> bool {
        let recalled = self.store.recall(place);
        self.follow_if(recalled);
        if recalled {
            self.scene = Some((place, *self.store.aims()));
        }
        recalled
    }

    /// Keeps the values as a scene, from 0.
    pub fn capture(&mut self, place: usize) {
        if self.store.capture(place) {
            self.scene = Some((place, *self.store.aims()));
        }
    }

    /// The scene last recalled or kept, from 0, and whether values have moved since.
    #[must_use]
    pub fn scene(&self) -> Option<(usize, bool)> {
        self.scene.map(|(place, values)| (place, values != *self.store.aims()))
    }

    /// All values and curves as the patch has them, but values of the load class.
    pub fn revert(&mut self) {
        let (patch, curves) = (self.patch, self.curves.clone());
        self.take(&patch, &curves);
        self.scene = None;
    }

    /// Sends the tick side what was drawn or taken back, as [`Store::send_curves`].
    pub fn send_curves(&mut self, send: impl FnMut(ParamId, Option<Arc<[f32]>>, u64) -> bool) -> bool {
        self.store.send_curves(send)
    }

    /// Every value that can hurt goes to its default, the gain no higher than its own, and no curve stays drawn: one press to
    /// a sound that is known, and one stroke to undo. Seed, loop, tempo and key stay, so that it is still the same
    /// piece.
    pub fn panic(&mut self) {
        let mut safe = *self.store.aims();
        for id in ParamId::all().filter(|id| !KEPT_IN_PANIC.contains(id)) {
            let default = id.row().default;
            safe.set(id, if id == ParamId::GainDb { default.min(self.store.value(id)) } else { default });
        }
        self.take(&safe, &Drawn::default());
    }

    /// The values have jumped; where they have not, those on their way go on.
    fn follow_if(&mut self, jumped: bool) {
        if jumped {
            self.hand.follow(self.store.values());
        }
    }

    fn take(&mut self, values: &Values, curves: &Drawn) {
        let mut taken = *values;
        ParamId::all().filter(|id| id.row().class == Class::Load).for_each(|id| {
            taken.set(id, self.store.value(id));
        });
        self.store.take(&taken, curves);
        self.hand.follow(self.store.values());
    }

    /// Moves the fader between two scenes to `place`, 0 to 1; answers whether both are there. The ends are the scenes
    /// exactly; between, values come from where they were when the fader took hold.
    pub fn morph(&mut self, scenes: (usize, usize), place: f64, now: Duration) -> bool {
        let (Some(low), Some(high)) = (self.store.scene(scenes.0).copied(), self.store.scene(scenes.1).copied()) else {
            return false;
        };
        let place = place.clamp(0.0, 1.0);
        let jumps = self.store.jumps();
        let going = self.morphing.take().filter(|it| it.scenes == scenes && it.jumps == jumps);
        let mut going = going.unwrap_or_else(|| {
            let values = *self.store.aims();
            let at = self.morph_place(scenes).unwrap_or(place);
            Morphing::from(scenes, (low, high), (at, values), jumps)
        });
        let values = going.values(place, self.store.aims());
        if place <= 0.0 || place >= 1.0 {
            // From an end on, the fader is between the two scenes and nothing else.
            going = Morphing::from(scenes, (low, high), (place, values), jumps);
        }
        going.at = place;
        self.morphing = Some(going);
        for id in ParamId::all().filter(|id| id.row().class != Class::Load) {
            if values.exact(id) != self.store.value(id) {
                // A scene's values are numbers: they came through the store.
                let _ = self.turn(id, values.exact(id), now);
            }
        }
        true
    }

    /// Where the morph between two scenes stands, if its fader has hold of it; an end where the values are that scene's.
    #[must_use]
    pub fn morph_place(&self, scenes: (usize, usize)) -> Option<f64> {
        let going = self.morphing.as_ref().filter(|it| it.scenes == scenes && it.jumps == self.store.jumps());
        let at_scene = |place: usize| self.scene == Some((place, *self.store.aims()));
        going.map(|it| it.at).or_else(|| match scenes {
            (low, _) if at_scene(low) => Some(0.0),
            (_, high) if at_scene(high) => Some(1.0),
            _ => None,
        })
    }

    /// The morph that has hold: its scenes and where it stands.
    #[must_use]
    pub fn morphing(&self) -> Option<((usize, usize), f64)> {
        let going = self.morphing.as_ref().filter(|it| it.jumps == self.store.jumps())?;
        Some((going.scenes, going.at))
    }
}

#[cfg(test)]
mod tests {
    use super::Desk;
    use crate::control::slew::SlewSetting;
    use engine::param::{AS_GROUP, Drawn, ParamId, SCENES, Store, Values};
    use std::time::Duration;

    #[test]
    fn an_empty_scene_and_nothing_to_do_again_leave_a_value_on_its_way() {
        let mut desk = Desk::new(Store::new().0);
        desk.turn(ParamId::Denoise, 1.0, Duration::ZERO).expect("a number");
        desk.walk(Duration::from_millis(100));
        assert!(!desk.stands() && !desk.recall(0) && !desk.redo());
        desk.walk(Duration::from_secs(5));
        assert_eq!(desk.store().values().exact(ParamId::Denoise), 1.0);
    }

    #[test]
    fn a_patch_brings_its_number_and_is_what_revert_comes_back_to() {
        let mut desk = Desk::new(Store::new().0);
        let mut values = Values::default();
        assert!(values.set(ParamId::Denoise, 0.25));
        desk.load(&values, &[None; SCENES], &Drawn::default(), 0);
        desk.load(&values, &[None; SCENES], &Drawn::default(), 7);
        assert_eq!(desk.store().mark().patch, 7);
        desk.turn(ParamId::Denoise, 0.75, Duration::ZERO).expect("a number");
        desk.walk(Duration::from_secs(5));
        let heard = *desk.store().values();
        desk.stand_by(&heard, &Drawn::default());
        desk.turn(ParamId::Denoise, 0.1, Duration::from_secs(6)).expect("a number");
        desk.revert();
        assert_eq!(desk.store().aims().exact(ParamId::Denoise), 0.75, "what was saved since");
    }

    #[test]
    fn a_keystone_channel_walks_from_where_its_group_is_heard() {
        let mut desk = Desk::new(Store::new().0);
        desk.turn(ParamId::ChG1, 2.4, Duration::ZERO).expect("a number");
        desk.walk(Duration::from_secs(5));
        let now = Duration::from_secs(6);
        desk.turn(ParamId::Ch13, 0.5, now).expect("a number");
        let mut before = 2.4;
        for ms in 0..2_000 {
            desk.walk(now + Duration::from_millis(ms));
            let heard = desk.store().values().heard(ParamId::Ch13);
            assert!(before - heard < 0.2 && heard <= before, "from {before} to {heard}");
            before = heard;
        }
        assert_eq!(before, 0.5);
        let now = Duration::from_secs(12);
        desk.turn(ParamId::Ch13, AS_GROUP, now).expect("a state of its own");
        for ms in 0..4_000 {
            desk.walk(now + Duration::from_millis(ms));
            let heard = desk.store().values().heard(ParamId::Ch13);
            assert!(heard - before < 0.2 && before <= heard, "from {before} to {heard}");
            before = heard;
        }
        assert_eq!((before, desk.store().values().exact(ParamId::Ch13)), (2.4, AS_GROUP));
        assert!(desk.stands());
    }

    #[test]
    fn a_morph_goes_from_where_it_took_hold_to_either_scene_and_from_an_end_between_the_two_alone() {
        let mut desk = Desk::new(Store::new().0);
        for (place, value) in [(0, 0.0), (1, 1.0)] {
            desk.turn(ParamId::Denoise, value, Duration::ZERO).expect("a number");
            desk.capture(place);
        }
        desk.turn(ParamId::Denoise, 0.3, Duration::ZERO).expect("a number");
        let heard = [(0.5, 0.3), (0.25, 0.15), (0.0, 0.0), (0.25, 0.25), (1.0, 1.0), (0.75, 0.75)];
        for (place, expected) in heard {
            assert!(desk.morph((0, 1), place, Duration::ZERO));
            let value = desk.store().value(ParamId::Denoise);
            assert!((value - expected).abs() < 1e-9, "{value} at {place}");
        }
    }

    #[test]
    fn a_fader_between_two_scenes_forgets_the_two_that_another_was_between() {
        let mut desk = Desk::new(Store::new().0);
        for (place, value) in [(0, 0.0), (1, 1.0), (2, 0.2), (3, 0.6)] {
            desk.turn(ParamId::Denoise, value, Duration::ZERO).expect("a number");
            desk.capture(place);
        }
        assert!(desk.recall(0));
        assert_eq!(desk.morph_place((0, 1)), Some(0.0), "where the values are a scene's the fader stands at its end");
        let mut morph = |scenes, place| assert!(desk.morph(scenes, place, Duration::ZERO));
        [((0, 1), 0.5), ((2, 3), 0.5), ((2, 3), 1.0)].into_iter().for_each(|(scenes, place)| morph(scenes, place));
        assert_eq!(desk.store().value(ParamId::Denoise), 0.6);
        assert_eq!((desk.morphing(), desk.morph_place((0, 1))), (Some(((2, 3), 1.0)), None));
    }

    #[test]
    fn a_parameter_follows_the_hand_as_fast_as_it_was_set_to() {
        let walked = |feel: Option<SlewSetting>| {
            let mut desk = Desk::new(Store::new().0);
            feel.iter().for_each(|feel| desk.set_feel(feel));
            desk.turn(ParamId::Denoise, 1.0, Duration::ZERO).expect("a number");
            desk.walk(Duration::from_millis(100));
            desk.store().values().exact(ParamId::Denoise)
        };
        let (id, glide) = (ParamId::Denoise, Duration::ZERO);
        assert_eq!(walked(Some(SlewSetting { id, limit: Some(None), glide })), 1.0, "at once");
        let slow = walked(Some(SlewSetting { id, limit: Some(Some(0.5)), glide }));
        assert!(
            0.5 < slow && slow < 0.6 && slow != walked(None),
            "{slow} after a tenth of a second at half a travel each"
        );
        let gliding = walked(Some(SlewSetting { id, limit: Some(None), glide: Duration::from_secs(10) }));
        assert!(gliding < 0.52, "{gliding}");
    }

    #[test]
    fn undo_goes_back_to_no_time_before_the_first_patch_and_back_from_the_second_one() {
        let mut desk = Desk::new(Store::new().0);
        let patch = |denoise, depth| {
            let mut values = Values::default();
            assert!(values.set(ParamId::Denoise, denoise) && values.set(ParamId::Depth, depth));
            values
        };
        let curves = |level: f32| {
            let mut curves = Drawn::default();
            curves.set(ParamId::SourceBlend, Some([level; 25].into()));
            curves
        };
        let (first, second) = (curves(0.25), curves(0.75));
        desk.load(&patch(0.25, 2.0), &[None; SCENES], &first, 0);
        assert!(!desk.undo());
        desk.load(&patch(0.75, 8.0), &[None; SCENES], &second, 1);
        assert_eq!((desk.store().value(ParamId::Denoise), desk.store().drawn()), (0.75, &second));
        desk.panic();
        assert_eq!(desk.store().drawn(), &Drawn::default(), "a drawn curve is no safe value");
        assert!(desk.undo());
        assert_eq!(desk.store().drawn(), &second);
        assert!(desk.undo() && !desk.undo());
        assert_eq!(desk.store().drawn(), &first, "the first patch's curves come back with its values");
        let left = [ParamId::Denoise, ParamId::Depth].map(|id| desk.store().value(id));
        assert_eq!(left, [0.25, 2.0], "the depth is a worker's affair and stays");
    }
}
