//! Scaled dot-product attention over packed keys and values.
//!
//! First every key head is normalised, turned and laid out in panels, then tiles of twelve queries each see only the
//! panels that their window (or causality, or the number of keys in use) lets them see. A key that is hidden gets the
//! weight exactly 0, so a wider panel range gives the same bits.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use super::functions::exp;
use super::lanes::{Kernel, LANES, Lanes};
use super::memory::Slot;
use super::panel::{Finish, PANEL, Panel};
use super::step::{Stage, Step, lines};

/// Queries of a tile: one register tile on the widest processors.
const TILE: usize = 12;
/// Keys that one task prepares.
const KEYS: usize = 2 * PANEL;

/// Where the heads of `[B, tokens, heads, d]` lie; `d` is contiguous.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heads {
    pub(super) slot: Slot,
    pub(super) batch_stride: usize,
    pub(super) token_stride: usize,
    pub(super) head_stride: usize,
}

/// What happens to a head before it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Dressing {
    /// RMS norm: gain and epsilon.
    pub(super) norm: Option<(Slot, f32)>,
    /// Rotary embedding: cosines and sines, each `[tokens, d / 2]`.
    pub(super) rope: Option<(Slot, Slot)>,
}

/// One attention.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    pub(super) batch: usize,
    pub(super) queries: usize,
    pub(super) heads: usize,
    pub(super) keys: usize,
    pub(super) groups: usize,
    pub(super) width: usize,
    pub(super) q: Heads,
    pub(super) k: Heads,
    pub(super) v: Heads,
    pub(super) y: Heads,
    pub(super) q_dressing: Dressing,
    pub(super) k_dressing: Dressing,
    /// 0 hides the key; stride between batch rows.
    pub(super) mask: Option<(Slot, usize)>,
    pub(super) window: Option<usize>,
    pub(super) causal: bool,
    /// Axis whose length says how many keys are in use.
    pub(super) length: Option<usize>,
    /// Room for [`Attention::packed_len`] numbers.
    pub(super) packed: Slot,
}

impl Attention {
    /// Numbers that the packed keys and values take.
    pub(super) fn packed_len(batch: usize, keys: usize, groups: usize, width: usize) -> usize {
        let keys = keys.next_multiple_of(PANEL);
        batch * groups * keys * (width + width.next_multiple_of(PANEL))
    }

    fn key_room(&self) -> usize {
        self.keys.next_multiple_of(PANEL)
    }

    /// Numbers of one head's keys, and of its values.
    fn head_len(&self) -> (usize, usize) {
        (self.key_room() * self.width, self.key_room() * self.width.next_multiple_of(PANEL))
    }

    /// Most keys that a tile scores.
    fn most_scores(&self) -> usize {
        self.window
            .map_or(self.key_room(), |it| self.key_room().min((2 * it + TILE).next_multiple_of(PANEL) + 2 * PANEL))
    }
}

impl Step for Attention {
    fn run(&self, stage: &Stage<'_>) {
        let keys = self.length.map_or(self.keys, |axis| stage.lengths[axis].min(self.keys));
        let at = |slot: Slot| stage.at(slot).cast_const();
        let dress = |it: Dressing| Dressed {
            norm: it.norm.map(|(gain, eps)| (at(gain), eps)),
            rope: it.rope.map(|(cos, sin)| (at(cos), at(sin))),
        };
        let work = Work {
            step: self,
            keys,
            k: at(self.k.slot),
            v: at(self.v.slot),
            q: at(self.q.slot),
            y: stage.at(self.y.slot),
            mask: self.mask.map(|it| at(it.0)),
            packed: stage.at(self.packed),
            q_dress: dress(self.q_dressing),
            k_dress: dress(self.k_dressing),
            chunk: self.chunk(stage.pool.threads()),
        };
        // SAFETY: the plan placed all values; a task prepares panels of its own, or writes queries of its own.
        unsafe {
            stage.spread(&Prepare(&work), self.batch * self.groups * keys.div_ceil(KEYS));
            stage.spread(&Attend(&work), self.batch * self.heads * self.queries.div_ceil(work.chunk));
        }
    }

    fn scratch(&self) -> usize {
        let attend = lines(TILE * self.width) + TILE * self.most_scores() + LANES;
        attend.max(lines(self.width))
    }
}

impl Attention {
    /// Queries of a task: few enough that all threads end together.
    fn chunk(&self, threads: usize) -> usize {
        let fair = (self.batch * self.heads * self.queries).div_ceil(6 * threads * TILE).max(1);
        fair.min(4) * TILE
    }
}

struct Dressed {
    norm: Option<(*const f32, f32)>,
    rope: Option<(*const f32, *const f32)>,
}

