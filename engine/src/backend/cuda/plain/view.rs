//! What a view's place is on a card: an address, and the buffer of the arena that has to live until it was read.

use crate::graph::layout::BufferId;
use crate::graph::view::Place;

/// A place on the card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Memory {
    /// None for a weight, or for memory that the plan's owner holds.
    pub(super) buffer: Option<BufferId>,
    pub(super) address: u64,
}

/// A value on the card: f32 numbers (or token ids, which are as long).
pub(super) type View = crate::graph::view::View<Memory>;

impl Memory {
    /// Memory that no plan places.
    pub(super) fn fixed(address: u64) -> Self {
        Self { buffer: None, address }
    }
}

impl Place for Memory {
    fn plus(self, by: usize) -> Self {
        Self { address: self.address + (size_of::<f32>() * by) as u64, ..self }
    }
}
