"""FreeBSD: `tools/build/make.py` with Debian's clang, and who runs the result
(docs/contract/kernels.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from frameworks import kit
from frameworks.architectures import ALL, AMD64, ARM64, Architecture, BSDNames
from frameworks.base import Build, File, Guest, Plan
from frameworks.bsd.recipe import BSD, CONFIG, PATH, SOURCE, prepend
from frameworks.diagnostics import did_you_mean
from frameworks.process import Process
from frameworks.rootfs.filesystems import FFS, UFS
from frameworks.runtime import RUNTIME
from frameworks.runtime.monitors import FIRECRACKER, QEMU
from frameworks.scripts import pinned, run_script, script
from llb import FileAction, Mount, Platform, Range, State, copy, scratch

OBJECTS = "/obj"
_LLVM = "/usr/lib/llvm-19/bin"

_HINTS = "/var/run"
"""Where ld-elf.so.1 looks for the directories of libraries (`steps/hints.py`)."""

_UNUSED = ("CAROOT", "CLANG", "KERBEROS", "LLD", "LLDB", "LLVM_BINUTILS")
"""Options of FreeBSD's build whose tools `kernel-toolchain` would make first (Makefile.inc1,
bootstrap-tools), minutes of C++ among them. No kernel needs them: Debian's compiler builds it."""


_LEFT_OUT = ("CDDL", "DEBUG_FILES", "EXAMPLES", "GAMES", "LIB32", "MAN", "OPENMP", "TESTS")
"""What no library of these is made of; every directory of it would be searched for headers."""
_LIBRARIES = (
    "libc++", "libcrypt", "libexecinfo", "libmd", "librt", "libthr", "libutil", "libz", "msun",
)  # fmt: skip
"""What is built beside the C library and the compilers' own: what is in POSIX, C++, and small."""


