"""`hutch check`: what `docker buildx build --check` says, without a builder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from frontend.cli import main
from frontend.inputs.localfile import ignores

FILE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
rootfs: {from: nginx}
"""
FOUND = """\

WARNING: UnpinnedImage - docs/rules/UnpinnedImage.md
'nginx' is whatever its newest image is on the day of the build (name a version, or pin it with \
'@sha256:...')
   3 |     kernel: {from: source}
   4 | >>> rootfs: {from: nginx}
     |                    ^^^^^
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "bunnyfile"


def test_a_finding(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its page and its lines, as a reply to buildx has it; it fails nothing."""
    file.write_text(FILE)
    assert main(["check", "--platform", "linux/amd64"]) == 0
    out = capsys.readouterr().out
    assert out == f"{FOUND}\nbunnyfile: linux on qemu for linux/amd64: 1 warning\n"


def test_what_the_framework_notes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE.replace("linux,", "netbsd,").replace("nginx", "nginx:1"))
    assert main(["check", "--platform", "linux/amd64"]) == 0
    assert "WARNING: UnsupportedRuntime - docs/rules/Unsup" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "argument", "status", "last"),
    [
        ("error=true", None, 1, "1 warning"),
        ("skip=UnpinnedImage;error=true", None, 0, "no errors"),
        ("error=true", "error=false", 0, "1 warning"),
        ("skip=all", "error=true", 1, "1 warning"),
    ],
)
def test_the_status(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    line: str,
    argument: str | None,
    status: int,
    last: str,
) -> None:
    file.write_text(f"# check={line}\n{FILE}")
    flags = [] if argument is None else ["--build-arg", f"BUILDKIT_DOCKERFILE_CHECK={argument}"]
    assert main(["check", *flags]) == status
    assert capsys.readouterr().out.endswith(f": {last}\n")


def test_an_error_comes_after_the_findings(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE.replace("qemu", "hvt"))
    assert main(["check"]) == 1
    said = capsys.readouterr()
    assert said.out == f"{FOUND}\n"
    assert "linux guests do not run on the monitor 'hvt'" in said.err


KINDS = [(os.mkfifo, "a named pipe (FIFO)"), (os.mkdir, "a directory")]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_what_is_no_file(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], None],
    kind: str,
) -> None:
    make(file)
    assert main(["check"]) == 1
    assert capsys.readouterr().err == f"hutch: bunnyfile is {kind}, not a file\n"
    other = file.with_name("other")
    other.write_text(
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: source}\nrootfs: {from: local, path: bunnyfile}\n"
    )
    assert main(["check", "other"]) == 1
    assert f"other:4:29: error: 'bunnyfile' in the build context is {kind}" in (
        capsys.readouterr().err
    )


