//! Packing several token sequences into one: valid tokens first, order kept, as the published condition encoder does.
//!
//! Only sequences that were padded for a batch need it; a single prompt packs to a plain concatenation. The sequence
//! that the velocity network hears is `pack(pack(lyrics, timbre), text)`.

/// A batch of sequences, padded to one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded {
    /// Numbers of one token.
    pub width: usize,
    /// Tokens of one row, padding included.
    pub tokens: usize,
    /// `[rows, tokens, width]`.
    pub values: Vec<f32>,
    /// `[rows, tokens]`, false for padding.
    pub valid: Vec<bool>,
}

impl Padded {
    /// A batch of `[rows, tokens, width]` with its mask.
    ///
    /// # Panics
    /// When the two do not have the same number of tokens.
    #[must_use]
    pub fn new(width: usize, tokens: usize, values: Vec<f32>, valid: Vec<bool>) -> Self {
        assert_eq!(values.len(), valid.len() * width, "one mask entry a token");
        Self { width, tokens, values, valid }
    }

    /// One sequence without padding, `[tokens, width]`.
    #[must_use]
    pub fn whole(width: usize, values: Vec<f32>) -> Self {
        let tokens = values.len() / width;
        Self::new(width, tokens, values, vec![true; tokens])
    }

    /// Number of sequences.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.valid.len().checked_div(self.tokens).unwrap_or(0)
    }

    fn token(&self, row: usize, at: usize) -> &[f32] {
        let first = (row * self.tokens + at) * self.width;
        &self.values[first..first + self.width]
    }
}

/// Joins two batches row by row. Valid tokens come first, in their order; masked ones follow with the values they had.
///
/// # Panics
/// When rows or widths differ.
#[must_use]
pub fn pack(first: &Padded, second: &Padded) -> Padded {
    assert_eq!(first.width, second.width, "tokens of one width");
    assert_eq!(first.rows(), second.rows(), "the same rows");
    let tokens = first.tokens + second.tokens;
    let mut packed = Padded::new(first.width, tokens, Vec::new(), Vec::new());
    for row in 0..first.rows() {
        let joined = [first, second].into_iter().flat_map(|it| (0..it.tokens).map(move |at| (it, at)));
        let joined: Vec<(&Padded, usize)> = joined.collect();
        let is_valid = |(it, at): &&(&Padded, usize)| it.valid[row * it.tokens + at];
        let valid = joined.iter().filter(is_valid).count();
        let in_order = joined.iter().filter(is_valid).chain(joined.iter().filter(|it| !is_valid(it)));
        in_order.for_each(|(it, at)| packed.values.extend_from_slice(it.token(row, *at)));
        packed.valid.extend((0..tokens).map(|at| at < valid));
    }
    packed
}

/// Sorts timbre tokens `[references, width]` into rows: reference `n` belongs to row `rows[n]`. Rows with fewer
/// references than the fullest are padded with zeros.
#[must_use]
pub fn group(width: usize, values: &[f32], rows: &[usize]) -> Padded {
    let count = rows.iter().max().map_or(0, |it| it + 1);
    let members = |row: usize| rows.iter().enumerate().filter(move |(_, it)| **it == row).map(|(n, _)| n);
    let most = (0..count).map(|row| members(row).count()).max().unwrap_or(0);
    let mut grouped = Padded::new(width, most, Vec::new(), Vec::new());
    for row in 0..count {
        let before = grouped.values.len();
        members(row).for_each(|n| grouped.values.extend_from_slice(&values[n * width..(n + 1) * width]));
        let found = (grouped.values.len() - before) / width;
        grouped.values.resize(before + most * width, 0.0);
        grouped.valid.extend((0..most).map(|at| at < found));
    }
    grouped
}

#[cfg(test)]
mod tests {
    //! Goal: packing loses, doubles and reorders nothing.

    use super::*;

    #[test]
    fn valid_tokens_come_first_in_their_order_and_padding_keeps_its_values() {
        let lyrics = Padded::new(1, 3, vec![1.0, 2.0, 3.0], vec![true, false, true]);
        let text = Padded::new(1, 2, vec![4.0, 5.0], vec![false, true]);
        let packed = pack(&lyrics, &text);
        assert_eq!(packed.values, [1.0, 3.0, 5.0, 2.0, 4.0]);
        assert_eq!(packed.valid, [true, true, true, false, false]);
    }

    #[test]
    fn references_reach_their_own_row_whatever_their_order() {
        let grouped = group(1, &[10.0, 20.0, 11.0], &[1, 2, 1]);
        assert_eq!(grouped.values, [0.0, 0.0, 10.0, 11.0, 20.0, 0.0]);
        assert_eq!(grouped.valid, [false, false, true, true, true, false]);
    }
}
