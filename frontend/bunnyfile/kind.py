"""Bunnyfile or Dockerfile? Told from the first instruction, without parsing either.

And what stands beside a bunnyfile: its lock (`frontend.bunnyfile.lock`), which few have.
"""

from __future__ import annotations

import re
from typing import Literal

LOCK_FILE = ".lock"
"""What follows a bunnyfile's name in that of its lock file."""

MOST_LOCKED = 16 << 20
"""How many bytes a lock file may have: a hundred times what the packages of a desktop need."""

_INSTRUCTIONS = re.compile(
    r"ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL"
    r"|STOPSIGNAL|USER|VOLUME|WORKDIR"
)
_FIRST = re.compile(rb"(?P<word>[A-Za-z]+)[ \t]+\S")


def kind_of(data: bytes) -> Literal["bunnyfile", "dockerfile"]:
    """What a build file is. A Dockerfile's first instruction is FROM or ARG, in any case.

    Another instruction in capitals is a Dockerfile too, if a broken one: its own parser has the
    better words for that. Everything else is a bunnyfile, whose parser says what is wrong.
    """
    for raw in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = raw.strip()
        if not line or line.startswith(b"#"):
            continue
        found = _FIRST.match(line)
        if found is None:
            return "bunnyfile"
        word = found["word"].decode("ascii")
        rest = line[found.end("word") :].lstrip()
        if rest.startswith(b":"):
            return "bunnyfile"  # `from : x` is YAML
        if word.upper() in ("FROM", "ARG") or _INSTRUCTIONS.fullmatch(word):
            return "dockerfile"
        return "bunnyfile"
    return "bunnyfile"
