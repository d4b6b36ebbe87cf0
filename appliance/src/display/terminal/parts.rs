//! What each part of the terminal's screen says, as rows without a width. A parameter's colour says when a change of it is
//! heard, and its class says it in words as well: nothing is told by colour alone.

use engine::param::{Class, ParamId};
use ratatui::style::{Color, Modifier, Style};

use super::row::Row;
use crate::control::binding::{MAIN, key_of};
use crate::display::screens::short;
use crate::display::status::{Boot, HandToEar, Page, Scene, Status, clock, decibel, taking, written};
use crate::files::plain;

pub(super) const PLAIN: Style = Style::new();
pub(super) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const NOTE: Style = Style::new().fg(Color::Yellow);
pub(super) const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Columns of a parameter: key, words, value; and of its bar.
pub(super) const CELL: usize = 27;
pub(super) const CELL_BAR: usize = 8;

/// Name, time, mute; then where it plays.
pub(super) fn title(status: &Status) -> Row {
    let time = format!("{} / {}", clock(f64::from(status.position) * status.seconds), clock(status.seconds));
    let name = match (&status.boot, status.patch.is_empty()) {
        (Some(_), _) => return Row::default().text(8, BOLD, "DEMON starts"),
        (None, true) => &status.source,
        (None, false) => &status.patch,
    };
    let controllers = match status.controllers {
        0 => String::new(),
        1 => "1 controller".to_owned(),
        more => format!("{more} controllers"),
    };
    let mute = if status.muted { "MUTE" } else { "" };
    let row = Row::default().name(8, BOLD, &plain(name)).text(9, BAD, mute).text(8, BAD, taking(status));
    let row = row.text(7, PLAIN, time);
    let row = row.text(2, DIM, controllers);
    plain(&status.where_).split(", ").fold(row, |row, it| row.text(1, DIM, it))
}

/// The tape: the loop band light, the last window heavy, the playhead a block.
pub(super) fn tape(status: &Status, columns: usize) -> String {
    let last = columns.saturating_sub(1);
    let place = |part: f32| ((part.clamp(0.0, 1.0) * columns as f32) as usize).min(last);
    let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| place(status.values.get(id)));
    let in_window = |column: usize| {
        status.window.is_some_and(|(from, to)| {
            let (from, to) = (place(from), place(to));
            if from <= to { (from..=to).contains(&column) } else { column >= from || column <= to }
        })
    };
    let playhead = place(status.position);
    let column = |column: usize| match column {
        _ if column == playhead => '█',
        _ if in_window(column) => '━',
        _ if (start.min(end)..=start.max(end)).contains(&column) => '─',
        _ => ' ',
    };
    (0..columns).map(column).collect()
}

/// The value in the hand.
pub(super) fn spotlight(status: &Status) -> Row {
    let (id, row) = (status.spotlight(), status.spotlight().row());
    let tint = class_style(row.class);
    let waiting = status.waiting.map_or_else(String::new, |it| format!("knob at {it:.2}, turn on"));
    let line = Row::default().text(9, tint, row.words).text(8, BOLD, written(id, &status.values));
    let line =
        line.bar_of_knob(6, tint, row.position(status.values.exact(id)), 32, status.waiting).text(7, NOTE, waiting);
    line.text(3, DIM, row.class.word())
}

/// Where in the patch the set is: scene, morph, beat, layer, and how far back undo goes.
pub(super) fn place(status: &Status) -> Row {
    let mut row = Row::default();
    if let Some(scene) = status.scene {
        row = row.text(9, BOLD, format!("scene {}", scene + 1));
        let name = status.scenes.get(scene).and_then(|it| it.name.as_deref()).unwrap_or_default();
        row = row.close(8, BOLD, plain(name).into_owned());
        row = row.close(5, DIM, if status.scene_changed { "moved since" } else { "" });
    }
    if let Some(morph) = &status.morph {
        let [from, to] = morph.scenes.map(|it| it + 1);
        let part = morph.position.clamp(0.0, 1.0) * 100.0;
        row = row.text(7, PLAIN, format!("morph {from} to {to}: {part:.0} %"));
    }
    if let Some(tempo) = &status.tempo {
        row = row.text(6, PLAIN, format!("{:.1} bpm", tempo.bpm.min(9999.0)));
        row = row.close(3, DIM, plain(&tempo.from).into_owned());
    }
    let layer = if status.layer.is_empty() { String::new() } else { format!("bank {}", plain(&status.layer)) };
    let undo = if status.undo > 0 { format!("undo {}", status.undo.min(999)) } else { String::new() };
    row.text(8, NOTE, layer).text(4, DIM, undo)
}

/// The place in the set list, and what comes next.
pub(super) fn set_list(status: &Status) -> Row {
    let Some(list) = &status.set_list else { return Row::default() };
    let row = Row::default().text(8, PLAIN, format!("patch {} of {}", list.playing.number, list.last));
    let next = list.next.as_ref().map(|it| format!("{} {}", it.number, plain(&it.name)));
    row.text(9, DIM, "next").name(9, BOLD, next.as_deref().unwrap_or("-"))
}

/// The scenes that are kept, with their names; the one that is played stands out.
pub(super) fn scenes(status: &Status) -> Row {
    let playing = status.scene.filter(|_| status.morph.is_none());
    let kept = status.scenes.iter().enumerate().filter(|(_, it)| it.kept);
    let row = |row: Row, (place, scene): (usize, &Scene)| {
        let name = plain(scene.name.as_deref().unwrap_or_default()).into_owned();
        let words = format!("{} {name}", place + 1);
        let (worth, style) = if playing == Some(place) { (9, SELECTED) } else { (8 - place.min(8) as u8, PLAIN) };
        row.text(worth, style, words.trim_end())
    };
    let all = kept.fold(Row::default(), row);
    if all.is_empty() { all } else { Row::default().text(9, DIM, "scenes").and(all) }
}