struct Work<'a> {
    step: &'a Attention,
    keys: usize,
    q: *const f32,
    k: *const f32,
    v: *const f32,
    y: *mut f32,
    mask: Option<*const f32>,
    packed: *mut f32,
    q_dress: Dressed,
    k_dress: Dressed,
    chunk: usize,
}

impl Work<'_> {
    /// Packed keys and values of a head.
    fn head(&self, batch: usize, group: usize) -> (*mut f32, *mut f32) {
        let (keys, values) = self.step.head_len();
        let start = self.packed.wrapping_add((batch * self.step.groups + group) * (keys + values));
        (start, start.wrapping_add(keys))
    }
}

struct Prepare<'a>(&'a Work<'a>);
struct Attend<'a>(&'a Work<'a>);

// SAFETY: tasks read what nobody writes meanwhile and write apart from each other.
unsafe impl Sync for Prepare<'_> {}
// SAFETY: as above.
unsafe impl Sync for Attend<'_> {}

impl Kernel for Prepare<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, scratch: *mut f32) {
        let (work, step) = (self.0, self.0.step);
        let blocks = work.keys.div_ceil(KEYS);
        let (first, rest) = (task % blocks * KEYS, task / blocks);
        let (group, batch) = (rest % step.groups, rest / step.groups);
        let (keys, values) = work.head(batch, group);
        let end = (first + KEYS).min(work.keys.next_multiple_of(PANEL));
        let width = step.width;
        let of = |heads: &Heads, token: usize| {
            batch * heads.batch_stride + token * heads.token_stride + group * heads.head_stride
        };
        let mut token = first;
        while token < end {
            // Panel, then channel, then key.
            let to = keys.add(token / PANEL * PANEL * width + token % PANEL);
            if token < work.keys {
                dress::<V>(&work.k_dress, work.k.add(of(&step.k, token)), token, width, 1.0, scratch);
                let mut c = 0;
                while c < width {
                    *to.add(c * PANEL) = *scratch.add(c);
                    c += 1;
                }
                copy_value::<V>(work.v.add(of(&step.v, token)), values.add(token * PANEL), width, step.key_room());
            } else {
                let mut c = 0;
                while c < width {
                    *to.add(c * PANEL) = 0.0;
                    c += 1;
                }
            }
            token += 1;
        }
    }
}

/// One value into panels of 32 channels, zeros behind the last.
#[inline(always)]
unsafe fn copy_value<V: Lanes>(from: *const f32, to: *mut f32, width: usize, room: usize) {
    let mut c = 0;
    while c < width.next_multiple_of(PANEL) {
        let value = if c < width { V::load_up_to(from.add(c), width - c) } else { V::splat(0.0) };
        value.store(to.add(c / PANEL * room * PANEL + c % PANEL));
        c += LANES;
    }
}

/// Norm, rotation and a factor on one head.
#[inline(always)]
unsafe fn dress<V: Lanes>(dressing: &Dressed, from: *const f32, token: usize, width: usize, factor: f32, to: *mut f32) {
    let mut scale = V::splat(factor);
    if let Some((_, eps)) = dressing.norm {
        let (mut squares, mut c) = (V::splat(0.0), 0);
        while c < width {
            let x = V::load_up_to(from.add(c), width - c);
            squares = x.fma(x, squares);
            c += LANES;
        }
        scale = V::splat(factor / (squares.sum() / width as f32 + eps).sqrt());
    }
    let mut c = 0;
    while c < width {
        let mut x = V::load_up_to(from.add(c), width - c).mul(scale);
        if let Some((gain, _)) = dressing.norm {
            x = x.mul(V::load_up_to(gain.add(c), width - c));
        }
        x.store_up_to(to.add(c), width - c);
        c += LANES;
    }
    if let Some((cos, sin)) = dressing.rope {
        turn::<V>(to, to, cos, sin, token, width / 2);
    }
}

/// Rotates the halves of a head; `from` may be `to`.
#[inline(always)]
pub(super) unsafe fn turn<V: Lanes>(
    from: *const f32,
    to: *mut f32,
    cos: *const f32,
    sin: *const f32,
    token: usize,
    half: usize,
) {
    let mut c = 0;
    while c < half {
        let count = half - c;
        let (a, b) = (V::load_up_to(from.add(c), count), V::load_up_to(from.add(half + c), count));
        let cos = V::load_up_to(cos.add(token * half + c), count);
        let sin = V::load_up_to(sin.add(token * half + c), count);
        V::splat(0.0).sub(b).fma(sin, a.mul(cos)).store_up_to(to.add(c), count);
        b.fma(cos, a.mul(sin)).store_up_to(to.add(half + c), count);
        c += LANES;
    }
}

