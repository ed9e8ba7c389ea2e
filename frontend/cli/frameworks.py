"""`hutch frameworks`: what each framework can do, from what it says of its guests."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from frontend.cli.options import add_json
from frontend.cli.options import parser as make


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "frameworks",
        examples=("hutch frameworks", "hutch frameworks --json linux"),
    )
    made.add_argument("name", nargs="?", metavar="NAME", help="this one alone")
    add_json(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Print a table, or JSON."""
    import frameworks
    from frameworks.diagnostics import did_you_mean

    if options.name is not None and options.name not in frameworks.TABLE:
        hint = did_you_mean(options.name, frameworks.TABLE)
        raise OSError(f"there is no framework '{options.name}': {hint}")
    names = [options.name] if options.name is not None else list(frameworks.TABLE)
    found = {name: said(name) for name in names}
    if options.json:
        json.dump(found, sys.stdout, indent=2)
        print()
        return 0
    for line in _table(found):
        print(line)
    return 0


def said(name: str) -> dict[str, Any]:
    """What a framework and its guests can do."""
    import frameworks
    from frameworks.base import Framework

    framework = frameworks.get(name)
    guest = framework.guest

    def builds(step: str) -> bool:
        return getattr(type(framework), step) is not getattr(Framework, step)

    return {
        "guest": guest.type,
        "builds": {"kernel": builds("kernel"), "app": builds("app")},
        "monitors": {name: list(each) for name, each in guest.monitors.items()},
        "rootfs": list(guest.rootfs),
        "filesystems": [each.name for each in guest.filesystems],
        "mount": guest.mount,
    }


def _table(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    rows = [("FRAMEWORK", "KERNEL", "MONITORS", "ROOT", "FILE SYSTEMS")]
    for name, each in found.items():
        kernel = "source, prebuilt" if each["builds"]["kernel"] else "prebuilt"
        monitors = ", ".join(each["monitors"]) or "any"
        rows.append(
            (name, kernel, monitors, ", ".join(each["rootfs"]), ", ".join(each["filesystems"]))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
