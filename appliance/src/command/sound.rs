//! Who plays what `demon run` computes: a player that is there or is started, or this process.

use std::ffi::OsString;

use anyhow::{Context as _, bail};

use super::run::RunArgs;
use crate::files::append;
use crate::handover::folder;
use crate::handover::link::somebody;
use crate::performance::output::Output;
use crate::performance::remote::{NotStarted, Remote, StartPlayer, own_folder};
use crate::performance::stage::Sound;

/// Who plays, and where: a player that is there or is started, or this process where it is asked for or cannot be otherwise. What is
/// waited for is told.
pub(super) fn sound(
    args: &RunArgs,
    checked: Option<Output>,
    tape_frames: usize,
    said: &mut Vec<String>,
    tell: &mut dyn FnMut(&str),
) -> anyhow::Result<(Sound, String)> {
    let runtime = folder::folder(args.runtime.as_deref());
    // A take is this run's own as a file is, so that several runs have one each; but whoever plays already is joined.
    let takes =
        || !args.wait_for_player && args.device.is_none() && !somebody(&runtime) && Output::to_device(None).is_file();
    let own = args.wav.is_some() || !args.in_process && takes();
    let folder = if own { own_folder(&runtime) } else { runtime };
    if args.in_process {
        return here(args, checked, None, said);
    }
    if let Err(why) = folder::make(&folder) {
        if args.wait_for_player {
            bail!(why);
        }
        return here(args, checked, Some(&why), said);
    }
    let option = |name: &str, value: OsString| vec![OsString::from(name), value];
    let wav = args.wav.clone().map(|it| option("--wav", it.into()));
    let device = || args.device.clone().map(|it| option("--device", it.into()));
    let mut output = wav.or_else(device).unwrap_or_default();
    output.extend(args.ask.arguments());
    let program = std::env::current_exe().context("this program's own file")?;
    let start = StartPlayer { program, output, folder, own, waits: args.wait_for_player };
    let (mut remote, found) = match Remote::find_or_start(start, tape_frames, tell) {
        Ok(found) => found,
        // What cannot be here either, such as a file that cannot be written, is said again by who tries it.
        Err(error) => return here(args, checked, Some(&error.downcast::<NotStarted>()?.to_string()), said),
    };
    if let Some(folder) = &args.witness {
        remote.write_down(append(&folder.join(format!("{}.log", std::process::id())))?);
    }
    let place = remote.place().to_owned();
    if found {
        let asked =
            args.device.as_ref().filter(|it| **it != place).map_or(String::new(), |it| format!(", not to {it}"));
        said.push(format!("the player that runs (process {}) plays to {place}{asked}", remote.process()));
    }
    Ok((Sound::Remote(Box::new(remote)), place))
}

/// This process plays, since that is asked for, or for this reason.
fn here(
    args: &RunArgs,
    checked: Option<Output>,
    why: Option<&str>,
    said: &mut Vec<String>,
) -> anyhow::Result<(Sound, String)> {
    said.extend(why.map(|it| format!("{it}: engine and sound are one process, and end together")));
    let output = checked.unwrap_or_else(|| Output::to_device(args.device.as_deref()));
    let (out, place, words) = output.make()?;
    said.extend(words);
    Ok((Sound::Here(out), place))
}
