//! What should have been heard, and whether it was.
//!
//! A replay of a player's life: from the memory as it was when the life began, through what the player says that it obeyed and
//! when, with the sound that the engines wrote down before they sent it. The replay is one thread over memory of its own; nothing
//! is shared there, nobody dies, and every record is whole. It is compared with what was recorded behind the guard, sample for
//! sample. Where the player itself was killed, the tape that it left is compared with the replay's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use appliance::handover::witness::Entry;
use engine::boundary::{Arena, DESK_GAIN, DESK_MUTED, Event, HeapMemory, Memory as _, Taken, Window};
use engine::latent::StereoFrame;
use engine::playback::{
    AttachedPlayer, Epoch, LoopBand, Packer, PlayedFrame, Player, Tape, Transition, Transport, WindowPlan, attach,
    sum_of,
};

/// What a device takes at a time: the step in which a player obeys.
pub const PERIOD: usize = 256;
/// As what the replay's own engine is attached.
const EPOCH: u64 = 1;

/// What the engines sent, by epoch and number, and the tapes by their sums.
#[derive(Debug, Default)]
pub struct Sent {
    windows: BTreeMap<(u64, u64), (Window, Vec<StereoFrame>)>,
    tapes: BTreeMap<u64, Vec<StereoFrame>>,
}

impl Sent {
    /// A tape that an engine may bring.
    pub fn add_tape(&mut self, sound: Vec<StereoFrame>) {
        self.tapes.insert(sum_of(&sound), sound);
    }

    pub fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Window(epoch, window, sound) => drop(self.windows.insert((epoch, window.number), (window, sound))),
            Entry::Tape(sound) => drop(self.tapes.insert(sum_of(&sound), sound)),
        }
    }
}

/// One life of a player.
#[derive(Debug, Default)]
pub struct Life {
    /// All words of the memory when it began.
    pub memory: Vec<u64>,
    /// The count of frames played at which it began.
    pub begun: u64,
    /// What it obeyed.
    pub events: Vec<Taken>,
    /// What was heard of it, from that count on.
    pub heard: Vec<StereoFrame>,
    /// Counts that were never heard: somebody came too late, or a period is missing.
    pub gaps: u64,
    /// The tape that it left, where it was killed.
    pub left: Option<Vec<StereoFrame>>,
}

/// What came of the comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub frames: u64,
    pub windows: u64,
    /// Tapes that came in.
    pub tapes: u64,
    pub gaps: u64,
    pub wrong: u64,
    /// The count of the first wrong frame.
    pub first_wrong: Option<u64>,
    /// Events for which nobody had sent anything, or that are at no step's begin.
    pub foreign: u64,
    /// Frames of tapes left by killed players that are neither the replay's nor of the window that was being written.
    pub tape_wrong: u64,
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        (self.gaps, self.wrong, self.foreign, self.tape_wrong) == (0, 0, 0, 0) && 0 < self.frames
    }

    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.windows += other.windows;
        self.tapes += other.tapes;
        self.gaps += other.gaps;
        self.wrong += other.wrong;
        self.first_wrong = self.first_wrong.or(other.first_wrong);
        self.foreign += other.foreign;
        self.tape_wrong += other.tape_wrong;
    }
}

/// Plays a life again and compares.
pub fn judge(life: &Life, sent: &Sent) -> Verdict {
    let mut replay = Replay::new(&life.memory);
    let mut verdict = Verdict { gaps: life.gaps, ..Verdict::default() };
    let mut events: VecDeque<Taken> = life.events.iter().copied().collect();
    let mut out = [[0.0; 2]; PERIOD];
    // What was written when the life ended: places on the tape.
    let mut last: Option<Window> = None;
    for (i, heard) in life.heard.chunks_exact(PERIOD).enumerate() {
        let begun = life.begun + (i * PERIOD) as u64;
        let mut from = 0;
        while from < PERIOD {
            let now = begun + from as u64;
            while events.front().is_some_and(|it| it.now <= now) {
                let Some(Taken { now: at, event }) = events.pop_front() else { break };
                verdict.foreign += u64::from(at != now || !replay.obey(event, sent, &mut last));
                verdict.windows += u64::from(matches!(event, Event::Window { .. }));
                verdict.tapes += u64::from(matches!(event, Event::Swap { .. }));
            }
            // A tape begins to the sample, and a player's step ends there; it is loaded before the step in which it is played.
            let whole = begun + PERIOD as u64;
            let next = events.iter().filter(|it| matches!(it.event, Event::Swap { .. })).map(|it| it.now).next();
            let until = next.filter(|it| now < *it && *it < whole).unwrap_or(whole);
            let coming = events.iter().take_while(|it| it.now <= until);
            let swaps = coming.filter_map(|it| match it.event {
                Event::Swap { sum, position, fade } => Some((sum, position, fade)),
                _ => None,
            });
            if let Some((sum, position, fade)) = swaps.last() {
                replay.bring(sent.tapes.get(&sum), position, fade);
            }
            let to = (until - begun) as usize;
            replay.own.player.fill(&mut out[from..to]);
            replay.own.loader.poll();
            from = to;
        }
        for (k, (heard, expected)) in heard.iter().zip(&out).enumerate() {
            if heard.map(f32::to_bits) != expected.map(f32::to_bits) {
                verdict.wrong += 1;
                verdict.first_wrong = verdict.first_wrong.or(Some(begun + k as u64));
            }
        }
        verdict.frames += heard.len() as u64;
    }
    if let Some(left) = &life.left {
        let written: Vec<Window> = events.iter().filter_map(|it| replay.window(it.event, sent)).chain(last).collect();
        verdict.tape_wrong = tape_wrong(left, replay.own.player.tape().frames(), &written);
    }
    verdict
}

