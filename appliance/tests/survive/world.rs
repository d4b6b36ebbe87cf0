//! A player's process, an engine's process, and somebody who kills both and starts them again; the recorder beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use appliance::handover::link::stop;
use appliance::handover::memory::SharedArena;
use appliance::handover::witness;
use engine::boundary::{Arena, Event, Heard, Sizes, Standing, Taken, TraceReader};
use engine::latent::StereoFrame;
use engine::playback::{Player, SharedMeters};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Pid, Signal, kill_process};

use super::dummy::TAPE;
use super::oracle::{Life, PERIOD, Sent};

/// How often the recorder looks: the tee holds more than five seconds.
const LOOK: Duration = Duration::from_millis(10);
/// So long is waited for anything at most; what is promised is measured.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A player that takes longer to be back than is promised: who reads the table wants to know why.
const SLOW: Duration = Duration::from_secs(1);

/// What starts an engine.
pub type StartEngine = Box<dyn Fn(&Path) -> Command>;

/// Who starts a player again that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarts {
    /// This test, as a unit of the system would.
    Test,
    /// The engine that is attached, as `demon run` does.
    Engine,
}

/// Everything that runs.
pub struct World {
    pub folder: PathBuf,
    shared: SharedArena,
    start_engine: StartEngine,
    restarts: Restarts,
    /// The player that this test started.
    child: Option<Child>,
    /// The player, whoever started it.
    player: Option<Pid>,
    engine: Option<Child>,
    recording: Option<Recording>,
    pub lives: Vec<Life>,
    pub sent: Sent,
    demon: PathBuf,
}

