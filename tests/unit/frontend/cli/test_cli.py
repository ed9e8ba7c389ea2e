"""What all verbs share: help, wrong words, errors of the system, a reader that goes away."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from frontend import cli
from frontend.cli import main, options
from llb import Platform
from tests.places import ROOT

BUNNYFILE = "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", cli.VERBS)
def test_each_verb_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = cli.verb(name).parser()
    assert isinstance(made, options.Parser)
    assert made.examples
    assert all(example.startswith("hutch ") for example in made.examples)
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: hutch {name} ")
    assert "\nexample" in out
    assert "\nexit status:\n  " in out
    for action in made._actions:
        assert action.help, f"{action.dest} of {name} has no help"


@pytest.mark.parametrize("name", [name for name in cli.VERBS if name != "build"])
def test_a_wrong_flag_shows_the_verbs_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--no-such-flag"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: hutch {name} ")


def test_a_verb_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["chek"])
    assert ended.value.code == 2
    assert "no verb 'chek': did you mean 'check'?" in capsys.readouterr().err
    assert main([]) == 2
    assert "\nverbs:\n  init " in capsys.readouterr().err


START = """
import sys
from frontend.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
heavy = {"argparse", "ssl", "http.client", "socket", "subprocess", "grpc", "requests", "oras",
         "asyncio", "tarfile"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        (["--version"], ["argparse"]),
        (["check"], ["argparse"]),
        (["schema"], ["argparse"]),
    ],
)
def test_a_start_imports_little(here: Path, words: list[str], loaded: list[str]) -> None:
    (here / "bunnyfile").write_text(BUNNYFILE)
    done = subprocess.run(
        [sys.executable, "-S", "-c", START, *words],
        env={"PYTHONPATH": ":".join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == str(loaded)


def test_a_reader_that_goes_away(here: Path) -> None:
    (here / "bunnyfile").write_text(BUNNYFILE)
    done = subprocess.run(
        f"{sys.executable} -m frontend schema | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "141\n"
    assert done.stderr == ""


class TestWhichFile:
    def test_of_this_directory(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check"]) == 1
        assert capsys.readouterr().err == ("hutch: there is no bunnyfile and no Dockerfile here\n")
        (here / "Dockerfile").write_text("FROM scratch\n")
        assert main(["check"]) == 0
        assert "\nDockerfile: a Dockerfile for linux" in capsys.readouterr().out
        (here / "bunnyfile").write_text(BUNNYFILE)
        assert main(["check"]) == 0
        assert capsys.readouterr().out.endswith(
            f"bunnyfile: linux on qemu for {options.host()}: 1 warning\n"
        )

    @pytest.mark.parametrize(
        "words",
        [["sub"], ["sub/bunnyfile"], ["-f", "sub/bunnyfile"], ["-f", "sub/bunnyfile", "sub"]],
    )
    def test_of_another(
        self, here: Path, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The context is the file's own directory unless another is given."""
        sub = here / "sub"
        sub.mkdir()
        (sub / "k").write_bytes(b"\0" * 56 + b"ARM\x64" + b"\0" * 100)
        text = BUNNYFILE.replace("source", "local, path: k")
        (sub / "bunnyfile").write_text(text)
        assert main(["check", "--platform", "arm64", *words]) == 0
        assert main(["check", "--platform", "arm64", "-f", "sub/bunnyfile", "."]) == 1
        assert "[no-such-file]" in capsys.readouterr().err

    def test_standard_input(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for words in (["-"], ["-f", "-"], ["-f", "-", "."]):
            data = BUNNYFILE.replace("qemu", "qemo").encode()
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
            assert main(["check", *words]) == 1
            assert "<stdin>:2:" in capsys.readouterr().err

    def test_none_that_can_be_read(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Without the system's number and Python's words for it."""
        assert main(["check", "none"]) == 1
        assert capsys.readouterr().err == "hutch: none: no such file or directory\n"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("arm64", "linux/arm64"),
        ("aarch64", "linux/arm64"),
        ("x86_64", "linux/amd64"),
        ("linux", str(options.host())),
        ("local", str(options.host())),
        ("linux/amd64", "linux/amd64"),
    ],
)
def test_platforms_as_docker_takes_them(text: str, means: str) -> None:
    assert options.platform(text) == Platform.parse(means)


def test_a_platform_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--platform", "arm63"])
    assert (
        "'arm63' is none of amd64, arm64, x86_64, x86-64, aarch64, and others are"
        in capsys.readouterr().err
    )


def test_a_plan_of_a_dockerfile(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Dockerfile").write_text("FROM scratch\nCOPY a /a\nCMD a b\n")
    assert main(["plan"]) == 0
    assert '"framework": "linux"' in capsys.readouterr().out
    assert main(["llb"]) == 1
    assert "is a Dockerfile, whose graph only a build makes" in capsys.readouterr().err
