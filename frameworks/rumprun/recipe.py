"""Rumprun on Solo5: NetBSD's drivers and C library, and the program that becomes the kernel.

The trees of Rumprun end before Solo5's present interface; what calls it is hutch's own (`glue/`).
docs/contract/kernels.md 6 has the recipe.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import ClassVar

from frameworks import kit
from frameworks.app import directory
from frameworks.architectures import Architecture
from frameworks.base import Build, File, Framework, Guest, Plan, Splitting
from frameworks.diagnostics import Collector, Diagnostic, Problems, did_you_mean
from frameworks.git import checkout
from frameworks.kit import checks
from frameworks.rootfs.filesystems import EXT2
from frameworks.runtime import RUNTIME, monitors
from frameworks.scripts import read, run_script, script
from frameworks.solo5 import layer
from frameworks.spec import App, Kernel, Source, Text
from llb import Mount, State, mkfile, scratch

PREFIX = "/opt/rumprun"
GLUE = (
    "bake.conf", "boot.c", "cons.c", "glue.h", "kernel.c", "machdep.c", "rumpukvm_bio.c",
    "sections.lds", "ukvmif_user.c",
)  # fmt: skip
DISKLESS = frozenset({"solo5_plain", "solo5_net"})
"""Those of glue/bake.conf that have no file system for a disk."""
DISK = ("rumpdev_disk", "rumpfs_ext2fs")
"""The components without which there is no disk, as steps/bake.sh has them."""
OBJECTS = "/obj"
_SOURCE = "/usr/src/rumprun"
_PACKAGE = "frameworks.rumprun"
_PACKAGES = (
    "binutils", "ca-certificates", "g++", "gcc", "libc6-dev", "libseccomp-dev", "make", "patch",
    "pkg-config", "python3", "zlib1g-dev",
)  # fmt: skip
_FILES = ("build-rr.sh", "platform/solo5/Makefile")
_CONTEXTS = (
    ("src-netbsd", "src-netbsd", kit.Landmarks("source tree of NetBSD", ("build.sh",))),
    ("buildrump", "buildrump.sh", kit.Landmarks("tree of buildrump.sh", ("buildrump.sh",))),
)
"""A build context, which part of Rumprun's tree it stands in for, and what it is."""


