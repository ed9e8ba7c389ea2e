"""Reading a bunnyfile: bytes -> tree with positions -> schema -> `Bunnyfile`.

    loaded = load(data, "bunnyfile", {"TARGETARCH": "amd64"})

Each arrow is a module: `yaml`, `version`, `args`, `validate`, `model`, `rules`. Every error of an
arrow is reported at once; a later arrow runs only on what the earlier ones found right.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import frameworks
import schemas
from frameworks.base import Framework
from frameworks.diagnostics import Collector, Diagnostic, Problems, problem
from frameworks.rootfs import filesystems
from frameworks.runtime import monitors
from frameworks.spec import Bunnyfile, Kernel, Text
from frontend import kernelargs
from frontend.bunnyfile import args as arguments
from frontend.bunnyfile import model, nodes, rules
from frontend.bunnyfile.kind import kind_of
from frontend.bunnyfile.validate import validate
from frontend.bunnyfile.version import version_of
from frontend.bunnyfile.yaml import parse
from llb import Position, Range, SourceFile

if TYPE_CHECKING:
    from frontend.bunnyfile.lock import Lock

__all__ = ["MAX_ERRORS", "Loaded", "Unsound", "fragment", "kind_of", "load", "schema"]

MAX_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bunnyfile with the file that ranges point into, the warnings so far, and the tree.

    The tree is as the user wrote it, before build arguments were filled in; lint reads it.
    """

    bunnyfile: Bunnyfile
    file: SourceFile
    warnings: tuple[Diagnostic, ...]
    tree: nodes.Mapping
    args: Mapping[str, str]
    """The build arguments that have a value: those of the file and the platform's."""
    lock: Lock | None = None
    """The lock file that counts, whose commits `bunnyfile` has; None without one."""
    foreign_lock: str = ""
    """The name of the file that has a lock's name and is another tool's."""

    def locked(self, lock: Lock | None, foreign: str = "") -> Loaded:
        """The same with what a lock file pins; `foreign` is the name of another tool's."""
        if lock is None:
            return replace(self, foreign_lock=foreign)
        return replace(self, bunnyfile=lock.pinned(self.bunnyfile), lock=lock)


class Unsound(Problems):
    """Errors in keys and values; `rest` is what the other sections say, None where it is nothing.

    With it the errors of the phases to come are told with these (`frontend.plan.more`).
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], rest: Rest | None) -> None:
        super().__init__(diagnostics)
        self.rest = rest


@dataclass(frozen=True, slots=True)
class Rest:
    """A file without its unsound sections: `lost` has their names, and where they are."""

    bunnyfile: Bunnyfile
    file: SourceFile
    lost: Mapping[str, Range]
    args: Mapping[str, str]
    """As `Loaded.args`."""

    def of(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Errors that are of sound sections: others may only follow from what was left out."""
        return [each for each in found if not self._follows(each)]

    def _follows(self, found: Diagnostic) -> bool:
        at = found.at
        if at is None or any(name in self.lost for name in found.without):
            return True
        places = self.lost.values()
        return any(lost.start.line <= at.start.line <= lost.end.line for lost in places)


def load(data: bytes, filename: str, args: Mapping[str, str] | None = None) -> Loaded:
    """Read a bunnyfile of either version.

    `args` are build arguments and platform arguments (`TARGETARCH` and so on) by name. Raises
    Problems, and nothing else, with every error of the first phase that has any.
    """
    file = SourceFile(filename, data)
    try:
        return _load(file, args or {})
    except Problems as problems:
        raise shortened(problems) from None


def _load(file: SourceFile, args: Mapping[str, str]) -> Loaded:
    if kind_of(file.data) == "dockerfile":
        raise problem(
            "not-a-bunnyfile",
            "this is a Dockerfile, not a bunnyfile",
            hint="a bunnyfile names it with 'rootfs: {from: dockerfile, dockerfile: NAME}'",
            at=Range(Position(1), Position(1)),
            file=file,
        )
    problems = Collector(file)
    tree = parse(file)
    version = version_of(tree, problems)
    problems.check()
    kernel = _kernel_of_args(tree, args, file) if version == "v0.1" else None
    filled = tree
    values: Mapping[str, str] = {}
    if version == "v1":
        filled, values = arguments.substitute(tree, args, problems)
        problems.check()
    needed = _schema(version, filled)
    if kernel is not None:
        needed = {**needed, "required": [key for key in needed["required"] if key != "kernel"]}
    validate(filled, needed, problems)
    if problems.errors:
        rest = None
        if kernel is None:
            rest = _sound(filled, needed, version, problems, values)
        raise Unsound(problems.errors, rest)
    bunnyfile = model.decode(filled, version, problems)
    if version == "v1":
        bunnyfile = _with_own_kernel(bunnyfile)
    if kernel is not None:
        bunnyfile = _with_kernel(bunnyfile, kernel, args)
    (rules.check_v1 if version == "v1" else rules.check_v0)(bunnyfile, problems)
    if problems.errors:
        raise Unsound(problems.errors, Rest(bunnyfile, file, _lost(filled, problems)[0], values))
    return Loaded(bunnyfile, file, problems.warnings, tree, values)


