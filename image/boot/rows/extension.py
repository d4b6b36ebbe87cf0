"""Extensions of the system: a real module built for the image's kernel, brought by a stick, loaded under Secure Boot; wrong keys and kernels refused."""

from ..guest import machine
from .common import restart, told

Wrong = machine.Wrong


def comes_by_a_stick(guest):
    guest.until_ready("demon-engine.service", 1500)
    for name, words in (("strange-extension", "is not signed with this box's key"), ("extension", "probe.extension is new")):
        guest.plug(guest.sticks_at[name])
        told(guest, words, 900)
        guest.pull()
    guest.plug(guest.sticks_at["old-extension"])
    told(guest, "old.extension is new", 900)
    guest.pull()
    names = guest.sh("ls /var/lib/demon/extensions").split()
    if len(names) != 2:
        raise Wrong(str(names))
    return f"refused, taken, and one for another kernel kept for that: {' '.join(names)}"


def module_is_loaded(guest):
    restart(guest)
    guest.until_ready("demon-engine.service", 1500)
    modules = guest.sh("cut -d' ' -f1 /proc/modules").split()
    status = guest.sh("dmsetup status extension-probe").split()
    mount = guest.sh("grep demon-extension /proc/mounts")
    if "demon_gpio_sim" not in modules or status[-1] != "V" or "erofs ro" not in mount:
        raise Wrong(f"{status} | {mount} | {modules}")
    said = guest.sh("journalctl -b -u demon-extensions --no-pager -o cat")
    if "probe 1 is in use" not in said or "is for another kernel" not in said:
        raise Wrong(said)
    return f"{mount}; {' '.join(said.splitlines()[-2:])}"


def wrong_key_is_refused(guest):
    # Ours of that name is loaded: the kernel would refuse a second one whoever signed it.
    code, said = guest.ask("rmmod demon_gpio_sim && insmod /run/demon-extension/probe/strange/demon-gpio-sim.ko")
    if code == 0 or not any(it in said for it in ("Key was rejected by service", "Required key not available")):
        raise Wrong(f"{code} {said}")
    return said.strip().splitlines()[-1]


def spoiled_block_is_refused(guest):
    """One byte of the file on data is changed: the kernel does not give the block out."""
    file = guest.sh("ls /var/lib/demon/extensions/probe_$(uname -r).extension")
    guest.sh(f"umount /run/demon-extension/probe; dmsetup remove extension-probe; for it in $(losetup | cut -d: -f1); do losetup -d $it; done; "
             f"printf X | dd of={file} bs=1 seek=$((4096 + 1030)) conv=notrunc 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches")
    code, said = guest.ask("/usr/lib/demon/extensions")
    if "cannot be mounted" not in said:
        raise Wrong(f"{code} {said}")
    return said.strip().splitlines()[-1]
