//! The status as lines of text, 80 columns wide. A parameter's colour says when a change of it is heard.

use engine::param::{Class, ParamId};
use hal::display::{Line, Tint};

use super::status::{Status, clock, decibel, written};
use crate::control::binding::{MAIN, key_of};

/// Columns of the panel: every terminal has them.
pub const WIDTH: usize = 80;
/// Columns of the position bar.
const BAR: usize = 78;
/// Columns of a parameter's little bar.
const SMALL_BAR: usize = 8;

/// The status as lines; always the same number of them.
#[must_use]
pub fn lines(status: &Status) -> Vec<Line> {
    let mut lines = vec![title(status), position(status), spotlight(status), place(status)];
    // Two columns, each parameter behind the key that selects it.
    lines.extend((0..MAIN.len() / 2).map(|row| {
        let left = parameter(Line::default(), row, status);
        parameter(left.with(Tint::Plain, "  "), row + MAIN.len() / 2, status)
    }));
    lines.extend([machine(status), slots(status), trouble(status), meters(status), message(status)]);
    lines.into_iter().map(cut).collect()
}

fn title(status: &Status) -> Line {
    let time = format!("{} / {}", clock(f64::from(status.position) * status.seconds), clock(status.seconds));
    let controllers = match status.controllers {
        0 => String::new(),
        1 => ", 1 controller".to_owned(),
        more => format!(", {more} controllers"),
    };
    let name = if status.patch.is_empty() { &status.source } else { &status.patch };
    let line = Line::default().with(Tint::Bold, format!(" {name:<28.28}")).with(Tint::Plain, format!(" {time}"));
    let line = if status.muted { line.with(Tint::Red, "  MUTE") } else { line };
    line.with(Tint::Dim, format!("  {}{controllers}", status.where_))
}

/// The tape: the loop band light, the last window heavy, the playhead a block.
fn position(status: &Status) -> Line {
    let place = |part: f32| ((part.clamp(0.0, 1.0) * BAR as f32) as usize).min(BAR - 1);
    let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| place(status.values.get(id)));
    let in_window = |column: usize| {
        status.window.is_some_and(|(from, to)| {
            let (from, to) = (place(from), place(to));
            if from <= to { (from..=to).contains(&column) } else { column >= from || column <= to }
        })
    };
    let playhead = place(status.position);
    let tape: String = (0..BAR)
        .map(|column| match column {
            _ if column == playhead => '█',
            _ if in_window(column) => '━',
            _ if (start.min(end)..=start.max(end)).contains(&column) => '─',
            _ => ' ',
        })
        .collect();
    Line::default().with(Tint::Plain, format!(" {tape}"))
}

fn spotlight(status: &Status) -> Line {
    let id = status.spotlight();
    let row = id.row();
    let line = Line::default()
        .with(class_tint(row.class), format!(" {:<16}", row.words))
        .with(Tint::Bold, format!(" {:<12.12}", written(id, &status.values)))
        .with(class_tint(row.class), bar(row.position(status.values.exact(id)), 24))
        .with(Tint::Dim, format!("  {}", row.class.word()));
    match status.waiting {
        Some(knob) => line.with(Tint::Yellow, format!("  knob at {:.2}, turn on", knob)),
        None => line,
    }
}

/// Where in the patch the set is: scene, morph, beat, layer, and how far back undo goes. Empty before any of it.
fn place(status: &Status) -> Line {
    let mut line = Line::default();
    if let Some(scene) = status.scene {
        line = line.with(Tint::Bold, format!(" scene {}", scene + 1));
        line = line.with(Tint::Dim, if status.scene_changed { " moved since " } else { " " });
    }
    if let Some(morph) = &status.morph {
        let [from, to] = morph.scenes.map(|it| it + 1);
        line = line.with(Tint::Plain, format!(" {from} to {to} {:.0} %", morph.position.clamp(0.0, 1.0) * 100.0));
    }
    if let Some(tempo) = &status.tempo {
        line = line.with(Tint::Plain, format!(" {:.1} bpm", tempo.bpm.min(9999.0)));
        line = line.with(Tint::Dim, format!(" {:.12}", tempo.from));
    }
    if !status.layer.is_empty() {
        line = line.with(Tint::Yellow, format!(" {:.12}", status.layer));
    }
    if status.undo > 0 { line.with(Tint::Dim, format!(" undo {}", status.undo.min(999))) } else { line }
}

