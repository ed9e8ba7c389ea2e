"""ext4 and ext2 images, by mke2fs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frameworks.rootfs.filesystems import EXT2, EXT4, FileSystem
from frameworks.steps.entries import TreeEntry, space
from frameworks.steps.job import UUID, Job

_NOW = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
"""Everything is written at once, instead of by the guest when it first mounts it."""
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class _Kind:
    """What mke2fs is told of one of the family: its features, and whether it has a journal."""

    features: str
    journal: bool


_KINDS = {
    # Features of new e2fsprogs that Linux before 5.15 refuses.
    EXT4.name: _Kind("^orphan_file,^metadata_csum_seed", journal=True),
    # Nothing newer than ext2 itself but a place for capabilities; who does not know it ignores it.
    EXT2.name: _Kind("none,ext_attr", journal=False),
}


def image_size(filesystem: FileSystem, entries: Sequence[TreeEntry]) -> int:
    """The size in bytes of an image that holds `entries`, with room to write.

    Data in blocks of 4 KiB, an inode and a directory entry each, a quarter as much again, and a
    journal where there is one; in steps of 4 MiB.
    """
    data = space(entries, 4096, 512)
    spare = max(data // 4, 4 * _MIB)
    journal = 0
    if _KINDS[filesystem.name].journal:
        journal = max(4 * _MIB, min(64 * _MIB, data // 16))
    step = 4 * _MIB
    return -(-(data + spare + journal) // step) * step


def write(job: Job) -> None:
    """Write the image. Raises PackError."""
    needed = image_size(job.filesystem, job.entries)
    with open(job.output, "wb") as out:
        out.truncate(job.size or needed)
    inodes = max(256, len(job.entries) + len(job.entries) // 4 + 64)
    # fmt: off
    arguments = [
        "-q", "-F",
        "-t", job.filesystem.name,
        "-O", _KINDS[job.filesystem.name].features,
        "-b", "4096",
        "-N", str(inodes),
        "-m", "0",
        "-U", UUID,
        "-E", f"hash_seed={UUID},{_NOW}",
        "-d", "-",
        job.output,
    ]
    # fmt: on
    job.run(arguments, job.entries, needed=needed)
