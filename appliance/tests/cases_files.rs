//! Goal: texts and models from wherever they come are read as they were meant, and what is no file is a word and never a wait.
//! Method: the program itself, with each file that public reports tell of; it is killed, and fails, where it hangs.

mod files_support;

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use files_support::{Bench, frames, house, recording};
use serde_json::{Value, json};

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_text_of_another_code_is_told_with_its_line_and_the_rest_is_used() {
    let bench = Bench::new();
    let text = "[prompt]\na = \"warm\"\n[values]\ndenoise = 0.25\n";
    let plain = bench.file("plain.toml", text);
    let source = recording();
    bench.render("plain.wav", &["--source", &source, "--patch", "plain.toml"]).ends_with(0, &[]);
    let plain = (fs::read(bench.at("plain.wav")).expect("a file"), plain);
    for (name, bytes, words) in [
        ("utf16", utf16(text), "utf16.toml:1: UTF-16 was read as such"),
        ("zero", text.replace("= 0.25", "\0= 0.25").into_bytes(), "zero.toml:4: a zero byte was left out"),
        ("return", text.replace('\n', "\r").into_bytes(), "return.toml:1: a line ended by a carriage return alone"),
        ("marked", [b"\xef\xbb\xbf", text.as_bytes()].concat(), ""),
    ] {
        bench.file(&format!("{name}.toml"), bytes);
        let patch = format!("{name}.toml");
        let said = bench.render(&format!("{name}.wav"), &["--source", &source, "--patch", &patch]);
        said.ends_with(0, &[words]);
        assert_eq!(said.lines(&format!("{name}.toml:1:")).len(), usize::from(words.contains(":1:")), "{}", said.words);
        let same = fs::read(bench.at(&format!("{name}.wav"))).expect("a file") == plain.0;
        assert!(same, "{name} sounds otherwise");
    }
    bench
        .file("latin.toml", b"[prompt]\na = \"caf\xe9\"\n[values]\ndenoise = 0.25\nloop_start = 0.9\nloop_end = 0.1\n");
    let said = bench.render("latin.wav", &["--patch", "latin.toml"]);
    let band = "latin.toml:6: values.loop_end: found loop_start 0.9, loop_end 0.1";
    said.ends_with(0, &["latin.toml:2: byte 0xE9 was taken for é", band]);
    assert_eq!(frames(&bench.at("latin.wav")), 4800);
}

#[test]
fn a_slip_in_a_number_or_a_quote_is_told_with_what_was_meant() {
    let bench = Bench::new();
    bench.file("set.toml", "[prompt]\na = “warm”\n[values]\ndenoise = 0,5\n");
    let meant =
        ["set.toml:2: a: found “warm”, expected straight quotes; try \"warm\"", "set.toml:4: denoise: found 0,5"];
    bench.render("out.wav", &["--patch", "set.toml"]).ends_with(1, &[&meant[..], &["; try 0.5"]].concat());
    assert!(!bench.at("out.wav").exists());
    bench.run("take.wav", &["--patch", "set.toml"]).ends_with(0, &meant);
    assert!(frames(&bench.at("take.wav")) > 9600);
}

