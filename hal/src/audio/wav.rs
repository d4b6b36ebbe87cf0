//! A WAV file as an output: for machines without sound, for keeping a take.
//!
//! The header is brought up to date once a second of sound, so that a file whose writer was killed plays up to its last
//! second. Past 4 GiB, which is as far as a WAV file counts, it becomes an RF64 file: its header (`wav_header`) keeps room for
//! that from the beginning. Where the file is and when it takes the place of another is its own business ([`WavFile`]).

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

use super::clock::Pace;
use super::wav_header::{LONGEST_BYTES, append_header};
use super::{Agreed, Ask, AudioOut, Clock, Encoding, OutError, RealClock, StereoFrame, Written};

/// How samples lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavFormat {
    /// 32-bit float: the engine's own bits.
    F32,
    /// 24-bit integers, which every editor reads.
    I24,
}

impl WavFormat {
    /// Bytes of one stereo frame.
    #[must_use]
    pub const fn frame_bytes(self) -> u64 {
        match self {
            Self::F32 => 8,
            Self::I24 => 6,
        }
    }

    /// Adds frames as they lie in a file. Integers are rounded and cut; what is not a number is silence.
    pub fn append(self, frames: &[StereoFrame], out: &mut Vec<u8>) {
        for sample in frames.iter().flatten() {
            match self {
                Self::F32 => out.extend_from_slice(&sample.to_le_bytes()),
                Self::I24 => {
                    let sample = if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) };
                    let whole = (sample * 8_388_608.0).round().min(8_388_607.0) as i32;
                    out.extend_from_slice(&whole.to_le_bytes()[..3]);
                }
            }
        }
    }
}

/// Where the bytes of a WAV file go.
pub trait WavFile: Write + Send {
    /// Whether what was written goes somewhere as it comes, and its beginning cannot be written again.
    fn is_stream(&self) -> bool;

    /// Writes the beginning again: what was written up to now is a whole recording.
    ///
    /// # Errors
    /// As the system says.
    fn head(&mut self, header: &[u8]) -> io::Result<()>;

    /// Nothing more comes: what there is is kept.
    ///
    /// # Errors
    /// As the system says.
    fn end(&mut self) -> io::Result<()>;
}

impl WavFile for File {
    fn is_stream(&self) -> bool {
        false
    }

    fn head(&mut self, header: &[u8]) -> io::Result<()> {
        self.write_all_at(header, 0)
    }

    fn end(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Writes a WAV file, at the pace of a clock or as fast as it comes. Opened once: a file that was closed is whole.
pub struct WavOut {
    name: String,
    format: WavFormat,
    clock: Option<Box<dyn Clock + Send>>,
    pace: Pace,
    rate_hz: u32,
    /// What was not opened yet.
    waiting: Option<Box<dyn WavFile>>,
    file: Option<Box<dyn WavFile>>,
    /// A period as bytes; kept, so that nothing is allocated while it plays.
    bytes: Vec<u8>,
    frames: u64,
    headed: u64,
}

impl WavOut {
    /// Writes into `file` in real time, in the place of a sound card; `name` is for sentences.
    #[must_use]
    pub fn onto(name: &str, file: Box<dyn WavFile>, format: WavFormat) -> Self {
        Self::with_clock(name, file, format, Some(Box::<RealClock>::default()))
    }

    /// Writes into `file` at the pace of `clock`; without one, as fast as sound comes.
    #[must_use]
    pub fn with_clock(
        name: &str,
        file: Box<dyn WavFile>,
        format: WavFormat,
        clock: Option<Box<dyn Clock + Send>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            format,
            clock,
            pace: Pace::default(),
            rate_hz: 0,
            waiting: Some(file),
            file: None,
            bytes: Vec::new(),
            frames: 0,
            headed: 0,
        }
    }

    /// Frames written so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    fn full(&self, cause: impl std::fmt::Display) -> OutError {
        OutError::Full { path: self.name.clone().into(), cause: cause.to_string() }
    }

    fn put(&mut self, frames: &[StereoFrame]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.bytes.clear();
        self.format.append(frames, &mut self.bytes);
        file.write_all(&self.bytes)?;
        self.frames += frames.len() as u64;
        if self.frames - self.headed >= u64::from(self.rate_hz) {
            self.head()?;
        }
        Ok(())
    }

    fn head(&mut self) -> io::Result<()> {
        self.headed = self.frames;
        match &mut self.file {
            Some(file) if !file.is_stream() => {
                self.bytes.clear();
                append_header(self.format, self.rate_hz, Some(self.frames), &mut self.bytes);
                file.head(&self.bytes)
            }
            _ => Ok(()),
        }
    }
}

