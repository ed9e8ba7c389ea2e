"""Reading .dockerignore."""

import pytest

from frameworks.diagnostics import Problems
from frontend.dockerui.ignorefile import read


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


def test_what_is_not_text_is_refused_at_its_line() -> None:
    with pytest.raises(Problems) as raised:
        read(b"# \xc3\xb6\ncaf\xe9\n", "x.dockerignore")
    (found,) = raised.value.diagnostics
    assert str(found).startswith("x.dockerignore:2:1: byte 0xe9 of x.dockerignore is not UTF-8")
    assert found.code == "not-utf8"
