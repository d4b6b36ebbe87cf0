//! Goal: broken checkpoints are refused by name; sound ones give their numbers, in whatever precision, without a copy.

use std::path::PathBuf;

use half::{bf16, f16};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::graph::Builder;

/// A tensor to be written: name, type, shape, bytes.
type Written<'a> = (&'a str, &'a str, &'a [usize], Vec<u8>);

/// The bytes of a safetensors file.
fn file_of(tensors: &[Written<'_>]) -> Vec<u8> {
    let (mut at, mut header) = (0, serde_json::Map::new());
    for (name, dtype, shape, bytes) in tensors {
        let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [at, at + bytes.len()] });
        header.insert((*name).to_owned(), entry);
        at += bytes.len();
    }
    let numbers = tensors.iter().flat_map(|(.., bytes)| bytes.clone()).collect();
    with_header(&serde_json::Value::Object(header).to_string(), numbers)
}

fn with_header(header: &str, numbers: Vec<u8>) -> Vec<u8> {
    [(header.len() as u64).to_le_bytes().to_vec(), header.as_bytes().to_vec(), numbers].concat()
}

fn singles(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|it| it.to_le_bytes()).collect()
}

fn folder_with(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("it can be written");
    }
    folder
}

fn open(folder: &TempDir) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(&Checkpoint::find(folder.path()).expect("the folder has a checkpoint"))
}

fn fault(header: &str, numbers: usize) -> String {
    header::parse(&with_header(header, vec![0; numbers])).expect_err("it is broken")
}

#[test]
fn every_precision_widens_to_the_rounded_number() {
    let numbers = [0.1_f32, -3.0, 65_000.0, 1e-8];
    let halves = numbers.iter().flat_map(|&it| f16::from_f32(it).to_le_bytes()).collect();
    let brains = numbers.iter().flat_map(|&it| bf16::from_f32(it).to_le_bytes()).collect();
    let shape: &[usize] = &[4];
    let file =
        file_of(&[("s", "F32", shape, singles(&numbers)), ("h", "F16", shape, halves), ("b", "BF16", shape, brains)]);
    let folder = folder_with(&[("model.safetensors", file)]);
    let checkpoint = open(&folder).expect("it is sound");
    let read = |name: &str| checkpoint.tensor(name).expect("it is there").to_f32();
    assert_eq!(read("s"), numbers);
    assert_eq!(read("h"), numbers.map(|it| f16::from_f32(it).to_f32()));
    assert_eq!(read("b"), numbers.map(|it| bf16::from_f32(it).to_f32()));
}

#[test]
fn released_pages_read_the_same_again() {
    let numbers: Vec<f32> = (0..10_000).map(|it| it as f32).collect();
    let folder = folder_with(&[("model.safetensors", file_of(&[("a", "F32", &[10_000], singles(&numbers))]))]);
    let checkpoint = open(&folder).expect("it is sound");
    checkpoint.release("a");
    assert_eq!(checkpoint.tensor("a").expect("it is there").to_f32(), numbers);
}

#[test]
fn a_sharded_checkpoint_gives_the_tensors_of_every_shard() {
    let index = br#"{"metadata": {}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#.to_vec();
    let folder = folder_with(&[
        ("model.safetensors.index.json", index),
        ("model-1.safetensors", file_of(&[("a", "F32", &[1], singles(&[1.0]))])),
        ("model-2.safetensors", file_of(&[("b", "F32", &[1], singles(&[2.0]))])),
    ]);
    let checkpoint = open(&folder).expect("it is sound");
    assert_eq!(checkpoint.tensor("a").expect("in the first").to_f32(), [1.0]);
    assert_eq!(checkpoint.tensor("b").expect("in the second").to_f32(), [2.0]);
}

#[test]
fn a_missing_shard_is_named() {
    let index = br#"{"weight_map": {"a": "model-1.safetensors"}}"#.to_vec();
    let folder = folder_with(&[("model.safetensors.index.json", index)]);
    let error = open(&folder).expect_err("the shard is missing");
    assert!(
        error.to_string().ends_with("model-1.safetensors: not there, although the index of the checkpoint names it")
    );
    let CheckpointError::Unreadable { file, .. } = error else { panic!("{error}") };
    assert_eq!(file, folder.path().join("model-1.safetensors"));
}

#[test]
fn a_tensor_that_the_index_promises_and_the_shard_lacks_is_named() {
    let index = br#"{"weight_map": {"a": "model-1.safetensors"}}"#.to_vec();
    let shard = file_of(&[("b", "F32", &[1], singles(&[2.0]))]);
    let folder = folder_with(&[("model.safetensors.index.json", index), ("model-1.safetensors", shard)]);
    let error = open(&folder).expect_err("the tensor is missing").to_string();
    assert!(error.ends_with("model-1.safetensors: no tensor `a`, which the index expects here"), "{error}");
}

