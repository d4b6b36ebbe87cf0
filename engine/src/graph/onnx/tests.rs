//! Goal: the file says what the graph says, in the layout, types and names that TensorRT wants.
//! Method: small graphs with made-up weights, the file's nodes and constants read back. What the files compute is
//! checked by `make onnx-check` in another runtime.

use prost::Message;

use super::proto::{GraphProto, ModelProto, NodeProto, TensorProto, data_type};
use super::*;
use crate::graph::weights::InMemory;
use crate::graph::{Builder, Dim, NodeId, Op, Weight};

mod residual;

const BATCH_DIM: Dim = Dim::Named("batch");

/// The file, its blob, and what was said of it.
fn written(graph: &Graph, sizes: &Sizes, weights: &InMemory, form: &Form) -> (GraphProto, Vec<u8>, Written) {
    let (mut model, mut data) = (Vec::new(), Vec::new());
    let written = write(graph, sizes, weights, form, &mut model, &mut data).expect("the graph is sound");
    let file = ModelProto::decode(model.as_slice()).expect("it is a model");
    assert_eq!((file.ir_version, file.opset_import[0].version), (IR_VERSION, OPSET));
    (file.graph.expect("a model has a graph"), data, written)
}

fn form(precision: Precision) -> Form {
    Form::new(precision, "weights.data")
}

fn ops<'a>(graph: &'a GraphProto, op: &str) -> Vec<&'a NodeProto> {
    graph.node.iter().filter(|it| it.op_type == op).collect()
}

fn tensor<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no constant `{name}`"))
}

/// The node that makes a value.
fn maker<'a>(graph: &'a GraphProto, value: &str) -> &'a NodeProto {
    graph.node.iter().find(|it| it.output[0] == value).unwrap_or_else(|| panic!("nothing makes `{value}`"))
}

fn one_input(dims: &[Dim], build: impl Fn(&mut Builder, NodeId) -> NodeId) -> Graph {
    let mut b = Builder::new();
    let x = b.input("x", dims);
    let y = build(&mut b, x);
    b.output("y", y);
    b.finish()
}

fn linear(b: &mut Builder, x: NodeId) -> NodeId {
    b.linear(x, "some.linear", true)
}

fn linear_weights(outputs: usize, inputs: usize) -> InMemory {
    let numbers: Vec<f32> = (0..outputs * inputs).map(|it| it as f32 / 64.0).collect();
    InMemory::new().with("some.linear.weight", &[outputs, inputs], &numbers).with(
        "some.linear.bias",
        &[outputs],
        &vec![0.5; outputs],
    )
}

/// A residual unit of the codec: snake, convolution, snake, convolution, sum; then twice as many frames.
fn codec_chain() -> (Graph, InMemory) {
    let conv = |name: &str, taps: usize| Op::Conv1d {
        weight: Weight::normed(name),
        bias: None,
        stride: 1,
        padding: taps / 2,
        dilation: 1,
    };
    let dims = [BATCH_DIM, Dim::Named("frames"), Dim::Fixed(4)];
    let graph = one_input(&dims, |b, x| {
        let first = b.node(conv("first", 3), &[x]);
        let h = b.snake(first, "snake");
        let h = b.node(conv("second", 3), &[h]);
        let h = b.add(first, h);
        let up = Op::ConvTranspose1d { weight: Weight::plain("up.weight"), bias: None, stride: 2, padding: 0 };
        b.node(up, &[h])
    });
    let mut weights = InMemory::new().with("up.weight", &[4, 4, 2], &[0.5; 32]);
    for name in ["first", "second"] {
        weights = weights.with(&format!("{name}.weight_g"), &[4, 1, 1], &[1.0; 4]);
        weights = weights.with(&format!("{name}.weight_v"), &[4, 4, 3], &[0.5; 48]);
    }
    (graph, weights.with("snake.alpha", &[1, 4, 1], &[0.0; 4]).with("snake.beta", &[1, 4, 1], &[0.0; 4]))
}

fn frames(frames: usize) -> Sizes {
    Sizes::new().with("frames", frames)
}

