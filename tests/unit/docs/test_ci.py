"""GitHub's workflow, the commit hooks and the bug form, held to the Makefile's targets."""

from __future__ import annotations

import base64
import json
import os
import re
import runpy
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


USERS = read(ROOT / "action.yml")


def test_the_action_for_users_is_one_that_github_takes() -> None:
    assert {"name", "description", "inputs", "runs"} == set(USERS)
    assert all(each["description"] for each in USERS["inputs"].values())
    assert USERS["runs"]["using"] == "composite"
    for step in USERS["runs"]["steps"]:
        if "run" in step:
            assert step["shell"] == "bash"
            assert "${{" not in step["run"], "a value of the user's would be part of a script"
        else:
            assert re.fullmatch(r"docker/[\w-]+@v\d+", step["uses"])


def test_the_action_hands_on_each_input_under_the_name_that_is_read() -> None:
    text = (ROOT / ".ci/action.py").read_text()
    read_there = set(re.findall(r'given\("(\w+)"\)', text))
    named = {name.upper().replace("-", "_") for name in USERS["inputs"]}
    assert read_there == named
    for step in USERS["runs"]["steps"]:
        for variable, value in step.get("env", {}).items():
            name = variable.removeprefix("HUTCH_").lower().replace("_", "-")
            assert value == f"${{{{ inputs.{name} }}}}"


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in USERS["inputs"]:
        monkeypatch.delenv(f"HUTCH_{name.upper().replace('-', '_')}", raising=False)
    return runpy.run_path(str(ROOT / ".ci/action.py"))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("# syntax=hutch:1", 0),
        ("# syntax=hutch:1\n# check=error=true", 1),
        ("# check=skip=NoCommand;error=true", 1),
        ("version: v1\n# check=error=true", 0),
    ],
)
def test_findings_fail_the_check_of_a_strict_file(
    action: Any, head: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """buildx itself ends with 1 where there is any finding."""
    program = tmp_path / "docker"
    data = base64.b64encode(f"{head}\nkernel:\n".encode()).decode()
    answer = {
        "sources": [{"filename": "bunnyfile", "data": data}],
        "warnings": [{"ruleName": "NoCommand", "detail": "none"}],
    }
    program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert action["check"]() == status


def test_findings_become_annotations(action: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUTCH_FILE", "a,b/bunnyfile")
    at = {"ranges": [{"start": {"line": 7}}]}
    found = {
        "ruleName": "NoCommand",
        "detail": "100% wrong\n::set-output",
        "url": "https://docs.example.com/rules/NoCommand/",
        "location": at,
    }
    wrong = {"message": "bunnyfile:3:1: bad", "location": {"ranges": [{"start": {"line": 3}}]}}
    assert action["annotations"]({"warnings": [found], "buildError": wrong}) == [
        "::warning file=a%2Cb/bunnyfile,line=7,title=NoCommand::100%25 wrong%0A::set-output%0A"
        "https://docs.example.com/rules/NoCommand/",
        "::error file=a%2Cb/bunnyfile,line=3,title=hutch::bunnyfile:3:1: bad",
    ]
    assert action["annotations"]({"warnings": None}) == []


def test_a_build_has_the_inputs_as_arguments(action: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert action["buildx"]() == ["docker", "buildx", "build", "--file", "bunnyfile", "."]
    monkeypatch.setenv("HUTCH_FRONTEND", "r/hutch:1")
    monkeypatch.setenv("HUTCH_BUILD_ARGS", "A=1 2\n\n B=$(x)\n")
    monkeypatch.setenv("HUTCH_CACHE", "r/cache")
    assert action["buildx"]("--push")[5:] == [
        "--build-arg=BUILDKIT_SYNTAX=r/hutch:1",
        "--build-arg=A=1 2",
        "--build-arg=B=$(x)",
        "--cache-from=type=registry,ref=r/cache",
        "--push",
        ".",
    ]


@pytest.mark.parametrize("uid", [0, 1000])
def test_what_boots_a_guest_is_installed(
    action: Any, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    """GitHub's runners have no QEMU, and their user is not root."""
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("subprocess.run", lambda words, **_: ran.append(words))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    action["provide_qemu"]()
    assert ran == []
    monkeypatch.setattr("shutil.which", lambda name: None)
    action["provide_qemu"]()
    root = ["sudo"] if uid else []
    assert [[*words][: len(root) + 2] for words in ran] == [
        [*root, "apt-get", "update"],
        [*root, "apt-get", "install"],
    ]
    assert ran[1][-1] == "qemu-system-arm"


def test_bake_has_every_example_but_those_that_it_names() -> None:
    text = (ROOT / "examples/docker-bake.hcl").read_text()
    baked = [
        name for names in re.findall(r"example = \[(.*)\]", text) for name in names.split('"')[1::2]
    ]
    # A kernel beside the file, or the digest of a release, only the user can give.
    left_out = ["linux-hello", "netbsd-bozohttpd"]
    examples = sorted(file.parent.name for file in ROOT.glob("examples/*/bunnyfile"))
    assert sorted([*baked, *left_out]) == examples
    head = text.partition("variable")[0]
    assert all(name in head for name in left_out)


def test_gitlab_s_recipe_builds_with_a_cache_that_outlives_the_runner() -> None:
    recipe = read(ROOT / "examples/ci/gitlab-ci.yml")
    jobs = {
        name: each for name, each in recipe.items() if isinstance(each, dict) and "script" in each
    }
    assert {each["stage"] for each in jobs.values()} == set(recipe["stages"])
    assert "--check" in jobs["check"]["script"][0]
    build = jobs["build"]["script"][0]
    assert "--cache-from" in build
    assert "mode=max" in build
