//! A panel from its contacts to its gestures, on a board that plays a script.

use std::time::Duration;

use super::{ButtonPlan, DetentSteps, EncoderPlan, FakeBoard, LedPlan, Panel, PanelFault, PanelPlan, PotPlan};
use crate::adc::{FULL, McpKind};
use crate::gesture::{Clock, Control, Gesture, Motion, Position, Reply, Roster, Surface, SurfaceError, SurfaceId};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plan() -> PanelPlan {
    let line = |place: u8| format!("fake:{place}").parse().unwrap();
    PanelPlan {
        buttons: (1..3).map(|number| ButtonPlan { number, line: line(number), active_low: true }).collect(),
        encoders: vec![
            EncoderPlan { number: 1, a: line(3), b: line(4), steps: DetentSteps::Four, reversed: false },
            EncoderPlan { number: 2, a: line(5), b: line(6), steps: DetentSteps::Two, reversed: true },
        ],
        leds: [(1, false), (2, true)]
            .map(|(number, active_low)| LedPlan { number, line: line(6 + number), active_low })
            .into(),
        ..PanelPlan::new("stage")
    }
}

fn with_pot() -> PanelPlan {
    let pot = PotPlan { number: 1, adc: "/dev/spidev0.0".into(), kind: McpKind::Mcp3008, channel: 2 };
    PanelPlan { pots: vec![pot], ..plan() }
}

fn panel(plan: &PanelPlan, board: &FakeBoard, roster: &Roster) -> Panel {
    Panel::new(plan.clone(), board.clone(), board.clock(), roster).unwrap()
}

/// Everything said until `until`.
fn heard(panel: &mut Panel, board: &FakeBoard, until: Duration) -> Vec<Gesture> {
    let mut all = Vec::new();
    while board.clock().now() < until {
        let patience = until - board.clock().now();
        if let Ok(Some(gesture)) = panel.next_gesture(patience) {
            all.push(gesture);
        }
    }
    all
}

/// What was said and when, in milliseconds, after the panel came.
fn said(plan: &PanelPlan, board: &FakeBoard, until: u64) -> Vec<(u64, Motion)> {
    let mut all = heard(&mut panel(plan, board, &Roster::default()), board, ms(until));
    assert!(matches!(all.remove(0).motion, Motion::Connected(_)));
    all.into_iter().map(|it| (u64::try_from(it.at.as_millis()).unwrap(), it.motion)).collect()
}

const BUTTON: Control = Control::Button(1);

#[test]
fn a_bouncing_button_is_one_press_and_one_release_at_their_first_edges() {
    let board = FakeBoard::new(&plan()).after(ms(100)).press(1).bounce(1, 6).release(1).bounce(1, 9);
    let told = said(&plan(), &board, 1000);
    // The bounces of the press took 1.8 ms, after which the release was written.
    assert_eq!(told, [(100, Motion::Pressed(BUTTON, 127)), (201, Motion::Released(BUTTON))]);
}

#[test]
fn a_gesture_carries_the_time_of_the_edge_and_not_of_its_reading() {
    let board = FakeBoard::new(&plan()).after(ms(100)).stall(ms(80)).after(ms(30)).press(1).release(1);
    let told = said(&plan(), &board, 1000);
    assert_eq!(told, [(130, Motion::Pressed(BUTTON, 127)), (160, Motion::Released(BUTTON))]);
}

