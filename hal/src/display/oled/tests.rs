//! Goal: the glass shows the frame, whatever the chip, the bus and the trouble before.
//! Method: a chip that decodes the driver's bytes into its memory, and a look at what it would light.

use std::time::Duration;

use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

use super::{Chip, FakeOled, I2cBus, Oled, OledBus, OledSetup, SpiBus};
use crate::display::{Frame, Painter, Reopening, Screen, ScreenError};
use crate::gesture::VirtualClock;

const ADDRESS: u8 = 0x3c;
const FAST_HZ: u32 = 400_000;

/// A picture without any symmetry; each number makes another.
fn picture(number: usize) -> Frame {
    let mut frame = Frame::default();
    for (y, x) in (0..Frame::HEIGHT).flat_map(|y| (0..Frame::WIDTH).map(move |x| (y, x))) {
        frame.set(x, y, (x * 7 + y * 13 + x * y + number * 31) % 11 < 4);
    }
    frame
}

fn upper_half(frame: &Frame) -> Frame {
    let mut half = Frame::default();
    for (y, x) in (0..32).flat_map(|y| (0..Frame::WIDTH).map(move |x| (y, x))) {
        half.set(x, y, frame.lit(x, y));
    }
    half
}

fn turned(frame: &Frame, rows: usize) -> Frame {
    let mut turned = Frame::default();
    for (y, x) in (0..rows).flat_map(|y| (0..Frame::WIDTH).map(move |x| (y, x))) {
        turned.set(x, y, frame.lit(Frame::WIDTH - 1 - x, rows - 1 - y));
    }
    turned
}

fn on_i2c(setup: OledSetup) -> (FakeOled, Oled<I2cBus<FakeOled>>) {
    let chip = FakeOled::new(setup.chip, setup.half, ADDRESS);
    (chip.clone(), Oled::new(I2cBus::new(chip, ADDRESS), setup))
}

const ALL: [OledSetup; 3] = [
    OledSetup::new(Chip::Ssd1306),
    OledSetup::new(Chip::Sh1106),
    OledSetup { half: true, ..OledSetup::new(Chip::Ssd1306) },
];

#[test]
fn the_glass_shows_the_frame_on_every_panel_either_way_up() {
    for setup in ALL.into_iter().flat_map(|it| [it, OledSetup { upside_down: true, ..it }]) {
        let (chip, mut panel) = on_i2c(setup);
        assert_eq!(chip.glass(), None, "a panel just powered is dark");
        for number in 0..3 {
            let frame = picture(number);
            panel.show(&frame).unwrap();
            let expected = if setup.half { upper_half(&frame) } else { frame };
            let rows = if setup.half { 32 } else { 64 };
            let expected = if setup.upside_down { turned(&expected, rows) } else { expected };
            assert!(chip.glass() == Some(expected), "{setup:?}, picture {number}");
        }
        assert_eq!(chip.unknown(), [0; 0], "{setup:?}");
    }
}

#[test]
fn spi_shows_the_same_as_i2c() {
    for setup in ALL {
        let chip = FakeOled::new(setup.chip, setup.half, ADDRESS);
        let mut panel = Oled::new(SpiBus::new(chip.clone(), chip.clone()), setup);
        panel.show(&picture(1)).unwrap();
        panel.show(&picture(2)).unwrap();
        let expected = if setup.half { upper_half(&picture(2)) } else { picture(2) };
        assert!(chip.glass() == Some(expected), "{setup:?}");
        assert_eq!(chip.unknown(), [0; 0]);
    }
}

#[test]
fn the_wrong_chip_is_seen_as_a_picture_that_stands_aside() {
    let setup = OledSetup::new(Chip::Sh1106);
    let chip = FakeOled::new(Chip::Sh1106, false, ADDRESS);
    let mut panel = Oled::new(I2cBus::new(chip.clone(), ADDRESS), OledSetup { chip: Chip::Ssd1306, ..setup });
    panel.show(&picture(0)).unwrap();
    assert!(chip.glass() != Some(picture(0)));
    assert!(!chip.unknown().is_empty());
}

#[test]
fn a_whole_picture_takes_25_ms_and_a_changed_number_3() {
    let (chip, mut panel) = on_i2c(OledSetup::new(Chip::Sh1106));
    panel.show(&picture(0)).unwrap();
    let begun = chip.bus_time(FAST_HZ);
    panel.show(&picture(1)).unwrap();
    let whole = chip.bus_time(FAST_HZ) - begun;
    assert!((Duration::from_millis(20)..Duration::from_millis(25)).contains(&whole), "{whole:?}");

    // A number of four places, 10 by 20 dots each, astride three pages.
    let mut frame = picture(1);
    for (y, x) in (26..46).flat_map(|y| (0..40).map(move |x| (y, x))) {
        frame.set(x, y, !frame.lit(x, y));
    }
    panel.show(&frame).unwrap();
    let number = chip.bus_time(FAST_HZ) - begun - whole;
    assert!(number < Duration::from_micros(3500), "{number:?}");

    let before = chip.bus_time(FAST_HZ);
    panel.show(&frame).unwrap();
    assert_eq!(chip.bus_time(FAST_HZ), before, "what stands is not sent again");
}

