//! A stage with a fake output and threads of the test's in the place of the engine's.

use super::*;
use crate::compute::loader::Kit;
use crate::compute::progress::ProgressLine;
use crate::performance::conductor::EngineLinks;
use crate::performance::loading::tests::{MODEL, args};
use crate::performance::threads::WINDOWS;
use crate::settings::patch::{Patch, Sources};
use engine::live::{relay, set_queue};
use engine::param::edge_queue;
use engine::playback::{DeckSize, Tape, deck};
use hal::audio::{Ask, FakeOut, Opening, OutError};

/// A stage that plays a tape through the audio thread itself, with these threads in the place of the engine's.
fn stage(out: FakeOut, engine: impl FnOnce(&Leave) -> Vec<Running<()>>) -> Stage {
    let leave = Leave::new().expect("a descriptor");
    let (player, _packer, transport) = deck(Tape::new(vec![[0.1; 2]; 48_000]).expect("a tape"), DeckSize::default());
    let ((edges, _), (decode_values, _)) = (edge_queue(16), relay());
    let (conductor, _) =
        Conductor::new(&Patch::default(), 25, EngineLinks { edges, decode_values, sets: set_queue().0, transport });
    let (tell, news) = RingBuffer::new(NEWS);
    let audio = threads::audio(Box::new(out), Ask::default(), player, tell, &leave).expect("a thread");
    Stage {
        name: "a tape".to_owned(),
        seconds: 1.0,
        conductor,
        pulse: Arc::default(),
        device: DeviceSide::new(None).0,
        loading: None,
        tempo: TempoFinder::default(),
        audio,
        engine: engine(&leave),
        crashed: Vec::new(),
        told: [0; 2],
        news,
        on_purpose: Vec::new(),
        leave,
    }
}

/// Looks until something is told that `is` it; everything told so far.
fn until(stage: &mut Stage, is: impl Fn(&Told) -> bool) -> Vec<Told> {
    let (mut all, begun) = (Vec::new(), Instant::now());
    while !all.iter().any(&is) {
        assert!(begun.elapsed() < Duration::from_secs(60), "only {all:?}");
        all.extend(stage.look_after());
        std::thread::yield_now();
    }
    all
}

#[test]
fn an_engine_thread_that_crashes_is_a_fault_while_it_plays_said_once_and_the_sound_goes_on() {
    let (_never, forever) = std::sync::mpsc::channel::<()>();
    let mut stage = stage(FakeOut::default(), move |leave| {
        let crashes = leave.spawn(TICKS, || panic!("as the test asked")).expect("a thread");
        let goes_on = leave.spawn(WINDOWS, move || forever.recv().unwrap_or(())).expect("a thread");
        vec![crashes, goes_on]
    });
    let told = until(&mut stage, |it| matches!(it, Told::Fault(FaultKey::EngineTick, _)));
    let Some(Told::Fault(_, words)) = told.iter().find(|it| matches!(it, Told::Fault(..))) else { panic!("{told:?}") };
    assert!(words.starts_with("the tick thread crashed: the tape plays on"), "{words}");
    let before = stage.conductor.transport().playhead().played;
    while stage.conductor.transport().playhead().played == before {
        assert!(stage.audio.look().is_none(), "the sound goes on");
        std::thread::yield_now();
    }
    assert!(!stage.look_after().iter().any(|it| matches!(it, Told::Fault(..))), "said once");
    assert_eq!(stage.leave.still_there(), [SOUND, WINDOWS]);
}

/// Whether the worker of [`windows_are_told_while_something_is_prepared`] may end its work.
static MAY_END: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[test]
fn windows_are_told_while_something_is_prepared() {
    let folder = tempfile::tempdir().expect("a folder");
    let (patch, other) = (folder.path().join("first.toml"), folder.path().join("other.flac"));
    std::fs::write(&patch, "[prompt]\na = \"house\"\n").expect("a disk");
    std::fs::copy(std::path::Path::new(MODEL).join("demo.flac"), &other).expect("a disk");
    let set = Set::open(&args(patch), &mut ProgressLine::new()).expect("the built-in model");
    let model = engine::model::Model::open(std::path::Path::new(MODEL), 1, &mut |_| ()).expect("the model");
    let instrument = Instrument::new(set, Lead::new(256, 48_000)).expect("a tape");
    let EngineParts { mut loading, mut conductor, .. } = instrument.engine;
    loading.work_with(Kit::of(&model, &model, true, 10.0).with_memory(|| {
        while !MAY_END.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Some(u64::MAX)
    }));
    let mut stage = stage(FakeOut::default(), |_| Vec::new());
    let sources = Sources { recording: other, ..loading.sources().clone() };
    // Nobody has asked for it yet: it is prepared ahead, and crowds all the same.
    loading.expect(sources, conductor.words().to_vec());
    stage.loading = Some(loading);
    stage.look_after();
    assert!(!stage.pulse.crowded.load(Relaxed), "nothing is prepared");
    let messages = &mut crate::display::messages::Messages::new(true, []);
    let look = |stage: &mut Stage, conductor: &mut Conductor, messages: &mut Messages| {
        stage.loading.as_mut().expect("it has one").look_after("first", Duration::ZERO, conductor, messages);
        stage.look_after();
        stage.pulse.crowded.load(Relaxed)
    };
    assert!(look(&mut stage, &mut conductor, messages), "it is prepared ahead");
    MAY_END.store(true, Relaxed);
    let begun = Instant::now();
    while look(&mut stage, &mut conductor, messages) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never ends");
        std::thread::yield_now();
    }
}

