//! The silence latent: what the codec makes of silence, the model's default for a missing source or timbre reference.
//!
//! It is published as `silence_latent.pt`, one tensor `[1, channels, frames]` written by `torch.save`: a zip archive of
//! stored entries with a pickle that describes the tensor. Pickles can run code; this reader knows only the handful of
//! opcodes that describe one tensor of f32, f16 or bf16 and refuses everything else.

pub mod archive;
pub mod pickle;

use std::path::{Path, PathBuf};

use half::{bf16, f16};

use pickle::{Described, Kind};

use super::mistaken::mistaken_binary;

/// Largest file accepted; the published one is under 4 MB.
const LARGEST_FILE_BYTES: u64 = 64 << 20;

/// Why the silence latent cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", file.display())]
pub struct SilenceError {
    /// The file.
    pub file: PathBuf,
    /// What was found and what was expected.
    pub what: String,
}

/// Reads `silence_latent.pt` into `[frames, channels]`.
///
/// # Errors
/// When the file cannot be read, or is not one tensor `[1, channels, frames]` of finite numbers.
pub fn open(file: &Path, channels: usize) -> Result<Vec<f32>, SilenceError> {
    let fault = |what: String| SilenceError { file: file.to_owned(), what };
    let size = std::fs::metadata(file).map_err(|error| fault(error.to_string()))?.len();
    if LARGEST_FILE_BYTES < size {
        return Err(fault(format!("{size} bytes, expected at most {LARGEST_FILE_BYTES}")));
    }
    let bytes = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
    if let Some(words) = mistaken_binary(&bytes) {
        return Err(fault(words));
    }
    let (shape, numbers) = parse(&bytes).map_err(fault)?;
    let [1, found, frames] = shape[..] else {
        return Err(fault(format!("shape {shape:?}, expected [1, {channels}, frames]")));
    };
    if found != channels || frames == 0 {
        return Err(fault(format!("shape {shape:?}, expected [1, {channels}, frames]")));
    }
    if let Some(at) = numbers.iter().position(|it| !it.is_finite()) {
        return Err(fault(format!("{} at position {at}, expected finite numbers", numbers[at])));
    }
    Ok((0..frames * channels).map(|at| numbers[(at % channels) * frames + at / channels]).collect())
}

/// Reads one tensor from the bytes of a file that `torch.save` wrote: shape, and numbers in row-major order.
///
/// # Errors
/// What is wrong, in words.
pub fn parse(file: &[u8]) -> Result<(Vec<usize>, Vec<f32>), String> {
    let entries = archive::entries(file)?;
    let (name, pickled) = archive::ending(&entries, "/data.pkl")?;
    let Described { kind, storage, offset, shape, strides } = pickle::read(pickled)?;
    let root = name.strip_suffix("data.pkl").expect("it was found by this ending");
    let wanted = format!("{root}data/{storage}");
    let stored = entries.iter().find(|(name, _)| *name == wanted).map(|(_, bytes)| *bytes);
    let stored = stored.ok_or_else(|| format!("no entry `{wanted}` in the archive"))?;
    let order = entries.iter().find(|(name, _)| *name == format!("{root}byteorder"));
    if order.is_some_and(|(_, bytes)| *bytes != b"little") {
        return Err("the numbers are big endian, expected little".into());
    }
    let count = shape.iter().try_fold(1_usize, |all, &axis| all.checked_mul(axis)).filter(|it| *it <= stored.len());
    let count = count.ok_or_else(|| format!("shape {shape:?} for {} stored bytes", stored.len()))?;
    let number = |at: usize| {
        let (size, read): (usize, fn(&[u8]) -> f32) = match kind {
            Kind::F32 => (4, |it| f32::from_le_bytes([it[0], it[1], it[2], it[3]])),
            Kind::F16 => (2, |it| f16::from_le_bytes([it[0], it[1]]).to_f32()),
            Kind::Bf16 => (2, |it| bf16::from_le_bytes([it[0], it[1]]).to_f32()),
        };
        let start = at.checked_mul(size)?;
        stored.get(start..start.checked_add(size)?).map(read)
    };
    let place = |mut at: usize| {
        let mut place = offset;
        for (&axis, &stride) in shape.iter().zip(&strides).rev() {
            place = place.checked_add((at % axis).checked_mul(stride)?)?;
            at /= axis;
        }
        number(place)
    };
    let numbers: Option<Vec<f32>> = (0..count).map(place).collect();
    let numbers = numbers.ok_or_else(|| format!("shape {shape:?}, strides {strides:?}: leads out of the storage"))?;
    Ok((shape, numbers))
}

#[cfg(test)]
mod tests;
