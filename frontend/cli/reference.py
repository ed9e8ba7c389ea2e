"""docs/cli.md, made of the verbs' own parsers: `python3 -m frontend.cli.reference`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from frontend import cli
from frontend.cli.options import Parser

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"

_HEAD = """\
# The command `hutch`

<!-- Written by `make gen` from the verbs' parsers: change those. -->

Each verb has `--help`, which says the same. What a verb prints for a program to read is on standard
output, and everything else on standard error. The exit statuses are these; a verb's own are below:

"""


def page() -> str:
    """The page."""
    text = _HEAD + _statuses(cli.COMMON)
    text += (
        "\nA guest's console is standard output, too: `hutch run` ends with its command's status.\n"
    )
    text += "\n| verb | what |\n|---|---|\n"
    text += "".join(f"| [{name}](#hutch-{name}) | {what} |\n" for name, what in cli.VERBS.items())
    for name in cli.VERBS:
        text += "\n" + "".join(_section(name, cast("Parser", cli.verb(name).parser())))
    return text


def _section(name: str, parser: Parser) -> Iterator[str]:
    yield f"## hutch {name}\n\n{parser.description}\n\n"
    yield "".join(f"    {example}\n" for example in parser.examples) + "\n"
    for group in parser._action_groups:
        rows = [_row(action) for action in group._group_actions if action.dest != "help"]
        if not rows:
            continue
        known = ("positional arguments", "options")
        title = (
            ""
            if group.title in known
            else f"{group.title[:1].upper()}{group.title[1:]}:\n\n"
            if group.title
            else ""
        )
        yield title + "| | |\n|---|---|\n" + "".join(rows) + "\n"
    own = {
        number: what for number, what in parser.statuses.items() if cli.COMMON.get(number) != what
    }
    if own:
        yield "Exit statuses:\n\n" + _statuses(own)


def _row(action: argparse.Action) -> str:
    metavar = action.metavar
    if action.choices is not None and metavar is None:
        metavar = "\\|".join(map(str, action.choices))
    elif metavar is None:
        metavar = action.dest.upper()
    takes = "" if action.nargs == 0 else str(metavar)
    names = ", ".join(f"`{each}`" for each in action.option_strings)
    takes = f"`{takes}`" if takes else ""
    return f"| {' '.join(filter(None, (names, takes)))} | {_cell(action.help or '')} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _statuses(statuses: object) -> str:
    rows = "".join(
        f"| {number} | {what} |\n"
        for number, what in dict(cast("dict[int, str]", statuses)).items()
    )
    return "| status | |\n|---|---|\n" + rows


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
