"""The command that packs a tree: `python3 -m frameworks.steps.pack FORMAT --tree DIR --output F`.

It runs in hutch's own image, as a step of the build. Its only inputs are its arguments and the
tree. The time of what it makes is `--epoch`, or without it the newest time in the tree, so the
bytes depend on the content alone. What the format could not keep of the tree goes to `--report`, as
JSON (`Report`).
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from frameworks.runtime import RUNTIME
from frameworks.steps import bounds, cpio, ffs, full, tar
from frameworks.steps.entries import Entry, newest, walk

FILESYSTEMS = ("ext4", "ext2", "squashfs", "erofs", "ffs", "ufs")

UUID = "68757463-6800-4000-8000-000000000001"
"""The identity of every file system that hutch makes, and the seed of its directory hashes."""

_EXT4 = "^orphan_file,^metadata_csum_seed"
"""Features of new e2fsprogs that Linux before 5.15 refuses."""
_EXT2 = "none,ext_attr"
"""Nothing newer than ext2 itself but a place for capabilities; who does not know it ignores it."""
_NOW = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
"""Everything is written at once, instead of by the guest when it first mounts it."""
_TOO_SMALL = (b"Could not allocate", b"No space", b"larger than", b"too big for a filesystem")
_MIB = 1 << 20
_NAMED = 20
"""How many names a report has at most."""


class PackError(Exception):
    """Why a tree could not be packed, in one line for the user."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a format could not keep: how many files it was, and the first of their names.

    `capabilities` are those that had what setcap(8) gives, `times` those that got another time.
    """

    capabilities: tuple[int, list[str]] = (0, [])
    times: tuple[int, list[str]] = (0, [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack a tree as the arguments say; 0, or 1 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="pack", description="Pack a tree of files.")
    parser.add_argument("format", choices=("initrd", *FILESYSTEMS))
    parser.add_argument("--tree", required=True, help="the directory to pack")
    parser.add_argument("--output", required=True, help="the file to write")
    parser.add_argument("--epoch", type=int, help="no time may be newer, in seconds")
    parser.add_argument("--size", type=int, help="size of a file system in bytes; default: fits")
    parser.add_argument("--stage", help="an empty directory in memory, to copy the tree to")
    parser.add_argument("--report", help="the file to write what was not kept into")
    options = parser.parse_args(arguments)
    try:
        report = pack(
            options.format,
            options.tree,
            options.output,
            options.epoch,
            options.size,
            options.stage,
        )
        if options.report:
            with open(options.report, "w", encoding="utf-8") as file:
                json.dump(asdict(report), file)
    except (PackError, bounds.Exceeds, OSError) as error:
        print(f"hutch: {full.words(error)}", file=sys.stderr)
        return 1
    return 0


def pack(
    format: str,
    tree: str,
    output: str,
    epoch: int | None = None,
    size: int | None = None,
    stage: str | None = None,
) -> Report:
    """Pack `tree` into the file `output`; `stage` is where copies go, beside `output` without it.

    Raises PackError where the content does not fit, or the file system's own tool fails, and
    bounds.Exceeds for a file that the format cannot hold.
    """
    fitted = bounds.fit(format, walk(tree, epoch))
    entries = fitted.entries
    os.makedirs(os.path.dirname(output), 0o755, exist_ok=True)
    when = newest(entries) if epoch is None else min(epoch, bounds.BOUNDS[format].latest)
    if format == "initrd":
        with open(output, "wb") as out:
            cpio.write(entries, out)
    elif format in ("ext4", "ext2"):
        _ext(format, entries, output, when, size)
    elif format == "squashfs":
        _squashfs(entries, output, when)
    elif format in ("ffs", "ufs"):
        _ffs(entries, output, when, size, stage or os.path.dirname(output))
    else:
        _erofs(entries, output, when)
    os.chmod(output, RUNTIME.initrd_mode if format == "initrd" else RUNTIME.drive_mode)
    # The output is a layer of the image: the step's own clock must not be seen in it.
    os.utime(output, (when, when))
    os.utime(os.path.dirname(output), (when, when))
    lost = [e.name for e in entries if format == "initrd" and e.capability() is not None]
    return Report(_named(lost), _named(fitted.clamped))


def _named(names: Sequence[bytes]) -> tuple[int, list[str]]:
    return len(names), [bounds.shown(name) for name in names[:_NAMED]]


def ext_size(format: str, entries: Sequence[Entry]) -> int:
    """The size in bytes of an ext file system that holds `entries`, with room to write.

    Data in blocks of 4 KiB, an inode and a directory entry each, a quarter as much again, and for
    ext4 its journal; in steps of 4 MiB.
    """
    data = 0
    seen: set[int] = set()
    for entry in entries:
        if entry.inode not in seen:
            seen.add(entry.inode)
            data += -(-entry.size // 4096) * 4096 + 512
        data += len(entry.name) + 64
        if stat.S_ISDIR(entry.mode):
            data += 4096
    spare = max(data // 4, 4 * _MIB)
    journal = 0 if format == "ext2" else max(4 * _MIB, min(64 * _MIB, data // 16))
    step = 4 * _MIB
    return -(-(data + spare + journal) // step) * step


def _ext(format: str, entries: list[Entry], output: str, when: int, size: int | None) -> None:
    needed = ext_size(format, entries)
    wanted = size or needed
    with open(output, "wb") as out:
        out.truncate(wanted)
    features = _EXT4 if format == "ext4" else _EXT2
    inodes = max(256, len(entries) + len(entries) // 4 + 64)
    # fmt: off
    command = [
        "mke2fs", "-q", "-F",
        "-t", format,
        "-O", features,
        "-b", "4096",
        "-N", str(inodes),
        "-m", "0",
        "-U", UUID,
        "-E", f"hash_seed={UUID},{_NOW}",
        "-d", "-",
        output,
    ]
    # fmt: on
    _run(command, when, output, entries, _too_small(size, needed))


def _squashfs(entries: list[Entry], output: str, when: int) -> None:
    # It leaves out the root's own entry of an archive.
    root, *below = entries
    # fmt: off
    command = [
        "mksquashfs", "-", output, "-tar", "-noappend", "-quiet", "-no-progress",
        "-mkfs-time", str(when), "-root-time", str(when),
        "-root-mode", f"{stat.S_IMODE(root.mode):04o}",
        "-root-uid", str(root.uid), "-root-gid", str(root.gid),
        "-processors", "1",
    ]
    # fmt: on
    # It refuses SOURCE_DATE_EPOCH beside its own options for times.
    _run(command, None, output, below)


def _ffs(entries: list[Entry], output: str, when: int, size: int | None, top: str) -> None:
    needed = ffs.image_size(entries)

    def run(command: list[str]) -> None:
        _run(command, when, output, too_small=_too_small(size, needed))

    with tempfile.TemporaryDirectory(dir=top) as stage:
        ffs.write(entries, output, when, size or needed, stage, run)


def _erofs(entries: list[Entry], output: str, when: int) -> None:
    command = ["mkfs.erofs", "--quiet", "--tar=f", f"-T{when}", "-U", UUID, output]
    _run(command, when, output, entries)


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


def _run(
    command: list[str],
    when: int | None,
    output: str,
    entries: list[Entry] | None = None,
    too_small: str = "",
) -> None:
    """Run `command`, with the entries as a tar archive on its standard input where it reads one.

    Raises PackError where it fails: with other words than its own where the builder's disk is full,
    and with `too_small` where the image is.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(when),
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
    if b"No space left on device" in said or full.is_full(os.path.dirname(output)):
        raise PackError(full.FULL)
    if too_small and any(sign in said for sign in _TOO_SMALL):
        raise PackError(too_small)
    raise PackError(_last(command[0], said))


def _environment(when: int | None) -> dict[str, str]:
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    if when is not None:
        env["SOURCE_DATE_EPOCH"] = str(when)
    return env


def _last(tool: str, said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return f"{tool}: {lines[-1] if lines else 'failed without a word'}"


if __name__ == "__main__":
    sys.exit(main())
