//! What a scene is called that nobody gave a name: by what it does most, so that nine of them are told apart on a display.

use engine::param::{ParamId, Values};

/// Greatest difference, as a part of a knob's travel, that is none.
const STILL: f64 = 1e-6;

/// The parameter that stands farthest from the patch's own value, as a part of its travel, with where it stands.
#[must_use]
pub fn scene_name(scene: &Values, patch: &Values) -> String {
    let away = |id: ParamId| {
        let row = id.row();
        (row.position(scene.heard(id)) - row.position(patch.heard(id))).abs()
    };
    let farthest = ParamId::all().filter(|id| STILL < away(*id)).max_by(|a, b| away(*a).total_cmp(&away(*b)));
    farthest.map_or_else(
        || "as the patch".to_owned(),
        |id| {
            let row = id.row();
            format!("{} {}", row.words, row.written(scene.exact(id)))
        },
    )
}

#[cfg(test)]
mod tests {
    use engine::param::{ParamId, Values};

    use super::scene_name;

    #[test]
    fn a_scene_is_called_after_what_is_farthest_from_the_patch() {
        let patch = Values::default();
        let mut scene = patch;
        assert_eq!(scene_name(&scene, &patch), "as the patch");
        scene.set(
            ParamId::Shift,
            ParamId::Shift.row().at(ParamId::Shift.row().position(patch.exact(ParamId::Shift)) + 0.01),
        );
        scene.set(ParamId::Denoise, 0.9);
        assert_eq!(
            scene_name(&scene, &patch),
            format!("{} {}", ParamId::Denoise.row().words, ParamId::Denoise.row().written(0.9))
        );
    }
}
