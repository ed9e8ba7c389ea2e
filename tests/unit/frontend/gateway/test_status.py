"""Errors in the daemon's form."""

from __future__ import annotations

import json
from base64 import b64decode

from frameworks.diagnostics import Diagnostic, Problems
from frontend.gateway import status
from llb import Cap, Location, MissingCapability, Position, Range, SourceFile

FILE = SourceFile("bunnyfile", b"one\ntwo\nthree\n")


def wrong(line: int, word: str = "wrong") -> Diagnostic:
    at = Range(Position(line, 1), Position(line, 3))
    return Diagnostic("unknown-key", word, "a hint", at, FILE)


def test_one_problem() -> None:
    found = status.from_exception(Problems([wrong(2)]))
    assert found.code == 2
    assert found.message == "bunnyfile:2:2: wrong (a hint) [unknown-key]"
    (detail,) = found.details
    assert detail.type_url == "github.com/moby/buildkit/errdefs.Source+json"
    source = json.loads(detail.value)
    assert source["info"]["filename"] == "bunnyfile"
    assert b64decode(source["info"]["data"]) == FILE.data
    assert source["info"]["language"] == "yaml"
    assert source["ranges"] == [
        {"start": {"line": 2, "character": 1}, "end": {"line": 2, "character": 3}}
    ]


def test_several_problems_are_all_listed_and_printed_in_order() -> None:
    found = status.from_exception(Problems([wrong(3, "c"), wrong(1, "a"), wrong(2, "b")]))
    first, *lines = found.message.splitlines()
    assert first == "3 problems:"
    assert [line.split(": ")[1][0] for line in lines] == ["a", "b", "c"]
    printed = [json.loads(d.value)["ranges"][0]["start"]["line"] for d in reversed(found.details)]
    assert printed == [1, 2, 3]


def test_excerpts_are_few_but_the_message_is_whole() -> None:
    found = status.from_exception(Problems(wrong(1, f"problem {i}") for i in range(30)))
    assert len(found.details) == 8
    assert len(found.message.splitlines()) == 31


def test_a_huge_file_is_sent_once() -> None:
    huge = SourceFile("bunnyfile", b"x" * (1 << 20))
    at = Range(Position(1), Position(1))
    found = status.from_exception(Problems(Diagnostic("c", str(i), "", at, huge) for i in range(3)))
    assert len(found.details) == 1


def test_a_problem_without_a_place() -> None:
    found = status.from_exception(Problems([Diagnostic("bad-build-option", "no")]))
    assert found.message == "no [bad-build-option]"
    (detail,) = found.details
    # An empty one: Docker's own frontend would put the line that names hutch in its place.
    assert detail.type_url.endswith("errdefs.Source+json")
    assert json.loads(detail.value) == {"info": {"filename": ""}, "ranges": []}


def test_a_missing_capability_points_at_its_line() -> None:
    where = Location(FILE, (Range(Position(2), Position(2)),))
    error = MissingCapability(Cap.MERGE, "[linux] merge", where)
    found = status.from_exception(error)
    assert "bunnyfile:2:1: the builder lacks the capability 'mergeop'" in found.message
    assert len(found.details) == 1
    assert not status.is_bug(error)


def test_a_bug_is_called_one() -> None:
    error = ValueError("odd")
    assert status.is_bug(error)
    assert "a bug in hutch: ValueError: odd" in status.from_exception(error).message


def test_an_unknown_subrequest() -> None:
    found = status.unsupported_subrequest("frontend.nothing")
    assert found.message == "unsupported request frontend.nothing"
    assert found.details[0].type_url == "github.com/moby/buildkit/errdefs.Subrequest+json"
    assert json.loads(found.details[0].value) == {"name": "frontend.nothing"}


def test_a_message_carries_the_lines_where_no_detail_reaches_the_client() -> None:
    file = SourceFile("bunnyfile", b"version: v1\nkernel:\n  verion: x\nrootfs: {}\n")
    found = Diagnostic(
        "unknown-key", "unknown key", "", Range(Position(3, 2), Position(3, 8)), file
    )
    answer = status.from_problems(Problems([found], with_lines=True))
    assert answer.message == (
        "bunnyfile:3:3: unknown key [unknown-key]\nbunnyfile:3\n"
        "   2 |     kernel:\n   3 | >>>   verion: x\n     |       ^^^^^^\n   4 |     rootfs: {}"
    )
    assert "\n" not in status.from_problems(Problems([found])).message
