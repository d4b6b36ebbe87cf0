"""Unpacks packages into a folder, as they are: no script of a package is run, so nothing of the building machine gets into the image.

What scripts would have done is ours to do, and stands in `tree`: users, links, what is switched on. A folder that was unpacked whole
bears a stamp, and is taken again as long as the lock says the same.
"""

import shutil
import subprocess

from .told import Refused


def stamped(folder, key):
    stamp = folder / ".stamp"
    return stamp.is_file() and stamp.read_text() == key


def stamp(folder, key):
    (folder / ".stamp").write_text(key)


def into(folder, files, key, note):
    """Unpacks `files` (package to path) into `folder`, unless `key` says that it was done."""
    if stamped(folder, key):
        note("as before")
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # /bin, /lib and the like are links into /usr; a package that still ships a path below them must land there.
    for name in ("bin", "sbin", "lib", "lib64"):
        (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(f"usr/{name}")
    for package, path in files.items():
        # Through a pipe and not `dpkg-deb -x`: tar then keeps a link to a folder that is there.
        reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE)
        done = subprocess.run(["tar", "-x", "-C", folder, "--keep-directory-symlink", "--no-same-owner", "-f", "-"],
                              stdin=reader.stdout, capture_output=True, text=True)
        if reader.wait() != 0 or done.returncode != 0:
            raise Refused(f"{package.name}: could not be unpacked: {done.stderr.strip()}")
    stamp(folder, key)
    note(f"{len(files)} packages")
