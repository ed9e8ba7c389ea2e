"""What our own modules say, for tests of how the house is built."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """A module's tree, parsed once for all tests: none may change it."""
    return ast.parse(path.read_bytes())


def named(node: ast.AST | None, names: Container[object]) -> bool:
    """Whether a constant in a node is one of the names."""
    if node is None:
        return False
    return any(isinstance(each, ast.Constant) and each.value in names for each in ast.walk(node))


def choices(path: Path, names: Container[object]) -> Iterator[ast.expr | ast.MatchValue]:
    """The nodes of a module where one of the names may decide something.

    They are comparisons, patterns, and collections: sets, lists, tuples, dicts.
    """
    tree = parsed(path)
    if not named(tree, names):
        return
    kinds = ast.Compare | ast.Set | ast.List | ast.Tuple | ast.Dict | ast.MatchValue
    for node in ast.walk(tree):
        if isinstance(node, kinds) and named(node, names):
            yield node
