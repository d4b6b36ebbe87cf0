//! Standard output of a command that tells something, and standard error of all.
//!
//! A reader that has heard enough (`demon params | head`) is no fault: what it does not read is not told, and the command does
//! the rest of its work. A disk that is full is a fault, with its name.

use std::io::{self, ErrorKind, Write};

/// A writer whose reader may leave.
#[derive(Debug)]
pub struct Told<W: Write> {
    out: W,
    left: bool,
}

impl<W: Write> Told<W> {
    /// Tells `out`.
    pub const fn new(out: W) -> Self {
        Self { out, left: false }
    }

    fn heard<T>(&mut self, told: io::Result<T>, all: T) -> io::Result<T> {
        match told {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.left = true;
                Ok(all)
            }
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                Err(io::Error::new(error.kind(), format!("standard output: {error}")))
            }
            told => told,
        }
    }
}

impl<W: Write> Write for Told<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left {
            return Ok(bytes.len());
        }
        let told = self.out.write(bytes);
        self.heard(told, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.left {
            return Ok(());
        }
        let told = self.out.flush();
        self.heard(told, ())
    }
}

/// Says a sentence on standard error. Where nobody takes it there is nobody to say so to.
pub fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "{sentence}");
}

#[cfg(test)]
mod tests {
    use super::Told;
    use std::io::{Error, ErrorKind, Result, Write};

    /// Takes some bytes and then errs.
    struct Until(usize, ErrorKind);

    impl Write for Until {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            if self.0 == 0 {
                return Err(Error::from(self.1));
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_fault_and_a_full_disk_is_one() {
        let mut out = Told::new(Until(3, ErrorKind::BrokenPipe));
        assert!((0..3).all(|_| writeln!(out, "a line").is_ok()) && out.flush().is_ok());
        let mut out = Told::new(Until(3, ErrorKind::StorageFull));
        let fault = writeln!(out, "a line").expect_err("it is full");
        assert!(fault.to_string().starts_with("standard output: "), "{fault}");
    }
}
