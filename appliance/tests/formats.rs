//! Goal: a file of every format that there ever was is read and written back whole, and one of a format to come is refused
//! with one word, harms nothing, and is harmed by nothing.
//! Method: `appliance/tests/formats/KIND` holds a file of each format of each kind, one that does not say its format, and a
//! newer one. They go the way that the box's own files go. A kind or a format without its file is a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use appliance::compute::plans::{Lookup, PlanStore, Sidecar, SidecarFault, Why};
use appliance::files::document::{Format, is_newer};
use appliance::settings::box_file::{AudioPlan, BoxConfig, Face, PlayPlan};
use appliance::settings::last_state;
use appliance::settings::learnt_maps::{self, LearntMaps};
use appliance::settings::model_settings::ModelSettings;
use appliance::settings::patch::{Patch, PatchError};
use appliance::settings::profile::{Profile, Profiles};
use appliance::settings::set_list::{Listed, SetList};
use engine::param::ParamId;
use hal::gesture::Identity;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The bytes that the sidecars among the fixtures speak of.
const PLAN: &[u8] = b"the old plan";
/// The file of a format that does not say which.
const SILENT: &str = "v1-without";
const NEWER: &str = "newer";

fn folder_of(format: Format) -> PathBuf {
    Path::new(FIXTURES).join(format.name().replace(' ', "-"))
}

