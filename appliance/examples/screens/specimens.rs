//! Moments of a set, played by the [`rehearsal`], for the pictures of the screens.

#[path = "rehearsal.rs"]
mod rehearsal;

use appliance::compute::health::{Brake, GpuHealth};
use appliance::display::screens::{Look, Screen, draw};
use appliance::display::status::Status;
use hal::display::Frame;
use hal::gesture::Key;
use rehearsal::Rehearsal;

/// A moment and what it shows.
pub struct Specimen {
    /// Name of its picture.
    pub name: &'static str,
    /// What is to be seen, in a sentence.
    pub says: &'static str,
    screen: Screen,
    look: Look,
    status: Status,
}

impl Specimen {
    fn new(name: &'static str, screen: Screen, status: Status, says: &'static str) -> Self {
        Self { name, says, screen, look: Look::default(), status }
    }

    /// On a panel of 32 rows.
    fn low(self) -> Self {
        Self { look: Look { low: true, ..self.look }, ..self }
    }

    /// For eyes that want it large.
    fn large(self) -> Self {
        Self { look: Look { large: true, ..self.look }, ..self }
    }

    /// In high contrast.
    fn strong(self) -> Self {
        Self { look: Look { strong: true, ..self.look }, ..self }
    }

    /// The picture, by the code that draws the panel.
    pub fn frame(&self) -> Frame {
        let mut frame = Frame::default();
        let drawn = draw(&self.status, self.screen, self.look, &mut frame);
        drawn.expect("drawing into memory cannot fail");
        frame
    }
}

/// The pictures, in the order of the document.
pub fn specimens() -> Vec<Specimen> {
    let mut set = night_bus();
    let away = away(&mut set.rehearsal);
    let muted_away = muted(&mut set.rehearsal);
    [playing(&set, &away, &muted_away), lists(&set), telling(&set), asking(&away), low(&set, &away)]
        .into_iter()
        .flatten()
        .collect()
}

/// Control changes of the usual map.
const DENOISE: u8 = 1;

/// What was seen of the second patch of the set.
struct Set {
    rehearsal: Rehearsal,
    play: Status,
    waiting: Status,
    page: Status,
    morph: Status,
    choice: Status,
    muted: Status,
}

/// The middle of a set: the second patch, its third scene, and a hand on denoise; then what follows.
fn night_bus() -> Set {
    let card = GpuHealth { load_percent: 87, celsius: 71, brake: None };
    let mut rehearsal = Rehearsal::begin(Some(card));
    rehearsal.turns(71, &[0, 127]);
    rehearsal.goes_quiet();
    let choice = rehearsal.seen();
    rehearsal.types(&[Key::Char('}'), Key::Char('}'), Key::Char('3')]);
    rehearsal.turns(DENOISE, &[60, 76, 79]);
    rehearsal.plays(17.8);
    rehearsal.goes_quiet();
    rehearsal.computes();
    rehearsal.plays(0.2);
    let play = rehearsal.seen();
    // Another scene lets go of the knob, which stands above its value.
    rehearsal.types(&[Key::Char('5')]);
    rehearsal.turns(DENOISE, &[75, 70]);
    rehearsal.goes_quiet();
    rehearsal.plays(0.2);
    let waiting = rehearsal.seen();
    rehearsal.turns(DENOISE, &[20, 40]);
    rehearsal.turns(5, &[10, 20]);
    rehearsal.turns(DENOISE, &[45]);
    rehearsal.goes_quiet();
    rehearsal.plays(0.2);
    let page = rehearsal.seen();
    rehearsal.turns(2, &[0, 30, 40]);
    rehearsal.turns(70, &[0, 51]);
    rehearsal.holds(1);
    rehearsal.goes_quiet();
    rehearsal.plays(0.2);
    let morph = rehearsal.seen();
    let muted = muted_alone();
    Set { rehearsal, play, waiting, page, morph, choice, muted }
}

/// Muted, and a scene kept meanwhile.
fn muted_alone() -> Status {
    let mut rehearsal = Rehearsal::begin(None);
    rehearsal.types(&[Key::Char('}'), Key::Char('}'), Key::Char('3')]);
    rehearsal.turns(72, &[127, 100]);
    rehearsal.types(&[Key::Char(' ')]);
    rehearsal.goes_quiet();
    rehearsal.types(&[Key::Char('#')]);
    rehearsal.seen()
}

/// The sound device is pulled out.
fn away(rehearsal: &mut Rehearsal) -> Status {
    rehearsal.loses_the_device();
    rehearsal.seen()
}

/// And a hand mutes what plays on.
fn muted(rehearsal: &mut Rehearsal) -> Status {
    rehearsal.types(&[Key::Char(' ')]);
    rehearsal.seen_later()
}

