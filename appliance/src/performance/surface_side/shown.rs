//! What the displays show of the surfaces' side: the patch, the place in the set list, the scenes, and the page in the hand.

use engine::param::SCENES;
use hal::gesture::{Gesture, Motion};

use super::SurfaceSide;
use crate::control::scene_name::scene_name;
use crate::display::status::{Listed, Scene, SetPlace, Status};
use crate::performance::conductor::Conductor;
use crate::performance::page::page;
use crate::settings::set_list::SetList;

impl SurfaceSide {
    /// Writes it into a status.
    pub fn show(&self, conductor: &Conductor, status: &mut Status) {
        let playing = self.list.playing();
        playing.map_or("", |it| bare(&it.name, self.list.place())).clone_into(&mut status.patch);
        status.set_list = place_in(&self.list);
        status.library = self.walk.page(self.now());
        status.text = self.text_page();
        status.taking_s = self.takes_shown().taking_s;
        let named = |place: usize| playing.and_then(|it| it.scene_names.get(place)?.clone());
        let scene = |place: usize| {
            let values = conductor.desk().store().scene(place);
            let usual = || Some(scene_name(values?, &playing?.patch.values));
            Scene { kept: values.is_some(), name: named(place).or_else(usual) }
        };
        status.scenes = (0..SCENES).map(scene).collect();
        let profile = |(surface, _)| self.models.get(&surface).unwrap_or_else(|| self.profiles.usual());
        let (binding, desk) = (conductor.binding(), conductor.desk());
        status.page = self.touched.and_then(|touched| page(binding, desk, profile(touched), touched));
    }

    /// A hand turned a knob: its page is the one that is shown, where it stands on one.
    pub(super) fn touch(&mut self, gesture: &Gesture, conductor: &Conductor) {
        let Motion::Turned(control, _) = gesture.motion else { return };
        let touched = (gesture.surface, control);
        if self.touched == Some(touched) {
            return;
        }
        let profile = self.models.get(&gesture.surface).unwrap_or_else(|| self.profiles.usual());
        if page(conductor.binding(), conductor.desk(), profile, touched).is_some() {
            self.touched = Some(touched);
        }
    }
}

/// The place in the list, where there is more than what was started with.
fn place_in(list: &SetList) -> Option<SetPlace> {
    let listed = |(number, it): (usize, &crate::settings::set_list::Listed)| Listed {
        number,
        name: bare(&it.name, number).to_owned(),
    };
    let playing = list.playing().filter(|_| list.has_others())?;
    Some(SetPlace {
        playing: Listed { number: list.place(), name: bare(&playing.name, list.place()).to_owned() },
        previous: list.beside(-1).map(listed),
        next: list.beside(1).map(listed),
        last: list.last(),
    })
}

/// A patch's name without the number that its file's name begins with, which stands beside it.
fn bare(name: &str, number: usize) -> &str {
    let rest = name.trim_start_matches(|it: char| it.is_ascii_digit());
    let bare = rest.trim_start_matches(['_', '-', '.', ' ']);
    let is_number = name[..name.len() - rest.len()].parse() == Ok(number);
    if is_number && !bare.is_empty() { bare } else { name }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_in_the_list_is_shown_without_its_number() {
        for (name, number, shown) in [
            ("07_bridge", 7, "bridge"),
            ("7", 7, "7"),
            ("12 - Night bus", 12, "Night bus"),
            ("909 house", 3, "909 house"),
            ("intro", 8, "intro"),
            ("", 0, ""),
        ] {
            assert_eq!(super::bare(name, number), shown);
        }
    }
}
