"""Failures of the daemon's that a user can do something about, in the user's words.

Everything else a step prints is best left as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from frameworks.diagnostics import Problems, problem
from frontend.gateway.errors import GatewayError
from llb import Position, Range, SourceFile

_SOURCE = "errdefs.Source+json"
_MISSING = re.compile(r'failed to calculate checksum of ref \S+: "(?P<path>[^"]+)": not found')


def explain(error: GatewayError, file: SourceFile) -> Problems | None:
    """The user's error behind a daemon's, at its lines of `file`; None if it says enough."""
    found = _MISSING.search(error.message)
    at = next(_places(error, file.filename), None)
    if found is None or at is None:
        return None
    return problem(
        "no-such-file",
        f"there is no '{found['path']}' where this line looks for it",
        hint="paths start at the build context, or at the image's root; .dockerignore hides files",
        at=at,
        file=file,
    )


def _places(error: GatewayError, filename: str) -> Iterator[Range]:
    """The ranges of the file that the daemon blames."""
    for detail in error.status.details:
        if not detail.type_url.endswith(_SOURCE):
            continue
        source = json.loads(detail.value)
        if (source.get("info") or {}).get("filename") != filename:
            continue
        for each in source.get("ranges") or ():
            start, end = each.get("start") or {}, each.get("end") or {}
            first = Position(max(1, start.get("line", 1)), start.get("character", 0))
            yield Range(first, Position(end.get("line", first.line), end.get("character", 0)))