def test_a_shell_s_pipe(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`hutch check <(...)`: the context is this directory, as with standard input."""
    reads, writes = os.pipe()
    os.write(writes, b"version: v3\n")
    os.close(writes)
    try:
        assert main(["check", f"/dev/fd/{reads}"]) == 1
    finally:
        os.close(reads)
    assert f"/dev/fd/{reads}:1:10: error: 'v3' is no version" in capsys.readouterr().err


def test_a_file_that_is_too_large(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(b"#" * 3_000_000)
    assert main(["check"]) == 1
    assert "the file has more than 262144 bytes, the most that" in capsys.readouterr().err


@pytest.mark.parametrize("epoch", ["\u00b2", "9" * 20, "9" * 5000, "-1", "x"])
def test_a_time_that_is_none(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    file.write_text(FILE)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert main(["check"]) == 1
    err = capsys.readouterr().err
    assert "SOURCE_DATE_EPOCH cannot be" in err
    assert len(err) < 400


def test_an_argument_that_is_no_text(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE)
    assert main(["check", "--build-arg", "A=\udcff"]) == 1
    assert "--build-arg A has a value that is not UTF-8 text" in capsys.readouterr().err


def test_a_password_is_not_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE + "app: {git: 'https://user:secret@host/x', ref: [a]}\n")
    assert main(["check"]) == 1
    err = capsys.readouterr().err
    assert "https://xxxx:xxxxxx@host/x" in err
    assert "secret@" not in err


HEAD = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
AMD64 = ["--platform", "linux/amd64"]
ARM64_IMAGE = b"\0" * 56 + b"ARM\x64" + b"\0" * 100


@pytest.mark.parametrize(
    ("rest", "line", "code"),
    [
        ("kernel: {from: local, path: none}\n", 3, "no-such-file"),
        ("kernel: {from: local, path: ignored}\n", 3, "no-such-file"),
        ("kernel: {from: local, path: folder}\n", 3, "not-a-file"),
        ("kernel: {from: local, path: arm64}\n", 3, "wrong-architecture"),
        ("kernel: {from: source, fragments: [there, none.config]}\n", 3, "no-such-file"),
        ("kernel: {from: source, config: ./none}\n", 3, "no-such-file"),
        ("kernel: {from: source, patches: [none.patch]}\n", 3, "no-such-file"),
        ("kernel: {from: source, source: {local: none}}\n", 3, "no-such-file"),
        ("app: {path: none, build: m, artifacts: ['a:/a']}\n", 3, "no-such-file"),
        ("rootfs: {include: ['there:/there', 'none:/none']}\n", 3, "no-such-file"),
        ("rootfs: {dockerfile: None.Dockerfile}\n", 3, "no-such-file"),
        ("rootfs: {from: local, path: none, type: block}\n", 3, "no-such-file"),
        ("rootfs: {from: local, path: root.tar, type: initrd}\n", 3, "unusable-rootfs-file"),
        ("rootfs: {from: local, path: folder}\n", 3, "not-a-file"),
    ],
)
def test_what_the_context_lacks(
    file: Path, capsys: pytest.CaptureFixture[str], rest: str, line: int, code: str
) -> None:
    """`docker build` finds all of them at the same lines."""
    for name in ("there", "ignored", "Dockerfile"):
        file.with_name(name).write_bytes(b"x")
    file.with_name("arm64").write_bytes(ARM64_IMAGE)
    file.with_name("root.tar").write_bytes(b"\0" * 257 + b"ustar\0")
    file.with_name("folder").mkdir()
    file.with_name(".dockerignore").write_text("ign*\n*Dockerfile\n")
    file.write_text(HEAD + rest + "cmd: [a]\n")
    assert main(["check", *AMD64]) == 1
    err = capsys.readouterr().err
    assert f"bunnyfile:{line}:" in err
    assert f"[{code}]" in err


@pytest.mark.parametrize("framework", ["mirage", "rumprun", "unikraft"])
@pytest.mark.parametrize("target", ["", "kernel", "app"])
def test_an_application_that_is_the_kernel(
    file: Path, capsys: pytest.CaptureFixture[str], framework: str, target: str
) -> None:
    """It is read for the image, for the kernel, and for itself."""
    monitor = "qemu" if framework == "unikraft" else "spt"
    head = f"version: v1\nplatforms: {{framework: {framework}, monitor: {monitor}}}\n"
    flags = ["--target", target] if target else []
    app = "app: {from: local, path: none, build: m}\n"
    file.write_text(head + "kernel: {from: source}\n" + app)
    assert main(["check", *flags]) == 1
    assert "bunnyfile:4:26: error: there is no 'none'" in capsys.readouterr().err
    file.with_name("none").mkdir()
    assert main(["check", *flags]) == 0


def test_an_application_of_the_root_is_not_read_for_the_kernel(file: Path) -> None:
    """Unikraft's loader runs it, and no step of its kernel's takes it."""
    text = HEAD.replace("linux", "unikraft") + "kernel: {from: source}\ncmd: [/a]\n"
    file.write_text(text + "app: {path: none, build: m, artifacts: ['a:/a']}\n")
    assert main(["check", "--target", "kernel"]) == 0
    assert main(["check"]) == 1


def test_the_files_of_a_kernel_that_is_measured(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(HEAD + "kernel: {from: source, fragments: [none.config]}\ncmd: [a]\n")
    assert main(["check", "--target", "kernel-size"]) == 1
    assert "there is no 'none.config'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rest",
    [
        "kernel: {from: local, path: link}\n",
        "rootfs: {dockerfile: Dockerfile}\n",
        "rootfs: {include: ['*.none:/', 'there', 'folder:/f']}\n",
        "rootfs: {from: local}\n",
        "rootfs: {from: local, path: root.cpio}\n",
    ],
)
def test_what_the_context_has(file: Path, rest: str) -> None:
    file.with_name("there").write_bytes(ARM64_IMAGE)
    file.with_name("link").symlink_to("/folder/back")
    file.with_name("folder").mkdir()
    (file.with_name("folder") / "back").symlink_to("../there")
    file.with_name("root.cpio").write_bytes(b"070701")
    file.with_name("Dockerfile").write_text("FROM scratch\n")
    file.with_name(".dockerignore").write_text("Dockerfile\n")
    file.write_text(HEAD + rest + "cmd: [a]\n")
    assert main(["check", "--platform", "linux/arm64"]) == 0


def test_a_build_context(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It replaces an image that nothing pins, and the source that the file has elsewhere."""
    file.write_text(FILE + "cmd: [a]\n")
    assert main(["check", "--build-context", "docker.io/library/nginx=x"]) == 0
    assert capsys.readouterr().out.endswith(": no errors\n")
    file.write_text(HEAD + "kernel: {from: source, source: {local: tree}}\ncmd: [a]\n")
    assert main(["check", "--build-context", "tree=../linux"]) == 0
    assert main(["check"]) == 1


def test_a_target(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what the target needs has to be there."""
    file.write_text(HEAD + "rootfs: {include: [none]}\ncmd: [a]\n")
    assert main(["check", "--target", "kernel"]) == 0
    assert main(["check", "--target", "rootfs"]) == 1
    assert main(["check", "--target", "app"]) == 1
    assert "[no-such-target]" in capsys.readouterr().err
    assert main(["check", "--target", "kernal"]) == 1
    assert "did you mean 'kernel'?" in capsys.readouterr().err


def test_a_dockerfile(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its labels are judged, and the rest is left to those who read instructions."""
    file.write_text("FROM scratch\nCOPY a /a\nCMD a b\n")
    assert main(["check", *AMD64]) == 0
    out = capsys.readouterr().out
    assert "a Dockerfile for linux on qemu for linux/amd64: no errors in its labels" in out
    assert main(["check", *AMD64, "--build-arg", "HUTCH_INIT=none"]) == 0
    out = capsys.readouterr().out
    assert "WARNING: LostWithoutInit - docs/rules/LostWithoutInit.md" in out
    file.write_text("FROM scratch\nLABEL com.urunc.unikernel.binry=/k\n")
    assert main(["check"]) == 1
    assert "bunnyfile:2:7: error: urunc has no key" in capsys.readouterr().err
    file.write_text("FROM x\nLABEL com.urunc.unikernel.binary=$K\n")
    assert main(["check"]) == 0
    assert "only a build can judge" in capsys.readouterr().out


def test_an_argument_that_nothing_declares(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(HEAD + "args: {NAME: a}\ncmd: ['${NAME}']\n")
    flags = ["--build-arg", "HTTP_PROXY=x", "--build-arg", "SOURCE_DATE_EPOCH=1"]
    assert main(["check", *flags, "--build-arg", "NAME=b"]) == 0
    assert capsys.readouterr().out.endswith(": no errors\n")
    assert main(["check", "--build-arg", "NMAE=b"]) == 0
    out = capsys.readouterr().out
    assert "WARNING: UnknownArgument - docs/rules/UnknownArgument.md" in out
    assert "did you mean 'NAME'?" in out


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        (("a",), "a/b/c", True),
        (("a/*",), "a/b", True),
        (("*",), "a", True),
        (("*", "!a"), "a", False),
        (("*", "!a/b"), "a/b/c", False),
        (("**/c",), "a/b/c", True),
        (("**/c",), "c", True),
        (("a/**",), "a/b/c", True),
        (("*.txt",), "a/b.txt", False),
        (("?",), "ab", False),
        (("[a-c]",), "b", True),
        (("\\*",), "*", True),
        (("[",), "a", False),
    ],
)
def test_ignore_files(patterns: tuple[str, ...], path: str, ignored: bool) -> None:
    assert ignores(patterns, path) is ignored
