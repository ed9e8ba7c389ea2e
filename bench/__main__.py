"""`make bench`: measure, print a table, write build/bench.json."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench import bsd, builds, image, kernels, marshal, unikernels


def row(name: str, value: float | None, unit: str, scale: float = 1) -> None:
    """Print one line of the table."""
    shown = "not measurable here" if value is None else f"{value * scale:.2f} {unit}"
    print(f"{name:<58}{shown:>20}")


def main() -> int:
    """Measure against the engine in the environment (`python3 -m engine run`)."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--rounds", type=int, default=15, help="builds to take the median of")
    parser.add_argument("--image", default="hutch:dev", help="the frontend, in the registry")
    parser.add_argument("--kernels", action="store_true", help="build and boot kernels too")
    parser.add_argument("--kernel-rounds", type=int, default=1, help="kernels built from nothing")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    registry = os.environ.get("HUTCH_REGISTRY")
    if not registry:
        print("bench: run it with `make bench`, which sets up an engine", file=sys.stderr)
        return 1
    frontend = f"{registry}/{options.image}"

    size = image.compressed_size(frontend)
    row("frontend image, compressed", size, "MB", 1e-6)
    imports = image.import_time(frontend, options.rounds)
    row("imports of a build, new process", imports, "ms", 1e3)
    with tempfile.TemporaryDirectory() as directory:
        inside = builds.container(Path(directory), frontend, options.rounds)
        row("frontend process, v0.1 file, wall", inside.wall if inside else None, "ms", 1e3)
        row("frontend process, v0.1 file, CPU", inside.cpu if inside else None, "ms", 1e3)
        row("frontend process, v0.1 file, memory", inside.memory if inside else None, "MB", 1e-6)
        warm = builds.compare(Path(directory), frontend, options.rounds)
    row("warm build of the bunnyfile", warm.bunnyfile, "s")
    row("warm build of the Dockerfile, Docker's own frontend", warm.dockerfile, "s")
    row("ratio", warm.ratio, "")
    operations = marshal.operations_per_second()
    row("operations marshalled", operations, "/s")

    linux: dict[str, object] = {}
    if options.kernels:
        made = kernels.builds(frontend, options.kernel_rounds)
        if made is not None:
            row("make of a kernel, cold", made.cold, "s")
            row("make of a kernel, cold, against the bare machine", made.cold / made.bare, "")
            row("make with another option, against cold", made.option / made.cold, "")
            row("steps of the kernel for another application", made.app_steps, "")
        boots = kernels.boots(frontend, registry, min(options.rounds, 5))
        for name, booted in boots.items():
            debian = boots["Debian"]
            row(f"kernel file, {name}", booted.size, "MB", 1e-6)
            row(f"kernel file, {name}, against Debian's", booted.size / debian.size, "")
            row(f"boot to init, {name}, guest's clock", booted.to_init, "s")
            row(f"boot to init, {name}, against Debian's", booted.to_init / debian.to_init, "")
            row(f"QEMU's start to init, {name}", booted.wall, "s")
        linux = {
            "builds": asdict(made) if made else None,
            "boots": {name: asdict(booted) for name, booted in boots.items()},
        }

    systems: dict[str, object] = {}
    for system in bsd.SYSTEMS if options.kernels else ():
        source = bsd.tree(system)
        if source is None or os.geteuid() != 0:
            print(f"no kernel of {system}: HUTCH_BENCH_{system.upper()} names no tree, or no root")
            continue
        times = bsd.measure(system, source, frontend)
        row(f"{system}'s tools, cold, against the bare machine", times.tools / times.bare_tools, "")
        row(
            f"{system}'s kernel, cold, against the bare machine",
            times.kernel / times.bare_kernel,
            "",
        )
        row(f"{system}'s kernel with another option, against cold", times.option / times.kernel, "")
        row(f"steps of {system}'s kernel for another application", times.app_steps, "")
        systems[system] = asdict(times)

    starts: dict[str, object] = {}
    if options.kernels and (given := unikernels.trees()) is not None:
        rounds = min(options.rounds, 5)
        for name, started in unikernels.measure(given, frontend, rounds):
            row(f"kernel file, {name}", started.size, "MB", 1e-6)
            row(f"exec to the first line, {name}", started.seconds, "ms", 1e3)
            starts[name] = asdict(started)
    elif options.kernels:
        print(f"no unikernels: {unikernels.TREES} names no directory of trees")

    options.output.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "image_bytes": size,
        "import_seconds": imports,
        "container": asdict(inside) if inside else None,
        "warm_build": asdict(warm),
        "operations_per_second": operations,
        "linux": linux,
        "bsd": systems,
        "unikernels": starts,
        "rounds": options.rounds,
    }
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
