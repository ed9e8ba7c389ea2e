"""Errors that the daemon answered with, kept whole.

A failed step carries typed details (which vertex, which source lines, which solve) that buildx
needs to print the failing line and to start a debugger. They travel as a `Status`; whoever handles
the error may add words to its message, but must return the rest as it came.
Source: docs/contract/buildkit.md 1.5.
"""

from __future__ import annotations

from llb import strictjson
from llb.pb import status_pb2

SOURCE = "errdefs.Source+json"
"""How the type of a detail ends that says which lines of a file an error is about."""

UNKNOWN = 2
DEADLINE_EXCEEDED = 4
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14


def _has_ranges(detail: status_pb2.Detail) -> bool:
    if not detail.type_url.endswith(SOURCE):
        return False
    try:
        return bool(strictjson.loads(detail.value).get("ranges"))
    except (ValueError, AttributeError):
        return False


class GatewayError(Exception):
    """The daemon refused a call, or a step of the build failed in it."""

    def __init__(self, status: status_pb2.Status, context: tuple[str, ...] = ()) -> None:
        self.status = status
        self.context = context
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The daemon's message after our words about what was being done."""
        return ": ".join((*self.context, self.status.message))

    def during(self, doing: str) -> GatewayError:
        """The same error with `doing` (a clause such as "cannot read the bunnyfile") in front."""
        return GatewayError(self.status, (doing, *self.context))

    def to_status(self) -> status_pb2.Status:
        """What to return to the daemon: the code and the details as they came."""
        status = status_pb2.Status()
        status.CopyFrom(self.status)
        status.message = self.message
        return status

    @property
    def is_missing_file(self) -> bool:
        """Whether a path was not there; BuildKit has no code for that, only the words."""
        said = self.status.message
        return "no such file or directory" in said or "not a directory" in said

    @property
    def is_placed(self) -> bool:
        """Whether the daemon says which lines of which file it is about."""
        return any(map(_has_ranges, self.status.details))

    @property
    def is_unimplemented(self) -> bool:
        """Whether the daemon is too old for the method that was called."""
        return self.status.code == UNIMPLEMENTED


class NotAFile(GatewayError):
    """What is at a path is no regular file; `kind` says what it is instead ("a directory")."""

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self.kind = kind
        super().__init__(status_pb2.Status(code=UNKNOWN, message=f"{path} is {kind}, not a file"))


class NotAnImage(Exception):
    """An image reference was redirected by a source policy to something that is no image."""

    def __init__(self, reference: str, identifier: str) -> None:
        self.reference = reference
        self.identifier = identifier
        super().__init__(f"{reference} resolves to {identifier}, which is not an image")
