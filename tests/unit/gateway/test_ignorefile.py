"""Reading .dockerignore."""

import pytest

from frontend.gateway.ignorefile import read


@pytest.mark.parametrize(
    ("data", "patterns"),
    [
        (b"", ()),
        (b"\n\n  \n", ()),
        (b"node_modules\n", ("node_modules",)),
        (b"\xef\xbb\xbf*.o", ("*.o",)),
        (b"# comment\n #not a comment", ("#not a comment",)),
        (b"/abs/path\n/", ("abs/path", "/")),
        (b"a//b/./c/../d/", ("a/b/d",)),
        (b"./x", ("x",)),
        (b"../x", ("../x",)),
        (b"*\n!keep\n! /spaced", ("*", "!keep", "!spaced")),
        (b"!", ("!",)),
        (b"crlf\r\nnext\r\n", ("crlf", "next")),
        ("größe\n".encode(), ("größe",)),
    ],
)
def test_reads_patterns_as_docker_does(data: bytes, patterns: tuple[str, ...]) -> None:
    assert read(data) == patterns


def test_keeps_bytes_that_are_not_utf8() -> None:
    (pattern,) = read(b"caf\xe9")
    assert pattern.encode("utf-8", "surrogateescape") == b"caf\xe9"
