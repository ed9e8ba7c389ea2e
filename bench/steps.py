"""The steps of a build that ran, and what each took: `docker buildx build` as it tells it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """A vertex of a build that ran: its name, the target it is a step of, its seconds."""

    name: str
    target: str
    seconds: float


def build(directory: Path, text: str, *flags: str) -> list[Step]:
    """Build the bunnyfile `text` in `directory` and return the vertices that were not cached.

    Those without an input are texts that stand in the graph itself, or where a build begins: no
    steps.

    Raises RuntimeError with the end of the output of a build that fails.
    """
    (directory / "bunnyfile").write_text(text)
    command = ["docker", "buildx", "build", "--progress=rawjson", "--provenance=false", *flags]
    output = run(*command, "-f", str(directory / "bunnyfile"), str(directory))
    ended: dict[str, Step] = {}
    for line in output.splitlines():
        for vertex in json.loads(line).get("vertexes") or ():
            ran = vertex.get("completed") and not vertex.get("cached")
            if ran and vertex.get("inputs"):
                target = vertex.get("progressGroup", {}).get("name", "").rpartition("] ")[2]
                spent = _seconds(vertex["completed"]) - _seconds(vertex["started"])
                ended[vertex["digest"]] = Step(vertex["name"], target, spent)
    return list(ended.values())


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
