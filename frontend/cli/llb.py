"""`hutch llb FILE`: the graph that BuildKit would solve."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from frontend.cli import buildfile
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from llb import Definition


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "llb", examples=("hutch llb bunnyfile", "hutch llb --raw bunnyfile | buildctl build")
    )
    buildfile.add_build(made)
    made.add_argument("--raw", action="store_true", help="BuildKit's own bytes, for buildctl")
    return made


def run(options: argparse.Namespace) -> int:
    """Print the graph."""
    definition = graph(options)
    if options.raw:
        sys.stdout.buffer.write(definition.to_bytes())
        sys.stdout.buffer.flush()
    else:
        from llb.tree import render

        print(render(definition), end="")
    return 0


def graph(options: argparse.Namespace) -> Definition:
    """The graph of a build file, of which nothing was looked up. Raises Problems, OSError."""
    import frameworks
    from frameworks.base import Build
    from frameworks.lower import Lowering
    from frontend.inputs.offline import OfflineInputs
    from frontend.targets.image import assemble, runtime_keys

    file = buildfile.read(options)
    if file.is_dockerfile:
        raise OSError(f"{file.name} is a Dockerfile, whose graph only a build makes")
    plan = buildfile.plan_of(options, file)
    inputs = OfflineInputs(plan.platform)
    build = Build(plan, frameworks.get(plan.framework), inputs, plan.platform)
    for _ in range(2):  # the second time every path of the context is known
        lowering = Lowering(build)
        state = assemble(build, lowering.layers, runtime_keys(build, lowering.rootfs))
    return state.marshal(platform=plan.platform)
