"""Ops that put filesystems together without copying: merge, diff and passthrough."""

from collections.abc import Iterator
from dataclasses import dataclass

from llb.caps import Cap
from llb.vertex import Output, Vertex


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MergeOp(Vertex):
    """Filesystems laid one upon the other, the last on top; at least two."""

    layers: tuple[Output, ...]

    @property
    def inputs(self) -> tuple[Output, ...]:
        return self.layers

    def capabilities(self) -> Iterator[str]:
        yield Cap.MERGE

    def describe(self) -> str:
        return "merge"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class DiffOp(Vertex):
    """What `upper` has and `lower` has not, deletions included; None is the empty filesystem."""

    lower: Output | None
    upper: Output | None

    @property
    def inputs(self) -> tuple[Output, ...]:
        return tuple(edge for edge in (self.lower, self.upper) if edge is not None)

    def capabilities(self) -> Iterator[str]:
        yield Cap.DIFF

    def describe(self) -> str:
        return "diff"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PassthroughOp(Vertex):
    """The first input, unchanged, once the others have been built too. `id` names the relation."""

    id: str
    subject: Output
    required: tuple[Output, ...]

    @property
    def inputs(self) -> tuple[Output, ...]:
        return (self.subject, *self.required)

    def capabilities(self) -> Iterator[str]:
        yield Cap.PASSTHROUGH

    def describe(self) -> str:
        return f"require {self.id}"
