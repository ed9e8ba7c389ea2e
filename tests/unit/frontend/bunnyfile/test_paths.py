"""Paths that the runtime takes, and paths that stay where they belong."""

from __future__ import annotations

import pytest

from frameworks.runtime import RUNTIME
from frontend.bunnyfile.paths import clean


@pytest.mark.parametrize("path", ["/.boot/kernel", "/data", "kernel", "a/b-c_d.e", "/-a"])
def test_good_image_paths(path: str) -> None:
    assert RUNTIME.path_fault(path) == ""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "is empty"),
        ("/a b", "a space"),
        ("/a,b", "','"),
        ("/a\n", "U+000A"),
        ("/é", "'é'"),
        ("/", "root directory"),
        ("/a/../b", "'..'"),
        ("../a", "'..'"),
        ("/a/", "shortest"),
        ("/a//b", "shortest"),
        ("./a", "shortest"),
        ("-a", "option"),
        ("/" + "a" * 4096, "longer"),
    ],
)
def test_bad_image_paths(path: str, said: str) -> None:
    assert said in RUNTIME.path_fault(path)


def test_a_mount_point_may_be_the_root() -> None:
    assert RUNTIME.path_fault("/", root=True) == ""


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("/", "/"),
        ("/a/./b", "/a/b"),
        (".", "."),
        ("", "."),
        ("a/../b", "b"),
        ("/a/../b", "/b"),
        ("..", None),
        ("a/../../b", None),
        ("/..", None),
    ],
)
def test_clean(path: str, cleaned: str | None) -> None:
    assert clean(path) == cleaned