/// Columns of a knob on the page in the hand.
pub(super) const KNOB: usize = 19;

/// One knob of the page in the hand: name, value, and where it stands while it has not taken hold.
pub(super) fn knob(status: &Status, page: &Page, place: usize) -> Row {
    let Some(knob) = page.knobs.get(place) else { return Row::default() };
    let style = if place == page.touched { SELECTED } else { PLAIN };
    let Some(id) = knob.id else { return Row::default().text(9, style, "-") };
    let value = written(id, &status.values);
    // The sign of a unit has no room; the name says what it is.
    let value = value.split(' ').next().unwrap_or_default().to_owned();
    let row = Row::default().text(9, style, short(id)).close(8, PLAIN, format!("{value:>6}"));
    row.bar_of_knob(7, class_style(id.row().class), knob.place, 6, knob.waiting)
}

/// How far the start is.
pub(super) fn boot(boot: &Boot) -> Row {
    let row = Row::default().text(9, BOLD, plain(&boot.words).into_owned());
    match boot.part {
        Some(part) => {
            let percent = format!("{:>3.0} %", f64::from(part).clamp(0.0, 1.0) * 100.0);
            row.bar(6, GOOD, f64::from(part), 32).text(8, PLAIN, percent)
        }
        None => row,
    }
}

/// One main parameter, behind the key that selects it; `columns` wide, with a bar where there is room.
pub(super) fn parameter(status: &Status, place: usize, columns: usize) -> Row {
    let id = MAIN[place];
    let row = id.row();
    let style = if id == status.selected { SELECTED } else { PLAIN };
    let words = format!("{:<14} {:>10}", row.words, written(id, &status.values));
    let cell = Row::default().text(9, DIM, key_of(place).to_string()).close(8, style, words);
    let room = columns.saturating_sub(CELL + 1).min(3 * CELL_BAR);
    if room < CELL_BAR {
        cell
    } else {
        cell.bar(1, class_style(row.class), row.position(status.values.exact(id)), room)
    }
}

/// The slots in flight, and how much comes of them.
pub(super) fn ring(status: &Status) -> Row {
    let steps = status.values.whole(ParamId::Steps).max(1);
    let mut row = Row::default().text(9, DIM, "ring");
    for slot in status.slots.iter().take(8) {
        row = match slot {
            Some(done) => row.bar(5, GOOD, f64::from(*done) / steps as f64, 4),
            None => row.close(5, DIM, "····"),
        };
    }
    if status.rests {
        return row.text(8, PLAIN, "rests");
    }
    row.text(8, PLAIN, format!("{:.1} ticks/s", status.ticks_per_s)).text(
        7,
        PLAIN,
        format!("{:.1} finished/s", status.finished_per_s),
    )
}

/// What the machine says of itself; empty before it does.
pub(super) fn machine(status: &Status) -> Row {
    let mut row = Row::default();
    for (word, took) in [("tick", status.tick), ("decode", status.decode)] {
        if took.max_ms > 0.0 {
            let (usual, worst) = (took.p50_ms.min(9999.0), took.max_ms.min(9999.0));
            row = row.text(6, PLAIN, format!("{word} {usual:.1}/{worst:.1} ms"));
        }
    }
    let Some(gpu) = &status.gpu else { return row };
    row = row.text(7, PLAIN, format!("GPU {} % {} C", gpu.load_percent, gpu.celsius));
    row.text(8, NOTE, gpu.brake.map_or("", |it| it.words()))
}

/// How far ahead it plays, and what went wrong since the start.
pub(super) fn trouble(status: &Status) -> Row {
    let mut row = Row::default().text(4, PLAIN, format!("lead {:.0} ms", status.lead_ms.min(99_999.0)));
    for (word, count) in [("xruns", status.xruns), ("late", status.late), ("non-finite", status.non_finite)] {
        let (worth, style) = if count > 0 { (9, BAD) } else { (3, DIM) };
        row = row.text(worth, style, format!("{word} {}", count.min(999_999)));
    }
    if let Some(HandToEar { step_ms, slot_ms, decode_ms }) = status.hand_to_ear {
        let [step, slot, decode] = [step_ms, slot_ms, decode_ms].map(|it| it.clamp(0.0, 99_999.0));
        row = row.text(2, DIM, format!("hand to ear {step:.0}/{slot:.0}/{decode:.0} ms"));
    }
    row.text(8, NOTE, if status.limiting { "limiting" } else { "" })
}

/// Levels of both sides.
pub(super) fn meters(status: &Status) -> Row {
    // 48 dB of meter: below that no stage is quiet enough to see it.
    let level = |peak: f32| 1.0 + f64::from(20.0 * peak.max(1e-6).log10()) / 48.0;
    let mut row = Row::default();
    for (side, peak) in ["L", "R"].into_iter().zip(status.peaks) {
        let style = if peak > 0.89 { NOTE } else { GOOD };
        row = row.text(9, DIM, side).bar(8, style, level(peak), 24);
        row = row.close(2, PLAIN, format!("{:>5} dB", decibel(peak)));
    }
    row
}

/// When a change is heard, as a colour: green at once, blue at the next birth, magenta at the next window, yellow later.
pub(super) const fn class_style(class: Class) -> Style {
    Style::new().fg(match class {
        Class::Step => Color::Green,
        Class::Slot => Color::LightBlue,
        Class::Decode => Color::Magenta,
        Class::Load => Color::Yellow,
    })
}
