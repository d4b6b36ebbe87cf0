//! The prompts of a patch: up to eight, each with a name, of which two are under the blend.

use engine::live::PROMPTS;
use engine::param::{ParamId, Values};

use super::{NAME_LETTERS, Patch, Prompt};

/// One prompt. What it does not say is said by `[prompt]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedPrompt {
    /// What displays call it.
    pub name: Option<String>,
    /// What the music should be.
    pub tags: String,
    /// Lyrics, with section marks.
    pub lyrics: Option<String>,
    /// Quarter notes a minute, 30 to 300; told to the model alone.
    pub bpm: Option<u16>,
    /// Key and scale, as in "A minor".
    pub key: Option<String>,
    /// Beats in a bar: 2, 3, 4 or 6.
    pub time_signature: Option<u8>,
    /// How much it acts beside another one, .1 to 10; 1 where it is not said.
    pub weight: Option<f32>,
}

/// One prompt with all that is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken {
    /// What displays call it.
    pub name: String,
    /// What the music should be.
    pub tags: String,
    /// Lyrics; empty for instrumental music.
    pub lyrics: String,
    /// Quarter notes a minute.
    pub bpm: Option<u16>,
    /// Key and scale.
    pub key: Option<String>,
    /// Beats in a bar.
    pub time_signature: Option<u8>,
    /// How much it acts beside another one.
    pub weight: f32,
}

impl Spoken {
    /// The same under these words of a hand, called by how they begin.
    #[must_use]
    pub fn rewritten(self, tags: &str) -> Self {
        Self { name: tags.chars().take(NAME_LETTERS).collect(), tags: tags.to_owned(), ..self }
    }
}

/// A prompt that says all of it itself.
impl From<Spoken> for NamedPrompt {
    fn from(Spoken { name, tags, lyrics, bpm, key, time_signature, weight }: Spoken) -> Self {
        let (name, lyrics, weight) = (Some(name), Some(lyrics), Some(weight));
        Self { name, tags, lyrics, bpm, key, time_signature, weight }
    }
}

/// Tempo, time signature and key that a hand has set, in the place of what a patch and its prompts say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetByHand {
    /// Quarter notes a minute.
    pub bpm: Option<u16>,
    /// Beats in a bar.
    pub time_signature: Option<u8>,
    /// Key and scale.
    pub key: Option<&'static str>,
}

impl SetByHand {
    /// What these values say themselves, and do not leave to the patch.
    #[must_use]
    pub fn of(values: &Values) -> Self {
        let says = |id: ParamId| !id.row().leaves_it(values.exact(id));
        let label = |id: ParamId| says(id).then(|| values.label(id));
        let beats = |label: &str| label.split('/').next().and_then(|beats| beats.parse().ok());
        Self {
            bpm: says(ParamId::Tempo).then(|| values.whole(ParamId::Tempo) as u16),
            time_signature: label(ParamId::TimeSignature).and_then(beats),
            key: label(ParamId::Key),
        }
    }

    /// The same words in this tempo, time signature and key.
    #[must_use]
    pub fn on(&self, words: Vec<Spoken>) -> Vec<Spoken> {
        let told = |it: Spoken| Spoken {
            bpm: self.bpm.or(it.bpm),
            time_signature: self.time_signature.or(it.time_signature),
            key: self.key.map(str::to_owned).or(it.key),
            ..it
        };
        words.into_iter().map(told).collect()
    }
}

impl Patch {
    /// Leaves out what it says of tempo, time signature and key; answers whether it said anything.
    pub fn leave_meter_out(&mut self) -> bool {
        let Prompt { bpm, key, time_signature, .. } = &mut self.prompt;
        let mut said = bpm.take().is_some() | key.take().is_some() | time_signature.take().is_some();
        for it in self.prompts.iter_mut().flatten() {
            said |= it.bpm.take().is_some() | it.key.take().is_some() | it.time_signature.take().is_some();
        }
        said
    }

    /// The prompts by their places, as the patch's values have them told: [`Self::own_words`] in its tempo, time signature and key.
    #[must_use]
    pub fn words(&self) -> Vec<Spoken> {
        SetByHand::of(&self.values).on(self.own_words())
    }

    /// The prompts by their places; a place without words has those of the place before it, and in front of the first the model
    /// follows the source alone. None where the patch has no words.
    #[must_use]
    pub fn own_words(&self) -> Vec<Spoken> {
        let places = (0..PROMPTS).map(|place| self.prompt_at(place));
        let mut words: Vec<Spoken> = Vec::new();
        let mut waiting = 0;
        for (place, prompt) in places.enumerate() {
            let Some(prompt) = prompt else {
                waiting += 1;
                continue;
            };
            let before = words.last().cloned().unwrap_or_else(|| self.unspoken());
            words.extend(std::iter::repeat_n(before, std::mem::take(&mut waiting)));
            words.push(self.spoken(place, &prompt));
        }
        words
    }

    /// What a patch without words would say of one prompt.
    #[must_use]
    pub fn unspoken(&self) -> Spoken {
        self.spoken(0, &NamedPrompt::default())
    }

    /// Takes these for its prompts. What it says of them already stays as it is written.
    pub fn take_words(&mut self, words: &[Spoken]) {
        for (place, it) in words.iter().enumerate() {
            // Each anew: a place without words follows the one before it.
            if self.own_words().get(place) != Some(it) {
                self.prompts[place] = Some(it.clone().into());
            }
        }
    }

