"""The site's own code: which page is where, and what becomes of links."""

from __future__ import annotations

import re

import pytest

from docs.site import graphs, hooks
from llb import Definition
from tests.places import ROOT


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("README.md", "[a](docs/image.md)", "[a](image.md)"),
        ("README.md", "[a](frameworks/linux/README.md#x)", "[a](frameworks/linux.md#x)"),
        ("README.md", "[a](docs/errors)", "[a](errors/index.md)"),
        ("README.md", "[a](examples)", "[a](examples/index.md)"),
        ("docs/image.md", "[a](rules/NoCommand.md)", "[a](rules/NoCommand.md)"),
        ("docs/image.md", "[a](../examples/linux-hello)", "[a](examples/linux-hello.md)"),
        ("docs/howto/debug.md", "[a](../image.md#b)", "[a](../image.md#b)"),
        ("frameworks/linux/README.md", "[a](../kit/versions.toml)", "a"),
        ("examples/linux-redis/README.md", "[`a`](../linux-python)", "[`a`](linux-python.md)"),
        ("README.md", "[a](https://example.com/x)", "[a](https://example.com/x)"),
        ("README.md", "[a](#here)", "[a](#here)"),
        ("docs/image.md", "![a](pictures/image.svg)", "![a](pictures/image.svg)"),
        ("README.md", "```\n[a](nothing)\n```", "```\n[a](nothing)\n```"),
    ],
)
def test_a_link_is_the_site_s(source: str, link: str, expected: str) -> None:
    assert hooks.linked(f"x {link} y\n" if "\n" not in link else link, source).strip("x y\n") == (
        expected.strip("x y\n")
    )


def test_every_page_from_elsewhere_is_there_once() -> None:
    pages = hooks.pages()
    assert len(set(pages.values())) == len(pages)
    assert all((ROOT / source).is_file() for source in pages)
    inside = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert not inside & set(pages.values())


@pytest.mark.parametrize("folder", ["errors", "rules", "adr"])
def test_lists_name_every_page_of_their_folder(folder: str) -> None:
    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): .+\.$", hooks._listed(folder), re.M)
    assert listed == sorted(path.name for path in (ROOT / "docs" / folder).glob("*.md"))


def test_a_graph_has_a_box_for_each_step_and_an_arrow_for_each_input() -> None:
    data = graphs.definition(ROOT / "examples/linux-static-c").to_bytes()
    text = graphs.dot(Definition.from_bytes(data))
    assert '[label="[linux] make bzImage"' in text
    assert "[internal]" not in text
    boxes = set(re.findall(r"^(n\d+) \[", text, re.M))
    arrows = re.findall(r"^(n\d+) -> (n\d+);$", text, re.M)
    assert len(boxes) > 10
    assert {end for arrow in arrows for end in arrow} <= boxes
    assert len(arrows) >= len(boxes) - 1
    assert graphs._quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'


def test_the_site_s_tools_are_pinned() -> None:
    lock = (ROOT / "docs/site/requirements.txt").read_text()
    names = re.findall(r"^([a-z0-9.-]+)==\S+", lock, re.M)
    assert {"mkdocs-material", "mkdocs", "playwright"} <= set(names)
    assert lock.count("--hash=sha256:") >= len(names)
