//! Another model for tests to play on.

use std::fs;
use std::path::Path;

/// The built-in one.
const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house");

/// Bytes of the head of a file of weights: a number of eight bytes, and so many letters.
fn head(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize
}

/// A model beside the built-in one, in which every `every`th weight of the network has the other sign.
pub fn write_model(folder: &Path, every: usize) {
    for below in ["", "text_encoder", "vae"] {
        fs::create_dir_all(folder.join(below)).expect("a disk");
        for entry in fs::read_dir(Path::new(BUILT_IN).join(below)).expect("the model").flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.join(below).join(entry.file_name())).expect("a disk");
            }
        }
    }
    let weights = folder.join("model.safetensors");
    let mut bytes = fs::read(&weights).expect("it was written");
    let begin = head(&bytes);
    // Halves: the sign is in the second byte.
    bytes[begin..].iter_mut().skip(1).step_by(2 * every).for_each(|it| *it ^= 0x80);
    fs::write(&weights, bytes).expect("a disk");
}
