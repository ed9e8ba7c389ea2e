"""The site's own code: which page is where, and what becomes of links."""

from __future__ import annotations

import re

import pytest

from docs.site import graphs, guests, hooks, terminal
from frontend import bunnyfile
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


def test_every_example_can_be_shown_by_its_own_port() -> None:
    examples = {path.parent.name: path for path in ROOT.glob("examples/*/bunnyfile")}
    assert set(guests.EXAMPLES) == set(examples)
    for name, shown in guests.EXAMPLES.items():
        given = {"BASE_SHA256": "0" * 64}
        said = bunnyfile.load(examples[name].read_bytes(), name, given).bunnyfile
        ports = [int(port.partition("/")[0]) for port in said.settings.ports]
        assert shown.port in (ports or [0]), name
        assert bool(shown.asks) == bool(shown.port), name
    pictures = {path.stem for path in hooks.PICTURES.glob("example-*.svg")}
    assert pictures <= {hooks.pictured(name).stem for name in examples}


def test_of_a_long_output_the_middle_is_left_out() -> None:
    def screen(count: int) -> tuple[terminal.Line, ...]:
        return (*(((str(number), "white", False),) for number in range(count)), (), ())

    assert guests.shortened(screen(33)) == screen(33)[:33]
    long = guests.shortened(screen(100))
    assert [line[0][0] for line in long[:8]] == ["0", "1", "2", "3", "4", "5", "(68 lines)", "74"]
    assert long[-1][0][0] == "99"
