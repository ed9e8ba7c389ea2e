"""A BuildKit that is there already: BUILDKIT_HOST, or a Docker that answers."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from engine.layout import Layout

BUILDER = "hutch-remote"


@dataclass(frozen=True, slots=True)
class OwnBuildKit:
    """A BuildKit of the user's.

    ``kind`` is ``buildkit`` or ``docker``, ``address`` where it listens ("" = default).
    """

    kind: str
    address: str


def works(*argv: str) -> bool:
    """Whether a command exists and succeeds."""
    if shutil.which(argv[0]) is None:
        return False
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def find(layout: Layout) -> OwnBuildKit | None:
    """The user's own BuildKit, never ours: ``engine env`` may have been loaded."""
    buildkit = os.environ.get("BUILDKIT_HOST", "")
    if buildkit:
        return OwnBuildKit("buildkit", buildkit)
    docker = os.environ.get("DOCKER_HOST", "")
    if docker.startswith(f"unix://{layout.state}/"):
        return None
    if works("docker", "version") and works("docker", "buildx", "version"):
        return OwnBuildKit("docker", docker)
    return None


def connect(address: str) -> bool:
    """Make our buildx builder the one at a BUILDKIT_HOST; False when nothing answers there.

    Made anew each time: an address may have changed, and a builder keeps the one it was made for.
    """
    works("docker", "buildx", "rm", BUILDER)
    create = ("docker", "buildx", "create", "--name", BUILDER, "--driver", "remote", address)
    return works(*create) and works("docker", "buildx", "inspect", "--bootstrap", BUILDER)
