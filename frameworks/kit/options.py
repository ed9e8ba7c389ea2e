"""`kernel.options` of a system with Kconfig: what is wrong with them, and what became of them.

    check_options(kernel, problems)         names and values, before anything is fetched
    [assignment(each) for each in options]  the lines of a fragment called `OPTIONS`
    lost(report, plan, ours)                what the configuration did not keep, at its lines

The steps in between are `frameworks.kit.steps.kconfig`.
"""

from __future__ import annotations

import re

from frameworks.base import Plan
from frameworks.diagnostics import Collector, Diagnostic
from frameworks.kit.checks import option_value
from frameworks.spec import Kernel, Option

OPTIONS = "options"
"""The name of the fragment that holds the file's single options, one a line, in their order."""

_NAME = re.compile(r"[A-Za-z0-9_]+")


def option_name(option: Option) -> str:
    """An option's name without the CONFIG_ that people may write."""
    return option.name.removeprefix("CONFIG_")


def assignment(option: Option) -> str:
    """An option as a line of a .config; `False` and "n" turn it off."""
    name, value = option_name(option), option.value
    if value is False or value == "n":
        return f"# CONFIG_{name} is not set"
    if value is True:
        return f"CONFIG_{name}=y"
    if isinstance(value, int):
        return f"CONFIG_{name}={value}"
    # Digits that the file has in quotes are a text, as of a version's name.
    if value == "y" or value.lower().startswith("0x"):
        return f"CONFIG_{name}={value}"
    return f"CONFIG_{name}={quote(value)}"


def quote(text: str) -> str:
    """A string as .config has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def check_options(kernel: Kernel, problems: Collector) -> None:
    """Note options that have no name of one, or a value that no configuration can hold."""
    for option in kernel.options:
        _check_option(option, problems)


def code(name: str, value: str) -> str:
    """The first character for which the kernel's build would run a part of an option's value."""
    from frameworks.kit import kconfig  # with json, for the few files that have texts

    return kconfig.code(name, value)


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
    found = code(name, option.value) if isinstance(option.value, str) else ""
    option_value(option, name, found, problems)


def lost(report: bytes, plan: Plan, ours: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of a report that `check` wrote, at the file's lines, in its order.

    `ours` says in words which configuration a fragment of hutch's is of.
    """
    from frameworks.kit.kconfig import read_report

    kernel = plan.kernel
    assert kernel is not None
    found = []
    by_name = {option_name(option): option for option in kernel.options}
    for loss in read_report(report):
        at, where = kernel.config.at if kernel.config is not None else kernel.at, ""
        folder, _, name = loss.fragment.partition("/")
        if name == OPTIONS and loss.option in by_name:
            at = by_name[loss.option].name.at
        elif folder == "base":
            where = f" ({kernel.config}, line {loss.line})"
        elif folder == "theirs":
            fragment = kernel.fragments[int(name)]
            at, where = fragment.at, f" ({fragment}, line {loss.line})"
        elif folder == "ours":
            where = f" ({ours}, {name}, line {loss.line})"
        hint = f"did you mean {loss.nearest}?" if loss.nearest else ""
        message = f"the kernel has no {loss.option}={loss.wanted}{where}: {loss.why(near=False)}"
        if loss.reason in ("syntax", "code"):
            message = f"{loss.why(near=False)}{where}"
        found.append(Diagnostic("lost-option", message, hint, at, plan.file))
    return tuple(found)
