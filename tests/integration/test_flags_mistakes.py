"""docs/mistakes.md: usual mistakes, and what a user sees of each, from real builds.

`pytest -m integration tests/integration/test_flags_mistakes.py --update-goldens` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.harness import FILE, ROOT, Builder
from tests.integration.harness.flags import hutch

__all__ = ["hutch"]

pytestmark = pytest.mark.integration

PAGE = ROOT / "docs" / "mistakes.md"
INTRODUCTION = """\
# Usual mistakes, and what you see

Each of these was built with `docker buildx build -f bunnyfile .`, and the answer is what Docker
printed. The lines with `>>>` are the file's own. The word in brackets at the end is the name of the
error: `docs/errors/<name>.md` says more. This page is written by a test, so that it stays true.
"""
STARTED = "## When an image is started\n"
LINUX = """\
version: v1
platforms:
  framework: linux
  monitor: qemu
kernel:
  from: source
{more}rootfs:
  type: initrd
  include: [hello:/hello]
cmd: [/hello]
"""


@dataclass(frozen=True)
class Mistake:
    """A file with a mistake, what to call it, and a word about it."""

    title: str
    about: str
    file: str
    flags: tuple[str, ...] = ()
    remove: str = ""
    shows: tuple[str, ...] = field(default=())


MISTAKES = (
    Mistake(
        "A key with a typo",
        "Keys that mean nothing are errors, so that nothing you wrote is ignored.",
        FILE.replace("monitor:", "moniter:"),
        shows=("did you mean 'monitor'?", ">>>   moniter: qemu"),
    ),
    Mistake(
        "A tab in the indentation",
        "YAML takes spaces only.",
        FILE.replace("  monitor", "\tmonitor"),
        shows=("a tab cannot indent a line",),
    ),
    Mistake(
        "A monitor that does not run the guest",
        "Not every monitor boots every kind of guest.",
        FILE.replace("generic", "linux").replace("monitor: qemu", "monitor: spt"),
        shows=(">>>   monitor: spt",),
    ),
    Mistake(
        "A file that is not in the build context",
        "The context is the directory at the end of the command.",
        FILE,
        remove="hello",
        shows=(">>>     - hello:/hello", "there is no '/hello'", ".dockerignore"),
    ),
    Mistake(
        "An image that is not there",
        "Here the tag does not exist. The same is said of an image that may not be read.",
        FILE.replace("  include:", "  from: debian:no-such-tag\n  include:"),
        shows=("debian:no-such-tag", ">>>   from: debian:no-such-tag"),
    ),
    Mistake(
        "A build argument that is not declared",
        "Arguments are declared under `args:`, with a default or without.",
        FILE.replace("cmd: [/hello]", 'args: {WHO: world}\ncmd: [/hello, "${WHOM}"]'),
        shows=("did you mean 'WHO'?",),
    ),
    Mistake(
        "A platform that the guest cannot be built for",
        "This is `--platform linux/riscv64`.",
        FILE,
        flags=("--platform", "linux/riscv64"),
        shows=("linux/riscv64",),
    ),
    Mistake(
        "A target with a typo",
        "This is `--target kernle`; `--call=targets` lists the targets of a file.",
        FILE,
        flags=("--target", "kernle"),
        shows=("did you mean 'kernel'?",),
    ),
    Mistake(
        "A kernel option that the kernel does not end up with",
        "Linux drops an option silently where something that it needs is off, or when there is no "
        "such option. hutch looks afterwards, and says why.",
        LINUX.format(more="  options:\n    NINE_P_FS: true\n"),
        shows=(">>>     NINE_P_FS: true", "[lost-option]"),
    ),
    Mistake(
        "A build script that fails",
        "The failing step's output comes before its line in the file.",
        FILE.replace("generic", "linux").replace(
            "rootfs:",
            "app:\n  from: local\n  build: cc -c missing.c\n  artifacts: [missing.o:/x]\nrootfs:",
        ),
        shows=(">>>   build: cc -c missing.c", "missing.c: No such file"),
    ),
    Mistake(
        "A build script that wants the network",
        "app.build has none: app.fetch has, and app.packages installs.",
        FILE.replace("generic", "linux").replace(
            "rootfs:",
            "app:\n  from: local\n  build: apt-get install -qqy libsqlite3-dev\n"
            "  artifacts: [missing.o:/x]\nrootfs:",
        ),
        shows=(">>>   build: apt-get install", "Unable to locate package", "[needs-network]"),
    ),
    Mistake(
        "A mount option behind an include",
        "An include copies; what a runtime mounts is under `volumes:`.",
        FILE.replace("hello:/hello", "hello:/hello:ro"),
        shows=(">>>     - hello:/hello:ro",),
    ),
    Mistake(
        "A user that the guest's files do not know",
        "Names are looked up in /etc/passwd and /etc/group of the root filesystem.",
        FILE.replace("cmd:", "user: app\ncmd:"),
        shows=(">>> user: app", "[unknown-user]"),
    ),
    Mistake(
        "A file that no guest can use as its root",
        "Archives, qcow2 files and disks with partitions are none.",
        FILE.replace("  include:\n    - hello:/hello\n", "  from: local\n  path: kernel\n"),
        shows=(">>>   path: kernel", "rootfs-file]"),
    ),
    Mistake(
        "A key that could have no effect",
        "Boot parameters reach a kernel that hutch builds; a prebuilt one has its own.",
        FILE.replace("generic", "linux").replace(
            "  path: kernel\n", "  path: kernel\n  cmdline: quiet\n"
        ),
        shows=(">>>   cmdline: quiet",),
    ),
)


def seen(hutch: Builder, mistake: Mistake, folder: Path) -> str:
    """What docker prints at last, without times and this machine's names.

    A failing step may say its words twice, as BuildKit's two streams meet; here they are once. apt
    writes its `E:` by itself, and docker may show only the rest of that line; here the line is
    whole.
    """
    hutch.project(folder, mistake.file)
    if mistake.remove:
        (folder / mistake.remove).unlink()
    text = hutch.buildx(folder, *mistake.flags).failed().strip("\n")
    text = text.replace(hutch.frontend, "hutch:1").replace(f"{folder}/", "")
    text = re.sub(r"^\d+\.\d+ ", "", text, flags=re.MULTILINE)
    text = re.sub(r"^ (?=Unable to locate package)", "E: ", text, flags=re.MULTILINE)
    return re.sub(r"^(.+\n)\1+", r"\1", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def sections(
    hutch: Builder, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, str]:
    if not hutch.has_containerd_store:
        pytest.skip("the page shows what Docker 28 prints")
    folder = tmp_path_factory.mktemp("mistakes")
    found = {}
    for number, mistake in enumerate(MISTAKES, 1):
        shown = seen(hutch, mistake, folder / str(number))
        found[mistake.title] = (
            f"## {number}. {mistake.title}\n\n{mistake.about}\n\n```text\n{shown}\n```\n"
        )
    if request.config.getoption("--update-goldens"):
        # What is not of a build is written by hand, at the end.
        _, mark, started = PAGE.read_text(encoding="utf-8").partition(STARTED)
        text = INTRODUCTION + "\n" + "\n".join(found.values()) + "\n" + mark + started
        PAGE.write_text(text, encoding="utf-8")
    return found


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_the_page_is_what_is_seen(sections: dict[str, str], mistake: Mistake) -> None:
    section = sections[mistake.title]
    for text in mistake.shows:
        assert text in section
    assert section in PAGE.read_text(encoding="utf-8")
