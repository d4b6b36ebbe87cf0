//! Between the hand and the store: values that walk to where the hand points.
//!
//! A hand may throw a fader faster than the music can follow; here the value follows as fast as its parameter allows
//! ([`limits`]), and where a player wants it, in an even glide. A move below the limit is not delayed at all, a new
//! target on the way goes on from where the value is, and an arrival is exact. Choices, switches and whole numbers never
//! glide.
//!
//! The caller points ([`Slew::aim`]), looks now and then ([`Slew::advance`], a millisecond or a tick apart) and writes
//! into the store what it is given. How often it looks changes nothing but how many places it sees. While a value walks,
//! soft takeover and an encoder's steps go by where it leads ([`Slew::target`]), not by where the store is.
//!
//! This never allocates after [`Slew::new`], never reads a clock, and never touches the store.

mod lane;
pub mod limits;

use std::time::Duration;

use engine::param::{Class, PARAMS, ParamId, TABLE, Values};

use lane::Lane;

/// What the store should hold now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which parameter.
    pub id: ParamId,
    /// Place of the knob, 0 to 1.
    pub position: f64,
    /// The value there, in the row's unit. On arrival it is the target to the bit, which a place need not give.
    pub value: f64,
    /// Whether it has arrived.
    pub arrived: bool,
}

/// How fast one parameter follows the hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlewSetting {
    /// Which.
    pub id: ParamId,
    /// Fastest, in full travels a second; `None`: as is usual for it; `Some(None)`: at once.
    pub limit: Option<Option<f64>>,
    /// Time that each move takes.
    pub glide: Duration,
}

/// Where every parameter stands and leads.
#[derive(Clone, Debug)]
pub struct Slew {
    lanes: [Lane; PARAMS],
    /// Exact values of the targets.
    targets: [f64; PARAMS],
    /// Places last told.
    told: [f64; PARAMS],
    /// Time of the hand's moves, for each parameter.
    glides: [Duration; PARAMS],
    /// Time asked for the move under way.
    asked: [Duration; PARAMS],
    /// A bit for each parameter that is on its way, or has something to tell.
    moving: u128,
}

const _: () = assert!(PARAMS <= u128::BITS as usize);

impl Slew {
    /// Everything rests at `values`, with the usual limits and no glide.
    #[must_use]
    pub fn new(values: &Values) -> Self {
        let targets = TABLE.map(|row| values.exact(row.id));
        let told = TABLE.map(|row| row.position(values.exact(row.id)));
        let lanes = TABLE.map(|row| Lane::resting(told[row.id as usize], limits::usual(row.id)));
        let none = [Duration::ZERO; PARAMS];
        Self { lanes, targets, told, glides: none, asked: none, moving: 0 }
    }

    /// Another limit for a parameter, in full travels a second, above zero; `None`: it follows at once. A parameter that
    /// cannot walk stays without one.
    pub fn set_limit(&mut self, id: ParamId, travels_per_s: Option<f64>) {
        assert!(travels_per_s.is_none_or(|it| it > 0.0 && it.is_finite()), "a limit is a speed");
        self.lanes[id as usize].limit(travels_per_s.filter(|_| limits::walks(id)));
    }

    /// Time that each of the hand's moves of a parameter takes; zero for none. The limit holds nevertheless.
    pub fn set_glide(&mut self, id: ParamId, glide: Duration) {
        self.glides[id as usize] = glide;
    }

    /// The hand points at a place of a knob, 0 to 1; outside counts as the nearer end, and what is not a number as
    /// nothing.
    pub fn aim(&mut self, now: Duration, id: ParamId, position: f64) {
        if !position.is_nan() {
            self.aim_value(now, id, id.row().at(position));
        }
    }

    /// The hand points at a value in the row's unit; outside counts as the nearer end, and what is not a number as
    /// nothing.
    pub fn aim_value(&mut self, now: Duration, id: ParamId, value: f64) {
        self.set_out(now, id, value, self.glides[id as usize]);
    }

    /// The hand points at a value that is heard at `place` of the knob: it walks there, and is the value when it arrives.
    pub fn aim_at(&mut self, now: Duration, id: ParamId, value: f64, place: f64) {
        self.set_out_to(now, id, (value, place), self.glides[id as usize]);
    }

