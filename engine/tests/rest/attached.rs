//! A player in another process, and one that took its place.

use std::sync::Arc;

use engine::boundary::Arena;
use engine::latent::LATENT_CHANNELS;
use engine::live::{Patched, Patcher, latents};
use engine::param::Values;
use engine::playback::{AttachedPlayer, DeckSize, Epoch, Lead, Tape, Transport, Walk};

use super::attached_deck::attached_deck;
use super::instrument::{FRAMES, Lawful, TAPE};

struct Attached {
    own: AttachedPlayer,
    patcher: Patcher,
    transport: Transport,
    sent: usize,
}

impl Attached {
    /// Plays until the tape stands; answers how many stereo samples of windows that took.
    fn until_rest(&mut self) -> usize {
        let (values, before, mut out) = (Values::default(), self.sent, [[0.0; 2]; 256]);
        for _ in 0..4 * TAPE / 256 {
            match self.patcher.patch(&values, &self.transport.course()) {
                Patched::Rests => return self.sent - before,
                Patched::Sent { frames, .. } => self.sent += frames,
                _ => {}
            }
            self.own.player.fill(&mut out);
        }
        panic!("it never rests");
    }
}

#[test]
fn a_player_that_took_the_place_of_another_is_sent_the_whole_tape_again() {
    let (tape, epochs) = (Tape::new(vec![[0.1; 2]; TAPE]).expect("a tape"), Epoch::default());
    let (own, packer, transport) = attached_deck(Arena::on_heap, tape, DeckSize::default(), &epochs);
    let (mut writer, reader) = latents(FRAMES * LATENT_CHANNELS);
    let (walk, lead) = (Walk::new(transport.tape(), FRAMES, 1), Lead::new(256, TAPE / 2));
    let patcher = Patcher::new(Box::new(Lawful::new(Arc::default())), reader, packer, walk, lead);
    let mut it = Attached { own, patcher, transport, sent: 0 };
    writer.publish(&vec![0.5; FRAMES * LATENT_CHANNELS]);
    assert!(TAPE <= it.until_rest());
    assert_eq!(it.until_rest(), 0);
    it.own.grant.give(2);
    epochs.set(2);
    assert!(TAPE <= it.until_rest(), "what was on its way to the other is heard by nobody");
}
