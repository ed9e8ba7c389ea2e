"""What a framework is, and what its recipe is handed.

A framework is a small class. Its methods are the steps of a build, in order: `toolchain`,
`kernel`, `app`, `rootfs`; a step that it lacks is a typed error with a hint. Its `guest` says what
its guests accept: monitors, architectures, root filesystems. Nothing here reads, fetches or runs:
a step returns `llb` states, and what it needs from outside (the build context, an image, hutch's
own tool image) it asks of `Build`, which the frontend fills.

Adding a framework: a folder with a class like these, and one row in `frameworks.TABLE`. What a
recipe is made of is in `frameworks.kit`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from frameworks.architectures import TABLE, Architecture
from frameworks.diagnostics import Collector, Diagnostic, Problems, problem
from frameworks.process import Process
from frameworks.rootfs.filesystems import FileSystem
from frameworks.runtime import monitors
from frameworks.spec import (
    App,
    Kernel,
    Package,
    PackageList,
    Rootfs,
    Settings,
    Source,
    Text,
    Toolchain,
)
from llb import (
    CacheSharing,
    Caps,
    Exec,
    FileAction,
    Location,
    Meta,
    Mount,
    Network,
    Platform,
    ProgressGroup,
    Proxy,
    Range,
    Resources,
    SourceFile,
    State,
    Ulimit,
)
from llb.mount import SecretMount

DEFAULT_EPOCH = 315532800
"""1980-01-01, the time of what hutch writes when SOURCE_DATE_EPOCH is not given: fixed, so that the
same input gives the same bytes, and the first that a zip archive can hold."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """How a guest takes the command apart, which the runtime gives it as one line.

    `whole`, a pattern, matches all of a word that the guest takes for one; `hint` says how to write
    one with blanks.
    """

    whole: str
    hint: str


@dataclass(frozen=True, slots=True)
class Guest:
    """What the guests of a framework accept (docs/contract/urunc.md 1.3, 2.1 and 2.3).

    `type` is the runtime's name (`Keys.type`); `monitors` maps a monitor
    to the architectures it boots this guest on, first the default; `rootfs` lists root filesystem
    types, first the default for a tree of files; `filesystems` those of a block image, first the
    default; `mount` is where the guest mounts a block image. `lacks` are keys of a bunnyfile of
    which the runtime gives such a guest nothing (docs/contract/urunc.md 2.3). The other fields are
    what rules of lint and a plan's checks want to know; each is False or empty where nothing is to
    be told.
    """

    type: str
    monitors: Mapping[str, tuple[str, ...]]
    rootfs: tuple[str, ...] = ("none",)
    filesystems: tuple[FileSystem, ...] = ()
    mount: str = "/"
    lacks: frozenset[str] = frozenset()
    opaque: bool = False
    """hutch knows nothing of these guests: they are packaged as they are."""
    runs_program: bool = False
    """The guest runs a program of its root filesystem, and so has to be told which."""
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    """PATH of an image that says none: what hutch's init takes (frameworks/init)."""
    mounts_disk: bool = False
    """The guest's kernel mounts the disk, and not the application."""
    own_format: bool = False
    """What is in a disk or an initrd is the application's own business
    (docs/contract/urunc.md 2.3)."""
    tells_configuration: bool = False
    """The kernel's file may say how the kernel was configured, its drivers for the root with it."""
    unpacks_initrd: bool = False
    """Archive and content of an initrd are in the guest's memory at once."""
    kernel_memory: Mapping[str, int] = field(default_factory=dict)
    """What a kernel that hutch did not build takes of the guest's memory, in MiB, by architecture;
    empty where it takes no more than hutch's (measured: `frontend.lint.imagechecks`)."""
    takes_snapshots: bool = False
    """On a monitor that shares no files a raw root works from a devmapper snapshot, and only so
    (docs/contract/urunc.md 2.1)."""
    unreachable: frozenset[tuple[str, str]] = frozenset()
    """(monitor, type of root) for which the runtime hands the guest nothing
    (docs/contract/urunc.md 2.1 and 2.3)."""
    words_for_env: bool = False
    """The runtime gives the environment as words, which end at a blank
    (docs/contract/urunc.md 2.2)."""
    words_for_own_init: bool = False
    """The same, where the guest's init is neither hutch's nor urunit."""
    splits_cmd: Splitting | None = None
    """How the guest takes its line apart (docs/contract/urunc.md 2.2); None where it does not."""
    reads_solo5_keys: tuple[str, ...] = ()
    """Monitors for which the runtime reads the names of Solo5's devices (`Keys.solo5_net`)."""
    rootfs_v01: str = "raw"
    """The type of a root for which a v0.1 file names none (docs/contract/urunc.md 4.2)."""

    def reaches(self, monitor: str, type: str) -> bool:
        """Whether the runtime hands a guest on `monitor` a root filesystem of `type`."""
        return (monitor, type) not in self.unreachable

    def needs_snapshot(self, monitor: str) -> bool:
        """Whether a raw root works on `monitor` only from a devmapper snapshot."""
        known = monitor in self.monitors
        return known and self.takes_snapshots and not monitors.get(monitor).shares


