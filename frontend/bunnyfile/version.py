"""Which of the two formats a file is in: `version: v0.1` and older is bunny's, `v1` is ours."""

from __future__ import annotations

import re

from frameworks.diagnostics import Collector
from frontend.bunnyfile.nodes import Mapping, Scalar, is_null
from llb import Range

# What bunny's version library reads (hashicorp/go-version); the suffix makes a pre-release.
_VERSION = re.compile(
    r"v?(?P<numbers>[0-9]+(\.[0-9]+)*)(?P<pre>-?[A-Za-z~-][0-9A-Za-z.~-]*|-[0-9][0-9A-Za-z.~-]*)?(\+[0-9A-Za-z.~-]+)?"
)


def version_of(root: Mapping, problems: Collector) -> str:
    """ "v0.1" or "v1"; anything else is noted in `problems`, and "" comes back."""
    node = root.find("version")
    if node is None or is_null(node):
        start = root.at.start
        at = next((e.key.at for e in root if e.key.text == "version"), Range(start, start))
        hint = "start it with 'version: v1', or 'version: v0.1' for a file of bunny's"
        if root.find("spec") is not None or root.find("specification") is not None:
            hint = "it looks like a Kraftfile, of which `hutch migrate` writes a bunnyfile"
        problems.error("missing-version", "the file does not say its version", hint=hint, at=at)
        return ""
    if not isinstance(node, Scalar):
        problems.error(
            "wrong-type", "'version' must be text", hint="write 'version: v1'", at=node.at
        )
        return ""
    if node.text == "v1":
        return "v1"
    if _is_v0(node.text):
        return "v0.1"
    shown = node.text if node.text.isprintable() and len(node.text) <= 40 else "this"
    hint = "write 'version: v1', or 'version: v0.1' for a file of bunny's"
    if re.fullmatch(r"v?1(\.0)*", node.text):
        hint = "write 'version: v1'"
    problems.error(
        "unsupported-version", f"'{shown}' is no version of the bunnyfile", hint=hint, at=node.at
    )
    return ""


def _is_v0(text: str) -> bool:
    """Whether bunny takes it: a version that is not newer than 0.1; 0.1-rc1 is older."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return False
    numbers = [int(part) if len(part) < 10 else 10**10 for part in found["numbers"].split(".")]
    return [*numbers, 0, 0][:2] < [0, 1] or (numbers[:2] == [0, 1] and not any(numbers[2:]))
