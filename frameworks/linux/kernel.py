"""A kernel from its source tree: configuration, the check that it was kept, the build, the check of
the file.

    fragments ─merge─▶ request ─configure─▶ .config ─check─▶ report
                                               └─require(report)─▶ build ─check─▶ kernel

No vertex here depends on the application or the root filesystem.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from frameworks import kit
from frameworks.base import Build, File
from frameworks.kit import SourceTree, kconfig_steps
from frameworks.kit.options import assignment, quote
from frameworks.linux.configs import DEFAULT, LAYERS, TARGETS, fragments
from frameworks.linux.source import source
from frameworks.linux.toolchain import (
    linkers,
    make_variables,
    strip_command,
    toolchain,
)
from frameworks.runtime import monitors
from frameworks.runtime.monitors import Form
from frameworks.scripts import run_script, script
from frameworks.spec import Kernel
from llb import Mount, State, scratch

ENVIRONMENT = {
    "CCACHE_DIR": "/ccache",
    "CCACHE_MAXSIZE": "2G",
    # The list of headers that the compiler writes anyway stands in for a preprocessor run.
    "CCACHE_DEPEND": "true",
    # The path of the source is the same in every build, and so is its compiler.
    "CCACHE_NOHASHDIR": "true",
    "KBUILD_BUILD_USER": "hutch",
    "KBUILD_BUILD_HOST": "buildkit",
    "KBUILD_BUILD_VERSION": "1",
}
"""The environment of a kernel's `make`, without what is of one build."""

SIZES = "kernel-size.json"
"""The file that `sizes` gives."""

_CONFIG = "/config"
_STEPS = "frameworks.linux.steps.kconfig"


def kernel_file(build: Build) -> File:
    """The kernel in the form that the plan's monitor boots."""
    target = image_target(build)
    built, _ = _made(build, "build.sh", "/out/kernel", f"make {posixpath.basename(target)}")
    return kit.checked(build, built, "kernel")


def sizes(build: Build) -> File:
    """What the bytes of the kernel are, as JSON: see `frameworks.linux.steps.sizes`.

    The kernel is made as for an image, from the same objects, and linked once more with a map.
    """
    kernel = build.plan.kernel
    assert kernel is not None
    measured, config = _made(build, "measure.sh", "/out", "link it with a map")
    tree = source(build)
    counted = build.tool(
        "frameworks.linux.steps.sizes",
        [
            *("--source", "/src"),
            *("--srcarch", build.plan.architecture.linux.source),
            *("--config", f"{_CONFIG}/config"),
            *("--measured", "/measured"),
            *("--out", f"/out/{SIZES}"),
        ],
        mounts=[
            tree.mount("/src"),
            Mount.bind(_CONFIG, config, readonly=True),
            Mount.bind("/measured", measured, readonly=True),
            Mount.bind("/out", scratch()),
        ],
        meta=build.meta("kernel", "count its bytes", kernel.at),
    ).mount("/out")
    return File(counted, f"/{SIZES}")


def _made(build: Build, name: str, out: str, what: str) -> tuple[State, State]:
    """The directory that a script which builds the kernel leaves, and the kernel's `.config`."""
    plan = build.plan
    kernel = plan.kernel
    assert kernel is not None
    tools = toolchain(build)
    tree = source(build)
    config, report = configure(build, tree, tools)
    at = kernel.config or kernel.at
    kept = kconfig_steps.required(build, _STEPS, config, report, at)
    made = build.run(
        tools,
        run_script(
            name,
            f"{_CONFIG}/config",
            image_target(build),
            out,
            *make_variables(build, "ccache "),
        ),
        mounts=[
            *(script("frameworks.linux", each) for each in dict.fromkeys(("build.sh", name))),
            script("frameworks.kit", "progress.py"),
            tree.mount("/src"),
            Mount.bind(_CONFIG, kept, readonly=True),
            Mount.bind("/out", scratch()),
            kit.objects(build, "/o", tree.kind, _name(kernel)),
            build.cache("/ccache", "linux/ccache"),
        ],
        env={
            **ENVIRONMENT,
            "KBUILD_BUILD_TIMESTAMP": f"@{plan.timestamp}",
            "STRIP": strip_command(build),
            **({} if name == "build.sh" else {"LINKERS": " ".join(linkers(build))}),
        },
        meta=build.meta("kernel", what, kernel.at),
    )
    return made.mount("/out"), kept


