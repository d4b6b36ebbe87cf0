//! A WAV file as an output: for machines without sound, for renders, for keeping a take.
//!
//! The header is brought up to date once a second of sound, so that a file whose writer was killed plays up to its last
//! second. A WAV file counts bytes in 32 bits: 3.1 hours of 32-bit stereo, then the file is full and said to be so.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};

use super::clock::Pace;
use super::{Agreed, Ask, AudioOut, Clock, Encoding, OutError, RealClock, StereoFrame, Written};

/// Bytes of sound that a WAV file can count, less a header's worth.
const DATA_BYTES_MAX: u64 = u32::MAX as u64 - 4096;

/// How samples lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavFormat {
    /// 32-bit float: the engine's own bits.
    F32,
    /// 24-bit integers, which every editor reads.
    I24,
}

/// Writes a WAV file, at the pace of a clock or as fast as it comes.
pub struct WavOut {
    path: PathBuf,
    format: WavFormat,
    clock: Option<Box<dyn Clock + Send>>,
    pace: Pace,
    rate_hz: u32,
    writer: Option<WavWriter<BufWriter<File>>>,
    frames: u64,
    flushed: u64,
    frames_max: u64,
}

impl WavOut {
    /// Writes `path` as fast as sound comes.
    #[must_use]
    pub fn unpaced(path: &Path, format: WavFormat) -> Self {
        Self::with_clock(path, format, None)
    }

    /// Writes `path` in real time, in the place of a sound card.
    #[must_use]
    pub fn paced(path: &Path, format: WavFormat) -> Self {
        Self::with_clock(path, format, Some(Box::<RealClock>::default()))
    }

    /// Writes `path` at the pace of `clock`.
    #[must_use]
    pub fn with_clock(path: &Path, format: WavFormat, clock: Option<Box<dyn Clock + Send>>) -> Self {
        let frame_bytes = match format {
            WavFormat::F32 => 8,
            WavFormat::I24 => 6,
        };
        Self {
            path: path.to_owned(),
            format,
            clock,
            pace: Pace::default(),
            rate_hz: 0,
            writer: None,
            frames: 0,
            flushed: 0,
            frames_max: DATA_BYTES_MAX / frame_bytes,
        }
    }

    /// Frames written so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    fn full(&self, cause: impl std::fmt::Display) -> OutError {
        OutError::Full { path: self.path.clone(), cause: cause.to_string() }
    }

    fn put(&mut self, frames: &[StereoFrame]) -> hound::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        for sample in frames.iter().flatten() {
            match self.format {
                WavFormat::F32 => writer.write_sample(*sample)?,
                WavFormat::I24 => {
                    let sample = if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) };
                    writer.write_sample((sample * 8_388_608.0).round().min(8_388_607.0) as i32)?;
                }
            }
        }
        self.frames += frames.len() as u64;
        if self.frames - self.flushed >= u64::from(self.rate_hz) {
            self.flushed = self.frames;
            writer.flush()?;
        }
        Ok(())
    }
}

impl AudioOut for WavOut {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        let (bits_per_sample, sample_format, encoding) = match self.format {
            WavFormat::F32 => (32, SampleFormat::Float, Encoding::F32),
            WavFormat::I24 => (24, SampleFormat::Int, Encoding::S24Packed),
        };
        let spec = WavSpec { channels: 2, sample_rate: ask.rate_hz, bits_per_sample, sample_format };
        let mut writer = WavWriter::create(&self.path, spec)
            .map_err(|error| OutError::NoFile { path: self.path.clone(), cause: error.to_string() })?;
        writer.flush().map_err(|error| self.full(error))?;
        (self.writer, self.frames, self.flushed, self.rate_hz) = (Some(writer), 0, 0, ask.rate_hz);
        self.pace.restart();
        Ok(Agreed {
            period_frames: ask.period_frames,
            buffer_frames: 0,
            channels: 2,
            encoding,
            paced: self.clock.is_some(),
        })
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        if self.writer.is_none() {
            return Err(OutError::Gone { device: self.name(), cause: "the file is not open".into() });
        }
        if self.frames + frames.len() as u64 > self.frames_max {
            return Err(self.full("a WAV file holds no more than 4 GB"));
        }
        self.put(frames).map_err(|error| self.full(error))?;
        if let Some(clock) = &mut self.clock {
            self.pace.wait(clock.as_mut(), frames.len(), self.rate_hz);
        }
        Ok(Written::default())
    }

    fn close(&mut self) -> Result<(), OutError> {
        match self.writer.take() {
            Some(writer) => writer.finalize().map_err(|error| self.full(error)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::FakeClock;
    use std::time::Duration;

    fn ramp(frames: usize) -> Vec<StereoFrame> {
        (0..frames).map(|i| [i as f32 / frames as f32, -(i as f32) / frames as f32]).collect()
    }

    #[test]
    fn a_float_file_holds_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let mut out = WavOut::unpaced(&path, WavFormat::F32);
        out.open(Ask::default()).unwrap();
        out.write(&ramp(1000)).unwrap();
        out.close().unwrap();
        let read: Vec<f32> = hound::WavReader::open(&path).unwrap().into_samples().map(Result::unwrap).collect();
        assert!(read == ramp(1000).concat());
    }

    #[test]
    fn twenty_four_bits_are_rounded_and_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let mut out = WavOut::unpaced(&path, WavFormat::I24);
        out.open(Ask::default()).unwrap();
        out.write(&[[0.5, -1.0], [2.0, f32::NAN]]).unwrap();
        out.close().unwrap();
        let read: Vec<i32> = hound::WavReader::open(&path).unwrap().into_samples().map(Result::unwrap).collect();
        assert_eq!(read, [4_194_304, -8_388_608, 8_388_607, 0]);
    }

    #[test]
    fn a_file_whose_writer_was_killed_plays_up_to_its_last_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let mut out = WavOut::unpaced(&path, WavFormat::F32);
        out.open(Ask::default()).unwrap();
        (0..110).for_each(|_| assert_eq!(out.write(&ramp(480)).unwrap(), Written::default()));
        // Killed: nothing of it runs any more, not even what happens on drop.
        std::mem::forget(out);
        assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 48_000);
    }

    #[test]
    fn a_paced_file_takes_as_long_as_its_sound() {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeClock::default();
        let path = folder.path().join("take.wav");
        let mut out = WavOut::with_clock(&path, WavFormat::F32, Some(Box::new(clock.clone())));
        assert!(out.open(Ask::default()).unwrap().paced);
        (0..300).for_each(|_| assert_eq!(out.write(&ramp(480)).unwrap(), Written::default()));
        assert_eq!(clock.now(), Duration::from_secs(3));
    }

    #[test]
    fn a_full_file_says_so_and_stays_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let mut out = WavOut::unpaced(&path, WavFormat::F32);
        out.frames_max = 1000;
        out.open(Ask::default()).unwrap();
        out.write(&ramp(900)).unwrap();
        let error = out.write(&ramp(900)).unwrap_err();
        assert!(matches!(&error, OutError::Full { .. }), "{error}");
        out.close().unwrap();
        assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 900);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let error = WavOut::unpaced(Path::new("/no/such/folder/take.wav"), WavFormat::F32).open(Ask::default());
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("/no/such/folder/take.wav: "), "{text}");
    }
}
