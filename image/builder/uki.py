"""A kernel, its initrd and its command line as one file that firmware starts (a UKI): the stub of systemd with sections added.

The stub is a PE file; sections are appended to it and its header is corrected. Times and checksums are left at nothing, so that the file is
the same twice.
"""

import struct

from .told import Refused

SECTION = struct.Struct("<8sIIIIIIHHI")
READ_ONLY_DATA = 0x40000040


def rounded(number, to):
    return -(-number // to) * to


class Portable:
    """The places of a PE header that adding sections has to know."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.header = struct.unpack_from("<I", data, 0x3C)[0]
        if data[self.header:self.header + 4] != b"PE\0\0":
            raise Refused("the boot stub is no PE file")
        self.count, = struct.unpack_from("<H", data, self.header + 6)
        optional = struct.unpack_from("<H", data, self.header + 20)[0]
        self.optional = self.header + 24
        self.align, self.file_align = struct.unpack_from("<II", data, self.optional + 32)
        self.headers_size, = struct.unpack_from("<I", data, self.optional + 60)
        self.table = self.optional + optional

    def sections(self):
        return [SECTION.unpack_from(self.data, self.table + 40 * it) for it in range(self.count)]

    def append(self, name, content):
        """Adds one section behind the last."""
        there = self.sections()
        place = rounded(max(it[2] + it[1] for it in there), self.align)
        at = rounded(len(self.data), self.file_align)
        entry = self.table + 40 * self.count
        first = min(it[4] for it in there if it[4])
        if first < entry + 40:
            raise Refused(f"the boot stub has no room for the head of another section ({name})")
        self.data.extend(b"\0" * (at - len(self.data)))
        size = rounded(len(content), self.file_align)
        self.data.extend(content + b"\0" * (size - len(content)))
        SECTION.pack_into(self.data, entry, name.encode(), len(content), place, size, at, 0, 0, 0, 0, READ_ONLY_DATA)
        self.count += 1
        struct.pack_into("<H", self.data, self.header + 6, self.count)
        struct.pack_into("<I", self.data, self.optional + 56, rounded(place + len(content), self.align))
        struct.pack_into("<I", self.data, self.optional + 60, max(self.headers_size, rounded(entry + 40, self.file_align)))
        struct.pack_into("<I", self.data, self.optional + 64, 0)


def os_release(text):
    """What the boot loader sorts by. A candidate (`1.2.0-rc1`) comes before its release here as everywhere with us; the boot loader wants `~` for that."""
    lines = text.decode().splitlines(keepends=True)
    return "".join(it.replace("-", "~", 1) if it.startswith("IMAGE_VERSION=") else it for it in lines).encode()


def make(stub, parts):
    """The file: `parts` are names and contents, the kernel last, since it unpacks itself behind its end."""
    portable = Portable(stub)
    taken = {it[0].rstrip(b"\0").decode() for it in portable.sections()}
    for name, content in parts:
        if name in taken:
            raise Refused(f"the boot stub has a section {name} already")
        portable.append(name, content)
    return bytes(portable.data)


def read(data):
    """The sections of such a file by name: how an image is looked into."""
    portable = Portable(data)
    return {it[0].rstrip(b"\0").decode(): bytes(portable.data[it[4]:it[4] + min(it[1], it[3])]) for it in portable.sections()}
