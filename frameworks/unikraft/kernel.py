"""A Unikraft kernel from its trees: configuration, the check that it was kept, the build.

    requests ─merge─▶ request ─configure─▶ .config ─check─▶ report
                                              └─require(report)─▶ build ─check─▶ kernel

An application is a part of it, an ELF loader's programs are not: they are in the root filesystem.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from frameworks import kit
from frameworks.app import directory
from frameworks.base import Build, File
from frameworks.git import checkout
from frameworks.kit import kconfig_steps
from frameworks.kit.options import assignment
from frameworks.scripts import files, pinned, read, run_script, script
from frameworks.spec import App, GitSource, Text, UrlSource, naming
from frameworks.unikraft.sources import core, library
from llb import Mount, Range, State, scratch

_PACKAGE = "frameworks.unikraft"
_STEPS = "frameworks.unikraft.steps.kconfig"
_PACKAGES = (
    "bc", "bison", "ccache", "file", "flex", "gcc", "libc6-dev", "make", "patch", "python3",
)  # fmt: skip
_CORE = kit.Landmarks("Unikraft tree", ("version.mk", "Config.uk"))
_LIBRARY = kit.Landmarks("Unikraft library", ("Makefile.uk",))
_LOADER = kit.Landmarks("ELF loader of Unikraft's", ("Makefile.uk",))
_LOADS_WITH = ("libelf", "lwip")
"""The libraries of a kernel with the ELF loader: what it is made of, and the network."""


@dataclass(frozen=True, slots=True)
class Trees:
    """What a kernel is made of, as mounts: the trees below /src, and /origins of libraries."""

    sources: tuple[Mount, ...]
    origins: tuple[Mount, ...]
    libraries: tuple[str, ...]


def toolchain(build: Build) -> State:
    """The image with compilers and tools, shared by all kernels for one architecture."""
    guest = build.plan.architecture
    packages = [*_PACKAGES, *kit.host_compiler(build), *kit.compiler(guest)]
    if guest.name != build.worker.architecture:
        packages.append(kit.libc(guest))
    return kit.extra(build, kit.toolchain(build, sorted(set(packages))))


def application(build: Build) -> File:
    """The application's directory as its own scripts left it."""
    return directory(build, partial(_compilers, build))


def _compilers(build: Build, app: App) -> tuple[State, dict[str, str]]:
    tools = kit.app_packages(build, toolchain(build), app)
    return kit.cross(build, tools, kit.gcc("linux", build.plan.architecture, libc=True))


def kernel_file(build: Build) -> File:
    """The kernel in the form that the plan's monitor boots."""
    trees = _trees(build)
    config, report = _configure(build, trees)
    at = _line(build)
    kept = kconfig_steps.required(build, _STEPS, config, report, at)
    step = build.run(
        toolchain(build),
        run_script("build.sh", "/config/config", "/out/kernel", *_variables(build, trees)),
        mounts=[
            script(_PACKAGE, "build.sh"),
            script("frameworks.kit", "progress.py"),
            *kit.patches(_PACKAGE),
            *trees.sources,
            *trees.origins,
            Mount.bind("/config", kept, readonly=True),
            Mount.bind("/o", scratch(), output=False),
            Mount.bind("/out", scratch()),
            build.cache("/ccache", "unikraft/ccache"),
        ],
        env={
            **kit.FIXED,
            "CCACHE_DIR": "/ccache",
            "CCACHE_MAXSIZE": "1G",
            # The path of the objects is the same in every build.
            "CCACHE_NOHASHDIR": "true",
        },
        meta=build.meta("kernel", "make", at),
    )
    return kit.checked(build, step.mount("/out"), "kernel")


def configuration(build: Build) -> File:
    """The final .config of the kernel, for who wants to know what was built."""
    config, _ = _configure(build, _trees(build))
    return File(config, "/config")


def report(build: Build) -> File:
    """What was not kept, or what the application lacks, as JSON."""
    _, found = _configure(build, _trees(build))
    return File(found, "/report")


def _line(build: Build) -> Range:
    """The line for which a kernel is built: its application's, if there is one in it."""
    kernel, app = build.plan.kernel, library(build.plan)
    assert kernel is not None
    return kernel.from_.at if app is None else (app.path or app.from_).at


def _variables(build: Build, trees: Trees) -> list[str]:
    """What every call of make is told: where the trees are, and the compiler."""
    libraries = ":".join(f"/src/libs/{name}" for name in trees.libraries)
    return [
        "A=/src/app",
        *([f"L={libraries}"] if libraries else []),
        "O=/o",
        "C=/o/.config",
        f"CROSS_COMPILE={build.plan.architecture.gnu_triplet}-",
        "UK_IMAGE_NAME_OVERWRITE=kernel",
    ]


