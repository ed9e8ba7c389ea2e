"""What urunc takes for each of its keys.

The same keys are annotations of the manifest, labels of the config, and names in `/urunc.json`
(`frontend.targets.image` writes them). From 0.8 on urunc refuses to start an image with a value
that it does not take; before, it fails in some later way. Source: docs/contract/urunc.md 1.1 and
1.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from frameworks.diagnostics import Collector, did_you_mean
from frameworks.runtime import RUNTIME
from frameworks.runtime.urunc import LONGEST_DEVICE
from frameworks.spec import Text

PREFIX = RUNTIME.prefix

_LONGEST = 4096
_BOOLEANS = RUNTIME.false | frozenset("1 t T TRUE true True".split())
_PATH = re.compile(r"[A-Za-z0-9._/-]+")

Kind = Literal["text", "path", "mount", "boolean", "device", "host"]
"""What a key's value is: `path` is one in the image, `mount` one in the guest; `host` keys are for
who runs urunc."""

KEYS: Mapping[str, Kind] = {
    "unikernelType": "text",
    "hypervisor": "text",
    "unikernelVersion": "text",
    "cmdline": "text",
    "binary": "path",
    "initrd": "path",
    "block": "path",
    "blkMntPoint": "mount",
    "mountRootfs": "boolean",
    "useDMBlock": "boolean",
    "solo5NetDev": "device",
    "solo5BlkDev": "device",
    "bootKernel": "host",
    "bootInitrd": "host",
    "vAccel": "host",
    "RPCAddress": "host",
}


def check(keys: Mapping[Text, Text], problems: Collector) -> None:
    """Note what urunc would not take of `keys`, which are short names and values."""
    for name, value in keys.items():
        kind = KEYS.get(name)
        if kind is None:
            problems.error(
                "unknown-key",
                f"urunc has no key '{PREFIX}{name}'",
                hint=did_you_mean(name, KEYS),
                at=name.at,
            )
        elif kind == "host":
            problems.error(
                "reserved-annotation",
                f"'{PREFIX}{name}' is for who runs urunc, and has no place in an image",
                hint="remove it",
                at=name.at,
            )
        elif kind in ("path", "mount"):
            if fault := path_fault(value, root=kind == "mount"):
                where = "guest" if kind == "mount" else "image"
                message, hint = f"'{value}' ({name}) {fault}", f"it is a path in the {where}"
                problems.error("bad-path", message, hint=hint, at=value.at)
        elif fault := _fault(kind, value):
            problems.error("bad-value", f"'{value}' ({name}) {fault}", at=value.at)
    for one, other in (("block", "blkMntPoint"), ("blkMntPoint", "block")):
        said = next((name for name in keys if name == one), None)
        if said is not None and other not in keys:
            message = f"'{PREFIX}{one}' needs '{PREFIX}{other}' beside it"
            problems.error("missing-key", message, at=said.at)


def _fault(kind: Kind, value: str) -> str:
    if kind == "boolean" and value not in _BOOLEANS:
        return "is neither true nor false"
    if kind == "device":
        return (
            ""
            if RUNTIME.is_device_name(value)
            else f"is no name: up to {LONGEST_DEVICE} letters and digits"
        )
    if len(value) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    return ""


def path_fault(path: str, *, root: bool = False) -> str:
    """What is wrong with a path inside the image, as the end of a sentence; "" for nothing.

    `root` allows `/` itself, which only a mount point may be.
    """
    if not path:
        return "is empty"
    if len(path) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if not _PATH.fullmatch(path):
        bad = next(c for c in path if not _PATH.fullmatch(c))
        shown = "a space" if bad == " " else repr(bad) if bad.isprintable() else f"U+{ord(bad):04X}"
        return f"has {shown} in it, which the runtime does not take"
    if path == "/":
        return "" if root else "is the root directory, not a file"
    parts = path.removeprefix("/").split("/")
    if ".." in parts:
        return "leaves its directory with '..'"
    if "." in parts or "" in parts:
        return "is not in its shortest form"
    if path.startswith("-"):
        return "starts with '-', like an option"
    return ""