/// The recorder of one life.
struct Recording {
    state: Arc<Mutex<Life>>,
    ended: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl World {
    /// A player with a paced device that nobody hears, and an engine.
    pub fn start(folder: &Path, demon: &Path, start_engine: StartEngine, restarts: Restarts) -> Self {
        fs::create_dir_all(folder.join("logs")).expect("a folder");
        fs::write(folder.join("asound.conf"), "pcm.paced { type null }\n").expect("a file");
        let sizes = Sizes { boxes: 4, window_frames: 144_000, tape_frames: TAPE * 6 };
        let shared = SharedArena::create(sizes).expect("memory");
        let mut world = Self {
            folder: folder.to_owned(),
            shared,
            start_engine,
            restarts,
            child: None,
            player: None,
            engine: None,
            recording: None,
            lives: Vec::new(),
            sent: Sent::default(),
            demon: demon.to_owned(),
        };
        world.start_player();
        world.engine = Some(world.engine_process());
        world
    }

    /// The meters of the player.
    pub fn meters(&self) -> SharedMeters {
        SharedMeters::of(&self.shared.arena)
    }

    /// The number of the engine's process.
    pub fn engine_id(&self) -> u32 {
        self.engine.as_ref().expect("an engine").id()
    }

    pub fn runtime(&self) -> PathBuf {
        self.folder.join("runtime")
    }

    /// A life begins with the memory as the next player finds it.
    fn begin_life(&mut self) {
        let arena = &self.shared.arena;
        // What the player does when it starts: it finds the same.
        drop(Player::attached(arena));
        let memory = arena.memory().words().iter().map(|it| it.load(Relaxed)).collect();
        let begun = SharedMeters::of(arena).playhead().played.count();
        self.recording = Some(Recording::start(arena, Life { memory, begun, ..Life::default() }));
    }

    fn start_player(&mut self) {
        self.begin_life();
        let mut command = Command::new(&self.demon);
        command.args(["player", "--memory", "--device", "paced", "--runtime"]).arg(self.runtime());
        command.env("ALSA_CONFIG_PATH", self.folder.join("asound.conf")).current_dir(&self.folder);
        let memory = self.shared.descriptor().try_clone_to_owned().expect("a descriptor");
        command.stdin(Stdio::from(memory)).stdout(Stdio::null()).stderr(self.says("player.txt"));
        let child = command.spawn().expect("the player starts");
        self.player = Some(Pid::from_child(&child));
        self.child = Some(child);
    }

    /// Where a process of that kind writes what it has to say.
    fn says(&self, name: &str) -> fs::File {
        fs::File::options().create(true).append(true).open(self.folder.join(name)).expect("a file")
    }

    fn engine_process(&self) -> Child {
        let mut command = (self.start_engine)(&self.folder);
        command.stdout(self.says("engine.txt")).stderr(self.says("engine.txt"));
        command.env("ALSA_CONFIG_PATH", self.folder.join("asound.conf")).current_dir(&self.folder);
        command.spawn().expect("the engine starts")
    }

    /// Frames that were heard, and windows that were taken, in this life.
    pub fn seen(&self) -> (u64, u64) {
        let life = self.recording.as_ref().expect("a life").state.lock().expect("the recorder lives");
        let windows = life.events.iter().filter(|it| matches!(it.event, Event::Window { .. })).count();
        (life.begun + life.heard.len() as u64, windows as u64)
    }

    /// The newest epoch of which a window was taken.
    fn newest(&self) -> u64 {
        let life = self.recording.as_ref().expect("a life").state.lock().expect("the recorder lives");
        let epoch = |it: &Taken| match it.event {
            Event::Window { epoch, .. } => epoch,
            _ => 0,
        };
        life.events.iter().map(epoch).max().unwrap_or(0)
    }

    /// Waits until it is true; how long that took.
    pub fn until(&self, what: &str, is: impl Fn(&Self) -> bool) -> Duration {
        let begun = Instant::now();
        while !is(self) {
            if PATIENCE < begun.elapsed() {
                let said = ["player.txt", "engine.txt"].map(|it| fs::read_to_string(self.folder.join(it)));
                panic!("never: {what}: {said:#?}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        begun.elapsed()
    }

    /// Until the sound goes on by so many frames.
    pub fn plays(&self, frames: u64) -> Duration {
        let (heard, _) = self.seen();
        self.until("the sound goes on", |it| heard + frames <= it.seen().0)
    }

    /// Until a window of the engine of now is taken that was sent from now on.
    pub fn windows_come(&self) -> Duration {
        let (_, windows) = self.seen();
        self.until("windows come", |it| windows < it.seen().1)
    }

    /// Kills the engine, starts another; how long until a window of that one is taken.
    pub fn kill_engine(&mut self) -> Duration {
        let mut engine = self.engine.take().expect("an engine");
        let process = engine.id();
        signal(&engine, Signal::KILL);
        engine.wait().expect("our child");
        self.read_log(process);
        let (before, begun) = (self.newest(), Instant::now());
        self.engine = Some(self.engine_process());
        self.until("a window of the new engine comes", |it| before < it.newest());
        begun.elapsed()
    }

    /// Stops the engine for a while; frames that were heard meanwhile.
    pub fn stop_engine(&self, time: Duration) -> u64 {
        let engine = self.engine.as_ref().expect("an engine");
        signal(engine, Signal::STOP);
        let (before, _) = self.seen();
        std::thread::sleep(time);
        let (after, _) = self.seen();
        signal(engine, Signal::CONT);
        after - before
    }

    /// Kills the player, and has it started again with what it left; how long until it is heard.
    pub fn kill_player(&mut self) -> Duration {
        // An engine that would start it at once is held until the memory is taken down as it was left.
        let held = self.engine.as_ref().filter(|_| self.restarts == Restarts::Engine);
        if let Some(engine) = held {
            signal(engine, Signal::STOP);
            self.until("the engine is held", |_| state_of(Pid::from_child(engine)) == Some('T'));
        }
        let player = self.player.take().expect("a player");
        let _ = kill_process(player, Signal::KILL);
        self.see_it_go(player);
        let mut life = self.recording.take().expect("a life").end();
        let begun = match self.restarts {
            Restarts::Test => {
                let begun = Instant::now();
                self.start_player();
                begun
            }
            Restarts::Engine => {
                self.begin_life();
                signal(self.engine.as_ref().expect("an engine"), Signal::CONT);
                Instant::now()
            }
        };
        let (heard, _) = self.seen();
        self.until("the player is heard again", |it| heard < it.seen().0);
        let time = begun.elapsed();
        if SLOW < time {
            let said = ["player.txt", "engine.txt"].map(|it| fs::read_to_string(self.folder.join(it)));
            let last =
                said.map(|it| it.unwrap_or_default().lines().rev().take(8).map(str::to_owned).collect::<Vec<_>>());
            eprintln!("a player was back after {time:?}; said last, the newest first: {last:#?}");
        }
        self.player = self.player.or_else(|| who_listens(&self.runtime()));
        life.left = tape_of(&self.lives_memory());
        self.lives.push(life);
        time
    }

    /// Waits until a player is no more.
    fn see_it_go(&mut self, player: Pid) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("our child");
        }
        // One that its engine started is that one's to be waited for. Its threads die one by one, and may write until then.
        self.until("the player is gone", |_| !lives(player));
    }

    /// The memory with which the life of now began.
    fn lives_memory(&self) -> Vec<u64> {
        self.recording.as_ref().expect("a life").state.lock().expect("the recorder lives").memory.clone()
    }

    /// Ends both in order, and reads what is left to be read. How long that took.
    pub fn end(&mut self) -> Duration {
        let begun = Instant::now();
        let told = stop(&self.runtime(), PATIENCE).expect("it ends");
        assert!(told.is_none(), "{told:?}");
        let player = self.player.take().expect("a player");
        self.see_it_go(player);
        let mut engine = self.engine.take().expect("an engine");
        let process = engine.id();
        if self.restarts == Restarts::Engine {
            // It goes with its player, and there is nothing wrong with that.
            assert!(
                engine.wait().expect("our child").success(),
                "{:?}",
                fs::read_to_string(self.folder.join("engine.txt"))
            );
        }
        let time = begun.elapsed();
        signal(&engine, Signal::KILL);
        engine.wait().expect("our child");
        self.lives.push(self.recording.take().expect("a life").end());
        self.read_log(process);
        time
    }

    /// What an engine that is no more wrote down.
    fn read_log(&mut self, process: u32) {
        let path = self.folder.join("logs").join(format!("{process}.log"));
        let bytes = fs::read(&path).unwrap_or_default();
        let entries =
            witness::read(&bytes).unwrap_or_else(|at| panic!("{}: byte {at} does not add up", path.display()));
        entries.into_iter().for_each(|it| self.sent.add(it));
        let _ = fs::remove_file(path);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The engine first: it would start the player again.
        for child in self.engine.iter_mut().chain(&mut self.child) {
            signal(child, Signal::KILL);
            let _ = child.wait();
        }
        if let Some(player) = self.player.take() {
            let _ = kill_process(player, Signal::KILL);
        }
    }
}

/// The tape that stands in a memory.
fn tape_of(words: &[u64]) -> Option<Vec<StereoFrame>> {
    use engine::boundary::{HeapMemory, Memory as _};
    let memory = HeapMemory::zeroed(words.len());
    memory.words().iter().zip(words).for_each(|(to, from)| to.store(*from, Relaxed));
    let arena = Arena::open(Arc::new(memory)).ok()?;
    Standing::read(&arena)?;
    Some(Player::attached(&arena).player.tape().frames().to_vec())
}

/// What a process does, as the system says it in a letter; nothing of one that is no more.
fn state_of(process: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a thread of a process still runs.
fn lives(process: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).into_iter().flatten();
    let number = |it: fs::DirEntry| it.file_name().to_str()?.parse().ok().and_then(Pid::from_raw);
    threads.filter_map(Result::ok).filter_map(number).any(|it| !matches!(state_of(it), None | Some('Z' | 'X')))
}

/// The process that listens where engines knock.
fn who_listens(runtime: &Path) -> Option<Pid> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).ok()?;
    connect(&socket, &SocketAddrUnix::new(runtime.join("player.sock")).ok()?).ok()?;
    Some(socket_peercred(&socket).ok()?.pid)
}

