//! Goal: no terminal and no pipe stops the instrument, and none is left broken.
//! Method: the real program in a real pseudo-terminal or pipe that hangs up, is not read, cuts keys, pastes, changes its size.

mod terminal_support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use terminal_support::{PATIENCE, Stage, demon};

const USUAL: (u16, u16) = (80, 24);
/// Longer than a byte of a bad connection is late.
const LATE: Duration = Duration::from_millis(150);
/// The last that the screen writes of its first picture: the keys that matter.
const DRAWN: &str = "leaves";

/// A program that plays, its screen drawn.
fn playing(more: &[&str]) -> (Stage, usize) {
    let mut stage = Stage::play(more, USUAL, "xterm-256color");
    // Stands on every version's screen, so that an older one fails for its own reason.
    stage.shows("ring");
    let from = stage.seen.len();
    (stage, from)
}

#[test]
fn a_terminal_that_hangs_up_ends_the_process() {
    let (mut stage, _) = playing(&[]);
    stage.hangs_up();
    assert!(stage.ends(false).success());
}

#[test]
fn a_terminal_that_nobody_reads_stops_nothing() {
    for plain in [&["--seconds", "4"][..], &["--seconds", "4", "--plain"]] {
        let mut stage = Stage::play(plain, (200, 60), "xterm-256color");
        // What it says while it starts fits; then nobody reads. The smallest terminal buffers hold 4 kB.
        assert!(stage.ends(false).success(), "{plain:?}");
        assert!(stage.is_as_before(), "{plain:?}");
    }
    let (mut stage, _) = playing(&[]);
    // The screen fills the terminal: each size is drawn whole.
    for size in (20..60).chain(20..60) {
        stage.resizes(200, size);
        terminal_support::pause(Duration::from_millis(70));
        assert!(stage.runs());
    }
    stage.signals(Signal::TERM);
    assert!(stage.ends(false).success());
    assert!(stage.is_as_before());
}

#[test]
fn a_split_arrow_and_a_paste_neither_leave_nor_move_anything_else() {
    let (mut stage, _) = playing(&[]);
    for piece in [&b"\x1b"[..], b"[", b"C", b"\x1b", b"[", b"C"] {
        stage.types(piece);
        stage.read_for(LATE);
    }
    // Two strokes of the arrow turn denoise by two of 128 steps: .5 becomes .516.
    stage.shows("0.52");
    stage.pastes("q q q \nquit q");
    stage.read_for(2 * LATE);
    assert!(stage.runs());
    stage.types(b"?");
    stage.shows("escape closes");
    stage.types(b"\x1b");
    stage.shows("all keys");
    stage.types(b"\x1b");
    stage.read_for(4 * LATE);
    assert!(stage.runs(), "escape leaves nothing but lists");
    assert!(!String::from_utf8_lossy(&stage.seen).contains("MUTE"), "a blank of the paste was played");
}

#[test]
fn leaving_asks_and_the_terminal_is_as_it_was() {
    let (mut stage, _) = playing(&[]);
    assert!(!stage.is_as_before() && stage.prints_lines());
    stage.types(b"q");
    stage.shows("q again leaves");
    assert!(stage.runs());
    // On a slow machine two seconds are over soon: the next one asks, the one after it leaves.
    while stage.runs() {
        stage.types(b"q");
        stage.read_for(2 * LATE);
    }
    assert!(stage.ends(true).success());
    assert!(stage.is_as_before());
    let seen = String::from_utf8_lossy(&stage.seen);
    let left = seen.find("\x1b[?1049l").expect("the screen is left");
    assert!(seen[left..].contains("generations"), "the last line stays: {}", &seen[left..]);
    assert!(seen.contains("\x1b[?2004l"), "pastes are marked no more");

    let (mut stage, _) = playing(&[]);
    stage.types(b"\x03");
    assert!(stage.ends(true).success() && stage.is_as_before());
    let (mut stage, _) = playing(&[]);
    stage.signals(Signal::TERM);
    assert!(stage.ends(true).success() && stage.is_as_before());
}

#[test]
fn an_end_that_is_forced_leaves_the_screen_too() {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Once by a second signal, once because the time is over: the sound hangs in a pipe whose reader reads nothing.
    for second in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("take.wav");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .expect("a pipe");
        let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let _reader =
            std::fs::OpenOptions::new().read(true).write(true).custom_flags(flags).open(&pipe).expect("a pipe");
        let mut stage = Stage::play_in(folder, &[], USUAL, "xterm-256color");
        stage.shows("ring");
        // As long as it takes to fill the pipe, many times.
        stage.read_for(10 * LATE);
        stage.signals(Signal::TERM);
        if second {
            stage.read_for(2 * LATE);
            assert!(stage.runs(), "the sound hangs");
            stage.signals(Signal::INT);
        }
        let ended = stage.ends(true);
        stage.read_for(LATE);
        assert_eq!(ended.code(), Some(if second { 130 } else { 1 }));
        assert!(stage.is_as_before());
        let seen = String::from_utf8_lossy(&stage.seen);
        let entered = seen.find("\x1b[?1049h").expect("a screen stood");
        let left = seen.find("\x1b[?1049l").unwrap_or_else(|| panic!("the screen stands: {:?}", &seen[entered..]));
        assert!(!seen[left..].contains("\x1b[?2026h"), "nothing is drawn after it: {:?}", &seen[left..]);
        assert!(seen.contains("\x1b[?2004l"), "pastes are marked no more");
        assert_eq!(seen[left..].contains("did not end in time: audio"), !second, "{:?}", &seen[left..]);
    }
}

