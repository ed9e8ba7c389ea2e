"""Import circles: none but those that are named here, types included."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.places import ROOT
from tests.sources import parsed

PACKAGES = ("frontend", "frameworks", "llb", "schemas", "engine", "image")

LLB = "state exec fileop mount settings sourceop encode marshal"
RUNTIME = "base machine monitors urunc urunc.guests urunc.keys urunc.versions"
CIRCLES = {
    # A state is made by operations, and an operation is on states: the graph itself is the circle.
    frozenset(f"llb.{name}" for name in LLB.split()),
    # A monitor is one row, which says how it is started; that is the runtime's to know, whose class
    # answers out of its own modules, and they read its facts. All but the facts is imported late.
    frozenset(["frameworks.runtime", *(f"frameworks.runtime.{name}" for name in RUNTIME.split())]),
}
"""The circles that stay, each with its reason."""


def modules() -> dict[str, ast.Module]:
    """Our modules by their names."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            found[name] = parsed(path)
    return found


def imported(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Which of the known modules a module imports anywhere: late, or for types alone, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in known:
                    yield inner
                elif node.module in known:
                    yield node.module


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The sets of more than one module from each of which each other is reached."""

    def reached(name: str) -> set[str]:
        found: set[str] = set()
        pending = [name]
        while pending:
            for each in graph[pending.pop()] - found:
                found.add(each)
                pending.append(each)
        return found

    reach = {name: reached(name) for name in graph}
    return {
        frozenset({other for other in reach[name] if name in reach[other]})
        for name in graph
        if name in reach[name]
    }


def test_each_circle_is_named_with_its_reason() -> None:
    trees = modules()
    known = set(trees)
    graph = {name: set(imported(tree, known)) - {name} for name, tree in trees.items()}
    assert len(graph) > 150
    found = circles(graph)
    assert found == CIRCLES, sorted(map(sorted, found ^ CIRCLES))


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, [{"b", "c"}]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c", "a"}}, [{"a", "b"}, {"c", "d"}]),
    ],
)
def test_what_a_circle_is(edges: dict[str, set[str]], found: list[set[str]]) -> None:
    assert circles(edges) == set(map(frozenset, found))
