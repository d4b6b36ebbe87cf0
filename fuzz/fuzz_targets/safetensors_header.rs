//! Any bytes as a safetensors file: refused, or every tensor lies in the file, none overlaps, and sizes fit.
#![no_main]

use engine::model::checkpoint::header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(entries) = header::parse(data) else { return };
    let mut ranges: Vec<_> = entries.values().map(|it| it.bytes.clone()).collect();
    ranges.sort_by_key(|it| (it.start, it.end));
    for pair in ranges.windows(2) {
        assert!(pair[0].end <= pair[1].start);
    }
    for entry in entries.values() {
        assert!(entry.bytes.start <= entry.bytes.end && entry.bytes.end <= data.len());
        if let Some(precision) = entry.precision() {
            assert_eq!(entry.shape.iter().product::<usize>() * precision.size(), entry.bytes.len());
        }
    }
});
