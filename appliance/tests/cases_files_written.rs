//! Goal: nothing that was there is destroyed, and what is written is whole.
//! Method: the program itself writes over, into and beside everything that a name may lead to, on disks that are full, twice at
//! once, and past four gigabytes.

mod files_support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use files_support::{Bench, RUN, Said, frames, house, recording};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

/// Maps with a misspelt key, which are read as far as they are sound.
const FAULTY: &str =
    "[[controller]]\nname = \"a\"\nmodel = \"usb 1:2\"\nsokcet = 3\n[[controller.map]]\ncc = 1\nto = \"denoise\"\n";

#[test]
fn a_render_asks_what_it_is_to_write_before_it_begins() {
    let bench = Bench::new();
    fs::create_dir(bench.at("folder")).expect("a disk");
    bench.file("file", "");
    bench.link("circle", "circle");
    for (name, words) in [
        ("folder", "folder: cannot be written: a folder (expected a file, or a name that is free)"),
        ("circle", "circle: cannot be written: a link that leads in a circle"),
        ("no/x.wav", "no/x.wav: cannot be written: the folder no is not there"),
        ("file/x.wav", "file/x.wav: cannot be written: a file (expected a folder to write in)"),
        ("/proc/x.wav", "/proc/x.wav: cannot be written: "),
    ] {
        let said = bench.render(name, &[]);
        said.ends_with(1, &[words]);
        assert!(!said.words.contains("reading the recording"), "{}", said.words);
        let latents = bench.render("x.wav", &["--latents", name]);
        latents.ends_with(1, &[words]);
        bench.run(name, &[]).ends_with(1, &[words]);
    }
    assert_eq!(bench.names("."), ["circle", "file", "folder"]);
}

#[test]
fn a_link_stays_and_devices_and_pipes_are_written_into() {
    let bench = Bench::new();
    bench.render("plain.wav", &[]).ends_with(0, &[]);
    let expected = fs::read(bench.at("plain.wav")).expect("a file");
    fs::create_dir(bench.at("far")).expect("a disk");
    bench.file("far/old.wav", "old");
    bench.link("far/old.wav", "link.wav");
    bench.link("far/new.wav", "dangling.wav");
    for (link, file) in [("link.wav", "far/old.wav"), ("dangling.wav", "far/new.wav")] {
        bench.render(link, &[]).ends_with(0, &[]);
        assert!(fs::symlink_metadata(bench.at(link)).expect("it is there").is_symlink(), "{link} was replaced");
        assert!(fs::read(bench.at(file)).expect("a file") == expected);
    }
    let mut device = PathBuf::from("/dev/null");
    // A device node of its own, which nobody misses, where the rights are.
    if mknodat(CWD, bench.at("null"), FileType::CharacterDevice, Mode::from(0o600), makedev(1, 3)).is_ok()
        && fs::write(bench.at("null"), "").is_ok()
    {
        device = bench.at("null");
    }
    bench.render(device.to_str().expect("text"), &["--latents", "/dev/null"]).ends_with(0, &[]);
    bench.run(device.to_str().expect("text"), &[]).ends_with(0, &[]);
    assert!(fs::metadata(&device).expect("it is there").file_type().is_char_device());
    let full = bench.render("/dev/full", &[]);
    full.ends_with(1, &["/dev/full: cannot be written: No space left on device"]);
    bench.fifo("pipe");
    let pipe = bench.at("pipe");
    let reader = std::thread::spawn(move || fs::read(pipe));
    bench.render("pipe", &[]).ends_with(0, &[]);
    assert!(reader.join().expect("a thread").expect("a pipe") == expected);
    let socket = UnixListener::bind(bench.at("socket")).expect("a socket");
    let reader = std::thread::spawn(move || {
        let mut came = Vec::new();
        socket.accept().and_then(|(mut stream, _)| stream.read_to_end(&mut came)).map(|_| came)
    });
    bench.render("socket", &[]).ends_with(0, &[]);
    assert!(reader.join().expect("a thread").expect("a socket") == expected);
    let nobody = bench.render("pipe", &[]);
    nobody.ends_with(1, &["pipe: cannot be written: a pipe from which nobody reads"]);
    assert!(fs::metadata(bench.at("pipe")).expect("it is there").file_type().is_fifo());
    assert!(bench.render("-", &[]).ends_with(0, &["standard output: "]).stdout == expected);
    assert!(bench.names(".").iter().all(|name| !name.starts_with('.')), "{:?}", bench.names("."));
}

