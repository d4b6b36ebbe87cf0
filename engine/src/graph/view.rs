//! A value as a window onto memory: where it begins and how far apart its numbers lie.
//!
//! Slices, splits, merges and expansions are then no work at all. Which memory is the lowering's affair ([`Place`]): a buffer of
//! a plan on the host, an address on a card.

/// Where a number lies, in some memory.
pub(crate) trait Place: Copy {
    /// `by` numbers further.
    fn plus(self, by: usize) -> Self;
}

/// A strided window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View<P> {
    /// Its first number.
    pub(crate) slot: P,
    pub(crate) shape: Vec<usize>,
    /// Between entries of each axis, in numbers; 0 where it is repeated.
    pub(crate) strides: Vec<usize>,
}

/// Strides of a row-major tensor.
fn dense(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// A walk over several operands of one shape at once, in as few axes as it takes: axes of size 1 are left out, neighbours that
/// lie as one in all of them are joined. Comes back with the sizes of the axes and with each operand's strides.
pub(crate) fn joined(shape: &[usize], strides: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let (mut axes, mut out): (Vec<usize>, Vec<Vec<usize>>) = (Vec::new(), vec![Vec::new(); strides.len()]);
    for (axis, &size) in shape.iter().enumerate().filter(|it| *it.1 != 1) {
        let fits = strides.iter().zip(&out).all(|(from, to)| to.last() == Some(&(from[axis] * size)));
        if fits && !axes.is_empty() {
            *axes.last_mut().expect("asked above") *= size;
            for (from, to) in strides.iter().zip(&mut out) {
                *to.last_mut().expect("as long as the axes") = from[axis];
            }
        } else {
            axes.push(size);
            strides.iter().zip(&mut out).for_each(|(from, to)| to.push(from[axis]));
        }
    }
    (axes, out)
}

impl<P: Place> View<P> {
    /// Row-major from a place.
    pub(crate) fn whole(slot: P, shape: &[usize]) -> Self {
        Self { slot, shape: shape.to_vec(), strides: dense(shape) }
    }

    /// Its numbers.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Axes that are longer than 1, each with its stride; neighbours joined where they lie as one.
    pub(crate) fn simplified(&self) -> Vec<(usize, usize)> {
        let (axes, strides) = joined(&self.shape, std::slice::from_ref(&self.strides));
        axes.into_iter().zip(strides.into_iter().flatten()).collect()
    }

    /// Whether its numbers lie one after the other.
    pub(crate) fn is_dense(&self) -> bool {
        matches!(self.simplified()[..], [] | [(_, 1)]) || self.len() == 0
    }

    /// Axes `axis` and `axis + 1` as one, when they lie as one.
    pub(crate) fn merged(&self, axis: usize) -> Option<Self> {
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
    pub(crate) fn split(&self, axis: usize, inner: usize) -> Self {
        let (size, stride) = (self.shape[axis], self.strides[axis]);
        let mut view = self.clone();
        view.shape.splice(axis..=axis, [size / inner, inner]);
        view.strides.splice(axis..=axis, [stride * inner, stride]);
        view
    }

    /// `len` entries from `start`.
    pub(crate) fn slice(&self, axis: usize, start: usize, len: usize) -> Self {
        let mut view = self.clone();
        view.shape[axis] = len;
        view.slot = view.slot.plus(start * view.strides[axis]);
        view
    }

    /// An axis of size 1 repeated.
    pub(crate) fn expanded(&self, axis: usize, size: usize) -> Self {
        let mut view = self.clone();
        (view.shape[axis], view.strides[axis]) = (size, 0);
        view
    }

    /// Two axes in each other's place.
    pub(crate) fn swapped(&self, a: usize, b: usize) -> Self {
        let mut view = self.clone();
        view.shape.swap(a, b);
        view.strides.swap(a, b);
        view
    }

    /// Strides as an operand of a result of this shape: missing axes and axes of size 1 repeat.
    pub(crate) fn strides_for(&self, shape: &[usize]) -> Vec<usize> {
        let missing = shape.len() - self.shape.len();
        let own = self.shape.iter().zip(&self.strides).map(|(&size, &stride)| if size == 1 { 0 } else { stride });
        std::iter::repeat_n(0, missing).chain(own).collect()
    }
}

#[cfg(test)]
mod tests {
    //! Goal: a view reads the numbers that it says it reads, whatever it was made of.

    use super::*;

    impl Place for usize {
        fn plus(self, by: usize) -> Self {
            self + by
        }
    }

    /// The places of all numbers, row by row.
    fn places(view: &View<usize>) -> Vec<usize> {
        let axes = view.shape.iter().zip(&view.strides);
        axes.fold(vec![view.slot], |places, (&size, &stride)| {
            places.iter().flat_map(|at| (0..size).map(move |entry| at + entry * stride)).collect()
        })
    }

    #[test]
    fn what_is_cut_split_and_swapped_reads_the_same_numbers() {
        let whole = View::whole(7, &[2, 3, 4]);
        assert_eq!(places(&whole), (7..31).collect::<Vec<_>>());
        assert_eq!(places(&whole.slice(1, 1, 2)), [11, 12, 13, 14, 15, 16, 17, 18, 23, 24, 25, 26, 27, 28, 29, 30]);
        let split = whole.split(2, 2);
        assert_eq!((split.shape.clone(), places(&split)), (vec![2, 3, 2, 2], places(&whole)));
        assert_eq!(split.merged(2), Some(whole.clone()));
        assert_eq!(places(&whole.slice(0, 0, 1).swapped(1, 2))[..4], [7, 11, 15, 8]);
        assert_eq!(places(&View::whole(3, &[1, 2]).expanded(0, 2)), [3, 4, 3, 4]);
        assert_eq!(View::whole(3, &[1, 2]).strides_for(&[5, 4, 2]), [0, 0, 1]);
    }

    #[test]
    fn only_what_lies_without_gaps_is_dense_and_only_what_lies_as_one_is_merged() {
        let whole = View::whole(0, &[2, 3, 4]);
        assert!(whole.is_dense() && whole.slice(0, 1, 1).is_dense() && whole.slice(1, 0, 0).is_dense());
        for gaps in [whole.slice(1, 0, 2), whole.slice(2, 1, 1), whole.swapped(1, 2)] {
            assert!(!gaps.is_dense(), "{gaps:?}");
        }
        assert_eq!(whole.slice(1, 0, 2).merged(0), None);
        assert_eq!(whole.slice(1, 0, 2).merged(1).map(|it| it.shape), Some(vec![2, 8]));
        let walk = joined(&[2, 1, 3, 4], &[vec![12, 12, 4, 1], vec![0, 0, 4, 1]]);
        assert_eq!(walk, (vec![2, 12], vec![vec![12, 1], vec![0, 1]]));
    }
}
