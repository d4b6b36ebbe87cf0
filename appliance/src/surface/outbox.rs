//! What waits for one wire: edges, which happen once, and lights, which are a state.
//!
//! An edge (clock, start, stop, continue, position, program) leaves before any light. [`EDGES`] may wait. When a wire is stuck
//! for so long that they are full, the oldest clock is left out and counted; where no clock waits, the oldest of those that
//! something later has made meaningless: a program behind which another of its channel waits, a start behind which a stop
//! waits. What waits last of its kind, a start or a stop among them, is never left out.
//!
//! Of each light the latest is told, at the place in the queue that the one before it had. [`LIGHTS`] may wait; what does not
//! fit is left out, and all lights of that wire are told again when there is room. While a wire is broken no light waits.
//!
//! Plain values: nothing here sends, locks or reads a clock.

use std::collections::VecDeque;

use hal::gesture::{Reply, Transport};
use hal::midi::message::{program, transport};

/// Edges that may wait: over two seconds of clock at 300 beats a minute, over ten at 60.
pub const EDGES: usize = 256;
/// Lights that may wait: every light of a large controller, twice.
pub const LIGHTS: usize = 512;
/// Of edges that are no clocks, one for each of the 16 channels, a start and a position may be the last of their kind: a full
/// queue always holds one that is not.
const _: () = assert!(EDGES > 16 + 2);

/// What happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A word of clock or song.
    Song(Transport),
    /// A program change.
    Program {
        /// 1 to 16.
        channel: u8,
        /// 0 to 127.
        number: u8,
    },
}

impl Edge {
    /// Its bytes.
    #[must_use]
    pub fn reply(self) -> Reply {
        Reply::Midi(match self {
            Self::Song(word) => transport(word),
            Self::Program { channel, number } => program(channel, number).to_vec(),
        })
    }

    /// What a later edge of the same kind makes meaningless: a program of this channel, a place in the song, whether it plays.
    /// None for a clock, of which each one counts.
    fn kind(self) -> Option<u8> {
        match self {
            Self::Song(Transport::Clock) => None,
            Self::Song(Transport::Position(_)) => Some(0xf2),
            Self::Song(Transport::Start | Transport::Continue | Transport::Stop) => Some(0xfa),
            Self::Program { channel, .. } => Some(channel),
        }
    }
}

/// What is said next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// What happened once.
    Edge(Edge),
    /// A light, or something else that can be told again.
    Light(Reply),
}

impl Item {
    /// Its bytes.
    #[must_use]
    pub fn reply(&self) -> Reply {
        match self {
            Self::Edge(edge) => edge.reply(),
            Self::Light(reply) => reply.clone(),
        }
    }
}

/// The queues of one wire.
#[derive(Debug, Default)]
pub struct Outbox {
    edges: VecDeque<Edge>,
    lights: VecDeque<Reply>,
    /// The last thing said did not arrive.
    broken: bool,
    /// Lights were left out.
    again: bool,
    /// The last word told of start, continue and stop.
    plays: Option<Transport>,
    /// Clocks left out since the wire broke, and since the song was last placed anew.
    lost: u64,
    misplaced: bool,
}

impl Outbox {
    /// An edge is to be said.
    pub fn edge(&mut self, edge: Edge) {
        if let Edge::Song(word @ (Transport::Start | Transport::Continue | Transport::Stop)) = edge {
            self.plays = Some(word);
        }
        if self.edges.len() >= EDGES {
            self.make_room();
        }
        self.edges.push_back(edge);
    }

    /// A light is to be told.
    pub fn light(&mut self, reply: &Reply) {
        let is_full = self.lights.len() >= LIGHTS;
        match self.lights.iter_mut().find(|waiting| *waiting == reply || is_same_light(waiting, reply)) {
            _ if self.broken => self.again = true,
            Some(waiting) => waiting.clone_from(reply),
            None if is_full => self.again = true,
            None => self.lights.push_back(reply.clone()),
        }
    }

    /// What is said next.
    pub fn pop(&mut self) -> Option<Item> {
        let edge = self.edges.pop_front().map(Item::Edge);
        edge.or_else(|| self.lights.pop_front().map(Item::Light))
    }

