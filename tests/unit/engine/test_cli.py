"""What the command says where there is no engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("argv", [["env"], ["env", "--json"], ["run", "--", "true"]])
def test_nothing_is_claimed_when_the_engine_is_down(tmp_path: Path, argv: list[str]) -> None:
    environ = {"PATH": "/nonexistent", "HUTCH_ENGINE_DIR": str(tmp_path)}
    done = subprocess.run(
        (sys.executable, "-m", "engine", *argv),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "engine: the engine is not up: run `python3 -m engine up`\n"


def test_up_says_what_to_do_where_it_cannot_help(tmp_path: Path) -> None:
    environ = {"PATH": "/nonexistent", "HUTCH_ENGINE_DIR": str(tmp_path)}
    done = subprocess.run(
        (sys.executable, "-m", "engine", "up"),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "start Docker, or set DOCKER_HOST or BUILDKIT_HOST" in done.stderr
    assert "Traceback" not in done.stderr
