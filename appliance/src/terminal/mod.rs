//! What a player sees: source and position, the value last moved, the ring, the lead, trouble, levels, one message.
//!
//! [`Status`] is filled by the conductor; [`lines`] writes it as text for a terminal, [`draw`] draws it for a small panel
//! (more of them in [`crate::screens`]). Both are pure: the same status is the same picture. A parameter's colour says
//! when a change of it is heard.

mod text;

use engine::param::{ParamId, Values};
use hal::display::graphics::pixelcolor::BinaryColor;
use hal::display::graphics::prelude::DrawTarget;

use crate::health::GpuHealth;
use crate::screens::{self, Screen};

pub use text::{WIDTH, lines};

/// How long something took of late, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Took {
    /// Half took no longer than this.
    pub p50_ms: f32,
    /// The longest.
    pub max_ms: f32,
}

/// A place between two scenes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Morph {
    /// The scenes, counted from 0.
    pub scenes: [usize; 2],
    /// 0 is the first scene, 1 the second.
    pub position: f64,
}

/// The beat that the set follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tempo {
    /// Beats a minute.
    pub bpm: f32,
    /// Whose beat it is: "tap", "clock", "source".
    pub from: String,
}

/// A list of parameters to choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// The parameters, in the order in which they are shown.
    pub list: Vec<ParamId>,
    /// The one under the cursor.
    pub cursor: usize,
}

/// How far the box is with starting.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    /// What is being done.
    pub words: String,
    /// Part done, 0 to 1.
    pub part: f32,
}

/// All that is shown.
#[derive(Clone, Debug)]
pub struct Status {
    /// Name of the recording.
    pub source: String,
    /// Its length in seconds.
    pub seconds: f64,
    /// Playhead, 0 to 1 of the tape.
    pub position: f32,
    /// The last decoded window, start and end, 0 to 1 of the tape; the end lies before the start across the seam.
    pub window: Option<(f32, f32)>,
    /// The values of now.
    pub values: Values,
    /// The parameter that the keys move.
    pub selected: ParamId,
    /// The parameter last moved by any hand.
    pub moved: Option<ParamId>,
    /// Where the knob on the last moved parameter stands, 0 to 1, while it waits to take hold.
    pub waiting: Option<f64>,
    /// Steps done of each slot in flight; `None` for an empty one.
    pub slots: Vec<Option<u32>>,
    /// Solver ticks a second.
    pub ticks_per_s: f32,
    /// Finished generations a second.
    pub finished_per_s: f32,
    /// How far ahead of the playhead windows land, in milliseconds; the least of late.
    pub lead_ms: f32,
    /// Underruns of the output since the start.
    pub xruns: u64,
    /// Windows that came too late since the start.
    pub late: u64,
    /// Samples that were no numbers and were kept from the ears, since the start.
    pub non_finite: u64,
    /// Peak of each side of late, as a factor of full scale.
    pub peaks: [f32; 2],
    /// Whether the limiter works.
    pub limiting: bool,
    /// Whether the output is muted.
    pub muted: bool,
    /// Where the arithmetic runs and where the sound goes: "cpu, default".
    pub where_: String,
    /// Controllers connected.
    pub controllers: usize,
    /// The message line; empty for none.
    pub message: String,
    /// Name of the patch; empty for none.
    pub patch: String,
    /// The scene last recalled or kept, counted from 0.
    pub scene: Option<usize>,
    /// Whether a value was moved since.
    pub scene_changed: bool,
    /// The place between two scenes, while a fader morphs.
    pub morph: Option<Morph>,
    /// Time of a tick.
    pub tick: Took,
    /// Time of a window's decoding.
    pub decode: Took,
    /// The graphics card, where there is one that tells.
    pub gpu: Option<GpuHealth>,
    /// The beat, where there is one.
    pub tempo: Option<Tempo>,
    /// What to touch, while a control is being learnt.
    pub learn: Option<String>,
    /// The bank or layer of the controls ("B", "shift"); empty on the first.
    pub layer: String,
    /// A fault in plain words; stays until it is gone.
    pub fault: Option<String>,
    /// Strokes that can be taken back.
    pub undo: usize,
    /// A list to choose a parameter from, while it is open.
    pub pick: Option<Pick>,
    /// How far the box is with starting; nothing once it plays.
    pub boot: Option<Boot>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            source: String::new(),
            seconds: 0.0,
            position: 0.0,
            window: None,
            values: Values::default(),
            selected: crate::binding::MAIN[0],
            moved: None,
            waiting: None,
            slots: Vec::new(),
            ticks_per_s: 0.0,
            finished_per_s: 0.0,
            lead_ms: 0.0,
            xruns: 0,
            late: 0,
            non_finite: 0,
            peaks: [0.0; 2],
            limiting: false,
            muted: false,
            where_: String::new(),
            controllers: 0,
            message: String::new(),
            patch: String::new(),
            scene: None,
            scene_changed: false,
            morph: None,
            tick: Took::default(),
            decode: Took::default(),
            gpu: None,
            tempo: None,
            learn: None,
            layer: String::new(),
            fault: None,
            undo: 0,
            pick: None,
            boot: None,
        }
    }
}

