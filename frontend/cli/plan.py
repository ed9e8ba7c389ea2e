"""`hutch plan FILE`: what would be built, with every default filled in."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from frameworks.diagnostics import Problems
from frontend.cli import buildfile
from frontend.cli.options import parser as make
from llb.masked import printable

if TYPE_CHECKING:
    from frameworks.base import Build, Inputs, Plan
    from frameworks.lower import Lowering
    from llb import State

_SAID = ("framework", "monitor", "platform", "file", "args", "compat")
"""Keys that the tree's head has, or that every build has."""

_IMAGE = "docker-image://"


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "plan",
        """
        As JSON, or as a tree. What the file leaves open has the value that the build gives it: the
        kernel's version, source and configuration, the image of the toolchain, and everything that
        is fetched.
        """,
        examples=("hutch plan --tree", "hutch plan bunnyfile | jq .kernel"),
    )
    buildfile.add_build(made)
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON (the default)")
    form.add_argument("--tree", action="store_true", help="as a text, without what is empty")
    return made


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    file = buildfile.read(options)
    plan = buildfile.plan_of(options, file)
    shown = resolved(plan, buildfile.offline(options, file, plan))
    if options.tree:
        print(f"{plan.framework} on {plan.monitor} for {plan.platform}")
        for line in _tree(shown, "  "):
            print(printable(line))
    else:
        json.dump(shown, sys.stdout, indent=2)
        print()
    return 0


def resolved(plan: Plan, inputs: Inputs) -> dict[str, Any]:
    """The plan as JSON values, with what a build of `inputs` fills in where the file says nothing.

    Raises Problems.
    """
    import frameworks
    from frameworks.base import Build
    from frontend.plan import plain, to_json

    shown = to_json(plan)
    framework = frameworks.get(plan.framework)
    kernel = plan.kernel
    builds = kernel is not None and kernel.from_ == "source"
    if builds and (default := framework.default_source(plan)) is not None:
        version, source = default
        if kernel is not None and kernel.source is None:
            shown["version"] = version
            shown["kernel"]["source"] = plain(source)
    if builds and not shown["kernel"]["config"]:
        shown["kernel"]["config"] = framework.usual_config(plan) or None
    build = Build(plan, framework, inputs, plan.platform)
    image, fetched = _fetched(build)
    if not shown["toolchain"]["from"] and image:
        shown["toolchain"]["from"] = image
    shown["fetched"] = fetched
    return shown


def _fetched(build: Build) -> tuple[str, list[str]]:
    """The image of the toolchain, "" where nothing is built in one; and all that is fetched."""
    from frameworks.lower import Lowering
    from frontend.inputs.offline import TOOLS
    from frontend.targets.image import assemble, runtime_keys
    from llb import Reference

    def graph() -> tuple[Lowering, State]:
        lowering = Lowering(build)
        return lowering, assemble(build, lowering.layers, runtime_keys(build, lowering.rootfs))

    graph()
    lowering, state = graph()  # the second time every path of the context is known
    tools = f"{_IMAGE}{Reference.parse(TOOLS).tagged()}"
    whole = [each for each in _sources(build, state) if each != tools]
    image = ""
    if build.origin is not None:
        with contextlib.suppress(Problems):  # a framework may build in no image of its own
            names = _sources(build, lowering.toolchain)
            found = (each.removeprefix(_IMAGE) for each in names if each.startswith(_IMAGE))
            image = next((each for each in found if each != tools.removeprefix(_IMAGE)), "")
    return image, [each for each in whole if not each.startswith("local://")]


def _sources(build: Build, state: State) -> list[str]:
    """The identifiers of what a state is made from, each once."""
    ops = state.marshal(platform=build.plan.platform).ops()
    found = [op.message.source.identifier for op in ops if op.kind == "source"]
    return list(dict.fromkeys(found))


def _tree(value: Any, indent: str) -> Iterator[str]:
    """A JSON object as lines: what is empty, and `_SAID`, left out."""
    for key, each in value.items():
        if each in (None, "", [], {}) or key in _SAID:
            continue
        if isinstance(each, dict):
            below = list(_tree(each, indent + "  "))
            if below:
                yield f"{indent}{key}"
                yield from below
        elif isinstance(each, list) and any(isinstance(item, dict) for item in each):
            yield f"{indent}{key}"
            for item in each:
                yield f"{indent}  - {_short(item)}"
        elif isinstance(each, list):
            yield f"{indent}{key}: {' '.join(map(_short, each))}"
        else:
            yield f"{indent}{key}: {_short(each)}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items() if each not in (None, []))
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text.isprintable() else json.dumps(text.strip())
