"""Linux from source through the real BuildKit, and the guests that come of it, booted.

The first run compiles five kernels, three of them small: some twenty minutes on two cores. After
that BuildKit has them.
"""

from __future__ import annotations

import io
import json
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import boot
from engine.guests import Machine
from frameworks.kernelfile import KernelFile, identify
from tests.integration.harness import EXAMPLES, Builder, Done

pytestmark = pytest.mark.integration

RAW = "--progress=rawjson"

TINY = """\
version: v1
platforms: {framework: linux, monitor: MONITOR}
kernel: {from: source, config: tiny}
app:
  from: local
  path: .
  build: $CC -Os -static -o show show.c
  artifacts: [show:/bin/show]
rootfs: {type: initrd, include: [etc:/etc]}
"""

SHOW = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
	char dir[256];
	gid_t groups[32];
	int count = getgroups(32, groups);

	for (int i = 0; i < argc; i++)
		printf("argument %d: [%s]\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("environment: [%s]\n", *e);
	printf("user: %d:%d\n", getuid(), getgid());
	for (int i = 0; i < count; i++)
		printf("group: %d\n", groups[i]);
	printf("directory: %s\n", getcwd(dir, sizeof(dir)));
	printf("stdout: %s\n", access("/dev/stdout", W_OK) ? "closed" : "open");
	if (argc > 1 && argv[1][0] == '9')
		kill(getpid(), 9);
	return argc > 1 ? atoi(argv[1]) : 0;
}
"""


def steps(done: Done) -> dict[str, bool]:
    """The steps of a build (with `RAW`) by name: did they run (True), or were they cached?"""
    found: dict[str, bool] = {}
    for line in done.log.splitlines():
        if line.startswith("{"):
            for vertex in json.loads(line).get("vertexes") or ():
                found[vertex["name"]] = not vertex.get("cached", False)
    return found


@pytest.fixture
def show(project: Path) -> Path:
    """A context with a program that shows what it was given."""
    (project / "show.c").write_text(SHOW.replace("<stdlib.h>", "<stdlib.h>\n#include <signal.h>"))
    (project / "etc").mkdir()
    (project / "etc/passwd").write_text("root:x:0:0::/root:\nwww:x:33:33::/var/www:\n")
    (project / "etc/group").write_text("www:x:33:\nvideo:x:44:www\naudio:x:29:root\n")
    return project


def example(name: str, to: Path) -> str:
    """Copy an example's context to `to`; its bunnyfile without the line that names hutch."""
    shutil.copytree(EXAMPLES / name, to, dirs_exist_ok=True)
    first, _, rest = (to / "bunnyfile").read_text().partition("\n")
    assert first.startswith("# syntax=")
    return rest


