"""Which mutants there are, as cargo-mutants lists them, and the table of what became of them."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

import schemata

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REPORT, REASONS = HERE / "report.md", HERE / "reasons.json"
SEED = 20261128
MISSED_MOST = 0.03


def files_of(room):
    return [word for pattern in room["files"] for word in ("--file", pattern)]


def listed(room):
    """Mutants of a room, each with a key that a shift of lines does not change."""
    command = ["cargo", "mutants", "--list", "--json", "-p", room["package"], *files_of(room)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seen, mutants, texts = {}, [], {}
    for it in json.loads(done.stdout):
        place = re.match(r"(.*?):\d+:\d+: (.*)", it["name"])
        words = f"{place[1]}: {place[2]}"
        seen[words] = seen.get(words, 0) + 1
        if it["file"] not in texts:
            texts[it["file"]] = (ROOT / it["file"]).read_text()
        if not schemata.is_as_listed(texts[it["file"]], it):
            sys.exit(f"{it['name']}: cargo-mutants means another place, or another text, than is read here")
        kept = {word: it[word] for word in ("name", "file", "function", "replacement", "span")}
        mutants.append({**kept, "key": f"{words} #{seen[words]}", "digest": digest(texts[it["file"]], it)})
    if room["take"] != "all" and room["take"] < len(mutants):
        # By a digest of each: what is added to the room moves few others in or out.
        chosen = sorted(mutants, key=lambda it: hashlib.sha256(f"{SEED} {it['key']}".encode()).hexdigest())[: room["take"]]
        mutants = sorted(chosen, key=lambda it: it["name"])
    return mutants


def digest(text, it):
    """Of what a result depends on: the function that was changed, or the line where there is none (a constant)."""
    places = schemata.Places(text)
    span = (it["function"] or it)["span"]
    start, end = places.of(span["start"]), places.of(span["end"])
    if not it["function"]:
        start, end = text.rfind("\n", 0, start) + 1, (text + "\n").index("\n", end)
    return hashlib.sha256(text[start:end].encode()).hexdigest()[:16]


def known(results, it):
    """What is known of a mutant, if its function is still the same."""
    found = results.get(it["key"])
    return found if found and found["digest"] == it["digest"] else None


def report(rooms, mutants, results):
    """Writes and prints the table; answers whether a room that was run whole missed too many."""
    reasons = json.loads(REASONS.read_text()) if REASONS.is_file() else {}
    lines = ["# Mutants", "", "Written by `make mutants`; how it counts is said in `tools/mutants/run`.", ""]
    lines += ["| room | mutants | viable | caught | missed | timed out | not run | missed of viable |", "| --- " * 8 + "|"]
    survivors, totals, bad = [], [0, 0, 0], False
    for name in rooms:
        count = {"CaughtMutant": 0, "MissedMutant": 0, "Timeout": 0, "Unviable": 0, None: 0}
        for it in mutants[name]:
            found = known(results, it)
            outcome = found["outcome"] if found else None
            count[outcome] += 1
            if outcome in ("MissedMutant", "Timeout"):
                survivors.append((it["key"], outcome, reasons.get(it["key"], "")))
        viable = len(mutants[name]) - count["Unviable"]
        missed = count["MissedMutant"] + count["Timeout"] + count[None]
        share = missed / viable if viable else 0
        bad |= share > MISSED_MOST and count[None] == 0
        totals = [totals[0] + count["CaughtMutant"], totals[1] + count["MissedMutant"] + count["Timeout"], totals[2] + count[None]]
        cells = [len(mutants[name]), viable, count["CaughtMutant"], count["MissedMutant"], count["Timeout"], count[None]]
        lines.append(f"| {name} | " + " | ".join(map(str, cells)) + f" | {share:.1%} |")
    if survivors:
        lines += ["", "| survivor | | reason |", "| --- | --- | --- |"]
        for key, outcome, reason in survivors:
            said = key.replace("|", "\\|")
            lines.append(f"| `{said}` | {'missed' if outcome == 'MissedMutant' else 'timed out'} | {reason} |")
    REPORT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4 : 6 + len(rooms)]))
    print(f"\n{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return bad
