"""The disk, sticks and firmware that each stage starts with."""

import functools
import hashlib
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from builder import keys, lock
from builder.lock import read as read_lock
from builder.told import Refused
from builder.tools import Tools

from . import disks, guest, plain, probe

OUT, NEXT, TO = (Path(f"target/image/{it}").resolve() for it in ("out", "next", "test"))
# Which disk a stage begins with that wants another's end.
KEPT = "first"


@dataclass
class Begun:
    """What a guest is started with."""

    disk: Path
    stick: Path | None = None
    sticks_at: dict = field(default_factory=dict)
    # A version that comes to no window.
    unfit: str | None = None
    # The second version, where the stage has one.
    following: str | None = None
    # How many times as long as a start may take.
    patience: float = 1
    secure: bool = False
    variables: Path | None = None
    # Kernel, initrd and command line of a system that is not ours.
    direct: tuple | None = None


def built(folder, what):
    found = sorted(folder.glob("demon_*.raw")) if folder.is_dir() else []
    if not found:
        raise Refused(f"{what} is not there: {folder}/demon_VERSION.raw")
    return found[-1]


def version(image):
    return image.name.removeprefix("demon_").removesuffix(".raw")


def key(image):
    """What makes results of another image worth nothing here."""
    text = image.with_suffix(".roothash").read_bytes() + hashlib.sha256(image.with_suffix(".efi").read_bytes()).digest()
    return hashlib.sha256(text).hexdigest()[:16]


def second():
    return built(NEXT, "a second version (image/make --version ... --to target/image/next)")


@functools.cache
def tools():
    """The programs of the lock that make file systems."""
    return Tools(Path("target/image/unpacked/tools").resolve(), read_lock().epoch())


