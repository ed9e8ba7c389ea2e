"""How fast a graph is written, and what a vertex of it takes.

    python3 -m bench.marshal SHAPE SIZE

`chain` is a chain of operations over an image; `wide` has them side by side, merged in the end.

The other side is BuildKit's own client, in Go: `marshal_go/` makes the same graphs with it. It is
compiled where there is a `go`, in a source tree of BuildKit, which has all that it needs and is not
written to:

    HUTCH_BENCH_BUILDKIT    that tree
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import llb

ROOT = Path(__file__).resolve().parent
BUILDKIT = "HUTCH_BENCH_BUILDKIT"
OURS, PEER = "hutch", "BuildKit's client"

# Go's client looks through the whole chain before each command, so a long one takes it for ever.
GRAPHS = (("wide", 100_000), ("chain", 10_000))
_SIDE_BY_SIDE = 100
"""Inputs of one merge."""


@dataclass(frozen=True, slots=True)
class Graph:
    """What a graph costs, in medians: vertices marshalled in a second of processor time, seconds of
    it to make the states, and bytes of memory for each vertex, the graph included.

    `vertices` is how many came out.
    """

    vertices: int
    speed: float
    made: float
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


@contextmanager
def sides() -> Iterator[Mapping[str, Sequence[str]]]:
    """The commands that measure one graph, by whose client it is; Go's where it can be compiled."""
    ours: dict[str, Sequence[str]] = {OURS: (sys.executable, "-m", "bench.marshal")}
    tree, go = os.environ.get(BUILDKIT), shutil.which("go")
    if not tree or go is None:
        yield ours
        return
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as folder:
        program, overlay = Path(folder, "marshal"), Path(folder, "overlay.json")
        # As if it were a command of the tree's own: then all it imports is in the tree's `vendor`.
        path = Path(tree).resolve() / "cmd/hutch-marshal/main.go"
        overlay.write_text(json.dumps({"Replace": {str(path): str(ROOT / "marshal_go/main.go")}}))
        subprocess.run(
            [go, "build", "-mod=vendor", "-overlay", overlay, "-o", program, "./cmd/hutch-marshal"],
            cwd=tree,
            env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOPROXY": "off"},
            check=True,
        )
        yield {**ours, PEER: (str(program),)}


def version() -> str | None:
    """What BuildKit's tree is, as git says it; None without the tree, or where git says nothing."""
    tree = os.environ.get(BUILDKIT)
    if not tree:
        return None
    words = ("git", "-C", tree, "describe", "--tags", "--always")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def measure(rounds: int) -> dict[str, dict[str, Graph]]:
    """Each graph's cost for each side, which take turns; every measure in a new process.

    Ends the run where the sides do not make graphs of as many vertices.
    """
    with sides() as commands:
        return {
            f"{shape} of {size:,}": in_turn(commands, (shape, str(size)), rounds)
            for shape, size in GRAPHS
        }


SIZES = (1_000, 10_000, 100_000)


def sizes(rounds: int) -> dict[str, dict[int, float]]:
    """How many vertices of a graph we marshal in a second of processor time, by shape and size."""
    ours = {OURS: (sys.executable, "-m", "bench.marshal")}
    return {
        shape: {size: in_turn(ours, (shape, str(size)), rounds)[OURS].speed for size in SIZES}
        for shape, _ in GRAPHS
    }


def in_turn(
    commands: Mapping[str, Sequence[str]], words: Sequence[str], rounds: int
) -> dict[str, Graph]:
    """Medians of what commands tell of the graph that `words` name, by side."""
    found: dict[str, list[Graph]] = {side: [] for side in commands}
    for _ in range(rounds):
        for side, command in commands.items():
            found[side].append(Graph(**json.loads(subprocess.check_output([*command, *words]))))
    medians = {side: _median(each) for side, each in found.items()}
    if len({each.vertices for each in medians.values()}) != 1:
        raise SystemExit(f"the sides' graphs are not alike: {medians}")
    return medians


def _median(found: Sequence[Graph]) -> Graph:
    return Graph(
        found[0].vertices,
        statistics.median(each.speed for each in found),
        statistics.median(each.made for each in found),
        statistics.median(each.memory for each in found),
    )


def main(shape: str, size: int) -> None:
    """Measure once, in this process."""
    before, began = _most_memory(), time.process_time()
    state = graph(shape, size)
    made = time.process_time()
    definition = state.marshal(platform=llb.Platform("linux", "amd64"))
    data = definition.to_bytes()
    ended = time.process_time()
    found = {
        "vertices": len(definition.digests) - 1,  # the last one names the result, and is none
        "speed": size / (ended - made),
        "made": made - began,
        "memory": (_most_memory() - before) / size,
    }
    assert data
    print(json.dumps(found))


def _most_memory() -> int:
    """The most bytes that this process had. What getrusage says holds the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
