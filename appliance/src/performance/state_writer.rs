//! Writes whatever is kept of a performance to the disk, on a thread that nobody waits for: the last state, scenes that were kept, patches
//! that are saved.
//!
//! Of a state and of a file of scenes the latest counts; what is asked of a patch's file is done one after the other and never left out. A state
//! that is handed over before a patch is saved is on the disk before the patch is: so it is known to belong to either. A patch that comes again
//! is there before a state that speaks of it. What the disk says is
//! told when it is asked for: once when it begins to fail, and once when it is over. What was refused is tried again with the next state. After each
//! state it is looked how much room the disk has left, so that it is said before nothing fits any more.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::files::volume::{LEAST_ROOM, room};
use crate::files::{FileError, shown, write_whole};
use crate::performance::ending::{End, Leave, Running};
use crate::performance::handed::Handed;
use crate::performance::on_purpose::{Who, crash_if_asked};
use crate::performance::patch_jobs::{PatchDone, PatchJob};
use crate::settings::last_state::{LastState, text};
use crate::settings::patch::Patch;
use crate::settings::saves::Saves;
use crate::settings::set_list::KeptFile;

/// What the thread is called.
pub const STATE_WRITER: &str = "last state";

/// What is to be written, and what became of what was.
#[derive(Debug, Default)]
struct Slot {
    next: Option<LastState>,
    /// Files of kept scenes.
    kept: BTreeMap<PathBuf, Option<Box<Patch>>>,
    /// Whether the disk refused one of them: then they wait for the next state.
    refused: bool,
    jobs: VecDeque<PatchJob>,
    done: Vec<PatchDone>,
    /// What went wrong with the state and with kept scenes; nothing where they are on the disk.
    faults: [Option<String>; 2],
    is_told: bool,
    /// That the disk is nearly full, in words, where that was not told yet; of a disk with room, nothing.
    scarce: Option<Option<String>>,
    is_scarce: bool,
    ends: bool,
    #[cfg(test)]
    is_writing: bool,
}

impl Slot {
    fn tell(&mut self, of: usize, done: Result<(), FileError>) {
        self.faults[of] = done.err().map(|it| it.to_string());
        self.is_told = false;
    }

    /// What went wrong, where that was not told yet.
    fn told(&mut self) -> Option<Option<String>> {
        (!std::mem::replace(&mut self.is_told, true)).then(|| self.faults.iter().flatten().next().cloned())
    }

    /// So many bytes are free: words about it are made where that is another matter than before.
    fn has_room(&mut self, folder: &Path, free: u64) {
        let is_scarce = free < LEAST_ROOM;
        if std::mem::replace(&mut self.is_scarce, is_scarce) != is_scarce {
            let words = || {
                format!(
                    "the disk is nearly full: {} MB are free in {}; remove takes or recordings",
                    free / 1_000_000,
                    shown(&folder)
                )
            };
            self.scarce = Some(is_scarce.then(words));
        }
    }

    /// What is written next; none when there is none to come.
    fn next_or_end(&mut self) -> Option<Option<Next>> {
        let next = self.next();
        #[cfg(test)]
        {
            self.is_writing = next.is_some();
        }
        if next.is_some() { Some(next) } else { self.ends.then_some(None) }
    }

    fn next(&mut self) -> Option<Next> {
        // A state that says that a patch plays is not to be there before the patch is.
        if self.jobs.iter().any(PatchJob::comes_before_a_state) {
            return self.jobs.pop_front().map(Next::Job);
        }
        if let Some(state) = self.next.take() {
            return Some(Next::State(Box::new(state)));
        }
        if !self.refused
            && let Some((path, scenes)) = self.kept.pop_first()
        {
            return Some(Next::Kept(KeptFile { path, scenes }));
        }
        self.jobs.pop_front().map(Next::Job)
    }
}

/// What is written next.
enum Next {
    State(Box<LastState>),
    Kept(KeptFile),
    Job(PatchJob),
}

impl Handed<Slot> {
    fn write(&self, next: Next, path: &Path, saves: &Saves, newest: &mut u32) {
        match next {
            Next::State(state) => {
                let done = write_whole(path, text(&state).as_bytes());
                self.slot().tell(0, done);
                let folder = path.parent().unwrap_or(Path::new("."));
                // Where that cannot be asked, writing has said what is wrong.
                if let Ok(free) = room(folder) {
                    self.slot().has_room(folder, free);
                }
            }
            Next::Kept(file) => {
                let done = write_kept(&file);
                let mut slot = self.slot();
                if done.is_err() {
                    slot.refused = true;
                    slot.kept.entry(file.path).or_insert(file.scenes);
                }
                // Of several files the fault of one is not over because another could be written.
                if done.is_err() || slot.kept.is_empty() {
                    slot.tell(1, done);
                }
            }
            Next::Job(job) => {
                let done = job.done(saves, newest);
                self.slot().done.push(done);
            }
        }
    }
}

