"""The integration tests have one harness, and what it reads out of a build's progress is right."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Done
from tests.places import ROOT

ROOM = ROOT / "tests" / "integration"
TESTS = sorted(ROOM.glob("*.py"))

PLAIN = """\
#1 [internal] load build context
#1 transferring context: 1.50kB done
#1 DONE 0.0s
#2 [kernel] build
#2 0.512 CC init/main.o
#3 [rootfs] pack
#3 CACHED
#2 DONE 3.0s
"""


def _commands(tree: ast.AST) -> Iterator[list[str]]:
    """The words, as far as they are constants, of each command that a module writes down."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load):
            words = [each.value for each in node.elts if isinstance(each, ast.Constant)]
            yield [word for word in words if isinstance(word, str)] or [""]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_no_test_runs_docker_or_the_engine_by_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "subprocess" in text:
        commands = list(_commands(ast.parse(text)))
        assert [words for words in commands if words[0] == "docker"] == []
        assert [words for words in commands if words[:2] == ["-m", "engine"]] == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_programs_in_c_are_files_of_their_own(path: Path) -> None:
    assert "#include" not in path.read_text(encoding="utf-8")


def test_steps_of_plain_progress() -> None:
    done = Done(0, "", PLAIN)
    assert done.steps == {
        "[internal] load build context": False,
        "[kernel] build": False,
        "[rootfs] pack": True,
    }
    assert done.transferred == 1500


def test_steps_of_rawjson() -> None:
    vertexes = [{"name": "a"}, {"name": "b", "cached": True}]
    assert Done(0, "", json.dumps({"vertexes": vertexes})).steps == {"a": False, "b": True}


def test_what_a_failed_build_says() -> None:
    log = "#1 DONE 0.0s\n 1 | version: v1\n 2 | >>> cmd: 3\nERROR: no\nmore"
    done = Done(1, "", log)
    assert done.marked == ["cmd: 3"]
    assert done.error == "no\nmore"
    assert done.failed().startswith(" 1 | version")
    with pytest.raises(AssertionError, match="ERROR: no"):
        done.ok()
    with pytest.raises(AssertionError):
        Done(0, "", "").failed()
