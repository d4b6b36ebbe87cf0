//! A value as a window onto a buffer: where it begins and how far apart its entries lie.
//!
//! Slices, splits, merges and expansions are then no work at all.

use super::attention::Heads;
use super::memory::Slot;
use super::step::Rows;

/// A strided window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) slot: Slot,
    pub(super) shape: Vec<usize>,
    /// Between entries of each axis, in numbers; 0 where it is repeated.
    pub(super) strides: Vec<usize>,
}

/// Strides of a row-major tensor.
pub(super) fn dense(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

impl View {
    /// A whole buffer, row-major.
    pub(super) fn whole(slot: Slot, shape: &[usize]) -> Self {
        Self { slot, shape: shape.to_vec(), strides: dense(shape) }
    }

    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Axes that are longer than 1, neighbours joined where they lie as one.
    fn simplified(&self) -> Vec<(usize, usize)> {
        let mut axes: Vec<(usize, usize)> = Vec::new();
        for (&size, &stride) in self.shape.iter().zip(&self.strides).filter(|it| *it.0 != 1) {
            match axes.last_mut() {
                Some((outer, distance)) if *distance == stride * size => (*outer, *distance) = (*outer * size, stride),
                _ => axes.push((size, stride)),
            }
        }
        axes
    }

    pub(super) fn is_dense(&self) -> bool {
        matches!(self.simplified()[..], [] | [(_, 1)]) || self.len() == 0
    }

    /// Rows of the last axis, all leading axes as groups of rows; `None` when that takes more than two distances.
    pub(super) fn rows(&self) -> Option<Rows> {
        let (&width, leading) = self.shape.split_last()?;
        if width != 1 && *self.strides.last()? != 1 {
            return None;
        }
        let leading =
            Self { slot: self.slot, shape: leading.to_vec(), strides: self.strides[..leading.len()].to_vec() };
        let (slot, axes) = (self.slot, leading.simplified());
        Some(match axes[..] {
            [] => Rows { slot, outer: 1, outer_stride: 0, rows: 1, stride: width },
            [(rows, stride)] => Rows { slot, outer: 1, outer_stride: 0, rows, stride },
            [(outer, outer_stride), (rows, stride)] => Rows { slot, outer, outer_stride, rows, stride },
            _ => return None,
        })
    }

    /// Rows of the last axis, axis 0 as the groups.
    pub(super) fn batch_rows(&self) -> Option<Rows> {
        let (first, rest) = (self.shape.first()?, Self { shape: self.shape[1..].to_vec(), ..self.clone() });
        let rows = Self { strides: self.strides[1..].to_vec(), ..rest }.rows().filter(|it| it.outer == 1)?;
        Some(Rows { outer: *first, outer_stride: self.strides[0], ..rows })
    }

    /// One vector of the last axis for every entry of axis 0 of a tensor of shape `like`: where it begins and the
    /// distance between two.
    pub(super) fn vectors(&self, like: &[usize]) -> Option<(Slot, usize)> {
        let missing = like.len().checked_sub(self.shape.len())?;
        let (&width, _) = self.shape.split_last()?;
        let fits = width == *like.last()? && (width == 1 || *self.strides.last()? == 1);
        let middle = self.shape.iter().enumerate().all(|(axis, &size)| {
            size == 1 || axis + 1 == self.shape.len() || (axis == 0 && missing == 0 && size == like[0])
        });
        let stride = if missing == 0 && self.shape.len() > 1 && self.shape[0] != 1 { self.strides[0] } else { 0 };
        (fits && middle).then_some((self.slot, stride))
    }

    /// `[B, tokens, heads, d]` with whole heads.
    pub(super) fn heads(&self) -> Option<Heads> {
        let &[batch_stride, token_stride, head_stride, last] = &self.strides[..] else { return None };
        let whole = last == 1 || self.shape[3] == 1;
        whole.then_some(Heads { slot: self.slot, batch_stride, token_stride, head_stride })
    }

    /// Axes `axis` and `axis + 1` as one, when they lie as one.
    pub(super) fn merged(&self, axis: usize) -> Option<Self> {
        let (outer, inner) = (self.shape[axis], self.shape[axis + 1]);
        let (far, near) = (self.strides[axis], self.strides[axis + 1]);
        let stride = if inner == 1 { far } else { near };
        (outer == 1 || inner == 1 || far == near * inner).then(|| {
            let mut view = self.clone();
            view.shape.splice(axis..axis + 2, [outer * inner]);
            view.strides.splice(axis..axis + 2, [stride]);
            view
        })
    }

    /// The axis as two, the second of size `inner`.
    pub(super) fn split(&self, axis: usize, inner: usize) -> Self {
        let (size, stride) = (self.shape[axis], self.strides[axis]);
        let mut view = self.clone();
        view.shape.splice(axis..=axis, [size / inner, inner]);
        view.strides.splice(axis..=axis, [stride * inner, stride]);
        view
    }

    /// `len` entries from `start`.
    pub(super) fn slice(&self, axis: usize, start: usize, len: usize) -> Self {
        let mut view = self.clone();
        view.shape[axis] = len;
        view.slot = view.slot.plus(start * view.strides[axis]);
        view
    }

    /// An axis of size 1 repeated.
    pub(super) fn expanded(&self, axis: usize, size: usize) -> Self {
        let mut view = self.clone();
        (view.shape[axis], view.strides[axis]) = (size, 0);
        view
    }

    /// Strides as an operand of a result of this shape: missing axes and axes of size 1 repeat.
    pub(super) fn strides_for(&self, shape: &[usize]) -> Vec<usize> {
        let missing = shape.len() - self.shape.len();
        let own = self.shape.iter().zip(&self.strides).map(|(&size, &stride)| if size == 1 { 0 } else { stride });
        std::iter::repeat_n(0, missing).chain(own).collect()
    }
}
