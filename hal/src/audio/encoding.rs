//! How samples travel to a device: floats, or whole numbers of some width.
//!
//! Full scale is ±1; what lies outside is cut, what is no number is silence. 16 bits are dithered (triangular, one step
//! to each side), so that a fade ends in noise and not in distortion; digital silence stays silent. The wider ones are
//! rounded: their last bit lies under the noise of any converter. Nothing here allocates.

use super::StereoFrame;

/// A sample format, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 32-bit float.
    F32,
    /// 32-bit integer.
    S32,
    /// 24-bit integer in the low three bytes of four.
    S24,
    /// 24-bit integer in three bytes.
    S24Packed,
    /// 16-bit integer, dithered.
    S16,
}

impl Encoding {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [Self::F32, Self::S32, Self::S24, Self::S24Packed, Self::S16];

    /// Bytes of one sample.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::S32 | Self::S24 => 4,
            Self::S24Packed => 3,
            Self::S16 => 2,
        }
    }

    /// The sample that lies at the beginning of `bytes`, which are as many as it takes, or more.
    #[must_use]
    pub fn read(self, bytes: &[u8]) -> f32 {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        // Of whole numbers the highest bit becomes the highest of 32, whatever their width.
        let whole = match self {
            Self::F32 => return f32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]),
            Self::S32 => [byte(0), byte(1), byte(2), byte(3)],
            Self::S24 | Self::S24Packed => [0, byte(0), byte(1), byte(2)],
            Self::S16 => [0, 0, byte(0), byte(1)],
        };
        (f64::from(i32::from_le_bytes(whole)) / 2_147_483_648.0) as f32
    }

    /// The name that ALSA gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "FLOAT_LE",
            Self::S32 => "S32_LE",
            Self::S24 => "S24_LE",
            Self::S24Packed => "S24_3LE",
            Self::S16 => "S16_LE",
        }
    }
}

/// Writes frames as bytes.
#[derive(Debug)]
pub(super) struct Encoder {
    encoding: Encoding,
    channels: usize,
    random: u32,
}

impl Encoder {
    /// An encoder for devices of `channels` (at least 1); left and right go to the first two, the rest is silent. One alone
    /// gets their mean: the sum of two sides that are one would be cut.
    pub(super) fn new(encoding: Encoding, channels: usize) -> Self {
        assert!(channels >= 1, "a device without channels takes no sound");
        Self { encoding, channels, random: 0x9E37_79B9 }
    }

    /// Bytes of one frame on the device.
    pub(super) fn frame_bytes(&self) -> usize {
        self.encoding.bytes() * self.channels
    }

    /// Writes `frames` to the front of `bytes` and returns what was written.
    pub(super) fn encode<'b>(&mut self, frames: &[StereoFrame], bytes: &'b mut [u8]) -> &'b [u8] {
        let (sample, frame) = (self.encoding.bytes(), self.frame_bytes());
        let bytes = &mut bytes[..frames.len() * frame];
        if self.channels == 1 {
            for ([left, right], place) in frames.iter().zip(bytes.chunks_exact_mut(frame)) {
                self.place((left + right) / 2.0, place);
            }
            return bytes;
        }
        for (stereo, places) in frames.iter().zip(bytes.chunks_exact_mut(frame)) {
            let (pair, rest) = places.split_at_mut(2 * sample);
            for (value, place) in stereo.iter().zip(pair.chunks_exact_mut(sample)) {
                self.place(*value, place);
            }
            rest.fill(0);
        }
        bytes
    }

    fn place(&mut self, value: f32, place: &mut [u8]) {
        let value = if value.is_nan() { 0.0 } else { value.clamp(-1.0, 1.0) };
        match self.encoding {
            Encoding::F32 => place.copy_from_slice(&value.to_le_bytes()),
            Encoding::S32 => place.copy_from_slice(&whole(value, 31, 0.0).to_le_bytes()),
            Encoding::S24 => place.copy_from_slice(&whole(value, 23, 0.0).to_le_bytes()),
            Encoding::S24Packed => place.copy_from_slice(&whole(value, 23, 0.0).to_le_bytes()[..3]),
            Encoding::S16 => {
                let dither = if value == 0.0 { 0.0 } else { self.uniform() - self.uniform() };
                place.copy_from_slice(&whole(value, 15, dither).to_le_bytes()[..2]);
            }
        }
    }

    /// 0 to 1, xorshift.
    fn uniform(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        f64::from(self.random) / f64::from(u32::MAX)
    }
}