@dataclass(frozen=True, slots=True)
class Plan:
    """What one platform's build will do, with every default filled in: plain data.

    `platform` is the platform of the result, `epoch` is SOURCE_DATE_EPOCH in seconds or None, and
    `file` is the bunnyfile that locations point into.
    """

    framework: str
    monitor: Text
    platform: Platform
    rootfs: Rootfs
    kernel: Kernel | None
    file: SourceFile
    version: Text | None = None
    toolchain: Toolchain = field(default_factory=Toolchain)
    app: App | None = None
    init: Text | None = None
    settings: Settings = field(default_factory=Settings)
    args: Mapping[str, str] = field(default_factory=dict)
    """The build's arguments, as the scripts of `app` and a Dockerfile see them."""
    contexts: frozenset[str] = frozenset()
    """The names of the build contexts."""
    epoch: int | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    """Runtime keys by short name that the file gives itself (a Dockerfile's labels); they win."""
    warnings: tuple[Diagnostic, ...] = ()
    """What the framework notes about the plan; the code of each is the name of a lint rule."""
    packages: Mapping[str, PackageList] = field(default_factory=dict)
    """The lists of packages that are used, by their sections (`frameworks.spec.ROOTFS`)."""
    compat: bool = False
    """A v0.1 file: copies and config merge as the Go tool does them
    (docs/contract/urunc.md 4.2)."""

    def locked(self, section: str) -> tuple[Package, ...] | None:
        """What a section's packages come to by the lock file; None where it does not say."""
        found = self.packages.get(section)
        return None if found is None else found.files

    @property
    def timestamp(self) -> int:
        """The modification time, in seconds, of every file that hutch itself writes."""
        return DEFAULT_EPOCH if self.epoch is None else self.epoch

    @property
    def architecture(self) -> Architecture:
        """The guest's architecture. Raises KeyError for one that no guest is built for."""
        return TABLE[self.platform.architecture]


@dataclass(frozen=True, slots=True)
class Image:
    """A resolved image: its state, the reference it is pinned to, and its config as raw JSON.

    `sent` is true of a directory of the client's, which is sent for each build.
    """

    state: State
    ref: str
    config: bytes = b"{}"
    sent: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """One file in a state: what a kernel step or a packed root filesystem is."""

    state: State
    path: str


class Inputs(ABC):
    """Where a recipe's inputs come from: the frontend answers over the gateway, the CLI without.

    A recipe runs more than once: the answers of the first time stand in for what is not known yet
    (an unresolved image, say), and asking is how the frontend learns what to fetch.
    """

    @abstractmethod
    def context(self, path: str) -> State:
        """The build context, of which `path` (file, directory or wildcard) will be read."""

    @abstractmethod
    def named(self, name: Text, platform: Platform, path: str = "/") -> Image | None:
        """A named build context (`--build-context name=...`), or None where there is none.

        What is an image comes for `platform`, and with its config; of a directory `path` is read.
        """

    @abstractmethod
    def image(self, ref: Text, platform: Platform, others: Sequence[Platform] = ()) -> Image:
        """An image by reference, or the named build context that stands in for it.

        `others` are platforms to take where the image has no variant for `platform`.
        """

    @abstractmethod
    def dockerfile(
        self, path: Text, target: Text | None, platform: Platform, args: Mapping[str, str]
    ) -> Image:
        """The result of a Dockerfile of the build context, up to a stage (None: the last).

        `args` are values for its ARGs, beside those of the build.
        """

    @abstractmethod
    def has(self, state: State, path: str) -> bool | None:
        """Whether there is something at `path` of a state: of sources, since it is built for this.

        None where it is not known: a recipe that runs for the first time, or without a daemon.
        """

    @abstractmethod
    def tools(self) -> State:
        """hutch's own image: the tools that write root filesystems, and this very code."""


