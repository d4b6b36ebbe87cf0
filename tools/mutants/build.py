"""Builds the tests of a crate with many mutants in it (`schemata`), in a copy of the tree, and finds which mutants do not compile.

A variant that the compiler refuses is taken out and is `unviable`; errors hide one another, so this is done until there are none.
A function that the compiler refuses because of the copies, or because a constant calls it, is written as it was: `alone`.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import schemata
import working_copy

# Lints are no errors here: a mutant that divides by a constant zero has to run.
ALLOWED = "#![allow(warnings, unsafe_code, arithmetic_overflow, unconditional_panic, overflowing_literals)]\n"
# The copies of the bodies are many lines: optimised further they take longer to compile than all tests take to run.
PROFILE = [f"profile.dev.package.{it}" for it in ("engine.debug=false", "engine.opt-level=1", "appliance.debug=false")]
# What no test binary is made of.
NOT_BUILT = ("tools/",)


def digest_of_tree(root):
    """What a build depends on."""
    all_of_it = hashlib.sha256()
    for name in working_copy.tracked(root):
        if not name.startswith(NOT_BUILT):
            all_of_it.update(name.encode() + b"\0" + hashlib.sha256((root / name).read_bytes()).digest())
    return all_of_it.hexdigest()[:16]


class Build:
    """The crate `package` with `mutants` in it, for one phase's tests. `known` is what is kept of it between runs, as JSON."""

    def __init__(self, root, home, package, phase, mutants):
        self.root, self.package, self.phase, self.mutants = root, package, phase, mutants
        self.tree, self.target = home / "schemata", home / "build"
        self.kept = home / f"{package}.{phase}.json"
        self.known, self.texts, self.written = {}, {}, {}

    def prepare(self, tree):
        """Makes the copy hold the mutants; what was built of the same tree with the same mutants is taken as it is."""
        kept = json.loads(self.kept.read_text()) if self.kept.is_file() else {}
        wanted = {it["key"] for it in self.mutants}
        if kept.get("tree") == tree and wanted <= set(kept["number"]):
            self.known, self.mutants = kept, kept["mutants"]
        else:
            self.known = {"tree": tree, "mutants": self.mutants}
            self.known["number"] = {it["key"]: at for at, it in enumerate(self.mutants, 1)}
            self.known |= {"unviable": [], "alone": [], "must_const": [], "function": {}, "functions": 0, "binaries": None}
            self.kept.unlink(missing_ok=True)
        if self.known["binaries"] is None:
            working_copy.bring_up_to_date(self.root, self.tree)
            self.put_switch()
            # Read once: somebody may write on in the tree while this builds.
            sources = (self.root / self.package / "src").rglob("*.rs")
            texts = {it.relative_to(self.root).as_posix(): it.read_text() for it in sources}
            self.texts = {file: text for file, text in texts.items() if not file.endswith("src/lib.rs")}
            self.write()

    def write(self):
        """Writes the files with mutants into the copy."""
        out = set(self.known["unviable"]) | set(self.known["alone"])
        by_file, index, files = {}, 0, {}
        for it in self.mutants:
            by_file.setdefault(it["file"], []).append(it)
        for file, mutants in by_file.items():
            text = self.texts[file]
            whole, alone = schemata.functions(text, mutants)
            twins = [it for it in whole if it.type is not None and self.declared(it.name) != 1]
            alone += [one for it in twins if not it.private for one in it.mutants]
            self.add("alone", [it["key"] for it in alone])
            out |= {it["key"] for it in alone}
            places = {}
            for it in whole:
                places[(it.name, it.body[0])] = index
                self.known["function"] |= {mutant["key"]: index for mutant in it.mutants}
                it.mutants = [mutant for mutant in it.mutants if mutant["key"] not in out]
                index += 1
            files[file] = ([it for it in whole if it.mutants], places)
        self.known["functions"] = index
        names = {(it.name, file if self.declared(it.name) != 1 else None) for file, (whole, _) in files.items() for it in whole if it.type}
        self.names = {name for name, _ in names}
        must_const = frozenset(self.known["must_const"])
        for file, text in self.texts.items():
            whole, places = files.get(file, ([], {}))
            here = {name for name, only in names if only in (None, file)}
            self.written[file] = schemata.written(text, whole, self.known["number"], places, must_const, here)
            place = self.tree / file
            if place.read_text() != self.written[file].text:
                place.write_text(self.written[file].text)

    def declared(self, name):
        """How many things of the crate have a constant's name."""
        one = re.compile(rf"\b(?:const|static|fn) {name}\b")
        return sum(len(one.findall(text)) for text in self.texts.values())

    def put_switch(self):
        source = self.tree / self.package / "src"
        shutil.copy(self.root / "tools" / "mutants" / "switch.rs", source / "mutants_switch.rs")
        lines = (source / "lib.rs").read_text().splitlines(keepends=True)
        at = next(at for at, line in enumerate(lines) if line.strip() and not line.startswith("//!"))
        lib = "".join([*lines[:at], ALLOWED, *lines[at:], "\n/// Which mutant is alive.\npub mod mutants_switch;\n"])
        (source / "lib.rs").write_text(lib)

    def binaries(self, arguments):
        """The test binaries, built; each with its name and the folder that it runs in."""
        rounds = 0
        while self.known["binaries"] is None:
            self.known["binaries"] = self.cargo(arguments)
            rounds += 1
            print(f"{self.package}, {self.phase}: build {rounds}: {len(self.known['unviable'])} unviable", flush=True)
        self.keep()
        return self.known["binaries"]

    def keep(self):
        self.kept.write_text(json.dumps(self.known, indent=0, sort_keys=True) + "\n")

    def cargo(self, arguments):
        """Builds once; nothing when mutants had to be taken out."""
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.target)}
        profile = [word for it in PROFILE for word in ("--config", it)]
        command = ["cargo", "test", "--no-run", "--locked", "--message-format=json", *profile, *arguments]
        done = subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True)
        messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        errors = [it["message"] for it in messages if it["reason"] == "compiler-message" and it["message"]["level"] == "error"]
        if done.returncode == 0:
            tests = [it for it in messages if it["reason"] == "compiler-artifact" and it["executable"] and it["profile"]["test"]]
            folder = lambda it: os.path.dirname(it["manifest_path"])  # noqa: E731
            return sorted([it["target"]["name"], it["executable"], folder(it)] for it in tests)
        before = self.taken_out()
        for error in errors:
            self.take_out(error)
        if self.taken_out() == before:
            said = "\n".join(it["rendered"] for it in errors) or done.stderr
            sys.exit(f"{said}\nthe copy of the tree in {self.tree} does not compile, and it is no mutant's fault")
        self.write()
        return None

    def taken_out(self):
        return [len(self.known[it]) for it in ("unviable", "alone", "must_const")]

    def take_out(self, error):
        """Finds what an error of the compiler is about: a mutant, a function that has to be const, or a function's copies."""
        spans = [it for it in error["spans"] if it["file_name"] in self.written]
        first = [it for it in spans if it["is_primary"]]
        if error["code"] and error["code"]["code"] == "E0015" and (called := re.search(r"(?:function|method) `([^`]*)`", error["message"])):
            if meant := self.const_functions(called[1]):
                return self.restore(meant)
        if used := [name for it in first for name in self.names if f"{name}()" in self.source(it)]:
            return self.restore(used)
        if mutants := self.mutants_of(first) or self.mutants_of(spans):
            return self.add("unviable", mutants)
        for span in first or spans:
            file = self.written[span["file_name"]]
            if function := file.within(file.functions, span["byte_start"]):
                print(f"alone: {function.name}: {error['message']}", flush=True)
                self.add("alone", [it["key"] for it in function.mutants])

    def source(self, span):
        """What an error points at."""
        return self.written[span["file_name"]].text.encode()[span["byte_start"] : span["byte_end"]].decode(errors="replace")

    def mutants_of(self, spans):
        files = [(self.written[it["file_name"]], it["byte_start"]) for it in spans]
        return [key for file, place in files if (key := file.within(file.variants, place))]

    def const_functions(self, path):
        """The functions that may be meant by a path as the compiler writes it: `room::function` or `Type::<T>::function`."""
        names = [it for it in re.split(r"::|<[^>]*>", path) if it]
        of_type = len(names) > 1 and names[-2][0].isupper()
        exact = "::".join(names[-2:]) if of_type else names[-1]
        constant = [it.name for file in self.written.values() for _, _, it in file.functions if it.const]
        return [it for it in constant if it == exact] or [it for it in constant if it.split("::")[-1] == names[-1]]

    def restore(self, names):
        """Functions that a constant calls stay const; what is const cannot ask which mutant is alive."""
        self.add("must_const", names)
        for file in self.written.values():
            for _, _, it in file.functions:
                if it.const and it.name in names:
                    self.add("alone", [mutant["key"] for mutant in it.mutants])

    def add(self, kind, names):
        self.known[kind] = sorted({*self.known[kind], *names})
