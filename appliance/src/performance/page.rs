//! Which knobs stand on the page in the hand: the eight around the one that was touched last, as its controller has them.
//!
//! Pure: it asks the binding where knobs and values are, and remembers nothing.

use hal::gesture::{Control, SurfaceId};

use crate::control::binding::Binding;
use crate::control::desk::Desk;
use crate::display::status::{Page, PageKnob};
use crate::settings::profile::{Part, Profile};

/// Knobs on a page: a row of most controllers.
const KNOBS: usize = 8;
/// Control changes of the usual map that reach a parameter: where a model of controller is not known, its knobs are these.
const USUAL: std::ops::RangeInclusive<u8> = 1..=30;

/// The page around a control; `None` where it is a button, or reaches no parameter and has no neighbours that do.
#[must_use]
pub fn page(
    binding: &Binding,
    desk: &Desk,
    profile: &Profile,
    (surface, touched): (SurfaceId, Control),
) -> Option<Page> {
    let controls = neighbours(profile, touched)?;
    let place = controls.iter().position(|it| *it == touched)?;
    let first = place / KNOBS * KNOBS;
    let knobs: Vec<PageKnob> =
        controls[first..].iter().take(KNOBS).map(|control| knob(binding, desk, surface, *control)).collect();
    knobs.iter().any(|it| it.id.is_some()).then_some(Page { knobs, touched: place - first })
}

fn knob(binding: &Binding, desk: &Desk, surface: SurfaceId, control: Control) -> PageKnob {
    binding.knob(surface, control, desk).map_or(PageKnob { id: None, place: 0.0, waiting: None }, |it| PageKnob {
        id: Some(it.id),
        place: it.value_at,
        waiting: it.waiting,
    })
}

/// The controls of the same kind and layer as one, in the controller's order, itself among them; `None` for a button.
fn neighbours(profile: &Profile, touched: Control) -> Option<Vec<Control>> {
    let Some(part) = profile.parts.iter().find(|it| it.sends(touched)) else {
        return usual(touched);
    };
    if part.kind.is_pressed() {
        return None;
    }
    let alike = |it: &&Part| it.kind == part.kind && it.page == part.page;
    // The one that was touched stands for itself: a part that listens on any channel does not know which one was meant.
    let control = |it: &Part| if it.sends(touched) { touched } else { on_channel_of(touched, it.control()) };
    Some(profile.parts.iter().filter(alike).map(control).collect())
}

/// A control of a part that takes any channel, on the one that the hand plays on.
fn on_channel_of(touched: Control, control: Control) -> Control {
    match (touched, control) {
        (Control::Cc { channel, .. }, Control::Cc { number, .. }) => Control::Cc { channel, number },
        (_, other) => other,
    }
}