    fn prompt_at(&self, place: usize) -> Option<NamedPrompt> {
        let plain = |tags: &String| NamedPrompt { tags: tags.clone(), ..NamedPrompt::default() };
        let old = match place {
            0 => Some(&self.prompt.a),
            1 => Some(&self.prompt.b),
            _ => None,
        };
        let old = old.filter(|it| !it.trim().is_empty()).map(plain);
        self.prompts[place].clone().or(old)
    }

    fn spoken(&self, place: usize, prompt: &NamedPrompt) -> Spoken {
        let all = &self.prompt;
        Spoken {
            name: prompt.name.clone().unwrap_or_else(|| format!("prompt {}", place + 1)),
            tags: prompt.tags.clone(),
            lyrics: prompt.lyrics.clone().unwrap_or_else(|| all.lyrics.clone()),
            bpm: prompt.bpm.or(all.bpm),
            key: prompt.key.clone().or_else(|| all.key.clone()),
            time_signature: prompt.time_signature.or(all.time_signature),
            weight: prompt.weight.unwrap_or(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Patch;
    use super::{ParamId, SetByHand, Values};

    #[test]
    fn a_prompt_says_what_it_says_and_the_patch_says_the_rest() {
        let text = "[prompt]\na = \"house\"\nb = \"dub\"\nbpm = 120\nkey = \"A minor\"\nlyrics = \"la\"\n\
                    [prompts.2]\nname = \"night\"\ntags = \"drone\"\nbpm = 80\nweight = 2\nlyrics = \"\"\n\
                    [prompts.4]\ntags = \"choir\"\nkey = \"C major\"\ntime_signature = 3\n";
        let words = Patch::parse(text).expect("a patch").words();
        let told = |place: usize| {
            let it = &words[place];
            (
                it.name.as_str(),
                it.tags.as_str(),
                it.lyrics.as_str(),
                it.bpm,
                it.key.as_deref(),
                it.time_signature,
                it.weight,
            )
        };
        assert_eq!(words.len(), 4);
        assert_eq!(told(0), ("prompt 1", "house", "la", Some(120), Some("A minor"), None, 1.0));
        assert_eq!(told(1), ("night", "drone", "", Some(80), Some("A minor"), None, 2.0), "in the place of `prompt.b`");
        assert_eq!(told(2), told(1), "a place without words is the one before it");
        assert_eq!(told(3), ("prompt 4", "choir", "la", Some(120), Some("C major"), Some(3), 1.0));
    }

    #[test]
    fn every_place_of_metre_and_key_is_told_as_another_and_the_first_leaves_it_to_the_patch() {
        let words = Patch::parse("[prompt]\na = \"house\"\nkey = \"D dorian\"\ntime_signature = 3\n")
            .expect("a patch")
            .own_words();
        for id in [ParamId::TimeSignature, ParamId::Key] {
            let told = |place: usize| {
                let mut values = Values::default();
                assert!(values.set(id, place as f64));
                SetByHand::of(&values).on(words.clone())
            };
            let all: Vec<_> = (0..id.row().labels().expect("a choice").len()).map(told).collect();
            assert_eq!(all[0], words);
            let three = usize::from(id == ParamId::TimeSignature);
            assert!((1..all.len()).all(|it| all[..it].iter().filter(|other| **other == all[it]).count() <= three));
        }
        assert_eq!(SetByHand::of(&Values::default()), SetByHand::default());
    }

    #[test]
    fn a_patch_without_words_has_none_and_in_front_of_the_first_the_source_is_alone() {
        assert_eq!(Patch::parse("[prompt]\nbpm = 90\n").expect("a patch").words(), []);
        let words = Patch::parse("[prompts.3]\ntags = \"choir\"\n").expect("a patch").words();
        assert_eq!(words.iter().map(|it| it.tags.as_str()).collect::<Vec<_>>(), ["", "", "choir"]);
    }

    #[test]
    fn what_a_patch_says_of_its_own_recording_is_left_out_on_another() {
        let text = "[prompt]\na = \"house\"\nbpm = 120\nkey = \"A minor\"\n[prompts.2]\ntags = \"drone\"\ntime_signature = 3\n";
        let mut patch = Patch::parse(text).expect("a patch");
        assert!(patch.leave_meter_out());
        assert!(patch.own_words().iter().all(|it| (it.bpm, it.key.as_ref(), it.time_signature) == (None, None, None)));
        assert_eq!(patch.own_words().len(), 2, "the words stay");
        assert!(!patch.leave_meter_out(), "nothing is left");
    }

    #[test]
    fn a_patch_that_takes_words_says_them_and_its_file_too() {
        let text = "[prompt]\na = \"house\"\nbpm = 120\n[prompts.3]\nname = \"night\"\ntags = \"drone\"\n";
        for place in 0..3 {
            let mut patch = Patch::parse(text).expect("a patch");
            let mut words = patch.own_words();
            let tags = "a choir of many voices, far away, and a bell";
            words[place] = words[place].clone().rewritten(tags);
            assert_eq!(words[place].name, "a choir of many voices, far away");
            patch.take_words(&words);
            assert_eq!(patch.own_words(), words, "the others are as they were");
            assert_eq!(Patch::parse(&patch.to_text()).expect("what was written is read").own_words(), words);
        }
    }
}
