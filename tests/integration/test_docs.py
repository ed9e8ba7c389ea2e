"""The first steps of the documentation, as they are written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder

pytestmark = pytest.mark.integration

PAGE = ROOT / "docs" / "getting-started.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.M | re.S)


@pytest.fixture
def local(builder: Builder) -> Iterator[Builder]:
    """hutch's image as the page's first command leaves it: among Docker's own, by that name."""
    assert "\n    docker buildx build --load -t hutch:1 .\n" in PAGE.read_text()
    builder.docker("pull", builder.frontend).ok()
    builder.docker("tag", builder.frontend, "hutch:1").ok()
    yield builder
    builder.docker("image", "rm", "--force", "hutch:1", "server").ok()


def test_the_first_image(local: Builder, project: Path) -> None:
    """The page's program, bunnyfile and commands as they stand there, without any registry."""
    (project / "server.c").write_text(blocks("c")[0])
    (project / "bunnyfile").write_text(blocks("yaml")[0])
    text = PAGE.read_text()
    build = re.search(r"^    docker (buildx build --load -f bunnyfile -t server \.)$", text, re.M)
    run = re.search(r"^    hutch (run server)$", text, re.M)
    assert build
    assert run
    local.docker(*build[1].split(), cwd=project).ok()
    done = subprocess.run(
        [sys.executable, "-m", "frontend", *run[1].split()],
        cwd=ROOT,
        env={**os.environ, **local.environ},
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for line in ("argument 0: /server", "argument 1: two words", "argument 2: more"):
        assert line in lines, done.stdout


def test_files_of_a_dockerfile(builder: Builder, project: Path) -> None:
    """The same with a kernel that is there already: the other one takes minutes to compile."""
    (project / "Dockerfile").write_text(
        "FROM scratch\nCOPY file /bin/file\nENV A=1\nUSER 7\nWORKDIR /bin\n"
        'ENTRYPOINT ["/bin/file"]\n'
    )
    (project / "file").write_text("file\n")
    (project / "kernel").write_text("kernel\n")
    text = blocks("yaml")[1].partition("\n")[2]
    changed = re.sub(r"from: source +#.*", "{from: local, path: kernel}", text)
    changed = changed.replace("kernel:\n  {", "kernel: {")
    assert changed != text
    packed = builder.pack(project, changed)
    assert packed.keys["block"] == "/.boot/rootfs"
    assert packed.args == ["/urunit", "/bin/file"]
    assert packed.env[-1] == "A=1"
    assert packed.process["User"] == "7"
    assert packed.process["WorkingDir"] == "/bin"
