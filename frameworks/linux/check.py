"""What is wrong with a plan for Linux, as far as can be told before anything is fetched."""

from __future__ import annotations

import re

from frameworks.base import Plan
from frameworks.diagnostics import Collector, Diagnostic, did_you_mean
from frameworks.kit.options import check_options, code, lost, option_name
from frameworks.linux.configs import DEFAULT, LAYERS, TARGETS, fragments
from frameworks.linux.roots import ways
from frameworks.linux.versions import versions
from frameworks.rootfs.filesystems import TABLE
from frameworks.runtime import RUNTIME
from frameworks.spec import Kernel

_FILE = re.compile(r"[./]")


def check_kernel(plan: Plan, kernel: Kernel, problems: Collector) -> None:
    """Note what the recipe cannot build of a plan whose `kernel` is from source."""
    _check_version(plan, kernel, problems)
    said = kernel.config
    if said is not None and not _FILE.search(said) and said not in (*LAYERS, *TARGETS):
        problems.error(
            "unknown-value",
            f"there is no kernel configuration called '{said}'",
            hint=did_you_mean(
                said,
                [*LAYERS, *TARGETS],
                "A file of the context has a dot or a slash in its name.",
            ),
            at=said.at,
        )
    check_options(kernel, problems)
    _check_rootfs(plan, kernel, problems)
    _check_network(plan, kernel, problems)
    if kernel.cmdline is not None:
        if character := code("CMDLINE", kernel.cmdline):
            problems.error(
                "bad-value",
                f"kernel.cmdline has a '{character}', which the kernel's build would run",
                hint="give what has one at boot",
                at=kernel.cmdline.at,
            )
        elif not kernel.cmdline.isprintable() or not kernel.cmdline.isascii():
            problems.error(
                "bad-value",
                "kernel.cmdline has characters that no kernel command line can hold",
                hint="one line of ASCII",
                at=kernel.cmdline.at,
            )
        elif not plan.architecture.linux.joins_cmdline:
            problems.warn(
                "IgnoredKey",
                f"on {plan.architecture.name} kernel.cmdline counts only while the monitor gives "
                f"no command line, and {RUNTIME.name} always gives one",
                hint="set what it is for with kernel.options",
                at=kernel.cmdline.at,
            )


def _check_version(plan: Plan, kernel: Kernel, problems: Collector) -> None:
    """Without a source of the user's own, the version has to be one that we have a source for."""
    version = plan.version
    if version is None or kernel.source is not None:
        return
    known = versions().series
    name = ".".join(version.split(".")[:2])
    if name not in known:
        problems.error(
            "unknown-value",
            f"there is no pinned source of Linux {version}",
            hint=f"one of: {', '.join(known)}; or say where it is under kernel.source",
            at=version.at,
        )
    elif version != name and not known[name].version.startswith((f"{version}-", f"{version}.")):
        problems.error(
            "unknown-value",
            f"Linux {name} is pinned to {known[name].version}, not {version}",
            hint=f'write version: "{name}", or say where {version} is under kernel.source',
            at=version.at,
        )


def _check_rootfs(plan: Plan, kernel: Kernel, problems: Collector) -> None:
    """A kernel that cannot mount its root panics at boot, where few will see why.

    Only of our own configurations, and those that are empty, is it known what they have; fragments
    of the user's may add what they lack.
    """
    rootfs, said = plan.rootfs, kernel.config or DEFAULT
    if (
        rootfs.type is None
        or kernel.fragments
        or said not in (*LAYERS, "tinyconfig", "allnoconfig")
    ):
        return
    has = _options(plan, kernel, str(said))
    what, at = f"a root filesystem of type '{rootfs.type}'", rootfs.type.at
    filesystem = ""
    # What a prebuilt image holds is not known here.
    if rootfs.type == "block" and rootfs.filesystem is not None and rootfs.path is None:
        filesystem = str(rootfs.filesystem)
        if filesystem not in TABLE:
            return  # which is an error already
        what = f"{what} with {filesystem}"
        if rootfs.filesystem.at != rootfs.at:  # where the file names it
            at = rootfs.filesystem.at
    needed = ways(rootfs.type, plan.monitor, filesystem, ours=True)
    if not needed or any(way <= has for way in needed):
        return
    more = said == DEFAULT or DEFAULT in LAYERS.get(str(said), ())
    cure = "turn that on in kernel.options" if more else "the default configuration has that"
    problems.error(
        "unsupported-rootfs",
        f"a kernel of the configuration '{said}' cannot mount {what}",
        hint=f"it lacks {', '.join(sorted(needed[0] - has))}: {cure}",
        at=at,
        without=("rootfs",),
    )


def _check_network(plan: Plan, kernel: Kernel, problems: Collector) -> None:
    """Who names ports listens on them; as for a root, only our own configurations are known."""
    ports, said = plan.settings.ports, kernel.config or DEFAULT
    if not ports or kernel.fragments or said not in (*LAYERS, "tinyconfig", "allnoconfig"):
        return
    lacking = {"NET", "INET", "VIRTIO_NET"} - _options(plan, kernel, str(said))
    if lacking:
        problems.warn(
            "NoNetwork",
            f"a kernel of the configuration '{said}' has no network here: nothing answers on ports",
            hint=f"it lacks {', '.join(sorted(lacking))}; the configuration '{DEFAULT}' has that",
            at=ports[0].at,
        )


def _options(plan: Plan, kernel: Kernel, config: str) -> set[str]:
    """What a kernel of a named configuration has, with the file's options."""
    has = set[str]()
    if config in LAYERS:
        for _, text in fragments(config, plan.platform.architecture, plan.monitor):
            has.update(re.findall(r"^CONFIG_(\w+)=y$", text, re.MULTILINE))
    for option in kernel.options:
        (has.discard if option.value in (False, "n") else has.add)(option_name(option))
    return has


def explain(report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
    """The diagnostics of a build's configuration report (`Linux.report`), at the file's lines.

    Each option that was asked for and not kept becomes one, in the report's order.
    """
    kernel = plan.kernel
    assert kernel is not None
    return lost(report, plan, f"configuration {kernel.config or DEFAULT}")
