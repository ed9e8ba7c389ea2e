"""The kernel's source tree, from wherever the file says, patched and made ready."""

from __future__ import annotations

from dataclasses import replace

from frameworks import kit
from frameworks.base import Build
from frameworks.kit import SourceTree
from frameworks.kit.patches import user_patches
from frameworks.linux.toolchain import plain_toolchain
from frameworks.linux.versions import Series, versions
from frameworks.scripts import run_script, script
from frameworks.spec import PackageSource, Source, Text, naming
from llb import Mount, State

_LINUX = kit.Landmarks("Linux source tree", ("Makefile", "init/Kconfig"))


def series(build: Build) -> Series:
    """The series that the plan's version names, the default without one.

    The version may be longer than the series ("6.12.117"); `check` has seen that it is known.
    """
    table = versions()
    said = build.plan.version
    name = ".".join(said.split(".")[:2]) if said is not None else table.default
    return table.series[name]


def source(build: Build) -> SourceTree:
    """The kernel's source as the plan has it."""
    kernel = build.plan.kernel
    assert kernel is not None
    # Not the file's own packages: one more of them does not unpack the source anew.
    tools = plain_toolchain(build)
    said, place = _wanted(build, kernel.source)
    at = naming(said) if kernel.source is not None else build.plan.version
    at = at or build.plan.monitor
    tree = kit.source(build, said, tools, at=at, landmarks=_LINUX, place=place)
    return _prepare(build, tree, kit.patched(build, tree, tools), tools)


def _wanted(build: Build, said: Source | None) -> tuple[Source, tuple[str, str, str] | None]:
    """What the file names, or the pinned package of its series; and where a pinned package is."""
    if said is not None and not isinstance(said, PackageSource):
        return said, None
    if said is None:
        found: Series | None = series(build)
        assert found is not None
        name, version = found.package, found.version
    else:
        name, _, version = said.package.partition("=")
        found = versions().of_package(name)
        if found is not None and not version:
            version = found.version
    package = PackageSource(Text(f"{name}={version}" if version else name))
    if found is None or version != found.version:
        return package, None
    return package, (found.archive, found.suite, found.snapshot)


def _prepare(build: Build, tree: SourceTree, patched: SourceTree, tools: State) -> SourceTree:
    kernel = build.plan.kernel
    assert kernel is not None
    theirs = user_patches(build)
    identity = tree.key if tree.pinned else ""
    step = build.run(
        tools,
        run_script("prepare.sh", identity, *(mount.dest for mount in theirs)),
        mounts=[
            script("frameworks.linux", "prepare.sh"),
            *kit.patches("frameworks.linux"),
            *theirs,
            Mount.bind("/src", patched.state),
        ],
        meta=build.meta("kernel", "prepare the source", kernel.at),
    )
    return replace(patched, state=step.mount("/src"))
