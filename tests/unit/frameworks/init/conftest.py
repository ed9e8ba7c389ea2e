"""How the init programs are run in tests: with the sanitizers."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is parsed is kept until the machine ends: nothing is freed, so nothing leaks."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
