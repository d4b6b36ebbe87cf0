//! Goal: on a screen of any size what stands there is whole, and the essential stands there.
//! Method: draw hostile and quiet statuses with ratatui's test backend at ten sizes; hold every word against those of a screen
//! with room for everything.

use std::collections::BTreeSet;

use engine::param::ParamId;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::{Ink, Picture};
use crate::compute::health::{Brake, GpuHealth};
use crate::display::screens::short;
use crate::display::status::{
    Boot, LibraryPage, Listed, Morph, Page, PageKnob, Scene, SetPlace, Status, Tempo, TextPage, Took,
};
use crate::settings::library::{Item, Shelf};

/// From a phone beside the stage to a wall.
const SIZES: [(u16, u16); 10] =
    [(40, 10), (40, 24), (60, 12), (60, 40), (80, 10), (80, 24), (100, 30), (132, 43), (160, 50), (200, 60)];
const FAULT: &str = "the sound device hw:CARD=Scarlett is away; playing on, waiting for it";

fn busy() -> Status {
    let mut status = Status {
        source: "song.flac".to_owned(),
        patch: "Nightbus".to_owned(),
        seconds: 120.0,
        position: 0.5,
        window: Some((0.9, 0.1)),
        moved: Some(ParamId::Denoise),
        slots: vec![Some(3), None, Some(8), Some(0)],
        ticks_per_s: 8.2,
        finished_per_s: 1.1,
        lead_ms: 345.6,
        xruns: 7,
        peaks: [1.0, 0.1],
        limiting: true,
        muted: true,
        controllers: 2,
        where_: "cpu, default".to_owned(),
        message: "kept as scene 9".to_owned(),
        scene: Some(8),
        scene_changed: true,
        morph: Some(Morph { scenes: [7, 8], position: 0.4 }),
        tick: Took { p50_ms: 129.8, max_ms: 134.1 },
        decode: Took { p50_ms: 118.2, max_ms: 126.9 },
        gpu: Some(GpuHealth { load_percent: 100, celsius: 80, brake: Some(Brake::Supply) }),
        tempo: Some(Tempo { bpm: 123.44, from: "clock".to_owned() }),
        layer: "2 shift".to_owned(),
        undo: 12,
        faults: vec![FAULT.to_owned()],
        ..Status::default()
    };
    status.values.set(ParamId::Denoise, 0.55);
    status
}

/// A page of eight knobs, a set list and scenes besides.
fn playing() -> Status {
    let listed = |number, name: &str| Listed { number, name: name.to_owned() };
    let place = |place| PageKnob { id: Some(crate::control::binding::MAIN[place]), place: 0.5, waiting: None };
    let mut page = Page { knobs: (0..8).map(place).collect(), touched: 0 };
    page.knobs[1].waiting = Some(1.0);
    let scene = |name: &str| Scene { kept: true, name: Some(name.to_owned()) };
    Status {
        page: Some(page),
        set_list: Some(SetPlace {
            playing: listed(2, "Nightbus"),
            previous: None,
            next: Some(listed(7, "Bridge")),
            last: 9,
        }),
        scenes: vec![scene("intro"), Scene::default(), scene("drop")],
        scene: Some(2),
        morph: None,
        ..busy()
    }
}

fn drawn(status: &Status, (width, height): (u16, u16), colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
    let log = ["connected: LCXL".to_owned(), "new seeds".to_owned()];
    let picture = Picture { status, log: &log, ink: Ink { colours, strong: false } };
    terminal.draw(|frame| picture.draw(frame.buffer_mut())).expect("memory");
    terminal.backend().buffer().clone()
}

/// The lines without the blanks around them. A wide letter stands in two cells, the second of which is blank or empty.
fn text(buffer: &Buffer) -> Vec<String> {
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|row| row.iter().map(|it| it.symbol()).collect::<String>().trim().to_owned()).collect()
}

fn words(lines: &[String]) -> BTreeSet<String> {
    // Bars and the tape grow and shrink.
    let is_drawn = |it: &char| "█▉▊▋▌▍▎▏░━─·┃".contains(*it);
    let words = lines.iter().flat_map(|it| it.split_whitespace());
    words.filter(|it| !it.chars().all(|it| is_drawn(&it))).map(str::to_owned).collect()
}

