//! Goal: nothing that the audio thread does touches the heap, in any of the cases that a set can bring.
//! Method: the global allocator ends the test on any call made inside `assert_no_alloc`.

mod attached_deck;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use attached_deck::attached_deck;
use engine::playback::{
    AttachedPlayer, DeckSize, Epoch, Lead, Loader, LoopBand, Packer, Player, Start, Tape, Transport, Walk, deck,
};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAME: usize = 1920;
const LATENT: usize = 60;
const TAPE: usize = LATENT * FRAME;

fn tape(cycles: f32) -> Tape {
    let wave = |i: usize| (i as f32 / TAPE as f32 * cycles * std::f32::consts::TAU).sin() * 1.5;
    Tape::new((0..TAPE).map(|i| [wave(i); 2]).collect()).expect("a sine is a tape")
}

#[test]
fn the_audio_thread_never_touches_the_heap() {
    let (player, packer, transport) = deck(tape(500.3), DeckSize { boxes: 3, window_frames: 40 * FRAME });
    play_everything(player, packer, transport, None);
}

#[test]
fn the_audio_thread_of_a_player_in_another_process_never_touches_the_heap() {
    let (AttachedPlayer { player, loader, .. }, packer, transport) =
        attached_deck(tape(500.3), DeckSize { boxes: 3, window_frames: 40 * FRAME }, &Epoch::default());
    play_everything(player, packer, transport, Some(loader));
}

fn play_everything(mut player: Player, mut packer: Packer, mut transport: Transport, mut loader: Option<Loader>) {
    let mut walk = Walk::new(transport.tape(), LATENT, 25);
    let mut period = [[0.0; 2]; 300];
    for round in 0..1_200_usize {
        match round % 100 {
            5 => player.unheard(),
            10 => transport.seek(round * 997 % TAPE).expect("on the tape"),
            30 => transport.set_band(LoopBand::new(9_000, 60_000, TAPE).expect("a band")).expect("room for an order"),
            50 => assert!(transport.set_gain_db(-((round % 7) as f32))),
            60 => transport.set_muted(round % 200 < 100),
            80 => {
                let id = transport.swap(tape(700.0), 5).expect("room for an order");
                walk = Walk::new(id, LATENT, 25);
            }
            _ => {}
        }
        if round % 4 == 0 {
            let plan = walk.plan(&transport.course(), 4_000, Start::Fresh);
            packer.collect(|_| ());
            let level = if round % 3 == 0 { f32::NAN } else { 0.3 };
            // Late, stale, refused and good windows in turn; which of them leaves does not matter here.
            let _ = packer.send(&plan, 0.5, |sound| sound.fill([level, 2.0]));
        }
        assert_no_alloc(|| player.fill(&mut period));
        transport.collect();
        loader.as_mut().map(Loader::poll);
    }
}

#[test]
fn the_decode_thread_plans_and_sends_without_the_heap() {
    let (player, packer, transport) = deck(tape(500.0), DeckSize { boxes: 3, window_frames: 40 * FRAME });
    send_everything(player, packer, &transport);
    let (own, packer, transport) =
        attached_deck(tape(500.0), DeckSize { boxes: 3, window_frames: 40 * FRAME }, &Epoch::default());
    send_everything(own.player, packer, &transport);
}

fn send_everything(mut player: Player, mut packer: Packer, transport: &Transport) {
    let (mut walk, mut lead) = (Walk::new(transport.tape(), LATENT, 25), Lead::new(300, TAPE / 2));
    let mut period = [[0.0; 2]; 300];
    for _ in 0..300 {
        // A window of a second is written in three periods.
        (0..8).for_each(|_| player.fill(&mut period));
        assert_no_alloc(|| {
            assert!(packer.collect(|landing| lead.landed(landing)), "a box is home");
            let course = transport.course();
            let plan = walk.plan(&course, lead.frames(course.now(), TAPE, 25), Start::Fresh);
            packer.send(&plan, 0.0, |sound| sound.fill([0.1; 2])).expect("a box is free");
        });
    }
    assert!(lead.remaining_p5().is_some_and(|left| left > 0));
}