/// Self-attention over 20 positions of 2 query heads and 1 key head, 16 wide, with a key mask.
fn attention(window: Option<usize>, width: usize, layers: usize) -> Graph {
    let mut b = Builder::new();
    let heads = |count| [BATCH_DIM, Dim::Fixed(20), Dim::Fixed(count), Dim::Fixed(width)];
    let (q, k, v) = (b.input("q", &heads(2)), b.input("k", &heads(1)), b.input("v", &heads(1)));
    let mask = b.input("mask", &[BATCH_DIM, Dim::Fixed(20)]);
    let mut h = q;
    for _ in 0..layers {
        h = b.attention([h, k, v], Some(mask), window, false);
    }
    b.output("y", h);
    b.finish()
}

#[test]
fn a_linear_layer_keeps_the_name_and_the_layout_of_its_weight() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], linear);
    let (file, data, written) = written(&graph, &Sizes::new(), &linear_weights(128, 3), &form(Precision::F32));
    let weight = tensor(&file, "some.linear.weight");
    assert_eq!((weight.dims.as_slice(), weight.data_type), ([128, 3].as_slice(), data_type::FLOAT));
    let product = ops(&file, "MatMul")[0];
    assert_eq!(maker(&file, &product.input[1]).input, ["some.linear.weight"], "turned in the file, not in storage");
    let stored = &written.weights[0];
    assert_eq!((stored.name.as_str(), stored.bytes()), ("some.linear.weight", 128 * 3 * 4));
    assert_eq!(data[4..8], (1.0_f32 / 64.0).to_le_bytes(), "row-major, as it was stored");
    assert_eq!(written.data_bytes, data.len() as u64);
}

#[test]
fn large_tensors_lie_in_the_blob_and_small_ones_in_the_model() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], linear);
    let (file, data, _) = written(&graph, &Sizes::new(), &linear_weights(128, 3), &form(Precision::F32));
    let weight = tensor(&file, "some.linear.weight");
    let entries: Vec<(&str, &str)> =
        weight.external_data.iter().map(|it| (it.key.as_str(), it.value.as_str())).collect();
    assert_eq!(entries, [("location", "weights.data"), ("offset", "0"), ("length", "1536")]);
    assert_eq!((weight.raw_data.as_ref(), data.len()), (None, 1536));
    let bias = tensor(&file, "some.linear.bias");
    assert_eq!(bias.raw_data.as_ref().map(Vec::len), Some(512));
    assert!(bias.external_data.is_empty());
}

#[test]
fn every_tensor_of_the_blob_begins_on_a_page() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], |b, x| {
        let h = b.linear(x, "a", false);
        b.linear(h, "b", false)
    });
    let weights = InMemory::new().with("a.weight", &[300, 3], &[1.0; 900]).with("b.weight", &[3, 300], &[2.0; 900]);
    let (file, data, _) = written(&graph, &Sizes::new(), &weights, &form(Precision::F32));
    assert_eq!(tensor(&file, "b.weight").external_data[1].value, "4096");
    assert_eq!(data.len(), 4096 + 3600);
    assert_eq!(data[4096..4100], 2.0_f32.to_le_bytes());
}

#[test]
fn a_folded_pair_is_one_weight_that_remembers_both() {
    let (graph, weights) = codec_chain();
    let (file, _, written) = written(&graph, &frames(5), &weights, &form(Precision::F32));
    let stored = written.weights.iter().find(|it| it.name == "first.weight").expect("named after the pair");
    assert_eq!(stored.sources, ["first.weight_g", "first.weight_v"]);
    assert_eq!(tensor(&file, "first.weight").dims, [4, 4, 3]);
}

#[test]
fn a_chain_of_convolutions_is_transposed_at_its_ends_only() {
    let (graph, weights) = codec_chain();
    let (file, ..) = written(&graph, &frames(5), &weights, &form(Precision::F32));
    let turned: Vec<&str> = ops(&file, "Transpose").iter().map(|it| it.input[0].as_str()).collect();
    assert_eq!(turned.len(), 2, "{turned:?}");
    assert_eq!(turned[0], "x");
    assert_eq!(maker(&file, turned[1]).op_type, "ConvTranspose");
}

