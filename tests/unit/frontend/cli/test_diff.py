"""What is said of two images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from frontend.cli import diff, main
from frontend.images.facts import Facts, File, Kernel

ONE = Facts(
    digest="sha256:1",
    platform="linux/amd64",
    keys={"annotations": {"binary": "/k"}, "labels": {"binary": "/k"}, "urunc.json": {}},
    annotations={"com.urunc.unikernel.binary": "/k", "note": "1"},
    labels={},
    process={"Cmd": ["a"], "Labels": {"x": "y"}},
    layers=(),
    kernel=Kernel("/k", 10, "bzimage", "amd64", "6.1", {"CONFIG_A": "y", "CONFIG_B": "m"}),
    versions=(),
    files={
        "/a": File("file", 0o644, "0:0", 3, "f" * 64),
        "/l": File("link", 0o777, "0:0", 0, "/a"),
    },
)


def lines(new: Facts) -> list[str]:
    return [diff._line(change) for change in diff.compare(ONE, new)]


def test_the_same_is_nothing() -> None:
    assert lines(replace(ONE, digest="sha256:2")) == []


def test_each_kind_of_change() -> None:
    kernel = replace(ONE.kernel or Kernel("", 0, "", ""), version="6.2", options={"CONFIG_A": "m"})
    new = replace(
        ONE,
        keys={**ONE.keys, "labels": {"binary": "/k", "initrd": "/i"}},
        annotations={"com.urunc.unikernel.binary": "/other", "note": "2"},
        process={"Cmd": ["b"], "User": "1"},
        kernel=kernel,
        files={"/a": File("file", 0o755, "0:0", 3, "f" * 64), "/b": ONE.files["/a"]},
    )
    assert lines(new) == [
        "+ key in labels initrd: /i",
        '~ config Cmd: ["a"] -> ["b"]',
        '+ config User: "1"',
        "~ annotation note: 1 -> 2",
        "~ kernel version: 6.1 -> 6.2",
        "~ option CONFIG_A: y -> m",
        "- option CONFIG_B: m",
        "~ file /a: file 0644 0:0 3 bytes ffffffffffff -> file 0755 0:0 3 bytes ffffffffffff",
        "+ file /b: file 0644 0:0 3 bytes ffffffffffff",
        "- file /l: link 0777 0:0 0 bytes -> /a",
    ]


def test_options_that_nobody_knows_did_not_change() -> None:
    kernel = ONE.kernel or Kernel("", 0, "", "")
    assert lines(replace(ONE, kernel=replace(kernel, options=None))) == []


@pytest.mark.parametrize(("content", "told"), [("a", 0), ("b", 2)])
def test_only_other_kernels_without_options_are_told_of(
    content: str, told: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def facts(ref: str, _platform: object) -> Facts:
        bare = replace(ONE.kernel or Kernel("", 0, "", ""), options=None)
        file = File("file", 0o755, "0:0", 10, content if ref == "new:1" else "a")
        return replace(ONE, kernel=bare, files={"/k": file})

    monkeypatch.setattr(diff, "_facts", facts)
    assert main(["diff", "old:1", "new:1"]) == int(content != "a")
    assert capsys.readouterr().err.count("options are not compared") == told
