//! What came of a gesture.

use engine::param::{NotANumber, ParamId};
use hal::gesture::{Key, SurfaceId};

use super::learn::prompt;
use super::target::{BlendEnd, Target};
use crate::control::pen::Form;
use crate::control::tempo::Cue;

/// What came of a gesture, for the conductor to do and the display to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A value was moved.
    Moved(ParamId),
    /// A knob, at this place (0 to 1), has not yet come by its value.
    Waiting(ParamId, f64),
    /// The keys, and whatever moves `selected`, now move this parameter.
    Selected(ParamId),
    /// The morph stands at this place; `None`: one of its scenes is empty.
    Morphed(usize, usize, Option<f64>),
    /// Slots born from now on take other seeds.
    Reseed,
    /// Fade out or play again.
    Mute,
    /// The tape is to stop where it is, or to play on from there.
    Pause,
    /// It did; `false`: it plays on.
    Paused(bool),
    /// Everything went to safe values.
    Panicked,
    /// Everything went back to the patch's values.
    Reverted,
    /// Move the playhead: to a fraction of the tape.
    Seek(f32),
    /// Move the playhead by a fraction of the tape.
    SeekBy(f32),
    /// A stroke was taken back; `false`: there was none.
    Undone(bool),
    /// A stroke was done again; `false`: there was none.
    Redone(bool),
    /// A scene (from 0) was recalled; `false`: the place is empty.
    Recalled(usize, bool),
    /// A scene (from 0) is to be recalled when its beat comes.
    WillRecall(usize),
    /// New seeds are to come with their beat.
    WillReseed,
    /// The patch that waited for its beat is to be loaded.
    PatchHasCome,
    /// A sequencer asked for this, and it was done.
    Followed(Cue),
    /// The displays go on to their next screens.
    NextScreen,
    /// The values were kept as a scene (from 0).
    Captured(usize),
    /// The next digit keeps a scene.
    WillCapture,
    /// Another patch of the set list, from 0.
    Patch(usize),
    /// A patch that many places further on.
    PatchBy(i8),
    /// The patch is to be saved; `true`: as a new one.
    Save(bool),
    /// The patch is to be read again.
    Reload,
    /// The next thing of the library is to be shown, or the one before.
    LibraryBy(i8),
    /// The update that is offered is to be written.
    TakeUpdate,
    /// The box's switch is pressed, or (`false`) let go.
    SwitchOff(bool),
    /// The pen is to be taken up, or put down.
    Draw(bool),
    /// What is moved from now on is drawn.
    Draws,
    /// These have other curves now.
    Drawn(Vec<ParamId>),
    /// A form is to be drawn, or a curve to be taken away.
    Form(Option<Form>),
    /// The curve of this one was taken away.
    Erased(ParamId),
    /// What is drawn of the parameter that was moved last is to swing so many steps further; less far below 0.
    ScaleCurve(i32),
    /// It does, by this factor.
    Scaled(ParamId, f64),
    /// There is nothing drawn of this one.
    NothingDrawn(ParamId),
    /// This one cannot be drawn.
    TakesNoCurve(ParamId),
    /// A take is to begin, or to end.
    Record,
    /// What was played last is to become a take.
    KeepLast,
    /// The gain is to go to where what plays is as loud as the box's file says.
    MatchLoudness,
    /// What is shown of the library is to be played.
    LibraryLoad,
    /// The words of the prompt at this end of the blend are to be written.
    Write(BlendEnd),
    /// A key was typed while words are written.
    Typed(Key),
    /// What is written next: that many choices further on.
    CharacterBy(i32),
    /// The choice that was come to is taken.
    TakeCharacter,
    /// A beat was tapped.
    Tapped,
    /// The loop's ends are to go to beats.
    SnapLoop,
    /// The loop is to become the tape.
    Crop,
    /// All of the recording is to be the tape again.
    WholeRecording,
    /// They did, and are so many beats apart; none where no tempo is known.
    Snapped(Option<f64>),
    /// A bank (from 0) or shift is played now.
    Layer(u8, bool),
    /// Learning waits: for a parameter, or, with one, for a knob.
    Learning(Option<Target>),
    /// A controller has learnt something, in these words; its map is to be saved.
    Learnt(SurfaceId, String),
    /// What was learnt last was taken back; the map is to be saved.
    Unlearnt(SurfaceId),
    /// Learning is over, and nothing was learnt.
    NotLearnt,
    /// A controller came, under this name.
    Came(SurfaceId, String),
    /// A controller went.
    Went(SurfaceId),
    /// The list of keys was asked for, so often since it was closed: each time turns a page, the last one closes it.
    KeyList(usize),
    /// Whatever list was open is closed.
    Closed,
    /// Leave, if it is asked for once more.
    WillQuit,
    /// Leave.
    Quit,
    /// A device sent something that is not a number.
    Refused(NotANumber),
}