fn fixture(format: Format, name: &str) -> String {
    let path = folder_of(format).join(format!("{name}.toml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all files of a kind that are not newer.
fn known(format: Format) -> Vec<String> {
    let numbered = (1..=format.newest()).map(|number| format!("v{number}"));
    [SILENT.to_owned()].into_iter().chain(numbered).collect()
}

/// Every fault of a text, a line each.
fn told(format: Format, text: &str) -> Vec<String> {
    let faults = match format {
        Format::Patch => Patch::parse_sound(text).1,
        Format::LearntMaps => learnt_maps::parse(text).1,
        Format::Profile => Profile::parse_sound("bench", text).1,
        Format::BoxFile => BoxConfig::parse(text).1,
        Format::Instrument => ModelSettings::parse(text).1,
        Format::LastState => last_state::parse(text).err().unwrap_or_default(),
        Format::PlanSidecar => return Sidecar::parse(text).err().iter().map(ToString::to_string).collect(),
    };
    faults.iter().map(ToString::to_string).collect()
}

/// Puts a fixture where a test wants it.
fn put(folder: &Path, name: &str, format: Format, fixture_name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, fixture(format, fixture_name)).expect("a disk");
    path
}

#[test]
fn every_kind_has_a_file_of_every_format_and_a_newer_one() {
    let mut folders = BTreeSet::new();
    for format in Format::ALL {
        let (folder, newest) = (folder_of(format), format.newest());
        let wanted: BTreeSet<String> = known(format).into_iter().chain([NEWER.to_owned()]).collect();
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
        let found: BTreeSet<String> = entries.map(|it| stem(it.expect("an entry").path())).collect();
        assert_eq!(found, wanted, "{}", folder.display());
        let says =
            |name: &str, number: u32| fixture(format, name).lines().any(|line| line == format!("format = {number}"));
        assert!(!fixture(format, SILENT).contains("format"), "{}: {SILENT} says one", folder.display());
        assert!((1..=newest).all(|number| says(&format!("v{number}"), number)), "{}", folder.display());
        assert!(says(NEWER, newest + 1), "{}: newer.toml is not of format {}", folder.display(), newest + 1);
        folders.insert(folder);
    }
    let there = fs::read_dir(FIXTURES).expect("the folder").map(|it| it.expect("an entry").path());
    assert_eq!(there.collect::<BTreeSet<_>>(), folders, "a folder of a kind that there is not");
}

#[test]
fn files_of_every_known_format_have_no_fault_and_a_newer_one_has_one_about_its_version() {
    for format in Format::ALL {
        for name in known(format) {
            assert_eq!(told(format, &fixture(format, &name)), Vec::<String>::new(), "{name} of {}", format.name());
        }
        let told = told(format, &fixture(format, NEWER));
        assert_eq!(told.len(), 1, "{told:#?}");
        let (newest, newer) = (format.newest(), format.newest() + 1);
        for words in [
            "2: format: ".to_owned(),
            format!("found {newer} (written by a newer demon)"),
            format!("expected at most {newest} (the newest that this one reads)"),
            "; try updating the box; until then ".to_owned(),
        ] {
            assert!(told[0].contains(&words), "`{words}` is not in {told:?}");
        }
    }
}

#[test]
fn what_is_no_format_is_told_with_its_line_and_a_number_beyond_all_counting_is_newer() {
    for format in Format::ALL {
        let with = |value: &str| fixture(format, "v1").replace("format = 1", &format!("format = {value}"));
        for value in ["\"1\"", "0", "-1", "1.0", "true", "[1]", "{}", "1979-05-27"] {
            let told = told(format, &with(value));
            let expected = format!("2: format: found {value}, expected a whole number from 1 on");
            assert!(told.len() == 1 && told[0].ends_with(&expected), "{told:?}");
        }
        for value in ["4294967296", "0x1_0000_0001", "99999999999999999999"] {
            let told = told(format, &with(value));
            assert!(told.len() == 1 && told[0].contains("written by a newer demon"), "{told:?}");
        }
        assert_eq!(told(format, &with("0x1")), Vec::<String>::new());
    }
    let (patch, faults) = Patch::parse_sound("format = \"1\"\n[values]\ndenoise = 0.25\n");
    assert_eq!((patch.values.exact(ParamId::Denoise), is_newer(&faults)), (0.25, false), "the rest is read");
    let told = told(Format::BoxFile, "fromat = 1\n");
    assert!(told[0].ends_with("try format"), "{told:?}");
}

#[test]
fn files_of_ours_say_their_format() {
    let profiles = fs::read_dir(Path::new(ROOT).join("appliance/profiles")).expect("the folder");
    let mut ours: Vec<_> = profiles.map(|it| (Format::Profile, it.expect("an entry").path())).collect();
    let patches = ["models/house/demo.toml", "tools/demo-audio/set.toml", "fuzz-input/seeds/patch_file/example.toml"];
    ours.extend(patches.map(|path| (Format::Patch, Path::new(ROOT).join(path))));
    assert!(ours.len() >= 11, "{ours:?}");
    for (format, path) in ours {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let first = text.lines().find(|line| !line.starts_with('#'));
        assert_eq!(first, Some(format.to_string().as_str()), "{}", path.display());
    }
}

#[test]
fn an_old_patch_is_written_back_whole_with_its_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut read = Vec::new();
    for name in known(Format::Patch) {
        let path = put(folder.path(), "set.toml", Format::Patch, &name);
        let patch = Patch::load(&path).expect("a patch");
        assert!(patch.scenes[8].is_some() && patch.curves.len() == 1 && patch.map.own().len() == 3);
        Patch::parse(&fixture(Format::Patch, &name)).expect("a patch").save(&path).expect("a disk");
        let written = fs::read_to_string(&path).expect("it was written");
        assert_eq!(written.lines().next(), Some(Format::Patch.to_string().as_str()));
        assert_eq!(Patch::load(&path).expect("a patch"), patch);
        let named = patch.scene_names[0].is_some();
        assert_eq!(named, fixture(Format::Patch, &name).contains("name = "), "{name}");
        // What an older format cannot say is all that differs.
        assert_eq!(patch.prompts[1].is_some(), fixture(Format::Patch, &name).contains("[prompts.2]"), "{name}");
        let others = fixture(Format::Patch, &name).contains("timbre = ");
        assert_eq!((patch.structure.is_some(), patch.timbre.is_some()), (others, others), "{name}");
        assert_eq!(patch.model.is_some(), fixture(Format::Patch, &name).contains("model = "), "{name}");
        let (scene_names, prompts) = Default::default();
        read.push(Patch { scene_names, prompts, structure: None, timbre: None, model: None, ..patch });
    }
    assert!(read.windows(2).all(|two| two[0] == two[1]), "the same patch in every format");
}

#[test]
fn a_newer_patch_keeps_its_place_in_the_set_list_and_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "1-old.toml", Format::Patch, SILENT);
    fs::write(folder.path().join("loop.flac"), "").expect("what they name");
    let newer = put(folder.path(), "2-newer.toml", Format::Patch, NEWER);
    put(folder.path(), "3-now.toml", Format::Patch, "v1");
    let first = Listed::new("start".to_owned(), Patch::default(), None);
    let (mut list, told) = SetList::open(first, Some(folder.path())).expect("a folder");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(&format!("{}:2: format: ", newer.display())), "{told:?}");
    let name = |list: &mut SetList, by| list.go_by(by).map(|it| it.name.clone());
    let names: Vec<_> =
        [1, 1, 1, -1, -1, -1].map(|by| name(&mut list, by)).into_iter().map(Option::unwrap_or_default).collect();
    assert_eq!(names, ["1-old", "3-now", "", "1-old", "start", ""]);
    assert_eq!(list.go_by(2).map(|it| it.name.as_str()), Some("3-now"));
    assert!(list.go(2).is_none() && list.place() == 3, "the number of the newer one is its own, and it is not played");
    assert_eq!((list.unplayable(2), list.unplayable(3), list.unplayable(9)), (Some("2-newer"), None, None));
    let PatchError::Faulty { faults, .. } = Patch::load(&newer).expect_err("newer") else { panic!("not its format") };
    assert!(is_newer(&faults));
    assert_eq!(Patch::load_sound(&newer).expect("a file").0, Patch::default(), "nothing of it is believed");
    assert_eq!(fs::read_to_string(&newer).expect("it is there"), fixture(Format::Patch, NEWER));
}