#[test]
fn hands_ticks_and_windows_have_each_to_go_on_and_the_first_window_is_what_it_is_ready_with() {
    let stage = stage(FakeOut::default(), |_| Vec::new());
    let mut looked = stage.looked();
    assert_eq!(looked.vitals.look(), Vec::<&str>::new());
    assert_eq!(looked.vitals.look(), [CONDUCTOR, TICKS, WINDOWS]);
    let counts: [fn(&Pulse) -> &AtomicU64; 3] = [|it| &it.conductor_turns, |it| &it.tick_turns, |it| &it.window_turns];
    for (place, of) in counts.iter().enumerate() {
        of(&stage.pulse).fetch_add(1, Relaxed);
        let mut still = vec![CONDUCTOR, TICKS, WINDOWS];
        still.remove(place);
        assert_eq!(looked.vitals.look(), still);
    }
    assert!(!(looked.ready)() && !(looked.ends)());
    stage.pulse.windows.fetch_add(1, Relaxed);
    stage.leave.ask();
    assert!((looked.ready)() && (looked.ends)());
}

#[test]
fn a_device_that_comes_late_is_a_fault_until_it_is_there() {
    let out = FakeOut::default().answer(&[Opening::Busy, Opening::Unable]);
    let mut stage = stage(out, |_| Vec::new());
    let told = until(&mut stage, |it| matches!(it, Told::Over(..)));
    let told: Vec<_> = told.into_iter().filter(|it| !matches!(it, Told::Words(_))).collect();
    let fault =
        |why: &str| Told::Fault(FaultKey::SoundDevice, format!("sound device fake{why}; playing on, waiting for it"));
    let unable = " cannot do 48000 Hz; it offers 44100 to 44100 Hz";
    let over = Told::Over(FaultKey::SoundDevice, "the sound device is here".to_owned());
    assert_eq!(told, [fault(": Device or resource busy"), fault(unable), over]);
    stage.leave.ask();
    assert!(matches!(stage.audio.join_by(Instant::now() + Duration::from_secs(60)), End::Done(Ok(()))));
}

#[test]
fn a_file_that_is_full_is_a_fault_and_the_end_says_that_not_all_arrived() {
    let mut stage = stage(FakeOut::default().play_periods(3).fill(), |_| Vec::new());
    let told = until(&mut stage, |it| matches!(it, Told::Fault(..)));
    let full = "fake: No space left on device; playing on, into nothing".to_owned();
    assert!(told.contains(&Told::Fault(FaultKey::SoundDevice, full)), "{told:?}");
    assert!(stage.audio.look().is_none(), "it plays on");
    stage.leave.ask();
    let end = stage.audio.join_by(Instant::now() + Duration::from_secs(60));
    assert!(matches!(end, End::Done(Err(NotPlayed::Output(OutError::Full { .. })))), "{end:?}");
}

#[test]
fn a_crash_that_was_caught_is_told_once_with_how_many_there_were() {
    let mut stage = stage(FakeOut::default(), |_| Vec::new());
    assert!(stage.crashes().is_empty());
    stage.pulse.tick_crashes.store(2, Relaxed);
    let told = stage.crashes();
    let words = "the tick thread crashed and begins again (2 so far); please report it".to_owned();
    assert_eq!(told, [(TICKS, Told::Fault(FaultKey::EngineTick, words))]);
    assert!(stage.crashes().is_empty(), "said once");
    stage.pulse.window_crashes.store(1, Relaxed);
    assert!(matches!(&stage.crashes()[..], [(WINDOWS, Told::Fault(FaultKey::EngineDecode, _))]));
}
