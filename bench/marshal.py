"""How fast a graph is written."""

from __future__ import annotations

import statistics
import time

import llb


def graph(size: int) -> llb.State:
    """A chain of `size` operations over an image: half commands, half files."""
    state = llb.image("example.invalid/base:1")
    for number in range(size // 2):
        state = state.run(["make", str(number)], meta=llb.Meta(name=f"make {number}")).root
        state = state.mkfile(f"/stamp-{number}", b"done", timestamp=0)
    return state


def operations_per_second(size: int = 2000, rounds: int = 9) -> float:
    """Operations marshalled to bytes in a second; the graph is new each time."""
    taken = []
    for _ in range(rounds):
        state = graph(size)
        start = time.perf_counter()
        state.marshal(platform=llb.Platform("linux", "amd64")).to_bytes()
        taken.append(time.perf_counter() - start)
    return size / statistics.median(taken)
