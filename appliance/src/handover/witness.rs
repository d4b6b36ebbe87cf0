//! What an engine wrote down before it published it, for whoever checks the sound afterwards.
//!
//! One entry a window or tape, written with one call before the player can see it: an engine that is killed leaves its entries, and
//! perhaps a part of one that was never published. Only where it is asked for (`make survive`).

use std::io::{self, Write};

use engine::boundary::Window;
use engine::latent::StereoFrame;
use engine::playback::sum_of;

const WINDOW: u64 = 1;
const TAPE: u64 = 2;
/// Words before the sound: kind, epoch, the record's ten numbers, and the sum of the sound.
const HEAD: usize = 13;

/// What an engine sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A window, as what it was attached.
    Window(u64, Window, Vec<StereoFrame>),
    /// A tape.
    Tape(Vec<StereoFrame>),
}

/// Writes a window down.
///
/// # Errors
/// When it cannot be written.
pub fn write_window(to: &mut dyn Write, epoch: u64, window: &Window, sound: &[StereoFrame]) -> io::Result<()> {
    let Window { number, sound_box, tape, land, frames, keep, run_up, due, planned, feedback } = *window;
    let bits = u64::from(feedback.to_bits());
    write(
        to,
        [WINDOW, epoch, number, sound_box.into(), tape.into(), land, frames, keep, run_up, due, planned, bits],
        sound,
    )
}

/// Writes a tape down.
///
/// # Errors
/// When it cannot be written.
pub fn write_tape(to: &mut dyn Write, sound: &[StereoFrame]) -> io::Result<()> {
    write(to, [TAPE, 0, 0, 0, 0, 0, sound.len() as u64, 0, 0, 0, 0, 0], sound)
}

fn write(to: &mut dyn Write, head: [u64; HEAD - 1], sound: &[StereoFrame]) -> io::Result<()> {
    let mut bytes: Vec<u8> = head.iter().chain([&sum_of(sound)]).flat_map(|it| it.to_le_bytes()).collect();
    bytes.extend(sound.iter().flatten().flat_map(|it| it.to_le_bytes()));
    to.write_all(&bytes)
}

/// Every whole entry; `Err` with its place in bytes for one whose sound is not what its sum says.
///
/// # Errors
/// As said.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, usize> {
    let (mut entries, mut at) = (Vec::new(), 0);
    while let Some(head) = bytes.get(at..at + 8 * HEAD) {
        let word = |i: usize| u64::from_le_bytes(head[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        let end = (word(6) as usize).checked_mul(8).and_then(|it| it.checked_add(at + 8 * HEAD));
        let Some(sound) = end.and_then(|end| bytes.get(at + 8 * HEAD..end)) else { break };
        let sample = |four: &[u8]| f32::from_le_bytes(four.try_into().expect("four bytes"));
        let sound: Vec<StereoFrame> = sound.chunks_exact(8).map(|it| [sample(&it[..4]), sample(&it[4..])]).collect();
        if sum_of(&sound) != word(12) {
            return Err(at);
        }
        at += 8 * HEAD + 8 * sound.len();
        let [number, land, frames, keep, run_up, due, planned] = [2, 5, 6, 7, 8, 9, 10].map(word);
        let (sound_box, tape, feedback) = (word(3) as u32, word(4) as u32, f32::from_bits(word(11) as u32));
        let window = Window { number, sound_box, tape, land, frames, keep, run_up, due, planned, feedback };
        entries.push(if word(0) == TAPE { Entry::Tape(sound) } else { Entry::Window(word(1), window, sound) });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_entries_are_read_a_cut_one_is_left_out_and_a_changed_one_is_found() {
        let mut bytes = Vec::new();
        let window = Window { number: 3, tape: 2, frames: 2, feedback: 0.5, due: 9, ..Window::default() };
        write_tape(&mut bytes, &[[0.25, -0.5]]).expect("room");
        let first = bytes.len();
        write_window(&mut bytes, 7, &window, &[[1.0; 2], [2.0; 2]]).expect("room");
        let entries = [Entry::Tape(vec![[0.25, -0.5]]), Entry::Window(7, window, vec![[1.0; 2], [2.0; 2]])];
        assert_eq!(read(&bytes).expect("as written"), entries);
        for cut in first..bytes.len() {
            assert_eq!(read(&bytes[..cut]).expect("as written"), entries[..1], "{cut}");
        }
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(read(&bytes), Err(first));
    }
}
