"""What a user sees when something is wrong: one message, at the right line, soon, and no traceback.

Builds go through the real docker, so the marks (`>>>`) are buildx's own.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.integration.harness import Builder, Done

pytestmark = pytest.mark.integration

QUICKLY = 20
"""The most that a refusal may take, in seconds: a guard against hanging, not a measurement."""

FILE = """\
version: v1
platforms:
  framework: linux
  monitor: qemu
kernel:
  from: local
  path: kernel
rootfs:
  type: raw
  include:
    - file:/file
"""


@pytest.fixture
def project(project: Path) -> Path:
    (project / "kernel").write_bytes(b"kernel" * 1000)
    (project / "file").write_text("file\n")
    return project


def replaced(old: str, new: str) -> str:
    assert old in FILE
    return FILE.replace(old, new)


# Name, file, the line that buildx has to mark, words of the message, the hint.
MISTAKES = [
    ("syntax", replaced("monitor: qemu", "monitor: [qemu"), "monitor: [qemu", "']'", ""),
    ("tab", replaced("  monitor", "\tmonitor"), "monitor: qemu", "tab", ""),
    ("unknown key", replaced("include:", "includes:"), "includes:", "includes", "include"),
    ("unknown top key", FILE + "envz: [A=1]\n", "envz: [A=1]", "envz", "envs"),
    ("twice", FILE + "version: v1\n", "version: v1", "version", ""),
    ("unknown framework", replaced("linux", "linuks"), "framework: linuks", "linuks", "linux"),
    ("wrong monitor", replaced("qemu", "hvt"), "monitor: hvt", "hvt", "qemu"),
    ("wrong rootfs", replaced("raw", "initrb"), "type: initrb", "initrb", "initrd"),
    ("missing key", replaced("  path: kernel\n", ""), "from: local", "path", ""),
    ("escape", replaced("file:/file", "../up:/file"), "- ../up:/file", "..", ""),
    ("bad guest path", replaced("file:/file", "file:/../x"), "- file:/../x", "..", ""),
    ("missing include", replaced("file:/", "absent:/"), "- absent:/file", "absent", ""),
    ("missing kernel", replaced("path: kernel", "path: vmlinux"), "path: vmlinux", "vmlinux", ""),
    (
        "missing rootfs",
        FILE[: FILE.index("rootfs")] + "rootfs:\n  from: local\n  path: fs.img\n",
        "path: fs.img",
        "fs.img",
        "",
    ),
    (
        "missing image",
        replaced("file:/file", "{from: localhost:5/no/such:1, source: /a, destination: /a}"),
        "- {from: localhost:5/no/such:1, source: /a, destination: /a}",
        "localhost:5/no/such:1",
        "",
    ),
    ("bad image name", replaced("from: local", "from: A//B"), "from: A//B", "A//B", ""),
    ("undeclared", replaced("qemu", "${MONITOR}"), "monitor: ${MONITOR}", "MONITOR", ""),
    (
        "reserved",
        FILE + "labels:\n  com.urunc.unikernel.binary: /x\n",
        "com.urunc.unikernel.binary: /x",
        "com.urunc.unikernel.binary",
        "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_a_mistake_is_shown_at_its_line(
    builder: Builder, project: Path, text: str, line: str, words: str, hint: str
) -> None:
    done = builder.fail(project, text)
    assert line in done.marked, done.log
    assert words in done.error
    assert hint in done.error


def test_all_mistakes_of_a_file_at_once(builder: Builder, project: Path) -> None:
    text = FILE.replace("framework: linux", "framework: linux\n  colour: red")
    done = builder.fail(
        project, text.replace("rootfs:", "rootfz:").replace("type: raw", "kind: raw")
    )
    assert "colour: red" in done.marked
    assert "rootfz:" in done.marked
    assert "2 errors" in done.error or done.error.count("unknown key") >= 2, done.error


class TestFailingSteps:
    """An error of a step that ran: BuildKit knows its line by the digests that hutch computed."""

    def test_a_step_in_hutchs_image(self, builder: Builder, project: Path) -> None:
        (project / "file").write_bytes(b"\1" * 5_000_000)
        text = replaced("type: raw", "type: block\n  size: 2M")
        done = builder.fail(project, text)
        assert done.marked == ["size: 2M"], done.log
        assert "rootfs.size of 2 MiB is too small: the tree needs about" in done.log

    def test_a_step_of_a_dockerfile(self, builder: Builder, project: Path) -> None:
        """The Dockerfile's own line, in the Dockerfile."""
        (project / "Dockerfile").write_text("FROM debian:trixie-slim\nRUN echo why; exit 3\n")
        text = replaced("rootfs:", "rootfs:\n  dockerfile: Dockerfile")
        done = builder.fail(project, text)
        assert "RUN echo why; exit 3" in done.marked, done.log
        assert "exit code: 3" in done.error

    def test_a_script(self, builder: Builder, project: Path) -> None:
        text = FILE + "toolchain: {from: 'debian:trixie-slim'}\n"
        text += "app:\n  build: |\n    true\n    no-such-command --now\n  artifacts: ['x:/x']\n"
        done = builder.fail(project, text)
        assert "no-such-command: not found" in done.log
        assert any("no-such-command --now" in line for line in done.marked), done.log


def refused(builder: Builder, project: Path, data: bytes | str) -> Done:
    """A build that is refused, quickly."""
    start = time.monotonic()
    done = builder.fail(project, data)
    assert time.monotonic() - start < QUICKLY
    assert "bug in hutch" not in done.log, done.log
    return done