#[test]
fn an_index_cannot_lead_out_of_its_folder() {
    for file in ["../model.safetensors", "/etc/model.safetensors", "model.bin"] {
        let error = index::parse(format!(r#"{{"weight_map": {{"a": "{file}"}}}}"#).as_bytes());
        assert!(error.expect_err("not a plain name").contains("expected the name of a .safetensors file"), "{file}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = file_of(&[("a", "F32", &[2, 3], singles(&[0.5; 6])), ("b", "BF16", &[5], vec![0; 10])]);
    for length in 0..whole.len() {
        header::parse(&whole[..length]).expect_err("a part is no file");
    }
    header::parse(&whole).expect("the whole is");
}

#[test]
fn overlapping_tensors_are_refused_by_name() {
    let header = r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}"#;
    assert_eq!(fault(header, 12), "tensor `b`: overlaps the tensor before it by 4 bytes");
}

#[test]
fn a_hole_between_tensors_is_refused() {
    let header = r#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}"#;
    assert_eq!(fault(header, 8), "4 bytes before tensor `a` belong to no tensor");
    assert_eq!(fault(header.replace("[4, 8]", "[0, 4]").as_str(), 8), "4 bytes after the last tensor, expected none");
}

#[test]
fn sizes_that_overflow_or_contradict_are_refused_by_name() {
    let sized = |shape: &str, offsets: &str| {
        format!(r#"{{"a": {{"dtype": "F32", "shape": {shape}, "data_offsets": {offsets}}}}}"#)
    };
    let huge = u64::MAX;
    assert!(fault(&sized(&format!("[{huge}, 2]"), "[0, 8]"), 8).contains("overflows"));
    assert!(fault(&sized(&format!("[{huge}]"), "[0, 8]"), 8).contains("overflows"));
    assert_eq!(fault(&sized("[3]", "[0, 8]"), 8), "tensor `a`: 8 bytes, expected 12 for shape [3] of F32");
    assert_eq!(fault(&sized("[2]", "[8, 0]"), 8), "tensor `a`: bytes 8..0 end before they begin");
    let cut = fault(&sized("[2]", &format!("[0, {huge}]")), 8);
    assert_eq!(cut, format!("tensor `a`: bytes 0..{huge}, but the file holds 8 (truncated?)"));
    assert!(header::parse(&u64::MAX.to_le_bytes()).expect_err("no file has that").starts_with("a header of"));
}

#[test]
fn a_weight_of_integers_is_refused_with_its_type() {
    let folder = folder_with(&[("model.safetensors", file_of(&[("a", "I64", &[1], vec![0; 8])]))]);
    let checkpoint = open(&folder).expect("integers may lie about");
    assert!(checkpoint.tensor("a").is_none());
    let error = checkpoint.explain(&LowerError::MissingWeight("a".into())).to_string();
    assert!(error.ends_with("model.safetensors: tensor `a` has type I64, expected F32, F16 or BF16"), "{error}");
}

#[test]
fn a_weight_that_is_not_finite_is_named() {
    for (dtype, size, bad) in [
        ("F32", 4, f32::NAN.to_le_bytes().to_vec()),
        ("F16", 2, f16::INFINITY.to_le_bytes().to_vec()),
        ("BF16", 2, bf16::NEG_INFINITY.to_le_bytes().to_vec()),
    ] {
        let bytes = [vec![0; 2 * size], bad].concat();
        let folder = folder_with(&[("model.safetensors", file_of(&[("w.weight", dtype, &[1, 3], bytes)]))]);
        let checkpoint = open(&folder).expect("the header is sound");
        let mut b = Builder::new();
        let constant = b.constant("w.weight");
        b.output("out", constant);
        let error = checkpoint.check(&b.finish(), |_| None).expect_err("a number is not finite").to_string();
        assert!(error.contains("tensor `w.weight` holds") && error.contains("at position 2"), "{error}");
    }
}

#[test]
fn a_prefix_is_dropped_only_where_it_stands() {
    let one = || singles(&[1.0]);
    let file = file_of(&[("model.norm.weight", "F32", &[1], one()), ("lm_head.weight", "F32", &[1], one())]);
    let folder = folder_with(&[("model.safetensors", file)]);
    let checkpoint = open(&folder).expect("it is sound").without_prefix("model.");
    let mut names: Vec<&str> = checkpoint.names().collect();
    names.sort_unstable();
    assert_eq!(names, ["lm_head.weight", "norm.weight"]);
}

#[test]
fn a_folder_in_place_of_a_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path: PathBuf = folder.path().to_owned();
    assert!(matches!(Checkpoint::open(&path), Err(CheckpointError::Unreadable { .. })));
}

proptest! {
    #[test]
    fn no_damaged_header_leads_out_of_the_file(at in 0_usize..200, byte in any::<u8>()) {
        let mut file = file_of(&[("a", "F32", &[2, 3], singles(&[0.5; 6])), ("b", "BF16", &[5], vec![0; 10])]);
        let at = at % file.len();
        file[at] = byte;
        if let Ok(entries) = header::parse(&file) {
            for entry in entries.values() {
                prop_assert!(entry.bytes.start <= entry.bytes.end && entry.bytes.end <= file.len());
            }
        }
    }
}
