//! How deep the ring may be so that ticks stay as short as they were: the depth gives way to heat, power and other loads, and comes
//! back.
//!
//! A tick that grows takes the hand longer to be heard, and what shares the machine with it (windows on one card, or on the same cores)
//! comes later; nothing but the depth can be taken from it unheard, because a latent is the same at every depth. What a tick has to keep
//! is what the machine has shown it can: what a tick of so many rows took while it was well. From that the machine's slowness is
//! measured, as a factor that is 1 when it is well and is the same for every number of rows; the depth is the greatest whose tick, that
//! much slower, takes at most [`MOST`] times what a tick of the player's own depth takes when it is well.
//!
//! A hand changes what ticks cost too (another prompt, guidance, wavelets). That is no slowness: when the work is another, what it takes
//! is learnt anew, under the slowness of that moment.
//!
//! It falls at once, after [`SURE`] ticks that say the same, and rises by one slot at a time, after it has been sure for
//! [`RISES_AFTER_US`]. Times come as numbers; nothing here reads a clock or allocates.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::param::{Class, ParamId, Values};
use crate::ring::MAX_DEPTH;

/// How much longer than usual a tick may take: beyond it the depth falls.
const MOST: f32 = 1.5;
/// The depth rises when the tick of one slot more would stay below this: a little less than [`MOST`], so that it does not rise and
/// fall in turn.
const SAFE: f32 = 1.3;
/// Ticks that have to agree: one that was held up by chance says nothing.
const SURE: usize = 3;
/// How long a greater depth must have been safe before it is taken, in microseconds.
const RISES_AFTER_US: u64 = 400_000;
/// Rows that a tick may have: each slot under two prompts and the unconditional one.
const ROWS: usize = 3 * MAX_DEPTH;
/// Ticks of fewer microseconds are never held back: nobody hears them, and the system's own jitter is as long.
const SHORT_US: u64 = 2_000;

/// What a tick was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticked {
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Rows that were computed.
    pub rows: usize,
    /// Tells one kind of work from another: ticks of equal work and rows cost the same.
    pub work: u64,
    /// The depth that the player wants.
    pub wanted: usize,
}

/// Tells apart what makes ticks cost more or less than rows do: choices and switches, and of every number whether it is 0 or the usual
/// one, where whatever it scales may be left out.
#[must_use]
pub fn work_of(values: &Values) -> u64 {
    let works = |id: &ParamId| id.row().class != Class::Decode && !matches!(id, ParamId::Depth | ParamId::Seed);
    let mut work = DefaultHasher::new();
    for id in ParamId::all().filter(works) {
        let (row, value) = (id.row(), values.exact(id));
        match row.labels() {
            Some(_) => (value as u64).hash(&mut work),
            None => [0.0, row.default].iter().position(|it| *it == value).hash(&mut work),
        }
    }
    work.finish()
}

/// Watches ticks and says how deep the ring may be.
#[derive(Debug)]
pub struct Governor {
    /// What a tick of so many rows takes when the machine is well, in microseconds; of the work of now.
    usual: [Option<f32>; ROWS + 1],
    work: Option<u64>,
    /// How many times slower than usual the last ticks were.
    late: [f32; SURE],
    depth: usize,
    wanted: usize,
    /// For how long one slot more would have been safe, in microseconds.
    safe_for_us: u64,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            usual: [None; ROWS + 1],
            work: None,
            late: [1.0; SURE],
            depth: MAX_DEPTH,
            wanted: MAX_DEPTH,
            safe_for_us: 0,
        }
    }
}

impl Governor {
    /// A tick was taken; answers how deep the ring may be from now on, the player's own depth where nothing is slow.
    pub fn hear(&mut self, tick: Ticked) -> usize {
        if 0 < tick.rows {
            self.measure(&tick);
        }
        self.follow(tick.wanted);
        if self.is_short(&tick) {
            return self.rise(tick.took_us, MAX_DEPTH);
        }
        // What all of them say at least, and at most: neither a hitch nor a lucky tick moves the depth.
        let (least, most) = self.late.iter().fold((f32::MAX, 0.0_f32), |(low, high), it| (low.min(*it), high.max(*it)));
        let fits = self.fits(least, MOST);
        if fits < self.depth {
            (self.depth, self.safe_for_us) = (fits, 0);
            return self.depth;
        }
        self.rise(tick.took_us, self.fits(most, SAFE))
    }

    /// How deep the ring may be.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Notes how many times slower than usual this tick was. What is usual is learnt from it where nothing is known, and follows it
    /// while the machine is well: slowly to more, and to less as soon as all of the last ticks were shorter.
    fn measure(&mut self, tick: &Ticked) {
        let slowness = self.slowness();
        if self.work != Some(tick.work) {
            (self.work, self.usual) = (Some(tick.work), [None; ROWS + 1]);
        }
        let took = tick.took_us.max(1) as f32;
        let usual = self.usual[tick.rows.min(ROWS)].get_or_insert(took / slowness);
        let late = took / *usual;
        if (1.0..SAFE).contains(&late) {
            *usual += (took - *usual) / 64.0;
        }
        self.late.rotate_left(1);
        self.late[SURE - 1] = late;
        let most = self.late.iter().fold(0.0_f32, |most, it| most.max(*it));
        if most < 1.0 {
            self.usual.iter_mut().flatten().for_each(|it| *it *= most);
            self.late = self.late.map(|it| it / most);
        }
    }

    /// The middle of the last ticks.
    fn slowness(&self) -> f32 {
        let mut late = self.late;
        late.sort_by(f32::total_cmp);
        late[SURE / 2].max(1.0)
    }

    /// The player wants another depth: one that is held back stays so, one that was free is the new one at once.
    fn follow(&mut self, wanted: usize) {
        let wanted = wanted.clamp(1, MAX_DEPTH);
        if self.depth == self.wanted {
            self.depth = wanted;
        }
        (self.wanted, self.depth) = (wanted, self.depth.min(wanted));
    }

    /// The greatest depth whose tick takes at most `share` times what the wanted one takes when the machine is well.
    fn fits(&self, slowness: f32, share: f32) -> usize {
        let room = self.wanted as f32 * share / slowness.max(1.0);
        (room as usize).clamp(1, self.wanted)
    }

    fn is_short(&self, tick: &Ticked) -> bool {
        let slots = tick.rows.clamp(1, self.depth) as u64;
        tick.took_us * self.wanted as u64 / slots < SHORT_US
    }

    /// One slot more when it has been safe for long enough.
    fn rise(&mut self, passed_us: u64, safe: usize) -> usize {
        self.safe_for_us = if self.depth < safe.min(self.wanted) { self.safe_for_us + passed_us } else { 0 };
        if RISES_AFTER_US <= self.safe_for_us {
            (self.depth, self.safe_for_us) = (self.depth + 1, 0);
        }
        self.depth
    }
}

#[cfg(test)]
#[path = "governor_tests.rs"]
mod tests;
