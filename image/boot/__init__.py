"""`make image-test`: the built image in QEMU with UEFI firmware, asked from outside and from inside. See `rows` for what is asked."""
