//! Real threads over wires that refuse or hold whoever speaks; nothing here depends on how fast the machine is.

use super::{Edge, Voices};
use crate::surface::troubles::{Trouble, Troubles, Who};
use hal::gesture::{FakeSurface, Reply, Surface, SurfaceId, Told, Transport};
use std::time::Duration;

/// How long a test waits for what must come; only a test that fails uses it up.
const MUST: Duration = Duration::from_secs(20);
const FIRST: SurfaceId = SurfaceId(2);
const SECOND: SurfaceId = SurfaceId(3);
const STOP: Edge = Edge::Song(Transport::Stop);
const CLOCK: Edge = Edge::Song(Transport::Clock);

fn voices() -> (Voices, Told, Troubles) {
    let mut surface = FakeSurface::default();
    let (told, troubles) = (surface.told(), Troubles::default());
    let voices = Voices::new(troubles.clone());
    voices.add(surface.voice().expect("a fake has one"));
    (voices, told, troubles)
}

fn light(number: u8, value: u8) -> Reply {
    Reply::Midi(vec![0xb0, number, value])
}

/// What is told, until there are so many words.
fn heard(told: &Told, words: usize) -> Vec<(SurfaceId, Reply)> {
    let mut heard = Vec::new();
    while heard.len() < words {
        let more = told.wait(MUST);
        assert!(!more.is_empty(), "{words} words are told, {heard:?} are");
        heard.extend(more);
    }
    heard
}

/// The troubles, once there are any.
fn troubles_of(troubles: &Troubles) -> Vec<Trouble> {
    let begun = std::time::Instant::now();
    loop {
        let taken = troubles.take();
        if !taken.is_empty() || begun.elapsed() > MUST {
            return taken;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_wire_that_takes_nothing_for_ever_holds_up_no_other_of_its_transport() {
    let (voices, told, _) = voices();
    told.hold(FIRST, true);
    voices.light(FIRST, &light(1, 1));
    assert!(told.wait_held(MUST));
    for value in 0..100 {
        voices.light(FIRST, &light(1, value));
        voices.edge(SECOND, CLOCK);
    }
    let heard = heard(&told, 100);
    assert!(heard.iter().all(|(to, _)| *to == SECOND), "{heard:?}");
    told.hold(FIRST, false);
    // The one that was being said, and of those that waited the latest.
    assert_eq!(self::heard(&told, 2), [(FIRST, light(1, 1)), (FIRST, light(1, 99))]);
    assert_eq!(voices.close(MUST), Vec::<String>::new());
}

#[test]
fn a_wire_that_fails_stands_as_a_fault_and_is_told_all_again_when_it_works() {
    let (voices, told, troubles) = voices();
    told.refuse(FIRST, true);
    voices.light(FIRST, &light(1, 1));
    assert!(told.wait_refused(2, MUST), "it is tried again");
    let [Trouble::Stands(who, words)] = &troubles_of(&troubles)[..] else { panic!("one fault stands") };
    assert_eq!((who, words.as_str()), (&Who::Wire(FIRST), "the fake surface: it takes nothing"));
    voices.light(FIRST, &light(2, 2));
    assert_eq!(voices.take_again(), [], "not while it is broken");
    voices.edge(FIRST, STOP);
    told.refuse(FIRST, false);
    let heard = heard(&told, 2);
    assert!(heard.contains(&(FIRST, STOP.reply())), "an edge waits for the wire: {heard:?}");
    assert_eq!(troubles_of(&troubles), [Trouble::Over(Who::Wire(FIRST), 0)]);
    assert_eq!((voices.take_again(), voices.take_again()), (vec![FIRST], vec![]));
    assert_eq!(voices.close(MUST), Vec::<String>::new());
}

#[test]
fn clocks_that_a_stuck_wire_lost_are_counted_and_its_song_is_to_be_placed_anew() {
    let (voices, told, troubles) = voices();
    told.refuse(FIRST, true);
    (0..1000).for_each(|_| voices.edge(FIRST, CLOCK));
    // Only now: between the refusal and the word of it the wire does not count as broken yet.
    assert!(matches!(troubles_of(&troubles)[..], [Trouble::Stands(..)]));
    assert!(!voices.take_misplaced(FIRST));
    told.refuse(FIRST, false);
    let Some(Trouble::Over(_, lost)) = troubles_of(&troubles).pop() else { panic!("it is over") };
    assert!(lost >= 1000 - super::super::outbox::EDGES as u64 - 1, "{lost} of 1000");
    assert!(voices.take_misplaced(FIRST) && !voices.take_misplaced(FIRST));
    assert_eq!(heard(&told, 1000 - lost as usize).len() as u64, 1000 - lost, "the others arrive");
    assert_eq!(voices.close(MUST), Vec::<String>::new());
}

#[test]
fn what_was_told_is_said_before_the_end_and_who_hangs_is_named_in_time() {
    let (voices, told, _) = voices();
    told.hold(FIRST, true);
    voices.edge(FIRST, STOP);
    assert!(told.wait_held(MUST));
    (0..20).for_each(|number| voices.light(SECOND, &light(number, 0)));
    assert_eq!(voices.close(Duration::from_millis(300)), ["the wire to controller 2"]);
    assert_eq!(heard(&told, 20).len(), 20);
    voices.edge(SECOND, STOP);
    assert_eq!(told.take(), [], "it is closed");
    // So that its thread ends with the test.
    told.hold(FIRST, false);
}