#[test]
fn at_ten_sizes_no_word_is_cut_no_line_is_repeated_and_the_essential_stands() {
    let learning = Status { learn: Some("turn the knob slowly left".to_owned()), faults: Vec::new(), ..busy() };
    for (status, essential) in [
        (busy(), &["Denoise", "0.55", "MUTE", "Nightbus", "away;", "kept", "xruns", "q q leaves", "? all keys"][..]),
        (playing(), &["Denoise", "0.55", "MUTE", "Nightbus", "away;", "kept", "q q leaves"]),
        (learning, &["Denoise", "0.55", "MUTE", "slowly", "q q leaves"]),
        (Status { source: "song.flac".to_owned(), ..Status::default() }, &["Denoise", "song.flac", "q q leaves"]),
    ] {
        let everything = words(&text(&drawn(&status, (220, 100), true)));
        for size in SIZES {
            let lines = text(&drawn(&status, size, true));
            let all = lines.join("\n");
            for word in words(&lines) {
                assert!(everything.contains(&word), "{word:?} is cut at {size:?}:\n{all}");
            }
            for word in essential {
                assert!(all.contains(word), "{word:?} is missing at {size:?}:\n{all}");
            }
            let said: Vec<&String> = lines.iter().filter(|it| !it.is_empty()).collect();
            let different: BTreeSet<&&String> = said.iter().collect();
            assert_eq!(different.len(), said.len(), "a line is repeated at {size:?}:\n{all}");
        }
    }
}

#[test]
fn a_larger_screen_says_more() {
    let said = |size| words(&text(&drawn(&busy(), size, true))).len();
    let counts = [(40, 10), (80, 24), (132, 43), (200, 60)].map(said);
    assert!(counts.windows(2).all(|it| it[0] < it[1]), "{counts:?}");
    let all = text(&drawn(&busy(), (100, 30), true)).join("\n");
    for words in [
        "scene 9 moved since  morph 8 to 9: 40 %  123.4 bpm clock  bank 2 shift  undo 12",
        "tick 129.8/134.1 ms  decode 118.2/126.9 ms  GPU 100 % 80 C  slowed by supply",
        "xruns 7",
        "z Tape feedback",
        "space mute",
    ] {
        assert!(all.contains(words), "{words:?} in\n{all}");
    }
    let wall = text(&drawn(&busy(), (200, 60), true)).join("\n");
    assert!(wall.contains("revert to the patch") && wall.contains("connected: LCXL"), "{wall}");
}

#[test]
fn the_page_in_the_hand_the_set_list_and_the_scenes_stand_there() {
    let all = text(&drawn(&playing(), (80, 30), true)).join("\n");
    for words in
        ["patch 2 of 9  next  7 Bridge", "scenes  1 intro  3 drop", "scene 3 drop moved since", "Denoi   0.55 ███░░░"]
    {
        assert!(all.contains(words), "{words:?} in\n{all}");
    }
    let waits = all.lines().find(|it| it.contains("Denoi ")).expect("the page");
    assert_eq!(waits.matches('┃').count(), 1, "the one needle: {waits}");
    let mut held = playing();
    held.page.as_mut().expect("a page").knobs[1].waiting = None;
    assert!(!text(&drawn(&held, (80, 30), true)).join("\n").contains('┃'));
    let wall = text(&drawn(&playing(), (200, 60), false)).join("\n");
    let line = wall.lines().find(|it| it.contains("Denoi ")).expect("the page");
    assert!(line.contains(short(crate::control::binding::MAIN[7])), "all eight side by side: {line}");
}

#[test]
fn a_start_says_what_it_is_at_and_how_far_where_that_is_known_and_how_to_leave() {
    for size in SIZES {
        let boot = |part| Some(Boot { words: "reading the model".to_owned(), part });
        let status = Status { boot: boot(Some(0.42)), message: "demon.toml: a key".to_owned(), ..Status::default() };
        let all = text(&drawn(&status, size, true)).join("\n");
        for words in ["DEMON starts", "reading the model", "42 %", "demon.toml: a key", "ctrl-c ends it"] {
            assert!(all.contains(words), "{words:?} at {size:?}:\n{all}");
        }
        assert!(!all.contains("Denoise"), "nothing plays yet:\n{all}");
        let unknown = text(&drawn(&Status { boot: boot(None), ..Status::default() }, size, true)).join("\n");
        assert!(unknown.contains("reading the model") && !unknown.contains('%') && !unknown.contains('█'), "{unknown}");
    }
}

