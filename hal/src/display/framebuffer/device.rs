//! The framebuffer device: two questions to the kernel, then plain writes. This file is the fence around the questions.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Channel, Glass, PixelLayout};
use crate::display::ScreenError;

/// Numbers of `linux/fb.h`.
const FBIOGET_VSCREENINFO: libc::Ioctl = 0x4600;
const FBIOGET_FSCREENINFO: libc::Ioctl = 0x4602;
/// Pixels one beside the other, not in planes.
const PACKED_PIXELS: u32 = 0;
/// A pixel is a colour (or, for a driver of one fixed mode, a colour through a table that changes nothing).
const TRUE_COLOUR: [u32; 2] = [2, 4];

/// `struct fb_bitfield`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Bitfield {
    offset: u32,
    length: u32,
    msb_right: u32,
}

/// `struct fb_var_screeninfo`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Variable {
    xres: u32,
    yres: u32,
    xres_virtual: u32,
    yres_virtual: u32,
    xoffset: u32,
    yoffset: u32,
    bits_per_pixel: u32,
    grayscale: u32,
    colours: [Bitfield; 3],
    opacity: Bitfield,
    rest: [u32; 20],
}

/// `struct fb_fix_screeninfo`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Fixed {
    id: [u8; 16],
    smem_start: libc::c_ulong,
    smem_len: u32,
    kind: u32,
    kind_aux: u32,
    visual: u32,
    pan_steps: [u16; 3],
    line_length: u32,
    mmio_start: libc::c_ulong,
    mmio_len: u32,
    accel: u32,
    capabilities: u16,
    reserved: [u16; 2],
}

/// An open framebuffer.
#[derive(Debug)]
pub struct Device {
    file: File,
    /// The first visible byte.
    start: u64,
}

impl Device {
    /// Opens it and asks what it is like.
    pub(super) fn open(path: &Path) -> Result<(Self, PixelLayout), ScreenError> {
        let named = |error: io::Error| {
            let words = format!("{}: {error}; expected a framebuffer device", path.display());
            ScreenError::Gone(io::Error::new(error.kind(), words))
        };
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(named)?;
        let (mut variable, mut fixed) = (Variable::default(), Fixed::default());
        // SAFETY: the descriptor is open; the kernel fills a live struct of the layout that this request is defined for.
        let asked = unsafe { libc::ioctl(file.as_raw_fd(), FBIOGET_VSCREENINFO, &mut variable) };
        if asked != 0 {
            return Err(named(io::Error::last_os_error()));
        }
        // SAFETY: as above, with the other struct.
        let asked = unsafe { libc::ioctl(file.as_raw_fd(), FBIOGET_FSCREENINFO, &mut fixed) };
        if asked != 0 {
            return Err(named(io::Error::last_os_error()));
        }
        let (layout, start) = layout(&variable, &fixed).map_err(|found| ScreenError::Unfit {
            device: path.display().to_string(),
            found,
            expected: "packed pixels in true colour",
        })?;
        Ok((Self { file, start }, layout))
    }
}

impl Glass for Device {
    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.start + at as u64)
    }
}

/// The layout, and the first visible byte; or what makes it unfit.
fn layout(variable: &Variable, fixed: &Fixed) -> Result<(PixelLayout, u64), String> {
    if fixed.kind != PACKED_PIXELS || !TRUE_COLOUR.contains(&fixed.visual) || variable.grayscale != 0 {
        let Variable { bits_per_pixel, grayscale, .. } = variable;
        let (kind, visual) = (fixed.kind, fixed.visual);
        return Err(format!("type {kind}, visual {visual}, {bits_per_pixel} bits, greyscale {grayscale}"));
    }
    let channel = |field: Bitfield| Channel { offset: field.offset, bits: field.length };
    let bytes = variable.bits_per_pixel as usize / 8;
    let stride = fixed.line_length as usize;
    let layout = PixelLayout {
        width: variable.xres as usize,
        height: variable.yres as usize,
        stride,
        bytes,
        colours: variable.colours.map(channel),
        opacity: channel(variable.opacity),
    };
    let start = variable.yoffset as usize * stride + variable.xoffset as usize * bytes;
    Ok((layout, start as u64))
}

#[cfg(test)]
mod tests {
    use super::{Bitfield, Device, Fixed, Variable, layout};
    use crate::display::{PixelLayout, ScreenError};

    #[test]
    fn the_structs_are_as_large_as_the_kernels() {
        let word = size_of::<libc::c_ulong>();
        assert_eq!(size_of::<Variable>(), 160);
        assert_eq!(size_of::<Fixed>(), if word == 8 { 80 } else { 68 });
        assert_eq!(std::mem::offset_of!(Variable, opacity), 68);
        assert_eq!(std::mem::offset_of!(Fixed, line_length), if word == 8 { 48 } else { 44 });
    }

    #[test]
    fn what_the_kernel_says_becomes_the_layout() {
        let field = |offset, length| Bitfield { offset, length, msb_right: 0 };
        let variable = Variable {
            xres: 800,
            yres: 480,
            yoffset: 480,
            xoffset: 2,
            bits_per_pixel: 16,
            colours: [field(11, 5), field(5, 6), field(0, 5)],
            ..Variable::default()
        };
        let fixed = Fixed { visual: 2, line_length: 1664, ..Fixed::default() };
        let expected = PixelLayout { stride: 1664, ..PixelLayout::rgb565(800, 480) };
        assert_eq!(layout(&variable, &fixed), Ok((expected, 480 * 1664 + 4)));
        let paletted = layout(&variable, &Fixed { visual: 3, ..fixed }).unwrap_err();
        assert!(paletted.contains("visual 3"), "{paletted}");
    }

    #[test]
    fn a_file_that_is_no_framebuffer_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), std::path::Path::new("/dev/fb-that-is-not-there")] {
            let refused = Device::open(path).unwrap_err();
            assert!(matches!(refused, ScreenError::Gone(_)));
            assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");
        }
    }
}