impl Status {
    /// The parameter in the spotlight: the one last moved, or else the selected one.
    #[must_use]
    pub fn spotlight(&self) -> ParamId {
        self.moved.unwrap_or(self.selected)
    }
}

/// Draws the screen of play onto a panel of 128 by 64 dots.
///
/// # Errors
/// What the target errs with.
pub fn draw<D: DrawTarget<Color = BinaryColor>>(status: &Status, target: &mut D) -> Result<(), D::Error> {
    screens::draw(status, Screen::Play, target)
}

/// Minutes and seconds.
pub(crate) fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0) as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// A peak in decibels under full scale, as short as a meter needs it.
pub(crate) fn decibel(peak: f32) -> String {
    if peak > 1e-3 { format!("{:.1}", 20.0 * peak.log10()) } else { "-inf".to_owned() }
}

/// A value with its unit.
pub(crate) fn written(id: ParamId, values: &Values) -> String {
    let row = id.row();
    if id == ParamId::GainDb && values.gain() == 0.0 {
        return "off".to_owned();
    }
    let sign = if matches!(row.unit, engine::param::Unit::Tape) { "" } else { row.unit.sign() };
    let space = if sign.is_empty() { "" } else { " " };
    format!("{}{space}{sign}", row.written(values.exact(id)))
}

#[cfg(test)]
mod tests {
    use super::{Morph, Status, Tempo, Took, clock, decibel, draw, lines, written};
    use crate::health::{Brake, GpuHealth};
    use engine::param::{Class, ParamId};
    use hal::display::{Frame, Tint};

    fn busy() -> Status {
        let mut status = Status {
            source: "a-recording-with-a-very-long-name-that-nobody-can-read-from-the-back-of-the-stage".to_owned(),
            seconds: 3600.0,
            position: 0.5,
            window: Some((0.9, 0.1)),
            moved: Some(ParamId::Denoise),
            slots: vec![Some(3), None, Some(8), Some(0), Some(1), Some(2), Some(3), Some(4)],
            ticks_per_s: 1234.5,
            lead_ms: 12_345.6,
            xruns: u64::MAX,
            late: u64::MAX,
            non_finite: u64::MAX,
            peaks: [1.0, 0.0],
            limiting: true,
            muted: true,
            controllers: 12,
            where_: "tensorrt, hw:CARD=Something,DEV=0 and so on and so on".to_owned(),
            message: "a message longer than the panel is wide, which is cut and does not wrap around at all".to_owned(),
            patch: "a patch that someone named with care and with many words for it to be found again".to_owned(),
            scene: Some(8),
            scene_changed: true,
            morph: Some(Morph { scenes: [7, 8], position: 9.0 }),
            tick: Took { p50_ms: f32::MAX, max_ms: f32::MAX },
            decode: Took { p50_ms: f32::MAX, max_ms: f32::MAX },
            gpu: Some(GpuHealth { load_percent: 100, celsius: 105, brake: Some(Brake::Supply) }),
            tempo: Some(Tempo { bpm: 1e9, from: "a clock from far away".to_owned() }),
            layer: "a bank with a long name".to_owned(),
            undo: usize::MAX,
            ..Status::default()
        };
        status.values.set(ParamId::GainDb, -60.0);
        status
    }

