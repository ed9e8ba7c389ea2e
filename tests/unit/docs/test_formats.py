"""What docs/image.md says that each format can hold is what the packer goes by."""

from __future__ import annotations

from datetime import UTC, datetime

import frameworks
from frameworks.rootfs.filesystems import EROFS, EXT2, EXT4, FFS, INITRD, SQUASHFS, UFS, Limits
from tests.places import ROOT

NONE = "no bound"
UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30))


def size(value: int) -> str:
    """A number of bytes as the page has it: all formats end a little below a round one."""
    if value == (1 << 63) - 1:
        return NONE
    unit, bytes_ = next(each for each in UNITS if each[1] <= value + 4096)
    whole = -(-value // bytes_)
    return f"{whole} {unit} - 1" if value == (1 << 32) - 1 else f"{whole} {unit}"


def row(limits: Limits) -> list[str]:
    last = NONE
    if limits.latest < 1 << 40:
        last = str(datetime.fromtimestamp(limits.latest, UTC).year)
    counts = (limits.links, limits.folders)
    shown = [NONE if count == (1 << 32) - 1 else f"{count:,}" for count in counts]
    return [last, size(limits.size), *shown]


def test_the_guide_names_the_file_systems_of_linux_guests() -> None:
    names = ", ".join(each.name for each in frameworks.get("linux").guest.filesystems)
    text = (ROOT / "docs" / "getting-started.md").read_text()
    assert f"| `block` | a disk: {names} |" in text


def test_the_page_has_the_limits_of_every_format() -> None:
    text = (ROOT / "docs" / "image.md").read_text()
    table = text[text.index("| | last time |") :].split("\n\n")[0].splitlines()[2:]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert UFS.limits == FFS.limits
    assert [cells[1:5] for cells in found] == [
        row(limits)
        for limits in (INITRD, *(each.limits for each in (EXT4, EXT2, SQUASHFS, EROFS, FFS)))
    ]
    assert [cells[0].split(" (")[0] for cells in found] == [
        *("`initrd`", "ext4", "ext2", "squashfs", "erofs", "FFS, UFS"),
    ]
    assert f"{SQUASHFS.limits.owners:,} owners" in found[3][0]
    assert f"{FFS.limits.path:,} bytes" in found[5][0]
