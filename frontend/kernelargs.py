"""The kernel that a build asks for where its file names none: a Dockerfile, or a v0.1 file.

    docker buildx build --build-arg HUTCH_KERNEL=source .

A Dockerfile may say it with a label too (`LABEL hutch.kernel=source`); the build argument wins.

HUTCH_KERNEL          `source` (the framework's own, built), `local`, or an image
HUTCH_KERNEL_PATH     the file, for `local` and for an image
HUTCH_KERNEL_CONFIG   with `source`: a named configuration, or a file of the build context
HUTCH_KERNEL_VERSION  with `source`: the kernel's version
"""

from __future__ import annotations

from collections.abc import Callable

from frameworks.diagnostics import problem
from frameworks.spec import Kernel, Text
from llb import SourceFile

KERNEL = "hutch.kernel"
PATH = f"{KERNEL}.path"
CONFIG = f"{KERNEL}.config"
VERSION = f"{KERNEL}.version"

KERNEL_PATH = "/.boot/kernel"
"""Where an image has its kernel that does not say so: where hutch and bunny put it."""


def argument(name: str) -> str:
    """The build argument that says the same as a label."""
    return name.upper().replace(".", "_")


def kernel(from_: Text, setting: Callable[[str], Text], file: SourceFile) -> Kernel:
    """The kernel that `from_`, the value of `KERNEL`, and the settings beside it ask for.

    `setting` gives the value of a name, "" for none. Raises Problems.
    """
    path = setting(PATH)
    if from_ == "source":
        return Kernel(from_.at, from_, config=setting(CONFIG) or None)
    if from_ == "local" and not path:
        raise problem(
            "missing-key",
            f"'{argument(KERNEL)}=local' needs '{argument(PATH)}'",
            hint="name the kernel's file in the build context",
            at=from_.at,
            file=file,
        )
    return Kernel(from_.at, from_, path=path or Text(KERNEL_PATH, from_.at))