impl AudioOut for WavOut {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        let encoding = match self.format {
            WavFormat::F32 => Encoding::F32,
            WavFormat::I24 => Encoding::S24Packed,
        };
        let mut file = self.waiting.take().ok_or_else(|| OutError::NoFile {
            path: self.name.clone().into(),
            cause: "the take has ended".to_owned(),
        })?;
        // Of a file, no sound as yet; of a stream, sound without end.
        let frames = (!file.is_stream()).then_some(0);
        self.bytes.clear();
        append_header(self.format, ask.rate_hz, frames, &mut self.bytes);
        file.write_all(&self.bytes).map_err(|error| self.full(error))?;
        (self.file, self.frames, self.headed, self.rate_hz) = (Some(file), 0, 0, ask.rate_hz);
        self.bytes.reserve(LONGEST_BYTES.max(ask.period_frames * self.format.frame_bytes() as usize));
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
        if self.file.is_none() {
            return Err(OutError::Gone { device: self.name(), cause: "the file is not open".into() });
        }
        self.put(frames).map_err(|error| self.full(error))?;
        if let Some(clock) = &mut self.clock {
            self.pace.wait(clock.as_mut(), frames.len(), self.rate_hz);
        }
        Ok(Written::default())
    }

    fn close(&mut self) -> Result<(), OutError> {
        let headed = if self.frames == self.headed { Ok(()) } else { self.head() };
        match self.file.take() {
            Some(mut file) => headed.and_then(|()| file.end()).map_err(|error| self.full(error)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{FakeClock, wav_header};
    use std::path::Path;
    use std::time::Duration;

    /// A file at `path`, as fast as sound comes.
    fn unpaced(path: &Path, format: WavFormat) -> WavOut {
        WavOut::with_clock("take.wav", Box::new(File::create(path).unwrap()), format, None)
    }

    fn ramp(frames: usize) -> Vec<StereoFrame> {
        (0..frames).map(|i| [i as f32 / frames as f32, -(i as f32) / frames as f32]).collect()
    }

    #[test]
    fn a_float_file_holds_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let mut out = unpaced(&path, WavFormat::F32);
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
        let mut out = unpaced(&path, WavFormat::I24);
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
        let mut out = unpaced(&path, WavFormat::F32);
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
        let file = File::create(&path).unwrap();
        let mut out = WavOut::with_clock("take.wav", Box::new(file), WavFormat::F32, Some(Box::new(clock.clone())));
        assert!(out.open(Ask::default()).unwrap().paced);
        (0..300).for_each(|_| assert_eq!(out.write(&ramp(480)).unwrap(), Written::default()));
        assert_eq!(clock.now(), Duration::from_secs(3));
    }

    /// A disk of so many bytes.
    struct Small(File, u64);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 < bytes.len() as u64 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.1 -= bytes.len() as u64;
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl WavFile for Small {
        fn is_stream(&self) -> bool {
            false
        }

        fn head(&mut self, header: &[u8]) -> io::Result<()> {
            self.0.head(header)
        }

        fn end(&mut self) -> io::Result<()> {
            self.0.end()
        }
    }

    #[test]
    fn a_full_disk_says_so_and_the_file_stays_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let small = Small(File::create(&path).unwrap(), 8 * 1000);
        let mut out = WavOut::onto("take.wav", Box::new(small), WavFormat::F32);
        out.open(Ask::default()).unwrap();
        out.write(&ramp(900)).unwrap();
        let error = out.write(&ramp(900)).unwrap_err();
        assert!(matches!(&error, OutError::Full { .. }), "{error}");
        assert!(error.to_string().starts_with("take.wav: "), "{error}");
        out.close().unwrap();
        assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 900);
        assert!(matches!(out.open(Ask::default()), Err(OutError::NoFile { .. })), "a take is not begun again");
    }

    #[test]
    fn a_take_that_grows_past_four_gigabytes_becomes_one_that_counts_in_64_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take.wav");
        let mut out = unpaced(&path, WavFormat::F32);
        out.open(Ask::default()).unwrap();
        out.write(&ramp(480)).unwrap();
        // Three hours later.
        out.frames = 540_000_000;
        out.write(&ramp(480)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((&bytes[..4], &bytes[12..16]), (&b"RF64"[..], &b"ds64"[..]));
        assert_eq!(u64::from_le_bytes(bytes[28..36].try_into().unwrap()), 540_000_480 * 8);
        let header = wav_header(WavFormat::F32, 48_000, Some(0)).len();
        assert_eq!(
            bytes[header + 8..header + 16],
            bytes[header + 8 + 480 * 8..header + 16 + 480 * 8],
            "the sound stayed"
        );
    }
}
