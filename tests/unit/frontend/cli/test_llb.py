"""The graph in each of its forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontend.cli import main
from llb import Definition
from tests.places import EXAMPLES


def test_forms(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """All are of one graph."""
    words = ["llb", "--platform", "amd64", str(EXAMPLES / "linux-hello")]
    out = {}
    for form in ("--tree", "--json", "--dot", "--raw"):
        assert main([*words, form]) == 0
        out[form] = capsysbinary.readouterr().out
    assert main(words) == 0
    assert capsysbinary.readouterr().out == out["--tree"]
    ops = list(Definition.from_bytes(out["--raw"]).ops())
    listed = json.loads(out["--json"])
    assert [each["digest"] for each in listed] == [op.digest for op in ops]
    text = out["--dot"].decode()
    assert text.startswith("digraph llb {\n")
    arrows = sum(len(op.message.inputs) for op in ops if op.kind)
    assert text.count(" -> ") == arrows > 0
    assert '[label="local://context"]' in text


def test_the_frontend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """hutch's own image is the one that a build would take, as far as somebody names it."""
    text = (EXAMPLES / "linux-hello" / "bunnyfile").read_text()
    bare = "".join(line for line in text.splitlines(True) if "syntax" not in line)
    file = tmp_path / "bunnyfile"

    def images(text: str, *words: str) -> set[str]:
        file.write_text(text)
        assert main(["llb", "--platform", "amd64", "--json", *words, str(file)]) == 0
        listed = json.loads(capsys.readouterr().out)
        sources = (each["op"].get("source", {}).get("identifier", "") for each in listed)
        return {each for each in sources if "hutch" in each}

    monkeypatch.delenv("HUTCH_FRONTEND", raising=False)
    assert images(bare) == {"docker-image://docker.io/library/hutch:latest"}
    assert images(f"# syntax=r.example/hutch:0\n{bare}") == {"docker-image://r.example/hutch:0"}
    monkeypatch.setenv("HUTCH_FRONTEND", "r.example/hutch:1")
    assert images(text) == {"docker-image://r.example/hutch:1"}
    assert images(text, "--frontend", "r.example/hutch:2") == {"docker-image://r.example/hutch:2"}
    assert main(["llb", "--frontend", "No:No:No", str(file)]) == 1
    assert capsys.readouterr().err.startswith("hutch: the frontend's image: ")


def test_one_form_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["llb", "--json", "--dot", str(tmp_path)])
    assert "not allowed with argument --json" in capsys.readouterr().err


MIRAGE = """\
version: v1
platforms: {framework: mirage, monitor: spt}
kernel: {from: source}
app: {from: local, path: app}
"""


@pytest.fixture
def mirage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a MirageOS application with a config.ml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bunnyfile").write_text(MIRAGE)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "config.ml").write_text("let () = ()\n")
    return tmp_path


def test_what_is_in_the_context_is_looked_up(
    mirage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An application with a config.ml is configured, by opam's packages; a dune project is not."""
    assert main(["llb"]) == 0
    assert "configure.sh build spt" in capsys.readouterr().out
    assert main(["plan"]) == 0
    assert "opam-repository" in capsys.readouterr().out
    (mirage / "app" / "dist").mkdir()
    (mirage / "app" / "dist" / "dune").write_text("")
    (mirage / "app" / "dune-project").write_text("")
    assert main(["llb"]) == 0
    assert "opam-repository" not in capsys.readouterr().out
    (mirage / ".dockerignore").write_text("app/config.ml\napp/dist\n")
    assert main(["llb"]) == 1
    assert "the application has no dist/dune" in capsys.readouterr().err


def test_build_contexts(mirage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is a source of its name, an image its own; a directory's content is looked up."""
    (mirage / "app").rename(mirage / "other")
    (mirage / "more").mkdir()
    (mirage / "other").rename(mirage / "more" / "app")
    given = {
        "app-source": "more",
        "solo5": "https://example.com/solo5.git",
        "debian:trixie-slim": "docker-image://mirror.example/debian:13",
        "ocaml-solo5::linux/amd64": "elsewhere",
    }
    flags = [
        word for name, value in given.items() for word in ("--build-context", f"{name}={value}")
    ]
    assert main(["llb", "--platform", "linux/amd64", *flags]) == 0
    out = capsys.readouterr().out
    assert "configure.sh build spt" in out
    for source in (
        "local://app-source",
        "local://solo5",
        "docker-image://mirror.example/debian:13",
        "local://ocaml-solo5::linux/amd64",
    ):
        assert f"source {source}" in out
    assert "library/debian" not in out
    assert "local://context" not in out
