//! The codecs that stand in Ogg: their headers, and a decoder for their packets.
//!
//! Vorbis and FLAC are symphonia's; Opus is `ropus`, the reference decoder ported, since symphonia has none. A decoder is made when all of its
//! headers have come.

use ropus::OpusMSDecoder;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::Fault;
use super::fold::Fold;
use super::guarded::{self, guarded};

/// Opus always comes out at this rate, whatever went in.
const OPUS_RATE_HZ: u32 = 48_000;
/// The longest packet of Opus: 120 ms.
const OPUS_FRAMES_MAX: usize = 5760;

/// A stream's decoder, from its first header on.
pub(super) struct Decoder {
    codec: Codec,
    rate_hz: u32,
    fold: Fold,
    /// Headers that are still to come.
    headers: usize,
}

enum Codec {
    /// What symphonia wants to know: the headers in a row.
    Library {
        id: AudioCodecId,
        headers: Vec<u8>,
        made: Option<Box<dyn AudioDecoder>>,
    },
    Opus(Opus),
}

/// Opus: one or more streams of one or two channels.
struct Opus {
    decoder: Box<OpusMSDecoder>,
    channels: usize,
    /// Frames that the encoder put before.
    skip: u64,
    gain: f32,
    /// Samples of 24 bits.
    pcm: Vec<i32>,
}

/// Other sound in Ogg.
const OTHERS: [(&[u8], &str); 5] = [
    (b"Speex   ", "an OGG file with Speex sound"),
    (b"CELT    ", "an OGG file with CELT sound"),
    (b"PCM     ", "an OGG file with PCM sound"),
    (b"\x01audio\0\0\0", "an OGM film"),
    (b"MIDI", "an OGG file with MIDI"),
];

/// What stream a first packet begins: a decoder, `None` for one that is no sound.
///
/// # Errors
/// [`Fault`] for sound that cannot be decoded.
pub(super) fn identify(packet: &[u8]) -> Result<Option<Decoder>, Fault> {
    let broken = |why: &str| Fault::Broken { kind: "OGG", why: why.to_owned() };
    if packet.starts_with(b"\x01vorbis") {
        let Some(head) = packet.get(11..16) else { return Err(broken("its first header is cut off")) };
        let (channels, rate_hz) = (usize::from(head[0]), u32::from_le_bytes([head[1], head[2], head[3], head[4]]));
        if channels == 0 {
            return Err(broken("it has no channels"));
        }
        let codec = Codec::Library { id: CODEC_ID_VORBIS, headers: packet.to_vec(), made: None };
        return Ok(Some(Decoder { codec, rate_hz, fold: Fold::usual(channels), headers: 2 }));
    }
    if packet.starts_with(b"OpusHead") {
        return Opus::read(packet).map(Some);
    }
    if packet.starts_with(b"\x7fFLAC") {
        let Some(info) = packet.get(17..51) else { return Err(broken("its first header is cut off")) };
        let following = usize::from(u16::from_be_bytes([packet[7], packet[8]]));
        let rate_hz = u32::from(info[10]) << 12 | u32::from(info[11]) << 4 | u32::from(info[12]) >> 4;
        let channels = usize::from(info[12] >> 1 & 7) + 1;
        let codec = Codec::Library { id: CODEC_ID_FLAC, headers: info.to_vec(), made: None };
        let mut decoder = Decoder { codec, rate_hz, fold: Fold::usual(channels), headers: following };
        decoder.make()?;
        return Ok(Some(decoder));
    }
    match OTHERS.iter().find(|(mark, _)| packet.starts_with(mark)) {
        Some((_, name)) => Err(Fault::Unsupported((*name).to_owned())),
        None => Ok(None),
    }
}

/// Decodes a packet; `None` where it is damaged. Should a decoder panic over it (its arithmetic may overflow on rubbish where
/// overflow is looked for), that packet is damaged too, and the show goes on.
pub(super) fn decoded<'a>(
    decoder: &'a mut dyn AudioDecoder,
    packet: &PacketRef<'_>,
) -> Option<GenericAudioBufferRef<'a>> {
    let whole = guarded(|| decoder.decode_ref(packet).is_ok()).unwrap_or(false);
    whole.then(|| decoder.last_decoded())
}

impl Decoder {
    /// Whether all headers have come.
    pub fn is_ready(&self) -> bool {
        self.headers == 0
    }

    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub fn fold(&self) -> Fold {
        self.fold.clone()
    }

