//! Goal: another model takes over while it plays, as another recording does; one that cannot is said, and everything else comes.
//! Method: as in the module around this; the other model is the built-in one with every hundredth weight turned round.

use std::fs;

use super::super::tests::MODEL;
use super::*;
use turned_model::write_model;

#[path = "../../tests/recordings/turned_model.rs"]
mod turned_model;

fn want_model(world: &mut World, name: &str, recording: &str) {
    let sources = Sources { model: Some(world.path(name)), ..Sources::of(&world.path(recording)) };
    let words = None;
    world.parts.conductor.want(Wanted::Set {
        patch: None,
        name: name.to_owned(),
        sources,
        words,
        band: None,
        reason: Reason::Asked,
    });
}

#[test]
fn another_model_takes_over_while_it_plays_and_what_played_is_heard_to_its_last_sample() {
    let mut world = World::new(Who::Here);
    write_model(&world.path("turned"), 100);
    fs::write(world.path("turned/instrument.toml"), "[travel]\nch_g0 = 0.5\n").expect("a disk");
    world.turns(60);
    let own = Arc::clone(world.parts.ticks.performer().material());
    let before = world.values();
    let late = |world: &World| {
        world.parts.conductor.transport().meters().windows_late.load(std::sync::atomic::Ordering::Relaxed)
    };
    let was_late = late(&world);
    want_model(&mut world, "turned", "a.wav");
    world.until_done();
    assert_eq!((world.arrived.len(), world.said("turned plays, 1.0 s")), (1, 1), "{:?}", world.told);
    assert!(0 < world.said("turned: reading its model"), "{:?}", world.told);
    let parted = world.parts_from(Who::Here).expect("it is another tape");
    assert!(world.heard.len() - 3 * TURN <= parted, "at {parted} of {}", world.heard.len());
    world.turns(100);
    let turned = Arc::clone(world.parts.ticks.performer().material());
    assert_eq!((turned.frames, &turned.source), (own.frames, &own.source), "the codec is the same");
    assert!(turned.prompts[0].with_timbre != own.prompts[0].with_timbre, "its words are read by the other model");
    assert_eq!((world.values(), late(&world)), (before, was_late));
    let last = world.parts.conductor.store().values().exact(ParamId::Denoise);
    assert!(last.is_finite() && world.heard.iter().flatten().all(|it| it.is_finite()));
    // Words that are read from now on are read by it, and a recording is heard by it.
    world.parts.conductor.load(&Patch::parse("[prompt]\na = \"dub\"\n").expect("a patch"), 0, Duration::from_secs(9));
    world.until_done();
    world.turns(40);
    let slot = world.parts.ticks.performer().ring().slots().flatten().max_by_key(|it| it.ticket).expect("a slot");
    let by_turned = Arc::clone(&slot.request.conditions[0].tokens);
    // And back: the start's model has no name of its own here.
    world.want("a.wav");
    world.until_done();
    world.turns(TICK as usize);
    let back = Arc::clone(world.parts.ticks.performer().material());
    assert!(back.prompts[0].with_timbre != by_turned, "by the first model again");
    assert_eq!(world.said("a.wav: listening"), 0, "what was heard by it is known: {:?}", world.told);
}

#[test]
fn a_model_that_cannot_be_played_is_said_and_the_recording_comes_on_the_model_before() {
    let mut world = World::new(Who::Here);
    write_model(&world.path("torn"), 100);
    let weights = world.path("torn/model.safetensors");
    let bytes = fs::read(&weights).expect("it was written");
    fs::write(&weights, &bytes[..bytes.len() / 2]).expect("a disk");
    world.turns(20);
    for (name, recording, why) in [("torn", "b.wav", "model.safetensors"), ("nowhere", "c.wav", "config.json")] {
        let (arrived, told) = (world.arrived.len(), world.told.len());
        want_model(&mut world, name, recording);
        world.until_done();
        let said: Vec<_> =
            world.told[told..].iter().filter(|it| it.contains(": its model cannot be played: ")).collect();
        assert!(said.len() == 1 && said[0].contains(why), "{said:?} of {:?}", world.told);
        assert!(said[0].ends_with("everything else of it plays on the model before"), "{said:?}");
        assert_eq!(world.arrived.len(), arrived + 1, "{:?}", world.told);
        assert!(world.arrived[arrived].sources.recording.ends_with(recording));
    }
    // Without room for it too, as it is known before it is read.
    let model = engine::model::Model::open(Path::new(MODEL), 1, &mut |_| ()).expect("the model");
    let kit = Kit::of(&model, &model, true, 10.0).with_folder(MODEL.into()).with_memory(|| Some(100 << 20));
    world.parts.loading.work_with(kit);
    write_model(&world.path("large"), 100);
    want_model(&mut world, "large", "a.wav");
    world.until_done();
    assert_eq!(world.said("large: its model cannot be played: it needs"), 1, "{:?}", world.told);
}
