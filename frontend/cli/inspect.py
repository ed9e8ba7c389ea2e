"""`hutch inspect IMAGE`: what an image is, and what it tells the runtime."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from frameworks.runtime import RUNTIME
from frontend.cli.options import add_json, add_platform
from frontend.cli.options import parser as make
from llb.masked import printable

if TYPE_CHECKING:
    from frontend.images.facts import Facts

_SHOWN = 4096

NO_OPTIONS = "none to read in its file (`kernel.options: {IKCONFIG: true}` puts it there)"
"""What is said of a Linux kernel whose file does not have the configuration."""


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "inspect",
        """
        For each platform: the keys that the runtime reads, in annotations, labels and its file, and
        where the three do not agree; the versions of the runtime that start it; the kernel's form,
        version and configuration; the layers; the process.
        """,
        examples=(
            "hutch inspect localhost:5000/hello:1",
            "hutch inspect --json ./layout | jq '.[].kernel.version'",
        ),
        statuses={1: "the runtime would take it for an ordinary container, or it cannot be read"},
    )
    made.add_argument(
        "image",
        metavar="IMAGE",
        help="an image of Docker or a registry, an OCI layout, or what Docker saved",
    )
    add_platform(made, "show this one alone, such as linux/arm64 or arm64")
    made.add_argument("--config", action="store_true", help="list the kernel's configuration, too")
    add_json(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from frontend.images import facts, find

    found = []
    with find.images(options.image) as images:
        wanted = images.images() if options.platform is None else (images.image(options.platform),)
        for image in wanted:
            each = facts.of(image, images.tree(image))
            found.append(each)
            if not options.json:
                for line in _lines(each, config=options.config):
                    _say(line)
    if options.json:
        json.dump([each.to_json() for each in found], sys.stdout, indent=2)
        print()
    return 0 if all(each.told for each in found) else 1


def _lines(facts: Facts, *, config: bool) -> Iterator[str]:
    layers = facts.layers
    yield f"{facts.platform}  {facts.digest}  {_bytes(facts.size)} in {len(layers)} layers"
    yield from _keys(facts)
    if not facts.told:
        ordinary = "takes this for an ordinary container: its keys are not all there"
        yield f"  {RUNTIME.name} {ordinary}"
    else:
        by = f"{RUNTIME.name} {', '.join(facts.versions)}" if facts.versions else "nothing yet"
        yield f"  started by: {by}"
    if (kernel := facts.kernel) is not None:
        what = f"{kernel.form} for {kernel.architecture}" if kernel.architecture else kernel.form
        yield f"  kernel: {kernel.path}, {what}, {_bytes(kernel.size)}"
        if kernel.version:
            yield f"  kernel's version: {kernel.version}"
        if kernel.lacks_options:
            yield f"  kernel's configuration: {NO_OPTIONS}"
        if kernel.options is not None:
            on = sum(value != "n" for value in kernel.options.values())
            yield f"  kernel's configuration: {on} options, in its file (--config lists them)"
            if config:
                yield from (f"    {name}={kernel.options[name]}" for name in sorted(kernel.options))
    process = facts.process
    args = [*(process.get("Entrypoint") or ()), *(process.get("Cmd") or ())]
    yield f"  arguments: {json.dumps(args)}"
    for name, key in (("user", "User"), ("directory", "WorkingDir")):
        if process.get(key):
            yield f"  {name}: {process[key]}"
    for entry in process.get("Env") or ():
        yield f"  environment: {entry}"
    for number, layer in enumerate(layers):
        yield f"  layer {number}: {_bytes(layer.size)}, {layer.files} files, {layer.digest}"


def _keys(facts: Facts) -> Iterator[str]:
    """The runtime's keys: once each where the places that have any agree, and else where each is,
    and which the runtime takes."""
    said = {place: keys for place, keys in facts.keys.items() if keys}
    agree = len({tuple(sorted(keys.items())) for keys in said.values()}) == 1
    for key in sorted(set().union(*said.values())):
        places: dict[str, list[str]] = {}
        for place, keys in said.items():
            if key in keys:
                places.setdefault(keys[key], []).append(place)
        for text, those in places.items():
            line = f"  {RUNTIME.prefix}{key} = {text}"
            if len(those) < len(said):
                takes = "takes it" if facts.told.get(key) == text else "does not take it"
                line += f"  (only in {_all(those)}; {RUNTIME.name} {takes})"
            yield line
    without = [place for place in facts.keys if place not in said]
    none = f"; none in {_all(without)}" if without else ""
    if agree and len(said) > 1:
        yield f"  keys: the same in {_all([*said])}{none}"
    elif said:
        differ = "" if agree else ", which do not say the same"
        yield f"  keys: in {_all([*said])}{differ}{none}"


def _all(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _say(line: str) -> None:
    """Print what an image says: on one line of bounded length, and only to be read."""
    print(printable(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."))
