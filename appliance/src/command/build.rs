//! `demon build`: plans for the card, made before anything plays; or the list of them, or the old ones thrown away.

use std::io::Write;

use super::signals::{INTERRUPTED, listen};
use crate::compute::build::{BuildArgs, FolderGraphs, Graphs, ModelGraphs, Outcome, build, clean, list, usual_folder};
use crate::compute::progress::ProgressLine;
use crate::compute::set::model_folder;

/// `demon build`: builds, or lists, or cleans, as the arguments say.
///
/// # Errors
/// In words, with the file and what would mend it.
pub fn command(args: &BuildArgs, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let folder = args.out.clone().unwrap_or_else(usual_folder);
    let nothing = Outcome::Done { built: 0, kept: 0 };
    if args.list {
        return list(&folder, out).map(|()| nothing);
    }
    if let Some(keep) = args.clean {
        return clean(&folder, keep, out).map(|()| nothing);
    }
    let graphs: Box<dyn Graphs> = match &args.onnx {
        Some(onnx) => Box::new(FolderGraphs::new(onnx)),
        None => Box::new(ModelGraphs::open(&model_folder(args.model.as_deref())?)?),
    };
    let leave = listen(INTERRUPTED.into())?;
    // A step of TensorRT may take longer than anybody waits: the plan in hand is given up then, those before are kept.
    let _build = leave.hold("the plan in hand");
    let mut line = ProgressLine::with_time_left();
    let outcome = build(args, &*graphs, &mut line, leave.flag());
    line.done();
    outcome
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
