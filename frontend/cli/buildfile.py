"""The build file that a verb reads, and what a build of it would be told."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frameworks.diagnostics import Problems, problem
from frontend.cli.options import add_platform, host
from frontend.inputs import localfile
from llb import Platform
from llb.masked import printable

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.bunnyfile import Loaded
    from frontend.bunnyfile.lock import Lock
    from frontend.inputs.offline import OfflineInputs
    from frontend.lint.verdict import Request, Verdict
    from llb import SourceFile

NAMES = ("bunnyfile", "Dockerfile")
"""What a build file of a directory is called, the first that is there."""

FRONTEND = "HUTCH_FRONTEND"
"""The variable that names the frontend's image."""

LOCAL = "hutch:1"
"""The frontend where nobody names one: an image of that name that Docker has itself. It is never
pulled, for nobody has that name on Docker Hub."""

MOST_BYTES = 1 << 20
_STDIN = "-"
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")
"""What a shell makes of `<(...)` is in there: a pipe that somebody writes into, read as it is."""


@dataclass(frozen=True, slots=True)
class BuildFile:
    """A build file: what messages call it, its bytes, the directory of the build context, and the
    bytes of its lock file, None where there is none."""

    name: str
    data: bytes
    context: str
    lock: bytes | None = None

    @property
    def is_dockerfile(self) -> bool:
        """Whether it is a Dockerfile and not a bunnyfile."""
        from frontend.bunnyfile import kind_of

        return kind_of(self.data) == "dockerfile"

    @property
    def has_foreign_lock(self) -> bool:
        """Whether what has the lock file's name is another tool's."""
        from frontend.bunnyfile import lock

        return self.lock is not None and lock.is_foreign(self.lock)


def add_file(to: argparse.ArgumentParser) -> None:
    """Add the file: `FILE`, or `-f FILE` and the directory of the build context."""
    to.add_argument(
        "path",
        nargs="?",
        metavar="FILE",
        help="a bunnyfile or Dockerfile, a directory that has one, or - for standard input; "
        "with -f the build context (default: .)",
    )
    to.add_argument("-f", "--file", metavar="FILE", help="the build file, as docker build -f")


def add_build(to: argparse.ArgumentParser) -> None:
    """Add the file, and what a build is told beside it."""
    add_file(to)
    to.add_argument(
        "--context", metavar="DIR", help="the build context (default: the file's directory)"
    )
    add_platform(to)
    add_arguments(to)


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Add build arguments and named contexts."""
    to.add_argument(
        "--build-arg", action="append", default=[], metavar="NAME=VALUE", help="a build argument"
    )
    to.add_argument(
        "--build-context",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a named build context",
    )


def where(options: argparse.Namespace) -> tuple[str, str]:
    """The path of the build file (`-` for standard input) and the build context's directory.

    Raises OSError where a directory has no build file.
    """
    path: str | None = options.path
    context: str | None = getattr(options, "context", None)
    file: str | None = options.file
    if file is None:
        file = path or "."
        if file != _STDIN and os.path.isdir(file):
            file = within(file)
    elif path is not None:
        context = context or path
    if context is None:
        streams = file == _STDIN or file.startswith(_DESCRIPTORS)
        context = "." if streams else os.path.dirname(file) or "."
    return file, context


def within(directory: str) -> str:
    """The build file of a directory. Raises FileNotFoundError with advice where there is none."""
    for name in NAMES:
        found = os.path.normpath(os.path.join(directory, name))
        if os.path.lexists(found):
            return found
    place = "here" if directory == "." else f"in {directory}"
    raise FileNotFoundError(f"there is no bunnyfile and no Dockerfile {place}")


def read(options: argparse.Namespace) -> BuildFile:
    """The build file that the options name. Raises OSError."""
    file, context = where(options)
    if file == _STDIN:
        return BuildFile("<stdin>", sys.stdin.buffer.read(MOST_BYTES + 1), context)
    if file.startswith(_DESCRIPTORS):
        with open(file, "rb") as stream:
            return BuildFile(file, stream.read(MOST_BYTES + 1), context)
    return BuildFile(file, localfile.read(file, MOST_BYTES + 1), context, _beside(file))


def _beside(file: str) -> bytes | None:
    """The bytes of a build file's lock file; None where there is none. Raises OSError."""
    from frontend.bunnyfile.kind import LOCK_FILE, MOST_LOCKED

    try:
        return localfile.read(file + LOCK_FILE, MOST_LOCKED + 1)
    except FileNotFoundError:
        return None


def lock_of(options: argparse.Namespace, file: BuildFile) -> Lock | None:
    """What the lock file pins, None where there is none or nobody is to read it. Raises Problems.

    It is what `Contexts.lock` is to a build.
    """
    from frontend.bunnyfile import lock
    from frontend.bunnyfile.kind import LOCK_FILE
    from llb import SourceFile

    mode = args_of(options).get("HUTCH_LOCK", "")
    if mode == "off" or file.is_dockerfile:
        return None
    foreign = file.has_foreign_lock
    if file.lock is not None and not foreign:
        return lock.read(SourceFile(file.name + LOCK_FILE, file.lock, "json"))
    if mode == "strict":
        raise lock.missing(SourceFile(file.name, file.data), foreign=foreign)
    return None


