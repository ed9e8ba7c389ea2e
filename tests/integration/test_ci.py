"""What users' CI runs, run here: the bake file, and the action's check, against a real builder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.harness import FILE, ROOT, Builder

pytestmark = pytest.mark.integration

BAKE = ROOT / "examples/docker-bake.hcl"


def test_buildx_understands_the_bake_file(builder: Builder) -> None:
    words = ("buildx", "bake", "-f", str(BAKE), "--print")
    env = {
        "FRONTEND": "registry.example.com/hutch:1",
        "REGISTRY": "registry.example.com",
        "TAG": "2",
    }
    done = builder.docker(*words, "linux", "others", cwd=ROOT, env=env).ok()
    targets = json.loads(done.out)["target"]
    assert len(targets) > 10
    for name, target in targets.items():
        assert (ROOT / target["context"] / target["dockerfile"]).is_file()
        assert target["args"] == {"BUILDKIT_SYNTAX": env["FRONTEND"]}
        assert target["tags"] == [f"registry.example.com/{name}:2"]
    plain = json.loads(builder.docker(*words, cwd=ROOT).ok().out)["target"]["linux-redis"]
    assert plain["tags"] == ["linux-redis:1"]
    assert "args" not in plain
    assert "cache-to" not in plain


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        (FILE, 0, ""),
        (FILE + "ports: [80]\nenvs: [A_PASSWORD=x]\n", 0, "::warning file="),
        (FILE.replace("kernel:", "kernle:"), 1, "::error file="),
    ],
)
def test_the_action_annotates_what_is_found(
    builder: Builder, tmp_path: Path, text: str, status: int, expected: str
) -> None:
    project = builder.project(tmp_path / "p", text)
    env = {
        **os.environ,
        **builder.environ,
        "HUTCH_FRONTEND": builder.frontend,
        "HUTCH_CONTEXT": str(project),
        "HUTCH_FILE": str(project / "bunnyfile"),
    }
    command = [sys.executable, str(ROOT / ".ci/action.py"), "check"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert bool(shown) == bool(expected), done.stdout
    for line in shown:
        assert line.startswith(expected)
        assert ",line=" in line
