//! The hands: keys in a terminal, each load waited for by what the program says.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use appliance::settings::last_state;
use appliance::settings::patch::Patch;
use engine::param::{ParamId, Values};

use super::dummy::Dice;
use super::set::{LONGEST_S, Set};
use super::table::Found;
use super::world::{PATIENCE, World};

/// Between two looks at what is said.
const LOOK: Duration = Duration::from_millis(2);
/// After a load that was called off nothing comes for so long.
const NOTHING_COMES: Duration = Duration::from_millis(700);
/// Loads between two looks at the values.
const LOADS_BETWEEN: usize = 6;
const RIGHT: &[u8] = b"\x1b[C";
const LEFT: &[u8] = b"\x1b[D";

/// The program at these keys; what it says goes into files.
pub fn command(demon: &Path, folder: &Path, keys: &OwnedFd) -> Command {
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(demon);
    command.args(["run", "--backend", "cpu", "--threads", "1", "--longest", LONGEST_S, "--no-midi", "--plain"]);
    command.args(["--device", "paced", "--at-start", "last", "--source", "own.wav", "--patch", "first.toml"]);
    command.args(["--set-list", "list", "--library", "library"]);
    for (key, place) in [("--runtime", "runtime"), ("--witness", "logs"), ("--state", "state")] {
        command.arg(key).arg(folder.join(place));
    }
    command.env("DEMON_MODEL", concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"));
    command.stdin(keys.try_clone().expect("a descriptor"));
    command
}

/// What plays, as far as hands know it.
pub struct Hands {
    terminal: File,
    quiet: Duration,
    said: PathBuf,
    /// How much of what was said is over.
    read: usize,
    set: Set,
    dice: Dice,
    /// The patch that is played, and the way through the list.
    place: usize,
    up: bool,
    /// Where the walk through the library is; none before its first step.
    walk: Option<usize>,
    /// The library's recording that plays because a hand loaded it.
    loaded: Option<usize>,
    engine: u32,
    /// Memory after the first loads, in kB.
    memory_kb: i64,
}

impl Hands {
    /// Plays in a world; `quiet` is how long it is looked at without loads.
    pub fn new(world: &World, terminal: File, quiet: Duration, set: Set, dice: Dice) -> Self {
        let (said, engine) = (world.folder.join("engine.txt"), world.engine_id());
        let (place, up, walk, loaded) = (0, true, None, None);
        Self { terminal, quiet, said, read: 0, set, dice, place, up, walk, loaded, engine, memory_kb: 0 }
    }

    fn types(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).expect("it takes keys");
    }

    /// What was said and is not over yet.
    fn news(&self) -> String {
        let text = fs::read_to_string(&self.said).unwrap_or_default();
        text[self.read.min(text.len())..].to_owned()
    }

    /// Waits until one of these was said; which, and what is before its end is over.
    fn hears(&mut self, any: &[&str]) -> Result<usize, String> {
        let begun = Instant::now();
        loop {
            let news = self.news();
            let first = any.iter().enumerate().filter_map(|(at, it)| Some((news.find(it)? + it.len(), at))).min();
            if let Some((end, at)) = first {
                self.read += end;
                return Ok(at);
            }
            if PATIENCE < begun.elapsed() {
                return Err(format!("never {any:?}: {news}"));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Until it plays, and knobs are at hand.
    pub fn begin(&mut self, world: &World) {
        self.hears(&["sound to"]).expect("it plays");
        world.plays(24_000);
        self.types(b"a");
    }

    /// So many loads, each of a kind that is drawn.
    pub fn play(&mut self, count: usize, world: &World, found: &mut Found) {
        let late = || world.meters().windows_late.load(Relaxed);
        let (before, begun) = (late(), Instant::now());
        std::thread::sleep(self.quiet);
        found.late[0] += late() - before;
        found.seconds[0] += begun.elapsed().as_secs_f64();
        let (before, begun) = (late(), Instant::now());
        for at in 0..count {
            if let Err(why) = self.load(found) {
                found.faults.push(why);
                self.read = fs::metadata(&self.said).map_or(0, |it| it.len() as usize);
            }
            if at % LOADS_BETWEEN == LOADS_BETWEEN - 1 || at + 1 == count {
                self.look_at_values(found);
            }
            if at == count / 4 {
                self.memory_kb = self.memory_on_the_first(found);
            }
        }
        found.late[1] += late() - before;
        found.seconds[1] += begun.elapsed().as_secs_f64();
        let memory = self.memory_on_the_first(found);
        let sound: usize = self.set.recordings().iter().map(|it| size_of_val(&*super::set::sound_of(it))).sum();
        // What is kept was heard at some time: all of it at most.
        found.growth_kb = found.growth_kb.max(memory - self.memory_kb - sound as i64 / 1024);
    }

    /// The same while the library's first recording plays, and what played before is freed.
    fn memory_on_the_first(&mut self, found: &mut Found) -> i64 {
        if let Err(why) = self.load_of(0, found) {
            found.faults.push(why);
        }
        std::thread::sleep(NOTHING_COMES);
        self.memory()
    }

    /// Memory of its own, in kB.
    fn memory(&self) -> i64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.engine)).unwrap_or_default();
        let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:")).unwrap_or("0");
        line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
    }

    fn load(&mut self, found: &mut Found) -> Result<(), String> {
        match self.dice.throw(20) {
            0..8 => self.patch(found),
            8..14 => self.recording(found),
            14..16 if self.loaded.is_some() => self.undo(found),
            16 => self.call_off(found),
            17 => self.failure("missing", found),
            18 => self.failure("torn", found),
            19 => self.failure("disk gone", found),
            _ => self.recording(found),
        }
    }

    /// Knobs move there and back while something is prepared: one stroke that is nothing.
    fn moves(&mut self) {
        for _ in 0..1 + self.dice.throw(3) {
            self.types(RIGHT);
            std::thread::sleep(Duration::from_millis(5));
            self.types(LEFT);
        }
    }

    /// Waits for a set that was asked for at `pressed`, under a name.
    fn comes(&mut self, kind: &'static str, name: &str, pressed: Instant, found: &mut Found) -> Result<(), String> {
        self.hears(&[&format!("{name} is ready")])?;
        let prepared = pressed.elapsed();
        self.hears(&[&format!("{name} plays, ")])?;
        self.note(kind, prepared, pressed.elapsed(), found);
        Ok(())
    }

    fn note(&self, kind: &'static str, prepared: Duration, heard: Duration, found: &mut Found) {
        let times = found.times.entry(kind).or_default();
        times.push((prepared.as_millis() as u64, heard.as_millis() as u64));
    }

    /// The next patch of the list, or the one before on the way back.
    fn step(&mut self) -> (usize, &'static [u8]) {
        let last = self.set.patches.len() - 1;
        self.up = if self.place == last { false } else { self.up || self.place == 0 };
        if self.up { (self.place + 1, b"}") } else { (self.place - 1, b"{") }
    }

    fn patch(&mut self, found: &mut Found) -> Result<(), String> {
        let (place, key) = self.step();
        let name = self.set.patches[place].clone();
        let pressed = Instant::now();
        self.types(key);
        let [recording, model] = ["recording", "model"].map(|it| format!("patch {name}: its {it} is being prepared\n"));
        let is_set = self.hears(&[&recording, &model, &format!("patch {name}\n")])? < 2;
        self.moves();
        self.place = place;
        if !is_set {
            self.hears(&[&format!("{name}: its words play from the next generation on")])?;
            self.note("words of a patch (heard: next birth)", pressed.elapsed(), pressed.elapsed(), found);
            return Ok(());
        }
        let kind = match name.split_once('_').map(|it| it.1) {
            Some("recording") => "recording of a patch",
            Some("structure") => "structure of a patch",
            Some("timbre") => "timbre of a patch",
            Some("model") => "model of a patch",
            _ => "a patch back on its own recording",
        };
        self.comes(kind, &name, pressed, found)?;
        self.loaded = None;
        Ok(())
    }

    /// Walks to a recording of the library that does not play; its name.
    fn walk_to_one(&mut self) -> Result<(usize, String), String> {
        let to = self.another();
        self.walk_to(to)?;
        Ok((to, self.set.names[to].clone()))
    }

    /// A recording near the one that is shown, which a hand has not loaded last.
    fn another(&mut self) -> usize {
        let count = self.set.names.len();
        loop {
            let to = match self.walk {
                None => 0,
                Some(at) => (at + 1 + self.dice.throw(3)) % count,
            };
            if self.loaded != Some(to) || self.walk.is_none() {
                return to;
            }
        }
    }

    fn walk_to(&mut self, to: usize) -> Result<(), String> {
        // Behind the recordings stands the model.
        let count = self.set.names.len() + 1;
        loop {
            let at = self.walk;
            let shown = match at {
                None => 0,
                Some(at) if at < to => at + 1,
                Some(at) => at.saturating_sub(1),
            };
            if at == Some(to) {
                return Ok(());
            }
            self.types(if at.is_some_and(|it| to < it) { b"O" } else { b"o" });
            // After a rest it is looked at anew, from the first.
            let looks = "looking at the library";
            let place = format!("{} of {count}: {}", shown + 1, self.set.names[shown]);
            if self.hears(&[&place, looks])? == 1 {
                // What looks gives way to everything else of the machine.
                let first = format!("1 of {count}: ");
                self.hears(&[&first]).or_else(|_| self.hears(&[&first])).or_else(|_| self.hears(&[&first]))?;
                self.walk = Some(0);
            } else {
                self.walk = Some(shown);
            }
        }
    }

    fn recording(&mut self, found: &mut Found) -> Result<(), String> {
        let to = self.another();
        self.load_of(to, found)
    }

    fn load_of(&mut self, to: usize, found: &mut Found) -> Result<(), String> {
        self.walk_to(to)?;
        let name = self.set.names[to].clone();
        let pressed = Instant::now();
        self.types(b"\r");
        if self.hears(&[&format!("{name} is being prepared"), &format!("{name} plays already")])? == 1 {
            return Ok(());
        }
        self.moves();
        self.comes("recording by hand", &name, pressed, found)?;
        self.loaded = Some(to);
        // So that undo of it is the next stroke, and its own.
        std::thread::sleep(Duration::from_millis(20));
        Ok(())
    }

    /// The load before is taken back and done again.
    fn undo(&mut self, found: &mut Found) -> Result<(), String> {
        self.recording(found)?;
        let name = self.loaded.map(|it| self.set.names[it].clone()).unwrap_or_default();
        let pressed = Instant::now();
        self.types(b"u");
        self.hears(&[" is being prepared"])?;
        self.hears(&[" is ready"])?;
        let prepared = pressed.elapsed();
        self.hears(&[" plays, "])?;
        self.note("undo of a recording", prepared, pressed.elapsed(), found);
        let pressed = Instant::now();
        self.types(b"U");
        self.comes("redo of a recording", &name, pressed, found)
    }

    /// A patch on its way, and back before it is there.
    fn call_off(&mut self, found: &mut Found) -> Result<(), String> {
        // Only from a patch that plays on what plays: else going back is a load.
        let (place, key) = self.step();
        let name = self.set.patches[place].clone();
        if self.loaded.is_some() || !name.ends_with("recording") || self.place == 0 {
            return self.patch(found);
        }
        let (pressed, back) = (Instant::now(), if key == b"}" { b"{" } else { b"}" });
        self.types(key);
        self.types(back);
        self.hears(&[&format!("patch {}\n", self.set.patches[self.place])])?;
        self.note("a patch that is called off", pressed.elapsed(), pressed.elapsed(), found);
        std::thread::sleep(NOTHING_COMES);
        let news = self.news();
        if news.contains(&format!("{name} plays")) { Err(format!("{name} was called off and plays")) } else { Ok(()) }
    }

    /// A recording that is spoilt when it is asked for.
    fn failure(&mut self, how: &'static str, found: &mut Found) -> Result<(), String> {
        let (_, name) = self.walk_to_one()?;
        let (library, away) = (self.set.library(), self.set.folder.join("away"));
        let file = library.join(&name);
        let whole = fs::read(&file).expect("it is there");
        let kind = match how {
            "missing" => {
                fs::remove_file(&file).expect("a disk");
                "a recording that is gone"
            }
            "torn" => {
                fs::write(&file, &whole[..60]).expect("a disk");
                "a recording that is torn"
            }
            _ => {
                fs::rename(&library, &away).expect("a disk");
                "a library whose disk is gone"
            }
        };
        let pressed = Instant::now();
        self.types(b"\r");
        // One that was heard before is played from memory, whatever became of its file; one that is another by now is read.
        let plays = format!("{name} plays, ");
        let said = self.hears(&["what plays goes on", &plays, &format!("{name} plays already")]);
        if how == "disk gone" {
            fs::rename(&away, &library).expect("a disk");
        }
        let is_said = said?;
        // With the time that it had: a file that is as it was is known again.
        let time = fs::metadata(&file).and_then(|it| it.modified()).ok();
        fs::write(&file, &whole).expect("a disk");
        if let Some(time) = time.filter(|_| how == "disk gone") {
            let _ = File::options().append(true).open(&file).and_then(|it| it.set_modified(time));
        }
        let kind = if is_said == 0 { kind } else { "a recording that is gone and was heard before" };
        self.note(kind, pressed.elapsed(), pressed.elapsed(), found);
        if is_said == 1 {
            self.loaded = self.walk;
        }
        Ok(())
    }

    /// Every value is the patch's: hands moved there and back, and no load moves one.
    fn look_at_values(&mut self, found: &mut Found) {
        let name = &self.set.patches[self.place];
        let file = match self.place {
            0 => self.set.folder.join("first.toml"),
            _ => self.set.folder.join("list").join(format!("{name}.toml")),
        };
        let expected = Patch::load(&file).expect("a patch").values;
        let state = self.set.folder.join("state").join(last_state::FILE);
        let others = |values: &Values| ParamId::all().filter(|id| values.exact(*id) != expected.exact(*id)).count();
        let now = || {
            let text = fs::read_to_string(&state).ok()?;
            last_state::parse(&text).ok().map(|it| others(&it.kept.aims))
        };
        let begun = Instant::now();
        // It is written 1.5 s after what was done last.
        while now() != Some(0) && begun.elapsed() < Duration::from_secs(8) {
            std::thread::sleep(10 * LOOK);
        }
        found.looks += 1;
        let changed = now().unwrap_or(1);
        found.changed += changed;
        if 0 < changed {
            found.faults.push(format!("{changed} values are not those of {name}"));
        }
    }
}
