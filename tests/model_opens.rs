//! Goal: a sound model opens whatever way it is stored; a faulty one is refused with file, tensor or key.
//! Method: a toy model in the published layout, written whole and then with one thing changed.

#[path = "support/toy_model.rs"]
mod toy_model;

use std::path::Path;

use engine::backend::{Denoiser, DenoiserRow};
use engine::model::{Ends, Model, Progress, Prompt, Task};
use serde_json::json;
use tempfile::TempDir;
use toy_model::{Stored, ToyModel, WIDTH, safetensors_file};

fn opened(folder: &Path) -> Model {
    Model::open(folder, 1, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"))
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn prompt() -> Prompt {
    Prompt { caption: "slow dub".into(), seconds: 4, lyrics: "la".into(), language: "en".into(), ..Prompt::default() }
}

/// Everything that the model computes, for comparing bit for bit.
fn everything(model: &Model) -> Vec<f32> {
    let (frames, audio) = (7, vec![[0.25, -0.5]; 7 * 1920]);
    let latent = model.codec().encode(&audio, Ends::Joined, &mut |_, _| ()).expect("it is sound").mean;
    let sound = model.codec().decode(&latent, &mut |_, _| ()).expect("it is sound");
    let tokens = model.condition(&prompt(), Task::Cover, Some(&latent)).expect("it is sound");
    let context = model.context(Some(&model.hints(&latent).expect("it is sound")), frames);
    let mut velocity = vec![0.0; frames * 64];
    let mut denoiser = model.denoiser(frames, 300).expect("it is sound");
    let row = DenoiserRow { x: &latent, context: &context, tokens: &tokens, t: 0.75, r: 0.75 };
    denoiser.velocity(&row, &mut velocity).expect("the row fits");
    let all = [latent, sound.concat(), tokens, context, velocity].concat();
    assert!(all.iter().all(|it| it.is_finite()));
    all
}

/// What is said about a model with one thing changed.
fn complaint(change: impl FnOnce(&mut ToyModel)) -> String {
    let (top, mut toy) = (temporary(), ToyModel::new());
    change(&mut toy);
    let folder = toy.write(top.path(), Stored::F32);
    let error = Model::open(&folder, 1, &mut |_| ()).err().expect("it is faulty").to_string();
    error.replace(&top.path().display().to_string(), "")
}

#[test]
fn progress_reaches_all_of_the_weights_once() {
    let top = temporary();
    let folder = ToyModel::new().write(top.path(), Stored::F32);
    let mut heard: Vec<Progress> = Vec::new();
    Model::open(&folder, 1, &mut |it| heard.push(it)).unwrap_or_else(|error| panic!("{error}"));
    assert!(heard.windows(2).all(|it| it[0].done <= it[1].done), "{heard:?}");
    let last = heard.last().expect("progress was made");
    assert_eq!(last.done, last.total);
    let mut stages: Vec<&str> = heard.iter().map(|it| it.stage).collect();
    stages.dedup();
    assert_eq!(stages, ["codec", "denoiser", "text encoder"]);
}

#[test]
fn a_prompt_is_heard_as_lyrics_then_timbre_then_text() {
    let top = temporary();
    let model = opened(&ToyModel::new().write(top.path(), Stored::F32));
    let tokens = model.condition(&prompt(), Task::Cover, None).expect("it is sound");
    let count = |text: String| text.chars().count();
    let (lyrics, text) = (count(prompt().lyric_text()), count(prompt().text(Task::Cover)));
    assert_eq!(tokens.len() / WIDTH, lyrics + 1 + text);
    let other = model.condition(&prompt(), Task::Cover, Some(&[0.5; 640])).expect("it is sound");
    let changed: Vec<usize> =
        (0..tokens.len() / WIDTH).filter(|at| tokens[at * WIDTH..][..WIDTH] != other[at * WIDTH..][..WIDTH]).collect();
    assert_eq!(changed, [lyrics], "the timbre token alone hears the timbre");
}

#[test]
fn half_precision_checkpoints_compute_the_bits_of_the_rounded_one() {
    for stored in [Stored::F16, Stored::Bf16] {
        let (half, single) = (temporary(), temporary());
        let toy = ToyModel::new().rounded(stored);
        let half = opened(&toy.write(half.path(), stored));
        let single = opened(&toy.write(single.path(), Stored::F32));
        // Weight norm is folded from the stored numbers in both; nothing else is rounded twice.
        assert!(everything(&half) == everything(&single), "{stored:?}");
    }
}

#[test]
fn a_sharded_checkpoint_computes_the_same_bits() {
    let (whole, parts, toy) = (temporary(), temporary(), ToyModel::new());
    let whole = opened(&toy.write(whole.path(), Stored::Bf16));
    let folder = toy.write(parts.path(), Stored::Bf16);
    std::fs::remove_file(folder.join("model.safetensors")).expect("it was written");
    let mut map = serde_json::Map::new();
    for (n, prefix) in ["decoder.", "encoder.", ""].into_iter().enumerate() {
        let mut shard = toy.denoiser.tensors.clone();
        shard.retain(|name, _| name.starts_with(prefix) && !map.contains_key(name));
        let file = format!("model-{n}.safetensors");
        map.extend(shard.keys().map(|name| (name.clone(), json!(file))));
        std::fs::write(folder.join(&file), safetensors_file(&shard, Stored::Bf16)).expect("writable");
    }
    let index = json!({ "metadata": { "total_size": 0 }, "weight_map": map });
    std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).expect("writable");
    assert!(everything(&opened(&folder)) == everything(&whole));
}

#[test]
fn a_text_encoder_with_prefixed_names_is_the_same_one() {
    let (plain, prefixed, toy) = (temporary(), temporary(), ToyModel::new());
    let mut other = toy.clone();
    other.text.tensors = toy.text.tensors.iter().map(|(name, it)| (format!("model.{name}"), it.clone())).collect();
    let plain = opened(&toy.write(plain.path(), Stored::F32));
    let prefixed = opened(&other.write(prefixed.path(), Stored::F32));
    assert!(everything(&plain) == everything(&prefixed));
}

#[test]
fn a_missing_tensor_is_named() {
    for name in
        ["decoder.layers.1.mlp.up_proj.weight", "detokenizer.special_tokens", "encoder.timbre_encoder.norm.weight"]
    {
        let said = complaint(|toy| drop(toy.denoiser.tensors.remove(name)));
        assert_eq!(said, format!("/toy/model.safetensors: the checkpoint has no tensor `{name}`"));
    }
    let said = complaint(|toy| drop(toy.text.tensors.remove("embed_tokens.weight")));
    assert_eq!(said, "/Qwen3-Embedding-0.6B/model.safetensors: the checkpoint has no tensor `embed_tokens.weight`");
}

#[test]
fn a_misshapen_tensor_is_named_with_both_shapes() {
    let said = complaint(|toy| {
        let (shape, numbers) = toy.denoiser.tensors.get_mut("decoder.layers.0.self_attn.q_proj.weight").expect("there");
        *shape = vec![WIDTH + 8, WIDTH];
        numbers.resize((WIDTH + 8) * WIDTH, 0.0);
    });
    let wanted = "tensor `decoder.layers.0.self_attn.q_proj.weight` has shape [24, 16], expected [16, 16]";
    assert_eq!(said, format!("/toy/model.safetensors: {wanted}"));
    let said = complaint(|toy| {
        let (shape, numbers) = toy.codec.tensors.get_mut("decoder.conv2.weight_g").expect("there");
        *shape = vec![3, 1, 1];
        numbers.push(0.0);
    });
    assert!(said.ends_with("tensor `decoder.conv2.weight_g` has shape [3, 1, 1], expected [2, 1, 1]"), "{said}");
}

#[test]
fn a_configuration_that_contradicts_the_weights_is_refused() {
    let said = complaint(|toy| toy.denoiser.config["intermediate_size"] = json!(32));
    assert!(said.ends_with("mlp.gate_proj.weight` has shape [24, 16], expected [32, 16]"), "{said}");
    let said = complaint(|toy| toy.denoiser.config["num_hidden_layers"] = json!(3));
    assert!(said.contains("has no tensor `decoder.layers.2."), "{said}");
    let said = complaint(|toy| toy.text.config["vocab_size"] = json!(299));
    assert!(said.ends_with("tensor `embed_tokens.weight` has shape [300, 16], expected [299, 16]"), "{said}");
    let said = complaint(|toy| toy.codec.config["decoder_channels"] = json!(4));
    assert!(said.contains("decoder.conv1.weight_g` has shape [2, 1, 1], expected [4, 1, 1]"), "{said}");
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let said = complaint(|toy| toy.codec.config["sampling_rate"] = json!(44_100));
    assert!(said.starts_with("/toy/vae/config.json: `sampling_rate`: found 44100, expected 48000"), "{said}");
    let said = complaint(|toy| toy.denoiser.config["text_hidden_dim"] = json!(17));
    assert!(said.starts_with("/toy/config.json: `text_hidden_dim`: found 17, expected 16"), "{said}");
}

#[test]
fn a_number_that_is_not_finite_is_refused_by_name() {
    for bad in [f32::NAN, f32::INFINITY] {
        let said =
            complaint(|toy| toy.codec.tensors.get_mut("encoder.block.3.conv1.weight_v").expect("there").1[5] = bad);
        let wanted =
            format!("tensor `encoder.block.3.conv1.weight_v` holds {bad} at position 5, expected finite numbers");
        assert_eq!(said, format!("/toy/vae/diffusion_pytorch_model.safetensors: {wanted}"));
    }
    let said = complaint(|toy| toy.text.tensors.get_mut("embed_tokens.weight").expect("there").1[9] = f32::NAN);
    assert!(said.ends_with("tensor `embed_tokens.weight` holds NaN at position 9, expected finite numbers"), "{said}");
    let said = complaint(|toy| toy.denoiser.tensors.get_mut("null_condition_emb").expect("there").1[1] = f32::NAN);
    assert!(said.ends_with("tensor `null_condition_emb` holds NaN at position 1, expected finite numbers"), "{said}");
}
