//! Bytes to two planes of samples at the file's own rate.
//!
//! The decoding is symphonia's. This file decides what is tolerated: a few damaged packets are left out and told, since a
//! scratched recording is still playable; a file that is mostly damage is refused. It stops reading at the allowed length.

use std::io::{Read, Seek, SeekFrom};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::fold::Fold;
use super::rate::RATES_HZ;
use super::{Fault, Notice, Origin, Progress};

/// Two planes of samples at the file's rate.
pub(super) struct Recording {
    pub planes: [Vec<f32>; 2],
    pub origin: Origin,
    pub notices: Vec<Notice>,
}

/// Any readable bytes, as symphonia wants them.
struct Bytes<R>(R, Option<u64>);

impl<R: Read> Read for Bytes<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(out)
    }
}

impl<R: Seek> Seek for Bytes<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Bytes<R> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        self.1
    }
}

/// Decodes the first sound track, at most `longest_s` seconds of it.
pub(super) fn decode<R>(
    mut bytes: R,
    ending: Option<&str>,
    longest_s: f64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Recording, Fault>
where
    R: Read + Seek + Send + Sync + 'static,
{
    let length = bytes.seek(SeekFrom::End(0)).map_err(Fault::Unreadable)?;
    bytes.rewind().map_err(Fault::Unreadable)?;
    let stream = MediaSourceStream::new(Box::new(Bytes(bytes, Some(length))), MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    if let Some(ending) = ending {
        hint.with_extension(ending);
    }
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| Fault::Unknown(error.to_string()))?;

    let track = format.default_track(TrackType::Audio).ok_or(Fault::NoTrack)?;
    let (track_id, promised) = (track.id, track.num_frames);
    let Some(CodecParameters::Audio(params)) = &track.codec_params else { return Err(Fault::NoTrack) };
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(|_| Fault::NoTrack)?;
    Take { longest_s, promised, ..Take::default() }.run(&mut *format, track_id, &mut *decoder, progress)
}

/// The decoding under way.
#[derive(Default)]
struct Take {
    longest_s: f64,
    promised: Option<u64>,
    planes: [Vec<f32>; 2],
    fold: Option<(Fold, u32)>,
    packets: u64,
    damaged: u64,
    why: String,
    cut: bool,
}

impl Take {
    fn run(
        mut self,
        format: &mut dyn FormatReader,
        track_id: u32,
        decoder: &mut dyn AudioDecoder,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Recording, Fault> {
        let mut interleaved = Vec::new();
        while !self.cut {
            let packet = match format.next_packet() {
                Ok(Some(packet)) => packet,
                // Streams chained behind one another play as far as the first; files cut short end with an error here.
                Ok(None) | Err(Error::ResetRequired) => break,
                Err(error) => {
                    self.note_damage(&error);
                    break;
                }
            };
            if packet.track_id != track_id {
                continue;
            }
            self.packets += 1;
            match decoder.decode(&packet) {
                Ok(buffer) => {
                    buffer.copy_to_vec_interleaved(&mut interleaved);
                    let spec = buffer.spec();
                    self.append(&interleaved, spec.rate(), Fold::of(spec.channels()))?;
                }
                Err(error) => self.note_damage(&error),
            }
            if self.packets % 64 == 1 {
                progress(Progress::Decoding(self.fraction()));
            }
        }
        self.finish(decoder.codec_info().short_name)
    }

    fn note_damage(&mut self, error: &Error) {
        self.damaged += 1;
        if self.why.is_empty() {
            self.why = error.to_string();
        }
    }

    fn append(&mut self, interleaved: &[f32], rate: u32, fold: Fold) -> Result<(), Fault> {
        match &self.fold {
            None => {
                if !(RATES_HZ.0..=RATES_HZ.1).contains(&rate) {
                    return Err(Fault::Rate { found: rate });
                }
                self.fold = Some((fold, rate));
            }
            Some(before) if *before == (fold, rate) => {}
            Some((_, rate)) => {
                return Err(Fault::Changes { at_s: self.planes[0].len() as f64 / f64::from(*rate) });
            }
        }
        let Some((fold, rate)) = &self.fold else { return Ok(()) };
        let most = (self.longest_s * f64::from(*rate)) as usize;
        fold.append(interleaved, &mut self.planes);
        if self.planes[0].len() > most {
            self.cut = true;
            self.planes.iter_mut().for_each(|plane| plane.truncate(most));
        }
        Ok(())
    }

    fn fraction(&self) -> Option<f32> {
        let rate = self.fold.as_ref()?.1;
        let whole = (self.promised? as f64).min(self.longest_s * f64::from(rate));
        (whole > 0.0).then(|| (self.planes[0].len() as f64 / whole).min(1.0) as f32)
    }

    fn finish(self, codec: &str) -> Result<Recording, Fault> {
        let Some((fold, rate_hz)) = self.fold else {
            return Err(match self.damaged {
                0 => Fault::Short { found_s: 0.0 },
                damaged => Fault::Damaged { damaged, packets: self.packets.max(damaged), why: self.why },
            });
        };
        if self.damaged * 2 > self.packets {
            return Err(Fault::Damaged { damaged: self.damaged, packets: self.packets, why: self.why });
        }
        let mut notices = Vec::new();
        let seconds = |frames: u64| frames as f64 / f64::from(rate_hz);
        let found_s = seconds(self.planes[0].len() as u64);
        if self.cut {
            notices.push(Notice::Cut { kept_s: found_s });
        }
        // A hundredth short is a codec's rounding; more is a file cut off in copying.
        if let Some(promised_s) = self.promised.map(seconds).filter(|promised| !self.cut && found_s < promised * 0.99) {
            notices.push(Notice::EndsEarly { found_s, promised_s });
        }
        if self.damaged > 0 {
            notices.push(Notice::Damaged { packets: self.damaged });
        }
        let origin = Origin { rate_hz, channels: fold.channels(), codec: codec.to_owned() };
        Ok(Recording { planes: self.planes, origin, notices })
    }
}
