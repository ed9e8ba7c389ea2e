"""`hutch init`: a first bunnyfile, for what is in a directory."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Collection
from pathlib import Path

from frameworks.first import FIRST
from frontend.cli import complain, projects
from frontend.cli.options import parser as make
from frontend.cli.options import port_number, value
from frontend.cli.projects import KINDS, Kind
from llb.masked import printable

NAME = "bunnyfile"
SCHEMA = "bunnyfile.schema.json"

_HEAD = """\
{check}# yaml-language-server: $schema={schema}
# {summary}
# Build and boot it: hutch build --run {place}
version: v1

platforms:
  {platform}
  {monitor}
{toolchain}
kernel:
  {kernel}
"""


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "init",
        """
        It looks at the directory (a Dockerfile or Containerfile, go.mod, Cargo.toml, package.json,
        MirageOS's config.ml or dune files, Makefile.uk, a Makefile, C files), asks what it found
        out, and writes a bunnyfile with comments, which `hutch check` accepts. What it had to guess
        is said on standard error.

        In a directory where it finds nothing that it knows, the language that is chosen, there or
        with --language, gets a first program, too: one that prints hello.
        """,
        examples=(
            "hutch init",
            "hutch init --yes --language go --framework freebsd --port 8080 service",
        ),
        statuses={
            1: "there is a bunnyfile already, nothing that it knows, or a project that it cannot "
            "read",
            130: "it was interrupted: Ctrl-C, or Ctrl-D at a question",
        },
    )
    made.add_argument("directory", nargs="?", default=".", metavar="DIR", help="where (.)")
    made.add_argument("-y", "--yes", action="store_true", help="ask nothing")
    made.add_argument(
        "--framework",
        choices=list(FIRST),
        help="what it runs on (linux, or what the language is for)",
    )
    made.add_argument("--language", choices=list(KINDS), help="what it is (what is found)")
    made.add_argument(
        "--port", type=value(port_number), metavar="PORT", help="the port it listens on"
    )
    made.add_argument(
        "--force", action="store_true", help="write over a bunnyfile and a schema that are there"
    )
    made.add_argument(
        "--schema",
        default=SCHEMA,
        metavar="PATH",
        help=f"where an editor finds the schema ({SCHEMA})",
    )
    return made


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    folder = Path(options.directory)
    if not folder.is_dir():
        raise OSError(f"'{folder}' is no directory")
    file = folder / NAME
    if file.exists() and not options.force:
        old = projects.is_old(file)
        hint = "it is of version v0.1: `hutch migrate` makes it v1" if old else "--force"
        raise OSError(f"there is a {NAME} in '{folder}' already ({hint})")
    try:
        kind, framework, port = _chosen(options, folder)
    except EOFError:
        # The terminal is still in the question's line.
        print()
        return complain("a question has no answer, and nothing is written", 130)
    first = [] if kind.shows(folder) else projects.start(kind, folder)
    runs = FIRST[framework]
    made = kind.write(folder, runs)
    place = shlex.quote(options.directory)
    text = _HEAD.format(
        check=runs.check,
        schema=printable(options.schema),
        summary=made.summary,
        place=printable(place),
        platform=runs.platform,
        monitor=runs.monitor,
        toolchain=runs.toolchain,
        kernel=runs.kernel,
    )
    text += made.text
    if port is not None:
        text += f'\nports: ["{port}/tcp"]            # hutch run -p {port}:{port} leads here\n'
    try:
        file.write_bytes(text.encode())
    except UnicodeEncodeError:
        raise OSError(f"'{folder}' has a file whose name is not UTF-8") from None
    for path in first:
        print(f"wrote {printable(str(path))}: a first program")
    print(f"wrote {printable(str(file))}: {made.summary}")
    schema = folder / SCHEMA
    if options.schema == SCHEMA and (options.force or not schema.exists()):
        from frontend.bunnyfile import editor

        schema.write_text(editor.text(), encoding="utf-8")
        print(f"wrote {printable(str(schema))}: what an editor reads, as `hutch schema` prints it")
    for note in (*made.notes, *projects.others(folder)):
        complain(note)
    print(f"next: hutch build --run {printable(place)}")
    return 0


# --- what is chosen ---


def _chosen(options: argparse.Namespace, folder: Path) -> tuple[Kind, str, int | None]:
    """What it is, what it runs on, and its port. Raises OSError, and EOFError at a question."""
    asks = not options.yes and sys.stdin.isatty()
    found = projects.found(folder, options.framework)
    name: str | None = options.language or (found.name if found else None)
    if options.language is None and asks:
        name = _ask_kind(folder, found)
    if name is None:
        others = projects.others(folder)
        said = "; ".join(others) if others else f"choose with --language: {', '.join(KINDS)}"
        raise OSError(f"'{folder}' has nothing that is known: {said}")
    kind = KINDS[name]
    if (wrong := _unfit(kind, folder, found)) is not None:
        raise OSError(wrong)
    framework: str = options.framework or kind.frameworks[0]
    if framework not in kind.frameworks:
        known = " or ".join(kind.frameworks)
        raise OSError(f"'{folder}' is {kind.about}: its framework is {known}, not {framework}")
    port: int | None = options.port
    if asks:
        if options.framework is None and len(kind.frameworks) > 1:
            framework = _ask("What does it run on", kind.frameworks, framework)
        if port is None:
            port = _ask_port()
    return kind, framework, port


def _unfit(kind: Kind, folder: Path, found: Kind | None) -> str | None:
    """Why a directory cannot be of a kind: it has no file of it, and is to get none."""
    if kind.shows(folder) or (found is None and kind.starts):
        return None
    said = f"'{folder}' does not look like {kind.about}"
    return said if found is None else f"{said}, but like {found.about}"


def _ask_kind(folder: Path, found: Kind | None) -> str:
    while True:
        name = _ask("What is it", KINDS, found.name if found else "c")
        wrong = _unfit(KINDS[name], folder, found)
        if wrong is None:
            return name
        print(wrong)


def _ask(what: str, known: Collection[str], default: str) -> str:
    while True:
        answer = input(f"{what}? ({', '.join(known)}) [{default}] ").strip() or default
        if answer in known:
            return answer


def _ask_port() -> int | None:
    while True:
        answer = input("Which port does it listen on? [none] ").strip()
        if not answer or answer == "none":
            return None
        try:
            return port_number(answer)
        except ValueError as error:
            print(error)
