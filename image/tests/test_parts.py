"""What the builder writes by itself is what others read: partition table, kernel file, initrd, users."""

import contextlib
import json
import shutil
import struct
import subprocess
import tempfile
import unittest
import uuid
import zlib
from pathlib import Path

from builder import cpio, disk, keys, nvidia, sbom, uki, update, users
from builder.told import Refused


@contextlib.contextmanager
def made_owner(test):
    """A folder, and an owner whose keys lie in it; without openssl the test is skipped."""
    if not shutil.which("openssl"):
        test.skipTest("openssl is not here")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys.make(folder / "keys", "a test")
        yield folder, keys.read(folder / "keys")


def small_stub():
    """A PE file with one section and room for more heads."""
    data = bytearray(0x400)
    struct.pack_into("<I", data, 0x3C, 0x80)
    data[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<HH", data, 0x84, 0x8664, 1)
    struct.pack_into("<H", data, 0x80 + 20, 240)
    struct.pack_into("<II", data, 0x98 + 32, 0x1000, 0x200)
    struct.pack_into("<I", data, 0x98 + 60, 0x400)
    uki.SECTION.pack_into(data, 0x98 + 240, b".text", 0x100, 0x1000, 0x200, 0x400, 0, 0, 0, 0, 0x60000020)
    return bytes(data) + b"\x90" * 0x200


class Disk(unittest.TestCase):
    def made(self, folder):
        content = Path(folder) / "root"
        content.write_bytes(b"root" * 1024)
        place = Path(folder) / "disk"
        return place, disk.write(place, disk.layout(content, content, content))

    def test_both_headers_add_up_and_point_at_each_other(self):
        with tempfile.TemporaryDirectory() as folder:
            place, size = self.made(folder)
            data = place.read_bytes()
        last = size // 512 - 1
        for here, there, entries_at in ((1, last, 2), (last, 1, last - 32)):
            head = bytearray(data[here * 512:here * 512 + 92])
            crc, = struct.unpack_from("<I", head, 16)
            struct.pack_into("<I", head, 16, 0)
            self.assertEqual(crc, zlib.crc32(head))
            self.assertEqual(struct.unpack_from("<QQ", head, 24), (here, there))
            entries = data[entries_at * 512:entries_at * 512 + 128 * 128]
            self.assertEqual(struct.unpack_from("<I", head, 88)[0], zlib.crc32(entries))
        self.assertEqual(data[2 * 512 + 128 + 16:2 * 512 + 128 + 32], uuid.uuid5(uuid.NAMESPACE_DNS, "root-a.demon.invalid").bytes_le)
        self.assertEqual(data[disk.MIB * 193:disk.MIB * 193 + 4], b"root")

    def test_another_program_finds_the_partitions_and_room_for_data_behind_them(self):
        try:
            subprocess.run(["systemd-repart", "--version"], capture_output=True, check=True)
        except FileNotFoundError:
            self.skipTest("systemd-repart is not here (Debian: apt-get install systemd-repart, before 13: systemd)")
        with tempfile.TemporaryDirectory() as folder:
            place, size = self.made(folder)
            # A disk that is larger than the image, as the disk of a box is.
            command = ["systemd-repart", "--dry-run=yes", "--json=short", f"--size={size + (1 << 30)}", "--definitions=image/repart.d", place]
            done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {it["label"]: it for it in json.loads(done.stdout)}
        self.assertEqual({"demon-esp", "demon-root-a", "demon-verity-a", "demon-root-b", "demon-verity-b", "demon-data"} - rows.keys(), set(), done.stdout)
        self.assertGreater(rows["demon-data"]["raw_size"], 900 << 20)


class Kernel(unittest.TestCase):
    def test_sections_come_out_as_they_went_in(self):
        parts = [(".cmdline", b"quiet"), (".linux", b"kernel" * 1000)]
        read = uki.read(uki.make(small_stub(), parts))
        self.assertEqual([read[name] for name, _ in parts], [content for _, content in parts])

    def test_the_boot_loader_takes_a_candidate_for_older_than_its_release(self):
        text = b"NAME=a-b\nIMAGE_ID=demon\nIMAGE_VERSION=1.2.0-rc1\n"
        self.assertEqual(uki.os_release(text), b"NAME=a-b\nIMAGE_ID=demon\nIMAGE_VERSION=1.2.0~rc1\n")
        self.assertEqual(uki.os_release(b"IMAGE_VERSION=1.2.0\n"), b"IMAGE_VERSION=1.2.0\n")

    def test_a_second_section_of_a_name_and_a_file_without_room_are_refused(self):
        with self.assertRaises(Refused):
            uki.make(small_stub(), [(".text", b"")])
        with self.assertRaises(Refused):
            uki.make(small_stub(), [(f".s{it}", b"x") for it in range(20)])
        with self.assertRaises(Refused):
            uki.make(b"no such file" * 100, [])


class Initrd(unittest.TestCase):
    def test_an_archive_unpacks_to_what_was_packed(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "bin").mkdir()
            (Path(folder) / "bin/tool").write_bytes(b"#!")
            (Path(folder) / "init").symlink_to("bin/tool")
            packed = cpio.archive(Path(folder), 1)
        names, at = {}, 0
        while packed[at:at + 6] == b"070701":
            fields = [int(packed[at + 6 + 8 * it:at + 14 + 8 * it], 16) for it in range(13)]
            name = packed[at + 110:at + 110 + fields[11] - 1].decode()
            body = at + (110 + fields[11] + 3) // 4 * 4
            names[name] = packed[body:body + fields[6]]
            at = body + (fields[6] + 3) // 4 * 4
        self.assertEqual(at, len(packed))
        self.assertEqual((names["bin/tool"], names["init"]), (b"#!", b"bin/tool"))
        self.assertIn("dev/console", names)


class Users(unittest.TestCase):
    def test_users_have_numbers_groups_no_password_and_no_shell(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder)
            (tree / "usr/share/base-passwd").mkdir(parents=True)
            (tree / "usr/share/base-passwd/passwd.master").write_text("root::0:0:root:/root:/bin/bash\n")
            (tree / "usr/share/base-passwd/group.master").write_text("root:*:0:\naudio:*:29:\n")
            (tree / "usr/lib/sysusers.d").mkdir(parents=True)
            (tree / "etc").mkdir()
            text = Path("systemd/sysusers.d/demon.conf").read_text()
            (tree / "usr/lib/sysusers.d/demon.conf").write_text(text)
            numbers = users.write(tree)
            lines = (tree / "etc/passwd").read_text().splitlines()
            self.assertTrue(all(it.endswith("/usr/sbin/nologin") for it in lines), lines)
            self.assertIn("root:!*:", (tree / "etc/shadow").read_text())
            self.assertIn("audio:x:29:demon", (tree / "etc/group").read_text())
            self.assertEqual(numbers["demon"], users.FIRST)
            (tree / "usr/lib/sysusers.d/odd.conf").write_text("q odd -\n")
            with self.assertRaises(Refused):
                users.write(tree)


class Update(unittest.TestCase):
    def test_an_update_is_head_signature_manifest_and_parts_as_its_reader_has_it(self):
        with made_owner(self) as (folder, owner):
            files = []
            for part, _ in update.PARTS:
                (folder / part).write_bytes(part.encode() * 3)
                files.append((part, folder / part))
            place = folder / "demon-1.2.3.update"
            update.write(owner, files, ("demon", "1.2.3", "ab" * 32), place)
            data = place.read_bytes()
            at = len(update.LINE)
            length, = struct.unpack_from("<I", data, at)
            signature, text = data[at + 4:at + 68], data[at + 68:at + 68 + length]
            self.assertEqual(data[at + 68 + length:], b"rootrootrootverityverityveritykernelkernelkernel")
            (folder / "message").write_bytes(update.LINE + text)
            (folder / "signature").write_bytes(signature)
            keys.openssl("pkeyutl", "-verify", "-rawin", "-inkey", owner.update_key, "-in", folder / "message", "-sigfile", folder / "signature")
            self.assertEqual(len(owner.update_public.read_text()), 65)
            with self.assertRaises(Refused):
                keys.make(folder / "keys", "again")
        # What the reader's own test reads begins in the same way.
        fixture = Path("appliance/tests/fixtures/update/small.update").read_bytes()
        self.assertEqual(fixture[:at], update.LINE)


class Modules(unittest.TestCase):
    def test_a_signed_module_bears_a_signature_that_others_find_to_be_right(self):
        with made_owner(self) as (folder, owner):
            path = folder / "some.ko"
            path.write_bytes(b"\x7fELF of a module")
            keys.sign_module(owner, path)
            data = path.read_bytes()
            mark = b"~Module signature appended~\n"
            self.assertTrue(data.endswith(mark))
            # struct module_signature: algorithm, hash, kind, two lengths, three bytes of nothing, the length of the signature.
            *head, length = struct.unpack(">BBBBB3xI", data[-len(mark) - 12:-len(mark)])
            self.assertEqual(head, [0, 0, 2, 0, 0])
            (folder / "signature").write_bytes(data[-len(mark) - 12 - length:-len(mark) - 12])
            (folder / "content").write_bytes(b"\x7fELF of a module")
            keys.openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "signature", "-content", folder / "content", "-certfile",
                         owner.boot_certificate, "-CAfile", owner.boot_certificate, "-purpose", "any", "-out", folder / "out")


