//! What other machines are sent: the clock of the tape, and which program is played.

use hal::gesture::SurfaceId;

use super::SurfaceSide;
use crate::performance::conductor::Conductor;
use crate::surface::clock_sender::Order;
use crate::surface::outbox::Edge;

impl SurfaceSide {
    /// Tells other machines which program is played, where the box's file gives a channel; but for whom it came from.
    pub(super) fn send_program(&self, number: usize, sender: Option<SurfaceId>) {
        let number = u8::try_from(number).ok().filter(|number| *number < 128);
        let (Some(channel), Some(number)) = (self.config.program_channel, number) else { return };
        for to in self.receivers().into_iter().filter(|to| Some(*to) != sender) {
            self.hardware.surfaces.voices().edge(to, Edge::Program { channel, number });
        }
    }

    /// Who is sent clock and programs.
    pub(super) fn receivers(&self) -> Vec<SurfaceId> {
        let wanted = |name: &str| self.config.out.iter().any(|part| name.to_lowercase().contains(&part.to_lowercase()));
        self.here.iter().filter(|(_, name)| wanted(name)).map(|(id, _)| *id).collect()
    }

    pub(super) fn address(&self) {
        self.sender.tell(Order::To(self.receivers()));
    }

    /// The clock counts these from now on.
    pub(super) fn tell_beats(&mut self, conductor: &Conductor) {
        self.beats = conductor.beats();
        self.sender.tell(Order::Beats(self.beats));
    }

    /// The clock goes round with the tape, and stops when it is silent.
    pub(super) fn follow_tape(&mut self, conductor: &Conductor) {
        let transport = conductor.transport();
        if self.lap != Some(transport.band()) {
            self.lap = Some(transport.band());
            self.sender.tell(Order::Lap(transport.band().start() as u64..transport.band().end() as u64));
        }
        // A hand, a tap or an ear may have another tempo by now.
        if self.beats != conductor.beats() {
            self.tell_beats(conductor);
        }
        if self.muted != transport.muted() {
            self.muted = transport.muted();
            self.sender.tell(if self.muted { Order::Stop } else { Order::Continue });
        }
    }
}
