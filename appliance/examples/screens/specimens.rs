//! Moments of a set, made up, for the pictures of the screens.

use appliance::compute::health::{Brake, GpuHealth};
use appliance::display::screens::{Screen, draw, draw_large, draw_low};
use appliance::display::status::{Boot, Listed, Morph, Page, PageKnob, Pick, Scene, SetPlace, Status, Tempo, Took};
use engine::param::ParamId;
use hal::display::Frame;

/// A moment and what it shows.
pub struct Specimen {
    /// Name of its picture.
    pub name: &'static str,
    /// What is to be seen, in a sentence.
    pub says: &'static str,
    screen: Screen,
    face: Face,
    status: Status,
}

/// How it is drawn.
enum Face {
    Usual,
    Low,
    Large,
}

impl Specimen {
    fn new(name: &'static str, screen: Screen, status: Status, says: &'static str) -> Self {
        Self { name, says, screen, face: Face::Usual, status }
    }

    /// On a panel of 32 rows.
    fn low(self) -> Self {
        Self { face: Face::Low, ..self }
    }

    /// For eyes that want it large.
    fn large(self) -> Self {
        Self { face: Face::Large, ..self }
    }

    /// The picture, by the code that draws the panel.
    pub fn frame(&self) -> Frame {
        let mut frame = Frame::default();
        let with = match self.face {
            Face::Usual => draw,
            Face::Low => draw_low,
            Face::Large => draw_large,
        };
        let drawn = with(&self.status, self.screen, &mut frame);
        drawn.expect("drawing into memory cannot fail");
        frame
    }
}

/// The pictures, in the order of the document.
pub fn specimens() -> Vec<Specimen> {
    [playing(), lists(), telling(), asking(), low()].into_iter().flatten().collect()
}

/// The middle of a set with a parameter in the hand.
fn moved(id: ParamId, value: f64) -> Status {
    let mut status = set();
    status.values.set(id, value);
    status.moved = Some(id);
    status
}

/// The middle of a set, and the sound device is pulled out.
fn away() -> Status {
    let words = "The sound device hw:2 is away. The set plays on and waits for it; plug it in again.";
    Status { fault: Some(words.to_owned()), ..set() }
}

fn playing() -> Vec<Specimen> {
    let denoise = moved(ParamId::Denoise, 0.62);
    let waiting = Status { waiting: Some(0.2), scene_changed: false, ..denoise.clone() };
    let morph = Status {
        morph: Some(Morph { scenes: [2, 4], position: 0.4 }),
        layer: "shift".to_owned(),
        ..moved(ParamId::SourceBlend, 0.35)
    };
    let names = Status { scene: None, tempo: None, ..moved(ParamId::DcwWavelet, 2.0) };
    let muted = Status { muted: true, message: "scene 3 kept".to_owned(), ..moved(ParamId::GainDb, -4.5) };
    let play = |name, status, says| Specimen::new(name, Screen::Play, status, says);
    vec![
        play(
            "play",
            denoise,
            "The screen of play: patch and scene (a star: moved since), the tape with its playhead and the window \
             decoded last, the parameter in the hand with its class and value, the beat, and how loud both sides are.",
        ),
        play(
            "play-takeover",
            waiting,
            "A knob that has not taken hold yet: the needle is where it stands, the bar ends where the value is, and \
             the words say which way to turn.",
        ),
        play("play-morph", morph, "A fader morphs from scene 3 to scene 5; the lowest line says that shift is held."),
        play("play-choice", names, "A parameter with names in place of numbers, before any scene was recalled."),
        play("play-muted", muted, "Muted, with what was said last."),
        play("play-fault", away(), "A fault stays in the lowest line until it is gone."),
    ]
}

fn lists() -> Vec<Specimen> {
    let ids = [
        ParamId::Denoise,
        ParamId::SourceBlend,
        ParamId::Feedback,
        ParamId::HintStrength,
        ParamId::PromptBlend,
        ParamId::TimbreStrength,
        ParamId::GuidanceScale,
        ParamId::GainDb,
    ];
    let mut status = moved(ParamId::Denoise, 0.62);
    status.values.set(ParamId::PromptBlend, 0.25);
    let knob =
        |id: &ParamId| PageKnob { id: Some(*id), place: id.row().position(status.values.exact(*id)), waiting: None };
    let mut knobs: Vec<PageKnob> = ids.iter().map(knob).collect();
    knobs[4].waiting = Some(0.7);
    let page = Status { page: Some(Page { knobs, touched: 0 }), ..status.clone() };
    vec![
        Specimen::new(
            "page",
            Screen::Page,
            page,
            "The page of the knobs in the hand: dark on light the one that was touched; a needle where a knob stands that has not taken hold.",
        ),
        Specimen::new(
            "set-list",
            Screen::SetList,
            status.clone(),
            "The set list: what plays, and what a foot switch leads to.",
        ),
        Specimen::new(
            "scenes",
            Screen::Scenes,
            status.clone(),
            "The scenes that are kept, with their names; dark on light the one that is played, a dot where none is kept.",
        ),
        Specimen::new(
            "play-large",
            Screen::Play,
            status,
            "`face = \"large\"`: the value in the hand, to be read across a stage.",
        )
        .large(),
    ]
}

