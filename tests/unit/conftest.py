"""Unit tests depend on nothing that runs on the machine, and leave nothing there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No Docker and no engine answer; what programs make with mktemp goes with the tests' own."""
    folder = tmp_path_factory.mktemp("apart")
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("HUTCH_ENGINE_DIR", str(folder / "engine"))
        patch.setenv("TMPDIR", str(folder))
        yield