class Enrolment(unittest.TestCase):
    """What firmware is to trust: it holds the signature against the variable's name, owner, attributes and time, and its content."""

    class Tools:
        epoch = 1_764_547_200

        def run(self, name, *words):
            Path(words[words.index("--output") + 1]).write_bytes(b"a list of one certificate")

    def test_each_variable_is_signed_as_firmware_will_look_at_it(self):
        with made_owner(self) as (folder, owner):
            for place in keys.enrolment(owner, self.Tools(), folder / "made"):
                data = place.read_bytes()
                year, month, day, *rest = struct.unpack_from("<HBBBBBBIhBB", data)
                self.assertEqual((year, month, day, rest[3:]), (2025, 12, 1, [0, 0, 0, 0, 0]))
                length, revision, kind = struct.unpack_from("<IHH", data, 16)
                self.assertEqual((revision, kind, data[16 + length:]), (0x200, 0xEF1, b"a list of one certificate"))
                guid = {"PK": keys.GLOBAL, "KEK": keys.GLOBAL, "db": keys.SECURITY}[place.stem]
                text = place.stem.encode("utf-16-le") + uuid.UUID(guid).bytes_le + b"\x27\0\0\0" + data[:16] + data[16 + length:]
                # Others want what firmware does not: the outer layer of a message.
                signed = data[40:16 + length]
                self.assertEqual(signed[0], 0x30)
                self.assertEqual(keys.within((folder / f"made/{place.stem}.p7").read_bytes()), signed)
                (folder / "text").write_bytes(text)
                keys.openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", folder / f"made/{place.stem}.p7", "-content", folder / "text",
                             "-CAfile", owner.boot_certificate, "-purpose", "any", "-out", folder / "out")


