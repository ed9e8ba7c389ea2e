"""What several verbs take: a parser with an example and its exit statuses, a file, a platform."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable, Mapping
from typing import TypeVar

from frontend.cli import COMMON, VERBS
from llb import Platform

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """A verb's parser: `examples` are commands to copy, `statuses` what it exits with."""

    examples: tuple[str, ...]
    statuses: Mapping[int, str]


def parser(
    name: str,
    more: str = "",
    *,
    examples: tuple[str, ...],
    statuses: Mapping[int, str] | None = None,
) -> Parser:
    """The parser of a verb, without its options. `more` is said after the verb's own line.

    `statuses` take the place of those of `COMMON` with the same number; "" leaves one out.
    """
    said = {**COMMON, **(statuses or {})}
    said = {number: said[number] for number in sorted(said) if said[number]}
    summary = VERBS[name.split()[0]]
    text = f"{summary[:1].upper()}{summary[1:]}." + (f"\n\n{_filled(more)}" if more else "")
    shown = "\n".join(f"  {line}" for line in examples)
    listed = "\n".join(f"  {number:<4} {what}" for number, what in said.items())
    made = Parser(
        prog=f"hutch {name}",
        description=text,
        epilog=f"example{'s' if len(examples) > 1 else ''}:\n{shown}\n\nexit status:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.examples = examples
    made.statuses = said
    return made


def _filled(text: str) -> str:
    paragraphs = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(each.split()), 78) for each in paragraphs)


def value(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read` as an argument's type, whose ValueError is the message that argparse prints."""

    def convert(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def port_number(text: str) -> int:
    """A port's number."""
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise ValueError(f"'{text}' is no port: a number up to 65535")
    return int(text)


def host() -> Platform:
    """The platform of this machine."""
    return Platform.parse(f"linux/{os.uname().machine}")


_SHORT = ("amd64", "arm64", "x86_64", "x86-64", "aarch64")
"""Processors that can be named alone, as Docker takes them (containerd/platforms: Parse)."""


@value
def platform(text: str) -> Platform:
    """A platform as Docker takes it: `linux/arm64`, `arm64` alone, or `local`."""
    if text == "local":
        return host()
    if text.lower() in _SHORT:
        return Platform("linux", text)
    if text.lower() == host().os:
        return host()
    if "/" not in text:
        alone = ", ".join(_SHORT)
        raise ValueError(f"'{text}' is none of {alone}, and others are written as linux/{text}")
    return Platform.parse(text)


def add_platform(
    to: argparse._ActionsContainer, help: str = "such as linux/arm64, or arm64"
) -> None:
    """Add `--platform`."""
    to.add_argument("--platform", type=platform, metavar="PLATFORM", help=help)


def add_json(to: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    to.add_argument("--json", action="store_true", help="print JSON, for a program")
