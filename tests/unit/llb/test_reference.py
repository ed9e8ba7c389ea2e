"""References read and print as Go's library says (goldens/names.json)."""

import json
from pathlib import Path

import pytest

from llb import InvalidReference, Reference

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
