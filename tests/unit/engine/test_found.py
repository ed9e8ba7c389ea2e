"""A BuildKit that is there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import found
from engine.layout import (
    DEFAULT,
    DEFAULT_STATE,
    Layout,
)


def test_found_prefers_buildkit_and_never_finds_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "works", lambda *argv: True)
    monkeypatch.setenv("BUILDKIT_HOST", "tcp://builder:1234")
    assert found.find(Layout(Path(DEFAULT_STATE))) == found.OwnBuildKit(
        "buildkit", "tcp://builder:1234"
    )
    monkeypatch.delenv("BUILDKIT_HOST")
    monkeypatch.setenv("DOCKER_HOST", "ssh://builder")
    assert found.find(Layout(Path(DEFAULT_STATE))) == found.OwnBuildKit("docker", "ssh://builder")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{Layout(Path(DEFAULT_STATE)).socket(DEFAULT)}")
    assert found.find(Layout(Path(DEFAULT_STATE))) is None


def test_found_wants_buildx_beside_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILDKIT_HOST", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(found, "works", lambda *argv: "buildx" not in argv)
    assert found.find(Layout(Path(DEFAULT_STATE))) is None
