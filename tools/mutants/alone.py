"""Tries one mutant a build, by cargo-mutants itself: what cannot share a build, and what the shared builds are compared with."""

import json
import os
import re
import shutil
import subprocess

import working_copy
from build import PROFILE
from listing import files_of

# A mutant that loops for ever is told from a slow test by this; the crates' own tests take a few seconds.
TIMEOUT_S = {"crate": 120, "root": 600}


def judge(root, home, room, phase, batch, suites):
    """What became of each mutant of a batch, by its key. `suites` names the test binaries to build, as cargo's arguments."""
    tree, out = home / "tree", home / "out"
    tree.mkdir(parents=True, exist_ok=True)
    working_copy.bring_up_to_date(root, tree)
    shutil.rmtree(out, ignore_errors=True)
    # Not that of the shared builds: cargo names a member's artifacts by its place in the workspace, so both trees would take
    # each other's for their own.
    environment = {**os.environ, "CARGO_TARGET_DIR": str(home / "build-alone"), "PROPTEST_CASES": "64"}
    exactly = "^(" + "|".join(re.escape(it["name"]) for it in batch) + ")$"
    arguments = ["--in-place", "--baseline", "skip", "--no-shuffle", "--timeout", str(TIMEOUT_S[phase]), "-o", str(out)]
    arguments += ["-p", room["package"], *files_of(room), "--re", exactly]
    arguments += ["--test-package", "demon-box" if phase == "root" else room["package"]]
    arguments += [f"--cargo-arg=--config={it}" for it in PROFILE]
    command = ["cargo", "mutants", *arguments, "--", "--locked", *suites]
    subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found, keys = {}, {it["name"]: it["key"] for it in batch}
    outcomes = out / "mutants.out" / "outcomes.json"
    for it in json.loads(outcomes.read_text())["outcomes"] if outcomes.is_file() else []:
        if isinstance(it["scenario"], dict):
            found[keys[it["scenario"]["Mutant"]["name"]]] = it["summary"]
    return found
