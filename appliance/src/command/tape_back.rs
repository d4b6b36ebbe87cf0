//! What the tape had become when the last performance ended: it comes back with the last state, or not at all.

use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};

use super::run::RunArgs;
use crate::settings::last_tape::{Found, MOST_FRAMES, TapeFile, TapeOrigin};
use crate::settings::learnt_maps;

/// Who plays what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlayerIs {
    /// This process, whose tape nobody can copy.
    Here,
    /// Another process that has no tape yet, or another one.
    New,
    /// Another process that plays this tape already.
    PlayingOn,
}

/// The tape that began as this `recording`, as it was left, and where it is kept from now on. It comes back to a player that begins; one that plays
/// on has it. `kept` says whether this performance keeps anything, and whether the last state came back. What the player is to know is
/// added to `said`.
pub(super) fn tape_back(
    args: &RunArgs,
    recording: &[StereoFrame],
    player: PlayerIs,
    (kept, came_back): (bool, bool),
    said: &mut Vec<String>,
) -> (Option<Vec<StereoFrame>>, Option<TapeFile>) {
    if !kept {
        // The folder is another performance's.
        return (None, None);
    }
    let file = TapeFile::of(&learnt_maps::folder(args.state.as_deref()), TapeOrigin::of(recording));
    let tape = if came_back && player == PlayerIs::New { left_on(&file, recording, said) } else { None };
    if tape.is_none() && player != PlayerIs::PlayingOn {
        // What is not taken must not come back with values that are not its own.
        let _ = file.set_aside();
    }
    if player == PlayerIs::Here {
        return (None, None);
    }
    if !file.origin().is_kept() {
        let minutes = MOST_FRAMES / (60 * SAMPLE_RATE_HZ as usize);
        said.push(format!("the tape is longer than {minutes} minutes: its sound is not kept for the next start"));
        return (None, None);
    }
    (tape, Some(file))
}

/// What the tape had become, where that is whole and belongs here; what is neither is set aside.
fn left_on(file: &TapeFile, recording: &[StereoFrame], said: &mut Vec<String>) -> Option<Vec<StereoFrame>> {
    match file.found(recording) {
        Found::Nothing => None,
        Found::Sound(tape) => Some(tape),
        Found::Refused(words) => {
            let aside = file.set_aside().unwrap_or_default();
            said.push(format!("{words}; the tape begins as the recording, and {aside}"));
            None
        }
    }
}
