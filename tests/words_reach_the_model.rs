//! Goal: every word of a patch reaches what is played: both prompts, lyrics, key, tempo and metre.
//! Method: `demon render` on the built-in model, a second of tape; a patch that differs in one word makes another latent.

use appliance::command::render::RenderArgs;
use appliance::command::render::render;
use appliance::compute::arguments::{PlanPrecision, SetArgs, WhenLost};

const WORDS: &str = "a = \"house, warm, drums\"\nb = \"ambient, pad\"\nlyrics = \"[Verse]\\nslow\"\nbpm = 120\n\
                     key = \"A minor\"\ntime_signature = 4\n";

/// The hash of the first latent under a patch with these words.
fn heard(words: &str, prompt_blend: f64) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    let patch =
        format!("[prompt]\n{words}\n[values]\ndepth = 1\nsteps = 2\ndenoise = 0.8\nprompt_blend = {prompt_blend:?}\n");
    std::fs::write(path("set.toml"), patch).expect("the folder takes files");
    let set = SetArgs {
        source: Some("models/house/demo.flac".into()),
        patch: Some(path("set.toml")),
        library: None,
        any_path: false,
        model: Some("models/house".into()),
        seed: None,
        depth: None,
        midi: None,
        longest: 1.0,
        by_hand: false,
        backend: None,
        precision: PlanPrecision::Bf16,
        when_lost: WhenLost::Loop,
        threads: Some(1),
    };
    let latents = Some(path("latents.jsonl"));
    render(&RenderArgs { set, seconds: 0.2, out: path("take.wav"), tick_ms: 40.0, latents }).expect("the set is sound");
    let log = std::fs::read_to_string(path("latents.jsonl")).expect("the log was written");
    log.lines().next().and_then(|line| line.rsplit('"').nth(1)).expect("a latent finished").to_owned()
}

#[test]
fn every_word_of_a_patch_is_heard() {
    let [a, b] = [0.0, 1.0].map(|blend| heard(WORDS, blend));
    assert!(a == heard(WORDS, 0.0), "the same words make another latent");
    assert!(a != b, "both prompts are the same");
    for (from, to) in [
        ("house, warm", "house, cold"),
        ("slow", "fast"),
        ("bpm = 120", "bpm = 90"),
        ("A minor", "C major"),
        ("time_signature = 4", "time_signature = 3"),
    ] {
        let words = WORDS.replacen(from, to, 1);
        assert!(words != WORDS, "{from} stands in the patch");
        assert!(a != heard(&words, 0.0), "{to} in place of {from} is not heard");
    }
    let words = WORDS.replacen("ambient", "jungle", 1);
    assert!(a == heard(&words, 0.0), "prompt B is heard though the blend is at A");
    assert!(b != heard(&words, 1.0), "prompt B is not heard where the blend leads");
}
