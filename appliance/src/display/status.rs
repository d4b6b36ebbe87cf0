//! What a player sees: source and position, the value last moved, the ring, the lead, trouble, levels, one message.
//!
//! [`Status`] is filled by whoever plays; [`super::terminal`] shows it in a terminal, [`super::screens`] draw it for small panels.
//! Both are pure: the same status is the same picture.

use std::ops::Range;
use std::sync::Arc;

use engine::param::{ParamId, Values};

use crate::compute::health::GpuHealth;
use crate::settings::library::Item;

/// How long something took of late, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Took {
    /// Half took no longer than this.
    pub p50_ms: f32,
    /// The longest.
    pub max_ms: f32,
}

/// How long a gesture takes from the hand to the ear, as it was measured last, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandToEar {
    /// Of a step-class parameter.
    pub step_ms: f32,
    /// Of a slot-class one.
    pub slot_ms: f32,
    /// Of a decode-class one.
    pub decode_ms: f32,
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

/// The library, while a hand walks through it.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryPage {
    /// All of it, shelf by shelf; never empty.
    pub items: Arc<[Item]>,
    /// The one under the cursor.
    pub cursor: usize,
}

/// Words, while a hand writes them.
#[derive(Clone, Debug, PartialEq)]
pub struct TextPage {
    /// Whose they are.
    pub title: String,
    /// What stands there.
    pub text: String,
    /// What may come next; never empty.
    pub choices: Vec<String>,
    /// The one under the cursor.
    pub cursor: usize,
}

/// One knob of the page in the hand.
#[derive(Clone, Debug, PartialEq)]
pub struct PageKnob {
    /// The parameter that it moves; `None` where it moves none.
    pub id: Option<ParamId>,
    /// Where the value is on the knob's travel, 0 to 1.
    pub place: f64,
    /// Where the knob stands on it, while it has not taken hold.
    pub waiting: Option<f64>,
}

/// The knobs around the one that was touched last: eight at most, in the controller's own order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The knobs.
    pub knobs: Vec<PageKnob>,
    /// The place of the one that was touched last.
    pub touched: usize,
}

/// A patch of the set list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its number; 0 is the start.
    pub number: usize,
    /// Its name.
    pub name: String,
}

/// Where the player is in the set list.
#[derive(Clone, Debug, PartialEq)]
pub struct SetPlace {
    /// What is played.
    pub playing: Listed,
    /// What a step back leads to.
    pub previous: Option<Listed>,
    /// What a step on leads to.
    pub next: Option<Listed>,
    /// The highest number.
    pub last: usize,
}

/// One of the nine places for scenes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// Whether something is kept there.
    pub kept: bool,
    /// The name that the patch gives it.
    pub name: Option<String>,
}

/// How far the box is with starting.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    /// What is being done.
    pub words: String,
    /// Part done, 0 to 1, where it is known.
    pub part: Option<f32>,
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
    /// Whether ticks are left out because they would make nothing but what stands.
    pub rests: bool,
    /// Finished generations a second.
    pub finished_per_s: f32,
    /// How far ahead of the playhead windows land, in milliseconds; the least of late.
    pub lead_ms: f32,
    /// From the hand to the ear, where it was measured.
    pub hand_to_ear: Option<HandToEar>,
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
    /// How long the take is that is being recorded, in seconds.
    pub taking_s: Option<f64>,
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
    /// The faults that stand, in plain words, the one that hurts most first; each stays until it is gone.
    pub faults: Vec<String>,
    /// Strokes that can be taken back.
    pub undo: usize,
    /// A list to choose a parameter from, while it is open.
    pub pick: Option<Pick>,
    /// The library, while a hand walks through it.
    pub library: Option<LibraryPage>,
    /// Words, while a hand writes them.
    pub text: Option<TextPage>,
    /// How far the box is with starting; nothing once it plays.
    pub boot: Option<Boot>,
    /// The page of knobs in the hand; nothing until one was touched.
    pub page: Option<Page>,
    /// The place in the set list, where there is one.
    pub set_list: Option<SetPlace>,
    /// The places for scenes.
    pub scenes: Vec<Scene>,
    /// Which part of the faults is read, from 0: it goes on by itself, and round, as far as a display has room for.
    pub fault_page: usize,
    /// How often the list of keys was asked for since it was closed: so many pages of it were turned. 0: it is closed.
    pub key_list: usize,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            source: String::new(),
            seconds: 0.0,
            position: 0.0,
            window: None,
            values: Values::default(),
            selected: crate::control::binding::MAIN[0],
            moved: None,
            waiting: None,
            slots: Vec::new(),
            ticks_per_s: 0.0,
            rests: false,
            finished_per_s: 0.0,
            lead_ms: 0.0,
            hand_to_ear: None,
            xruns: 0,
            late: 0,
            non_finite: 0,
            peaks: [0.0; 2],
            limiting: false,
            muted: false,
            taking_s: None,
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
            faults: Vec::new(),
            undo: 0,
            pick: None,
            library: None,
            text: None,
            boot: None,
            page: None,
            set_list: None,
            scenes: Vec::new(),
            fault_page: 0,
            key_list: 0,
        }
    }
}

impl Status {
    /// The parameter in the spotlight: the one last moved, or else the selected one.
    #[must_use]
    pub fn spotlight(&self) -> ParamId {
        self.moved.unwrap_or(self.selected)
    }

    /// The fault that hurts most.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.faults.first().map(String::as_str)
    }

    /// What was said; a fault that stands is not said again.
    #[must_use]
    pub fn said(&self) -> &str {
        if self.faults.contains(&self.message) { "" } else { &self.message }
    }
}

/// What is seen in so many lines of a list of `count`, with its cursor, which keeps to the middle but for the ends of the list; none of an
/// empty one.
pub(crate) fn seen(cursor: usize, count: usize, lines: usize) -> Option<(usize, Range<usize>)> {
    let cursor = cursor.min(count.checked_sub(1)?);
    let first = cursor.saturating_sub(lines / 2).min(count.saturating_sub(lines));
    Some((cursor, first..count.min(first + lines)))
}

/// Minutes and seconds.
pub(crate) fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0) as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// How long a take is by now, where one is being recorded; empty where none is.
pub(crate) fn taking(status: &Status) -> String {
    status.taking_s.map_or_else(String::new, |it| format!("rec {}:{:02}", it as u64 / 60, it as u64 % 60))
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
    use super::{Status, clock, decibel, written};
    use engine::param::ParamId;

    #[test]
    fn numbers_are_written_as_a_player_reads_them() {
        assert_eq!([clock(0.0), clock(83.25), clock(3600.0)], ["0:00.0", "1:23.2", "60:00.0"]);
        assert_eq!([decibel(1.0), decibel(0.5), decibel(0.0)], ["0.0", "-6.0", "-inf"]);
        let mut silent = Status::default().values;
        silent.set(ParamId::GainDb, -60.0);
        assert_eq!(written(ParamId::GainDb, &silent), "off");
        assert_eq!(written(ParamId::WindowS, &Status::default().values), "1.00 s");
    }
}
