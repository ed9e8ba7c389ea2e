"""Our validator against jsonschema: the same verdict on good files and on their mutations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import jsonschema
import pytest
from jsonschema.validators import extend

import frameworks
import schemas
from frameworks.diagnostics import Collector
from frameworks.runtime import monitors
from frontend.bunnyfile import fragment, yaml
from frontend.bunnyfile.args import substitute
from frontend.bunnyfile.nodes import Entry, Mapping, Node, Scalar, Sequence
from frontend.bunnyfile.validate import validate
from llb import SourceFile
from tests.unit.frontend.bunnyfile import corpus

MONITORS = schemas.Monitors(monitors.TABLE, monitors.words(), monitors.others())
SCHEMAS = {
    version: schemas.load(version, frameworks.TABLE, MONITORS) for version in schemas.VERSIONS
}


class Raw(str):
    """A scalar as jsonschema is to see it: text, and of the type that plain text has in YAML."""

    kind: str


def _is(*kinds: str) -> Any:
    return lambda _, value: isinstance(value, Raw) and value.kind in kinds


_TYPES = (
    jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("boolean", _is("bool"))
    .redefine("integer", _is("int"))
    .redefine("number", _is("int", "number"))
)


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    """JSON Schema's patterns are ECMAScript's: `$` is not before a last newline."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError("pattern")


Reference = extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _pattern}, type_checker=_TYPES
)


