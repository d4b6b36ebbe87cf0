//! FLAC, OGG, MP3, Opus and M4A: whole, joined, cut, damaged, and with tags around them.

use proptest::prelude::*;

use super::bytes::*;
use super::{heard, is_refused, load, plays, plays_and_says};

/// Frames of every fixture.
const WHOLE: u64 = 96_000;
const KINDS: &str = "which is not read here (WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, CAF and AU are read)";

fn id3v1() -> Vec<u8> {
    [&b"TAG"[..], &[0; 125]].concat()
}

fn id3v2() -> Vec<u8> {
    [&b"ID3\x04\0\0\0\0\x08\0"[..], &[b'x'; 1024]].concat()
}

fn ape() -> Vec<u8> {
    let head = |flags: u8| {
        let sizes = [&2000u32.to_le_bytes()[..], &52u32.to_le_bytes(), &1u32.to_le_bytes(), &[0, 0, 0, flags], &[0; 8]]
            .concat();
        [&b"APETAGEX"[..], &sizes].concat()
    };
    [head(0xa0), vec![b'y'; 20], head(0x80)].concat()
}

fn lyrics() -> Vec<u8> {
    b"LYRICSBEGINLYR00007la la la000025LYRICS200".to_vec()
}

#[test]
fn every_encoder_s_two_seconds_are_two_seconds() {
    for name in ["tone.flac", "flac.oga", "tone.ogg", "tone.opus", "tone.mp3", "tone.m4a", "alac.m4a", "alac.caf"] {
        plays(name, &fixture(name), WHOLE);
    }
    // At the rate that its encoder chose for it.
    plays("vbr.mp3", &fixture("vbr.mp3"), 44_100);
}

#[test]
fn a_recording_exactly_as_long_as_allowed_is_not_called_cut() {
    for name in ["tone.mp3", "tone.opus", "tone.ogg", "tone.m4a", "tone.flac"] {
        let it = std::io::Cursor::new(fixture(name));
        let source = appliance::recording::read_source(it, String::new(), 2.0, &mut |_| {}).expect("it plays");
        let told: Vec<String> = source.notices.iter().map(ToString::to_string).collect();
        assert!(source.origin.frames == WHOLE && !told.iter().any(|it| it.contains("only")), "{name}: {told:?}");
    }
}

#[test]
fn tags_on_either_side_cost_nothing() {
    for name in ["tone.flac", "tone.mp3", "tone.ogg", "tone.opus"] {
        let it = fixture(name);
        plays(&format!("{name} with ID3v1"), &[it.clone(), id3v1()].concat(), WHOLE);
        plays(&format!("{name} with ID3v2"), &[id3v2(), it.clone()].concat(), WHOLE);
        plays(&format!("{name} with APE"), &[it.clone(), ape()].concat(), WHOLE);
        plays(&format!("{name} with all"), &[id3v2(), it.clone(), ape(), lyrics(), id3v1()].concat(), WHOLE);
        plays(&format!("{name} with zeros behind"), &[it, vec![0; 4000]].concat(), WHOLE);
    }
}

#[test]
fn recordings_in_a_row_are_all_heard() {
    for name in ["tone.flac", "flac.oga", "tone.ogg", "tone.opus", "tone.mp3"] {
        let it = fixture(name);
        plays(&format!("{name} twice"), &[it.clone(), it.clone()].concat(), 2 * WHOLE);
        plays(
            &format!("{name} thrice, with tags between"),
            &[it.clone(), id3v1(), id3v2(), it.clone(), it].concat(),
            3 * WHOLE,
        );
    }
    let all = [fixture("tone.flac"), fixture("tone.ogg"), fixture("tone.mp3"), fixture("tone.opus")].concat();
    plays("four kinds in a row", &all, 4 * WHOLE);
    // An MP3 without a header frame has what its encoder added; nothing says how much that is.
    let bare = heard(&fixture("bare.mp3")).expect("it plays").frames;
    assert_eq!(bare, WHOLE.div_ceil(1152) * 1152 + 1152);
    plays("MP3 without header frames, twice", &fixture("bare.mp3").repeat(2), 2 * bare);
    plays("with one, then without", &[fixture("tone.mp3"), fixture("bare.mp3")].concat(), WHOLE + bare);
}

#[test]
fn a_link_of_another_rate_is_heard_and_said() {
    let chained = [fixture("tone.ogg"), fixture("other.ogg")].concat();
    let words =
        "the format changes at 2.0 s, from 48000 Hz and 1 channel to 44100 Hz and 2 channels: all of it is heard";
    plays_and_says("another rate", &chained, WHOLE + 88_200, &[words]);
    let source = super::load(&chained).expect("it plays");
    assert_eq!(source.pcm.len(), 4 * 48_000);
}

