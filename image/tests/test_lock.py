"""The lock: every fault is told with its line, what differs is named, nothing that differs is used."""

import tempfile
import unittest
from pathlib import Path

from builder import fetch, lock
from builder.told import Refused

HASH = "a" * 64
ROW = f"image kmod 34.2-2 {HASH} debian/pool/main/k/kmod/kmod_34.2-2_amd64.deb"
HEAD = "release trixie\nday 20261129T000000Z\n"


class Lock(unittest.TestCase):
    def test_a_sound_lock_has_no_faults(self):
        faults, locked = lock.faults_and_lock(HEAD + ROW + "\n")
        self.assertEqual((faults, locked.packages[0].name, locked.release), ([], "kmod", "trixie"))

    def test_every_fault_is_told_with_its_line(self):
        for planted, words in (
            (ROW.replace("image", "imagine", 1), "line 3: expected SET NAME VERSION SHA256 PATH"),
            (ROW.replace(HASH, "a" * 63), f"line 3: kmod: '{'a' * 63}' is no SHA-256"),
            (ROW.replace("debian/pool", "http://somewhere/debian/pool"), "line 3: kmod: 'http://somewhere/debian/pool"),
            (ROW.replace("/main/", "/../"), "line 3: kmod: "),
            (ROW + "\n" + ROW, "line 4: kmod stands on line 3 already"),
        ):
            faults, _ = lock.faults_and_lock(HEAD + planted + "\n")
            self.assertEqual(len(faults), 1, faults)
            self.assertTrue(faults[0].startswith(words), faults)
        faults, _ = lock.faults_and_lock(ROW)
        self.assertEqual(faults, ["the line `release ...` is missing", "the line `day ...` is missing"])

    def test_a_package_that_differs_is_named_and_not_used(self):
        _, locked = lock.faults_and_lock(HEAD + ROW)
        package = locked.packages[0]
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / package.file).write_bytes(b"something else")
            with self.assertRaises(Refused) as refused:
                fetch.one(package, locked.day, Path(folder))
        self.assertIn(f"image/lock expects {HASH} of kmod 34.2-2", str(refused.exception))

    def test_what_a_mirror_sends_is_believed_by_its_hash_alone(self):
        _, locked = lock.faults_and_lock(HEAD + ROW)
        package = locked.packages[0]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "mirror" / package.path
            place.parent.mkdir(parents=True)
            place.write_bytes(b"not kmod")
            before, fetch.mirror = fetch.mirror, lambda: f"file://{folder}/mirror"
            try:
                with self.assertRaises(Refused) as refused:
                    fetch.one(package, locked.day, Path(folder))
            finally:
                fetch.mirror = before
            self.assertIn("`make image-lock` renews the lock", str(refused.exception))
            self.assertFalse((Path(folder) / package.file).exists())

    def test_the_lock_holds_all_that_was_asked_for_and_no_host(self):
        locked = lock.read()
        for group, names in lock.wanted().items():
            there = {it.name for it in locked.of(group)}
            missing = [it for it in names if it not in there and it not in ("linux-image-amd64", "linux-image-rt-amd64")]
            self.assertEqual(missing, [], f"{group}: `make image-lock` renews the lock")
            self.assertTrue(there, group)
        for group in ("kernel", "rt"):
            self.assertTrue(any(it.name.startswith("linux-image-6") for it in locked.of(group)), group)
        self.assertNotIn("://", lock.LOCK.read_text())
