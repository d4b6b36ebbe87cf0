"""Writes the ONNX files beside it: two small networks, one with its weights in a file of its own, and two that must be refused;
and the values of the first.

Only needed to change them: python3 -m pip install onnx numpy && python3 engine/tensorrt/tests/onnx/make.py
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)
WIDTH, HIDDEN = 16, 32


def save(name, nodes, weights, type_=TensorProto.FLOAT, **kwargs):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", type_, ["rows", WIDTH])],
        [helper.make_tensor_value_info("y", type_, ["rows", WIDTH])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="demon")
    model.ir_version = 8
    onnx.save(model, str(here / f"{name}.onnx"), **kwargs)


def two_layers(dtype):
    weights = {
        "up": (rng.standard_normal((WIDTH, HIDDEN)) / 4).astype(dtype),
        "bias": rng.standard_normal(HIDDEN).astype(dtype),
        "down": (rng.standard_normal((HIDDEN, WIDTH)) / 6).astype(dtype),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "up"], ["a"], "rise"),
        helper.make_node("Add", ["a", "bias"], ["b"], "shift"),
        helper.make_node("Tanh", ["b"], ["c"], "bend"),
        helper.make_node("MatMul", ["c", "down"], ["y"], "fall"),
    ]
    return nodes, weights


nodes, weights = two_layers(np.float32)
save("two-layers", nodes, weights)
# Four rows in and what must come out, for a machine that has a card.
x = rng.standard_normal((4, WIDTH)).astype(np.float32)
y = np.tanh(x @ weights["up"] + weights["bias"]) @ weights["down"]
(here / "two-layers.f32").write_bytes(np.concatenate([x, y]).astype("<f4").tobytes())
(here / "beside.weights").unlink(missing_ok=True)
save("beside", *two_layers(np.float16), type_=TensorProto.FLOAT16, save_as_external_data=True, location="beside.weights", size_threshold=0)
save("unknown-operation", [helper.make_node("Moonlight", ["x"], ["y"], "the-odd-one")], {})
nodes, weights = two_layers(np.float32)
weights["down"] = weights["down"][:-1]
save("shapes-disagree", nodes, weights)
