"""The table of engines: its rows, and how a row is made of its tests' results."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.integration.harness import enginestable
from tests.integration.harness.enginestable import FEATURES, FILES, cell, main, missing, read
from tests.places import ROOT

FOLDER = ROOT / "tests/integration"
JUNIT = """\
<testsuites><testsuite>
<testcase classname="tests.integration.test_flags_inputs.TestA" name="test_a"/>
<testcase classname="tests.integration.test_flags_inputs.TestA" name="test_ab"><failure/></testcase>
<testcase classname="tests.integration.test_flags_inputs" name="test_b[1]"/>
<testcase classname="tests.integration.test_flags_inputs" name="test_b[2]">
<skipped message="too old"/></testcase>
</testsuite></testsuites>
"""


def defined() -> set[str]:
    """Every test of a flag, without parameters."""
    found = set()
    for name in FILES:
        tree = ast.parse((FOLDER / f"test_flags_{name}.py").read_text(encoding="utf-8"))
        for node in tree.body:
            group = node.name if isinstance(node, ast.ClassDef) else ""
            inner = node.body if isinstance(node, ast.ClassDef) else [node]
            functions = [each.name for each in inner if isinstance(each, ast.FunctionDef)]
            found |= {f"{name} {group} {each}" for each in functions if each.startswith("test_")}
    return found


def test_each_test_of_a_row_exists_and_is_in_one_row() -> None:
    tests = [test for _, *tests in FEATURES for test in tests]
    assert {test.partition("[")[0] for test in tests} <= defined()
    assert len(set(tests)) == len(tests)
    assert all(len(row) > 1 for row in FEATURES)


def test_results(tmp_path: Path) -> None:
    (tmp_path / "28.xml").write_text(JUNIT)
    results = read([tmp_path / "28.xml"])
    notes: list[str] = []
    a, ab, b = "inputs TestA test_a", "inputs TestA test_ab", "inputs  test_b"
    assert cell(results, [a], notes) == "yes"
    assert cell(results, [a, ab], notes) == "**fails**"
    assert cell(results, [f"{b}[2]"], notes) == "no [1]"
    assert cell(results, [a, b], notes) == "in part [1]"
    assert notes == ["too old"]


def test_nothing_is_written_where_a_test_was_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "engines.md"
    monkeypatch.setattr(enginestable, "PAGE", page)
    (tmp_path / "28.xml").write_text(JUNIT)
    assert len(missing(read([tmp_path / "28.xml"]))) == sum(len(row) - 1 for row in FEATURES)
    assert main([str(tmp_path)]) == 1
    assert "28: inputs TestBuildFile test_on_stdin" in capsys.readouterr().err
    assert not page.exists()
