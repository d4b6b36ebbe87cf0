//! A Linux framebuffer (`/dev/fb0`): HDMI and DSI screens, and small SPI screens with a kernel driver.
//!
//! The frame is shown as large as whole dots allow, in the middle, in two tones; only lines that changed are written, with
//! `pwrite`, so that a screen that goes away is an error and never a fault of memory. What the screen is like is asked
//! once, when it is opened; a screen that changes its mode must be opened again. The console's cursor may blink through:
//! the image turns it off (`vt.global_cursor_default=0`).

mod device;
mod fake;
mod pixels;

use std::io;
use std::path::Path;

use super::{Frame, Screen, ScreenError};
pub use fake::FakeGlass;
pub use pixels::{Channel, PixelLayout, Tones};

use device::Device;
use pixels::Placed;

/// Memory that shines.
pub trait Glass {
    /// Writes pixels from the byte `at` of the visible part on.
    ///
    /// # Errors
    /// When the screen is gone.
    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<()>;
}

/// A screen.
#[derive(Debug)]
pub struct Framebuffer<G> {
    glass: G,
    layout: PixelLayout,
    placed: Placed,
    tones: Tones,
    shown: Option<Frame>,
}

impl Framebuffer<Device> {
    /// Opens a framebuffer.
    ///
    /// # Errors
    /// [`ScreenError::Gone`] when it is not there, [`ScreenError::Unfit`] when its pixels are not of 16 or 32 bits in true
    /// colour, or too few.
    pub fn open(path: &Path, tones: Tones) -> Result<Self, ScreenError> {
        let (device, layout) = Device::open(path)?;
        Self::new(device, layout, tones, &path.display().to_string())
    }
}

impl<G: Glass> Framebuffer<G> {
    /// A screen of a known layout; `name` is for its errors.
    ///
    /// # Errors
    /// [`ScreenError::Unfit`] when the frame does not fit.
    pub fn new(glass: G, layout: PixelLayout, tones: Tones, name: &str) -> Result<Self, ScreenError> {
        let placed = Placed::of(&layout).map_err(|found| ScreenError::Unfit {
            device: name.to_owned(),
            found,
            expected: "16 or 32 bits a pixel in true colour, 128 by 64 pixels or more",
        })?;
        Ok(Self { glass, layout, placed, tones, shown: None })
    }

    fn write(&mut self, frame: &Frame) -> io::Result<()> {
        if self.shown.is_none() {
            let border = self.layout.line(self.tones.dark);
            self.write_lines(0, &vec![border; self.layout.height])?;
        }
        let same = |y: usize| {
            self.shown.as_ref().is_some_and(|shown| (0..Frame::WIDTH).all(|x| shown.lit(x, y) == frame.lit(x, y)))
        };
        let changed: Vec<usize> = (0..Frame::HEIGHT).filter(|y| !same(*y)).collect();
        for run in changed.chunk_by(|above, below| above + 1 == *below) {
            // Two lines at least, see `write_lines`.
            let first = run[0].min(Frame::HEIGHT - 2);
            let last = run[run.len() - 1].max(first + usize::from(self.placed.lines_of(first).len() == 1));
            let row = |y| self.placed.line(&self.layout, self.tones, |x| frame.lit(x, y));
            let lines: Vec<_> = (first..=last).flat_map(|y| vec![row(y); self.placed.lines_of(y).len()]).collect();
            self.write_lines(self.placed.lines_of(first).start, &lines)?;
        }
        Ok(())
    }

    /// Writes lines of one length from the line `top` on, in the middle.
    ///
    /// Lines that fill the memory from edge to edge go in one piece: the kernel's framebuffers on graphics drivers take a
    /// write of exactly one line for one of no width, and never show it.
    fn write_lines(&mut self, top: usize, lines: &[Vec<u8>]) -> io::Result<()> {
        let length = lines.first().map_or(0, Vec::len);
        if length == self.layout.stride {
            return self.glass.write(top * length, &lines.concat());
        }
        let left = if length == self.layout.width * self.layout.bytes { 0 } else { self.placed.start(&self.layout, 0) };
        (top..).zip(lines).try_for_each(|(y, line)| self.glass.write(y * self.layout.stride + left, line))
    }
}

