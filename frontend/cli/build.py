"""`hutch build`: `docker buildx build` with hutch's frontend, whatever is there to build with."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence

from frontend.cli import buildfile, buildx
from frontend.cli.options import parser as make
from frontend.images import docker

ALONE = frozenset(
    """--check --load --no-cache --pull --push --quiet -q --debug -D --help -h --compress --force-rm
    --rm --squash""".split()
)
"""Flags of buildx that take no value; of others the next word is one."""

_VALUED = frozenset(
    """--add-host --allow --annotation --attest --build-arg --build-context --builder --cache-from
    --cache-to --call --cgroup-parent --iidfile --label --metadata-file --network
    --no-cache-filter --output -o --platform --progress --provenance --sbom --secret --shm-size
    --ssh --tag -t --target --ulimit --cpu-period --cpu-quota --cpu-shares -c --cpuset-cpus
    --cpuset-mems --isolation --memory -m --memory-swap --security-opt""".split()
)
"""Flags of buildx that take one, those that its help hides, too; of others it is asked."""


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
        "--frontend", metavar="IMAGE", help=f"hutch's frontend (default: {buildfile.FRONTEND})"
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
    mine: list[str] = []
    passed: list[str] = []
    paths: list[str] = []
    strange: list[str] = []
    pending = iter(words)
    for given in pending:
        *alone, word = _singly(given)
        for each in alone:
            (mine if each == "-h" else passed).append(each)
        name = word.partition("=")[0]
        if word in ("--run", "--enter", "-h", "--help"):
            mine.append(word)
        elif name in ("--frontend", "--file") or word[:2] == "-f":
            mine.append(word)
            if "=" not in word and word in ("--frontend", "--file", "-f"):
                mine += itertools.islice(pending, 1)
        elif word == "-" or not word.startswith("-"):
            paths.append(word)
        else:
            passed.append(word)
            name = name if word.startswith("--") else word[:2]
            if name not in ALONE | _VALUED:
                strange.append(name)
            if name == word and word not in ALONE:
                value = [*itertools.islice(pending, 1)]
                if not value and word in _VALUED:
                    ours.error(f"argument {word}: expected one argument")
                passed += value
    options = ours.parse_args([*mine, *(["--"] if paths else []), *paths])
    if after and not options.run:
        why = "what follows -- is for --run"
        ours.error(why)
    if options.run and (
        asks := [
            each for each in passed if each in ("--check", "--call") or each.startswith("--call=")
        ]
    ):
        ours.error(f"{asks[0].partition('=')[0]} builds nothing that --run could boot")
    options.passed, options.run_options, options.strange = tuple(passed), after, strange
    return options


def _singly(word: str) -> Iterator[str]:
    """The flags of a word like `-qt`, each with its dash; the last may have its value."""
    while word[:1] == "-" and word[1:2] in ("D", "h", "q") and word[2:3] not in ("", "="):
        yield word[:2]
        word = f"-{word[2:]}"
    yield word


def _refuse_strange(names: list[str], found: docker.Docker) -> None:
    """Raise SystemExit where a flag is not in what this machine's buildx lists either."""
    known = set(found.ask("buildx", "build", "--help").stdout.replace(",", " ").split())
    for name in names:
        if known and name not in known:
            parser().error(f"neither hutch nor docker buildx build has an option {name}")


def run(options: argparse.Namespace) -> int:
    """Build, and boot the result if that is asked for."""
    found = docker.find() if options.strange else None
    if found is not None:
        _refuse_strange(options.strange, found)
    file, context = buildx.where(options.path, options.file)
    request = buildx.Request(options.passed, file, context, options.frontend, options.enter)
    found = found or docker.find()
    if options.enter:
        found = found.experimental()
    if not options.run:
        return found.run(*buildx.words(request, found))
    from frontend.cli import run as boots

    told = boots.parser().parse_args([*options.run_options, context])
    with buildx.built(request, found) as images:
        return 1 if images is None else boots.boot_images(images, told)
