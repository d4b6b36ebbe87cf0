//! Where a performance goes on: the last state, where it belongs to what is started with.

use std::path::PathBuf;
use std::time::SystemTime;

use engine::param::{Mark, Stroke};

use super::run::RunArgs;
use crate::performance::beginning::Last;
use crate::performance::keeper::Kept;
use crate::settings::box_file::AtStart;
use crate::settings::last_state::{CRASHES, Found, LastState, Origin, Shelf, SoundSum, Starts};
use crate::settings::learnt_maps;
use crate::settings::patch::Patch;
use crate::settings::set_list::{Listed, SetList};

/// What is kept of this performance, and where it goes on: after a crash loop nowhere, unless the command line itself wants it. The list is
/// brought to the patch that was played. What the player is to know is added to `said`.
pub(super) fn come_back(
    args: &RunArgs,
    recording: &str,
    sound: SoundSum,
    list: &mut SetList,
    said: &mut Vec<String>,
) -> (Option<Kept>, Option<Last>) {
    let origin = list.started().map(|it| Origin::of(it, recording, sound)).unwrap_or_default();
    let folder = &learnt_maps::folder(args.state.as_deref());
    let shelf = match Shelf::open(folder) {
        Ok(shelf) => shelf,
        Err(words) => {
            said.push(words);
            return (None, None);
        }
    };
    let (starts, is_loop) = Starts::begin(folder, SystemTime::now());
    let last = match is_loop && !args.wants_last && shelf.has_one() {
        true => {
            said.push(format!(
                "{CRASHES} starts within a minute did not end in order: this one is without the last state; {}",
                shelf.set_aside()
            ));
            None
        }
        false if args.at_start.unwrap_or_default() == AtStart::Last => last(&shelf, &origin, list, said),
        false => None,
    };
    (Some(Kept { shelf, starts, recording: recording.to_owned(), sound, sources: None, model: PathBuf::new() }), last)
}

/// The last state, where it is whole and belongs here; what is neither is set aside.
fn last(shelf: &Shelf, origin: &Origin, list: &mut SetList, said: &mut Vec<String>) -> Option<Last> {
    let mut state = match shelf.read() {
        Found::Nothing => return None,
        Found::State(state) => *state,
        Found::Refused(words) => {
            said.push(format!("{words}\n{}; the patch plays as it is written", shelf.set_aside()));
            return None;
        }
    };
    let patch = match belongs(&state, origin, list) {
        Ok(patch) => patch,
        Err(words) => {
            said.push(format!("{words}: the patch plays as it is written, and {}", shelf.set_aside()));
            return None;
        }
    };
    belong(&mut state, list);
    Some(Last { state, patch })
}

/// What the state says of patches is said of this list, where they may have other numbers by now; of a patch that is gone, undo brings values
/// and scenes alone. What the patch was before it was saved is remembered.
fn belong(state: &mut LastState, list: &mut SetList) {
    let now = |mark: Mark| {
        let number = list.number_now(mark.patch as usize, &state.playing.list)?;
        Some(Mark { patch: u32::try_from(number).ok()?, ..mark })
    };
    let both = |[before, after]: [Mark; 2]| Some([now(before)?, now(after)?]);
    for stroke in &mut state.kept.done {
        stroke.marks = stroke.marks.and_then(both);
    }
    // What was taken back together with a patch that was saved as new is not done again: the patch is gone. The next one lies last.
    let is_gone = |it: &Stroke| it.marks.is_some_and(|it| both(it).is_none());
    let gone = state.kept.undone.iter().rposition(is_gone).map_or(0, |it| it + 1);
    state.kept.undone.drain(..gone);
    for stroke in &mut state.kept.undone {
        stroke.marks = stroke.marks.and_then(both);
    }
    state.kept.mark.patch = u32::try_from(list.place()).unwrap_or(0);
    let place = list.place();
    if let Some(listed) = list.listed_mut(place) {
        state.playing.saved.drain(..).for_each(|it| listed.will_be(it));
    }
}

/// The patch of the list that the state had gone to, where it had; the list is brought there.
fn belongs(state: &LastState, origin: &Origin, list: &mut SetList) -> Result<Option<Patch>, String> {
    if !origin.is_of(&state.origin) {
        let Origin { patch, source, .. } = &state.origin;
        return Err(format!("the last state is of another start (patch {patch}, recording {source})"));
    }
    let playing = &state.playing;
    if playing.number == 0 {
        return Ok(None);
    }
    let is_it = |list: &SetList| {
        let digest = list.playing().map(Listed::digest);
        digest.is_some_and(|it| it == playing.digest || playing.saved.contains(&it))
    };
    // Its name first: one that was saved as new may be the same to the letter. It may have another name by now, and another number.
    let named = list.number_now(playing.number, &playing.list);
    for number in named.into_iter().chain([playing.number]).chain(1..=list.last()) {
        if list.go(number).is_some() && is_it(list) {
            return Ok(list.playing().map(Listed::played));
        }
    }
    list.go(0);
    Err(format!("the last state is of patch {}, which is not in the set list as it was", playing.name))
}

#[cfg(test)]
#[path = "evenings_tests.rs"]
mod evenings;
