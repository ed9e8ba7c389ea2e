"""A kernel's file: what kernel it is, and whether it is for the guest's architecture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

import frameworks
from frameworks import architectures, kernelfile
from frameworks.diagnostics import problem

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.rootfs.lookup import File


class _Stream(io.RawIOBase):
    """A file of which parts are read, as a stream that can seek."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._at = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        assert whence == io.SEEK_SET
        self._at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._at, size)
        self._at += len(data)
        return data


def identify(file: File) -> kernelfile.KernelFile:
    """What kernel a file is, in few reads of it."""
    return kernelfile.identify(cast(BinaryIO, _Stream(file)))


def check_architecture(plan: Plan, file: File) -> None:
    """Raise Problems for a kernel that is for another architecture: nothing boots that.

    What the file of a generic guest is, nobody here knows.
    """
    kernel = plan.kernel
    if kernel is None or frameworks.guest(plan.framework).opaque:
        return
    found = identify(file)
    architecture = plan.platform.architecture
    if kernelfile.is_for(found, architecture):
        return
    at, other = kernel.path or kernel.from_, ""
    if found.architecture in architectures.TABLE:
        other = f", or build for {found.architecture}: --platform linux/{found.architecture}"
    raise problem(
        "wrong-architecture",
        f"'{at}' is {found}, and the image is for {architecture}",
        hint=f"take the kernel for {architecture}{other}",
        at=at.at,
        file=plan.file,
    )
