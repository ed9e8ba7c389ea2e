"""How fast a graph is written, and what a vertex of it takes.

    python3 -m bench.marshal SHAPE SIZE

`chain` is a chain of operations over an image; `wide` has them side by side, merged in the end.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import llb

SHAPES = ("chain", "wide")
_SIDE_BY_SIDE = 100
"""Inputs of one merge."""


@dataclass(frozen=True, slots=True)
class Graphs:
    """Vertices marshalled in a second, and bytes of memory for each, the graph included."""

    speed: float
    memory: float


def graph(shape: str, size: int) -> llb.State:
    """A graph of about `size` operations: half commands, half files."""
    base = llb.image("example.invalid/base:1")
    if shape == "chain":
        state = base
        for number in range(size // 2):
            state = _pair(state, number)
        return state
    states = [_pair(base, number) for number in range(size // 2)]
    while len(states) > 1:
        states = [
            llb.merge(states[at : at + _SIDE_BY_SIDE])
            for at in range(0, len(states), _SIDE_BY_SIDE)
        ]
    return states[0]


def _pair(state: llb.State, number: int) -> llb.State:
    state = state.run(["make", str(number)], meta=llb.Meta(name=f"make {number}")).root
    return state.mkfile(f"/stamp-{number}", b"done", timestamp=0)


def measure(shape: str, size: int, rounds: int = 3) -> Graphs:
    """Make and marshal a graph in new processes: medians."""
    command = (sys.executable, "-m", "bench.marshal", shape, str(size))
    found = [json.loads(subprocess.check_output(command)) for _ in range(rounds)]
    return Graphs(
        statistics.median(each["speed"] for each in found),
        statistics.median(each["memory"] for each in found),
    )


def main(shape: str, size: int) -> None:
    """Measure once, in this process."""
    before = _most_memory()
    state = graph(shape, size)
    start = time.process_time()
    data = state.marshal(platform=llb.Platform("linux", "amd64")).to_bytes()
    spent = time.process_time() - start
    assert data
    print(json.dumps({"speed": size / spent, "memory": (_most_memory() - before) / size}))


def _most_memory() -> int:
    """The most bytes that this process had. What getrusage says holds the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
