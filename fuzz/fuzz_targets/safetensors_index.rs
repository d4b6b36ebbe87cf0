//! Any bytes as an index of shards: refused, or file names that stay in their folder.
#![no_main]

use engine::model::checkpoint::index;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(files) = index::parse(data) else { return };
    for (file, tensors) in files {
        assert!(!tensors.is_empty());
        assert_eq!(std::path::Path::new(&file).components().count(), 1, "{file:?}");
    }
});
