"""Pictures of what the guests of examples print, each really booted by `hutch run`.

A server is asked something, and its answer stands below. An example whose sources are in Debian's
archive is built from its own files; of another one the image has to be given, as it came out of a
build elsewhere.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docs.site.hooks import ROOT, pictured
from docs.site.recorder import COLUMNS, Recorder
from docs.site.terminal import Frame, Line, Screen, animated

_FILES = ROOT / "examples"
_HOST = 8080
_ANSWERED = 600
_TALL = 1000
_FIRST, _LAST = 6, 26
"""Of a guest that prints more lines, only so many of the first and of the last are shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How an example is shown: `port` is a server's, `asks` are the command lines that are typed
    beside it, and `volume` is where it keeps its data."""

    port: int = 0
    asks: tuple[str, ...] = ()
    volume: str = ""


def _web(port: int, *more: str, volume: str = "") -> Shown:
    """A web server, which is asked for its first page and for `more`."""
    asks = tuple(f"curl -s http://localhost:{_HOST}/{path}" for path in ("", *more))
    return Shown(port, asks, volume)


_REDIS = rf"printf 'SET page 41\r\nINCR page\r\nQUIT\r\n' | curl -s telnet://localhost:{_HOST}"

EXAMPLES = {
    "linux-hello": Shown(),
    "linux-static-c": Shown(),
    "linux-arm64": Shown(),
    "linux-nginx-dockerfile": _web(80),
    "linux-python": _web(8000),
    "linux-redis": Shown(6379, (_REDIS,)),
    "go-http": _web(8080, "visits", "visits", volume="/data"),
    "netbsd-hello": Shown(),
    "netbsd-bozohttpd": _web(80),
    "freebsd-hello": Shown(),
    "freebsd-http": _web(8080),
    "rumprun-hello": Shown(),
    "rumprun-http": _web(80),
    "rumprun-darkhttpd": _web(8080),
    "mirage-hello": Shown(),
    "mirage-block": Shown(),
    "mirage-http": _web(80),
    "mirage-config": Shown(),
    "unikraft-hello": Shown(),
    "unikraft-http": _web(80),
    "unikraft-elfloader": _web(80),
}


def built_here() -> list[str]:
    """The examples that are built from what Debian has: the tests build them."""
    return [name for name in EXAMPLES if (_FILES / name / "test.toml").exists()]


def record(name: str, image: str | None, folder: Path, environ: Mapping[str, str]) -> Path:
    """Boot an example and write its picture; returns where that is.

    `image` is built from the example's files if it is not given. `folder` is empty, and `environ`
    has HUTCH_FRONTEND, Docker's command and hutch's. Raises SystemExit where a server is silent.
    """
    shown = EXAMPLES[name]
    place = folder / name
    shutil.copytree(_FILES / name, place)
    made = Recorder(place, dict(environ))
    if image is None:
        _build(made, name)
    else:
        made.quiet("docker", "pull", image)
        made.quiet("docker", "tag", image, name)
    try:
        if shown.port:
            volume = f" -v {shown.volume}" if shown.volume else ""
            _ask(made, f"hutch run -p {_HOST}:{shown.port}{volume} {name}", shown.asks)
        else:
            made.run(f"hutch run {name}")
    finally:
        made.quiet("docker", "image", "rm", "--force", name)
    lines = shortened(Screen(COLUMNS, _TALL).frames(made.events)[-1].lines)
    picture = pictured(name)
    title = f"{name}: what its guest prints"
    picture.write_text(animated([Frame(0, lines)], COLUMNS, len(lines), title=title))
    return picture


def shortened(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """A screen's lines without the empty ones at its end, and without the middle where it is long.

    A line says how many are left out.
    """
    last = max(number for number, line in enumerate(lines) if line)
    kept = lines[: last + 1]
    left = len(kept) - _FIRST - _LAST
    if left <= 1:
        return kept
    note: Line = ((f"({left} lines)", "#8b919c", False),)
    return (*kept[:_FIRST], note, *kept[-_LAST:])


def _build(made: Recorder, name: str) -> None:
    """Build an example as its README says, with this tree's frontend."""
    test = made.folder / "test.toml"
    inputs = tomllib.loads(test.read_text()).get("inputs") if test.exists() else None
    if inputs:
        made.quiet("docker", "buildx", "build", "-f", inputs, "-o", ".", ".")
    frontend = f"BUILDKIT_SYNTAX={made.environ['HUTCH_FRONTEND']}"
    words = ("-f", "bunnyfile", "--provenance=false", "--load", "-t", name, ".")
    made.quiet("docker", "buildx", "build", "--build-arg", frontend, *words)


def _ask(made: Recorder, line: str, asks: tuple[str, ...]) -> None:
    """Start a server, and ask it as soon as it answers."""

    def answer(ask: str) -> str:
        done = subprocess.run(
            ["sh", "-c", ask], cwd=made.folder, env=made.environ, capture_output=True, text=True
        )
        return done.stdout if done.returncode == 0 else ""

    with made.start(line) as terminal:
        deadline = time.monotonic() + _ANSWERED
        while not (first := answer(asks[0])):
            made.meanwhile(terminal, 1)
            if time.monotonic() > deadline:
                raise SystemExit(f"{line}: no answer to {asks[0]}")
        made.meanwhile(terminal, 2)
        made.put("\n\x1b[2m(in another terminal)\x1b[0m\n", 1.0)
        for number, ask in enumerate(asks):
            made.type(ask)
            text = answer(ask) if number else first
            made.put(text if text.endswith("\n") else f"{text}\n")
