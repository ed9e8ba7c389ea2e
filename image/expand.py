"""Write out what `@dataclass` would make of our classes at each start of the frontend.

`dataclasses` looks at a class when it is made, writes its methods as a text and compiles it, and
makes the class a second time to give it slots: a third of what the frontend's imports cost. Here
the same is done once, when a module is compiled for the image: the class gets its slots and methods
in its body, by the same rules, and the modules take `replace` and the like from `plainclass`. What
is not understood here is left as it is, and works as ever.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

RUNTIME = "plainclass"
"""The module of the image that has what the classes share."""

_PARAMETERS = {
    "frozen": False,
    "slots": False,
    "eq": True,
    "repr": True,
    "order": False,
    "kw_only": False,
}
_FLAGS = frozenset({"repr", "hash", "compare"})
Documented = TypeVar("Documented", ast.FunctionDef, ast.ClassDef, ast.Module)
_PROVIDED = frozenset({"replace", "asdict", "is_dataclass"})
TYPES = "plaintyping"
"""The module of the image that has the names of `typing` that modules there have use for."""
_TYPES = frozenset(
    "Any BinaryIO Final Generic IO Literal NoReturn Protocol TYPE_CHECKING TypeAlias TypeVar cast "
    "overload".split()
)
_ANNOTATED = frozenset({"NamedTuple", "TypedDict"})
"""Classes that are made of their annotations."""
_ORDER = {
    "__lt__": "less",
    "__le__": "less_or_equal",
    "__gt__": "greater",
    "__ge__": "greater_or_equal",
}


@dataclass(frozen=True)
class Field:
    """One field: its default as source text ("" for none), and what it is left out of."""

    name: str
    default: str = ""
    factory: str = ""
    repr: bool = True
    hash: bool | None = None
    compare: bool = True
    kw_only: bool = False


@dataclass(frozen=True)
class Known:
    """A class that can be written out: its decorator's parameters, and its fields in order."""

    parameters: Mapping[str, bool]
    fields: tuple[Field, ...]
    own: frozenset[str]
    after: bool
    """Whether it, or a class that it is derived from, has a `__post_init__`."""


class Unknown(Exception):
    """A class uses something that is not written out here."""


def survey(sources: Iterable[Path]) -> dict[str, Known]:
    """The dataclasses of all modules that can be written out, by their names.

    A name that two modules give to different classes can be no base of another.
    """
    waiting: list[ast.ClassDef] = []
    for path in sources:
        tree = ast.parse(path.read_bytes())
        waiting += [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and _decorator(n)]
    found: dict[str, Known] = {}
    names = [node.name for node in waiting]
    for node in sorted(waiting, key=lambda node: len(node.bases)):
        if names.count(node.name) == 1:
            try:
                found[node.name] = _known(node, found)
            except Unknown:
                continue
    return found


