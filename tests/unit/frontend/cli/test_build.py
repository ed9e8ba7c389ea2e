"""What `hutch build` makes of its words, and what it hands to buildx."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frontend.cli import buildfile, main
from frontend.images.docker import Docker, find

DOCKER = """\
#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
  version|"buildx version") exit ${ANSWERS:-0} ;;
  "image inspect hutch:1") exit ${LOCAL:-1} ;;
  *inspect) echo "Driver: ${DRIVER:-docker}"; exit 0 ;;
  "buildx debug --help") [ -n "$BUILDX_EXPERIMENTAL" ] && echo "${DEBUGGER:---invoke string}"
    exit 0 ;;
  "buildx build --help") echo "  -q, --quiet  no output"; echo "      --newer string  x"; exit 0 ;;
esac
exit 3
"""
FILE = "version: v1\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a docker that does nothing was told; the directory has a build file."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    for name in ("BUILDKIT_HOST", buildfile.FRONTEND):
        monkeypatch.delenv(name, raising=False)
    here = tmp_path / "here"
    here.mkdir()
    (here / "bunnyfile").write_text(FILE)
    monkeypatch.chdir(here)
    return tmp_path / "log"


def told(log: Path) -> str:
    return log.read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        ([], "--file bunnyfile ."),
        (["bunnyfile"], "--file bunnyfile ."),
        (["-t", "a:1", "--push", "."], "--file bunnyfile -t a:1 --push ."),
        (["--tag=a:1", "."], "--file bunnyfile --tag=a:1 ."),
        (
            ["--platform", "arm64", "--no-cache", "."],
            "--file bunnyfile --platform arm64 --no-cache .",
        ),
        (["-f", "bunnyfile", "sub"], "--file bunnyfile sub"),
        (["--file=bunnyfile", "-q", "sub"], "--file bunnyfile -q sub"),
        (["-ta:1", "."], "--file bunnyfile -ta:1 ."),
        (["-qt", "a:1", "."], "--file bunnyfile -q -t a:1 ."),
        (["-Dqta:1", "."], "--file bunnyfile -D -q -ta:1 ."),
        (["-qf", "bunnyfile", "sub"], "--file bunnyfile -q sub"),
        (["--newer", "x", "."], "--file bunnyfile --newer x ."),
    ],
)
def test_words(log: Path, words: list[str], passed: str) -> None:
    """buildx's own options go through, with their values; its status comes back."""
    assert main(["build", "--frontend", "f:1", *words]) == 3
    assert told(log) == f"buildx build --build-arg BUILDKIT_SYNTAX=f:1 {passed}"


@pytest.mark.parametrize("context", ["https://example.org/x.git", "git@example.org:x", "-"])
def test_a_context_of_elsewhere_has_its_own_file(log: Path, context: str) -> None:
    assert main(["build", context]) == 3
    assert told(log) == f"buildx build {context}"


class TestFrontend:
    def test_the_files_own(self, log: Path) -> None:
        Path("bunnyfile").write_text(f"# syntax=x:1\n{FILE}")
        assert main(["build"]) == 3
        assert told(log) == "buildx build --file bunnyfile ."

    def test_of_the_environment(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(buildfile.FRONTEND, "e:1")
        assert main(["build"]) == 3
        assert "BUILDKIT_SYNTAX=e:1" in told(log)

    def test_of_docker(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOCAL", "0")
        assert main(["build"]) == 3
        assert "BUILDKIT_SYNTAX=hutch:1" in told(log)

    def test_of_docker_on_another_builder(
        self, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It has a store of its own, and would ask Docker Hub for that name."""
        monkeypatch.setenv("LOCAL", "0")
        monkeypatch.setenv("DRIVER", "docker-container")
        assert main(["build", "--builder", "box"]) == 1
        assert told(log) == "buildx --builder box inspect"
        err = capsys.readouterr().err
        assert "has not Docker's images, and so not hutch:1: push hutch's image to a reg" in err

    def test_of_the_user(self, log: Path) -> None:
        assert main(["build", "--build-arg", "BUILDKIT_SYNTAX=u:1", "."]) == 3
        assert told(log) == "buildx build --file bunnyfile --build-arg BUILDKIT_SYNTAX=u:1 ."

    def test_none(self, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["build"]) == 1
        said = capsys.readouterr().err
        assert "bunnyfile has no `# syntax=` line: name hutch's" in said
        assert "`docker buildx build --load -t hutch:1 .` in hutch's checkout" in said


def test_a_step_is_entered(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--frontend", "f:1", "--enter"]) == 3
    build = "build --build-arg HUTCH_ENTER=1 --build-arg BUILDKIT_SYNTAX=f:1 "
    assert told(log).startswith(f"buildx debug --on=error --invoke=/bin/sh {build}")
    monkeypatch.setenv("DEBUGGER", "Extended build capabilities with BuildKit")
    assert main(["build", "--frontend", "f:1", "--enter"]) == 1
    assert "has no debugger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a", "b"], "unrecognized arguments: b"),
        ([".", "--", "-m", "1g"], "what follows -- is for --run"),
        (["-f"], "argument -f/--file: expected one argument"),
        (["--frontend"], "argument --frontend: expected one argument"),
        (["--platform"], "argument --platform: expected one argument"),
        (["-qt"], "argument -t: expected one argument"),
        (["--zzz", "none"], "neither hutch nor docker buildx build has an option --zzz"),
        (["--run", "--check"], "--check builds nothing that --run could boot"),
        (["--run", "--call=outline", "."], "--call builds nothing that --run could boot"),
    ],
)
def test_a_wrong_line(
    log: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["build", *words])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_nothing_to_build_with(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANSWERS", "1")
    assert main(["build", "--frontend", "f:1"]) == 1
    assert "nothing to build with" in capsys.readouterr().err
    monkeypatch.setenv("BUILDKIT_HOST", "tcp://127.0.0.1:1")
    assert main(["build"]) == 1
    assert "is missing" in capsys.readouterr().err
    monkeypatch.delenv("ANSWERS")
    assert main(["build"]) == 1
    assert "nothing answers at BUILDKIT_HOST=tcp://127.0.0.1:1" in capsys.readouterr().err


def test_no_file(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "none"]) == 1
    assert "there is no 'none'" in capsys.readouterr().err
    Path("bunnyfile").unlink()
    assert main(["build"]) == 1
    assert "no bunnyfile and no Dockerfile here" in capsys.readouterr().err


def test_the_private_engine(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Docker of the user's answers; its own docker comes first in PATH."""
    engine = tmp_path / "engine"
    (engine / "instances" / "28").mkdir(parents=True)
    (engine / "instances" / "28" / "docker.sock").touch()
    (engine / "bin").mkdir()
    (engine / "bin" / "docker").write_text("#!/bin/sh\nexit 0\n")
    (engine / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("HUTCH_ENGINE_DIR", str(engine))
    assert find() == Docker()
    monkeypatch.setenv("ANSWERS", "1")
    found = find()
    assert found.command("x") == [str(engine / "bin" / "docker"), "x"]
    assert found.environment()["DOCKER_HOST"] == f"unix://{engine}/instances/28/docker.sock"