/// Frames of `left` that are not `expected`'s, and not in a window that was being written or the fade behind it.
fn tape_wrong(left: &[StereoFrame], expected: &[StereoFrame], written: &[Window]) -> u64 {
    if left.len() != expected.len() {
        return left.len().max(1) as u64;
    }
    let inside = |at: usize| {
        let of = |window: &Window| (at + left.len() - window.land as usize % left.len()) % left.len();
        written.iter().any(|it| of(it) < it.frames as usize + 480)
    };
    let wrong = |at: &usize| left[*at] != expected[*at] && !inside(*at);
    (0..left.len()).filter(wrong).count() as u64 + left.iter().flatten().filter(|it| !it.is_finite()).count() as u64
}

/// The player of the replay and its only engine.
struct Replay {
    arena: Arena,
    own: AttachedPlayer,
    packer: Packer,
    transport: Transport,
}

impl Replay {
    fn new(words: &[u64]) -> Self {
        let memory = HeapMemory::zeroed(words.len());
        memory.words().iter().zip(words).for_each(|(to, from)| to.store(*from, Relaxed));
        let arena = Arena::open(Arc::new(memory)).expect("the memory of a player");
        let own = Player::attached(&arena);
        own.grant.give(EPOCH);
        let epochs = Epoch::default();
        epochs.set(EPOCH);
        let (packer, transport) = attach(&arena, &epochs);
        Self { arena, own, packer, transport }
    }

    fn window(&self, event: Event, sent: &Sent) -> Option<Window> {
        let Event::Window { epoch, number } = event else { return None };
        sent.windows.get(&(epoch, number)).map(|it| it.0)
    }

    /// Does what the player did; false when nobody had sent that.
    fn obey(&mut self, event: Event, sent: &Sent, last: &mut Option<Window>) -> bool {
        match event {
            Event::Window { epoch, number } => {
                let Some((window, sound)) = sent.windows.get(&(epoch, number)) else { return false };
                *last = Some(*window);
                self.packer.collect(|_| ());
                let plan = WindowPlan {
                    tape: self.transport.tape(),
                    land: window.land as usize,
                    frames: sound.len(),
                    keep: window.keep as usize,
                    run_up: window.run_up as usize,
                    due: PlayedFrame::new(window.due),
                    planned: PlayedFrame::new(window.planned),
                };
                self.packer.send(&plan, window.feedback, |room| room.copy_from_slice(sound)).is_ok()
            }
            Event::Seek(position) => self.transport.seek(position as usize).is_ok(),
            Event::Band(start, end) => LoopBand::new(start as usize, end as usize, self.transport.tape_frames())
                .is_some_and(|band| self.transport.set_band(band).is_ok()),
            // It was brought the step before.
            Event::Swap { sum, .. } => sent.tapes.contains_key(&sum),
            Event::Gain(bits) => {
                self.arena.memory().words()[DESK_GAIN].store(bits.into(), Relaxed);
                self.arena.memory().words()[DESK_MUTED].store(0, Relaxed);
                true
            }
        }
    }

    fn bring(&mut self, tape: Option<&Vec<StereoFrame>>, position: u64, fade: u64) {
        if let Some(tape) = tape {
            let tape = Tape::new(tape.clone()).expect("a tape");
            let how = Transition { fade_frames: fade as usize, ..Transition::at_once(position as usize, tape.len()) };
            let berthed = self.transport.berth().bring(tape, 0).expect("room for a tape");
            self.transport.hand_over(berthed, &how).expect("room for an order");
        }
    }
}
