"""The editor's schema says what the frontend says, as far as a schema can."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import frameworks
from frameworks.diagnostics import Collector, Problems
from frameworks.rootfs import filesystems
from frameworks.runtime import monitors
from frontend import bunnyfile
from frontend.bunnyfile import editor, yaml
from frontend.bunnyfile.args import substitute
from frontend.bunnyfile.validate import validate
from frontend.bunnyfile.version import version_of
from llb import SourceFile
from tests.errors.test_errors import FILES, found_in, name_of
from tests.places import ROOT
from tests.unit.frontend.bunnyfile import corpus

SCHEMA = editor.published()
JUDGE = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES = sorted(ROOT.glob("examples/*/bunnyfile"))

OF_A_GUEST = frozenset(
    (
        "missing-kernel unsupported-filesystem unsupported-monitor unsupported-mount "
        "unsupported-step"
    ).split()
)
"""Codes of what a framework's guests cannot take, which the editor's schema knows as well."""


def is_refused_by_the_frontend_s(path: Path) -> bool:
    """Whether the frontend's own schema refuses a file, or a guest does."""
    file = SourceFile("bunnyfile", path.read_bytes())
    problems = Collector(file)
    try:
        tree = yaml.parse(file)
    except Problems:
        return False  # no YAML, and no matter of a schema
    version = version_of(tree, problems)
    if problems.errors:
        return True
    if version == "v1":
        tree, _ = substitute(tree, {}, problems)
        if problems.errors:
            return False
    validate(tree, bunnyfile._schema(version, tree), problems)
    return bool(problems.errors or {found.code for found in found_in(path)} & OF_A_GUEST)


def refused(text: str) -> list[str]:
    """What the schema says of a file; a file that is no YAML is refused as such."""
    try:
        value = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except (YAMLError, ValueError) as error:
        return [str(error)]
    return [error.message for error in JUDGE.iter_errors(value)]


def test_the_text_is_the_schema() -> None:
    assert json.loads(editor.text()) == SCHEMA


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_pass(path: Path) -> None:
    assert refused(path.read_text()) == []


@pytest.mark.parametrize("source", corpus.ALL)
def test_good_files_pass(source: str) -> None:
    assert refused(source) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_bad_files_are_refused(path: Path) -> None:
    """What only a rule, a framework or a build finds is no matter of a schema."""
    if is_refused_by_the_frontend_s(path):
        assert refused(path.read_text(encoding="utf-8", errors="replace"))


def _file(framework: str, monitor: str = "", rest: str = "") -> str:
    monitor = monitor or next(iter(frameworks.guest(framework).monitors))
    kernel = "kernel: {from: local, path: k}"
    return (
        f"version: v1\nplatforms: {{framework: {framework}, monitor: {monitor}}}\n{kernel}\n{rest}"
    )


@pytest.mark.parametrize("name", frameworks.TABLE)
def test_a_framework_is_offered_what_its_guests_take(name: str) -> None:
    guest = frameworks.guest(name)
    assert {each for each in monitors.TABLE if not refused(_file(name, each))} == set(
        guest.monitors
    )
    old = (
        "version: v0.1\nplatforms: {{framework: {}, monitor: {}}}\nkernel: {{from: local, path: k}}"
    )
    taken = {each for each in monitors.TABLE if not refused(old.format(name, each))}
    assert taken == set(guest.monitors)
    kinds = ("initrd", "block", "raw", "none")
    taken = {each for each in kinds if not refused(_file(name, rest=f"rootfs: {{type: {each}}}"))}
    assert taken == set(guest.rootfs)
    if guest.filesystems:
        disk = "rootfs: {{type: block, filesystem: {}}}"
        names = filesystems.TABLE
        taken = {each for each in names if not refused(_file(name, rest=disk.format(each)))}
        assert taken == {each.name for each in guest.filesystems}


@pytest.mark.parametrize(
    "value",
    [
        "platforms: {framework: '${F}', monitor: '${M:-qemu}', architecture: '${A}'}",
        "platforms: {framework: linux, monitor: '${M}'}\nrootfs: {type: '${T}', size: '${S}'}",
        "platforms: {framework: linux, monitor: qemu}\nports: ['${P}']\nuser: '${U}:${G}'",
        "platforms: {framework: linux, monitor: qemu}\n"
        "rootfs: {include: [{source: a, destination: b, follow: '${F}'}]}",
    ],
)
def test_a_build_argument_may_stand_for_any_value(value: str) -> None:
    assert refused(f"version: v1\n{value}") == []


def test_numbers_are_text_where_text_may_stand() -> None:
    rest = "rootfs: {from: 7}\ncmd: [sleep, 5]\nlabels: {a: 1}"
    assert refused(_file("linux", rest=rest)) == []


@pytest.mark.parametrize("version", ["0.1", "v0.1", "'0.1'", "v0.1.0", "v0.0.9", "v0.1-rc1", "0"])
def test_bunny_s_versions(version: str) -> None:
    text = "platforms: {framework: any, monitor: qemu}\nkernel: {from: local, path: k}"
    assert refused(f"version: {version}\n{text}") == []
    assert refused(f"version: {version}\n{text}\nports: [80]")


@pytest.mark.parametrize("version", ["v0.2", "v0.1.1", "'1'", "v2", "x"])
def test_versions_of_nobody(version: str) -> None:
    text = "platforms: {framework: linux, monitor: qemu}"
    assert refused(f"version: {version}\n{text}")


ARGUMENT = {"type": "string", "pattern": editor._ARGUMENT}


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a schema, but for conditions: nobody is told what these say."""
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key != "if":
                yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def test_an_editor_has_a_sentence_for_every_key_and_every_pattern() -> None:
    for part in _walk(SCHEMA["$defs"]):
        assert not [key for key in part if key.startswith("x-hutch")]
        if "title" in part:
            assert part.get("description"), part["title"]
        # One of several forms has no say of its own: the others' messages are shown.
        if isinstance(part.get("pattern"), str) and part != ARGUMENT:
            assert part.get("errorMessage"), part


@pytest.mark.parametrize(
    ("framework", "rest", "fits"),
    [
        ("unikraft", "rootfs: {from: local}\ncmd: [/a]\n", True),
        ("unikraft", "app: {from: local}\n", True),
        ("unikraft", "", False),
        ("mirage", "app: {from: local}\n", True),
        ("mirage", "rootfs: {from: local, type: block}\n", False),
    ],
)
def test_what_a_kernel_is_made_of(framework: str, rest: str, *, fits: bool) -> None:
    """An application; where one can load a program, a root filesystem does."""
    text = _file(framework, rest=rest).replace("{from: local, path: k}", "{from: source}")
    assert (refused(text) == []) is fits
