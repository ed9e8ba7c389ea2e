"""Unikraft: a kernel of libraries, with the application in it or with a loader for Linux programs.

The core configures itself by Kconfig and builds itself by make, from trees that it is told of: the
application and the libraries. docs/contract/kernels.md 7 has the recipe.
"""

from __future__ import annotations

from typing import ClassVar

from frameworks.app import sources
from frameworks.architectures import ALL, AMD64
from frameworks.base import Build, File, Framework, Guest, Plan, Splitting
from frameworks.diagnostics import Collector, Diagnostic, Problems, did_you_mean
from frameworks.runtime import monitors
from frameworks.spec import App, Source
from frameworks.unikraft.sources import core, library
from llb import Platform, State

# What builds is imported late: a Dockerfile's build asks this class for the names of platforms.


class Unikraft(Framework):
    """Unikraft: an initrd or a shared directory; images of its catalogue are pulled by monitor."""

    name: ClassVar[str] = "unikraft"
    guest: ClassVar[Guest] = Guest(
        type="unikraft",
        monitors={
            monitors.QEMU.name: ALL,
            monitors.FIRECRACKER.name: ALL,
            monitors.HYPERLIGHT_UNIKRAFT.name: (AMD64.name,),
        },
        rootfs=("initrd", "raw", "none"),
        lacks=frozenset({"workdir"}),
        unpacks_initrd=True,
        unreachable=frozenset({(monitors.FIRECRACKER.name, "raw")}),
        words_for_env=True,
        # Unikraft: lib/ukargparse/argparse.c
        splits_cmd=Splitting(
            r"""(?s:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""",
            "put quotes around what belongs together: \"'two words'\"",
        ),
        rootfs_v01="initrd",
    )
    app_is_kernel: ClassVar[bool] = True
    loads_programs: ClassVar[bool] = True
    links_libraries: ClassVar[bool] = True
    source_context: ClassVar[str] = "unikraft"

    @staticmethod
    def platforms(monitor: str, platform: Platform) -> tuple[Platform, ...]:
        """What Unikraft's registry calls `platform`: its `os` says which monitor an image is for.

        Sources: bunny, hops/llb.go; kraftkit, unikraft/plat.
        """
        systems = (*monitors.get(monitor).aliases, monitor)
        return tuple(Platform(system, platform.architecture) for system in systems)

    def image_platform(self, plan: Plan, ref: str) -> Platform:
        """The monitor's, for what is in that registry: it has nothing else."""
        if ref.startswith("unikraft.org/"):
            return self.platforms(plan.monitor, plan.platform)[0]
        return plan.platform

    def other_platforms(self, plan: Plan) -> tuple[Platform, ...]:
        """The monitor's, for images that were copied from there."""
        return self.platforms(plan.monitor, plan.platform)

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note what cannot be built, as far as it can be told before anything is fetched."""
        kernel = plan.kernel
        if kernel is not None and kernel.from_ == "source":
            _check_kernel(plan, problems)
        elif (app := library(plan)) is not None:
            problems.error(
                "bad-combination",
                "an application without 'artifacts' is linked into its Unikraft kernel, and the "
                "kernel is not built here",
                hint="write 'kernel: {from: source}', or name under 'app.artifacts' what goes into "
                "the root filesystem",
                at=app.at,
                without=("kernel",),
            )

    def loads_program(self, plan: Plan) -> bool:
        """Yes, by the ELF loader, where no application is linked into a kernel from source."""
        built = plan.kernel is not None and plan.kernel.from_ == "source"
        return built and library(plan) is None

    def has_app_in_kernel(self, plan: Plan) -> bool:
        """Not where it is a program of the root filesystem, which the ELF loader loads."""
        return super().has_app_in_kernel(plan) and library(plan) is not None

    def default_source(self, plan: Plan) -> tuple[str, Source]:
        """The core's pinned repository. Raises Problems for a version that there is not."""
        return core(plan)

    def toolchain(self, build: Build) -> State:
        """Debian with gcc for the guest's architecture, and what the core's build calls."""
        from frameworks.unikraft.kernel import toolchain

        return toolchain(build)

    def kernel(self, build: Build) -> File:
        """The kernel: the core, its libraries, and the application or the ELF loader.

        Raises Problems for a directory that is no application.
        """
        _refuse(build)
        from frameworks.unikraft.kernel import kernel_file

        return kernel_file(build)

    def configuration(self, build: Build) -> File:
        """The final .config."""
        from frameworks.unikraft.kernel import configuration

        return configuration(build)

    def report(self, build: Build) -> File:
        """What the configuration lost, or what the application lacks: for when `kernel` fails."""
        from frameworks.unikraft.kernel import report

        return report(build)

    def explain(self, report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
        """The content of `report` as diagnostics at the lines of the file."""
        import json

        from frameworks.kit.options import lost

        word = json.loads(report)
        if not isinstance(word, str):
            return lost(report, plan, "hutch's configuration")
        app = library(plan)
        return () if app is None else (_lacking(word, app, plan),)

    def app(self, build: Build) -> File:
        """The application's directory as its own scripts left it."""
        from frameworks.unikraft.kernel import application

        return application(build)


def _refuse(build: Build) -> None:
    """Raise Problems for what is no Unikraft library, before a core is fetched for it.

    What a script of the application brings is not there yet: `report` looks for that.
    """
    app = library(build.plan)
    if app is None or app.fetch is not None or app.build is not None:
        return
    if build.inputs.has(sources(build, app), "/Makefile.uk") is False:
        raise Problems([_lacking("none", app, build.plan)])


def _lacking(word: str, app: App, plan: Plan) -> Diagnostic:
    """What a word of `WORDS` says, at the application's line."""
    from frameworks.unikraft.project import WORDS  # which a step runs as a module of its own

    message, hint = WORDS[word]
    at = (app.path or app.from_).at
    return Diagnostic("not-an-application", message, hint, at, plan.file)


def _check_kernel(plan: Plan, problems: Collector) -> None:
    """Note what the recipe cannot build of a plan whose kernel is from source."""
    from frameworks.kit import checks
    from frameworks.kit.options import check_options

    kernel = plan.kernel
    assert kernel is not None
    check_options(kernel, problems)
    if monitors.get(plan.monitor).kind != "machine":
        problems.error(
            "bad-combination",
            f"hutch builds Unikraft kernels for QEMU and Firecracker, not for {plan.monitor}",
            hint=f"write 'monitor: {monitors.QEMU.name}', or take a kernel that is built already",
            at=plan.monitor.at,
        )
    if kernel.config is not None:
        problems.error(
            "bad-combination",
            "'kernel.config' has no meaning for a Unikraft kernel: all start from the core's own",
            hint="a defconfig goes under 'kernel.fragments', single options under 'kernel.options'",
            at=kernel.config.at,
        )
    checks.no_package(kernel, Unikraft.name, problems)
    if kernel.source is None:
        try:
            core(plan)
        except Problems as unknown:
            problems.take(unknown)
    if (app := library(plan)) is not None:
        _check_libraries(plan, app, problems)
        return
    settings = plan.settings
    if plan.rootfs.type == "none":
        problems.error(
            "missing-key",
            "the kernel loads a Linux program from the root filesystem, and the file has none",
            hint="add 'rootfs' with a static-PIE program, or an 'app' that is a Unikraft library",
            at=kernel.from_.at,
            without=("rootfs", "app"),
        )
    elif plan.rootfs.from_ in ("scratch", "local") and not (settings.cmd or settings.entrypoint):
        problems.warn(
            "NoCommand",
            "nothing says which program of the root filesystem the kernel loads",
            hint="add 'cmd: [...]' or 'entrypoint: [...]'",
            at=kernel.from_.at,
        )


def _check_libraries(plan: Plan, app: App, problems: Collector) -> None:
    """Note libraries that are neither pinned nor a build context."""
    if not app.libraries:
        return
    from frameworks.scripts import pinned

    known = pinned("frameworks.unikraft")["libraries"]
    for name in app.libraries:
        if name in known or f"lib-{name}" in plan.contexts:
            continue
        bare = name.removeprefix("lib-")  # as its repository is called
        if bare != name and (bare in known or name in plan.contexts):
            hint = f"did you mean '{bare}'?"
        else:
            more = f"Another is a build context: --build-context lib-{bare}=..."
            hint = did_you_mean(bare, known, more)
        problems.error(
            "unknown-value",
            f"there is no Unikraft library '{name}' here",
            hint=hint,
            at=name.at,
        )
