//! Why a plan is refused: from the plan's header where TensorRT can read it, else from the sentences in its log.
//!
//! TensorRT has no error codes here, so the sentences are matched by the words that have been the same for years. A sentence
//! that is not known gives the plain "failed" with the sentence in it.

use crate::runtime::EngineError;
use crate::{Words, sys};

/// The header's verdict, the most telling reason first.
pub(crate) fn from_header(why: u64, words: Words) -> EngineError {
    let is = |bit: i32| why & u64::from(bit.unsigned_abs()) != 0;
    if is(sys::DT_WHY_MALFORMED) {
        EngineError::Corrupt { words }
    } else if is(sys::DT_WHY_VERSION) {
        EngineError::WrongVersion { words }
    } else if is(sys::DT_WHY_CAPABILITY) {
        EngineError::WrongCard { words }
    } else if is(sys::DT_WHY_DRIVER) || is(sys::DT_WHY_CUDA_RUNTIME) {
        EngineError::OldDriver { words }
    } else if is(sys::DT_WHY_MEMORY) {
        EngineError::OutOfMemory { words }
    } else {
        EngineError::Failed { words }
    }
}

/// The log's verdict.
pub(crate) fn from_log(words: Words) -> EngineError {
    let says = |marks: &[&str]| words.0.iter().any(|it| marks.iter().any(|mark| it.to_lowercase().contains(mark)));
    if says(&["out of memory", "outofmemory", "insufficient memory", "cuda error 2 ", "cudaerrormemoryallocation"]) {
        EngineError::OutOfMemory { words }
    } else if says(&[
        "version tag",
        "serialization version",
        "version mismatch",
        "incompatible version",
        "safe version",
    ]) {
        EngineError::WrongVersion { words }
    } else if says(&[
        "compute capability",
        "compute capab",
        "cannot run on this gpu",
        "expecting compute",
        "device mismatch",
    ]) {
        EngineError::WrongCard { words }
    } else if says(&[
        "insufficient driver",
        "driver version is insufficient",
        "cudaerrorinsufficientdriver",
        "error code: 35",
    ]) {
        EngineError::OldDriver { words }
    } else if says(&[
        "magic tag",
        "magictag",
        "corrupt",
        "malformed",
        "truncated",
        "deserialization failed",
        "checksum",
    ]) {
        EngineError::Corrupt { words }
    } else {
        EngineError::Failed { words }
    }
}

#[cfg(test)]
mod tests {
    use super::{from_header, from_log};
    use crate::runtime::EngineError;
    use crate::{Words, sys};

    #[test]
    fn a_damaged_header_outweighs_what_else_it_seems_to_say() {
        let why = (sys::DT_WHY_MALFORMED | sys::DT_WHY_CAPABILITY) as u64;
        assert!(matches!(from_header(why, Words::default()), EngineError::Corrupt { .. }));
        assert!(matches!(from_header(sys::DT_WHY_CAPABILITY as u64, Words::default()), EngineError::WrongCard { .. }));
        assert!(matches!(from_header(sys::DT_WHY_VERSION as u64, Words::default()), EngineError::WrongVersion { .. }));
        assert!(matches!(from_header(sys::DT_WHY_MEMORY as u64, Words::default()), EngineError::OutOfMemory { .. }));
        assert!(matches!(from_header(sys::DT_WHY_DRIVER as u64, Words::default()), EngineError::OldDriver { .. }));
    }

    #[test]
    fn the_log_tells_what_the_header_cannot() {
        let verdict = |text: &str| from_log(Words(vec![text.to_owned()]));
        let magic = "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion magicTagRead == kMAGIC_TAG failed.)";
        assert!(matches!(verdict(magic), EngineError::Corrupt { .. }));
        let version = "The engine plan file is not compatible with this version of TensorRT, expecting library version 11.4 (Version tag does not match)";
        assert!(matches!(verdict(version), EngineError::WrongVersion { .. }));
        let card = "The engine plan file is generated on an incompatible device, expecting compute 9.0 got compute 8.9";
        assert!(matches!(verdict(card), EngineError::WrongCard { .. }));
        assert!(matches!(verdict("Requested amount of GPU memory: OutOfMemory"), EngineError::OutOfMemory { .. }));
        assert!(matches!(verdict("something new"), EngineError::Failed { .. }));
    }
}