    #[test]
    fn no_line_is_wider_than_the_panel_whatever_is_on_it() {
        for status in [Status::default(), busy()] {
            for line in lines(&status) {
                assert!(line.text().chars().count() <= super::WIDTH, "{}", line.text());
            }
        }
    }

    #[test]
    fn place_and_machine_are_whole_in_the_text() {
        let status = Status {
            morph: Some(Morph { scenes: [7, 8], position: 0.4 }),
            tempo: Some(Tempo { bpm: 123.44, from: "clock".to_owned() }),
            layer: "shift".to_owned(),
            tick: Took { p50_ms: 129.8, max_ms: 134.1 },
            decode: Took { p50_ms: 118.2, max_ms: 126.9 },
            patch: "Night bus".to_owned(),
            message: String::new(),
            ..busy()
        };
        let text: Vec<String> = lines(&status).iter().map(|line| line.text()).collect();
        let text = text.join("\n");
        for words in [
            " scene 9 moved since  8 to 9 40 % 123.4 bpm clock shift undo 999\n",
            " tick 129.8/134.1 ms  decode 118.2/126.9 ms  GPU 100 % 105 C slowed by supply\n",
            " Night bus ",
        ] {
            assert!(text.contains(words), "{words:?} in\n{text}");
        }
    }

    #[test]
    fn a_fault_is_read_before_what_is_asked_and_that_before_what_was_said() {
        let last = |status: &Status| lines(status).pop().unwrap();
        let mut status = Status { message: "scene kept".to_owned(), ..Status::default() };
        assert_eq!(last(&status).text(), " scene kept");
        status.learn = Some("turn a knob".to_owned());
        assert_eq!(last(&status).text(), " turn a knob");
        status.fault = Some("no sound card".to_owned());
        assert_eq!((last(&status).text(), last(&status).0[0].tint), (" no sound card".to_owned(), Tint::Red));
    }

    #[test]
    fn the_number_of_lines_never_changes() {
        assert_eq!(lines(&Status::default()).len(), lines(&busy()).len());
    }

    #[test]
    fn the_colour_of_the_spotlight_is_the_class() {
        let mut seen = Vec::new();
        for id in [ParamId::SourceBlend, ParamId::Denoise, ParamId::GainDb, ParamId::Depth] {
            let status = Status { moved: Some(id), ..Status::default() };
            let lines = lines(&status);
            let line =
                lines.iter().find(|line| line.text().contains(id.row().class.word())).expect("the class in words");
            let tint = line.0.iter().find(|span| span.text.contains(id.row().words)).expect("its words").tint;
            assert!(!seen.contains(&tint) && tint != Tint::Plain, "{id:?}");
            seen.push(tint);
        }
        assert_eq!(seen.len(), Class::ALL.len());
    }

    #[test]
    fn trouble_is_red_and_its_absence_is_not() {
        let red = |status: &Status| lines(status).iter().flat_map(|line| &line.0).any(|span| span.tint == Tint::Red);
        assert!(!red(&Status::default()));
        assert!(red(&Status { xruns: 1, ..Status::default() }));
    }

    #[test]
    fn the_small_panel_moves_with_the_playhead() {
        let drawn = |position| {
            let mut frame = Frame::default();
            draw(&Status { position, seconds: 60.0, ..Status::default() }, &mut frame).expect("memory");
            frame
        };
        assert_ne!(drawn(0.25), drawn(0.75));
        assert_eq!(drawn(0.25), drawn(0.25));
        assert!(drawn(0.0).lit_count() > 100);
    }

    #[test]
    fn numbers_are_written_as_a_player_reads_them() {
        assert_eq!([clock(0.0), clock(83.25), clock(3600.0)], ["0:00.0", "1:23.2", "60:00.0"]);
        assert_eq!([decibel(1.0), decibel(0.5), decibel(0.0)], ["0.0", "-6.0", "-inf"]);
        assert_eq!(written(ParamId::GainDb, &busy().values), "off");
        assert_eq!(written(ParamId::WindowS, &Status::default().values), "1.00 s");
    }
}