def image_target(build: Build) -> str:
    """Which file of a kernel's build the monitor boots, relative to the object directory.

    Firecracker and Cloud Hypervisor enter an uncompressed ELF file, QEMU is quickest with what it
    was made for; on arm64 all three take the Image (docs/contract/urunc.md 2.3).
    """
    linux = build.plan.architecture.linux
    files: Mapping[Form, str] = {
        "bzimage": linux.image,
        "image": linux.image,
        "pvh": "vmlinux",
        "elf": "vmlinux",
    }
    return files[monitors.get(build.plan.monitor).forms(build.plan.architecture.name)[0]]


def report(build: Build) -> File:
    """The list of options that were not kept, as JSON; to read when `kernel_file` failed."""
    tools = toolchain(build)
    _, state = configure(build, source(build), tools)
    return File(state, "/report")


def configuration(build: Build) -> File:
    """The final .config of the kernel, for who wants to know what was built."""
    tools = toolchain(build)
    state, _ = configure(build, source(build), tools)
    return File(state, "/config")


def configure(build: Build, tree: SourceTree, tools: State) -> tuple[State, State]:
    """The `.config` (the file /config) and what it lacks of the requests (the file /report)."""
    kernel = build.plan.kernel
    assert kernel is not None
    at = kernel.config or kernel.at
    requests, paths = _requests(build, kernel)
    merged = kconfig_steps.merged(build, _STEPS, (tree.mount("/src"),), requests, paths, at)
    target, base, mounts = _base(build, kernel)
    variables = make_variables(build)
    # Apart from the requests, for it compiles the program that reads Kconfig.
    started = build.run(
        tools,
        ["/usr/bin/make", "-s", "-C", "/src", "O=/o", *variables, target],
        mounts=[tree.mount("/src"), Mount.bind("/o", scratch())],
        meta=build.meta("kernel", f"make {target}", at),
    ).mount("/o")
    config = build.run(
        tools,
        run_script("configure.sh", base, "/request/request", "/out/config", *variables),
        mounts=[
            script("frameworks.linux", "configure.sh"),
            tree.mount("/src"),
            *mounts,
            Mount.bind("/request", merged, readonly=True),
            Mount.bind("/out", scratch()),
            Mount.bind("/o", started),
        ],
        meta=build.meta("kernel", "make olddefconfig", at),
    ).mount("/out")
    checked = build.tool(
        _STEPS,
        [
            "check",
            *("--source", "/src"),
            *("--srcarch", build.plan.architecture.linux.source),
            *("--config", "/config/config"),
            *("--report", "/out/report"),
            *(("--base", base) if mounts else ()),
            *paths,
        ],
        mounts=[
            tree.mount("/src"),
            *requests,
            *mounts,
            Mount.bind(_CONFIG, config, readonly=True),
            Mount.bind("/out", scratch()),
        ],
        meta=build.meta("kernel", "check the configuration", at),
    ).mount("/out")
    return config, checked


def _name(kernel: Kernel) -> str:
    """The named configuration, or `file`: what keeps the objects of different kernels apart."""
    said = str(kernel.config) if kernel.config is not None else DEFAULT
    return said if said in LAYERS or said in TARGETS else "file"


def _base(build: Build, kernel: Kernel) -> tuple[str, str, list[Mount]]:
    """What the requests go over: a target of the kernel's own Makefile, then the file to take.

    The file is that target's result, or one of the context, which is mounted.
    """
    said = kernel.config
    if said is None or said in LAYERS:
        return "tinyconfig", "/o/.config", []
    if said in TARGETS:
        return str(said), "/o/.config", []
    context = build.inputs.context(said)
    mount = Mount.bind("/base", context, posixpath.join("/", said), readonly=True)
    return "tinyconfig", "/base", [mount]


def _requests(build: Build, kernel: Kernel) -> tuple[list[Mount], list[str]]:
    """The fragments in their order, mounted, and their paths: ours, then the user's."""
    said = str(kernel.config) if kernel.config is not None else DEFAULT
    ours = []
    if said in LAYERS:
        ours = fragments(said, build.plan.platform.architecture, build.plan.monitor)
    meta = build.meta("kernel", f"configuration {said}", kernel.config)
    return kconfig_steps.requests(build, ours, meta, option_lines(build, kernel))


def option_lines(build: Build, kernel: Kernel) -> list[str]:
    """The lines of the options' fragment: first the file's options in order, then `cmdline`'s."""
    lines = [assignment(option) for option in kernel.options]
    if kernel.cmdline:
        if build.plan.architecture.linux.joins_cmdline:
            lines.append("CONFIG_CMDLINE_BOOL=y")
        lines.append(f"CONFIG_CMDLINE={quote(kernel.cmdline)}")
    return lines
