//! Goal: a patch reaches what lies beside it and in the library, by whatever name, and nothing else; what is in a library is known, and
//! what is added is looked at and never written over.
//! Method: real folders with links, whole paths and odd names.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{AddError, Added, Item, Library, Refused, Shelf};

/// What a name is made of.
const PARTS: [&str; 14] = [
    "..",
    ".",
    "/",
    "sub",
    "way",
    "up",
    "beside.wav",
    "loop.wav",
    "deep.wav",
    "secret.wav",
    "outside",
    "library",
    "recordings",
    "stick",
];

/// A second and a bit of a sine, as a WAV file of 16 bits.
fn sound(path: &Path, seconds: f64) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).expect("a disk");
    for at in 0..(seconds * 48_000.0) as usize {
        let sample = ((at as f64 / 40.0).sin() * 9_000.0) as i16;
        file.write_sample(sample).and_then(|()| file.write_sample(sample)).expect("a disk");
    }
    file.finalize().expect("a disk");
}

/// A folder with a library, a stick with patches, and something outside both.
fn world() -> (tempfile::TempDir, Library, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for name in ["library/recordings", "library/patches", "stick/sub", "outside"] {
        fs::create_dir_all(at.join(name)).expect("a disk");
    }
    for name in ["library/recordings/loop.wav", "stick/beside.wav", "stick/sub/deep.wav", "outside/secret.wav"] {
        fs::write(at.join(name), "").expect("a disk");
    }
    let library = Library::at(at.join("library"));
    let stick = at.join("stick");
    (folder, library, stick)
}