/// The first place of some bytes.
fn place_of(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).position(|it| it == mark).expect("the mark is there")
}

#[test]
fn counts_in_the_header_of_an_mp3_are_compared_and_not_believed() {
    for name in ["vbr.mp3", "tone.mp3"] {
        let frames = heard(&fixture(name)).expect("it plays").frames;
        let mut it = fixture(name);
        let at = it.windows(4).position(|it| it == b"Xing" || it == b"Info").expect("a header frame") + 8;
        for count in [0u32, 1, 7] {
            it[at..at + 4].copy_from_slice(&count.to_be_bytes());
            plays(&format!("{name} whose header counts {count} frames"), &it, frames);
        }
    }
}

#[test]
fn a_vbri_header_is_no_sound() {
    let bare = fixture("bare.mp3");
    let frames = heard(&bare).expect("it plays").frames;
    let mut header = bare[..192].to_vec();
    header[4..].fill(0);
    header[36..40].copy_from_slice(b"VBRI");
    header[50..54].copy_from_slice(&((frames / 1152) as u32).to_be_bytes());
    plays("VBRI", &[header, bare].concat(), frames);
}

#[test]
fn a_file_that_is_cut_off_says_where() {
    let rows = [
        ("tone.flac", "the file ends early: 1."),
        ("tone.mp3", "the file ends early: 1."),
        ("bare.mp3", "the file breaks off at 1."),
        ("tone.opus", "the file breaks off at 1."),
        ("flac.oga", "the file breaks off at 1."),
        ("tone.m4a", ""),
        ("alac.caf", ""),
    ];
    for (name, words) in rows {
        let it = fixture(name);
        let cut = heard(&it[..it.len() * 4 / 5 - 7]);
        match cut {
            Ok(cut) => {
                assert!(cut.frames < WHOLE && cut.told.iter().any(|it| it.starts_with(words)), "{name}: {cut:?}");
                assert_eq!(cut.told.len(), 1, "{name}: {cut:?}");
            }
            // Their table of packets stands at the end.
            Err(fault) => assert!(fault.contains("cut off") && words.is_empty(), "{name}: {fault}"),
        }
    }
}

/// Neither bare AAC nor M4A in fragments says how long it is: its own parts are counted.
#[test]
fn what_says_no_length_is_whole_or_is_said_to_break_off() {
    const FRAMES: u64 = 48 * 1024;
    let growing = fixture("growing.aac");
    plays("AAC that is quiet, then loud", &growing, FRAMES);
    plays("AAC twice", &growing.repeat(2), 2 * FRAMES);
    plays("AAC with tags", &[id3v2(), growing.clone(), ape(), id3v1()].concat(), FRAMES);
    let fragments = fixture("fragments.m4a");
    plays("M4A in fragments", &fragments, 97_280);
    plays("M4A in fragments with a tag", &[fragments.clone(), id3v1()].concat(), 97_280);
    let end = place_of(&fragments, b"mfra") - 4;
    let fragments = &fragments[..end];
    for (name, bytes) in [("growing.aac", &growing[..]), ("fragments.m4a", fragments)] {
        for short in [1, 9, bytes.len() / 4] {
            let cut = heard(&bytes[..bytes.len() - short]).expect("more than a second is left");
            let words = cut.told.join("; ");
            assert!(words.starts_with("the file breaks off at ") && cut.told.len() == 1, "{name}, {short}: {cut:?}");
        }
    }
    let mut hole = growing;
    let middle = hole.len() / 2;
    hole[middle..middle + 1000].fill(0);
    let heard = heard(&hole).expect("it plays");
    assert!(heard.told.len() == 1 && heard.told[0].starts_with("damaged at "), "{heard:?}");
    assert!(heard.frames.abs_diff(FRAMES) <= 4 * 1024, "the beat stays: {heard:?}");
}

#[test]
fn rubbish_between_is_left_out_and_told_with_its_place() {
    let rubbish: Vec<u8> = (0..3000u32).map(|n| ((n * n) >> 3) as u8 & 0x7f | 1).collect();
    for name in ["tone.flac", "tone.ogg", "tone.opus", "tone.mp3"] {
        let it = fixture(name);
        let words = "3000 bytes that are no sound were left out at 2.0 s";
        plays_and_says(name, &[it.clone(), rubbish.clone()].concat(), WHOLE, &[words]);
        plays_and_says(name, &[it.clone(), rubbish.clone(), it].concat(), 2 * WHOLE, &[words]);
    }
    plays_and_says(
        "before an MP3",
        &[rubbish, fixture("tone.mp3")].concat(),
        WHOLE,
        &["3000 bytes that are no sound were left out at 0.0 s"],
    );
}

