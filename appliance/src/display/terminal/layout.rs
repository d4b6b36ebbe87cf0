//! Which parts of the status stand on a screen of so many lines, and how many lines each has. Pure.
//!
//! Each part says how many lines it needs at least and would like at most. Lines are given in the order of worth, first the
//! least to all, then what is left: on a small screen the less important is not there, and what is there is whole.

/// A part of the screen, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Name, time, mute, where it plays.
    Title,
    /// The tape with its playhead.
    Tape,
    /// The value in the hand.
    Spotlight,
    /// How far the start is.
    Boot,
    /// Scene, morph, tempo, layer, undo.
    Place,
    /// The place in the set list, and what comes next.
    SetList,
    /// The scenes that are kept.
    Scenes,
    /// The knobs of the page in the hand.
    Page,
    /// The main parameters, with the keys that select them.
    Parameters,
    /// The slots in flight.
    Ring,
    /// Times and the card.
    Machine,
    /// Lead and what went wrong.
    Trouble,
    /// Levels.
    Meters,
    /// What was said before.
    Log,
    /// Words while a hand writes them, or the library while it walks through it.
    List,
    /// All keys.
    KeyList,
    /// A fault, until it is over.
    Fault,
    /// What was just said.
    Message,
    /// The keys that matter.
    Keys,
}

/// What a part wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub(super) part: Part,
    /// Fewer lines are none.
    pub(super) least: usize,
    /// More are of no use.
    pub(super) most: usize,
    /// The greatest is served first.
    pub(super) worth: u8,
}

/// The lines that each part gets, of `height`, in the order of `wants`; parts without a line are left out.
pub(super) fn lines(wants: &[Want], height: usize) -> Vec<(Part, usize)> {
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(wants[*place].worth));
    let (mut given, mut left) = (vec![0; wants.len()], height);
    for place in &order {
        let want = wants[*place];
        if 0 < want.least && want.least <= left {
            given[*place] = want.least;
            left -= want.least;
        }
    }
    for place in &order {
        if given[*place] > 0 {
            let more = (wants[*place].most.saturating_sub(given[*place])).min(left);
            given[*place] += more;
            left -= more;
        }
    }
    let parts = wants.iter().zip(given).filter(|(_, lines)| *lines > 0);
    parts.map(|(want, lines)| (want.part, lines)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Part, Want, lines};

    const WANTS: [Want; 4] = [
        Want { part: Part::Title, least: 1, most: 1, worth: 8 },
        Want { part: Part::Parameters, least: 2, most: 8, worth: 4 },
        Want { part: Part::Ring, least: 1, most: 1, worth: 2 },
        Want { part: Part::Message, least: 1, most: 3, worth: 9 },
    ];

    #[test]
    fn the_greatest_worth_is_served_first_and_stands_where_it_belongs() {
        assert_eq!(lines(&WANTS, 0), []);
        assert_eq!(lines(&WANTS, 1), [(Part::Message, 1)]);
        assert_eq!(lines(&WANTS, 2), [(Part::Title, 1), (Part::Message, 1)]);
        // Two lines of parameters do not fit, the ring does.
        assert_eq!(lines(&WANTS, 3), [(Part::Title, 1), (Part::Ring, 1), (Part::Message, 1)]);
        let all = [(Part::Title, 1), (Part::Parameters, 2), (Part::Ring, 1), (Part::Message, 1)];
        assert_eq!(lines(&WANTS, 5), all);
        let more = [(Part::Title, 1), (Part::Parameters, 3), (Part::Ring, 1), (Part::Message, 3)];
        assert_eq!(lines(&WANTS, 8), more);
        assert_eq!(lines(&WANTS, 99).iter().map(|it| it.1).sum::<usize>(), 13);
    }

    #[test]
    fn what_wants_no_line_gets_none() {
        assert_eq!(lines(&[Want { part: Part::Log, least: 0, most: 5, worth: 1 }], 9), []);
    }
}
