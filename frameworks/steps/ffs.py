"""UFS1 images (NetBSD's FFSv1), written by Debian's makefs, the same bytes for the same tree.

makefs writes files in the order in which the directory lists them, and leaves pointers of its own
memory in every copy of the superblock (docs/contract/kernels.md 8). So the tree is first copied
in order into an empty tmpfs, where the listing follows the order of creation, and the pointers are
zeroed.
Device nodes and owners come from an mtree specification: neither needs a privilege.

UFS1 and not UFS2, because Debian's makefs writes a UFS2 that FreeBSD refuses.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
from collections.abc import Iterable, Sequence

from frameworks.steps.entries import ROOT, TreeEntry, space
from frameworks.steps.job import Job

_MAGIC = 0x011954
_SUPERBLOCK = 8192
_MAGIC_AT = 1372
_POINTERS = slice(832, 848)
_MIB = 1 << 20


def image_size(entries: Sequence[TreeEntry]) -> int:
    """The size in bytes of an image that holds `entries`, with room to write; steps of 4 MiB."""
    data = space(entries, 8192, 256)
    step = 4 * _MIB
    return -(-(data + max(data // 4, 4 * _MIB)) // step) * step


def write(job: Job) -> None:
    """Write the image; if its bytes are to depend on the tree alone, `job.stage` is on a tmpfs.

    Raises PackError.
    """
    needed = image_size(job.entries)
    with tempfile.TemporaryDirectory(dir=job.stage) as stage:
        _write(job, stage, job.size or needed, needed)


def _write(job: Job, stage: str, size: int, needed: int) -> None:
    copy(job.entries, stage)
    specification = f"{job.output}.mtree"
    with open(specification, "wb") as file:
        file.write(mtree(job.entries))
    inodes = max(256, len(job.entries) // 4)
    # fmt: off
    arguments = [
        "-t", "ffs", "-B", "le", "-o", "version=1,minfree=0,optimization=space",
        "-T", str(job.when), "-s", str(size), "-f", str(inodes), "-F", specification,
        job.output, stage,
    ]
    # fmt: on
    try:
        job.run(arguments, needed=needed)
    finally:
        os.unlink(specification)
    with open(job.output, "r+b") as image:
        for at in superblocks(image.read(_SUPERBLOCK + _MAGIC_AT + 4)[_SUPERBLOCK:], size):
            image.seek(at + _MAGIC_AT)
            if image.read(4) != struct.pack("<I", _MAGIC):
                raise OSError(f"makefs left no superblock at {at}")
            image.seek(at + _POINTERS.start)
            image.write(bytes(_POINTERS.stop - _POINTERS.start))


def copy(entries: Iterable[TreeEntry], stage: str) -> None:
    """Copy `entries` into `stage` in their order; device nodes are left to the specification."""
    top = os.fsencode(stage)
    first: dict[int, bytes] = {}
    entries = list(entries)
    for entry in entries:
        to = os.path.join(top, entry.name)
        kind = stat.S_IFMT(entry.mode)
        if kind in (stat.S_IFCHR, stat.S_IFBLK):
            continue
        if entry.inode in first:
            os.link(first[entry.inode], to, follow_symlinks=False)
            continue
        if kind == stat.S_IFDIR:
            if entry.name != ROOT:
                os.mkdir(to)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(entry.path), to)
        elif kind == stat.S_IFREG:
            shutil.copyfile(entry.path, to, follow_symlinks=False)
        else:
            os.mkfifo(to)
        if kind != stat.S_IFDIR:
            first[entry.inode] = to
        if kind != stat.S_IFLNK:
            os.chmod(to, stat.S_IMODE(entry.mode) | (stat.S_IRWXU if kind == stat.S_IFDIR else 0))
    # Backwards, so that no entry changes its directory's time after that was set.
    for entry in reversed(entries):
        if stat.S_IFMT(entry.mode) not in (stat.S_IFCHR, stat.S_IFBLK):
            times = (entry.mtime, entry.mtime)
            os.utime(os.path.join(top, entry.name), times, follow_symlinks=False)


def mtree(entries: Iterable[TreeEntry]) -> bytes:
    """An mtree(5) specification of `entries`: owners, modes, times, and the device nodes."""
    lines = [b"#mtree"]
    kinds = {
        stat.S_IFDIR: "dir",
        stat.S_IFLNK: "link",
        stat.S_IFREG: "file",
        stat.S_IFIFO: "fifo",
        stat.S_IFCHR: "char",
        stat.S_IFBLK: "block",
    }
    for entry in entries:
        kind = kinds[stat.S_IFMT(entry.mode)]
        words = [f"type={kind}", f"uid={entry.uid}", f"gid={entry.gid}"]
        words += [f"mode={stat.S_IMODE(entry.mode):04o}", f"time={entry.mtime}.0"]
        if kind == "link":
            words.append(f"link={_escaped(os.readlink(entry.path))}")
        elif kind in ("char", "block"):
            # NetBSD's form of a number; FreeBSD makes its own nodes and looks at none in an image.
            words.append(f"device=netbsd,{os.major(entry.device)},{os.minor(entry.device)}")
        name = "." if entry.name == ROOT else f"./{_escaped(entry.name)}"
        lines.append(f"{name} {' '.join(words)}".encode("ascii"))
    return b"\n".join(lines) + b"\n"


def superblocks(superblock: bytes, size: int) -> list[int]:
    """Where the copies of a superblock are, in bytes, the first included (sys/ufs/ffs/fs.h)."""
    sblkno, cgoffset, cgmask, ncg, fsize, per_group = (
        int(struct.unpack_from("<i", superblock, at)[0]) for at in (8, 24, 28, 44, 52, 188)
    )
    found = [_SUPERBLOCK]
    for group in range(ncg):
        start = per_group * group + cgoffset * (group & ~cgmask)
        at = (start + sblkno) * fsize
        if at + _MAGIC_AT < size:
            found.append(at)
    return sorted(set(found))


def _escaped(name: bytes) -> str:
    """A name as mtree(5) has it: what is not a plain character in octal."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"#*?[\\=" else f"\\{byte:03o}"
        for byte in name
    )
