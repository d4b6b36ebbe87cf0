"""Power cuts: what a disk may hold when the power goes, made from a log of its writes and flushes, and looked at by programs that know file systems.

`log` reads what QEMU's blklogwrites has written, `states` makes disks of it, `look` looks at them, `cut` is the command (`image/cuts`).
"""