#[test]
fn the_snake_is_computed_in_f32_between_16_bit_convolutions() {
    let (graph, weights) = codec_chain();
    let (file, ..) = written(&graph, &frames(5), &weights, &form(Precision::F16));
    let phase = &ops(&file, "Sin")[0].input[0];
    let widened = maker(&file, &maker(&file, phase).input[0]);
    assert_eq!((widened.op_type.as_str(), widened.attribute[0].i), ("Cast", Some(i64::from(data_type::FLOAT))));
    assert_eq!(tensor(&file, "snake.alpha").data_type, data_type::FLOAT);
    assert_eq!(tensor(&file, "second.weight").data_type, data_type::FLOAT16);
}

#[test]
fn a_transposed_convolution_is_never_of_bf16() {
    let (graph, weights) = codec_chain();
    for (precision, expected) in [(Precision::Bf16, data_type::FLOAT), (Precision::F16, data_type::FLOAT16)] {
        let (file, ..) = written(&graph, &frames(5), &weights, &form(precision));
        assert_eq!(tensor(&file, "up.weight").data_type, expected, "{precision:?}");
    }
}

#[test]
fn islands_and_boundaries_stay_f32_and_the_rest_is_narrow() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], |b, x| {
        let h = b.linear(x, "decoder.time_embed.linear_1", false);
        b.linear(h, "decoder.other", false)
    });
    let weights = InMemory::new().with("decoder.time_embed.linear_1.weight", &[3, 3], &[1.0; 9]);
    let weights = weights.with("decoder.other.weight", &[3, 3], &[1.0; 9]);
    let form = Form { islands: vec!["decoder.time_embed".into()], ..form(Precision::Bf16) };
    let (file, _, written) = written(&graph, &Sizes::new(), &weights, &form);
    assert_eq!(tensor(&file, "decoder.time_embed.linear_1.weight").data_type, data_type::FLOAT);
    assert_eq!(tensor(&file, "decoder.other.weight").data_type, data_type::BFLOAT16);
    assert_eq!(written.inputs[0].element, Element::Float(Precision::F32));
    assert_eq!(written.outputs[0].element, Element::Float(Precision::F32));
}

#[test]
fn what_passes_between_files_has_the_precision_of_the_file() {
    let form = Form { between: vec!["k".into(), "v".into()], ..form(Precision::F16) };
    let (file, _, written) = written(&attention(None, 16, 1), &Sizes::new(), &InMemory::new(), &form);
    let elements: Vec<Element> = written.inputs.iter().map(|it| it.element).collect();
    let (wide, narrow) = (Element::Float(Precision::F32), Element::Float(Precision::F16));
    assert_eq!(elements, [wide, narrow, narrow, wide]);
    assert!(ops(&file, "Cast").iter().all(|it| it.input[0] != "k"), "no cast where none is needed");
}

#[test]
fn the_mean_square_of_a_norm_is_f32() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], |b, x| {
        let h = linear(b, x);
        b.rms_norm(h, "norm", 1e-6)
    });
    let weights = linear_weights(3, 3).with("norm.weight", &[3], &[1.0; 3]);
    let (file, ..) = written(&graph, &Sizes::new(), &weights, &form(Precision::F16));
    let square = maker(&file, &ops(&file, "ReduceMean")[0].input[0]);
    assert_eq!(maker(&file, &square.input[0]).attribute[0].i, Some(i64::from(data_type::FLOAT)));
    assert_eq!(tensor(&file, "norm.weight").data_type, data_type::FLOAT);
}

