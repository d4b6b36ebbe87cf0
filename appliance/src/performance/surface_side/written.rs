//! Words that a hand writes: opened with the prompt at an end of the blend, typed, spelled or picked, and played from the next generation on.

use super::SurfaceSide;
use crate::control::binding::{Act, BlendEnd};
use crate::control::text_entry::{Entered, TextEntry};
use crate::display::status::TextPage;
use crate::performance::conductor::Conductor;
use crate::performance::view::View;

/// Words that are being written, of the prompt at this end of the blend.
pub(super) struct Writing {
    end: BlendEnd,
    entry: TextEntry,
}

/// The place of the prompt at an end of the blend, from 0.
fn place_at(end: BlendEnd, conductor: &Conductor) -> usize {
    let place = conductor.store().value(end.param()) as usize - 1;
    place.min(conductor.own_words().len().saturating_sub(1))
}

impl SurfaceSide {
    /// Answers what writing asks for.
    pub(super) fn write(&mut self, act: &Act, conductor: &mut Conductor, view: &mut View) {
        let entered = match *act {
            Act::Write(end) => return self.open_writing(end, conductor, view),
            Act::CharacterBy(by) => {
                if self.writing.is_none() {
                    self.open_writing(BlendEnd::A, conductor, view);
                }
                let Some(writing) = &mut self.writing else { return };
                writing.entry.step(by);
                Entered::GoesOn
            }
            Act::TakeCharacter => match &mut self.writing {
                Some(writing) => writing.entry.take(),
                None => return self.open_writing(BlendEnd::A, conductor, view),
            },
            Act::Typed(key) => self.writing.as_mut().map_or(Entered::Left, |it| it.entry.key(key)),
            _ => return,
        };
        match entered {
            Entered::GoesOn => {}
            Entered::Played => self.play_written(conductor, view),
            Entered::Left => {
                self.close_writing(conductor);
                view.messages().hand("the words stay as they were");
            }
        }
    }

    fn open_writing(&mut self, end: BlendEnd, conductor: &mut Conductor, view: &mut View) {
        let spoken = conductor.own_words().get(place_at(end, conductor));
        let text = spoken.map_or("", |it| it.tags.as_str());
        self.writing = Some(Writing { end, entry: TextEntry::new(text, conductor.vocabulary()) });
        conductor.binding_mut().set_typing(true);
        view.messages().hand(&format!("{}: write, then play these words", end.param().row().words));
    }

    fn close_writing(&mut self, conductor: &mut Conductor) {
        self.writing = None;
        conductor.binding_mut().set_typing(false);
    }

    /// What was written is played, where it is something else than before.
    fn play_written(&mut self, conductor: &mut Conductor, view: &mut View) {
        let Some(&Writing { end, ref entry }) = self.writing.as_ref() else { return };
        let (tags, place) = (entry.text().trim().to_owned(), place_at(end, conductor));
        if tags.is_empty() {
            return view.messages().hand("no words yet: write some, or leave as it was");
        }
        self.close_writing(conductor);
        if conductor.own_words().get(place).is_some_and(|it| it.tags == tags) {
            return view.messages().hand("these words play already");
        }
        let Some(playing) = self.list.playing() else { return };
        conductor.write_words(place, &tags, &playing.patch);
        self.keep_scenes(conductor);
        view.messages().hand(&format!("{}: {tags}", end.param().row().words));
    }

    /// What displays show of it.
    pub(super) fn text_page(&self) -> Option<TextPage> {
        let Writing { end, entry } = self.writing.as_ref()?;
        let choices = entry.choices().iter().map(|it| it.words()).collect();
        let title = end.param().row().words.to_owned();
        Some(TextPage { title, text: entry.text().to_owned(), choices, cursor: entry.cursor() })
    }
}
