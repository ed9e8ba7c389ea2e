"""Failures of the daemon's that a user can do something about, in the user's words.

Everything else a step prints is best left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from frameworks.diagnostics import Problems, problem
from frontend.gateway.errors import SOURCE, GatewayError
from llb import Position, Range, SourceFile, strictjson


@dataclass(frozen=True, slots=True)
class _Failure:
    """Words of the daemon's, and ours for them; `{0}` is what the words' group found."""

    code: str
    words: re.Pattern[str]
    message: str
    hint: str


_FAILURES = (
    _Failure(
        "no-such-file",
        re.compile(
            r'failed to calculate checksum of ref \S+: "([^"]+)": not found'
            r"|lstat (/\S+): no such file or directory$"
        ),
        "there is no '{0}' where this line looks for it",
        "paths start at the build context, or at the image's root; .dockerignore hides files",
    ),
    _Failure(
        "no-such-file",
        re.compile(r"(?:^|: )(/\S*[*?\[]\S*) not found$"),
        "nothing matches '{0}' where this line looks for it",
        "paths start at the build context, or at the image's root; .dockerignore hides files",
    ),
    _Failure(
        "wrong-checksum",
        re.compile(r"digest mismatch sha256:([0-9a-f]{64}): sha256:[0-9a-f]{64}"),
        "what was fetched has the sha256 {0}",
        "compare it with what the publisher says of the file before you put it here",
    ),
    _Failure(
        "missing-secret",
        re.compile(r"secret (\S+): not found"),
        "the build was given no secret '{0}'",
        "give it with '--secret id={0},src=FILE', or let it be missing with 'required: false'",
    ),
    _Failure(
        "missing-agent",
        re.compile(r"unset ssh forward key (\S+)"),
        "the build was given no SSH agent '{0}'",
        "give it with '--ssh {0}'",
    ),
)


def explain(error: GatewayError, file: SourceFile) -> Problems | None:
    """The user's error behind a daemon's, at its lines of `file`; None if it says enough."""
    at = next(_places(error, file.filename), None)
    if at is None:
        return None
    for failure in _FAILURES:
        if found := failure.words.search(error.message):
            word = next(filter(None, found.groups()))
            message, hint = failure.message.format(word), failure.hint.format(word)
            return problem(failure.code, message, hint=hint, at=at, file=file)
    return None


def _places(error: GatewayError, filename: str) -> Iterator[Range]:
    """The ranges of the file that the daemon blames."""
    for detail in error.status.details:
        if not detail.type_url.endswith(SOURCE):
            continue
        try:
            source = strictjson.loads(detail.value)
            if (source.get("info") or {}).get("filename") != filename:
                continue
            for each in source.get("ranges") or ():
                start, end = each.get("start") or {}, each.get("end") or {}
                first = Position(max(1, start.get("line", 1)), start.get("character", 0))
                yield Range(first, Position(end.get("line", first.line), end.get("character", 0)))
        except (ValueError, TypeError, AttributeError):
            continue  # what the daemon says in another form has no place in the file
