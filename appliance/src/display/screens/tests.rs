//! Goal: whatever the status, no text runs off the panel and none lies on anything else.
//! Method: measure the sheets, before they become dots, over hostile statuses and every parameter at its ends.

use engine::param::ParamId;
use hal::display::Frame;

use super::sheet::{Area, Face, Mark, Sheet};
use super::{Look, Screen, draw, large, low, on_sheet, short};
use crate::compute::health::{Brake, GpuHealth};
use crate::display::status::{
    Boot, LibraryPage, Listed, Morph, Page, PageKnob, Pick, Scene, SetPlace, Status, Tempo, TextPage, Took,
};
use crate::settings::library::{Item, Shelf};

const LONG: &str =
    "a text longer than any panel is wide, Donaudampfschifffahrtsgesellschaftskapitän, \u{4e16}\n\u{7} and on";

/// Everything as large as it comes.
fn hostile() -> Status {
    Status {
        source: LONG.to_owned(),
        seconds: 360_000.0,
        position: 1.0,
        window: Some((0.99, 0.01)),
        ticks_per_s: f32::MAX,
        lead_ms: f32::MAX,
        xruns: u64::MAX / 3,
        late: u64::MAX / 3,
        peaks: [9.0, 0.0],
        limiting: true,
        where_: LONG.to_owned(),
        controllers: usize::MAX,
        patch: LONG.to_owned(),
        scene: Some(98),
        scene_changed: true,
        tick: Took { p50_ms: f32::MAX, max_ms: f32::MAX },
        decode: Took { p50_ms: 99.99, max_ms: 1e9 },
        gpu: Some(GpuHealth { load_percent: 255, celsius: u32::MAX, brake: None }),
        tempo: Some(Tempo { bpm: 123_456.7, from: LONG.to_owned() }),
        layer: LONG.to_owned(),
        undo: usize::MAX,
        ..Status::default()
    }
}

/// The library with names that are too long, in lists of several lengths.
fn libraries() -> Vec<Status> {
    let page = |(cursor, length): (usize, usize), broken: bool| {
        let (source, faults) = if broken { (None, vec![LONG.to_owned()]) } else { (Some(LONG.to_owned()), Vec::new()) };
        let item = Item { source, faults, ..Item::named(Shelf::Recordings, LONG.to_owned()) };
        let library = Some(LibraryPage { items: vec![item; length].into(), cursor });
        Status { library, ..hostile() }
    };
    let lists = [(0, 1), (3, 4), (20, 40), (usize::MAX, 40)];
    lists.into_iter().flat_map(|list| [true, false].map(|broken| page(list, broken))).collect()
}

/// Words that are written, none and too many, with choices that are too long.
fn texts_written() -> Vec<Status> {
    let page = |(text, cursor, count): (&str, usize, usize)| {
        let choices = vec![LONG.to_owned(); count];
        Status { text: Some(TextPage { title: LONG.to_owned(), text: text.to_owned(), choices, cursor }), ..hostile() }
    };
    [("", 0, 1), (LONG, 3, 4), ("house", usize::MAX, 40)].map(page).into()
}