fn signal(child: &Child, signal: Signal) {
    let _ = kill_process(Pid::from_child(child), signal);
}

impl Recording {
    fn start(arena: &Arena, life: Life) -> Self {
        let (state, ended) = (Arc::new(Mutex::new(life)), Arc::new(AtomicBool::new(false)));
        let mut trace = TraceReader::from_now_on(arena);
        let (mine, stop) = (Arc::clone(&state), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            loop {
                let last = stop.load(Relaxed);
                record(&mut mine.lock().expect("nobody panics"), &mut trace);
                if last {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        });
        Self { state, ended, thread }
    }

    fn end(self) -> Life {
        self.ended.store(true, Relaxed);
        self.thread.join().expect("the recorder ends");
        let life = std::mem::take(&mut *self.state.lock().expect("nobody panics"));
        only_whole_steps(life)
    }
}

/// Takes down what there is since the last look.
fn record(life: &mut Life, trace: &mut TraceReader) {
    let next = life.begun + life.heard.len() as u64;
    let mut room = vec![[0.0; 2]; 48_000];
    // What was heard in the life before lies there too: its head may be a period further.
    if trace.head() > next {
        match trace.hear(next, &mut room) {
            Heard::Frames(frames) => life.heard.extend_from_slice(&room[..frames]),
            Heard::Missed(oldest) => {
                life.gaps += oldest - next;
                life.heard.resize(life.heard.len() + (oldest - next) as usize, [0.0; 2]);
            }
        }
    }
    loop {
        match trace.taken() {
            Ok(Some(taken)) => life.events.push(taken),
            Ok(None) => break,
            Err(missed) => life.gaps += missed,
        }
    }
}

/// Leaves out what is no whole step: of a step that was cut off nothing was heard.
fn only_whole_steps(mut life: Life) -> Life {
    let whole = life.heard.len() / PERIOD * PERIOD;
    life.heard.truncate(whole);
    life
}

/// How often something took so long, for a table.
#[derive(Default)]
pub struct Times(pub BTreeMap<&'static str, Vec<Duration>>);

impl Times {
    pub fn add(&mut self, what: &'static str, time: Duration) {
        self.0.entry(what).or_default().push(time);
    }
}