impl<G: Glass> Screen for Framebuffer<G> {
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
        let written = self.write(frame);
        // After an error nothing is known of what stands: everything is written again.
        self.shown = written.is_ok().then(|| frame.clone());
        written.map_err(ScreenError::Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::{FakeGlass, Framebuffer, PixelLayout, Tones};
    use crate::display::{Frame, Screen, ScreenError};

    const AMBER: Tones = Tones { light: [255, 176, 0], dark: [16, 8, 0] };

    fn picture() -> Frame {
        let mut frame = Frame::default();
        (0..64).for_each(|y| (0..128).for_each(|x| frame.set(x, y, (x * 5 + y * 3 + x * y) % 7 < 3)));
        frame
    }

    /// Whether each pixel is what the frame, `scale` times as large in the middle, has there.
    fn shows(glass: &FakeGlass, layout: &PixelLayout, frame: &Frame, scale: usize) -> bool {
        let (left, top) = ((layout.width - 128 * scale) / 2, (layout.height - 64 * scale) / 2);
        (0..layout.height).all(|y| {
            (0..layout.width).all(|x| {
                let lit = x >= left && y >= top && frame.lit((x - left) / scale, (y - top) / scale);
                let tone = if lit { AMBER.light } else { AMBER.dark };
                glass.pixel(layout, x, y) == layout.pixel(tone)
            })
        })
    }

    #[test]
    fn the_frame_stands_in_the_middle_as_large_as_it_fits() {
        let sizes = [(128, 64, 1), (800, 480, 6), (1920, 1080, 15), (1280, 800, 10), (1024, 200, 3), (131, 67, 1)];
        for (width, height, scale) in sizes {
            let layouts = [PixelLayout::rgb565(width, height), PixelLayout::xrgb8888(width, height)];
            // Lines are longer than the picture on many screens.
            for (layout, more) in layouts.into_iter().flat_map(|it| [(it, 0), (it, 24)]) {
                let layout = PixelLayout { stride: layout.stride + more, ..layout };
                let glass = FakeGlass::new(&layout);
                let mut screen = Framebuffer::new(glass.clone(), layout, AMBER, "fb").unwrap();
                screen.show(&picture()).unwrap();
                assert!(shows(&glass, &layout, &picture(), scale), "{width} x {height}");
                screen.show(&Frame::default()).unwrap();
                assert!(shows(&glass, &layout, &Frame::default(), scale), "{width} x {height}, emptied");
                assert_eq!(glass.stray(), 0, "nothing outside the lines");
            }
        }
    }

    #[test]
    fn one_changed_dot_writes_one_line_of_dots() {
        let layout = PixelLayout::rgb565(320, 240);
        let glass = FakeGlass::new(&layout);
        let mut screen = Framebuffer::new(glass.clone(), layout, AMBER, "fb").unwrap();
        let mut frame = picture();
        screen.show(&frame).unwrap();
        let before = glass.written();
        screen.show(&frame).unwrap();
        assert_eq!(glass.written(), before);
        frame.set(5, 5, !frame.lit(5, 5));
        screen.show(&frame).unwrap();
        assert_eq!(glass.written() - before, 2 * 256 * 2, "two lines of 256 pixels of two bytes");
        assert!(shows(&glass, &layout, &frame, 2));
    }

    #[test]
    fn one_changed_dot_is_seen_on_a_screen_as_small_as_the_frame() {
        let layout = PixelLayout::rgb565(128, 64);
        let glass = FakeGlass::new(&layout);
        let mut screen = Framebuffer::new(glass.clone(), layout, AMBER, "fb").unwrap();
        let mut frame = picture();
        screen.show(&frame).unwrap();
        for y in [0, 20, 63] {
            frame.set(5, y, !frame.lit(5, y));
            screen.show(&frame).unwrap();
            assert!(shows(&glass, &layout, &frame, 1), "row {y}");
        }
    }

    #[test]
    fn a_screen_that_was_gone_is_written_whole() {
        let layout = PixelLayout::xrgb8888(256, 128);
        let glass = FakeGlass::new(&layout);
        let mut screen = Framebuffer::new(glass.clone(), layout, AMBER, "fb").unwrap();
        screen.show(&picture()).unwrap();
        glass.unplug();
        assert!(matches!(screen.show(&Frame::default()), Err(ScreenError::Gone(_))));
        glass.replug();
        screen.show(&picture()).unwrap();
        assert!(shows(&glass, &layout, &picture(), 2));
    }

    #[test]
    fn a_screen_that_cannot_be_drawn_on_says_what_it_is() {
        let paletted = PixelLayout { bytes: 1, ..PixelLayout::rgb565(640, 480) };
        let cases = [(paletted, "8 bits"), (PixelLayout::rgb565(100, 64), "100 by 64")];
        for (layout, words) in cases {
            let refused = Framebuffer::new(FakeGlass::new(&layout), layout, AMBER, "/dev/fb9").unwrap_err();
            assert!(matches!(&refused, ScreenError::Unfit { .. }), "{refused}");
            let said = refused.to_string();
            assert!(said.contains("/dev/fb9") && said.contains(words), "{said}");
        }
    }
}
