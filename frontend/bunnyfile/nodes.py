"""A YAML file as a tree of three frozen node types, each knowing the range it was read from.

The tree is what remains of YAML: anchors, aliases, merge keys, tags and styles are resolved by
`frontend.bunnyfile.yaml`. A scalar keeps its text exactly as written, so `0.10` is not 0.1 and
`0644` is not 420; `kind` says what the plain text would mean in YAML 1.2, for the few places of a
bunnyfile where a boolean or a number is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llb import Range

Kind = Literal["null", "bool", "int", "number", "str"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `kind` is "str" for anything quoted; `plain` is False for it.

    `kind` "int" is a decimal integer without leading zeros; every other number (`010`, `0x1f`,
    `1.5`) is of kind "number".
    """

    text: str
    kind: Kind
    plain: bool
    at: Range


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping and its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """The entries of a mapping, in the order of the file, each key once."""

    entries: tuple[Entry, ...]
    at: Range

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def find(self, key: str) -> Node | None:
        """The value of `key`, or None where the mapping has no such key."""
        for entry in self.entries:
            if entry.key.text == key:
                return entry.value
        return None


@dataclass(frozen=True, slots=True)
class Sequence:
    """The items of a list."""

    items: tuple[Node, ...]
    at: Range

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


Node = Scalar | Mapping | Sequence


def is_null(node: Node | None) -> bool:
    """Whether there is no value: the key is absent, or has nothing (or `null`) after it."""
    return node is None or (isinstance(node, Scalar) and node.kind == "null")
