//! How fast each parameter may travel under a hand.
//!
//! On the published instrument a fader thrown across its travel distorts: one step of the solver is taken under one law
//! and the next under quite another, and what it makes then lies outside what the model knows. Its users asked for a
//! limit a knob. A limit is written in full travels a second, since that is how a hand moves; a tick lasts 30 to 100 ms.
//!
//! | parameters | travels/s | why |
//! | --- | --- | --- |
//! | velocity scale, guidance, channel gains | 2 | They multiply the network's input or output: at most a fifth of the travel a tick, so that the latent's level can follow. |
//! | denoise | 2 | Slots born one after the other differ by a fifth at most; the tape fades between neighbours instead of strangers. |
//! | source blend, source lock, ODE noise | 3 | They mix into the latent and saturate at their ends: the whole travel takes a few ticks. |
//! | blend period | 1 | It bends a sine over the whole tape: a fast move slides the swell past the playhead. |
//! | CFG rescale, APG momentum, DCW amounts, lock gate | 4 | Corrections of a correction; a quarter of a second guards against a jump. |
//! | shift, feedback, structure, prompt, timbre | 4 | Heard through whole generations, which smooth them already. |
//! | gain, tape feedback | 4 | Heard directly: a quarter of a second is a fast fader move, and no click. |
//! | loop band, window length | none | They say where, not how much; every place on the way would be a loop or a window of its own. |
//! | choices, switches, whole numbers, load class | none | They have no places in between. |

use engine::param::{Class, ParamId, Taper};

/// What a parameter may travel at once after a rest: four of a 7-bit knob's 128 places. A hand that stays under the limit
/// is never late, although its messages come in steps.
pub const AT_ONCE: f64 = 1.0 / 32.0;

/// Whether a parameter can stand between two places, and so can walk at all.
#[must_use]
pub fn walks(id: ParamId) -> bool {
    let row = id.row();
    row.class != Class::Load && matches!(row.taper, Taper::Linear | Taper::Log)
}

/// The usual limit in full travels a second; `None` where the value follows at once.
#[must_use]
pub const fn usual(id: ParamId) -> Option<f64> {
    use ParamId::*;
    match id {
        VelocityScale | GuidanceScale | Denoise => Some(2.0),
        ChG0 | ChG1 | ChG2 | ChG3 | ChG4 | ChG5 | ChG6 | ChG7 | Ch13 | Ch14 | Ch19 | Ch23 | Ch29 | Ch56 => Some(2.0),
        SourceBlend | X0Target | OdeNoise => Some(3.0),
        BlendPeriod => Some(1.0),
        CfgRescale | ApgMomentum | X0TargetGate => Some(4.0),
        DcwScaler | DcwHighScaler | DcwMultBlend | DcwMagPhase | DcwSoftThresh => Some(4.0),
        Shift | Feedback | HintStrength | PromptBlend | TimbreStrength => Some(4.0),
        GainDb | TapeFeedback => Some(4.0),
        LoopStart | LoopEnd | WindowS | TransitionS => None,
        Method | DcwEnabled | DcwMode | DcwWavelet | Seed | FeedbackTap | PromptPath | PromptA | PromptB | CfgMode
        | Schedule | Depth | Steps | Transition | Tempo | TimeSignature | Key => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{usual, walks};
    use engine::param::ParamId;

    #[test]
    fn only_what_can_stand_between_two_places_has_a_limit_and_every_limit_is_a_speed() {
        for id in ParamId::all() {
            assert!(walks(id) || usual(id).is_none(), "{id:?}");
            assert!(usual(id).is_none_or(|slew| slew.is_finite() && slew > 0.0), "{id:?}");
        }
    }

    #[test]
    fn what_distorts_when_it_jumps_is_limited() {
        use ParamId::*;
        for id in [Denoise, SourceBlend, VelocityScale, GuidanceScale, ChG0, Ch13, GainDb] {
            assert!(usual(id).is_some(), "{id:?}");
        }
    }
}
