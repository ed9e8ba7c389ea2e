"""The list of examples is made of the examples, and their pages say what tests look for."""

from __future__ import annotations

from docs.site import hooks
from docs.site.examples import PAGE, examples, with_table
from tests.places import ROOT


def test_the_list_is_fresh() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_table(text), "run: make gen"


def test_each_says_what_it_shows() -> None:
    found = examples()
    assert {each.name for each in found} == {
        file.parent.name for file in ROOT.glob("examples/*/bunnyfile")
    }
    assert [each.name for each in found if not 20 < len(each.shows) < 200] == []


def test_a_page_has_its_output() -> None:
    pages = {name: text for name, text in hooks._added() if isinstance(text, str)}
    assert "25 prime numbers below 100\n" in pages["examples/linux-static-c.md"]
    assert "## What it prints" not in pages["examples/netbsd-hello.md"]
