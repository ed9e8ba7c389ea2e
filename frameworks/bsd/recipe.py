"""The steps that NetBSD and FreeBSD share."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from frameworks import kit
from frameworks.app import directory
from frameworks.architectures import Architecture, BSDNames
from frameworks.base import DEFAULT_EPOCH, Build, File, Framework, Plan
from frameworks.bsd.kernconf import code, read_report
from frameworks.diagnostics import Collector, Diagnostic, Problems, problem
from frameworks.init import guest
from frameworks.kit import SourceTree, checks
from frameworks.process import Process
from frameworks.rebuilt import without_init
from frameworks.scripts import FOLDER, module, pinned, read, script
from frameworks.spec import TOOLCHAIN, App, Kernel, Origin, Source, Text, naming
from llb import FileAction, Meta, Mount, Range, State, copy, mkdir, mkfile, scratch

SOURCE = "/usr/src"
"""Where both systems have it. With a tree at /src, FreeBSD's build would take the directory
/src/crypto/krb5/src/include for its own /src/include, and refuse to use it."""

CONFIG = "/config"
EPOCH = str(DEFAULT_EPOCH)
"""The time that kernels and tools carry, whatever SOURCE_DATE_EPOCH says (`kit.FIXED`)."""

PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/pkg/sbin:/usr/pkg/bin:/usr/local/sbin:/usr/local/bin"
"""`Guest.path` of both: DEFAULT_PATH of frameworks/init/bsd_process.c."""


class BSD(Framework):
    """NetBSD or FreeBSD: a kernel from source, and an init that does what urunit does."""

    package: ClassVar[str]
    """Where the system's own files are: pinned versions, configurations."""
    marker: ClassVar[str]
    """A file at the top of every source tree."""
    init_path: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    default_config: ClassVar[dict[str, str]]
    """For each architecture, the configuration of a file that names none."""
    conf_directories: ClassVar[tuple[str, ...]]
    """Where a tree may keep its kernel configurations; `{machine}` is the system's port."""
    catalogue: ClassVar[str]
    """The program of the system's `steps` that reads a catalogue of packages, and fetches them."""
    catalogue_needs: ClassVar[tuple[str, ...]]
    """Debian's packages that `catalogue` needs."""
    catalogue_modules: ClassVar[tuple[str, ...]] = ()
    """What else of the system's `steps` it imports."""
    installer: ClassVar[str]
    """The program of the system's `steps` that installs packages."""
    pkgconfig: ClassVar[tuple[str, ...]] = ()
    """Where the system and its packages have their .pc files."""

    def names(self, architecture: Architecture) -> BSDNames:
        """What the system calls an architecture."""
        raise NotImplementedError

    def request(self, architecture: Architecture) -> dict[str, Any]:
        """What `kernconf.py` has to know of the system."""
        machine = self.names(architecture).machine
        return {
            "system": self.name,
            "machine": machine,
            "marker": self.marker,
            "directory": [path.format(machine=machine) for path in self.conf_directories],
        }

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note a source or a version that there is not, and options that are code.

        A version is a label only, until it says what to fetch: the pinned source, or packages.
        """
        kernel = plan.kernel
        if kernel is not None and kernel.from_ == "source":
            for option in kernel.options:
                found = code(option.value) if isinstance(option.value, str) else ""
                checks.option_value(option, option.name, found, problems)
            checks.no_package(kernel, self.name, problems)
        try:
            if self._takes_default_source(plan):
                self.default_source(plan)
        except Problems as unknown:
            problems.take(unknown, without=("kernel",))  # which may have a source of its own
            return
        try:
            if plan.rootfs.packages:
                self.release(plan)
        except Problems as unknown:
            problems.take(unknown)

    def _takes_default_source(self, plan: Plan) -> bool:
        """Whether the kernel is built from the pinned source, or an application's libraries are."""
        kernel, app = plan.kernel, plan.app
        if kernel is not None and kernel.source is not None:
            return False
        if kernel is not None and kernel.from_ == "source":
            return True
        if app is None or (app.fetch is None and app.build is None):
            return False
        return any(origin.from_ == "source" for origin in app.sysroot)

    def release(self, plan: Plan) -> str:
        """The release whose packages run on the plan's version. Raises Problems for none."""
        raise NotImplementedError

    def _version(self, plan: Plan) -> tuple[Text, Mapping[str, Any]]:
        """The plan's version, or the default, and the pinned ones by name."""
        pins = pinned(self.package)
        return plan.version or Text(pins["default"], plan.monitor.at), pins["versions"]

    def _no_packages(self, plan: Plan, version: Text, hint: str) -> Problems:
        """The error of a version that hutch knows no packages of."""
        return problem(
            "unknown-value",
            f"hutch knows no packages of {self.name} {version}",
            hint=hint,
            at=version.at,
            file=plan.file,
        )

    def usual_config(self, plan: Plan) -> str:
        """The one for virtual machines, by architecture."""
        return self.default_config.get(plan.platform.architecture, "")

    def default_source(self, plan: Plan) -> tuple[str, Source]:
        """The pinned repository of the plan's version. Raises Problems where there is none.

        A target may need it that the plan's kernel does not: tools beside a kernel of the user's.
        """
        return kit.versioned(plan, self.package, self.name)

    def debian(self, build: Build) -> State:
        """The image that compilers run in: Debian with this framework's packages."""
        return kit.extra(build, kit.toolchain(build, self._packages(build)))

    def _packages(self, build: Build) -> tuple[str, ...]:
        return (*self.packages, *kit.host_compiler(build))

    def tree(self, build: Build, tools: State) -> SourceTree:
        """The source tree as it came: what tools are built from, so that no patch builds them."""
        kernel = build.plan.kernel
        said = kernel.source if kernel is not None else None
        if kernel is not None and said is not None:
            landmarks = kit.Landmarks(f"{self.name} source tree", (self.marker,))
            return kit.source(
                build, said, tools, at=naming(said), landmarks=landmarks, marker=self.marker
            )
        _, default = self.default_source(build.plan)
        at = kernel.from_ if kernel is not None else build.plan.monitor
        return kit.source(build, default, tools, at=at, marker=self.marker)

    def source(self, build: Build, tools: State) -> SourceTree:
        """The source tree with the plan's patches on it: what kernels are built from."""
        return kit.patched(build, self.tree(build, tools), tools, SOURCE)

    def configure(self, build: Build, source: SourceTree) -> State:
        """A directory with the configuration `HUTCH`, if the tree knows all that is in it."""
        written = self._configuration(build, source)
        step = build.tool(
            "frameworks.bsd.steps.kernconf",
            ["require", "/written/report.json", "--config", "/written/HUTCH", "--out", CONFIG],
            mounts=(
                Mount.bind("/written", written, readonly=True),
                Mount.bind(CONFIG, scratch()),
            ),
            meta=self._meta(build, "require the configuration"),
        )
        return step.mount(CONFIG)

    def configuration(self, build: Build) -> File:
        """The configuration `HUTCH`, which includes the system's own."""
        return File(self.configure(build, self.source(build, self.debian(build))), "/HUTCH")

    def report(self, build: Build) -> File:
        """What the source tree does not know of the configuration: to read when `kernel` fails."""
        source = self.source(build, self.debian(build))
        return File(self._configuration(build, source), "/report.json")

    def explain(self, report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
        """The content of `report` as diagnostics at the lines of the file."""
        kernel = plan.kernel
        assert kernel is not None
        source = kernel.source
        by_name = {str(option.name): option.name for option in kernel.options}
        places = {
            "unknown": ("lost-option", None),
            "no-config": ("unknown-value", kernel.config),
            "no-tree": ("wrong-source", kernel.from_ if source is None else naming(source)),
        }
        found = []
        for finding in read_report(report):
            if finding.reason == "code":
                file = (kernel.config, *kernel.fragments)[int(finding.option)]
                assert file is not None
                hint = (
                    "what is in a configuration is data: no $ and backquotes, no ; | & < > and !="
                )
                message = f"{file}: {finding.why()}"
                found.append(Diagnostic("bad-value", message, hint, file.at, plan.file))
                continue
            slug, at = places[finding.reason]
            at = by_name.get(finding.option, at)
            near = f"did you mean {' or '.join(finding.nearest)}?" if finding.nearest else ""
            found.append(
                Diagnostic(slug, finding.why(), near, at.at if at else kernel.at, plan.file)
            )
        return tuple(found)

    def _configuration(self, build: Build, source: SourceTree) -> State:
        """The configuration `HUTCH` and `report.json`, which says what the tree does not know."""
        kernel = build.plan.kernel
        assert kernel is not None
        request, files = self._request(build, kernel)
        files = files.file(
            mkdir("/hutch"),
            mkfile("/hutch/request.json", request, timestamp=int(EPOCH)),
            meta=self._meta(build, "note what the kernel is to have"),
        )
        arguments = ["/request/hutch/request.json", "--source", SOURCE, "--out", CONFIG]
        return build.tool(
            "frameworks.bsd.steps.kernconf",
            ["write", *arguments],
            mounts=(
                Mount.bind("/request", files, readonly=True),
                Mount.bind(SOURCE, source.state, readonly=True),
                Mount.bind(CONFIG, scratch()),
            ),
            meta=self._meta(build, "write the configuration"),
        ).mount(CONFIG)

    def _meta(self, build: Build, what: str) -> Meta:
        kernel = build.plan.kernel
        assert kernel is not None
        return build.meta("kernel", what, kernel.config or kernel.at)

    def _request(self, build: Build, kernel: Kernel) -> tuple[bytes, State]:
        """What `kernconf.py` is asked, and the files of the context that it reads."""
        files = scratch()
        architecture = build.plan.platform.architecture
        name = str(kernel.config or self.default_config[architecture])
        own = None if "/" in name else read(self.package, "configs", f"{name}.{architecture}")
        base: str | None = name
        file: str | None = None
        if own is not None:
            base, file = None, "/request/hutch/base"
            files = files.file(mkdir("/hutch"), mkfile("/hutch/base", own, timestamp=int(EPOCH)))
        elif kernel.config is not None and ("/" in name or not name.isupper()):
            # The trees' own configurations are in capitals; anything else is a file of the context.
            base, file = None, "/request/context/0"
            files = self._take(build, files, kernel.config, 0)
        fragments = []
        for number, fragment in enumerate(kernel.fragments, 1):
            files = self._take(build, files, fragment, number)
            fragments.append(f"/request/context/{number}")
        request = {
            **self.request(build.plan.architecture),
            "base": base,
            "file": file,
            "fragments": fragments,
            "options": [[str(option.name), _plain(option.value)] for option in kernel.options],
        }
        return json.dumps(request, indent=1, sort_keys=True).encode(), files

    def _take(self, build: Build, files: State, path: Text, number: int) -> State:
        context = build.inputs.context(path)
        return files.file(
            copy(context, path, f"/context/{number}", timestamp=int(EPOCH)),
            meta=build.meta("kernel", f"take {path}", path),
        )

    def objects(
        self, build: Build, dest: str, source: SourceTree, arguments: Sequence[str], what: str
    ) -> Mount:
        """The cache of object files of a build that is called with `arguments`.

        Another image, other packages, other arguments are another cache, as another source and
        architecture are.
        """
        packages = kit.release().exact(self._packages(build), build.worker.architecture)
        more = build.plan.toolchain.packages
        locked = build.plan.locked(TOOLCHAIN) or ()
        versions = [f"{each.name}={each.version}" for each in locked]
        made_by = [source.key, kit.image(build).ref, *packages, *more, *versions, *arguments]
        return kit.objects(build, dest, kit.fingerprint(made_by), what)

    def compilers(self, build: Build) -> tuple[State, kit.Cross]:
        """The image that applications are built in, and its tools for the guest."""
        raise NotImplementedError

    def app(self, build: Build) -> File:
        """The application's directory as its build script left it.

        Its compiler makes programs for the guest's architecture, with the system's own headers and
        libraries, where `app.sysroot` or the system's source tree has them.
        """

        def compilers(said: App) -> tuple[State, dict[str, str]]:
            tools, guest = self.compilers(build)
            return self.complete(build, kit.app_packages(build, tools, said), guest, said)

        return directory(build, compilers)

    def complete(
        self, build: Build, tools: State, guest: kit.Cross, app: App
    ) -> tuple[State, dict[str, str]]:
        """`tools` with the guest's headers and libraries, and the variables that name it all."""
        said = app.sysroot or self._usual_sysroot(build)
        if not said or said[0].from_ == "none":
            return kit.cross(build, tools, guest)
        guest = replace(
            guest,
            sysroot=kit.SYSROOT,
            libc=True,
            pkgconfig=tuple(f"{kit.SYSROOT}/{folder}" for folder in self.pkgconfig),
        )
        at = said[0].from_.at
        if said[0].from_ != "source":
            placed = self.linkable(build, kit.with_sysroot(build, tools, said), at)
            return kit.cross(build, placed, guest)
        placed = kit.place_sysroot(build, tools, self.libraries(build, at), at)
        # Its libraries are there as archives alone: the guest's root needs none of them.
        return kit.cross(build, placed, replace(guest, static=True))

    def linkable(self, build: Build, tools: State, at: Range) -> State:
        """`tools`, which have a system at `kit.SYSROOT`, as their compiler can link with it.

        Default: unchanged. `at` is the line that asks for that system.
        """
        return tools

    def _usual_sysroot(self, build: Build) -> tuple[Origin, ...]:
        kernel = build.plan.kernel
        if not self.takes_sysroot or kernel is None or kernel.from_ != "source":
            return ()
        return (Origin(Text("source", kernel.from_.at)),)

    def libraries(self, build: Build, at: Range) -> State:
        """Headers, startup files and static libraries of the system, built from its source tree.

        `at` is the line that asks for them.
        """
        raise NotImplementedError

    def request_packages(self, build: Build) -> list[str]:
        """What tells `catalogue` the repositories, the release and the architecture."""
        raise NotImplementedError

    def fetch_packages(self, build: Build, tree: State) -> State:
        """By the system's own catalogues, read by a program of ours on Debian."""
        meta = build.meta("rootfs", "fetch packages", *build.plan.rootfs.packages)
        return self._ask(build, tree, meta)

    def missing_packages(self, build: Build, tree: State) -> File:
        """By the same program; looked up anew each time, as there may be one by now."""
        meta = build.meta("rootfs", "look for packages", *build.plan.rootfs.packages)
        made = self._ask(build, tree, replace(meta, ignore_cache=True), "--missing")
        return File(made, "/missing")

    def _ask(self, build: Build, tree: State, meta: Meta, *verb: str) -> State:
        """The directory that the system's `catalogue` leaves of the packages that are named."""
        names = build.plan.rootfs.packages
        installing = build.meta("rootfs", "install what fetches", names[0])
        tools = kit.install(build, kit.base(build), self.catalogue_needs, installing)
        arguments = [*verb, "--tree", "/tree", "--out", "/out", *self.request_packages(build)]
        return build.run(
            tools,
            ["/usr/bin/python3", "-EsB", f"{FOLDER}/{self.catalogue}", *arguments, "--", *names],
            mounts=(
                script(self.package, self.catalogue),
                module("frameworks.bsd", "fetching.py"),
                *(module(self.package, name) for name in self.catalogue_modules),
                Mount.bind("/tree", tree, readonly=True),
                Mount.bind("/out", scratch()),
            ),
            network=True,
            meta=meta,
        ).mount("/out")

    def install_packages(self, build: Build, tree: State, packages: State) -> State:
        """Their files, and what most of their scripts are for; none of the scripts runs."""
        names = build.plan.rootfs.packages
        return build.tool(
            f"{self.package}.steps.{self.installer}",
            ["/packages", "/tree", str(build.plan.timestamp), *names],
            mounts=(
                Mount.bind("/packages", packages, readonly=True),
                Mount.bind("/tree", tree),
            ),
            meta=build.meta("rootfs", "install packages", *names),
        ).mount("/tree")

    def init(
        self, build: Build, tree: State, process: Process
    ) -> tuple[Sequence[FileAction], Process]:
        """hutch's init where this kernel looks for it, and with it the image's own words."""
        plan = build.plan
        said = guest.wanted(plan)
        if said is None:
            return (), process
        process = without_init(process)
        if said != "auto":
            return self.named_init(build, tree, process, said)
        stamp = plan.timestamp
        folders = dict.fromkeys(("/dev", posixpath.dirname(self.init_path), "/.hutch"))
        actions: tuple[FileAction, ...] = (
            *(mkdir(path, timestamp=stamp) for path in folders if path != "/"),
            guest.program(build, self.init_path),
            guest.configuration(build, process),
        )
        return actions, self.started(process)

    def named_init(
        self, build: Build, tree: State, process: Process, path: Text
    ) -> tuple[Sequence[FileAction], Process]:
        """Have the kernel start the program `path` of the tree as its init.

        Default: the image's process begins with it, for a runtime that names its first word.
        """
        return (), prepend(process, str(path))

    def started(self, process: Process) -> Process:
        """The process as the image's config names it; default: unchanged."""
        return process


def prepend(process: Process, program: str) -> Process:
    """`process` with `program` before its arguments, as an entrypoint."""
    if process.entrypoint[:1] == (program,):
        return process
    return replace(process, entrypoint=(program, *process.entrypoint))


def _plain(value: bool | int | str) -> bool | int | str:
    return value if isinstance(value, bool | int) else str(value)
