"""Errors as BuildKit wants them: a Status whose details let buildx print the user's line.

    bunnyfile:4
    --------------------
       2 |     framework: linux
       3 |     kernel:
       4 | >>>   verion: "6.12"
    --------------------
    ERROR: failed to solve: bunnyfile:4:5: unknown key 'verion' (did you mean 'version'?)

The code is always UNKNOWN: any other adds a prefix such as "Internal:" to the message. A detail is
JSON under a type name of BuildKit's, not a protobuf message (docs/contract/buildkit.md 1.5).
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable

from frameworks.diagnostics import Diagnostic, Problems
from frontend.gateway.errors import UNKNOWN, GatewayError
from llb import MissingCapability
from llb.masked import masked, masked_bytes
from llb.pb import status_pb2

_TYPES = "github.com/moby/buildkit/errdefs."
_EXCERPTS = 8  # each carries the whole file
_EXCERPT_BYTES = 1 << 20
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def from_exception(error: BaseException) -> status_pb2.Status:
    """The status to return for whatever ended the build."""
    match error:
        case Problems():
            return from_problems(error)
        case GatewayError():
            status = error.to_status()
            status.message = masked(status.message)
            return status
        case MissingCapability():
            return from_problems(Problems([needs_newer(error)]))
        case KeyboardInterrupt():
            return _status("the build was interrupted")
        case _:
            kind = type(error).__name__
            text = str(error) or "no message"
            return _status(f"hutch failed, and that is a bug in hutch: {kind}: {text}")


def is_bug(error: BaseException) -> bool:
    """Whether an error is ours to mend: its traceback belongs in the daemon's log."""
    known = Problems | GatewayError | MissingCapability | KeyboardInterrupt
    return not isinstance(error, known)


def from_problems(problems: Problems) -> status_pb2.Status:
    """Every diagnostic in the message, and the source lines of the first few as details."""
    found = problems.diagnostics
    message = str(found[0])
    if len(found) > 1:
        message = f"{len(found)} problems:\n" + "\n".join(f"  {d}" for d in found)
    if problems.with_lines:
        message += _lines(found)
    message += _pages(found)
    status = _status(message)
    spent = 0
    excerpts: list[Diagnostic] = []
    for diagnostic in found:
        if diagnostic.file is None or diagnostic.at is None:
            continue
        spent += len(diagnostic.file.data)
        if len(excerpts) == _EXCERPTS or spent > _EXCERPT_BYTES:
            break
        excerpts.append(diagnostic)
    # The daemon's client prints the last detail first.
    for diagnostic in reversed(excerpts):
        _attach(status, "Source", _source(diagnostic))
    if not excerpts:
        # Without any source Docker's own frontend would blame the `# syntax=` line.
        name = next((each.file.filename for each in found if each.file), "")
        _attach(status, "Source", {"info": {"filename": name}, "ranges": []})
    return status


def _lines(found: Iterable[Diagnostic]) -> str:
    """The lines of the first few, for a client that is given no details."""
    from frontend.bunnyfile.render import excerpt

    parts: list[str] = []
    for each in found:
        if each.file is not None and each.at is not None and len(parts) < _EXCERPTS:
            lines = "\n".join(excerpt(each.file.data, each.at))
            parts.append(f"\n{each.file.filename}:{each.at.start.line}\n{lines}")
    return "\n".join(parts)


def _pages(found: Iterable[Diagnostic]) -> str:
    """The pages of what was found, each once, for a site that is published."""
    from frontend import pages

    addresses = filter(None, map(pages.of, dict.fromkeys(each.code for each in found)))
    return "".join(f"\nsee {address}" for address in addresses)


def unsupported_subrequest(name: str) -> status_pb2.Status:
    """What buildx must get for a `--call` that this frontend does not know."""
    status = _status(f"unsupported request {name}")
    _attach(status, "Subrequest", {"name": name})
    return status


def needs_newer(error: MissingCapability) -> Diagnostic:
    """What to tell the user of a daemon that is too old for what the file asks for."""
    at = file = None
    if error.location is not None and error.location.ranges:
        at, file = error.location.ranges[0], error.location.file
    return Diagnostic("needs-newer-buildkit", str(error), "", at, file)


def _source(diagnostic: Diagnostic) -> dict[str, object]:
    assert diagnostic.file is not None
    assert diagnostic.at is not None
    start, end = diagnostic.at.start, diagnostic.at.end
    return {
        "info": {
            "filename": diagnostic.file.filename,
            # buildx prints the lines as they are: nothing in them may move the terminal's cursor.
            "data": b64encode(_CONTROL.sub(b"?", masked_bytes(diagnostic.file.data))).decode(),
            "language": diagnostic.file.language,
        },
        "ranges": [
            {
                "start": {"line": start.line, "character": start.character},
                "end": {"line": max(start.line, end.line), "character": end.character},
            }
        ],
    }


def _attach(status: status_pb2.Status, kind: str, value: dict[str, object]) -> None:
    data = json.dumps(value, separators=(",", ":")).encode()
    status.details.add(type_url=f"{_TYPES}{kind}+json", value=data)


def _status(message: str) -> status_pb2.Status:
    # The wire takes no half characters, which a broken path or variable may bring.
    text = masked(message).encode("utf-8", "backslashreplace").decode()
    return status_pb2.Status(code=UNKNOWN, message=text)
