"""What names of packages of pkgsrc mean, and which packages a tree has.

Patterns are those of pkg_info(1), with the order of versions of pkg_install's dewey.c. It stands
beside the program that fetches, too, where no more of hutch is (`frameworks.scripts.module`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

_PARTS = re.compile(r"\d+|alpha|beta|pre|rc|pl|[._]|nb\d*|.", re.I | re.S)
_WORDS = {"alpha": -3, "beta": -2, "pre": -1, "rc": -1, "pl": 0, ".": 0, "_": 0}
_RELATION = re.compile(r"(>=|<=|==|!=|>|<)([^<>=!]*)")


def version_key(text: str) -> tuple[tuple[int, ...], int]:
    """What versions are ordered by: their numbers, and pkgsrc's revision (`nb3`)."""
    numbers: list[int] = []
    revision = 0
    for part in _PARTS.findall(text):
        low = part.lower()
        if low.isdecimal():
            numbers.append(int(low))
        elif low in _WORDS:
            numbers.append(_WORDS[low])
        elif low.startswith("nb"):
            revision = int(low[2:] or 0)
        elif "a" <= low <= "z":
            numbers += [0, ord(low) - ord("a") + 1]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), revision


def compare(left: str, right: str) -> int:
    """-1, 0 or 1, as `left` is older, the same or newer."""
    (one, one_revision), (two, two_revision) = version_key(left), version_key(right)
    length = max(len(one), len(two))
    padded = [(*each, *[0] * (length - len(each))) for each in (one, two)]
    first, second = (padded[0], one_revision), (padded[1], two_revision)
    return (first > second) - (first < second)


def matches(pattern: str, full: str) -> bool:
    """Whether the package NAME-VERSION is one of those that `pattern` means."""
    if (braces := re.search(r"\{([^{}]*)\}", pattern)) is not None:
        before, after = pattern[: braces.start()], pattern[braces.end() :]
        return any(matches(before + each + after, full) for each in braces[1].split(","))
    relation = re.search(r"[<>]|==|!=", pattern)
    if relation is not None:
        name, _, version = full.rpartition("-")
        if not fnmatch.fnmatchcase(name, pattern[: relation.start()]):
            return False
        said = _RELATION.findall(pattern[relation.start() :])
        return bool(said) and all(_holds(compare(version, than), how) for how, than in said)
    if fnmatch.fnmatchcase(full, pattern):
        return True
    # A bare name is any version of it.
    return fnmatch.fnmatchcase(full, f"{pattern}-[0-9]*") and full.rpartition("-")[0] == pattern


def _holds(order: int, how: str) -> bool:
    return {
        ">=": order >= 0,
        "<=": order <= 0,
        "==": order == 0,
        "!=": order != 0,
        ">": order > 0,
        "<": order < 0,
    }[how]


def installed(tree: Path) -> Iterator[str]:
    """The packages, NAME-VERSION, that the tree's databases have."""
    for folder in ("usr/pkg/pkgdb", "var/db/pkg"):
        for contents in sorted((tree / folder).glob("*/+CONTENTS")):
            yield contents.parent.name