fn playing(set: &Set, away: &Status, muted_away: &Status) -> Vec<Specimen> {
    let play = |name, status: &Status, says| Specimen::new(name, Screen::Play, status.clone(), says);
    vec![
        play(
            "play",
            &set.play,
            "The screen of play: patch and scene (a star: moved since), the tape with its playhead and the window \
             decoded last, the parameter in the hand with its class and value, the beat, and how loud both sides are.",
        ),
        play(
            "play-takeover",
            &set.waiting,
            "A knob that has not taken hold yet: the needle is where it stands, the bar ends where the value is, and \
             the words say which way to turn.",
        ),
        play(
            "play-morph",
            &set.morph,
            "A fader morphs from scene 3 to scene 5; the lowest line says that shift is held.",
        ),
        play("play-choice", &set.choice, "A parameter with names in place of numbers, before any scene was recalled."),
        play("play-muted", &set.muted, "Muted, with what was said last."),
        play(
            "play-fault",
            away,
            "A fault stays in the lowest line until it is over; a long one is read a part at a time.",
        ),
        play(
            "play-fault-muted",
            muted_away,
            "The mute and what was said stand in the first line while a fault has the lowest.",
        ),
        play("play-large", &set.play, "`face = \"large\"`: the value in the hand, to be read across a stage.").large(),
        play("play-strong", &set.play, "`high_contrast = true`: every letter bold, as bright as the panel goes.")
            .strong(),
    ]
}

fn lists(set: &Set) -> Vec<Specimen> {
    vec![
        Specimen::new(
            "page",
            Screen::Page,
            set.page.clone(),
            "The page of the knobs in the hand: dark on light the one that was touched; a needle where a knob stands that \
             has not taken hold; below them the levels, or what is wrong or was said.",
        ),
        Specimen::new(
            "set-list",
            Screen::SetList,
            set.play.clone(),
            "The set list: what plays, and what a foot switch leads to.",
        ),
        Specimen::new(
            "scenes",
            Screen::Scenes,
            set.play.clone(),
            "The scenes that are kept, with their names; dark on light the one that is played, a dot where none is kept.",
        ),
    ]
}

fn telling(set: &Set) -> Vec<Specimen> {
    let mut hot = Rehearsal::begin(Some(GpuHealth { load_percent: 97, celsius: 88, brake: Some(Brake::Heat) }));
    hot.turns(72, &[100, 127]);
    hot.goes_quiet();
    hot.computes();
    hot.plays(1.0);
    hot.underruns(2);
    let hot = hot.seen();
    vec![
        Specimen::new(
            "levels",
            Screen::Levels,
            set.play.clone(),
            "Levels in decibels under full scale, the lead, underruns and late windows since the start.",
        ),
        Specimen::new(
            "levels-trouble",
            Screen::Levels,
            hot.clone(),
            "The limiter works, and the output ran dry twice: what should be looked at is dark on light.",
        ),
        Specimen::new(
            "machine",
            Screen::Machine,
            set.play.clone(),
            "Time of a tick and of a window, half of them no longer than the first number and the longest of late; \
             the card; where it computes and plays.",
        ),
        Specimen::new("machine-hot", Screen::Machine, hot, "The card is too hot and runs slower for it."),
    ]
}

fn asking(away: &Status) -> Vec<Specimen> {
    let start = rehearsal::start();
    let mut lesson = Rehearsal::begin(None);
    lesson.types(&[Key::Char('L'), Key::Char('a')]);
    lesson.goes_quiet();
    let learn = lesson.seen();
    let mut browsing = Rehearsal::begin(None);
    browsing.goes_quiet();
    browsing.types(&[Key::Tab; 33]);
    let pick = browsing.seen();
    vec![
        Specimen::new("learn", Screen::Learn, learn, "What to touch while a control is learnt."),
        Specimen::new("pick", Screen::Pick, pick, "A parameter is chosen from the list of all."),
        Specimen::new("fault", Screen::Fault, away.clone(), "A new fault stands before everything for four seconds."),
        Specimen::new("boot", Screen::Boot, start.clone(), "The box starts: what it does, and how far it is."),
        Specimen::new("low-boot", Screen::Boot, start, "The start on 32 rows.").low(),
    ]
}

fn low(set: &Set, away: &Status) -> Vec<Specimen> {
    let says = "The same on a panel of 32 rows, which shows the upper half.";
    vec![
        Specimen::new("low-play", Screen::Play, set.play.clone(), says).low(),
        Specimen::new("low-page", Screen::Page, set.page.clone(), "Four of the page's knobs on 32 rows.").low(),
        Specimen::new("low-levels", Screen::Levels, set.play.clone(), "Levels on 32 rows.").low(),
        Specimen::new("low-play-fault", Screen::Play, away.clone(), "Play on 32 rows while something is wrong.").low(),
        Specimen::new("low-fault", Screen::Fault, away.clone(), "A fault on 32 rows.").low(),
    ]
}

/// The document that shows them.
pub fn document() -> String {
    let mut text = String::from(
        "# Screens\n\nWhat the panel of 128 by 64 dots shows, four pixels a dot: a set is played on the \
         program's own surfaces, conductor and view, and what its displays got is drawn. Written by `make screens`; a test \
         plays it again and holds that the pictures are what is drawn.\n",
    );
    for specimen in specimens() {
        text.push_str(&format!("\n![{0}]({0}.png)\n\n{1}\n", specimen.name, specimen.says));
    }
    text
}
