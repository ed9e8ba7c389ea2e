"""The docker command of the engine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from engine import client


def test_client_script_gives_defaults_that_the_user_can_override(tmp_path: Path) -> None:
    program = tmp_path / "it's.sh"
    program.write_text('#!/bin/sh\necho "$DOCKER_HOST|$*"\n')
    program.chmod(0o755)
    script = client.script(program, {"DOCKER_HOST": "unix:///a b/docker.sock"})

    def run(**environ: str) -> str:
        command = ("/bin/sh", "-c", script, "docker", "x y", "z")
        return subprocess.check_output(command, env=environ, text=True)

    assert run() == "unix:///a b/docker.sock|x y z\n"
    assert run(DOCKER_HOST="tcp://1") == "tcp://1|x y z\n"
