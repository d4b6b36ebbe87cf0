//! The loop becomes the tape, and the tape all of its recording again.
//!
//! What lies outside of the loop is generated and never heard: a tape of the loop alone costs as much less as it is shorter. It is prepared as any other
//! recording is, and comes in where the loop turns, so that the music goes on where it is; undo brings the longer one back.

use engine::latent::SAMPLES_PER_LATENT_FRAME as FRAME;
use hal::gesture::Clock as _;

use super::SurfaceSide;
use crate::performance::conductor::{Conductor, Reason, Wanted};
use crate::performance::view::View;
use crate::recording::Part;
use crate::settings::patch::Sources;

impl SurfaceSide {
    /// The loop is to become the tape.
    pub(super) fn crop(&mut self, conductor: &mut Conductor, view: &mut View) {
        let (band, tape) = (conductor.transport().band(), conductor.transport().tape_frames());
        let part = Part::around([band.start(), band.end()], tape, Part::first(self.plays.part));
        if (part.end - part.start) as usize == tape {
            return view.messages().hand("the loop is all of the tape: move its ends first");
        }
        view.messages().hand(&format!("{part} of the recording becomes the tape"));
        self.want_part(Some(part), conductor);
    }

    /// All of the recording is to be the tape again.
    pub(super) fn whole_recording(&mut self, conductor: &mut Conductor, view: &mut View) {
        if self.plays.part.is_none() {
            return view.messages().hand("all of the recording plays already");
        }
        view.messages().hand("all of the recording is being prepared");
        self.want_part(None, conductor);
    }

    fn want_part(&mut self, part: Option<Part>, conductor: &mut Conductor) {
        let sources = Sources { part, ..self.plays.clone() };
        let name = sources.recording.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (self.coming, self.sent_by) = (None, None);
        conductor.want(Wanted::Set { patch: None, name, sources, words: None, band: None, reason: Reason::Part });
    }

    /// A part has come, which undo knows by the number `load`: the loop's faders stand where it plays what it did, and curves lie where they lay.
    pub(super) fn stand_on_part(&self, before: Option<Part>, faders: [f32; 2], load: u32, conductor: &mut Conductor) {
        let later = Part::first(self.plays.part) as i64 - Part::first(before) as i64;
        let from = |frame: usize| {
            usize::try_from((frame as i64 * FRAME as i64 + later + FRAME as i64 / 2).div_euclid(FRAME as i64)).ok()
        };
        conductor.stand_on_part(faders, from, load, self.clock.now());
    }
}
