//! A picture of 128 by 64 dots, each on or off, as the panels have them.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::DrawTarget;

/// The picture; one kilobyte, a bit a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    rows: [u128; Self::HEIGHT],
}

impl Default for Frame {
    fn default() -> Self {
        Self { rows: [0; Self::HEIGHT] }
    }
}

impl Frame {
    /// Dots across.
    pub const WIDTH: usize = 128;
    /// Dots down.
    pub const HEIGHT: usize = 64;

    /// Whether a dot is lit; none is outside.
    #[must_use]
    pub fn lit(&self, x: usize, y: usize) -> bool {
        x < Self::WIDTH && self.rows.get(y).is_some_and(|row| row >> x & 1 == 1)
    }

    /// Lights a dot or darkens it; a dot outside is nobody's.
    pub fn set(&mut self, x: usize, y: usize, lit: bool) {
        if x < Self::WIDTH && y < Self::HEIGHT {
            let bit = 1u128 << x;
            if lit { self.rows[y] |= bit } else { self.rows[y] &= !bit }
        }
    }

    /// Lit dots.
    #[must_use]
    pub fn lit_count(&self) -> u32 {
        self.rows.iter().map(|row| row.count_ones()).sum()
    }

    /// The picture in 16 lines of 64 braille characters, for a terminal and for tests that read.
    #[must_use]
    pub fn braille(&self) -> Vec<String> {
        // Bit of each dot of a braille character, by row and column.
        const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let cell = |column: usize, line: usize| {
            let mut bits = 0;
            for (dy, pair) in DOTS.iter().enumerate() {
                for (dx, bit) in pair.iter().enumerate() {
                    bits |= if self.lit(column * 2 + dx, line * 4 + dy) { *bit } else { 0 };
                }
            }
            char::from_u32(0x2800 + bits).expect("the block of braille is whole")
        };
        (0..Self::HEIGHT / 4).map(|line| (0..Self::WIDTH / 2).map(|column| cell(column, line)).collect()).collect()
    }
}

impl OriginDimensions for Frame {
    fn size(&self) -> Size {
        Size::new(Self::WIDTH as u32, Self::HEIGHT as u32)
    }
}

impl DrawTarget for Frame {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(point, color) in pixels {
            // Drawings may hang over the edge.
            if let (Ok(x), Ok(y)) = (usize::try_from(point.x), usize::try_from(point.y)) {
                self.set(x, y, color.is_on());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use embedded_graphics::pixelcolor::BinaryColor;
    use embedded_graphics::prelude::{DrawTarget, Drawable, Point, Primitive, Size};
    use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};

    #[test]
    fn a_drawing_over_the_edge_is_cut_and_nothing_else_happens() {
        let mut frame = Frame::default();
        let style = PrimitiveStyle::with_fill(BinaryColor::On);
        Rectangle::new(Point::new(-3, -3), Size::new(5, 5)).into_styled(style).draw(&mut frame).expect("memory");
        Rectangle::new(Point::new(126, 62), Size::new(9, 9)).into_styled(style).draw(&mut frame).expect("memory");
        assert_eq!(frame.lit_count(), 8);
        assert!(frame.lit(0, 0) && frame.lit(1, 1) && !frame.lit(2, 2) && frame.lit(127, 63) && !frame.lit(128, 63));
        frame.clear(BinaryColor::Off).expect("memory");
        assert_eq!(frame, Frame::default());
    }

    #[test]
    fn braille_keeps_every_dot_in_its_place() {
        let mut frame = Frame::default();
        let style = PrimitiveStyle::with_fill(BinaryColor::On);
        Rectangle::new(Point::new(0, 0), Size::new(2, 4)).into_styled(style).draw(&mut frame).expect("memory");
        Rectangle::new(Point::new(127, 63), Size::new(1, 1)).into_styled(style).draw(&mut frame).expect("memory");
        let lines = frame.braille();
        assert_eq!((lines.len(), lines[0].chars().count()), (16, 64));
        assert_eq!((lines[0].chars().next(), lines[15].chars().last()), (Some('⣿'), Some('⢀')));
        assert_eq!(lines.concat().chars().filter(|c| *c == '\u{2800}').count(), 16 * 64 - 2);
    }
}
