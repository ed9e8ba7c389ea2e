"""The list of examples, from the examples: `python -m docs.site.examples` writes that page.

What an example shows is the first sentence of its README, and its guest what its bunnyfile says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import frameworks
from frontend import bunnyfile

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "examples" / "README.md"

_HEAD = "| example | guest | what it shows |"
_GIVEN = {"BASE_SHA256": "0" * 64}
"""Arguments that examples leave to the user."""


@dataclass(frozen=True, slots=True)
class Example:
    """A directory of examples/: its guest, and what it shows."""

    name: str
    guest: str
    shows: str


def examples() -> list[Example]:
    """All of them, Linux first, then in the order of the frameworks' table."""
    found = []
    for file in ROOT.glob("examples/*/bunnyfile"):
        said = bunnyfile.load(file.read_bytes(), str(file), _GIVEN).bunnyfile
        name = str(said.platforms.framework)
        from_ = "" if said.kernel is None else said.kernel.from_
        kernel = "prebuilt" if from_ not in ("", "source") else "built from source"
        guest = f"{frameworks.TABLE[name][1]}, {kernel}"
        shows = _first((file.parent / "README.md").read_text(encoding="utf-8"))
        order = list(frameworks.TABLE).index(name)
        found.append((order, Example(file.parent.name, guest, shows)))
    return [example for _, example in sorted(found, key=lambda each: (each[0], each[1].name))]


def table() -> str:
    """The list, as a table of Markdown."""
    rows = [f"{_HEAD}\n|---|---|---|"]
    rows += [f"| [{each.name}]({each.name}) | {each.guest} | {each.shows} |" for each in examples()]
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """The page with the table as it has to be."""
    start = text.index("| example |")
    return text[:start] + table() + text[text.index("\n\n", start) + 1 :]


def _first(readme: str) -> str:
    """The first sentence behind a README's title, without its links and its end."""
    _, _, rest = readme.partition("\n")
    paragraph = " ".join(rest.strip().partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s", paragraph)[0].rstrip(".:")
    return re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", sentence)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