@contextmanager
def served(ref: str, port: int) -> Iterator[Callable[[bytes], bytes]]:
    """A guest whose `port` answers; what it yields sends a request and returns all that comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = listener.getsockname()[1]
    machine = Machine(network=True, forwards={host: port}, memory=512)
    with boot.running(ref, machine=machine) as guest:

        def ask(request: bytes) -> bytes:
            deadline = time.monotonic() + 120
            while True:
                # QEMU accepts before the guest listens, and then closes.
                answer = b""
                try:
                    with socket.create_connection(("127.0.0.1", host), timeout=5) as connection:
                        # Half-closed, QEMU's user network drops the answer: silence is its end.
                        connection.sendall(request)
                        while piece := connection.recv(65536):
                            answer += piece
                except OSError:
                    pass
                if answer:
                    return answer
                assert time.monotonic() < deadline, guest.output
                time.sleep(0.5)

        yield ask


def test_static_program(builder: Builder, project: Path, booted: Callable[..., str]) -> None:
    text = example("linux-static-c", project)
    output = booted(builder.build(project, text).ref)
    assert "2 3 5 7 11 13" in output
    assert "25 prime numbers below 100\nhutch-init: exit status 0\n" in output


def test_arm64_from_amd64(builder: Builder, project: Path, booted: Callable[..., str]) -> None:
    text = example("linux-arm64", project)
    packed = builder.pack(project, text)
    assert str(packed.image.platform) == "linux/arm64"
    kernel = identify(io.BytesIO(packed.read("/.boot/kernel")))
    assert kernel == KernelFile("arm64-image", "arm64")
    output = booted(builder.build(project, text).ref, timeout=300)
    assert "hello from Linux on aarch64\nhutch-init: exit status 0\n" in output


def test_what_the_program_is_given(
    builder: Builder, show: Path, booted: Callable[..., str]
) -> None:
    """Every argument, the environment, the user with its groups, the directory, the status."""
    text = TINY.replace("MONITOR", "qemu") + (
        "entrypoint: [show, '7']\n"
        "cmd: ['two words', \"it's\", 'echo ''a b'' && echo \"c d\"', last]\n"
        "envs: {GREETING: 'a b', PATH: /bin}\nuser: www\nworkdir: /srv/made here\n"
    )
    output = booted(builder.build(show, text).ref)
    for line in (
        "argument 0: [show]",
        "argument 1: [7]",
        "argument 2: [two words]",
        "argument 3: [it's]",
        "argument 4: [echo 'a b' && echo \"c d\"]",
        "argument 5: [last]",
        "environment: [GREETING=a b]",
        "environment: [PATH=/bin]",
        "environment: [HOME=/var/www]",
        "user: 33:33",
        "group: 44",
        "directory: /srv/made here",
        "stdout: open",
        "hutch-init: exit status 7",
    ):
        assert f"{line}\n" in output
    assert output.count("group: ") == 2, "its own and the supplementary one"
    assert output.count("environment: ") == 3


def test_a_killed_program(builder: Builder, show: Path, booted: Callable[..., str]) -> None:
    text = TINY.replace("MONITOR", "qemu") + "cmd: [/bin/show, '9']\n"
    assert "hutch-init: exit status 137\n" in booted(builder.build(show, text).ref)


def test_a_missing_program(builder: Builder, show: Path, booted: Callable[..., str]) -> None:
    output = booted(builder.build(show, TINY.replace("MONITOR", "qemu") + "cmd: [nope]\n").ref)
    assert "hutch-init: cannot run nope: No such file or directory\n" in output
    assert "hutch-init: exit status 127\n" in output


def test_a_changed_program_builds_no_kernel(builder: Builder, show: Path) -> None:
    text = TINY.replace("MONITOR", "qemu") + "cmd: [/bin/show]\n"
    builder.build(show, text)
    # To what no build of this engine has seen.
    change = f"/* {uuid.uuid4()} */\n"
    (show / "show.c").write_text((show / "show.c").read_text() + change)
    ran = steps(builder.build(show, text, RAW))
    assert ran["[linux] build the application"]
    for name in ("fetch linux", "unpack", "prepare", "make ", "install the toolchain"):
        found = [step for step in ran if step.startswith(f"[linux] {name}")]
        assert not any(ran[step] for step in found), found


def test_another_option_rebuilds_by_the_compilers_cache(builder: Builder, project: Path) -> None:
    """An option changes the kernel; its source is not fetched again, nor are its tools built."""
    text = "version: v1\nplatforms: {framework: linux, monitor: firecracker}\n"
    text += "kernel: {from: source, config: tiny, options: {IKCONFIG: true}}\n"
    out = project / "out"
    done = builder.build(project, text, "--target", "kernel", RAW, output=f"type=local,dest={out}")
    (file,) = [path for path in out.rglob("*") if path.is_file()]
    with file.open("rb") as stream:
        # What Firecracker boots, and with the PVH entry what Cloud Hypervisor does.
        assert identify(stream) == KernelFile("elf", "amd64", pvh=True)
    assert b"IKCFG_ST" in file.read_bytes()
    ran = steps(done)
    assert not ran.get("[linux] unpack the source", False)


def test_an_option_that_is_lost(builder: Builder, project: Path) -> None:
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel:\n  from: source\n  config: tiny\n  options:\n    IKCONFIG_PROC: true\n"
    failed = builder.fail(project, text)
    assert failed.marked == ["IKCONFIG_PROC: true"]
    assert "the kernel has no IKCONFIG_PROC=y: it needs IKCONFIG" in failed.log


def test_an_option_that_is_misspelled(builder: Builder, project: Path) -> None:
    (project / "debug.config").write_text("# ours\nCONFIG_IKCONFG=y\n")
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel:\n  from: source\n  config: tiny\n  fragments:\n    - debug.config\n"
    failed = builder.fail(project, text)
    assert failed.marked == ["- debug.config"]
    assert "the kernel has no IKCONFG=y (debug.config, line 2): this kernel has no such" in (
        failed.log
    )
    assert "did you mean IKCONFIG?" in failed.log


def test_a_patch_that_does_not_apply(builder: Builder, project: Path) -> None:
    (project / "fix.patch").write_text("--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-no\n+yes\n")
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel: {from: source, config: tiny, patches: [fix.patch]}\n"
    failed = builder.fail(project, text)
    assert "Hunk #1 FAILED" in failed.log


GET = b"GET / HTTP/1.0\r\nHost: guest\r\n\r\n"


def test_nginx_from_a_dockerfile(builder: Builder, project: Path) -> None:
    """The default configuration; the container's files shared with the guest."""
    text = example("linux-nginx-dockerfile", project)
    with served(builder.build(project, text).ref, 80) as ask:
        answer = ask(GET)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"nginx in a virtual machine that was built like a container" in answer


def test_redis_on_a_disk(builder: Builder, project: Path) -> None:
    text = example("linux-redis", project)
    with served(builder.build(project, text).ref, 6379) as ask:
        assert ask(b"PING\r\nSET key value\r\nGET key\r\n") == b"+PONG\r\n+OK\r\n$5\r\nvalue\r\n"
        # The empty argument arrived: there is no snapshotting.
        assert ask(b"CONFIG GET save\r\n") == b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n"


def test_python_on_a_read_only_root(builder: Builder, project: Path) -> None:
    text = example("linux-python", project)
    with served(builder.build(project, text).ref, 8000) as ask:
        answer = ask(GET)
    facts = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert facts.pop("kernel").startswith("6.12.")
    assert facts == {
        "greeting": "hello from a microVM",
        "arguments": ["--name", "two words"],
        "user": 65534,
        "directory": "/srv",
        "kernel_config": True,
    }
