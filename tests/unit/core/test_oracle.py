"""llb's goldens and their generator (tests/oracle): one BuildKit, one list of cases."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests import oracle
from tests.oracle import __main__ as generator
from tests.unit.llb.cases import CASES


@pytest.mark.parametrize("name", ["go.json", "names.json"])
def test_the_goldens_are_of_the_pinned_buildkit(name: str) -> None:
    assert generator.pin() in json.loads((generator.GOLDENS / name).read_text())["about"]


def test_the_generator_has_each_case() -> None:
    (folder,) = oracle.__path__
    program = "\n".join(path.read_text() for path in Path(folder).glob("*.go"))
    assert [name for name in CASES if f'"{name}"' not in program] == []


def test_another_buildkit_is_refused(tmp_path: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    git = ["git", "-C", str(tmp_path), *who]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    with pytest.raises(SystemExit, match=f"go.mod pins {generator.pin()}"):
        generator.run(tmp_path)
