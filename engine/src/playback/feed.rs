//! Where a player's windows, orders and values come from, and where it leaves what it is done with: the queues of its own process,
//! or the memory that it shares with another.
//!
//! The player is the same for both. What comes out of here is checked as far as it can be without the tape; what it costs is
//! bounded, whatever the other side does.

use std::sync::Arc;

use rtrb::{Consumer, Producer};

use super::attached::AttachedFeed;
use super::deck::{Desk, Order};
use super::moment::PlayedFrame;
use super::parcel::{Parcel, Post};
use super::tape::{LoopBand, Tape, TapeId};
use super::transition::Transition;
use crate::boundary::Trace;
use crate::latent::StereoFrame;

/// Either.
#[derive(Debug)]
pub(super) enum Feed {
    Here(FeedHere),
    Attached(Box<AttachedFeed>),
}

/// The queues of one process.
#[derive(Debug)]
pub(super) struct FeedHere {
    pub(super) post: Post,
    pub(super) orders: Consumer<Order>,
    pub(super) retired: Producer<Tape>,
    pub(super) desk: Arc<Desk>,
    pub(super) trace: Option<Trace>,
}

impl Feed {
    /// A step begins at the moment `now`. `busy` says whether a window is being written. Answers whether another engine is obeyed
    /// from now on: what the one before has ordered and is not done, is not.
    pub(super) fn begin_step(&mut self, busy: bool, now: PlayedFrame) -> bool {
        match self {
            Self::Here(_) => false,
            Self::Attached(feed) => feed.begin_step(busy, now),
        }
    }

    /// How many orders may be taken now, at most.
    pub(super) fn orders_waiting(&self) -> usize {
        match self {
            Self::Here(feed) => feed.orders.slots(),
            Self::Attached(feed) => feed.orders_waiting(),
        }
    }

    /// The next order for the tape `tape` of so many frames.
    pub(super) fn next_order(&mut self, tape: TapeId, tape_frames: usize) -> Option<Order> {
        match self {
            Self::Here(feed) => {
                // A swapped tape needs a way home; without one it waits, and the orders behind it too.
                let waits = matches!(feed.orders.peek(), Ok(Order::Swap { .. })) && feed.retired.is_full();
                if waits { None } else { feed.orders.pop().ok() }
            }
            Self::Attached(feed) => feed.next_order(tape, tape_frames),
        }
    }

    /// The next window, with its plan.
    pub(super) fn next_window(&mut self) -> Option<Parcel> {
        match self {
            Self::Here(feed) => feed.post.full.pop().ok(),
            Self::Attached(feed) => feed.next_window(),
        }
    }

    /// The window was taken to be written.
    pub(super) fn took(&mut self, parcel: &Parcel) {
        if let Self::Attached(feed) = self {
            feed.took(parcel);
        }
    }

    /// Brings `frames` of a window's sound here; answers how many are here and finite.
    pub(super) fn fetch(&mut self, parcel: &mut Parcel, frames: usize) -> usize {
        match self {
            Self::Here(_) => parcel.here,
            Self::Attached(feed) => feed.fetch(parcel, frames),
        }
    }

    /// The box is free.
    pub(super) fn send_home(&mut self, parcel: Parcel) {
        match self {
            Self::Here(feed) => feed.post.empty.push(parcel).expect("there are as many places as boxes"),
            Self::Attached(feed) => feed.send_home(parcel),
        }
    }

    /// Whether a tape that is played no more finds room on its way home.
    pub(super) fn has_room_home(&self) -> bool {
        match self {
            Self::Here(feed) => !feed.retired.is_full(),
            Self::Attached(feed) => !feed.retired.is_full(),
        }
    }

    /// The tape of a swap plays from now on.
    pub(super) fn swapped(&mut self, tape: TapeId, how: &Transition) {
        match self {
            Self::Here(feed) => feed.desk.plays(tape),
            Self::Attached(feed) => feed.swapped(how),
        }
    }

    /// The tape is played no more.
    pub(super) fn retire(&mut self, tape: Tape) {
        let retired = match self {
            Self::Here(feed) => &mut feed.retired,
            Self::Attached(feed) => &mut feed.retired,
        };
        retired.push(tape).expect("a place was free before the order was taken");
    }

    /// So much of the tape was written from `place` on; `ends` says whether that was the end of a window.
    pub(super) fn wrote(&mut self, tape: &[StereoFrame], place: usize, frames: usize, ends: bool) {
        if let Self::Attached(feed) = self {
            feed.wrote(tape, place, frames, ends);
        }
    }

    /// Another part loops.
    pub(super) fn loops(&mut self, band: LoopBand) {
        if let Self::Attached(feed) = self {
            feed.loops(band);
        }
    }

    /// `out` was played from the moment `now` on.
    pub(super) fn played(&mut self, now: PlayedFrame, out: &[StereoFrame]) {
        match self {
            Self::Here(feed) => {
                if let Some(trace) = &mut feed.trace {
                    trace.hear(now.count(), out);
                }
            }
            Self::Attached(feed) => feed.played(now, out),
        }
    }

    /// The linear gain to play at: 0 when muted, and for a player that is leaving.
    pub(super) fn gain(&mut self, leaving: bool) -> f32 {
        match self {
            Self::Here(_) if leaving => 0.0,
            Self::Here(feed) => feed.desk.gain(),
            Self::Attached(feed) => feed.gain(leaving),
        }
    }
}