#[test]
fn faults_that_have_no_room_are_read_whole_a_part_at_a_time() {
    let long: Vec<String> = (0..120).map(|word| format!("word{word}")).collect();
    let faults = vec![long.join(" "), "the disk is full".to_owned()];
    for size in SIZES {
        let mut read = String::new();
        for page in 0..120 {
            let status = Status { faults: faults.clone(), fault_page: page, ..busy() };
            read.push_str(&text(&drawn(&status, size, true)).join(" "));
        }
        for word in &long {
            assert!(read.contains(word.as_str()), "{word} at {size:?}");
        }
        assert!(read.contains("the disk is full"), "{size:?}");
    }
    let two = Status { faults: vec![FAULT.to_owned(), "the disk is full".to_owned()], ..busy() };
    let all = text(&drawn(&two, (100, 30), true)).join("\n");
    assert!(all.contains("the disk is full") && all.contains("is away"), "where there is room both stand: {all}");
}

#[test]
fn the_list_of_keys_opens_turns_and_closes() {
    for size in SIZES {
        let mut seen = BTreeSet::new();
        let mut pages = 0;
        for asked in 1..=20 {
            let lines = text(&drawn(&Status { key_list: asked, ..busy() }, size, true));
            if !lines.iter().any(|it| it.contains("? next page") || it.contains("? closes")) {
                break;
            }
            pages = asked;
            seen.extend(words(&lines));
        }
        assert!(pages >= 1, "{size:?}");
        for word in ["panic:", "shift-tab", "redo", "learn:", "leave:"] {
            assert!(seen.contains(word), "{word:?} is on no page at {size:?}");
        }
        let closed = text(&drawn(&Status { key_list: pages + 1, ..busy() }, size, true));
        assert!(closed.iter().any(|it| it.contains("? all keys")), "{size:?}: {closed:?}");
    }
}

#[test]
fn the_library_is_listed_around_its_cursor_while_the_instrument_stays() {
    let item = |at: usize| {
        let faults = (at == 7).then(|| "found 3 bytes".to_owned()).into_iter().collect();
        Item { seconds: Some(at as f64), faults, ..Item::named(Shelf::Recordings, format!("take{at:02}.wav")) }
    };
    let items: std::sync::Arc<[Item]> = (0..30).map(item).collect();
    for cursor in [0, 7, 15, 29] {
        let library = Some(LibraryPage { items: std::sync::Arc::clone(&items), cursor });
        for size in SIZES.into_iter().filter(|it| 60 <= it.0 && 24 <= it.1) {
            let lines = text(&drawn(&Status { library: library.clone(), ..busy() }, size, true));
            let here = lines.iter().find(|it| it.contains(&format!("take{cursor:02}.wav"))).expect("it is seen");
            let of = format!("{} of 30", cursor + 1);
            assert!(here.trim_start().starts_with('>') && here.contains(&of), "{here} at {size:?}");
            assert_eq!(here.contains('!'), cursor == 7, "{here}");
            assert_eq!(
                lines.iter().filter(|it| it.contains("take") && it.contains(".wav")).count(),
                9,
                "{size:?}: {lines:?}"
            );
            assert!(lines.iter().any(|it| it.contains("q q")), "{size:?}");
        }
        let small = text(&drawn(&Status { library, ..busy() }, (30, 10), true)).join("\n");
        assert!(small.contains(&format!("take{cursor:02}")), "{small}");
    }
}

#[test]
fn words_that_are_written_stand_above_their_choices_and_their_end_is_seen() {
    let choices: Vec<String> = (0..40).map(|at| format!("word{at:02}")).collect();
    for (text_so_far, cursor) in [("", 0), ("house, dru", 20), ("夜のバス停で聞いた長い曲の名前とその続き, dru", 39)]
    {
        let (title, written) = ("Prompt A".to_owned(), text_so_far.to_owned());
        let page = Some(TextPage { title, text: written, choices: choices.clone(), cursor });
        for size in SIZES.into_iter().filter(|it| 60 <= it.0 && 24 <= it.1) {
            let lines = text(&drawn(&Status { text: page.clone(), ..busy() }, size, true));
            let at = lines.iter().position(|it| it.starts_with("Prompt A:")).expect("it is seen");
            assert!(
                lines[at].trim_end().ends_with(&format!("{}_", &text_so_far[text_so_far.len().saturating_sub(3)..]))
            );
            let here = &lines[at + 1..].iter().find(|it| it.starts_with('>')).expect("a cursor");
            assert!(here.contains(&format!("word{cursor:02}")), "{here} at {size:?}");
            let keys = lines.join("\n");
            assert!(keys.contains("enter plays") && keys.contains("escape leaves") && !keys.contains("q q"), "{keys}");
        }
        let small = text(&drawn(&Status { text: page, ..busy() }, (30, 10), true)).join("\n");
        assert!(small.contains(&format!("word{cursor:02}")), "{small}");
    }
}

