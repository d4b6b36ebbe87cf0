//! Pixels as a framebuffer wants them: pure arithmetic over bytes.

use crate::display::Frame;

/// Where a colour's bits lie in a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The lowest bit.
    pub offset: u32,
    /// Bits; 0 for a colour that the screen does not have.
    pub bits: u32,
}

/// How a screen's memory is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelLayout {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Bytes from one line to the next.
    pub stride: usize,
    /// Bytes of a pixel.
    pub bytes: usize,
    /// Red, green and blue.
    pub colours: [Channel; 3],
    /// Opacity; of no bits where there is none.
    pub opacity: Channel,
}

/// What lit and unlit dots look like; red, green, blue, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tones {
    /// Lit dots.
    pub light: [u8; 3],
    /// Unlit dots and the border.
    pub dark: [u8; 3],
}

impl Default for Tones {
    /// White on black.
    fn default() -> Self {
        Self { light: [255; 3], dark: [0; 3] }
    }
}

impl PixelLayout {
    /// Five, six and five bits, as small screens have them.
    #[must_use]
    pub const fn rgb565(width: usize, height: usize) -> Self {
        let (red, green) = (Channel { offset: 11, bits: 5 }, Channel { offset: 5, bits: 6 });
        let colours = [red, green, Channel { offset: 0, bits: 5 }];
        Self { width, height, stride: width * 2, bytes: 2, colours, opacity: Channel { offset: 0, bits: 0 } }
    }

    /// Eight bits each and eight unused, as most screens have them.
    #[must_use]
    pub const fn xrgb8888(width: usize, height: usize) -> Self {
        let (red, green) = (Channel { offset: 16, bits: 8 }, Channel { offset: 8, bits: 8 });
        let colours = [red, green, Channel { offset: 0, bits: 8 }];
        Self { width, height, stride: width * 4, bytes: 4, colours, opacity: Channel { offset: 24, bits: 0 } }
    }

    /// A colour as a pixel.
    #[must_use]
    pub fn pixel(&self, colour: [u8; 3]) -> u32 {
        let part = |level: u8, channel: Channel| {
            let most = (1u64 << channel.bits.min(32)) - 1;
            // Rounded, so that the lightest is the lightest the screen has.
            ((u64::from(level) * most + 127) / 255) << channel.offset.min(32)
        };
        let colours = colour.into_iter().zip(self.colours).map(|(level, channel)| part(level, channel));
        let pixel = colours.fold(part(255, self.opacity), |pixel, part| pixel | part);
        (pixel & u64::from(u32::MAX)) as u32
    }

    /// A line of one colour.
    pub(super) fn line(&self, colour: [u8; 3]) -> Vec<u8> {
        (0..self.width).flat_map(|_| self.stored(self.pixel(colour))).collect()
    }

    /// A pixel's bytes in memory, as this machine stores numbers.
    fn stored(&self, pixel: u32) -> impl Iterator<Item = u8> {
        let bytes = if cfg!(target_endian = "big") { pixel.rotate_right(self.bytes as u32 * 8) } else { pixel };
        bytes.to_ne_bytes().into_iter().take(self.bytes)
    }
}

/// Where the frame stands on a screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    scale: usize,
    left: usize,
    top: usize,
}

impl Placed {
    /// As large as whole dots allow, in the middle; or what the screen is like that makes it impossible.
    pub(super) fn of(layout: &PixelLayout) -> Result<Self, String> {
        if ![2, 4].contains(&layout.bytes) || layout.colours.iter().any(|it| it.bits == 0) {
            return Err(format!("{} bits a pixel, colours {:?}", layout.bytes * 8, layout.colours.map(|it| it.bits)));
        }
        let scale = (layout.width / Frame::WIDTH).min(layout.height / Frame::HEIGHT);
        if scale == 0 || layout.stride < layout.width * layout.bytes {
            return Err(format!("{} by {} pixels, {} bytes a line", layout.width, layout.height, layout.stride));
        }
        let (left, top) = (layout.width - Frame::WIDTH * scale, layout.height - Frame::HEIGHT * scale);
        Ok(Self { scale, left: left / 2, top: top / 2 })
    }

    /// The bytes of a row of dots, without the border.
    pub(super) fn line(&self, layout: &PixelLayout, tones: Tones, lit: impl Fn(usize) -> bool) -> Vec<u8> {
        let [light, dark] = [tones.light, tones.dark].map(|it| layout.pixel(it));
        let pixels = (0..Frame::WIDTH * self.scale).map(|x| if lit(x / self.scale) { light } else { dark });
        pixels.flat_map(|pixel| layout.stored(pixel)).collect()
    }

    /// The screen's lines that show a row of dots.
    pub(super) const fn lines_of(&self, row: usize) -> std::ops::Range<usize> {
        self.top + row * self.scale..self.top + (row + 1) * self.scale
    }

    /// The first byte of the frame in a line.
    pub(super) const fn start(&self, layout: &PixelLayout, line: usize) -> usize {
        line * layout.stride + self.left * layout.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, PixelLayout};

    #[test]
    fn colours_go_where_the_screen_has_them() {
        let orange = [255, 128, 0];
        assert_eq!(PixelLayout::rgb565(1, 1).pixel(orange), (31 << 11) | (32 << 5));
        assert_eq!(PixelLayout::xrgb8888(1, 1).pixel(orange), 0x00ff_8000);
        let [red, green, blue] = PixelLayout::xrgb8888(1, 1).colours;
        let turned = PixelLayout {
            colours: [blue, green, red],
            opacity: Channel { offset: 24, bits: 8 },
            ..PixelLayout::xrgb8888(1, 1)
        };
        assert_eq!(turned.pixel(orange), 0xff00_80ff, "blue first and opaque");
    }

    #[test]
    fn bytes_lie_as_this_machine_stores_numbers() {
        let layout = PixelLayout::rgb565(2, 1);
        let pixel = u16::try_from(layout.pixel([255, 0, 0])).unwrap().to_ne_bytes();
        assert_eq!(layout.line([255, 0, 0]), [pixel, pixel].concat());
    }
}