#[test]
fn whoever_was_held_up_hears_all_that_happened_in_its_order() {
    let mut board = FakeBoard::new(&plan()).after(ms(100)).stall(ms(3000)).after(ms(20));
    for _ in 0..50 {
        board = board.press(1).press(2).release(1).release(2);
    }
    let told = said(&plan(), &board, 6000);
    let one = [true, true, false, false].into_iter().zip([1, 2, 1, 2]).map(|(down, number)| match down {
        true => Motion::Pressed(Control::Button(number), 127),
        false => Motion::Released(Control::Button(number)),
    });
    let expected: Vec<_> = (0..200_u64).map(|step| 120 + 20 * step).zip(one.cycle()).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_turned_encoder_says_every_detent_and_bounces_say_nothing() {
    for (number, bounces) in [(1, 0), (1, 5), (2, 0), (2, 5)] {
        let board = FakeBoard::new(&plan()).after(ms(100)).turn_with_bounce(number, 3, bounces);
        let board = board.turn_with_bounce(number, -2, bounces);
        let told: Vec<Motion> = said(&plan(), &board, 2000).into_iter().map(|it| it.1).collect();
        let turn = |by| Motion::Turned(Control::Encoder(number), Position::Detents(by));
        assert_eq!(told, [1, 1, 1, -1, -1].map(turn), "encoder {number} with {bounces} bounces");
    }
}

#[test]
fn a_spun_encoder_goes_further_and_never_back() {
    let board = FakeBoard::new(&plan()).after(ms(10)).turn(1, 10);
    let told: Vec<Motion> = said(&plan(), &board, 500).into_iter().map(|it| it.1).collect();
    let turn = |by| Motion::Turned(Control::Encoder(1), Position::Detents(by));
    assert_eq!(told, [1, 6, 6, 6, 6, 6, 6, 6, 6, 6].map(turn));
}

#[test]
fn a_pulled_plug_lets_go_of_what_is_held_and_the_panel_comes_back_as_itself() {
    let board = FakeBoard::new(&plan()).after(ms(100)).press(1).unplug().after(ms(1000)).replug().press(2);
    let roster = Roster::default();
    let mut panel = panel(&plan(), &board, &roster);
    let told = heard(&mut panel, &board, ms(3000));
    let motions: Vec<&Motion> = told.iter().map(|it| &it.motion).collect();
    let [Motion::Connected(first), pressed, released, Motion::Disconnected, Motion::Connected(again), other] =
        motions[..]
    else {
        panic!("expected six, found {motions:?}")
    };
    assert_eq!((first, first.to_string().as_str()), (again, "gpio stage"));
    assert_eq!((pressed, released), (&Motion::Pressed(BUTTON, 127), &Motion::Released(BUTTON)));
    assert_eq!(other, &Motion::Pressed(Control::Button(2), 127));
    assert!(told.iter().all(|it| it.surface == SurfaceId::FIRST_LIVE));
    assert_eq!(told[3].at, ms(200), "a chip that leaves is noticed as it leaves");
    assert!(told[4].at - ms(1200) <= ms(500), "and looked for twice a second: {:?}", told[4].at);
    assert!(roster.here(SurfaceId::FIRST_LIVE));
}

#[test]
fn a_button_that_is_down_when_the_panel_comes_was_not_pressed() {
    let board = FakeBoard::new(&plan()).press(1).after(ms(100)).release(1).press(1);
    assert_eq!(said(&plan(), &board, 1000), [(200, Motion::Pressed(BUTTON, 127))]);
}

#[test]
fn a_panel_that_stays_away_is_complained_of_once() {
    let forbidden = PanelFault::Forbidden { what: "/dev/gpiochip0".to_owned(), group: "gpio" };
    let board = FakeBoard::new(&plan()).refuse(forbidden).after(ms(2000)).unplug();
    let mut panel = panel(&plan(), &board, &Roster::default());
    let mut words = Vec::new();
    while board.clock().now() < ms(4000) {
        match panel.next_gesture(ms(300)) {
            Err(SurfaceError::Garbled { fault, .. }) => words.push(fault),
            other => assert!(matches!(other, Ok(None)), "{other:?}"),
        }
    }
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].contains("group 'gpio'") && words[1].contains("no GPIO chip"), "{words:?}");
    assert_eq!(board.opened(), 0);
}

#[test]
fn edges_that_the_kernel_forgot_leave_no_button_held() {
    let board = FakeBoard::new(&plan()).after(ms(100)).press(1).stall(ms(200)).after(ms(50)).release(1).forget();
    let roster = Roster::default();
    let mut panel = panel(&plan(), &board, &roster);
    let told: Vec<Motion> = heard(&mut panel, &board, ms(1000)).into_iter().map(|it| it.motion).collect();
    assert_eq!(told[1..], [Motion::Pressed(BUTTON, 127), Motion::Released(BUTTON)]);
    assert_eq!(panel.missed(), 1);
}

#[test]
fn a_flood_of_edges_ends_with_the_truth_and_in_few_words() {
    let board = FakeBoard::new(&plan()).after(ms(100)).flood(1, 5001);
    let roster = Roster::default();
    let mut panel = panel(&plan(), &board, &roster);
    let told: Vec<Motion> = heard(&mut panel, &board, ms(1000)).into_iter().map(|it| it.motion).collect();
    assert_eq!(told.last(), Some(&Motion::Pressed(BUTTON, 127)));
    assert!(told.len() < 5 && panel.missed() == 5001 - 1024, "{told:?}, {} missed", panel.missed());
}

