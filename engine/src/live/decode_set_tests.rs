//! A set reaches the patcher whole, the one before comes home, and nothing is lost on the way.

use super::*;
use crate::backend::BackendError;
use std::sync::Arc;

use crate::live::{Original, Patched, latents};
use crate::param::Values;
use crate::playback::{DeckSize, Lead, Player, Tape, Transport, Walk, deck};

const FRAME: usize = SAMPLES_PER_LATENT_FRAME;
const LATENT: usize = 60;

/// A decoder that is known by its window lengths.
struct Silent([usize; 2]);

impl WindowDecoder for Silent {
    fn keeps(&self) -> &[usize] {
        &self.0
    }

    fn decode(&mut self, _: &[f32], _: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        sound.fill([0.0; 2]);
        Ok(())
    }
}

fn set(frames: usize, longest: usize, most_lead: usize) -> Box<DecodeSet> {
    let (_, reader) = latents(frames * 64);
    Box::new(DecodeSet::new(Box::new(Silent([2, longest])), reader, frames, most_lead))
}

fn patcher() -> (Patcher, Player, Transport) {
    let tape = Tape::new(vec![[0.0; 2]; LATENT * FRAME]).expect("a tape");
    let (player, packer, transport) = deck(tape, DeckSize { boxes: 2, window_frames: 40 * FRAME });
    let (_, reader) = latents(LATENT * 64);
    let (walk, lead) = (Walk::new(transport.tape(), LATENT, 25), Lead::new(300, 30_000));
    (Patcher::new(Box::new(Silent([5, 25])), reader, packer, walk, lead), player, transport)
}

#[test]
fn a_set_is_taken_over_whole_and_the_one_before_is_in_its_place() {
    let (mut patcher, _player, transport) = patcher();
    let course = transport.course();
    let mut set = set(20, 9, 7_000);
    assert_eq!((set.tape_frames(), set.sound.len()), (20 * FRAME, 9 * FRAME));
    let longest_lead = |patcher: &mut Patcher| patcher.lead_frames(&Values::default(), &course);
    // Nothing has landed yet: half a second is guessed.
    assert_eq!((patcher.tape_frames(), longest_lead(&mut patcher)), (LATENT * FRAME, 24_000));
    patcher.load(&mut set);
    assert_eq!((patcher.tape_frames(), longest_lead(&mut patcher)), (20 * FRAME, 7_000));
    assert_eq!((set.decoder.keeps(), set.sound.len()), (&[5, 25][..], 25 * FRAME));
}

#[test]
fn sets_come_in_order_and_home_again_and_what_finds_no_room_comes_back() {
    let (mut patcher, _player, _transport) = patcher();
    let (mut sender, mut receiver) = set_queue();
    assert!(!receiver.has_news() && !receiver.hand_to(&mut patcher) && sender.come_home().is_none());
    for frames in [10, 20] {
        assert!(sender.send(set(frames, 9, 7_000)).is_ok());
    }
    let back = sender.send(set(30, 9, 7_000)).expect_err("two are on their way");
    assert_eq!(back.tape_frames(), 30 * FRAME);
    for frames in [10, 20] {
        assert!(receiver.has_news() && receiver.hand_to(&mut patcher));
        assert_eq!(patcher.tape_frames(), frames * FRAME);
    }
    assert!(!receiver.has_news() && !receiver.hand_to(&mut patcher));
    let home: Vec<_> = std::iter::from_fn(|| sender.come_home()).map(|it| it.decoder.keeps().to_vec()).collect();
    assert_eq!(home, [vec![5, 25], vec![2, 9]], "what played before each of them");
}

#[test]
fn a_set_waits_where_those_before_were_not_fetched() {
    let (mut patcher, _player, _transport) = patcher();
    let (mut sender, mut receiver) = set_queue();
    for frames in 1..=4 {
        assert!(sender.send(set(frames, 9, 7_000)).is_ok() && receiver.hand_to(&mut patcher));
    }
    assert!(sender.send(set(5, 9, 7_000)).is_ok());
    assert!(!receiver.hand_to(&mut patcher) && receiver.has_news(), "there is no room to send the one before home");
    assert_eq!(patcher.tape_frames(), 4 * FRAME);
    assert!(sender.come_home().is_some() && receiver.hand_to(&mut patcher));
    assert_eq!(patcher.tape_frames(), 5 * FRAME);
}

#[test]
fn a_set_says_which_tape_it_is_for() {
    let (_, _player, mut transport) = patcher();
    let tape = Tape::new(vec![[0.0; 2]; 20 * FRAME]).expect("a tape");
    let id = transport.swap(tape, 0).expect("room for an order");
    let mut set = set(20, 9, 7_000);
    set.for_tape(id);
    let said = format!("{set:?}");
    assert!(id != TapeId::default() && said.contains("frames: 20") && said.contains(&format!("{id:?}")), "{said}");
}

#[test]
fn a_set_on_a_recording_plays_the_recording_where_a_latent_is_its_own_and_its_decode_elsewhere() {
    let (mut patcher, mut player, transport) = patcher();
    let own: Vec<f32> = (0..LATENT * 64).map(|it| (it as f32).sin()).collect();
    let (mut writer, reader) = latents(LATENT * 64);
    let set = DecodeSet::new(Box::new(Silent([5, 25])), reader, LATENT, 30_000);
    let sound: Arc<[StereoFrame]> = vec![[0.5; 2]; LATENT * FRAME].into();
    let mut set = Box::new(set.on(Original::new(own.clone().into(), sound)));
    set.for_tape(transport.tape());
    patcher.load(&mut set);
    let mut lands = |latent: &[f32]| {
        writer.publish(latent);
        let Patched::Sent { land, frames, .. } = patcher.patch(&Values::default(), &transport.course()) else {
            panic!("a window is due")
        };
        let mut out = [[0.0; 2]; 256];
        (0..LATENT * FRAME / 256).for_each(|_| player.fill(&mut out));
        player.tape().frames()[(land + frames / 2) % (LATENT * FRAME)]
    };
    assert_eq!(lands(&own), [0.5; 2]);
    let other: Vec<f32> = own.iter().map(|it| it + 1.0).collect();
    assert_eq!(lands(&other), [0.0; 2]);
}
