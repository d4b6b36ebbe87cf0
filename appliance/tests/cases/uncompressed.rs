//! WAV, Wave64, AIFF, AU and CAF, with the headers that are about.

use super::bytes::*;
use super::{heard, is_refused, load, plays, plays_and_says};

/// A row of `make.py`: its name and its bytes.
pub fn waves() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = sound();
    let length = bytes.len() as u32;
    let endless = sized(b"data", &bytes, ENDLESS);
    let wide = [ds64(u64::from(length)), head(), endless.clone()].concat();
    let list = [&b"INFOISFT"[..], &500u32.to_le_bytes(), b"Lavf\0\0"].concat();
    let piped = [head(), sized(b"data", &bytes, 0x7fff_ffff - 36)].concat();
    vec![
        ("plain", plain()),
        ("riff_small", riff_as(b"RIFF", &[head(), data()].concat(), length + 28)),
        ("data_ffffffff_riff_ok", riff(&[head(), endless].concat())),
        ("riff_0_data_ok", riff_as(b"RIFF", &[head(), data()].concat(), 0)),
        ("fmt_20_extra", riff(&[chunk(b"fmt ", &[format(), vec![2, 0, 0, 0]].concat()), data()].concat())),
        ("list_bad_len", riff(&[head(), chunk(b"LIST", &list), data()].concat())),
        ("pipe_7fffffff", riff_as(b"RIFF", &piped, 0x7fff_ffff)),
        ("rf64", riff_as(b"RF64", &wide, ENDLESS)),
        ("bw64", riff_as(b"BW64", &wide, ENDLESS)),
    ]
}

#[test]
fn every_wav_of_the_reports_plays_its_two_seconds_without_a_word() {
    let reference = load(&plain()).expect("a plain file").pcm;
    for (name, bytes) in waves() {
        plays(name, &bytes, FRAMES);
        assert!(load(&bytes).expect("it plays").pcm == reference, "{name}: other samples than the plain file's");
    }
}

#[test]
fn sizes_that_say_nothing_are_not_believed_and_not_complained_about() {
    let with_sizes = |riff: u32, data: u32| riff_as(b"RIFF", &[head(), sized(b"data", &sound(), data)].concat(), riff);
    let sizes = [
        (0, 0),
        (ENDLESS, ENDLESS),
        (36, 0),
        (0x7fff_f024, 0x7fff_f000),
        (0x8000_0024, 0x8000_0000),
        (ENDLESS, ENDLESS - 36),
        (0x7fff_ffff, 0x7fff_ffff),
        // A recorder that was switched off: the sizes of its last flush, or of the first.
        (4096, 3000),
        (36, 96),
    ];
    for (riff, data) in sizes {
        plays(&format!("RIFF {riff:#x}, data {data:#x}"), &with_sizes(riff, data), FRAMES);
    }
}

#[test]
fn a_size_that_is_meant_and_not_there_is_a_loss_that_is_told() {
    let bytes = plain();
    plays_and_says("cut in half", &bytes[..44 + 60_000], 30_000, &["the file ends early: 1.2 s of 2.0 s"]);
    let wide = riff_as(b"RF64", &[ds64(192_000), head(), sized(b"data", &sound(), ENDLESS)].concat(), ENDLESS);
    plays_and_says("RF64 that is cut", &wide, FRAMES, &["the file ends early: 2.0 s of 4.0 s"]);
    is_refused(
        "almost nothing left",
        &bytes[..1000],
        "only 0.02 s long (expected at least 1 s); the file ends early: 0.0 s of 2.0 s",
    );
}

