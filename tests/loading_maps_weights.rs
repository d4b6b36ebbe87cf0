//! Goal: opening a checkpoint maps it, and packing it never holds it twice.
//! Method: a text encoder of some 190 MB in bfloat16 is written, opened and packed; resident memory is read from
//! `/proc/self/status`. One test a process, because memory is the process's.

use std::path::Path;

use engine::graph::Sizes;
use engine::graph::cpu::Pool;
use engine::model::checkpoint::Checkpoint;
use engine::model::config::TextConfig;
use engine::model::{Part, text};
use serde_json::json;

const MEBI: usize = 1 << 20;

/// A line of `/proc/self/status`, in bytes: `VmRSS` is what is resident now, `VmHWM` the most that ever was.
fn memory(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let value = status.lines().find_map(|it| it.strip_prefix(line)).expect("every process has this line");
    let kibi: usize = value.trim_start_matches(':').trim().trim_end_matches(" kB").trim().parse().expect("a number");
    kibi * 1024
}

/// Writes the checkpoint without ever holding it: bfloat16 ones, tensor after tensor.
fn write(file: &Path, tensors: &[(String, Vec<usize>)]) -> usize {
    use std::io::Write;
    let (mut at, mut header) = (0, serde_json::Map::new());
    for (name, shape) in tensors {
        let bytes = 2 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({ "dtype": "BF16", "shape": shape, "data_offsets": [at, at + bytes] }));
        at += bytes;
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("writable"));
    out.write_all(&(header.len() as u64).to_le_bytes()).expect("writable");
    out.write_all(header.as_bytes()).expect("writable");
    let piece = [0x80, 0x3F].repeat(MEBI / 2);
    let mut left = at;
    while 0 < left {
        out.write_all(&piece[..left.min(MEBI)]).expect("writable");
        left -= left.min(MEBI);
    }
    at
}

#[test]
fn packing_a_checkpoint_never_holds_it_twice() {
    let (hidden, inner, layers) = (1024, 3072, 6);
    let config = json!({
        "vocab_size": 16, "hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
    });
    let mut tensors = vec![("norm.weight".to_owned(), vec![hidden])];
    for layer in 0..layers {
        let mut with =
            |name: &str, shape: &[usize]| tensors.push((format!("layers.{layer}.{name}.weight"), shape.to_vec()));
        with("input_layernorm", &[hidden]);
        with("post_attention_layernorm", &[hidden]);
        with("self_attn.q_proj", &[2048, hidden]);
        with("self_attn.k_proj", &[1024, hidden]);
        with("self_attn.v_proj", &[1024, hidden]);
        with("self_attn.o_proj", &[hidden, 2048]);
        with("self_attn.q_norm", &[128]);
        with("self_attn.k_norm", &[128]);
        with("mlp.gate_proj", &[inner, hidden]);
        with("mlp.up_proj", &[inner, hidden]);
        with("mlp.down_proj", &[hidden, inner]);
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("model.safetensors");
    let size = write(&file, &tensors);
    assert!(180 * MEBI < size, "{size} bytes");
    let config = TextConfig::parse(Path::new("config.json"), &config.to_string()).expect("it is sound");

    let before = memory("VmRSS");
    let part = Part::new(config, Checkpoint::open(&file).expect("it is sound"));
    let opened = memory("VmRSS") - before;
    assert!(opened < 4 * MEBI, "opening took {} MiB", opened / MEBI);

    let sizes = Sizes::new().with("batch", 1).with("tokens", 8);
    part.pack(&text::graph(&part.config), &sizes, &Pool::new(1)).expect("it is sound");
    let most = memory("VmHWM") - before;
    assert!(most < size + size / 5, "at most {} MiB for a file of {} MiB", most / MEBI, size / MEBI);
}
