//! Sound through ALSA, to any PCM that has a name: a card, `default`, a plug chain, a file.
//!
//! The device is asked for what we want and told to do it only if it can: 48 kHz exactly, any number of channels (one gets
//! the mean of both sides), the best encoding it takes, a period near the one asked for. One that cannot is asked again
//! through ALSA's own converter (`plug`), which knows every rate and encoding that ALSA has. Writing recovers from running
//! dry and from sleep by itself and counts it (`push`); a device that has gone, or takes nothing for two seconds, is closed
//! and said to be gone, and can be opened again.
//!
//! The device is opened in non-blocking mode and waited for with a timeout: a busy card refuses at once, and a card that
//! was pulled out cannot hold the audio thread for ever.

use std::ffi::CString;
use std::time::Duration;

use alsa::pcm::{Access, Format, HwParams, PCM};
use alsa::{Direction, ValueOr};

use super::encoding::Encoder;
use super::push::{Port, push};
use super::quiet::quieten;
use super::{Agreed, Ask, AudioOut, Encoding, OutError, StereoFrame, Written};

/// How long the rest of the sound may take to leave at the end, in milliseconds: longer than any buffer that we ask for.
const DRAIN_MS: u32 = 200;
/// Waits for a sleeping device, each a tick long at most, before it is prepared afresh.
const RESUME_TRIES: u32 = 50;

/// An ALSA playback device.
pub struct AlsaOut {
    name: String,
    encodings: Vec<Encoding>,
    open: Option<Open>,
}

struct Open {
    pcm: PCM,
    encoder: Encoder,
    bytes: Vec<u8>,
}

impl AlsaOut {
    /// The PCM called `name`, for instance `default`, `hw:1`, `plughw:CARD=UMC22`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), encodings: Encoding::ALL.to_vec(), open: None }
    }

    /// Only these encodings are tried, in this order.
    #[must_use]
    pub fn with_encodings(mut self, encodings: &[Encoding]) -> Self {
        self.encodings = encodings.to_vec();
        self
    }

    fn gone(&self, cause: impl std::fmt::Display) -> OutError {
        OutError::Gone { device: self.name.clone(), cause: cause.to_string() }
    }

    fn said(&self, error: alsa::Error) -> OutError {
        self.gone(std::io::Error::from_raw_os_error(error.errno()))
    }

    /// The PCM that converts for this one, where its name can be said to ALSA.
    fn converted(&self) -> Option<String> {
        (!self.name.contains('\'')).then(|| format!("plug:'{}'", self.name))
    }

    /// Opens the PCM called `name` and settles everything with it.
    fn open_as(&self, name: &str, ask: Ask) -> Result<(Open, Agreed), OutError> {
        let name = CString::new(name).map_err(|_| self.gone("the name holds a zero byte"))?;
        let pcm = PCM::open(&name, Direction::Playback, true).map_err(|error| self.said(error))?;
        let agreed = self.negotiate(&pcm, ask)?;
        let encoder = Encoder::new(agreed.encoding, agreed.channels);
        let bytes = vec![0; agreed.period_frames * encoder.frame_bytes()];
        Ok((Open { pcm, encoder, bytes }, agreed))
    }

    /// Settles rate, channels, encoding and buffer with the device.
    fn negotiate(&self, pcm: &PCM, ask: Ask) -> Result<Agreed, OutError> {
        let unsupported =
            |asked: String, offered: String| OutError::Unsupported { device: self.name.clone(), asked, offered };
        let params = HwParams::any(pcm).map_err(|error| self.said(error))?;
        params
            .set_access(Access::RWInterleaved)
            .map_err(|_| unsupported("interleaved writing".into(), "memory-mapped access only".into()))?;
        let encoding = *self.encodings.iter().find(|it| params.test_format(format(**it)).is_ok()).ok_or_else(|| {
            let names = |list: &[Encoding]| list.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
            let offered: Vec<_> =
                Encoding::ALL.into_iter().filter(|it| params.test_format(format(*it)).is_ok()).collect();
            let offered = if offered.is_empty() { "none of our formats".into() } else { names(&offered) };
            unsupported(names(&self.encodings), offered)
        })?;
        let set = |result: alsa::Result<()>| result.map_err(|error| self.said(error));
        set(params.set_format(format(encoding)))?;
        let channels = if params.set_channels(2).is_ok() { 2 } else { params.set_channels_near(2).unwrap_or(0) };
        if channels < 1 {
            return Err(unsupported("two channels".into(), "none".into()));
        }
        set(params.set_rate_resample(true))?;
        params.set_rate(ask.rate_hz, ValueOr::Nearest).map_err(|_| {
            let range = (params.get_rate_min().unwrap_or(0), params.get_rate_max().unwrap_or(0));
            unsupported(format!("{} Hz", ask.rate_hz), format!("{} to {} Hz", range.0, range.1))
        })?;
        let period = params
            .set_period_size_near(ask.period_frames as alsa::pcm::Frames, ValueOr::Nearest)
            .map_err(|error| self.said(error))?;
        let buffer = params
            .set_buffer_size_near(period * ask.periods.max(2) as alsa::pcm::Frames)
            .map_err(|error| self.said(error))?;
        set(pcm.hw_params(&params))?;
        self.tune(pcm, period, buffer)?;
        Ok(Agreed {
            period_frames: period as usize,
            buffer_frames: buffer as usize,
            channels: channels as usize,
            encoding,
            paced: true,
        })
    }

    /// Playing starts when the buffer is full but for one period, so that the first write is never a gap.
    fn tune(&self, pcm: &PCM, period: alsa::pcm::Frames, buffer: alsa::pcm::Frames) -> Result<(), OutError> {
        let params = pcm.sw_params_current().map_err(|error| self.said(error))?;
        let start = (buffer / period.max(1) - 1).max(1) * period;
        let set = |result: alsa::Result<()>| result.map_err(|error| self.said(error));
        set(params.set_start_threshold(start))?;
        set(params.set_avail_min(period))?;
        set(pcm.sw_params(&params))?;
        set(pcm.prepare())
    }
}

