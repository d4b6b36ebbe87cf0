//! Goal: whatever words a player meets, `docs/troubleshooting.md` says what they mean and what to do; and it explains no words that the
//! program no longer says.
//! Method: read the sources of whatever tells a player something, collect the words of their errors and the sentences that they tell,
//! and hold them against the tables of the document, both ways.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../docs/troubleshooting.md");
/// Whose errors come onto a display, by file or folder.
const ERRORS: [&str; 20] = [
    "hal/src/audio",
    "hal/src/display/mod.rs",
    "hal/src/display/oled/bus.rs",
    "hal/src/gesture/mod.rs",
    "hal/src/input",
    "hal/src/panel",
    "hal/src/adc",
    "hal/src/usb/bus.rs",
    "hal/src/midi/score.rs",
    "appliance/src/files",
    "appliance/src/recording",
    "appliance/src/settings/library",
    "appliance/src/settings/patch/mod.rs",
    "appliance/src/settings/last_tape/read.rs",
    "appliance/src/performance",
    "appliance/src/update/refusal.rs",
    "appliance/src/extension/mod.rs",
    "engine/src/backend/mod.rs",
    "engine/src/backend/cuda/error.rs",
    "engine/src/model/velocity.rs",
];
/// Who tells sentences.
const SAID: [&str; 47] = [
    "appliance/src/performance/stage.rs",
    "appliance/src/performance/device_side.rs",
    "appliance/src/performance/conductor.rs",
    "appliance/src/performance/box_news.rs",
    "appliance/src/performance/loading.rs",
    "appliance/src/performance/output.rs",
    "appliance/src/performance/remote.rs",
    "appliance/src/command/sound.rs",
    "appliance/src/command/recording.rs",
    "appliance/src/command/come_back.rs",
    "appliance/src/command/tape_back.rs",
    "appliance/src/performance/keeper.rs",
    "appliance/src/performance/state_writer.rs",
    "appliance/src/performance/tape_keeper.rs",
    "appliance/src/performance/tape_writer.rs",
    "appliance/src/performance/take_recorder.rs",
    "appliance/src/performance/surface_side/takes.rs",
    "appliance/src/settings/last_state/shelf.rs",
    "appliance/src/settings/last_tape/file.rs",
    "appliance/src/handover",
    "appliance/src/performance/threads",
    "appliance/src/performance/library_walk.rs",
    "appliance/src/performance/patch_jobs.rs",
    "appliance/src/performance/surface_side/kept.rs",
    "appliance/src/performance/surface_side/crop.rs",
    "appliance/src/performance/surface_side/learnt.rs",
    "appliance/src/performance/surface_side/list.rs",
    "appliance/src/performance/surface_side/mod.rs",
    "appliance/src/performance/surface_side/troubles.rs",
    "appliance/src/performance/view/mod.rs",
    "appliance/src/performance/view/pace.rs",
    "appliance/src/performance/view/start.rs",
    "appliance/src/compute/loader",
    "appliance/src/compute/recovery.rs",
    "appliance/src/compute/set.rs",
    "appliance/src/control/binding/act.rs",
    "appliance/src/display/messages.rs",
    "appliance/src/display/terminal/thread.rs",
    "appliance/src/recording/notice.rs",
    "appliance/src/settings/box_file/mod.rs",
    "appliance/src/settings/box_file/trial.rs",
    "appliance/src/settings/learnt_maps/file.rs",
    "appliance/src/settings/library/mod.rs",
    "appliance/src/settings/profile/profiles.rs",
    "appliance/src/settings/set_list/mod.rs",
    "appliance/src/stick",
    "appliance/src/update/words.rs",
];
/// Words that stand there and are no sentence by themselves: names of threads, and parts of sentences that are explained.
const PARTS: [&str; 30] = [
    "box file",
    "box news",
    "last state",
    "tape writer",
    "take ear",
    "take writer",
    "take keeper",
    "crash report",
    "the patch",
    "listening to the source",
    "reading the prompts",
    "card health",
    "other programs",
    "a parameter of `demon params`",
    "a folder of patches",
    "another name for it",
    "`demon library add` with the file, and its name alone in the patch (or --any-path)",
    "`demon library add` with the file, or --source",
    "the folder of a model",
    "recording that is played",
    "patch that is played",
    "MIDI file that is played",
    "model that plays",
    "--source - and --midi -: only one of them can be standard input",
    "the player",
    "the sound device",
    ", not to …",
    "in order",
    "this program's own file",
    "without words",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(at: &str) -> Vec<String> {
    fn collect(path: &Path, into: &mut Vec<PathBuf>) {
        if path.is_dir() {
            fs::read_dir(path).expect("a folder").for_each(|it| collect(&it.expect("an entry").path(), into));
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push(path.to_owned());
        }
    }
    let mut files = Vec::new();
    collect(&root().join(at), &mut files);
    files.retain(|it| !it.to_string_lossy().contains("test") && !it.ends_with("fake.rs"));
    assert!(!files.is_empty(), "{at} is not there");
    let bare = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file");
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code.lines().filter(|it| !it.trim_start().starts_with("//"));
        lines.map(|it| format!("{it}\n")).collect()
    };
    files.iter().map(bare).collect()
}

