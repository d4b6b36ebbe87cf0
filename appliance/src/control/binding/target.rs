//! What a control reaches: a value, a morph, or something to do.

use engine::live::PROMPTS;
use engine::param::{ParamId, SCENES};

use super::control::BANKS;
use crate::control::pen::Form;

/// An end of the blend between two prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlendEnd {
    /// The lower one.
    A,
    /// The upper one.
    B,
}

impl BlendEnd {
    /// The parameter that says which prompt stands there.
    #[must_use]
    pub const fn param(self) -> ParamId {
        match self {
            Self::A => ParamId::PromptA,
            Self::B => ParamId::PromptB,
        }
    }
}

/// Something that is done, not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Other seeds.
    Reseed,
    /// Fade out, or play again; the tape goes on.
    Mute,
    /// The tape stops where it is, or plays on from there.
    Pause,
    /// Every value that can hurt goes to a safe place; the tape goes on.
    Panic,
    /// All values as the patch has them.
    Revert,
    /// Take the last stroke, or the last thing learnt, back.
    Undo,
    /// Do it again.
    Redo,
    /// Recall a scene, from 0.
    Recall(usize),
    /// Keep a scene, from 0.
    Capture(usize),
    /// Recall the scene whose number the control carries.
    RecallByNumber,
    /// Another patch of the set list: the one whose number the control carries.
    PatchByNumber,
    /// The next patch of the set list, or the one before.
    PatchBy(i8),
    /// Save the patch: values, scenes, curves and map, into its file.
    Save,
    /// Save it as a new one, beside.
    SaveNew,
    /// The patch as its file has it now.
    Reload,
    /// The next thing of the library, or the one before, is shown.
    LibraryBy(i8),
    /// The update that a stick offers is written, with a second press.
    TakeUpdate,
    /// Held, or with a second press: everything is saved and the box switched off.
    SwitchOff,
    /// Held: what is moved is drawn over the loop. On a key: taken up, and put down.
    Draw,
    /// A form is drawn for the parameter that was moved last.
    Form(Form),
    /// Its curve is taken away.
    EraseCurve,
    /// What is drawn of the parameter that was moved last swings further, or less far, around its middle.
    ScaleCurve(i8),
    /// A take begins, or ends.
    Record,
    /// What was played last becomes a take.
    KeepLast,
    /// The gain goes to where what plays has the loudness of the box's file.
    MatchLoudness,
    /// What is shown of the library is played.
    LibraryLoad,
    /// A prompt, from 0, at an end of the blend.
    Prompt(BlendEnd, usize),
    /// The prompt whose number the control carries, at an end of the blend.
    PromptByNumber(BlendEnd),
    /// The next prompt at an end of the blend, or the one before, round and round.
    PromptBy(BlendEnd, i8),
    /// The words of the prompt at an end of the blend are written.
    Write(BlendEnd),
    /// The next choice of what is written, or the one before; begins with prompt A where nothing is being written.
    CharacterBy(i8),
    /// The choice that was come to is taken.
    TakeCharacter,
    /// Play from the start of the tape.
    Start,
    /// One beat of the tempo.
    Tap,
    /// The loop's ends go to the nearest beats.
    SnapLoop,
    /// The loop becomes the tape.
    Crop,
    /// All of the recording is the tape again.
    WholeRecording,
    /// Held: the shift layer.
    Shift,
    /// A bank of the surface, from 0.
    Bank(u8),
    /// The next bank, or the one before, round and round.
    BankBy(i8),
    /// Held: learn.
    Learn,
    /// The next screen of the displays.
    NextScreen,
    /// Walk through the parameters: the one selected is what `selected` moves.
    Browse,
}