#[test]
fn a_panel_that_was_unplugged_is_started_again_with_the_next_frame() {
    for setup in ALL {
        let (chip, mut panel) = on_i2c(setup);
        panel.show(&picture(0)).unwrap();
        chip.unplug();
        assert!(panel.show(&picture(1)).is_err());
        assert!(panel.show(&picture(2)).is_err());
        chip.replug();
        panel.show(&picture(3)).unwrap();
        let expected = if setup.half { upper_half(&picture(3)) } else { picture(3) };
        assert!(chip.glass() == Some(expected), "{setup:?}");
    }
}

#[test]
fn a_bus_that_is_held_anywhere_in_a_frame_leaves_no_half_picture_behind() {
    // A first frame is 3 commands of start and two transfers for each of 8 pages.
    for (after, setup) in (0..19).flat_map(|after| [(after, ALL[0]), (after, ALL[1])]) {
        let (chip, mut panel) = on_i2c(setup);
        chip.stall(after, 1);
        assert!(panel.show(&picture(0)).is_err(), "transfer {after}");
        panel.show(&picture(0)).unwrap();
        assert!(chip.glass() == Some(picture(0)), "transfer {after}");
    }
}

#[test]
fn a_panel_that_forgot_without_a_word_is_whole_again_after_eight_tendings() {
    let (chip, mut panel) = on_i2c(OledSetup { contrast: 9, ..ALL[1] });
    panel.show(&picture(0)).unwrap();
    chip.blink();
    assert_eq!(chip.glass(), None);
    for _ in 0..8 {
        panel.tend().unwrap();
        assert!(chip.glass().is_some(), "lit from the first tending on");
    }
    assert!(chip.glass() == Some(picture(0)));
    assert_eq!(chip.contrast(), 9);
}

#[test]
fn tending_a_panel_that_is_gone_says_so() {
    let (chip, mut panel) = on_i2c(ALL[0]);
    assert!(panel.tend().is_ok(), "nothing was shown yet, so nothing is missed");
    panel.show(&picture(0)).unwrap();
    chip.unplug();
    assert!(panel.tend().is_err());
}

#[test]
fn sleep_and_contrast_outlive_a_lost_panel() {
    let (chip, mut panel) = on_i2c(ALL[0]);
    panel.show(&picture(0)).unwrap();
    panel.set_contrast(200).unwrap();
    assert_eq!(chip.contrast(), 200);
    panel.sleep(true).unwrap();
    assert_eq!(chip.glass(), None);
    chip.unplug();
    assert!(panel.show(&picture(1)).is_err());
    chip.replug();
    panel.show(&picture(1)).unwrap();
    assert_eq!((chip.glass(), chip.contrast()), (None, 200), "still asleep, as bright as it was");
    panel.sleep(false).unwrap();
    assert!(chip.glass() == Some(picture(1)));
}

#[test]
fn a_panel_pulled_out_in_the_middle_of_a_set_shows_the_set_again_within_two_seconds_of_its_return() {
    let (setup, clock) = (ALL[1], VirtualClock::default());
    let chip = FakeOled::new(setup.chip, setup.half, ADDRESS);
    let bus = chip.clone();
    // As the real one: the bus is opened and asked whether anything answers.
    let open = move || {
        let mut bus = I2cBus::new(bus.clone(), ADDRESS);
        bus.command(&[0xe3]).map_err(ScreenError::Gone)?;
        Ok(Oled::new(bus, setup))
    };
    let mut painter = Painter::new(Reopening::new("the OLED", open, clock.clone()), clock.clone());
    let mut number = 0;
    let mut play = |frames: usize| {
        for _ in 0..frames {
            number += 1;
            painter.rest();
            painter.paint(picture(number));
            painter.tend();
        }
        (painter.fault().map(str::to_owned), picture(number))
    };
    let (fault, frame) = play(30);
    assert!(fault.is_none() && chip.glass() == Some(frame));
    chip.unplug();
    let (fault, _) = play(90);
    assert_eq!(fault.as_deref(), Some("the display is gone: the OLED: no device answers"));
    chip.replug();
    let (fault, frame) = play(61);
    assert!(fault.is_none() && chip.glass() == Some(frame));
    assert_eq!(chip.unknown(), [0; 0]);
}

fn any_frame() -> impl Strategy<Value = Frame> {
    proptest::collection::vec((0..128usize, 0..64usize, any::<bool>()), 0..40).prop_map(|dots| {
        let mut frame = picture(0);
        dots.into_iter().for_each(|(x, y, lit)| frame.set(x, y, lit));
        frame
    })
}

proptest! {
    #[test]
    fn changed_parts_add_up_to_the_frame(
        frames in proptest::collection::vec(any_frame(), 1..6), stalls in proptest::collection::vec(0..30usize, 6)
    ) {
        let (chip, mut panel) = on_i2c(ALL[1]);
        for (frame, stall) in frames.iter().zip(stalls) {
            chip.stall(stall, 1);
            // A refused frame is shown again by whoever shows frames; here at once.
            if panel.show(frame).is_err() {
                panel.show(frame).unwrap();
            }
            let glass = chip.glass();
            prop_assert_eq!(glass.as_ref(), Some(frame));
        }
    }
}
