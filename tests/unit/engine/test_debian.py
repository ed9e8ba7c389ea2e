"""The root directories that daemons run in."""

from __future__ import annotations

from pathlib import Path

from engine import debian
from engine.layout import (
    FORKY,
)


def test_root_path_changes_with_its_packages() -> None:
    other = type(FORKY)(FORKY.suite, (*FORKY.packages, "vim"))
    paths = {debian.root_path(Path("/r"), root) for root in (FORKY, other)}
    assert len(paths) == 2
    assert all(path.name.startswith("forky-") for path in paths)
