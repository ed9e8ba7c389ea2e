"""Commands of this machine, with which tests make their inputs and look at what came out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def need(tool: str) -> None:
    """Fail, and not skip, where a tool is missing: a check that did not run proves nothing."""
    assert shutil.which(tool), f"{tool} is not installed: make setup"


def run(*command: str, cwd: Path | None = None, data: bytes | None = None) -> str:
    """Run a command that must succeed, with `data` on its standard input; all that it printed."""
    done = subprocess.run(
        command, cwd=cwd, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{command}: {text}"
    return text
