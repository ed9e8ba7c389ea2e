"""The page that draws the house names what is there, and all of the frontend's rooms."""

from __future__ import annotations

import re

import frameworks
from tests.places import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def drawn() -> set[str]:
    """The paths of the tree: an indented name is in the last one that is not."""
    block = PAGE.split("```")[1]
    found: set[str] = set()
    top = ""
    for line in block.strip("\n").splitlines():
        words = re.split(r"\s{2,}", line.strip())[0].split()
        if not line.startswith(" "):
            top = words[0]
            found.add(top)
        else:
            found |= {top + word for word in words}
    return found


def test_what_the_page_names_is_there() -> None:
    named = set(re.findall(r"`([a-z][\w./]*(?:/|\.py|\.c|\.json|\.toml))`", PAGE))
    assert len(named) > 15
    missing = sorted(path for path in named | drawn() if not (ROOT / path).exists())
    assert not missing


def test_the_page_draws_every_room() -> None:
    for top in ("frontend", "frameworks"):
        rooms = {f"{top}/{path.parent.name}/" for path in (ROOT / top).glob("*/__init__.py")}
        assert rooms <= drawn()
    for module, _ in frameworks.TABLE.values():
        assert module.replace(".", "/") + "/" in drawn()