#[test]
fn chunks_before_between_and_behind_are_stepped_over() {
    let odd = |name: &[u8; 4]| [&name[..], &3u32.to_le_bytes(), &[1, 2, 3]].concat();
    let fact = chunk(b"fact", &48_000u32.to_le_bytes());
    let sampler = chunk(b"smpl", &[0; 36]);
    let id3 = chunk(b"id3 ", b"ID3\x04\0\0\0\0\0\x05hello");
    let rows: [(&str, Vec<Vec<u8>>); 12] = [
        ("JUNK before the format", vec![chunk(b"JUNK", &[0; 28]), head(), data()]),
        (
            "bext, cue, smpl, fact",
            vec![chunk(b"bext", &[b'x'; 858]), head(), fact, data(), chunk(b"cue ", &[0; 28]), sampler],
        ),
        ("BW64's chna and axml", vec![head(), chunk(b"chna", &[0; 44]), chunk(b"axml", b"<x/>"), data()]),
        ("an odd chunk without its padding", vec![head(), odd(b"JUNK"), data()]),
        ("an odd list without its padding, then data", vec![odd(b"LIST"), head(), odd(b"bext"), data()]),
        ("data before the format", vec![data(), head()]),
        ("a big list", vec![head(), chunk(b"LIST", &[&b"INFO"[..], &[b'a'; 70_000]].concat()), data()]),
        ("ID3 in a chunk", vec![head(), id3, data()]),
        ("a list whose size leads past the end", vec![head(), sized(b"LIST", b"INFOISFT", 900_000), data()]),
        ("a list whose size leads into the sound", vec![head(), sized(b"LIST", b"INFOISFT", 30_000), data()]),
        ("a list that is shorter than it is", vec![head(), sized(b"LIST", b"INFOISFTabcdefgh", 3), data()]),
        ("a chunk of another case", vec![head(), chunk(b"abcd", &[7; 10]), data()]),
    ];
    for (what, chunks) in rows {
        plays(what, &riff(&chunks.concat()), FRAMES);
    }
}

#[test]
fn two_pieces_of_sound_are_both_heard() {
    plays("two data chunks", &riff(&[head(), data(), chunk(b"JUNK", &[0; 3]), data()].concat()), 2 * FRAMES);
    plays("two files in a row", &[plain(), plain()].concat(), 2 * FRAMES);
    let wavl = [&b"wavl"[..], &data(), &data()].concat();
    plays("a wave list", &riff(&[head(), chunk(b"LIST", &wavl)].concat()), 2 * FRAMES);
}

#[test]
fn what_stands_behind_the_sound_is_a_tag_or_is_told() {
    let id3v1 = [&b"TAG"[..], &[b' '; 125]].concat();
    plays("an ID3v1 tag behind", &[plain(), id3v1].concat(), FRAMES);
    plays("zeros behind", &[plain(), vec![0; 5000]].concat(), FRAMES);
    let rubbish: Vec<u8> = (0..5000u32).map(|n| ((n * n) >> 3) as u8 | 1).collect();
    let words = "5000 bytes that are no sound were left out at 2.0 s";
    plays_and_says("rubbish behind", &[plain(), rubbish].concat(), FRAMES, &[words]);
}

/// One frame of `channels` samples, of `bytes` each.
fn wav_of(tag: u16, channels: u16, bits: u16, bytes: u16, extra: &[u8], sample: &[u8]) -> Vec<u8> {
    let format = [format_of(tag, channels, RATE, channels * bytes, bits), extra.to_vec()].concat();
    let frames = sample.repeat(usize::from(channels)).repeat(FRAMES as usize);
    riff(&[chunk(b"fmt ", &format), chunk(b"data", &frames)].concat())
}

#[test]
fn every_width_of_a_sample_comes_out_at_its_level() {
    // Half of full scale in each; what an extended format says in addition: 22 bytes, bits, places, the kind.
    let extended = |bits: u16, kind: u16| {
        [&22u16.to_le_bytes()[..], &bits.to_le_bytes(), &[3, 0, 0, 0], &kind.to_le_bytes(), &[0; 14]].concat()
    };
    let rows: [(&str, Vec<u8>); 16] = [
        ("8 bit", wav_of(1, 2, 8, 1, &[], &[192])),
        ("16 bit", wav_of(1, 2, 16, 2, &[], &[0, 0x40])),
        ("12 bit in two bytes", wav_of(1, 2, 12, 2, &[], &[0, 0x40])),
        ("20 bit in three bytes", wav_of(1, 2, 20, 3, &[], &[0, 0, 0x40])),
        ("24 bit", wav_of(1, 2, 24, 3, &[], &[0, 0, 0x40])),
        ("24 bit in four bytes", wav_of(1, 2, 24, 4, &[], &[0, 0, 0, 0x40])),
        ("32 bit", wav_of(1, 2, 32, 4, &[], &[0, 0, 0, 0x40])),
        ("float of 32 bit", wav_of(3, 2, 32, 4, &[], &0.5f32.to_le_bytes())),
        ("float of 64 bit", wav_of(3, 2, 64, 8, &[], &0.5f64.to_le_bytes())),
        ("18 bytes of format", wav_of(1, 2, 16, 2, &[0, 0], &[0, 0x40])),
        ("extended", wav_of(0xfffe, 2, 16, 2, &extended(16, 1), &[0, 0x40])),
        ("extended, 24 in 32 bit", wav_of(0xfffe, 2, 32, 4, &extended(24, 1), &[0, 0, 0, 0x40])),
        ("extended, 20 in 24 bit", wav_of(0xfffe, 2, 24, 3, &extended(20, 1), &[0, 0, 0x40])),
        ("extended, float", wav_of(0xfffe, 2, 32, 4, &extended(32, 3), &0.5f32.to_le_bytes())),
        ("extended, and cut off", wav_of(0xfffe, 2, 16, 2, &[0, 0], &[0, 0x40])),
        ("no width of a block", {
            let format = format_of(1, 2, RATE, 0, 16);
            riff(&[chunk(b"fmt ", &format), chunk(b"data", &[0, 0x40].repeat(2 * FRAMES as usize))].concat())
        }),
    ];
    for (what, bytes) in rows {
        plays(what, &bytes, FRAMES);
        let pcm = load(&bytes).expect("it plays").pcm;
        let middle = pcm[pcm.len() / 2];
        assert!(middle.iter().all(|sample| (sample - 0.5).abs() < 1e-3), "{what}: {middle:?}");
    }
}

