"""Graphs that others marshalled, as a vertex of ours.

A nested solve gives its result with a Definition, and a daemon gives a frontend the Definition of
the frontend's own image. To build on them their ops must stay as they are, byte for byte: another
serialisation has other digests, and then their metadata and source maps are lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llb.platform import Platform
from llb.vertex import Output, Vertex

if TYPE_CHECKING:
    from llb.definition import Definition


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ForeignOp(Vertex):
    """All the ops of a definition but its terminal; `head` is the digest of the one it is about."""

    definition: "Definition"
    head: str

    @property
    def inputs(self) -> tuple[Output, ...]:
        return ()

    def capabilities(self) -> Iterator[str]:
        # Whoever marshalled it has seen to that; the daemon looks once more.
        return iter(())

    def describe(self) -> str:
        return f"definition of {self.head}"


def load(definition: "Definition") -> tuple[Output | None, Platform | None]:
    """Return the edge that a definition is about, and its platform; twice None for scratch.

    Raises InvalidDefinition if its terminal or its head is missing.
    """
    if definition.is_empty:
        return None, None
    platform = definition.platform
    op = ForeignOp(definition=definition, head=definition.head)
    return Output(op, definition.output_index), platform