/// Every string literal of a source with what stands before it on its line or the one before.
fn literals(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut before = String::new();
    while let Some(at) = rest.find('"') {
        before.push_str(&rest[..at]);
        let is_letter = rest[..at].ends_with('\'');
        rest = &rest[at + 1..];
        if is_letter {
            continue;
        }
        let mut end = 0;
        let bytes = rest.as_bytes();
        while bytes.get(end).is_some_and(|it| *it != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let words = rest.get(..end).unwrap_or_default().to_owned();
        let from = before.char_indices().rev().nth(40).map_or(0, |it| it.0);
        found.push((before[from..].to_owned(), words));
        before.clear();
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

/// A literal as the document writes it: what is filled in is `…`, breaks are blanks.
fn pattern(literal: &str) -> String {
    let joined = literal.replace("\\\n", "").replace("\\\"", "\"").replace("\\n", " ");
    let (mut text, mut depth) = (String::new(), 0);
    for letter in joined.chars() {
        match letter {
            '{' => {
                depth += 1;
                text.push('…');
            }
            '}' => depth -= 1,
            _ if depth == 0 => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many words of two letters and more a pattern has.
fn words_in(pattern: &str) -> usize {
    let words = pattern.split(|it: char| !it.is_ascii_alphabetic());
    words.filter(|it| it.len() >= 2).count()
}

/// Words of errors: everything but those that hand on another's words alone.
fn errors() -> BTreeSet<String> {
    let all = ERRORS.iter().flat_map(|at| sources(at)).flat_map(|source| literals(&source));
    let named = all.filter(|(before, _)| before.trim_end().ends_with("#[error("));
    named.map(|(_, words)| pattern(&words)).filter(|it| words_in(it) > 0 || it.contains('(')).collect()
}

/// Sentences that are told.
fn said() -> BTreeSet<String> {
    let all = SAID.iter().flat_map(|at| sources(at)).flat_map(|source| literals(&source));
    let told = all.filter(|(before, _)| {
        let before = before.trim_end();
        !["#[error(", "expect(", "#[path ="].iter().any(|it| before.ends_with(it)) && !before.contains("reader.")
    });
    told.map(|(_, words)| pattern(&words)).filter(|it| words_in(it) >= 2 && it.contains(' ')).collect()
}

/// Sentences that scripts of the image tell the running box: `words="…"`, `told "…"`, and what stands in a bulletin.
fn scripts() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join("image/root/usr/lib/demon")).expect("a folder") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a script");
        for line in text.lines() {
            for (begin, end) in [("words=\"", '"'), ("told \"", '"'), ("'warning\\n", '\'')] {
                let Some((_, rest)) = line.split_once(begin) else { continue };
                found.insert(filled_in(rest.split(end).next().unwrap_or_default()));
            }
        }
    }
    found.retain(|it| words_in(it) >= 2 && it.contains(' '));
    assert!(found.len() > 5, "the scripts were read: {found:#?}");
    found
}

/// A shell's words as the document writes them: what is filled in (`$name`, `${name}`, `$(…)`, `%s`) is `…`.
fn filled_in(words: &str) -> String {
    let text = words.replace("\\n", " ").replace("%s", "…");
    let (mut out, mut letters) = (String::new(), text.chars().peekable());
    while let Some(letter) = letters.next() {
        if letter != '$' {
            out.push(letter);
            continue;
        }
        out.push('…');
        match letters.peek().copied() {
            Some(open @ ('(' | '{')) => {
                let (close, mut depth) = (if open == '(' { ')' } else { '}' }, 0);
                for it in letters.by_ref() {
                    depth += i32::from(it == open) - i32::from(it == close);
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => {
                while letters.peek().is_some_and(|it| it.is_ascii_alphanumeric() || *it == '_') {
                    letters.next();
                }
            }
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of every row of the document's tables of words.
fn explained() -> Vec<String> {
    let mut rows = Vec::new();
    let mut is_words = false;
    for line in DOCUMENT.lines() {
        if line.starts_with("| words |") || line.starts_with("| mark |") {
            is_words = line.starts_with("| words |");
        } else if is_words && let Some(row) = line.strip_prefix("| `") {
            // A key may stand in the words between quotes of its own, so the cell ends where the next begins.
            let words = row.split("` | ").next().unwrap_or_default();
            assert!(row.matches(" | ").count() >= 2, "no meaning or no remedy: {line}");
            rows.push(words.to_owned());
        }
    }
    rows
}

#[test]
fn every_word_that_a_player_meets_is_explained_and_none_that_is_no_longer_said() {
    let told: BTreeSet<String> = errors().into_iter().chain(said()).chain(scripts()).collect();
    assert!(told.len() > 120, "the sources were read: {told:#?}");
    let rows: BTreeSet<String> = explained().into_iter().collect();
    let missing: Vec<&String> = told.iter().filter(|it| !PARTS.contains(&it.as_str()) && !rows.contains(*it)).collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md does not explain: {missing:#?}");
    let stale: Vec<&String> = rows.iter().filter(|it| !told.contains(*it) && !PARTS.contains(&it.as_str())).collect();
    assert!(stale.is_empty(), "docs/troubleshooting.md explains what nobody says: {stale:#?}");
    let unused: Vec<&&str> = PARTS.iter().filter(|it| !told.contains(**it)).collect();
    assert!(unused.is_empty(), "nobody says these parts: {unused:#?}");
}

#[test]
fn no_words_are_explained_twice() {
    let rows = explained();
    let different: BTreeSet<&String> = rows.iter().collect();
    let twice: Vec<&&String> =
        different.iter().filter(|it| rows.iter().filter(|row| *row == **it).count() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

#[test]
fn every_mark_that_a_screen_shows_is_explained() {
    let marks = DOCUMENT.lines().filter(|it| it.starts_with("| `")).collect::<Vec<_>>().join("\n");
    for (file, mark) in [
        ("appliance/src/display/screens/words.rs", "MUTE"),
        ("appliance/src/display/screens/foot.rs", "LIMIT"),
        ("appliance/src/display/screens/numbers.rs", "LIMITING"),
        ("appliance/src/display/screens/numbers.rs", "underruns"),
        ("appliance/src/display/screens/numbers.rs", "late windows"),
        ("appliance/src/display/screens/numbers.rs", "bad samples"),
        ("appliance/src/display/terminal/parts.rs", "xruns"),
        ("appliance/src/display/terminal/parts.rs", "non-finite"),
    ] {
        let is_said = sources(file).iter().any(|it| it.contains(&format!("\"{mark}\"")));
        assert!(is_said, "{file} no longer says {mark}");
        assert!(marks.contains(&format!("`{mark}`")), "{mark} is not explained");
    }
    for source in sources("appliance/src/compute/health/mod.rs") {
        let words = literals(&source).into_iter().filter(|(before, _)| before.trim_end().ends_with("=>"));
        for (_, words) in words.filter(|(_, it)| it.contains(' ')) {
            assert!(DOCUMENT.contains(&format!("`{words}`")), "{words:?} is not explained");
        }
    }
}
