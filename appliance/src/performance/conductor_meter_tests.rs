//! What a hand sets of tempo, time signature and key is counted at once, told to the model when the hand rests, and taken back by undo.

use std::time::Duration;

use engine::param::ParamId;

use super::Stage;

const WORDS: &str =
    "[prompt]\na = \"house\"\nb = \"dub\"\nbpm = 90\nkey = \"A minor\"\n[prompts.2]\ntags = \"dub\"\nbpm = 70\n";

/// Tempo, beats of a bar and key of a prompt.
type Said = (Option<u16>, Option<u8>, Option<String>);

impl Stage {
    fn turn(&mut self, id: ParamId, value: f64) {
        let now = self.now;
        self.conductor.desk.turn(id, value, now).expect("a number");
        self.conductor.settle(now);
    }

    fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.conductor.settle(self.now);
    }

    /// What is said of every prompt that a worker is to read.
    fn wanted(&mut self) -> Option<Vec<Said>> {
        let words = self.conductor.wanted_words()?;
        Some(words.into_iter().map(|it| (it.bpm, it.time_signature, it.key)).collect())
    }

    fn bpm(&self) -> Option<f64> {
        self.conductor.tempo().bpm(self.now)
    }
}

fn said(bpm: u16, bar: Option<u8>, key: &str) -> Said {
    (Some(bpm), bar, Some(key.to_owned()))
}

#[test]
fn a_tempo_that_is_set_is_counted_at_once_and_told_once_when_the_hand_rests() {
    let mut stage = Stage::new(WORDS);
    assert_eq!((stage.bpm(), stage.wanted()), (Some(90.0), None), "what the start read is read");
    for bpm in [110.0, 118.0, 126.0] {
        stage.turn(ParamId::Tempo, bpm);
        assert_eq!(stage.bpm(), Some(bpm));
        stage.wait(300);
        assert_eq!(stage.wanted(), None, "the hand is on its way");
    }
    stage.wait(1_300);
    let key = "A minor";
    assert_eq!(stage.wanted(), Some(vec![said(126, None, key), said(126, None, key)]), "all prompts");
    stage.wait(5_000);
    assert_eq!(stage.wanted(), None, "once");
    stage.turn(ParamId::TimeSignature, 2.0);
    stage.turn(ParamId::Key, 2.0);
    assert_eq!(stage.conductor.tempo().bar(), 3);
    stage.wait(1_300);
    assert_eq!(stage.wanted(), Some(vec![said(126, Some(3), "C minor"); 2]));
    for id in [ParamId::Tempo, ParamId::TimeSignature, ParamId::Key] {
        stage.turn(id, id.row().default);
    }
    assert_eq!((stage.bpm(), stage.conductor.tempo().bar()), (Some(90.0), 4), "the patch's again");
    stage.wait(1_300);
    assert_eq!(stage.wanted(), Some(vec![said(90, None, key), said(70, None, key)]));
}

#[test]
fn taps_set_the_tempo_in_one_stroke_and_go_on_saying_where_the_beat_is() {
    let mut stage = Stage::new(WORDS);
    stage.turn(ParamId::Denoise, 0.9);
    for _ in 0..6 {
        stage.now += Duration::from_millis(490);
        stage.strike('t');
    }
    assert_eq!(stage.conductor.store().value(ParamId::Tempo), 120.0);
    assert_eq!(stage.bpm(), Some(120.0));
    let tapped = stage.now;
    stage.wait(1_250);
    let phase = stage.conductor.tempo().phase(stage.now).expect("a tempo");
    let expected = (stage.now - tapped).as_secs_f64() * 2.0 % 1.0;
    assert!((phase - expected).abs() < 0.02, "the beat is where it was tapped: {phase} and {expected}");
    assert_eq!(stage.wanted(), Some(vec![said(120, None, "A minor"); 2]));
    stage.strike('u');
    assert_eq!(stage.bpm(), Some(90.0), "the taps are taken back too");
    assert_eq!(stage.conductor.store().value(ParamId::Denoise), 0.9, "and nothing else");
    stage.wait(1_250);
    assert_eq!(stage.wanted().map(|it| it[1].0), Some(Some(70)));
}

