"""`hutch init`: what it makes of a directory is a file that `hutch check` accepts."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import frameworks
from frameworks.first import FIRST
from frontend import bunnyfile
from frontend.cli import main
from frontend.cli.projects import KINDS

PROJECTS = {
    "dockerfile": {
        "Dockerfile": "FROM debian:trixie-slim\nCMD [/bin/true]\n",
        "go.mod": "module x\n",
    },
    "go": {
        "go.mod": "module example.org/a/tool/v2\n\nrequire example.org/b v1.0.0\n",
        "main.go": "// A tool.\npackage main\n",
    },
    "rust": {
        "Cargo.toml": '[package]\nname = "tool"\n\n[dependencies]\nserde = "1"\n',
        "src/main.rs": "",
    },
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
    return put(folder, PROJECTS[name])


def put(folder: Path, files: Mapping[str, str]) -> Path:
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


def written(folder: Path, *words: str) -> str:
    """The bunnyfile of a directory, which `hutch check` accepts."""
    assert main(["init", "--yes", "--force", *words, str(folder)]) == 0
    assert main(["check", "--platform", "amd64", str(folder)]) == 0
    return (folder / "bunnyfile").read_text()


def commanded(folder: Path) -> list[str]:
    """The command of the image, as its build has it."""
    loaded = bunnyfile.load((folder / "bunnyfile").read_bytes(), "bunnyfile")
    cmd = loaded.bunnyfile.settings.cmd
    assert cmd is not None
    return [str(word) for word in cmd]


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Type answers."""
    answers = io.StringIO(text)
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)


def test_every_kind_has_a_project() -> None:
    assert set(PROJECTS) == set(KINDS)


def test_frameworks_and_kinds_know_each_other() -> None:
    assert set(FIRST) <= set(frameworks.TABLE)
    assert {name for runs in FIRST.values() for name in runs.languages} == set(KINDS)


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
    assert "go build -trimpath -buildvcs=false -ldflags=-s -o tool ." in text
    assert "go mod download" in text
    assert 'ports: ["8080/tcp"]' in text


@pytest.mark.parametrize(
    ("files", "framework", "options"),
    [
        (("config.ml", "unikernel.ml"), "mirage", True),
        # What `mirage configure` leaves is there: its keys were given to it.
        (("config.ml", "dune-project", "Makefile", "dist/dune"), "mirage", False),
        (("dune-project", "dune"), "mirage", False),
        (("Makefile.uk", "hello.c"), "unikraft", False),
    ],
)
def test_unikernels(tmp_path: Path, files: tuple[str, ...], framework: str, options: bool) -> None:
    """They are told from a program for Linux by their own files."""
    mirage = {"config.ml": "open Mirage\n", "dune": "(enabled_if (= %{context_name} solo5))\n"}
    (tmp_path / "dist").mkdir()
    for name in files:
        (tmp_path / name).write_text(mirage.get(name, ""))
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
    typed(monkeypatch, "nonsense\nrust\nc\nwindows\n\n99999\n80\n")
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


