//! A sequencer to pull plugs on: clients that come, go, play and flood when told to.
//!
//! It connects like midir does: each connection that hears has a thread, and ending it waits for that thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::port::{Address, Hear, Mouth, News, Port, Sequencer};
use crate::gesture::VirtualClock;

/// A sequencer and all its clients. Clones are the same one.
#[derive(Clone, Default)]
pub struct FakeSeq {
    shared: Arc<Shared>,
    clock: VirtualClock,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ports: Vec<Port>,
    /// What was played and not heard yet, by connection.
    wires: Vec<Wire>,
    /// What was said, by port.
    told: Vec<(Address, Vec<u8>)>,
    went: Vec<Address>,
    /// It comes when the ports have just been listed.
    late: Option<Port>,
    news: bool,
    /// How often the watcher went to wait for news since the late one came.
    waits: usize,
    clogged: bool,
}

/// A connection that hears.
struct Wire {
    from: Address,
    /// Its number among all.
    id: usize,
    messages: VecDeque<Vec<u8>>,
    open: bool,
}

/// The end of a connection whose other end has left.
const NOWHERE: Address = Address { client: -1, port: -1 };
/// Our own ports: the system's own client has none that a test would want.
const OWN: Address = Address { client: 0, port: 0 };

impl FakeSeq {
    /// The address of our own port in [`told`](Self::told).
    pub const OWN: Address = OWN;

    /// The time that everything here lives in.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// A client with this number and one port each for `ports`, which speak and listen; `card` where it is hardware.
    pub fn plug(&self, client: i32, name: &str, ports: &[&str], card: Option<u32>) {
        for (port, called) in ports.iter().enumerate() {
            let address = Address { client, port: i32::try_from(port).unwrap_or(i32::MAX) };
            let (client, name) = (name.to_owned(), (*called).to_owned());
            self.plug_port(Port { address, client, name, card, speaks: true, listens: true });
        }
    }

    /// A port of any kind.
    pub fn plug_port(&self, port: Port) {
        self.change(|state| {
            state.ports.push(port);
            state.news = true;
        });
    }

    /// A port that comes right after the next time that ports are listed, and is announced before the listing is looked at.
    pub fn plug_behind_the_list(&self, port: Port) {
        self.change(|state| state.late = Some(port));
    }

    /// A client leaves with all its ports. What it said before is still heard.
    pub fn unplug(&self, client: i32) {
        self.change(|state| {
            state.ports.retain(|it| it.address.client != client);
            // What is connected to it is connected to nothing, whoever gets its numbers.
            state.wires.iter_mut().filter(|it| it.from.client == client).for_each(|it| it.from = NOWHERE);
            state.went.push(Address { client, port: -1 });
            state.news = true;
        });
    }

    /// A client leaves and comes back with the same numbers, all before anyone looks.
    pub fn replug(&self, client: i32) {
        let ports: Vec<Port> = self.state().ports.iter().filter(|it| it.address.client == client).cloned().collect();
        self.unplug(client);
        ports.into_iter().for_each(|port| self.plug_port(port));
    }

    /// A client leaves and another one gets its number, and what was announced of it is lost, as when too much was announced
    /// at once.
    pub fn replace(&self, client: i32, name: &str) {
        self.change(|state| {
            state.ports.iter_mut().filter(|it| it.address.client == client).for_each(|port| {
                name.clone_into(&mut port.client);
                port.card = None;
            });
            state.wires.iter_mut().filter(|it| it.from.client == client).for_each(|it| it.from = NOWHERE);
            state.news = true;
        });
    }

    /// One message from a port, to everyone who hears it.
    pub fn play(&self, from: Address, message: &[u8]) {
        self.change(|state| {
            let wires = state.wires.iter_mut().filter(|it| it.from == from && it.open);
            wires.for_each(|it| it.messages.push_back(message.to_vec()));
        });
    }

    /// One message to our own port.
    pub fn play_to_us(&self, message: &[u8]) {
        self.play(OWN, message);
    }

    /// From now on nothing takes what is said, or everything does again.
    pub fn clog(&self, clogged: bool) {
        self.change(|state| state.clogged = clogged);
    }