impl Act {
    /// One short sentence for the message line; none where the display shows it anyway.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let said = |words: &str| Some(words.to_owned());
        match self {
            Self::Moved(_) | Self::Selected(_) | Self::Seek(_) | Self::SeekBy(_) | Self::Quit => None,
            Self::KeyList(_) | Self::Closed => None,
            Self::WillQuit => said("q again leaves"),
            Self::Morphed(.., Some(_))
            | Self::Tapped
            | Self::SnapLoop
            | Self::Pause
            | Self::Patch(_)
            | Self::PatchBy(_) => None,
            // What becomes of it is told when it is known.
            Self::Save(_) | Self::Reload | Self::LibraryBy(_) | Self::LibraryLoad => None,
            Self::Crop | Self::WholeRecording => None,
            Self::TakeUpdate | Self::SwitchOff(_) | Self::Record | Self::KeepLast | Self::MatchLoudness => None,
            Self::Write(_) | Self::Typed(_) | Self::CharacterBy(_) | Self::TakeCharacter => None,
            Self::Waiting(id, _) => Some(format!("{}: turn on to pick up", id.row().words)),
            Self::Morphed(a, b, None) => Some(format!("morph: keep scenes {} and {} first", a + 1, b + 1)),
            Self::Snapped(Some(beats)) => Some(format!("the loop: {} beats", (beats * 100.0).round() / 100.0)),
            Self::Snapped(None) => said("no tempo for the loop: tap one first"),
            Self::Reseed => said("new seeds"),
            Self::Mute => said("mute"),
            Self::Paused(true) => said("paused"),
            Self::Paused(false) => said("playing on"),
            Self::Panicked => said("panic: safe values; undo brings yours back"),
            Self::Reverted => said("as the patch has it; undo brings yours back"),
            Self::Undone(true) => said("undone"),
            Self::Undone(false) => said("nothing to undo"),
            Self::Redone(true) => said("done again"),
            Self::Redone(false) => said("nothing to redo"),
            Self::Recalled(place, true) => Some(format!("scene {}", place + 1)),
            Self::Recalled(place, false) => Some(format!("scene {} is empty", place + 1)),
            Self::Draw(_) | Self::Form(_) | Self::ScaleCurve(_) => None,
            Self::Scaled(id, factor) => Some(format!("{}: its curve swings {factor:.2} times as far", id.row().words)),
            Self::NothingDrawn(id) => Some(format!("{}: nothing is drawn of it", id.row().words)),
            Self::Draws => said("drawing: what you turn is written over the loop"),
            Self::Drawn(of) if of.is_empty() => said("nothing was drawn"),
            Self::Drawn(of) => {
                let names: Vec<&str> = of.iter().map(|id| id.row().words).collect();
                Some(format!("drawn over the loop: {}", names.join(", ")))
            }
            Self::Erased(id) => Some(format!("{}: its curve is taken away", id.row().words)),
            Self::TakesNoCurve(id) => {
                Some(format!("{} cannot be drawn: it is one value for all of the tape", id.row().words))
            }
            Self::WillReseed => said("new seeds with the beat"),
            Self::PatchHasCome => None,
            Self::WillRecall(place) => Some(format!("scene {} with the beat", place + 1)),
            Self::Followed(Cue::Start) => said("the sequencer starts"),
            Self::Followed(Cue::Continue) => said("the sequencer goes on"),
            Self::Followed(Cue::Stop) => said("the sequencer stops"),
            Self::Followed(Cue::Locate(_)) | Self::NextScreen => None,
            Self::Captured(place) => Some(format!("kept as scene {}", place + 1)),
            Self::WillCapture => said("keep as scene: 1 to 9"),
            Self::Layer(bank, true) => Some(format!("bank {}, shift", bank + 1)),
            Self::Layer(bank, false) => Some(format!("bank {}", bank + 1)),
            Self::Learning(target) => Some(prompt(*target)),
            Self::Learnt(_, words) => Some(words.clone()),
            Self::Unlearnt(_) => said("forgotten again"),
            Self::NotLearnt => said("nothing learnt"),
            Self::Came(_, name) => Some(format!("connected: {name}")),
            Self::Went(_) => said("a controller is gone; its values stay"),
            Self::Refused(fault) => Some(fault.to_string()),
        }
    }
}