def expand(tree: ast.Module, bases: Mapping[str, Known]) -> ast.Module:
    """The module with its dataclasses written out."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and _decorator(n)]
    known = [_known_or_none(node, bases) for node in nodes]
    for node, each in zip(nodes, known, strict=True):
        if each is not None:
            _write(node, each)
    if any(known):
        at = 1 if ast.get_docstring(tree) is not None else 0
        while isinstance(first := tree.body[at], ast.ImportFrom) and first.module == "__future__":
            at += 1
        prelude = f"import {RUNTIME} as _plain\nfrom {RUNTIME} import NEW as _new, put as _put"
        tree.body[at:at] = _parsed(prelude, 1)
    if all(known):
        _imports(tree)
    return ast.fix_missing_locations(tree)


class _Silent(ast.NodeTransformer):
    """Takes out what only readers and checkers need; `annotated` leaves annotations as they are."""

    def __init__(self, *, annotated: bool) -> None:
        self._annotated = annotated

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if self._annotated:
            return self._without_docstring(node)
        arguments = node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            each.annotation = None
        for star in (arguments.vararg, arguments.kwarg):
            if star is not None:
                star.annotation = None
        node.returns = None
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        if not (_decorator(node) or bases & _ANNOTATED):
            return self._without_docstring(node)
        node.body = [n if isinstance(n, ast.AnnAssign) else self.visit(n) for n in node.body]
        return _undocumented(node)

    def visit_Module(self, node: ast.Module) -> ast.Module:
        return self._without_docstring(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if self._annotated:
            return node
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if not self._annotated and ast.unparse(node.test) == "TYPE_CHECKING":
            return node.orelse or ast.copy_location(ast.Pass(), node)
        return node

    def _without_docstring(self, node: Documented) -> Documented:
        self.generic_visit(node)
        return _undocumented(node)


def _undocumented(node: Documented) -> Documented:
    if ast.get_docstring(node, clean=False) is not None:
        del node.body[0]
    node.body = node.body or [ast.Pass()]
    return node


def silent(tree: ast.Module, *, annotated: bool = False) -> ast.Module:
    """The module without what nothing reads where it runs.

    Those are docstrings, and unless `annotated` the annotations, what is imported for them, and
    `typing` itself.
    """
    _Silent(annotated=annotated).visit(tree)
    if not annotated:
        _Untyped({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}).visit(tree)
    return ast.fix_missing_locations(tree)


class _Untyped(ast.NodeTransformer):
    """Takes from `plaintyping` what is imported from `typing`, where it has all that is used."""

    def __init__(self, used: Collection[str]) -> None:
        self._used = used

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        if node.module != "typing":
            return node
        node.names = [each for each in node.names if (each.asname or each.name) in self._used]
        if not node.names:
            return ast.copy_location(ast.Pass(), node)
        if all(each.name in _TYPES and not each.asname for each in node.names):
            node.module = TYPES
        return node


def _imports(tree: ast.Module) -> None:
    """Take from `plainclass` what is imported from `dataclasses`, where it has all of that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses":
            names = [each for each in node.names if each.name not in ("dataclass", "field")]
            if {each.name for each in names} <= _PROVIDED:
                node.module = RUNTIME
                node.names = names or [ast.alias("NEW", "_new")]


def _known_or_none(node: ast.ClassDef, bases: Mapping[str, Known]) -> Known | None:
    try:
        return _known(node, bases)
    except Unknown:
        return None


def _decorator(node: ast.ClassDef) -> ast.expr | None:
    for each in node.decorator_list:
        called = each.func if isinstance(each, ast.Call) else each
        if isinstance(called, ast.Name) and called.id == "dataclass":
            return each
    return None


def _known(node: ast.ClassDef, bases: Mapping[str, Known]) -> Known:
    """What a class is. Raises Unknown."""
    parameters = dict(_PARAMETERS)
    decorator = _decorator(node)
    if node.decorator_list != [decorator] or node.keywords:
        raise Unknown
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        value = keyword.value
        if keyword.arg not in parameters or not isinstance(value, ast.Constant):
            raise Unknown
        parameters[keyword.arg] = bool(value.value)
    fields: dict[str, Field] = {}
    after = False
    for base in node.bases:
        if not isinstance(base, ast.Name) or base.id not in bases:
            raise Unknown
        fields.update({field.name: _inherited(field, base.id) for field in bases[base.id].fields})
        after |= bases[base.id].after
    own = []
    for field in _fields(node, kw_only=parameters["kw_only"]):
        fields[field.name] = field
        own.append(field.name)
    after |= any(isinstance(n, ast.FunctionDef) and n.name == "__post_init__" for n in node.body)
    return Known(parameters, tuple(fields.values()), frozenset(own), after)


def _inherited(field: Field, base: str) -> Field:
    """A field of a base: its default is the base's, whatever it was called there."""
    if field.factory:
        raise Unknown
    if not field.default or isinstance(ast.parse(field.default, mode="eval").body, ast.Constant):
        return field
    if not field.kw_only:
        raise Unknown
    return replace(field, default=f"{base}.__init__.__kwdefaults__[{field.name!r}]")


def _fields(node: ast.ClassDef, *, kw_only: bool) -> Iterator[Field]:
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign):
            continue
        said = ast.unparse(statement.annotation)
        if not isinstance(statement.target, ast.Name) or "ClassVar" in said or "InitVar" in said:
            raise Unknown
        field = Field(statement.target.id, kw_only=kw_only)
        value = statement.value
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
            yield _described(field, value)
        elif value is not None:
            yield replace(field, default=ast.unparse(value))
        else:
            yield field


