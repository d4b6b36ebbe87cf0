//! What a player sees: source and position, the value last moved, the ring, the lead, trouble, levels, one message.
//!
//! [`Status`] is filled by the conductor; [`lines`] writes it as text for a terminal, [`draw`] draws it for a small panel.
//! Both are pure: the same status is the same picture. A parameter's colour says when a change of it is heard.

mod panel;
mod text;

use engine::param::{ParamId, Values};

pub use panel::draw;
pub use text::{WIDTH, lines};

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

/// Minutes and seconds.
fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0) as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// A peak in decibels under full scale, as short as a meter needs it.
fn decibel(peak: f32) -> String {
    if peak > 1e-3 { format!("{:.1}", 20.0 * peak.log10()) } else { "-inf".to_owned() }
}

/// A value with its unit.
fn written(id: ParamId, values: &Values) -> String {
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
    use super::{Status, clock, decibel, draw, lines, written};
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
