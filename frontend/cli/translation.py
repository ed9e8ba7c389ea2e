"""What a build file of another tool becomes: a bunnyfile, and what of the old one it lacks.

made = Translation("Kraftfile")
made.put("platforms", {"framework": "unikraft", "monitor": "qemu"})
made.note(4, "outdir", "say it to the build: --output")
made.text()       the new file, with the notes as comments at its end
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from frontend.cli.buildfile import LOCAL
from llb.masked import printable


@dataclass(frozen=True, slots=True)
class Note:
    """Something of the old file that the new one lacks: its line, its key, and what to do."""

    file: str
    line: int
    key: str
    advice: str

    def __str__(self) -> str:
        return printable(f"{self.file}:{self.line}: {self.key}: {self.advice}")


@dataclass(slots=True)
class Translation:
    """The sections of a new bunnyfile in their order, and the notes on the old one, `file`."""

    file: str
    sections: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def put(self, section: str, value: Any, *comments: str) -> None:
        """Say a section; None, and what is empty, leaves it out."""
        if value is None or value in ({}, [], ""):
            return
        self.sections[section] = value
        self.comments[section] = list(comments)

    def note(self, line: int, key: str, advice: str, file: str | None = None) -> None:
        """Note what is not carried over, at its line."""
        self.notes.append(Note(file or self.file, line, key, advice))

    def text(self) -> str:
        """The new file."""
        lines = [
            f"# syntax={LOCAL}",
            f"# What `hutch migrate` made of {printable(self.file)}.",
            "version: v1",
        ]
        for section, value in self.sections.items():
            lines += ["", *(f"# {printable(each)}" for each in self.comments[section])]
            lines += yaml(section, value)
        if self.notes:
            lines += ["", "# Not carried over:", *(f"#   {each}" for each in self.notes)]
        return "\n".join(lines) + "\n"


def yaml(key: str, value: Any) -> list[str]:
    """A key with its value, in YAML as people write it."""
    name = scalar(key)
    if isinstance(value, dict):
        below = [
            line for inner, each in value.items() if each is not None for line in yaml(inner, each)
        ]
        return [f"{name}:", *(f"  {line}" for line in below)]
    if isinstance(value, list | tuple):
        if any(isinstance(each, dict) for each in value):
            return [f"{name}:", *(f"  {line}" for each in value for line in _item(each))]
        return [f"{name}: [{', '.join(json.dumps(str(each)) for each in value)}]"]
    return [f"{name}: {scalar(value)}".rstrip()]


def _item(value: Any) -> Iterator[str]:
    """An item of a list, on lines of its own."""
    if not isinstance(value, dict):
        yield f"- {json.dumps(str(value))}"
        return
    first, *rest = (f"{scalar(key)}: {scalar(each)}" for key, each in value.items())
    yield f"- {first}"
    yield from (f"  {line}" for line in rest)


def scalar(value: Any) -> str:
    """A value as it is where YAML reads it as the same, else between quotes."""
    from ruamel.yaml import YAML

    if value is EMPTY:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    plain = text and text[0] not in "-?:,[]{}#&*!|>'\"%@` " and not text.endswith((" ", ":"))
    if plain and text.isprintable() and ": " not in text and " #" not in text:
        read = YAML(typ="safe", pure=True).load(text)
        if read == (value if isinstance(value, int) else text):
            return text
    return json.dumps(text)


EMPTY = object()
"""The value of a key that has nothing behind it."""
