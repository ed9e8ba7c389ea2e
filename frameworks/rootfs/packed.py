"""Root filesystems that are one file: a cpio archive (`initrd`) or a file system image (`block`).

They are written by `frameworks.rootfs.pack`, run in hutch's own image.
"""

from __future__ import annotations

from frameworks.base import Build, File
from frameworks.spec import parse_size
from llb import Mount, State, scratch

ROOTFS = "/.boot/rootfs"
"""Where the image has it, and so where the packing step leaves it: its output is the layer."""

_TREE = "/tree"
_OUT = "/out"
_STAGE = "/stage"


def initrd(build: Build, tree: State) -> File:
    """`tree` as a newc cpio archive."""
    return _pack(build, tree, ["initrd"], "pack the initrd")


def block(build: Build, tree: State) -> File:
    """`tree` as an image of the plan's file system, of the plan's size or one that fits."""
    rootfs = build.plan.rootfs
    format = rootfs.filesystem or ""
    size = ["--size", str(parse_size(rootfs.size))] if rootfs.size else []
    # makefs has to read the tree from an empty tmpfs, which lists files in the order they came.
    staged = format in ("ffs", "ufs")
    stage = ["--stage", _STAGE] if staged else []
    mounts = (Mount.tmpfs(_STAGE),) if staged else ()
    return _pack(build, tree, [str(format), *size, *stage], f"make the {format} image", mounts)


def _pack(
    build: Build, tree: State, arguments: list[str], what: str, mounts: tuple[Mount, ...] = ()
) -> File:
    plan = build.plan
    epoch = [] if plan.epoch is None else ["--epoch", str(plan.epoch)]
    step = build.tool(
        "frameworks.rootfs.pack",
        [*arguments, *epoch, "--tree", _TREE, "--output", _OUT + ROOTFS],
        mounts=(Mount.bind(_TREE, tree, readonly=True), Mount.bind(_OUT, scratch()), *mounts),
        meta=build.meta("rootfs", what, plan.rootfs.type or plan.rootfs.at),
    )
    return File(step.mount(_OUT), ROOTFS)
