"""What the recipes of NetBSD and FreeBSD share: sources, kernel configuration, init.

`kernconf` and `unpack` run inside build steps, as single files in the toolchain's own Python.
"""
