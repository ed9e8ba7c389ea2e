"""`hutch attach`'s own words, and sizes in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontend.cli import attach, main
from frontend.images import write


@pytest.mark.parametrize("text", ["", "not a type", "text", "a/b/c", "text/plain; charset=x"])
def test_what_is_no_type(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["attach", "--type", text, "localhost:1/x:1", "file"])
    assert ended.value.code == 2
    assert f"'{text}' is no media type" in capsys.readouterr().err


def test_a_type() -> None:
    assert attach.kind("application/vnd.x+json") == "application/vnd.x+json"


def test_the_list_has_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries: list[dict[str, Any]] = [
        {"digest": "sha256:1", "artifactType": "a/b", "annotations": {write.TITLE: "note\x1b"}},
        {"digest": "sha256:2"},
    ]
    monkeypatch.setattr(write, "attached", lambda _: entries)
    assert main(["attach", "localhost:1/x:1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sha256:1  a/b  note")
    assert lines[0].isprintable()
    assert lines[1] == "sha256:2"


def test_what_was_attached_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    (tmp_path / "note").write_text("a note")
    monkeypatch.setattr(write, "attach", lambda *_: "sha256:1")
    assert main(["attach", "--json", "localhost:1/x:1", str(tmp_path / "note")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"name": "localhost:1/x@sha256:1", "digest": "sha256:1"}


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (5000, "5.0 kB"), (50_000, "50.0 kB"),
                       (2_340_000, "2.3 MB")]
)  # fmt: skip
def test_sizes(size: int, text: str) -> None:
    assert write.shown(size) == text