/// Deeds of one name.
const NAMED: [(&str, Deed); 53] = [
    ("reseed", Deed::Reseed),
    ("mute", Deed::Mute),
    ("pause", Deed::Pause),
    ("panic", Deed::Panic),
    ("revert", Deed::Revert),
    ("undo", Deed::Undo),
    ("redo", Deed::Redo),
    ("scene", Deed::RecallByNumber),
    ("patch", Deed::PatchByNumber),
    ("next-patch", Deed::PatchBy(1)),
    ("previous-patch", Deed::PatchBy(-1)),
    ("save-patch", Deed::Save),
    ("save-as-new-patch", Deed::SaveNew),
    ("reload-patch", Deed::Reload),
    ("next-in-library", Deed::LibraryBy(1)),
    ("previous-in-library", Deed::LibraryBy(-1)),
    ("take-update", Deed::TakeUpdate),
    ("switch-off", Deed::SwitchOff),
    ("draw", Deed::Draw),
    ("draw-ramp", Deed::Form(Form::Ramp)),
    ("draw-sine", Deed::Form(Form::Sine)),
    ("draw-steps", Deed::Form(Form::Steps)),
    ("draw-random", Deed::Form(Form::Random)),
    ("erase-curve", Deed::EraseCurve),
    ("deepen-curve", Deed::ScaleCurve(1)),
    ("flatten-curve", Deed::ScaleCurve(-1)),
    ("record", Deed::Record),
    ("keep-last", Deed::KeepLast),
    ("match-loudness", Deed::MatchLoudness),
    ("load-from-library", Deed::LibraryLoad),
    ("pick-prompt-a", Deed::PromptByNumber(BlendEnd::A)),
    ("pick-prompt-b", Deed::PromptByNumber(BlendEnd::B)),
    ("next-prompt-a", Deed::PromptBy(BlendEnd::A, 1)),
    ("next-prompt-b", Deed::PromptBy(BlendEnd::B, 1)),
    ("previous-prompt-a", Deed::PromptBy(BlendEnd::A, -1)),
    ("previous-prompt-b", Deed::PromptBy(BlendEnd::B, -1)),
    ("write-prompt-a", Deed::Write(BlendEnd::A)),
    ("write-prompt-b", Deed::Write(BlendEnd::B)),
    ("next-character", Deed::CharacterBy(1)),
    ("previous-character", Deed::CharacterBy(-1)),
    ("take-character", Deed::TakeCharacter),
    ("start", Deed::Start),
    ("tap", Deed::Tap),
    ("snap-loop", Deed::SnapLoop),
    ("crop", Deed::Crop),
    ("whole-recording", Deed::WholeRecording),
    ("shift-layer", Deed::Shift),
    ("next-bank", Deed::BankBy(1)),
    ("previous-bank", Deed::BankBy(-1)),
    ("learn", Deed::Learn),
    ("browse", Deed::Browse),
    ("next-screen", Deed::NextScreen),
    // Kept last: the names that carry a number follow by rule.
    ("bank-1", Deed::Bank(0)),
];

/// What a control reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A value.
    Param(ParamId),
    /// Whichever value is selected.
    Selected,
    /// Between two scenes, from 0.
    Morph(usize, usize),
    /// Something to do.
    Deed(Deed),
}

impl Deed {
    /// The deed of a name in a file.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let numbered = |prefix: &str, most: usize| {
            let number = name.strip_prefix(prefix)?.parse().ok()?;
            (1..=most).contains(&number).then(|| number - 1)
        };
        let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, deed)| *deed);
        named
            .or_else(|| numbered("keep-scene-", SCENES).map(Self::Capture))
            .or_else(|| numbered("scene-", SCENES).map(Self::Recall))
            .or_else(|| numbered("prompt-a-", PROMPTS).map(|place| Self::Prompt(BlendEnd::A, place)))
            .or_else(|| numbered("prompt-b-", PROMPTS).map(|place| Self::Prompt(BlendEnd::B, place)))
            .or_else(|| numbered("bank-", BANKS.into()).map(|bank| Self::Bank(bank as u8)))
    }

    /// Its name in a file.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Recall(place) => format!("scene-{}", place + 1),
            Self::Capture(place) => format!("keep-scene-{}", place + 1),
            Self::Bank(bank) => format!("bank-{}", bank + 1),
            Self::Prompt(BlendEnd::A, place) => format!("prompt-a-{}", place + 1),
            Self::Prompt(BlendEnd::B, place) => format!("prompt-b-{}", place + 1),
            Self::PatchBy(by) => if by < 0 { "previous-patch" } else { "next-patch" }.to_owned(),
            Self::LibraryBy(by) => if by < 0 { "previous-in-library" } else { "next-in-library" }.to_owned(),
            Self::CharacterBy(by) => if by < 0 { "previous-character" } else { "next-character" }.to_owned(),
            Self::BankBy(by) => if by < 0 { "previous-bank" } else { "next-bank" }.to_owned(),
            named => NAMED.iter().find(|(_, deed)| *deed == named).map_or("", |(name, _)| name).to_owned(),
        }
    }

    /// Whether undo knows it as a thing of its own.
    pub(super) const fn is_undone_by_itself(self) -> bool {
        matches!(
            self,
            Self::Panic
                | Self::Revert
                | Self::Recall(_)
                | Self::RecallByNumber
                | Self::PatchByNumber
                | Self::PatchBy(_)
                | Self::Save
                | Self::SaveNew
                | Self::Reload
                | Self::SnapLoop
                | Self::Tap
                | Self::Form(_)
                | Self::EraseCurve
                | Self::MatchLoudness
                | Self::LibraryLoad
                | Self::Crop
                | Self::WholeRecording
        )
    }

    /// Whether it lasts as long as the control is held.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Shift | Self::Learn | Self::Draw)
    }
}

