//! Frames as PNG files, for documents and for whoever is far away.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::Frame;

/// Why a picture was not read.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file does not open.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// It is no PNG.
    #[error("{0}: {1}; expected a PNG picture")]
    Read(PathBuf, #[source] png::DecodingError),
    /// It is a PNG and not one of ours.
    #[error("{0}: found {1}, expected black and white, a whole multiple of 128 by 64")]
    Foreign(PathBuf, String),
}

/// A frame as the bytes of a PNG file, each dot `scale` pixels wide and high, lit dots white.
///
/// # Panics
/// At scale 0, which is no picture.
#[must_use]
pub fn png_bytes(frame: &Frame, scale: usize) -> Vec<u8> {
    assert!(scale > 0, "a picture has pixels");
    let (width, height) = (Frame::WIDTH * scale, Frame::HEIGHT * scale);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut bytes = vec![0u8; height * width.div_ceil(8)];
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if frame.lit(x / scale, y / scale) {
            bytes[y * width.div_ceil(8) + x / 8] |= 0x80 >> (x % 8);
        }
    }
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&bytes)?;
        writer.finish()
    });
    written.expect("memory takes every byte, and the rows are as long as the header says");
    file
}

/// Reads such a picture again.
///
/// # Errors
/// [`PictureError`], with the file; also when a dot is not of one colour.
pub fn read_png(path: &Path) -> Result<Frame, PictureError> {
    let file = File::open(path).map_err(|it| PictureError::File(path.to_owned(), it))?;
    let unread = |it| PictureError::Read(path.to_owned(), it);
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(unread)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let foreign = |what: &str| PictureError::Foreign(path.to_owned(), what.to_owned());
    let one_bit = reader.output_color_type() == (png::ColorType::Grayscale, png::BitDepth::One);
    let scale = width / Frame::WIDTH;
    if !one_bit || scale == 0 || (width, height) != (Frame::WIDTH * scale, Frame::HEIGHT * scale) {
        return Err(foreign(&format!("{width} by {height} pixels, {:?}", reader.output_color_type())));
    }
    let mut bytes = vec![0; height * width.div_ceil(8)];
    reader.next_frame(&mut bytes).map_err(unread)?;
    let lit = |x: usize, y: usize| bytes[y * width.div_ceil(8) + x / 8] & (0x80 >> (x % 8)) != 0;
    let mut frame = Frame::default();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if x % scale == 0 && y % scale == 0 {
            frame.set(x / scale, y / scale, lit(x, y));
        } else if lit(x, y) != frame.lit(x / scale, y / scale) {
            return Err(foreign("a dot of two colours"));
        }
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::{Frame, PictureError, png_bytes, read_png};

    fn picture() -> Frame {
        let mut frame = Frame::default();
        (0..64).for_each(|y| (0..128).for_each(|x| frame.set(x, y, (x * x + 3 * y) % 5 < 2)));
        frame
    }

    #[test]
    fn a_picture_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for scale in [1, 3, 4] {
            let path = folder.path().join("screen.png");
            std::fs::write(&path, png_bytes(&picture(), scale)).unwrap();
            assert_eq!(read_png(&path).unwrap(), picture(), "scale {scale}");
        }
    }

    #[test]
    fn what_is_no_picture_of_ours_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen.png");
        assert!(matches!(read_png(&path), Err(PictureError::File(..))));
        std::fs::write(&path, b"not a picture").unwrap();
        assert!(matches!(read_png(&path), Err(PictureError::Read(..))));
        let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), 2, 2);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[0; 4]).unwrap();
        let refused = read_png(&path).unwrap_err();
        assert!(
            matches!(refused, PictureError::Foreign(..)) && refused.to_string().contains("screen.png"),
            "{refused}"
        );
    }
}
