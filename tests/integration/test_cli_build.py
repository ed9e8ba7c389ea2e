"""`hutch build` where only a builder knows: a step that fails, entered by buildx's debugger."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder

pytestmark = pytest.mark.integration

FAILING = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
app:
  from: local
  build: |
    echo half done > made
    false
  artifacts: ["made:/made"]
init: none
cmd: [/made]
"""
# An answer that is nowhere in what was typed, which the terminal shows, too.
QUESTION = b"echo $((6 * 7)) $(cat /app/made)\r"
ANSWER = b"42 half done"


def test_a_step_that_fails_is_entered(builder: Builder, tmp_path: Path) -> None:
    """The shell is in the step's root, with its mounts as the step left them."""
    project = builder.project(tmp_path / "project", FAILING)
    environ = {**builder.environ, "HUTCH_FRONTEND": builder.frontend, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "frontend", "build", "--enter", str(project)]
    master, slave = pty.openpty()
    process = subprocess.Popen(words, env=environ, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    end = time.monotonic() + 600
    seen = b""

    def until(*texts: bytes) -> None:
        nonlocal seen
        while not any(text in seen for text in texts):
            assert time.monotonic() < end, seen.decode(errors="replace")
            if select.select([master], [], [], 1)[0]:
                seen += os.read(master, 1 << 16)

    try:
        until(b"Interactive container was")
        for _ in range(60):  # what comes before the shell does is lost
            os.write(master, QUESTION)
            with contextlib.suppress(BlockingIOError):
                if select.select([master], [], [], 5)[0]:
                    seen += os.read(master, 1 << 16)
            if ANSWER in seen:
                break
        until(ANSWER)
        os.write(master, b"exit\r")
        until(b"(buildx)")
        os.write(master, b"exit\r")
        assert process.wait(120) == 1
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_completion_knows_the_options_of_buildx(builder: Builder) -> None:
    told = builder.docker("buildx", "build", "--help").ok().out
    names = set(re.findall(r"^ +(?:-\w, +)?(--[a-z-]+)", told, re.MULTILINE))
    done = subprocess.run(
        [sys.executable, "-m", "frontend", "completion", "bash"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (offered,) = re.findall(r"^ +build\) words='' names='(.*)' ;;$", done.stdout, re.MULTILINE)
    assert len(names) > 20
    assert names <= set(offered.split())