#[test]
fn many_channels_are_folded_by_the_stated_law() {
    for channels in [1, 2, 4, 6, 8, 24, 32, 64] {
        let bytes = wav_of(1, channels, 16, 2, &[], &[0, 1]);
        let heard = heard(&bytes).expect("it plays");
        assert_eq!((heard.frames, heard.channels), (FRAMES, usize::from(channels)));
        assert!(heard.told.is_empty(), "{channels} channels: {:?}", heard.told);
    }
    // The third of nine channels without a place stands left.
    let frame: Vec<u8> = (0..9).flat_map(|channel| if channel == 2 { [0, 0x20] } else { [0, 0] }).collect();
    let format = format_of(1, 9, RATE, 18, 16);
    let nine = riff(&[chunk(b"fmt ", &format), chunk(b"data", &frame.repeat(FRAMES as usize))].concat());
    let pcm = load(&nine).expect("it plays").pcm;
    let [left, right] = pcm[pcm.len() / 2];
    assert!((left - 0.25).abs() < 1e-3 && right.abs() < 1e-6, "{left} {right}");
    is_refused(
        "no channels",
        &riff(&[chunk(b"fmt ", &format_of(1, 0, RATE, 2, 16)), data()].concat()),
        "a broken WAV file: 0 channels (expected 1 to 1024)",
    );
}

