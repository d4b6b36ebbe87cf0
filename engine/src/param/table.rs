//! The one table of everything a player can change.
//!
//! Names and ranges follow the published live instrument where it has the control, so that its users' habits and patches
//! carry over. Where it stores raw values, this table is the guard: nothing outside a range ever reaches the solver.
//! The enum and the rows come out of one list, so a parameter cannot exist without its row.

use super::row::{AS_GROUP, Class, Row, Taper, Unit};
use Class::{Decode, Load, Slot, Step};
use Unit::{Count, Decibel, Hertz, Ratio, Second, Tape};

/// The place of the tempo, below every tempo, at which the patch's counts.
const TEMPO_OF_PATCH: f64 = 29.0;

/// Keys as the model reads them; the first is the patch's own, whatever that is.
const KEYS: [&str; 25] = [
    "patch", "C major", "C minor", "C# major", "C# minor", "D major", "D minor", "Eb major", "Eb minor", "E major",
    "E minor", "F major", "F minor", "F# major", "F# minor", "G major", "G minor", "Ab major", "Ab minor", "A major",
    "A minor", "Bb major", "Bb minor", "B major", "B minor",
];

/// Greatest seed: every 32-bit number is a seed, and f64 holds each exactly.
const LAST_SEED: f64 = 4_294_967_295.0;

/// A number; `span` is lowest, highest, default.
const fn number(class: Class, unit: Unit, taper: Taper, span: [f64; 3]) -> Shape {
    Shape { class, unit, taper, span, curve: false }
}

/// A number that may also be drawn as a curve over the tape.
const fn drawn(class: Class, span: [f64; 3]) -> Shape {
    Shape { class, unit: Ratio, taper: Taper::Linear, span, curve: true }
}

/// A place that may also be drawn over the tape: the nearest one counts in each frame.
const fn laid(span: [f64; 3]) -> Shape {
    Shape { class: Slot, unit: Count, taper: Taper::Whole, span, curve: true }
}

/// One of a few names; `default` is a place in the list.
const fn choice(class: Class, labels: &'static [&'static str], default: f64) -> Shape {
    let span = [0.0, (labels.len() - 1) as f64, default];
    Shape { class, unit: Unit::Choice, taper: Taper::Choice(labels), span, curve: false }
}

/// On or off.
const fn switch(class: Class, default: f64) -> Shape {
    Shape { class, unit: Unit::Choice, taper: Taper::Toggle, span: [0.0, 1.0, default], curve: false }
}

/// Gain of latent channels: 1 leaves the network's input as it is.
const CHANNEL: Shape = number(Step, Ratio, Taper::Linear, [0.0, 3.0, 1.0]);
/// Gain of one latent channel alone; until it is set, its group's is heard.
const KEYSTONE: Shape = number(Step, Ratio, Taper::Linear, [0.0, 3.0, AS_GROUP]);

/// The part of a row that its kind decides.
struct Shape {
    class: Class,
    unit: Unit,
    taper: Taper,
    span: [f64; 3],
    curve: bool,
}

macro_rules! rows {
    (($d:tt) $($id:ident, $name:literal, $words:literal, $shape:expr, $what:literal;)*) => {
        /// Names one parameter; `id as usize` is its place in [`TABLE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum ParamId {
            $(#[doc = $what] $id,)*
        }

        /// How many parameters there are.
        pub const PARAMS: usize = [$(ParamId::$id),*].len();

        /// Every parameter, in the order in which they are shown.
        pub const TABLE: [Row; PARAMS] = [$({
            const SHAPE: Shape = $shape;
            Row {
                id: ParamId::$id,
                name: $name,
                words: $words,
                unit: SHAPE.unit,
                low: SHAPE.span[0],
                high: SHAPE.span[1],
                default: SHAPE.span[2],
                taper: SHAPE.taper,
                class: SHAPE.class,
                curve: SHAPE.curve,
                what: $what,
            }
        }),*];

        /// Calls `then! { Id, Id, ... }` with every [`ParamId`](crate::param::ParamId) in the table's order: for tests
        /// that hold one promise a parameter.
        #[macro_export]
        macro_rules! for_each_parameter {
            ($d then:ident) => { $d then! { $($id),* } };
        }

        /// One test a row: a row that breaks the table's rules fails under its own name.
        #[cfg(test)]
        mod every_row_is_sane {
            $(#[test]
            #[allow(non_snake_case)]
            fn $id() {
                super::tests::row_is_sane(super::ParamId::$id);
            })*
        }
    };
}

