"""Users and groups of the image: Debian's own, and those that sysusers files ask for, with numbers that are the same in every build.

The files are written at build time, so that nothing has to write them at the start, and no account has a password or a shell.
"""

from .told import Refused

FIRST = 900
NOBODY_SHELL = "/usr/sbin/nologin"


def asked(folders):
    """Lines of the sysusers files, as words; a file's name counts once, in the order of names."""
    files = {}
    for folder in folders:
        for path in sorted(folder.glob("*.conf")):
            files[path.name] = path
    for name in sorted(files):
        for line in files[name].read_text().splitlines():
            words = line.split()
            if words and not line.startswith("#"):
                yield files[name], words


def number(word, used):
    """The number that a line asks for, or the next free one from `FIRST` on."""
    first = word.split(":")[0]
    if first.isdigit():
        return int(first)
    return next(it for it in range(FIRST, 1000) if it not in used)


def write(tree):
    """Writes passwd, group, shadow and gshadow of the tree; answers names of users to numbers."""
    base = tree / "usr/share/base-passwd"
    users = {line.split(":")[0]: line.split(":") for line in (base / "passwd.master").read_text().splitlines()}
    groups = {line.split(":")[0]: line.split(":") for line in (base / "group.master").read_text().splitlines()}
    used = {int(it[2]) for it in [*users.values(), *groups.values()]}

    def group(name, word="-"):
        if name not in groups:
            gid = number(word, used)
            used.add(gid)
            groups[name] = [name, "*", str(gid), ""]
        return groups[name]

    members = []
    for path, words in asked([tree / "usr/lib/sysusers.d"]):
        kind, name, word = words[0].rstrip("!"), words[1], words[2] if 2 < len(words) else "-"
        if kind == "g":
            group(name, word)
        elif kind == "u" and name not in users:
            gid = group(name, word)[2] if ":" not in word else group(word.split(":")[1])[2]
            users[name] = [name, "*", gid if ":" not in word else str(number(word, used)), gid, name, "/", NOBODY_SHELL]
        elif kind == "m":
            members.append((name, words[2]))
        elif kind not in ("u", "r"):
            raise Refused(f"{path}: `{' '.join(words)}` is not understood")
    for user, name in members:
        listed = [it for it in group(name)[3].split(",") if it]
        groups[name][3] = ",".join(dict.fromkeys([*listed, user]))
    for fields in users.values():
        # Nobody logs in: neither by a password nor by a shell.
        fields[1], fields[6] = "x", NOBODY_SHELL
    etc = tree / "etc"
    (etc / "passwd").write_text("".join(":".join(it) + "\n" for it in users.values()))
    (etc / "group").write_text("".join(":".join([it[0], "x", *it[2:]]) + "\n" for it in groups.values()))
    (etc / "shadow").write_text("".join(f"{name}:!*:1::::::\n" for name in users))
    (etc / "gshadow").write_text("".join(f"{name}:!*::\n" for name in groups))
    for name in ("shadow", "gshadow"):
        (etc / name).chmod(0o600)
    return {name: int(fields[2]) for name, fields in users.items()}
