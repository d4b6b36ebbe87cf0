//! Patches read, refused with all their faults, and saved.

use engine::param::{Breakpoints, Drawn, ParamId, Store, Values};
use proptest::prelude::*;

use super::{Patch, PatchError};
use crate::control::binding::{Deed, Encoding, Entry, Map, On, Takeover, Target, Travel};
use crate::control::desk::Desk;
use crate::files::document::documented;
use crate::recording::Part;

/// The player's documents: every key of a patch, and every key of a map line.
const DOCUMENT: &str = include_str!("../../../../docs/patch.md");
const MAP_LINES: &str = include_str!("../../../../docs/surface.md");

fn example() -> String {
    documented::example_of(DOCUMENT)
}

fn faults(text: &str) -> Vec<String> {
    Patch::parse(text).expect_err("faults").iter().map(ToString::to_string).collect()
}

#[test]
fn the_documented_example_is_a_patch() {
    let patch = Patch::parse(&example()).expect("the documentation's own example");
    assert_eq!(patch.source.as_deref(), Some("loop.flac".as_ref()));
    assert_eq!((patch.prompt.bpm, patch.prompt.time_signature), (Some(120), Some(4)));
    assert_eq!(patch.values.exact(ParamId::Denoise), 0.6);
    assert_eq!(patch.values.label(ParamId::Method), "sde");
    assert_eq!(patch.curves[0].1.points(), [[0.0, 0.2], [1.0, 0.8]]);
    assert_eq!(patch.scenes[0].map(|scene| scene.exact(ParamId::Denoise)), Some(0.9));
    assert_eq!(patch.scene_names[0].as_deref(), Some("drop"));
    assert_eq!(patch.map.own(), [Entry::usual(On::Cc(74), Target::Param(ParamId::Denoise))]);
}

#[test]
fn a_scenes_name_is_short_and_plain_and_a_bad_one_costs_the_name_alone() {
    for bad in ["\"\"", "7", "\"a\\nb\"", "\"abcdefghijklmnopqrstuvwxyz0123456\""] {
        let (patch, faults) = Patch::parse_sound(&format!("[scenes.2]\nname = {bad}\ndenoise = 0.25\n"));
        assert_eq!((faults.len(), &patch.scene_names[1]), (1, &None), "{bad}: {faults:?}");
        assert_eq!(patch.scenes[1].map(|it| it.exact(ParamId::Denoise)), Some(0.25), "{bad}");
    }
    let (_, faults) = Patch::parse_sound("[values]\nname = \"x\"\n");
    assert_eq!(faults.len(), 1, "only scenes have names");
}

#[test]
fn the_documented_map_line_is_one() {
    let patch = Patch::parse(&documented::example_of(MAP_LINES)).expect("the documentation's own example");
    let travel = Travel { range: Some((0.2, 0.8)), ..Travel::default() };
    let own = Entry { channel: Some(1), travel, ..Entry::usual(On::Cc(74), Target::Param(ParamId::Denoise)) };
    assert_eq!(patch.map.own(), [own]);
}

