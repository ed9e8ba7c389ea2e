"""The nodes and the edges of a build graph.

A vertex is a value that never changes and that is equal to itself only: two States that share a
vertex share the work. Marshalling, not this module, turns vertices into bytes and digests.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from llb.meta import NO_META, Meta


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Vertex:
    """One op of the graph."""

    meta: Meta = NO_META

    @property
    def inputs(self) -> "tuple[Output, ...]":
        """The edges this op reads, in the order in which Go's client visits them."""
        raise NotImplementedError

    def capabilities(self) -> Iterator[str]:
        """Yield the ids of the LLB capabilities that a daemon needs for this op."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say in a few words what the op is, for messages about an op without a name."""
        raise NotImplementedError

    def __repr__(self) -> str:
        # Short on purpose: a graph may be thousands of vertices deep.
        return f"<{type(self).__name__} {self.meta.name or self.describe()!r}>"


@dataclass(frozen=True, slots=True)
class Output:
    """An edge: one of the filesystems that a vertex makes. Most vertices make one, with index 0."""

    vertex: Vertex
    index: int = 0
