"""Build arguments: what is replaced, what is not, and what is said when it cannot be."""

from __future__ import annotations

import pytest

from frameworks.diagnostics import Collector
from frontend.bunnyfile import args, yaml
from frontend.bunnyfile.nodes import Mapping, Scalar
from llb import Position, Range, SourceFile

GIVEN = {"TARGETARCH": "arm64", "SET": "given", "EMPTY": "", "MORE": "${SET}"}


def filled(source: str, given: dict[str, str] | None = None) -> tuple[Mapping, Collector]:
    problems = Collector()
    root = yaml.parse(SourceFile("bunnyfile", source.encode()))
    return args.substitute(root, GIVEN if given is None else given, problems)[0], problems


def result(
    written: str, declared: str = "{SET: default, OTHER: other, EMPTY: x, MORE: , NONE: }"
) -> Scalar:
    root, problems = filled(f"args: {declared}\na: {written}\n")
    assert problems.errors == ()
    found = root.find("a")
    assert isinstance(found, Scalar)
    return found


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("${SET}", "given"),
        ("a-${SET}-${OTHER}-b", "a-given-other-b"),
        ("'${OTHER}'", "other"),
        ("${TARGETARCH}", "arm64"),
        ("${TARGETVARIANT:-v8}", "v8"),
        ("${NONE:-default}", "default"),
        ("'${NONE:-}'", ""),
        ("${NONE:-a b:c}", "a b:c"),
        ("'${EMPTY}'", ""),
        ("${EMPTY:-default}", "default"),
        ("$${SET}", "${SET}"),
        ("$$", "$"),
        ("$SET", "$SET"),
        ("$PATH:/bin", "$PATH:/bin"),
        ("cost 5$", "cost 5$"),
        ("$$${SET}", "$given"),
        # What comes out of an argument is not looked at again.
        ("'${MORE}'", "${SET}"),
    ],
)
def test_replaced(written: str, text: str) -> None:
    assert result(written).text == text


@pytest.mark.parametrize(
    ("written", "declared", "kind"),
    [
        ("${A}", "{A: true}", "bool"),
        ("${A}", '{A: "12"}', "int"),
        ('"${A}"', "{A: true}", "str"),
        ("v${A}", "{A: 1}", "str"),
        ("${A}0", "{A: 1}", "int"),
        ("${A:-}", "{A: }", "str"),
    ],
)
def test_plain_text_is_resolved_anew(written: str, declared: str, kind: str) -> None:
    assert result(written, declared).kind == kind


def test_defaults_may_use_the_arguments_above() -> None:
    root, problems = filled("args: {A: x, B: '${A}-${TARGETARCH}'}\nc: ${B}\n")
    assert problems.errors == ()
    found = root.find("c")
    assert isinstance(found, Scalar)
    assert found.text == "x-arm64"
    names = [(name.text, default and default.text) for name, default in args.declared(root)]
    assert names == [("A", "x"), ("B", "x-arm64")]


def test_scripts_and_notes_are_left_alone() -> None:
    source = "app:\n  path: ${A}\n  build: echo ${B}\nx-note: ${C}\nargs: {A: a}\n"
    root, problems = filled(source)
    assert problems.errors == ()
    section = root.find("app")
    assert isinstance(section, Mapping)
    texts = [entry.value.text for entry in section if isinstance(entry.value, Scalar)]
    assert texts == ["a", "echo ${B}"]


def test_keys_are_left_alone() -> None:
    root, problems = filled("a: {'${B}': c}\n")
    assert problems.errors == ()
    section = root.find("a")
    assert isinstance(section, Mapping)
    assert section.entries[0].key.text == "${B}"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("${UNKNOWN}", "undeclared-argument"),
        ("${UNKNOWN:-x}", "undeclared-argument"),
        ("${NONE}", "missing-argument"),
        ("${TARGETVARIANT}", "missing-argument"),
        ("'${'", "bad-substitution"),
        ("'${1A}'", "bad-substitution"),
        ("'${A+b}'", "bad-substitution"),
        ("'${A:-${B}}'", "bad-substitution"),
    ],
)
def test_refused(written: str, code: str) -> None:
    root, problems = filled(f"args: {{A: a, B: b, NONE: }}\na: {written}\n", {})
    assert [found.code for found in problems.errors] == [code]
    left = root.find("a")
    assert isinstance(left, Scalar)
    assert left.text.startswith("${")


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("${X}", 3, 7),
        ("ab${X}", 5, 9),
        ("'ab${X}'", 6, 10),
        ('"${X}"', 4, 8),
        # With escapes, columns of the text say nothing about columns of the file.
        ('"\\x41${X}"', 3, 13),
    ],
)
def test_the_place_of_an_argument(written: str, start: int, end: int) -> None:
    _, problems = filled(f"a: {written}\n")
    assert problems.errors[0].at == Range(Position(1, start), Position(1, end))


def test_growth_is_bounded() -> None:
    lines = ["args:", "  A0: " + "x" * 100]
    lines += [f"  A{n}: '{f'${{A{n - 1}}}' * 50}'" for n in range(1, 20)]
    _, problems = filled("\n".join(lines))
    assert problems.errors[0].code == "bad-substitution"
