//! Goal: `demon render` gives the same bytes for the same input, and the same latents at every depth.
//! Method: the built-in model plays two seconds of its own recording, several times, in different ways.

use std::path::{Path, PathBuf};

use appliance::command::render::RenderArgs;
use appliance::command::render::render;
use appliance::compute::arguments::{PlanPrecision, SetArgs, WhenLost};

/// One take; `folder` holds what it writes.
struct Take {
    folder: tempfile::TempDir,
    args: RenderArgs,
}

impl Take {
    fn new(seconds: f64) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let set = SetArgs {
            source: Some("models/house/demo.flac".into()),
            patch: None,
            library: None,
            any_path: false,
            model: Some("models/house".into()),
            seed: None,
            depth: Some(2),
            midi: None,
            longest: 4.0,
            by_hand: false,
            backend: None,
            precision: PlanPrecision::Bf16,
            when_lost: WhenLost::Loop,
            threads: Some(2),
        };
        let out = folder.path().join("take.wav");
        let latents = Some(folder.path().join("latents.jsonl"));
        Self { args: RenderArgs { set, seconds, out, tick_ms: 40.0, latents }, folder }
    }

    /// Renders; comes with the WAV file's bytes and the lines of the latent log.
    fn render(&self) -> (Vec<u8>, Vec<String>) {
        render(&self.args).expect("the set is sound");
        let wav = std::fs::read(&self.args.out).expect("the take was written");
        let log = std::fs::read_to_string(self.folder.path().join("latents.jsonl")).expect("the log was written");
        (wav, log.lines().map(str::to_owned).collect())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("the folder takes files");
        path
    }
}

/// The hash of a log line.
fn hash(line: &str) -> &str {
    line.rsplit('"').nth(1).expect("a hash ends the line")
}

fn samples(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    reader.samples::<f32>().map(|it| it.expect("whole samples")).collect()
}

#[test]
fn the_same_input_gives_the_same_bytes_on_any_number_of_threads() {
    let (take, mut alone) = (Take::new(2.0), Take::new(2.0));
    alone.args.set.threads = Some(1);
    let (wav, log) = take.render();
    assert!(log.len() >= 3, "latents finished: {log:?}");
    assert!(take.render() == (wav.clone(), log.clone()), "a second take is another one");
    assert!(alone.render() == (wav, log), "one thread computes something else than two");
}

#[test]
fn the_same_latents_finish_at_every_depth() {
    let mut takes = [1, 4, 8].map(|depth| {
        let mut take = Take::new(1.6);
        take.args.set.depth = Some(depth);
        take
    });
    let logs = takes.each_mut().map(|take| take.render().1);
    let first = hash(&logs[0][0]).to_owned();
    for (log, depth) in logs.iter().zip([1, 4, 8]) {
        assert!(log.iter().all(|line| hash(line) == first), "depth {depth} finished another latent");
    }
    assert!(logs[0].len() < logs[1].len(), "a deeper ring finishes more");
}

#[test]
fn a_score_is_heard_from_its_first_gesture_on_and_not_before() {
    let still = Take::new(2.0);
    let mut moved = Take::new(2.0);
    // One track, 480 ticks a quarter at 120: CC 7 (gain) of 0 after one second, by the default map.
    let map = appliance::control::binding::Map::default();
    let gain = map
        .entries()
        .find(|it| it.target == appliance::control::binding::Target::Param(engine::param::ParamId::GainDb));
    let Some(appliance::control::binding::On::Cc(number)) = gain.map(|it| it.on) else {
        panic!("the default map reaches the gain by a control change")
    };
    let event = [0x87, 0x40, 0xB0, number, 0];
    let end = [0x00, 0xFF, 0x2F, 0x00];
    let track: Vec<u8> = event.iter().chain(&end).copied().collect();
    let header = [b"MThd".as_slice(), &6_u32.to_be_bytes(), &[0, 0, 0, 1], &480_u16.to_be_bytes()].concat();
    let length = u32::try_from(track.len()).expect("a short track").to_be_bytes();
    moved.args.set.midi = Some(moved.file("gain.mid", &[header, b"MTrk".to_vec(), length.to_vec(), track].concat()));
    still.render();
    moved.render();
    let (a, b) = (samples(&still.args.out), samples(&moved.args.out));
    let second = 48_000 * 2;
    // The guard looks ahead by a few milliseconds, so the very edge is left out.
    let before = second - 2_000;
    assert!(a[..before] == b[..before], "nothing may change before the gesture");
    assert!(a[second + 20_000..].iter().any(|it| it.abs() > 0.01), "the still take sounds");
    assert!(b[second + 20_000..].iter().all(|it| it.abs() < 1e-3), "the score turned the sound off");
}

#[test]
fn nonsense_is_refused_in_words_and_leaves_no_file() {
    let mut take = Take::new(0.0);
    let refusal = format!("{:#}", render(&take.args).expect_err("no length"));
    assert!(refusal.contains("--seconds"), "{refusal}");
    take.args.seconds = 1.0;
    take.args.set.midi = Some(take.file("not.mid", b"rubbish"));
    let refusal = format!("{:#}", render(&take.args).expect_err("no score"));
    assert!(refusal.contains("not.mid"), "{refusal}");
    take.args.set.midi = None;
    take.args.set.source = Some(take.file("not.wav", b"rubbish"));
    let refusal = format!("{:#}", render(&take.args).expect_err("no recording"));
    assert!(refusal.contains("not.wav: a text file, which is not read here (WAV,"), "{refusal}");
    assert!(!take.args.out.exists(), "a refused render writes nothing");
}
