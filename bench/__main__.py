"""`make bench`: measure, write build/bench.json, and the page docs/performance.md from it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import bsd, builds, image, kernels, marshal, page, unikernels

PAGE = Path(__file__).resolve().parent.parent / "docs/performance.md"
CONCURRENT = 64
"""Builds at once, over and above `--many`: do they all end well?"""


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


def warm(frontend: str, peer: str | None, rounds: int, many: int) -> dict[str, object]:
    """What warm builds cost, with our image and the peer's."""
    images = {"bunnyfile": frontend, **({"peer": peer} if peer else {})}
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        profile = builds.profile(directory, frontend, rounds)
        found["profile"] = asdict(profile) if profile else None
        processes = {
            name: builds.process(directory, frontend, each, rounds) for name, each in images.items()
        }
        found["processes"] = {n: asdict(each) for n, each in processes.items() if each}
        found["warm"] = builds.warm(directory, images, rounds)
        found["layers"] = {}
        for file in (*images, "Dockerfile"):
            name = f"{frontend.rpartition(':')[0]}-bench:{file.lower()}"
            builds.build(directory, file, "--push", "--tag", name)
            found["layers"][file] = image.layers(name)  # type: ignore[index]
        found["moved"] = builds.moved(directory, images, frontend.partition("/")[0])
    others = {name: each for name, each in builds.CONTENTS.items() if each is not builds.ARCHIVE}
    for name, content in others.items():
        with tempfile.TemporaryDirectory() as folder:
            found[f"warm {name}"] = builds.warm(Path(folder), images, rounds, content)
    if many:
        for count, times in ((many, 3), (CONCURRENT, 1)):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    seconds = builds.together(Path(folder), images, count, times)
                except SystemExit as ended:
                    print(f"no bake of {count}: {ended}", file=sys.stderr)
                    continue
                found[f"bake of {count}"] = seconds
    return found


def main() -> int:
    """Measure against the engine in the environment (`python3 -m engine run`)."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--rounds", type=int, default=15, help="builds to take the median of")
    parser.add_argument("--many", type=int, default=50, help="files of one bake; 0 for none")
    parser.add_argument("--image", default="hutch:dev", help="the frontend, in the registry")
    parser.add_argument("--kernels", action="store_true", help="build and boot kernels too")
    parser.add_argument("--kernel-rounds", type=int, default=1, help="kernels built from nothing")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    registry = os.environ.get("HUTCH_REGISTRY")
    if not registry:
        print("bench: run it with `make bench`, which sets up an engine", file=sys.stderr)
        return 1
    frontend, peer = f"{registry}/{options.image}", os.environ.get(builds.PEER)

    result: dict[str, object] = {"machine": machine(), "rounds": options.rounds}
    sizes = {"bunnyfile": frontend, **({"peer": peer} if peer else {})}
    result["image_bytes"] = {name: image.compressed_size(each) for name, each in sizes.items()}
    result["tricks"] = builds.tricks(frontend, options.rounds)
    result.update(warm(frontend, peer, options.rounds, options.many))
    result["graphs"] = {
        graph: {side: asdict(each) for side, each in found.items()}
        for graph, found in marshal.measure().items()
    }
    if options.kernels:
        made = kernels.builds(frontend, options.kernel_rounds)
        boots = kernels.boots(frontend, registry, min(options.rounds, 5))
        first = kernels.first(frontend)
        result["linux"] = {
            "first": asdict(first),
            "builds": asdict(made) if made else None,
            "boots": {name: asdict(booted) for name, booted in boots.items()},
        }
        systems: dict[str, object] = {}
        for system in bsd.SYSTEMS:
            source = bsd.tree(system)
            if source is None or os.geteuid() != 0:
                variable = f"HUTCH_BENCH_{system.upper()}"
                print(f"no kernel of {system}: {variable} names no tree, or no root")
                continue
            systems[system] = asdict(bsd.measure(system, source, frontend))
        result["bsd"] = systems
        given, images = unikernels.trees(), unikernels.images()
        if given is None and not images:
            print(f"no unikernels: {unikernels.TREES} names no directory of trees")
        else:
            rounds = min(options.rounds, 5)
            starts = dict(unikernels.brought(images, rounds))
            if given is not None:
                starts.update(unikernels.measure(given, frontend, rounds))
            result["unikernels"] = {name: asdict(started) for name, started in starts.items()}

    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    text = page.render(result)
    PAGE.write_text(text)
    print(text)
    print(f"written to {options.output} and {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
