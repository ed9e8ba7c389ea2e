"""Bad files and what is said about them: `CODE/NAME.bunnyfile` and `CODE/NAME.err`, side by side.

The folder is the code of the first thing that is said. A bug report becomes a pair.
`pytest tests/errors --update-goldens` rewrites the expected half.
A pair with a `NAME.toml` needs a build: `tests/integration/test_error_pairs.py` runs it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frameworks.diagnostics import Diagnostic, Problems
from frontend import plan
from frontend.bunnyfile import Unsound, load
from frontend.bunnyfile.render import render
from llb import Platform

HERE = Path(__file__).parent
# Each pair's file: what reading and planning finds, and what only a build finds.
PAIRS = sorted(HERE.glob("*/*.bunnyfile"))
FILES = [path for path in PAIRS if not path.with_suffix(".toml").exists()]
BUILT = [path for path in PAIRS if path.with_suffix(".toml").exists()]
PLATFORMS = {"unsupported-platform": "linux/riscv64"}


def name_of(path: Path) -> str:
    """A pair's name: its code's folder and its own name, `CODE/NAME`."""
    return path.relative_to(HERE).with_suffix("").as_posix()


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
        plan.with_rootfs_type(made, None)
    except Problems as problems:
        return (*loaded.warnings, *problems.diagnostics)
    return loaded.warnings


def shown(found: tuple[Diagnostic, ...]) -> str:
    return "".join(f"{one}\n" for one in found) + "\n" + render(found)


def found_in(path: Path) -> tuple[Diagnostic, ...]:
    return diagnose(path.read_bytes(), PLATFORMS.get(path.stem, "linux/amd64"))


def answer(path: Path) -> str:
    """What is said about a pair's file, as its other half has it."""
    return shown(found_in(path))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_error(path: Path, update_goldens: bool) -> None:
    found = found_in(path)
    assert found, "a file of this folder has something wrong with it"
    assert found[0].code == path.parent.name, "the folder is the code of what is said first"
    golden = path.with_suffix(".err")
    if update_goldens:
        golden.write_text(shown(found), encoding="utf-8")
    assert shown(found) == golden.read_text(encoding="utf-8")


def test_every_golden_has_its_file() -> None:
    """Nothing is left over, and nothing lies where no test looks."""
    kept = {path for path in HERE.rglob("*.*") if path.suffix in (".bunnyfile", ".err", ".toml")}
    pairs = {path.with_suffix(suffix) for path in PAIRS for suffix in (".bunnyfile", ".err")}
    assert kept == pairs | {path.with_suffix(".toml") for path in BUILT}


@pytest.mark.parametrize("path", BUILT, ids=name_of)
def test_the_folder_of_what_a_build_finds(path: Path) -> None:
    codes = re.findall(r"\[([a-z0-9-]+)\]$", path.with_suffix(".err").read_text(), re.MULTILINE)
    assert codes[0] == path.parent.name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_ranges_are_in_the_file(path: Path) -> None:
    data = path.read_bytes()
    lines = data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    for found in diagnose(data):
        assert found.at is not None
        for position in (found.at.start, found.at.end):
            assert position.line <= len(lines)
            assert position.character <= len(lines[position.line - 1])