def _kernel_of_args(
    tree: nodes.Mapping, args: Mapping[str, str], file: SourceFile
) -> Kernel | None:
    """The kernel that build arguments ask for, for a v0.1 file that names none.

    bunny's files always name one, so nothing that worked means anything else.
    """
    from_ = args.get(kernelargs.argument(kernelargs.KERNEL), "")
    if not from_ or tree.find("kernel") is not None:
        return None

    def setting(name: str) -> Text:
        return Text(args.get(kernelargs.argument(name), ""), tree.at)

    return kernelargs.kernel(Text(from_, tree.at), setting, file)


def _with_kernel(bunnyfile: Bunnyfile, kernel: Kernel, args: Mapping[str, str]) -> Bunnyfile:
    platforms = bunnyfile.platforms
    version = args.get(kernelargs.argument(kernelargs.VERSION))
    if version and kernel.from_ == "source":
        platforms = replace(platforms, version=Text(version, platforms.framework.at))
    return replace(bunnyfile, kernel=kernel, platforms=platforms)


def _with_own_kernel(bunnyfile: Bunnyfile) -> Bunnyfile:
    """A v1 file that names no kernel gets the framework's own, where hutch builds one."""
    said = bunnyfile.platforms.framework
    if bunnyfile.kernel is not None or said not in frameworks.TABLE:
        return bunnyfile
    if type(frameworks.get(said)).kernel is Framework.kernel:
        return bunnyfile
    return replace(bunnyfile, kernel=Kernel(said.at, Text("source", said.at)))


def _sound(
    tree: nodes.Mapping,
    needed: schemas.Schema,
    version: str,
    problems: Collector,
    args: Mapping[str, str],
) -> Rest | None:
    """What is right in a tree with errors, section by section: the keys at its top."""
    lost, kept = _lost(tree, problems)
    sound = replace(tree, entries=kept)
    again = Collector(problems.file)
    validate(sound, needed, again)
    if again.errors:
        return None
    bunnyfile = model.decode(sound, version, again)
    if version == "v1" and tree.find("kernel") is None:
        bunnyfile = _with_own_kernel(bunnyfile)
    assert problems.file is not None
    rest = Rest(bunnyfile, problems.file, lost, args)
    if bunnyfile.kernel is not None:
        (rules.check_v1 if version == "v1" else rules.check_v0)(bunnyfile, again)
    problems.take(Problems(rest.of(again.errors)))
    return rest


def _lost(
    tree: nodes.Mapping, problems: Collector
) -> tuple[dict[str, Range], tuple[nodes.Entry, ...]]:
    """The names and ranges of the sections that have errors, and the other sections."""
    lines = sorted(found.at.start.line for found in problems.errors if found.at is not None)
    lost: dict[str, Range] = {}
    kept: list[nodes.Entry] = []
    for entry in tree:
        whole = Range(entry.key.at.start, entry.value.at.end)
        if bisect_left(lines, whole.start.line) < bisect_right(lines, whole.end.line):
            lost[entry.key.text] = whole
        else:
            kept.append(entry)
    return lost, tuple(kept)


def shortened(problems: Problems) -> Problems:
    """The first of very many errors: they travel in one message, and nobody reads thousands."""
    found = problems.diagnostics
    if len(found) <= MAX_ERRORS:
        return problems  # with what is sound, where it has that
    rest = found[MAX_ERRORS]
    message = f"there are {len(found) - MAX_ERRORS} more errors from here on"
    last = Diagnostic("too-many-errors", message, "mend the ones above first", rest.at, rest.file)
    return Problems([*found[:MAX_ERRORS], last])


def fragment(framework: str) -> schemas.Schema | None:
    """A framework's `options.schema.json`, None where it has none or there is no such framework."""
    if framework not in frameworks.TABLE:
        return None
    module, _ = frameworks.TABLE[framework]
    folder = os.path.join(os.path.dirname(frameworks.__file__), *module.split(".")[1:])
    path = os.path.join(folder, "options.schema.json")
    return schemas.read(path) if os.path.exists(path) else None


def schema(version: str) -> schemas.Schema:
    """The whole schema of a version, as it is published: with the fragments of all frameworks.

    Editors do not know which file systems a guest mounts, and get the names of all.
    """
    if version != "v1":
        return schemas.load(version, frameworks.TABLE, _monitors())
    names = {each.name: each.about for each in filesystems.TABLE.values()}
    found = {name: part for name in frameworks.TABLE if (part := fragment(name)) is not None}
    return schemas.load(version, frameworks.TABLE, _monitors(), found, names)


def _schema(version: str, tree: nodes.Mapping) -> schemas.Schema:
    """The schema of `version`, with the fragment of the framework that the file names."""
    section = tree.find("platforms")
    name = section.find("framework") if isinstance(section, nodes.Mapping) else None
    if version != "v1" or not isinstance(name, nodes.Scalar):
        return schemas.load(version, frameworks.TABLE, _monitors())
    found = fragment(name.text)
    ours = {name.text: found} if found else None
    return schemas.load(version, frameworks.TABLE, _monitors(), ours)


def _monitors() -> schemas.Monitors:
    return schemas.Monitors(monitors.TABLE, monitors.words(), monitors.others())
