"""What a URL carries besides its place is not shown."""

import pytest

from llb import Location, Meta, Platform, Position, Range, SourceFile, http
from llb.masked import masked, masked_bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@host/a", "https://xxxx:xxxxxx@host/a"),
        ("git+https://token@host/a.git#v1 and", "git+https://xxxxx@host/a.git#v1 and"),
        ("ssh://git@host/a", "ssh://git@host/a"),
        ("ssh://git:pw@host/a", "ssh://git:xx@host/a"),
        ("https://a:b@c@host/", "https://x:xxx@host/"),
        ("git@host:a", "git@host:a"),
        ("docker-image://name@sha256:abc", "docker-image://name@sha256:abc"),
        ("https://host/a@b", "https://host/a@b"),
        ("https://a:b@h http://c:d@h", "https://x:x@h http://x:x@h"),
        ("no URL, a@b", "no URL, a@b"),
        ("://\u00e4:\u00f6@h", "://x:x@h"),
    ],
)
def test_userinfo(text: str, shown: str) -> None:
    assert masked(text) == shown
    if text.isascii():
        assert masked_bytes(text.encode()) == shown.encode()


def test_bytes_stay_where_they_are() -> None:
    data = "a: https://\u00e4:\u00f6@h\nb: \u00e4".encode()
    assert len(masked_bytes(data)) == len(data)
    assert "\u00f6".encode() not in masked_bytes(data)


def test_a_definition_shows_none() -> None:
    """The name of a vertex and the file behind it; the source itself needs them."""
    url = "https://user:secret@host/a"
    file = SourceFile("f", f"from: {url}\n".encode())
    at = Range(Position(1), Position(1, 5))
    meta = Meta(name=f"fetch {url}", location=Location(file, (at,)))
    definition = http(url, filename="a", meta=meta).marshal(platform=Platform("linux", "amd64"))
    message = definition.to_pb()
    assert b"secret" in b"".join(definition.raw)
    assert b"secret" not in message.Source.SerializeToString()
    (named, *_) = [m for m in message.metadata.values() if m.description]
    assert named.description["llb.customname"] == "fetch https://xxxx:xxxxxx@host/a"