    /// The codec's short name.
    pub fn name(&self) -> &'static str {
        match &self.codec {
            Codec::Opus(_) => "opus",
            Codec::Library { id, .. } if *id == CODEC_ID_VORBIS => "vorbis",
            Codec::Library { .. } => "flac",
        }
    }

    /// Frames that the encoder put before the sound.
    pub fn skip(&self) -> u64 {
        match &self.codec {
            Codec::Opus(opus) => opus.skip,
            Codec::Library { .. } => 0,
        }
    }

    /// Takes another header.
    pub fn header(&mut self, packet: &[u8]) -> Result<(), Fault> {
        self.headers = self.headers.saturating_sub(1);
        if let Codec::Library { id, headers, .. } = &mut self.codec {
            // Of Vorbis, the third holds the books; the second is titles.
            if *id == CODEC_ID_VORBIS && packet.starts_with(b"\x05vorbis") {
                headers.extend_from_slice(packet);
                self.headers = 0;
            }
        }
        if self.headers == 0 { self.make() } else { Ok(()) }
    }

    fn make(&mut self) -> Result<(), Fault> {
        let Codec::Library { id, headers, made } = &mut self.codec else { return Ok(()) };
        if made.is_some() {
            return Ok(());
        }
        let mut params = AudioCodecParameters::new();
        params.for_codec(*id).with_sample_rate(self.rate_hz).with_extra_data(headers.clone().into_boxed_slice());
        let decoder = guarded::decoder(&params, &AudioDecoderOptions::default());
        let why = || Fault::Broken { kind: "OGG", why: "its headers cannot be understood".to_owned() };
        *made = Some(decoder.ok_or_else(why)?);
        Ok(())
    }

    /// Decodes a packet onto the end of `out`, interleaved; false where it is damaged.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool {
        match &mut self.codec {
            Codec::Opus(opus) => opus.decode(packet, out),
            // Of FLAC, headers may follow that nobody counted.
            Codec::Library { id, .. } if *id == CODEC_ID_FLAC && packet.first() != Some(&0xff) => true,
            Codec::Library { made: Some(decoder), .. } => {
                let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, packet);
                let Some(buffer) = decoded(&mut **decoder, &packet) else { return false };
                let mut interleaved: Vec<f32> = Vec::new();
                buffer.copy_to_vec_interleaved(&mut interleaved);
                // The decoder has put the channels in the order of their places; the fold follows it.
                self.fold = Fold::of(buffer.spec().channels());
                out.extend(interleaved);
                true
            }
            Codec::Library { made: None, .. } => false,
        }
    }
}

impl Opus {
    /// RFC 7845, section 5.1.
    fn read(packet: &[u8]) -> Result<Decoder, Fault> {
        let broken = || Fault::Broken { kind: "Opus", why: "its first header is cut off".to_owned() };
        let head = packet.get(..19).ok_or_else(broken)?;
        let channels = usize::from(head[9]);
        let skip = u64::from(u16::from_le_bytes([head[10], head[11]]));
        let gain_db = f32::from(i16::from_le_bytes([head[16], head[17]])) / 256.0;
        let family = head[18];
        let unsupported = || Fault::Unsupported(format!("an Opus file of {channels} channels, mapping {family}"));
        let (streams, coupled, table, fold) = match (family, channels) {
            (0, 1 | 2) => (1, channels - 1, &[0, 1][..channels], Fold::even(channels)),
            (1 | 255, 1..) => {
                let table = packet.get(19..21 + channels).ok_or_else(broken)?;
                let fold = if family == 1 { Fold::vorbis_order(channels) } else { Fold::even(channels) };
                (usize::from(table[0]), usize::from(table[1]), &table[2..], fold)
            }
            _ => return Err(unsupported()),
        };
        let made = OpusMSDecoder::new(OPUS_RATE_HZ as i32, channels as i32, streams as i32, coupled as i32, table);
        let decoder = Box::new(made.map_err(|_| unsupported())?);
        let pcm = vec![0; OPUS_FRAMES_MAX * channels];
        let opus = Self { decoder, channels, skip, gain: 10f32.powf(gain_db / 20.0), pcm };
        Ok(Decoder { codec: Codec::Opus(opus), rate_hz: OPUS_RATE_HZ, fold, headers: 1 })
    }

    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool {
        let (decoder, pcm) = (&mut self.decoder, &mut self.pcm);
        // The decoder is young: should a packet make it panic, that packet is damaged and the show goes on.
        let decoded =
            guarded(|| decoder.decode24(Some(packet), packet.len() as i32, pcm, OPUS_FRAMES_MAX as i32, false));
        let Some(Ok(frames)) = decoded else { return false };
        let gain = self.gain / (1 << 23) as f32;
        out.extend(self.pcm.iter().take(frames.max(0) as usize * self.channels).map(|sample| *sample as f32 * gain));
        true
    }
}
