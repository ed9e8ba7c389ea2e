"""Platforms read and print as Go's library says (goldens/names.json)."""

import json
from pathlib import Path

import pytest

from llb import Platform

GOLDENS = json.loads((Path(__file__).parent / "goldens" / "names.json").read_text())


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
