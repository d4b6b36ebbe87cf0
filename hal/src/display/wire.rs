//! Bytes to a terminal, a pipe or a file that may take nothing: as much as it takes now, and never a wait.
//!
//! A terminal and a pipe are opened once more, without waiting: settings of an open file belong to all who hold it, so asking the
//! one that the shell gave not to wait would change it for the shell too. Where that is refused the given one is used in small
//! pieces, each only when the system says that there is room; a piece may then still wait, so writing belongs to a thread that
//! nobody waits for.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, write};

/// Bytes of a piece where a write may wait: of a pipe that has room at all, POSIX's `PIPE_BUF` is 4096 on Linux; of a terminal
/// that has room, the kernel's line discipline takes 256.
const PIECE: usize = 256;

/// The way to a terminal, a pipe or a file.
#[derive(Debug)]
pub struct TextWire {
    out: OwnedFd,
    /// Whether a write returns at once.
    prompt: bool,
}

impl TextWire {
    /// The way to what `out` leads to.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn onto(out: &impl AsFd) -> io::Result<Self> {
        let out = out.as_fd();
        let is_pipe = fstat(out).is_ok_and(|it| FileType::from_raw_mode(it.st_mode) == FileType::Fifo);
        // A regular file has a place of its own in each opening, and takes what it is given anyway.
        if is_pipe || out.is_terminal() {
            let again = format!("/proc/self/fd/{}", out.as_raw_fd());
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            if let Ok(out) = open(again, flags, Mode::empty()) {
                return Ok(Self { out, prompt: true });
            }
        }
        Ok(Self { out: out.try_clone_to_owned()?, prompt: false })
    }

    /// Offers bytes; answers how many were taken, 0 where there is no room now.
    ///
    /// # Errors
    /// When no more will ever be taken: the reader is gone, the disk is full.
    pub fn offer(&self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() || (!self.prompt && !self.room(Duration::ZERO, None)?) {
            return Ok(0);
        }
        let piece = if self.prompt { bytes.len() } else { bytes.len().min(PIECE) };
        match write(&self.out, &bytes[..piece]) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            taken => Ok(taken?),
        }
    }

    /// Waits until there is room, `news` has something to read, or `patience` is over; answers whether there is room. A wire
    /// whose reader is gone has room: the offer then says so.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn room(&self, patience: Duration, news: Option<&OwnedFd>) -> io::Result<bool> {
        let out = PollFd::new(&self.out, PollFlags::OUT);
        let mut two = [out, PollFd::new(news.unwrap_or(&self.out), PollFlags::IN)];
        let waited = if news.is_some() { &mut two[..] } else { &mut two[..1] };
        let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(waited, Some(&patience)) {
            Ok(_) => Ok(!waited[0].revents().is_empty()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TextWire;
    use std::io::{ErrorKind, Read};
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    /// What a wire takes until it takes no more.
    fn fill(wire: &TextWire) -> usize {
        std::iter::from_fn(|| Some(wire.offer(&[b'x'; 1000]).expect("a reader"))).take_while(|it| *it > 0).sum()
    }

    #[test]
    fn a_pipe_that_nobody_reads_takes_what_fits_and_holds_up_nobody() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let writer = OwnedFd::from(writer);
        for prompt in [true, false] {
            let wire = TextWire { prompt, ..TextWire::onto(&writer).expect("a descriptor") };
            let taken = fill(&wire);
            assert!(4096 <= taken, "{taken}");
            assert!(!wire.room(Duration::ZERO, None).expect("it can be asked"));
            reader.read_exact(&mut vec![0; taken]).expect("what was taken is there");
            assert!(wire.room(Duration::ZERO, None).expect("it can be asked"));
        }
    }

    #[test]
    fn the_given_opening_keeps_its_settings() {
        let (_reader, writer) = std::io::pipe().expect("a pipe");
        let writer = OwnedFd::from(writer);
        let before = rustix::fs::fcntl_getfl(&writer).expect("open");
        let wire = TextWire::onto(&writer).expect("a descriptor");
        assert!(wire.prompt, "/proc is there");
        assert_eq!(rustix::fs::fcntl_getfl(&writer).expect("open"), before);
    }

    #[test]
    fn a_reader_that_is_gone_and_a_full_disk_are_errors() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let wire = TextWire::onto(&OwnedFd::from(writer)).expect("a descriptor");
        drop(reader);
        assert!(wire.room(Duration::from_secs(20), None).expect("it can be asked"));
        assert_eq!(wire.offer(b"x").expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let wire = TextWire::onto(&OwnedFd::from(full)).expect("a descriptor");
        assert_eq!(wire.offer(b"x").expect_err("it is full").kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn news_ends_the_wait_for_room() {
        let (_reader, writer) = std::io::pipe().expect("a pipe");
        let wire = TextWire::onto(&OwnedFd::from(writer)).expect("a descriptor");
        fill(&wire);
        let (news, teller) = std::io::pipe().expect("a pipe");
        // The end of the pipe is news as well.
        drop(teller);
        assert!(!wire.room(Duration::from_secs(20), Some(&OwnedFd::from(news))).expect("it can be asked"));
    }
}
