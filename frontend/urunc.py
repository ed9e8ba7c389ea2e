"""The runtime's keys: which there are, and what urunc takes for each.

The same keys are annotations of the manifest, labels of the config, and names in `/urunc.json`
(`frontend.image` writes them). From 0.8 on urunc refuses to start an image with a value that it
does not take; before, it fails in some later way. Source: docs/contract/urunc.md 1.1 and 1.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from frameworks import rebuilt
from frameworks.diagnostics import Collector, did_you_mean
from frameworks.spec import Text
from frontend.bunnyfile.paths import image_path_fault

PREFIX = rebuilt.PREFIX

_LONGEST = 4096
_LONGEST_DEVICE = 67
FALSE = frozenset("0 f F FALSE false False".split())
_BOOLEANS = FALSE | frozenset("1 t T TRUE true True".split())

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

OPTIONAL = frozenset({"solo5NetDev", "solo5BlkDev", "useDMBlock"})
"""Keys that follow from nothing else in a bunnyfile: it may say them under `annotations`."""


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
            if fault := image_path_fault(value, root=kind == "mount"):
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
        named = value.isascii() and value.isalnum() and len(value) <= _LONGEST_DEVICE
        return "" if named else f"is no name: up to {_LONGEST_DEVICE} letters and digits"
    if len(value) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    return ""
