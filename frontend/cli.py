"""The command line: the arrows of a build without a daemon.

hutch check FILE      read it and say what is wrong, or probably not meant
hutch plan FILE       what would be built, as JSON
hutch llb FILE        the build graph, as a text tree or as BuildKit's bytes
hutch schema          the JSON Schema of a bunnyfile, for editors
hutch inspect REF     what an image in a registry tells urunc
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from frameworks.diagnostics import Problems, printable, problem
from frontend._version import __version__
from frontend.inputs import localfile
from llb import Platform

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.bunnyfile import Loaded
    from frontend.lint.verdict import Verdict
    from llb import SourceFile

BUNNYFILE = "bunnyfile"
MOST_BYTES = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit status is 0, 1 for a user's mistake, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.verb(options)
    except Problems as problems:
        from frontend.bunnyfile.render import render

        print(render(problems.diagnostics), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"hutch: {printable(str(error))}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hutch",
        description="Kernels and unikernels, built the way containers are built.",
        epilog="To build an image, run: docker buildx build -f bunnyfile .",
    )
    parser.add_argument("--version", action="version", version=f"hutch {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    check = verbs.add_parser("check", help="read a bunnyfile and say what is wrong with it")
    plan = verbs.add_parser("plan", help="show what would be built, as JSON")
    graph = verbs.add_parser("llb", help="show the build graph")
    graph.add_argument("--raw", action="store_true", help="BuildKit's own bytes, for buildctl")
    check.add_argument("--target", default="", help="check for this target of the build")
    for verb, run in ((check, _check), (plan, _plan), (graph, _llb)):
        verb.add_argument("file", nargs="?", default=BUNNYFILE, help="default: bunnyfile")
        verb.add_argument("--platform", type=_platform, help="such as linux/arm64")
        verb.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
        verb.add_argument("--context", help="the build context; default: the file's directory")
        verb.add_argument("--build-context", action="append", default=[], metavar="NAME=VALUE")
        verb.set_defaults(verb=run)

    schema = verbs.add_parser("schema", help="print the JSON Schema of a bunnyfile")
    schema.add_argument("version", nargs="?", default="v1", choices=("v1", "v0.1"))
    schema.set_defaults(verb=_schema)

    inspect = verbs.add_parser("inspect", help="show what an image in a registry tells urunc")
    inspect.add_argument("ref", help="an image, such as localhost:5000/hello:1")
    inspect.set_defaults(verb=_inspect)
    return parser


def _platform(text: str) -> Platform:
    return Platform.parse(text)


def _read(options: argparse.Namespace) -> tuple[Loaded, Platform]:
    """The file, and the platform that it would be built for."""
    from frontend import plan as plans
    from frontend.bunnyfile import Unsound, load

    data = localfile.read(options.file, MOST_BYTES + 1)
    asked: Platform | None = options.platform
    platform = asked or Platform.parse(f"linux/{os.uname().machine}")
    args = {**plans.platform_args(platform, platform), **_args(options)}
    try:
        loaded = load(data, options.file, args)
    except Unsound as found:
        contexts = _contexts(options)
        raise plans.more(found, platform, asked=bool(asked), contexts=contexts) from None
    if asked is None and (said := plans.architecture(loaded.bunnyfile)):
        platform = Platform("linux", said)
    return loaded, platform


def _settle(options: argparse.Namespace, loaded: Loaded, platform: Platform) -> Plan:
    """The file's plan; a prebuilt root filesystem of the context is looked at."""
    from frontend import plan as plans

    plan = plans.make(
        loaded.bunnyfile,
        loaded.file,
        platform,
        epoch=_epoch(),
        args=loaded.args,
        contexts=_contexts(options),
    )
    return plans.with_rootfs_type(plan, _head(plan, options))


def _args(options: argparse.Namespace) -> dict[str, str]:
    return dict(map(_pair, options.build_arg))


def _contexts(options: argparse.Namespace) -> list[str]:
    """The names of named contexts, as buildx writes them: of an image without its defaults."""
    from llb import InvalidReference, Reference

    names = []
    for given in options.build_context:
        name = given.partition("=")[0]
        with contextlib.suppress(InvalidReference):
            name = Reference.parse(name).familiar.removesuffix(":latest")
        names.append(name)
    return names


def _epoch() -> int | None:
    from frontend.dockerui.options import epoch_of

    return epoch_of(os.environ.get("SOURCE_DATE_EPOCH", ""))


def _pair(text: str) -> tuple[str, str]:
    from frontend.dockerui.options import is_text

    name, equals, value = text.partition("=")
    value = value if equals else os.environ.get(name, "")
    if not is_text(name + value):
        raise problem(
            "bad-build-option",
            f"--build-arg {printable(name)} has a value that is not UTF-8 text: {printable(value)}",
            hint="write it in UTF-8, or put it into a file of the build context",
        )
    return name, value


