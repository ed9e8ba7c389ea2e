"""The docker command for the host: the Docker 28 client and buildx of the engine's root."""

import json
import shlex
from pathlib import Path

from engine.layout import Flavour, Layout

# Debian's binaries need the C library alone, of any Debian since 12, so they run outside their
# root.
DOCKER = "usr/bin/docker"
BUILDX = "usr/libexec/docker/cli-plugins/docker-buildx"


def script(binary: Path, environ: dict[str, str]) -> str:
    """A shell script that runs a binary with defaults for its environment."""
    lines = ["#!/bin/sh"]
    for name, value in sorted(environ.items()):
        lines.append(f": ${{{name}:={shlex.quote(value)}}}")
        lines.append(f"export {name}")
    lines.append(f'exec {shlex.quote(str(binary))} "$@"')
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step: somebody may be running it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


def install(layout: Layout, root: Path, chosen: Flavour, directory: Path) -> None:
    """Write ``docker`` and ``docker-buildx`` for one daemon into ``directory``."""
    config = layout.client_config
    _write(
        config / "config.json",
        json.dumps({"cliPluginsExtraDirs": [str((root / BUILDX).parent)]}) + "\n",
        0o644,
    )
    environ = {
        "DOCKER_HOST": f"unix://{layout.socket(chosen)}",
        "DOCKER_CONFIG": str(config),
    }
    _write(directory / "docker", script(root / DOCKER, environ), 0o755)
    _write(directory / "docker-buildx", script(root / BUILDX, environ), 0o755)
