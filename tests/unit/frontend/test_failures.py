"""Failures of steps, in the user's words, by what the daemon says of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from frameworks import exits
from frameworks.spec import App, Artifact, Package, PackageList, Text
from frontend.failures import explain, stale
from frontend.gateway.errors import GatewayError
from llb import Position, Range, SourceFile
from llb.pb import status_pb2

FILE = SourceFile("bunnyfile", b"")
BUILD = "/bin/sh /hutch/run.sh /hutch/app.sh app.build"
INSTALL = "/bin/sh /hutch/install.sh make"


def failed(command: str, status: int) -> GatewayError:
    message = f'process "{command}" did not complete successfully: exit code: {status}'
    error = status_pb2.Status(code=2, message=message)
    at = {"start": {"line": 7}, "end": {"line": 7}}
    source = {"info": {"filename": "bunnyfile"}, "ranges": [at]}
    url = "github.com/moby/buildkit/errdefs.Source+json"
    error.details.add(type_url=url, value=json.dumps(source).encode())
    return GatewayError(error)


@pytest.mark.parametrize(
    ("command", "status", "code", "message"),
    [
        (BUILD, 1, "failed-step", "the script of 'app.build' failed (exit code: 1)"),
        (BUILD, 127, "failed-step", "the script of 'app.build' failed: a command is not there"),
        (BUILD, 137, "failed-step", "the script of 'app.build' was killed (exit code: 137)"),
        (BUILD, exits.NEEDS_NETWORK, "needs-network", "the script of 'app.build' wanted the"),
        (
            BUILD.replace("build", "fetch"),
            exits.NO_NETWORK,
            "no-network",
            "the script of 'app.fetch' could not reach the network",
        ),
        (INSTALL, exits.NO_NETWORK, "no-network", "a step for this line could not reach"),
        (INSTALL, exits.WRONG_SOURCE, "wrong-source", "a source tree that is built for this line"),
        (INSTALL, exits.NO_PACKAGE, "no-such-package", "the toolchain's distribution lacks"),
        (INSTALL, exits.UNFIT_PACKAGES, "stale-lock", "the locked packages lack one that is asked"),
        (
            "/usr/bin/patch\n--strip=1",
            1,
            "failed-step",
            "a step for this line failed (exit code: 1)",
        ),
    ],
)
def test_a_failed_step_is_told_at_its_line(
    command: str, status: int, code: str, message: str
) -> None:
    problems = explain(failed(command, status), FILE)
    assert problems is not None
    (found,) = problems.diagnostics
    assert found.code == code
    assert found.message.startswith(message)
    assert found.hint
    assert found.at is not None
    assert found.at.start.line == 7
    assert command not in found.message


def test_a_file_of_a_lock_that_is_gone_is_told_at_the_packages() -> None:
    at = Range(Position(7), Position(7))
    package = Package("a", "1", "http://m/a_1.deb", "0" * 64)
    locked = PackageList((Text("a", at),), files=(package,))
    elsewhere = PackageList((Text("a", Range(Position(8), Position(8))),), files=(package,))
    gone = failed("", 0)
    gone.status.message = "failed to load cache key: invalid response status 404"
    problems = stale(gone, [elsewhere, locked], FILE)
    assert problems is not None
    (found,) = problems.diagnostics
    assert (found.code, found.at) == ("stale-lock", at)
    assert "'hutch lock --update bunnyfile packages'" in found.hint
    # What the file names itself by URL is no lock's, and another answer may be another one soon.
    assert stale(gone, [replace(locked, files=None), elsewhere], FILE) is None
    gone.status.message = f"digest mismatch sha256:{'0' * 64}: sha256:{'1' * 64}"
    assert stale(gone, [locked], FILE) is not None
    gone.status.message = "failed to load cache key: invalid response status 503"
    assert stale(gone, [locked], FILE) is None


@pytest.mark.parametrize(
    "words", ["sha256:{0}: sha256:{1}", "for http://h/a: sha256:{0} (expected: sha256:{1})"]
)
def test_another_file_than_the_checksum_s(words: str) -> None:
    """In the words of BuildKit, and of newer ones."""
    error = failed("", 0)
    error.status.message = "digest mismatch " + words.format("ab" * 32, "0" * 64)
    problems = explain(error, FILE)
    assert problems is not None
    assert problems.diagnostics[0].message == f"what was fetched has the sha256 {'ab' * 32}"


def test_an_artifact_that_the_build_did_not_leave() -> None:
    """At the artifact's line, and in words of the application's build."""

    def at(line: int) -> Range:
        return Range(Position(line), Position(line))

    names = {"out/a": at(6), "out/hello": at(7), "x*": at(7)}
    artifacts = tuple(Artifact(Text(each, place), Text("/x")) for each, place in names.items())
    app = App(at(5), Text("local"), build=Text("make"), artifacts=artifacts)
    error = failed("", 0)
    error.status.message = "lstat /app/out/hello: no such file or directory"
    problems = explain(error, FILE, app)
    assert problems is not None
    (found,) = problems.diagnostics
    assert (found.code, found.at) == ("no-such-file", at(7))
    assert found.message == "'app.build' left no 'out/hello'"
    assert ".dockerignore" not in (found.hint or "")
    # The same words of a line that is no artifact's, and where nothing was built.
    for changed in (replace(app, artifacts=artifacts[:1]), replace(app, build=None)):
        other = explain(error, FILE, changed)
        assert other is not None
        assert ".dockerignore" in (other.diagnostics[0].hint or "")


def test_what_says_enough_stays() -> None:
    assert explain(failed("/bin/sh -c make", 2), FILE) is None
    assert explain(GatewayError(status_pb2.Status(code=2, message="no such host")), FILE) is None
