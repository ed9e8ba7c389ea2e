"""Failures of steps, in the user's words, by what the daemon says of them."""

from __future__ import annotations

import json

import pytest

from frameworks import exits
from frontend.failures import explain
from frontend.gateway.errors import GatewayError
from llb import SourceFile
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
        (INSTALL, exits.NO_PACKAGE, "no-such-package", "the toolchain's distribution lacks"),
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


def test_what_says_enough_stays() -> None:
    assert explain(failed("/bin/sh -c make", 2), FILE) is None
    assert explain(GatewayError(status_pb2.Status(code=2, message="no such host")), FILE) is None
