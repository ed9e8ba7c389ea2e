"""Debian roots and base images, by mmdebstrap."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from engine.layout import Root
from engine.report import EngineError, say

# Suites that are no longer refreshed keep a Release file that has run out; their signatures still
# hold.
OPTIONS = (
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)


def require_host() -> None:
    """Raise EngineError unless this is Debian (or a child of it) and we are root."""
    if shutil.which("apt-get") is None or not Path("/etc/debian_version").exists():
        raise EngineError(
            "no Docker was found, and one can be provided on Debian only: "
            "start Docker, or set DOCKER_HOST or BUILDKIT_HOST"
        )
    if os.geteuid() != 0:
        raise EngineError(
            "no Docker was found, and providing one needs root: "
            "use sudo, start Docker, or set DOCKER_HOST or BUILDKIT_HOST"
        )


def run(argv: Sequence[str]) -> None:
    """Run a command quietly.

    Raises EngineError with the end of its output when it fails.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise EngineError(f"{argv[0]} failed with status {done.returncode}:\n{tail}")


def require_mmdebstrap() -> None:
    """Install mmdebstrap when it is missing."""
    if shutil.which("mmdebstrap"):
        return
    say("installing mmdebstrap")
    install = ("apt-get", "install", "-y", "-q", "--no-install-recommends", "mmdebstrap")
    try:
        run(install)
    except EngineError:
        run(("apt-get", "update", "-q"))
        run(install)


def root_path(roots: Path, root: Root) -> Path:
    """Where a root is kept: other packages are another root."""
    packages = hashlib.sha256("\n".join((*OPTIONS, *root.packages)).encode()).hexdigest()
    return roots / f"{root.suite}-{packages[:12]}"


def provide_root(roots: Path, root: Root) -> Path:
    """The directory of a root, made the first time it is asked for (about 40 seconds)."""
    path = root_path(roots, root)
    if path.is_dir():
        return path
    require_mmdebstrap()
    say(f"making a Debian {root.suite} root with Docker in it (once)")
    roots.mkdir(parents=True, exist_ok=True)
    unfinished = roots / f"{path.name}.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    include = f"--include={','.join(root.packages)}"
    try:
        run(
            (
                "mmdebstrap",
                "--mode=root",
                "--variant=apt",
                "--format=directory",
                *OPTIONS,
                include,
                root.suite,
                str(unfinished),
            )
        )
    except EngineError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(path)
    return path


def make_base(suite: str, tar: Path) -> None:
    """Write a minimal Debian ``suite`` as an uncompressed tar archive (about 20 seconds).

    What mmdebstrap copies from this host for its own run (names, resolver) is taken out again, and
    no certificate authority is in it: an image built on it here is the image built on it anywhere.
    """
    require_mmdebstrap()
    clean = 'rm -f "$1/etc/hostname" "$1/etc/resolv.conf" "$1/etc/hosts"'
    run(
        (
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--format=tar",
            *OPTIONS,
            f"--customize-hook={clean}",
            suite,
            str(tar),
        )
    )
