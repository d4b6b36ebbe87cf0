//! The memory itself: a file without a name, sealed against shrinking and growing, and mapped.
//!
//! A mapping of a file that somebody shortens kills whoever reads it. So the maker seals it before anybody else has it, and who is
//! handed one looks at the seals before it is mapped.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use engine::boundary::{Arena, ArenaFault, Memory, Sizes};
use engine::latent::SAMPLE_RATE_HZ;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::io::Errno;

use crate::files::Mapped;

/// What nobody can do any more to memory that is handed over.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// Window boxes: as many as in one process.
const BOXES: usize = 4;
/// The longest window, in stereo samples: 3 s.
const WINDOW_FRAMES: usize = 144_000;
/// Room for tapes where nobody asks for more, in stereo samples: ten minutes. What is not used costs nothing.
const TAPE_FRAMES: usize = 600 * SAMPLE_RATE_HZ as usize;

/// How large the memory is for a tape of so many stereo samples, or for the usual ones.
#[must_use]
pub fn sizes(tape_frames: usize) -> Sizes {
    Sizes { boxes: BOXES, window_frames: WINDOW_FRAMES, tape_frames: tape_frames.max(TAPE_FRAMES) }
}

/// Why there is no shared memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryFault {
    /// The system has none to give.
    #[error("no memory can be shared ({0})")]
    System(#[from] Errno),
    /// Somebody could take pages away.
    #[error("the shared memory that was handed over is not sealed")]
    Unsealed,
    /// It is not an arena.
    #[error(transparent)]
    Arena(#[from] ArenaFault),
}

/// An arena and the descriptor by which it is handed on.
#[derive(Debug)]
pub struct SharedArena {
    /// The arena.
    pub arena: Arena,
    descriptor: OwnedFd,
}

impl SharedArena {
    /// New memory. Pages are the system's affair until they are used: a slot for a long tape costs nothing before.
    ///
    /// # Errors
    /// See [`MemoryFault`].
    pub fn create(sizes: Sizes) -> Result<Self, MemoryFault> {
        let descriptor = memfd_create("demon-player", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&descriptor, 8 * sizes.words() as u64)?;
        fcntl_add_seals(&descriptor, SEALS)?;
        let arena = Arena::create(mapped(&descriptor)?, sizes)?;
        Ok(Self { arena, descriptor })
    }

    /// Memory that was handed over.
    ///
    /// # Errors
    /// See [`MemoryFault`].
    pub fn open(descriptor: OwnedFd) -> Result<Self, MemoryFault> {
        // What is no such file has no seals, and says so with an error of its own.
        if !fcntl_get_seals(&descriptor).is_ok_and(|it| it.contains(SealFlags::SHRINK | SealFlags::GROW)) {
            return Err(MemoryFault::Unsealed);
        }
        let arena = Arena::open(mapped(&descriptor)?)?;
        Ok(Self { arena, descriptor })
    }

    /// Whether another handle is of the same memory: what is written by one is read by the other.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let file = |it: &Self| fstat(&it.descriptor).map(|about| (about.st_dev, about.st_ino));
        matches!((file(self), file(other)), (Ok(one), Ok(another)) if one == another)
    }

    /// To be handed on.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Memory for Mapped {
    fn words(&self) -> &[AtomicU64] {
        self.words()
    }
}

/// A mapping of all of a sealed file.
fn mapped(file: &OwnedFd) -> Result<Arc<Mapped>, MemoryFault> {
    let told = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::NOMEM);
    Ok(Arc::new(Mapped::whole(file).map_err(told)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    const SIZES: Sizes = Sizes { boxes: 2, window_frames: 64, tape_frames: 128 };

    #[test]
    fn what_one_mapping_writes_the_other_reads_and_nobody_can_shorten_it() {
        let made = SharedArena::create(SIZES).expect("memory");
        let handed = made.descriptor().try_clone_to_owned().expect("a descriptor");
        assert_eq!(ftruncate(&handed, 4096), Err(Errno::PERM));
        let other = SharedArena::open(handed).expect("the same");
        made.arena.memory().words()[70].store(5, Relaxed);
        assert_eq!((other.arena.memory().words()[70].load(Relaxed), other.arena.sizes()), (5, SIZES));
        assert!(made.is_same_as(&other) && !made.is_same_as(&SharedArena::create(SIZES).expect("memory")));
    }

    #[test]
    fn memory_that_somebody_could_shorten_is_refused_whatever_lies_in_it() {
        let made = SharedArena::create(SIZES).expect("memory");
        let words = made.arena.memory().words();
        let loose = memfd_create("loose", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("memory");
        let bytes: Vec<u8> = words.iter().flat_map(|it| it.load(Relaxed).to_ne_bytes()).collect();
        assert_eq!(rustix::io::write(&loose, &bytes), Ok(bytes.len()));
        for seals in [SealFlags::empty(), SealFlags::GROW, SealFlags::SHRINK] {
            fcntl_add_seals(&loose, seals).expect("it may still be sealed");
            let handed = loose.try_clone().expect("a descriptor");
            let sealed = seals.contains(SealFlags::SHRINK);
            assert_eq!(matches!(SharedArena::open(handed), Err(MemoryFault::Unsealed)), !sealed, "{seals:?}");
        }
        let null = std::fs::File::open("/dev/null").expect("it is there");
        assert!(matches!(SharedArena::open(null.into()), Err(MemoryFault::Unsealed)));
    }
}