#[test]
fn lights_are_lit_by_their_wiring_and_come_back_with_the_panel() {
    let board = FakeBoard::new(&plan()).after(ms(100)).unplug().after(ms(1000)).replug();
    let mut panel = panel(&plan(), &board, &Roster::default());
    let mut voice = panel.voice().unwrap();
    assert!(panel.voice().is_none(), "once");
    heard(&mut panel, &board, ms(50));
    for (number, on) in [(1, true), (2, true), (1, false), (9, true)] {
        voice.say(SurfaceId::FIRST_LIVE, &Reply::Led(number, on)).unwrap();
    }
    voice.say(SurfaceId(77), &Reply::Led(1, true)).unwrap();
    assert_eq!(board.lit(), [2], "the one of a stranger is none of ours");
    heard(&mut panel, &board, ms(500));
    voice.say(SurfaceId::FIRST_LIVE, &Reply::Led(1, true)).unwrap();
    assert_eq!(board.lit(), [2], "nobody is there to be lit");
    heard(&mut panel, &board, ms(3000));
    assert_eq!(board.lit(), [1, 2]);
}

#[test]
fn a_noisy_potentiometer_speaks_only_when_it_is_turned() {
    let board = FakeBoard::new(&with_pot()).pot(1, 300).noise(2).after(ms(1000)).pot(1, 700).pot(1, 1021);
    let told = said(&with_pot(), &board, 3000);
    let turns: Vec<(u64, u16)> = told
        .iter()
        .map(|(at, motion)| match motion {
            Motion::Turned(Control::Pot(1), Position::Fourteen(to)) => (*at, *to),
            other => panic!("expected a turn, found {other:?}"),
        })
        .collect();
    let near = |reading: u16, to: u16| to.abs_diff(u16::try_from(u32::from(reading - 11) * 16383 / 1001).unwrap()) < 70;
    assert!(turns[0].0 == 8 && near(300, turns[0].1), "the third reading tells where it stands: {turns:?}");
    let moved: Vec<_> = turns.iter().filter(|(at, _)| (1000..2000).contains(at)).collect();
    assert!(moved[0].0 <= 1008 && near(700, moved[0].1), "two readings after it was turned: {moved:?}");
    assert_eq!(turns.last().map(|it| it.1), Some(FULL));
    let late = |(at, _): &&(u64, u16)| [200..1000, 1200..2000, 2200..3000].iter().any(|rest| rest.contains(at));
    assert_eq!(turns.iter().find(late), None, "a resting knob says nothing");
}

#[test]
fn a_converter_that_stops_answering_takes_the_panel_away_and_not_to_full() {
    let board = FakeBoard::new(&with_pot()).pot(1, 512).after(ms(1000)).unwire().after(ms(2000)).replug();
    let told = said(&with_pot(), &board, 5000);
    let turned: Vec<_> = told.iter().filter(|it| matches!(it.1, Motion::Turned(..))).collect();
    assert!(turned.len() == 2, "once at each coming: {told:?}");
    let gone = told.iter().find(|it| it.1 == Motion::Disconnected).unwrap();
    assert!((1090..1110).contains(&gone.0), "{told:?}");
    assert!(told.iter().any(|it| it.0 >= 3000 && matches!(it.1, Motion::Connected(_))), "{told:?}");
}

#[test]
fn a_panel_whose_converter_does_not_answer_at_the_start_is_not_here() {
    let board = FakeBoard::new(&with_pot()).unwire().after(ms(1000)).replug();
    let mut panel = panel(&with_pot(), &board, &Roster::default());
    let Err(SurfaceError::Garbled { fault, .. }) = panel.next_gesture(ms(100)) else { panic!("it is here") };
    assert!(fault.contains("MCP3008 does not answer"), "{fault}");
    let told = heard(&mut panel, &board, ms(2000));
    assert!(told[0].at >= ms(1000) && matches!(told[0].motion, Motion::Connected(_)), "{told:?}");
}

#[test]
fn an_encoder_whose_levels_were_read_too_late_loses_a_detent_and_counts_it() {
    let board = FakeBoard::new(&plan()).after(ms(100)).lag(ms(90)).after(ms(20)).turn(1, 1).after(ms(200)).turn(1, 2);
    let roster = Roster::default();
    let mut panel = panel(&plan(), &board, &roster);
    let told: Vec<Motion> = heard(&mut panel, &board, ms(3000)).into_iter().map(|it| it.motion).collect();
    assert_eq!(told[1..], [1, 1].map(|by| Motion::Turned(Control::Encoder(1), Position::Detents(by))));
    assert_eq!(panel.missed(), 4);
}

#[test]
fn a_plan_that_cannot_be_right_is_refused_in_words() {
    let mut plan = plan();
    plan.buttons.extend(plan.buttons.clone());
    let board = FakeBoard::new(&plan);
    let refused = Panel::new(plan, board.clone(), board.clock(), &Roster::default()).err().unwrap();
    assert!(refused.to_string().contains("button 1 stands twice; button 2 stands twice; line fake:1"), "{refused}");
}
