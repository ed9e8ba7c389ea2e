"""References, platforms and paths read and print as Go's libraries say (goldens/names.json)."""

import json
from pathlib import Path

import pytest

from llb import InvalidReference, Platform, Reference, paths

GOLDENS = json.loads((Path(__file__).parent / "goldens" / "names.json").read_text())
D1 = "sha256:" + "1" * 64

# A host name cannot hold an underscore. Go then takes the host for a part of the path and returns a
# reference that no registry has; here it is an error.
REFUSED_HERE = {"exa_mple.com/a"}


@pytest.mark.parametrize("text", GOLDENS["references"])
def test_references(text: str) -> None:
    expected = GOLDENS["references"][text]
    if expected is None or text in REFUSED_HERE:
        with pytest.raises(InvalidReference, match="is not an image reference"):
            Reference.parse(text)
        return
    reference = Reference.parse(text)
    assert [str(reference.tagged()), reference.familiar] == expected
    assert Reference.parse(str(reference)) == reference


def test_a_reference_can_be_pinned_and_keeps_its_tag() -> None:
    pinned = Reference.parse("debian:12").pinned(D1)
    assert str(pinned) == f"docker.io/library/debian:12@{D1}"
    assert pinned.familiar == f"debian:12@{D1}"
    with pytest.raises(InvalidReference, match="64 lower-case hex digits"):
        pinned.pinned("sha256:12")


@pytest.mark.parametrize("text", GOLDENS["platforms"])
def test_platforms(text: str) -> None:
    expected = GOLDENS["platforms"][text]
    if expected is None:
        with pytest.raises(ValueError, match="platform"):
            Platform.parse(text)
        return
    platform = Platform.parse(text)
    assert str(platform) == expected
    assert Platform.parse(expected) == platform


@pytest.mark.parametrize("text", ["linux", "arm64", "linux/amd64/v1/x"])
def test_a_platform_is_never_completed_from_the_host(text: str) -> None:
    with pytest.raises(ValueError, match="os/architecture"):
        Platform.parse(text)


def test_spellings_of_one_platform_are_equal() -> None:
    assert Platform("Linux", "aarch64", "v8") == Platform("linux", "arm64")
    assert Platform("linux", "arm") == Platform("linux", "arm", "v7") == Platform("linux", "armhf")
    assert len({Platform("linux", "x86_64"), Platform("linux", "amd64", "v1")}) == 1
    with pytest.raises(ValueError, match="needs an operating system"):
        Platform("", "amd64")


@pytest.mark.parametrize("path", GOLDENS["paths"])
def test_paths(path: str) -> None:
    found = [paths.clean(path), paths.join("/w", path), paths.join("", path)]
    assert found == GOLDENS["paths"][path]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/", "/w/a/"), ("/", "/"), (".", "/w"), ("./", "/w/"), ("/b/.", "/b/."), ("/.", "/.")],
)
def test_the_slash_at_the_end_of_a_destination_is_kept(path: str, expected: str) -> None:
    assert paths.resolve("/w", path, keep_slash=True) == expected
