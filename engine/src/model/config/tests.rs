//! Goal: a configuration says everything that is wrong with it at once; published ones are read as they are meant.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// The 2B turbo model, as published.
fn turbo() -> Value {
    json!({
        "attention_bias": false, "audio_acoustic_hidden_dim": 64, "fsq_dim": 2048,
        "fsq_input_levels": [8, 8, 8, 5, 5, 5], "fsq_input_num_quantizers": 1, "head_dim": 128, "hidden_act": "silu",
        "hidden_size": 2048, "in_channels": 192, "intermediate_size": 6144, "num_attention_heads": 16,
        "num_attention_pooler_hidden_layers": 2, "num_hidden_layers": 24, "num_key_value_heads": 8,
        "num_lyric_encoder_hidden_layers": 8, "num_timbre_encoder_hidden_layers": 4, "patch_size": 2,
        "pool_window_size": 5, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000, "sliding_window": 128,
        "text_hidden_dim": 1024, "timbre_fix_frame": 750, "timbre_hidden_dim": 64, "vocab_size": 64003,
        "use_sliding_window": true, "some_key_of_training": [1, {"a": null}],
    })
}

fn with(mut config: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().expect("changes are an object") {
        config[key] = value.clone();
    }
    config
}

fn without(mut config: Value, key: &str) -> Value {
    config.as_object_mut().expect("an object").remove(key);
    config
}

fn dit(config: &Value) -> Result<DitConfig, ConfigError> {
    DitConfig::parse(Path::new("m/config.json"), &config.to_string())
}

fn faulty_keys(error: &ConfigError) -> Vec<&str> {
    error.faults.iter().map(|it| it.key.as_str()).collect()
}

#[test]
fn the_2b_model_has_one_width_and_alternates_local_and_full() {
    let config = dit(&turbo()).expect("it is published");
    assert_eq!(config.encoders, config.denoiser);
    assert!(!config.timbre_token);
    assert_eq!(config.family(), "ACE-Step 1.5 (2B)");
    assert_eq!(config.reaches.len(), 24);
    assert_eq!(
        (config.reach(0), config.reach(1), config.reach(100)),
        (Reach::Window(128), Reach::Full, Reach::Window(128))
    );
}

#[test]
fn the_xl_model_has_its_own_encoder_width_and_timbre_token() {
    let xl = json!({
        "hidden_size": 2560, "intermediate_size": 9728, "num_attention_heads": 32, "num_hidden_layers": 32,
        "encoder_hidden_size": 2048, "encoder_intermediate_size": 6144, "encoder_num_attention_heads": 16,
        "encoder_num_key_value_heads": 8,
    });
    let config = dit(&with(turbo(), xl)).expect("it is published");
    assert_eq!((config.denoiser.hidden, config.encoders.hidden), (2560, 2048));
    assert_eq!((config.denoiser.heads, config.encoders.heads), (32, 16));
    assert!(config.timbre_token);
    assert_eq!(config.family(), "ACE-Step 1.5 XL");
}

#[test]
fn the_code_that_a_configuration_names_decides_the_timbre_rule() {
    let code = |name: &str| json!({ "auto_map": { "AutoModel": format!("{name}.AceStepConditionGenerationModel") } });
    let wide = with(turbo(), json!({ "encoder_hidden_size": 2048 }));
    assert!(!dit(&with(wide.clone(), code("modeling_acestep_v15_turbo"))).expect("sound").timbre_token);
    assert!(dit(&with(wide, code("modeling_acestep_v15_xl_turbo"))).expect("sound").timbre_token);
}

#[test]
fn the_rotary_base_is_read_where_older_and_newer_libraries_put_it() {
    let old = dit(&turbo()).expect("it is published");
    let bare = without(turbo(), "rope_theta");
    let both = json!({ "rope_theta": 1_000_000, "rope_type": "default" });
    let kinds = json!({ "full_attention": both, "sliding_attention": both });
    for parameters in [both.clone(), json!({ "rope_theta": 1e6 }), kinds] {
        let new = with(bare.clone(), json!({ "rope_parameters": parameters, "rope_scaling": null }));
        assert_eq!(dit(&new).as_ref(), Ok(&old), "{new}");
        assert_eq!(dit(&with(turbo(), json!({ "rope_parameters": parameters }))).as_ref(), Ok(&old));
    }
    let scaled = with(turbo(), json!({ "rope_scaling": { "rope_type": "default" } }));
    assert_eq!(dit(&scaled).as_ref(), Ok(&old));
    for (parameters, key) in [
        (json!({ "rope_theta": 1e6, "rope_type": "yarn" }), "rope_parameters.rope_type"),
        (
            json!({ "full_attention": { "rope_theta": 1e6 }, "sliding_attention": { "rope_theta": 1e4 } }),
            "rope_parameters.rope_theta",
        ),
        (json!({ "rope_type": "default" }), "rope_theta"),
        (json!({ "rope_theta": "NaN" }), "rope_theta"),
    ] {
        let error = dit(&with(bare.clone(), json!({ "rope_parameters": parameters }))).expect_err("not this model");
        assert_eq!(faulty_keys(&error), [key], "{error}");
    }
    let twice = with(turbo(), json!({ "rope_parameters": { "rope_theta": 5 } }));
    assert_eq!(faulty_keys(&dit(&twice).expect_err("two numbers")), ["rope_parameters.rope_theta"]);
    let yarn = with(turbo(), json!({ "rope_scaling": { "type": "yarn" } }));
    assert_eq!(faulty_keys(&dit(&yarn).expect_err("not this model")), ["rope_scaling"]);
}