/// Writes a file of kept scenes, or takes it away.
fn write_kept(file: &KeptFile) -> Result<(), FileError> {
    let KeptFile { path, scenes } = file;
    match scenes {
        Some(scenes) => {
            // A folder that cannot be made is told by what cannot be written in it.
            let _ = path.parent().map(std::fs::create_dir_all);
            write_whole(path, scenes.scenes_to_text().as_bytes())
        }
        None => match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::writing(path)(error)),
            _ => Ok(()),
        },
    }
}

/// The end that hands over what is to be written.
#[derive(Debug)]
pub struct StateWriter {
    shared: Arc<Handed<Slot>>,
    thread: Running<()>,
}

impl StateWriter {
    /// Starts to write a state to a file, and what saves replace beside it.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(path: PathBuf, leave: &Leave) -> std::io::Result<Self> {
        let shared = Arc::<Handed<Slot>>::default();
        let its = Arc::clone(&shared);
        shared.slot().is_told = true;
        let thread = leave.spawn(STATE_WRITER, move || {
            let saves = Saves::of(path.parent().unwrap_or(Path::new(".")));
            let mut newest = 0;
            while let Some(next) = its.next(Slot::next_or_end) {
                crash_if_asked(Who::StateWriter);
                its.write(next, &path, &saves, &mut newest);
            }
        })?;
        Ok(Self { shared, thread })
    }

    /// Hands a state over, in the place of one that still waits. Does not wait for a disk.
    pub fn write(&self, state: LastState) {
        self.shared.hand_over(|it| (it.next, it.refused) = (Some(state), false));
    }

    /// Hands files of kept scenes over, each in the place of one that still waits.
    pub fn keep(&self, files: impl IntoIterator<Item = KeptFile>) {
        self.shared.hand_over(|slot| {
            slot.kept.extend(files.into_iter().map(|it| (it.path, it.scenes)));
            slot.refused = false;
        });
    }

    /// Asks for something to be done with a patch's file.
    pub fn ask(&self, job: PatchJob) {
        self.shared.hand_over(|it| it.jobs.push_back(job));
    }

    /// What was done with patches' files since the last call.
    pub fn done(&self) -> Vec<PatchDone> {
        std::mem::take(&mut self.shared.slot().done)
    }

    /// What became of what was tried since the last call: nothing of none, else what went wrong with it.
    pub fn told(&mut self) -> Option<Option<String>> {
        if matches!(self.thread.look(), Some(End::Crashed)) {
            return Some(Some("the thread that writes it crashed; please report it".to_owned()));
        }
        self.shared.slot().told()
    }

    /// Whether the disk has become nearly full since the last call, in words, or (nothing in it) has room again.
    pub fn scarce(&self) -> Option<Option<String>> {
        self.shared.slot().scarce.take()
    }

    /// Whether all that was handed over is on the disk, and all that was done is told.
    #[cfg(test)]
    pub fn rests(&self) -> bool {
        let slot = self.shared.slot();
        let waits = slot.next.is_some() || !slot.kept.is_empty() || !slot.jobs.is_empty() || !slot.done.is_empty();
        !waits && !slot.is_writing
    }

    /// Does something at a moment at which nothing more is begun: what a kill at that moment would leave is on the disk.
    #[cfg(test)]
    pub fn at_a_kill(&self, then: impl FnOnce()) {
        let _slot = self.shared.slot();
        then();
    }

    /// Writes what waits, and ends; by the deadline it is left to itself. Answers what went wrong.
    pub fn end(self, deadline: Instant) -> Vec<String> {
        self.shared.hand_over(|it| it.ends = true);
        match self.thread.join_by(deadline) {
            End::Done(()) => {
                let mut slot = self.shared.slot();
                let failed = slot.done.drain(..).filter_map(|it| match it {
                    PatchDone::Failed(words) => Some(words),
                    _ => None,
                });
                let mut told: Vec<String> = failed.collect();
                told.extend(slot.faults.iter_mut().filter_map(Option::take).map(|it| not_kept(&it)));
                told
            }
            End::Crashed | End::Not => vec![not_kept("it was not written in time")],
        }
    }
}

/// What it means that something is not on the disk.
pub(super) fn not_kept(why: &str) -> String {
    format!("{why}; what is played now is not kept for the next start")
}

#[cfg(test)]
mod tests {
    use super::{LEAST_ROOM, Path, Slot};

    #[test]
    fn a_disk_that_is_nearly_full_is_told_once_before_nothing_fits_and_once_when_there_is_room_again() {
        let (mut slot, folder) = (Slot::default(), Path::new("/var/lib/demon"));
        let mut told = |free| {
            slot.has_room(folder, free);
            slot.scarce.take()
        };
        assert_eq!([LEAST_ROOM * 9, LEAST_ROOM].map(&mut told), [None, None]);
        let words = "the disk is nearly full: 67 MB are free in /var/lib/demon; remove takes or recordings";
        assert_eq!(told(LEAST_ROOM - 1), Some(Some(words.to_owned())));
        assert_eq!([0, LEAST_ROOM - 1].map(&mut told), [None, None], "it is told once");
        assert_eq!(told(LEAST_ROOM), Some(None));
        assert_eq!(told(LEAST_ROOM), None);
    }
}
