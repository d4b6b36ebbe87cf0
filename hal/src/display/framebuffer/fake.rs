//! Memory that stands for a screen, and whose plug can be pulled. Like the kernel's framebuffers on graphics drivers (seen
//! in 6.1), it shows nothing of a write that stays within one line and ends where the line ends.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Glass, PixelLayout};

/// A screen's memory; clones are the same screen.
#[derive(Clone, Debug)]
pub struct FakeGlass(Arc<Mutex<Inside>>);

#[derive(Debug)]
struct Inside {
    bytes: Vec<u8>,
    /// For each byte whether it lies in a line, not between lines.
    visible: Vec<bool>,
    stride: usize,
    written: usize,
    stray: usize,
    gone: bool,
}

impl FakeGlass {
    /// A screen full of noise.
    #[must_use]
    pub fn new(layout: &PixelLayout) -> Self {
        let bytes = layout.stride * layout.height;
        let in_line = |at: usize| at % layout.stride.max(1) < layout.width * layout.bytes;
        Self(Arc::new(Mutex::new(Inside {
            bytes: (0..bytes).map(|at| (at * 77 + 13) as u8).collect(),
            visible: (0..bytes).map(in_line).collect(),
            stride: layout.stride.max(1),
            written: 0,
            stray: 0,
            gone: false,
        })))
    }

    /// Pulls the plug; the memory is lost.
    pub fn unplug(&self) {
        let mut inside = self.inside();
        inside.gone = true;
        inside.bytes.fill(0x5a);
    }

    /// Puts it back in.
    pub fn replug(&self) {
        self.inside().gone = false;
    }

    /// A pixel as a number.
    #[must_use]
    pub fn pixel(&self, layout: &PixelLayout, x: usize, y: usize) -> u32 {
        let at = y * layout.stride + x * layout.bytes;
        let inside = self.inside();
        let bytes = &inside.bytes[at..at + layout.bytes];
        match bytes {
            [a, b] => u32::from(u16::from_ne_bytes([*a, *b])),
            [a, b, c, d] => u32::from_ne_bytes([*a, *b, *c, *d]),
            other => panic!("a screen of {} bytes a pixel is refused", other.len()),
        }
    }

    /// Bytes written since the beginning.
    #[must_use]
    pub fn written(&self) -> usize {
        self.inside().written
    }

    /// Bytes written outside the lines or the memory.
    #[must_use]
    pub fn stray(&self) -> usize {
        self.inside().stray
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("no test panics while it holds the screen")
    }
}

impl Glass for FakeGlass {
    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        let mut inside = self.inside();
        if inside.gone {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let end = at + bytes.len();
        let lost = end == (at / inside.stride + 1) * inside.stride;
        for (place, byte) in (at..).zip(bytes) {
            inside.written += 1;
            if lost {
                continue;
            }
            if inside.visible.get(place) == Some(&true) { inside.bytes[place] = *byte } else { inside.stray += 1 }
        }
        Ok(())
    }
}
