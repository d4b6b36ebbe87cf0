//! OLED panels with an SSD1306 or SH1106 inside, over I2C or SPI.
//!
//! Both chips keep the picture in pages: eight dots of a column are one byte, 128 bytes a page. Both are addressed page by
//! page here, since that is the one way both know; the SH1106 has 132 columns of which the glass shows the middle 128.
//! Only the part of a page that changed is sent: a whole picture is 1080 bytes on the bus and takes 24.3 ms at 400 kHz, a
//! number that moves takes about 3. At 100 kHz a whole picture takes 97 ms, so such a bus shows ten frames a second at most.
//! After an error the chip is taken for new: the next frame starts it again and sends everything. A chip that lost its
//! memory without an error (a spark from the stage, a loose plug) is mended by [`Screen::tend`], a page a second.
//! Never reads from the chip: many modules leave the line out.

mod bus;
mod fake;
#[cfg(test)]
mod tests;

use super::{Frame, Screen, ScreenError};
pub use bus::{DataLine, I2cBus, I2cOled, OledBus, SpiBus, SpiOled};
pub use fake::{FakeOled, FakeOledError};

/// Dots of a column in one byte.
const PAGE_ROWS: usize = 8;
/// Pages of the tallest panel.
const PAGES: usize = Frame::HEIGHT / PAGE_ROWS;

/// Which chip drives the glass. A module's seller says so; 1.3 inch modules mostly have the SH1106, smaller ones the
/// SSD1306. With the wrong one the picture stands two columns aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// 128 columns of memory.
    Ssd1306,
    /// 132 columns of memory.
    Sh1106,
}

/// How a panel is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OledSetup {
    /// The chip.
    pub chip: Chip,
    /// Whether the glass has 32 rows instead of 64; it shows the upper half of a frame then.
    pub half: bool,
    /// Whether the module is built in upside down.
    pub upside_down: bool,
    /// Brightness, 0 (still to be read in the dark) to 255.
    pub contrast: u8,
}

impl OledSetup {
    /// An upright panel of 128 by 64 dots at middle brightness.
    #[must_use]
    pub const fn new(chip: Chip) -> Self {
        Self { chip, half: false, upside_down: false, contrast: 0x7f }
    }

    const fn pages(self) -> usize {
        if self.half { PAGES / 2 } else { PAGES }
    }

    /// The first column of memory that the glass shows.
    const fn first_column(self) -> usize {
        match self.chip {
            Chip::Ssd1306 => 0,
            Chip::Sh1106 => 2,
        }
    }

    /// What makes the chip drive this glass; harmless to a chip that already does, and leaves a lit panel lit.
    fn drive(self) -> Vec<u8> {
        let last_row = if self.half { 31 } else { 63 };
        // Clock at its default, all rows, no offset, the first row on top.
        let mut bytes = vec![0xd5, 0x80, 0xa8, last_row, 0xd3, 0x00, 0x40];
        match self.chip {
            // Charge pump on; page addressing.
            Chip::Ssd1306 => bytes.extend([0x8d, 0x14, 0x20, 0x02]),
            // Its own pump on, at 8 V.
            Chip::Sh1106 => bytes.extend([0xad, 0x8b, 0x32]),
        }
        bytes.extend(if self.upside_down { [0xa0, 0xc0] } else { [0xa1, 0xc8] });
        // Rows in turn on 32-row glass, interleaved on 64-row glass; precharge and rest voltage for an inner pump.
        bytes.extend([0xda, if self.half { 0x02 } else { 0x12 }, 0xd9, 0xf1, 0xdb, 0x40]);
        // Brightness; show the memory, not inverted.
        bytes.extend([0x81, self.contrast, 0xa4, 0xa6]);
        bytes
    }
}

/// The picture as the chip keeps it.
type Pages = [[u8; Frame::WIDTH]; PAGES];

/// A panel.
#[derive(Debug)]
pub struct Oled<B> {
    bus: B,
    setup: OledSetup,
    asleep: bool,
    /// What stands in the chip; nothing is known of it before the first frame and after an error.
    stands: Option<Pages>,
    /// The page that is mended next.
    mend: usize,
}

