//! Goal: a state comes back to the bit, or not at all.
//! Method: states of any values, curves, scenes and strokes through their text; texts that were cut off, changed, or never were one.

use std::path::PathBuf;
use std::sync::Arc;

use engine::param::{Change, Drawn, Kept, Mark, ParamId, SCENES, SceneChange, Stroke, Values};
use proptest::prelude::*;

use super::{FILE, Found, LastState, Loads, Origin, Playing, Shelf, SoundSum, Writings, Written, parse, sealed, text};
use crate::recording::Part;
use crate::settings::box_file::Screen;
use crate::settings::patch::{Patch, Sources, Spoken};
use crate::settings::set_list::{Listed, SetList};

fn any_id() -> impl Strategy<Value = ParamId> {
    prop::sample::select(ParamId::all().collect::<Vec<_>>())
}

/// A value that a parameter can have; often its default, as a keystone's is.
fn any_value(id: ParamId) -> impl Strategy<Value = f64> {
    let row = id.row();
    prop_oneof![1 => Just(row.default), 3 => (0.0..=1.0f64).prop_map(move |place| row.nearest(row.at(place)))]
}

fn any_values() -> impl Strategy<Value = Values> {
    let all: Vec<_> = ParamId::all().map(any_value).collect();
    all.prop_map(|each| {
        let mut values = Values::default();
        ParamId::all().zip(each).for_each(|(id, it)| _ = values.set(id, it));
        values
    })
}

/// Curves that are drawn, of a few that there are.
fn any_drawn(curves: Vec<Arc<[f32]>>) -> impl Strategy<Value = Drawn> {
    let drawable: Vec<ParamId> = ParamId::all().filter(|id| id.row().curve).collect();
    let pick = (prop::sample::select(drawable), prop::sample::select(curves));
    prop::collection::vec(pick, 0..5).prop_map(|picked| {
        let mut drawn = Drawn::default();
        picked.into_iter().for_each(|(id, curve)| drawn.set(id, Some(curve)));
        drawn
    })
}

fn any_stroke(curves: Vec<Arc<[f32]>>) -> impl Strategy<Value = Stroke> {
    let change = any_id().prop_flat_map(|id| {
        (any_value(id), any_value(id)).prop_map(move |(before, after)| Change { id, before, after })
    });
    let both = prop::option::of((any_drawn(curves.clone()), any_drawn(curves)));
    let scene = (0..SCENES, prop::option::of(any_values()), prop::option::of(any_values()))
        .prop_map(|(place, before, after)| SceneChange { place, before, after });
    let mark = || {
        (any::<u32>(), any::<u32>(), 0..4u32, 0..4u32).prop_map(|(patch, save, load, words)| Mark {
            patch,
            save,
            load,
            words,
        })
    };
    let marks = prop::option::weighted(0.3, (mark(), mark()).prop_map(|(before, after)| [before, after]));
    (prop::collection::vec(change, 0..4), both, prop::collection::vec(scene, 0..2), marks).prop_map(
        |(changes, both, scenes, marks)| Stroke {
            changes,
            curves: both.map(|(before, after)| Box::new([before, after])),
            scenes,
            marks,
        },
    )
}

fn any_kept() -> impl Strategy<Value = Kept> {
    let curve = prop::collection::vec(-8.0..8.0f32, 1..6).prop_map(Arc::<[f32]>::from);
    prop::collection::vec(curve, 1..4).prop_flat_map(|curves| {
        let strokes = |most| prop::collection::vec(any_stroke(curves.clone()), 0..most);
        let scenes = prop::collection::vec(prop::option::weighted(0.2, any_values()), SCENES);
        (any_values(), any_drawn(curves.clone()), scenes, strokes(6), strokes(3)).prop_map(
            |(aims, drawn, scenes, done, undone)| {
                let scenes = scenes.try_into().expect("as many as there are");
                Kept { aims, drawn, scenes, done, undone, mark: Mark::default() }
            },
        )
    })
}

fn any_spoken() -> impl Strategy<Value = Spoken> {
    let words = || "[ -~äß\\n\"]{0,12}";
    let told = (prop::option::of(30..=300u16), prop::option::of("[ -~]{0,12}"), prop::option::of(2..=4u8));
    ("[ -~äß]{1,32}", words(), words(), told, 0.1..=10.0f32).prop_map(
        |(name, tags, lyrics, (bpm, key, time_signature), weight)| Spoken {
            name,
            tags,
            lyrics,
            bpm,
            key,
            time_signature,
            weight,
        },
    )
}

