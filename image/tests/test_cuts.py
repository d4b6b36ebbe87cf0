"""Power cuts: what was flushed is always found, what was not is lost in any part, and a flush that is missing is found."""

import hashlib
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from builder import disk as layout
from cutting import look, states
from cutting.cut import Looker
from cutting.log import FLUSH, FUA, Writer, read

STATES = 200


class Paper:
    """A disk of some sectors and a log that is written as it goes."""

    def __init__(self, folder, sectors=64):
        self.place, self.log = Path(folder) / "disk", Path(folder) / "log"
        self.place.write_bytes(bytes(sectors * 512))
        self.writer = Writer(self.log)

    def end(self):
        self.writer.close()
        self.writes = read(self.log)
        return states.Disk(self.place, self.log, self.writes)


def sector(word):
    return word.encode().ljust(512, b".")


class Log(unittest.TestCase):
    def test_a_log_is_read_as_it_was_written_and_another_file_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            paper = Paper(folder)
            paper.writer.add(512, sector("a") * 2)
            paper.writer.add(0, b"", FLUSH)
            paper.writer.add(1024, sector("b"), FUA)
            paper.end().close()
            self.assertEqual([(it.at, it.length, it.flushes, it.is_kept) for it in paper.writes],
                             [(512, 1024, False, False), (0, 0, True, False), (1024, 512, False, True)])
            with self.assertRaises(ValueError):
                read(paper.place)


    def test_a_long_entry_is_many_writes_and_all_of_it_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            paper = Paper(folder, 8192)
            paper.writer.add(0, b"x" * (3 << 20) + b"y" * 512)
            paper.writer.add(0, b"", FLUSH)
            disk = paper.end()
            self.assertEqual([(it.at, it.length) for it in paper.writes], [(0, 1 << 20), (1 << 20, 1 << 20), (2 << 20, 1 << 20), (3 << 20, 512), (0, 0)])
            with disk.found(states.State(3, (0, 2))):
                data = paper.place.read_bytes()
                self.assertEqual((data[0], data[1 << 20], data[2 << 20]), (ord("x"), 0, ord("x")))
            disk.forward(5)
            disk.close()
            self.assertEqual(paper.place.read_bytes()[:(3 << 20) + 512], b"x" * (3 << 20) + b"y" * 512)


class Cuts(unittest.TestCase):
    def recorded(self, folder, flushed):
        """Two sectors of content, a flush where `flushed`, then the sector that says that they are there: a hundred times over."""
        paper = Paper(folder)
        for number in range(1, 101):
            paper.writer.add(512, sector(f"one {number}"))
            paper.writer.add(1024, sector(f"two {number}"))
            if flushed:
                paper.writer.add(0, b"", FLUSH)
            paper.writer.add(0, sector(f"is {number}"))
            paper.writer.add(0, b"", FLUSH)
        return paper

    def wrong(self, place):
        data = place.read_bytes()
        said, one, two = (data[it:it + 512].rstrip(b".\0").decode().split() for it in (0, 512, 1024))
        # What is said to be there is there, or is being replaced by the next.
        number = int(said[1]) if said else 0
        return not all(int(it[1]) in (number, number + 1) for it in (one, two) if it) or (number and not (one and two))

    def count_wrong(self, flushed):
        with tempfile.TemporaryDirectory() as folder:
            paper = self.recorded(folder, flushed)
            disk, found = paper.end(), 0
            for state in sorted(states.choose(paper.writes, STATES), key=lambda it: it.cut):
                with disk.found(state):
                    found += bool(self.wrong(paper.place))
            disk.close()
            return found

    def test_what_was_flushed_is_found_and_a_missing_flush_is_found_out(self):
        self.assertEqual(self.count_wrong(True), 0)
        self.assertGreater(self.count_wrong(False), 0)

    def test_a_disk_comes_back_to_what_is_surely_on_it(self):
        with tempfile.TemporaryDirectory() as folder:
            paper = self.recorded(folder, True)
            disk = paper.end()
            for state in sorted(states.choose(paper.writes, 50, seed=3), key=lambda it: it.cut):
                with disk.found(state):
                    pass
                whole = bytearray(64 * 512)
                with open(paper.log, "rb") as log:
                    for it in paper.writes[:states.last_flush(paper.writes, state.cut)]:
                        log.seek(it.data_at)
                        whole[it.at:it.at + it.length] = log.read(it.length)
                self.assertEqual(paper.place.read_bytes(), bytes(whole))
            disk.close()

    def test_every_share_of_what_was_open_is_lost_from_nothing_to_all(self):
        with tempfile.TemporaryDirectory() as folder:
            paper = self.recorded(folder, False)
            paper.end().close()
            shares = {len(it.kept) for it in states.choose(paper.writes, STATES)}
            self.assertLessEqual({0, 1, 2, 3}, shares)


