"""`hutch run`, as a user types it: images of a registry, of Docker and of files, in real guests."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder, Guests, programs
from tests.integration.harness.guests import no_tap
from tests.integration.harness.matrix import Images
from tests.unit.frameworks.test_kernelfile import elf64, manifest, note

pytestmark = pytest.mark.integration

FILE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: vmlinuz}
"""


@pytest.fixture(scope="module")
def context(builder: Builder, linux: Guests, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build context with the tool and a kernel."""
    folder = tmp_path_factory.mktemp("tool")
    shutil.copy(linux.kernel, folder / "vmlinuz")
    programs.put("tool", folder)
    text = FILE + programs.app("tool") + "\nrootfs: {type: raw}\n"
    done = builder.build(folder, text, "--target", "app", output=f"type=local,dest={folder}")
    assert done.status == 0
    if not (folder / "tool").exists():
        shutil.copy(folder / "bin/tool", folder / "tool")
    return folder


def tool(builder: Builder, context: Path, rootfs: str) -> str:
    """An image with the tool."""
    include = "include: ['tool:/bin/tool']"
    text = FILE + f"rootfs: {{type: {rootfs}, {include}}}\nentrypoint: [/bin/tool]\n"
    return builder.build(context, text).ref


class Cli:
    """The command, in this builder's environment; what it needs for a while is in `scratch`."""

    def __init__(self, builder: Builder, scratch: Path) -> None:
        self.scratch = scratch
        self.environ = {**builder.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}
        self.words = [sys.executable, "-m", "frontend"]

    def __call__(self, *words: str, status: int = 0, data: bytes = b"") -> str:
        """What it prints; fails when it ends in another way than with `status`."""
        done = subprocess.run(
            [*self.words, *words],
            env=self.environ,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=3600,
        )
        text = done.stdout.decode(errors="replace")
        assert done.returncode == status, f"status {done.returncode}\n{text}"
        return text

    @contextlib.contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """It runs in the background, and is ended."""
        with subprocess.Popen(
            [*self.words, *words],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture(scope="module")
def hutch(builder: Builder) -> Iterator[Cli]:
    # Not in pytest's own directory, which is root's alone: a monitor runs as the image's user.
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        yield Cli(builder, Path(scratch))


def read_until(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    """What a process printed up to `text`."""
    assert process.stdout is not None
    found = b""
    while text not in found:
        piece = process.stdout.read1(4096)  # type: ignore[attr-defined]
        assert piece, found.decode(errors="replace")
        found += piece
    return found


def test_images_wherever_they_are(
    builder: Builder, images: Images, hutch: Cli, tmp_path: Path
) -> None:
    """In a registry, in Docker, and in files of each form; with the command's status."""
    ref = images.of("ext4", "www")
    output = hutch("run", "--pull", "always", "-e", "GREETING=a b", ref, "/bin/probe", "x")
    assert "argument 1: [x]\n" in output
    assert "environment: [GREETING=a b]\n" in output
    assert "user: 33:33\n" in output
    assert "Initramfs unpacking failed" not in output
    assert "SeaBIOS" not in output
    saved, layout = tmp_path / "image.tar", tmp_path / "layout"
    # Under a name of its own: other tests remove theirs while this one runs.
    mine = f"hutch-cli-test:{os.getpid()}"
    assert builder.docker("pull", "--quiet", ref).status == 0
    assert builder.docker("tag", ref, mine).status == 0
    assert builder.docker("image", "save", "--output", str(saved), mine).status == 0
    layout.mkdir()
    subprocess.run(["tar", "-xf", str(saved), "-C", str(layout)], check=True)
    words = ["--pull", "never", "-u", "1000:1000", mine]
    assert "user: 1000:1000\n" in hutch("run", *words)
    if os.geteuid() == 0:  # then the monitor runs as that user, as with libpam-tmpdir
        private = hutch.scratch / "private"
        (private / "tmp").mkdir(mode=0o700, parents=True)
        private.chmod(0o700)
        refused = Cli(builder, private / "tmp")("run", *words, status=125)
        assert f"user 1000, who runs the monitor, may not enter {private} " in refused
    builder.docker("image", "rm", mine)
    for path in (saved, layout):
        assert "Initramfs unpacking failed" in hutch("run", "--verbose", str(path))
        assert hutch("run", str(path), "/bin/none", status=127)


def test_volumes(builder: Builder, context: Path, hutch: Cli, tmp_path: Path) -> None:
    """One that is kept, a directory as a copy, and where the root is shared as itself."""
    name = f"hutch-test-{os.getpid()}"
    kept = Path("/var/lib/hutch/volumes") / f"{name}.ext4"
    source = tmp_path / "source"
    source.mkdir()
    (source / "n").write_text("41")
    (source / "text").write_text("of this machine")
    initrd, block, raw = (tool(builder, context, each) for each in ("initrd", "block", "raw"))
    try:
        for count in (1, 2):
            words = ["-v", f"{name}:/data", "-m", "300m", block, "count", "/data/n"]
            assert f"count: {count}\n" in hutch("run", *words)
    finally:
        kept.unlink(missing_ok=True)
    for ref in (initrd, block):
        output = hutch("run", "-v", f"{source}:/some/where", ref, "count", "/some/where/n")
        assert "count: 42\n" in output
        assert "is a copy of" in output
        assert (source / "n").read_text() == "41"
    output = hutch("run", "-v", f"{source}/text:/etc/x", initrd, "cat", "/etc/x")
    assert "content: of this machine\n" in output
    assert "count: 42\n" in hutch("run", "-v", f"{source}:/there", raw, "count", "/there/n")
    assert (source / "n").read_text() == "42"
    words = ["-v", f"{source}:/there:ro", raw, "count", "/there/n"]
    assert "Read-only file system" in hutch("run", *words, status=9)
    assert str(hutch.scratch) not in Path("/proc/mounts").read_text()


@pytest.mark.parametrize("network", ["user", "tap"])
def test_a_server_until_ctrl_c(builder: Builder, context: Path, hutch: Cli, network: str) -> None:
    if network == "tap" and (reason := no_tap()):
        pytest.skip(reason)
    ref = tool(builder, context, "initrd")
    words = ["run", "-e", "GREETING=hi", "-p", "80", "--network", network, ref, "serve"]
    with hutch.started(*words) as process:
        said = read_until(process, b"listening")
        port = int(said.partition(b"127.0.0.1:")[2].partition(b" ")[0])
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            assert client.recv(100) == b"hi"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    with hutch.started(*words) as process:
        read_until(process, b"listening")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert not ours()
    assert "tap0_urunc" not in Path("/proc/net/dev").read_text()
    assert "stopped after 3 seconds" in hutch("run", "--timeout", "3", ref, "serve", status=124)


TENDED = """\
version: v1
platforms: {framework: mirage, monitor: spt}
kernel: {from: local, path: unikernel.spt}
"""


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture
def tended(builder: Builder, project: Path) -> str:
    """An image for Solo5's spt, whose kernel has a network and is only that much of one."""
    abi = note(b"Solo5\0", 0x31494241, struct.pack("<IIII", 2, 1, 0, 0))
    (project / "unikernel.spt").write_bytes(elf64(abi + manifest(("service", 2))))
    return builder.build(project, TENDED).ref


def test_ports_of_a_tenders_guest(builder: Builder, tended: str, tmp_path: Path) -> None:
    """Two at once, each in a network of its own; of either nothing is left.

    The tender is a stand-in; with the real one Rumprun's server was seen to answer so.
    """
    if reason := no_tap():
        pytest.skip(reason)
    hutch = Cli(builder, tmp_path)
    hutch.environ["PATH"] = f"{programs.PROGRAMS}:{hutch.environ['PATH']}"
    words = ["run", "-p", "80", "-p", "80/udp", tended]

    def ports(process: subprocess.Popen[bytes]) -> list[int]:
        said = read_until(process, b"listening")
        assert b"links: lo tap0_urunc" in said
        return [int(found) for found in re.findall(rb"127\.0\.0\.1:(\d+)", said)]

    with hutch.started(*words) as first, hutch.started(*words) as second:
        for process in (first, second):
            tcp, udp = ports(process)
            sent = os.urandom(1 << 20)
            with socket.create_connection(("127.0.0.1", tcp), 60) as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == b"guest: " + sent
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(60)
                client.connect(("127.0.0.1", udp))
                for text in (b"one", b"two"):
                    client.send(text)
                    assert client.recv(100) == b"guest: " + text
            taken = hutch("run", "-p", f"{tcp}:80", tended, status=125)
            assert (
                f"port {tcp}/tcp of 127.0.0.1 cannot be forwarded: address already in use" in taken
            )
        for process in (first, second):
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
    assert not ours()
    assert "tap0_urunc" not in Path("/proc/net/dev").read_text()


def ours() -> list[str]:
    """The command lines of guests that `hutch run` has left behind."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if words[0].startswith(b"qemu") and any(b"/hutch-run-" in word for word in words):
                parent = path.with_name("status").read_text()
                if "\nPPid:\t1\n" in parent:
                    found.append(str(words))
    return found


def test_a_terminal(builder: Builder, context: Path, hutch: Cli) -> None:
    """A guest that has the terminal is asked and answers; Ctrl-C is its own, Ctrl-] ends it."""
    ref = tool(builder, context, "initrd")
    master, slave = pty.openpty()
    words = [*hutch.words, "run", "-it", "-q", ref]

    def until(text: bytes) -> bytes:
        found = b""
        end = time.monotonic() + 300
        while text not in found:
            assert time.monotonic() < end, found
            if select.select([master], [], [], 1)[0]:
                found += os.read(master, 4096)
        return found

    try:
        asked = subprocess.Popen(
            [*words, "ask"], env=hutch.environ, stdin=slave, stdout=slave, stderr=slave
        )
        until(b"name? ")
        os.write(master, b"you\r")
        until(b"hello you")
        assert asked.wait(60) == 0
        left = subprocess.Popen(
            [*words, "serve"], env=hutch.environ, stdin=slave, stdout=slave, stderr=slave
        )
        until(b"listening")
        os.write(master, b"\x1d")
        left.wait(60)
    finally:
        os.close(master)
        os.close(slave)
    assert not ours()


def test_standard_input_that_is_no_terminal(builder: Builder, context: Path, hutch: Cli) -> None:
    ref = tool(builder, context, "initrd")
    with subprocess.Popen(
        [*hutch.words, "run", "-i", ref, "ask"],
        env=hutch.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        read_until(process, b"name? ")
        assert process.stdin is not None
        process.stdin.write(b"you\n")
        process.stdin.flush()
        read_until(process, b"hello you")
        assert process.wait(60) == 0


def test_the_command_alone(images: Images, hutch: Cli, tmp_path: Path) -> None:
    """What is printed can be run, with the files that were left; a debugger finds the guest."""
    ref, keep = images.of("initrd", None), tmp_path / "kept"
    printed = hutch("run", "--dry-run", "--accel", "tcg", "--keep", str(keep), ref)
    assert printed.startswith("qemu-system-x86_64 ")
    assert f"-kernel {keep}/root/.boot/kernel" in printed
    done = subprocess.run(["sh", "-c", printed], capture_output=True, text=True, timeout=300)
    assert "argument 1: [one]" in done.stdout
    assert "is not empty" in hutch("run", "--keep", str(keep), ref, status=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with hutch.started("run", "--gdb", str(port), ref) as process:
        read_until(process, f"target remote :{port}".encode())
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as gdb:
                gdb.sendall(b"+$?#3f")
                answer = b""
                while len(answer) < 3 and (piece := gdb.recv(100)):  # it may come in two
                    answer += piece
                assert answer.startswith((b"+$T", b"$T"))
                break
            time.sleep(0.1)
        else:
            pytest.fail("no debugger's port")


def test_what_cannot_be_run(builder: Builder, images: Images, hutch: Cli) -> None:
    ref = images.of("initrd", None)
    assert "there is no" in hutch("run", "./none", status=1)
    assert "not found" in hutch("run", f"{builder.registry}/hutch-test/none:1", status=1)
    words = ["--network", "none", "-p", "80:80", ref]
    assert "without a network" in hutch("run", *words, status=125)
    words = ["--network", "tap", "--gdb", "1234", "--dry-run", ref]
    assert "--gdb does not go with --network tap" in hutch("run", *words, status=125)
    assert "no image for linux/arm64" in hutch("run", "--platform", "arm64", ref, status=1)
