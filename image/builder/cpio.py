"""A cpio archive (newc) of a folder, as the kernel unpacks it: names in order, everything root's, one time, so that it is the same twice."""

import os
import stat

ALIGN = 4


def padded(data):
    return data + b"\0" * (-len(data) % ALIGN)


def entry(number, name, mode, body, epoch, links=1, device=(0, 0)):
    """One entry; `body` is a file's content or a link's target."""
    fields = (number, mode, 0, 0, links, epoch, len(body), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % it for it in fields)
    return padded(head + name.encode() + b"\0") + padded(body)


def archive(folder, epoch):
    """The whole archive of what lies below `folder`."""
    paths = sorted(it for it in folder.rglob("*"))
    parts = []
    for number, path in enumerate(paths, 1):
        name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        if stat.S_ISLNK(mode):
            body, mode = os.readlink(path).encode(), stat.S_IFLNK | 0o777
        elif stat.S_ISDIR(mode):
            body, mode = b"", stat.S_IFDIR | 0o755
        else:
            body, mode = path.read_bytes(), stat.S_IFREG | (0o755 if mode & 0o100 else 0o644)
        parts.append(entry(number, name, mode, body, epoch))
    # The kernel's first process wants a console before it has mounted /dev.
    parts.append(entry(len(paths) + 1, "dev/console", stat.S_IFCHR | 0o600, b"", epoch, device=(5, 1)))
    parts.append(entry(0, "TRAILER!!!", 0, b"", 0))
    return b"".join(parts)