/// A box all of whose texts come from another machine, and with things in its folders that are no texts.
#[test]
fn a_box_starts_whatever_lies_in_its_folders() {
    let bench = Bench::new();
    bench.file("list/01_a.toml", b"[prompt]\na = \"caf\xe9\"\n");
    bench.file("list/03_B.TOML", utf16("[values]\ndenoise = 0.5\n"));
    bench.file("list/.backup.toml", "what is this");
    bench.file("list/._01_a.toml", b"\0\x05\x16\x07");
    fs::create_dir(bench.at("list/04_folder.toml")).expect("a disk");
    bench.fifo("list/05_pipe.toml");
    bench.link("nowhere", "list/06_gone.toml");
    bench.file("demon.toml", b"# Gr\xfc\xdfe\n[midi]\nfollow = false\n");
    bench.file("profiles/x.toml", b"# \xa9\nname = \"x\"\n");
    bench.fifo("profiles/pipe.toml");
    bench.file("state/maps.toml", b"# \xe4\n[[controller]]\nname = \"a\"\nmodel = \"usb 1:2\"\n");
    let said = bench.run("take.wav", &["--set-list", "list", "--config", "demon.toml"]);
    let words = [
        "01_a.toml:2: byte 0xE9",
        "03_B.TOML:1: UTF-16",
        "04_folder.toml: cannot be read: a folder (expected a file)",
        "05_pipe.toml: cannot be read: a pipe (FIFO) (expected a file)",
        "06_gone.toml: cannot be read: a link to nowhere, which is not there",
        "demon.toml:1: byte 0xFC",
        "profiles/x.toml:1: byte 0xA9",
        "profiles/pipe.toml: a pipe (FIFO) (expected a file)",
        "maps.toml:1: byte 0xE4",
    ];
    said.ends_with(0, &words);
    for part in words {
        assert_eq!(said.lines(part).len(), 1, "{part}\n{}", said.words);
    }
    assert!(!said.words.contains("backup") && !said.words.contains("._01_a"), "{}", said.words);
    assert!(frames(&bench.at("take.wav")) > 9600);
}

#[test]
fn what_is_no_file_is_a_word_at_once_wherever_one_is_named() {
    let bench = Bench::new();
    bench.fifo("pipe");
    fs::create_dir(bench.at("folder")).expect("a disk");
    bench.link("circle", "circle");
    bench.link("nowhere", "dangling");
    let kinds = [
        ("pipe", "a pipe (FIFO) (expected a file"),
        ("folder", "a folder (expected a file"),
        ("circle", "a link that leads in a circle"),
        ("dangling", "a link to nowhere, which is not there"),
        ("nothing", "there is no such file"),
        ("/dev/null", "a device (expected a file"),
    ];
    for (name, words) in kinds {
        let cases: [(&str, &[&str]); 4] =
            [("--patch", &["render"]), ("--patch", &["run"]), ("--config", &["run"]), ("--midi", &["render"])];
        // A MIDI file may come through a pipe.
        for (option, command) in cases.into_iter().filter(|it| it.0 != "--midi" || name != "pipe") {
            let out: &[&str] =
                if command == ["run"] { &["--wav", "x.wav"] } else { &["--out", "x.wav", "--seconds", "1"] };
            let said = bench.demon(&[command, out, &[option, name]].concat());
            said.ends_with(1, &[&format!("{name}: cannot be read: {words}")]).at_once(&format!("{name}: "));
        }
    }
    for (name, words) in kinds.into_iter().skip(1) {
        let said = bench.render("x.wav", &["--source", name]);
        said.ends_with(1, &[&format!("{name}: cannot be read: {words}")]);
    }
    let missing = bench.run("x.wav", &["--set-list", "no/list"]);
    missing.ends_with(1, &["demon: no/list: cannot be read: there is no such folder"]).at_once("no/list");
    for model in ["/nope", "folder"] {
        let said = bench.render("x.wav", &["--model", model]);
        assert_eq!(said.code, Some(1), "{}", said.words);
        assert!(!said.words.contains("no recording"), "{}", said.words);
        assert!(said.words.contains("no such folder") || said.words.contains("not a complete model"), "{}", said.words);
    }
    assert_eq!(bench.names("."), ["circle", "dangling", "folder", "pipe"]);
}

