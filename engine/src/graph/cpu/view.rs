//! How kernels of the processor walk a value: as rows, as vectors, as heads of attention.

use super::attention::Heads;
use super::memory::Slot;
use super::step::Rows;

/// A value in the buffers of a plan.
pub(super) type View = crate::graph::view::View<Slot>;

impl View {
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
}
