//! Goal: no sound device stops the instrument: it plays through whatever a device answers, waits, and comes back by itself.
//! Method: the real program, and ALSA itself with a configuration of the test's own, whose PCMs need no hardware. ALSA reads
//! the file again when it has changed, so that a device can come and go.

mod doors_support;

use std::fs;

use doors_support::{Demon, run};
use rustix::process::Signal;

const HELD: &str = "the sound device takes sound faster than it is played; the clock sets the pace";

#[test]
fn a_device_that_is_not_there_is_waited_for_and_played_on_when_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("asound.conf");
    fs::write(&config, "pcm.other { type null }\n").unwrap();
    let mut demon = Demon::start(run(folder.path(), &["--device", "late"]));
    demon.until("sound device late: No such file or directory");
    demon.plays();
    fs::write(&config, "pcm.other { type null }\npcm.late { type null }\n").unwrap();
    demon.until("the sound device is here");
    demon.until(HELD);
    demon.signal(Signal::TERM);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    assert!(!folder.path().join("demon-take-0001.wav").exists(), "a file is written only when it is asked for");
}

#[test]
fn a_device_without_a_pace_is_played_at_the_clocks() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("sound.raw");
    let config =
        format!("pcm.loose {{ type file slave.pcm {{ type null }} file \"{}\" format \"raw\" }}\n", raw.display());
    fs::write(folder.path().join("asound.conf"), config).unwrap();
    let mut demon = Demon::start(run(folder.path(), &["--device", "loose"]));
    demon.until(HELD);
    demon.plays();
    let before = fs::metadata(&raw).unwrap().len();
    demon.plays();
    demon.plays();
    let seconds = (fs::metadata(&raw).unwrap().len() - before) as f64 / (48_000.0 * 8.0);
    // Two lines are two seconds; one that spins plays hundreds in that time.
    assert!((0.5..20.0).contains(&seconds), "{seconds} s of sound in two seconds");
    demon.signal(Signal::INT);
    assert_eq!(demon.end().0, 0);
}

#[test]
fn a_name_of_any_length_and_kind_is_a_device_that_is_not_there() {
    for name in ["a".repeat(300), "ü".repeat(5_000), "plug:'hw:7'".to_owned(), "{x".to_owned(), "a b\n\tc".to_owned()]
    {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("asound.conf"), "pcm.other { type null }\n").unwrap();
        let mut demon = Demon::start(run(folder.path(), &["--device", &name]));
        demon.until("playing on, waiting for it");
        demon.plays();
        demon.signal(Signal::TERM);
        let (code, said) = demon.end();
        assert_eq!(code, 0, "{said}");
        assert!(!said.contains("ALSA lib"), "{said}");
    }
}

#[test]
fn without_any_device_a_take_is_played_into_and_said() {
    // A machine with a card would play on it, and wait for it.
    if hal::audio::has_card() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("asound.conf"), "pcm.other { type null }\n").unwrap();
    let mut demon = Demon::start(run(folder.path(), &[]));
    demon.until("playing into ./demon-take-0001.wav until there is a sound card");
    demon.plays();
    doors_support::sounds(&folder.path().join("demon-take-0001.wav"));
    demon.signal(Signal::TERM);
    assert_eq!(demon.end().0, 0);
    doors_support::faded(&folder.path().join("demon-take-0001.wav"));
}