#[test]
fn a_tempo_that_is_set_outlives_another_tape_and_goes_with_another_patch() {
    let mut stage = Stage::new(WORDS);
    stage.turn(ParamId::Tempo, 240.0);
    stage.conductor.count_again(stage.now);
    assert_eq!((stage.bpm(), stage.conductor.beats().map(|it| it.bpm().round())), (Some(240.0), Some(240.0)));
    let patch = super::parsed("[prompt]\na = \"choir\"\nbpm = 60\n[values]\ntempo = \"patch\"\nkey = \"C major\"\n");
    stage.conductor.load(&patch, 2, stage.now);
    assert_eq!(stage.bpm(), Some(60.0));
    assert_eq!(stage.wanted(), Some(vec![said(60, None, "C major")]), "at once, by its values");
}

#[test]
fn a_panic_keeps_what_is_counted() {
    let mut stage = Stage::new(WORDS);
    stage.turn(ParamId::Tempo, 140.0);
    stage.turn(ParamId::Key, 5.0);
    stage.strike('p');
    let store = stage.conductor.store();
    assert_eq!((store.value(ParamId::Tempo), store.value(ParamId::Key)), (140.0, 5.0));
}

#[test]
fn the_loop_snaps_to_beats_as_one_stroke() {
    // Two seconds at 120: four beats.
    let mut stage = Stage::new("[prompt]\nbpm = 120\n");
    let ends = |stage: &Stage| [ParamId::LoopStart, ParamId::LoopEnd].map(|id| stage.conductor.store().value(id));
    for (from, to) in [
        ([0.2, 0.55], [0.25, 0.5]),
        ([0.55, 0.2], [0.25, 0.5]),
        ([0.3, 0.32], [0.25, 0.5]),
        ([0.95, 0.99], [0.75, 1.0]),
        ([0.0, 0.01], [0.0, 0.25]),
    ] {
        stage.turn(ParamId::LoopStart, from[0]);
        stage.turn(ParamId::LoopEnd, from[1]);
        stage.conductor.desk.end_stroke();
        stage.strike('T');
        assert_eq!(ends(&stage).map(|it| (it * 1e6).round() / 1e6), to, "from {from:?}");
        stage.strike('u');
        assert_eq!(ends(&stage), from.map(|it| it), "in one stroke");
    }
}

#[test]
fn a_tapes_end_that_is_no_beat_is_an_end_for_a_loop_and_without_a_tempo_none_snaps() {
    // Two seconds at 135: four beats and a half.
    let mut stage = Stage::new("[prompt]\nbpm = 135\n");
    stage.turn(ParamId::LoopStart, 0.21);
    stage.strike('T');
    let store = stage.conductor.store();
    let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| store.value(id) * 4.5);
    assert!((start - 1.0).abs() < 1e-5 && (end - 4.5).abs() < 1e-5, "{start} {end}");
    let mut stage = Stage::new("");
    stage.turn(ParamId::LoopStart, 0.21);
    stage.strike('T');
    assert_eq!(stage.conductor.store().value(ParamId::LoopStart), 0.21);
}

#[test]
fn a_tempo_that_was_heard_counts_where_nobody_says_one_and_is_told_to_no_model() {
    let mut stage = Stage::new("[prompt]\na = \"house\"\n");
    assert_eq!(stage.bpm(), None);
    assert!(stage.conductor.hears_tempo(Some(93.5), stage.now));
    assert_eq!(stage.bpm(), Some(93.5));
    assert!(stage.conductor.counts_by_ear());
    stage.wait(3_000);
    assert_eq!(stage.wanted(), None, "it may be twice what it is");
    stage.turn(ParamId::Tempo, 120.0);
    assert_eq!(stage.bpm(), Some(120.0), "a hand knows better");
    assert!(!stage.conductor.hears_tempo(Some(94.0), stage.now));
    assert_eq!(stage.bpm(), Some(120.0));
    stage.turn(ParamId::Tempo, ParamId::Tempo.row().default);
    assert_eq!(stage.bpm(), Some(94.0), "and takes its word back");
    assert!(!stage.conductor.hears_tempo(None, stage.now));
    assert_eq!(stage.bpm(), None, "another recording, of which nothing is known");

    let mut stage = Stage::new(WORDS);
    assert!(!stage.conductor.hears_tempo(Some(93.5), stage.now));
    assert_eq!(stage.bpm(), Some(90.0), "the patch knows better");
    stage.conductor.plays_elsewhere(true);
    stage.conductor.count_again(stage.now);
    assert_eq!(stage.bpm(), Some(93.5), "but of its own recording alone");
    assert!(stage.conductor.counts_by_ear());
}