impl Kernel for Attend<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, scratch: *mut f32) {
        let (work, step) = (self.0, self.0.step);
        let chunks = step.queries.div_ceil(work.chunk);
        let (first, rest) = (task % chunks * work.chunk, task / chunks);
        let (head, batch) = (rest % step.heads, rest / step.heads);
        let end = (first + work.chunk).min(step.queries);
        let mut query = first;
        while query < end {
            self.tile::<V>([batch, head], query, TILE.min(end - query), scratch);
            query += TILE;
        }
    }
}

impl Attend<'_> {
    /// First key that query `i` may see, and the one past the last.
    #[inline(always)]
    fn seen(&self, i: usize) -> (usize, usize) {
        let (step, keys) = (self.0.step, self.0.keys);
        let (from, mut to) = step.window.map_or((0, keys), |it| (i.saturating_sub(it), keys.min(i + it + 1)));
        if step.causal {
            to = to.min(i + 1);
        }
        (from.min(to), to)
    }

    #[inline(always)]
    unsafe fn tile<V: Lanes>(&self, [batch, head]: [usize; 2], first: usize, rows: usize, scratch: *mut f32) {
        let (work, step) = (self.0, self.0.step);
        let (width, room) = (step.width, step.most_scores());
        let (from, to) = (self.seen(first).0, self.seen(first + rows - 1).1);
        let (panels, base) = (from / PANEL..to.div_ceil(PANEL).max(from / PANEL), from / PANEL * PANEL);
        let y = work.y.add(batch * step.y.batch_stride + first * step.y.token_stride + head * step.y.head_stride);
        let (queries, scores) = (scratch, scratch.add(lines(TILE * width)));
        let totals = scores.add(TILE * room);
        let (keys, values) = work.head(batch, head / (step.heads / step.groups));
        let mut r = 0;
        while r < rows {
            let at = batch * step.q.batch_stride + (first + r) * step.q.token_stride + head * step.q.head_stride;
            let factor = 1.0 / (width as f32).sqrt();
            dress::<V>(&work.q_dress, work.q.add(at), first + r, width, factor, queries.add(r * width));
            r += 1;
        }
        let mut panel = panels.start;
        while panel < panels.end {
            V::panel(&Panel {
                a: queries,
                a_stride: width,
                rows,
                taps: &[0],
                span: width,
                b: keys.add(panel * PANEL * width),
                start: std::ptr::null(),
                c: scores.add(panel * PANEL - base),
                c_stride: room,
                columns: PANEL,
                finish: Finish::Store,
            });
            panel += 1;
        }
        let scored = panels.end * PANEL - base.min(panels.end * PANEL);
        let mut r = 0;
        while r < rows {
            let mask = work.mask.zip(step.mask).map(|(at, (_, stride))| at.add(batch * stride));
            let seen = self.seen(first + r);
            *totals.add(r) = weigh::<V>(scores.add(r * room), scored, base, seen, mask);
            r += 1;
        }
        let mut column = 0;
        while column < width {
            V::panel(&Panel {
                a: scores,
                a_stride: room,
                rows,
                taps: &[0],
                span: scored.min(work.keys.saturating_sub(base)),
                b: values.add(column / PANEL * step.key_room() * PANEL + base * PANEL),
                start: std::ptr::null(),
                c: y.add(column),
                c_stride: step.y.token_stride,
                columns: PANEL.min(width - column),
                finish: Finish::Scale { by: totals },
            });
            column += PANEL;
        }
    }
}

/// Turns the scores of one query into weights that are not yet divided; returns one over their sum, 0 without any.
#[inline(always)]
unsafe fn weigh<V: Lanes>(
    scores: *mut f32,
    count: usize,
    base: usize,
    (from, to): (usize, usize),
    mask: Option<*const f32>,
) -> f32 {
    let hide = |range: std::ops::Range<usize>| range.for_each(|it| *scores.add(it) = f32::NEG_INFINITY);
    hide(0..from.max(base).min(base + count) - base);
    hide(to.max(base).min(base + count) - base..count);
    if let Some(mask) = mask {
        (from..to).for_each(|key| {
            if *mask.add(key) == 0.0 {
                *scores.add(key - base) = f32::NEG_INFINITY;
            }
        });
    }
    let (mut highest, mut at) = (V::splat(f32::NEG_INFINITY), 0);
    while at < count {
        highest = V::load(scores.add(at)).max(highest);
        at += LANES;
    }
    let highest = highest.highest();
    let highest = V::splat(if highest == f32::NEG_INFINITY { 0.0 } else { highest });
    let (mut total, mut at) = (V::splat(0.0), 0);
    while at < count {
        let weight = exp(V::load(scores.add(at)).sub(highest));
        weight.store(scores.add(at));
        total = total.add(weight);
        at += LANES;
    }
    let total = total.sum();
    if total > 0.0 { 1.0 / total } else { 0.0 }
}
