"""Interleaved rounds of ours, PyTorch and onnxruntime; prints p50, p99 and max, processor time, and the ratios.

Every runtime is first checked against our result. A figure of one thread on a busy machine is best read in the column
of processor time, which neighbours do not lengthen.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file

from networks import Decoder, Denoiser

TOLERANCE = 2e-4


class Ours:
    """The bench program, asked line by line."""

    def __init__(self, binary, folder):
        self.process = subprocess.Popen(
            [binary, "--serve", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n", "the bench did not start"

    def time(self, case, threads, runs):
        before = self.processor_ms()
        print(case, threads, runs, file=self.process.stdin, flush=True)
        times = json.loads(self.process.stdout.readline())
        return times, (self.processor_ms() - before) / runs

    def processor_ms(self):
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e6


def timed(work, runs):
    usage = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    before, times = usage(), []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return times, 1e3 * (usage() - before) / runs


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check(name, case, found, expected):
    scale = expected.abs().max().item()
    worst = np.abs(np.asarray(found) - expected.numpy()).max() / scale
    print(f"{case}: {name} differs from ours by {worst:.1e} of the largest value")
    if not worst < TOLERANCE:
        sys.exit(f"{case}: {name} computes something else")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--runs", type=int, default=4, help="runs of each runtime in a round")
    arguments = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    folder = arguments.folder
    ours = Ours(arguments.binary, folder)
    index = json.loads((folder / "index.json").read_text())
    rows = {}
    with torch.inference_mode():
        for at, name in enumerate(index["names"]):
            facts = index["facts"][name]
            weights, values = (load_file(folder / f"{at}.{part}.safetensors") for part in ("weights", "values"))
            expected = values.pop("result")
            if facts["kind"] == "denoiser":
                net, order = Denoiser(weights, facts, values["x"].shape[1]), ["x", "context", "tokens", "t", "t_minus_r"]
            else:
                net, order = Decoder(weights, facts), ["latents"]
            inputs = tuple(values[it] for it in order)
            net.eval()
            check("torch", name, net(*inputs), expected)
            path = str(folder / f"{at}.onnx")
            torch.onnx.export(net, inputs, path, input_names=order, dynamo=True, verbose=False)
            feed = {it: values[it].numpy() for it in order}
            sessions = {threads: session(path, threads) for threads in (1, 2)}
            check("onnxruntime", name, sessions[1].run(None, feed)[0], expected)
            for round in range(arguments.rounds + 1):
                for threads in (1, 2):
                    torch.set_num_threads(threads)
                    measured = {
                        "ours": ours.time(at, threads, arguments.runs),
                        "torch": timed(lambda: net(*inputs), arguments.runs),
                        "onnxruntime": timed(lambda: sessions[threads].run(None, feed), arguments.runs),
                    }
                    # The first round warms up.
                    for runtime, (times, processor) in measured.items() if round else ():
                        all_times, all_processor = rows.setdefault((name, threads, runtime), ([], []))
                        all_times.extend(times)
                        all_processor.append(processor)
    print("\n| what | threads | runtime | p50 | p99 | max | processor p50 | p50 / ours | processor / ours |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (name, threads, runtime), (times, processor) in rows.items():
        p50, p99, most = np.percentile(times, 50), np.percentile(times, 99), max(times)
        busy = np.percentile(processor, 50)
        own_times, own_busy = rows[name, threads, "ours"]
        ratios = f"{p50 / np.percentile(own_times, 50):.2f} | {busy / np.percentile(own_busy, 50):.2f}"
        print(f"| {name} | {threads} | {runtime} | {p50:.1f} ms | {p99:.1f} ms | {most:.1f} ms | {busy:.1f} ms | {ratios} |")


if __name__ == "__main__":
    main()
