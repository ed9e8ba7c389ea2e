"""Failures of the daemon's that a user can do something about, in the user's words.

What a failed step printed, the client shows above them.
"""

from __future__ import annotations

import posixpath
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from frameworks import exits
from frameworks.diagnostics import Problems, problem
from frameworks.spec import App, PackageList, Text
from frontend.gateway.errors import SOURCE, GatewayError
from llb import Position, Range, SourceFile, strictjson
from llb.masked import printable
from llb.pb import status_pb2


@dataclass(frozen=True, slots=True)
class _Failure:
    """Words of the daemon's, and ours for them.

    `{0}` is what the words' group found, and `{file}` in a hint the build file.
    """

    code: str
    words: re.Pattern[str]
    message: str
    hint: str


_FAILURES = (
    _Failure(
        "no-such-file",
        re.compile(
            r'failed to calculate checksum of ref \S+: "([^"]+)": not found'
            r'|failed to compute cache key: "([^"]+)" not found'  # BuildKit 0.8
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
        re.compile(
            r"digest mismatch sha256:([0-9a-f]{64}): sha256:"
            r"|digest mismatch for \S+: sha256:([0-9a-f]{64}) "  # BuildKit 0.28
        ),
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

_NOT_LEFT = _Failure(
    "no-such-file",
    re.compile(""),
    "'app.build' left no '{0}'",
    "paths of artifacts start at the directory in which 'app.build' runs",
)
"""An artifact's, in the place of those above."""

_RENEW = "'hutch lock --update {file} packages' chooses them anew"
_GONE = re.compile(r"invalid response status (?:404|410)\b|digest mismatch ")
"""What the daemon says where a server has a file no longer (source/http). One that it knows the
checksum of it asks for without a look at the status: then what came is a page that says so."""

_ENDED = re.compile(
    r'process "(?P<command>.*)" did not complete successfully: exit code: (?P<status>\d+)',
    re.DOTALL,
)
_OF_A_DOCKERFILE = "/bin/sh -c "
"""A RUN of a Dockerfile's: its users know Docker's words for it."""
_SCRIPT = re.compile(r"/hutch/run\.sh \S+ (app\.(?:fetch|build))\b")
_ENDINGS = {
    exits.NEEDS_NETWORK: _Failure(
        "needs-network",
        _ENDED,
        "{0} wanted the network, and has none",
        "fetch what it needs in 'app.fetch'; packages of the distribution, which apt installs, go "
        "under 'app.packages'",
    ),
    exits.NO_NETWORK: _Failure(
        "no-network",
        _ENDED,
        "{0} could not reach the network",
        "see whether the builder has a network and DNS, and whether it needs a proxy ('--build-arg "
        "HTTPS_PROXY=...')",
    ),
    exits.NO_PACKAGE: _Failure(
        "no-such-package",
        _ENDED,
        "the toolchain's distribution lacks a package that is asked for here",
        "the step's last words, above, name it; 'toolchain.from' chooses another distribution",
    ),
    exits.BAD_PATCH: _Failure(
        "bad-patch",
        _ENDED,
        "a patch does not apply to the kernel's source",
        "the step's last words, above, name it and say why",
    ),
    exits.UNFIT_PACKAGES: _Failure(
        "stale-lock",
        _ENDED,
        "the locked packages lack one that is asked for here, or do not fit what they are "
        "installed over",
        _RENEW,
    ),
    exits.WRONG_SOURCE: _Failure(
        "wrong-source",
        _ENDED,
        "a source tree that is built for this line is none of its system",
        "the step's last words, above, say which, and what is not in it",
    ),
    127: _Failure(
        "failed-step",
        _ENDED,
        "{0} failed: a command is not there (exit code: {1})",
        "'app.packages' installs more of the distribution's",
    ),
    137: _Failure(
        "failed-step",
        _ENDED,
        "{0} was killed (exit code: {1}), as happens where memory is short",
        "give the builder more memory, or let less run at once",
    ),
}
_OTHERS = _Failure(
    "failed-step",
    _ENDED,
    "{0} failed (exit code: {1})",
    "the step's last words, above, say why",
)
"""What a step says by its exit status (`frameworks.exits`); `{0}` is what failed."""


def explain(error: GatewayError, file: SourceFile, app: App | None = None) -> Problems | None:
    """The user's error behind a daemon's, at its lines of `file`; None if it says enough.

    `app` is the file's application, whose build may not have left an artifact.
    """
    blamed = list(places(error, file.filename))
    if not blamed:
        return None
    at = blamed[0]
    for failure in _FAILURES:
        if found := failure.words.search(error.message):
            what = next(filter(None, found.groups()))
            if failure.code == _NOT_LEFT.code and (lost := _lost(what, blamed, app)) is not None:
                return _told(_NOT_LEFT, lost.at, file, lost)
            return _told(failure, at, file, what)
    found = _ENDED.search(error.message)
    if found and not found["command"].startswith(_OF_A_DOCKERFILE):
        script = _SCRIPT.search(found["command"])
        what = f"the script of '{script[1]}'" if script else "a step for this line"
        status = found["status"]
        return _told(_ENDINGS.get(int(status), _OTHERS), at, file, what, status)
    return None


def _lost(path: str, blamed: Iterable[Range], app: App | None) -> Text | None:
    """The artifact among what is blamed that a build left none of at `path`, or None."""
    if app is None or app.build is None:
        return None
    sources = [each.source for each in app.artifacts if each.source.at in blamed]
    whole = [each for each in sources if path.endswith(posixpath.join("/", each))]
    return next(iter(whole or sources), None)


def stale(error: GatewayError, lists: Iterable[PackageList], file: SourceFile) -> Problems | None:
    """The user's error where the file of a locked package is not there any more, or None.

    `lists` are those of the plan.
    """
    if not _GONE.search(error.message):
        return None
    blamed = list(places(error, file.filename))
    for each in lists:
        if each.files and (at := each.names[0].at) in blamed:
            message = "what is at the URL of a locked package is not what was locked"
            renew = _RENEW.format(file=file.filename)
            hint = f"the step that failed names it; mirrors keep the newest version alone: {renew}"
            return problem("stale-lock", message, hint=hint, at=at, file=file)
    return None


def _told(failure: _Failure, at: Range, file: SourceFile, *found: str) -> Problems:
    message, hint = failure.message.format(*found), failure.hint.format(*found, file=file.filename)
    return problem(failure.code, message, hint=hint, at=at, file=file)


def with_lines(error: GatewayError) -> GatewayError:
    """The error with the lines that the daemon blames in its message, as buildx shows them.

    For BuildKit 0.8, whose details do not reach the client.
    """
    from frontend.bunnyfile.render import excerpt

    for filename, data, at in _blamed(error):
        status = status_pb2.Status()
        status.CopyFrom(error.status)
        lines = "\n".join(excerpt(data, at))
        status.message += f"\n{printable(filename)}:{at.start.line}\n{lines}"
        return GatewayError(status, error.context)
    return error


def places(error: GatewayError, filename: str) -> Iterator[Range]:
    """The ranges of the file that the daemon blames."""
    return (at for name, _, at in _blamed(error) if name == filename)


def _blamed(error: GatewayError) -> Iterator[tuple[str, bytes, Range]]:
    """What the daemon blames: the names of files, their bytes, and ranges in them."""
    for detail in error.status.details:
        if not detail.type_url.endswith(SOURCE):
            continue
        try:
            source = strictjson.loads(detail.value)
            info = source.get("info") or {}
            data = b64decode(info.get("data") or "")
            for each in source.get("ranges") or ():
                start, end = (_lowered(each.get(edge) or {}) for edge in ("start", "end"))
                first = Position(max(1, start.get("line", 1)), start.get("character", 0))
                last = Position(end.get("line", first.line), end.get("character", 0))
                yield str(info.get("filename", "")), data, Range(first, max(first, last))
        except (ValueError, TypeError, AttributeError):
            continue  # what the daemon says in another form has no place in the file


def _lowered(position: dict[str, int]) -> dict[str, int]:
    """A position by the names that it has today: BuildKit 0.8 wrote `Line` and `Character`."""
    return {name.lower(): number for name, number in position.items()}
