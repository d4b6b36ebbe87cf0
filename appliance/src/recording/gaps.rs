//! Where the sound of an M4A begins and ends inside what was coded: what an encoder put before and behind is no sound.
//!
//! Two notations are about: an edit list in the container, whose end is rounded to its clock, and Apple's comment `iTunSMPB`.
//! The library reads neither. Only the boxes on the way to them are walked; anything odd means that nothing is taken off.

use std::io;

use super::bytes::Glance;

/// The frames of a track that are sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    /// Frames before it.
    pub skip: u64,
    /// How many there are.
    pub frames: u64,
}

/// One box: its name and body.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: [u8; 4],
    from: u64,
    to: u64,
}

/// Boxes inside `from..to`.
fn inside(glance: &mut Glance, from: u64, to: u64) -> io::Result<Vec<Place>> {
    let (mut at, mut found) = (from, Vec::new());
    while at + 8 <= to && found.len() < 1000 {
        let Some(head) = glance.exactly::<8>(at)? else { break };
        let small = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let (size, body) = match small {
            0 => (to - at, at + 8),
            1 => (glance.exactly::<8>(at + 8)?.map_or(0, u64::from_be_bytes), at + 16),
            size => (size, at + 8),
        };
        if size < body - at || size > to - at {
            break;
        }
        found.push(Place { name: [head[4], head[5], head[6], head[7]], from: body, to: at + size });
        at += size;
    }
    Ok(found)
}

/// Whether the file that begins at `from` ends inside a box of sound or of its places. A file in fragments, as recorders write
/// it that may be switched off, says nowhere how many there are: nothing else would tell.
pub(super) fn is_cut_off(glance: &mut Glance, from: u64) -> io::Result<bool> {
    let (mut at, length) = (from, glance.length());
    while let Some(head) = glance.exactly::<8>(at)? {
        let size = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => length - at, // up to the end, whatever that is
            1 => glance.exactly::<8>(at + 8)?.map_or(u64::MAX, u64::from_be_bytes),
            size => u64::from(size),
        };
        if size > length - at {
            return Ok(matches!(&head[4..], b"moov" | b"moof" | b"mdat"));
        }
        at += size.max(8);
    }
    Ok(false)
}

/// The box at the end of a path.
fn find(glance: &mut Glance, within: Place, path: &[&[u8; 4]]) -> io::Result<Option<Place>> {
    let mut place = within;
    for name in path {
        let Some(next) = inside(glance, place.from, place.to)?.into_iter().find(|it| it.name == **name) else {
            return Ok(None);
        };
        place = next;
        if *name == b"meta" {
            place.from += 4; // a version stands before its boxes
        }
    }
    Ok(Some(place))
}

/// The sound of the first track of sound in a file that begins at `from`, of `rate_hz`; `None` where nothing is to be taken off.
pub(super) fn sound(glance: &mut Glance, from: u64, rate_hz: u32) -> io::Result<Option<Sound>> {
    let whole = Place { name: *b"file", from, to: glance.length() };
    let Some(movie) = find(glance, whole, &[b"moov"])? else { return Ok(None) };
    if let Some(sound) = comment(glance, movie)? {
        return Ok(Some(sound));
    }
    for track in inside(glance, movie.from, movie.to)?.into_iter().filter(|it| &it.name == b"trak") {
        let handler = find(glance, track, &[b"mdia", b"hdlr"])?;
        let is_sound = match handler {
            Some(handler) => glance.exactly::<4>(handler.from + 8)? == Some(*b"soun"),
            None => false,
        };
        if is_sound {
            return edit(glance, movie, track, rate_hz);
        }
    }
    Ok(None)
}

/// `iTunSMPB`: hexadecimal words, of which the second is the delay, the third the padding and the fourth the length.
fn comment(glance: &mut Glance, movie: Place) -> io::Result<Option<Sound>> {
    let Some(list) = find(glance, movie, &[b"udta", b"meta", b"ilst"])? else { return Ok(None) };
    let Some(at) = glance.find(b"iTunSMPB", list.from, list.to)? else { return Ok(None) };
    let Some(data) = glance.find(b"data", at, list.to)? else { return Ok(None) };
    let text = String::from_utf8_lossy(glance.look(data + 12, 60)?).into_owned();
    let words: Vec<u64> =
        text.split_ascii_whitespace().map_while(|word| u64::from_str_radix(word, 16).ok()).take(4).collect();
    Ok(match words[..] {
        [_, skip, _, frames] if frames > 0 => Some(Sound { skip, frames }),
        _ => None,
    })
}

/// The edit list: one part of the track, from a place of the track's clock, as long as the movie's clock says.
fn edit(glance: &mut Glance, movie: Place, track: Place, rate_hz: u32) -> io::Result<Option<Sound>> {
    let (Some(movie_head), Some(media_head), Some(times)) = (
        find(glance, movie, &[b"mvhd"])?,
        find(glance, track, &[b"mdia", b"mdhd"])?,
        find(glance, track, &[b"mdia", b"minf", b"stbl", b"stts"])?,
    ) else {
        return Ok(None);
    };
    let Some(list) = find(glance, track, &[b"edts", b"elst"])? else { return Ok(None) };
    let (movie_hz, media_hz) = (clock(glance, movie_head)?, clock(glance, media_head)?);
    let long = glance.exactly::<1>(list.from)? == Some([1]);
    let count = word(glance, list.from + 4)?;
    if count != 1 || media_hz == 0 || movie_hz == 0 || rate_hz == 0 {
        return Ok(None);
    }
    let at = list.from + 8;
    let (length, start) = if long {
        let wide = |it: Option<[u8; 8]>| it.map_or(0, u64::from_be_bytes);
        (wide(glance.exactly(at)?), wide(glance.exactly(at + 8)?))
    } else {
        (word(glance, at)?, word(glance, at + 4)?)
    };
    let coded = coded(glance, times)?;
    if start >= coded {
        return Ok(None);
    }
    let to_frames = |ticks: u64| (u128::from(ticks) * u128::from(rate_hz) / u128::from(media_hz)) as u64;
    let rest = to_frames(coded - start);
    // The movie's clock is coarse: where it agrees with the rest of the track to a tick, the rest is exact.
    let tick = u64::from(rate_hz).div_ceil(movie_hz);
    let said = (u128::from(length) * u128::from(rate_hz) / u128::from(movie_hz)) as u64;
    let frames = if length == 0 || said + tick >= rest { rest } else { said };
    Ok(Some(Sound { skip: to_frames(start), frames }))
}

fn word(glance: &mut Glance, at: u64) -> io::Result<u64> {
    Ok(glance.exactly::<4>(at)?.map_or(0, |it| u64::from(u32::from_be_bytes(it))))
}

/// Ticks a second of a header box.
fn clock(glance: &mut Glance, head: Place) -> io::Result<u64> {
    let long = glance.exactly::<1>(head.from)? == Some([1]);
    word(glance, head.from + if long { 20 } else { 12 })
}

/// Ticks of all packets.
fn coded(glance: &mut Glance, times: Place) -> io::Result<u64> {
    let count = word(glance, times.from + 4)?.min((times.to - times.from) / 8);
    let mut total = 0u64;
    for index in 0..count {
        let at = times.from + 8 + index * 8;
        total = total.saturating_add(word(glance, at)?.saturating_mul(word(glance, at + 4)?));
    }
    Ok(total)
}
