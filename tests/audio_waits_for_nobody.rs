//! Goal: the audio thread waits for nobody: it makes no system call at all, so no lock that another thread holds can stop it.
//! Method: a seccomp filter of its own ends the process with the first system call of the thread that plays, while the other
//! side seeks, moves bands, swaps tapes and sends windows as fast as it can, so that whatever they share is fought over.

mod attached_deck;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attached_deck::attached_deck;
use engine::boundary::Arena;
use engine::playback::{
    AttachedPlayer, DeckSize, Epoch, Loader, LoopBand, Packer, Player, Start, Tape, Transport, Walk, deck,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

const FRAME: usize = 1920;
const LATENT: usize = 60;
const TAPE: usize = LATENT * FRAME;
/// Two minutes of sound.
const PERIODS: usize = 20_000;

fn tape(cycles: f32) -> Tape {
    let wave = |i: usize| (i as f32 / TAPE as f32 * cycles * std::f32::consts::TAU).sin() * 1.5;
    Tape::new((0..TAPE).map(|i| [wave(i); 2]).collect::<Vec<_>>()).expect("a sine is a tape")
}

/// From here on a system call of this thread ends the process. It cannot be taken back, not even to let the thread end.
fn shut_the_kernel_out() {
    let arch = std::env::consts::ARCH.try_into().expect("an architecture with seccomp");
    let filter = SeccompFilter::new(Default::default(), SeccompAction::KillProcess, SeccompAction::Allow, arch);
    let program: BpfProgram = filter.expect("two different actions").try_into().expect("a short program");
    apply_filter(&program).expect("the kernel takes the filter");
}

fn play(mut player: Player, done: &AtomicBool) -> ! {
    let mut period = [[0.0; 2]; 300];
    shut_the_kernel_out();
    (0..PERIODS).for_each(|_| player.fill(&mut period));
    done.store(true, Ordering::Release);
    // A thread ends by system calls: this one goes round until the process ends.
    loop {
        std::hint::spin_loop();
    }
}

#[test]
fn the_audio_thread_asks_the_kernel_for_nothing() {
    let (player, packer, transport) = deck(tape(500.3), DeckSize { boxes: 3, window_frames: 40 * FRAME });
    fight(player, packer, transport, None);
}

#[test]
fn the_audio_thread_of_a_player_in_another_process_asks_the_kernel_for_nothing() {
    let (AttachedPlayer { player, loader, .. }, packer, transport) =
        attached_deck(Arena::on_heap, tape(500.3), DeckSize { boxes: 3, window_frames: 40 * FRAME }, &Epoch::default());
    fight(player, packer, transport, Some(loader));
}

fn fight(player: Player, mut packer: Packer, mut transport: Transport, mut loader: Option<Loader>) {
    let mut walk = Walk::new(transport.tape(), LATENT, 25);
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&done);
    let audio = std::thread::spawn(move || play(player, &seen));
    let mut sent = 0;
    for round in 0_usize.. {
        if done.load(Ordering::Acquire) || audio.is_finished() {
            break;
        }
        match round % 100 {
            10 => _ = transport.seek(round * 997 % TAPE),
            30 => _ = transport.set_band(LoopBand::new(9_000, 60_000, TAPE).expect("a band")),
            50 => _ = transport.set_gain_db(-((round % 7) as f32)),
            60 => transport.set_muted(round % 200 < 100),
            80 => {
                if let Ok(id) = transport.swap(tape(700.0), 5) {
                    walk = Walk::new(id, LATENT, 25);
                }
            }
            _ => {
                packer.collect(|_| ());
                let plan = walk.plan(&transport.course(), 4_000, Start::Fresh);
                sent += usize::from(packer.send(&plan, 0.5, |sound| sound.fill([0.3; 2])).is_ok());
            }
        }
        transport.collect();
        loader.as_mut().map(Loader::poll);
    }
    assert!(done.load(Ordering::Acquire), "the thread that plays has panicked");
    assert!(20 < sent, "{sent} windows were spliced in meanwhile");
}