/// Three files with a mistake each: the box's, a profile, a patch of the set list.
#[test]
fn what_the_files_of_a_start_have_wrong_is_on_the_screen() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a disk");
    ["profiles", "list"].iter().for_each(|it| std::fs::create_dir(folder.path().join(it)).expect("a disk"));
    let profile = "control = [{ name = \"K\", kind = \"knob\", cc = 1, to = \"shift\" }]\n";
    write("demon.toml", "[tempo]\nquantize = \"bar\"\n");
    write("profiles/mine.toml", &format!("nam = \"mine\"\n{profile}"));
    write("list/1.toml", "[values]\ndenoize = 1\n");
    let asked = ["--config", "demon.toml", "--set-list", "list"];
    let mut stage = Stage::play_in(folder, &asked, (120, 40), "xterm-256color");
    stage.shows("ring");
    let wrong = ["tempo.quantize: found", "mine.toml:1: nam", "1.toml:2: values.denoize"];
    wrong.iter().for_each(|words| stage.shows(words));
    stage.types(b"\x03");
    assert!(stage.ends(true).success() && stage.is_as_before());
}

#[test]
fn the_start_stands_on_the_terminal_before_the_model_is_read_and_the_box_file_was_read_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "[tempo]\nquantize = \"bar\"\n[[display]]\nkind = \"framebuffer\"\ndevice = \"/nowhere/fb0\"\n";
    std::fs::write(folder.path().join("demon.toml"), file).expect("a disk");
    let mut stage = Stage::play_in(folder, &["--config", "demon.toml"], (120, 40), "xterm-256color");
    let entered = stage.wait_for("\x1b[?1049h", 0);
    // The screen of the start: what it does, and how to leave.
    stage.shows("ring");
    let start: Vec<&String> = stage.pictures.iter().take_while(|it| !it.contains("ring")).collect();
    for words in ["DEMON starts", "reading the model", "ctrl-c ends it"] {
        assert!(start.iter().any(|it| it.contains(words)), "{words:?} stood on none of {start:#?}");
    }
    let before = String::from_utf8_lossy(&stage.seen[..entered]).into_owned();
    assert!(!before.contains("reading"), "nothing slow comes before the screen: {before:?}");
    // A display that is not there is a fault that stands, and holds up nothing; so is what the box's file has wrong.
    stage.shows("/nowhere/fb0");
    stage.shows("quantize");
    stage.read_for(LATE);
    assert!(stage.pictures.last().is_some_and(|it| it.contains("quantize")), "it stands as long as nobody mends it");
    stage.types(b"\x03");
    assert!(stage.ends(true).success() && stage.is_as_before());
    // What the box's file has wrong is there to be read when the screen has gone.
    let seen = String::from_utf8_lossy(&stage.seen);
    let left = seen.find("\x1b[?1049l").expect("the screen is left");
    assert!(seen[left..].contains("tempo.quantize: found an unknown key"), "{}", &seen[left..]);
}

#[test]
fn a_start_that_is_broken_off_or_fails_leaves_the_terminal_as_it_was() {
    let mut stage = Stage::play(&[], USUAL, "xterm-256color");
    stage.wait_for("DEMON starts", 0);
    stage.signals(Signal::INT);
    assert!(stage.ends(true).success() && stage.is_as_before());
    stage.read_for(LATE);
    let seen = String::from_utf8_lossy(&stage.seen).into_owned();
    assert!(seen.contains("\x1b[?1049l"), "{seen:?}");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("noise.wav"), "no sound").expect("a disk");
    let mut stage = Stage::play_in(folder, &["--source", "noise.wav"], USUAL, "xterm-256color");
    assert_eq!(stage.ends(true).code(), Some(1));
    stage.read_for(LATE);
    let seen = String::from_utf8_lossy(&stage.seen).into_owned();
    let left = seen.rfind("\x1b[?1049l").map_or(0, |it| it);
    assert!(seen[left..].contains("demon: noise.wav: "), "the reason is read below the screen: {seen:?}");
}