#[test]
fn nothing_is_written_over_what_is_played() {
    let bench = Bench::new();
    let bytes = fs::read(recording()).expect("the model's recording");
    bench.file("a.flac", &bytes);
    fs::hard_link(bench.at("a.flac"), bench.at("hard.flac")).expect("a disk");
    bench.link("a.flac", "soft.flac");
    bench.file("set.toml", "source = \"a.flac\"\n");
    bench.file("hands.mid", b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0");
    let before = |name: &str| fs::read(bench.at(name)).expect("it is there");
    let kept = ["a.flac", "set.toml", "hands.mid"].map(before);
    for (out, arguments, what) in [
        ("a.flac", &["--source", "a.flac"][..], "recording that is played"),
        ("hard.flac", &["--source", "a.flac"], "recording that is played"),
        ("soft.flac", &["--source", "./a.flac"], "recording that is played"),
        ("a.flac", &["--patch", "set.toml"], "recording that is played"),
        ("set.toml", &["--patch", "set.toml"], "patch that is played"),
        ("hands.mid", &["--midi", "hands.mid"], "MIDI file that is played"),
    ] {
        let words = format!("{out}: cannot be written: it would be written over the {what}");
        for said in [
            bench.render(out, arguments),
            bench.run(out, arguments),
            bench.render("x.wav", &[arguments, &["--latents", out]].concat()),
        ] {
            said.ends_with(1, &[&words]);
            assert!(!said.words.contains("reading the recording"), "{}", said.words);
        }
    }
    assert!(["a.flac", "set.toml", "hands.mid"].map(before) == kept);
    bench.model("x");
    let own = fs::read(house().join("demo.flac")).expect("the model's recording");
    bench.file("x/turbo/demo.flac", &own);
    for file in ["demo.flac", "model.safetensors", "../vae/config.json"] {
        let out = format!("x/turbo/{file}");
        bench.render(&out, &["--model", "x/turbo"]).ends_with(1, &["it would be written over the "]);
    }
    bench.file("state/maps.toml", "");
    bench.run("state/maps.toml", &[]).ends_with(1, &["it would be written over the learnt maps"]);
    let both = bench.render("new.wav", &["--latents", "new.wav"]);
    both.ends_with(2, &["named by --out and by --latents"]);
    assert!(!bench.at("new.wav").exists());
}

#[test]
fn two_at_once_get_two_takes_and_a_render_is_one_of_two() {
    let bench = Bench::new();
    let start = |arguments: &[&str]| bench.command(arguments).spawn().expect("the program starts");
    let takes = [(); 2].map(|()| start(&[&RUN[..], &["--seconds", "0.5"]].concat()));
    for take in takes {
        let output = take.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let takes: Vec<String> = bench.names(".").into_iter().filter(|it| it != "state").collect();
    assert_eq!(takes, ["demon-take-0001.wav", "demon-take-0002.wav"]);
    assert!(takes.iter().all(|take| frames(&bench.at(take)) > 9600));
    let seeds = ["1", "2"];
    let render = |seed: &str, out: &str| {
        start(&["render", "--seconds", "1", "--longest", "2", "--depth", "1", "--seed", seed, "--out", out])
    };
    let alone = seeds.map(|seed| {
        let out = format!("seed-{seed}.wav");
        assert!(render(seed, &out).wait().expect("it ends").success());
        fs::read(bench.at(&out)).expect("a file")
    });
    let both = seeds.map(|seed| render(seed, "both.wav"));
    for mut it in both {
        assert!(it.wait().expect("it ends").success());
    }
    let found = fs::read(bench.at("both.wav")).expect("a file");
    assert!(alone[0] != alone[1] && alone.contains(&found), "it is a mix of both");
    assert!(bench.names(".").iter().all(|name| !name.starts_with('.')), "{:?}", bench.names("."));
}

#[test]
fn a_take_replaces_a_file_whole_and_keeps_its_link() {
    let bench = Bench::new();
    bench.file("old.wav", "an old take");
    bench.link("old.wav", "link.wav");
    let said = bench.demon(&[&RUN[..], &["--seconds", "1.5", "--wav", "link.wav"]].concat());
    said.ends_with(0, &["sound to link.wav"]);
    assert!(fs::symlink_metadata(bench.at("link.wav")).expect("it is there").is_symlink());
    assert!(frames(&bench.at("old.wav")) > 48_000);
    assert_eq!(bench.names("."), ["link.wav", "old.wav", "state"]);
    // What cannot even begin leaves the old one and nothing new.
    bench.file("bad.flac", "no recording");
    let before = fs::read(bench.at("old.wav")).expect("it is there");
    assert_eq!(bench.run("old.wav", &["--source", "bad.flac"]).code, Some(1));
    assert_eq!(bench.run("new.wav", &["--source", "bad.flac"]).code, Some(1));
    assert!(fs::read(bench.at("old.wav")).expect("it is there") == before);
    assert_eq!(bench.names("."), ["bad.flac", "link.wav", "old.wav", "state"]);
}

#[test]
fn past_four_gigabytes_a_render_says_its_true_length() {
    let bench = Bench::new();
    let long = ["render", "--seconds", "11300", "--tick-ms", "60000", "--longest", "2", "--depth", "1", "--out", "-"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_demon"));
    child
        .args(long)
        .current_dir(bench.at("."))
        .env("DEMON_MODEL", house())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = child.spawn().expect("the program starts");
    let mut header = [0; 36];
    child.stdout.take().expect("its sound").read_exact(&mut header).expect("a header");
    // Nobody reads the rest: it ends by itself, and not well.
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(1), "{ended}");
    assert_eq!((&header[..4], &header[12..16]), (&b"RF64"[..], &b"ds64"[..]));
    let data = u64::from_le_bytes(header[28..].try_into().expect("eight bytes"));
    assert_eq!(data, 11_300 * 48_000 * 8);
}

#[test]
fn an_interrupted_render_leaves_what_was_there() {
    let bench = Bench::new();
    bench.file("out.wav", "old");
    let arguments = ["render", "--seconds", "3600", "--longest", "2", "--depth", "1", "--out", "out.wav"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_demon"));
    child.args(arguments).current_dir(bench.at(".")).env("DEMON_MODEL", house()).stderr(Stdio::piped());
    let mut child = child.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines();
    assert!(lines.any(|line| line.expect("text").contains("rendering")));
    assert_eq!(bench.names(".").len(), 2, "the part lies beside it: {:?}", bench.names("."));
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("a signal");
    assert!(killed.success());
    assert!(lines.any(|line| line.expect("text").contains("interrupted: nothing was written")));
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(
        (bench.names("."), fs::read(bench.at("out.wav")).expect("it is there")),
        (vec!["out.wav".into()], b"old".to_vec())
    );
}

#[test]
fn a_state_that_cannot_be_kept_is_said_at_the_start() {
    let bench = Bench::new();
    bench.file("state", "in the way");
    let said = bench.run("take.wav", &[]);
    said.ends_with(0, &["state: what is learnt cannot be kept there: a file (expected a folder)"]);
    assert_eq!(said.lines("what is learnt cannot be kept").len(), 1);
    let learn = bench.demon(&["learn", "denoise", "--forget"]);
    learn.ends_with(1, &["what is learnt cannot be kept there"]);
}

/// A disk of a few kilobytes, where the rights are.
struct Tiny(PathBuf);

impl Tiny {
    fn mounted(at: &Path) -> Option<Self> {
        fs::create_dir(at).expect("a disk");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(at).output();
        mount.is_ok_and(|it| it.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_no_map_and_no_render() {
    let bench = Bench::new();
    let Some(disk) = Tiny::mounted(&bench.at("disk")) else {
        eprintln!("SKIPPED: no small disk can be mounted here; files::write::tests make every call fail instead");
        return;
    };
    let maps = bench.file("disk/maps.toml", FAULTY);
    bench.file("disk/out.wav", "old");
    let filler = vec![b'x'; 1 << 16];
    // The disk takes as much of it as it holds.
    let _ = fs::write(bench.at("disk/filler"), filler);
    let forget = ["learn", "denoise", "--forget", "--state", "disk"];
    let learn = bench.demon(&forget);
    learn.ends_with(1, &["maps.toml:4: controller.sokcet", "maps.toml: cannot be written: No space left on device"]);
    let render = bench.render("disk/out.wav", &["--source", &recording()]);
    render.ends_with(1, &["disk/out.wav: cannot be written: No space left on device"]);
    let run = bench.run("disk/out.wav", &["--source", &recording()]);
    run.ends_with(1, &["disk/out.wav: cannot be written: No space left on device"]);
    // Nothing is recorded where there is no room, and it plays.
    let played = [&RUN[..], &["--seconds", "1", "--wav", "/dev/null", "--state", "disk"]].concat();
    bench.demon(&played).ends_with(0, &["disk/recorder: cannot be written: No space left on device"]);
    assert_eq!(fs::read_to_string(&maps).expect("it is there"), FAULTY);
    assert_eq!(fs::read_to_string(bench.at("disk/out.wav")).expect("it is there"), "old");
    assert_eq!(bench.names("disk"), ["filler", "last-state.lock", "maps.toml", "out.wav"]);
    // With room, the faulty file is put aside and nothing of it is lost.
    fs::remove_file(bench.at("disk/filler")).expect("a disk");
    bench.demon(&forget).ends_with(0, &["denoise is forgotten by 1 controls"]);
    assert_eq!(fs::read_to_string(bench.at("disk/maps.toml.faulty-1")).expect("it was kept"), FAULTY);
    assert_eq!(bench.names("disk"), ["last-state.lock", "maps.toml", "maps.toml.faulty-1", "out.wav"]);
    drop(disk);
}

#[test]
fn what_is_taught_beside_a_performance_is_heard_by_it() {
    let bench = Bench::new();
    let sound = FAULTY.replace("sokcet = 3\n", "");
    bench.file("state/maps.toml", &sound);
    let run = [&RUN[..], &["--seconds", "60", "--wav", "/dev/null"]].concat();
    let mut run = bench.command(&run).spawn().expect("the program starts");
    let mut lines = BufReader::new(run.stdout.take().expect("its words")).lines().map(|line| line.expect("text"));
    // It has read the maps before it says that it plays.
    assert!(lines.any(|line| line.contains("playing")));
    let said: Said = bench.demon(&["learn", "denoise", "--forget"]);
    said.ends_with(0, &["denoise is forgotten by 1 controls"]);
    assert!(
        lines.any(|line| line.contains("a: what another program has taught is in force")),
        "it ended without a word"
    );
    // `timeout` hands it on.
    let ended = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().expect("a signal");
    assert!(ended.success() && run.wait().expect("it ends").success());
    assert_eq!(bench.names("state"), ["last-state.lock", "last-state.toml", "last-tape", "maps.toml", "recorder"]);
}