class FreeBSD(BSD):
    """The FreeBSD framework (docs/contract/urunc.md 2.3: the guest came to urunc after 0.8)."""

    name: ClassVar[str] = "freebsd"
    guest: ClassVar[Guest] = Guest(
        type="freebsd",
        monitors={QEMU.name: ALL, FIRECRACKER.name: (AMD64.name,)},
        rootfs=("block", "raw", "none"),
        filesystems=(UFS, FFS),
        runs_program=True,
        mounts_disk=True,
        path=PATH,
        takes_snapshots=True,
    )
    package: ClassVar[str] = "frameworks.freebsd"
    marker: ClassVar[str] = "Makefile.inc1"
    init_path: ClassVar[str] = RUNTIME.init
    # What make.py wants of a host is in tools/build/Makefile (host-symlinks), beside the compilers.
    packages: ClassVar[tuple[str, ...]] = (
        "bc", "bison", "bzip2", "ca-certificates", "clang-19", "file", "flex", "g++", "gcc",
        "hostname", "libarchive-dev", "libbz2-dev", "libc6-dev", "liblzma-dev", "libssl-dev",
        "lld-19", "llvm-19", "m4", "make", "patch", "procps", "python3", "time", "xz-utils",
        "zlib1g-dev",
    )  # fmt: skip
    default_config: ClassVar[dict[str, str]] = {
        AMD64.name: "microvm",
        ARM64.name: "microvm",
    }
    conf_directories: ClassVar[tuple[str, ...]] = (
        "sys/{machine}/conf",
        "sys/arch/{machine}/conf",
    )
    takes_sysroot: ClassVar[bool] = True
    catalogue: ClassVar[str] = "catalogue.py"
    catalogue_needs: ClassVar[tuple[str, ...]] = ("ca-certificates", "openssl", "python3", "zstd")
    installer: ClassVar[str] = "packages"
    pkgconfig: ClassVar[tuple[str, ...]] = ("usr/libdata/pkgconfig", "usr/local/libdata/pkgconfig")

    def names(self, architecture: Architecture) -> BSDNames:
        return architecture.freebsd

    def image_platform(self, plan: Plan, ref: str) -> Platform:
        """FreeBSD's images say so in `os`; kernels and other images may be for Linux."""
        rootfs = plan.rootfs
        froms = {str(rootfs.from_), *(str(include.from_) for include in rootfs.include)}
        if plan.app is not None:
            froms |= {str(origin.from_) for origin in plan.app.sysroot}
        if ref in froms:
            return Platform("freebsd", plan.platform.architecture)
        return plan.platform

    def started(self, process: Process) -> Process:
        """The runtime starts what comes first as init, and knows ours by this name
        (docs/contract/urunc.md 2.3)."""
        return prepend(process, self.init_path)

    def toolchain(self, build: Build) -> State:
        """Debian's clang and lld, and what `kernel-toolchain` makes of the tree, at /obj."""
        debian = self.debian(build)
        objects = self._toolchain(build, debian)
        return debian.copy(
            objects,
            "/",
            OBJECTS,
            contents_only=True,
            meta=build.meta("toolchain", "add FreeBSD's tools"),
        )

    def kernel(self, build: Build) -> File:
        """The kernel: an ELF file, for amd64 with a PVH note."""
        plan = build.plan
        assert plan.kernel is not None
        debian = self.debian(build)
        source = self.source(build, debian)
        objects = self._toolchain(build, debian)
        config = self.configure(build, source)
        names = plan.architecture.freebsd
        directory = f"{names.machine}.{names.arch}"
        arguments = [*self._arguments(build), "KERNCONF=HUTCH", f"KERNCONFDIR={CONFIG}"]
        arguments.append("NO_MODULES=yes")
        made = "kernel"
        if not plan.architecture.boots_elf:
            # Monitors want the form of a Linux Image there, not ELF; it is made only on request.
            made = "kernel.bin"
            arguments.append("WITH_KERNEL_BIN=yes")
        built = f"{OBJECTS}{SOURCE}/{directory}/sys"
        step = build.run(
            debian,
            run_script("kernel.sh", f"{directory}/sys", f"HUTCH/{made}", *arguments),
            mounts=(
                *_scripts("kernel.sh"),
                script("frameworks.kit", "stale.sh"),
                script("frameworks.kit", "progress.py"),
                Mount.bind(SOURCE, source.state, readonly=True),
                # Written to, and thrown away: what is kept of it is the cache below.
                Mount.bind(OBJECTS, objects, output=False),
                self.objects(build, built, source, arguments, "kernel"),
                Mount.bind(CONFIG, config, readonly=True),
                Mount.bind("/out", scratch()),
            ),
            env=self._environment(),
            meta=build.meta("kernel", "make.py buildkernel", plan.kernel.from_),
        )
        return kit.checked(build, step.mount("/out"), "kernel")

    def compilers(self, build: Build) -> tuple[State, kit.Cross]:
        """Debian's clang, for the guest's architecture."""
        tools = kit.Cross(
            self.name,
            cc=f"{_LLVM}/clang",
            cxx=f"{_LLVM}/clang++",
            prefix=f"{_LLVM}/llvm-",
            ld=f"{_LLVM}/ld.lld",
            target=f"{build.plan.architecture.cpu}-unknown-freebsd",
            config="-fuse-ld=lld\n",
        )
        return self.debian(build), tools

    def libraries(self, build: Build, at: Range) -> State:
        """What `buildworld` makes first of all, and of it the libraries of `_LIBRARIES`."""
        debian = self.debian(build)
        source = self.tree(build, debian)
        objects = self._toolchain(build, debian)
        names = build.plan.architecture.freebsd
        # Of the two lists neither may be empty: make would look for a target without a name.
        *prebuilt, last = (f"lib/{name}" for name in _LIBRARIES)
        return build.run(
            debian,
            run_script(
                "libraries.sh",
                f"{names.machine}.{names.arch}/tmp",
                *self._arguments(build),
                # No other library, and none of them to link to at run time.
                f"_prebuild_libs={' '.join(prebuilt)}",
                f"_generic_libs={last}",
                "NO_PIC=yes",
                *(f"WITHOUT_{option}=yes" for option in _LEFT_OUT),
            ),
            mounts=(
                *_scripts("libraries.sh"),
                Mount.bind(SOURCE, source.state, output=False),
                Mount.bind(OBJECTS, objects, output=False),
                Mount.bind("/out", scratch()),
            ),
            env=self._environment(),
            meta=build.meta("app", "build FreeBSD's C library", at),
        ).mount("/out")

    def init(
        self, build: Build, tree: State, process: Process
    ) -> tuple[Sequence[FileAction], Process]:
        """hutch's init, and what FreeBSD's own rc would have told ld-elf.so.1 of libraries."""
        actions, process = super().init(build, tree, process)
        rootfs = build.plan.rootfs
        if actions and (rootfs.from_ != "scratch" or rootfs.include):
            actions = (*actions, self._library_paths(build, tree))
        return actions, process

    def _library_paths(self, build: Build, tree: State) -> FileAction:
        stamp = build.plan.timestamp
        made = build.tool(
            "frameworks.freebsd.steps.hints",
            ["/tree", "/out", str(stamp)],
            mounts=(Mount.bind("/tree", tree, readonly=True), Mount.bind("/out", scratch())),
            meta=build.meta("rootfs", "tell ld-elf.so.1 of libraries", build.plan.rootfs.at),
        ).mount("/out")
        return copy(
            made,
            "/",
            _HINTS,
            contents_only=True,
            create_dest_path=True,
            timestamp=stamp,
        )

    def release(self, plan: Plan) -> str:
        """The plan's version: a major one has packages, and hutch has to know it."""
        version, known = self._version(plan)
        major, dot, minor = version.partition(".")
        majors = {name.partition(".")[0] for name in known}
        if major not in majors or (dot and not minor.isdecimal()):
            raise self._no_packages(plan, version, did_you_mean(version, known))
        return str(version)

    def request_packages(self, build: Build) -> list[str]:
        """The repositories are those that the base names, or FreeBSD's own for the release."""
        plan, pins = build.plan, pinned(self.package)
        arguments = ["--release", self.release(plan)]
        arguments += ["--arch", plan.architecture.freebsd.arch]
        for key in pins["keys"]:
            arguments += ["--key", key]
        return arguments

    def _toolchain(self, build: Build, debian: State) -> State:
        """`kernel-toolchain`: for one source and architecture, the same vertex in every build."""
        source = self.tree(build, debian)
        return build.run(
            debian,
            run_script("toolchain.sh", *self._arguments(build)),
            mounts=(
                *_scripts("toolchain.sh"),
                Mount.bind(SOURCE, source.state, output=False),
                Mount.bind(OBJECTS, scratch()),
            ),
            env=self._environment(),
            meta=build.meta("toolchain", "make.py kernel-toolchain"),
        ).mount(OBJECTS)

    def _arguments(self, build: Build) -> list[str]:
        """What every call of `make.py` is told."""
        names = build.plan.architecture.freebsd
        return [
            f"--cross-bindir={_LLVM}",
            f"TARGET={names.machine}",
            f"TARGET_ARCH={names.arch}",
            "WITH_REPRODUCIBLE_BUILD=yes",
            *(f"WITHOUT_{option}=yes" for option in _UNUSED),
        ]

    def _environment(self) -> dict[str, str]:
        return {**kit.FIXED, "MAKEOBJDIRPREFIX": OBJECTS, "USER": "hutch"}


def _scripts(name: str) -> tuple[Mount, ...]:
    """A script of this folder, and the one that all of them call."""
    return script("frameworks.freebsd", name), script("frameworks.bsd", "tree.sh")
