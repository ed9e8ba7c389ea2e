"""`hutch build`: `docker buildx build` with hutch's frontend, whatever is there to build with."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from frontend.cli import buildx
from frontend.cli.options import parser as make
from frontend.images import docker

ALONE = frozenset(
    """--check --load --no-cache --pull --push --quiet -q --debug -D --help -h --compress --force-rm
    --rm --squash""".split()
)
"""Flags of buildx that take no value; of others the next word is one."""


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "build",
        """
        Every option that is not listed here is one of `docker buildx build`, and means what it
        means there. FILE is a build file, or a directory with one, which is the build context. The
        file needs no `# syntax=` line: one that it has is obeyed, and else the frontend is the
        image that --frontend or HUTCH_FRONTEND names.

        Words after `--` are options of `hutch run` for --run.
        """,
        examples=(
            "hutch build -t hello:1 .",
            "hutch build -f bunnyfile --platform arm64 --push -t registry.example/hello:1 .",
            "hutch build --run . -- -p 8080:80",
        ),
        statuses={
            0: "it worked; with --run the guest's command ended with 0",
            1: "the build failed, or nothing can build; with --run others are those of `hutch run`",
            141: "",
        },
    )
    made.usage = "hutch build [OPTION ...] [FILE | DIR | URL | -] [-- RUN-OPTION ...]"
    made.add_argument(
        "path", nargs="?", metavar="FILE", help="a build file or the build context (default: .)"
    )
    made.add_argument("-f", "--file", metavar="FILE", help="the build file")
    made.add_argument("--run", action="store_true", help="boot what was built")
    made.add_argument(
        "--frontend", metavar="IMAGE", help=f"hutch's frontend (default: {buildx.VARIABLE})"
    )
    made.add_argument(
        "--enter",
        action="store_true",
        help="open a shell in a step that fails, by the builder's debugger",
    )
    return made


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line; what is not ours is buildx's. Raises SystemExit as argparse does."""
    ours = parser()
    words = list(words)
    after: list[str] = []
    if "--" in words:
        at = words.index("--")
        words, after = words[:at], words[at + 1 :]
    mine, passed, paths = [], [], []
    pending = iter(words)
    for word in pending:
        name = word.partition("=")[0]
        if word in ("--run", "--enter", "-h", "--help"):
            mine.append(word)
        elif name in ("--frontend", "--file") or word[:2] == "-f":
            mine.append(word)
            if "=" not in word and word in ("--frontend", "--file", "-f"):
                mine += [next(pending, "")]
        elif word == "-" or not word.startswith("-"):
            paths.append(word)
        else:
            passed.append(word)
            whole = (word.startswith("--") and "=" in word) or (len(word) > 2 and word[1] != "-")
            if word not in ALONE and not whole:
                passed += [each for each in [next(pending, None)] if each is not None]
    options = ours.parse_args([*mine, *(["--"] if paths else []), *paths])
    if after and not options.run:
        why = "what follows -- is for --run"
        ours.error(why)
    options.passed, options.run_options = tuple(passed), after
    return options


def run(options: argparse.Namespace) -> int:
    """Build, and boot the result if that is asked for."""
    file, context = buildx.where(options.path, options.file)
    request = buildx.Request(options.passed, file, context, options.frontend, options.enter)
    found = docker.find()
    if options.enter:
        found = found.experimental()
    if not options.run:
        return found.run(*buildx.words(request, found))
    from frontend.cli import run as boots

    told = boots.parser().parse_args([*options.run_options, context])
    with buildx.built(request, found) as images:
        return 1 if images is None else boots.boot_images(images, told)
