//! Where the log's events go: to standard error or to systemd's journal, by a thread of its own, so that a terminal, a pipe or a
//! journal that nobody reads holds up nobody who logs.
//!
//! [`EVENTS`] may wait; those that come while it is full are left out, and their number is written when there is room.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Builder;
use std::time::Duration;

/// Events that may wait: some hundred kilobytes.
const EVENTS: usize = 1024;

enum Word<E> {
    Event(E),
    /// Everything before it is written: say so.
    Flush(Sender<()>),
}

/// What the thread puts somewhere.
#[derive(Debug, PartialEq, Eq)]
pub enum Put<E> {
    /// An event.
    Event(E),
    /// So many were left out: they came faster than they are taken.
    LeftOut(u64),
}

/// The log's writer. Clones write to the same.
#[derive(Debug)]
pub struct LogWriter<E> {
    words: SyncSender<Word<E>>,
    left_out: Arc<AtomicU64>,
}

impl<E> Clone for LogWriter<E> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), left_out: Arc::clone(&self.left_out) }
    }
}

impl<E: Send + 'static> LogWriter<E> {
    /// Starts the thread, which hands everything to `put`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(put: impl FnMut(Put<E>) + Send + 'static) -> io::Result<Self> {
        let (words, waiting) = sync_channel(EVENTS);
        let left_out = Arc::<AtomicU64>::default();
        let missed = Arc::clone(&left_out);
        Builder::new().name("log".to_owned()).spawn(move || write(put, &waiting, &missed))?;
        Ok(Self { words, left_out })
    }

    /// Takes an event, or counts it where there is no room; never waits.
    pub fn log(&self, event: E) {
        if self.words.try_send(Word::Event(event)).is_err() {
            self.left_out.fetch_add(1, Relaxed);
        }
    }

    /// Waits until what was logged is written, and no longer than `patience`: a program that ends does not wait for a reader.
    pub fn flush(&self, patience: Duration) {
        let (done, written) = channel();
        if self.words.try_send(Word::Flush(done)).is_ok() {
            // Late is as good as done: there is nothing more to be done about it.
            let _ = written.recv_timeout(patience);
        }
    }
}

/// What puts lines into a file, a terminal or a pipe.
pub fn lines_to(mut out: impl Write) -> impl FnMut(Put<Vec<u8>>) {
    // Nobody is left to be told that standard error is closed.
    let mut put = move |bytes: &[u8]| drop(out.write_all(bytes).and_then(|()| out.flush()));
    move |what| match what {
        Put::Event(event) => put(&event),
        Put::LeftOut(count) => put(format!("{}\n", left_out(count)).as_bytes()),
    }
}

/// That so many events are missing, in words.
#[must_use]
pub fn left_out(count: u64) -> String {
    format!("{count} events of the log were left out: they came faster than they are read")
}

impl Write for LogWriter<Vec<u8>> {
    /// Takes one event, which comes whole; never waits and never fails.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.log(event.to_vec());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write<E>(mut put: impl FnMut(Put<E>), words: &Receiver<Word<E>>, left_out: &AtomicU64) {
    while let Ok(word) = words.recv() {
        let done = match word {
            Word::Event(event) => {
                put(Put::Event(event));
                None
            }
            Word::Flush(done) => Some(done),
        };
        let missed = left_out.swap(0, Relaxed);
        if missed > 0 {
            put(Put::LeftOut(missed));
        }
        if let Some(done) = done {
            // It may have given up waiting.
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENTS, LogWriter, lines_to};
    use std::io::Write;
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
    use std::time::Duration;

    const MUST: Duration = Duration::from_secs(20);

    /// A pipe whose reader takes one write when it is told to, and who hears of each write that begins.
    struct Pipe(SyncSender<Vec<u8>>, Sender<()>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.1.send(());
            self.0.send(bytes.to_vec()).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn read(pipe: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(pipe.recv_timeout(MUST).expect("a write")).expect("text")
    }

    #[test]
    fn a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_left_out_is_counted() {
        let ((out, pipe), (began, begins)) = (sync_channel(0), channel());
        let mut log = LogWriter::start(lines_to(Pipe(out, began))).expect("a thread");
        let all = 3 * EVENTS;
        let mut write = |number: usize| log.write_all(format!("{number}\n").as_bytes()).expect("it never fails");
        write(0);
        // It is on its way before the others come: which of them find room does not depend on when it was fetched.
        begins.recv_timeout(MUST).expect("the first write begins");
        (1..all).for_each(&mut write);
        log.flush(Duration::from_millis(1));
        assert_eq!(read(&pipe), "0\n");
        let missed = all - EVENTS - 1;
        assert!(read(&pipe).starts_with(&format!("{missed} events of the log were left out")));
        (1..=EVENTS).for_each(|number| assert_eq!(read(&pipe), format!("{number}\n")));
    }

    #[test]
    fn what_was_logged_is_written_before_the_end() {
        let (out, pipe) = sync_channel(8);
        let mut log = LogWriter::start(lines_to(Pipe(out, channel().0))).expect("a thread");
        log.write_all(b"the last word").expect("it never fails");
        log.flush(MUST);
        assert_eq!(pipe.try_recv().expect("it is written"), b"the last word");
        drop(pipe);
        log.write_all(b"into a closed pipe").expect("it never fails");
        log.flush(MUST);
    }
}
