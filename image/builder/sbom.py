"""What is in an image and what whoever ships it owes: CycloneDX as JSON, and a table in words.

Debian packages come from the lock, their licences from their own `copyright` files; crates from Cargo. Where a program cannot read the
licence, source counts as owed.
"""

import json
import re
import subprocess

from .lock import HERE

REPO = HERE.parent
# Licences under which source is owed to whoever gets the program; compared by the beginning of their names.
WANT_SOURCE = ("gpl", "lgpl", "agpl", "mpl", "epl", "cddl")


def licences(text):
    """Short names of the licences that a package's `copyright` names: by its fields where it has some, else by the licences it speaks of."""
    if re.search(r"^Format:", text, re.MULTILINE):
        found = re.findall(r"^License:\s*(\S[^\n]*)$", text, re.MULTILINE)
        words = {word.strip("(),") for line in found for word in re.split(r"\s+(?:and/or|and|or|with)\s+|,\s*", line)}
        return sorted(it for it in words if it)
    spoken = {"GPL": r"GNU General Public License|\bGPL\b", "LGPL": r"GNU (Lesser|Library) General Public License|\bLGPL\b"}
    return [f"{name} (by its text)" for name, like in spoken.items() if re.search(like, re.sub(r"\s+", " ", text))]


def source(deb):
    """Name and version of the Debian source that a package was built from."""
    text = subprocess.run(["dpkg-deb", "--field", deb, "Source", "Package", "Version"], capture_output=True, text=True, check=True).stdout
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    name = fields.get("Source", fields["Package"])
    version = fields["Version"]
    if " (" in name:
        name, version = name.rstrip(")").split(" (")
    return name, re.sub(r"\+b\d+$", "", version)


def debian(files, trees, day):
    """A row for each package of the image."""
    rows = []
    for package, deb in files.items():
        tree = trees[package.group]
        name, version = source(deb)
        # A package's documents may be a link to another's.
        file = tree / "usr/share/doc" / package.name / "copyright"
        found = licences(file.read_text(errors="replace")) if file.is_file() else []
        archive = package.path.split("/", 1)[0]
        rows.append({
            "type": "library" if package.name.startswith("lib") else "application", "name": package.name, "version": package.version,
            "purl": f"pkg:deb/debian/{package.name}@{package.version}?arch=amd64", "licences": found,
            "hash": package.sha256, "source": f"{name} {version}",
            "source_url": f"https://snapshot.debian.org/package/{name}/{version}/",
            "archive": f"{archive} {day}",
        })
    return rows


def crates():
    """A row for each crate that the program is built from; nothing where there is no Cargo."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
    try:
        done = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    except FileNotFoundError:
        return []
    if done.returncode != 0:
        return []
    packages = json.loads(done.stdout)["packages"]
    return [{"type": "library", "name": it["name"], "version": it["version"], "purl": f"pkg:cargo/{it['name']}@{it['version']}",
             "licences": [it["license"]] if it.get("license") else [], "hash": "", "source": f"{it['name']} {it['version']}",
             "source_url": f"https://crates.io/crates/{it['name']}/{it['version']}", "archive": "crates.io"}
            for it in packages if it.get("source")]


def wants_source(row):
    """Whether source is owed; a package whose licence is not readable by a program counts as one of those."""
    return not row["licences"] or any(name.lower().startswith(WANT_SOURCE) for name in row["licences"])


def cyclone(rows, version, epoch):
    """The rows in CycloneDX 1.5; no time but that of the lock, so that it is the same twice."""
    import time

    def component(row):
        one = {"type": row["type"], "name": row["name"], "version": row["version"], "purl": row["purl"],
               "licenses": [{"license": {"name": it}} for it in row["licences"]],
               "externalReferences": [{"type": "source-distribution", "url": row["source_url"]}]}
        if row["hash"]:
            one["hashes"] = [{"alg": "SHA-256", "content": row["hash"]}]
        return one
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"timestamp": stamp, "component": {"type": "firmware", "name": "demon", "version": version}},
            "components": [component(it) for it in rows]}


def words(rows, version):
    """The table for a shipper."""
    lines = [f"What is in the image demon {version}, and what whoever ships it owes. No legal advice.", "",
             "Every licence's text is in the image, /usr/share/doc/PACKAGE/copyright. Where `source` says yes, the source goes with",
             "the box or a written offer for it does; the address is where Debian keeps exactly that source.", "",
             f"{'name':<36}{'version':<30}{'source':<8}licences"]
    for row in sorted(rows, key=lambda it: (it["archive"] == "crates.io", it["name"])):
        owed = "yes" if wants_source(row) else "no"
        lines.append(f"{row['name']:<36}{row['version']:<30}{owed:<8}{', '.join(row['licences']) or 'see its copyright file'}")
        if owed == "yes":
            lines.append(f"{'':<36}{row['source_url']}")
    lines += ["", f"{'built-in model':<36}{version:<30}{'no':<8}CC0-1.0", ""]
    return "\n".join(lines)


def write(folder, files, trees, day, version, epoch):
    """Writes sbom.json and sbom.txt; rows, and how many of them want their source offered."""
    rows = debian(files, trees, day) + crates()
    (folder / "sbom.json").write_text(json.dumps(cyclone(rows, version, epoch), indent=1) + "\n")
    (folder / "sbom.txt").write_text(words(rows, version))
    return rows, sum(map(wants_source, rows))