impl Target {
    /// The target of a name in a file: a parameter, a deed, or `morph-A-B` between two scenes.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let morph = || {
            let (a, b) = name.strip_prefix("morph-")?.split_once('-')?;
            let place = |text: &str| text.parse().ok().filter(|it| (1..=SCENES).contains(it)).map(|it| it - 1);
            let (a, b) = (place(a)?, place(b)?);
            (a != b).then_some(Self::Morph(a, b))
        };
        let selected = || (name == "selected").then_some(Self::Selected);
        let param = ParamId::from_name(name).map(Self::Param).or_else(selected);
        param.or_else(|| Deed::from_name(name).map(Self::Deed)).or_else(morph)
    }

    /// Its name in a file.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Param(id) => id.row().name.to_owned(),
            Self::Selected => "selected".to_owned(),
            Self::Deed(deed) => deed.name(),
            Self::Morph(a, b) => format!("morph-{}-{}", a + 1, b + 1),
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Param(id) => id.row().words.to_owned(),
            Self::Selected => "the selected parameter".to_owned(),
            Self::Deed(deed) => deed.name().replace('-', " "),
            Self::Morph(a, b) => format!("morph {} to {}", a + 1, b + 1),
        }
    }

    /// Every name that a target may have.
    #[must_use]
    pub fn names() -> Vec<String> {
        let params = ParamId::all().map(Self::Param);
        let deeds = NAMED.iter().map(|(_, deed)| *deed).chain((0..SCENES).map(Deed::Recall));
        let prompts =
            [BlendEnd::A, BlendEnd::B].into_iter().flat_map(|end| (0..PROMPTS).map(move |at| Deed::Prompt(end, at)));
        let deeds = deeds.chain((0..SCENES).map(Deed::Capture)).chain((1..BANKS).map(Deed::Bank)).chain(prompts);
        let deeds = deeds.map(Self::Deed);
        params.chain(deeds).chain([Self::Selected, Self::Morph(0, 1)]).map(Self::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Deed, Target};
    use engine::param::ParamId;

    #[test]
    fn people_are_told_words_and_not_names_of_files() {
        let words = [Target::Param(ParamId::SourceBlend), Target::Selected, Target::Morph(0, 4)].map(Target::words);
        assert_eq!(words, ["Source blend", "the selected parameter", "morph 1 to 5"]);
        let deeds = [Deed::Recall(1), Deed::BankBy(-1), Deed::PatchBy(1)].map(|deed| Target::Deed(deed).words());
        assert_eq!(deeds, ["scene 2", "previous bank", "next patch"]);
    }

    #[test]
    fn every_target_comes_back_from_its_name_and_no_two_share_one() {
        let names = Target::names();
        for (place, name) in names.iter().enumerate() {
            let target = Target::from_name(name).unwrap_or_else(|| panic!("{name} names nothing"));
            assert_eq!(target.name(), *name);
            assert!(!names[..place].contains(name), "{name} twice");
        }
    }

    #[test]
    fn numbers_beyond_what_there_is_name_nothing() {
        for name in ["scene-0", "scene-10", "keep-scene-", "bank-9", "morph-1-1", "morph-1", "morph-1-12", "jump", ""] {
            assert_eq!(Target::from_name(name), None, "{name}");
        }
        assert_eq!(Deed::from_name("bank-8"), Some(Deed::Bank(7)));
        assert_eq!(Target::from_name("morph-3-9"), Some(Target::Morph(2, 8)));
    }
}