    /// Everything but the load class walks to `values` evenly in the time of `over`, later where a limit is slower; what
    /// cannot walk is there at once. For a scene that should not jump.
    pub fn glide_to(&mut self, now: Duration, values: &Values, over: Duration) {
        for id in ParamId::all().filter(|id| id.row().class != Class::Load) {
            self.set_out(now, id, values.exact(id), over);
        }
    }

    /// One parameter rests at a value, in its row's unit, and nothing is told of it.
    pub fn stand(&mut self, id: ParamId, value: f64) {
        self.rest_at(id, value);
    }

    /// The store has moved by itself (undo, a scene, a patch): everything rests where it is now, and nothing is told.
    pub fn follow(&mut self, values: &Values) {
        for id in ParamId::all() {
            self.rest_at(id, values.exact(id));
        }
    }

    /// Tells every parameter that stands elsewhere than it did when last told.
    pub fn advance(&mut self, now: Duration, mut told: impl FnMut(Step)) {
        self.each_moving(|hand, id| {
            let (position, arrived) = hand.lanes[id as usize].at(now);
            let news = arrived || position != hand.told[id as usize];
            hand.told[id as usize] = position;
            if arrived {
                hand.moving &= !bit(id);
            }
            if news {
                let value = if arrived { hand.targets[id as usize] } else { id.row().at(position) };
                told(Step { id, position, value, arrived });
            }
        });
    }

    /// Everything arrives at once: for a panic, a save, the end.
    pub fn flush(&mut self, mut told: impl FnMut(Step)) {
        self.each_moving(|hand, id| {
            let value = hand.targets[id as usize];
            hand.rest_at(id, value);
            told(Step { id, position: hand.told[id as usize], value, arrived: true });
        });
    }

    /// Whether nothing is on its way, and nothing is left to tell.
    #[must_use]
    pub const fn settled(&self) -> bool {
        self.moving == 0
    }

    /// Where a parameter leads: a place of its knob, 0 to 1.
    #[must_use]
    pub const fn target(&self, id: ParamId) -> f64 {
        self.lanes[id as usize].target()
    }

    /// The value to which a parameter leads, in its row's unit.
    #[must_use]
    pub const fn target_value(&self, id: ParamId) -> f64 {
        self.targets[id as usize]
    }

    fn set_out(&mut self, now: Duration, id: ParamId, value: f64, glide: Duration) {
        if !value.is_nan() {
            self.set_out_to(now, id, (value, id.row().position(value)), glide);
        }
    }

    fn set_out_to(&mut self, now: Duration, id: ParamId, (value, position): (f64, f64), glide: Duration) {
        let (row, place) = (id.row(), id as usize);
        if value.is_nan() {
            return;
        }
        let value = row.nearest(value);
        let at_rest = self.moving & bit(id) == 0;
        let glide = if limits::walks(id) { glide } else { Duration::ZERO };
        // Said again, a target is no new one: a hand that trembles in place must not put its arrival off for ever.
        if value == self.targets[place] && (at_rest || glide == self.asked[place]) {
            return;
        }
        self.targets[place] = value;
        self.asked[place] = glide;
        self.lanes[place].set_out(now, position, glide);
        self.moving |= bit(id);
    }

    fn rest_at(&mut self, id: ParamId, value: f64) {
        let place = id as usize;
        let position = id.row().position(value);
        self.targets[place] = value;
        self.told[place] = position;
        self.lanes[place].rest_at(position);
        self.moving &= !bit(id);
    }

    fn each_moving(&mut self, mut visit: impl FnMut(&mut Self, ParamId)) {
        let mut left = self.moving;
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            left &= left - 1;
            visit(self, TABLE_IDS[place]);
        }
    }
}

/// The parameters by their places.
static TABLE_IDS: [ParamId; PARAMS] = {
    let mut ids = [ParamId::Method; PARAMS];
    let mut place = 0;
    while place < PARAMS {
        ids[place] = TABLE[place].id;
        place += 1;
    }
    ids
};

const fn bit(id: ParamId) -> u128 {
    1 << id as u32
}

#[cfg(test)]
mod tests;
