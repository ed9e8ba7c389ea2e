"""Images under the real urunc: `HUTCH_URUNC=/path/to/urunc make urunc`.

    HUTCH_URUNC         the program; without it everything here is skipped
    HUTCH_URUNC_LIKE    which of `runtime.urunc.versions` it is, where its version does not say so
    HUTCH_URUNC_SHIM    its shim for containerd (else `containerd-shim-urunc-v2` beside it);
                        `containerd` and `ctr` are looked for in PATH
    HUTCH_SOLO5_SPT     Solo5's tender for spt, and HUTCH_SOLO5_GUEST a kernel for it that ends by
                        itself and wants no devices, such as Solo5's own test_hello.spt
    HUTCH_UNIKERNELS    a directory with what the unikernels' examples are built from, each tree by
                        the name of its build context (`UNIKERNELS`), and `duniverse` with the
                        libraries of the MirageOS examples

It needs root, and QEMU; the monitor runs without KVM.
`tests.integration.harness.realurunc` says how.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frameworks.runtime.machine import Contract, Files, Machine
from frameworks.runtime.urunc import guests
from frontend.images import boot
from frontend.images.registry import Repository
from llb import Platform
from tests.integration.harness import EXAMPLES, PREFIX, Builder
from tests.integration.harness.matrix import (
    FILE,
    INCLUDE,
    SHAPES,
    USERS,
    WORDS,
    Images,
    guest_user,
    printed,
)
from tests.integration.harness.realurunc import ADDRESS, Containerd, Host, Network, Ran, Running

URUNC = os.environ.get("HUTCH_URUNC", "")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.urunc,
    pytest.mark.skipif(not URUNC, reason="urunc: HUTCH_URUNC names none"),
]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Where urunc runs. Not below a directory that only root may enter, as pytest's are."""
    spt = os.environ.get("HUTCH_SOLO5_SPT")
    with tempfile.TemporaryDirectory(prefix="hutch-urunc-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        made = Host(Path(URUNC).resolve(), Path(folder), spt=Path(spt) if spt else None)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def containerd(host: Host) -> Iterator[Containerd]:
    shim = os.environ.get("HUTCH_URUNC_SHIM") or host.urunc.parent / "containerd-shim-urunc-v2"
    programs = [shutil.which(name) for name in ("containerd", "ctr")]
    if not Path(shim).exists() or None in programs:
        pytest.skip("urunc: its shim, containerd and ctr are not all here")
    made = Containerd(host, Path(shim).resolve(), str(programs[0]), str(programs[1]))
    try:
        yield made
    finally:
        made.close()


def modelled(ref: str, host: Host, user: str | None) -> list[str]:
    """The monitor's command line as `frameworks.runtime.urunc.guests` makes it for this urunc."""
    with Repository(ref) as repository:
        image = repository.image(Platform("linux", "amd64"))
        contract = boot.contract_of(
            image, repository.tree(image), version=host.model.name, user=user
        )
    files = where(contract, bool(host.model.configuration) and guests.has_urunit(contract))
    return guests.command(contract, files, Machine(kvm=True, version=host.model.name))


def where(contract: Contract, configured: bool) -> Files:
    """Where urunc has the files of a contract, in its monitor's root."""
    root = "/cntrRootfs" if contract.rootfs == "share" else ""

    def path(key: str) -> str | None:
        return root + contract.keys[key] if contract.keys.get(key) else None

    return Files(
        kernel=str(path("binary")),
        initrd=path("initrd"),
        block=path("block"),
        share=root or None,
        config="/urunit.conf" if configured and contract.rootfs != "initrd" else None,
    )


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_runs_it(
    images: Images,
    host: Host,
    record_property: Callable[[str, object], None],
    shape: str,
    user: str,
) -> None:
    """The monitor runs as the user and starts; the guest answers; the model says the same."""
    who = USERS[user]
    ref = images.of(shape, who.user)
    ran = host.run(ref, user=who.asked)
    record_property("urunc", host.model.name)
    record_property("monitor", "qemu")
    record_property("started", "Linux version" in ran.output)
    lines = printed(ran.output)
    record_property("answered", "argument 1: [one]" in lines)
    assert ran.user == who.guest
    assert "argument 1: [one]" in lines, ran.output
    assert f"user: {guest_user(shape, who, host.model)}" in lines
    assert ("group: 44" in lines) == (user == "name" and shape != "no init")
    assert list(ran.command[1:]) == modelled(ref, host, who.asked)[1:]


@pytest.mark.parametrize("shape", ["raw", "ext4", "initrd"])
def test_odd_words(images: Images, host: Host, shape: str) -> None:
    """Fifteen words, environment with blanks in the image and at run time, groups, a directory."""
    more = 'workdir: /srv/made here\nenvs: {GREETING: \'a b\', QUOTES: "it\'s \\"q\\" $c"}\n'
    ref = images.of(shape, "www", more=more, cmd=WORDS)
    ran = host.run(ref, env=["ADDED=here"])
    lines = printed(ran.output)
    assert len(WORDS) == 15
    assert lines[1 : 1 + len(WORDS)] == [
        f"argument {number}: [{word}]" for number, word in enumerate(WORDS, 1)
    ], ran.output
    for line in ("user: 33:33", "group: 44", "directory: /srv/made here"):
        assert line in lines
    assert "environment: [ADDED=here]" in lines
    if host.model.configuration:
        assert "environment: [GREETING=a b]" in lines
        assert 'environment: [QUOTES=it\'s "q" $c]' in lines
    assert ran.status == 0


def test_words_without_an_init(images: Images, host: Host) -> None:
    """What urunc makes of words is what Linux splits: they are the program's as they come."""
    words = ("plain", "two words", "--last=$1")
    ran = host.run(images.of("no init", None, cmd=words))
    assert [line for line in printed(ran.output) if line.startswith("argument")][1:] == [
        *("argument 1: [plain]", "argument 2: ['two]", "argument 3: [words']"),
        "argument 4: [--last=$1]",
    ]


def test_other_words_and_environment_at_run_time(images: Images, host: Host) -> None:
    """As `docker run -e NEW=... IMAGE /bin/probe other 'two words'`."""
    args = ["/bin/probe", "other", "two words"]
    ran = host.run(images.of("ext4", "4321"), args=args, env=["NEW=1"])
    lines = printed(ran.output)
    assert lines[1:3] == ["argument 1: [other]", "argument 2: [two words]"], ran.output
    assert "environment: [NEW=1]" in lines


V01 = """\
version: v0.1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: vmlinuz}
rootfs: {type: initrd, include: ["probe:/bin/probe"]}
envs: ["ODD=x=y"]
cmd: [/bin/probe, one]
"""


def test_a_v01_file(images: Images, host: Host) -> None:
    lines = printed(host.run(images.build(V01)).output)
    assert "argument 1: [one]" in lines
    assert "environment: [ODD=x=y]" in lines


DOCKERFILE = """\
FROM scratch
COPY vmlinuz /.boot/kernel
COPY probe /bin/probe
COPY etc /etc
USER www
WORKDIR /srv/here
ENV GREETING="a b"
LABEL com.urunc.unikernel.binary=/.boot/kernel
CMD ["/bin/probe", "two words"]
"""


def test_a_dockerfile(images: Images, host: Host) -> None:
    ran = host.run(images.build(DOCKERFILE))
    lines = printed(ran.output)
    assert "argument 1: [two words]" in lines, ran.output
    assert "user: 33:33" in lines
    assert "directory: /srv/here" in lines


def test_a_status_is_printed(images: Images, host: Host) -> None:
    ran = host.run(images.of("ext4", "4321"), args=["/bin/nothing"])
    assert ran.status == 127
    assert "hutch-init: exit status 127" in ran.output


def test_keys_among_the_bundles_annotations(images: Images, host: Host) -> None:
    """Newer ones take them as they are; older ones cannot decode them, and give up."""
    ref = images.of("initrd", None)
    with Repository(ref) as repository:
        image = repository.image(None)
        keys = {k: v for k, v in image.annotations.items() if k.startswith(PREFIX)}
    assert keys
    if host.model.spec_keys == "plain":
        assert "argument 1: [one]" in host.run(ref, annotations=keys).output
        return
    with pytest.raises((AssertionError, FileNotFoundError)) as failed:
        host.run(ref, annotations=keys)
    assert "argument 1" not in str(failed.value)


def example(builder: Builder, name: str, to: Path) -> str:
    """An example's image."""
    shutil.copytree(EXAMPLES / name, to)
    expected = tomllib.loads((to / "test.toml").read_text())
    if inputs := expected.get("inputs"):
        builder.build(to, None, "-f", str(to / inputs), output=f"type=local,dest={to}")
    text = (to / "bunnyfile").read_text().partition("\n")[2]
    return builder.build(to, text).ref


def _printing() -> list[str]:
    found = []
    for file in sorted(EXAMPLES.glob("linux-*/test.toml")):
        expected = tomllib.loads(file.read_text())
        if "guest" in expected and "linux/amd64" in expected.get("platforms", ["linux/amd64"]):
            found.append(file.parent.name)
    return found


@pytest.mark.parametrize("name", _printing())
def test_an_example_that_prints(builder: Builder, host: Host, tmp_path: Path, name: str) -> None:
    expected = tomllib.loads((EXAMPLES / name / "test.toml").read_text())["guest"]
    ran = host.run(example(builder, name, tmp_path / name))
    lines = ran.output.splitlines()
    assert [line for line in expected["prints"] if line not in lines] == [], ran.output
    assert ran.status == 0


GET = b"GET / HTTP/1.0\r\nHost: guest\r\n\r\n"
PING = b"PING\r\nSET key value\r\nGET key\r\n"
SERVERS = {
    "go-http": (8080, GET, rb"^HTTP/1\.[01] 200 .*hello from Go on linux/amd64"),
    "linux-redis": (6379, PING, rb"\+PONG\r\n\+OK\r\n\$5\r\nvalue"),
    "linux-python": (8000, GET, rb'^HTTP/1\.0 200 .*"two words"'),
    "linux-nginx-dockerfile": (80, GET, rb"^HTTP/1\.1 200 "),
}


@pytest.mark.parametrize("name", SERVERS)
def test_an_example_that_serves(builder: Builder, host: Host, tmp_path: Path, name: str) -> None:
    """Over a tap device that urunc makes for the interface of its network namespace."""
    port, request, expected = SERVERS[name]
    ref = example(builder, name, tmp_path / name)
    with Network() as network, host.started(ref, network=network, memory=512 << 20) as running:
        answer = asked(running, port, request)
        assert re.search(expected, answer, re.DOTALL), answer


def asked(running: Running, port: int, request: bytes) -> bytes:
    """What a guest answers, once it does."""
    deadline = time.monotonic() + 180
    answer = b""
    while not answer:
        assert not running.ended, running.output
        assert time.monotonic() < deadline, running.output
        try:
            with socket.create_connection((ADDRESS, port), timeout=5) as connection:
                connection.sendall(request)
                while piece := connection.recv(65536):
                    answer += piece
        except OSError:
            time.sleep(0.5)
    return answer


def test_every_example_is_run_or_named() -> None:
    """Those of other architectures and systems are not: urunc runs guests of its own machine.

    Those from source are run where their trees are."""
    listed = {file.parent.name for file in EXAMPLES.glob("*/bunnyfile")}
    elsewhere = {name for name in listed if name.startswith(("freebsd-", "netbsd-"))}
    assert listed == {*_printing(), *SERVERS, *UNIKERNELS, *elsewhere, "linux-arm64"}


SPT = """\
version: v1
platforms: {framework: mirage, monitor: spt}
kernel: {from: local, path: guest.spt}
user: "4321"
cmd: [one, two]
"""


def test_solo5_natively(builder: Builder, host: Host, project: Path) -> None:
    """Without emulation: the guest is a process that may do next to nothing."""
    guest = os.environ.get("HUTCH_SOLO5_GUEST")
    if not guest or not os.environ.get("HUTCH_SOLO5_SPT"):
        pytest.skip("urunc: HUTCH_SOLO5_SPT and HUTCH_SOLO5_GUEST name no tender and guest")
    shutil.copy(guest, project / "guest.spt")
    ran = host.run(builder.build(project, SPT).ref, seconds=60)
    assert "one two" in ran.output, ran.output
    assert "solo5_exit(0) called" in ran.output


UNIKERNELS = {
    "mirage-block": ("solo5", "ocaml-solo5"),
    "mirage-config": ("solo5", "ocaml-solo5", "opam-repository", "opam-overlays", "opam-archives"),
    "mirage-hello": ("solo5", "ocaml-solo5"),
    "mirage-http": ("solo5", "ocaml-solo5"),
    "rumprun-darkhttpd": ("solo5", "rumprun", "darkhttpd"),
    "rumprun-hello": ("solo5", "rumprun"),
    "rumprun-http": ("solo5", "rumprun"),
    "unikraft-elfloader": ("unikraft", "app-elfloader", "lib-libelf", "lib-lwip", "lwip"),
    "unikraft-hello": ("unikraft",),
    "unikraft-http": ("unikraft", "lib-lwip", "lwip"),
}
"""The unikernels' examples, and the build contexts of each."""

SUBMODULES = {"rumprun": ("src-netbsd", "buildrump")}
"""Trees that are contexts of their own where the directory has them, and else in another."""


def unikernel(builder: Builder, name: str, tmp_path: Path, type: str | None = None) -> str:
    """An example of `UNIKERNELS`, built from source; `type` is another root filesystem's."""
    given = os.environ.get("HUTCH_UNIKERNELS")
    if not given:
        pytest.skip("urunc: HUTCH_UNIKERNELS names no trees")
    if "solo5" in UNIKERNELS[name] and not os.environ.get("HUTCH_SOLO5_SPT"):
        pytest.skip("urunc: HUTCH_SOLO5_SPT names no tender")
    trees = Path(given).resolve()
    to = tmp_path / name
    shutil.copytree(EXAMPLES / name, to)
    if name in ("mirage-http", "mirage-block"):
        if not (trees / "duniverse").is_dir():
            pytest.skip("urunc: HUTCH_UNIKERNELS has no duniverse")
        shutil.copytree(trees / "duniverse", to / "duniverse")
    text = (to / "bunnyfile").read_text().partition("\n")[2]
    contexts = []
    names = list(UNIKERNELS[name])
    for each in UNIKERNELS[name]:
        names += [tree for tree in SUBMODULES.get(each, ()) if (trees / tree).is_dir()]
    for each in names:
        if not (trees / each).is_dir():
            pytest.skip(f"urunc: HUTCH_UNIKERNELS has no {each}")
        contexts += ["--build-context", f"{each}={trees / each}"]
        # The application of others is a git repository in the example.
        text = re.sub(rf"from: \S+/{re.escape(each)}\.git\S*", f"from: {each}", text)
    if type is not None:
        text = text.replace("rootfs:\n", f"rootfs:\n  type: {type}\n")
    return builder.build(to, text, *contexts).ref


class TestMirage:
    """The MirageOS examples from source, natively, on Solo5's spt."""

    def test_hello(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """The words of `cmd` come over, and the monitor's status is the container's."""
        ran = host.run(unikernel(builder, "mirage-hello", tmp_path), seconds=60)
        lines = ran.output.splitlines()
        hello = "Hello, bunnyfile, from OCaml 5.3.0 on Solo5!"
        words = ["argument: and", "argument: friends"]
        assert lines[lines.index(hello) :][1:3] == words, ran.output
        assert "solo5_exit(0) called" in ran.output
        assert ran.exit == 0

    def test_config(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """Configured here, out of opam's archives."""
        ran = host.run(unikernel(builder, "mirage-config", tmp_path), seconds=60)
        said = re.findall(r"\[application\] (\w+)", ran.output)
        assert said == ["3", "2", "1", "liftoff"], ran.output
        assert ran.exit == 0

    def test_http(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """It takes the address of the container's network, and answers there."""
        ref = unikernel(builder, "mirage-http", tmp_path)
        with Network() as network, host.started(ref, network=network) as running:
            answer = asked(running, 80, GET)
            assert b"greeting: from-a-bunnyfile" in answer
            assert f"listening on {ADDRESS}/24, port 80" in running.output

    def test_block(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """It reads the image's disk, an ext2 of 8 MiB, and writes there."""
        ran = host.run(unikernel(builder, "mirage-block", tmp_path), seconds=60)
        lines = ran.output.splitlines()
        assert "storage: 16384 sectors of 512 bytes" in lines, ran.output
        assert "magic: ef53" in lines
        assert "boots: 1" in lines
        assert ran.exit == 0


class TestRumprun:
    """The Rumprun examples from source, in the same way."""

    def test_hello(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """The words of `cmd` come over, and the environment; the status is the program's."""
        ref = unikernel(builder, "rumprun-hello", tmp_path)
        ran = host.run(ref, seconds=60)
        lines = ran.output.splitlines()
        for line in ("argument 1: to", "argument 2: the world", "threads: 1000 1000 0"):
            assert line in lines, ran.output
        greeting = "Hello from a bunnyfile" if host.model.configuration else "none"
        assert f"greeting: {greeting}" in lines
        assert "solo5_exit(0) called" in ran.output
        assert ran.exit == 0
        assert host.run(ref, args=["hello", "fail"], seconds=60).exit == 3

    @pytest.mark.parametrize(
        ("name", "port", "expected"),
        [
            ("rumprun-http", 80, b"Served by a unikernel, from its disk."),
            ("rumprun-darkhttpd", 8080, b"Server: darkhttpd/1.17"),
        ],
    )
    def test_server(
        self, builder: Builder, host: Host, tmp_path: Path, name: str, port: int, expected: bytes
    ) -> None:
        """It takes the container's address, mounts the image's disk, and answers from it."""
        ref = unikernel(builder, name, tmp_path)
        with Network() as network, host.started(ref, network=network) as running:
            answer = asked(running, port, GET)
            assert re.match(rb"HTTP/1\.[01] 200 ", answer), answer
            assert expected in answer, answer


class TestUnikraft:
    """The Unikraft examples from source, under QEMU."""

    def test_hello(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """The words of `cmd` come over, and the machine stops when the program returns."""
        ref = unikernel(builder, "unikraft-hello", tmp_path)
        ran = host.run(ref)
        assert "Hello from Unikraft: a bunnyfile" in ran.output.splitlines(), ran.output
        assert list(ran.command[1:]) == modelled(ref, host, None)[1:]

    def test_http(self, builder: Builder, host: Host, tmp_path: Path) -> None:
        """It takes the address of the container's network, and answers there."""
        ref = unikernel(builder, "unikraft-http", tmp_path)
        with Network() as network, host.started(ref, network=network) as running:
            answer = asked(running, 80, GET)
            assert answer.endswith(b"\r\n\r\nHello from Unikraft: a bunnyfile\n")

    @pytest.mark.parametrize("type", ["initrd", "raw"])
    def test_a_linux_program(self, builder: Builder, host: Host, tmp_path: Path, type: str) -> None:
        """Its page is in the root, unpacked from an initrd or over 9p; it has its environment."""
        ref = unikernel(builder, "unikraft-elfloader", tmp_path, type)
        with Network() as network, host.started(ref, network=network) as running:
            answer = asked(running, 80, GET)
            assert b"X-Greeting: from-a-variable\r\n" in answer
            assert answer.endswith(b"<h1>Linux programs run here, and no Linux does</h1>\n")


class TestContainerd:
    """Through containerd and urunc's shim, as `ctr`, Kubernetes and nerdctl start them."""

    @pytest.mark.parametrize("shape", ["raw", "ext4", "initrd"])
    def test_a_user(self, images: Images, containerd: Containerd, shape: str) -> None:
        ran = containerd.run(images.of(shape, "4321"))
        self._check(ran, "4321:0")

    def test_another_user_at_run_time(
        self, images: Images, containerd: Containerd, host: Host
    ) -> None:
        if "--user" not in containerd.ctr("run", "--help").stdout:
            pytest.skip("urunc: this ctr has no --user")
        ran = containerd.run(images.of("ext4", None), "--user", "1000:1000")
        self._check(ran, guest_user("ext4", USERS["-u"], host.model))
        assert ran.user == "1000:1000"

    def test_an_index_with_provenance(self, images: Images, containerd: Containerd) -> None:
        """Its manifest's annotations are out of the shim's reach, its labels are not."""
        text = FILE + SHAPES["initrd"].replace("INCLUDE", INCLUDE)
        text += '\ncmd: ["/bin/probe", "one"]\n'
        self._check(containerd.run(images.build(text, provenance=True)), "0:0")

    def _check(self, ran: Ran, user: str) -> None:
        lines = printed(ran.output)
        assert "argument 1: [one]" in lines, ran.output
        assert f"user: {user}" in lines
