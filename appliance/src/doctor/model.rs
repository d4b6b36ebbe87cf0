//! The model: its parts, and every file of them as long as it says.

use std::path::Path;

use engine::model::checkpoint::Checkpoint;
use engine::model::folder::ModelFolder;

use super::Finding;
use crate::files::shown;
use crate::settings::model_settings::ModelSettings;

/// Reads headers and lengths, no weights.
pub(super) fn model(folder: Result<&Path, &String>) -> Finding {
    const ROW: &str = "model";
    let again = "copy the model again, whole: README.md says which files";
    let folder = match folder {
        Ok(folder) => folder,
        Err(words) => return Finding::fault(ROW, words.clone(), again),
    };
    let parts = match ModelFolder::find(folder) {
        Ok(parts) => parts,
        Err(missing) => return Finding::fault(ROW, missing.to_string(), again),
    };
    let mut bytes = 0;
    for part in [&parts.denoiser, &parts.codec, &parts.text] {
        match Checkpoint::open(&part.weights) {
            Ok(opened) => bytes += opened.bytes(),
            Err(error) => return Finding::fault(ROW, error.to_string(), again),
        }
    }
    let (_, faults) = ModelSettings::open(folder);
    if let Some(faults) = faults {
        return Finding::warning(ROW, faults, "mend the model's instrument.toml; its other keys are used");
    }
    Finding::well(ROW, format!("{}, {} MB", shown(&folder), bytes / 1_000_000))
}
