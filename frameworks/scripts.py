"""What lies beside the recipes and goes into their steps: scripts, patches, pinned versions.

`importlib.resources` would read them too, but takes longer to import than a build takes to plan.
"""

from __future__ import annotations

import os
from typing import Any

from llb import Meta, Mount, ProgressGroup, scratch

FOLDER = "/hutch"
"""Where a step sees the scripts that are mounted for it."""

OURS = ProgressGroup("hutch/scripts", "[internal] scripts of hutch")
"""What a build shows as one line: files that are written in no time, and say nothing."""

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(package: str, *path: str) -> bytes | None:
    """The content of a file of a package (`frameworks.linux`), None if there is none."""
    try:
        with open(os.path.join(_ROOT, *package.split("."), *path), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def files(package: str, *path: str) -> list[str]:
    """The names in a folder of a package, sorted; none if there is no such folder."""
    try:
        return sorted(os.listdir(os.path.join(_ROOT, *package.split("."), *path)))
    except FileNotFoundError:
        return []


def pinned(package: str) -> dict[str, Any]:
    """The content of a package's `versions.toml`: what is built from when a file does not say."""
    import tomllib  # a prebuilt kernel needs none of this

    text = read(package, "versions.toml")
    assert text is not None, package
    return tomllib.loads(text.decode())


def script(package: str, name: str) -> Mount:
    """A script of a package, read-only at /hutch/<name>: so it is not part of any image."""
    return _mounted(package, name, name)


def module(package: str, name: str) -> Mount:
    """What a script in Python imports of a package, read-only where Python finds it beside it."""
    return _mounted(package, name, f"{package.replace('.', '/')}/steps/{name}")


def _mounted(package: str, name: str, place: str) -> Mount:
    data = read(package, "steps", name)
    assert data is not None, name
    meta = Meta(name=f"[internal] {name}", group=OURS)
    state = scratch().mkfile(f"/{name}", data, mode=0o755, timestamp=0, meta=meta)
    return Mount.bind(f"{FOLDER}/{place}", state, f"/{name}", readonly=True)


def run_script(name: str, *arguments: str) -> list[str]:
    """The command that runs a script mounted by `script`."""
    return ["/bin/sh", f"{FOLDER}/{name}", *arguments]
