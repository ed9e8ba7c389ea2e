"""The toolchain: an image with compilers for the guest's architecture, shared by all its builds."""

from __future__ import annotations

import re

from frameworks import kit
from frameworks.base import Build
from frameworks.linux.versions import versions
from frameworks.spec import App
from llb import State

_CLANG = re.compile(r"clang(-\d+)?(?:[:=].*)?")


def plain_toolchain(build: Build) -> State:
    """The base image with what kernels and C programs need."""
    guest = build.plan.architecture
    packages = [*versions().packages, *kit.compiler(guest)]
    if guest.name != build.worker.architecture:
        packages.append(kit.libc(guest))
    return kit.toolchain(build, packages)


def toolchain(build: Build) -> State:
    """The plain toolchain, and the packages that the file adds."""
    version = _llvm(build)
    # A kernel takes all of LLVM's tools, not only its compiler.
    more = () if version is None else (f"lld{version}", f"llvm{version}")
    return kit.extra(build, plain_toolchain(build), more)


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
    build systems look for, which compiles for the guest whatever the builder's architecture."""
    tools = kit.app_packages(build, toolchain(build), app)
    return kit.cross(build, tools, kit.gcc("linux", build.plan.architecture, libc=True))


def linkers(build: Build) -> tuple[str, ...]:
    """The programs that may link a kernel, by the names that its Makefiles call them."""
    version = _llvm(build)
    if version is not None:
        return (f"ld.lld{version}",)
    prefix = f"{build.plan.architecture.gnu_triplet}-ld"
    return (prefix, f"{prefix}.bfd")


def strip_command(build: Build) -> str:
    """The strip for the guest's architecture."""
    version = _llvm(build)
    if version is not None:
        return f"llvm-strip{version}"
    return f"{build.plan.architecture.gnu_triplet}-strip"
