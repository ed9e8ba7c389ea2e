"""What is wrong with a plan for Linux, as far as can be told before anything is fetched."""

from __future__ import annotations

import re

from frameworks.base import Plan
from frameworks.diagnostics import Collector, Diagnostic, did_you_mean
from frameworks.linux.configs import DEFAULT, LAYERS, TARGETS
from frameworks.linux.kernel import OPTIONS, option_name
from frameworks.linux.versions import versions
from frameworks.spec import Kernel, Option

_NAME = re.compile(r"[A-Za-z0-9_]+")
_FILE = re.compile(r"[./]")


def check_plan(plan: Plan, problems: Collector) -> None:
    """Note what the recipe cannot build. A prebuilt kernel has nothing of this."""
    kernel = plan.kernel
    if kernel is None or kernel.from_ != "source":
        return
    _check_version(plan, kernel, problems)
    said = kernel.config
    if said is not None and not _FILE.search(said) and said not in (*LAYERS, *TARGETS):
        problems.error(
            "unknown-value",
            f"there is no kernel configuration called '{said}'",
            hint=did_you_mean(said, [*LAYERS, *TARGETS]) + " A file of the context has a dot or a "
            "slash in its name.",
            at=said.at,
        )
    for option in kernel.options:
        _check_option(option, problems)
    if kernel.cmdline is not None:
        if not kernel.cmdline.isprintable() or not kernel.cmdline.isascii():
            problems.error(
                "bad-value",
                "kernel.cmdline has characters that no kernel command line can hold",
                hint="one line of ASCII",
                at=kernel.cmdline.at,
            )
        elif plan.platform.architecture == "arm64":
            problems.warn(
                "IgnoredKey",
                "on arm64 kernel.cmdline counts only while the monitor gives no command line, and "
                "urunc always gives one",
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


def _check_option(option: Option, problems: Collector) -> None:
    at = option.name.at
    name = option_name(option)
    if not _NAME.fullmatch(name):
        problems.error(
            "bad-value",
            f"'{option.name}' is no name of a kernel option",
            hint="letters, digits and _, as in the kernel's Kconfig files",
            at=at,
        )
    if option.value == "m":
        problems.error(
            "bad-value",
            f"{name} cannot be a module: no module is ever loaded in these guests",
            hint="write true to build it in",
            at=at,
        )
    if isinstance(option.value, str) and not option.value.isprintable():
        problems.error(
            "bad-value",
            f"the value of {name} has a character that a kernel configuration cannot hold",
            at=at,
        )


def explain(report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
    """The diagnostics of a build's configuration report (`Linux.report`), at the file's lines.

    Each option that was asked for and not kept becomes one, in the report's order.
    """
    from frameworks.linux.kconfig import read_report

    kernel = plan.kernel
    assert kernel is not None
    found = []
    by_name = {option_name(option): option for option in kernel.options}
    for loss in read_report(report):
        at, where = kernel.config.at if kernel.config is not None else kernel.at, ""
        folder, _, name = loss.fragment.partition("/")
        if name == OPTIONS and loss.option in by_name:
            at = by_name[loss.option].name.at
        elif folder == "theirs":
            fragment = kernel.fragments[int(name)]
            at, where = fragment.at, f" ({fragment}, line {loss.line})"
        elif folder == "ours":
            config = kernel.config or DEFAULT
            where = f" (configuration {config}, {name}, line {loss.line})"
        hint = f"did you mean {loss.nearest}?" if loss.nearest else ""
        message = f"the kernel has no {loss.option}={loss.wanted}{where}: {loss.why(near=False)}"
        found.append(Diagnostic("lost-option", message, hint, at, plan.file))
    return tuple(found)
