"""Where things are, for tests that read the repository's own files, wherever the tests are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
GOLDENS = ROOT / "tests" / "goldens"
"""Graphs of whole files as text trees."""
TREES = ROOT / "tests" / "integration" / "trees"
"""Small source trees with the outlines of big ones."""
EXAMPLES = ROOT / "examples"