/// Statuses that fill every corner, and the plainest.
fn statuses() -> Vec<Status> {
    let mut all = vec![Status::default(), hostile()];
    let morph = Some(Morph { scenes: [98, 97], position: 7.0 });
    all.push(Status { morph, muted: true, message: LONG.to_owned(), non_finite: 9, ..hostile() });
    all.push(Status { message: LONG.to_owned(), ..Status::default() });
    all.push(Status { learn: Some(LONG.to_owned()), faults: vec![LONG.to_owned()], ..hostile() });
    all.push(Status { learn: Some("Turn it".to_owned()), faults: vec!["Hot".to_owned()], ..hostile() });
    all.push(Status { learn: Some(String::new()), faults: vec![LONG.repeat(9)], ..hostile() });
    for message in ["", "kept as scene 3", LONG] {
        for muted in [false, true] {
            let faults = vec![LONG.to_owned(), "Hot".to_owned()];
            for fault_page in 0..4 {
                all.push(Status {
                    message: message.to_owned(),
                    muted,
                    faults: faults.clone(),
                    fault_page,
                    ..hostile()
                });
            }
            all.push(Status { message: message.to_owned(), muted, layer: String::new(), ..hostile() });
        }
    }
    all.push(Status {
        boot: Some(Boot { words: LONG.to_owned(), part: None }),
        faults: vec![LONG.to_owned()],
        ..hostile()
    });
    all.push(Status { boot: Some(Boot { words: LONG.to_owned(), part: Some(f32::NAN) }), ..hostile() });
    all.extend([Brake::Heat, Brake::Supply, Brake::PowerLimit].map(|brake| {
        let gpu = GpuHealth { load_percent: 100, celsius: 100, brake: Some(brake) };
        Status { gpu: Some(gpu), ..hostile() }
    }));
    for (cursor, length) in [(0, 0), (7, 0), (0, 1), (3, 4), (0, 40), (20, 40), (39, 40), (usize::MAX, 40)] {
        let pick = Pick { list: ParamId::all().take(length).collect(), cursor };
        all.push(Status { pick: Some(pick), ..hostile() });
    }
    all.extend(libraries().into_iter().chain(texts_written()));
    let listed = |number| Listed { number, name: LONG.to_owned() };
    for ends in [Some(listed(127)), None] {
        let place = SetPlace { playing: listed(usize::MAX), previous: ends.clone(), next: ends, last: usize::MAX };
        let scenes = vec![Scene { kept: true, name: Some(LONG.to_owned()) }, Scene { kept: true, name: None }];
        all.push(Status { set_list: Some(place), scenes, scene: Some(0), ..hostile() });
    }
    for value in [f64::NEG_INFINITY, 0.0, f64::INFINITY] {
        for ids in ParamId::all().collect::<Vec<_>>().chunks(8) {
            let knobs = ids.iter().map(|id| PageKnob { id: Some(*id), place: value, waiting: Some(1.0 - value) });
            for touched in 0..ids.len() {
                let mut status = Status { page: Some(Page { knobs: knobs.clone().collect(), touched }), ..hostile() };
                for id in ids {
                    status.values.set(*id, value);
                }
                all.push(status);
            }
        }
    }
    let nothing = vec![PageKnob { id: None, place: 0.0, waiting: None }; 9];
    all.push(Status { page: Some(Page { knobs: nothing.clone(), touched: 8 }), ..hostile() });
    all.push(Status { page: Some(Page { knobs: Vec::new(), touched: 0 }), ..hostile() });
    for id in ParamId::all() {
        for value in [id.row().low, id.row().default, id.row().high] {
            let mut status = Status { moved: Some(id), ..hostile() };
            status.values.set(id, value);
            all.push(status.clone());
            all.push(Status { waiting: Some(0.0), ..status.clone() });
            all.push(Status { waiting: Some(1.0), faults: vec![LONG.to_owned()], ..status.clone() });
            all.push(Status { tempo: None, scene: None, layer: String::new(), ..status });
        }
    }
    all
}

fn meet(one: Area, other: Area) -> bool {
    one.x < other.x + other.width
        && other.x < one.x + one.width
        && one.y < other.y + other.height
        && other.y < one.y + one.height
}

/// What is wrong with a sheet for a panel of so many rows.
fn faults(sheet: &Sheet, rows: i32) -> Vec<String> {
    let mut faults = Vec::new();
    let texts = |sheet: &Sheet| -> Vec<(usize, Area, String, bool)> {
        let text = |(place, mark): (usize, &Mark)| match mark {
            Mark::Text { area, text, dark, .. } => Some((place, *area, text.clone(), *dark)),
            _ => None,
        };
        sheet.marks.iter().enumerate().filter_map(text).collect()
    };
    let inside = |area: Area| 0 <= area.x && 0 <= area.y && area.x + area.width <= 128 && area.y + area.height <= rows;
    for (place, area, text, dark) in texts(sheet) {
        if !inside(area) {
            faults.push(format!("{text:?} runs off: {area:?}"));
        }
        let mut on_field = false;
        for (other_place, other) in sheet.marks.iter().enumerate().filter(|(other, _)| *other != place) {
            let (Mark::Text { area: other_area, .. }
            | Mark::Fill(other_area)
            | Mark::Field(other_area)
            | Mark::Gap(other_area)
            | Mark::Outline(other_area)) = other;
            if !meet(area, *other_area) {
                continue;
            }
            let around = other_area.x <= area.x && area.x + area.width <= other_area.x + other_area.width;
            let holds = around && other_area.y <= area.y && area.y + area.height <= other_area.y + other_area.height;
            if dark && holds && other_place < place && matches!(other, Mark::Field(_)) {
                on_field = true;
            } else {
                faults.push(format!("{text:?} lies on {other:?}"));
            }
        }
        if dark && !on_field {
            faults.push(format!("{text:?} is dark on dark"));
        }
    }
    let fields = sheet.marks.iter().filter_map(|mark| match mark {
        Mark::Fill(area) | Mark::Field(area) | Mark::Outline(area) => Some(*area),
        _ => None,
    });
    faults.extend(fields.filter(|area| !inside(*area)).map(|area| format!("{area:?} runs off")));
    faults
}

