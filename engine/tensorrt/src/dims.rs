//! A tensor's dimensions without an allocation, since a tick asks for them.

use std::fmt;
use std::ops::Deref;

use crate::sys;

/// Up to eight dimensions; -1 is one that is decided at run time. Reads as a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    rank: usize,
    sizes: [i64; sys::DT_RANK_MAX as usize],
}

impl Dims {
    /// The dimensions, or nothing when there are more than TensorRT can hold.
    #[must_use]
    pub fn new(sizes: &[i64]) -> Option<Self> {
        let mut held = [0; sys::DT_RANK_MAX as usize];
        held.get_mut(..sizes.len())?.copy_from_slice(sizes);
        Some(Self { rank: sizes.len(), sizes: held })
    }

    /// Elements that such a tensor holds, or nothing while a dimension is open.
    #[must_use]
    pub fn elements(&self) -> Option<u64> {
        self.iter().try_fold(1_u64, |product, size| product.checked_mul(u64::try_from(*size).ok()?))
    }

    pub(crate) fn from_raw(raw: &sys::dt_dims) -> Self {
        let rank = usize::try_from(raw.rank).unwrap_or(0).min(raw.size.len());
        Self { rank, sizes: raw.size }
    }

    pub(crate) fn to_raw(self) -> sys::dt_dims {
        sys::dt_dims { rank: self.rank as i32, size: self.sizes }
    }
}

impl Deref for Dims {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        &self.sizes[..self.rank]
    }
}

/// `2x1500x64`; a dimension that is open is `?`.
impl fmt::Display for Dims {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return out.write_str("scalar");
        }
        for (index, size) in self.iter().enumerate() {
            let cross = if index == 0 { "" } else { "x" };
            if *size < 0 { write!(out, "{cross}?")? } else { write!(out, "{cross}{size}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Dims;

    #[test]
    fn dimensions_read_as_they_were_written() {
        let dims = Dims::new(&[2, -1, 64]).unwrap();
        assert_eq!(&dims[..], [2, -1, 64]);
        assert_eq!(dims.to_string(), "2x?x64");
        assert_eq!(dims.elements(), None);
        assert_eq!(Dims::new(&[2, 3]).unwrap().elements(), Some(6));
        assert_eq!(Dims::new(&[]).unwrap().to_string(), "scalar");
        assert_eq!(Dims::new(&[1; 9]), None);
    }
}
