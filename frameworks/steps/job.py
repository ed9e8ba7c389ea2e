"""One image of a file system that is to be written: what its writer is handed."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from frameworks.rootfs.filesystems import FileSystem
from frameworks.steps import full, tar
from frameworks.steps.entries import TreeEntry

UUID = "68757463-6800-4000-8000-000000000001"
"""The identity of every file system that hutch makes, and the seed of its directory hashes."""

_TOO_SMALL = (b"Could not allocate", b"No space", b"larger than", b"too big for a filesystem")
_MIB = 1 << 20


class PackError(Exception):
    """Why a tree could not be packed, in one line for the user."""


@dataclass(frozen=True, slots=True)
class Job:
    """The tree as `entries`, as its format holds them, and the file `output` that is to be made.

    `when` is the time of the image in seconds, `size` its size in bytes, None for one that fits;
    `stage` is a directory in which copies may be made.
    """

    filesystem: FileSystem
    entries: list[TreeEntry]
    output: str
    when: int
    size: int | None
    stage: str

    def run(
        self,
        arguments: Sequence[str],
        entries: list[TreeEntry] | None = None,
        *,
        needed: int | None = None,
        epoch: bool = True,
    ) -> None:
        """Run the file system's program, with `entries` as a tar archive on its standard input
        where it reads one, and the time as SOURCE_DATE_EPOCH where it wants that.

        `needed` is the size in bytes that our own reckoning gives an image that has one. Raises
        PackError where the program fails: with other words than its own where the builder's disk is
        full, and where the image is.
        """
        name = posixpath.basename(self.filesystem.program)
        with subprocess.Popen(
            [name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(self.when if epoch else None),
        ) as tool:
            assert tool.stdin is not None
            assert tool.stdout is not None
            try:
                with tool.stdin as archive:
                    if entries is not None:
                        tar.write(entries, archive)
            except BrokenPipeError:
                pass  # the tool ended early: its own words say why
            said = tool.stdout.read()
        if tool.returncode == 0:
            return
        # Of a full disk most tools say something else: they find their own writes damaged, or their
        # image full.
        if b"No space left on device" in said or full.is_full(os.path.dirname(self.output)):
            raise PackError(full.FULL)
        if needed is not None and any(sign in said for sign in _TOO_SMALL):
            raise PackError(_too_small(self.size, needed))
        raise PackError(_last(name, said))


def environment(when: int | None) -> dict[str, str]:
    """What a program finds in its environment."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    if when is not None:
        env["SOURCE_DATE_EPOCH"] = str(when)
    return env


def _too_small(size: int | None, needed: int) -> str:
    """What to say where the tree does not fit, for a size that the user gave or for our own."""
    if size is None:
        return f"{needed // _MIB} MiB are too small for the tree; say its size in rootfs.size"
    mib = f"{size / _MIB:.3g}"
    if size >= needed:
        return f"rootfs.size of {mib} MiB is too small for the tree; make it larger"
    return (
        f"rootfs.size of {mib} MiB is too small: the tree needs about {needed // _MIB} MiB "
        f"('{needed // _MIB}M'), and without rootfs.size the image fits it"
    )


def _last(tool: str, said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return f"{tool}: {lines[-1] if lines else 'failed without a word'}"