#[test]
fn damage_becomes_silence_of_its_length_and_is_told_with_its_place() {
    for name in ["tone.flac", "tone.opus", "flac.oga", "tone.mp3"] {
        let mut it = fixture(name);
        let middle = it.len() / 2;
        it[middle..middle + 40].fill(0x55);
        let heard = heard(&it).expect("most of it is whole");
        assert_eq!(heard.frames, WHOLE, "{name}: {heard:?}");
        // A lossy frame has no checksum: twenty changed bytes may decode to some sound.
        if name != "tone.mp3" {
            assert!(
                heard.told[0].starts_with("damaged at 0.") || heard.told[0].starts_with("damaged at 1."),
                "{heard:?}"
            );
        }
    }
}

#[test]
fn the_first_frame_is_missed_as_any_other() {
    let mut it = fixture("tone.flac");
    let first = place_of(&it[42..], &[0xff, 0xf8]) + 42;
    it[first + 20] ^= 1;
    let words = "damaged at 0.0 s: 0.09 s of silence stand there";
    plays_and_says("its first frame is damaged", &it, WHOLE, &[words]);
}

#[test]
fn flac_headers_are_compared_with_the_sound() {
    // The count of samples is the low half of byte 13 of the second block's body and the four after it.
    let mut unknown = fixture("tone.flac");
    unknown[21] &= 0xf0;
    unknown[22..26].fill(0);
    plays("no count", &unknown, WHOLE);
    plays_and_says(
        "no count, rubbish behind",
        &[unknown, vec![7; 100]].concat(),
        WHOLE,
        &["100 bytes that are no sound were left out at 2.0 s"],
    );
    let mut wrong = fixture("tone.flac");
    wrong[26] ^= 1;
    let words = "the sound is not what its checksum says: the file was damaged or changed";
    plays_and_says("a wrong checksum", &wrong, WHOLE, &[words]);
    let mut more = fixture("tone.flac");
    more[23] += 1;
    plays_and_says("a count of 65536 more", &more, WHOLE, &["the file ends early: 2.0 s of 3.4 s"]);
    is_refused("its head alone", &fixture("tone.flac")[..40], "a broken FLAC file: it ends inside its headers");
}

#[test]
fn a_page_that_is_missing_is_a_gap_of_its_length() {
    let it = fixture("flac.oga");
    let pages: Vec<usize> = (0..it.len() - 4).filter(|at| &it[*at..at + 4] == b"OggS").collect();
    assert!(pages.len() > 4, "{} pages", pages.len());
    let third = pages.len() - 2;
    let without = [&it[..pages[third]], &it[pages[third + 1]..]].concat();
    let heard = heard(&without).expect("it plays");
    assert_eq!(heard.frames, WHOLE, "{heard:?}");
    assert!(heard.told.len() == 1 && heard.told[0].starts_with("damaged at "), "{heard:?}");
    let headless = &it[place_of(&it[4..], b"OggS") + 4..];
    is_refused("its first page is missing", headless, "a broken OGG file: its beginning is missing");
    // A head of an MPEG frame that happens to lead to the very end of rubbish is no recording.
    let mut rubbish: Vec<u8> = (0..5000u32).map(|n| ((n * n) >> 3) as u8 & 0x7f | 1).collect();
    let place = rubbish.len() - 384;
    rubbish[place..place + 4].copy_from_slice(&[0xff, 0xfb, 0x94, 0xc4]);
    is_refused(
        "a frame of rubbish",
        &rubbish,
        "not a recording (WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, CAF and AU are read)",
    );
}