def _configure(build: Build, trees: Trees) -> tuple[State, State]:
    """The `.config` (the file /config) and what it lacks of the requests (the file /report)."""
    at = _line(build)
    requests, paths = _requests(build, trees)
    merged = kconfig_steps.merged(build, _STEPS, trees.sources, requests, paths, at)
    config = build.run(
        toolchain(build),
        run_script("configure.sh", "/request/request", "/out/config", *_variables(build, trees)),
        mounts=[
            script(_PACKAGE, "configure.sh"),
            *trees.sources,
            Mount.bind("/request", merged, readonly=True),
            Mount.bind("/o", scratch(), output=False),
            Mount.bind("/out", scratch()),
        ],
        env=kit.FIXED,
        meta=build.meta("kernel", "make defconfig", at),
    ).mount("/out")
    checked = build.tool(
        _STEPS,
        [
            *("check", "--source", "/src", "--config", "/config/config"),
            *("--report", "/out/report", *paths),
        ],
        mounts=[
            *trees.sources,
            *requests,
            Mount.bind("/config", config, readonly=True),
            Mount.bind("/out", scratch()),
        ],
        meta=build.meta("kernel", "check the configuration", at),
    ).mount("/out")
    return config, checked


def _requests(build: Build, trees: Trees) -> tuple[list[Mount], list[str]]:
    """The fragments in their order, mounted, and their paths: ours, then the user's."""
    kernel = build.plan.kernel
    assert kernel is not None
    ours = [(name, read(_PACKAGE, "configs", name) or b"") for name in _ours(build, trees)]
    meta = build.meta("kernel", "hutch's configuration", kernel.from_)
    return kconfig_steps.requests(build, ours, meta, list(map(assignment, kernel.options)))


def _ours(build: Build, trees: Trees) -> list[str]:
    """The files of configs/ that a plan asks for, lowest first."""
    plan = build.plan
    loads, root = library(plan) is None, str(plan.rootfs.type)
    names = ["base", plan.platform.architecture, str(plan.monitor)]
    loader = ("elfloader", f"elfloader-{plan.platform.architecture}", f"elfloader-{root}")
    names += loader if loads else ()
    names += ["environ"] if loads or plan.settings.envs else []
    names += ["files", root] if root != "none" else []
    known = files(_PACKAGE, "configs")
    return [f"{name}.config" for name in (*names, *trees.libraries) if f"{name}.config" in known]


def _trees(build: Build) -> Trees:
    """The trees of a plan: each the build context of its name, or what is pinned."""
    app = library(build.plan)
    tools = toolchain(build)
    if app is None:
        names = tuple(Text(name) for name in _LOADS_WITH)
        top = _elfloader(build)
    else:
        names = tuple(dict.fromkeys(app.libraries))
        top = application(build).state
    # Writable, and thrown away: the content of what is read-only is hashed before a cache is asked.
    sources = [
        Mount.bind("/src/unikraft", _core(build, tools), output=False),
        Mount.bind("/src/app", top, output=False),
    ]
    origins = list[Mount]()
    for name in names:
        tree = _library(build, name)
        sources.append(Mount.bind(f"/src/libs/{name}", tree, output=False))
        origins += _origin(build, name, tools)
    return Trees(tuple(sources), tuple(origins), tuple(map(str, names)))


def _core(build: Build, tools: State) -> State:
    kernel = build.plan.kernel
    assert kernel is not None
    said = kernel.source
    at = kernel.from_ if said is None else naming(said)
    source = core(build.plan)[1] if said is None else said
    tree = kit.source(build, source, tools, at=at, landmarks=_CORE, marker="version.mk")
    return kit.patched(build, tree, tools, "/src/unikraft").state


def _elfloader(build: Build) -> State:
    """The tree of the ELF loader: that of the core's release, the default's for another core."""
    known = pinned(_PACKAGE)
    version = str(build.plan.version or known["default"])
    entry = known["app-elfloader"].get(version, known["app-elfloader"][known["default"]])
    return kit.pinned_tree(build, "app-elfloader", kit.Pin(version, _git(entry)), _LOADER)


def _library(build: Build, name: Text) -> State:
    """The tree of a library: one that is pinned, or the build context `lib-NAME`."""
    known = pinned(_PACKAGE)["libraries"]
    if name in known:
        pin = kit.Pin(known[name]["ref"], _git(known[name]))
        return kit.pinned_tree(build, f"lib-{name}", pin, _LIBRARY)
    given = kit.named(build, f"lib-{name}", _LIBRARY)
    assert given is not None, name  # which the plan's check has seen
    return given


def _origin(build: Build, name: str, tools: State) -> list[Mount]:
    """What a library's own Makefile would download, as it would be unpacked."""
    entry = pinned(_PACKAGE)["origins"].get(name)
    if entry is None:
        return []
    state = kit.named(build, name, kit.Landmarks(f"source of lib-{name}", (entry["has"],)))
    if state is None:
        at = build.origin
        if "url" in entry:
            url = Text(entry["url"]) if at is None else Text(entry["url"], at)
            state = kit.source(build, UrlSource(url, Text(entry["sha256"])), tools).state
        else:
            meta = build.meta("toolchain", f"fetch the source of lib-{name}")
            state = checkout(build, _git(entry), meta)
    archive = scratch().mkfile(
        "/name",
        entry["archive"],
        timestamp=0,
        meta=build.meta("toolchain", f"name {name}'s source"),
    )
    return [
        Mount.bind(f"/origins/{name}/{entry['unpacked']}", state, output=False),
        Mount.bind(f"/origins/{name}.archive", archive, "/name", readonly=True),
    ]


def _git(entry: dict[str, str]) -> GitSource:
    return GitSource(Text(entry["git"]), Text(entry["ref"]), Text(entry["commit"]))