class Rumprun(Framework):
    """Rumprun on Solo5: one block device, which its guests never mount at `/`."""

    name: ClassVar[str] = "rumprun"
    guest: ClassVar[Guest] = Guest(
        type="rumprun",
        monitors=monitors.of_kind("tender"),
        rootfs=("block", "raw", "none"),
        filesystems=(EXT2,),
        mount="/data",
        lacks=frozenset({"workdir"}),
        mounts_disk=True,
        takes_snapshots=True,
        splits_cmd=Splitting(
            r"'[^'\\]*'|[^\s'\\]+='[^'\\]*'|\S+",
            "put apostrophes around what belongs together: \"'two words'\"",
        ),
    )
    app_is_kernel: ClassVar[bool] = True
    source_context: ClassVar[str] = "rumprun"

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note an application without its kernel, and what a kernel of this kind cannot be told."""
        app = "app: {from: local, path: ., build: make}"
        kernel = checks.unikernel(plan, "Rumprun", app, problems)
        if kernel is None:
            return
        checks.no_package(kernel, self.name, problems)
        if _has_disk(plan):
            _check_disk(plan, kernel, problems)
        if plan.version is not None:
            problems.error(
                "unknown-value",
                "Rumprun has no versions",
                hint="name another tree with 'kernel.source'",
                at=plan.version.at,
            )

    def default_source(self, plan: Plan) -> tuple[str, Source]:
        """The pinned repository."""
        pin = kit.pin(_PACKAGE, "rumprun")
        return pin.version, pin.git

    def toolchain_image(self) -> str:
        """The Debian whose compilers build Rumprun's NetBSD."""
        return kit.release(_PACKAGE, "debian").image

    def toolchain(self, build: Build) -> State:
        """Debian's compilers with Solo5 and Rumprun: `x86_64-rumprun-netbsd-gcc` and its kin."""
        debian = self._debian(build)
        solo5 = layer.solo5(build, debian)
        rumprun = self._rumprun(build, debian, solo5)
        meta = build.meta("toolchain", "add Solo5 and Rumprun")
        tools = debian.copy(solo5, "/", layer.PREFIX, contents_only=True, meta=meta).copy(
            rumprun, "/", PREFIX, contents_only=True, meta=meta
        )
        return kit.extra(build, tools)

    def kernel(self, build: Build) -> File:
        """The application's program, baked for the monitor: an ELF file with Solo5's notes."""
        return kit.checked(build, self._bake(build, "bake"), "kernel")

    def report(self, build: Build) -> File:
        """What there is not of what the file names: to read when `kernel` fails."""
        return File(self._bake(build, "look"), "/report")

    def explain(self, report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
        """The content of `report` as diagnostics at the lines of the file."""
        kernel, app = plan.kernel, plan.app
        assert kernel is not None
        assert app is not None
        options = {str(option.name): option.name for option in kernel.options}
        found = []
        for line in report.decode(errors="replace").splitlines():
            reason, word, *rest = [*line.split(" "), ""]
            at = kernel.from_
            if reason == "config":
                code, at = "unknown-value", kernel.config or at
                message = f"there is no bake configuration '{word}'"
                hint = did_you_mean(word, rest) or f"one of: {', '.join(filter(None, rest))}"
            elif reason == "component":
                code, at = "lost-option", options.get(word, at)
                message = f"this Rumprun has no component '{word}'"
                hint = "the names are those of its libraries, without 'lib' and '.a'"
            elif reason == "disk":
                found.append(_without_disk(word, kernel.config or at, plan))
                continue
            elif reason == "none":
                code, at = "not-an-application", app.build or app.path or app.from_
                message = "the application has no program of Rumprun's compiler"
                triple = _triple(plan.architecture)
                hint = f"build it with $CC and $CXX ({triple}-gcc, -g++), and link it"
            elif reason == "several":
                code, at = "not-an-application", app.build or app.path or app.from_
                message = (
                    f"the application has several programs: {' '.join([word, *rest])}".rstrip()
                )
                hint = "the first word of 'cmd' is the name of the one that becomes the kernel"
            else:
                continue
            found.append(Diagnostic(code, message, hint, at.at, plan.file))
        return tuple(found)

    def app(self, build: Build) -> File:
        """The application's directory as its own scripts left it."""
        return directory(build, lambda app: self._app_toolchain(build, app))

    def _app_toolchain(self, build: Build, app: App) -> tuple[State, dict[str, str]]:
        """The image of an application's scripts, and their variables.

        CMake's file is Rumprun's own, which knows where its libraries are. The last two are what
        Rumprun's users give `configure --host=`, and what rumprun-packages' makefiles read.
        """
        architecture = build.plan.architecture
        triple, place = _triple(architecture), f"{PREFIX}/rumprun-{architecture.cpu}"
        guest = kit.Cross(
            "netbsd",
            f"{triple}-gcc",
            f"{triple}-g++",
            f"{triple}-",
            f"{triple}-ld",
            pkgconfig=(f"{place}/lib/pkgconfig",),
            libc=True,
        )
        tools = kit.app_packages(build, self.toolchain(build), app)
        tools, variables = kit.cross(build, tools, guest)
        return tools, variables | {
            "PATH": _PATH,
            "CPP": f"{triple}-cpp",
            "CMAKE_TOOLCHAIN_FILE": f"{place}/share/{triple}-toolchain.cmake",
            "host_alias": triple,
            "HOST": triple,
            "RUMPRUN_TOOLCHAIN_TUPLE": triple,
        }

    def _debian(self, build: Build) -> State:
        """Debian with the compilers for the guest and for what runs in the build."""
        packages = [*_PACKAGES]
        if build.is_cross:
            guest = build.plan.architecture
            packages += [*kit.compiler(guest), f"g++-{guest.cross_suffix}", kit.libc(guest)]
        return kit.toolchain(build, packages, kit.release(_PACKAGE, "debian"))

    def _rumprun(self, build: Build, debian: State, solo5: State) -> State:
        """What Rumprun installs at `PREFIX`."""
        source = self._sources(build, debian)
        architecture = build.plan.architecture
        prefix = f"{architecture.gnu_triplet}-" if build.is_cross else ""
        env = {**kit.FIXED, "HOME": "/root", "CC": f"{prefix}gcc", "CXX": f"{prefix}g++"}
        built = build.run(
            debian,
            run_script("netbsd.sh", PREFIX, OBJECTS),
            mounts=(
                script(_PACKAGE, "netbsd.sh"),
                script(_PACKAGE, "build-rr.sh"),
                script("frameworks.kit", "progress.py"),
                *kit.patches(_PACKAGE),
                *source,
                Mount.bind(OBJECTS, scratch()),
            ),
            env=env,
            meta=build.meta("toolchain", "build NetBSD's drivers and C library", build.origin),
        )
        return build.run(
            debian,
            run_script("rumprun.sh", PREFIX, OBJECTS, layer.PREFIX, architecture.solo5),
            mounts=(
                script(_PACKAGE, "rumprun.sh"),
                script(_PACKAGE, "build-rr.sh"),
                script("frameworks.kit", "progress.py"),
                *kit.patches(_PACKAGE),
                _glue(build),
                *source,
                Mount.bind(OBJECTS, built.mount(OBJECTS), output=False),
                Mount.bind(layer.PREFIX, solo5, readonly=True),
                Mount.bind(PREFIX, scratch()),
            ),
            env=env,
            meta=build.meta("toolchain", "build Rumprun for Solo5", build.origin),
        ).mount(PREFIX)

    def _sources(self, build: Build, debian: State) -> tuple[Mount, ...]:
        """Rumprun's tree at its place, and parts of it: writable, and thrown away.

        It is built in its own tree, and the compiler's wrappers name the place.
        """
        kernel = build.plan.kernel
        said = kernel.source if kernel is not None else None
        if said is None:
            pin = kit.pin(_PACKAGE, "rumprun")
            meta = build.meta("toolchain", f"fetch rumprun {pin.version}")
            tree = kit.SourceTree(checkout(build, pin.git, meta), "git", "rumprun")
        else:
            submodules: dict[str, str] = {}
            for name, place, landmarks in _CONTEXTS:
                if name not in build.plan.contexts:
                    hint = f"its git submodule has it, or '--build-context {name}=...'"
                    submodules |= {posixpath.join(place, file): hint for file in landmarks.paths}
            whole = kit.Landmarks("Rumprun tree with Solo5", _FILES, submodules)
            tree = kit.source(build, said, debian, landmarks=whole, marker=_FILES[0])
        source = kit.patched(build, tree, debian, _SOURCE).state
        parts = (
            Mount.bind(posixpath.join(_SOURCE, place), given, output=False)
            for name, place, landmarks in _CONTEXTS
            if (given := kit.named(build, name, landmarks)) is not None
        )
        return (Mount.bind(_SOURCE, source, output=False), *parts)

    def _bake(self, build: Build, mode: str) -> State:
        """The directory with what `bake.sh` leaves."""
        plan = build.plan
        kernel = plan.kernel
        assert kernel is not None
        disk = _has_disk(plan)
        config = kernel.config or Text("solo5_net_block" if disk else "solo5_net")
        words = (*(plan.settings.entrypoint or ()), *(plan.settings.cmd or ()))
        arguments = [
            mode,
            build.plan.architecture.cpu,
            monitors.get(plan.monitor).solo5,
            posixpath.basename(words[0]) if words else "",
            str(config),
            "block" if disk else "",
            *(f"{'+' if option.value else '-'}{option.name}" for option in kernel.options),
            *(f"/config/{number}" for number in range(len(kernel.fragments))),
        ]
        what = f"bake for Solo5's {plan.monitor}" if mode == "bake" else "look at what is named"
        return build.run(
            self.toolchain(build),
            run_script("bake.sh", *arguments),
            mounts=(
                script(_PACKAGE, "bake.sh"),
                Mount.bind("/app", self.app(build).state, readonly=True),
                *self._fragments(build),
                Mount.bind("/out", scratch()),
            ),
            env={"PATH": _PATH, **kit.FIXED},
            meta=build.meta("kernel", what, kernel.config or kernel.from_),
        ).mount("/out")

    def _fragments(self, build: Build) -> Iterator[Mount]:
        kernel = build.plan.kernel
        assert kernel is not None
        for number, path in enumerate(kernel.fragments):
            context = build.inputs.context(path)
            file = posixpath.join("/", path)
            yield Mount.bind(f"/config/{number}", context, file, readonly=True)


_PATH = f"{PREFIX}/bin:{layer.PATH}"


def _triple(architecture: Architecture) -> str:
    """With which the names of Rumprun's tools begin."""
    return f"{architecture.cpu}-rumprun-netbsd"


def _has_disk(plan: Plan) -> bool:
    """Whether the guest gets a disk: a root filesystem that is a file can be nothing else here."""
    rootfs = plan.rootfs
    is_disk = rootfs.type in ("block", "raw") or rootfs.path is not None
    return is_disk or RUNTIME.keys.disk in plan.keys


def _check_disk(plan: Plan, kernel: Kernel, problems: Collector) -> None:
    """Note what leaves a guest that has a disk without what it takes to use it."""
    for option in kernel.options:
        if option.name in DISK and not option.value:
            problems.error(
                "bad-combination",
                f"the guest has a disk, which its kernel cannot use without {option.name}",
                hint="remove the option, or the root filesystem",
                at=option.name.at,
            )
    # What fragments make of it, bake.sh alone can tell.
    config, named = kernel.config, {str(option.name) for option in kernel.options}
    if config in DISKLESS and not kernel.fragments and not named.issuperset(DISK):
        problems.take(Problems([_without_disk(config, config, plan)]))


def _without_disk(config: str, at: Text, plan: Plan) -> Diagnostic:
    """The error of a bake configuration that has no file system for the guest's disk."""
    message = f"the bake configuration '{config}' has no file system for the disk"
    hint = "name solo5_net_block, or one that has rumpfs_ext2fs"
    return Diagnostic("bad-combination", message, hint, at.at, plan.file)


def _glue(build: Build) -> Mount:
    """hutch's own part of Rumprun, read-only at /hutch/glue."""
    state = scratch()
    meta = build.meta("toolchain", "[internal] what joins Rumprun and Solo5")
    files = []
    for name in GLUE:
        data = read(_PACKAGE, "glue", name)
        assert data is not None, name
        files.append(mkfile(f"/{name}", data, timestamp=0))
    return Mount.bind("/hutch/glue", state.file(*files, meta=meta), readonly=True)