class TestHostileFiles:
    def test_three_megabytes(self, any_builder: Builder, project: Path) -> None:
        done = refused(any_builder, project, FILE + "# " + "x" * 3_000_000)
        assert "the build file 'bunnyfile' has more than 1 MiB" in done.error

    def test_a_kernel_in_the_place_of_the_file(self, builder: Builder, project: Path) -> None:
        """What is not text is not printed either."""
        done = refused(builder, project, b"\x1b[31mred\n" + bytes(range(256)) * 50_000)
        assert "more than 1 MiB" in done.error
        assert "\x1b[31m" not in done.log

    def test_no_escape_reaches_the_terminal(self, builder: Builder, project: Path) -> None:
        done = refused(builder, project, b"version: v1\nuser: \x1b[31mred\n")
        assert "user: ?[31mred" in done.marked
        assert "\x1b[31m" not in done.log

    @pytest.mark.parametrize("name", ['cmd: ["\\ud800"]', 'version: v0.1\nx: "\\ud800"'])
    def test_half_characters(self, builder: Builder, project: Path, name: str) -> None:
        assert "half a character" in refused(builder, project, f"x-y: 1\n{name}\n").error

    def test_an_ignore_file_that_is_not_text(self, builder: Builder, project: Path) -> None:
        (project / ".dockerignore").write_bytes(b"kernel.old\ncaf\xe9\n")
        done = refused(builder, project, FILE)
        assert ".dockerignore:2:1: byte 0xe9" in done.error

    def test_a_billion_laughs(self, builder: Builder, project: Path) -> None:
        lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
        done = refused(builder, project, "x-laughs:\n  " + "\n  ".join(lines) + "\n" + FILE)
        assert "alias" in done.error

    def test_deep_nesting(self, builder: Builder, project: Path) -> None:
        done = refused(builder, project, FILE + "x-deep: " + "[" * 20_000 + "]" * 20_000 + "\n")
        assert "deep" in done.error

    @pytest.mark.parametrize(
        "data",
        [
            bytes(range(256)) * 40,
            b"\x7fELF\x02\x01\x01" + b"\0" * 500,
            FILE.encode("utf-16"),
            FILE.encode() + b"user: \xff\xfe\n",
            b'version: v1\nuser: "\x00"\n',
        ],
        ids=["binary", "elf", "utf-16", "latin", "nul"],
    )
    def test_not_text(self, builder: Builder, project: Path, data: bytes) -> None:
        error = refused(builder, project, data).error
        assert any(word in error for word in ("UTF-8", "control", "character")), error

    @pytest.mark.parametrize(
        "data", ["", "\n", "- a\n- b\n", "just text\n", "&a [*a]\n", "? {a: b}\n"]
    )
    def test_not_a_bunnyfile(self, builder: Builder, project: Path, data: str) -> None:
        refused(builder, project, data)

    @pytest.mark.parametrize(
        "path", ["../../etc/passwd", "/../../etc/passwd", "a/../../../etc/passwd", ".."]
    )
    def test_paths_stay_inside(self, builder: Builder, project: Path, path: str) -> None:
        error = refused(builder, project, replaced("file:/file", f"'{path}:/file'")).error
        assert ".." in error

    def test_a_link_that_leads_out(self, builder: Builder, project: Path) -> None:
        """A symbolic link in the context is followed inside of it only, where there is nothing."""
        (project / "file").unlink()
        (project / "file").symlink_to("../../../../../etc/hostname")
        done = builder.fail(project, FILE)
        assert "there is no '/file' where this line looks for it" in done.error
        assert done.marked == ["- file:/file"]


class TestLiteralValues:
    """Values that a shell, YAML or a kernel command line would take apart arrive as they are."""

    WORDS = (
        "$(touch /pwned)", "`id`", "; rm -rf /", "&& true", "| cat", "> /x", "'", '"', "\\", "a b",
        "*", "~", "${IFS}"[2:], "line\nbreak", "tab\t", "ünïcode", "%s", "--", "-x", "#no", "!bang",
    )  # fmt: skip

    def test_in_arguments_and_environment(self, builder: Builder, project: Path) -> None:
        text = FILE.replace("linux", "generic") + f"cmd: {json.dumps(self.WORDS)}\n"
        text += "envs: " + json.dumps({f"V{n}": word for n, word in enumerate(self.WORDS)}) + "\n"
        text += f"labels: {json.dumps({'odd': self.WORDS[0] + chr(10) + self.WORDS[1]})}\n"
        packed = builder.pack(project, text)
        assert packed.process["Cmd"] == list(self.WORDS)
        assert packed.env == [f"V{n}={word}" for n, word in enumerate(self.WORDS)]
        assert packed.process["Labels"]["odd"] == "$(touch /pwned)\n`id`"
        assert not [path for path in packed.tree if "pwned" in path]

    def test_in_file_names(self, builder: Builder, project: Path) -> None:
        """They reach a step that packs them, and its commands."""
        names = ["$(touch pwned)", "a b", "-rf", "`id`", "x;y", "ü", "new\nline", "'q\""]
        (project / "odd").mkdir()
        for name in names:
            (project / "odd" / name).write_text(name)
        text = FILE.replace("file:/file", "odd:/odd").replace("linux", "generic")
        packed = builder.pack(project, text)
        assert sorted(packed.files[1:-1]) == sorted(["/odd/" + name for name in names])
        for kind in ("initrd", "block"):
            builder.pack(project, text.replace("raw", kind))

    def test_in_a_path_of_the_runtime(self, builder: Builder, project: Path) -> None:
        """What the runtime does not take in a path is refused, and not mangled."""
        done = builder.fail(project, replaced("type: raw", "type: block\n  mount: '/a b;c'"))
        assert "mount: '/a b;c'" in done.marked
