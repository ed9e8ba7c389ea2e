"""Linux as a framework: its guests, and the steps of a build, which are modules of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from frameworks.architectures import AMD64, ARM64
from frameworks.base import Build, File, Framework, Guest, Plan
from frameworks.diagnostics import Collector, Diagnostic
from frameworks.process import Process
from frameworks.rootfs.filesystems import EROFS, EXT2, EXT4, SQUASHFS
from frameworks.runtime import monitors
from frameworks.spec import PackageSource, Source, Text
from llb import FileAction, State


class Linux(Framework):
    """Linux guests: any root filesystem; an init program sets up what runs
    (docs/contract/urunc.md 2)."""

    name: ClassVar[str] = "linux"
    guest: ClassVar[Guest] = Guest(
        type="linux",
        monitors=monitors.of_kind("machine"),
        rootfs=("raw", "initrd", "block", "none"),
        filesystems=(EXT4, EXT2, SQUASHFS, EROFS),
        runs_program=True,
        mounts_disk=True,
        tells_configuration=True,
        unpacks_initrd=True,
        kernel_memory={AMD64.name: 64, ARM64.name: 112},
        takes_snapshots=True,
        words_for_own_init=True,
    )
    takes_parameters: ClassVar[bool] = True
    kernel_by_default: ClassVar[bool] = True
    counts_bytes: ClassVar[bool] = True
    package_managers: ClassVar[Mapping[str, str]] = {
        "/usr/bin/apt-get": "apt-cache search",
        "/sbin/apk": "apk search",
        "/usr/bin/apk": "apk search",
    }

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note unknown versions, configurations and impossible options."""
        rootfs = plan.rootfs
        if rootfs.packages and rootfs.from_ == "scratch":
            problems.error(
                "bad-combination",
                "packages are installed by the package manager of 'rootfs.from', and 'scratch' has "
                "none",
                hint="start from an image of Debian, Ubuntu or Alpine: 'from: debian:trixie-slim'",
                at=rootfs.packages[0].at,
            )
        for name in rootfs.packages:
            if "/" in name:  # apt's for a release, of which a lock would know nothing
                problems.error(
                    "bad-value",
                    f"'{name}' is no package name",
                    hint="for one version write NAME=VERSION; CATEGORY/NAME is FreeBSD's",
                    at=name.at,
                )
        kernel = plan.kernel
        if kernel is None or kernel.from_ != "source":
            return  # a prebuilt one has nothing of this, and start-up counts
        from frameworks.linux.check import check_kernel

        check_kernel(plan, kernel, problems)

    def toolchain(self, build: Build) -> State:
        """Debian with gcc for the guest's architecture."""
        from frameworks.linux.toolchain import toolchain

        return toolchain(build)

    def kernel(self, build: Build) -> File:
        """The kernel, built from source, in the form that the monitor boots."""
        from frameworks.linux.kernel import kernel_file

        return kernel_file(build)

    def default_source(self, plan: Plan) -> tuple[str, Source]:
        """Debian's source package of the series that the plan's version names."""
        from frameworks.linux.versions import versions

        table = versions()
        name = table.default if plan.version is None else ".".join(plan.version.split(".")[:2])
        series = table.series[name]
        return name, PackageSource(Text(f"{series.package}={series.version}"))

    def usual_config(self, plan: Plan) -> str:
        """What most guests want."""
        from frameworks.linux.configs import DEFAULT

        return DEFAULT

    def configuration(self, build: Build) -> File:
        """The final .config."""
        from frameworks.linux.kernel import configuration

        return configuration(build)

    def sizes(self, build: Build) -> File:
        """What the kernel's bytes are, by object file and option."""
        from frameworks.linux.kernel import sizes

        return sizes(build)

    def report(self, build: Build) -> File:
        """What the kernel's configuration lost of the requests: read it when `kernel` fails."""
        from frameworks.linux.kernel import report

        return report(build)

    def explain(self, report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
        """The content of `report` as diagnostics at the lines of the file."""
        from frameworks.linux.check import explain

        return explain(report, plan)

    def app(self, build: Build) -> File:
        """The application, built from source in the toolchain."""
        from frameworks.app import directory
        from frameworks.linux.toolchain import compilers

        return directory(build, partial(compilers, build))

    def fetch_packages(self, build: Build, tree: State) -> State:
        """By the package manager of the guest's base: apt."""
        from frameworks.linux import packages

        return packages.fetch(build, tree)

    def missing_packages(self, build: Build, tree: State) -> File:
        """Those that its repositories have not."""
        from frameworks.linux import packages

        return packages.missing(build, tree)

    def install_packages(self, build: Build, tree: State, packages: State) -> State:
        """As it installs them in a container, without a network."""
        from frameworks.linux.packages import install

        return install(build, tree, packages)

    def init(
        self, build: Build, tree: State, process: Process
    ) -> tuple[Sequence[FileAction], Process]:
        """hutch's init, as /urunit."""
        from frameworks.linux import guest

        return guest.init(build, process)
