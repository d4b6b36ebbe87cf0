//! Where a performance goes on: the last state, where it belongs to what is started with.

use std::time::SystemTime;

use super::run::RunArgs;
use crate::performance::beginning::Last;
use crate::performance::keeper::Kept;
use crate::settings::box_file::AtStart;
use crate::settings::last_state::{CRASHES, Found, LastState, Origin, Shelf, Starts, digest_of};
use crate::settings::learnt_maps;
use crate::settings::patch::Patch;
use crate::settings::set_list::SetList;

/// What is kept of this performance, and where it goes on: after a crash loop nowhere, unless the command line itself wants it. The list is
/// brought to the patch that was played. What the player is to know is added to `said`.
pub(super) fn come_back(
    args: &RunArgs,
    origin: Origin,
    list: &mut SetList,
    said: &mut Vec<String>,
) -> (Option<Kept>, Option<Last>) {
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
    (Some(Kept { shelf, starts, origin }), last)
}

/// The last state, where it is whole and belongs here; what is neither is set aside.
fn last(shelf: &Shelf, origin: &Origin, list: &mut SetList, said: &mut Vec<String>) -> Option<Last> {
    let state = match shelf.read() {
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
    Some(Last { state, patch })
}

/// The patch of the list that the state had gone to, where it had; the list is brought there.
fn belongs(state: &LastState, origin: &Origin, list: &mut SetList) -> Result<Option<Patch>, String> {
    if state.origin.digest != origin.digest {
        let Origin { patch, source, .. } = &state.origin;
        return Err(format!("the last state is of another start (patch {patch}, recording {source})"));
    }
    let playing = &state.playing;
    if playing.number == 0 {
        return Ok(None);
    }
    let is_it = |list: &SetList| list.playing().is_some_and(|it| digest_of(&it.patch) == playing.digest);
    // Its number first; it may have another by now.
    let numbers = std::iter::once(playing.number).chain(1..=list.last());
    for number in numbers {
        if list.go(number).is_some() && is_it(list) {
            return Ok(list.playing().map(|it| it.patch.clone()));
        }
    }
    list.go(0);
    Err(format!("the last state is of patch {}, which is not in the set list as it was", playing.name))
}