#[test]
fn old_maps_are_written_back_whole_with_their_format() {
    for name in known(Format::LearntMaps) {
        let state = tempfile::tempdir().expect("a folder");
        let path = put(state.path(), "maps.toml", Format::LearntMaps, &name);
        let (mut memory, told) = LearntMaps::open(state.path());
        assert_eq!((memory.controllers().len(), told.len()), (2, 0), "{told:?}");
        let before = memory.controllers().to_vec();
        let (identity, entries) = before[0].clone();
        memory.keep(identity, entries).expect("a disk");
        let written = fs::read_to_string(&path).expect("it was written");
        assert_eq!(written.lines().nth(1), Some(Format::LearntMaps.to_string().as_str()), "{written}");
        assert_eq!(LearntMaps::open(state.path()).0.controllers(), before);
        assert_eq!(fs::read_dir(state.path()).expect("a folder").count(), 1, "nothing was put aside");
    }
}

/// Three evenings with a box that is older than its maps, then one with a box that is not.
#[test]
fn newer_maps_are_never_written_over_and_what_is_learnt_meanwhile_is_kept_beside_them() {
    let state = tempfile::tempdir().expect("a folder");
    let newer = fixture(Format::LearntMaps, NEWER);
    let path = put(state.path(), "maps.toml", Format::LearntMaps, NEWER);
    let (learnt, _) = learnt_maps::parse(&fixture(Format::LearntMaps, "v1"));
    let [first, second] = <[_; 2]>::try_from(learnt).expect("two controllers");
    for (evening, (identity, entries)) in [&first, &second].into_iter().enumerate() {
        let (mut memory, told) = LearntMaps::open(state.path());
        assert_eq!(memory.controllers().len(), evening, "what the evenings before learnt is known");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("maps.toml:2: format: found 2") && told[0].ends_with("is kept beside it"), "{told:?}");
        memory.keep(identity.clone(), entries.clone()).expect("a disk");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), newer);
    }
    let beside = state.path().join("maps.format-1.toml");
    // What lies beside and has faults is put aside as ever.
    let sound = fs::read_to_string(&beside).expect("it was kept");
    fs::write(&beside, sound.clone() + "[[controler]]\n").expect("a disk");
    let (mut memory, told) = LearntMaps::open(state.path());
    assert_eq!((memory.controllers().len(), told.len()), (2, 2), "{told:?}");
    memory.keep(first.0.clone(), first.1.clone()).expect("a disk");
    assert!(state.path().join("maps.format-1.toml.faulty-1").exists());
    assert_eq!(fs::read_to_string(&path).expect("it is there"), newer);
    put(state.path(), "maps.toml", Format::LearntMaps, "v1");
    let (_, told) = LearntMaps::open(state.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("maps.format-1.toml: learnt while maps.toml was of a newer format"), "{told:?}");
    assert_eq!(fs::read_to_string(&beside).expect("it is there"), sound);
}