    /// What was popped did not arrive: it is said first when it is tried again. Lights are told anew once the wire works.
    pub fn failed(&mut self, item: Item) {
        self.broken = true;
        self.again |= !self.lights.is_empty();
        self.lights.clear();
        match item {
            Item::Edge(edge) => {
                if self.edges.len() >= EDGES {
                    self.make_room();
                }
                self.edges.push_front(edge);
            }
            Item::Light(reply) => {
                self.again = true;
                // By this one it is seen whether the wire works again.
                self.lights.push_front(reply);
            }
        }
    }

    /// Something arrived; answers how many clocks were lost, if the wire was broken. One that stopped is told so again, since
    /// nobody knows what it heard.
    pub fn arrived(&mut self) -> Option<u64> {
        if !std::mem::take(&mut self.broken) {
            return None;
        }
        self.again = true;
        let waits = self.edges.iter().any(|edge| edge.kind() == Edge::Song(Transport::Stop).kind());
        if self.plays == Some(Transport::Stop) && !waits {
            self.edges.push_front(Edge::Song(Transport::Stop));
        }
        Some(std::mem::take(&mut self.lost))
    }

    /// Whether all lights are to be told again, which is answered once and not while the wire is broken.
    pub fn take_again(&mut self) -> bool {
        !self.broken && std::mem::take(&mut self.again)
    }

    /// Whether clocks were left out, so that the receiver's song is to be placed anew; answered once and not while the wire is
    /// broken.
    pub fn take_misplaced(&mut self) -> bool {
        !self.broken && std::mem::take(&mut self.misplaced)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty() && self.lights.is_empty()
    }

    /// Leaves one edge out.
    fn make_room(&mut self) {
        if let Some(clock) = self.edges.iter().position(|edge| edge.kind().is_none()) {
            self.edges.remove(clock);
            (self.lost, self.misplaced) = (self.lost + 1, true);
            return;
        }
        let is_followed = |place: usize| self.edges.range(place + 1..).any(|it| it.kind() == self.edges[place].kind());
        let superseded = (0..self.edges.len()).find(|place| is_followed(*place));
        self.edges.remove(superseded.expect("there are more places than kinds"));
    }
}

/// Whether two replies tell the same light: a lamp of one number, or a single channel message to the same control.
fn is_same_light(a: &Reply, b: &Reply) -> bool {
    match (a, b) {
        (Reply::Led(a, _), Reply::Led(b, _)) => a == b,
        (Reply::Midi(a), Reply::Midi(b)) => control(a).is_some_and(|it| control(b) == Some(it)),
        _ => false,
    }
}

