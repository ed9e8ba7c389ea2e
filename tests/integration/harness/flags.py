"""What the tests of flags share: the engine that they are run on, and a context.

`HUTCH_TEST_ENGINE` picks one of the engine's Dockers: 28 (the default), 28-classic, 20.10.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.harness.builder import Builder
from tests.integration.harness.engines import another, start


@pytest.fixture(scope="session")
def hutch(builder: Builder) -> Iterator[Builder]:
    """The engine under test, which is started if it is not up, and the frontend of `builder`."""
    name = os.environ.get("HUTCH_TEST_ENGINE") or "28"
    with closing(Builder(name, start(name), builder.frontend)) as under_test:
        yield under_test


@pytest.fixture
def project(hutch: Builder, tmp_path: Path) -> Path:
    """A context with a bunnyfile."""
    return hutch.project(tmp_path / "project")


@pytest.fixture(scope="module")
def pruned(hutch: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A second engine of the same kind, whose cache is nobody else's and may be pruned."""
    with (
        another(hutch.name, hutch.environ, tmp_path_factory.mktemp("engine")) as environ,
        closing(Builder(hutch.name, environ, hutch.frontend)) as second,
    ):
        yield second


def tree(folder: Path) -> dict[str, str]:
    """Files below a folder -> their text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
