"""GitHub's composite actions, run here: each step of `action.yml` in the environment it has there.

Of GitHub's expressions it knows what the action uses, and fails at any other. An action that the
steps call is the caller's to stand in for. Source: GitHub's reference of workflows, "Metadata
syntax", "Default environment variables".
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
"""How a runner calls `shell: bash`, before the file with the script."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How an action ended: the steps that ran, and what they printed."""

    status: int
    steps: tuple[str, ...]
    log: str

    @property
    def commands(self) -> list[str]:
        """The workflow commands among what was printed: annotations."""
        return [line for line in self.log.splitlines() if line.startswith("::")]


@dataclass(frozen=True, slots=True)
class Runner:
    """A machine that runs jobs: its environment, its checkout and its scratch directory.

    `uses` carries out each action that a step may call, by its name without the version.
    """

    environ: Mapping[str, str]
    workspace: Path
    temporary: Path
    uses: Mapping[str, Callable[[], object]] = field(default_factory=dict)

    def run(self, action: Path, **inputs: str) -> Ran:
        """Run the action in the directory `action`, `with` these inputs ('_' for '-')."""
        described = YAML(typ="safe", pure=True).load((action / "action.yml").read_text())
        given = {name.replace("_", "-"): text for name, text in inputs.items()}
        assert set(given) <= set(described["inputs"])
        needed = {name for name, each in described["inputs"].items() if each.get("required")}
        assert needed <= set(given)
        values = {name: each.get("default", "") for name, each in described["inputs"].items()}
        environ = {
            **self.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
            "RUNNER_OS": "Linux",
        }
        names: list[str] = []
        log = ""
        for step in described["runs"]["steps"]:
            if not _holds(step.get("if"), values | given):
                continue
            if "uses" in step:
                self.uses[step["uses"].partition("@")[0]]()
                continue
            names.append(step["name"])
            done = self._step(step, values | given, environ)
            log += done.stdout
            if done.returncode:
                return Ran(done.returncode, tuple(names), log)
        return Ran(0, tuple(names), log)

    def _step(
        self, step: Mapping[str, Any], inputs: Mapping[str, str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        assert step["shell"] == "bash"
        script = self.temporary / "step.sh"
        script.write_text(step["run"])
        own = {name: _filled(text, inputs) for name, text in step.get("env", {}).items()}
        return subprocess.run(
            [*SHELL, str(script)],
            cwd=self.workspace,
            env={**environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=1800,
            check=False,
        )


def _filled(text: str, inputs: Mapping[str, str]) -> str:
    """A value with each `${{ inputs.NAME }}` in it filled in."""
    filled = re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)
    assert filled == text or "${{" in text
    return filled


def _holds(condition: str | None, inputs: Mapping[str, str]) -> bool:
    """Whether a step runs: `inputs.NAME == 'TEXT'`, or `!=`."""
    if condition is None:
        return True
    found = re.fullmatch(r"inputs\.([\w-]+) (==|!=) '([^']*)'", condition)
    assert found, f"an expression that this runner does not know: {condition}"
    return (inputs[found[1]] == found[3]) == (found[2] == "==")