#[test]
fn a_newer_profile_is_left_out_and_the_usual_one_holds() {
    let bench = Identity::new("Bench box", "usb 1234:5678");
    for name in known(Format::Profile) {
        let folder = tempfile::tempdir().expect("a folder");
        put(folder.path(), "bench.toml", Format::Profile, &name);
        let (profiles, told) = Profiles::with_folder(folder.path());
        assert_eq!((profiles.for_identity(&bench).parts.len(), told.len()), (2, 0), "{told:?}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "bench.toml", Format::Profile, NEWER);
    // In the place of one that is built in, which stays.
    put(folder.path(), "gpio-panel.toml", Format::Profile, NEWER);
    let (profiles, told) = Profiles::with_folder(folder.path());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|it| it.contains(".toml:2: format: ") && it.lines().count() == 1), "{told:?}");
    assert_eq!(profiles.for_identity(&bench).key, "generic");
    let panel = Identity::new("front", "gpio front");
    let usual = Profiles::built_in();
    assert_eq!(profiles.for_identity(&panel), usual.for_identity(&panel));
    assert!(!profiles.for_identity(&panel).parts.is_empty());
}

#[test]
fn a_newer_box_file_is_told_and_the_box_starts_as_without_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut read = Vec::new();
    for name in known(Format::BoxFile) {
        let path = put(folder.path(), "demon.toml", Format::BoxFile, &name);
        let (mut config, told) = BoxConfig::open(Some(&path)).expect("a file");
        assert_eq!(told, Vec::<String>::new());
        assert!(config != BoxConfig::default() && config.panels.len() == 1 && config.feel.len() == 1);
        // A newer format may say more; what both say is the same.
        let says_face = fixture(Format::BoxFile, &name).contains("face = \"large\"");
        assert_eq!(config.displays[0].face == Face::Large, says_face, "{name}");
        config.displays[0].face = Face::Usual;
        let says_contrast = fixture(Format::BoxFile, &name).contains("high_contrast = true");
        assert_eq!(
            (config.displays[0].high_contrast, config.terminal_high_contrast),
            (says_contrast, says_contrast),
            "{name}"
        );
        config.displays[0].high_contrast = false;
        config.terminal_high_contrast = false;
        let says_play = fixture(Format::BoxFile, &name).contains("[play]");
        assert_eq!(config.play.patch, says_play.then(|| folder.path().join("set.toml")), "{name}");
        assert_eq!(config.audio.periods, says_play.then_some(2), "{name}");
        (config.play, config.audio) = <(PlayPlan, AudioPlan)>::default();
        read.push(config);
    }
    assert!(read.windows(2).all(|two| two[0] == two[1]), "the same box in every format");
    let path = put(folder.path(), "demon.toml", Format::BoxFile, NEWER);
    let (config, told) = BoxConfig::open(Some(&path)).expect("a file");
    assert_eq!((config, told.len()), (BoxConfig::default(), 1), "{told:?}");
    assert!(told[0].starts_with(&format!("{}:2: format: ", path.display())), "{told:?}");
}

#[test]
fn a_newer_instrument_is_told_and_the_knobs_go_as_published() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut read = Vec::new();
    for name in known(Format::Instrument) {
        put(folder.path(), "instrument.toml", Format::Instrument, &name);
        let (instrument, told) = ModelSettings::open(folder.path());
        assert!(told.is_none() && instrument != ModelSettings::default(), "{told:?}");
        // Words came with the second format.
        assert_eq!(instrument.vocabulary.contains(&"night drive".to_owned()), name == "v2");
        read.push(instrument.travels);
    }
    assert!(read.windows(2).all(|two| two[0] == two[1]), "the same knobs in every format");
    put(folder.path(), "instrument.toml", Format::Instrument, NEWER);
    let (instrument, told) = ModelSettings::open(folder.path());
    assert_eq!(instrument, ModelSettings::default());
    assert!(told.is_some_and(|it| it.contains("instrument.toml:2: format: ") && it.lines().count() == 1));
}