#[test]
fn the_documents_have_a_row_for_every_key() {
    // A reader that meets a key it does not know names those that it does.
    let expected = |text: &str| {
        let (_, faults) = Patch::parse_sound(text);
        let fault = faults.into_iter().find(|it| it.found == "an unknown key").expect("the key is unknown");
        fault.expected
    };
    for (text, document) in [
        ("x = 1\n", DOCUMENT),
        ("[prompt]\nx = 1\n", DOCUMENT),
        ("[prompts.1]\nx = 1\n", DOCUMENT),
        ("[[map]]\nx = 1\n", MAP_LINES),
    ] {
        for key in documented::keys_of(&expected(text)) {
            assert!(documented::has_row(document, key), "no row for `{key}`");
        }
    }
    assert!(!documented::has_row(DOCUMENT, "x"));
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let text = "sauce = 1\n\n[values]\ndenoise = 1.5\nmethod = \"euler\"\nseed = 1.5\nspeed = 3\ndepth = nan\n\
                [prompt]\nbpm = 7\ntime_signature = 5\n[scenes.12]\n[curves]\nseed = [[0.0, 1.0]]\n\
                source_blend = [[0.5, 0.0], [0.2, 0.0]]\n[[map]]\ncc = 128\nto = \"denoise\"\n[[map]]\ncc = 1\n\
                [[map]]\nto = \"dance\"\n[[map]]\ncc = 1\nnote = 1\nto = \"panic\"\n";
    assert_eq!(
        faults(text),
        vec![
            "1: sauce: found an unknown key, expected format, source, part, structure, timbre, model, prompt, prompts, values, curves, scenes or map; try source",
            "4: values.denoise: found 1.5, expected 0 to 1",
            "5: values.method: found \"euler\", expected ode, sde",
            "6: values.seed: found 1.5, expected a whole number, 0 to 4294967295",
            "7: values.speed: found an unknown key, expected a parameter of `demon params`; try seed",
            "8: values.depth: found nan, expected a whole number, 1 to 8",
            "10: prompt.bpm: found 7, expected a whole number, 30 to 300",
            "11: prompt.time_signature: found 5, expected 2, 3, 4 or 6",
            "12: scenes.12: found an unknown key, expected 1 to 9",
            "14: curves.seed: found seed takes no curve, expected a curve that can be played",
            "15: curves.source_blend: found point 2: time 0.2 (expected 0 to 1, never less than the point before), \
         expected a curve that can be played",
            "17: map 1.cc: found 128, expected a whole number, 0 to 127",
            "19: map 2: found no `to`, expected a parameter or a deed",
            "22: map 3.to: found \"dance\", expected a parameter of `demon params`, or a deed like reseed or scene-1",
            "25: map 4.note: found a second control, expected one in an entry",
        ]
    );
}

#[test]
fn a_key_that_holds_a_line_break_is_still_told_in_one_line() {
    let told = faults("\"a\\nb\" = 1\n[values]\n\"c\\rd\" = 2\n");
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|line| !line.contains(char::is_control)), "{told:?}");
}

#[test]
fn broken_toml_is_told_with_its_line_and_the_rest_is_still_read() {
    let told = faults("source = \"a\"\n[values\ndenoise = 2\n");
    assert!(told[0].starts_with("2: "), "{told:?}");
}

#[test]
fn a_part_that_is_none_is_told_and_all_of_the_recording_plays() {
    for bad in
        ["7", "[1.0]", "[1.0, 2.0, 3.0]", "[2.0, 1.0]", "[1.0, 1.5]", "[-1.0, 3.0]", "[0.0, \"x\"]", "[0.0, nan]"]
    {
        let (patch, faults) = Patch::parse_sound(&format!("source = \"a.wav\"\npart = {bad}\n"));
        assert_eq!((faults.len(), patch.part), (1, None), "{bad}: {faults:?}");
        assert!(faults[0].to_string().contains("the two times of a part in seconds"), "{faults:?}");
    }
    let patch = Patch::parse("part = [1, 2.5]\n").expect("a patch");
    assert_eq!(patch.part.map(|it| (it.start, it.end)), Some((48_000, 120_000)));
}

#[test]
fn what_is_saved_is_read_again_as_it_was() {
    let (structure, timbre) = (Some("s.wav".into()), Some("t.flac".into()));
    let part = Some(Part { start: 1, end: 100_000 });
    let mut patch = Patch { source: Some("a \"b\"\n.wav".into()), part, structure, timbre, ..Patch::default() };
    patch.prompt.lyrics = "[Verse]\n\"quoted\" \\ and 'so on'\u{7}".to_owned();
    patch.prompt.key = Some("A minor".to_owned());
    patch.values.set(ParamId::Seed, 4_294_967_295.0);
    patch.values.set(ParamId::Denoise, 0.1 + 0.2);
    patch.values.set(ParamId::DcwEnabled, 0.0);
    patch.scenes[8] = Some(patch.values);
    patch.scene_names[8] = Some("the \"end\"".to_owned());
    patch.curves =
        vec![(ParamId::OdeNoise, Breakpoints::new(ParamId::OdeNoise, &[[0.0, 1e-9], [1.0, 1.0]]).expect("sane"))];
    patch.map = Map::with(vec![
        Entry { channel: Some(16), encoding: Encoding::SignBit2, ..Entry::usual(On::Cc(99), Target::Deed(Deed::Redo)) },
        Entry { takeover: Takeover::Jump, ..Entry::usual(On::Bend, Target::Param(ParamId::GainDb)) },
    ]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("set.toml");
    Patch::default().save(&path).expect("a disk");
    patch.save(&path).expect("a disk");
    let mut again = Patch::load(&path).expect("what was saved");
    for named in again.recordings_mut().into_iter().flatten() {
        *named = named.strip_prefix(folder.path()).expect("beside").to_owned();
    }
    assert_eq!(again, patch);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "something is left beside the patch");
}

