"""The named kernel configurations: which fragments each is made of, for whom.

A layer has a fragment file `configs/<layer>.config`, and over it, where there is such a file,
`<layer>.<arch>.config`, `<layer>.<monitor>.config` and `<layer>.<monitor>.<arch>.config`. In it a
line `#@ before 6.9` or `#@ from 6.9` limits the lines below it, up to the next `#@` line, to those
series of the kernel, for options that were renamed; `#@ all` ends the limit.
"""

from __future__ import annotations

from frameworks.architectures import TABLE
from frameworks.scripts import read

LAYERS: dict[str, tuple[str, ...]] = {
    "tiny": ("tiny",),
    "microvm": ("tiny", "microvm"),
    "full-net": ("tiny", "microvm", "full-net"),
}
"""Named configurations and the fragments they consist of, lowest first. All start from the
kernel's `tinyconfig`, where everything is off."""

DEFAULT = "microvm"

TARGETS = ("defconfig", "tinyconfig", "allnoconfig")
"""The kernel's own configurations that may be named instead."""


def series(version: str) -> tuple[int, int]:
    """The series of a version: "6.12.117" and "6.12" are (6, 12). ValueError for anything else."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def fragments(name: str, architecture: str, monitor: str) -> list[tuple[str, str]]:
    """The fragments of a named configuration as (file name, text), in merging order.

    `architecture` is OCI's, "amd64" or "arm64". KeyError for an unknown name.
    """
    arch = TABLE[architecture].linux.arch
    found = []
    for layer in LAYERS[name]:
        for over in ("", f".{arch}", f".{monitor}", f".{monitor}.{arch}"):
            file = f"{layer}{over}.config"
            if (fragment := read("frameworks.linux", "configs", file)) is not None:
                found.append((file, fragment.decode()))
    return found


def limit(text: str, version: str) -> str:
    """A fragment without the lines that are for other series.

    They become empty lines: an error's line number is still the file's.
    """
    ours = series(version)
    keep = True
    out = []
    for line in text.splitlines():
        if line.startswith("#@"):
            _, word, *edge = line.split()
            keep = (
                word == "all"
                or (word == "before" and ours < series(edge[0]))
                or (word == "from" and ours >= series(edge[0]))
            )
        out.append(line if keep else "")
    return "\n".join(out) + "\n"
