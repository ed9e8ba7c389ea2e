"""Source maps: which lines of which file a step comes from.

BuildKit shows them when a step fails (`>>> 12 | ...`). They travel beside the ops, in
`Definition.Source`, so they change no digest (solver/pb/ops.proto).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file: `line` counts from 1, `character` from 0, as BuildKit counts."""

    line: int
    character: int = 0

    def __post_init__(self) -> None:
        if self.line < 1 or self.character < 0:
            raise ValueError(f"no such position: line {self.line}, character {self.character}")


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """A stretch of a file from `start` to `end`; `end` is not before `start`."""

    start: Position
    end: Position

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a range cannot end before it starts")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that the build was described in: its name, its bytes and its linguist language."""

    filename: str
    data: bytes
    language: str = "yaml"

    def __repr__(self) -> str:
        return f"SourceFile({self.filename!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Location:
    """Stretches of one file."""

    file: SourceFile
    ranges: tuple[Range, ...]

    def __str__(self) -> str:
        if not self.ranges:
            return self.file.filename
        return f"{self.file.filename}:{self.ranges[0].start.line}"
