"""Bad files and what is said about them: `NN-name.bunnyfile` and `NN-name.err`, side by side.

A bug report becomes a pair. `pytest tests/errors --update-goldens` rewrites the expected half.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworks.diagnostics import Diagnostic, Problems
from frontend import plan
from frontend.bunnyfile import Unsound, load
from frontend.bunnyfile.render import render
from llb import Platform

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.bunnyfile"))
PLATFORMS = {"unsupported-platform": "linux/riscv64"}


def diagnose(data: bytes, platform: str = "linux/amd64") -> tuple[Diagnostic, ...]:
    """Everything that reading and planning a file says, as `hutch check` does it."""
    try:
        loaded = load(data, "bunnyfile")
    except Unsound as found:
        return plan.more(found, Platform.parse(platform), asked=True, contexts=()).diagnostics
    except Problems as problems:
        return problems.diagnostics
    try:
        made = plan.make(loaded.bunnyfile, loaded.file, Platform.parse(platform))
        plan.settle(made, None)
    except Problems as problems:
        return (*loaded.warnings, *problems.diagnostics)
    return loaded.warnings


def shown(found: tuple[Diagnostic, ...]) -> str:
    return "".join(f"{one}\n" for one in found) + "\n" + render(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_error(path: Path, update_goldens: bool) -> None:
    name = path.stem.partition("-")[2]
    found = diagnose(path.read_bytes(), PLATFORMS.get(name, "linux/amd64"))
    assert found, "a file of this folder has something wrong with it"
    golden = path.with_suffix(".err")
    if update_goldens:
        golden.write_text(shown(found), encoding="utf-8")
    assert shown(found) == golden.read_text(encoding="utf-8")


def test_every_golden_has_its_file() -> None:
    assert {path.stem for path in HERE.glob("*.err")} == {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ranges_are_in_the_file(path: Path) -> None:
    data = path.read_bytes()
    lines = data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    for found in diagnose(data):
        assert found.at is not None
        for position in (found.at.start, found.at.end):
            assert position.line <= len(lines)
            assert position.character <= len(lines[position.line - 1])
