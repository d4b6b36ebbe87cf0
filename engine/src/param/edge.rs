//! Things that happen once, on their way from the control thread to the tick thread.
//!
//! Unlike a value, an edge is never overwritten and never lost: the queue is bounded, and when it is full the sender gets
//! the edge back and must hold its input until there is room (backpressure to the control thread, which can wait; the tick
//! thread cannot). What the tick thread is done with travels home, so that it never frees memory.
//!
//! Values travel beside the edges, through a triple buffer of their own. So that a patch's curves and its values reach the
//! same tick, an edge carries the number of the snapshot that it belongs to: it leaves before that snapshot is published, and
//! is obeyed by the tick that sees it.

use std::sync::Arc;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::ParamId;

/// Something that happens once.
///
/// `L` is what a worker hands over when a load is done (a source with its latent, a prompt's tokens, ...): the live
/// instrument names it, this room only carries it whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Edge<L> {
    /// Slots born from now on take the next seed of the series that starts at the seed parameter.
    Reseed,
    /// Play this parameter by a curve, one value a latent frame, or by its value again.
    SetCurve(ParamId, Option<Arc<[f32]>>),
    /// A worker has prepared this; swap it in whole.
    Load(L),
}

/// Why an edge did not leave; it is inside, so that nothing is lost.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Unsent<L> {
    /// The tick thread has not caught up. Hold input and send this edge again before any other.
    #[error("the edge queue is full")]
    Full(Edge<L>),
    /// The tick thread is gone; nothing will ever be taken.
    #[error("the instrument has stopped")]
    Stopped(Edge<L>),
}

/// The control thread's end.
#[derive(Debug)]
pub struct EdgeSender<L> {
    out: Producer<(u64, Edge<L>)>,
    home: Consumer<Edge<L>>,
    /// What has come home and nobody has asked for yet.
    came: Vec<Edge<L>>,
}

/// The tick thread's end: never blocks, allocates or frees.
#[derive(Debug)]
pub struct EdgeReceiver<L> {
    out: Consumer<(u64, Edge<L>)>,
    home: Producer<Edge<L>>,
}

/// A queue of `places` edges, at least one.
#[must_use]
pub fn edge_queue<L>(places: usize) -> (EdgeSender<L>, EdgeReceiver<L>) {
    let places = places.max(1);
    let (out_in, out_out) = RingBuffer::new(places);
    // Home holds everything that can be out at once: what waits in the queue plus what was taken since the last send.
    let (home_in, home_out) = RingBuffer::new(2 * places);
    (EdgeSender { out: out_in, home: home_out, came: Vec::new() }, EdgeReceiver { out: out_out, home: home_in })
}

impl<L> EdgeSender<L> {
    /// Sends one edge, to be obeyed by the tick that sees snapshot `generation` or a later one.
    ///
    /// # Errors
    /// [`Unsent`], with the edge inside.
    pub fn send(&mut self, edge: Edge<L>, generation: u64) -> Result<(), Unsent<L>> {
        self.bring_home();
        if self.out.is_abandoned() {
            return Err(Unsent::Stopped(edge));
        }
        self.out.push((generation, edge)).map_err(|PushError::Full((_, edge))| Unsent::Full(edge))
    }

    /// Free places.
    #[must_use]
    pub fn room(&self) -> usize {
        self.out.slots()
    }

    /// Frees what has come home.
    pub fn clear_home(&mut self) {
        self.come_home().for_each(drop);
    }

    /// What has come home since the last call, in its order.
    pub fn come_home(&mut self) -> impl Iterator<Item = Edge<L>> + '_ {
        self.bring_home();
        self.came.drain(..)
    }

    /// Makes room on the way home. Nothing is freed here: some of it is still held by the tick side.
    fn bring_home(&mut self) {
        self.came.extend(std::iter::from_fn(|| self.home.pop().ok()));
    }
}

impl<L> EdgeReceiver<L> {
    /// The oldest edge not yet taken, if it belongs to snapshot `generation` or an earlier one; the others wait behind it.
    pub fn next_edge(&mut self, generation: u64) -> Option<Edge<L>> {
        self.is_due(generation).then(|| self.out.pop().ok()).flatten().map(|(_, edge)| edge)
    }

    /// Whether [`Self::next_edge`] would answer one.
    #[must_use]
    pub fn is_due(&self, generation: u64) -> bool {
        self.out.peek().is_ok_and(|(belongs_to, _)| *belongs_to <= generation)
    }