def _head(plan: Plan, options: argparse.Namespace) -> bytes | None:
    """The first bytes of a prebuilt root filesystem in the context; None where it is not there."""
    from frontend.inputs.wanted import instead
    from frontend.plan import HEAD

    rootfs = plan.rootfs
    if rootfs.path is None or rootfs.from_ != "local":
        return None
    root = options.context or os.path.dirname(os.path.abspath(options.file))
    try:
        return localfile.read(os.path.join(root, rootfs.path.lstrip("/")), HEAD)
    except localfile.NotAFile as found:
        raise problem(
            "not-a-file",
            f"'{rootfs.path}' in the build context is {found.kind}, and only a file can be used",
            hint=instead(found.kind, rootfs.path, root=True),
            at=rootfs.path.at,
            file=plan.file,
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise problem(
            "no-such-file",
            f"there is no '{rootfs.path}' in the build context",
            at=rootfs.path.at,
            file=plan.file,
        ) from None


def _check(options: argparse.Namespace) -> int:
    from frontend.bunnyfile import kind_of
    from frontend.inputs.localfile import LocalContext
    from frontend.lint.verdict import Asked, judge

    data = localfile.read(options.file, MOST_BYTES + 1)
    if kind_of(data) == "dockerfile":
        return _check_dockerfile(options, data)
    loaded, platform = _read(options)
    root = options.context or os.path.dirname(os.path.abspath(options.file))
    asked = Asked(
        _args(options),
        _contexts(options),
        options.target,
        _epoch(),
        lambda _: LocalContext(root, options.file),
    )
    verdict = judge(loaded, platform, asked)
    _say(verdict, loaded.file)
    plan = verdict.plan
    assert plan is not None
    print(f"{options.file}: {_kind(plan)}: {_count(verdict)}")
    return int(verdict.fails)


def _check_dockerfile(options: argparse.Namespace, data: bytes) -> int:
    from frontend import containerfile
    from frontend import plan as plans
    from llb import SourceFile

    platform = options.platform or Platform.parse(f"linux/{os.uname().machine}")
    file = SourceFile(options.file, data)
    verdict = containerfile.judge(
        file,
        platform,
        args={**plans.platform_args(platform, platform), **_args(options)},
        labels={},
        target=options.target,
        epoch=_epoch(),
    )
    _say(verdict, file)
    if verdict.plan is None:
        said = "a Dockerfile, whose labels only a build can judge"
    else:
        said = f"a Dockerfile for {_kind(verdict.plan)}: {_count(verdict)} in its labels"
    print(f"{options.file}: {said}")
    print("Its other instructions are checked by: docker buildx build --check")
    return int(verdict.fails)


def _say(verdict: Verdict, file: SourceFile) -> None:
    """Print the findings. Raises Problems after them, with what is wrong."""
    from frontend.lint.findings import text_of

    for found in verdict.findings:
        print(text_of(found, file.data))
    if verdict.problems is not None:
        raise verdict.problems


def _kind(plan: Plan) -> str:
    return f"{plan.framework} on {plan.monitor} for {plan.platform}"


def _count(verdict: Verdict) -> str:
    count = len(verdict.findings)
    return "no errors" if not count else f"{count} warning{'s' if count > 1 else ''}"


def _plan(options: argparse.Namespace) -> int:
    from frontend.plan import to_json

    json.dump(to_json(_settle(options, *_read(options))), sys.stdout, indent=2)
    print()
    return 0


def _llb(options: argparse.Namespace) -> int:
    import frameworks
    from frameworks.base import Build
    from frameworks.lower import Lowering
    from frontend.inputs.offline import OfflineInputs
    from frontend.targets.image import assemble, runtime_keys

    plan = _settle(options, *_read(options))
    inputs = OfflineInputs(plan.platform)
    build = Build(plan, frameworks.get(plan.framework), inputs, plan.platform)
    for _ in range(2):  # the second time every path of the context is known
        lowering = Lowering(build)
        state = assemble(build, lowering.layers, runtime_keys(build, lowering.rootfs))
    definition = state.marshal(platform=plan.platform)
    if options.raw:
        sys.stdout.buffer.write(definition.to_bytes())
    else:
        from llb.tree import render

        print(render(definition), end="")
    return 0


def _schema(options: argparse.Namespace) -> int:
    from frontend.bunnyfile import schema

    json.dump(schema(options.version), sys.stdout, indent=2)
    print()
    return 0


def _inspect(options: argparse.Namespace) -> int:
    try:
        from frontend.images import registry
    except ImportError:  # the frontend image leaves it out
        print("hutch: the frontend image reads no registry: install hutch here", file=sys.stderr)
        return 1
    return registry.show(options.ref)


if __name__ == "__main__":
    sys.exit(main())
