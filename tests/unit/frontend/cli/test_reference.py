"""docs/cli.md says what the parsers take."""

from __future__ import annotations

from frontend.cli import reference


def test_the_page_is_up_to_date() -> None:
    """If not: `make gen`."""
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page()
