//! A value on the card as a window onto memory: where it begins and how far apart its numbers lie.
//!
//! Slices, splits, merges and expansions are then no work at all.

use super::layout::BufferId;

/// A strided window of f32 numbers (or of token ids, which are as long).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// None for a weight, or for memory that the plan's owner holds.
    pub(super) buffer: Option<BufferId>,
    pub(super) address: u64,
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
    /// Row-major from an address.
    pub(super) fn whole(buffer: Option<BufferId>, address: u64, shape: &[usize]) -> Self {
        Self { buffer, address, shape: shape.to_vec(), strides: dense(shape) }
    }

    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether its numbers lie one after the other.
    pub(super) fn is_dense(&self) -> bool {
        let mut next = 1;
        self.shape.iter().zip(&self.strides).rev().filter(|it| *it.0 != 1).all(|(&size, &stride)| {
            let fits = stride == next;
            next *= size;
            fits
        })
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
        view.address += 4 * (start * view.strides[axis]) as u64;
        view
    }

    /// An axis of size 1 repeated.
    pub(super) fn expanded(&self, axis: usize, size: usize) -> Self {
        let mut view = self.clone();
        (view.shape[axis], view.strides[axis]) = (size, 0);
        view
    }

    /// Two axes in each other's place.
    pub(super) fn swapped(&self, a: usize, b: usize) -> Self {
        let mut view = self.clone();
        view.shape.swap(a, b);
        view.strides.swap(a, b);
        view
    }

    /// Strides as an operand of a result of this shape: missing axes and axes of size 1 repeat.
    pub(super) fn strides_for(&self, shape: &[usize]) -> Vec<usize> {
        let missing = shape.len() - self.shape.len();
        let own = self.shape.iter().zip(&self.strides).map(|(&size, &stride)| if size == 1 { 0 } else { stride });
        std::iter::repeat_n(0, missing).chain(own).collect()
    }
}
