"""The initrd: busybox, dmsetup, a few modules, and `initrd/init`. It knows one root and starts no other."""

import shutil

from . import cpio, modules
from .lock import HERE

APPLETS = "sh mount umount find cat sort mv cmp modprobe grep cut mkdir switch_root sleep reboot hexdump".split()


def make(folder, kernel, image_tools, tools, verity, epoch):
    """The compressed initrd for one root, built below `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "dev", "efi", "proc", "sys", "run", "root", "lib64", "usr/lib"):
        (folder / name).mkdir(parents=True)
    (folder / "lib").symlink_to("usr/lib")
    # Where the kernel looks for modprobe when it wants a module by itself.
    (folder / "sbin").symlink_to("bin")
    shutil.copy(image_tools.folder / "usr/bin/busybox", folder / "bin/busybox")
    for name in APPLETS:
        (folder / "bin" / name).symlink_to("busybox")
    dmsetup = image_tools.folder / "usr/sbin/dmsetup"
    shutil.copy(dmsetup, folder / "bin/dmsetup")
    (folder / "usr/lib/x86_64-linux-gnu").mkdir()
    for library in image_tools.libraries(dmsetup):
        name = library.rsplit("/", 1)[1]
        shutil.copy(library, folder / "usr/lib/x86_64-linux-gnu" / name)
    shutil.copy(image_tools.folder / "usr/lib64/ld-linux-x86-64.so.2", folder / "lib64/ld-linux-x86-64.so.2")
    count = modules.few(kernel, folder, image_tools)
    (folder / "verity").write_text(f"{verity.name} {verity.hash} {verity.salt} {verity.blocks}\n")
    shutil.copy(HERE / "initrd/init", folder / "init")
    (folder / "init").chmod(0o755)
    shutil.copy(HERE / "root/usr/lib/demon/behind", folder / "bin/behind")
    (folder / "bin/behind").chmod(0o755)
    packed = tools.run("zstd", "-15", "-T1", "-q", "-c", input=cpio.archive(folder, epoch))
    return packed, count