/// What the machine says of itself; empty before it does.
fn machine(status: &Status) -> Line {
    let mut line = Line::default();
    for (word, took) in [("tick", status.tick), ("decode", status.decode)] {
        if took.max_ms > 0.0 {
            let (usual, worst) = (took.p50_ms.min(9999.0), took.max_ms.min(9999.0));
            line = line.with(Tint::Plain, format!(" {word} {usual:.1}/{worst:.1} ms "));
        }
    }
    let Some(gpu) = &status.gpu else { return line };
    line = line.with(Tint::Plain, format!(" GPU {} % {} C", gpu.load_percent, gpu.celsius));
    match gpu.brake {
        Some(brake) => line.with(Tint::Yellow, format!(" {}", brake.words())),
        None => line,
    }
}

fn parameter(line: Line, place: usize, status: &Status) -> Line {
    let id = MAIN[place];
    let row = id.row();
    let tint = if id == status.selected { Tint::Inverse } else { Tint::Plain };
    line.with(Tint::Dim, format!(" {}", key_of(place)))
        .with(tint, format!(" {:<13.13} {:>10.10} ", row.words, written(id, &status.values)))
        .with(class_tint(row.class), bar(row.position(status.values.exact(id)), SMALL_BAR))
}

fn slots(status: &Status) -> Line {
    let steps = status.values.whole(ParamId::Steps).max(1);
    let mut line = Line::default().with(Tint::Dim, " ring ");
    for slot in status.slots.iter().take(8) {
        line = match slot {
            Some(done) => line.with(Tint::Green, bar(f64::from(*done) / steps as f64, 4)).with(Tint::Plain, " "),
            None => line.with(Tint::Dim, "···· "),
        };
    }
    let rates = format!(" {:.1} ticks/s, {:.1} finished/s", status.ticks_per_s, status.finished_per_s);
    line.with(Tint::Plain, rates)
}

fn trouble(status: &Status) -> Line {
    let count = |line: Line, count: u64, word: &str| match count {
        0 => line.with(Tint::Dim, format!("  {word} 0")),
        some => line.with(Tint::Red, format!("  {word} {}", some.min(999_999))),
    };
    let line = Line::default().with(Tint::Plain, format!(" lead {:.0} ms", status.lead_ms));
    let line = count(line, status.xruns, "xruns");
    let line = count(line, status.late, "late");
    let line = count(line, status.non_finite, "non-finite");
    if status.limiting { line.with(Tint::Yellow, "  limiting") } else { line }
}

fn meters(status: &Status) -> Line {
    // 48 dB of meter: below that no stage is quiet enough to see it.
    let level = |peak: f32| 1.0 + f64::from(20.0 * peak.max(1e-6).log10()) / 48.0;
    let mut line = Line::default();
    for (side, peak) in ["L", "R"].into_iter().zip(status.peaks) {
        let tint = if peak > 0.89 { Tint::Yellow } else { Tint::Green };
        line = line
            .with(Tint::Dim, format!(" {side} "))
            .with(tint, bar(level(peak), 24))
            .with(Tint::Plain, format!(" {:>5} dB  ", decibel(peak)));
    }
    line
}

/// One message: what is wrong before what is asked before what was said.
fn message(status: &Status) -> Line {
    let hint = "space mutes, r reseeds, u undoes, arrows move, 1-9 scenes, q leaves";
    if let Some(fault) = &status.fault {
        return Line::default().with(Tint::Red, format!(" {fault}"));
    }
    if let Some(learn) = &status.learn {
        return Line::default().with(Tint::Yellow, format!(" {learn}"));
    }
    match status.message.as_str() {
        "" => Line::default().with(Tint::Dim, format!(" {hint}")),
        words => Line::default().with(Tint::Bold, format!(" {words}")),
    }
}

/// When a change is heard, as a colour: green at once, blue at the next birth, magenta at the next window, yellow later.
const fn class_tint(class: Class) -> Tint {
    match class {
        Class::Step => Tint::Green,
        Class::Slot => Tint::Blue,
        Class::Decode => Tint::Magenta,
        Class::Load => Tint::Yellow,
    }
}

/// A bar of `columns`, full at 1, in eighths of a column.
fn bar(part: f64, columns: usize) -> String {
    const EIGHTHS: [char; 8] = ['░', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (part.clamp(0.0, 1.0) * (columns * 8) as f64).round() as usize;
    (0..columns)
        .map(|column| match eighths.saturating_sub(column * 8) {
            8.. => '█',
            some => EIGHTHS[some],
        })
        .collect()
}

/// Cuts a line at the panel's width.
fn cut(line: Line) -> Line {
    let mut room = WIDTH;
    let mut kept = Line::default();
    for span in line.0 {
        let text: String = span.text.chars().take(room).collect();
        room -= text.chars().count();

        kept = kept.with(span.tint, text);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{Status, lines};
    use crate::compute::health::{Brake, GpuHealth};
    use crate::display::status::{Morph, Tempo, Took};
    use engine::param::{Class, ParamId};
    use hal::display::Tint;

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
}
