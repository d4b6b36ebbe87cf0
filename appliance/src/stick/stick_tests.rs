//! Goal: a stick brings what it may and nothing else, from wherever it comes; what is refused is said, and the box is as it was.
//! Method: a stick and a box in folders; things that are sound, and every way out of a folder that a file system has.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::bring::{Brought, Home};
use super::{Stick, home};
use crate::settings::library::Library;

const PROFILE: &str = include_str!("../../profiles/behringer-x-touch-mini.toml");

struct Evening {
    folder: tempfile::TempDir,
    home: Home,
}

impl Evening {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let home = Home {
            library: Library::at(at("box/library")),
            state: at("box/state"),
            box_file: at("box/etc/demon.toml"),
            key: at("box/update.pub"),
        };
        std::fs::create_dir_all(&home.state).expect("a disk");
        std::fs::create_dir_all(at("stick")).expect("a disk");
        Self { folder, home }
    }

    fn put(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a disk");
        std::fs::write(&path, bytes).expect("a disk");
        path
    }

    fn stick(&self) -> Stick {
        Stick::at(self.folder.path().join("stick"))
    }

    fn bring(&self) -> Brought {
        self.stick().bring(&self.home, &mut |_| {})
    }

    fn is_on_the_box(&self, name: &str) -> bool {
        self.folder.path().join("box").join(name).exists()
    }
}

/// A second of silence.
fn recording() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    (0..96_000).for_each(|_| writer.write_sample(0_i16).expect("a sample"));
    writer.finalize().expect("whole");
    bytes.into_inner()
}

#[test]
fn a_stick_brings_recordings_patches_profiles_and_the_boxs_file_once() {
    let evening = Evening::new();
    evening.put("stick/demon/recordings/night.wav", recording());
    evening.put("stick/demon/patches/1_night.toml", "source = \"night.wav\"\n[prompt]\nbpm = 96\n");
    evening.put("stick/demon/profiles/mine.toml", PROFILE);
    evening.put("stick/demon/demon.toml", "[midi]\nfollow = false\n");
    evening.put("stick/photos/cat.jpg", "none of ours");
    evening.put("box/etc/demon.toml", "[midi]\nfollow = true\n");
    let brought = evening.bring();
    assert_eq!(brought.refused, Vec::<String>::new());
    let names = ["recordings/night.wav", "patches/1_night.toml", "profiles/mine.toml", "demon/demon.toml"];
    assert_eq!(brought.new, names);
    let words = "stick: recordings/night.wav and 3 more are new; the box's file counts from the next start";
    assert_eq!(brought.words().as_deref(), Some(words));
    assert!(evening.is_on_the_box("library/recordings/night.wav") && evening.is_on_the_box("etc/profiles/mine.toml"));
    let read = |name: &str| std::fs::read_to_string(evening.folder.path().join("box/etc").join(name)).expect("a disk");
    assert_eq!(
        (read("demon.toml").as_str(), read("demon.toml.before").as_str()),
        ("[midi]\nfollow = false\n", "[midi]\nfollow = true\n")
    );
    // The same stick again changes nothing.
    let again = evening.bring();
    assert_eq!((again.new, again.there, again.refused), (Vec::new(), 4, Vec::new()));
    assert_eq!(Evening::new().bring().words(), None, "an empty stick says nothing");
}

#[test]
fn what_is_broken_or_would_be_written_over_is_refused_and_the_rest_comes() {
    let evening = Evening::new();
    evening.put("stick/demon/recordings/a_broken.wav", "RIFF");
    evening.put("stick/demon/recordings/b_sound.wav", recording());
    evening.put("stick/demon/recordings/c_program.sh", "#!/bin/sh\nrm -rf /\n");
    evening.put("stick/demon/patches/not_a_patch.wav", recording());
    evening.put("stick/demon/profiles/bad.toml", "nonsense = 1\n");
    evening.put("stick/demon/demon.toml", "[midi]\nfollow = \"maybe\"\n");
    evening.put("box/etc/demon.toml", "[midi]\nfollow = true\n");
    let brought = evening.bring();
    assert_eq!(brought.new, ["recordings/b_sound.wav"]);
    assert_eq!((brought.refused.len(), brought.box_file), (5, false), "{:#?}", brought.refused);
    assert!(
        brought.refused.iter().any(|it| it.starts_with("demon/demon.toml: demon.toml:2:")),
        "{:#?}",
        brought.refused
    );
    let kept = std::fs::read_to_string(&evening.home.box_file).expect("a disk");
    assert_eq!(kept, "[midi]\nfollow = true\n", "a faulty file changes nothing");
    let mut longer = recording();
    longer.extend([0; 4]);
    evening.put("stick/demon/recordings/b_sound.wav", longer);
    let told = evening.bring().refused.into_iter().find(|it| it.contains("b_sound")).expect("it is told");
    assert!(told.contains("nothing is written over"), "{told}");
}

