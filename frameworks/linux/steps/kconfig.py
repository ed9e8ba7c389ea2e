"""The configuration of a Linux kernel, as steps: see `frameworks.kit.steps.kconfig`.

`check` takes one more option: `--srcarch x86`, the tree's own name of the architecture.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from frameworks.kit.steps.kconfig import Options, System, run
from frameworks.kit.steps.kconfig_tree import Kconfig

VERIFIED = ("6.1", "6.12", "7.3")
"""The series on which every line of our own configurations was seen to survive."""


def series_of(source: Path) -> str:
    """The series of a source tree, "6.12", from its Makefile."""
    text = (source / "Makefile").read_text(encoding="utf-8")
    found = {m[1]: m[2] for m in re.finditer(r"^(VERSION|PATCHLEVEL) = (\d+)$", text, re.M)}
    return f"{found['VERSION']}.{found['PATCHLEVEL']}"


def system(options: Options) -> System:
    """What the tree `--source` is."""
    source = options["source"]
    series = series_of(source)
    return System(
        series, series in VERIFIED, lambda: Kconfig.linux(source, str(options["srcarch"]))
    )


def main(arguments: list[str]) -> int:
    """The command."""
    return run(arguments, system)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
