"""README's claims name the tests that hold them, and those are there."""

from __future__ import annotations

import re

from tests.places import ROOT


def test_named_tests_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", readme))
    missing = {name for name in named if not re.search(rf"^\s*def {name}\(", sources, re.MULTILINE)}
    assert not missing


def test_each_of_the_three_claims_names_some() -> None:
    readme = (ROOT / "README.md").read_text()
    claims = (
        "Nothing of a bunnyfile is run",
        "The same input gives the same bytes",
        "A mistake ends",
    )
    for claim in claims:
        (start,) = [found.start() for found in re.finditer(re.escape(claim), readme)]
        item = re.split(r"\n(?:- |\n)", readme[start:])[0]
        assert re.search(r"`test_\w+`", item), claim


def test_the_database_page_has_the_examples_file() -> None:
    """tests/integration/test_linux.py boots the example twice, with a volume."""
    page = (ROOT / "docs/howto/database.md").read_text()
    (file,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert file == (ROOT / "examples/linux-redis/bunnyfile").read_text()