#[test]
fn a_terminal_may_change_its_size_while_it_plays() {
    let (mut stage, mut from) = playing(&[]);
    for (columns, rows) in [(40, 10), (200, 60), (60, 12), (1, 1), (132, 43), (80, 24)] {
        stage.resizes(columns, rows);
        // All is drawn anew, and nothing beyond the edge.
        from = stage.wait_for("\x1b[2J", from);
        if columns > 1 {
            from = stage.wait_for(DRAWN, from);
        }
        let first = String::from_utf8_lossy(&stage.seen[..from]).into_owned();
        let drawn = first.rsplit("\x1b[2J").next().expect("the newest picture");
        for place in drawn.split("\x1b[").filter_map(|it| it.split_once('H')).filter_map(|it| it.0.split_once(';')) {
            if let (Ok(row), Ok(column)) = (place.0.parse::<u16>(), place.1.parse::<u16>()) {
                assert!(row <= rows && column <= columns, "{row};{column} at {columns}x{rows}");
            }
        }
    }
    stage.types(b"\x03");
    assert!(stage.ends(true).success());
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let mut stage = Stage::play(&["--seconds", "2"], USUAL, "dumb");
    let from = stage.wait_for("playing demo", 0);
    // A key still plays, and what it did is a line.
    stage.types(b"u");
    stage.wait_for("nothing to undo", from);
    assert!(stage.ends(true).success() && stage.is_as_before());
    assert!(!String::from_utf8_lossy(&stage.seen).contains("\x1b[?2026h"), "no picture is drawn on it");
}

/// `demon` with its standard output as the shell would give it; standard error comes to us.
fn shell(words: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("set -o pipefail; {}", words.replace("RUN", RUN));
    let done = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:/usr/bin:/bin", demon().parent().expect("a folder").display()))
        .env("DEMON_MODEL", concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"))
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

const RUN: &str =
    "demon run --plain --wav take.wav --state state --backend cpu --threads 1 --longest 4 --no-midi --seconds 2";

#[test]
fn a_reader_that_has_heard_enough_is_no_fault() {
    for words in [
        "demon params | head -1",
        "demon params --json | head -1",
        "demon params --map | true",
        "demon build --list --out . | true",
    ] {
        assert_eq!(shell(words), (Some(0), String::new()), "{words}");
    }
    for words in ["RUN | head -2", "RUN | true", "RUN 2>&1 >&- | cat >&2"] {
        let (code, said) = shell(words);
        assert_eq!(code, Some(0), "{words}: {said}");
        assert!(!said.contains("panic") && !said.contains("roken pipe"), "{words}: {said}");
    }
}

#[test]
fn a_full_disk_is_told_in_words_and_stops_no_music() {
    for words in ["demon params > /dev/full", "demon learn --list > /dev/full; demon params > /dev/full"] {
        let (code, said) = shell(words);
        assert_eq!(code, Some(1), "{words}: {said}");
        assert!(said.contains("demon: standard output: No space left on device"), "{said}");
    }
    let (code, said) = shell("RUN > /dev/full");
    assert_eq!(code, Some(0), "{said}");
    let told = "demon: standard output takes no more (No space left on device (os error 28)); playing on without it";
    assert_eq!(said.matches(told).count(), 1, "{said}");
    // Nobody takes what is said of it either.
    assert_eq!(shell("RUN 2> /dev/full > /dev/full").0, Some(0));
    assert_eq!(shell("demon params > /dev/full 2> /dev/full").0, Some(1));
    assert_eq!(shell("demon run --no-such-thing 2> /dev/full").0, Some(2));
}

#[test]
fn a_pipe_that_nobody_reads_stops_nothing_and_what_is_read_is_what_changed() {
    let run = |out: Stdio| {
        let folder = tempfile::tempdir().expect("a folder");
        let run = Command::new(demon())
            .args(RUN.split_whitespace().skip(1))
            .current_dir(folder.path())
            .env("DEMON_MODEL", concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        (run, folder)
    };
    // A pipe that is full before the first line.
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let size = rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("Linux");
    writer.write_all(&vec![b' '; size]).expect("what fits");
    let (mut unread, _folder) = run(writer.into());
    let begun = std::time::Instant::now();
    while unread.try_wait().expect("ours").is_none() {
        if PATIENCE < begun.elapsed() {
            unread.kill().expect("ours");
            panic!("it does not end");
        }
        terminal_support::pause(Duration::from_millis(20));
    }
    drop(reader);
    let (read, _folder) = run(Stdio::piped());
    let read = read.wait_with_output().expect("it ends");
    let all = String::from_utf8(read.stdout).expect("text");
    let lines: Vec<String> = BufReader::new(all.as_bytes()).lines().map(|it| it.expect("text")).collect();
    assert!(lines[0].starts_with("playing demo") && lines.last().expect("a line").contains("generations"), "{all}");
    // A busy machine may have something to tell of itself.
    let of_the_machine =
        |it: &&String| ["ticks are", "late windows", "underruns"].iter().any(|word| it.starts_with(word));
    let told = lines.iter().filter(|it| !of_the_machine(it)).count();
    assert!(told <= 4, "two seconds in which nothing changed: {all}");
}
