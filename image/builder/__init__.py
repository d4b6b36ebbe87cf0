"""Builds the box's image: packages of image/lock and our program in, a disk image out. See image/README.md.

In the order in which a build runs: lock, fetch, unpack, tools, users, tree, modules, initrd, verity, uki, sign, disk, sbom, report;
`build` ties them together. Nothing here wants root, a loop device or a network other than the archive's mirror.
"""
