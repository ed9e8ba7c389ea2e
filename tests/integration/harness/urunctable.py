"""Writes the table of docs/image.md: which image starts and answers under which urunc.

    python -m tests.integration.harness.urunctable JUNIT-FILE...

`make urunc` calls it with what its run left. Columns of other versions stay as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from frameworks.runtime.urunc import versions
from tests.integration.harness.matrix import SHAPES, USERS
from tests.places import ROOT

PAGE = ROOT / "docs" / "image.md"
BEGIN, END = "<!-- tests/integration/harness/urunctable.py begins -->", "<!-- it ends -->"

SHAPE_NAMES = {
    "raw": "`raw`",
    "ext4": "`block`, ext4",
    "squashfs": "`block`, squashfs",
    "erofs": "`block`, erofs",
    "initrd": "`initrd`",
    "no init": "`initrd`, `init: none`",
}
USER_NAMES = {
    "root": "root",
    "name": "a name",
    "number": "a number without a name",
    "-u": "`-u 1000:1000` at run time",
}

Cell = tuple[str, str]
"""A column: the urunc's name, and the monitor's."""

Results = Mapping[Cell, Mapping[tuple[str, str], str]]
"""Column -> (shape, user), as the page names them -> what was seen."""


def read(paths: Iterable[Path]) -> Results:
    """The results in JUnit files of `test_urunc`."""
    found: dict[Cell, dict[tuple[str, str], str]] = {}
    for path in paths:
        for case in ElementTree.parse(path).iter("testcase"):
            match = re.fullmatch(r"test_whoever_runs_it\[(.*?)-(-?[^-]+)\]", case.get("name") or "")
            facts = {each.get("name"): each.get("value") for each in case.iter("property")}
            if not match or "urunc" not in facts:
                continue
            row = SHAPE_NAMES[match[1]], USER_NAMES[match[2]]
            passed = case.find("failure") is None and case.find("error") is None
            started = "started" if facts.get("started") == "True" else "no"
            seen = "yes" if passed and facts.get("answered") == "True" else started
            found.setdefault((str(facts["urunc"]), str(facts["monitor"])), {})[row] = seen
    return found


def parse(text: str) -> Results:
    """The results that the page has."""
    table = text.partition(BEGIN)[2].partition(END)[0]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|") and not line.startswith("|--")
    ]
    if not lines:
        return {}
    columns = [tuple(head.rsplit(", ", 1)) for head in lines[0][2:]]
    return {
        (column[0], column[1]): {(row[0], row[1]): row[2 + number] for row in lines[1:]}
        for number, column in enumerate(columns)
    }


def render(results: Results) -> str:
    """The table, the oldest urunc first."""
    order = list(versions.VERSIONS)
    columns = sorted(results, key=lambda column: (order.index(column[0]), column[1]))
    heads = ["root filesystem", "user", *(f"{name}, {monitor}" for name, monitor in columns)]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for shape in SHAPES:
        for user in USERS:
            row = SHAPE_NAMES[shape], USER_NAMES[user]
            cells = [results[column].get(row, "not run") for column in columns]
            lines.append(f"| {' | '.join([*row, *cells])} |")
    return "\n".join(lines) + "\n"


def write(page: Path, results: Results) -> None:
    """Put `results` into the page, in the place of what it had of the same columns."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, ends, after = rest.partition(END)
    assert ends, f"{page} has no place for the table"
    table = render({**parse(text), **results})
    page.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{after}")


def main(arguments: list[str]) -> int:
    """Write the page from the files; 1 when they have no results."""
    results = read(Path(name) for name in arguments)
    if not results:
        print("urunctable: no results of test_whoever_runs_it", file=sys.stderr)
        return 1
    write(PAGE, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