#[test]
fn a_window_that_is_switched_off_hides_no_keys() {
    let config = dit(&with(turbo(), json!({ "use_sliding_window": false }))).expect("sound");
    assert!(config.reaches.iter().all(|it| *it == Reach::Full));
}

#[test]
fn all_faults_are_reported_with_key_found_and_expected() {
    let broken = with(
        without(turbo(), "patch_size"),
        json!({
            "hidden_size": "wide", "num_hidden_layers": 1_000_000_000_u64, "hidden_act": "gelu", "rms_norm_eps": -1,
            "fsq_input_levels": [],
        }),
    );
    let error = dit(&broken).expect_err("everything is wrong");
    let mut found = faulty_keys(&error);
    found.sort_unstable();
    let wanted = ["fsq_input_levels", "hidden_act", "hidden_size", "num_hidden_layers", "patch_size", "rms_norm_eps"];
    assert_eq!(found, wanted);
    let said = error.to_string();
    assert!(said.starts_with("m/config.json: "), "{said}");
    assert!(said.contains("`hidden_size`: found \"wide\", expected a whole number from 1 to 16384"), "{said}");
    assert!(said.contains("`patch_size`: found nothing, expected a whole number from 1 to 64"), "{said}");
}

#[test]
fn keys_that_contradict_each_other_are_reported() {
    let contradictions = json!({ "in_channels": 191, "num_key_value_heads": 3, "fsq_dim": 5 });
    let error = dit(&with(turbo(), contradictions)).expect_err("nothing fits");
    let mut found = faulty_keys(&error);
    found.sort_unstable();
    assert_eq!(found, ["encoder_num_attention_heads", "fsq_dim", "in_channels", "num_attention_heads"]);
    let said = error.to_string();
    assert!(said.contains("`in_channels`: found 191, expected 192: structure, chunk mask and latent"), "{said}");
    let types = dit(&with(turbo(), json!({ "layer_types": ["full_attention"] }))).expect_err("24 layers");
    assert_eq!(faulty_keys(&types), ["layer_types"]);
}

#[test]
fn rubbish_is_refused_as_a_whole() {
    for text in ["", "[]", "{", "nonsense", "3"] {
        let error = DitConfig::parse(Path::new("c"), text).expect_err("not a configuration");
        assert_eq!(faulty_keys(&error), [""], "{text}");
    }
}

fn codec() -> Value {
    json!({
        "audio_channels": 2, "channel_multiples": [1, 2, 4, 8, 16], "decoder_channels": 128,
        "decoder_input_channels": 64, "downsampling_ratios": [2, 4, 4, 6, 10], "encoder_hidden_size": 128,
        "sampling_rate": 48000,
    })
}

fn codec_config(config: &Value) -> Result<CodecConfig, ConfigError> {
    CodecConfig::parse(Path::new("vae/config.json"), &config.to_string())
}

#[test]
fn the_published_codec_needs_nine_frames_to_decode_and_seven_to_encode() {
    let config = codec_config(&codec()).expect("it is published");
    assert_eq!((config.hop(), config.encoder_base), (1920, 128));
    assert_eq!((config.decode_context(), config.encode_context()), (9, 7));
}

#[test]
fn our_key_sets_the_width_of_the_encoder_alone() {
    let config = codec_config(&with(codec(), json!({ "encoder_base_channels": 16 }))).expect("sound");
    assert_eq!((config.encoder_base, config.moments), (16, 128));
}

#[test]
fn an_odd_stride_or_a_missing_multiple_is_refused() {
    let odd = codec_config(&with(codec(), json!({ "downsampling_ratios": [2, 4, 4, 5, 10] }))).expect_err("odd");
    assert_eq!(faulty_keys(&odd), ["downsampling_ratios"]);
    let few = codec_config(&with(codec(), json!({ "channel_multiples": [1, 2] }))).expect_err("too few");
    assert_eq!(faulty_keys(&few), ["channel_multiples"]);
}

#[test]
fn a_text_encoder_with_a_window_or_bias_is_refused() {
    let qwen = json!({
        "vocab_size": 151_669, "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000, "use_sliding_window": false, "sliding_window": null, "attention_bias": false,
    });
    let parse = |config: Value| TextConfig::parse(Path::new("t/config.json"), &config.to_string());
    assert_eq!(parse(qwen.clone()).expect("it is published").layers, 28);
    let error = parse(with(qwen, json!({ "use_sliding_window": true, "attention_bias": true }))).expect_err("another");
    assert_eq!(faulty_keys(&error), ["attention_bias", "use_sliding_window"]);
}