class Card(unittest.TestCase):
    """The vendor's installer, as far as it is looked at before anything is built."""

    def unpacked(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / name
            place.write_text(text)
            try:
                return nvidia.unpack(place, Path(folder) / "to")
            except Refused as refused:
                return str(refused)

    def test_what_is_no_installer_is_refused_and_one_with_open_modules_says_its_version(self):
        makes = 'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/{}"'
        name = "NVIDIA-Linux-x86_64-580.95.05.run"
        self.assertEqual(self.unpacked(name, makes.format("kernel-open")), "580.95.05")
        self.assertIn("no open kernel modules (expected version 570 or newer)", self.unpacked(name, makes.format("kernel")))
        self.assertIn("does not unpack: broken", self.unpacked(name, "echo broken >&2; exit 1"))
        self.assertIn("is no file NVIDIA-Linux-x86_64-VERSION.run", self.unpacked("driver.run", makes.format("kernel-open")))

    def test_an_installer_without_firmware_or_library_is_refused(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for words, more in (("firmware/gsp_*.bin", None), ("libcuda.so.580", "firmware/gsp_ga10x.bin")):
                if more:
                    (folder / more).parent.mkdir()
                    (folder / more).write_bytes(b"firmware")
                with self.assertRaises(Refused) as refused:
                    nvidia.lay_out(folder / "root", folder, "580", [], [], None, None)
                self.assertIn(words, str(refused.exception))


class Parts(unittest.TestCase):
    def test_source_is_owed_where_the_licence_asks_for_it_or_cannot_be_read(self):
        fields = "Format: https://x\n\nFiles: *\nLicense: BSD-3-clause and Expat\n text\n"
        for text, names, owed in (
            (fields, ["BSD-3-clause", "Expat"], False),
            (fields + "License: LGPL-2.1+\n", ["BSD-3-clause", "Expat", "LGPL-2.1+"], True),
            ("License:\n\n you can redistribute it under the terms of the GNU\n General Public License", ["GPL (by its text)"], True),
            ("do what you like", [], True),
        ):
            found = sbom.licences(text)
            self.assertEqual((found, sbom.wants_source({"licences": found})), (names, owed))