#[test]
fn no_name_and_no_link_on_a_stick_leads_out_of_its_place() {
    let evening = Evening::new();
    let secret = evening.put("box/state/secret.wav", recording());
    let recordings = evening.folder.path().join("stick/demon/recordings");
    std::fs::create_dir_all(recordings.join("folder")).expect("a disk");
    symlink(&secret, recordings.join("link.wav")).expect("a disk");
    symlink("../../../box/state/secret.wav", recordings.join("up.wav")).expect("a disk");
    std::fs::write(recordings.join(std::ffi::OsStr::from_bytes(b"a\x1b[2J.wav")), recording()).expect("a disk");
    std::fs::write(recordings.join(std::ffi::OsStr::from_bytes(b"\xff.wav")), recording()).expect("a disk");
    let model = evening.folder.path().join("stick/demon/models/house");
    std::fs::create_dir_all(&model).expect("a disk");
    symlink(evening.folder.path().join("box/state"), model.join("weights")).expect("a disk");
    let brought = evening.bring();
    assert_eq!(brought.new, Vec::<String>::new());
    assert_eq!(brought.refused.len(), 6, "{:#?}", brought.refused);
    assert!(brought.refused.iter().all(|it| !it.contains('\u{1b}')), "{:?}", brought.refused);
    let library = evening.folder.path().join("box/library");
    let copied = |shelf: &str| std::fs::read_dir(library.join(shelf)).into_iter().flatten().count();
    assert_eq!((copied("recordings"), copied("models")), (0, 0));
    // Whole folders that are links are not entered, nor are a box's file and an update.
    let other = Evening::new();
    other.put("elsewhere/recordings/night.wav", recording());
    other.put("elsewhere/demon.toml", "[midi]\nfollow = false\n");
    other.put("elsewhere/demon-9.0.0.update", "demon update 1\n");
    let stick = other.folder.path().join("stick");
    symlink(other.folder.path().join("elsewhere"), stick.join("demon")).expect("a disk");
    symlink(other.folder.path().join("elsewhere"), stick.join("demon-reports")).expect("a disk");
    symlink(other.folder.path().join("elsewhere/demon-9.0.0.update"), stick.join("demon-9.0.0.update"))
        .expect("a disk");
    assert_eq!(other.bring(), Brought::default());
    symlink(other.folder.path().join("elsewhere"), stick.join("demon-takes")).expect("a disk");
    let wants = [other.stick().wants_reports(), other.stick().wants_takes()];
    assert_eq!((other.stick().update("demon"), wants), (None, [None, None]));
}

#[test]
fn the_newest_update_is_offered_by_its_name() {
    let evening = Evening::new();
    for name in ["demon-0.9.0.update", "demon-0.10.0.update", "demon-x.update", "demon-0.11.0.update.part", "0.12.0"] {
        evening.put(format!("stick/{name}"), "");
    }
    let (version, path) = evening.stick().update("demon").expect("there is one");
    assert_eq!(version.to_string(), "0.10.0");
    assert!(path.ends_with("stick/demon-0.10.0.update"));
    // A box with a real-time kernel is another product.
    assert_eq!(evening.stick().update("demon_rt"), None);
    evening.put("stick/demon_rt-0.8.0.update", "");
    let offered = |product| evening.stick().update(product).map(|it| it.0.to_string());
    assert_eq!([offered("demon"), offered("demon_rt")], [Some("0.10.0".to_owned()), Some("0.8.0".to_owned())]);
}