#[test]
fn no_text_runs_off_or_lies_on_another_whatever_the_status() {
    for status in statuses() {
        for screen in Screen::ALL {
            let (high, flat) = (faults(&on_sheet(&status, screen), 64), faults(&low::on_sheet(&status, screen), 32));
            assert!(high.is_empty(), "{screen:?}: {high:#?}");
            assert!(flat.is_empty(), "{screen:?} on 32 rows: {flat:#?}");
            let large = faults(&large::on_sheet(&status, screen), 64);
            assert!(large.is_empty(), "{screen:?} large: {large:#?}");
        }
    }
}

fn texts(status: &Status, screen: Screen) -> Vec<String> {
    let text = |mark: Mark| match mark {
        Mark::Text { text, .. } => Some(text),
        _ => None,
    };
    on_sheet(status, screen).marks.into_iter().filter_map(text).collect()
}

#[test]
fn the_name_the_value_and_the_class_of_every_parameter_are_whole() {
    for id in ParamId::all() {
        for value in [id.row().low, id.row().high] {
            let mut status = Status { moved: Some(id), ..Status::default() };
            status.values.set(id, value);
            for waiting in [None, Some(0.5)] {
                status.waiting = waiting;
                let shown = texts(&status, Screen::Play);
                // While a knob waits, where it stands is worth more than the class.
                let class = waiting.map_or_else(|| id.row().class.word(), |_| "knob");
                for words in [id.row().words, class, &crate::display::status::written(id, &status.values)] {
                    assert!(
                        shown.iter().any(|text| text == words || (words == "knob" && text.starts_with(words))),
                        "{words:?} is not in {shown:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_hint_points_from_the_knob_to_the_value() {
    let mut status = Status { moved: Some(ParamId::Denoise), waiting: Some(0.2), ..Status::default() };
    status.values.set(ParamId::Denoise, 0.62);
    let shown = texts(&status, Screen::Play);
    assert!(shown.contains(&"turn up".to_owned()) && shown.contains(&"knob 0.20".to_owned()), "{shown:?}");
    status.waiting = Some(0.9);
    assert!(texts(&status, Screen::Play).contains(&"turn down".to_owned()));
}

#[test]
fn the_line_under_the_cursor_is_always_seen() {
    let list: Vec<ParamId> = ParamId::all().collect();
    for cursor in 0..list.len() {
        let status = Status { pick: Some(Pick { list: list.clone(), cursor }), ..Status::default() };
        for sheet in [on_sheet(&status, Screen::Pick), low::on_sheet(&status, Screen::Pick)] {
            let lit = sheet
                .marks
                .iter()
                .any(|mark| matches!(mark, Mark::Text { text, dark: true, .. } if text == list[cursor].row().words));
            assert!(lit, "{cursor}");
        }
    }
}

#[test]
fn the_library_is_listed_by_name_and_length_with_what_is_broken_marked() {
    let item = |name: &str, seconds, bpm, fault: Option<&str>| {
        let faults = fault.map(str::to_owned).into_iter().collect();
        Item { seconds, bpm, faults, ..Item::named(Shelf::Recordings, name.to_owned()) }
    };
    let items = [
        item("rain.wav", Some(12.0), Some(96), None),
        item("torn.wav", None, None, Some("found 3 bytes")),
        item("sea.flac", Some(8.0), None, None),
    ];
    let library = Some(LibraryPage { items: items.into(), cursor: 1 });
    let status =
        Status { library, pick: Some(Pick { list: ParamId::all().collect(), cursor: 0 }), ..Status::default() };
    for sheet in [on_sheet(&status, Screen::Pick), low::on_sheet(&status, Screen::Pick)] {
        let seen: Vec<&str> = sheet
            .marks
            .iter()
            .filter_map(|it| if let Mark::Text { text, .. } = it { Some(text.as_str()) } else { None })
            .collect();
        for word in ["rain.wav", "12.0 s", "torn.wav", "!", "sea.flac", "8.0 s"] {
            assert!(seen.contains(&word), "{word} of {seen:?}");
        }
        let lit =
            |name: &str| sheet.marks.iter().any(|it| matches!(it, Mark::Text { text, dark: true, .. } if text == name));
        assert!(lit("torn.wav") && !lit("rain.wav"));
    }
}

#[test]
fn words_that_are_written_stand_above_what_may_come_next() {
    let choices = ["leave as it was", "play these words", "drums", "drum kit", "a"].map(str::to_owned);
    let text = |text: &str| {
        let page =
            TextPage { title: "Prompt A".to_owned(), text: text.to_owned(), choices: choices.to_vec(), cursor: 2 };
        Status { text: Some(page), ..Status::default() }
    };
    let long = format!("{}, dru", "a long way through the night".repeat(4));
    for (words, shown) in [("house, dru", "house, dru_"), (long.as_str(), "ght, dru_")] {
        for sheet in [on_sheet(&text(words), Screen::Pick), low::on_sheet(&text(words), Screen::Pick)] {
            let is_there = |shown: &str, is_lit: bool| {
                let is_it =
                    |it: &Mark| matches!(it, Mark::Text { text, dark, .. } if text.ends_with(shown) && *dark == is_lit);
                sheet.marks.iter().any(is_it)
            };
            assert!(is_there(shown, false) && is_there("drums", true), "{:?}", sheet.marks);
        }
    }
}

#[test]
fn a_fault_is_read_whole_when_it_is_a_sentence_or_two() {
    let words = "The sound device hw:2 is away. The set plays on and waits for it; plug it in again.";
    let status = Status { faults: vec![words.to_owned()], ..Status::default() };
    assert!(texts(&status, Screen::Fault).join(" ").contains(words));
}

#[test]
fn a_fault_of_any_length_is_read_whole_a_part_at_a_time() {
    let words: Vec<String> = (0..200).map(|word| format!("word{word}")).collect();
    let long = format!("/var/lib/demon/library/{} {}", "deep/".repeat(30), words.join(" "));
    let mut status = Status { faults: vec![long.clone()], ..Status::default() };
    for sheet in [on_sheet as fn(&Status, Screen) -> Sheet, low::on_sheet, large::on_sheet] {
        let mut read = String::new();
        for page in 0..60 {
            status.fault_page = page;
            let marks = sheet(&status, Screen::Fault).marks;
            let lines = marks.into_iter().filter_map(|mark| match mark {
                Mark::Text { text, dark: false, .. } => Some(text),
                _ => None,
            });
            read.push_str(&lines.collect::<Vec<_>>().join(" "));
            read.push(' ');
        }
        let bare = |text: &str| text.replace(' ', "");
        assert!(bare(&read).contains(&bare(&long)), "{read}");
        assert!(!read.contains('~'), "cut: {read}");
    }
}

/// Every letter of a sheet.
fn letters(sheet: Sheet) -> String {
    let text = |mark| match mark {
        Mark::Text { text, .. } => Some(text),
        _ => None,
    };
    sheet.marks.into_iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn on_every_screen_faults_are_read_whole_beside_the_mute_and_the_message() {
    let faults = ["the sound device hw:2 is away; playing on, waiting for it", "the disk is full"];
    let knobs = vec![PageKnob { id: Some(ParamId::Denoise), place: 0.5, waiting: None }; 8];
    let listed = Listed { number: 1, name: "Bridge".to_owned() };
    let place = SetPlace { playing: listed.clone(), previous: None, next: Some(listed), last: 9 };
    let base = Status {
        faults: faults.map(str::to_owned).to_vec(),
        muted: true,
        page: Some(Page { knobs, touched: 7 }),
        set_list: Some(place),
        ..Status::default()
    };
    for screen in Screen::TURNED.into_iter().chain([Screen::Fault]) {
        for sheet in [on_sheet as fn(&Status, Screen) -> Sheet, low::on_sheet, large::on_sheet] {
            let at = |message: &str, fault_page| {
                letters(sheet(&Status { message: message.to_owned(), fault_page, ..base.clone() }, screen))
            };
            let (mut read, mut beside) = (String::new(), String::new());
            for page in 0..40 {
                read.push_str(&at("", page));
                beside.push_str(&at("kept as 3", page));
                assert!(at("", page).contains("MUTE"), "{screen:?}: {}", at("", page));
                let both = at("kept as 3", page);
                assert!(both.contains("kept as 3") && both.contains("MUTE"), "{screen:?}: {both}");
            }
            let bare = |text: &str| text.replace(' ', "");
            // A line takes turns with what stands around it: words are looked for.
            for word in faults.iter().flat_map(|it| it.split(' ')) {
                assert!(bare(&read).contains(word), "{screen:?}: {word:?} is not in {read}");
            }
            assert!(beside.contains('!') || beside.contains("away;"), "{screen:?}: {beside}");
        }
    }
}

#[test]
fn where_one_plays_one_sees_how_loud_it_is() {
    let listed = Listed { number: 1, name: "Bridge".to_owned() };
    let place = SetPlace { playing: listed, previous: None, next: None, last: 9 };
    let quiet = Status { set_list: Some(place), ..Status::default() };
    let loud = Status { peaks: [0.5, 0.25], ..quiet.clone() };
    for screen in [Screen::Play, Screen::Page, Screen::SetList, Screen::Scenes, Screen::Levels] {
        assert!(on_sheet(&quiet, screen) != on_sheet(&loud, screen), "{screen:?}");
    }
}

#[test]
fn the_page_has_every_knobs_name_value_and_needle() {
    let ids: Vec<ParamId> = ParamId::all().skip(20).take(8).collect();
    let knobs = ids.iter().map(|id| PageKnob { id: Some(*id), place: 0.5, waiting: None }).collect();
    let status = Status { page: Some(Page { knobs, touched: 3 }), ..Status::default() };
    let shown = texts(&status, Screen::Page);
    for id in &ids {
        assert!(shown.contains(&short(*id).to_owned()), "{shown:?}");
        let value = crate::display::status::written(*id, &status.values);
        let number = value.split(' ').next().expect("a number").to_owned();
        // A choice of more than five letters is cut, a number never.
        let number = if id.row().labels().is_some() { Face::Plain.fit(&number, 30) } else { number };
        assert!(shown.contains(&number), "{number} of {id:?} in {shown:?}");
    }
    let drawn = |status: &Status| {
        let mut frame = Frame::default();
        draw(status, Screen::Page, Look::default(), &mut frame).expect("memory");
        frame
    };
    for place in 0..8 {
        let mut waits = status.clone();
        let page = waits.page.as_mut().expect("a page");
        page.knobs[place].waiting = Some(0.1);
        assert!(drawn(&waits) != drawn(&status), "no needle at knob {place}");
    }
    let low = low::on_sheet(&status, Screen::Page);
    let has = |name: &str| low.marks.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if text == name));
    assert!(has(short(ids[0])) && has(short(ids[3])) && !has(short(ids[4])), "the four in the hand");
}

#[test]
fn the_set_list_says_what_comes_next_and_scenes_have_their_names() {
    let listed = |number, name: &str| Listed { number, name: name.to_owned() };
    let (playing, next) = (listed(2, "Night bus"), Some(listed(7, "Bridge")));
    let scene = |name: &str| Scene { kept: true, name: Some(name.to_owned()) };
    let status = Status {
        set_list: Some(SetPlace { playing, previous: None, next, last: 9 }),
        scenes: vec![scene("in"), Scene::default(), scene("drop")],
        scene: Some(2),
        ..Status::default()
    };
    let shown = texts(&status, Screen::SetList);
    assert!(shown.contains(&"Night bus".to_owned()) && shown.contains(&"7 Bridge".to_owned()), "{shown:?}");
    let shown = texts(&status, Screen::Scenes);
    assert!(shown.contains(&"1 in".to_owned()) && shown.contains(&"3 drop".to_owned()), "{shown:?}");
    assert!(texts(&status, Screen::Play).contains(&"3 drop".to_owned()));
}

#[test]
fn every_number_of_the_screens_comes_from_the_status() {
    let plain = Status::default();
    let drawn = |status: &Status, screen| {
        let mut frame = Frame::default();
        draw(status, screen, Look::default(), &mut frame).unwrap();
        frame
    };
    let gpu = |load_percent, celsius| Some(GpuHealth { load_percent, celsius, brake: None });
    let base = Status { gpu: gpu(1, 1), ..plain.clone() };
    let changes: [(Screen, Status); 16] = [
        (Screen::Play, Status { patch: "x".to_owned(), ..base.clone() }),
        (Screen::Play, Status { scene: Some(1), ..base.clone() }),
        (Screen::Play, Status { tempo: Some(Tempo { bpm: 90.0, from: "tap".to_owned() }), ..base.clone() }),
        (Screen::Play, Status { layer: "B".to_owned(), ..base.clone() }),
        (Screen::Play, Status { window: Some((0.4, 0.6)), ..base.clone() }),
        (Screen::Play, Status { peaks: [0.5, 0.0], ..base.clone() }),
        (Screen::Play, Status { limiting: true, ..base.clone() }),
        (Screen::Levels, Status { peaks: [0.5, 0.0], ..base.clone() }),
        (Screen::Levels, Status { late: 1, ..base.clone() }),
        (Screen::Levels, Status { limiting: true, ..base.clone() }),
        (Screen::Machine, Status { tick: Took { p50_ms: 1.0, max_ms: 0.0 }, ..base.clone() }),
        (Screen::Machine, Status { decode: Took { p50_ms: 0.0, max_ms: 1.0 }, ..base.clone() }),
        (Screen::Machine, Status { gpu: gpu(2, 1), ..base.clone() }),
        (Screen::Machine, Status { gpu: gpu(1, 2), ..base.clone() }),
        (Screen::Machine, Status { controllers: 1, ..base.clone() }),
        (Screen::Boot, Status { boot: Some(Boot { words: String::new(), part: Some(0.5) }), ..base.clone() }),
    ];
    for (place, (screen, status)) in changes.into_iter().enumerate() {
        assert!(drawn(&status, screen) != drawn(&base, screen), "change {place} is not seen on {screen:?}");
        assert!(drawn(&status, screen) == drawn(&status.clone(), screen), "the same status is the same picture");
    }
}

#[test]
fn words_are_broken_between_words_and_cut_only_at_the_end() {
    let wrapped = Face::Plain.wrap("plug the sound device in again, please", 60, 3);
    assert_eq!(wrapped, ["plug the", "sound", "device in~"]);
    assert_eq!(Face::Plain.wrap("one two", 128, 3), ["one two"]);
    assert_eq!(Face::Plain.fit("abcdef", 30), "abcd~");
    assert_eq!(Face::Plain.fit("\u{fc}b\u{4e16}\n", 60), "\u{fc}b? ");
}

#[test]
fn high_contrast_is_the_same_screen_in_bolder_letters_that_keep_to_their_lines() {
    let words = "Hgjpq/|()[]{}_\u{e9} 0123456789";
    let dots = |strong| {
        let mut sheet = Sheet::default();
        // From the middle of a panel, so that what leaves the line is seen.
        sheet.text(Face::Plain, 0, 20, 128, words);
        let mut frame = Frame::default();
        sheet.draw(strong, &mut frame).expect("memory");
        frame
    };
    let (usual, bold) = (dots(false), dots(true));
    assert!(bold.lit_count() > usual.lit_count() * 5 / 4, "{} and {}", bold.lit_count(), usual.lit_count());
    for (y, x) in (0..64).flat_map(|y| (0..128).map(move |x| (y, x))).filter(|(y, _)| !(19..31).contains(y)) {
        assert!(!bold.lit(x, y), "{x}, {y}:\n{}", bold.braille().join("\n"));
    }
}

#[test]
fn the_small_panel_moves_with_the_playhead() {
    let drawn = |position| {
        let mut frame = Frame::default();
        draw(&Status { position, seconds: 60.0, ..Status::default() }, Screen::Play, Look::default(), &mut frame)
            .expect("memory");
        frame
    };
    assert_ne!(drawn(0.25), drawn(0.75));
    assert_eq!(drawn(0.25), drawn(0.25));
    assert!(drawn(0.0).lit_count() > 100);
}
