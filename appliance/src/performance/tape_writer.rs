//! Writes what the tape has become to the disk, on a thread that nobody waits for and that the last state's does not wait for either: a minute
//! of sound takes a slow card longer than hands can be asked to wait.
//!
//! The tape is copied while it plays ([`TapeReader`]), and only what has changed since the last time is a reason to write.

use std::sync::Arc;
use std::time::Instant;

use engine::boundary::{NoSnapshot, TapeReader};

use crate::performance::ending::{End, Leave, Running};
use crate::performance::handed::Handed;
use crate::performance::on_purpose::{Who, crash_if_asked};
use crate::settings::last_tape::{Changes, TapeFile, TapeOrigin};

/// What the thread is called.
pub const TAPE_WRITER: &str = "tape writer";

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// The tape is on the disk as it was when it was copied; so many stereo samples were written for it.
    Kept(usize),
    /// The tape could not be copied just now.
    Busy,
    /// The disk refused, in words; what was there before still is.
    Failed(String),
}

#[derive(Debug, Default)]
struct Slot {
    wanted: bool,
    /// Another tape plays: what it began as, and the sum of that.
    other: Option<(TapeOrigin, u64)>,
    told: Option<Wrote>,
    ends: bool,
}

impl Slot {
    /// Whether there is a wish; false when there is none to come.
    fn next(&mut self) -> Option<bool> {
        if std::mem::take(&mut self.wanted) { Some(true) } else { self.ends.then_some(false) }
    }
}

/// The end that asks.
#[derive(Debug)]
pub struct TapeWriter {
    shared: Arc<Handed<Slot>>,
    thread: Running<()>,
}

impl TapeWriter {
    /// Starts to write a tape to a file, when it is asked to.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(
        (mut file, mut recording): (TapeFile, u64),
        reader: TapeReader,
        leave: &Leave,
    ) -> std::io::Result<Self> {
        let shared = Arc::<Handed<Slot>>::default();
        let its = Arc::clone(&shared);
        let thread = leave.spawn(TAPE_WRITER, move || {
            // Without a file the next start has the recording, which is a tape without changes.
            let mut on_disk = (!file.is_there()).then(Changes::default);
            while its.next(Slot::next) {
                crash_if_asked(Who::TapeWriter);
                if let Some((origin, sum)) = its.slot().other.take() {
                    (file, recording, on_disk) = (file.with_origin(origin), sum, None);
                }
                let wrote = write((&file, recording), &reader, &mut on_disk);
                its.slot().told = Some(wrote);
            }
        })?;
        Ok(Self { shared, thread })
    }

    /// Has the tape written as it is now. Does not wait for it.
    pub fn write(&self) {
        self.shared.hand_over(|it| it.wanted = true);
    }

    /// From now on the tape is one that began so.
    pub fn plays(&self, origin: TapeOrigin, recording: u64) {
        self.shared.slot().other = Some((origin, recording));
    }

    /// What became of the last wish that was tried since the last call.
    pub fn told(&mut self) -> Option<Wrote> {
        if matches!(self.thread.look(), Some(End::Crashed)) {
            return Some(Wrote::Failed("the thread that writes it crashed; please report it".to_owned()));
        }
        self.shared.slot().told.take()
    }

    /// Carries out what waits, and ends; by the deadline it is left to itself. Answers as [`Self::told`].
    pub fn end(self, deadline: Instant) -> Option<Wrote> {
        self.shared.hand_over(|it| it.ends = true);
        match self.thread.join_by(deadline) {
            End::Done(()) => self.shared.slot().told.take(),
            End::Crashed | End::Not => Some(Wrote::Failed("it was not written in time".to_owned())),
        }
    }
}

/// Writes the tape where it is another than `on_disk`.
fn write((file, recording): (&TapeFile, u64), reader: &TapeReader, on_disk: &mut Option<Changes>) -> Wrote {
    if !file.origin().is_kept() {
        let _ = file.set_aside();
        return Wrote::Kept(0);
    }
    let tape = match reader.snapshot() {
        // Of another tape of the same length, the one before or the next, it would be none of this recording's.
        Ok(tape) if file.origin().is_of(&tape.sound) && tape.standing.recording == recording => tape.sound,
        Ok(_) | Err(NoSnapshot::Busy | NoSnapshot::NoTape) => return Wrote::Busy,
    };
    let changes = Changes::of(file.origin(), &tape);
    if on_disk.as_ref() == Some(&changes) {
        return Wrote::Kept(0);
    }
    match file.write(&tape, &changes) {
        Ok(()) => {
            let frames = changes.frames();
            *on_disk = Some(changes);
            Wrote::Kept(frames)
        }
        Err(error) => Wrote::Failed(error.to_string()),
    }
}