@functools.cache
def small_model():
    """A disk with the model that the engine plays with in a guest."""
    folder = TO / "small-model"
    subprocess.run([lock.HERE.parent / "tools/vm-test/small-model", lock.HERE.parent / "models/house", folder], check=True)
    files = [(path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*")) if path.is_file()]
    disks.stick(TO / "small-model.fat", files, tools(), mebibytes=64)
    return TO / "small-model.fat"


def text(name, content):
    """A file of this content, for a stick."""
    place = TO / name
    place.write_text(content)
    return place


def brought(following):
    """The stick of the stage `update`: the next version, a recording, the box's file, and the wish for reports."""
    update = following.with_name(f"demon-{version(following)}.update")
    if not update.is_file():
        raise Refused(f"{update} is not there: it is built with keys only")
    recording = lock.HERE.parent / "models/house/demo.flac"
    files = [(update, update.name), (text("demon.toml", "[midi]\nfollow = false\n"), "demon/demon.toml"),
             (text("wish", ""), "demon-reports/put-them-here"), (recording, "demon/recordings/demo.flac")]
    disks.stick(TO / "stick.fat", files, tools())
    return TO / "stick.fat"


def kept(gibibytes=3):
    """A copy of the disk as the first start has left it."""
    place = TO / f"{KEPT}.raw"
    if not place.is_file():
        raise guest.machine.Skip(f"the first start has left no disk: image/test --only {KEPT}")
    disks.copy(place, TO / "stage.raw", gibibytes)
    return TO / "stage.raw"


def two_versions(ending, at=None):
    """A disk with the second version in the other slot, its kernel file under a name that ends so; with a bit of its root turned."""
    disk, image = kept(), second()
    disks.second_slot(disk, NEXT, version(image), tools(), ending)
    if at is not None:
        disks.turn_a_bit(disk, "demon-root-b", at)
    return disk, version(image)


def first(image):
    disks.copy(image, TO / "first.raw", 3)
    shutil.copy(guest.firmware()[1], TO / "variables.fd")
    return Begun(TO / "first.raw")


def second_start(_):
    return Begun(kept(4))


def care(_):
    sticks = {
        "faulty": [(text("faulty.toml", "[midi]\nfolow = false\n"), "demon/demon.toml")],
        "hopeless": [(text("hopeless.toml", '[play]\npatch = "/nowhere/at-all.toml"\n'), "demon/demon.toml")],
        "reset": [(text("factory-reset", "\n"), "demon/factory-reset")],
    }
    for name, files in sticks.items():
        disks.stick(TO / f"{name}.fat", files, tools(), mebibytes=64)
    return Begun(kept(), sticks_at={name: TO / f"{name}.fat" for name in sticks})


def reset(_):
    if not (TO / "care.raw").is_file() or not (TO / "reset.fat").is_file():
        raise guest.machine.Skip("the stage before has left no disk: image/test --only care")
    shutil.copy(TO / "care.raw", TO / "stage.raw")
    return Begun(TO / "stage.raw", stick=TO / "reset.fat")


def update(image):
    following = second()
    if (TO / f"{KEPT}.raw").is_file():
        disk = kept(4)
    else:
        # Its first start is as good as another.
        disk = TO / "stage.raw"
        disks.copy(image, disk, 3)
    return Begun(disk, stick=brought(following), following=version(following))


def damage(_):
    # In the file system's first block, which is read before anything else.
    disk, following = two_versions("+3", 1024 + 17)
    return Begun(disk, following=following, patience=4)


def damage_of_a_fit_one(_):
    disk, following = two_versions("", 1024 + 17)
    return Begun(disk, following=following, patience=2)


def damage_late(_):
    image = second()
    at = disks.place_of(image.with_suffix(".root"), "/usr/share/doc/demon/LICENSE-APACHE", tools())
    disk, following = two_versions("", at)
    return Begun(disk, following=following)


def unfit(_):
    disk, following = two_versions("+3")
    return Begun(disk, unfit=following, following=following)


def data_gone(image):
    """On a disk that ends where the image does there is no room for data."""
    shutil.copy(image, TO / "stage.raw")
    return Begun(TO / "stage.raw")


def data_corrupt(_):
    disk = kept()
    disks.spoil(disk, "demon-data", 96 << 20)
    return Begun(disk)


def data_full(_):
    return Begun(kept())


def strange_keys():
    """Somebody else's."""
    folder = TO / "strange-keys"
    if not folder.is_dir():
        keys.make(folder, "somebody else")
    return keys.read(folder)


def with_keys(image, kernel):
    """A disk whose boot loader enrols the test's keys at its first start; with another kernel file where one is given."""
    disk = TO / "stage.raw"
    disks.copy(image, disk, 3)
    owner = keys.read(Path("target/image/test-keys"), are_tests=True)
    loader = text("loader-enrol.conf", "timeout 0\neditor no\nsecure-boot-enroll force\n")
    files = [(place, f"loader/keys/auto/{place.name}") for place in keys.enrolment(owner, tools(), TO / "enrolment")]
    disks.put_on_esp(disk, [(loader, "loader/loader.conf"), *files], tools())
    if kernel is not None:
        disks.put_on_esp(disk, [(kernel, f"EFI/Linux/demon_{version(image)}+3.efi")], tools())
    variables = TO / "variables-secure.fd"
    shutil.copy(guest.firmware(secure=True)[1], variables)
    # What is to be refused is refused at once: nobody waits for a shell.
    return Begun(disk, secure=True, variables=variables, patience=2 if kernel is None else 0.25)


def secure(image):
    return with_keys(image, None)


def secure_unsigned(image):
    unsigned = Path("target/image/unsigned.efi")
    if not unsigned.is_file():
        raise guest.machine.Skip("the build's own unsigned kernel file is gone: image/make")
    return with_keys(image, unsigned)


def secure_foreign(image):
    keys.sign_boot(strange_keys(), tools(), Path("target/image/unsigned.efi"), TO / "foreign.efi")
    return with_keys(image, TO / "foreign.efi")


def opened(_):
    """A box whose file opens what is closed otherwise."""
    settings = text("open.toml", '[open]\nconsole = true\nclock = ["dhcp", "10.0.2.2"]\n')
    disks.stick(TO / "open.fat", [(settings, "demon/demon.toml")], tools(), mebibytes=64)
    return Begun(kept(), sticks_at={"open": TO / "open.fat"})


def plain_debian(image):
    disk, direct = plain.make(Path("target/image").resolve(), TO, image)
    return Begun(disk, direct=direct, patience=2)


def probe_sticks(names):
    """Sticks with the probes' extension: of this box's key (`extension`), of another's (`strange-extension`), for another kernel (`old-extension`)."""
    owner = keys.read(Path("target/image/test-keys"), are_tests=True)
    made = {"extension": ("probe.extension", owner, None), "strange-extension": ("strange.extension", strange_keys(), None),
            "old-extension": ("old.extension", owner, "6.1.0-old")}
    sticks = {}
    for stick in names:
        name, whose, kernel = made[stick]
        probe.make(Path("target/image").resolve(), TO / name, whose, kernel, beside=strange_keys())
        disks.stick(TO / f"{stick}.fat", [(TO / name, f"demon/extensions/{name}")], tools(), mebibytes=96)
        sticks[stick] = TO / f"{stick}.fat"
    return sticks


def with_extension(image):
    begun = with_keys(image, None)
    begun.sticks_at = probe_sticks(["extension", "strange-extension", "old-extension"])
    return begun


def hands(_):
    return Begun(kept())


def devices(_):
    return Begun(kept(), sticks_at=probe_sticks(["extension"]))


BEGIN = {
    "first": first, "second": second_start, "care": care, "reset": reset, "update": update, "damage": damage,
    "damage-of-a-fit-one": damage_of_a_fit_one, "damage-late": damage_late, "unfit": unfit, "data-gone": data_gone, "data-corrupt": data_corrupt,
    "data-full": data_full, "secure": secure, "secure-unsigned": secure_unsigned, "secure-foreign": secure_foreign, "extension": with_extension,
    "devices": devices, "hands": hands,
    "open": opened, "plain": plain_debian,
}


def begin(stage, image):
    """Prepares a stage; where it leaves its disk for others, under its own name."""
    begun = BEGIN[stage](image)
    own = TO / f"{stage}.raw"
    if begun.disk != own:
        begun.disk.replace(own)
        begun.disk = own
    if begun.variables is None:
        begun.variables = TO / "variables.fd"
        if not begun.variables.is_file():
            shutil.copy(guest.firmware()[1], begun.variables)
    return begun


def forget(stage):
    """Disks are large: only those that another stage begins with stay."""
    if stage not in (KEPT, "care"):
        (TO / f"{stage}.raw").unlink(missing_ok=True)
