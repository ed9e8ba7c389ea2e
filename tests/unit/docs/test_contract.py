"""The facts that comments cite are in docs/contract, under the sections that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.places import ROOT

CONTRACT = ROOT / "docs" / "contract"
ROOMS = ("engine", "frameworks", "frontend", "image", "llb", "tests", "bench", "pyproject.toml")
KINDS = {".py", ".toml", ".config", ".c", ".h", ".amd64", ".arm64", ".sh"}
NUMBER = r"\d+(?:\.\d+)?"
CITED = re.compile(
    rf"docs/contract/([\w-]+)\.md((?:\s|#)+{NUMBER}(?:(?:,|\s|#|and|to)+{NUMBER})*)?", re.ASCII
)
BARE = re.compile(r"(?<![\w/])(?:urunc|buildkit|buildkit-gateway|kernels|anchors|design)\.md\b")


def _sources() -> dict[str, str]:
    files = [
        file
        for room in ROOMS
        for file in ([ROOT / room] if (ROOT / room).is_file() else (ROOT / room).rglob("*"))
        if file.is_file() and file.suffix in KINDS and file != Path(__file__)
    ]
    return {str(file.relative_to(ROOT)): file.read_text(errors="replace") for file in files}


def _sections(page: str) -> set[str]:
    path = CONTRACT / f"{page}.md"
    text = path.read_text() if path.is_file() else ""
    return set(re.findall(rf"^##+ ({NUMBER}) ", text, re.MULTILINE))


def test_every_cited_section_is_there() -> None:
    cited = [
        (name, page, number)
        for name, text in _sources().items()
        for page, numbers in CITED.findall(text)
        for number in re.findall(NUMBER, numbers) or [""]
    ]
    assert len(cited) > 50
    assert [one for one in cited if one[2] not in _sections(one[1])] == []


def test_no_comment_cites_a_page_that_is_not_there() -> None:
    assert [name for name, text in _sources().items() if BARE.search(text)] == []


@pytest.mark.parametrize("page", ["urunc", "buildkit", "kernels"])
def test_sections_come_once_and_in_order(page: str) -> None:
    text = (CONTRACT / f"{page}.md").read_text()
    numbers = re.findall(rf"^##+ ({NUMBER}) ", text, re.MULTILINE)
    ordered = sorted(set(numbers), key=lambda one: [int(part) for part in one.split(".")])
    assert numbers == ordered
