//! Parameters in five letters, for a page on which eight of them stand.

use engine::param::ParamId;

/// Letters that a short name has at most.
pub(super) const LETTERS: usize = 5;

/// The short name of a parameter, as near to its words as five letters are.
#[must_use]
pub fn short(id: ParamId) -> &'static str {
    match id {
        ParamId::Method => "Meth",
        ParamId::SourceBlend => "Sourc",
        ParamId::BlendPeriod => "Swell",
        ParamId::VelocityScale => "Veloc",
        ParamId::OdeNoise => "Noise",
        ParamId::X0Target => "Lock",
        ParamId::GuidanceScale => "Guide",
        ParamId::CfgRescale => "Rescl",
        ParamId::ApgMomentum => "Mom",
        ParamId::ChG0 => "Ch 0+",
        ParamId::ChG1 => "Ch 8+",
        ParamId::ChG2 => "Ch16+",
        ParamId::ChG3 => "Ch24+",
        ParamId::ChG4 => "Ch32+",
        ParamId::ChG5 => "Ch40+",
        ParamId::ChG6 => "Ch48+",
        ParamId::ChG7 => "Ch56+",
        ParamId::Ch13 => "Key13",
        ParamId::Ch14 => "Key14",
        ParamId::Ch19 => "Key19",
        ParamId::Ch23 => "Key23",
        ParamId::Ch29 => "Key29",
        ParamId::Ch56 => "Key56",
        ParamId::DcwEnabled => "DCW",
        ParamId::DcwMode => "DMode",
        ParamId::DcwWavelet => "DWave",
        ParamId::DcwScaler => "DAmt",
        ParamId::DcwHighScaler => "DHigh",
        ParamId::DcwMultBlend => "DMult",
        ParamId::DcwMagPhase => "DPhas",
        ParamId::DcwSoftThresh => "DThr",
        ParamId::Denoise => "Denoi",
        ParamId::Seed => "Seed",
        ParamId::Shift => "Shift",
        ParamId::Feedback => "Feedb",
        ParamId::FeedbackTap => "FbTap",
        ParamId::HintStrength => "Struc",
        ParamId::PromptBlend => "A/B",
        ParamId::PromptPath => "PPath",
        ParamId::PromptA => "PromA",
        ParamId::PromptB => "PromB",
        ParamId::TimbreStrength => "Timbr",
        ParamId::CfgMode => "CFG",
        ParamId::X0TargetGate => "Gate",
        ParamId::Schedule => "Sched",
        ParamId::GainDb => "Gain",
        ParamId::TapeFeedback => "Tape",
        ParamId::LoopStart => "Start",
        ParamId::LoopEnd => "End",
        ParamId::WindowS => "Windw",
        ParamId::Depth => "Depth",
        ParamId::Steps => "Steps",
        ParamId::Transition => "Trans",
        ParamId::TransitionS => "TFade",
        ParamId::Tempo => "Tempo",
        ParamId::TimeSignature => "TSign",
        ParamId::Key => "Key",
    }
}

#[cfg(test)]
mod tests {
    use super::{LETTERS, short};
    use engine::param::ParamId;

    #[test]
    fn no_two_parameters_share_a_short_name_and_none_is_too_long() {
        let mut names: Vec<&str> = ParamId::all().map(short).collect();
        assert!(names.iter().all(|it| (1..=LETTERS).contains(&it.chars().count())), "{names:?}");
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
