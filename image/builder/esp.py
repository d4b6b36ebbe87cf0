"""The boot partition: the boot loader, its two lines of settings, and the first version with three tries. FAT, written without mounting."""

from .disk import ESP_MIB, MIB

LOADER = """\
# Straight to the newest version that is not known to be bad; nobody edits a command line here.
timeout 0
editor no
auto-firmware no
"""


def make(place, boot_loader, uki, version, tools):
    """Writes the file system. `+3` is the number of tries that the boot loader gives a version before it takes the other."""
    place.unlink(missing_ok=True)
    with open(place, "wb") as file:
        file.truncate(ESP_MIB * MIB)
    tools.run("mkfs.vfat", "--invariant", "-F", "32", "-n", "DEMON-ESP", "-i", "de300e5b", place)
    folders = ["EFI", "EFI/BOOT", "EFI/systemd", "EFI/Linux", "loader"]
    tools.run("mmd", "-i", place, *(f"::/{it}" for it in folders))
    settings = place.with_name("loader.conf")
    settings.write_text(LOADER)
    for source, target in ((boot_loader, "EFI/BOOT/BOOTX64.EFI"), (boot_loader, "EFI/systemd/systemd-bootx64.efi"),
                           (settings, "loader/loader.conf"), (uki, f"EFI/Linux/demon_{version}+3.efi")):
        tools.run("mcopy", "-i", place, source, f"::/{target}")
