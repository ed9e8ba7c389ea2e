"""A tree for the programs of build steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.frameworks.steps.trees import grow


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    grow(root)
    return root
