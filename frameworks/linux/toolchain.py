"""The toolchain: an image with compilers for the guest's architecture, shared by all its builds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from frameworks.base import Build
from frameworks.linux.versions import versions
from frameworks.scripts import run_script, script
from frameworks.spec import App, Text
from llb import Meta, State

_CLANG = re.compile(r"clang(-\d+)?(?:[:=].*)?")


def base(build: Build) -> State:
    """The image that the toolchain is made from, for the machine that builds."""
    name = build.plan.toolchain.from_ or Text(versions().image)
    return build.fetch(name, build.worker).state.with_platform(build.worker)


def install(
    build: Build,
    state: State,
    packages: Iterable[str],
    meta: Meta,
    snapshot: tuple[str, str, str] | None = None,
) -> State:
    """`state` with packages of its distribution; one of the few steps that have the network.

    `snapshot` (archive, suite, time) is where versions are that are no longer current.
    """
    wanted = list(dict.fromkeys(map(str, packages)))
    if not wanted:
        return state
    past = ["--snapshot", *snapshot] if snapshot is not None else []
    command = run_script("install.sh", *past, *wanted)
    mounts = [script("frameworks.linux", "install.sh"), script("frameworks.linux", "apt.sh")]
    return build.run(state, command, mounts=mounts, network=True, meta=meta).root


def plain_toolchain(build: Build) -> State:
    """The base image with what kernels and C programs need.

    The compiler is pinned in our own image; another one has what its distribution has.
    """
    table = versions()
    target = build.plan.platform.architecture
    native = target == build.worker.architecture
    said = build.plan.toolchain.from_
    packages = [*table.packages, *table.target[target]]
    if not native:
        packages += table.cross[target]
    meta = build.meta("toolchain", "install the toolchain", said or build.asked)
    if said is not None:
        return install(build, base(build), packages, meta)
    pinned = (table.native if native else table.foreign)[target]
    names = {package.partition("=")[0] for package in pinned}
    packages = [package for package in packages if package not in names]
    return install(build, base(build), (*packages, *pinned), meta, table.snapshot)


def toolchain(build: Build) -> State:
    """The plain toolchain, and the packages that the file adds."""
    packages = build.plan.toolchain.packages
    state = plain_toolchain(build)
    if not packages:
        return state
    meta = build.meta("toolchain", "install more packages", packages[0])
    version = _llvm(build)
    # A kernel takes all of LLVM's tools, not only its compiler.
    more = () if version is None else (f"lld{version}", f"llvm{version}")
    return install(build, state, (*packages, *more), meta)


def _llvm(build: Build) -> str | None:
    """The version of LLVM that the file's toolchain brings, "" or "-19"; None without clang.

    With clang among the packages the kernel is built by it.
    """
    for package in build.plan.toolchain.packages:
        if match := _CLANG.fullmatch(package):
            return match[1] or ""
    return None


def make_variables(build: Build, compiler: str = "") -> list[str]:
    """The variables of every `make` in the kernel's tree; `compiler` goes before the compiler."""
    architecture = build.plan.architecture
    prefix = architecture.gnu_triplet
    variables = [f"ARCH={architecture.linux.arch}", f"CROSS_COMPILE={prefix}-"]
    version = _llvm(build)
    if version is not None:
        return [*variables, f"LLVM={version or 1}", f"CC={compiler}clang{version}"]
    return [*variables, f"CC={compiler}{prefix}-gcc"]


def compilers(build: Build, app: App) -> tuple[State, dict[str, str]]:
    """The image that an application is built in, with its packages; its compiler by the names that
    Makefiles look for, which compiles for the guest whatever the builder's architecture."""
    tools = toolchain(build)
    if app.packages:
        meta = build.meta("app", "install the application's packages", app.packages[0])
        tools = install(build, tools, app.packages, meta)
    prefix = build.plan.architecture.gnu_triplet
    return tools, {
        "CC": f"{prefix}-gcc",
        "AR": f"{prefix}-ar",
        "STRIP": f"{prefix}-strip",
        "CROSS_COMPILE": f"{prefix}-",
    }


def strip_command(build: Build) -> str:
    """The strip for the guest's architecture."""
    version = _llvm(build)
    if version is not None:
        return f"llvm-strip{version}"
    return f"{build.plan.architecture.gnu_triplet}-strip"
