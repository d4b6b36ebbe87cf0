//! Surfaces on their threads: heard, told, at fault, closed.

use super::super::inbox::PLACES;
use super::{Surfaces, Trouble};
use crate::surface::troubles::Who;
use hal::gesture::{FakeSurface, Gesture, Motion, Reply, Surface, SurfaceError, SurfaceId};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const MUST: Duration = Duration::from_secs(20);

#[test]
fn every_surface_is_heard_and_told_and_a_fault_is_said_once() {
    let mut surfaces = Surfaces::default();
    let first = FakeSurface::default().turn(1, 10).garble().garble().turn(1, 20).close();
    let second = FakeSurface::default().turn(2, 30);
    let told = first.told();
    surfaces.add_named("the first", Box::new(first)).expect("a thread");
    surfaces.add(Box::new(second)).expect("a thread");
    let (mut heard, mut troubles) = (Vec::new(), Vec::new());
    while heard.len() < 3 || troubles.len() < 2 {
        surfaces.take(Duration::from_millis(10), &mut heard);
        troubles.extend(surfaces.take_troubles());
    }
    let turns = heard.iter().filter(|it| matches!(it.motion, Motion::Turned(..))).count();
    assert_eq!(turns, 3);
    let expected = [
        Trouble::Once("the fake surface: as told".to_owned(), 0),
        Trouble::Stands(Who::Surface("the first".to_owned()), "the fake surface has closed".to_owned()),
    ];
    assert_eq!(troubles, expected);
    surfaces.voices().light(SurfaceId(2), &Reply::Midi(vec![0xb0, 1, 2]));
    assert_eq!(surfaces.close(MUST), Vec::<String>::new());
    assert_eq!(told.take()[0], (SurfaceId(2), Reply::Midi(vec![0xb0, 1, 2])));
}

#[test]
fn a_surface_that_floods_an_inbox_that_nobody_reads_ends_with_it() {
    let mut surfaces = Surfaces::default();
    let flood = (0..PLACES + 10).fold(FakeSurface::default(), |surface, _| surface.turn(1, 1));
    let clock = flood.clock();
    surfaces.add(Box::new(flood)).expect("a thread");
    drop(clock);
    assert_eq!(surfaces.close(MUST), Vec::<String>::new());
}

/// A surface that says when it is asked, and answers nothing until it is let go.
struct Hangs(Sender<()>, Receiver<()>);

impl Surface for Hangs {
    fn next_gesture(&mut self, _patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        self.0.send(()).expect("the test waits for it");
        // Either way it is let go.
        let _ = self.1.recv();
        Ok(None)
    }
}

#[test]
fn a_surface_that_hangs_is_named_and_left_to_itself() {
    let mut surfaces = Surfaces::default();
    let ((asked, hangs), (let_go, held)) = (channel(), channel());
    surfaces.add_named("the stuck panel", Box::new(Hangs(asked, held))).expect("a thread");
    hangs.recv_timeout(MUST).expect("it is asked");
    assert_eq!(surfaces.close(Duration::from_millis(900)), ["the stuck panel"]);
    drop(let_go);
}
