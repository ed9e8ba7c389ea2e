"""Root filesystems that are one file: a cpio archive (`initrd`) or a file system image (`block`).

They are written by `frameworks.steps.pack`, run in hutch's own image.
"""

from __future__ import annotations

from dataclasses import dataclass

from frameworks.base import Build, File
from frameworks.rootfs.filesystems import TABLE
from frameworks.spec import parse_size
from llb import Mount, State, scratch

ROOTFS = "/.boot/rootfs"
"""Where the image has it, and so where the packing step leaves it: its output is the layer."""

_TREE = "/tree"
_OUT = "/out"
_REPORTS = "/reports"
_REPORT = "/report.json"
_STAGE = "/stage"


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed tree, and what its format could not keep of it (`pack.Report` as JSON)."""

    file: File
    report: File


def initrd(build: Build, tree: State) -> Packed:
    """`tree` as a newc cpio archive."""
    return _pack(build, tree, ["initrd"], "pack the initrd")


def block(build: Build, tree: State) -> Packed:
    """`tree` as an image of the plan's file system, of the plan's size or one that fits."""
    rootfs = build.plan.rootfs
    format = TABLE[rootfs.filesystem or ""]
    size = ["--size", str(parse_size(rootfs.size))] if rootfs.size else []
    stage = ["--stage", _STAGE] if format.staged else []
    mounts = (Mount.tmpfs(_STAGE),) if format.staged else ()
    what = f"make the {format.name} image"
    return _pack(build, tree, [format.name, *size, *stage], what, mounts)


def _pack(
    build: Build, tree: State, arguments: list[str], what: str, mounts: tuple[Mount, ...] = ()
) -> Packed:
    plan = build.plan
    epoch = [] if plan.epoch is None else ["--epoch", str(plan.epoch)]
    step = build.tool(
        "frameworks.steps.pack",
        [
            *arguments,
            *epoch,
            *("--tree", _TREE, "--output", _OUT + ROOTFS, "--report", _REPORTS + _REPORT),
        ],
        mounts=(
            Mount.bind(_TREE, tree, readonly=True),
            Mount.bind(_OUT, scratch()),
            Mount.bind(_REPORTS, scratch()),
            *mounts,
        ),
        meta=build.meta("rootfs", what, plan.rootfs.size or plan.rootfs.type or plan.rootfs.at),
    )
    return Packed(File(step.mount(_OUT), ROOTFS), File(step.mount(_REPORTS), _REPORT))
