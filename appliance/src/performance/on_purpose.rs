//! Crashes on purpose, for who checks what becomes of them (`demon run --crash`, `appliance/tests/faults_survived.rs`).
//!
//! Whoever may be asked looks once a turn at one word that nobody else writes; where nothing was asked that is a load.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::process::{Resource, getrlimit};

/// Who crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
pub enum Who {
    /// The tick thread.
    Tick,
    /// The decode thread.
    Decode,
    /// The conductor.
    Conductor,
    /// The thread that writes the last state.
    StateWriter,
    /// The thread that writes the tape.
    TapeWriter,
    /// The conductor, which takes all the memory that there is.
    Memory,
}

/// More than this is not taken, where no limit stands before it: 512 MiB, in MiB.
const MOST_TAKEN: usize = 512;
/// How long a limit is waited for.
const FOR_A_LIMIT: Duration = Duration::from_secs(30);

static ASKED: AtomicU8 = AtomicU8::new(0);

/// Asks for a crash at the next turn.
pub fn ask(who: Who) {
    ASKED.fetch_or(1 << who as u8, Relaxed);
}

/// Crashes where that was asked for.
#[inline]
pub fn crash_if_asked(who: Who) {
    if ASKED.load(Relaxed) & 1 << who as u8 != 0 {
        crash(who);
    }
}

#[cold]
fn crash(who: Who) {
    // Once: who goes on behind it is to go on.
    ASKED.fetch_and(!(1 << who as u8), Relaxed);
    if who == Who::Memory {
        take_all();
    }
    panic!("on purpose, as --crash asked");
}

fn take_all() {
    // Whoever asks sets a limit first, as soon as this process is there.
    let begun = Instant::now();
    while getrlimit(Resource::As).current.is_none() && begun.elapsed() < FOR_A_LIMIT {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut taken = Vec::new();
    while taken.len() < MOST_TAKEN {
        taken.push(vec![1_u8; 1 << 20]);
    }
}
