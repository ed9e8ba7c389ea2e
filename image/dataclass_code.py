"""Compile what `dataclasses` would compile at each start of the frontend (`frontend.startup`).

    python3 -m image.dataclass_code --source DIR --wheels DIR --output FILE

It imports every module of ours, notes the texts that `dataclasses` makes methods of, and writes
them with their code objects. That is the code of one version of Python: the image's.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import marshal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

OURS = ("llb", "schemas", "frameworks", "frontend")
# What is only for developers' machines, or runs when it is imported.
NOT_IMPORTED = frozenset({"llb.pb.gen", "frontend.bunnyfile.reference", "frontend.__main__"})


def modules(source: Path) -> Iterator[str]:
    """The names of all our modules."""
    for package in OURS:
        for path in sorted((source / package).rglob("*.py")):
            name = ".".join(path.relative_to(source).with_suffix("").parts)
            name = name.removesuffix(".__init__")
            if name not in NOT_IMPORTED:
                yield name


def record(source: Path) -> dict[str, CodeType]:
    """The texts that our modules make `dataclasses` compile, compiled."""
    found: dict[str, CodeType] = {}

    def note(text: str, scope: dict[str, object], names: dict[str, object]) -> None:
        found[text] = compile(text, "<dataclass>", "exec")
        exec(found[text], scope, names)

    vars(dataclasses)["exec"] = note
    try:
        for name in modules(source):
            importlib.import_module(name)
    finally:
        del vars(dataclasses)["exec"]
    return found


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser()
    for name in ("source", "wheels", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    sys.path[:0] = [str(options.source), str(options.wheels)]
    found = record(options.source)
    if not found:
        raise SystemExit("this Python's dataclasses compile nothing that could be noted")
    options.output.write_bytes(marshal.dumps(dict(sorted(found.items()))))
    print(f"{len(found)} texts of dataclasses compiled")


if __name__ == "__main__":
    main()