def foreign_lock(options: argparse.Namespace, file: BuildFile) -> str:
    """The name of another tool's file in the lock's place, "" where it is nobody's concern."""
    from frontend.bunnyfile.kind import LOCK_FILE

    off = args_of(options).get("HUTCH_LOCK", "") == "off"
    return file.name + LOCK_FILE if file.has_foreign_lock and not off else ""


def load(options: argparse.Namespace, file: BuildFile) -> tuple[Loaded, Platform]:
    """A bunnyfile, and the platform that it would be built for. Raises Problems."""
    from frontend import bunnyfile
    from frontend import plan as plans

    asked: Platform | None = options.platform
    platform = asked or host()
    lock = lock_of(options, file)
    foreign = foreign_lock(options, file)
    args = {**plans.platform_args(platform, platform), **args_of(options)}
    try:
        loaded = bunnyfile.load(file.data, file.name, args).locked(lock, foreign)
    except bunnyfile.Unsound as found:
        contexts = contexts_of(options)
        raise plans.more(found, platform, asked=bool(asked), contexts=contexts) from None
    if asked is None and (said := plans.architecture(loaded.bunnyfile)):
        platform = Platform("linux", said)
    return loaded, platform


def plan_of(options: argparse.Namespace, file: BuildFile, *, built: bool = True) -> Plan:
    """The plan of a build file; a prebuilt root filesystem of the context is looked at.

    Unless it has to be `built`, it may be missing; then its type stays as the file says it.
    Raises Problems, and OSError for a Dockerfile of which only a build knows the plan.
    """
    from frontend import plan as plans

    if file.is_dockerfile:
        verdict = judge_dockerfile(options, file)[0]
        if verdict.problems is not None:
            raise verdict.problems
        if verdict.plan is None:
            raise OSError(f"{file.name} is a Dockerfile whose labels only a build can judge")
        return verdict.plan
    loaded, platform = load(options, file)
    plan = plans.make(
        loaded.bunnyfile,
        loaded.file,
        platform,
        epoch=epoch(),
        args=loaded.args,
        contexts=contexts_of(options),
        lock=loaded.lock,
        strict=args_of(options).get("HUTCH_LOCK") == "strict",
    )
    try:
        head = _head(plan, file.context)
    except Problems as problems:
        if built or problems.diagnostics[0].code != "no-such-file":
            raise
        return plan
    return plans.with_rootfs_type(plan, head)


def judge_dockerfile(
    options: argparse.Namespace, file: BuildFile, target: str = ""
) -> tuple[Verdict, SourceFile]:
    """What a Dockerfile's labels say, as far as can be told without a build."""
    from frontend import containerfile
    from frontend import plan as plans
    from llb import SourceFile

    platform = options.platform or host()
    source = SourceFile(file.name, file.data)
    verdict = containerfile.judge(
        source,
        platform,
        args={**plans.platform_args(platform, platform), **args_of(options)},
        labels={},
        target=target,
        epoch=epoch(),
        foreign_lock=foreign_lock(options, file),
    )
    return verdict, source


def request(options: argparse.Namespace, file: BuildFile) -> Request:
    """What the build is asked for beside the file."""
    from frontend.inputs.localfile import LocalContext
    from frontend.lint.verdict import Request

    return Request(
        args_of(options),
        contexts_of(options),
        options.target,
        epoch(),
        lambda _: LocalContext(file.context, file.name),
    )


def args_of(options: argparse.Namespace) -> dict[str, str]:
    """The build arguments; one without a value has that of the environment. Raises Problems."""
    return dict(map(_pair, options.build_arg))


def contexts_of(options: argparse.Namespace) -> dict[str, str]:
    """Named contexts, by their names as buildx writes them: of an image without its defaults."""
    from llb.reference import context_name

    pairs = (given.partition("=") for given in options.build_context)
    return {context_name(name): value for name, _, value in pairs}


def offline(
    options: argparse.Namespace, file: BuildFile, plan: Plan, tools: str = ""
) -> OfflineInputs:
    """The inputs of a build that no daemon is asked for; `tools` is the reference of hutch's own
    image, if somebody names it. Raises Problems."""
    from frontend.inputs.localfile import LocalContext
    from frontend.inputs.offline import TOOLS, OfflineInputs

    named = contexts_of(options)
    directories = {"": LocalContext(file.context, file.name)}
    for name, value in named.items():
        if os.path.isdir(value):
            directories[name] = LocalContext(value, os.path.join(value, ""))
    return OfflineInputs(plan.platform, lock_of(options, file), named, directories, tools or TOOLS)


def epoch() -> int | None:
    """SOURCE_DATE_EPOCH, in seconds. Raises Problems."""
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


def _head(plan: Plan, context: str) -> bytes | None:
    """The first bytes of a prebuilt root filesystem in the context; None where it is not there."""
    from frontend.inputs.wanted import instead
    from frontend.plan import HEAD

    rootfs = plan.rootfs
    if rootfs.path is None or rootfs.from_ != "local":
        return None
    try:
        return localfile.read(os.path.join(context, rootfs.path.lstrip("/")), HEAD)
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