fn telling() -> Vec<Specimen> {
    let limiting = Status { peaks: [0.98, 0.61], limiting: true, xruns: 2, ..set() };
    let hot = Some(GpuHealth { load_percent: 97, celsius: 88, brake: Some(Brake::Heat) });
    vec![
        Specimen::new(
            "levels",
            Screen::Levels,
            set(),
            "Levels in decibels under full scale, the lead, underruns and late windows since the start.",
        ),
        Specimen::new(
            "levels-trouble",
            Screen::Levels,
            limiting,
            "The limiter works, and the output ran dry twice: what should be looked at is dark on light.",
        ),
        Specimen::new(
            "machine",
            Screen::Machine,
            set(),
            "Time of a tick and of a window, half of them no longer than the first number and the longest of late; \
             the card; where it computes and plays.",
        ),
        Specimen::new(
            "machine-hot",
            Screen::Machine,
            Status { gpu: hot, ..set() },
            "The card is too hot and runs slower for it.",
        ),
    ]
}

fn asking() -> Vec<Specimen> {
    let learn = Some("Turn the knob for Denoise slowly to the left".to_owned());
    let pick = Some(Pick { list: ParamId::all().collect(), cursor: 33 });
    let boot = Some(Boot { words: "loading the model, 1.9 of 3.4 GB".to_owned(), part: 0.56 });
    vec![
        Specimen::new("learn", Screen::Learn, Status { learn, ..set() }, "What to touch while a control is learnt."),
        Specimen::new(
            "pick",
            Screen::Pick,
            Status { pick, ..set() },
            "A parameter is chosen from the list for the control just touched.",
        ),
        Specimen::new("fault", Screen::Fault, away(), "A new fault stands before everything for four seconds."),
        Specimen::new("boot", Screen::Boot, Status { boot, ..Status::default() }, "The box starts."),
    ]
}

fn low() -> Vec<Specimen> {
    let play = moved(ParamId::Denoise, 0.62);
    let says = "The same on a panel of 32 rows, which shows the upper half.";
    vec![
        Specimen::new("low-play", Screen::Play, play, says).low(),
        Specimen::new("low-levels", Screen::Levels, set(), "Levels on 32 rows.").low(),
        Specimen::new("low-fault", Screen::Fault, away(), "A fault on 32 rows.").low(),
    ]
}

/// The middle of a set.
fn set() -> Status {
    Status {
        source: "river.wav".to_owned(),
        patch: "Night bus".to_owned(),
        seconds: 48.0,
        position: 0.37,
        window: Some((0.41, 0.5)),
        scene: Some(2),
        scene_changed: true,
        ticks_per_s: 31.4,
        finished_per_s: 3.9,
        lead_ms: 230.0,
        tick: Took { p50_ms: 29.8, max_ms: 34.1 },
        decode: Took { p50_ms: 18.2, max_ms: 26.9 },
        peaks: [0.42, 0.31],
        gpu: Some(GpuHealth { load_percent: 87, celsius: 71, brake: None }),
        tempo: Some(Tempo { bpm: 123.4, from: "clock".to_owned() }),
        controllers: 2,
        undo: 5,
        scenes: scenes(),
        set_list: Some(set_list()),
        where_: "tensorrt, hw:2".to_owned(),
        ..Status::default()
    }
}

fn scenes() -> Vec<Scene> {
    let named = ["in", "", "drop", "", "out"];
    let scene = |name: &str| Scene { kept: true, name: (!name.is_empty()).then(|| name.to_owned()) };
    named.iter().enumerate().map(|(place, name)| if place == 3 { Scene::default() } else { scene(name) }).collect()
}

fn set_list() -> SetPlace {
    let listed = |number, name: &str| Listed { number, name: name.to_owned() };
    SetPlace {
        playing: listed(2, "Night bus"),
        previous: Some(listed(1, "Opening")),
        next: Some(listed(7, "Bridge")),
        last: 9,
    }
}

/// The document that shows them.
pub fn document() -> String {
    let mut text = String::from(
        "# Screens\n\nWhat the panel of 128 by 64 dots shows, four pixels a dot. Written by `make screens` from the \
         code that draws the panel; a test holds that they are what it draws.\n",
    );
    for specimen in specimens() {
        text.push_str(&format!("\n![{0}]({0}.png)\n\n{1}\n", specimen.name, specimen.says));
    }
    text
}
