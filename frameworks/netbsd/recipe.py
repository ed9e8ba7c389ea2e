"""NetBSD: `build.sh tools`, `build.sh kernel=`, and who runs the result
(docs/contract/kernels.md 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from frameworks import kit
from frameworks.architectures import ALL, AMD64, ARM64, Architecture, BSDNames
from frameworks.base import Build, File, Guest, Plan
from frameworks.bsd.recipe import BSD, CONFIG, EPOCH, PATH, SOURCE
from frameworks.diagnostics import did_you_mean
from frameworks.process import Process
from frameworks.rootfs.filesystems import EXT2, FFS
from frameworks.runtime.monitors import FIRECRACKER, QEMU
from frameworks.scripts import run_script, script
from frameworks.spec import Text
from llb import FileAction, Mount, Range, State, copy, mkdir, mkfile, scratch

OBJECTS = "/obj"
TOOLS = "/tools"
_EXTERNAL = "/xt"

_COMPILER = """\
#!/bin/sh
exec {compiler} {flags} ${{HUTCH_SYSROOT:+--sysroot="$HUTCH_SYSROOT"}} \\
	-U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix -Uunix -D__NetBSD__=1 \\
	-U_FORTIFY_SOURCE "$@"
"""
_PREPROCESSOR = """\
#!/bin/sh
exec {compiler} ${{HUTCH_SYSROOT:+--sysroot="$HUTCH_SYSROOT"}} \\
	-U__linux__ -U__linux -Ulinux -U__unix -Uunix "$@"
"""
_FLAGS = {
    AMD64.name: "-m64 -fno-pie -no-pie -fcf-protection=none -fno-stack-protector",
    ARM64.name: "-fno-pie -no-pie -fno-stack-protector -mno-outline-atomics",
}
_NOT_NEEDED = (
    "MKARGON2", "MKDOC", "MKHTML", "MKINFO", "MKLINT", "MKMAN", "MKNLS", "MKPIC", "MKPICLIB",
    "MKPROFILE",
)  # fmt: skip
"""What the libraries are built without (share/mk/bsd.README): among it their shared forms."""

_CLANG = """\
--ld-path=/usr/bin/{ld}
-Wl,-z,noseparate-code
-Wl,-z,noexecstack
-stdlib=libstdc++
"""
"""Options of clang's.