#[test]
fn a_patch_that_cannot_be_saved_leaves_the_old_one_and_nothing_beside_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("set.toml");
    std::fs::create_dir(&path).expect("a folder in the way");
    assert!(matches!(Patch::default().save(&path), Err(PatchError::Unwritable(..))));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_faulty_file_names_itself_in_every_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "a = 1\nb = 2\n").expect("a disk");
    let told = Patch::load(&path).expect_err("faults").to_string();
    assert_eq!(told.lines().filter(|line| line.contains("bad.toml:")).count(), 2, "{told}");
    std::fs::remove_file(&path).expect("a disk");
    std::fs::create_dir(&path).expect("a disk");
    let told = Patch::load(&path).expect_err("a folder").to_string();
    assert!(told.ends_with("bad.toml: cannot be read: a folder (expected a file)"), "{told}");
    std::fs::remove_dir(&path).expect("a disk");
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).expect("a disk");
    assert!(matches!(Patch::load(&path), Err(PatchError::TooLarge(_))));
}

#[test]
fn what_was_meant_is_taken_and_told_and_nothing_is_refused_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("set.toml");
    std::fs::write(&path, b"[prompt]\na = \"caf\xe9\"\n[values]\nloop_start = 0.75\nloop_end = 0.25\n")
        .expect("a disk");
    let (patch, faults) = Patch::load_sound(&path).expect("a patch");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "2: byte 0xE9 was taken for \u{e9} (expected UTF-8)",
            "5: values.loop_end: found loop_start 0.75, loop_end 0.25, expected a loop that ends after it begins; from 0.25 to \
             0.75 is played",
        ]
    );
    assert_eq!((patch.prompt.a.as_str(), Patch::load(&path).expect("a patch")), ("caf\u{e9}", patch.clone()));
    // What is lost stops it, and a value that is no TOML is not half taken.
    std::fs::write(&path, b"[values]\ndenoise = 0,5\nshift = 2.0\n").expect("a disk");
    let (patch, faults) = Patch::load_sound(&path).expect("a patch");
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["2: denoise: found 0,5, expected a number with a point; try 0.5"]
    );
    let untouched = Patch::default().values.exact(ParamId::Denoise);
    assert_eq!((patch.values.exact(ParamId::Denoise), patch.values.exact(ParamId::Shift)), (untouched, 2.0));
    assert!(Patch::load(&path).is_err());
}

#[test]
fn a_patch_goes_through_the_store_and_back() {
    let mut patch = Patch::parse(&example()).expect("the documentation's own example");
    let (store, mut reader) = Store::new();
    let mut desk = Desk::new(store);
    desk.load(&patch.values, &patch.scenes, &Drawn::default(), 0);
    assert_eq!(reader.latest().values, patch.values);
    let before = patch.clone();
    patch.values = Values::default();
    patch.take_from(desk.store());
    assert_eq!(patch, before);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[{1,2}[a-z.0-9]{1,9}\\]{1,2}\n|[a-z_]{1,9} = [-0-9.\"a-z\\[\\], {}=]{0,12}\n){0,12}") {
        if let Ok(patch) = Patch::parse(&text) {
            prop_assert_eq!(Patch::parse(&patch.to_text()), Ok(patch));
        }
    }
}
