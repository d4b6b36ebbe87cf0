//! Files made of bytes: WAV of 2.0 s at 24 kHz, mono, 16 bit, in all the ways in which programs write it.

use std::path::Path;

pub const RATE: u32 = 24_000;
pub const FRAMES: u64 = 48_000;
pub const ENDLESS: u32 = 0xffff_ffff;

/// The sound: a sine of 440 Hz as samples of 16 bits.
pub fn sound() -> Vec<u8> {
    let sample =
        |n: u64| (12_000.0 * (std::f64::consts::TAU * 440.0 * n as f64 / f64::from(RATE)).sin()).round() as i16;
    (0..FRAMES).flat_map(|n| sample(n).to_le_bytes()).collect()
}

pub fn sized(name: &[u8; 4], body: &[u8], size: u32) -> Vec<u8> {
    let padding = vec![0; body.len() % 2];
    [&name[..], &size.to_le_bytes(), body, &padding].concat()
}

pub fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    sized(name, body, body.len() as u32)
}

pub fn riff_as(name: &[u8; 4], body: &[u8], size: u32) -> Vec<u8> {
    [&name[..], &size.to_le_bytes(), b"WAVE", body].concat()
}

pub fn riff(body: &[u8]) -> Vec<u8> {
    riff_as(b"RIFF", body, body.len() as u32 + 4)
}

/// The body of a `fmt ` chunk.
pub fn format_of(tag: u16, channels: u16, rate: u32, block: u16, bits: u16) -> Vec<u8> {
    let (mut body, speed) = (Vec::new(), rate * u32::from(block));
    body.extend(tag.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(rate.to_le_bytes());
    body.extend(speed.to_le_bytes());
    body.extend(block.to_le_bytes());
    body.extend(bits.to_le_bytes());
    body
}

pub fn format() -> Vec<u8> {
    format_of(1, 1, RATE, 2, 16)
}

pub fn head() -> Vec<u8> {
    chunk(b"fmt ", &format())
}

pub fn data() -> Vec<u8> {
    chunk(b"data", &sound())
}

pub fn plain() -> Vec<u8> {
    riff(&[head(), data()].concat())
}

/// The `ds64` chunk of RF64 and BW64.
pub fn ds64(bytes: u64) -> Vec<u8> {
    let body = [(bytes + 72).to_le_bytes(), bytes.to_le_bytes(), (bytes / 2).to_le_bytes()].concat();
    chunk(b"ds64", &[body, vec![0; 4]].concat())
}

/// A recording of the folder `fixtures/cases`.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases").join(name);
    std::fs::read(path).expect("a fixture")
}