rows! { ($)
    Method, "method", "Method", choice(Step, &["ode", "sde"], 0.0),
        "Solver of a step: ode follows the velocity, sde noises the clean estimate again.";
    SourceBlend, "source_blend", "Source blend", drawn(Step, [0.0, 1.0, 0.0]),
        "How much of the source each sde step mixes in, 0 free to 1 source; the solver's curve is c = 1 - blend.";
    BlendPeriod, "blend_period", "Blend period", number(Step, Hertz, Taper::Linear, [0.0, 12.5, 0.0]),
        "Rate of a sine over the tape that swells the source blend between 0 and its value; 0 holds it still.";
    VelocityScale, "velocity_scale", "Velocity", drawn(Step, [0.5, 1.5, 1.0]),
        "Factor on the velocity of every ode step.";
    OdeNoise, "ode_noise", "ODE noise", drawn(Step, [0.0, 1.0, 0.0]),
        "Fresh noise added after every ode step, times the step's remaining noise level.";
    X0Target, "x0_target", "Source lock", drawn(Step, [0.0, 1.0, 0.0]),
        "Pull of the clean estimate towards the source in the later steps.";
    GuidanceScale, "guidance_scale", "Guidance",
        Shape { class: Step, unit: Ratio, taper: Taper::Log, span: [1.0, 15.0, 2.5], curve: true },
        "Strength g of classifier-free guidance; heard when the CFG mode is not off.";
    CfgRescale, "cfg_rescale", "CFG rescale", drawn(Step, [0.0, 1.0, 0.0]),
        "How far a guided velocity is brought back to the unguided one's norm.";
    ApgMomentum, "apg_momentum", "APG momentum", drawn(Step, [-1.0, 1.0, -0.75]),
        "Momentum of the running average of guidance directions.";
    ChG0, "ch_g0", "Channels 0-7", CHANNEL, "Gain of latent channels 0 to 7 at the network's input.";
    ChG1, "ch_g1", "Channels 8-15", CHANNEL, "Gain of latent channels 8 to 15 at the network's input.";
    ChG2, "ch_g2", "Channels 16-23", CHANNEL, "Gain of latent channels 16 to 23 at the network's input.";
    ChG3, "ch_g3", "Channels 24-31", CHANNEL, "Gain of latent channels 24 to 31 at the network's input.";
    ChG4, "ch_g4", "Channels 32-39", CHANNEL, "Gain of latent channels 32 to 39 at the network's input.";
    ChG5, "ch_g5", "Channels 40-47", CHANNEL, "Gain of latent channels 40 to 47 at the network's input.";
    ChG6, "ch_g6", "Channels 48-55", CHANNEL, "Gain of latent channels 48 to 55 at the network's input.";
    ChG7, "ch_g7", "Channels 56-63", CHANNEL, "Gain of latent channels 56 to 63 at the network's input.";
    Ch13, "ch13", "Keystone 13", KEYSTONE, "Gain of latent channel 13 alone, in place of its group's; group lets that speak.";
    Ch14, "ch14", "Keystone 14", KEYSTONE, "Gain of latent channel 14 alone, in place of its group's; group lets that speak.";
    Ch19, "ch19", "Keystone 19", KEYSTONE, "Gain of latent channel 19 alone, in place of its group's; group lets that speak.";
    Ch23, "ch23", "Keystone 23", KEYSTONE, "Gain of latent channel 23 alone, in place of its group's; group lets that speak.";
    Ch29, "ch29", "Keystone 29", KEYSTONE, "Gain of latent channel 29 alone, in place of its group's; group lets that speak.";
    Ch56, "ch56", "Keystone 56", KEYSTONE, "Gain of latent channel 56 alone, in place of its group's; group lets that speak.";
    DcwEnabled, "dcw_enabled", "DCW", switch(Step, 1.0),
        "Wavelet correction after every step.";
    DcwMode, "dcw_mode", "DCW mode", choice(Step, &["low", "high", "double", "pix"], 2.0),
        "Bands that the wavelet correction treats: low, high, both, or the samples themselves.";
    DcwWavelet, "dcw_wavelet", "DCW wavelet", choice(Step, &["haar", "db4", "sym8", "db8"], 0.0),
        "Wavelet of the correction.";
    DcwScaler, "dcw_scaler", "DCW amount", drawn(Step, [0.0, 0.5, 0.05]),
        "Strength of the correction in the low band (in mode high: in the high band; in pix: of all).";
    DcwHighScaler, "dcw_high_scaler", "DCW high", drawn(Step, [0.0, 0.5, 0.02]),
        "Strength of the correction in the high band in mode double.";
    DcwMultBlend, "dcw_mult_blend", "DCW multiply", number(Step, Ratio, Taper::Linear, [0.0, 1.0, 0.0]),
        "Mix from the additive to the multiplicative correction.";
    DcwMagPhase, "dcw_mag_phase", "DCW phase", number(Step, Ratio, Taper::Linear, [0.0, 1.0, 0.0]),
        "Mix towards the correction of magnitude and phase of the analytic signal.";
    DcwSoftThresh, "dcw_soft_thresh", "DCW threshold", number(Step, Ratio, Taper::Linear, [0.0, 0.3, 0.0]),
        "Differences below this are left uncorrected.";

    Denoise, "denoise", "Denoise", number(Slot, Ratio, Taper::Linear, [0.0, 1.0, 0.5]),
        "Noise level at which a slot starts: 0 is the source, 1 pure invention.";
    Seed, "seed", "Seed", number(Slot, Count, Taper::Whole, [0.0, LAST_SEED, 42.0]),
        "Key of all noise of a slot.";
    Shift, "shift", "Shift", number(Slot, Ratio, Taper::Linear, [1.0, 6.0, 3.0]),
        "Warp s of a slot's schedule, s t / (1 + (s - 1) t): higher spends more steps on noise.";
    Feedback, "feedback", "Feedback", drawn(Slot, [0.0, 1.0, 0.0]),
        "How much of an earlier finished latent is blended into the source of a slot.";
    FeedbackTap, "feedback_tap", "Feedback tap", number(Slot, Count, Taper::Whole, [1.0, 8.0, 1.0]),
        "How many finished latents ago feedback listens; the oldest there is where fewer exist.";
    HintStrength, "hint_strength", "Structure", drawn(Slot, [0.0, 1.0, 1.0]),
        "Blend of a slot's structure hints from silence, 0, to the source's, 1.";
    PromptBlend, "prompt_blend", "Prompt A/B", drawn(Slot, [0.0, 1.0, 0.0]),
        "Blend of a slot's conditioning from prompt A, 0, to prompt B, 1.";
    PromptA, "prompt_a", "Prompt A", laid([1.0, 8.0, 1.0]),
        "Which of the patch's prompts stands at the blend's lower end; the last one where there are fewer.";
    PromptB, "prompt_b", "Prompt B", laid([1.0, 8.0, 2.0]),
        "Which of the patch's prompts stands at the blend's upper end; the last one where there are fewer.";
    PromptPath, "prompt_path", "Prompt path", choice(Slot, &["linear", "spherical"], 0.0),
        "Way of a slot's velocity between its two prompts: linear is the mean, spherical an arc that keeps its length.";
    TimbreStrength, "timbre_strength", "Timbre", number(Slot, Ratio, Taper::Linear, [0.0, 1.0, 1.0]),
        "Weight of the timbre reference in a slot's conditioning.";
    CfgMode, "cfg_mode", "CFG mode", choice(Slot, &["off", "self", "initialize", "full"], 0.0),
        "Where a slot's negative velocity comes from: nowhere, its start noise, its first step, or every step.";
    X0TargetGate, "x0_target_gate", "Lock gate", number(Slot, Ratio, Taper::Linear, [0.0, 1.0, 0.0]),
        "Share of a slot's steps before the source lock's curve begins to pull.";
    Schedule, "schedule", "Schedule", choice(Slot, &["continuous", "stepped"], 0.0),
        "Law from denoise to noise levels: continuous starts exactly at denoise, stepped is the published law.";

    GainDb, "gain_db", "Gain", number(Decode, Decibel, Taper::Linear, [-60.0, 12.0, 0.0]),
        "Output gain before the limiter; the lowest value is silence.";
    TapeFeedback, "tape_feedback", "Tape feedback", number(Decode, Ratio, Taper::Linear, [0.0, 1.0, 0.0]),
        "How much of the lap before stays under a new window: of .5 a half after one lap, a quarter after two.";
    LoopStart, "loop_start", "Loop start", number(Decode, Tape, Taper::Linear, [0.0, 1.0, 0.0]),
        "Start of the loop band.";
    LoopEnd, "loop_end", "Loop end", number(Decode, Tape, Taper::Linear, [0.0, 1.0, 1.0]),
        "End of the loop band.";
    WindowS, "window_s", "Window", number(Decode, Second, Taper::Log, [0.2, 3.0, 1.0]),
        "Length of a decoded window: short follows the hand, long costs less in all.";

    Depth, "depth", "Depth", number(Load, Count, Taper::Whole, [1.0, 8.0, 4.0]),
        "Slots in flight.";
    Steps, "steps", "Steps", number(Load, Count, Taper::Whole, [1.0, 16.0, 8.0]),
        "Solver steps of a slot.";

    Transition, "transition", "Transition", choice(Decode, &["now", "beat", "bar", "loop"], 0.0),
        "When another recording comes in: at once, at the next beat or bar, or at the loop's end; without a tempo at that.";
    TransitionS, "transition_s", "Transition fade", number(Decode, Second, Taper::Log, [0.01, 10.0, 0.1]),
        "How long both recordings are heard when another one comes in.";
    Tempo, "tempo", "Tempo", number(Decode, Count, Taper::Whole, [TEMPO_OF_PATCH, 300.0, TEMPO_OF_PATCH]),
        "Beats a minute, counted and told to the model; the lowest place is the patch's.";
    TimeSignature, "time_signature", "Time signature", choice(Decode, &["patch", "2/4", "3/4", "4/4", "6/8"], 0.0),
        "Beats of a bar, counted and told to the model, or as the patch has it.";
    Key, "key", "Key", choice(Decode, &KEYS, 0.0),
        "Key told to the model, or as the patch has it.";
}

