"""`hutch init`: what it makes of a directory is a file that `hutch check` accepts."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from frontend.cli import init, main

PROJECTS = {
    "dockerfile": {
        "Dockerfile": "FROM debian:trixie-slim\nCMD [/bin/true]\n",
        "go.mod": "module x\n",
    },
    "go": {"go.mod": "module example.org/a/tool/v2\n\nrequire example.org/b v1.0.0\n"},
    "rust": {"Cargo.toml": '[package]\nname = "tool"\n\n[dependencies]\nserde = "1"\n'},
    "node": {"package.json": '{"main": "server.js", "dependencies": {"x": "1"}}'},
    "ocaml": {"config.ml": "open Mirage\n", "unikernel.ml": ""},
    "makefile.uk": {
        "Makefile.uk": "$(eval $(call addlib,apphello))\n",
        "hello.c": "",
        "Makefile": "",
    },
    "make": {"Makefile": "all:\n\tcc -O2 -o bin/tool tool.c\n", "tool.c": ""},
    "c": {"tool.c": "", "other.c": ""},
}


def project(folder: Path, name: str) -> Path:
    for file, text in PROJECTS[name].items():
        (folder / file).write_text(text)
    return folder


def test_every_kind_has_a_project() -> None:
    assert set(PROJECTS) == set(init.KINDS)


@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_written_is_accepted(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path, name)
    assert main(["init", "--yes", str(folder)]) == 0
    text = (folder / "bunnyfile").read_text()
    assert text.startswith("# yaml-language-server: $schema=bunnyfile.schema.json\n")
    said = capsys.readouterr().out
    assert main(["schema"]) == 0
    assert (folder / "bunnyfile.schema.json").read_text() == capsys.readouterr().out
    assert f"wrote {folder / 'bunnyfile'}: " in said
    assert f"wrote {folder / 'bunnyfile.schema.json'}: " in said
    assert main(["check", "--platform", "amd64", str(folder)]) == 0
    assert capsys.readouterr().out.endswith(": no errors\n")
    assert main(["init", "--yes", str(folder)]) == 1
    assert "already (--force)" in capsys.readouterr().err
    assert main(["init", "--yes", "--force", str(folder)]) == 0


def test_names(tmp_path: Path) -> None:
    project(tmp_path, "go")
    assert main(["init", "--yes", "--port", "8080", str(tmp_path)]) == 0
    text = (tmp_path / "bunnyfile").read_text()
    assert "go build -trimpath -ldflags=-s -o tool ." in text
    assert "go mod download" in text
    assert 'ports: ["8080/tcp"]' in text


@pytest.mark.parametrize(
    ("files", "framework", "options"),
    [
        (("config.ml", "unikernel.ml"), "mirage", True),
        # What `mirage configure` leaves is there: its keys were given to it.
        (("config.ml", "dune-project", "Makefile", "dist/dune"), "mirage", False),
        (("dune-project",), "mirage", False),
        (("Makefile.uk", "hello.c"), "unikraft", False),
    ],
)
def test_unikernels(tmp_path: Path, files: tuple[str, ...], framework: str, options: bool) -> None:
    """They are told from a program for Linux by their own files."""
    (tmp_path / "dist").mkdir()
    for name in files:
        (tmp_path / name).write_text("")
    assert main(["init", "--yes", "--port", "80", str(tmp_path)]) == 0
    text = (tmp_path / "bunnyfile").read_text()
    assert f"  framework: {framework} " in text
    assert "rootfs" not in text
    assert ("options:" in text) == options
    assert main(["check", "--platform", "amd64", str(tmp_path)]) == 0
    # What is offered behind a '#' is taken, too.
    (tmp_path / "bunnyfile").write_text(re.sub("^  # ", "  ", text, flags=re.MULTILINE))
    assert main(["check", "--platform", "amd64", str(tmp_path)]) == 0


def test_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is offered, and wrong answers are asked again."""
    project(tmp_path, "make")
    typed = io.StringIO("nonsense\nc\n99999\n80\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", typed)
    assert main(["init", str(tmp_path)]) == 0
    text = (tmp_path / "bunnyfile").read_text()
    assert "$CC -Os -static -o tool tool.c" in text
    assert 'ports: ["80/tcp"]' in text


def test_a_schema_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is somebody's, unless they say otherwise."""
    schema = project(tmp_path, "c") / "bunnyfile.schema.json"
    schema.write_text("{}")
    assert main(["init", "--yes", str(tmp_path)]) == 0
    assert (schema.read_text(), str(schema) in capsys.readouterr().out) == ("{}", False)
    assert main(["init", "--yes", "--force", "--schema", "other.json", str(tmp_path)]) == 0
    assert (schema.read_text(), str(schema) in capsys.readouterr().out) == ("{}", False)
    assert main(["init", "--yes", "--force", str(tmp_path)]) == 0
    assert len(schema.read_text()) > 1000


@pytest.mark.parametrize("typed", ["", "c\n", "nonsense\n"])
def test_no_answer(
    tmp_path: Path,
    typed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-D at a question ends it with a message, and leaves nothing."""
    project(tmp_path, "c")
    answers = io.StringIO(typed)
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)
    assert main(["init", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "hutch: a question has no answer, and nothing is written\n"
    assert not (tmp_path / "bunnyfile").exists()


def test_what_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--yes", str(tmp_path)]) == 1
    assert "has nothing that is known" in capsys.readouterr().err
    assert main(["init", "--yes", "--language", "go", str(tmp_path)]) == 1
    assert "does not look like a Go module" in capsys.readouterr().err
    (tmp_path / "bunnyfile").write_text("version: v0.1\n")
    assert main(["init", "--yes", str(tmp_path)]) == 1
    assert "`hutch migrate` makes it v1" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "none")]) == 1
    with pytest.raises(SystemExit):
        main(["init", "--port", "0", str(tmp_path)])