/// `value` in steps of `2^-bits`, rounded and cut to what fits.
fn whole(value: f32, bits: u32, dither: f64) -> i32 {
    let full = f64::from(1_u32 << bits);
    (f64::from(value) * full + dither).round().clamp(-full, full - 1.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(encoding: Encoding, channels: usize, frames: &[StereoFrame]) -> Vec<u8> {
        let mut encoder = Encoder::new(encoding, channels);
        let mut bytes = vec![0xAA; frames.len() * encoder.frame_bytes()];
        encoder.encode(frames, &mut bytes).to_vec()
    }

    #[test]
    fn whole_numbers_hit_full_scale_exactly_and_cut_beyond_it() {
        let frames = [[0.5, -1.0], [1.0, 7.0], [f32::NAN, f32::NEG_INFINITY]];
        let numbers: Vec<i32> =
            encoded(Encoding::S32, 2, &frames).chunks(4).map(|it| i32::from_le_bytes(it.try_into().unwrap())).collect();
        assert_eq!(numbers, [1 << 30, i32::MIN, i32::MAX, i32::MAX, 0, i32::MIN]);
    }

    #[test]
    fn twenty_four_bits_lie_low_in_four_bytes_or_alone_in_three() {
        assert_eq!(encoded(Encoding::S24, 2, &[[-1.0, 0.5]]), [0, 0, 0x80, 0xFF, 0, 0, 0x40, 0]);
        assert_eq!(encoded(Encoding::S24Packed, 2, &[[-1.0, 0.5]]), [0, 0, 0x80, 0, 0, 0x40]);
    }

    #[test]
    fn what_is_read_is_what_was_written_within_a_step_in_every_encoding() {
        for (encoding, step) in Encoding::ALL.into_iter().zip([0.0, 6e-8, 1.2e-7, 1.2e-7, 6.2e-5]) {
            let frames = [[0.3, -0.7], [-1.0, 0.0], [0.999, -1e-3]];
            let bytes = encoded(encoding, 2, &frames);
            let samples = bytes.chunks(encoding.bytes()).map(|it| encoding.read(it));
            for (read, written) in samples.zip(frames.concat()) {
                assert!((read - written).abs() <= step, "{}: {read} was {written}", encoding.name());
            }
        }
    }

    #[test]
    fn channels_beyond_the_second_are_silent() {
        assert_eq!(encoded(Encoding::S16, 4, &[[-1.0, 0.0]])[2..], [0; 6]);
    }

    #[test]
    fn one_channel_gets_the_mean_of_both_sides() {
        let bytes = encoded(Encoding::F32, 1, &[[0.5, -1.0], [1.0, 1.0]]);
        assert_eq!(bytes, [(-0.25_f32).to_le_bytes(), 1.0_f32.to_le_bytes()].concat());
    }

    #[test]
    fn dither_stays_within_its_step_and_does_not_lean() {
        let value = 0.300_011;
        let bytes = encoded(Encoding::S16, 2, &vec![[value, value]; 20_000]);
        let numbers: Vec<f64> =
            bytes.chunks(2).map(|it| f64::from(i16::from_le_bytes(it.try_into().unwrap()))).collect();
        let wanted = f64::from(value) * 32_768.0;
        assert!(numbers.iter().all(|number| (number - wanted).abs() <= 1.5));
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!((mean - wanted).abs() < 0.02, "{mean} for {wanted}");
    }

    #[test]
    fn silence_is_not_dithered() {
        assert!(encoded(Encoding::S16, 2, &[[0.0, 0.0]; 100]).iter().all(|byte| *byte == 0));
    }
}
