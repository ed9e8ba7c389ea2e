"""Classes that were written out for the image behave as dataclasses do."""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import importlib
import inspect
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from image import assemble, expand, plainclass, plaintyping

ROOT = Path(expand.__file__).parents[1]
SOURCES = sorted(path for package in assemble.OURS for path in (ROOT / package).rglob("*.py"))
WITH_DATACLASSES = [path for path in SOURCES if b"@dataclass" in path.read_bytes()]


@functools.cache
def bases() -> Mapping[str, expand.Known]:
    return expand.survey(WITH_DATACLASSES)


@functools.cache
def written(path: Path) -> ast.Module:
    return expand.silent(expand.expand(ast.parse(path.read_bytes()), bases()))


def run(tree: ast.Module, name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    sys.modules.setdefault(name, module)
    exec(compile(tree, "<written out>", "exec", dont_inherit=True), vars(module))
    return module


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def classes(module: types.ModuleType) -> Iterator[tuple[str, type]]:
    for name, made in vars(module).items():
        own = isinstance(made, type) and made.__module__ == module.__name__
        if own and "__dataclass_fields__" in vars(made):
            yield name, made


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, expand.RUNTIME, plainclass)
    monkeypatch.setitem(sys.modules, expand.TYPES, plaintyping)


def test_nothing_of_ours_needs_dataclasses_at_the_start() -> None:
    assert len(WITH_DATACLASSES) > 40
    for path in SOURCES:
        if b"dataclass" not in path.read_bytes():
            continue
        tree = written(path)
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.decorator_list]
        for node in tree.body:
            assert not (isinstance(node, ast.ImportFrom) and node.module == "dataclasses"), path


@pytest.mark.parametrize("path", WITH_DATACLASSES, ids=name_of)
def test_a_class_is_what_the_dataclass_is(path: Path) -> None:
    original = importlib.import_module(name_of(path))
    other = run(written(path), name_of(path))
    for name, theirs in classes(original):
        ours: Any = getattr(other, name)
        assert ours.__dictoffset__ == theirs.__dictoffset__
        assert [f.name for f in dataclasses.fields(ours)] == [
            f.name for f in dataclasses.fields(theirs)
        ]
        for attribute in ("__match_args__", "__slots__", "__qualname__"):
            assert getattr(ours, attribute, None) == getattr(theirs, attribute, None), name
        assert (ours.__hash__ is None) == (theirs.__hash__ is None)
        first, second = (list(inspect.signature(c).parameters.values()) for c in (ours, theirs))
        assert [(p.name, p.kind) for p in first] == [(p.name, p.kind) for p in second]
        needed = [[p.default is p.empty for p in parameters] for parameters in (first, second)]
        assert needed[0] == needed[1]
        compare(ours, theirs, "__post_init__" in dir(theirs))


def compare(ours: Any, theirs: Any, checks: bool) -> None:
    """Make objects of both classes, and do the same with them."""
    if checks:  # it takes no values but good ones
        return
    names = [f.name for f in dataclasses.fields(theirs)]
    values = {name: f"value of {name}" for name in names}
    (one, same), (another, _) = ([made(**values) for _ in range(2)] for made in (ours, theirs))
    if hasattr(theirs.__repr__, "__wrapped__"):  # it is that of dataclasses
        assert repr(one) == repr(another)
    else:
        assert ours.__repr__.__module__ == theirs.__repr__.__module__
    if "def __eq__" in inspect.getsource(theirs):
        return  # what it compares is its own
    assert (one == same) == (another == theirs(**values))
    assert one != another
    assert copy.copy(one) is not one
    if theirs.__hash__ is not None and theirs.__eq__ is not object.__eq__:
        assert (hash(one) == hash(same)) == (hash(another) == hash(theirs(**values)))
    for name in names:
        changed = plainclass.replace(one, **{name: "changed"})
        expected = dataclasses.replace(another, **{name: "changed"})
        assert [getattr(changed, n) for n in names] == [getattr(expected, n) for n in names]
        assert (changed == one) == (expected == another)
        assert [getattr(copy.copy(changed), n) for n in names] == [
            getattr(changed, n) for n in names
        ]
        frozen = theirs.__setattr__ is not object.__setattr__
        for change in (lambda each, name: setattr(each, name, 1), delattr):
            each = ours(**values)
            if frozen:
                with pytest.raises(dataclasses.FrozenInstanceError, match=name):
                    change(each, name)
            else:
                change(each, name)
    assert plainclass.asdict(one) == dataclasses.asdict(another)
    assert plainclass.is_dataclass(one)
    assert not plainclass.is_dataclass(names)


ODD = '''
"""A module."""

from __future__ import annotations

import abc
from dataclasses import KW_ONLY, dataclass, field


@dataclass(frozen=True, order=True)
class Sorted:
    """Ordered by its first field alone."""

    number: int
    name: str = field(default="x", compare=False)
    many: list[int] = field(default_factory=list, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Counted from one."""
        if self.number < 1:
            raise ValueError(self.number)


@dataclass
class Mutable:
    value: int = 3


@dataclass
class Left(abc.ABC):
    """Its base is nothing that is known here."""

    value: int
    _: KW_ONLY
    other: int = 2


def function(argument: int, *rest: str, **options: bytes) -> int:
    """Nothing but this."""
'''


def test_defaults_orders_and_checks() -> None:
    tree = ast.parse(ODD)
    module: Any = run(expand.silent(expand.expand(tree, {})), "odd")
    small, large = module.Sorted(1, "b"), module.Sorted(2, "a")
    assert small < large
    assert large >= small
    assert not small > large
    assert small <= module.Sorted(1)
    assert small == module.Sorted(1, "other", [7])
    assert small.__lt__(1) is NotImplemented
    assert repr(small) == "Sorted(number=1, name='b')"
    assert small.many == []
    assert small.many is not large.many
    with pytest.raises(ValueError, match="0"):
        module.Sorted(0)
    changed = module.Mutable()
    changed.value = 4
    assert changed == module.Mutable(4)
    assert module.Mutable.__hash__ is None


def test_what_is_not_understood_is_left_as_it_is() -> None:
    tree = expand.expand(ast.parse(ODD), {})
    (left,) = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.decorator_list]
    assert left.name == "Left"
    module: Any = run(tree, "odd")
    assert "__dataclass_params__" in vars(module.Left)
    assert module.Left(1, other=3).other == 3


def test_docstrings_and_annotations_of_functions_are_left_out() -> None:
    module: Any = run(expand.silent(expand.expand(ast.parse(ODD), {})), "odd")
    assert module.__doc__ is module.function.__doc__ is module.Sorted.__doc__ is None
    assert module.function.__annotations__ == {}
    assert module.function(1) is None
