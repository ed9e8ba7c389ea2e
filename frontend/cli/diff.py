"""`hutch diff OLD NEW`: what changed from one image to another."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frontend.cli import complain, reason
from frontend.cli.inspect import NO_OPTIONS
from frontend.cli.options import add_json, add_platform
from frontend.cli.options import parser as make
from llb.masked import printable

if TYPE_CHECKING:
    from frontend.images.facts import Facts, File
    from llb import Platform

TROUBLE = 2


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "diff",
        """
        Two images, each of Docker, of a registry or a file: the keys that the runtime reads, the
        process, the kernel with the options in its file, and each file of the image.
        """,
        examples=("hutch diff hello:1 hello:2", "hutch diff --json localhost:5000/hello:1 ./out"),
        statuses={0: "they are the same", 1: "they differ", 2: "an image cannot be read"},
    )
    made.add_argument("old", metavar="OLD", help="an image")
    made.add_argument("new", metavar="NEW", help="another")
    add_platform(made, "compare what is for this one, such as linux/arm64 or arm64")
    add_json(made)
    return made


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: which, of what kind, and how it was and is; None for not there."""

    what: str
    name: str
    old: str | None
    new: str | None


def run(options: argparse.Namespace) -> int:
    """Print the changes."""
    try:
        old, new = (_facts(ref, options.platform) for ref in (options.old, options.new))
    except OSError as error:
        return complain(reason(error), TROUBLE)
    changes = list(compare(old, new))
    if _kernel_file(old) != _kernel_file(new):
        for ref, each in ((options.old, old), (options.new, new)):
            if each.kernel is not None and each.kernel.lacks_options:
                complain(f"options are not compared: {ref}'s kernel has {NO_OPTIONS}")
    if options.json:
        made = [{"what": c.what, "name": c.name, "old": c.old, "new": c.new} for c in changes]
        json.dump(made, sys.stdout, indent=2)
        print()
    else:
        for change in changes:
            print(printable(_line(change)))
    return 1 if changes else 0


def _facts(ref: str, platform: Platform | None) -> Facts:
    from frontend.images import facts, find

    with find.images(ref) as images:
        image = images.image(platform)
        return facts.of(image, images.tree(image), files=True)


def compare(old: Facts, new: Facts) -> Iterator[Change]:
    """What changed, in the order in which it is shown."""
    yield from _pairs("platform", {"": old.platform}, {"": new.platform})
    for place, said in old.keys.items():
        yield from _pairs(f"key in {place}", said, new.keys[place])
    yield from _pairs("config", _texts(old.process), _texts(new.process))
    for name in ("annotations", "labels"):
        one, other = getattr(old, name), getattr(new, name)
        keys = {*one, *other} - {k for k in (*one, *other) if k.partition(".unikernel.")[1]}
        yield from _pairs(
            name[:-1],
            {k: v for k, v in one.items() if k in keys},
            {k: v for k, v in other.items() if k in keys},
        )
    yield from _pairs("kernel", _kernel(old), _kernel(new))
    options = [each.kernel.options for each in (old, new) if each.kernel is not None]
    if len(options) == 2 and None not in options:  # else nobody knows what changed
        yield from _pairs("option", options[0] or {}, options[1] or {})
    yield from _pairs(
        "file",
        {path: _file(file) for path, file in old.files.items()},
        {path: _file(file) for path, file in new.files.items()},
    )
    yield from _pairs("size", {"": str(old.size)}, {"": str(new.size)})


def _pairs(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(what, name, old.get(name), new.get(name))


def _texts(process: Mapping[str, object]) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in process.items() if key != "Labels"}


def _kernel_file(facts: Facts) -> File | None:
    return facts.files.get(facts.kernel.path) if facts.kernel is not None else None


def _kernel(facts: Facts) -> dict[str, str]:
    kernel = facts.kernel
    if kernel is None:
        return {}
    size = f"{kernel.size} bytes"
    return {"path": kernel.path, "form": kernel.form, "version": kernel.version, "size": size}


def _file(file: File) -> str:
    """A file in a word: two that are the same have the same."""
    text = f"{file.kind} {file.mode:04o} {file.owner} {file.size} bytes"
    return f"{text} {file.content[:12] if file.kind == 'file' else '-> ' + file.content}"


def _line(change: Change) -> str:
    name = f"{change.what} {change.name}".rstrip()
    if change.old is None:
        return f"+ {name}: {change.new}"
    if change.new is None:
        return f"- {name}: {change.old}"
    return f"~ {name}: {change.old} -> {change.new}"
