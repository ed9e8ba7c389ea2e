"""`hutch llb FILE`: the graph that BuildKit would solve."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from frontend.cli import buildfile
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from llb import Definition


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "llb",
        "Nothing is looked up for it: images are not resolved, and the context is not read.",
        examples=(
            "hutch llb bunnyfile",
            "hutch llb --dot bunnyfile | dot -Tsvg > graph.svg",
            "hutch llb --raw --frontend registry.example/hutch:1 bunnyfile "
            "| buildctl build --local context=.",
        ),
    )
    buildfile.add_build(made)
    made.add_argument(
        "--frontend",
        metavar="IMAGE",
        help="hutch's image, whose programs run in steps "
        f"(default: {buildfile.FRONTEND}, or the file's `# syntax=`)",
    )
    form = made.add_mutually_exclusive_group()
    form.add_argument("--tree", action="store_true", help="as an indented text (the default)")
    form.add_argument("--json", action="store_true", help="each operation as BuildKit has it")
    form.add_argument("--dot", action="store_true", help="as a drawing, for Graphviz")
    form.add_argument("--raw", action="store_true", help="BuildKit's own bytes, for buildctl")
    return made


def run(options: argparse.Namespace) -> int:
    """Print the graph."""
    definition = graph(options)
    if options.raw:
        sys.stdout.buffer.write(definition.to_bytes())
        sys.stdout.buffer.flush()
    elif options.json:
        json.dump(list(operations(definition)), sys.stdout, indent=2)
        print()
    elif options.dot:
        print(dot(definition), end="")
    else:
        from llb.tree import render

        print(render(definition), end="")
    return 0


def operations(definition: Definition) -> Iterator[dict[str, Any]]:
    """Each operation with its digest, name and BuildKit's message, in the order of the graph."""
    from google.protobuf.json_format import MessageToDict

    for op in definition.ops():
        message = MessageToDict(op.message, preserving_proto_field_name=True)
        yield {"digest": op.digest, "name": op.name, "kind": op.kind, "op": message}


def dot(definition: Definition) -> str:
    """The graph in Graphviz's language: a box for each operation, an arrow from each input."""
    ops = list(definition.ops())
    numbers = {op.digest: number for number, op in enumerate(ops, 1)}
    lines = ["digraph llb {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for op in ops:
        if not op.kind:
            continue  # the last, which only names the result
        name = op.message.source.identifier if op.kind == "source" else op.name or op.kind
        lines.append(f"  n{numbers[op.digest]} [label={json.dumps(name)}];")
        for each in op.message.inputs:
            lines.append(f"  n{numbers[each.digest]} -> n{numbers[op.digest]};")
    return "\n".join([*lines, "}"]) + "\n"


def graph(options: argparse.Namespace) -> Definition:
    """The graph of a build file, of which nothing was looked up. Raises Problems, OSError."""
    import frameworks
    from frameworks.base import Build
    from frameworks.lower import Lowering
    from frontend.targets.image import assemble, runtime_keys

    file = buildfile.read(options)
    if file.is_dockerfile:
        raise OSError(f"{file.name} is a Dockerfile, whose graph only a build makes")
    plan = buildfile.plan_of(options, file)
    inputs = buildfile.offline(options, file, plan, _tools(options, file))
    build = Build(plan, frameworks.get(plan.framework), inputs, plan.platform)
    for _ in range(2):  # the second time every path of the context is known
        lowering = Lowering(build)
        state = assemble(build, lowering.layers, runtime_keys(build, lowering.rootfs))
    return state.marshal(platform=plan.platform)


def _tools(options: argparse.Namespace, file: buildfile.BuildFile) -> str:
    """The reference of hutch's image, "" where nobody names it. Raises OSError for what is none."""
    from frontend.dockerui.nested import syntax_of
    from llb import InvalidReference, Reference

    named = options.frontend or os.environ.get(buildfile.FRONTEND) or syntax_of(file.data)[0]
    try:
        return str(Reference.parse(named)) if named else ""
    except InvalidReference as error:
        raise OSError(f"the frontend's image: {error}") from None