#[test]
fn wide_letters_take_two_columns_and_no_line_leaves_the_screen() {
    let name = "夜のバス停で聞いた長い曲の名前とその続きとそのまた続き";
    let status = Status { patch: name.to_owned(), faults: vec![name.to_owned()], muted: true, ..busy() };
    for size in SIZES {
        let buffer = drawn(&status, size, true);
        let title = &text(&buffer)[0];
        assert!(title.starts_with("夜") && title.contains("MUTE"), "{title:?} at {size:?}");
        // Behind a wide letter a cell that a terminal does not draw; so none stands in the last column.
        for row in buffer.content.chunks(usize::from(size.0)) {
            let last = row.last().expect("a column").symbol();
            assert!(last.is_ascii(), "{last:?} is cut by the edge at {size:?}");
        }
    }
}

#[test]
fn without_colours_nothing_is_coloured_and_nothing_is_lost() {
    for size in SIZES {
        let (with, without) = (drawn(&busy(), size, true), drawn(&busy(), size, false));
        assert_eq!(text(&with), text(&without));
        assert!(with.content.iter().any(|it| it.fg != Color::Reset));
        assert!(without.content.iter().all(|it| (it.fg, it.bg) == (Color::Reset, Color::Reset)));
    }
    let selected = drawn(&busy(), (80, 24), false);
    assert!(selected.content.iter().any(|it| it.modifier.contains(Modifier::REVERSED)), "what is selected is seen");
}

#[test]
fn in_high_contrast_nothing_is_dim_or_coloured_and_nothing_is_lost() {
    for size in SIZES {
        let mut strong = Buffer::empty(ratatui::layout::Rect::new(0, 0, size.0, size.1));
        let log = ["connected: LCXL".to_owned(), "new seeds".to_owned()];
        Picture { status: &busy(), log: &log, ink: Ink { colours: true, strong: true } }.draw(&mut strong);
        assert_eq!(text(&strong), text(&drawn(&busy(), size, true)));
        let is_strong = |it: &ratatui::buffer::Cell| {
            it.fg == Color::Reset && it.modifier.contains(Modifier::BOLD) && !it.modifier.contains(Modifier::DIM)
        };
        assert!(strong.content.iter().all(is_strong), "{size:?}");
    }
}

#[test]
fn a_fault_stands_beside_what_is_said_and_is_said_once() {
    let lines = text(&drawn(&busy(), (40, 10), true));
    let fault = lines.iter().position(|it| it.contains("the sound device")).expect("the fault");
    let message = lines.iter().position(|it| it.contains("kept as scene 9")).expect("the message");
    assert!(fault < message, "{lines:?}");
    let said = Status { message: FAULT.to_owned(), ..busy() };
    let all = text(&drawn(&said, (200, 60), true)).join("\n");
    assert_eq!(all.matches("the sound device").count(), 1, "{all}");
}

#[test]
fn no_size_is_too_small_and_no_value_too_large() {
    let hostile = Status {
        seconds: f64::MAX,
        position: f32::NAN,
        ticks_per_s: f32::MAX,
        lead_ms: f32::INFINITY,
        xruns: u64::MAX,
        late: u64::MAX,
        non_finite: u64::MAX,
        peaks: [f32::NAN, f32::INFINITY],
        message: "\u{1b}[2J a\u{202e}b\nc ".repeat(50),
        ..busy()
    };
    for width in 0..45 {
        for height in 0..14 {
            let buffer = Picture { status: &hostile, log: &[], ink: Ink::default() };
            let mut drawn = Buffer::empty(ratatui::layout::Rect::new(0, 0, width, height));
            buffer.draw(&mut drawn);
            assert!(drawn.content.iter().all(|it| !it.symbol().contains(char::is_control)));
        }
    }
}
