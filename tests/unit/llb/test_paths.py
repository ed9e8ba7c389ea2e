"""Paths are cleaned and joined as Go's library does it (goldens/names.json)."""

import json
from pathlib import Path

import pytest

from llb import paths

GOLDENS = json.loads((Path(__file__).parent / "goldens" / "names.json").read_text())


@pytest.mark.parametrize("path", GOLDENS["paths"])
def test_paths(path: str) -> None:
    found = [paths.clean(path), paths.join("/w", path), paths.join("", path)]
    assert found == GOLDENS["paths"][path]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/", "/w/a/"), ("/", "/"), (".", "/w"), ("./", "/w/"), ("/b/.", "/b/."), ("/.", "/.")],
)
def test_the_slash_at_the_end_of_a_destination_is_kept(path: str, expected: str) -> None:
    assert paths.resolve("/w", path, keep_slash=True) == expected
