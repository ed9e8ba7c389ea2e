"""`hutch migrate`: a v0.1 file and the v1 file of it are one plan."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from frontend.cli import main

HEAD = "# syntax=x:1\n# mine\nversion: v0.1\nplatforms: {framework: linux, monitor: qemu}\n"
FILES = {
    "initrd": HEAD + "kernel: {from: local, path: k}\nrootfs: {type: initrd, include: ['a:/a']}\n"
    "cmd: [/a, 'it''s', '#x', '']\nenvs: ['A=b c']\n",
    "image": HEAD + "kernel: {from: 'x/y:1', path: /k}\nrootfs: {from: 'x/z:1', type: raw}\n",
    "no root": HEAD + "kernel: {from: local, path: k}\nentrypoint: [/a]\ncmd: [b]\n",
    "unikraft": "version: v0.1\nplatforms: {framework: unikraft, monitor: qemu, version: v0.18.0}\n"
    "kernel: {from: local, path: k}\nrootfs: {from: local, path: a.cpio, type: initrd}\n"
    "cmdline: a b\n",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k").write_bytes(b"\0" * 600)
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "a.cpio").write_bytes(b"070701" + b"0" * 600)
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_one_image(
    here: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same files at the same places by the same graph, but for what only v0.1 does."""
    file = here / "bunnyfile"
    file.write_text(FILES[name])
    assert main(["migrate"]) == 0
    new = capsys.readouterr().out
    assert new.startswith(FILES[name].partition("version")[0] + "version: v1\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(new.encode())))
    assert main(["check", "--platform", "amd64", "-"]) == 0
    capsys.readouterr()
    assert main(["migrate", "--write"]) == 0
    assert file.read_text() == new
    capsys.readouterr()
    assert main(["migrate"]) == 1
    assert "is of version v1 already" in capsys.readouterr().err


def test_words_keep_their_value(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    (here / "bunnyfile").write_text(FILES["initrd"])
    assert main(["migrate", "--write"]) == 0
    capsys.readouterr()
    assert main(["plan", "--platform", "amd64"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["settings"]["cmd"] == ["/a", "it's", "#x", ""]
    assert plan["settings"]["envs"] == [["A", "b c"]]
    assert plan["init"] == "none"


@pytest.mark.parametrize("type", ["", ", type: initrd"])
def test_files_that_are_not_built_yet(
    here: Path, type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "k").unlink()
    kernel = "kernel: {from: local, path: k}\n"
    (here / "bunnyfile").write_text(
        f"{HEAD}{kernel}rootfs: {{from: local, path: root.img{type}}}\ncmd: [/a]\n"
    )
    assert main(["migrate"]) == 0
    new = capsys.readouterr().out
    assert "path: root.img" in new
    assert ("type: initrd" in new) == bool(type)
    assert main(["plan", "--json"]) == 1  # elsewhere they have to be there
    assert "there is no 'root.img'" in capsys.readouterr().err


def test_a_kraftfile_s_own_name_and_place(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Kraftfile").write_text("spec: v0.6\nname: x\nunikraft: stable\n")
    assert main(["check", "Kraftfile"]) == 1
    assert "a Kraftfile, of which `hutch migrate` writes a bunnyfile" in capsys.readouterr().err
    (here / "bunnyfile").write_text("mine")
    assert main(["migrate", "--write", "Kraftfile"]) == 1
    assert "bunnyfile is there already: move it away" in capsys.readouterr().err
    assert (here / "bunnyfile").read_text() == "mine"


def test_what_v1_has_not(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bunnyfile").write_text(FILES["no root"].replace("linux", "osv"))
    assert main(["migrate"]) == 1
    assert "version v1 has no framework that it names" in capsys.readouterr().err
    (here / "bunnyfile").write_text("FROM scratch\n")
    assert main(["migrate"]) == 1
    assert "is a Dockerfile" in capsys.readouterr().err