class States(unittest.TestCase):
    """States of play on a disk: written to one place, synchronised, then said to be the one that counts, as a file is renamed."""

    def recorded(self, folder, waits):
        paper = Paper(folder)
        for number in range(1, 41):
            place, text = (1 + number % 2) * 4096, look.Ledger.BEGINS + f" {number}\n".encode() * 200
            paper.writer.add(place, text.ljust(4096, b"\0"))
            for _ in range(waits):
                paper.writer.add(0, b"", FLUSH)
            paper.writer.add(0, sector(f"is {place}"))
            for _ in range(waits):
                paper.writer.add(0, b"", FLUSH)
        return paper

    def wrong(self, waits):
        with tempfile.TemporaryDirectory() as folder:
            paper = self.recorded(folder, waits)
            disk, told = paper.end(), []
            ledger = look.Ledger(paper.writes, paper.log, None)
            self.assertEqual(len(ledger.known), 40)
            for state in sorted(states.choose(paper.writes, STATES), key=lambda it: it.cut):
                with disk.found(state):
                    data = paper.place.read_bytes()
                    said = data[:512].rstrip(b".\0").split()
                    place = int(said[1]) if said else None
                    told.append(ledger.wrong(data[place:place + 4096].split(b"\0")[0] if said else None, state.cut))
            disk.close()
            return [it for it in told if it]

    def test_at_most_the_last_stroke_is_lost_and_where_nobody_waits_for_the_disk_more_is(self):
        self.assertEqual(self.wrong(1), [])
        told = self.wrong(0)
        self.assertTrue(any("strokes behind" in it for it in told), told)

    def test_a_state_that_nobody_wrote_and_none_at_all_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            paper = self.recorded(folder, 1)
            paper.end().close()
            ledger = look.Ledger(paper.writes, paper.log, None)
            self.assertIn("none that was written", ledger.wrong(look.Ledger.BEGINS + b" 7\n 8\n", len(paper.writes)))
            self.assertIn("no state of play", ledger.wrong(None, len(paper.writes)))
            self.assertIsNone(ledger.wrong(None, 1), "the first is on its way")


class Looks(unittest.TestCase):
    def test_the_root_of_hashes_is_that_of_veritysetup(self):
        if not shutil.which("veritysetup"):
            self.skipTest("veritysetup is not here: apt-get install cryptsetup-bin")
        with tempfile.TemporaryDirectory() as folder:
            data, hashes = Path(folder) / "data", Path(folder) / "hashes"
            data.write_bytes(b"".join(hashlib.sha256(bytes([it])).digest() * 128 for it in range(200)))
            salt = hashlib.sha256(b"salt").digest()
            said = subprocess.run(["veritysetup", "format", f"--salt={salt.hex()}", data, hashes], capture_output=True, text=True).stdout
            found = next(it.split()[-1] for it in said.splitlines() if it.startswith("Root hash:"))
            self.assertEqual(look.root_hash(data.read_bytes(), None, 200, salt).hex(), found)
            self.assertEqual(hashes.read_bytes()[88:120], salt, "the initrd reads the salt there")

    def test_the_boot_loaders_choice_is_the_newest_that_is_not_known_to_be_bad(self):
        self.assertEqual(look.first(["demon_1.0.0.efi", "demon_1.10.0+3.efi", "demon_1.9.0.efi"]), "demon_1.10.0+3.efi")
        self.assertEqual(look.first(["demon_1.0.0.efi", "demon_1.1.0+0-3.efi"]), "demon_1.0.0.efi")
        self.assertEqual(look.first(["demon_1.1.0-rc1.efi", "demon_1.1.0+2-1.efi"]), "demon_1.1.0+2-1.efi")

    def test_a_file_system_that_a_journal_cannot_mend_is_told(self):
        if not shutil.which("mkfs.ext4") or not shutil.which("e2fsck"):
            self.skipTest("e2fsprogs is not here: apt-get install e2fsprogs")
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "data"
            place.write_bytes(bytes(8 << 20))
            subprocess.run(["mkfs.ext4", "-q", "-F", place], check=True, capture_output=True)
            self.assertIsNone(Looker.data(place))
            data = bytearray(place.read_bytes())
            data[2048 + 8:2048 + 200] = b"\xff" * 192
            place.write_bytes(data)
            self.assertIn("e2fsck answers", Looker.data(place))
            place.write_bytes(bytes(8 << 20))
            self.assertIsNone(Looker.data(place), "not made yet")

    def test_a_disk_without_a_kernel_that_is_a_program_is_told(self):
        if not shutil.which("mdir") or not shutil.which("mkfs.vfat"):
            self.skipTest("mtools and dosfstools are not here: apt-get install mtools dosfstools")
        with tempfile.TemporaryDirectory() as folder:
            esp, place = Path(folder) / "esp", Path(folder) / "disk"
            esp.write_bytes(bytes(layout.ESP_MIB << 20))
            subprocess.run(["mkfs.vfat", "-F", "32", esp], check=True, capture_output=True)
            for words in (["mmd", "-i", esp, "::/EFI"], ["mmd", "-i", esp, "::/EFI/Linux"]):
                subprocess.run(words, check=True, capture_output=True)
            kernel = Path(folder) / "demon_1.0.0.efi"
            kernel.write_bytes(bytes(4096))
            subprocess.run(["mcopy", "-i", esp, kernel, "::/EFI/Linux/"], check=True, capture_output=True)
            empty = Path(folder) / "empty"
            empty.write_bytes(b"")
            layout.write(place, layout.layout(esp, empty, empty))
            self.assertEqual(Looker(folder).wrong(place), "no kernel file is a program")
            kernel.write_bytes(b"MZ" + bytes(4096))
            subprocess.run(["mcopy", "-o", "-i", esp, kernel, "::/EFI/Linux/"], check=True, capture_output=True)
            layout.write(place, layout.layout(esp, empty, empty))
            self.assertIn("is not whole", Looker(folder).wrong(place))
