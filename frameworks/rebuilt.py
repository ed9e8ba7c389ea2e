"""Images that were made for the runtime already: what in them was for their own boot is replaced.

hutch puts an init program before an image's command, its configuration into the files, and beside
them a kernel and what tells the runtime to boot it; so does bunny. An image that is built on such
an image gets its own of each, so that building on it gives what building once gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from frameworks.diagnostics import Problems, problem
from frameworks.process import Process
from frameworks.runtime import RUNTIME
from llb import Meta, Range, SourceFile, State, imageconfig, rm

ROOTFS = "/.boot/rootfs"
"""Where hutch and bunny put a packed root filesystem."""

_FILES = ("/.boot", "/.hutch", RUNTIME.file, RUNTIME.init)
"""What hutch and bunny add to the files of an image."""


def is_made(config: bytes) -> bool:
    """Whether an image with this config was made for the runtime: its labels or its init tell.

    Raises ValueError for what is no image config.
    """
    found = imageconfig.parse(config).get("config") or {}
    args = [*(found.get("Entrypoint") or ()), *(found.get("Cmd") or ())]
    return bool(RUNTIME.short(found.get("Labels") or {})) or args[:1] == [RUNTIME.init]


def packed(config: bytes) -> str:
    """The key (`Keys.roots`) by which an image has its root in a file that is all it has.

    "" for an image whose files are its root. Raises ValueError for what is no image config.
    """
    labels = (imageconfig.parse(config).get("config") or {}).get("Labels") or {}
    found = RUNTIME.short(labels)
    return next((key for key in RUNTIME.keys.roots if found.get(key) == ROOTFS), "")


def without_init(process: Process) -> Process:
    """The process without the init programs that start it."""
    entrypoint, cmd = process.entrypoint, process.cmd
    while entrypoint[:1] == (RUNTIME.init,):
        entrypoint = entrypoint[1:]
    while not entrypoint and cmd[:1] == (RUNTIME.init,):
        cmd = cmd[1:]
    if (entrypoint, cmd) == (process.entrypoint, process.cmd):
        return process
    return replace(process, entrypoint=entrypoint, cmd=cmd)


def bare(tree: State, kept: Iterable[str], meta: Meta) -> State:
    """The files of such an image without what was added for its boot, but for the paths `kept`."""
    needed = [path.strip("/") for path in kept]
    gone = [
        path
        for path in _FILES
        if not any(f"{name}/".startswith(f"{path.strip('/')}/") for name in needed)
    ]
    if not gone:
        return tree
    return tree.file(*(rm(path, allow_not_found=True) for path in gone), meta=meta)


def no_files(image: str, kind: str, at: Range, file: SourceFile | None = None) -> Problems:
    """The error of a base whose files are packed (`kind`: see `packed`)."""
    return problem(
        "packed-base",
        f"'{image}' has its files packed in {ROOTFS} ({kind}), and nothing can be built on them",
        hint="build on the image that it was made of; a bunnyfile can take the file as it is, with "
        f"'path: {ROOTFS}'",
        at=at,
        file=file,
    )