fn usual(touched: Control) -> Option<Vec<Control>> {
    let Control::Cc { channel, number } = touched else { return None };
    let all = USUAL.map(|number| Control::Cc { channel, number });
    USUAL.contains(&number).then(|| all.collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::param::{ParamId, Store};
    use hal::gesture::{Control, Gesture, Motion, Position, SurfaceId};

    use super::page;
    use crate::control::binding::{Act, Binding, MAIN};
    use crate::control::desk::Desk;
    use crate::settings::profile::Profile;

    const HAND: SurfaceId = SurfaceId(7);

    fn turn(binding: &mut Binding, desk: &mut Desk, number: u8, to: u8) -> Vec<Act> {
        let motion = Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(to));
        let mut acts = Vec::new();
        binding.play(&Gesture { at: Duration::ZERO, surface: HAND, motion }, desk, &mut acts);
        acts
    }

    fn touched(number: u8) -> (SurfaceId, Control) {
        (HAND, Control::Cc { channel: 1, number })
    }

    #[test]
    fn the_page_is_the_eight_of_the_usual_map_with_values_and_needles() {
        let (mut binding, mut desk) = (Binding::default(), Desk::new(Store::new().0));
        let (profile, _) = Profile::parse_sound("generic", "name = \"x\"\n");
        turn(&mut binding, &mut desk, 2, 0);
        turn(&mut binding, &mut desk, 2, 1);
        let shown = page(&binding, &desk, &profile, touched(2)).expect("a page");
        assert_eq!(shown.touched, 1);
        assert_eq!(
            shown.knobs.iter().map(|it| it.id).collect::<Vec<_>>(),
            MAIN[..8].iter().copied().map(Some).collect::<Vec<_>>()
        );
        for (knob, id) in shown.knobs.iter().zip(MAIN) {
            let expected = id.row().position(desk.store().value(id));
            assert!((knob.place - expected).abs() < 1e-9, "{id:?}: {knob:?}");
        }
        // A knob that never spoke has no needle; one that stands elsewhere has.
        let needles: Vec<bool> = shown.knobs.iter().map(|it| it.waiting.is_some()).collect();
        let has_hold = (1.0 / 127.0 - shown.knobs[1].place).abs() < 3.0 / 128.0;
        assert_eq!(needles, [false, !has_hold, false, false, false, false, false, false]);
        let second = page(&binding, &desk, &profile, touched(10)).expect("the next eight");
        assert_eq!((second.touched, second.knobs[0].id), (1, Some(MAIN[8])));
        assert_eq!(page(&binding, &desk, &profile, touched(99)), None, "it reaches nothing");
    }

    #[test]
    fn a_needle_stands_where_the_knob_is_and_goes_when_it_takes_hold() {
        let (mut binding, mut desk) = (Binding::default(), Desk::new(Store::new().0));
        let (profile, _) = Profile::parse_sound("generic", "name = \"x\"\n");
        let place = MAIN.iter().position(|it| *it == ParamId::Denoise).expect("a main parameter");
        let number = place as u8 + 1;
        let needle = |binding: &Binding, desk: &Desk| {
            let shown = page(binding, desk, &profile, touched(number)).expect("a page");
            shown.knobs[shown.touched].waiting
        };
        turn(&mut binding, &mut desk, number, 10);
        assert_eq!(needle(&binding, &desk), Some(10.0 / 127.0), "the first word moves nothing");
        turn(&mut binding, &mut desk, number, 20);
        assert_eq!(needle(&binding, &desk), Some(20.0 / 127.0));
        turn(&mut binding, &mut desk, number, 64);
        assert_eq!(needle(&binding, &desk), None, "it came by the value");
        desk.capture(0);
        turn(&mut binding, &mut desk, number, 100);
        desk.recall(0);
        assert_eq!(needle(&binding, &desk), Some(100.0 / 127.0), "a scene let it go");
    }

    #[test]
    fn a_known_controllers_page_is_its_own_row_and_a_button_has_none() {
        let (profile, faults) = Profile::parse_sound(
            "bench",
            "name = \"x\"\ncontrol = [\n{ name = \"a\", kind = \"knob\", cc = 80, to = \"denoise\" },\n\
             { name = \"b\", kind = \"button\", note = 1, to = \"panic\" },\n{ name = \"c\", kind = \"knob\", cc = 20, to = \"shift\" },\n\
             { name = \"d\", kind = \"fader\", cc = 21, to = \"gain_db\" } ]\n",
        );
        assert!(faults.is_empty(), "{faults:?}");
        let (mut binding, desk) = (Binding::default(), Desk::new(Store::new().0));
        binding.map_mut().set_profile(HAND, profile.entries());
        let shown = page(&binding, &desk, &profile, touched(20)).expect("a page");
        let ids: Vec<_> = shown.knobs.iter().map(|it| it.id).collect();
        assert_eq!((ids, shown.touched), (vec![Some(ParamId::Denoise), Some(ParamId::Shift)], 1));
        assert_eq!(page(&binding, &desk, &profile, (HAND, Control::Note { channel: 1, number: 1 })), None);
    }
}