impl ParamId {
    /// Every parameter, in the table's order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TABLE.iter().map(|row| row.id)
    }

    /// Its row.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        // A `const` array would be copied at every call; a static stands once in memory.
        static ROWS: [Row; PARAMS] = TABLE;
        &ROWS[self as usize]
    }

    /// The parameter of a name; hyphens count as underscores, since both are typed on command lines.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let matches = |known: &str| {
            known.len() == name.len()
                && known.bytes().zip(name.bytes()).all(|(a, b)| a == b || (a == b'_' && b == b'-'))
        };
        TABLE.iter().find(|row| matches(row.name)).map(|row| row.id)
    }
}

#[cfg(test)]
mod tests {
    use super::{ParamId, TABLE, Taper, Unit};

    /// The rules that hold for every row.
    pub(super) fn row_is_sane(id: ParamId) {
        let row = id.row();
        assert_eq!(row.id, id, "the row stands at another place");
        assert!(row.low < row.high, "{}: empty range", row.name);
        let inside = (row.low..=row.high).contains(&row.default) || row.follows_group();
        assert!(inside, "{}: default outside", row.name);
        assert_eq!(row.nearest(row.default).to_bits(), row.default.to_bits(), "{}: default between places", row.name);
        assert!(row.taper != Taper::Log || row.low > 0.0, "{}: a logarithm needs a range above zero", row.name);
        assert!(row.words.len() <= 16 && !row.words.is_empty(), "{}: words do not fit", row.name);
        assert!(row.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{}", row.name);
        assert!(row.what.ends_with('.'), "{}: says no sentence", row.name);
        assert_eq!(ParamId::from_name(row.name), Some(id), "{}: the name leads elsewhere", row.name);
        assert_eq!(ParamId::from_name(&row.name.replace('_', "-")), Some(id));

        assert_eq!(row.nearest(f64::INFINITY), row.high);
        assert_eq!(row.nearest(f64::NEG_INFINITY), row.low);
        assert_eq!((row.at(-1.0), row.at(2.0)), (row.low, row.high), "{}: travel leaves the range", row.name);
        for tenth in 0..=10 {
            let value = row.at(f64::from(tenth) / 10.0);
            let again = row.at(row.position(value));
            assert!((again - value).abs() <= 1e-12 * row.high.abs(), "{}: {value} came back as {again}", row.name);
        }
        if let Some(labels) = row.labels() {
            assert_eq!(labels.len() as f64, row.high + 1.0, "{}: labels and range differ", row.name);
            assert_eq!(row.unit, Unit::Choice);
            for (place, label) in labels.iter().enumerate() {
                assert_eq!(row.labelled(label), Some(place as f64));
                assert_eq!(row.written(place as f64), **label);
            }
        }
    }

    #[test]
    fn no_two_rows_share_a_name_or_words() {
        for (place, row) in TABLE.iter().enumerate() {
            for other in &TABLE[..place] {
                assert_ne!(row.name, other.name);
                assert_ne!(row.words, other.words);
            }
        }
    }

    #[test]
    fn every_seed_is_its_own_place_on_the_knob() {
        let row = ParamId::Seed.row();
        for seed in [0.0, 1.0, 42.0, 65_537.0, 2_147_483_648.0, 4_294_967_294.0, 4_294_967_295.0] {
            assert_eq!(row.at(row.position(seed)), seed);
        }
    }

    #[test]
    fn the_travel_of_a_choice_is_shared_out_evenly() {
        let row = ParamId::DcwMode.row();
        assert_eq!(
            [0.0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1.0].map(|at| row.at(at)),
            [0., 0., 1., 1., 2., 2., 3., 3.]
        );
    }

    #[test]
    fn an_unknown_name_is_no_parameter() {
        assert_eq!(ParamId::from_name("denoise "), None);
        assert_eq!(ParamId::from_name("Denoise"), None);
        assert_eq!(ParamId::from_name(""), None);
        assert_eq!(ParamId::from_name("denois-"), None);
        assert_eq!(ParamId::from_name("tape.feedback"), None);
    }
}
