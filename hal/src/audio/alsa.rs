//! Sound through ALSA, to any PCM that has a name: a card, `default`, a plug chain, a file.
//!
//! The device is asked for what we want and told to do it only if it can: 48 kHz exactly (a plug may convert), two
//! channels or more, the best encoding it takes, a period near the one asked for. Writing recovers from running dry
//! (`EPIPE`) and from sleep (`ESTRPIPE`) by itself and counts it; a device that has gone, or takes nothing for two
//! seconds, is closed and said to be gone, and can be opened again.
//!
//! The device is opened in non-blocking mode and waited for with a timeout: a busy card refuses at once, and a card that
//! was pulled out cannot hold the audio thread for ever.

use std::ffi::CString;

use alsa::pcm::{Access, Format, HwParams, PCM};
use alsa::{Direction, Output, ValueOr};

use super::encoding::Encoder;
use super::{Agreed, Ask, AudioOut, Encoding, OutError, StereoFrame, Written};

/// How long a device may take nothing at all. Longer than any buffer that we ask for.
const STALL_MS: u32 = 2_000;
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
        if channels < 2 {
            return Err(unsupported("two channels".into(), format!("{channels}")));
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

    /// Writes `bytes`, recovering as needed; returns the gaps.
    fn push(open: &Open, bytes: &[u8]) -> Result<u32, alsa::Error> {
        let frame_bytes = open.encoder.frame_bytes();
        let (mut gaps, mut stalled) = (0, false);
        let mut rest = bytes;
        while !rest.is_empty() {
            // Taken anew each round: ALSA allows no other call while the writer exists.
            let written = open.pcm.io_bytes().writei(rest);
            match written {
                Ok(frames) => {
                    rest = &rest[frames * frame_bytes..];
                    stalled = frames == 0 && Self::wait(open, stalled)?;
                }
                Err(error) => match error.errno() {
                    libc::EAGAIN => stalled = Self::wait(open, stalled)?,
                    libc::EINTR => {}
                    libc::EPIPE => {
                        gaps += 1;
                        open.pcm.prepare()?;
                    }
                    libc::ESTRPIPE => {
                        gaps += 1;
                        Self::wake(&open.pcm)?;
                    }
                    _ => return Err(error),
                },
            }
        }
        Ok(gaps)
    }

    /// Waits for room. `true` when none came; twice in a row is a stall.
    fn wait(open: &Open, stalled: bool) -> Result<bool, alsa::Error> {
        // A device that was filled but not started would never make room.
        if open.pcm.state() == alsa::pcm::State::Prepared {
            open.pcm.start()?;
        }
        match open.pcm.wait(Some(STALL_MS / 2)) {
            Ok(true) => Ok(false),
            Ok(false) if stalled => Err(alsa::Error::new("snd_pcm_wait", libc::ETIMEDOUT)),
            Ok(false) => Ok(true),
            // Running dry or going to sleep shows at the next write, where it is recovered from.
            Err(error) if matches!(error.errno(), libc::EPIPE | libc::ESTRPIPE | libc::EINTR) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings a sleeping device back.
    fn wake(pcm: &PCM) -> Result<(), alsa::Error> {
        for _ in 0..RESUME_TRIES {
            match pcm.resume() {
                Ok(()) => return Ok(()),
                Err(error) if error.errno() == libc::EAGAIN => {
                    pcm.wait(Some(20)).ok();
                }
                Err(_) => break,
            }
        }
        pcm.prepare()
    }
}

impl AudioOut for AlsaOut {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        self.open = None;
        // Alsa's own words would land in the middle of the display; the errors carry what matters.
        Output::local_error_handler().ok();
        let name = CString::new(self.name.as_str()).map_err(|_| self.gone("the name holds a zero byte"))?;
        let pcm = PCM::open(&name, Direction::Playback, true).map_err(|error| self.said(error))?;
        let agreed = self.negotiate(&pcm, ask)?;
        let encoder = Encoder::new(agreed.encoding, agreed.channels);
        let bytes = vec![0; agreed.period_frames * encoder.frame_bytes()];
        self.open = Some(Open { pcm, encoder, bytes });
        Ok(agreed)
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        let Some(open) = &mut self.open else { return Err(self.gone("the device is not open")) };
        let mut gaps = 0;
        let period = (open.bytes.len() / open.encoder.frame_bytes()).max(1);
        for part in frames.chunks(period) {
            let mut bytes = std::mem::take(&mut open.bytes);
            let pushed = Self::push_part(open, part, &mut bytes);
            open.bytes = bytes;
            match pushed {
                Ok(more) => gaps += more,
                Err(error) => {
                    self.open = None;
                    return Err(self.said(error));
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
                open.pcm.wait(Some(STALL_MS)).ok();
                Ok(())
            }
            Err(error) => Err(self.said(error)),
            Ok(()) => Ok(()),
        }
    }
}

impl AlsaOut {
    fn push_part(open: &mut Open, part: &[StereoFrame], bytes: &mut [u8]) -> Result<u32, alsa::Error> {
        let bytes = open.encoder.encode(part, bytes);
        Self::push(open, bytes)
    }
}

fn format(encoding: Encoding) -> Format {
    match encoding {
        Encoding::F32 => Format::FloatLE,
        Encoding::S32 => Format::S32LE,
        Encoding::S24 => Format::S24LE,
        Encoding::S24Packed => Format::S243LE,
        Encoding::S16 => Format::S16LE,
    }
}
