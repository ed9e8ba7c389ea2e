"""GitHub's workflow, the commit hooks and the bug form, held to the Makefile's targets."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.places import ROOT

GITHUB = ROOT / ".github"
MAKE = re.compile(r"^\s*make ([\w-]+)$", re.MULTILINE)


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def steps() -> list[dict[str, Any]]:
    jobs = read(GITHUB / "workflows/ci.yml")["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_the_workflow_runs_what_ci_run_runs() -> None:
    theirs = MAKE.findall((ROOT / ".ci/run").read_text())
    ours = [target for step in steps() for target in MAKE.findall(step.get("run", ""))]
    assert theirs
    assert ours == theirs
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(ours) <= set(targets)


def test_the_workflow_may_only_read_and_its_actions_are_pinned() -> None:
    assert read(GITHUB / "workflows/ci.yml")["permissions"] == {"contents": "read"}
    actions = [step["uses"] for step in steps() if "uses" in step]
    assert actions
    assert [action for action in actions if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []


ACTION = re.compile(r"(actions|docker|sigstore)/[\w-]+@v\d+|\./\.github/workflows/ci\.yml")


def test_a_release_waits_for_the_tests_and_its_actions_are_pinned() -> None:
    jobs = read(GITHUB / "workflows/release.yml")["jobs"]
    assert jobs.pop("ci")["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in read(GITHUB / "workflows/ci.yml")["on"]
    assert {job["needs"] for job in jobs.values()} == {"ci"}
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert [action for action in used if not ACTION.fullmatch(action)] == []


@pytest.mark.parametrize(
    ("version", "tags"),
    [
        ("1.2.3", ["1.2.3", "1.2", "1"]),
        ("0.10.0", ["0.10.0", "0.10", "0"]),
        ("2.0.0-rc1", ["2.0.0-rc1"]),
        ("1.2", []),
        ("v1.2.3", []),
        ("1.2.3\n4.5.6", []),
    ],
)
def test_the_tags_of_a_release(version: str, tags: list[str]) -> None:
    done = subprocess.run([ROOT / ".ci/tags", version], capture_output=True, text=True, check=False)
    assert done.stdout.split() == tags
    assert (done.returncode == 0) == bool(tags)


def test_each_hook_is_a_line_of_make_lint() -> None:
    hooks = [
        hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]
    ]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert lint
    lines = [line.strip().replace("$(BIN)", ".venv/bin") for line in lint[1].splitlines()]
    assert [hook["entry"] for hook in hooks] == lines[:4]
    assert {hook["language"] for hook in hooks} == {"system"}


def test_the_bug_form_asks_for_what_a_report_needs() -> None:
    body = read(GITHUB / "ISSUE_TEMPLATE/bug.yml")["body"]
    asked = {field["id"]: field["attributes"] for field in body if field["type"] != "markdown"}
    assert len(asked) == len([field for field in body if "id" in field])
    assert {"bunnyfile", "command", "output", "check", "arch", "urunc"} <= set(asked)
    assert asked["buildx-version"]["label"] == "docker buildx version"
    assert asked["buildx-inspect"]["label"] == "docker buildx inspect"
    assert "--call=outline" in asked["check"]["description"]
    assert "hutch check" in asked["check"]["description"]