def _described(field: Field, call: ast.Call) -> Field:
    """A field with what `field(...)` says of it. Raises Unknown."""
    said: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg in ("default", "default_factory"):
            said[keyword.arg.removeprefix("default_")] = ast.unparse(keyword.value)
        elif keyword.arg in _FLAGS and isinstance(keyword.value, ast.Constant):
            said[keyword.arg] = keyword.value.value
        else:
            raise Unknown
    return replace(field, **said)


def _write(node: ast.ClassDef, known: Known) -> None:
    """Turn a dataclass into a class."""
    given = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
    at = 1 if ast.get_docstring(node) is not None else 0
    texts = [text for name, text in _methods(known) if name not in given]
    body = [
        statement
        for statement in node.body
        if not isinstance(statement, ast.AnnAssign) and not isinstance(statement, ast.Pass)
    ]
    if known.parameters["slots"]:
        slots = tuple(f.name for f in known.fields if f.name in known.own)
        body[at:at] = _parsed(f"__slots__ = {slots!r}", node.lineno)
    node.body = [*body, *_parsed("\n".join(texts), node.lineno)]
    node.decorator_list = []


def _parsed(text: str, line: int) -> list[ast.stmt]:
    """The statements of a text; in tracebacks they stand on `line`."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias):
            node.lineno = node.end_lineno = line
            node.col_offset = node.end_col_offset = 0
    return tree.body


def _methods(known: Known) -> Iterator[tuple[str, str]]:
    """The names and the texts of what a dataclass has beside its fields."""
    parameters, fields = known.parameters, known.fields
    frozen, slots = parameters["frozen"], parameters["slots"]
    names = tuple(f.name for f in fields)
    shown = tuple(f.name for f in fields if f.repr)
    compared = tuple(f.name for f in fields if f.compare)
    hashed = tuple(f.name for f in fields if (f.compare if f.hash is None else f.hash))
    positional = tuple(f.name for f in fields if not f.kw_only)
    yield "", f"__plain__ = _plain.Plain({names!r}, {shown!r}, {compared!r}, {hashed!r})"
    yield "", "__dataclass_fields__ = _plain.FIELDS"
    yield "", f"__match_args__ = {positional!r}"
    yield "__init__", _init(fields, frozen=frozen, after=known.after)
    if parameters["repr"]:
        yield "__repr__", "__repr__ = _plain.show"
    if parameters["eq"]:
        yield "__eq__", "__eq__ = _plain.equal"
        yield "__hash__", "__hash__ = _plain.hash_of" if frozen else "__hash__ = None"
    for method, ours in _ORDER.items() if parameters["order"] else ():
        yield method, f"{method} = _plain.{ours}"
    if frozen:
        yield "__setattr__", "__setattr__ = _plain.cannot_assign"
        yield "__delattr__", "__delattr__ = _plain.cannot_delete"
        if slots:
            yield "__getstate__", "__getstate__ = _plain.get_state"
            yield "__setstate__", "__setstate__ = _plain.set_state"


def _init(fields: Iterable[Field], *, frozen: bool, after: bool) -> str:
    """`__init__`; keyword-only parameters come last, as `dataclasses` has them."""
    fields = tuple(fields)
    parameters, lines = ["self"], []
    ordered = [f for f in fields if not f.kw_only]
    keywords = [f for f in fields if f.kw_only]
    for number, field in enumerate([*ordered, *keywords]):
        if field.kw_only and number == len(ordered):
            parameters.append("*")
        default = "_new" if field.factory else field.default
        parameters.append(field.name + (f"={default}" if default else ""))
    for field in fields:
        value = field.name
        if field.factory:
            value = f"({field.factory})() if {value} is _new else {value}"
        assign = (
            f"_put(self, {field.name!r}, {value})" if frozen else f"self.{field.name} = {value}"
        )
        lines.append(assign)
    if after:
        lines.append("self.__post_init__()")
    body = "\n ".join(lines or ["pass"])
    return f"def __init__({', '.join(parameters)}):\n {body}"
