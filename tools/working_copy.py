"""A copy of the working tree in which a check may change things: what git keeps or would keep, brought up to date.

Used by `tools/faults/run` and `tools/mutants/run`. A file that is equal keeps its time, so that only what changed is built again;
a file that is gone from the tree goes from the copy. Nothing in the tree itself is touched.
"""

import shutil
import subprocess


def tracked(root):
    """The names of all files that git keeps or would keep, less what was deleted, in order."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})


def bring_up_to_date(root, copy):
    """Makes `copy` hold what the tree below `root` holds; answers the names."""
    names = tracked(root)
    for name in names:
        source, target = root / name, copy / name
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    kept = set(names)
    for path in copy.rglob("*"):
        if path.is_file() and path.relative_to(copy).as_posix() not in kept:
            path.unlink()
    return names
