"""Runs the ONNX files of `graph::onnx` in onnxruntime and holds their results against the golden vectors and the CPU.

In f32 every number must be within the manifest's tolerance. 16-bit files are run as they would be on a GPU: every value
that the file stores in 16 bits is rounded to them, and everything is summed in f32 (onnxruntime's CPU has few 16-bit
kernels, and TensorRT sums in f32 too). Their error is held against a share of the output's deviation. Files of the
published models' true sizes are only checked: by onnx's checker with strict shape inference.
"""

import collections
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from safetensors.numpy import load_file

# What 16 bits may cost, as the root of the mean square error and as the largest error, in deviations of the output.
# Measured with the made-up weights of the golden models, which are noisier than trained ones: see the table.
NARROW = {"bf16": (0.03, 0.25), "f16": (0.004, 0.04)}
ELEMENTS = {"bf16": T.BFLOAT16, "f16": T.FLOAT16}
NUMPY = {T.FLOAT: np.float32}


def widened(model, narrow):
    """The model in f32, with every 16-bit result rounded to 16 bits. Loads the blob."""
    graph = model.graph
    narrow_values = set()
    for tensor in graph.initializer:
        if tensor.data_type == narrow:
            wide = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(wide, tensor.name))
            narrow_values.add(tensor.name)
    for port in [*graph.input, *graph.output]:
        if port.type.tensor_type.elem_type == narrow:
            narrow_values.add(port.name)
            port.type.tensor_type.elem_type = T.FLOAT
    kept = {port.name for port in graph.output}
    nodes = []
    for node in graph.node:
        stays = node.op_type in ("Transpose", "Reshape", "Slice", "Identity", "Concat", "Expand", "Unsqueeze", "Pad")
        if node.op_type == "Cast":
            to = next(it for it in node.attribute if it.name == "to")
            rounds, to.i = to.i == narrow, T.FLOAT if to.i == narrow else to.i
        else:
            rounds = node.op_type not in ("Shape",) and any(it in narrow_values for it in node.input)
        if rounds:
            narrow_values.update(node.output)
        if rounds and not stays:
            result = node.output[0]
            assert result not in kept, "an output is rounded before it is named"
            node.output[0] = f"{result} exact"
            nodes += [
                node,
                onnx.helper.make_node("Cast", [node.output[0]], [f"{result} narrow"], to=narrow),
                onnx.helper.make_node("Cast", [f"{result} narrow"], [result], to=T.FLOAT),
            ]
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def outputs(case, inputs):
    """All outputs of a case's models, each hearing what those before it said."""
    known = dict(inputs)
    for path in case["models"]:
        model = onnx.load(path)
        narrow = ELEMENTS.get(case["precision"])
        if narrow:
            model = widened(model, narrow)
        options = onnxruntime.SessionOptions()
        # Casts there and back again are the point: nothing may take them away.
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            if narrow
            else onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        )
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        given = {port.name: known[port.name] for port in session.get_inputs()}
        names = [port.name for port in session.get_outputs()]
        known.update(zip(names, session.run(names, given)))
    return known


def compare(case):
    """Rows of what was compared: what, whether it holds, and the figures."""
    values = load_file(case["values"])
    inputs = {name[3:]: it for name, it in values.items() if name.startswith("in.")}
    found = outputs(case, inputs)
    for wanted in case["compare"]:
        result, reference = found[wanted["output"]], values[wanted["tensor"]]
        row = {"case": case["name"], "precision": case["precision"], "output": wanted["output"]}
        row["against"] = wanted["against"]
        if result.shape != reference.shape:
            yield {**row, "holds": False, "why": f"shape {result.shape}, expected {reference.shape}"}
            continue
        error = np.abs(result.astype(np.float64) - reference)
        deviation = float(reference.std()) or 1.0
        row["largest"], row["rms"] = float(error.max()), float(np.sqrt((error**2).mean()))
        row["rms_share"], row["largest_share"] = row["rms"] / deviation, row["largest"] / deviation
        if case["precision"] == "f32":
            absolute, relative = wanted["tolerance"]
            used = float((error / (absolute + relative * np.abs(reference))).max())
        else:
            rms, largest = NARROW[case["precision"]]
            used = max(row["rms_share"] / rms, row["largest_share"] / largest)
        # Not `used <= 1` the other way round: a result that is not a number must fail.
        yield {**row, "used": used, "holds": bool(used <= 1)}


def checked(path):
    """What onnx itself says of a file: nothing when it is sound."""
    try:
        onnx.checker.check_model(path, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(
            onnx.load(path, load_external_data=False), check_type=True, strict_mode=True, data_prop=True
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return str(error)
    known = {it.name for it in inferred.graph.value_info} | {it.name for it in inferred.graph.output}
    unknown = [it for node in inferred.graph.node for it in node.output if it not in known]
    return f"{len(unknown)} shapes could not be inferred, the first {unknown[0]}" if unknown else None


def table(rows):
    groups = collections.defaultdict(list)
    for row in rows:
        kind = row["case"].split("-")[0] + ("-kv" if row["case"].endswith("-kv") else "")
        kind += "-wide" if row["case"].endswith("-wide") else ""
        groups[kind, row["output"] if row["against"] == "cpu" else "", row["precision"], row["against"]].append(row)
    print("| cases | output | precision | against | compared | largest error | rms / deviation | largest / deviation | tolerance used |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (kind, output, precision, against), some in groups.items():
        most = lambda key: max(row.get(key, float("nan")) for row in some)
        print(
            f"| {kind} | {output or 'all'} | {precision} | {against} | {len(some)} | {most('largest'):.1e} "
            f"| {most('rms_share'):.1e} | {most('largest_share'):.1e} | {100 * most('used'):.0f} % |"
        )


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = json.loads((folder / "cases.json").read_text())
    rows, complaints = [], []
    for case in cases:
        for path in case["models"]:
            complaint = checked(path)
            if complaint:
                complaints.append(f"{path}: {complaint}")
        if not case.get("only_checked"):
            rows += compare(case)
    table(rows)
    files = sum(len(case["models"]) for case in cases)
    print(f"\n{files} files by onnx {onnx.__version__} (full check, strict shape inference): {len(complaints)} complaints")
    print("only checked, not run (made-up weights of true sizes): " + ", ".join(c["name"] for c in cases if c.get("only_checked")))
    print("not in files, so not here: golden kinds other than dit_forward, dit_trace, vae_decode, vae_encode")
    complaints += [f"{row['case']} {row['precision']} {row['output']} against {row['against']}: {row}" for row in rows if not row["holds"]]
    report = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "rows": rows, "complaints": complaints}
    (folder.parent / "onnx-check.json").write_text(json.dumps(report, indent=1))
    kinds = {row["case"].split("-")[0] for row in rows}
    if not {"dit", "vae", "house"} <= kinds:
        complaints.append(f"a kind of case is missing: only {sorted(kinds)} were run")
    if complaints:
        sys.exit("\n".join([f"{len(complaints)} disagreements:", *complaints]))


main()