impl Port for Open {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, i32> {
        // Taken anew each time: ALSA allows no other call while the writer exists.
        let written = self.pcm.io_bytes().writei(bytes);
        written.map(|frames| frames * self.encoder.frame_bytes()).map_err(|error| error.errno())
    }

    fn wait(&mut self, patience_ms: u32) -> Result<bool, i32> {
        // A device that was filled but not started would never make room.
        if self.pcm.state() == alsa::pcm::State::Prepared {
            self.pcm.start().map_err(|error| error.errno())?;
        }
        self.pcm.wait(Some(patience_ms)).map_err(|error| error.errno())
    }

    fn prepare(&mut self) -> Result<(), i32> {
        self.pcm.prepare().map_err(|error| error.errno())
    }

    fn wake(&mut self) -> Result<(), i32> {
        for _ in 0..RESUME_TRIES {
            match self.pcm.resume() {
                Ok(()) => return Ok(()),
                Err(error) if error.errno() == libc::EAGAIN => {
                    self.pcm.wait(Some(20)).ok();
                }
                Err(_) => break,
            }
        }
        self.prepare()
    }

    fn rest(&mut self, pause_ms: u32) {
        std::thread::sleep(Duration::from_millis(pause_ms.into()));
    }
}

impl AudioOut for AlsaOut {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        self.open = None;
        quieten();
        let refused = match self.open_as(&self.name, ask) {
            Ok((open, agreed)) => {
                self.open = Some(open);
                return Ok(agreed);
            }
            Err(refused) => refused,
        };
        let converted = match (&refused, self.converted()) {
            (OutError::Unsupported { .. }, Some(name)) => self.open_as(&name, ask).ok(),
            _ => None,
        };
        let Some((open, agreed)) = converted else { return Err(refused) };
        self.open = Some(open);
        Ok(agreed)
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        let Some(open) = &mut self.open else { return Err(self.gone("the device is not open")) };
        let mut gaps = 0;
        let period = (open.bytes.len() / open.encoder.frame_bytes()).max(1);
        for part in frames.chunks(period) {
            let mut bytes = std::mem::take(&mut open.bytes);
            let encoded = open.encoder.encode(part, &mut bytes).len();
            let pushed = push(open, &bytes[..encoded]);
            open.bytes = bytes;
            match pushed {
                Ok(more) => gaps += more,
                Err(errno) => {
                    self.open = None;
                    return Err(self.gone(std::io::Error::from_raw_os_error(errno)));
                }
            }
        }
        Ok(Written { gaps })
    }

    fn delay_frames(&mut self) -> usize {
        self.open.as_ref().and_then(|open| open.pcm.delay().ok()).map_or(0, |delay| delay.max(0) as usize)
    }

    fn close(&mut self) -> Result<(), OutError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        // In non-blocking mode drain returns at once; the sound still plays out, bounded by the buffer.
        match open.pcm.drain() {
            Err(error) if error.errno() == libc::EAGAIN => {
                open.pcm.wait(Some(DRAIN_MS)).ok();
                Ok(())
            }
            Err(error) => Err(self.said(error)),
            Ok(()) => Ok(()),
        }
    }
}

/// An encoding as ALSA names it.
pub(super) fn format(encoding: Encoding) -> Format {
    match encoding {
        Encoding::F32 => Format::FloatLE,
        Encoding::S32 => Format::S32LE,
        Encoding::S24 => Format::S24LE,
        Encoding::S24Packed => Format::S243LE,
        Encoding::S16 => Format::S16LE,
    }
}
