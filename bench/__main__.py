"""`make bench`: measure, write build/bench.json, and the page docs/performance.md from it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import bsd, builds, contexts, image, kernels, marshal, page, unikernels
from bench.result import Result

PAGE = Path(__file__).resolve().parent.parent / "docs/performance.md"
CONCURRENT = 64
"""Builds at once, over and above `--many`: do they all end well?"""
BAKES, GRAPHS, BOOTS = 3, 3, 5
"""Rounds of what takes long: bakes of `--many`, graphs, and at most so many boots of a kernel."""


def machine() -> dict[str, object]:
    """What the figures are of."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    docker = ("docker", "version", "--format", "{{.Server.Version}}")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
        "docker": subprocess.check_output(docker, text=True).strip(),
    }


def warm(found: Result, frontend: str, peer: str | None, rounds: int, many: int) -> None:
    """Add to `found` what warm builds cost, with our image and the peer's."""
    images = {"bunnyfile": frontend, **({"peer": peer} if peer else {})}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        profile = builds.profile(directory, frontend, rounds)
        found.keep(profile=asdict(profile) if profile else None)
        processes = {
            name: builds.process(directory, frontend, each, rounds) for name, each in images.items()
        }
        found.keep(processes={n: asdict(each) for n, each in processes.items() if each})
        found.keep(warm=builds.warm(directory, images, rounds))
        layers = {}
        for file in (*images, "Dockerfile"):
            name = f"{frontend.rpartition(':')[0]}-bench:{file.lower()}"
            builds.build(directory, file, "--push", "--tag", name)
            layers[file] = image.layers(name)
        found.keep(layers=layers)
        found.keep(moved=builds.moved(directory, images, frontend.partition("/")[0]))
    others = {name: each for name, each in builds.CONTENTS.items() if each is not builds.ARCHIVE}
    for name, content in others.items():
        with tempfile.TemporaryDirectory() as folder:
            found.keep(**{f"warm {name}": builds.warm(Path(folder), images, rounds, content)})
    if many:
        for count, times in ((many, BAKES), (CONCURRENT, 1)):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    seconds = builds.together(Path(folder), images, count, times)
                except SystemExit as ended:
                    print(f"no bake of {count}: {ended}", file=sys.stderr)
                    continue
                found["counts"][f"bake of {count}"] = times
                found.keep(**{f"bake of {count}": seconds})


def parts(
    found: Result, names: Sequence[str], images: Mapping[str, str], registry: str, rounds: int
) -> None:
    """Add to `found` what can be measured alone: `contexts`, `sizes`, `unikernels`."""
    if "contexts" in names:
        found["counts"]["contexts"] = rounds
        found.keep(contexts=asdict(contexts.measure(images, registry, rounds)))
    if "sizes" in names:
        load = round(os.getloadavg()[1], 1)
        found["counts"]["sizes"] = GRAPHS
        found.keep(sizes={"load": load, "speeds": marshal.sizes(GRAPHS)})
    if "unikernels" in names:
        given, brought = unikernels.trees(), unikernels.images()
        if given is None and not brought:
            print(f"no unikernels: {unikernels.TREES} names no directory of trees")
            return
        load = round(os.getloadavg()[1], 1)
        starts = dict(unikernels.brought(brought, rounds))
        if given is not None:
            starts.update(unikernels.measure(given, images["bunnyfile"], rounds))
        found["counts"]["starts"] = rounds
        rows = {name: asdict(started) for name, started in starts.items()}
        found.keep(unikernels={"load": load, "starts": rows})


def main() -> int:
    """Measure against the engine in the environment (`python3 -m engine run`)."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--rounds", type=int, default=15, help="builds to take the median of")
    parser.add_argument("--many", type=int, default=50, help="files of one bake; 0 for none")
    parser.add_argument("--image", default="hutch:dev", help="the frontend, in the registry")
    parser.add_argument("--kernels", action="store_true", help="build and boot kernels too")
    parser.add_argument("--kernel-rounds", type=int, default=1, help="kernels built from nothing")
    parser.add_argument(
        "--only",
        choices=("contexts", "sizes", "unikernels"),
        action="append",
        help="measure this part alone, and add it to what --output has",
    )
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    registry = os.environ.get("HUTCH_REGISTRY")
    if not registry:
        print("bench: run it with `make bench`, which sets up an engine", file=sys.stderr)
        return 1
    frontend, peer = f"{registry}/{options.image}", os.environ.get(builds.PEER)

    images = {"bunnyfile": frontend, **({"peer": peer} if peer else {})}
    boots = min(options.rounds, BOOTS)
    result = Result(options.output)
    if options.only:
        result.update(json.loads(options.output.read_text()))
        parts(result, options.only, images, registry, boots)
        PAGE.write_text(page.render(result))
        return 0
    result.keep(
        machine=machine(),
        rounds=options.rounds,
        counts={
            "graphs": GRAPHS,
            "kernels": options.kernel_rounds,
            "boots": boots,
        },
        versions={
            "peer": image.version(peer) if peer else None,
            "buildkit": marshal.version(),
        },
    )
    result.keep(image_bytes={name: image.compressed_size(each) for name, each in images.items()})
    result.keep(tricks=builds.tricks(frontend, options.rounds))
    warm(result, frontend, peer, options.rounds, options.many)
    graphs = marshal.measure(GRAPHS)
    result.keep(
        graphs={
            graph: {side: asdict(each) for side, each in found.items()}
            for graph, found in graphs.items()
        }
    )
    parts(result, ("contexts", "sizes"), images, registry, boots)
    if options.kernels:
        made = kernels.builds(frontend, options.kernel_rounds)
        linux: dict[str, object] = {"builds": asdict(made) if made else None}
        result.keep(linux=linux)
        booted = kernels.boots(frontend, registry, boots)
        linux["boots"] = {name: asdict(each) for name, each in booted.items()}
        result.keep(linux=linux)
        linux["first"] = asdict(kernels.first(frontend))
        result.keep(linux=linux)
        systems: dict[str, object] = {}
        for system in bsd.SYSTEMS:
            source = bsd.tree(system)
            if source is None or os.geteuid() != 0:
                variable = f"HUTCH_BENCH_{system.upper()}"
                print(f"no kernel of {system}: {variable} names no tree, or no root")
                continue
            systems[system] = asdict(bsd.measure(system, source, frontend))
            result.keep(bsd=systems)
        parts(result, ("unikernels",), images, registry, boots)

    text = page.render(result)
    PAGE.write_text(text)
    print(text)
    print(f"written to {options.output} and {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
