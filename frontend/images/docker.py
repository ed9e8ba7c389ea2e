"""The Docker client that builds, and has images: of this machine's Docker, or the private engine.

What builds is looked for in this order: `BUILDKIT_HOST`, a Docker that answers, the engine that
`make engine-up` of a checkout starts. An image is the first one's that answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BUILDER = "hutch-remote"
"""What the builder of a BUILDKIT_HOST is called in buildx."""

_ENGINE = "/var/lib/hutch-engine"
_SECONDS = 60


class NoBuilder(OSError):
    """Nothing here can build."""


@dataclass(frozen=True, slots=True)
class Docker:
    """A docker command with buildx: the variables that it is run with."""

    environ: Mapping[str, str] = field(default_factory=dict)

    def experimental(self) -> Docker:
        """The same with what buildx hides: its debugger."""
        return Docker({**self.environ, "BUILDX_EXPERIMENTAL": "1"})

    def run(self, *words: str) -> int:
        """Run it on this terminal; returns its status."""
        return subprocess.run(self.command(*words), env=self.environment(), check=False).returncode

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it, and keep what it says."""
        return subprocess.run(
            self.command(*words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def works(self, *words: str) -> bool:
        """Whether a command of it succeeds."""
        try:
            return self.ask(*words).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def command(self, *words: str) -> list[str]:
        """The words of a command of it."""
        return [shutil.which("docker", path=self.environment().get("PATH")) or "docker", *words]

    def is_own(self, options: Sequence[str]) -> bool:
        """Whether the builder that `options` choose is Docker's own, which has Docker's images."""
        chosen = [word for word in options if word.startswith("--builder=")]
        if "--builder" in options:
            chosen = ["--builder", options[options.index("--builder") + 1]]
        said = self.ask("buildx", *chosen, "inspect")
        return "Driver:" not in said.stdout or _is_docker(said.stdout)

    def exports_layouts(self, options: Sequence[str]) -> bool:
        """Whether the builder that `options` choose can write an OCI layout.

        Docker's own can only where its images are in containerd.
        """
        if not self.is_own(options):
            return True
        stores = self.ask("info", "--format", "{{json .DriverStatus}}")
        return "io.containerd.snapshotter" in stores.stdout

    def environment(self) -> dict[str, str]:
        """The variables of its process."""
        return {**os.environ, **self.environ}


def find() -> Docker:
    """The docker command to build with. Raises NoBuilder."""
    host = os.environ.get("BUILDKIT_HOST", "")
    docker = Docker()
    if host:
        return _remote(docker, host)
    if docker.works("version") and docker.works("buildx", "version"):
        return docker
    private = _engine()
    if private is not None and private.works("version"):
        return private
    raise NoBuilder(
        "there is nothing to build with: no Docker with buildx answers, and no BUILDKIT_HOST is set"
    )


def holder(ref: str) -> tuple[Docker | None, str]:
    """The Docker that has an image; where none has it, None and why, in words."""
    for each in filter(None, (Docker(), _engine())):
        if each.works("image", "inspect", "--format", "{{.Id}}", ref):
            return each, ""
        if each.works("version"):
            return None, "Docker has no such image"
    return None, "no Docker answers here"


def _engine() -> Docker | None:
    """The private engine; None where it was never started."""
    engine = Path(os.environ.get("HUTCH_ENGINE_DIR") or _ENGINE)
    socket = engine / "instances" / "28" / "docker.sock"
    if not socket.exists():
        return None
    return Docker(
        {
            "PATH": os.pathsep.join((str(engine / "bin"), os.environ.get("PATH", os.defpath))),
            "DOCKER_HOST": f"unix://{socket}",
            "DOCKER_CONFIG": str(engine / "client"),
        }
    )


def _remote(docker: Docker, host: str) -> Docker:
    """A builder at a BUILDKIT_HOST, made anew: one keeps the address that it was made for."""
    if not docker.works("buildx", "version"):
        raise NoBuilder(
            "BUILDKIT_HOST is set, and docker buildx, which would speak to it, is missing"
        )
    docker.works("buildx", "rm", BUILDER)
    create = ("buildx", "create", "--name", BUILDER, "--driver", "remote", host)
    if not (docker.works(*create) and docker.works("buildx", "inspect", "--bootstrap", BUILDER)):
        raise NoBuilder(f"nothing answers at BUILDKIT_HOST={host}")
    return Docker({"BUILDX_BUILDER": BUILDER})


def _is_docker(inspected: str) -> bool:
    """Whether what `docker buildx inspect` says is of Docker's own builder."""
    drivers = [line.split()[1] for line in inspected.splitlines() if line.startswith("Driver:")]
    return drivers[:1] == ["docker"]


def scratch_tag() -> str:
    """A name for an image that nobody asked to keep."""
    return f"hutch-run:{uuid.uuid4().hex[:12]}"
