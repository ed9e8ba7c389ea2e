"""The first steps of the documentation, typed as they are written there.

A page's commands are its indented blocks. They run in a shell, in a copy of the checkout or in the
directory that the page speaks of, with `hutch` in PATH and Docker's own builder. What is not typed:

- `python3 -m engine up` and what follows it, for machines without Docker: these tests run in the
  engine that it brings (`tests/integration/test_engine.py` has the command itself);
- the push to `registry.example.com`, which is nobody's, and `docker run --runtime`, which needs
  urunc (`tests/integration/test_urunc.py` has it).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder, Guests

pytestmark = pytest.mark.integration

PAGE = ROOT / "docs" / "getting-started.md"
HUTCH = "docker buildx build --load -t hutch:1 ."
BUILD = "docker buildx build --load -f bunnyfile -t server ."


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def commands(page: Path) -> list[list[str]]:
    """The commands of a page, block by block."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    found = re.findall(r"(?:(?<=\n\n)(?: {4}\S.*\n)+)", text)
    lines = [[line.strip() for line in block.splitlines()] for block in found]
    programs = ("docker ", "hutch ", "cd ", "python3 ", "eval ")
    return [block for block in lines if block[0].startswith(programs)]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hutch's sources, in a place where the commands may leave files."""
    copied = tmp_path_factory.mktemp("checkout") / "hutch"
    left_out = shutil.ignore_patterns("__pycache__", ".*", "build", "dist", "out", "tests")
    shutil.copytree(ROOT, copied, ignore=left_out)
    shutil.copy(ROOT / ".dockerignore", copied)
    return copied


class Shell:
    """Types commands, as a user with Docker and a checkout does."""

    def __init__(self, builder: Builder) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {**os.environ, **builder.environ, "PATH": path}
        # Neither is there where somebody starts: the syntax line alone says who reads the file.
        del self.environ["HUTCH_REGISTRY"]
        self.environ.pop("HUTCH_FRONTEND", None)

    def type(self, *lines: str, cwd: Path) -> str:
        """Run them, each only if those before went well, and return what they print."""
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join(lines)],
            cwd=cwd,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=3600,  # a guard against hanging: a kernel takes minutes the first time
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def shell(builder: Builder, checkout: Path) -> Iterator[Shell]:
    """A shell after the pages' first command: hutch's image is among Docker's own."""
    made = Shell(builder)
    made.type(HUTCH, cwd=checkout)
    yield made
    builder.docker("image", "rm", "--force", "hutch:1", "linux-hello", "server").ok()


def test_the_pages_begin_with_hutch_s_own_image() -> None:
    assert commands(PAGE)[0] == [HUTCH]
    for page in ("examples/README.md", "examples/linux-hello/README.md"):
        assert commands(ROOT / page)[0][0] == HUTCH


def test_every_command_of_the_page_is_known_here() -> None:
    """A new one has to be typed below, or named above with the reason why not."""
    assert commands(PAGE) == [
        [HUTCH],
        ["python3 -m engine up", 'eval "$(python3 -m engine env)"'],
        [BUILD],
        ["hutch inspect server", "hutch run server"],
        [
            "docker buildx build --push -f bunnyfile -t registry.example.com/server:1 .",
            "docker run --rm --runtime io.containerd.urunc.v2 registry.example.com/server:1",
        ],
        ["docker buildx build --check -f bunnyfile ."],
    ]


@pytest.mark.usefixtures("linux")  # its kernel, which takes minutes the first time
def test_the_first_image(shell: Shell, project: Path) -> None:
    """The page's program, bunnyfile and commands, without any registry."""
    (project / "server.c").write_text(blocks("c")[0])
    (project / "bunnyfile").write_text(blocks("yaml")[0])
    build, (inspect, run), check = (commands(PAGE)[number] for number in (2, 3, 5))
    shell.type(*build, cwd=project)
    shown = shell.type(inspect, cwd=project)
    assert "started by: urunc" in shown
    assert "two words" in shown
    lines = shell.type(run, cwd=project).splitlines()
    for line in ("argument 0: /server", "argument 1: two words", "argument 2: more"):
        assert line in lines, lines
    assert "hutch-init: exit status 0" in lines
    assert "no warnings found" in shell.type(*check, cwd=project)
    assert "linux on qemu" in shell.type("hutch check", cwd=project)


def test_files_of_a_dockerfile(
    shell: Shell, builder: Builder, linux: Guests, project: Path
) -> None:
    """The page's second bunnyfile, with a Dockerfile such as somebody has."""
    (project / "Dockerfile").write_text(
        "FROM scratch\nCOPY hello /bin/hello\nENV A=1\nUSER 7\nWORKDIR /bin\n"
        'ENTRYPOINT ["/bin/hello"]\n'
    )
    shutil.copy(linux.hello, project / "hello")
    (project / "bunnyfile").write_text(blocks("yaml")[1])
    shell.type(BUILD, cwd=project)
    said = shell.type("hutch run server", cwd=project).splitlines()
    for line in ("argument 0: /bin/hello", "environment: A=1", "uid: 7"):
        assert line in said, said


def test_the_smallest_example(shell: Shell, checkout: Path) -> None:
    """examples/linux-hello, from its README: built, looked at, booted."""
    page = ROOT / "examples/linux-hello/README.md"
    build, run = commands(page)
    shell.type(*build, cwd=checkout)
    example = checkout / "examples/linux-hello"
    lines = shell.type(*run, cwd=example).splitlines()
    for line in ("argument 0: /hello", "argument 2: bunnyfile", "environment: GREETING=hello"):
        assert line in lines, lines


def test_the_examples_build_into_docker_s_own_images() -> None:
    """One way for all of them: what a README builds it loads, and boots by the same name."""
    booted = set()
    for page in sorted(ROOT.glob("examples/*/README.md")):
        lines = [line for block in commands(page) for line in block]
        named = {found[1] for line in lines if (found := re.search(r"--load .*-t (\S+) \.$", line))}
        for line in lines:
            assert "localhost:5000" not in line, page
            if line.startswith("docker buildx build") and " -t " in line:
                assert "--load" in line, f"{page}: {line}"
            if found := re.match(r"hutch run (?:-\S+ \S+ )*(\S+)$", line):
                assert found[1] in named, f"{page}: {line}"
                assert not (page.parent / found[1]).exists(), "it would be read as a build file"
                booted.add(page.parent.name)
    assert len(booted) > 3