@dataclass(frozen=True, slots=True)
class Flags:
    """Build flags that reach every step: `--network`, `--add-host`, `--ulimit`, and their kin.

    `network` is what a step that needs the network gets; `hosts` are (name, address) pairs;
    `shm_size` is in bytes, 0 for the default; `no_cache` is True for everything, or the targets of
    `--no-cache-filter`; `cache_namespace` keeps cache mounts of one user apart from another's.
    """

    network: Network = Network.SANDBOX
    hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    shm_size: int = 0
    cgroup_parent: str = ""
    hostname: str = ""
    proxy: Proxy | None = None
    resources: Resources | None = None
    no_cache: bool | frozenset[str] = False
    cache_namespace: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """The build of one platform: the plan, where inputs come from, and how a step is run."""

    plan: Plan
    framework: Framework
    inputs: Inputs
    worker: Platform
    """The platform that steps run on: the builder's own, so that nothing is emulated."""
    flags: Flags = field(default_factory=Flags)
    caps: Caps | None = None
    """What the daemon can do; None where no daemon is asked."""
    fetched: dict[str, State] = field(default_factory=dict)
    """What each list of packages would come to today, by its section: a recipe notes it, and
    `hutch lock` and the SBOM ask for it. A directory with `frameworks.rootfs.packages.LIST`; the
    notes are of one `frameworks.lower.Lowering`."""

    @property
    def origin(self) -> Range | None:
        """The line for which something is built from source: the kernel's, or the application's."""
        kernel, app = self.plan.kernel, self.plan.app
        if kernel is not None and kernel.from_ == "source":
            return kernel.from_.at
        return app.at if app is not None else None

    @property
    def is_cross(self) -> bool:
        """Whether guests are of another architecture than the machine that builds."""
        return self.plan.platform.architecture != self.worker.architecture

    def can(self, cap: str) -> bool:
        """Whether the daemon is known to have a capability (a constant of `llb.Cap`).

        Only for what has another way; marshalling finds what a graph cannot do without.
        """
        return self.caps is not None and cap in self.caps

    def platform_of(self, ref: str) -> Platform:
        """The platform that an image for this build is pulled for."""
        return self.framework.image_platform(self.plan, ref)

    def fetch(self, name: Text, platform: Platform, path: str = "/") -> Image:
        """What a `from` names: a named build context, of which `path` is read, or an image.

        What the guest's root is made of has to be for the guest's system; files beside it may be of
        any image.
        """
        plan = self.plan
        others = self.framework.other_platforms(plan)
        if name != plan.rootfs.from_ and platform != plan.platform:
            others = (plan.platform, *others)
        named = self.inputs.named(name, platform, path)
        return named or self.inputs.image(name, platform, others)

    def meta(self, step: str, what: str, *at: Range | Text | None) -> Meta:
        """Metadata of a vertex: its name, the progress group of `step`, its lines in the file.

        `step` is a target's name (`kernel`, `rootfs`, `app`, `toolchain`, `image`), by which
        `--no-cache-filter` picks vertices. `at` are the lines that ask for it, one or several.
        """
        plan = self.plan
        name = f"[{plan.framework}] {what}"
        group = ProgressGroup(
            f"{plan.framework}/{step}/{plan.platform}", f"[{plan.framework}] {step}"
        )
        lines = [each.at if isinstance(each, Text) else each for each in at if each is not None]
        # A step that no line asks for is the whole file's: show its start.
        location = Location(plan.file, tuple(lines) or (plan.monitor.at,))
        skip = self.flags.no_cache
        ignore = skip if isinstance(skip, bool) else step in skip
        return Meta(name=name, group=group, location=location, ignore_cache=ignore)

    def run(
        self,
        state: State,
        args: Sequence[str],
        *,
        meta: Meta,
        mounts: Iterable[Mount] = (),
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        network: bool = False,
        readonly_root: bool = False,
    ) -> Exec:
        """Run a step in `state` with the build's flags; without `network` it has none.

        SOURCE_DATE_EPOCH is set in every step. One with the network finds the certificates of a
        company's proxy in /run/secrets/ca, where the build was given them (`--secret id=ca,...`).
        """
        flags = self.flags
        mounts = list(mounts)
        if flags.shm_size:
            mounts.append(Mount.shm(flags.shm_size))
        trusted = Mount.secret("ca", optional=True)
        taken = any(isinstance(m, SecretMount) and m.dest == trusted.dest for m in mounts)
        if network and not readonly_root and not taken:
            mounts.append(trusted)
        return state.run(
            args,
            mounts=mounts,
            env={"SOURCE_DATE_EPOCH": str(self.plan.timestamp), **(env or {})},
            cwd=cwd,
            network=flags.network if network else Network.NONE,
            hosts=flags.hosts,
            ulimits=flags.ulimits,
            hostname=flags.hostname,
            cgroup_parent=flags.cgroup_parent,
            proxy=flags.proxy if network else None,
            readonly_root=readonly_root,
            meta=replace(meta, resources=flags.resources),
        )

    def cache(self, dest: str, id: str, sharing: CacheSharing = CacheSharing.SHARED) -> Mount:
        """A cache mount at `dest`, in the namespace that the build's user chose."""
        name = f"{self.flags.cache_namespace}/hutch/{id}".lstrip("/")
        return Mount.cache(dest, name, sharing=sharing)

    def tool(
        self, module: str, args: Sequence[str], *, meta: Meta, mounts: Iterable[Mount]
    ) -> Exec:
        """Run a module of hutch itself in hutch's own image: read-only root, no network."""
        command = ["/usr/bin/python3", "-I", "-S", "-B", "-m", module, *args]
        tools = self.inputs.tools()
        return self.run(tools, command, meta=meta, mounts=mounts, readonly_root=True)