    /// Sends used memory home in whatever edge carries it (an old curve, an old source), so that it is freed there.
    ///
    /// One call for each taken edge always finds room. More than that may not; then it is freed here, and the answer is
    /// `false`.
    pub fn retire(&mut self, edge: Edge<L>) -> bool {
        self.home.push(edge).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Edge, Unsent, edge_queue};
    use crate::param::ParamId;
    use std::sync::Arc;

    #[test]
    fn a_full_queue_gives_the_edge_back_and_loses_none() {
        let (mut sender, mut receiver) = edge_queue::<u32>(2);
        assert_eq!(sender.send(Edge::Load(1), 0), Ok(()));
        assert_eq!(sender.send(Edge::Load(2), 0), Ok(()));
        assert_eq!(sender.room(), 0);
        let held = match sender.send(Edge::Load(3), 0) {
            Err(Unsent::Full(edge)) => edge,
            other => panic!("expected a full queue, found {other:?}"),
        };
        assert_eq!(receiver.next_edge(0), Some(Edge::Load(1)));
        assert_eq!(sender.send(held, 0), Ok(()));
        assert_eq!(receiver.next_edge(0), Some(Edge::Load(2)));
        assert_eq!(receiver.next_edge(0), Some(Edge::Load(3)));
        assert_eq!(receiver.next_edge(0), None);
    }

    #[test]
    fn an_edge_waits_for_the_snapshot_that_it_belongs_to_and_the_edges_behind_it_wait_too() {
        let (mut sender, mut receiver) = edge_queue::<u32>(3);
        for (load, generation) in [(1, 0), (2, 2), (3, 0)] {
            assert_eq!(sender.send(Edge::Load(load), generation), Ok(()));
        }
        assert_eq!([receiver.next_edge(1), receiver.next_edge(1)], [Some(Edge::Load(1)), None]);
        assert_eq!([receiver.next_edge(2), receiver.next_edge(2)], [Some(Edge::Load(2)), Some(Edge::Load(3))]);
    }

    #[test]
    fn an_edge_to_a_stopped_instrument_says_so() {
        let (mut sender, receiver) = edge_queue::<u32>(2);
        drop(receiver);
        assert_eq!(sender.send(Edge::Reseed, 0), Err(Unsent::Stopped(Edge::Reseed)));
    }

    #[test]
    fn a_retired_curve_is_freed_by_the_control_thread() {
        let (mut sender, mut receiver) = edge_queue::<u32>(1);
        let curve: Arc<[f32]> = Arc::from(vec![0.5; 25]);
        let watch = Arc::downgrade(&curve);
        assert_eq!(sender.send(Edge::SetCurve(ParamId::SourceBlend, Some(curve)), 0), Ok(()));
        let taken = receiver.next_edge(0).expect("one was sent");
        assert!(receiver.retire(taken));
        assert!(watch.upgrade().is_some(), "freed on the tick thread");
        sender.clear_home();
        assert!(watch.upgrade().is_none(), "freed nowhere");
    }

    #[test]
    fn one_retirement_an_edge_always_finds_room() {
        let (mut sender, mut receiver) = edge_queue::<u32>(1);
        assert_eq!(sender.send(Edge::Load(1), 0), Ok(()));
        let first = receiver.next_edge(0).expect("one was sent");
        assert_eq!(sender.send(Edge::Load(2), 0), Ok(()));
        let second = receiver.next_edge(0).expect("one was sent");
        assert!(receiver.retire(first));
        assert!(receiver.retire(second));
        assert_eq!(sender.room(), 1);
    }

    #[test]
    fn whatever_is_out_at_once_finds_room_on_its_way_home() {
        let (mut sender, mut receiver) = edge_queue::<u32>(3);
        let mut taken = Vec::new();
        for _ in 0..2 {
            (0..3).for_each(|load| assert_eq!(sender.send(Edge::Load(load), 0), Ok(())));
            taken.extend(std::iter::from_fn(|| receiver.next_edge(0)));
        }
        assert_eq!(taken.len(), 6);
        assert!(taken.into_iter().all(|edge| receiver.retire(edge)), "freed on the tick thread");
    }

    #[test]
    fn a_busy_queue_keeps_room_for_what_comes_home() {
        let (mut sender, mut receiver) = edge_queue::<u32>(3);
        for _ in 0..3 {
            for load in 0..3 {
                assert_eq!(sender.send(Edge::Load(load), 0), Ok(()));
            }
            while let Some(edge) = receiver.next_edge(0) {
                assert!(receiver.retire(edge));
            }
        }
    }
}
