//! Who counts, and when a beat falls, in a time that only these tests let pass.

use super::{Quantise, Source, Tempo};
use hal::gesture::{SurfaceId, Transport};
use proptest::prelude::*;
use std::time::Duration;

const SENDER: SurfaceId = SurfaceId(2);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn patch(bpm: f64, bar: Option<u8>) -> Tempo {
    let mut tempo = Tempo::default();
    tempo.set_patch(ms(0), Some(bpm), bar);
    tempo
}

/// So many ticks of a clock at 150 beats a minute, from a moment on; answers when the last was.
fn clock(tempo: &mut Tempo, from: Duration, ticks: u32) -> Duration {
    let mut at = from;
    for tick in 0..ticks {
        at = from + Duration::from_micros(400_000) * tick / 24;
        tempo.hear(at, SENDER, Transport::Clock);
    }
    at
}

#[test]
fn a_clock_counts_before_taps_and_taps_before_the_patch() {
    let mut tempo = Tempo::default();
    assert_eq!((tempo.source(ms(0)), tempo.bpm(ms(0)), tempo.phase(ms(0))), (None, None, None));
    tempo.set_patch(ms(0), Some(90.0), None);
    assert_eq!((tempo.source(ms(0)), tempo.bpm(ms(0))), (Some(Source::Patch), Some(90.0)));
    tempo.tap(ms(1000));
    assert_eq!(tempo.source(ms(1000)), Some(Source::Patch), "one tap is no tempo");
    tempo.tap(ms(1500));
    assert_eq!((tempo.source(ms(1500)), tempo.bpm(ms(1500))), (Some(Source::Tap), Some(120.0)));
    let last = clock(&mut tempo, ms(2000), 60);
    assert_eq!(tempo.source(last), Some(Source::Clock));
    assert!((tempo.bpm(last).expect("a tempo") - 150.0).abs() < 1e-3);
    tempo.tap(last + ms(1));
    tempo.tap(last + ms(401));
    assert_eq!(tempo.source(last + ms(401)), Some(Source::Clock), "taps beside a clock that ticks");
}

#[test]
fn a_lost_clock_counts_until_someone_taps_and_again_when_it_is_back() {
    let mut tempo = patch(90.0, None);
    let last = clock(&mut tempo, ms(0), 60);
    assert_eq!(tempo.source(last + ms(60_000)), Some(Source::Clock));
    assert!(tempo.clock().lost(last + ms(60_000)));
    tempo.tap(last + ms(61_000));
    tempo.tap(last + ms(61_500));
    assert_eq!(tempo.source(last + ms(61_500)), Some(Source::Tap));
    let last = clock(&mut tempo, last + ms(70_000), 1);
    assert_eq!(tempo.source(last), Some(Source::Clock));
}

#[test]
fn a_new_patch_forgets_the_taps_and_one_without_a_tempo_has_none() {
    let mut tempo = patch(90.0, Some(3));
    tempo.tap(ms(0));
    tempo.tap(ms(500));
    tempo.set_patch(ms(600), Some(100.0), None);
    assert_eq!((tempo.bpm(ms(600)), tempo.bar()), (Some(100.0), 4));
    tempo.set_patch(ms(700), None, None);
    assert_eq!(tempo.bpm(ms(700)), None);
}

#[test]
fn the_patchs_beats_are_where_the_tape_is() {
    let mut tempo = patch(120.0, Some(3));
    tempo.set_tape(ms(10_000), 7.25);
    assert_eq!((tempo.phase(ms(10_000)), tempo.beat_of_bar(ms(10_000))), (Some(0.25), Some(1)));
    assert_eq!(tempo.next(ms(10_000), Quantise::Beat), ms(10_375));
    assert_eq!(tempo.next(ms(10_000), Quantise::Bar), ms(10_875));
}

#[test]
fn on_the_beat_is_now_and_without_a_tempo_too() {
    let tempo = patch(120.0, None);
    for (quantise, now, next) in [
        (Quantise::Off, 123, 123),
        (Quantise::Beat, 1000, 1000),
        (Quantise::Beat, 1002, 1500),
        (Quantise::Beat, 1498, 1500),
        (Quantise::Bar, 2000, 2000),
        (Quantise::Bar, 2500, 4000),
    ] {
        assert_eq!(tempo.next(ms(now), quantise), ms(next), "{quantise:?} at {now}");
    }
    assert_eq!(Tempo::default().next(ms(7), Quantise::Bar), ms(7));
}

#[test]
fn a_scene_waits_for_its_bar_and_not_longer() {
    let tempo = patch(120.0, None);
    assert_eq!(tempo.wait(ms(0), Quantise::Bar), None);
    assert_eq!(tempo.wait(Duration::from_micros(1_999_700), Quantise::Bar), None, "as good as on it");
    assert_eq!(tempo.wait(ms(100), Quantise::Off), None);
    assert_eq!(Tempo::default().wait(ms(100), Quantise::Bar), None);
    let wait = tempo.wait(ms(100), Quantise::Bar).expect("the bar is on its way");
    assert!(!tempo.has_come(&wait, ms(100)) && !tempo.has_come(&wait, ms(1998)));
    assert!(tempo.has_come(&wait, ms(2000)) && tempo.has_come(&wait, ms(2400)));
}

#[test]
fn a_start_from_outside_is_a_one_and_nothing_waits_for_what_is_gone() {
    let mut tempo = Tempo::default();
    let last = clock(&mut tempo, ms(0), 24 * 5);
    let wait = tempo.wait(last, Quantise::Bar).expect("the bar is on its way");
    tempo.hear(last, SENDER, Transport::Start);
    let one = clock(&mut tempo, last + ms(16), 1);
    assert!(tempo.has_come(&wait, one));

    let mut tempo = patch(120.0, None);
    let wait = tempo.wait(ms(100), Quantise::Bar).expect("the bar is on its way");
    tempo.set_patch(ms(200), None, None);
    assert!(tempo.has_come(&wait, ms(200)));
}

proptest! {
    #[test]
    fn what_waits_comes_at_the_next_boundary(
        bpm in 20.0..420.0f64, bar in 2..7u8, now in 0..100_000u64, whole in any::<bool>()
    ) {
        let quantise = if whole { Quantise::Bar } else { Quantise::Beat };
        let tempo = patch(bpm, Some(bar));
        let next = tempo.next(ms(now), quantise);
        let unit = if whole { f64::from(bar) } else { 1.0 } * 60.0 / bpm;
        prop_assert!(next >= ms(now) && (next - ms(now)).as_secs_f64() <= unit);
        let part = next.as_secs_f64() / unit;
        prop_assert!((part - part.round()).abs() * unit < 0.00101, "{} units", part);
        if let Some(wait) = tempo.wait(ms(now), quantise) {
            prop_assert!(!tempo.has_come(&wait, ms(now)));
            prop_assert!(!tempo.has_come(&wait, next - Duration::from_micros(600)));
            prop_assert!(tempo.has_come(&wait, next));
        }
    }
}