_LACKING = {
    "toolchain": ("build from source", ""),
    "kernel": (
        "build a kernel from source",
        "take a prebuilt one with `from: local` or `from: <image>` and `path:`",
    ),
    "app": ("build an application", "build it elsewhere, and bring it with `rootfs.include`"),
    "install_packages": (
        "install packages",
        "bring their files with `rootfs.include`: an archive by its URL and sha256",
    ),
}
"""What a framework cannot do that lacks a step, and what to do instead."""


class Framework:
    """A framework's steps. Those that build, if not overridden, are errors that say so."""

    name: ClassVar[str]
    guest: ClassVar[Guest]
    takes_parameters: ClassVar[bool] = False
    """Whether boot parameters can be built into a kernel from source."""
    kernel_by_default: ClassVar[bool] = False
    """Whether a Dockerfile that names no kernel gets one from source."""
    app_is_kernel: ClassVar[bool] = False
    """Whether a kernel from source is made of the application (a unikernel)."""
    loads_programs: ClassVar[bool] = False
    """Whether such a kernel may be made without one, and load a program of the root filesystem."""
    configures_app: ClassVar[bool] = False
    """Whether an application is configured with `app.options` before it is built."""
    package_managers: ClassVar[Mapping[str, str]] = {}
    """Where programs are that install packages, and what finds a package's name with each: a base
    with none of them cannot. Empty where no program of the base's is needed."""
    source_context: ClassVar[str] = ""
    """The build context of its own name that stands in for the kernel's source; "" for none."""
    compiles_app: ClassVar[bool] = False
    """Whether the kernel's step compiles an application without scripts, with its packages."""
    links_libraries: ClassVar[bool] = False
    """Whether an application that is a kernel can name libraries to link with (`app.libraries`)."""
    takes_sysroot: ClassVar[bool] = False
    """Whether compilers are told where the guest's libraries are by `app.sysroot`."""
    arguments: ClassVar[tuple[str, ...]] = ()
    """Build arguments of the file (`args`) that the framework reads."""

    counts_bytes: ClassVar[bool] = False
    """Whether it knows what the bytes of a kernel from source are (`sizes`)."""

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note what is wrong with a plan beyond what `guest` says; default: nothing.

        The code of an error is one of `frameworks.codes`, that of a warning the name of a rule of
        lint (docs/rules/).
        """

    def loads_program(self, plan: Plan) -> bool:
        """Whether the kernel of `plan` loads one program of the root filesystem, by its path, and
        runs it in its own address space: it has to be position-independent; default: no."""
        return False

    def has_app_in_kernel(self, plan: Plan) -> bool:
        """Whether the kernel's step builds the application of `plan`, or takes it as it was built;
        default: where the kernel is from source, and made of the application."""
        kernel = plan.kernel
        built = kernel is not None and kernel.from_ == "source"
        return built and plan.app is not None and self.app_is_kernel

    def check_steps(self, plan: Plan, problems: Collector) -> None:
        """Note the steps that a plan asks for and the framework lacks: those not overridden."""
        kernel, app = plan.kernel, plan.app
        asked: dict[str, Range] = {}
        if kernel is not None and kernel.from_ == "source":
            asked["kernel"] = kernel.from_.at
        if app is not None:
            asked["app"] = app.at
        if plan.rootfs.packages:
            asked["install_packages"] = plan.rootfs.packages[0].at
        for step, at in asked.items():
            if getattr(type(self), step) is getattr(Framework, step):
                problems.take(self._lacks(step, at))

    def image_platform(self, plan: Plan, ref: str) -> Platform:
        """The platform to pull an image of this framework for; default: the result's."""
        return plan.platform

    def other_platforms(self, plan: Plan) -> tuple[Platform, ...]:
        """Those to pull an image for that has no variant for the first; default: none."""
        return ()

    def toolchain_image(self) -> str:
        """The image that compilers run in where a file names none."""
        from frameworks.scripts import pinned  # only a lock's packages want to know

        return str(pinned("frameworks.kit")["image"])

    def toolchain(self, build: Build) -> State:
        """The image with compilers and tools, shared by every build of this framework."""
        raise self._lacks("toolchain", build.plan.monitor.at)

    def kernel(self, build: Build) -> File:
        """The kernel, built from source."""
        raise self._lacks("kernel", build.plan.monitor.at)

    def sizes(self, build: Build) -> File:
        """What the bytes of a kernel from source are, as JSON, if it `counts_bytes`."""
        raise self._lacks("kernel", build.plan.monitor.at)

    def default_source(self, plan: Plan) -> tuple[str, Source] | None:
        """The version and the source of a kernel that names none; None without a default."""
        return None

    def usual_config(self, plan: Plan) -> str:
        """The configuration of a kernel from source that names none; "" where there is no name."""
        return ""

    def report(self, build: Build) -> File | None:
        """What became of the requests to a kernel's configuration; read when `kernel` failed."""
        return None

    def explain(self, report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
        """The content of `report` as diagnostics at the lines of the file."""
        return ()

    def configuration(self, build: Build) -> File | None:
        """The whole configuration of a kernel from source, as it is built; None for none."""
        return None

    def app(self, build: Build) -> File:
        """The application, built from source: the directory that its artifacts are in."""
        raise self._lacks("app", build.plan.monitor.at)

    def linked(self, build: Build) -> State | None:
        """A directory that says which libraries a kernel from source has in it, as the SBOM reads
        it (`frameworks.steps.packages.libraries`); None where nothing says it."""
        return None

    def fetch_packages(self, build: Build, tree: State) -> State:
        """Fetch `rootfs.packages` and what they need beside what is in `tree`: the guest's base.

        Returns a directory with the packages' files, and the file
        `frameworks.rootfs.packages.LIST`, which says what they are. It is not asked where a lock
        file has answered before.
        """
        raise self._lacks("install_packages", build.plan.monitor.at)

    def missing_packages(self, build: Build, tree: State) -> File | None:
        """A file with the names of `rootfs.packages` that are nowhere; read when fetching failed.

        Each is a line of its own. None where nobody can say.
        """
        return None

    def install_packages(self, build: Build, tree: State, packages: State) -> State:
        """`tree` with all packages of the directory `packages` installed, without a network."""
        raise self._lacks("install_packages", build.plan.monitor.at)

    def init(
        self, build: Build, tree: State, process: Process
    ) -> tuple[Sequence[FileAction], Process]:
        """An init program for the guest's `tree` of files, where the plan asks for one.

        Returns what puts it there, and the process as the image's config has to name it for that
        init to run; default: nothing, and the process as it was.
        """
        return (), process

    def _lacks(self, step: str, at: Range) -> Problems:
        """The error of a step that this framework lacks."""
        what, hint = _LACKING[step]
        message = f"hutch cannot {what} for {self.name} yet"
        return problem("unsupported-step", message, hint=hint, at=at)
