"""Runs the ONNX files of `graph::onnx` in onnxruntime and holds their results against the golden vectors and the CPU.

In f32 every number must be within the manifest's tolerance. 16-bit files are run as they would be on a GPU: every value
that the file stores in 16 bits is rounded to them, and everything is summed in f32, as TensorRT does. onnxruntime's CPU
has no bf16 kernels; f16 files it also runs as they are, where it widens what it has no kernel for. The error of 16 bits
is held against a share of the output's deviation. A denoiser stores its residual stream in f32; `-narrow` ones store it in
the precision of their products, to show what that costs: with gates so wide that the stream passes 65504 (`-loud`) such a
file must give no number, and the one that is used must hold its tolerance. Files of the published models' true sizes are only checked: by onnx's
checker with strict shape inference.
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

# What 16 bits may cost, as the root of the mean square error and as the largest error, in deviations of the output:
# twice what was measured (bf16 0.010 and 0.11, f16 0.0015 and 0.015, both in the codec, whose made-up weights are
# steep; the velocity is off by 0.009 and 0.05, 0.0012 and 0.006 with a residual as narrow as the products).
NARROW = {"bf16": (0.02, 0.22), "f16": (0.003, 0.03)}
ELEMENTS = {"bf16": T.BFLOAT16, "f16": T.FLOAT16}
# Operations that only move numbers round nothing.
MOVES = ("Transpose", "Reshape", "Slice", "Identity", "Concat", "Expand", "Unsqueeze", "Pad")


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
        if node.op_type == "Cast":
            to = next(it for it in node.attribute if it.name == "to")
            rounds, to.i = to.i == narrow, T.FLOAT if to.i == narrow else to.i
        else:
            rounds = node.op_type != "Shape" and any(it in narrow_values for it in node.input)
        if rounds:
            narrow_values.update(node.output)
        if rounds and node.op_type not in MOVES:
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


def outputs(case, inputs, rounding):
    """All outputs of a case's models, each hearing what those before it said."""
    known = dict(inputs)
    for path in case["models"]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        model = path
        if rounding:
            # Casts there and back again are the point: nothing may take them away.
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            model = widened(onnx.load(path), ELEMENTS[case["precision"]]).SerializeToString()
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        given = {port.name: known[port.name] for port in session.get_inputs()}
        names = [port.name for port in session.get_outputs()]
        known.update(zip(names, session.run(names, given)))
    return known


def compare(case, rounding):
    """Rows of what was compared: what, whether it holds, and the figures."""
    values = load_file(case["values"])
    inputs = {name[3:]: it for name, it in values.items() if name.startswith("in.")}
    way = case["precision"] + (" rounded" if rounding else "")
    try:
        found = outputs(case, inputs, rounding)
    except Exception as error:  # onnxruntime's own, of several kinds: one file that cannot run stops no other
        yield {"case": case["name"], "precision": way, "output": "", "against": "", "holds": False, "why": str(error)}
        return
    for wanted in case["compare"]:
        result, reference = found[wanted["output"]], values[wanted["tensor"]]
        row = {"case": case["name"], "precision": way, "output": wanted["output"], "against": wanted["against"]}
        if result.shape != reference.shape:
            yield {**row, "holds": False, "why": f"shape {result.shape}, expected {reference.shape}"}
            continue
        if not case["finite"]:
            # What is to be lost is lost: every other figure would be of nothing.
            lost = bool(np.isnan(result).any())
            yield {**row, "lost": lost, "holds": lost, "why": "the residual should not have been held"}
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
    values = [*inferred.graph.value_info, *inferred.graph.output]
    known = {it.name for it in values if it.type.tensor_type.HasField("shape")}
    unknown = [it for node in inferred.graph.node for it in node.output if it not in known]
    return f"{len(unknown)} shapes could not be inferred, the first {unknown[0]}" if unknown else None


def table(rows):
    groups = collections.defaultdict(list)
    for row in rows:
        kind = row["case"].split("-")[0] + ("-kv" if row["case"].endswith("-kv") else "")
        kind += "-loud" if "-loud" in row["case"] else ""
        kind += "-narrow" if row["case"].endswith("-narrow") else ""
        if "used" in row:
            groups[kind, row["output"] if row["against"] == "cpu" else "", row["precision"], row["against"]].append(row)
    heads = ["cases", "output", "precision", "against", "compared", "largest error"]
    heads += ["rms / deviation", "largest / deviation"]
    print(f"| {' | '.join(heads)} | tolerance used |\n{'| --- ' * (len(heads) + 1)}|")
    for (kind, output, precision, against), some in groups.items():
        def most(key, some=some):
            return max(row.get(key, float("nan")) for row in some)

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
            # bf16 has no kernels to be run with as it is, f32 nothing to be rounded to.
            for rounding in {"f32": [False], "bf16": [True], "f16": [True, False]}[case["precision"]]:
                rows += compare(case, rounding)
    table(rows)
    for row in rows:
        if row.get("lost"):
            print(f"\n{row['case']}, {row['precision']}: the residual passes 65504 and is lost, as it must be in f16")
    files = sum(len(case["models"]) for case in cases)
    print(f"\n{files} files by onnx {onnx.__version__} (full check, strict shapes): {len(complaints)} complaints")
    unrun = ", ".join(case["name"] for case in cases if case.get("only_checked"))
    print(f"only checked, not run (true sizes, made-up weights): {unrun}")
    print("not here, as no file is written of them: golden kinds but dit_forward, dit_trace, vae_decode, vae_encode;")
    print("rope_cos and rope_sin of the trace, which are no outputs of a graph")
    complaints += [f"off: {row}" for row in rows if not row["holds"]]
    missing = {"dit", "vae", "house", "encoder"} - {row["case"].split("-")[0] for row in rows}
    complaints += [f"no case of {kind} was run" for kind in sorted(missing)]
    if not any(row.get("lost") for row in rows):
        complaints.append("no residual beyond f16 was shown to be lost in f16")
    if not unrun:
        complaints.append("no file of true sizes was checked")
    report = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "rows": rows, "complaints": complaints}
    (folder.parent / "onnx-check.json").write_text(json.dumps(report, indent=1))
    if complaints:
        sys.exit("\n".join([f"{len(complaints)} disagreements:", *complaints]))


main()