#[test]
fn a_stick_that_asks_takes_the_last_crash_the_last_minutes_and_the_boxs_settings_home() {
    let evening = Evening::new();
    assert_eq!(evening.stick().wants_reports(), None);
    evening.put("stick/demon-reports/keep", "");
    let folder = evening.stick().wants_reports().expect("it asks");
    assert_eq!(home::take(&evening.home, &folder, "demon 1.2.3").expect("a disk"), Vec::<&str>::new());
    let recorder = crate::recorder::Recorder::open(&evening.home.state).expect("a disk");
    recorder.note(crate::recorder::Kind::Told, "it was a good evening");
    evening.put("box/state/crash-report.txt", "ticks: index out of bounds\n");
    evening.put("box/etc/demon.toml", "[midi]\n");
    let taken = home::take(&evening.home, &folder, "demon 1.2.3").expect("a disk");
    assert_eq!(taken, ["demon-report.txt", "demon-crash-report.txt", "demon.toml"]);
    let text = std::fs::read_to_string(folder.join("demon-report.txt")).expect("a disk");
    assert!(text.starts_with("demon 1.2.3\n") && text.contains("it was a good evening"), "{text}");
}

#[test]
fn a_stick_that_asks_takes_every_take_home_once_and_none_is_written_over() {
    let evening = Evening::new();
    assert_eq!(evening.stick().wants_takes(), None);
    evening.put("stick/demon-takes/take-0002.flac", "another box's");
    let folder = evening.stick().wants_takes().expect("it asks");
    assert_eq!(home::take_takes(&evening.home, &folder, &mut |_| ()).words(), "stick: 0 takes were taken home");
    for (name, text) in [("take-0001.flac", "one"), ("take-0002.flac", "another boxes"), ("take-0003.flac", "three")] {
        evening.put(format!("box/state/takes/{name}"), text);
    }
    evening.put("box/state/takes/behind/0000000001-begins.flac", "not asked for");
    let mut told = Vec::new();
    let done = home::take_takes(&evening.home, &folder, &mut |name| told.push(name.to_owned()));
    assert_eq!((done.copied, done.there, told.len()), (3, 0, 3));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it is there");
    let all = ["take-0001.flac", "take-0002.flac", "take-0002-2.flac", "take-0003.flac"].map(read);
    assert_eq!(all, ["one", "another box's", "another boxes", "three"]);
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 4);
    let again = home::take_takes(&evening.home, &folder, &mut |_| panic!("nothing is new"));
    assert_eq!(again.words(), "stick: 0 takes were taken home, 3 were there already");
    // A stick that takes nothing is told, take by take.
    std::fs::remove_dir_all(&folder).expect("a disk");
    let done = home::take_takes(&evening.home, &folder, &mut |_| ());
    assert_eq!((done.copied, done.refused.len()), (0, 3));
    assert!(done.words().starts_with("stick: 0 takes were taken home; take-0001.flac: "), "{}", done.words());
}

#[test]
fn an_extension_comes_where_it_is_signed_with_the_boxs_key_once_for_each_kernel_and_is_refused_else() {
    const WHOLE: &[u8] = include_bytes!("../../tests/fixtures/extension/small.extension");
    let evening = Evening::new();
    evening.put("stick/demon/extensions/demon-small-1.2.extension", WHOLE);
    let refused = |evening: &Evening, why: &str| {
        let brought = evening.bring();
        assert!(
            brought.new.is_empty() && brought.refused.len() == 1 && brought.refused[0].contains(why),
            "{brought:?}"
        );
    };
    refused(&evening, "this box has no key for extensions");
    let other = include_str!("../../tests/fixtures/update/update.pub");
    evening.put("box/update.pub", other);
    refused(&evening, "is not signed with this box's key");
    evening.put("box/update.pub", include_str!("../../tests/fixtures/extension/update.pub"));
    let brought = evening.bring();
    assert_eq!((brought.new, brought.refused), (vec!["extensions/demon-small-1.2.extension".to_owned()], vec![]));
    let there = "state/extensions/small_6.12.0+deb13-amd64.extension";
    assert!(evening.is_on_the_box(there));
    assert_eq!(evening.bring().there, 1, "it is there already");
    // One that is torn on its way leaves what is there.
    evening.put("stick/demon/extensions/demon-small-1.2.extension", &WHOLE[..WHOLE.len() - 1]);
    refused(&evening, "is torn");
    let kept = std::fs::read(evening.folder.path().join("box").join(there)).expect("it is there");
    assert_eq!(kept, WHOLE);
}
