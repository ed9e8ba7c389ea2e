"""What the command says where there is no engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Neither commands nor an engine's directory. That of a test can be too long for a socket.
NOTHING = {"PATH": "/nonexistent", "HUTCH_ENGINE_DIR": "/nonexistent/engine"}


@pytest.mark.parametrize("argv", [["env"], ["env", "--json"], ["run", "--", "true"]])
def test_nothing_is_claimed_when_the_engine_is_down(argv: list[str]) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "engine", *argv),
        env=NOTHING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "engine: the engine is not up: run `python3 -m engine up`\n"


def test_up_says_what_to_do_where_it_cannot_help() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "engine", "up"),
        env=NOTHING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "start Docker, or set DOCKER_HOST or BUILDKIT_HOST" in done.stderr
    assert "Traceback" not in done.stderr
