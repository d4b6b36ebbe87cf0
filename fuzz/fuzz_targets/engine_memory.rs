//! Any bytes in the memory that a player shares with an engine, while it plays: the player never stops, reads nothing outside, and
//! what it plays is finite. So does one that is started on that memory, and an engine that is attached to it.
//!
//! The input is a list of stores (a place and a word, or a whole record with wild numbers under a right sum), and periods between.
#![no_main]

use std::sync::atomic::Ordering::Relaxed;

use engine::boundary::{Arena, Sizes};
use engine::playback::{AttachedPlayer, Epoch, Packer, Player, Tape, Transport, WindowPlan, attach};
use libfuzzer_sys::fuzz_target;

const SIZES: Sizes = Sizes { boxes: 2, window_frames: 2_000, tape_frames: 5_760 };
/// Words of the memory's front, where all but the sound lies.
const FRONT: usize = 11_264;

fuzz_target!(|data: &[u8]| {
    let arena = Arena::on_heap(SIZES);
    let mut own = Player::attached(&arena);
    own.grant.give(1);
    let epochs = Epoch::default();
    epochs.set(1);
    let (mut packer, mut transport) = attach(&arena, &epochs);
    let _ = transport.swap(Tape::new(vec![[0.1, -0.2]; 3_840]).expect("a tape"), 0);
    play(&mut own);
    for (i, store) in data.chunks(10).take(400).enumerate() {
        let mut bytes = [0; 10];
        bytes[..store.len()].copy_from_slice(store);
        let place = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let word = u64::from_le_bytes(bytes[2..].try_into().expect("eight bytes"));
        match place % 8 {
            // A window, an order and a tape of wild numbers that add up.
            0 => wild_window(&mut packer, &transport, word),
            1 => drop(transport.seek(word as usize % transport.tape_frames())),
            2 => drop(transport.swap(Tape::new(vec![[(word as u8 as f32) / 300.0; 2]; 1_920]).expect("a tape"), 0)),
            3 => own.grant.give(word % 3),
            4 => arena.memory().words()[(word >> 7) as usize % SIZES.words()].store(word, Relaxed),
            _ => arena.memory().words()[(place / 8 + i * 97) % FRONT].store(word, Relaxed),
        }
        play(&mut own);
        packer.collect(|_| ());
    }
    let mut own = Player::attached(&arena);
    own.grant.give(1);
    let (mut packer, transport) = attach(&arena, &epochs);
    wild_window(&mut packer, &transport, 77);
    (0..4).for_each(|_| play(&mut own));
});

fn play(own: &mut AttachedPlayer) {
    let mut out = [[0.0; 2]; 256];
    own.player.fill(&mut out);
    assert!(out.iter().flatten().all(|it| it.is_finite() && it.abs() <= 1.0));
    own.loader.poll();
}

fn wild_window(packer: &mut Packer, transport: &Transport, word: u64) {
    let head = transport.playhead();
    let frames = word as usize % 2_000;
    let plan = WindowPlan {
        tape: transport.tape(),
        land: (word >> 11) as usize,
        frames,
        keep: (word >> 20) as usize,
        run_up: (word >> 50) as usize,
        due: head.played.after((word >> 30) as usize),
        planned: head.played,
    };
    packer.collect(|_| ());
    let _ = packer.send(&plan, f32::from_bits(word as u32), |room| room.fill([0.5; 2]));
}
