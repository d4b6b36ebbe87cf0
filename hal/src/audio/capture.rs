//! Sound that comes in through ALSA, from any PCM that records: read as it comes, never waited for.
//!
//! 48 kHz exactly, one channel or more (one alone is both sides), whatever encoding the device has; one that cannot is asked again
//! through ALSA's own converter (`plug`). Its buffer holds a second, so that whoever reads between periods of playing loses nothing;
//! where sound was lost all the same, that is said and nothing is made up.

use std::ffi::CString;

use alsa::pcm::{Access, Frames, HwParams, PCM};
use alsa::{Direction, ValueOr};

use super::alsa::format;
use super::quiet::quieten;
use super::{Agreed, Ask, AudioIn, Encoding, OutError, StereoFrame};

/// Frames that are read at a time at most.
const READ: usize = 1024;

/// An ALSA capture device.
pub struct AlsaIn {
    name: String,
    open: Option<Open>,
}

struct Open {
    pcm: PCM,
    encoding: Encoding,
    channels: usize,
    bytes: Vec<u8>,
}

impl AlsaIn {
    /// The PCM called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), open: None }
    }

    fn gone(&self, cause: impl std::fmt::Display) -> OutError {
        OutError::Gone { device: self.name.clone(), cause: cause.to_string() }
    }

    fn said(&self, error: alsa::Error) -> OutError {
        self.gone(std::io::Error::from_raw_os_error(error.errno()))
    }

    fn open_as(&self, name: &str, ask: Ask) -> Result<(Open, Agreed), OutError> {
        let name = CString::new(name).map_err(|_| self.gone("the name holds a zero byte"))?;
        let said = |error| self.said(error);
        let unable = |asked: &str, offered: String| OutError::Unsupported {
            device: self.name.clone(),
            asked: asked.to_owned(),
            offered,
        };
        let pcm = PCM::open(&name, Direction::Capture, true).map_err(said)?;
        let (encoding, channels, period, buffer) = {
            let params = HwParams::any(&pcm).map_err(said)?;
            params.set_access(Access::RWInterleaved).map_err(said)?;
            let can = |it: &Encoding| params.test_format(format(*it)).is_ok();
            let encoding = Encoding::ALL.into_iter().find(can);
            let encoding = encoding.ok_or_else(|| unable("recording", "none of our formats".to_owned()))?;
            params.set_format(format(encoding)).map_err(said)?;
            let channels =
                if params.set_channels(2).is_ok() { 2 } else { params.set_channels_near(2).map_err(said)? };
            params
                .set_rate(ask.rate_hz, ValueOr::Nearest)
                .map_err(|_| unable(&format!("{} Hz", ask.rate_hz), "another rate".to_owned()))?;
            let period =
                params.set_period_size_near(ask.period_frames as Frames, ValueOr::Nearest).map_err(said)? as usize;
            let buffer = params.set_buffer_size_near(Frames::from(ask.rate_hz)).map_err(said)? as usize;
            pcm.hw_params(&params).map_err(said)?;
            (encoding, channels as usize, period, buffer)
        };
        pcm.prepare().and_then(|()| pcm.start()).map_err(said)?;
        let bytes = vec![0; READ * channels * encoding.bytes()];
        let agreed = Agreed { period_frames: period, buffer_frames: buffer, channels, encoding, paced: true };
        Ok((Open { pcm, encoding, channels, bytes }, agreed))
    }
}

impl AudioIn for AlsaIn {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        self.open = None;
        quieten();
        let opened = match self.open_as(&self.name, ask) {
            Err(refused @ OutError::Unsupported { .. }) if !self.name.contains('\'') => {
                self.open_as(&format!("plug:'{}'", self.name), ask).map_err(|_| refused)
            }
            done => done,
        };
        let (open, agreed) = opened?;
        self.open = Some(open);
        Ok(agreed)
    }

    fn read(&mut self, frames: &mut [StereoFrame]) -> Result<usize, OutError> {
        let Some(open) = &mut self.open else { return Err(self.gone("the device is not open")) };
        let frame = open.channels * open.encoding.bytes();
        let room = frames.len().min(READ) * frame;
        // Taken anew each time: ALSA allows no other call while the reader exists.
        let read = open.pcm.io_bytes().readi(&mut open.bytes[..room]);
        match read {
            Ok(read) => {
                for (to, from) in frames.iter_mut().zip(open.bytes.chunks_exact(frame)).take(read) {
                    let side = |channel: usize| open.encoding.read(&from[channel * open.encoding.bytes()..]);
                    *to = [side(0), side(usize::from(open.channels > 1))];
                }
                Ok(read)
            }
            Err(error) if error.errno() == libc::EAGAIN => Ok(0),
            Err(error) if error.errno() == libc::EPIPE => Err(self.gone("sound was lost: nobody read it in time")),
            Err(error) => Err(self.said(error)),
        }
    }

    fn delay_frames(&mut self) -> usize {
        self.open.as_ref().and_then(|open| open.pcm.delay().ok()).map_or(0, |delay| delay.max(0) as usize)
    }
}