    /// Messages from a port that nobody has heard yet.
    #[must_use]
    pub fn unheard(&self, from: Address) -> usize {
        self.state().wires.iter().filter(|it| it.from == from).map(|it| it.messages.len()).sum()
    }

    /// Whether whoever waits for news has had all of it.
    #[must_use]
    pub fn noticed(&self) -> bool {
        !self.state().news
    }

    /// What was said since the last call, and to whom.
    #[must_use]
    pub fn told(&self) -> Vec<(Address, Vec<u8>)> {
        std::mem::take(&mut self.state().told)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.shared.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn hears(&self, from: Address, mut hear: Hear) -> FakeEar {
        let id = {
            let mut state = self.state();
            let id = state.wires.iter().map(|it| it.id + 1).max().unwrap_or(0);
            state.wires.push(Wire { from, id, messages: VecDeque::new(), open: true });
            id
        };
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::spawn(move || {
            while let Some(message) = shared.next(id) {
                hear(&message);
            }
        });
        FakeEar { id, shared: Arc::clone(&self.shared), thread: Some(thread) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while holding it has already said so.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message on a wire; none once it is closed and heard out.
    fn next(&self, id: usize) -> Option<Vec<u8>> {
        let silent = |state: &mut State| {
            state.wires.iter().find(|it| it.id == id).is_some_and(|it| it.open && it.messages.is_empty())
        };
        let waited = self.changed.wait_while(self.state(), silent);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.wires.iter_mut().find(|it| it.id == id)?.messages.pop_front()
    }
}

impl Sequencer for FakeSeq {
    type In = FakeEar;
    type Out = FakeMouth;
    type News = FakeNews;

    fn ports(&self) -> Vec<Port> {
        let mut state = self.state();
        let ports = state.ports.clone();
        if let Some(late) = state.late.take() {
            state.ports.push(late);
            (state.news, state.waits) = (true, 0);
            self.shared.changed.notify_all();
            // Until the watcher has word of it and waits for more.
            drop(self.shared.changed.wait_while(state, |state| state.news || state.waits == 0));
        }
        ports
    }

    fn listen(&self, to: Address, hear: Hear) -> Option<FakeEar> {
        let speaks = self.state().ports.iter().any(|it| it.address == to && it.speaks);
        speaks.then(|| self.hears(to, hear))
    }

    fn speak(&self, to: Address) -> Option<FakeMouth> {
        let listens = self.state().ports.iter().any(|it| it.address == to && it.listens);
        listens.then(|| FakeMouth { to, shared: Arc::clone(&self.shared) })
    }

    fn own_ear(&self, hear: Hear) -> Option<FakeEar> {
        Some(self.hears(OWN, hear))
    }

    fn own_mouth(&self) -> Option<FakeMouth> {
        Some(FakeMouth { to: OWN, shared: Arc::clone(&self.shared) })
    }

    fn news(&self) -> Option<FakeNews> {
        Some(FakeNews(Arc::clone(&self.shared)))
    }
}

/// A connection that hears.
pub struct FakeEar {
    id: usize,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for FakeEar {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.wires.iter_mut().filter(|it| it.id == self.id).for_each(|it| it.open = false);
        drop(state);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("what hears does not panic");
        }
    }
}

/// A connection that is spoken into.
pub struct FakeMouth {
    to: Address,
    shared: Arc<Shared>,
}

impl Mouth for FakeMouth {
    fn send(&mut self, message: &[u8]) -> Result<(), String> {
        let mut state = self.shared.state();
        if state.clogged {
            return Err("the sequencer has no room".to_owned());
        }
        state.told.push((self.to, message.to_vec()));
        Ok(())
    }
}

/// Word of who comes and goes.
pub struct FakeNews(Arc<Shared>);

impl News for FakeNews {
    fn wait(&mut self, patience: Duration) -> Option<Vec<Address>> {
        let mut state = self.0.state();
        state.waits += 1;
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_timeout_while(state, patience, |state| !state.news);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.news).then(|| std::mem::take(&mut state.went))
    }
}
