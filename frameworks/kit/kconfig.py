"""What the builder and the steps of a kernel's build say to each other of its configuration.

The steps are those of `frameworks.kit.steps.kconfig`, which every system with Kconfig has as a
module of its own; `Loss` is an entry of the report that they leave. `frameworks.kit.options` is the
part of this that planning needs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_RUN_BY_MAKE = re.compile(r"[$`]")
_RUN_BY_SHELLS = re.compile(r"[;|&<>]")
_NO_SHELL_SEES = re.compile(r"CMDLINE|DEFAULT_HOSTNAME|\w+_VERSION_TEXT")
"""Options that are only text of a C file, or that the tree computes whatever a file says."""


@dataclass(frozen=True, slots=True)
class Request:
    """One option that a fragment asks for. `value` is as in .config; "n" is off."""

    option: str
    value: str
    fragment: str
    line: int


@dataclass(frozen=True, slots=True)
class Loss:
    """A request that the final configuration does not honour.

    `reason` is one of `unknown` (no such option in this source tree), `dependency` (`missing`
    lists the conditions that do not hold), `selected` (another option forces it on), `internal`
    (only other options can set it), `choice` (another entry of the same choice was taken),
    `module` (it is one, and none is ever loaded), `type` (not a value that the option can have;
    `missing` is its kind), `code` (make or a shell would run a part of it from the character
    `missing` on) and `other`. `nearest` is a known option's name that looks like it, or
    "". A line that is no request at all is a loss without an option: its `reason` is `syntax`,
    `wanted` the line, and `nearest` what may have been meant.
    """

    option: str
    wanted: str
    got: str
    fragment: str
    line: int
    reason: str
    missing: tuple[str, ...] = ()
    nearest: str = ""

    def __str__(self) -> str:
        where = f"{self.fragment}:{self.line}"
        if self.reason in ("syntax", "code"):
            return f"{where}: {self.why()}"
        return f"{where}: CONFIG_{self.option}={self.wanted} was not kept: {self.why()}"

    def why(self, *, near: bool = True) -> str:
        """The reason in words; `near` is whether to name the nearest option."""
        needs = ", ".join(self.missing)
        hint = f"; did you mean {self.nearest}?" if near and self.nearest else ""
        if self.reason == "unknown":
            return f"this kernel has no such option{hint}"
        if self.reason == "syntax":
            return f"'{self.wanted}' is no line of a kernel configuration{hint}"
        if self.reason == "code":
            return f"the kernel's build would run a part of the value of {self.option} ('{needs}')"
        return {
            "dependency": f"it needs {needs}",
            "selected": f"it is forced on by {needs}",
            "internal": "it cannot be set by hand" + (f", only through {needs}" if needs else ""),
            "choice": f"it is one of several of which {needs} was taken",
            "module": "it is a module, and no module is ever loaded",
            "type": f"it takes {needs}, and the kernel made it {self.got}",
        }.get(self.reason, f"the kernel's own rules made it {self.got}")


def code(option: str, value: str) -> str:
    """The first character for which the kernel's build would run a part of an option's value.

    "" for a value that is only data. make expands `$` and backquotes reach its recipes as they are;
    and since Linux 5.17 values stand in recipes without quotes, where `;` ends a command.
    """
    found = _RUN_BY_MAKE.search(value)
    if found is None and not _NO_SHELL_SEES.fullmatch(option):
        found = _RUN_BY_SHELLS.search(value)
    return found[0] if found else ""


def same(wanted: str, got: str) -> bool:
    """Whether two values of .config mean the same: numbers by value, the rest by text.

    A kernel without modules has what was asked for as a module built in.
    """
    if wanted == got:
        return wanted != "m"
    if wanted == "m":
        return got == "y"
    try:
        return int(wanted, 0) == int(got, 0)
    except ValueError:
        return False


def read_report(data: bytes) -> list[Loss]:
    """The losses in a report that `check` wrote."""
    return [Loss(**{**entry, "missing": tuple(entry["missing"])}) for entry in json.loads(data)]


def series(version: str) -> tuple[int, int]:
    """The series of a version: "6.12.117" and "6.12" are (6, 12). ValueError for anything else."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def limit(text: str, version: str) -> str:
    """A fragment without the lines that are for other series than that of `version`.

    In a fragment of hutch's a line `#@ before 6.9` or `#@ from 6.9` limits the lines below it, up
    to the next `#@` line, to those series of the source, for options that were renamed; `#@ all`
    ends the limit.
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
