//! Goal: nothing that the audio thread does touches the heap, in any of the cases that a set can bring.
//! Method: the global allocator ends the test on any call made inside `assert_no_alloc`.

mod attached_deck;

use engine::backend::{BackendError, WindowDecoder};
use engine::boundary::Arena;
use engine::latent::{LATENT_CHANNELS, StereoFrame};
use engine::live::{DecodeSet, Patched, Patcher, latents, set_queue};
use engine::param::Values;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use attached_deck::attached_deck;
use engine::playback::{
    AttachedPlayer, DeckSize, Epoch, Lead, Loader, LoopBand, Packer, Player, Start, Tape, TapeId, Transition,
    Transport, Walk, deck,
};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAME: usize = 1920;
const LATENT: usize = 60;
const TAPE: usize = LATENT * FRAME;

fn tape(cycles: f32) -> Tape {
    let wave = |i: usize| (i as f32 / TAPE as f32 * cycles * std::f32::consts::TAU).sin() * 1.5;
    Tape::new((0..TAPE).map(|i| [wave(i); 2]).collect::<Vec<_>>()).expect("a sine is a tape")
}

#[test]
fn the_audio_thread_never_touches_the_heap() {
    let (player, packer, transport) = deck(tape(500.3), DeckSize { boxes: 3, window_frames: 40 * FRAME });
    play_everything(player, packer, transport, None);
}

#[test]
fn the_audio_thread_of_a_player_in_another_process_never_touches_the_heap() {
    let (AttachedPlayer { player, loader, .. }, packer, transport) =
        attached_deck(Arena::on_heap, tape(500.3), DeckSize { boxes: 3, window_frames: 40 * FRAME }, &Epoch::default());
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
                // At once and at its moment, over a short fade and a long one.
                let now = transport.playhead().played;
                let due = (round % 200 < 100).then(|| now.after(700));
                let fade_frames = if round % 300 < 100 { 15_000 } else { 4_800 };
                let how = Transition { due, fade_frames, ..Transition::at_once(5, TAPE) };
                let berthed = transport.berth().bring(tape(700.0), 0).expect("room for a tape");
                let id = transport.hand_over(berthed, &how).expect("room for an order");
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
        attached_deck(Arena::on_heap, tape(500.0), DeckSize { boxes: 3, window_frames: 40 * FRAME }, &Epoch::default());
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

/// A decoder whose sound is its number.
struct Level(f32, [usize; 2]);

impl WindowDecoder for Level {
    fn keeps(&self) -> &[usize] {
        &self.1
    }

    fn decode(&mut self, _: &[f32], _: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        sound.fill([self.0; 2]);
        Ok(())
    }
}

#[test]
fn another_set_is_taken_over_by_the_decode_side_without_the_heap() {
    let (mut player, packer, mut transport) = deck(tape(500.0), DeckSize { boxes: 3, window_frames: 40 * FRAME });
    let (mut writer, reader) = latents(LATENT * LATENT_CHANNELS);
    let walk = Walk::new(TapeId::default(), LATENT, 25);
    let mut patcher = Patcher::new(Box::new(Level(0.1, [5, 25])), reader, packer, walk, Lead::new(300, TAPE / 2));
    let (mut sender, mut receiver) = set_queue();
    let (values, mut sent, mut period) = (Values::default(), 0, [[0.0; 2]; 300]);
    for round in 1..400_usize {
        if round % 40 == 0 {
            // Longer and shorter tapes, whose windows are other ones.
            let frames = [20, LATENT, 90][round / 40 % 3];
            let sound = Tape::new(vec![[0.0; 2]; frames * FRAME]).expect("a tape");
            let id = transport.swap(sound, 0).expect("room for an order");
            let (other, reader) = latents(frames * LATENT_CHANNELS);
            writer = other;
            let mut set = DecodeSet::new(Box::new(Level(0.2, [3, 20])), reader, frames, frames * FRAME / 2);
            set.for_tape(id);
            assert!(sender.send(Box::new(set)).is_ok(), "the one before was taken");
        }
        let latent = vec![0.5; patcher.tape_frames() / FRAME * LATENT_CHANNELS];
        if !receiver.has_news() && round % 3 == 0 {
            writer.publish(&latent);
        }
        player.fill(&mut period);
        assert_no_alloc(|| {
            receiver.hand_to(&mut patcher);
            let course = transport.course();
            sent += usize::from(matches!(patcher.patch(&values, &course), Patched::Sent { .. }));
        });
        while sender.come_home().is_some() {}
        transport.collect();
    }
    let meters = transport.meters();
    let spliced = meters.windows_spliced.load(std::sync::atomic::Ordering::Relaxed);
    assert!(60 < spliced && spliced <= sent as u64, "{spliced} windows of {sent} lie on a tape");
}
