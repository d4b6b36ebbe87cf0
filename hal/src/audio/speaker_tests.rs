//! Goal: whatever a device answers, time goes on at its pace, the sound comes back by itself, and what happened is said once.

use super::*;
use crate::audio::{FakeOut, Opening};

const ASK: Ask = Ask { rate_hz: 48_000, period_frames: 480, periods: 3 };

/// Plays `periods` and tells what was heard and said, with a source that numbers its periods.
fn evening(out: &mut FakeOut, periods: usize) -> (Vec<Heard>, Vec<String>) {
    let clock = out.clock();
    let mut speaker = Speaker::with_clock(out, ASK, Box::new(clock));
    let mut number = 0.0;
    let mut fill = |frames: &mut [StereoFrame]| {
        number += 1.0;
        frames.fill([number; 2]);
    };
    let heard = (0..periods).map(|_| speaker.play_period(&mut fill)).collect();
    let words = |news| match news {
        News::Away(why) => format!("away: {why}"),
        News::Back(agreed) => format!("back: {} frames", agreed.period_frames),
        News::Unpaced => "unpaced".to_owned(),
        News::Over(why) => format!("over: {why}"),
    };
    (heard, std::iter::from_fn(|| speaker.take_news()).map(words).collect())
}

fn away(heard: &[Heard]) -> usize {
    heard.iter().filter(|it| **it == Heard::Away).count()
}

const NONE: &str = "away: sound device fake: no such device";
const BUSY: &str = "away: sound device fake: Device or resource busy";
const UNABLE: &str = "away: sound device fake cannot do 48000 Hz; it offers 44100 to 44100 Hz";

#[test]
fn a_gap_is_counted_and_the_sound_goes_on() {
    let mut out = FakeOut::default().play_periods(2).xrun();
    let (heard, said) = evening(&mut out, 4);
    assert_eq!(heard, [0, 0, 1, 0].map(|gaps| Heard::Played { gaps }));
    assert_eq!((out.heard().len(), said.len()), (4 * 480, 0));
}

#[test]
fn while_the_device_is_away_the_source_goes_on_in_time() {
    let mut out = FakeOut::default().play_periods(10).unplug(30).replug();
    let (heard, said) = evening(&mut out, 100);
    let back = heard.iter().position(|it| *it == Heard::Back).unwrap();
    // 25 periods of 10 ms until the first try, which comes too early; 50 more until the second.
    assert_eq!((away(&heard), back), (75, 85));
    assert_eq!(out.clock().now(), Duration::from_secs(1), "every period took its time, heard or not");
    assert_eq!(out.heard()[10 * 480], [86.0; 2], "the source had gone on");
    assert_eq!((out.opened(), said), (2, vec![NONE.to_owned(), "back: 480 frames".to_owned()]));
}

#[test]
fn a_device_that_never_comes_back_is_tried_less_and_less_often() {
    let mut out = FakeOut::default().unplug(1);
    let (heard, said) = evening(&mut out, 2_000);
    assert_eq!(away(&heard), 2_000);
    assert_eq!(out.clock().now(), Duration::from_secs(20));
    assert_eq!((out.opened(), said), (1, vec![NONE.to_owned()]));
}

#[test]
fn a_device_that_is_not_there_at_the_start_is_waited_for_whatever_it_answers_meanwhile() {
    use Opening::{Absent, Busy, Unable};
    let mut out = FakeOut::default().answer(&[Absent, Absent, Busy, Unable, Unable]);
    let (heard, said) = evening(&mut out, 1_000);
    // Tried after .25, .75, 1.75, 3.75 and 5.75 s.
    assert_eq!(heard.iter().position(|it| *it == Heard::Back), Some(575));
    assert_eq!(out.clock().now(), Duration::from_secs(10), "the source went on at its pace");
    assert_eq!(out.heard()[0], [576.0; 2]);
    assert_eq!(said, [NONE, BUSY, UNABLE, "back: 480 frames"], "each reason once");
}

#[test]
fn a_device_that_is_gone_and_back_with_other_answers_plays_as_soon_as_it_can() {
    use Opening::{Periods, Unable};
    let mut out = FakeOut::default().answer(&[Periods(480), Unable, Periods(96)]).play_periods(10).unplug(1).replug();
    let (heard, said) = evening(&mut out, 200);
    assert_eq!(said, [NONE, UNABLE, "back: 96 frames"]);
    assert_eq!(heard.last(), Some(&Heard::Played { gaps: 0 }));
    let played = heard.iter().rev().take_while(|it| **it != Heard::Away).count();
    assert_eq!(out.heard().len(), 10 * 480 + played * 96, "in the periods of the device that came");
}

#[test]
fn a_device_without_a_pace_is_held_to_the_clock_and_said_once() {
    let mut out = FakeOut::default().without_pace();
    let (heard, said) = evening(&mut out, 1_000);
    let seconds = out.clock().now().as_secs_f64();
    assert!((9.5..=10.0).contains(&seconds), "ten seconds of sound took {seconds}");
    assert_eq!((away(&heard), said), (0, vec!["unpaced".to_owned()]));
}

#[test]
fn a_file_that_is_full_is_said_and_the_source_goes_on_in_time() {
    let mut out = FakeOut::default().play_periods(10).fill();
    let (heard, said) = evening(&mut out, 1_000);
    assert_eq!((away(&heard), out.opened()), (990, 1));
    assert_eq!(out.clock().now(), Duration::from_secs(10));
    assert_eq!(said, ["over: fake: No space left on device"]);
}

#[test]
fn a_take_that_was_begun_once_is_said_to_be_over_and_the_source_goes_on() {
    let clock = crate::audio::FakeClock::default();
    let sound = Box::new(tempfile::tempfile().unwrap());
    let mut out = crate::audio::WavOut::with_clock("a.wav", sound, crate::audio::WavFormat::F32, None);
    out.open(ASK).unwrap();
    out.close().unwrap();
    let mut speaker = Speaker::with_clock(&mut out, ASK, Box::new(clock.clone()));
    assert_eq!((0..100).filter(|_| speaker.play_period(&mut |_| ()) == Heard::Away).count(), 100);
    assert_eq!(clock.now(), Duration::from_secs(1));
    assert!(matches!(speaker.take_news(), Some(News::Over(OutError::NoFile { .. }))));
    assert!(speaker.take_news().is_none());
}
