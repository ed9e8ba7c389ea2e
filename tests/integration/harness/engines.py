"""Engines and their environment: `python3 -m engine`, as a developer runs it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.places import ROOT

ELSEWHERE = ("DOCKER_HOST", "BUILDKIT_HOST")
"""What the shell says of an engine. One that is asked for by its name is ours."""


def engine(
    *words: str, environ: Mapping[str, str] | None = None, named: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the engine's command. Unless `named`, a BuildKit that is there already will do."""
    kept = {key: value for key, value in os.environ.items() if not (named and key in ELSEWHERE)}
    return subprocess.run(
        [sys.executable, "-m", "engine", *words],
        cwd=ROOT,
        env={**kept, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def options(name: str) -> tuple[str, ...]:
    """The engine's options for a Docker by its name: 28, 28-classic, 20.10."""
    version, _, store = name.partition("-")
    return ("--engine", version, *(("--store", store) if store else ()))


def start(name: str | None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a Docker, which is started if it is not up; None is the default one.

    `environ` adds to the environment of the engine's command.
    """
    chosen = options(name) if name else ()
    for words in (("up", *chosen), ("env", "--json", *chosen)):
        done = engine(*words, environ=environ, named=name is not None)
        assert done.returncode == 0, done.stderr
    return {**os.environ, **json.loads(done.stdout)}


@contextmanager
def another(name: str, environ: Mapping[str, str], state: Path) -> Iterator[dict[str, str]]:
    """The environment of a second engine of the kind `name`, which has built nothing yet.

    `environ` is the first one's, whose registry it has; `state` is an empty directory for it. There
    is one of them at a time on this machine: their networks are of few numbers.
    """
    roots = Path(environ["DOCKER_CONFIG"]).parent / "roots"
    if not roots.is_dir() or os.geteuid() != 0:
        pytest.skip("needs the private engine")
    (state / "roots").symlink_to(roots)
    own = {"HUTCH_ENGINE_DIR": str(state), "HUTCH_REGISTRY": environ["HUTCH_REGISTRY"]}
    with alone(roots):
        yield start(name, own)
        done = engine("down", *options(name), environ=own)
    assert done.returncode == 0, done.stderr


@contextmanager
def alone(roots: Path) -> Iterator[None]:
    """Wait for other tests' second engines to end; those that borrow the same roots are seen."""
    held = os.open(roots, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
