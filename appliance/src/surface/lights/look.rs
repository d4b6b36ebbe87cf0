//! What an entry of the map shows: a place, on or off, blinking. Pure.

use engine::param::{ParamId, Values};

use crate::control::binding::{Deed, Entry, Target};

/// What a light should show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LightState {
    /// Where the knob would have to stand, 0 to 1: for rings and motor faders.
    pub place: f64,
    /// For a light that shows a state.
    pub on: bool,
    /// A state that asks for attention; of a place, that its knob has not come by it yet.
    pub blink: bool,
    /// Off, but something is there: a scene that is kept.
    pub dim: bool,
}

/// What is known beside the values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Panel {
    /// The scene last recalled or kept, from 0, and whether values have moved since (`Desk::scene`).
    pub scene: Option<(usize, bool)>,
    /// Which scenes are kept: bit n for scene n, from 0.
    pub scenes_kept: u16,
    /// The sound is faded out.
    pub muted: bool,
    /// Whether the pen is held.
    pub drawing: bool,
    /// Whether a take is being recorded.
    pub recording: bool,
    /// A lesson is under way.
    pub learning: bool,
    /// Shift is held.
    pub shift: bool,
    /// The bank being played, from 0.
    pub bank: u8,
    /// The morph that has hold: its scenes, and where it stands, 0 to 1 (`Desk::morphing`).
    pub morphs: Option<((usize, usize), f64)>,
}

/// What an entry shows under these values; give the aims, so that lights stand where hands have put them. `selected` is what
/// the keys and whatever moves `selected` move.
#[must_use]
pub fn look(entry: &Entry, aims: &Values, selected: ParamId, panel: &Panel) -> LightState {
    match entry.target {
        Target::Param(id) => value(entry, id, aims),
        Target::Selected => value(entry, selected, aims),
        Target::Morph(low, high) => {
            let at = panel.morphs.filter(|(scenes, _)| *scenes == (low, high)).map_or(0.0, |(_, at)| at);
            let place = if entry.travel.reversed { 1.0 - at } else { at };
            LightState { place, on: at >= 0.5, ..LightState::default() }
        }
        Target::Deed(Deed::Prompt(end, place)) => {
            let on = aims.whole(end.param()) == place + 1;
            LightState { on, place: f64::from(u8::from(on)), ..LightState::default() }
        }
        Target::Deed(deed) => {
            let state = state(deed, panel);
            LightState { place: f64::from(u8::from(state.on)), ..state }
        }
    }
}

fn value(entry: &Entry, id: ParamId, aims: &Values) -> LightState {
    let value = aims.heard(id);
    let place = entry.travel.place(id, value);
    // A choice among several is on when it is not the first of them; all else is on in the upper half of its travel.
    let on = match id.row().labels() {
        Some(labels) if labels.len() > 2 => value > id.row().low,
        _ => place > 0.5,
    };
    LightState { place, on, ..LightState::default() }
}

fn state(deed: Deed, panel: &Panel) -> LightState {
    let kept = |place: usize| place < 16 && panel.scenes_kept >> place & 1 == 1;
    let on = |on| LightState { on, ..LightState::default() };
    match deed {
        Deed::Recall(place) => {
            let current = panel.scene.filter(|(scene, _)| *scene == place);
            LightState { blink: current.is_some_and(|(_, moved)| moved), dim: kept(place), ..on(current.is_some()) }
        }
        Deed::Capture(place) => LightState { dim: kept(place), ..LightState::default() },
        Deed::Mute => on(panel.muted),
        Deed::Draw => LightState { blink: panel.drawing, ..on(panel.drawing) },
        Deed::Record => LightState { blink: panel.recording, ..on(panel.recording) },
        Deed::Learn => LightState { blink: panel.learning, ..on(panel.learning) },
        Deed::Shift => on(panel.shift),
        Deed::Bank(bank) => on(panel.bank == bank),
        Deed::BankBy(_) => on(panel.bank != 0),
        Deed::Reseed
        | Deed::Panic
        | Deed::Revert
        | Deed::Undo
        | Deed::Redo
        | Deed::RecallByNumber
        | Deed::PatchByNumber
        | Deed::PatchBy(_)
        | Deed::Save
        | Deed::SaveNew
        | Deed::Reload
        | Deed::LibraryBy(_)
        | Deed::TakeUpdate
        | Deed::SwitchOff
        | Deed::Form(_)
        | Deed::EraseCurve
        | Deed::ScaleCurve(_)
        | Deed::KeepLast
        | Deed::MatchLoudness
        | Deed::LibraryLoad
        | Deed::Write(_)
        | Deed::CharacterBy(_)
        | Deed::TakeCharacter
        | Deed::Prompt(..)
        | Deed::PromptByNumber(_)
        | Deed::PromptBy(..)
        | Deed::Start
        | Deed::Pause
        | Deed::Tap
        | Deed::SnapLoop
        | Deed::Crop
        | Deed::WholeRecording
        | Deed::Browse
        | Deed::NextScreen => LightState::default(),
    }
}