#[test]
fn a_plan_beside_an_old_sidecar_is_found_and_one_beside_a_newer_is_built_again() {
    for name in known(Format::PlanSidecar) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = PlanStore::open(folder.path()).expect("a folder");
        let key = Sidecar::parse(&fixture(Format::PlanSidecar, &name)).expect("a sidecar").key;
        let (plan, sidecar) = store.paths(&key);
        fs::write(&plan, PLAN).expect("a disk");
        fs::write(&sidecar, fixture(Format::PlanSidecar, &name)).expect("a disk");
        assert!(matches!(store.find(&key), Ok(Lookup::Found(bytes)) if bytes == PLAN), "{name}");
        fs::write(&sidecar, fixture(Format::PlanSidecar, NEWER)).expect("a disk");
        let found = store.find(&key).expect("a folder");
        let Lookup::Missing(Why::Unreadable { fault: SidecarFault::Format(fault), .. }) = found else {
            panic!("{found:?}")
        };
        assert!(fault.newer && fault.line == 2, "{fault:?}");
        store.write(&store.lock().expect("nobody else builds"), &key, PLAN).expect("a disk");
        let written = fs::read_to_string(&sidecar).expect("it was written");
        assert_eq!(written, fixture(Format::PlanSidecar, &format!("v{}", Format::PlanSidecar.newest())));
        assert!(matches!(store.find(&key), Ok(Lookup::Found(_))));
    }
}

/// The program itself, in a folder, without a card.
fn demon(folder: &Path, model: &Path, arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demon"));
    command
        .current_dir(folder)
        .env("DEMON_STATE", folder.join("state"))
        .args(arguments)
        .args(["--backend", "cpu", "--depth", "1", "--model"])
        .arg(model);
    let output = command.output().expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    (output, words)
}

/// Plays for half a second into `take.wav`.
const RUN: [&str; 7] = ["run", "--plain", "--no-midi", "--seconds", "0.5", "--wav", "take.wav"];

/// Whether a take has at least a quarter of a second of sound in it.
fn sounds(folder: &Path) -> bool {
    let take = hound::WavReader::open(folder.join("take.wav")).expect("it was played").into_samples::<f32>();
    let loud = take.map(|it| it.expect("it is whole")).filter(|it| it.abs() > 1e-4).count();
    48_000 / 4 < loud
}

#[test]
fn a_box_whose_files_are_all_newer_starts_says_so_and_changes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let (at, model) = (|name: &str| folder.path().join(name), Path::new(ROOT).join("models/house"));
    for name in ["profiles", "state", "list"] {
        fs::create_dir(at(name)).expect("a disk");
    }
    let files = [
        put(folder.path(), "set.toml", Format::Patch, NEWER),
        put(&at("list"), "2.toml", Format::Patch, NEWER),
        put(&at("state"), "maps.toml", Format::LearntMaps, NEWER),
        put(&at("profiles"), "bench.toml", Format::Profile, NEWER),
        put(folder.path(), "demon.toml", Format::BoxFile, NEWER),
    ];
    let before = files.each_ref().map(|path| fs::read(path).expect("it is there"));
    let with = ["--patch", "set.toml", "--set-list", "list", "--state", "state", "--config", "demon.toml"];
    let (played, words) = demon(folder.path(), &model, &[&RUN[..], &with[..]].concat());
    assert!(played.status.success() && sounds(folder.path()), "{words}");
    for file in ["set.toml:", "2.toml:", "maps.toml:", "bench.toml:", "demon.toml:"] {
        let lines: Vec<_> = words.lines().filter(|line| line.contains(file)).collect();
        assert!(matches!(lines[..], [line] if line.contains("newer demon")), "{file}\n{words}");
    }
    let (rendered, words) =
        demon(folder.path(), &model, &["render", "--patch", "set.toml", "--seconds", "1", "--out", "render.wav"]);
    assert!(!rendered.status.success() && words.starts_with("demon: set.toml:2: format: "), "{words}");
    assert!(words.lines().count() == 1 && !at("render.wav").exists(), "{words}");
    assert_eq!(files.each_ref().map(|path| fs::read(path).expect("it is there")), before);
}

#[test]
fn a_model_whose_own_patch_is_newer_plays_its_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    fs::create_dir(&model).expect("a disk");
    for entry in fs::read_dir(Path::new(ROOT).join("models/house")).expect("the folder") {
        let entry = entry.expect("an entry");
        std::os::unix::fs::symlink(entry.path(), model.join(entry.file_name())).expect("a disk");
    }
    fs::remove_file(model.join("demo.toml")).expect("the model has a patch");
    put(&model, "demo.toml", Format::Patch, NEWER);
    let (played, words) = demon(folder.path(), &model, &RUN);
    assert!(played.status.success() && sounds(folder.path()), "{words}");
    let newer = Format::Patch.newest() + 1;
    assert!(words.contains(&format!("demo.toml:2: format: found {newer} (written by a newer demon)")), "{words}");
}