impl<B: OledBus> Oled<B> {
    /// A panel on a bus. Nothing is sent before the first frame.
    pub const fn new(bus: B, setup: OledSetup) -> Self {
        Self { bus, setup, asleep: false, stands: None, mend: 0 }
    }

    /// Sets the brightness, 0 to 255.
    ///
    /// # Errors
    /// [`ScreenError::Gone`]; the brightness is remembered for when the panel is back.
    pub fn set_contrast(&mut self, contrast: u8) -> Result<(), ScreenError> {
        self.setup.contrast = contrast;
        if self.stands.is_some() { self.send(|bus| bus.command(&[0x81, contrast])) } else { Ok(()) }
    }

    /// Darkens the glass or lights it again; the picture is kept.
    ///
    /// # Errors
    /// [`ScreenError::Gone`]; the wish is remembered for when the panel is back.
    pub fn sleep(&mut self, asleep: bool) -> Result<(), ScreenError> {
        self.asleep = asleep;
        let power = self.power();
        if self.stands.is_some() { self.send(|bus| bus.command(&[power])) } else { Ok(()) }
    }

    const fn power(&self) -> u8 {
        if self.asleep { 0xae } else { 0xaf }
    }

    fn start(&mut self, pages: &Pages) -> Result<(), ScreenError> {
        let (drive, power) = (self.setup.drive(), self.power());
        // Dark while its memory holds noise.
        self.send(|bus| bus.command(&[0xae]))?;
        self.send(|bus| bus.command(&drive))?;
        for (page, bytes) in pages.iter().enumerate().take(self.setup.pages()) {
            self.write(page, 0, bytes)?;
        }
        self.send(|bus| bus.command(&[power]))
    }

    /// Writes a part of a page, from a column of the glass on.
    fn write(&mut self, page: usize, column: usize, bytes: &[u8]) -> Result<(), ScreenError> {
        let place = column + self.setup.first_column();
        let [low, high] = [place & 0xf, place >> 4].map(|it| it as u8);
        self.send(|bus| {
            bus.command(&[0xb0 | page as u8, low, 0x10 | high])?;
            bus.data(bytes)
        })
    }

    fn send(&mut self, what: impl FnOnce(&mut B) -> std::io::Result<()>) -> Result<(), ScreenError> {
        what(&mut self.bus).map_err(|error| {
            self.stands = None;
            ScreenError::Gone(error)
        })
    }
}

impl<B: OledBus> Screen for Oled<B> {
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
        let pages = in_pages(frame);
        match self.stands {
            None => self.start(&pages)?,
            Some(old) => {
                for page in 0..self.setup.pages() {
                    let Some((first, last)) = changed(&old[page], &pages[page]) else { continue };
                    self.write(page, first, &pages[page][first..=last])?;
                }
            }
        }
        self.stands = Some(pages);
        Ok(())
    }

    fn tend(&mut self) -> Result<(), ScreenError> {
        let Some(pages) = self.stands else { return Ok(()) };
        let (drive, power) = (self.setup.drive(), self.power());
        self.send(|bus| bus.command(&drive))?;
        self.write(self.mend, 0, &pages[self.mend])?;
        self.send(|bus| bus.command(&[power]))?;
        self.mend = (self.mend + 1) % self.setup.pages();
        Ok(())
    }
}

/// Eight rows a page, the topmost the lowest bit.
fn in_pages(frame: &Frame) -> Pages {
    let byte = |page: usize, x: usize| {
        (0..PAGE_ROWS).fold(0, |byte, row| byte | u8::from(frame.lit(x, page * PAGE_ROWS + row)) << row)
    };
    std::array::from_fn(|page| std::array::from_fn(|x| byte(page, x)))
}

/// The first and last column that differ.
fn changed(old: &[u8], new: &[u8]) -> Option<(usize, usize)> {
    let differs = |place: &usize| old[*place] != new[*place];
    Some(((0..new.len()).find(differs)?, (0..new.len()).rev().find(differs)?))
}