/// The status and number of a single message to a control; a note's coming up belongs to its going down. None of anything else.
fn control(bytes: &[u8]) -> Option<(u8, u8)> {
    match *bytes {
        [status @ 0x80..=0x9f, note, _] => Some((0x90 | status & 0x0f, note)),
        [status @ 0xa0..=0xbf, number, _] => Some((status, number)),
        [status @ 0xe0..=0xef, ..] if bytes.len() == 3 => Some((status, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{EDGES, Edge, Item, LIGHTS, Outbox};
    use hal::gesture::{Reply, Transport};

    const CLOCK: Edge = Edge::Song(Transport::Clock);
    const START: Edge = Edge::Song(Transport::Start);
    const STOP: Edge = Edge::Song(Transport::Stop);

    fn light(number: u8, value: u8) -> Reply {
        Reply::Midi(vec![0xb0, number, value])
    }

    fn program(channel: u8, number: u8) -> Edge {
        Edge::Program { channel, number }
    }

    fn all(outbox: &mut Outbox) -> Vec<Item> {
        std::iter::from_fn(|| outbox.pop()).collect()
    }

    #[test]
    fn no_edge_waits_behind_a_light_and_of_a_light_the_latest_is_told() {
        let mut outbox = Outbox::default();
        for value in 0..100 {
            outbox.light(&light(1, value));
            outbox.light(&light(2, value));
        }
        outbox.edge(START);
        outbox.edge(program(5, 3));
        let said = [Item::Edge(START), Item::Edge(program(5, 3)), Item::Light(light(1, 99)), Item::Light(light(2, 99))];
        assert_eq!(all(&mut outbox), said);
    }

    #[test]
    fn lights_are_the_same_by_lamp_note_and_wheel_and_exclusives_are_not() {
        let mut outbox = Outbox::default();
        let exclusive = |last| Reply::Midi(vec![0xf0, 1, last, 0xf7]);
        let replies = [
            Reply::Midi(vec![0x90, 5, 1]),
            Reply::Midi(vec![0x80, 5, 0]),
            Reply::Midi(vec![0xe1, 0, 1]),
            Reply::Midi(vec![0xe1, 9, 9]),
            Reply::Led(1, true),
            Reply::Led(1, false),
            exclusive(1),
            exclusive(2),
        ];
        replies.iter().for_each(|it| outbox.light(it));
        let kept = [1, 3, 5, 6, 7].map(|place: usize| Item::Light(replies[place].clone()));
        assert_eq!(all(&mut outbox), kept);
    }

    #[test]
    fn a_stuck_wire_loses_the_oldest_clocks_and_no_start_stop_or_last_program() {
        let mut outbox = Outbox::default();
        outbox.edge(START);
        (0..1000).for_each(|_| outbox.edge(CLOCK));
        outbox.edge(program(1, 1));
        outbox.edge(STOP);
        let said = all(&mut outbox);
        assert_eq!(said.len(), EDGES);
        assert_eq!((said.first(), said.last()), (Some(&Item::Edge(START)), Some(&Item::Edge(STOP))));
        assert_eq!(said[EDGES - 2], Item::Edge(program(1, 1)));
        assert!(outbox.take_misplaced() && !outbox.take_misplaced(), "told once");
    }

    #[test]
    fn without_clocks_what_was_superseded_makes_room() {
        let mut outbox = Outbox::default();
        for number in 0..100 {
            for channel in 1..=16 {
                outbox.edge(program(channel, number));
            }
            outbox.edge(if number % 2 == 0 { START } else { STOP });
            outbox.edge(Edge::Song(Transport::Position(u16::from(number))));
        }
        let said = all(&mut outbox);
        assert_eq!(said.len(), EDGES);
        for last in (1..=16).map(|channel| program(channel, 99)).chain([STOP, Edge::Song(Transport::Position(99))]) {
            assert!(said.contains(&Item::Edge(last)), "{last:?}");
        }
        assert!(!outbox.take_misplaced(), "no clock was lost");
    }

    #[test]
    fn what_failed_is_said_first_and_all_is_told_again_when_the_wire_works() {
        let mut outbox = Outbox::default();
        outbox.edge(START);
        outbox.light(&light(1, 1));
        let start = outbox.pop().expect("the start");
        outbox.failed(start);
        outbox.light(&light(2, 2));
        assert!(!outbox.take_again(), "not while it is broken");
        outbox.edge(CLOCK);
        assert_eq!(all(&mut outbox), [Item::Edge(START), Item::Edge(CLOCK)], "no light waits for a broken wire");
        assert_eq!(outbox.arrived(), Some(0));
        assert!(outbox.take_again() && !outbox.take_again());
        assert_eq!(outbox.arrived(), None, "it worked before");
    }

    #[test]
    fn a_wire_that_comes_back_is_told_of_a_stop_again_and_not_of_a_song_that_plays() {
        for (word, again) in [(STOP, vec![Item::Edge(STOP)]), (START, vec![])] {
            let mut outbox = Outbox::default();
            outbox.edge(word);
            // It arrived, as far as anyone knows.
            outbox.pop();
            outbox.edge(CLOCK);
            let clock = outbox.pop().expect("a clock");
            outbox.failed(clock);
            outbox.pop();
            outbox.arrived();
            assert_eq!(all(&mut outbox), again);
        }
    }

    #[test]
    fn a_flood_of_lights_is_bounded_and_all_are_told_again() {
        let mut outbox = Outbox::default();
        for number in 0..10_000u32 {
            outbox.light(&Reply::Midi([&[0xf0][..], &number.to_be_bytes().map(|it| it & 127), &[0xf7]].concat()));
        }
        assert!(outbox.take_again());
        assert!(all(&mut outbox).len() <= LIGHTS);
        assert!(outbox.is_empty());
    }
}
