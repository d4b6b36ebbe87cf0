"""Tries mutants that are all in one build: which tests reach which function, and which test notices a mutant.

`measure` runs each test alone, once, and notes its time and the functions that it reaches. `Judge.of` runs the tests that reach a
mutant's function, those first that noticed its neighbours, then those beside it, then the fastest, in a few processes, and stops
at the first that fails. A process that ends by a signal has noticed too; one that is stopped by a limit of time has not.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading

# Far more than a test takes, so that a busy machine makes no timeout: so many times the time it took alone, and so many seconds more.
TIMES, MORE_CPU_S, MORE_WALL_S = 10, 5, 60
# A mutant that makes two processes hang is not tried a third time.
HANGS_MOST = 2
# Tests at a time in a process: more than a mutant makes hang, so that those which fail are reached.
THREADS = "16"
# What a process may take: a mutant that never stops to grow ends here and not with the machine.
MEMORY_KB = 8 << 20
# A test that takes longer than this many seconds is left out: a survivor would cost as much, and there are hundreds. That a mutant
# dies of nothing else counts against us, not for us.
SLOWEST_S = 30
# Seconds of tests, as measured alone, in the first process, the second, and so on; what is left is the last.
SHARES_S = (0.3, 1.0, 4.0)
NOTING = threading.Lock()


class Runner:
    """Runs test binaries, with limits, each worker in a folder for temporary files of its own."""

    def __init__(self, home):
        self.home = home
        self.lock, self.free = threading.Lock(), []

    @contextlib.contextmanager
    def folder(self):
        with self.lock:
            at = self.free.pop() if self.free else self.home / "tmp" / str(threading.get_ident())
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir(parents=True)
        yield at
        shutil.rmtree(at, ignore_errors=True)
        with self.lock:
            self.free.append(at)

    def run(self, binary, tests, environment, cpu_s=600, wall_s=900):
        """How a process ended, what it said, and the seconds it computed. `None` instead of its status: a limit stopped it."""
        _, program, cwd = binary
        with self.folder() as temporary:
            said = temporary / "said"
            cpu_s = int(cpu_s + 1)
            limits = f'ulimit -St {cpu_s}; ulimit -Ht {cpu_s + 2}; ulimit -c 0; ulimit -v {MEMORY_KB}; exec "$@"'
            command = ["sh", "-c", limits, "sh", program, "--exact", *tests, "--test-threads", THREADS]
            environment = {**os.environ, "PROPTEST_CASES": "64", "RUST_MIN_STACK": str(64 << 20), "CARGO_MANIFEST_DIR": cwd, **environment}
            environment |= {"TMPDIR": str(temporary), "RUST_BACKTRACE": "0"}
            with said.open("wb") as out:
                process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
            late = threading.Event()

            def stop():
                late.set()
                os.killpg(process.pid, signal.SIGKILL)

            alarm = threading.Timer(wall_s, stop)
            alarm.start()
            _, status, used = os.wait4(process.pid, 0)
            alarm.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            stopped = late.is_set() or process.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
            text = said.read_text(errors="replace")
        return None if stopped else process.returncode, text, used.ru_utime + used.ru_stime


def tests_of(binary):
    done = subprocess.run([binary[1], "--list", "--format", "terse"], cwd=binary[2], check=True, capture_output=True, text=True)
    return [line.removesuffix(": test") for line in done.stdout.splitlines() if line.endswith(": test")]


def measure(runner, binaries, functions, each):
    """For each test its binary, name, seconds and the functions it reaches; what is red without a mutant is left out and told."""
    file = runner.home / "reached"

    def one(job):
        binary, test = job
        noted = file.with_name(f"reached.{threading.get_ident()}")
        noted.write_bytes(bytes(max(functions, 1)))
        status, said, seconds = runner.run(binary, [test], {"DEMON_MUTANTS_REACHED": str(noted)})
        reached = [at for at, it in enumerate(noted.read_bytes()) if it]
        noted.unlink()
        if status != 0:
            print(f"red without a mutant, left out: {binary[0]} {test}\n{said[-600:]}", flush=True)
            return None
        return {"binary": binary, "test": test, "s": round(seconds, 3), "reached": reached}

    jobs = [(binary, test) for binary in binaries for test in tests_of(binary)]
    return [it for it in each(one, jobs) if it]


class Judge:
    """What a build's tests say of its mutants."""

    def __init__(self, runner, tests):
        self.runner, self.tests = runner, tests
        self.noticed = {}

    def order(self, function, file):
        """The tests that reach a function, by binary, in the order in which they are tried."""
        room = re.sub(r"^\w+/src/|(/mod)?\.rs$", "", file).replace("/", "::")
        before = self.noticed.get(function, [])
        tests = [it for it in self.tests if function in it["reached"] and it["s"] <= SLOWEST_S]
        rank = lambda it: (it["test"] not in before, not it["test"].startswith(room + "::"), it["s"])  # noqa: E731
        binaries = {}
        for it in sorted(tests, key=rank):
            binaries.setdefault(it["binary"][0], []).append(it)
        return sorted(binaries.values(), key=lambda group: (rank(group[0]), sum(it["s"] for it in group)))

    def chunks(self, function, file):
        for group in self.order(function, file):
            taken, share = [], 0
            for it in group:
                if taken and share < len(SHARES_S) and sum(test["s"] for test in taken) + it["s"] > SHARES_S[share]:
                    yield taken
                    taken, share = [], share + 1
                taken.append(it)
            yield taken

    def of(self, number, function, file):
        """What became of a mutant, and the test that noticed it or the number of tests that did not."""
        hangs, tried = 0, 0
        for chunk in self.chunks(function, file):
            names, seconds = [it["test"] for it in chunk], sum(it["s"] for it in chunk)
            limits = {"cpu_s": MORE_CPU_S + TIMES * seconds, "wall_s": MORE_WALL_S + 2 * TIMES * seconds}
            status, said, _ = self.runner.run(chunk[0]["binary"], names, {"DEMON_MUTANT": str(number)}, **limits)
            failed = re.findall(r"^test (.*?)(?: - should panic)? \.\.\. FAILED", said, re.MULTILINE)
            tried += len(names)
            if failed or status not in (0, None):
                self.noticed[function] = [*failed, *self.noticed.get(function, [])][:6]
                return "CaughtMutant", failed[0] if failed else f"status {status}, one of {len(names)}"
            if status == 0 and f"running {len(names)} test" not in said:
                raise RuntimeError(f"{chunk[0]['binary'][1]} did not run what it was asked: {said[:300]}")
            hangs += status is None
            if hangs == HANGS_MOST:
                break
        return "Timeout" if hangs else "MissedMutant", f"{tried} tests"
