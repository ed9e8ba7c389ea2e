"""`hutch inspect REF`: what an image tells urunc, and from where."""

from __future__ import annotations

import argparse
import json
import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING

from frameworks.diagnostics import printable
from frameworks.runtime import RUNTIME
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from frontend.images.oci import Images

_SHOWN = 4096


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "inspect",
        statuses={1: "urunc would run it as an ordinary container, or it could not be read"},
        examples=("hutch inspect localhost:5000/hello:1",),
    )
    made.add_argument(
        "ref", help="an image of Docker or a registry, an OCI layout, or what Docker saved"
    )
    return made


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from frontend.images import find

    with find.images(options.ref) as images:
        return _show(images)


def _show(images: Images) -> int:
    from frontend.images.oci import NEEDED, decode

    status = 0
    for image in images.images():
        size = sum(layer.size for layer in image.layers) / 1e6
        _say(f"{image.platform}  {image.digest}  {size:.1f} MB in {len(image.layers)} layers")
        raw = images.find(image, RUNTIME.file)
        sources = {
            "annotations": _ours(image.annotations),
            "labels": _ours(image.labels),
            posixpath.basename(RUNTIME.file): {} if raw is None else decode(raw),
        }
        for key in sorted(set().union(*sources.values())):
            values = {name: said[key] for name, said in sources.items() if key in said}
            if len(set(values.values())) == 1 and len(values) == len(sources):
                _say(f"  {key} = {next(iter(values.values()))}")
                continue
            for name, value in values.items():
                _say(f"  {key} = {value}", f"  (only in {name})")
        args = [*(image.process.get("Entrypoint") or ()), *(image.process.get("Cmd") or ())]
        _say(f"  arguments: {json.dumps(args)}")
        said = next((s for s in sources.values() if all(key in s for key in NEEDED)), None)
        if said is None:
            ordinary = "takes this for an ordinary container: its keys are not all there"
            print(f"  {RUNTIME.name} {ordinary}")
            status = 1
    return status


def _ours(keys: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in keys.items() if key.startswith(RUNTIME.prefix)}


def _say(line: str, more: str = "") -> None:
    """Print what an image says: on one line of bounded length, and only to be read."""
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
    print(printable(shown) + more)
