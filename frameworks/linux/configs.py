"""The named kernel configurations: which fragments each is made of, for whom.

A layer has a fragment file `configs/<layer>.config`, and over it, where there is such a file,
`<layer>.<arch>.config`, `<layer>.<monitor>.config` and `<layer>.<monitor>.<arch>.config`. Lines of
it may be for some series of the kernel only (`frameworks.kit.kconfig.limit`).
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