@pytest.mark.parametrize("answers", ["", "c\n", "nonsense\n", "c\nlinux\n"])
def test_no_answer(
    tmp_path: Path,
    answers: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-D at a question ends it with a message, and leaves nothing."""
    project(tmp_path, "c")
    typed(monkeypatch, answers)
    assert main(["init", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "hutch: a question has no answer, and nothing is written\n"
    assert not (tmp_path / "bunnyfile").exists()


def test_what_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--yes", str(tmp_path)]) == 1
    assert "has nothing that is known: choose with --language: " in capsys.readouterr().err
    assert main(["init", "--yes", "--language", "ocaml", str(tmp_path)]) == 1
    assert "does not look like a MirageOS unikernel" in capsys.readouterr().err
    project(tmp_path, "c")
    assert main(["init", "--yes", "--language", "go", str(tmp_path)]) == 1
    assert "does not look like a Go module, but like C" in capsys.readouterr().err
    assert main(["init", "--yes", "--framework", "mirage", str(tmp_path)]) == 1
    assert "is linux or netbsd or freebsd, not mirage" in capsys.readouterr().err
    (tmp_path / "bunnyfile").write_text("version: v0.1\n")
    assert main(["init", "--yes", str(tmp_path)]) == 1
    assert "`hutch migrate` makes it v1" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "none")]) == 1
    with pytest.raises(SystemExit):
        main(["init", "--port", "0", str(tmp_path)])


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.starts])
def test_an_empty_directory(
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is chosen there gets a first program; what is there already stays."""
    kind = KINDS[name]
    *_, kept = kind.starts
    put(tmp_path, {kept: kind.starts[kept] + "\n"})
    if any(each.shows(tmp_path) for each in KINDS.values()):
        (tmp_path / kept).unlink()
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    typed(monkeypatch, f"ocaml\n{name}\n\n\n")
    assert main(["init", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "does not look like a MirageOS unikernel" in said
    for file, text in kind.starts.items():
        path = tmp_path / file
        assert path.read_text() == before.get(path, text)
        assert (f"wrote {path}: a first program" in said) == (path not in before)
    assert main(["check", "--platform", "amd64", str(tmp_path)]) == 0


@pytest.mark.parametrize("framework", ["linux", "netbsd", "freebsd"])
@pytest.mark.parametrize("name", ["go", "c", "make"])
def test_frameworks(
    tmp_path: Path, name: str, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that can be built for several systems is asked for which; Linux is the default."""
    project(tmp_path, name)
    text = written(tmp_path, "--framework", framework)
    assert f"  framework: {framework} " in text
    assert (framework == "linux") == ("type: initrd" in text)
    assert ("sysroot: none" in text) == (name == "go" and framework != "linux")
    assert "-static" not in text or framework == "linux"
    typed(monkeypatch, f"\n{framework}\n\n")
    assert main(["init", "--force", str(tmp_path)]) == 0
    assert (tmp_path / "bunnyfile").read_text() == text
    assert (written(tmp_path) == text) == (framework == "linux")


def test_a_framework_chooses_the_kind(tmp_path: Path) -> None:
    """A directory can be several kinds: what it is to run on says which."""
    put(tmp_path, {"Dockerfile": "FROM debian:trixie-slim\nCMD [/a]\n", **PROJECTS["go"]})
    assert "rootfs:\n  from: dockerfile" in written(tmp_path)
    assert "go build" in written(tmp_path, "--framework", "freebsd")


def test_a_containerfile(tmp_path: Path) -> None:
    put(tmp_path, {"Containerfile": "FROM debian:trixie-slim\nCMD [/a]\n"})
    assert "  dockerfile: Containerfile " in written(tmp_path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"bunny.yaml": "version: v0.1\n"}, "bunny.yaml is a bunnyfile of version v0.1: `hutch "),
        ({"bunnyfile.yml": 'version: "0.1"\n'}, "of version v0.1: `hutch migrate "),
        ({"Kraftfile": "spec: v0.6\n"}, "Kraftfile is kraft's: `hutch migrate "),
        ({"kraft.yaml": "spec: v0.6\n"}, "kraft.yaml is kraft's: `hutch migrate "),
        (
            {"dune-project": "(lang dune 3.0)", "dune": "(executable (libraries mirage-crypto))"},
            "its OCaml program is none for MirageOS",
        ),
        ({"dune-project": "", "bin/dune": "; not solo5\n"}, "OCaml program is none for MirageOS"),
    ],
)
def test_what_others_know(
    tmp_path: Path, files: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build file of another tool is named with what takes it, also beside a program."""
    assert main(["init", "--yes", str(put(tmp_path, files))]) == 1
    assert said in capsys.readouterr().err
    project(tmp_path, "c")
    assert main(["init", "--yes", str(tmp_path)]) == 0
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (
            {"Makefile": "server: server.c\n\t$(CC) -o $@ server.c\n"},
            ["    - server:/server "],
        ),
        (
            {"makefile": "m.o: m.c\n\t$(CC) -c -o m.o m.c\nserver: m.o\n\t$(CC) -o $@ m.o\n"},
            ['  build: make CC="$CC -static" server', "    - server:/server "],
        ),
        ({"a b.c": "", "-x.c": ""}, ["./-x.c 'a b.c'"]),
        ({"a b.c": ""}, ["  build: $CC -Os -static -o a-b 'a b.c'", "    - a-b:/a-b "]),
        ({"a: #b's.c": ""}, ["  build: |\n    $CC -Os -static -o a---b-s 'a: #b'\"'\"'s.c'"]),
        ({"a\tb.c": ""}, [r"""$CC -Os -static -o a-b 'a\U00000009b.c'" """.rstrip()]),
        ({"tool.c": "", "tool/x": ""}, ["-o tool.bin tool.c", "    - tool.bin:/tool "]),
        (
            {"go.mod": "module x.org/y\n", "lib.go": "package y\n", "cmd/s/m.go": "package main\n"},
            ["-o s ./cmd/s", 'cmd: ["/s"]'],
        ),
        (
            {"Cargo.toml": '[package]\nname = "t"\n[dependencies]\n# of others\na = "1"\n'},
            ["  fetch: cargo fetch "],
        ),
        (
            {"Cargo.toml": '[package]\nname = "t"\n[dependencies.serde]\nversion = "1"\n'},
            ["  fetch: cargo fetch "],
        ),
        (
            {"Cargo.toml": "[package]\nname = 't'\n[target.'cfg(unix)'.dependencies]\na = '1'\n"},
            ["  fetch: cargo fetch "],
        ),
        (
            {
                "Cargo.toml": '[[bin]]\nname = "x"\npath = "src/main.rs"\n[package]\nname = "t"\n',
            },
            ["--bin x\n", 'cmd: ["/x"]'],
        ),
        (
            {
                "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
                "crates/a/Cargo.toml": '[package]\nname = "a"\n',
                "crates/a/src/lib.rs": "",
                "crates/b/Cargo.toml": '[package]\nname = "b"\n[dependencies]\nc = "1"\n',
                "crates/b/src/main.rs": "",
            },
            ["--package b --bin b\n", "  fetch: cargo fetch ", 'cmd: ["/b"]'],
        ),
    ],
)
def test_files_that_build(tmp_path: Path, files: dict[str, str], lines: list[str]) -> None:
    """What a project says of itself is read as its own tool reads it."""
    if "workspace" not in files.get("Cargo.toml", "workspace"):
        files = {**files, "src/main.rs": ""}
    text = written(put(tmp_path, files))
    for line in lines:
        assert line in text


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"scripts": {"start": "node src/server.js"}}, ["src/server.js"]),
        (
            {"main": "lib.js", "scripts": {"start": "node --no-warnings 'a b.js' -p 80"}},
            ["--no-warnings", "a b.js", "-p", "80"],
        ),
        ({"main": "lib.js", "scripts": {"start": "node a.js && node b.js"}}, ["lib.js"]),
        ({"main": "lib.js", "scripts": {"start": "next start"}}, ["lib.js"]),
        ({"main": 'it\'s "quoted" \\ ${X} $y.js'}, ['it\'s "quoted" \\ ${X} $y.js']),
        ({}, ["server.js"]),
        ({"main": ["x"], "scripts": "x"}, ["server.js"]),
    ],
)
def test_what_node_starts(tmp_path: Path, about: dict[str, object], words: list[str]) -> None:
    text = "\ufeff" + json.dumps(about)
    written(put(tmp_path, {"package.json": text, "server.js": "", "index.js": ""}))
    assert commanded(tmp_path) == ["/usr/bin/node", *words]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"package.json": "{"}, "package.json' is no JSON: Expecting "),
        ({"package.json": "[]"}, "package.json' is no JSON object"),
        ({"package.json": '{"name": "x"}'}, "package.json' does not say what starts: "),
        ({"Cargo.toml": "[package"}, "Cargo.toml' is no TOML: "),
        ({"Cargo.toml": ""}, "Cargo.toml' has neither a [package] nor a [workspace]"),
        ({"Cargo.toml": "[package]\n"}, "Cargo.toml' does not say the package's name"),
        ({"Cargo.toml": '[package]\nname = "x"\n'}, "' is a Rust library: "),
        ({"Cargo.toml": "[workspace]\n"}, "is a workspace, and no member has a program"),
        ({"go.mod": "module x\n", "x.go": "package x\n"}, "is a Go module without a program"),
    ],
)
def test_projects_without_a_program(
    tmp_path: Path, files: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are said to be such, and nothing is written."""
    assert main(["init", "--yes", str(put(tmp_path, files))]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "bunnyfile").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Makefile": "all:\n\tninja\n"}, "does not say plainly what it makes: "),
        ({"Makefile": "x: x.c\n\tgcc -o x x.c\n"}, "Makefile calls gcc by name: "),
        (
            {
                "Cargo.toml": '[package]\nname = "a"\ndefault-run = "b"\n',
                "src/bin/a.rs": "",
                "src/bin/b.rs": "",
            },
            "it has several programs (b, a): the file builds b",
        ),
        (
            {"go.mod": "module x\n", "cmd/a/a.go": "package main\n", "cmd/b/b.go": "package main"},
            "it has several programs (a, b): the file builds a",
        ),
    ],
)
def test_what_is_guessed_is_said(
    tmp_path: Path, files: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--yes", str(put(tmp_path, files))]) == 0
    assert said in capsys.readouterr().err


def test_a_name_that_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / os.fsdecode(b"a\xff.c")).write_text("")
    assert main(["init", "--yes", str(tmp_path)]) == 1
    assert "has a file whose name is not UTF-8" in capsys.readouterr().err
    assert not (tmp_path / "bunnyfile").exists()
