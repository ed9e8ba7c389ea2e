"""The first steps of the documentation, as they are written there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder

pytestmark = pytest.mark.integration

PAGE = ROOT / "docs" / "getting-started.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def test_the_first_image(builder: Builder, project: Path, booted: Callable[..., str]) -> None:
    """The program and the bunnyfile of the page, built and booted."""
    (project / "server.c").write_text(blocks("c")[0])
    done = builder.build(project, blocks("yaml")[0].partition("\n")[2])
    output = booted(done.ref)
    lines = output.splitlines()
    for line in ("argument 0: /server", "argument 1: two words", "argument 2: more"):
        assert line in lines, output


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