#[test]
fn numbers_the_other_way_round_and_of_64_bits_are_read() {
    let turned = |bytes: &[u8]| bytes.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect::<Vec<u8>>();
    let big = |name: &[u8; 4], body: &[u8]| [&name[..], &(body.len() as u32).to_be_bytes(), body].concat();
    let format = [&[0, 1, 0, 1][..], &RATE.to_be_bytes(), &(2 * RATE).to_be_bytes(), &[0, 2, 0, 16]].concat();
    let rifx = [&b"WAVE"[..], &big(b"fmt ", &format), &big(b"data", &turned(&sound()))].concat();
    plays("RIFX", &big(b"RIFX", &rifx), FRAMES);
    let wide = |id: &[u8; 4], body: &[u8]| {
        let guid = [&id[..], &[0xf3, 0xac, 0xd3, 0x11, 0x8c, 0xd1, 0, 0xc0, 0x4f, 0x8e, 0xdb, 0x8a]].concat();
        let padding = vec![0; (8 - body.len() % 8) % 8];
        [guid, (body.len() as u64 + 24).to_le_bytes().to_vec(), body.to_vec(), padding].concat()
    };
    let riff = [&b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"[..], &96_128u64.to_le_bytes()].concat();
    let wave = b"wave\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a".to_vec();
    plays("Wave64", &[riff, wave, wide(b"fmt ", &format_le()), wide(b"data", &sound())].concat(), FRAMES);
}

fn format_le() -> Vec<u8> {
    format()
}

/// AIFF or AIFC of the sound, with the frames that its header says and the size of its sound.
fn aiff(kind: &[u8; 4], packing: &[u8], bits: u8, frames: u32, size: Option<u32>, sound: &[u8]) -> Vec<u8> {
    let big = |name: &[u8; 4], body: &[u8], size: u32| {
        [&name[..], &size.to_be_bytes(), body, &vec![0; body.len() % 2]].concat()
    };
    let rate = [0x40, 0x0d, 0xbb, 0x80, 0, 0, 0, 0, 0, 0];
    let common = [&[0, 1][..], &frames.to_be_bytes(), &[0, bits], &rate, packing].concat();
    let body = [&[0; 8][..], sound].concat();
    let size = size.unwrap_or(body.len() as u32);
    let chunks = [&kind[..], &big(b"COMM", &common, common.len() as u32), &big(b"SSND", &body, size)].concat();
    [&b"FORM"[..], &(chunks.len() as u32).to_be_bytes(), &chunks].concat()
}

#[test]
fn aiff_au_and_caf_play() {
    let turned: Vec<u8> = sound().chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    let frames = FRAMES as u32;
    plays("AIFF", &aiff(b"AIFF", &[], 16, frames, None, &turned), FRAMES);
    plays("AIFC, little", &aiff(b"AIFC", b"sowt\0\0", 16, frames, None, &sound()), FRAMES);
    plays("AIFF from a pipe", &aiff(b"AIFF", &[], 16, 0, Some(0), &turned), FRAMES);
    plays("AIFF of unknown size", &aiff(b"AIFF", &[], 16, 0xffff_ffff, Some(ENDLESS), &turned), FRAMES);
    plays_and_says(
        "AIFF that is cut",
        &aiff(b"AIFF", &[], 16, 2 * frames, Some(4 * frames + 8), &turned),
        FRAMES,
        &["the file ends early: 2.0 s of 4.0 s"],
    );
    is_refused(
        "AIFC of an old packing",
        &aiff(b"AIFC", b"MAC6\0\0", 8, frames, None, &turned),
        "an AIFF file with sound packed as MAC6, 8 bits, which is not read here (WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, \
         CAF and AU are read)",
    );
    let au = |size: u32| {
        [
            &b".snd"[..],
            &24u32.to_be_bytes(),
            &size.to_be_bytes(),
            &3u32.to_be_bytes(),
            &RATE.to_be_bytes(),
            &1u32.to_be_bytes(),
            &turned,
        ]
        .concat()
    };
    plays("AU", &au(96_000), FRAMES);
    plays("AU from a pipe", &au(ENDLESS), FRAMES);
    let description =
        [&f64::from(RATE).to_be_bytes()[..], b"lpcm", &[0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 16]]
            .concat();
    let caf = |size: u64| {
        let head = [&b"caff\0\x01\0\0desc"[..], &32u64.to_be_bytes(), &description].concat();
        [head, b"data".to_vec(), size.to_be_bytes().to_vec(), vec![0; 4], sound()].concat()
    };
    plays("CAF", &caf(96_004), FRAMES);
    plays("CAF from a pipe", &caf(u64::MAX), FRAMES);
    plays_and_says("CAF that is cut", &caf(192_004), FRAMES, &["the file ends early: 2.0 s of 4.0 s"]);
}

#[test]
fn packed_samples_play_and_what_cannot_be_unpacked_is_named() {
    for (name, codec) in [("a_law.wav", "pcm_alaw"), ("ms_adpcm.wav", "adpcm_ms"), ("ima_adpcm.wav", "adpcm_ima_wav")] {
        plays(name, &fixture(name), 16_000);
        assert_eq!(load(&fixture(name)).expect("it plays").origin.codec, codec);
    }
    let kinds = "which is not read here (WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, CAF and AU are read)";
    let gsm = riff(&[chunk(b"fmt ", &format_of(0x31, 1, 8000, 65, 0)), data()].concat());
    is_refused("GSM", &gsm, &format!("a WAV file with GSM 6.10 sound, {kinds}"));
    let long = riff(&[chunk(b"fmt ", &format_of(1, 1, 8000, 8, 64)), data()].concat());
    is_refused("64 bit", &long, &format!("a WAV file with samples of 64 bits, {kinds}"));
    is_refused("no format", &riff(&data()), "a broken WAV file: its format is not said");
    is_refused("no sound", &riff(&head()), "a broken WAV file: there is no sound in it");
    let film = [&b"RIFF"[..], &[0; 4], b"AVI ", &[0; 100]].concat();
    is_refused("a film", &film, &format!("a film (AVI), {kinds}"));
}
