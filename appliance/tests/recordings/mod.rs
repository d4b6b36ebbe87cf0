//! Recordings for tests to play on.

use std::path::Path;

/// Writes a tone with its octave, 16 bits.
pub fn tone(path: &Path, hz: f64, seconds: f64, rate: u32) {
    let spec =
        hound::WavSpec { channels: 2, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = hound::WavWriter::create(path, spec).expect("a disk");
    for at in 0..(seconds * f64::from(rate)) as u32 {
        let wave = |hz: f64| (f64::from(at) * hz / f64::from(rate) * std::f64::consts::TAU).sin();
        let sample = (wave(hz) * 6_000.0 + wave(2.0 * hz) * 2_000.0) as i16;
        (0..2).for_each(|_| file.write_sample(sample).expect("a disk"));
    }
    file.finalize().expect("a disk");
}
