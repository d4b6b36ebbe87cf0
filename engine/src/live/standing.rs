//! Whether ticks would make anything but the latent that stands.
//!
//! A generation is made of the values that ticks hear, of what edges brought (curves, seeds, a set), and where there is feedback of
//! the latents before it; of nothing else, no clock and no count (noise is keyed by the seed alone). So when nothing of this has
//! moved since the first of [`TAPS`] latents in a row was born, and they are equal bit for bit, every further tick makes that latent
//! again, and the memory of feedback holds nothing else either: leaving ticks out is heard by nobody, now or after the next gesture.
//! [`TAPS`] is also the greatest depth, so that a whole ring has gone through. What lies in the ring goes on where it is.

use super::births::TAPS;
use crate::param::{Class, ParamId, Values};
use crate::ring::Ring;

/// What is known of the latents of late.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The values of the last tick.
    heard: Option<Values>,
    /// The first ticket that was born since something moved.
    since: u64,
    /// Latents in a row, born since then, that are equal bit for bit.
    equal: usize,
}

impl Standing {
    /// A tick begins under these values.
    pub(super) fn hear(&mut self, values: &Values, ring: &Ring) {
        if !self.has_heard(values) {
            self.disturb(ring);
        }
        self.heard = Some(*values);
    }

    /// Something that makes latents has moved.
    pub(super) fn disturb(&mut self, ring: &Ring) {
        (self.since, self.equal) = (ring.next_ticket(), 0);
    }

    /// A latent has finished, `equal` bit for bit to the one before it or not.
    pub(super) fn finished(&mut self, ticket: u64, equal: bool) {
        self.equal = match self.since <= ticket {
            true if equal => self.equal + 1,
            young => usize::from(young),
        };
    }

    /// Whether a tick under these values makes the same latent again, and nothing else, where none is made of those before it.
    pub(super) fn stands(&self, values: &Values, ring: &Ring) -> bool {
        let of_now = |ticket| self.since <= ticket;
        TAPS <= self.equal && self.has_heard(values) && ring.slots().flatten().all(|slot| of_now(slot.ticket))
    }

    /// Whether ticks have heard these values. What windows alone are made of is none of theirs.
    fn has_heard(&self, values: &Values) -> bool {
        let Some(heard) = &self.heard else { return false };
        heard == values
            || ParamId::all().all(|id| id.row().class == Class::Decode || heard.exact(id) == values.exact(id))
    }
}

/// Whether two latents are the same bit for bit.
pub(super) fn same_bits(a: &[f32], b: &[f32]) -> bool {
    // A run at a time: what differs mostly does at once, and a run without a way out is fast.
    const RUN: usize = 256;
    let differs = |(a, b): (&[f32], &[f32])| a.iter().zip(b).fold(0, |all, (a, b)| all | (a.to_bits() ^ b.to_bits()));
    a.len() == b.len() && a.chunks(RUN).zip(b.chunks(RUN)).all(|runs| differs(runs) == 0)
}

#[cfg(test)]
mod tests {
    use super::{Standing, same_bits};

    #[test]
    fn one_bit_anywhere_tells_two_latents_apart() {
        let one: Vec<f32> = (0..700).map(|at| at as f32).collect();
        assert!(same_bits(&one, &one.clone()) && !same_bits(&one, &one[1..]));
        for at in [0, 255, 256, 699] {
            let mut other = one.clone();
            other[at] = f32::from_bits(other[at].to_bits() ^ 1);
            assert!(!same_bits(&one, &other), "at {at}");
            // The same bit in its neighbour: two differences make no likeness.
            let beside = if at == 699 { 698 } else { at ^ 1 };
            other[beside] = f32::from_bits(other[beside].to_bits() ^ 1);
            assert!(!same_bits(&one, &other), "at {at} and {beside}");
        }
        assert!(!same_bits(&[0.0], &[-0.0]), "the sign of nothing is heard by a next step");
    }

    #[test]
    fn only_equal_latents_in_a_row_that_were_born_since_something_moved_are_counted() {
        let mut standing = Standing { since: 5, ..Standing::default() };
        let mut after = |ticket, equal| {
            standing.finished(ticket, equal);
            standing.equal
        };
        assert_eq!([after(4, true), after(5, true), after(6, true), after(7, false), after(8, true)], [0, 1, 2, 1, 2]);
    }
}