fn any_state() -> impl Strategy<Value = LastState> {
    let words = || "[ -~äß\\n\"]{0,12}";
    let names = (words(), words(), words(), 0..200usize);
    let around = (0..8u8, any_id(), prop::collection::vec(prop::sample::select(&Screen::TURNED[..]), 0..3));
    let scene = prop::option::of((0..SCENES, any_values()));
    let path = || "[ -~äß]{1,12}".prop_map(PathBuf::from);
    let others = (path(), prop::option::of(path()), prop::option::of(path()), prop::option::of(path()));
    let part = prop::option::of(
        (0..9_000_000_u64, 48_000..9_000_000_u64).prop_map(|(start, length)| Part { start, end: start + length }),
    );
    let sources = prop::option::of((others, part).prop_map(|((recording, structure, timbre, model), part)| Sources {
        recording,
        part,
        structure,
        timbre,
        model,
    }));
    let writings =
        prop::collection::btree_map(1..9u32, (prop::collection::vec(any_spoken(), 1..3), any::<bool>()), 0..3);
    (any_kept(), names, around, scene, any::<u32>(), any::<bool>(), (sources, writings)).prop_map(
        |(
            kept,
            (patch, source, digest, number),
            (bank, selected, screens),
            scene,
            position,
            muted,
            (sources, written),
        )| {
            LastState {
                origin: Origin {
                    patch: patch.clone(),
                    source,
                    digest: digest.clone(),
                    saved: vec![digest.clone(); number % 3],
                },
                playing: Playing {
                    number,
                    name: patch,
                    list: vec![digest.clone()],
                    saved: vec![digest.clone()],
                    digest,
                },
                kept: Kept {
                    mark: Mark { patch: number as u32, save: position, load: u32::from(bank), words: u32::from(bank) },
                    ..kept
                },
                scene,
                bank,
                selected,
                screens,
                position: position.into(),
                muted,
                loads: sources.iter().fold(Loads::default(), |mut it, sources| {
                    it.put(u32::from(bank) + 1, sources.clone());
                    it
                }),
                sources,
                writings: written.into_iter().fold(Writings::default(), |mut it, (number, (words, by_hand))| {
                    it.put(number, Written { words, by_hand });
                    it
                }),
            }
        },
    )
}

fn bits(values: &Values) -> Vec<u64> {
    ParamId::all().map(|id| values.exact(id).to_bits()).collect()
}

fn curves(drawn: &Drawn) -> Vec<Option<Vec<u32>>> {
    ParamId::all().map(|id| drawn.get(id).map(|it| it.iter().map(|it| it.to_bits()).collect())).collect()
}

/// All of a state, to the bit.
fn all(state: &LastState) -> impl PartialEq + std::fmt::Debug + use<> {
    let LastState { origin, playing, kept, scene, bank, selected, screens, position, muted, sources, loads, writings } =
        state.clone();
    let strokes = |of: &[Stroke]| {
        let change = |it: &Change| (it.id, it.before.to_bits(), it.after.to_bits());
        let both = |it: &Stroke| it.curves.as_deref().map(|it| it.each_ref().map(curves));
        let scene = |it: &SceneChange| (it.place, it.before.as_ref().map(bits), it.after.as_ref().map(bits));
        let all = |it: &Stroke| {
            (
                it.changes.iter().map(change).collect::<Vec<_>>(),
                both(it),
                it.scenes.iter().map(scene).collect::<Vec<_>>(),
                it.marks,
            )
        };
        of.iter().map(all).collect::<Vec<_>>()
    };
    let scenes: Vec<_> = kept.scenes.iter().map(|it| it.as_ref().map(bits)).collect();
    let values = (bits(&kept.aims), scenes, scene.map(|(place, values)| (place, bits(&values))));
    let drawn = (curves(&kept.drawn), strokes(&kept.done), strokes(&kept.undone), kept.mark);
    ((origin, playing, sources, (loads, writings)), values, drawn, (bank, selected, screens, position, muted))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_state_comes_back_from_its_text_to_the_bit(state in any_state()) {
        let written = text(&state);
        let read = parse(&written).map_err(|it| TestCaseError::fail(format!("{it:?}\n{written}")))?;
        prop_assert_eq!(all(&read), all(&state));
        // Strokes share their curves as before, so that undo of one is none of another.
        prop_assert_eq!(text(&read), written);
    }

    #[test]
    fn a_text_that_was_cut_off_anywhere_or_changed_in_a_byte_is_refused_in_words(
        state in any_state(), at in 0.0..1.0f64, byte in any::<u8>()
    ) {
        let written = text(&state);
        let place = (at * written.len() as f64) as usize;
        let cut = String::from_utf8_lossy(&written.as_bytes()[..place]).into_owned();
        let mut changed = written.clone().into_bytes();
        changed[place] = byte;
        for harmed in [cut, String::from_utf8_lossy(&changed).into_owned()] {
            match parse(&harmed) {
                Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|it| !it.to_string().contains('\n'))),
                // In the remark at its head nothing is said.
                Ok(read) => prop_assert_eq!(all(&read), all(&state)),
            }
        }
    }

    #[test]
    fn what_was_never_a_state_is_refused(rubbish in "(\\[{1,2}[a-z]{1,7}\\]{1,2}\n|[a-z]{1,8} = [-0-9.\"a-f\\[\\]{}]{0,12}\n|.{0,9}){0,9}") {
        prop_assert!(parse(&rubbish).is_err());
    }
}

/// A state as it was when the format began.
fn state() -> LastState {
    parse(include_str!("../../../tests/formats/last-state/v1.toml")).expect("a state")
}

