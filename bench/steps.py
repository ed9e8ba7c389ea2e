"""The steps of a build that ran, and what each took: `docker buildx build` as it tells it. And what
steps have beside their image, for whoever runs them without a build."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

FRAMEWORKS = Path(__file__).resolve().parent.parent / "frameworks"


@dataclass(frozen=True, slots=True)
class Step:
    """A vertex of a build that ran: its name, the target it is a step of, its seconds.

    `output` is what it said.
    """

    name: str
    target: str
    seconds: float
    output: str = ""


def build(directory: Path, text: str, *flags: str) -> list[Step]:
    """Build the bunnyfile `text` in `directory` and return the vertices that were not cached.

    Those without an input are texts that stand in the graph itself, or where a build begins: no
    steps.

    Raises RuntimeError with the end of the output of a build that fails.
    """
    return ended(run(*_command(directory, text, *flags)).splitlines())


def until(directory: Path, text: str, name: str, *flags: str) -> tuple[float, list[Step]]:
    """Build till the vertex `name` starts: when that is, in seconds since 1970, and what has ended
    before. The build is given up then.

    Raises RuntimeError for a build that ends without it.
    """
    said = []
    with subprocess.Popen(
        _command(directory, text, *flags),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                said.append(line)
                for vertex in _told(line).get("vertexes") or ():
                    if vertex["name"] == name and vertex.get("started"):
                        return _seconds(vertex["started"]), ended(said)
        finally:
            process.terminate()
            process.communicate()
    raise RuntimeError(f"{name} never started:\n{''.join(said)[-4000:]}")


def _command(directory: Path, text: str, *flags: str) -> list[str]:
    (directory / "bunnyfile").write_text(text)
    command = ["docker", "buildx", "build", "--progress=rawjson", "--provenance=false", *flags]
    return [*command, "-f", str(directory / "bunnyfile"), str(directory)]


def ended(lines: Iterable[str]) -> list[Step]:
    """The vertices that ran and ended, in what buildx tells in JSON."""
    found: dict[str, Step] = {}
    said: dict[str, bytes] = {}
    for told in map(_told, lines):
        for log in told.get("logs") or ():
            said[log["vertex"]] = said.get(log["vertex"], b"") + base64.b64decode(log["data"])
        for vertex in told.get("vertexes") or ():
            ran = vertex.get("completed") and not vertex.get("cached")
            if ran and vertex.get("inputs"):
                target = vertex.get("progressGroup", {}).get("name", "").rpartition("] ")[2]
                spent = _seconds(vertex["completed"]) - _seconds(vertex["started"])
                found[vertex["digest"]] = Step(vertex["name"], target, spent)
    return [
        replace(step, output=said.get(digest, b"").decode(errors="replace"))
        for digest, step in found.items()
    ]


def _told(line: str) -> dict[str, Any]:
    """A line of the progress; what else buildx says is none."""
    return json.loads(line) if line.startswith("{") else {}


def put_scripts(framework: str, folder: Path) -> None:
    """Copy the scripts of a framework's steps and the kit's to `folder`, and the patches."""
    for room in (framework, "kit"):
        for script in (FRAMEWORKS / room / "steps").iterdir():
            if script.suffix in (".sh", ".py"):
                (folder / script.name).write_bytes(script.read_bytes())
    if (patches := FRAMEWORKS / framework / "patches").is_dir():
        shutil.copytree(patches, folder / "patches")


def run(*command: str) -> str:
    """Run a command and return its standard error. Raises RuntimeError where it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        words = f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
        raise RuntimeError(f"{command[0]} failed:\n{words}")
    return done.stderr


def _seconds(stamp: str) -> float:
    """A time of BuildKit's progress, to the microsecond."""
    whole, _, part = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{part or 0}")
