"""The documentation's own links."""

from __future__ import annotations

import re

from tests.places import ROOT


def test_links_of_the_pages_lead_somewhere() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/howto/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("frameworks/**/*.md"),
    ]
    assert len(pages) > 8
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