#[test]
fn a_fault_behind_a_sound_digest_is_told_with_its_line_and_nothing_is_taken() {
    let body = text(&state());
    let body = body.split_once("digest").expect("a digest").1.split_once('\n').expect("a body").1;
    let with = |body: &str| parse(&sealed(body)).err().unwrap_or_default();
    assert!(with(body).is_empty());
    for (from, to, expected) in [
        ("bank = 3", "bank = 8", "4: bank: found 8, expected a whole number, 0 to 7"),
        ("muted = true", "muted = 1", "found 1, expected true or false"),
        ("denoise = 0.75", "denoise = 1.5", "found 1.5, expected a value that the parameter can have"),
        ("denoise = 0.75", "denoize = 0.75", "found an unknown key, expected a parameter of `demon params`"),
        ("bits = \"3f", "bits = \"7f80000", "expected eight hexadecimal letters"),
        ("muted = true\n", "", "1: a part that is missing (expected every part of a state)"),
        ("screens = [\"page\"]", "screens = [\"boot\"]", "found \"boot\", expected play, page"),
        (
            "[drawn]\nnow = {source_blend = 1}",
            "[drawn]\nnow = {source_blend = 9}",
            "found 9, expected a whole number, 1 to 1",
        ),
    ] {
        assert!(body.contains(from), "{from}");
        let told: Vec<String> = with(&body.replacen(from, to, 1)).iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|it| it.contains(expected)), "{expected}: {told:?}");
    }
}

#[test]
fn undo_forgets_its_oldest_curves_before_a_text_grows_without_end() {
    let curve = |value: f32| -> Drawn {
        let mut drawn = Drawn::default();
        drawn.set(ParamId::SourceBlend, Some(vec![value; 300_000].into()));
        drawn
    };
    let mut state = state();
    let stroke =
        |it: usize| Stroke { curves: Some(Box::new([curve(it as f32), curve(it as f32 + 0.5)])), ..Stroke::default() };
    (state.kept.drawn, state.kept.done, state.kept.undone) = (curve(9.0), (0..3).map(stroke).collect(), Vec::new());
    let read = parse(&text(&state)).expect("a state");
    assert_eq!(curves(&read.kept.drawn), curves(&state.kept.drawn));
    assert_eq!(read.kept.done.len(), 1, "of the strokes only the last");
    assert_eq!(
        curves(&read.kept.done[0].curves.as_ref().expect("curves")[0])[ParamId::SourceBlend as usize]
            .as_ref()
            .map(|it| it[0]),
        Some(2f32.to_bits())
    );
}

#[test]
fn a_state_belongs_to_its_patch_and_sound_wherever_the_recording_lies() {
    let tape = |level: f32| vec![[level; 2]; 1_920];
    let listed = |source: &str, denoise: f64| {
        let mut patch = Patch { source: Some(source.into()), ..Patch::default() };
        patch.values.set(ParamId::Denoise, denoise);
        Listed::new("set".to_owned(), patch, None)
    };
    let of = |source: &str, denoise: f64, level: f32| {
        Origin::of(&listed(source, denoise), "x", SoundSum::of(&tape(level))).digest
    };
    assert_eq!(of("a.wav", 0.5, 0.1), of("b.wav", 0.5, 0.1));
    assert_ne!(of("a.wav", 0.5, 0.1), of("a.wav", 0.6, 0.1));
    assert_ne!(of("a.wav", 0.5, 0.1), of("a.wav", 0.5, 0.2));
    let list = SetList::default().starting_with(listed("a.wav", 0.5));
    let playing = Playing::of(&list).expect("a patch");
    assert_eq!((playing.number, playing.digest), (0, listed("b.wav", 0.5).patch.digest()));
}

#[test]
fn a_file_is_one_performances_and_what_is_set_aside_is_kept_nine_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let state_folder = folder.path().join("state");
    let shelf = Shelf::open(&state_folder).expect("nobody has it");
    let words = Shelf::open(&state_folder).expect_err("it is taken");
    assert!(words.contains(&format!("(process {})", std::process::id())), "{words}");
    assert!(matches!(shelf.read(), Found::Nothing) && !shelf.has_one());
    for number in 1..=11u32 {
        std::fs::write(shelf.path(), format!("rubbish {number}")).expect("a disk");
        let Found::Refused(words) = shelf.read() else { panic!("it is none") };
        assert!(words.contains(FILE) && words.contains("digest"), "{words}");
        let kept = shelf.set_aside();
        assert!(kept.starts_with("it is kept as ") && !shelf.has_one(), "{kept}");
    }
    let kept = (1..=9)
        .map(|it| std::fs::read_to_string(state_folder.join(format!("{FILE}.aside-{it}"))).expect("it is there"));
    assert_eq!(kept.filter(|it| it.ends_with("10") || it.ends_with("11")).count(), 2, "the oldest has gone for them");
    std::fs::write(shelf.path(), text(&state())).expect("a disk");
    assert!(matches!(shelf.read(), Found::State(it) if all(&it) == all(&state())));
}