#[test]
fn a_patch_names_what_lies_beside_it_and_in_the_library_and_nothing_else() {
    let (folder, library, stick) = world();
    let at = folder.path();
    symlink(at.join("outside/secret.wav"), stick.join("link.wav")).expect("a link");
    symlink("../outside", stick.join("way")).expect("a link");
    symlink(at.join("library/recordings/loop.wav"), stick.join("good.wav")).expect("a link");
    symlink(at.join("outside/secret.wav"), at.join("library/recordings/leak.wav")).expect("a link");
    symlink("circle.wav", stick.join("circle.wav")).expect("a link");
    let whole = |name: &str| at.join(name).to_string_lossy().into_owned();
    let found = |name: &str| library.recording(&stick.join(name), &stick);
    for (name, expected) in [
        ("beside.wav", Ok("stick/beside.wav")),
        ("sub/deep.wav", Ok("stick/sub/deep.wav")),
        ("./beside.wav", Ok("stick/./beside.wav")),
        ("loop.wav", Ok("library/recordings/loop.wav")),
        ("good.wav", Ok("stick/good.wav")),
        // Old patches with paths, where those lead to one of the two.
        ("../library/recordings/loop.wav", Ok("stick/../library/recordings/loop.wav")),
        (&whole("library/recordings/loop.wav"), Ok("library/recordings/loop.wav")),
        (&whole("stick/beside.wav"), Ok("stick/beside.wav")),
        ("../outside/secret.wav", Err(Refused::Outside)),
        ("sub/../../outside/secret.wav", Err(Refused::Outside)),
        (&whole("outside/secret.wav"), Err(Refused::Outside)),
        ("/dev/zero", Err(Refused::Outside)),
        ("../outside/nothing.wav", Err(Refused::Outside)),
        ("/nowhere/nothing.wav", Err(Refused::Outside)),
        ("link.wav", Err(Refused::Outside)),
        ("way/secret.wav", Err(Refused::Outside)),
        ("leak.wav", Err(Refused::Outside)),
        ("circle.wav", Err(Refused::Missing)),
        ("nothing.wav", Err(Refused::Missing)),
        ("a\u{1b}[2J.wav", Err(Refused::Control)),
        ("a\nb.wav", Err(Refused::Control)),
        ("a\u{202e}b.wav", Err(Refused::Control)),
    ] {
        assert_eq!(found(name), expected.map(|it| at.join(it)), "{name:?}");
    }
    // A patch in the working folder has no folder's name before its own.
    assert_eq!(library.recording(Path::new("loop.wav"), Path::new("")), Ok(at.join("library/recordings/loop.wav")));
    let anywhere = library.anywhere(true);
    for name in ["../outside/secret.wav", "link.wav"] {
        assert_eq!(anywhere.recording(&stick.join(name), &stick), Ok(stick.join(name)));
    }
    assert_eq!(anywhere.recording(&stick.join("loop.wav"), &stick), Ok(at.join("library/recordings/loop.wav")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_way_of_writing_a_name_leads_out(
        parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 1..7), is_whole in any::<bool>()
    ) {
        let (folder, library, stick) = world();
        let at = fs::canonicalize(folder.path()).expect("it is there");
        symlink(at.join("outside"), stick.join("way")).expect("a link");
        symlink("../..", stick.join("sub/up")).expect("a link");
        let name: PathBuf = parts.iter().collect();
        let name = if is_whole { at.join(name) } else { name };
        if let Ok(found) = library.recording(&stick.join(name), &stick) {
            let end = fs::canonicalize(&found).expect("it is there");
            prop_assert!(end.starts_with(at.join("stick")) || end.starts_with(at.join("library")), "{}", end.display());
        }
    }
}

#[test]
fn a_patch_whose_recording_is_refused_or_missing_says_so_and_the_rest_of_it_plays() {
    let (folder, library, stick) = world();
    for (source, words) in [
        ("../outside/secret.wav", "it leads out of the patch's folder and of the library; try `demon library add`"),
        ("nothing.wav", "no such recording is beside the patch or in the library; try `demon library add`"),
        ("a\\u001b[2J.wav", "source: found a\\u{1b}[2J.wav: a name with control characters"),
    ] {
        let path = stick.join("1_a.toml");
        fs::write(&path, format!("source = \"{source}\"\n[values]\ndenoise = 0.25\n")).expect("a disk");
        let read = library.load_patch(&path).expect("a patch");
        assert!(read.patch.source.is_none() && read.told.is_empty(), "{read:?}");
        let refused = read.refused.expect("it is refused");
        assert!(refused.contains(words) && !refused.contains('\u{1b}'), "{refused}");
        assert_eq!(read.patch.values.exact(engine::param::ParamId::Denoise), 0.25);
    }
    let path = stick.join("2_b.toml");
    fs::write(&path, "source = \"loop.wav\"\n").expect("a disk");
    let read = library.load_patch(&path).expect("a patch");
    let source = read.patch.source.expect("it is in the library");
    assert_eq!((read.refused, source.as_path()), (None, &*folder.path().join("library/recordings/loop.wav")));
    assert_eq!(library.named(source), Path::new("loop.wav"));
}

#[test]
fn a_patch_names_a_model_of_the_library_and_nothing_else() {
    let (folder, library, stick) = world();
    let at = folder.path();
    for name in ["library/models/night", "outside/secret", "own/house"] {
        fs::create_dir_all(at.join(name)).expect("a disk");
    }
    symlink(at.join("outside/secret"), at.join("library/models/linked")).expect("a disk");
    let library = library.beside_model(Some(at.join("own/house")));
    let patch = stick.join("p.toml");
    let read = |name: &str| {
        let name = name.replace('\u{7}', "\\u0007");
        fs::write(&patch, format!("source = \"beside.wav\"\nmodel = \"{name}\"\n[values]\ndenoise = 0.9\n"))
            .expect("a disk");
        library.load_patch(&patch).expect("a patch")
    };
    assert_eq!(read("night").patch.model, Some(at.join("library/models/night")));
    assert_eq!(read("house").patch.model, Some(at.join("own/house")), "the start's, wherever it lies");
    for name in ["nowhere", "linked", "..", "../../outside/secret", "night/..", "/etc", "a\u{7}b", ""] {
        let found = read(name);
        assert_eq!(found.patch.model, None, "{name:?}");
        assert!(
            found.patch.source.is_some() && !found.is_faulty && found.refused.is_none(),
            "{name:?}: the rest plays"
        );
        let told = found.told.join("\n");
        let expected = "expected the name of a model in the library, or house as started with";
        assert!(told.contains("p.toml: model: found ") && told.contains(expected), "{name:?}: {told}");
    }
}

fn item(items: &[Item], name: &str) -> Item {
    items.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{name} is not among {items:?}")).clone()
}

#[test]
fn what_is_there_is_known_by_name_length_and_tempo_and_what_is_broken_is_said() {
    let (folder, library, _) = world();
    let recordings = library.folder(Shelf::Recordings);
    sound(&recordings.join("river.wav"), 1.5);
    let mut cut = fs::read(recordings.join("river.wav")).expect("it is there");
    cut.truncate(cut.len() - 48_000);
    fs::write(recordings.join("cut.wav"), cut).expect("a disk");
    fs::write(recordings.join(".hidden"), "").expect("a disk");
    fs::write(recordings.join("a\nb.wav"), "").expect("a disk");
    symlink(folder.path().join("outside/secret.wav"), recordings.join("leak.wav")).expect("a link");
    let patches = library.folder(Shelf::Patches);
    fs::write(patches.join("1_a.toml"), "source = \"river.wav\"\n[prompt]\nbpm = 96\n").expect("a disk");
    fs::write(patches.join("2_b.toml"), "source = \"gone.wav\"\nnonsense = 1\n").expect("a disk");
    fs::create_dir_all(library.folder(Shelf::Models).join("empty")).expect("a disk");
    fs::create_dir_all(library.folder(Shelf::Adapters)).expect("a disk");
    fs::write(library.folder(Shelf::Adapters).join("x.safetensors"), "no weights").expect("a disk");
    let items = library.items();
    let river = item(&items, "river.wav");
    assert_eq!((river.seconds, river.bpm, river.faults.len()), (Some(1.5), Some(96), 0));
    assert_eq!(item(&items, "1_a.toml").source.as_deref(), Some("river.wav"));
    for (name, words) in [
        ("cut.wav", "the file ends early: 1.2 s of 1.5 s"),
        ("loop.wav", "empty"),
        ("a\\u{a}b.wav", "a name with control characters"),
        ("leak.wav", "a link that leads out of the library"),
        ("2_b.toml", "nonsense"),
        ("empty", "config.json"),
        ("x.safetensors", ""),
    ] {
        let faults = item(&items, name).faults;
        assert!(!faults.is_empty() && faults.concat().contains(words), "{name}: {faults:?}");
    }
    assert_eq!(items.len(), 9, "{items:?}");
}

#[test]
fn what_is_added_is_looked_at_copied_once_and_never_written_over() {
    let (folder, library, stick) = world();
    let brought = folder.path().join("river.wav");
    sound(&brought, 1.5);
    let added = |path: &Path| library.add(path);
    assert_eq!(added(&brought).expect("sound"), Added::New(Shelf::Recordings, "river.wav".to_owned(), Vec::new()));
    let inside = library.folder(Shelf::Recordings).join("river.wav");
    let bytes = fs::read(&brought).expect("it is there");
    assert_eq!(fs::read(&inside).expect("it is there"), bytes);
    assert_eq!(added(&brought).expect("the same"), Added::There(Shelf::Recordings, "river.wav".to_owned()));
    sound(&brought, 2.0);
    assert!(matches!(added(&brought), Err(AddError::Taken(_))));
    assert_eq!(fs::read(&inside).expect("it is there"), bytes, "nothing is written over");
    fs::write(stick.join("noise.wav"), "no sound").expect("a disk");
    assert!(matches!(added(&stick.join("noise.wav")), Err(AddError::Broken(..))));
    assert!(matches!(added(&stick.join("nothing.wav")), Err(AddError::File(_))));
    sound(&stick.join(".hidden.wav"), 1.5);
    assert!(matches!(added(&stick.join(".hidden.wav")), Err(AddError::Name(_))));
    fs::write(stick.join("3_c.toml"), "source = \"river.wav\"\n").expect("a disk");
    assert!(matches!(added(&stick.join("3_c.toml")), Ok(Added::New(Shelf::Patches, _, told)) if told.is_empty()));
    fs::create_dir(stick.join("model")).expect("a disk");
    assert!(matches!(added(&stick.join("model")), Err(AddError::Broken(..))), "a folder that is no model");
    let left: Vec<_> = fs::read_dir(library.folder(Shelf::Recordings)).expect("a folder").collect();
    assert_eq!(left.len(), 2, "nothing is left over: {left:?}");
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house");
    assert!(matches!(added(&house), Ok(Added::New(Shelf::Models, ..))));
    assert!(library.folder(Shelf::Models).join("house/config.json").exists());
    assert!(matches!(added(&house), Err(AddError::Taken(_))));
}
