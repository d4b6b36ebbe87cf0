//! Goal: `demon doctor` tells of this very machine, in a table and in JSON that say the same, changes nothing, and its exit code
//! says whether anything is at fault. Method: the real program, on whatever machine this is; what is planted is a model that is
//! cut off and a state folder that is a file.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROWS: [&str; 13] = [
    "card",
    "driver",
    "plans",
    "model",
    "sound",
    "controllers",
    "panels",
    "box file",
    "rights",
    "processor",
    "clock",
    "disk",
    "units",
];

fn doctor(state: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demon"));
    command.args(["doctor", "--device", "null", "--state"]).arg(state).args(more);
    command.env("DEMON_PLANS", state.join("plans")).env_remove("DEMON_MODEL").output().expect("the program starts")
}

fn rows(output: &Output) -> Vec<serde_json::Value> {
    serde_json::from_slice(&output.stdout).expect("JSON, whatever was found")
}

#[test]
fn the_table_and_the_json_tell_the_same_rows_and_nothing_is_left_behind() {
    let state = tempfile::tempdir().expect("a folder can be made");
    let (table, json) = (doctor(state.path(), &[]), doctor(state.path(), &["--json"]));
    let rows = rows(&json);
    let names: Vec<_> = rows.iter().map(|it| it["row"].as_str().expect("a name")).collect();
    assert_eq!(names, ROWS);
    let faults = rows.iter().filter(|it| it["verdict"] == "fault").count();
    for output in [&table, &json] {
        assert_eq!(output.status.code(), Some(i32::from(faults > 0)), "{output:?}");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(words.contains(&format!("{faults} of 13 rows")), faults > 0, "{words}");
    }
    let text = String::from_utf8(table.stdout).expect("a table is text");
    let verdicts: Vec<_> = text.lines().filter(|it| !it.starts_with(' ')).map(|it| it.split(' ').next()).collect();
    assert_eq!(verdicts, rows.iter().map(|it| it["verdict"].as_str()).collect::<Vec<_>>(), "{text}");
    assert!(
        rows.iter().all(|it| it["mend"].is_string() == ["warning", "fault"].iter().any(|bad| it["verdict"] == *bad))
    );
    assert_eq!(fs::read_dir(state.path()).expect("a folder").count(), 0, "it looked, and changed nothing");
}

#[test]
fn a_model_that_is_cut_off_and_a_state_folder_that_is_a_file_are_named() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (model, state) = (folder.path().join("model"), folder.path().join("state"));
    fs::write(&state, "a file").expect("it can be written");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house"), &model);
    let weights = model.join("vae/diffusion_pytorch_model.safetensors");
    let whole = fs::read(&weights).expect("the built-in model has a codec");
    fs::write(&weights, &whole[..whole.len() / 2]).expect("it can be written");
    let output = doctor(&state, &["--json", "--model", model.to_str().expect("a path of words")]);
    assert_eq!(output.status.code(), Some(1));
    let of = |row: &str| rows(&output).into_iter().find(|it| it["row"] == row).expect("every row is told");
    for (row, word) in [("model", "diffusion_pytorch_model.safetensors"), ("disk", "expected a folder")] {
        let found = of(row);
        assert_eq!(found["verdict"], "fault", "{found}");
        assert!(found["found"].as_str().is_some_and(|it| it.contains(word)), "{found}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the model is there").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("it can be copied");
        }
    }
}
