"""What the builder and the steps of a kernel's build say to each other of its configuration.

The steps are `frameworks.bsd.steps.kernconf`; `Finding` is an entry of the report that they leave.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_CODE = re.compile(r"[$`;|&<>]|!=")


@dataclass(frozen=True)
class Finding:
    """Something that the source tree does not know."""

    option: str
    wanted: str
    reason: str
    nearest: tuple[str, ...] = ()

    def why(self) -> str:
        """What is wrong, in words."""
        if self.reason == "no-config":
            return f"the source tree has no kernel configuration '{self.wanted}'"
        if self.reason == "no-tree":
            return f"this is no source tree: it has no {self.wanted}"
        if self.reason == "code":
            return f"line {self.wanted} has what the kernel's build would run as code"
        return f"the source tree has no kernel option '{self.option}'"

    def __str__(self) -> str:
        near = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return self.why() + near


def read_report(report: bytes) -> list[Finding]:
    """The findings of a report."""
    return [
        Finding(**{**found, "nearest": tuple(found["nearest"])}) for found in json.loads(report)
    ]


def code(text: str) -> str:
    """What make or a shell would run of a value or a line of a configuration; "" for none.

    config(8) writes the words of `makeoptions`, and NetBSD's those of options that no file
    declares, into the kernel's Makefile.
    """
    found = _CODE.search(text)
    return found[0] if found else ""