#[test]
fn a_residual_sum_is_stored_as_the_form_says() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], |b, x| {
        let h = linear(b, x);
        let fed = b.linear(h, "some.linear", false);
        b.add(h, fed)
    });
    for (residual, last) in [(Precision::Bf16, "Cast"), (Precision::F32, "Add")] {
        let form = Form { residual, ..form(Precision::Bf16) };
        let (file, ..) = written(&graph, &Sizes::new(), &linear_weights(3, 3), &form);
        let output = maker(&file, &ops(&file, "Identity")[0].input[0]);
        // What is stored narrow is widened again at the boundary.
        let stored = if residual == Precision::F32 { output } else { maker(&file, &output.input[0]) };
        assert_eq!(stored.op_type, last, "{residual:?}");
    }
}

#[test]
fn attention_is_one_operator_in_16_bits_and_written_out_where_there_is_no_kernel() {
    let of = |precision, width| {
        let graph = attention(Some(3), width, 1);
        let (file, ..) = written(&graph, &Sizes::new(), &InMemory::new(), &form(precision));
        (ops(&file, "Attention").len(), ops(&file, "Softmax").len())
    };
    assert_eq!(of(Precision::Bf16, 16), (1, 0));
    assert_eq!(of(Precision::F16, 8), (0, 1), "no kernel for heads as narrow as this");
    assert_eq!(of(Precision::F32, 16), (0, 1));
}

#[test]
fn the_operator_reads_grouped_keys_and_leaves_the_scale_to_us() {
    let (file, ..) = written(&attention(None, 16, 1), &Sizes::new(), &InMemory::new(), &form(Precision::F16));
    let operator = ops(&file, "Attention")[0];
    assert_eq!(operator.attribute[0].f, Some(1.0));
    let keys = maker(&file, &operator.input[1]);
    assert_eq!((keys.op_type.as_str(), keys.attribute[0].ints.as_slice()), ("Transpose", [0, 2, 1, 3].as_slice()));
    let scaled = ops(&file, "Mul")[0];
    assert_eq!(scaled.input[0], "q", "in f32, before anything is rounded");
    assert_eq!(tensor(&file, &scaled.input[1]).raw_data, Some(0.25_f32.to_le_bytes().to_vec()));
}

#[test]
fn layers_share_one_mask() {
    for window in [None, Some(3)] {
        let graph = attention(window, 16, 3);
        let (file, _, _) = written(&graph, &Sizes::new(), &InMemory::new(), &form(Precision::Bf16));
        let operators = ops(&file, "Attention");
        assert_eq!(operators.len(), 3);
        assert!(operators.iter().all(|it| it.input[3] == operators[0].input[3]), "{window:?}");
    }
}

#[test]
fn a_window_that_hides_nothing_is_no_mask() {
    let flags = |window| {
        let (file, ..) = written(&attention(window, 16, 1), &Sizes::new(), &InMemory::new(), &form(Precision::F16));
        file.initializer.iter().filter(|it| it.data_type == data_type::BOOL).count()
    };
    assert_eq!((flags(Some(19)), flags(Some(18))), (0, 1));
}

#[test]
fn token_ids_come_in_as_integers_and_pick_rows() {
    let mut b = Builder::new();
    let ids = b.ids_input("ids", &[BATCH_DIM, Dim::Named("tokens")]);
    let rows = b.embedding(ids, "table");
    b.output("y", rows);
    let weights = InMemory::new().with("table", &[9, 4], &[0.0; 36]);
    let (file, _, written) = written(&b.finish(), &Sizes::new().with("tokens", 5), &weights, &form(Precision::F32));
    assert_eq!(written.inputs[0].element, Element::I32);
    assert_eq!(ops(&file, "Gather")[0].input, ["table", "ids"]);
    assert_eq!(written.outputs[0].dims, [Some(1), Some(5), Some(4)]);
}

#[test]
fn a_dynamic_batch_is_named_and_a_fixed_one_is_a_number() {
    let (graph, weights) = codec_chain();
    let dims = |batch| {
        let (file, _, written) = written(&graph, &frames(5), &weights, &Form { batch, ..form(Precision::F32) });
        let kind = file.output[0].kind.as_ref().and_then(|it| it.tensor_type.as_ref());
        let shape = kind.and_then(|it| it.shape.as_ref()).expect("an output has a shape");
        (written.outputs[0].dims.clone(), shape.dim[0].dim_param.clone(), shape.dim[0].dim_value)
    };
    assert_eq!(dims(Batch::Dynamic), (vec![None, Some(10), Some(4)], Some("batch".to_owned()), None));
    assert_eq!(dims(Batch::Fixed(2)), (vec![Some(2), Some(10), Some(4)], None, Some(2)));
}

