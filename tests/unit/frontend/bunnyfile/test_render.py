"""Diagnostics on a terminal."""

from __future__ import annotations

from frameworks.diagnostics import Diagnostic, Severity
from frontend.bunnyfile.render import excerpt, render, render_one
from llb import Position, Range, SourceFile


def at(line: int, start: int, end: int, last: int | None = None) -> Range:
    return Range(Position(line, start), Position(last or line, end))


def test_one_diagnostic() -> None:
    file = SourceFile("dir/bunnyfile", b"a: b\narch: x\nc: d\n")
    found = Diagnostic("unknown-key", "unknown key 'arch'", "write this", at(2, 0, 4), file)
    assert render_one(found) == (
        "dir/bunnyfile:2:1: error: unknown key 'arch' [unknown-key]\n"
        "   1 |     a: b\n"
        "   2 | >>> arch: x\n"
        "     |     ^^^^\n"
        "   3 |     c: d\n"
        "  hint: write this\n"
    )


def test_without_a_place() -> None:
    found = Diagnostic("bad-option", "no such target", severity=Severity.WARNING)
    assert render_one(found) == "warning: no such target [bad-option]\n"


def test_several_are_apart() -> None:
    found = Diagnostic("a", "b")
    assert render([found, found]) == "error: b [a]\n\nerror: b [a]\n"
    assert render([]) == ""


def test_carets_under_wide_and_combining_characters() -> None:
    lines = excerpt("日本: e\u0301x\n".encode(), at(1, 4, 7))
    assert lines[1] == "     |     " + " " * 6 + "^^"


def test_tabs_and_control_characters_move_nothing() -> None:
    lines = excerpt(b"a:\t\x1b[31mred\n", at(1, 3, 4))
    assert lines == ["   1 | >>> a: \ufffd[31mred", "     |        ^"]


def test_many_lines_are_cut() -> None:
    data = b"".join(b"line %d\n" % n for n in range(1, 40))
    lines = excerpt(data, at(2, 0, 3, last=30))
    assert len(lines) == 9
    assert "     | >>> ..." in lines


def test_a_line_behind_the_end() -> None:
    assert excerpt(b"a", at(9, 0, 0)) == []


def test_long_lines_are_cut() -> None:
    lines = excerpt(b"a" * 10_000, at(1, 0, 10_000))
    assert max(map(len, lines)) < 200
    assert len(excerpt(b"a" * 10_000, at(1, 9_000, 9_001))) == 1