#[test]
fn a_pipe_that_nobody_writes_is_given_up_and_a_signal_ends_the_wait() {
    let bench = Bench::new();
    bench.fifo("pipe.wav");
    let said = bench.render("x.wav", &["--source", "pipe.wav"]);
    said.ends_with(1, &["pipe.wav: cannot be read: a pipe through which nothing came"]);
    let mut waiting = Command::new(env!("CARGO_BIN_EXE_demon"));
    waiting.args(["run", "--plain", "--source", "pipe.wav", "--wav", "x.wav"]).current_dir(bench.at("."));
    let mut waiting = waiting.env("DEMON_MODEL", house()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(waiting.stderr.take().expect("its words")).lines();
    assert!(lines.any(|line| line.expect("text").contains("reading the recording")));
    let killed = Command::new("kill").args(["-TERM", &waiting.id().to_string()]).status().expect("a signal");
    assert!(killed.success());
    let ended = waiting.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0), "asked to end before a sound, it ends in order: {ended}");
    assert_eq!(bench.names("."), ["pipe.wav"]);
}

#[test]
fn a_recording_comes_through_a_pipe_as_from_its_file() {
    let bench = Bench::new();
    bench.render("file.wav", &["--source", &recording()]).ends_with(0, &[]);
    let expected = fs::read(bench.at("file.wav")).expect("a file");
    let bytes = fs::read(recording()).expect("the model's recording");
    let short = ["render", "--seconds", "0.1", "--longest", "2", "--depth", "1", "--out", "-", "--source", "-"];
    let mut child = bench.command(&short).stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut to = child.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || to.write_all(&bytes));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("a thread").expect("it reads all of it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == expected, "through two pipes it is the same file: {} bytes", output.stdout.len());
    let mut from_file = bench.command(&short);
    from_file.stdin(fs::File::open(recording()).expect("the model's recording"));
    assert!(bench.ended(from_file).stdout == expected, "standard input may be a file");
    let both = bench.render("x.wav", &["--source", "-", "--midi", "-"]);
    both.ends_with(2, &["only one of them can be standard input"]);
}

#[test]
fn a_name_never_steers_the_terminal() {
    let bench = Bench::new();
    let odd = "a\u{1b}[31m\u{7}b";
    bench.file(&format!("{odd}.toml"), "[values]\ndenoise = 7\n");
    bench.file(&format!("{odd}.wav"), "no recording");
    for arguments in [["--patch", ".toml"], ["--source", ".wav"], ["--midi", ".wav"], ["--patch", ".gone"]] {
        let said = bench.render("x.wav", &[arguments[0], &format!("{odd}{}", arguments[1])]);
        assert_eq!(said.code, Some(1), "{}", said.words);
        assert!(said.words.contains("a\\u{1b}[31m\\u{7}b"), "{}", said.words);
        assert!(!said.words.contains(['\u{1b}', '\u{7}']), "{:?}", said.words);
    }
    let out = format!("{odd}.out");
    let said = bench.render(&out, &["--source", &recording()]);
    said.ends_with(0, &["a\\u{1b}[31m\\u{7}b.out: "]);
    assert!(!said.words.contains('\u{1b}'), "{:?}", said.words);
}

#[test]
fn a_model_is_found_by_a_link_and_through_its_parent_and_its_newer_keys_are_read() {
    let bench = Bench::new();
    let with = ["--source", &recording()];
    bench.render("plain.wav", &with).ends_with(0, &[]);
    let expected = fs::read(bench.at("plain.wav")).expect("a file");
    bench.model("x");
    bench.link(bench.at("x/turbo"), "current");
    fs::create_dir(bench.at("x/turbo/inside")).expect("a disk");
    // As transformers 5 writes it, by way of a text editor that marks the order of bytes, with what JSON has no word for.
    for config in ["x/turbo/config.json", "x/text_encoder/config.json"] {
        let mut read: Value = serde_json::from_slice(&fs::read(bench.at(config)).expect("a file")).expect("JSON");
        let object = read.as_object_mut().expect("an object");
        let theta = object.remove("rope_theta").expect("it has one");
        object.insert("rope_parameters".to_owned(), json!({ "rope_theta": theta, "rope_type": "default" }));
        object.insert("loss_scale".to_owned(), json!("here"));
        bench.file(config, format!("\u{feff}{}", read.to_string().replace("\"here\"", "NaN")));
    }
    for name in ["current", "x/turbo", "x/turbo/inside/..", "current/inside/.."] {
        bench.render("link.wav", &[&with[..], &["--model", name]].concat()).ends_with(0, &[]);
        assert!(fs::read(bench.at("link.wav")).expect("a file") == expected, "{name} plays otherwise");
    }
}

