//! Goal: a residual stream that passes f16's largest number stays finite where the form stores it in f32, and is lost where
//! it stores it in f16.
//! Method: the file itself is computed, node by node, every value rounded to the type that the file gives it.

use std::collections::HashMap;

use half::f16;

use super::*;

/// Shape, numbers, and whether they are kept in f16.
#[derive(Clone)]
struct Value {
    shape: Vec<usize>,
    numbers: Vec<f32>,
    narrow: bool,
}

impl Value {
    fn new(shape: &[usize], numbers: Vec<f32>, narrow: bool) -> Self {
        let rounded = |it: f32| if narrow { f16::from_f32(it).to_f32() } else { it };
        Self { shape: shape.to_vec(), numbers: numbers.into_iter().map(rounded).collect(), narrow }
    }

    /// The last axis of this many numbers is repeated over all rows, a number over everything.
    fn at(&self, place: usize, shape: &[usize]) -> f32 {
        let width = shape[shape.len() - 1];
        match self.numbers.len() {
            count if count == shape.iter().product::<usize>() => self.numbers[place],
            count if count == width => self.numbers[place % width],
            // One number a row, as a mean is kept.
            count if 1 < count => self.numbers[place / width],
            _ => self.numbers[0],
        }
    }
}

fn constant(tensor: &TensorProto, blob: &[u8]) -> Value {
    let shape: Vec<usize> = tensor.dims.iter().map(|&it| it as usize).collect();
    let entry = |key: &str| tensor.external_data.iter().find(|it| it.key == key).map(|it| it.value.parse::<usize>());
    let bytes = match (entry("offset"), entry("length")) {
        (Some(Ok(offset)), Some(Ok(length))) => &blob[offset..offset + length],
        _ => tensor.raw_data.as_deref().unwrap_or_default(),
    };
    let narrow = tensor.data_type == data_type::FLOAT16;
    let numbers = match tensor.data_type {
        data_type::FLOAT16 => bytes.chunks_exact(2).map(|it| f16::from_le_bytes([it[0], it[1]]).to_f32()).collect(),
        data_type::FLOAT => bytes.chunks_exact(4).map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]])).collect(),
        _ => Vec::new(),
    };
    Value::new(&shape, numbers, narrow)
}

fn matmul(x: &Value, w: &Value) -> Value {
    let (depth, columns) = (w.shape[0], w.shape[1]);
    let row = |x: &[f32], column: usize| (0..depth).map(|k| x[k] * w.numbers[k * columns + column]).sum::<f32>();
    let rows = x.numbers.chunks_exact(depth);
    let numbers = rows.flat_map(|x| (0..columns).map(|column| row(x, column)).collect::<Vec<_>>()).collect();
    let shape = [&x.shape[..x.shape.len() - 1], &[columns]].concat();
    Value::new(&shape, numbers, x.narrow)
}

fn node(it: &NodeProto, of: &[&Value]) -> Value {
    let x = of[0];
    let wide = of.iter().max_by_key(|it| (it.numbers.len(), it.shape.len())).expect("a node reads something");
    let pair = |f: fn(f32, f32) -> f32| {
        let each = (0..wide.numbers.len()).map(|at| f(of[0].at(at, &wide.shape), of[1].at(at, &wide.shape)));
        Value::new(&wide.shape, each.collect(), of.iter().all(|it| it.narrow))
    };
    match it.op_type.as_str() {
        "Identity" => x.clone(),
        "Cast" => Value::new(&x.shape, x.numbers.clone(), it.attribute[0].i == Some(i64::from(data_type::FLOAT16))),
        "MatMul" => matmul(x, of[1]),
        "Transpose" => {
            let (rows, columns) = (x.shape[0], x.shape[1]);
            let turned = (0..rows * columns).map(|at| x.numbers[at % rows * columns + at / rows]).collect();
            Value::new(&[columns, rows], turned, x.narrow)
        }
        "Add" => pair(|a, b| a + b),
        "Mul" => pair(|a, b| a * b),
        "Div" => pair(|a, b| a / b),
        "Sqrt" => Value::new(&x.shape, x.numbers.iter().map(|it| it.sqrt()).collect(), x.narrow),
        "ReduceMean" => {
            let width = x.shape[x.shape.len() - 1];
            let means = x.numbers.chunks_exact(width).map(|it| it.iter().sum::<f32>() / width as f32).collect();
            let shape = [&x.shape[..x.shape.len() - 1], &[1]].concat();
            Value::new(&shape, means, x.narrow)
        }
        other => panic!("{other} is in no file of this test"),
    }
}

/// The output `y` of a file whose only input is `x`.
fn computed(graph: &Graph, weights: &InMemory, form: &Form, x: &[f32]) -> Vec<f32> {
    let (file, blob, _) = written(graph, &Sizes::new(), weights, form);
    let mut known: HashMap<String, Value> = HashMap::new();
    known.insert("x".to_owned(), Value::new(&[1, x.len()], x.to_vec(), false));
    known.extend(file.initializer.iter().map(|it| (it.name.clone(), constant(it, &blob))));
    for it in &file.node {
        let of: Vec<&Value> = it.input.iter().map(|name| &known[name]).collect();
        let made = node(it, &of);
        known.insert(it.output[0].clone(), made);
    }
    known.remove("y").expect("the file has its output").numbers
}

/// Three layers, each adding up to 48,000 to the stream, as published weights do at a high t; then the norm that reads it.
#[test]
fn a_residual_beyond_f16_is_finite_in_f32_and_lost_in_f16() {
    let graph = one_input(&[BATCH_DIM, Dim::Fixed(4)], |b, x| {
        let mut h = b.linear(x, "in", false);
        for layer in ["a", "b", "c"] {
            let part = b.linear(x, layer, false);
            h = b.add(h, part);
        }
        b.rms_norm(h, "norm", 1e-6)
    });
    let grown: Vec<f32> = (0..16).map(|at| if at % 5 == 0 { 12_000.0 * (1 + at / 5) as f32 } else { 0.0 }).collect();
    let mut weights = InMemory::new().with("norm.weight", &[4], &[1.0; 4]).with("in.weight", &[4, 4], &[0.25; 16]);
    for layer in ["a", "b", "c"] {
        weights = weights.with(&format!("{layer}.weight"), &[4, 4], &grown);
    }
    let x = [1.0, 1.0, -1.0, 1.0];
    let of = |precision, residual| {
        let form = Form { residual, ..form(precision) };
        computed(&graph, &weights, &form, &x)
    };
    let exact = of(Precision::F32, Precision::F32);
    assert!(exact.iter().all(|it| it.is_finite() && 0.1 < it.abs()), "{exact:?}");
    let wide = of(Precision::F16, Precision::F32);
    let apart = exact.iter().zip(&wide).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-3, "{wide:?}, not {exact:?}");
    let narrow = of(Precision::F16, Precision::F16);
    assert!(narrow.iter().any(|it| it.is_nan()), "144,000 is not a number of f16: {narrow:?}");
}