def plain(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {entry.key.text: plain(entry.value) for entry in node}
    if isinstance(node, Sequence):
        return [plain(item) for item in node]
    if node.kind == "null":
        return None
    raw = Raw(node.text)
    raw.kind = node.kind
    return raw


def tree(source: str) -> Mapping:
    root = yaml.parse(SourceFile("bunnyfile", source.encode()))
    problems = Collector()
    filled, _ = substitute(root, {"TAG": "x"}, problems)
    assert not problems.errors
    return filled


def faults(root: Mapping, schema: schemas.Schema) -> list[str]:
    problems = Collector()
    validate(root, schema, problems)
    return [str(found) for found in problems.errors]


def version(source: str) -> str:
    return "v0.1" if source in corpus.V0 else "v1"


_VALUES = [
    "",
    "true",
    "12",
    "1.5",
    '""',
    "/path",
    "a=b",
    "[]",
    "{}",
    "[text]",
    "[~]",
    "{from: local, path: a}",
    '"/a\\n"',
]


def mutations(node: Node, values: list[Node]) -> Iterator[Node]:
    """Every tree that differs from `node` at one place: a value, a key more, a key less."""
    yield from values
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            for other in mutations(item, values):
                items = (*node.items[:index], other, *node.items[index + 1 :])
                yield replace(node, items=items)
    if isinstance(node, Mapping):
        extra = Entry(Scalar("unknown", "str", True, node.at), values[1])
        yield replace(node, entries=(*node.entries, extra))
        yield replace(
            node, entries=(*node.entries, replace(extra, key=replace(extra.key, text="x-a")))
        )
        for index, entry in enumerate(node.entries):
            rest = (*node.entries[:index], *node.entries[index + 1 :])
            yield replace(node, entries=rest)
            renamed = replace(entry, key=replace(entry.key, text=entry.key.text + " x"))
            yield replace(node, entries=(*rest, renamed))
            for other in mutations(entry.value, values):
                entries = (
                    *node.entries[:index],
                    Entry(entry.key, other),
                    *node.entries[index + 1 :],
                )
                yield replace(node, entries=entries)


@pytest.mark.parametrize("source", corpus.ALL)
def test_good_files_have_no_faults(source: str) -> None:
    assert faults(tree(source), SCHEMAS[version(source)]) == []


@pytest.mark.parametrize("source", corpus.ALL)
def test_every_mutation_is_judged_as_jsonschema_does(source: str) -> None:
    schema = SCHEMAS[version(source)]
    reference = Reference(schema)
    root = tree(source)
    values = [entry.value for entry in tree("\n".join(f"k{n}: {v}" for n, v in enumerate(_VALUES)))]
    seen = {True: 0, False: 0}
    # Of the long file every third will do, for the suite's speed: 3 and the 13 values are coprime.
    for mutated in islice(mutations(root, values), 0, None, 3 if source == corpus.FULL else 1):
        if not isinstance(mutated, Mapping):
            continue  # `yaml.parse` gives mappings only
        found = faults(mutated, schema)
        expected = reference.is_valid(plain(mutated))
        assert (not found) == expected, (plain(mutated), found)
        seen[expected] += 1
    assert seen[True] > 10
    assert seen[False] > 100


@pytest.mark.parametrize("name", [*(f"bunnyfile.{v}" for v in schemas.VERSIONS), "urunc"])
def test_schemas_are_schemas(name: str) -> None:
    schema = schemas.runtime() if name == "urunc" else SCHEMAS[name.removeprefix("bunnyfile.")]
    jsonschema.Draft202012Validator.check_schema(schema)


def _walk(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for key, inner in schema.items():
            if key not in ("examples", "default", "x-hutch-hints", "const", "enum"):
                yield from _walk(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _walk(inner)


@pytest.mark.parametrize("name", schemas.VERSIONS)
def test_every_key_has_a_description(name: str) -> None:
    """An editor shows it, so it has to be there: on the key, or on what the key refers to."""
    schema = SCHEMAS[name]
    for part in _walk(schema):
        for key, inner in part.get("properties", {}).items():
            if not isinstance(inner, dict) or "description" in inner:
                continue
            ref = inner.get("$ref", "").removeprefix("#/$defs/")
            assert "description" in schema["$defs"].get(ref, {}), key


@pytest.mark.parametrize("name", schemas.VERSIONS)
def test_examples_are_valid(name: str) -> None:
    schema = SCHEMAS[name]
    for part in _walk(schema):
        for example in part.get("examples", ()):
            inner = {k: v for k, v in part.items() if k != "$id"}
            whole = {**inner, "$defs": schema["$defs"]}
            assert jsonschema.Draft202012Validator(whole).is_valid(example), example


def _keywords(schema: schemas.Schema) -> set[str]:
    return {
        key
        for part in _walk(schema)
        for key in part
        if "$ref" in part and not key.startswith("x-hutch-")
    }


@pytest.mark.parametrize("name", schemas.VERSIONS)
def test_only_annotations_stand_beside_a_reference(name: str) -> None:
    """The validator merges them; two sets of rules it could not tell apart."""
    assert _keywords(SCHEMAS[name]) <= {"$ref", "description", "examples", "default"}


def test_names_are_those_of_the_frameworks() -> None:
    platforms = SCHEMAS["v1"]["$defs"]["platforms"]["properties"]
    assert set(platforms["framework"]["enum"]) == set(frameworks.TABLE)


class TestFragments:
    FRAGMENT: schemas.Schema = {  # noqa: RUF012
        "properties": {
            "kernel": {
                "properties": {
                    "config": {"enum": ["microvm", "tiny"]},
                    "options": {"additionalProperties": {"$ref": "#/$defs/option"}},
                }
            },
            "app": False,
        },
        "$defs": {"option": {"type": ["boolean", "integer"]}},
    }
    FILE = (
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: source, config: tyni, options: {A: true, B: [c]}}\napp: {path: a}\n"
    )

    def composed(self) -> schemas.Schema:
        return schemas.load("v1", frameworks.TABLE, MONITORS, {"linux": self.FRAGMENT})

    def test_it_narrows_the_files_of_its_framework(self) -> None:
        found = faults(tree(self.FILE), self.composed())
        assert len(found) == 4  # the list is no option to either schema
        assert any("'tyni' is not a value of 'kernel.config'" in line for line in found)
        assert any("'app' is not used here" in line for line in found)

    def test_it_leaves_the_others_alone(self) -> None:
        other = self.FILE.replace("linux", "netbsd").replace("[c]", "c")
        assert faults(tree(other), self.composed()) == []

    def test_jsonschema_agrees(self) -> None:
        schema = self.composed()
        jsonschema.Draft202012Validator.check_schema(schema)
        for source in (self.FILE, self.FILE.replace("linux", "netbsd").replace("[c]", "c")):
            found = faults(tree(source), schema)
            assert Reference(schema).is_valid(plain(tree(source))) == (not found)

    @pytest.mark.parametrize("name", frameworks.TABLE)
    def test_the_frameworks_own(self, name: str) -> None:
        found = fragment(name)
        if found is not None:
            schema = schemas.load("v1", frameworks.TABLE, MONITORS, {name: found})
            jsonschema.Draft202012Validator.check_schema(schema)
            json.dumps(schema)

    def test_no_such_framework(self) -> None:
        assert fragment("../../etc") is None


def test_no_such_version() -> None:
    with pytest.raises(ValueError, match="no schema"):
        schemas.load("v9", (), MONITORS)