#[test]
fn what_is_not_the_models_file_is_said_as_what_it_is() {
    let bench = Bench::new();
    bench.model("x");
    let source = recording();
    let with = ["--source", &source, "--model", "x/turbo"];
    let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4793131672\n";
    let weights = fs::read(bench.at("x/turbo/model.safetensors")).expect("the model");
    for (bytes, words) in [
        (pointer, "a Git LFS pointer to 4793131672 bytes, not the file itself"),
        (page, "a web page, not the file itself"),
        ("Entry not found", "a text, not numbers; it begins with `Entry not found`"),
        ("", "an empty file"),
    ] {
        bench.file("x/turbo/model.safetensors", bytes);
        let said = bench.render("x.wav", &with);
        said.ends_with(1, &[&format!("x/turbo/model.safetensors: {words}")]);
        assert_eq!(said.words.matches(words).count(), 1, "{}", said.words);
    }
    bench.file("x/turbo/model.safetensors", weights);
    for file in ["x/turbo/config.json", "x/turbo/silence_latent.pt", "x/text_encoder/tokenizer.json"] {
        let before = fs::read(bench.at(file)).expect("the model");
        for (bytes, words) in [(pointer, "a Git LFS pointer"), (page, "a web page")] {
            bench.file(file, bytes);
            bench.render("x.wav", &with).ends_with(1, &[&format!("{file}: {words}")]);
        }
        bench.file(file, before);
    }
    // Several files, of which one is missing, and then no file.
    fs::remove_file(bench.at("x/turbo/model.safetensors")).expect("a disk");
    bench.file("x/turbo/model.safetensors.index.json", "\u{feff}{\"weight_map\": {\"a\": \"model-1.safetensors\"}}");
    let said = bench.render("x.wav", &with);
    said.ends_with(1, &["model-1.safetensors: not there, although the index of the checkpoint names it"]);
    assert_eq!(said.words.matches("not there").count(), 1, "{}", said.words);
    bench.fifo("x/turbo/model-1.safetensors");
    bench.render("x.wav", &with).ends_with(1, &["model-1.safetensors: not a regular file"]);
}

#[test]
fn a_patch_of_mappings_alone_plays_on_the_models_recording() {
    let bench = Bench::new();
    bench.file("map.toml", "[[map]]\ncc = 3\nto = \"denoise\"\n");
    bench.render("x.wav", &["--patch", "map.toml"]).ends_with(0, &[]);
    assert_eq!(frames(&bench.at("x.wav")), 4800);
}

#[test]
fn a_command_line_that_nobody_can_do_is_refused_as_one() {
    let bench = Bench::new();
    for arguments in [
        &["run", "--seconds", "0"][..],
        &["run", "--seconds", "nan"],
        &["run", "--longest", "0"],
        &["run", "--threads", "100000"],
        &["run", "--threads", "0"],
        &["run", "--wav", "-"],
        &["render", "--out", "x.wav", "--seconds", "0"],
        &["render", "--out", "x.wav", "--seconds", "1e9"],
        &["render", "--out", "x.wav", "--seconds", "1", "--tick-ms", "0"],
        &["render", "--out", "x.wav", "--seconds", "1", "--latents", "x.wav"],
        &["render", "--out", "x.wav", "--seconds", "1", "--latents", "./x.wav"],
        &["learn", "denoise", "--seconds", "-1"],
    ] {
        let said = bench.demon(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}\n{}", said.words);
        assert!(!said.words.contains("panicked") && !said.words.contains("reading the"), "{}", said.words);
    }
    assert!(bench.names(".").is_empty());
}