#[test]
fn what_is_known_and_not_read_is_named() {
    let rows: [(&str, &[u8], &str); 9] = [
        ("AC-3", b"\x0b\x77\x12\x34\x40\x43 and so on, and on", "an AC-3 file"),
        ("WavPack", b"wvpk\x20\0\0\0\x10\x04 and so on", "a WavPack file"),
        ("Matroska", b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f", "a Matroska or WebM file"),
        ("a MIDI file", b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0", "a MIDI file"),
        ("a web page", b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "a web page in place of the file"),
        ("text", b"It was a dark and stormy night; the rain fell in torrents.", "a text file"),
        ("a pointer", b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer in place of the file"),
        ("Windows Media", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa", "a Windows Media file"),
        (
            "free bit rate",
            &[&b"\xff\xfb\x00\xc4"[..], &[0; 400], b"\xff\xfb\x00\xc4", &[0; 400]].concat(),
            "an MP3 file of free bit rate",
        ),
    ];
    for (what, bytes, name) in rows {
        is_refused(what, bytes, &format!("{name}, {KINDS}"));
    }
    let speex = ogg_page(b"Speex   1.2");
    is_refused("Speex", &speex, &format!("an OGG file with Speex sound, {KINDS}"));
    is_refused("a film", &ogg_page(b"\x80theora"), "an OGG file that holds no sound");
    is_refused(
        "noise",
        &[3, 1, 4, 1, 5, 9, 2, 6, 5, 3],
        "not a recording (WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, CAF and AU are read)",
    );
    let words = "left out, from 2.0 s on: an OGG file with Speex sound";
    plays_and_says("Speex behind", &[fixture("tone.ogg"), speex].concat(), WHOLE, &[&format!("{words}, {KINDS}")]);
}

/// A first page of one packet, with its checksum.
fn ogg_page(packet: &[u8]) -> Vec<u8> {
    let mut page = [&b"OggS\0\x02"[..], &[0; 8], &[1, 0, 0, 0], &[0; 8], &[1, packet.len() as u8], packet].concat();
    let crc = page.iter().fold(0u32, |crc, byte| {
        (0..8)
            .fold(crc ^ u32::from(*byte) << 24, |crc, _| if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 })
    });
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

/// What may happen to a file on its way.
#[derive(Clone, Debug)]
enum Mishap {
    Changed(usize, u8),
    Cut(usize),
    Lost(usize, usize),
    Inserted(usize, Vec<u8>),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        (any::<usize>(), 1u8..=255).prop_map(|(at, by)| Mishap::Changed(at, by)),
        any::<usize>().prop_map(Mishap::Cut),
        (any::<usize>(), 1usize..3000).prop_map(|(at, count)| Mishap::Lost(at, count)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..300)).prop_map(|(at, new)| Mishap::Inserted(at, new)),
    ]
}

/// Lets it happen, somewhere behind the first `spared` bytes.
fn befallen(mut bytes: Vec<u8>, spared: usize, mishap: &Mishap) -> Vec<u8> {
    let place = |at: &usize| spared + at % (bytes.len() - spared);
    match mishap {
        Mishap::Changed(at, by) => {
            let at = place(at);
            bytes[at] ^= by;
        }
        Mishap::Cut(at) => bytes.truncate(place(at)),
        Mishap::Lost(at, count) => {
            let at = place(at);
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Mishap::Inserted(at, new) => {
            let at = place(at);
            bytes.splice(at..at, new.iter().copied());
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Headers are spared: one that says another length is believed where nothing contradicts it.
    #[test]
    fn no_mishap_makes_a_recording_shorter_without_a_word(which in 0usize..5, mishap in mishap()) {
        let (name, spared) =
            [("tone.flac", 42), ("flac.oga", 0), ("tone.ogg", 0), ("tone.opus", 0), ("tone.mp3", 192)][which];
        if let Ok(heard) = heard(&befallen(fixture(name), spared, &mishap)) {
            prop_assert!(heard.frames >= WHOLE || !heard.told.is_empty(), "{}: {:?}", name, heard);
        }
    }

    #[test]
    fn nothing_that_befalls_a_file_stops_the_reader(which in 0usize..8, mishaps in prop::collection::vec(mishap(), 1..4)) {
        let name = [
            "tone.m4a",
            "alac.m4a",
            "alac.caf",
            "vbr.mp3",
            "ms_adpcm.wav",
            "ima_adpcm.wav",
            "growing.aac",
            "fragments.m4a",
        ][which];
        let bytes = mishaps.iter().fold(fixture(name), |bytes, mishap| match bytes.len() {
            0 => bytes,
            _ => befallen(bytes, 0, mishap),
        });
        if let Ok(source) = super::load(&bytes) {
            prop_assert!(source.pcm.iter().flatten().all(|sample| sample.abs() <= 1.0));
        }
    }
}

/// Of a recording in which no frame is whole it is said that it is damaged, not that it is none.
#[test]
fn a_recording_that_is_all_damage_is_called_damaged() {
    let mut bytes = fixture("tone.flac");
    // The blocks before the sound end with the one whose first bit is set.
    let mut at = 4;
    loop {
        let length = u32::from_be_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        let last = bytes[at] & 0x80 != 0;
        at += 4 + length;
        if last {
            break;
        }
    }
    bytes[at..].fill(0x5a);
    let refusal = load(&bytes).expect_err("there is no sound in it");
    assert!(!refusal.contains("not a recording"), "{refusal}");
    assert!(refusal.contains("no sound were left out") || refusal.contains("damaged"), "{refusal}");
}
