//! What is loaded: a library of recordings and a set list of patches.

use std::fs;
use std::path::{Path, PathBuf};

use appliance::recording;
use engine::latent::StereoFrame;

use super::dummy::Dice;
use super::recordings::tone;
use super::turned_model::write_model;

/// Recordings of the library.
pub const RECORDINGS: usize = 22;
/// The longest part that is played, in seconds: the player has room for fourteen.
pub const LONGEST_S: &str = "10";
/// What the patches' values are, all of them the same: no load may change one..
const VALUES: &str = "[values]\ndepth = 1\nsteps = 4\nwindow_s = 0.4\ngain_db = -6.0\ndenoise = 0.4\nhint_strength = 0.5\nfeedback = 0.2\n";
/// What a model reads in twenty ways.
const PROMPTS: [&str; 20] = [
    "warm analogue house, rhodes",
    "dark ambient drone",
    "slow choir, no drums",
    "dub techno, deep chords",
    "drum and bass, fast breaks",
    "chiptune arpeggio",
    "rock guitar, loud drums",
    "hip hop, dusty piano",
    "disco strings, funky bass",
    "acid line, 303",
    "lo-fi beat, vinyl",
    "solo piano, sparse",
    "brass band, march",
    "jazz trio, brushes",
    "industrial noise, metal",
    "harp and bells, a music box",
    "trance lead, supersaw",
    "reggae, offbeat organ",
    "minimal clicks, no bass",
    "a slow and wide ambient piece with a soft evolving pad, no drums at all, a deep warm bass that swells, distant bells",
];

/// A folder with all of it.
pub struct Set {
    pub folder: PathBuf,
    /// Names of the library's recordings, in its order.
    pub names: Vec<String>,
    /// Names of the set list's patches, in its order; 0 is the one that is started with.
    pub patches: Vec<String>,
}

impl Set {
    pub fn library(&self) -> PathBuf {
        self.folder.join("library/recordings")
    }

    pub fn recordings(&self) -> Vec<PathBuf> {
        let library = self.names.iter().map(|it| self.library().join(it));
        library.chain([self.folder.join("own.wav")]).collect()
    }
}

/// Writes all of it down; the order of the patches is drawn.
pub fn write(folder: &Path, dice: &mut Dice) -> Set {
    let library = folder.join("library/recordings");
    fs::create_dir_all(&library).expect("a disk");
    fs::create_dir_all(folder.join("list")).expect("a disk");
    write_model(&folder.join("library/models/turned"), 100);
    let rates = [48_000, 44_100, 22_050, 96_000, 32_000, 11_025];
    let name = |number: usize| format!("r{number:02}.wav");
    for number in 0..RECORDINGS {
        let seconds = 1.0 + 0.27 * number as f64;
        tone(&library.join(name(number)), 110.0 * 1.12_f64.powi(number as i32), seconds, rates[number % rates.len()]);
    }
    tone(&folder.join("own.wav"), 100.0, 2.0, 48_000);
    let mut order: Vec<usize> = (0..40).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, dice.throw(at + 1));
    }
    let transitions = ["now", "beat", "bar", "loop"];
    let mut patches = vec!["first".to_owned()];
    let head = |tags: &str, dice: &mut Dice| {
        let (transition, fade) = (transitions[dice.throw(4)], ["0.01", "0.1", "0.3"][dice.throw(3)]);
        format!("[prompt]\na = \"{tags}\"\nbpm = 240\n{VALUES}transition = \"{transition}\"\ntransition_s = {fade}\n")
    };
    fs::write(folder.join("first.toml"), head("house", dice)).expect("a disk");
    for (place, which) in order.into_iter().enumerate() {
        let (kind, sources) = match which % 4 {
            // Two models: there and back.
            0 if which % 8 == 0 => ("model", format!("model = \"{}\"\n", ["turned", "house"][which / 8 % 2])),
            0 => ("words", String::new()),
            1 => ("recording", format!("source = \"{}\"\n", name(which / 4 % RECORDINGS))),
            2 => ("structure", format!("structure = \"{}\"\n", name((which / 4 + 7) % RECORDINGS))),
            _ => ("timbre", format!("timbre = \"{}\"\n", name((which / 4 + 13) % RECORDINGS))),
        };
        let file = format!("{:02}_{kind}", place + 1);
        let text = format!("{sources}{}", head(PROMPTS[place % PROMPTS.len()], dice));
        fs::write(folder.join("list").join(format!("{file}.toml")), text).expect("a disk");
        patches.push(file);
    }
    Set { folder: folder.to_owned(), names: (0..RECORDINGS).map(name).collect(), patches }
}

/// The sound of a recording as the engine plays it.
pub fn sound_of(path: &Path) -> Vec<StereoFrame> {
    let longest = LONGEST_S.parse().expect("a number");
    recording::load_source(path, longest, &mut |_| ()).expect("a recording").pcm
}
