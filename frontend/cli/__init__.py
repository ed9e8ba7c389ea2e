"""The command line, `hutch VERB`: one module for each verb, imported when it is asked for.

A verb's module has `parser()`, which says what the verb takes, and `run(options)`, which does it
and returns the exit status; where the parser alone cannot read the words, `parse(words)` does.
`COMMON` are the statuses that every verb shares.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from frontend._version import __version__

if TYPE_CHECKING:
    import argparse

VERBS: Mapping[str, str] = {
    "init": "write a first bunnyfile for what is in a directory",
    "check": "read a build file and say what is wrong with it",
    "plan": "show what would be built",
    "llb": "show the build graph",
    "build": "build an image, with the builder that is there",
    "run": "boot an image here, as urunc would",
    "dev": "build and boot, and again after each change",
    "bench": "measure how fast an image boots",
    "lock": "pin what a bunnyfile leaves open, in a file beside it",
    "kernel": "show what a kernel's bytes are, and what of it runs",
    "inspect": "show what an image is, and what it tells the runtime",
    "diff": "show what changed from one image to another",
    "push": "write an image of a file, or of Docker, to a registry",
    "copy": "copy an image from one registry to another",
    "attach": "attach a file to an image in a registry",
    "migrate": "write a file of bunny, kraft or smolBSD as a bunnyfile of version v1",
    "frameworks": "show what each framework can do",
    "schema": "print the JSON Schema of a bunnyfile",
    "completion": "print the completion script of a shell",
}
"""Each verb, and what it does in a line."""

COMMON: Mapping[int, str] = {
    0: "it worked",
    1: "the file or the image is wrong, or could not be read",
    2: "the command line is wrong",
    130: "it was interrupted",
    141: "nobody reads the output any more",
}
"""The exit statuses of every verb that does not say others."""

_DESCRIPTION = "Kernels and unikernels, built the way containers are built."
_EPILOG = "`hutch VERB --help` says more of a verb, with an example."


class Verb(Protocol):
    """What the module of a verb has."""

    def parser(self) -> argparse.ArgumentParser:
        """What it takes."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it. Returns the exit status; raises Problems, or OSError with a line for the user."""


def verb(name: str) -> Verb:
    """The verb called `name`, a key of `VERBS`. Raises ModuleNotFoundError where it is left out."""
    return cast("Verb", import_module(f"frontend.cli.{name}"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status. Raises SystemExit as argparse does."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise
        _forget_output()
        return 141
    return status


def _run(words: list[str]) -> int:
    name = words[0] if words else ""
    if name not in VERBS:
        parser = _parser()
        if not name.startswith("-"):
            from frameworks.diagnostics import did_you_mean

            if not name:
                parser.print_help(sys.stderr)
                return 2
            parser.error(f"no verb '{name}': {did_you_mean(name, VERBS)}")
        parser.parse_args(words)
        parser.exit(2, f"{parser.format_usage()}hutch: a verb comes before its options\n")
    try:
        chosen = verb(name)
    except ModuleNotFoundError as missing:
        if missing.name != f"frontend.cli.{name}":
            raise
        # The frontend image leaves out what builds do not need.
        return complain(f"the frontend image has no `{name}`: install hutch on this machine")
    from frameworks.diagnostics import Problems

    parse = getattr(chosen, "parse", None) or chosen.parser().parse_args
    options = parse(words[1:])
    try:
        return chosen.run(options)
    except Problems as problems:
        from frontend.bunnyfile.render import render

        print(render(problems.diagnostics), file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        return complain(reason(error))


def complain(why: str, status: int = 1) -> int:
    """Say on standard error why a verb stops; returns `status`."""
    from llb.masked import printable

    print(f"hutch: {printable(why)}", file=sys.stderr)
    return status


def reason(error: OSError) -> str:
    """An error of the system in words, without its number."""
    if error.strerror is None:
        return str(error)
    said = error.strerror[:1].lower() + error.strerror[1:]
    return f"{error.filename}: {said}" if error.filename is not None else said


def _parser() -> argparse.ArgumentParser:
    """What takes the words before a verb, and answers for a wrong one."""
    import argparse

    width = max(map(len, VERBS)) + 2
    listed = "\n".join(f"  {name:<{width}}{what}" for name, what in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="hutch",
        usage="hutch [-h] [--version] VERB ...",
        description=f"{_DESCRIPTION}\n\nverbs:\n{listed}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hutch {__version__}")
    return parser


def _forget_output() -> None:
    """Give nobody's output to nobody, so that Python's end does not fail at it."""
    with contextlib.suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