Headers of C++ are where NetBSD has gcc's, which is what the sets have. Two segments are all that
ld.elf_so maps of a library (libexec/ld.elf_so/map_object.c), and Debian's linker would make four;
it would also ask for an executable stack where a startup file says nothing of the stack, as
NetBSD's do.
"""
_BINUTILS = (
    "ar", "as", "ld", "nm", "objcopy", "objdump", "ranlib", "readelf", "size", "strings", "strip",
)  # fmt: skip


class NetBSD(BSD):
    """The NetBSD framework. No released runtime takes its guests: `type` is what one would read."""

    name: ClassVar[str] = "netbsd"
    guest: ClassVar[Guest] = Guest(
        type="netbsd",
        monitors={QEMU.name: ALL, FIRECRACKER.name: (AMD64.name,)},
        rootfs=("block", "raw", "none"),
        filesystems=(EXT2, FFS),
        runs_program=True,
        mounts_disk=True,
        path=PATH,
    )
    package: ClassVar[str] = "frameworks.netbsd"
    marker: ClassVar[str] = "build.sh"
    init_path: ClassVar[str] = "/sbin/init"
    packages: ClassVar[tuple[str, ...]] = (
        "ca-certificates", "file", "g++", "gcc", "libc6-dev", "make", "patch", "python3",
        "xz-utils", "zlib1g-dev",
    )  # fmt: skip
    default_config: ClassVar[dict[str, str]] = {
        AMD64.name: "MICROVM",
        ARM64.name: "GENERIC64",
    }
    conf_directories: ClassVar[tuple[str, ...]] = ("sys/arch/{machine}/conf",)
    catalogue: ClassVar[str] = "summary.py"
    catalogue_modules: ClassVar[tuple[str, ...]] = ("patterns.py",)
    catalogue_needs: ClassVar[tuple[str, ...]] = ("ca-certificates", "python3")
    installer: ClassVar[str] = "pkgsrc"
    takes_sysroot: ClassVar[bool] = True
    arguments: ClassVar[tuple[str, ...]] = ("PKG_PATH",)
    pkgconfig: ClassVar[tuple[str, ...]] = ("usr/lib/pkgconfig", "usr/pkg/lib/pkgconfig")

    def names(self, architecture: Architecture) -> BSDNames:
        return architecture.netbsd

    def named_init(
        self, build: Build, tree: State, process: Process, path: Text
    ) -> tuple[Sequence[FileAction], Process]:
        """Copy it to where the kernel looks: nothing that a runtime passes names another place."""
        if path == self.init_path:
            return (), process
        stamp = build.plan.timestamp
        return [copy(tree, path, self.init_path, follow_symlink=True, timestamp=stamp)], process

    def toolchain(self, build: Build) -> State:
        """Debian's compilers, and NetBSD's own tools at /tools."""
        debian = self._host(build)
        tools = self._tools(build, debian)
        return debian.copy(
            tools,
            "/",
            TOOLS,
            contents_only=True,
            meta=build.meta("toolchain", "add NetBSD's tools"),
        )

    def kernel(self, build: Build) -> File:
        """The kernel: an ELF file with a PVH note for amd64, a boot image for arm64."""
        plan = build.plan
        assert plan.kernel is not None
        debian = self._host(build)
        source = self.source(build, debian)
        tools = self._tools(build, debian)
        arguments = self._arguments(build)
        config = self.configure(build, source)
        made = "netbsd" if plan.architecture.boots_elf else "netbsd.img"
        step = build.run(
            debian,
            run_script("kernel.sh", plan.architecture.netbsd.machine, made, *arguments),
            mounts=(
                *_scripts("kernel.sh"),
                script("frameworks.kit", "progress.py"),
                Mount.bind(SOURCE, source.state, readonly=True),
                # build.sh writes its wrapper of make anew; that is thrown away.
                Mount.bind(TOOLS, tools, output=False),
                Mount.bind(CONFIG, config, readonly=True),
                self.objects(build, OBJECTS, source, arguments, "kernel"),
                Mount.bind("/out", scratch()),
            ),
            env=kit.FIXED,
            meta=build.meta("kernel", "build.sh kernel=HUTCH", plan.kernel.from_),
        )
        return kit.checked(build, step.mount("/out"), "kernel")

    def _external(self, build: Build) -> bool:
        """Does the compiler come from an image (`toolchain.from`), not from NetBSD's tree?"""
        said = build.plan.toolchain.from_
        return said is not None and said != "source"

    def _host(self, build: Build) -> State:
        """The image in which `build.sh` runs."""
        if not self._external(build):
            return self.debian(build)
        architecture = build.plan.architecture
        cross, triple = self._cross(build, "toolchain")
        prefix = f"{_EXTERNAL}/bin/{architecture.netbsd.arch}--netbsd"
        stamp = int(EPOCH)
        compiler = _COMPILER.format(compiler=f"{triple}-gcc", flags=_FLAGS[architecture.name])
        preprocessor = _PREPROCESSOR.format(compiler=f"{triple}-cpp")
        wrappers = {name: f'#!/bin/sh\nexec {triple}-{name} "$@"\n' for name in _BINUTILS}
        wrappers |= {"gcc": compiler, "cpp": preprocessor}
        return cross.file(
            mkdir(f"{_EXTERNAL}/bin", timestamp=stamp),
            *(
                mkfile(f"{prefix}-{name}", text, mode=0o755, timestamp=stamp)
                for name, text in sorted(wrappers.items())
            ),
            meta=build.meta("toolchain", "name the cross compiler as NetBSD does"),
        )

    def _cross(self, build: Build, step: str, *more: str) -> tuple[State, str]:
        """The image with Debian's compiler for the guest's architecture, and the compiler's prefix.

        It is the cross compiler also where it is the native one: its name is the same everywhere.
        """
        guest = build.plan.architecture
        at = build.plan.toolchain.from_ or build.origin
        meta = build.meta(step, "install the cross compiler", at)
        state = kit.install(build, self.debian(build), (*kit.compiler(guest), *more), meta)
        return state, guest.gnu_triplet

    def compilers(self, build: Build) -> tuple[State, kit.Cross]:
        """Debian's clang, which knows NetBSD, with GNU's binutils, which NetBSD has, too."""
        guest = build.plan.architecture
        state, triple = self._cross(build, "app", "clang")
        linker = f"{triple}-ld"
        cross = kit.Cross(
            self.name,
            cc="/usr/bin/clang",
            cxx="/usr/bin/clang++",
            prefix=f"{triple}-",
            ld=linker,
            target=f"{guest.cpu}-unknown-netbsd",
            config=_CLANG.format(ld=linker),
        )
        return state, cross

    def linkable(self, build: Build, tools: State, at: Range) -> State:
        """With the compiler's own library, which clang does not name."""
        return build.run(
            tools,
            run_script("libgcc.sh", kit.SYSROOT),
            mounts=[script(self.package, "libgcc.sh")],
            meta=build.meta("app", "name the compiler's own library to the linker", at),
        ).root

    def libraries(self, build: Build, at: Range) -> State:
        """What `build.sh` makes first of all, and of it the small libraries of the system."""
        host = self._host(build)
        source = self.tree(build, host)
        tools = self._tools(build, host)
        less = [word for name in _NOT_NEEDED for word in ("-V", f"{name}=no")]
        arguments = [*self._arguments(build), *less]
        return build.run(
            host,
            run_script("libraries.sh", build.plan.architecture.netbsd.machine, *arguments),
            mounts=(
                *_scripts("libraries.sh"),
                Mount.bind(SOURCE, source.state, readonly=True),
                Mount.bind(TOOLS, tools, output=False),
                self.objects(build, OBJECTS, source, arguments, "libraries"),
                Mount.bind("/out", scratch()),
            ),
            env=kit.FIXED,
            meta=build.meta("app", "build NetBSD's C library", at),
        ).mount("/out")

    def release(self, plan: Plan) -> str:
        """What the pinned version's packages are under, "" where PKG_PATH names a repository."""
        if self._repositories(plan):
            return ""
        version, known = self._version(plan)
        if version not in known:
            near = did_you_mean(version, known)
            hint = f"{near}; or name a repository: 'args: {{PKG_PATH: https://...}}'"
            raise self._no_packages(plan, version, hint)
        return str(known[version]["packages"])

    def _repositories(self, plan: Plan) -> str:
        """The URLs that PKG_PATH of the file's arguments has, with semicolons between."""
        return plan.args.get("PKG_PATH", "").strip("; ")

    def request_packages(self, build: Build) -> list[str]:
        """The repository is PKG_PATH of the file's arguments, or NetBSD's own for the release."""
        plan = build.plan
        arguments = ["--arch", plan.architecture.netbsd.arch]
        if path := self._repositories(plan):
            return [*arguments, "--path", path]
        return ["--release", self.release(plan), *arguments]

    def _tools(self, build: Build, debian: State) -> State:
        """The result of `build.sh tools`: for one source, the same vertex in every build."""
        source = self.tree(build, debian)
        arguments = self._arguments(build)
        return build.run(
            debian,
            run_script("tools.sh", *arguments),
            mounts=(
                *_scripts("tools.sh"),
                Mount.bind(SOURCE, source.state, readonly=True),
                Mount.bind(TOOLS, scratch()),
                self.objects(build, OBJECTS, source, arguments, "tools"),
            ),
            env={**kit.FIXED, "HOST_CFLAGS": "-O -fcommon"},
            meta=build.meta("toolchain", "build.sh tools"),
        ).mount(TOOLS)

    def _arguments(self, build: Build) -> list[str]:
        """What every call of `build.sh` is told."""
        names = build.plan.architecture.netbsd
        arguments = [
            "-m",
            names.machine,
            "-a",
            names.arch,
            "-O",
            OBJECTS,
            "-T",
            TOOLS,
            "-V",
            "MKX11=no",
        ]
        if not self._external(build):
            return [*arguments, "-V", "MKREPRO=yes", "-V", f"MKREPRO_TIMESTAMP={EPOCH}"]
        # MKREPRO asks for options that only NetBSD's own compiler has; newvers.sh takes the time
        # instead (docs/contract/kernels.md 2).
        variables = (
            "TOOLCHAIN_MISSING=yes", f"EXTERNAL_TOOLCHAIN={_EXTERNAL}", "HAVE_GCC=12",
            "NOGCCERROR=1", "MKREPRO=no", "MKCTF=no", "MKDTRACE=no", "MKGROFF=no", "USE_SSP=no",
            f"NVFLAGS=-r {EPOCH} -i HUTCH -m {names.machine}",
        )  # fmt: skip
        return arguments + [word for variable in variables for word in ("-V", variable)]


def _scripts(name: str) -> tuple[Mount, ...]:
    """A script of this folder, and those that it calls."""
    called = script("frameworks.bsd", "tree.sh"), script("frameworks.kit", "stale.sh")
    return (script("frameworks.netbsd", name), *called)
