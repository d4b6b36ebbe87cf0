//! A player that is fed from memory which another process could share, with an engine that is attached to it: in one process, for
//! tests and benches.

use engine::boundary::{Arena, Sizes};
use engine::playback::{AttachedPlayer, DeckSize, Epoch, Packer, Player, Tape, Transport, attach};

/// Both of them, playing `tape` in memory that `arena` makes, with room for no longer one. The engine is attached as what `epochs`
/// says.
pub fn attached_deck(
    arena: impl FnOnce(Sizes) -> Arena,
    tape: Tape,
    DeckSize { boxes, window_frames }: DeckSize,
    epochs: &Epoch,
) -> (AttachedPlayer, Packer, Transport) {
    let sizes = Sizes { boxes, window_frames, tape_frames: tape.len() };
    let arena = arena(sizes);
    let mut own = Player::attached(&arena);
    own.grant.give(1);
    epochs.set(1);
    let mut period = [[0.0; 2]; 300];
    own.player.fill(&mut period);
    let (packer, mut transport) = attach(&arena, epochs);
    transport.swap(tape, 0).expect("room for a tape");
    own.player.fill(&mut period);
    assert!(own.loader.poll());
    own.player.fill(&mut period);
    (own, packer, transport)
}
