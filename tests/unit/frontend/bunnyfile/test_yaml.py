"""Bytes to nodes: positions, scalars as they are written, anchors, and everything refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from frameworks.diagnostics import Problems
from frontend.bunnyfile import text, yaml
from frontend.bunnyfile.nodes import Mapping, Node, Scalar, Sequence
from llb import Position, Range, SourceFile


def parse(source: str | bytes) -> Mapping:
    data = source.encode() if isinstance(source, str) else source
    return yaml.parse(SourceFile("bunnyfile", data))


def value(source: str | bytes, key: str) -> Node:
    found = parse(source).find(key)
    assert found is not None
    return found


def scalar(source: str, key: str = "a") -> Scalar:
    found = value(source, key)
    assert isinstance(found, Scalar)
    return found


def codes(source: str | bytes) -> list[str]:
    with pytest.raises(Problems) as caught:
        parse(source)
    return [found.code for found in caught.value.diagnostics]


def at(line: int, start: int, end: int) -> Range:
    return Range(Position(line, start), Position(line, end))


def slice_of(source: str, where: Range) -> str:
    lines = source.split("\n")
    assert where.start.line == where.end.line
    return lines[where.start.line - 1][where.start.character : where.end.character]


class TestPositions:
    def test_lines_count_from_one_and_characters_from_zero(self) -> None:
        source = "# comment\nabc: def\n"
        entry = parse(source).entries[0]
        assert entry.key.at == at(2, 0, 3)
        assert entry.value.at == at(2, 5, 8)

    def test_every_scalar_of_a_line_is_where_its_text_is(self) -> None:
        source = "a: {b: [c, 'd', \"e\"], f: g}\n"
        section = value(source, "a")
        assert isinstance(section, Mapping)
        assert slice_of(source, section.at) == "{b: [c, 'd', \"e\"], f: g}"
        items = section.find("b")
        assert isinstance(items, Sequence)
        assert [slice_of(source, item.at) for item in items] == ["c", "'d'", '"e"']

    def test_characters_are_code_points(self) -> None:
        source = "é😀: {日本: x}\n"
        entry = parse(source).entries[0]
        assert entry.key.at == at(1, 0, 2)
        assert isinstance(entry.value, Mapping)
        assert entry.value.entries[0].value.at == at(1, 9, 10)

    def test_byte_order_mark_takes_no_column(self) -> None:
        assert parse(b"\xef\xbb\xbfabc: x\n").entries[0].key.at == at(1, 0, 3)

    def test_windows_line_ends(self) -> None:
        entries = parse(b"a: b\r\nc: |\r\n  d\r\n").entries
        assert entries[1].key.at == at(2, 0, 1)
        assert isinstance(entries[0].value, Scalar)
        assert entries[0].value.text == "b"
        assert isinstance(entries[1].value, Scalar)
        assert entries[1].value.text == "d\n"

    def test_unicode_line_separators_are_no_lines(self) -> None:
        source = 'a: "b\u2028\x85c"\nd: e\n'
        assert parse(source).entries[1].key.at == at(2, 0, 1)

    def test_a_block_ends_with_its_last_value(self) -> None:
        section = value("a:\n  b: c\n  d: e\n\n\nf: g\n", "a")
        assert section.at == Range(Position(2, 2), Position(3, 6))

    def test_a_block_scalar_ends_with_its_last_line(self) -> None:
        assert scalar("a: |\n  one\n  two\n\n\nb: c\n").at == Range(Position(1, 3), Position(3, 5))
        assert scalar("a: |\n  one").at == Range(Position(1, 3), Position(2, 5))

    def test_an_alias_stands_where_it_was_anchored(self) -> None:
        assert value("a: &x one\nb: *x\n", "b").at.start == Position(1, 3)


class TestScalars:
    @pytest.mark.parametrize(
        ("written", "kind"),
        [
            ("0.10", "number"),
            ("010", "number"),
            ("0x1F", "number"),
            ("0o17", "number"),
            ("1e3", "number"),
            (".inf", "number"),
            ("0", "int"),
            ("-12", "int"),
            ("1_000", "str"),
            ("true", "bool"),
            ("False", "bool"),
            ("yes", "str"),
            ("on", "str"),
            ("NO", "str"),
            ("~", "null"),
            ("null", "null"),
            ("2001-01-01", "str"),
            ("12:30", "str"),
            ("1.2.3", "str"),
            ("tRue", "str"),
        ],
    )
    def test_plain_text_stays_as_written(self, written: str, kind: str) -> None:
        found = scalar(f"a: {written}\n")
        assert (found.text, found.kind) == (written, kind)

    @pytest.mark.parametrize("written", ['"true"', "'12'", "!!str 12", "! 12", "|-\n  12"])
    def test_quoted_text_is_text(self, written: str) -> None:
        found = scalar(f"a: {written}\n")
        assert (found.kind, found.plain) == ("str", False)

    def test_core_tags(self) -> None:
        assert scalar("a: !!int 12\n").kind == "int"
        assert scalar('a: !!bool "true"\n').kind == "bool"
        assert codes("a: !!int x\n") == ["custom-tag"]

    def test_nothing_is_null(self) -> None:
        assert scalar("a:\n").kind == "null"


class TestAliases:
    def test_a_merge_key_gives_what_is_not_there(self) -> None:
        section = value("x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\n", "y")
        assert isinstance(section, Mapping)
        texts = {e.key.text: e.value.text for e in section if isinstance(e.value, Scalar)}
        assert texts == {"a": "1", "b": "3"}

    def test_of_several_merged_mappings_the_first_wins(self) -> None:
        section = value("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}\n", "z")
        assert isinstance(section, Mapping)
        texts = {e.key.text: e.value.text for e in section if isinstance(e.value, Scalar)}
        assert texts == {"a": "1", "b": "2"}

    def test_a_quoted_merge_key_is_a_key(self) -> None:
        assert parse('"<<": a\n').entries[0].key.text == "<<"

    def test_an_anchor_may_be_used_again(self) -> None:
        assert scalar("x: &n 1\ny: &n 2\na: *n\n").text == "2"

    def test_two_merge_keys_are_a_duplicate(self) -> None:
        assert codes("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n") == ["duplicate-key"]

    @pytest.mark.parametrize("source", ["a: *x\n", "a: &x [*x]\n", "a: &x {b: {c: *x}}\n"])
    def test_no_such_alias(self, source: str) -> None:
        assert codes(source) == ["unknown-alias"]

    def test_growth_is_bounded(self) -> None:
        lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
        lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 30)]
        assert codes("\n".join(lines)) == ["too-many-aliases"]


class TestRefused:
    def test_errors_of_a_file_come_together(self) -> None:
        source = "a: 1\na: 2\nb: !x y\n? [c]\n: d\ne: [\n"
        assert codes(source) == ["duplicate-key", "custom-tag", "bad-key", "yaml-syntax"]

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            (b"", "empty-file"),
            (b"# x\n", "empty-file"),
            (b"---\n...\n", "empty-file"),
            (b"~\n", "empty-file"),
            (b"just text\n", "not-a-bunnyfile"),
            (b"[a]\n", "not-a-bunnyfile"),
            (b"a: b\n---\nc: d\n", "multiple-documents"),
            (b"a: b\n...\nc: d\n", "multiple-documents"),
            (b"a: \xff\n", "not-utf8"),
            (b"\xff\xfea\x00", "not-utf8"),
            (b"\x7fELF\x02\x01\x01\x00", "control-character"),
            (b"a: \x1b[31m\n", "control-character"),
            (b"a: b\rc: d\n", "control-character"),
            (b"a: b\xef\xbb\xbf\n", "control-character"),
            (b'a: "\\UFFFFFFFF"\n', "yaml-syntax"),
            (b'a: "\\xZZ"\n', "yaml-syntax"),
            (b"%TAG ! tag:x,2000:\n---\na: !y z\n", "custom-tag"),
            (b"%YAML 2.0\n---\na: b\n", "yaml-syntax"),
            (b"%YAML x\n", "yaml-syntax"),
            (b"a: !<x y\n", "yaml-syntax"),
            (b"{a: b\n", "yaml-syntax"),
            (b"a: 'b\n", "yaml-syntax"),
            (b"a:\n\t- b\n", "yaml-syntax"),
        ],
    )
    def test_refused(self, source: bytes, code: str) -> None:
        assert codes(source) == [code]

    def test_a_yaml_1_1_directive_changes_nothing(self) -> None:
        assert scalar("%YAML 1.1\n---\na: yes\n").kind == "str"

    def test_the_line_of_a_bad_byte(self) -> None:
        with pytest.raises(Problems) as caught:
            parse("a: b\nc: é".encode() + b"\xe9\n")
        assert caught.value.diagnostics[0].at == at(2, 4, 4)

    def test_size(self) -> None:
        padding = b"#" * (text.MAX_BYTES - 6)
        assert parse(b"a: b\n" + padding + b"\n").entries
        assert codes(b"a: b\n" + padding + b"##\n") == ["file-too-large"]

    def test_depth(self) -> None:
        deep = yaml.MAX_DEPTH - 1
        assert parse("a: " + "[" * deep + "]" * deep)
        assert codes("a: " + "[" * (deep + 1) + "]" * (deep + 1)) == ["too-deep"]
        assert codes("".join(" " * n + "a:\n" for n in range(200))) == ["too-deep"]


def test_the_yaml_package_is_whole_for_others() -> None:
    """The scanner is imported without its package, which must not be seen from outside."""
    script = (
        "import sys\n"
        "from frontend.bunnyfile import load\n"
        "load(b'version: v1\\nplatforms: {framework: linux, monitor: qemu}\\n', 'b')\n"
        "assert not [name for name in sys.modules if name.startswith('ruamel.yaml')]\n"
        "import ruamel.yaml\n"
        "loaded = ruamel.yaml.YAML(typ='safe', pure=True).load('a: [1, {b: c}]')\n"
        "assert loaded['a'][1]['b'] == 'c'\n"
        "load(b'version: v1\\nplatforms: {framework: linux, monitor: qemu}\\n', 'b')\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