#[test]
fn an_axis_that_is_several_times_the_batch_is_not_called_the_batch() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], |b, x| b.merge_axes(x, 0));
    let form = Form { batch: Batch::Dynamic, ..form(Precision::F32) };
    let (file, _, written) = written(&graph, &Sizes::new(), &InMemory::new(), &form);
    let kind = file.output[0].kind.as_ref().and_then(|it| it.tensor_type.as_ref());
    let dim = &kind.and_then(|it| it.shape.as_ref()).expect("an output has a shape").dim[0];
    assert_eq!((written.outputs[0].dims.as_slice(), &dim.dim_param), ([None].as_slice(), &None));
}

#[test]
fn a_batch_in_two_axes_is_refused() {
    let graph = one_input(&[BATCH_DIM, BATCH_DIM], |b, x| b.silu(x));
    let form = Form { batch: Batch::Dynamic, ..form(Precision::F32) };
    let error = outline(&graph, &Sizes::new(), &InMemory::new(), &form).expect_err("no reshape could say it");
    assert!(matches!(error, OnnxError::BatchEverywhere { node: 0 }), "{error}");
}

#[test]
fn a_number_that_16_bits_cannot_hold_is_refused_with_its_tensor() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(1)], |b, x| b.linear(x, "l", false));
    let refused = |value: f32, precision| {
        let weights = InMemory::new().with("l.weight", &[1, 1], &[value]);
        outline(&graph, &Sizes::new(), &weights, &form(precision)).map(|_| ()).map_err(|error| error.to_string())
    };
    let words = "tensor `l.weight` holds 70000, which is not a finite number as F16";
    assert_eq!(refused(70_000.0, Precision::F16), Err(words.to_owned()));
    assert_eq!(refused(70_000.0, Precision::Bf16), Ok(()));
    assert!(refused(f32::NAN, Precision::F32).is_err());
}

#[test]
fn a_missing_weight_is_said_as_by_every_lowering() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], linear);
    let error = outline(&graph, &Sizes::new(), &InMemory::new(), &form(Precision::F32)).expect_err("nothing is there");
    assert_eq!(error.to_string(), "the checkpoint has no tensor `some.linear.weight`");
}

#[test]
fn a_sink_that_is_full_is_an_error() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], linear);
    let (mut model, mut room) = (Vec::new(), [0; 100]);
    let mut data = room.as_mut_slice();
    let weights = linear_weights(128, 3);
    let error = write(&graph, &Sizes::new(), &weights, &form(Precision::F32), &mut model, &mut data);
    assert!(matches!(error, Err(OnnxError::Sink(_))), "{error:?}");
    assert!(model.is_empty(), "the model is written last");
}

#[test]
fn the_fingerprint_is_that_of_the_form_and_not_of_the_large_weights() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(3)], |b, x| b.linear(x, "some.linear", false));
    let (weights, others) =
        (linear_weights(128, 3), InMemory::new().with("some.linear.weight", &[128, 3], &[9.0; 384]));
    let of = |weights: &InMemory, form: &Form| written(&graph, &Sizes::new(), weights, form).2;
    let first = of(&weights, &form(Precision::F32));
    assert_eq!(first.fingerprint, of(&others, &form(Precision::F32)).fingerprint);
    assert_ne!(first.fingerprint, of(&weights, &form(Precision::F16)).fingerprint);
    let fixed = Form { batch: Batch::Fixed(2), ..form(Precision::F32) };
    assert_ne!(first.fingerprint, of(&weights, &fixed).fingerprint);
    let outline = outline(&graph, &Sizes::new(), &weights, &form(Precision::F32)).expect("the graph is sound");
    assert_eq!(outline, first, "an outline reads no large weight and says the same");
}
