"""The graphs of the BSD examples on every platform, and who depends on whom in them."""

from __future__ import annotations

import itertools

import pytest

import frameworks
from frameworks.diagnostics import Problems
from frameworks.kit.source import pins
from frontend.bunnyfile import Unsound, load
from frontend.plan import make, more, platform_args
from llb import Caps, Platform
from llb.tree import render
from tests.places import ROOT
from tests.unit.core.helpers import AMD64, check_golden, graph, lower

EXAMPLES = ("freebsd-hello", "freebsd-http", "netbsd-bozohttpd", "netbsd-hello")
ARM64 = Platform("linux", "arm64")
PLATFORMS = {"amd64": AMD64, "arm64": ARM64}


def text(name: str) -> str:
    """The bunnyfile of an example, or another one of its files: `go-http/netbsd`."""
    example, _, system = name.partition("/")
    file = f"{system}.bunnyfile" if system else "bunnyfile"
    said = (ROOT / "examples" / example / file).read_text()
    return said.replace("BASE_SHA256:  ", f"BASE_SHA256: {'0' * 64}")


@pytest.mark.parametrize(
    ("name", "architecture"),
    # The sets that netbsd-bozohttpd takes its files from are for amd64, and it says so.
    sorted(
        {*itertools.product((*EXAMPLES, "go-http/freebsd", "go-http/netbsd"), PLATFORMS)}
        - {("netbsd-bozohttpd", "arm64")}
    ),
)
def test_the_examples(name: str, architecture: str, update_goldens: bool) -> None:
    platform = PLATFORMS[architecture]
    lowering = lower(text(name), platform=platform)
    check_golden(f"{name.replace('/', '-')}-{architecture}", lowering, update=update_goldens)


def test_the_examples_have_the_same_copies() -> None:
    """Each is a project of its own; what they share is the same in each."""
    examples = ROOT / "examples"
    for header, names in (
        ("bsd.h", {*EXAMPLES} - {"netbsd-bozohttpd"}),
        ("freebsd.h", EXAMPLES[:2]),
    ):
        assert len({(examples / name / header).read_text() for name in names}) == 1
    programs = {
        (examples / f"{system}-hello" / "hello.c").read_text().replace(f"{system}.h", "system.h")
        for system in ("freebsd", "netbsd")
    }
    assert len(programs) == 1


HEAD = "version: v1\nplatforms: {framework: %s, monitor: qemu}\n"
DOCKER_20_10 = Caps.of_buildkit(0, 8)
DOCKER_28_5 = Caps.of_buildkit(0, 25)


def source_file(system: str, rest: str) -> str:
    """A bunnyfile with a kernel from source, as `rest` says or the default."""
    return HEAD % system + rest + ("" if "kernel:" in rest else "kernel: {from: source}\n")


def kernel_of(system: str, rest: str = "", caps: Caps | None = None) -> str:
    kernel = lower(source_file(system, rest), caps=caps).kernel
    assert kernel is not None
    return render(kernel.state.marshal(platform=AMD64, caps=caps))


def tools_of(system: str, rest: str = "", epoch: int | None = None) -> str:
    return graph(lower(source_file(system, rest), epoch=epoch).toolchain, AMD64)


def vertices(system: str, rest: str = "") -> dict[str, str]:
    """The digests of the vertices of a kernel's build, by name."""
    kernel = lower(source_file(system, rest)).kernel
    assert kernel is not None
    return {op.name: op.digest for op in kernel.state.marshal(platform=AMD64).ops()}


def caches(system: str, rest: str = "") -> set[str]:
    """The caches of objects that a kernel's build has mounted; that of packages is for all."""
    lines = (line.strip() for line in kernel_of(system, rest).splitlines())
    return {line for line in lines if " cache " in line and "id=hutch/apt " not in line}


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_tools_do_not_depend_on_the_kernels_configuration(system: str) -> None:
    plain = tools_of(system)
    assert plain == tools_of(system, "kernel: {from: source, config: GENERIC}\n")
    assert plain == tools_of(system, "kernel: {from: source, options: {INET6: false}}\n")
    assert plain == tools_of(system, epoch=1234)


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_a_patch_builds_no_tools(system: str) -> None:
    """The patched tree is for the kernel; its tools are the same vertex as without the patch."""
    tools = {"netbsd": "build.sh tools", "freebsd": "make.py kernel-toolchain"}[system]
    plain, patched = vertices(system), vertices(system, "kernel: {from: source, patches: [a]}\n")
    assert f"[{system}] patch a" in patched
    kernel = {"netbsd": "build.sh kernel=HUTCH", "freebsd": "make.py buildkernel"}[system]
    assert plain[f"[{system}] {kernel}"] != patched[f"[{system}] {kernel}"]
    assert plain[f"[{system}] {tools}"] == patched[f"[{system}] {tools}"]


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_another_source_is_another_cache(system: str) -> None:
    source = "kernel: {from: source, source: {git: 'https://example.com/src', ref: a}}\n"
    other = caches(system, source.replace("ref: a", "ref: b"))
    assert caches(system, source).isdisjoint(other)


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
@pytest.mark.parametrize("toolchain", ["from: 'debian:forky-slim'", "packages: [libfoo-dev]"])
def test_another_compiler_is_another_cache(system: str, toolchain: str) -> None:
    """make would take the objects of one for those of the other."""
    other = caches(system, f"toolchain: {{{toolchain}}}\n")
    assert other
    assert caches(system).isdisjoint(other)


def test_debians_compiler_and_netbsds_own_share_no_cache() -> None:
    """Both are run in the same image."""
    external = caches("netbsd", "toolchain: {from: 'debian:trixie-slim'}\n")
    assert caches("netbsd").isdisjoint(external)


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_every_version_is_pinned(system: str) -> None:
    default, known = pins(frameworks.get(system).package)  # type: ignore[attr-defined]
    assert default in known
    assert {len(pin.git.commit or "") for pin in known.values()} == {40}


@pytest.mark.parametrize("caps", [DOCKER_20_10, DOCKER_28_5], ids=["20.10", "28.5"])
def test_the_pinned_source_on_any_docker(caps: Caps) -> None:
    """A tag is fetched alone where the daemon checks its commit, else the commit itself."""
    pin = pins(frameworks.get("freebsd").package)[1]["15.0"]  # type: ignore[attr-defined]
    fetched = pin.git.ref if caps is DOCKER_28_5 else pin.git.commit
    assert f"freebsd-src#{fetched} " in kernel_of("freebsd", caps=caps)
    commit = pins(frameworks.get("netbsd").package)[1]["10.99"].git.commit  # type: ignore[attr-defined]
    assert commit is not None
    assert commit in kernel_of("netbsd", caps=caps)


def errors(said: str) -> list[tuple[str, str]]:
    loaded = load(said.encode(), "bunnyfile", platform_args(AMD64, AMD64))
    with pytest.raises(Problems) as caught:
        make(loaded.bunnyfile, loaded.file, AMD64)
    return [(found.code, found.message) for found in caught.value.diagnostics]


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_errors(system: str) -> None:
    head = HEAD % system
    assert errors(head + "kernel: {from: source, source: {package: src}}\n")[0][0] == (
        "unsupported-source"
    )
    said = head.replace("monitor", "version: '1.0', monitor") + "kernel: {from: source}\n"
    assert errors(said) == [("unknown-value", f"hutch knows no {system} 1.0")]
    disk = "kernel: {from: source}\nrootfs: {type: block, filesystem: erofs, include: [a:/a]}\n"
    assert errors(head + disk)[0][0] == "unsupported-filesystem"
    monitor = head.replace("qemu", "hvt") + "kernel: {from: source}\n"
    assert errors(monitor)[0][0] == "unsupported-monitor"


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
@pytest.mark.parametrize("version", ["latest", "12", "14.x"])
@pytest.mark.parametrize("kernel", ["from: local, path: k", "from: source, source: {local: src}"])
def test_packages_of_a_version_that_there_is_not(system: str, version: str, kernel: str) -> None:
    """Whatever the kernel is: packages are those of the version."""
    head = (HEAD % system).replace("monitor", f"version: '{version}', monitor")
    said = head + f"kernel: {{{kernel}}}\nrootfs: {{from: a, packages: [b]}}\ncmd: [/a]\n"
    assert errors(said) == [("unknown-value", f"hutch knows no packages of {system} {version}")]


def test_packages_of_a_known_version() -> None:
    """FreeBSD has them for all releases of a major one; NetBSD's may be where the user says."""

    def request(system: str, version: str, args: str = "") -> str:
        head = (HEAD % system).replace("monitor", f"version: '{version}', monitor")
        rest = "kernel: {from: local, path: k}\nrootfs: {from: a, packages: [b]}\ncmd: [/a]\n"
        file = lower(head + args + rest).rootfs.file
        assert file is not None
        return graph(file.state, AMD64)

    assert "--release 14.2 --arch amd64" in request("freebsd", "14.2")
    assert "--release 15 --arch amd64" in request("freebsd", "15")
    assert "--release 10.0 --arch x86_64" in request("netbsd", "10.99")
    path = "args: {PKG_PATH: 'https://a.example/b'}\n"
    own = request("netbsd", "9", path)
    assert "--arch x86_64 --path https://a.example/b" in own
    assert "--release" not in own
    # Also where another mistake is told of the file.
    head = (HEAD % "netbsd").replace("monitor", "version: '9', monitor")
    rest = "kernel: {from: local, path: k}\nrootfs: {from: a, packages: [b]}\ncmd: {}\n"
    with pytest.raises(Unsound) as caught:
        load((head + path + rest).encode(), "bunnyfile", {})
    found = more(caught.value, AMD64, asked=True, contexts=())
    assert [each.code for each in found.diagnostics] == ["wrong-type"]


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_libraries_of_a_version_that_there_is_not(system: str) -> None:
    """An application's libraries are built from the pinned source, also beside a local kernel."""
    head = (HEAD % system).replace("monitor", "version: '13.2', monitor")
    app = "app: {from: local, %ssysroot: %s, artifacts: [a:/a]}\ncmd: [/a]\n"
    local = head + "kernel: {from: local, path: k}\n"
    unknown = [("unknown-value", f"hutch knows no {system} 13.2")]
    assert errors(local + app % ("build: make, ", "source")) == unknown
    assert errors(local + app % ("fetch: make, ", "source")) == unknown
    # Without scripts nothing is compiled, and with another system nothing is built of the source.
    for said in (app % ("", "source"), app % ("build: make, ", "none")):
        loaded = load((local + said).encode(), "bunnyfile", {})
        make(loaded.bunnyfile, loaded.file, AMD64)


def test_archives_are_pinned() -> None:
    rest = "kernel: {from: source}\nrootfs: {include: [{from: 'https://a.example/b.txz', %s}]}\n"
    place = "source: /bin, destination: /bin"
    head = HEAD % "freebsd"
    assert errors(head + rest % place)[0][0] == "missing-key"
    local = (head + rest % f"{place}, sha256: '{'a' * 64}'").replace(
        "'https://a.example/b.txz'", "local"
    )
    assert errors(local)[0][0] == "bad-combination"


def test_netbsd_warns() -> None:
    loaded = load((HEAD % "netbsd" + "kernel: {from: source}\n").encode(), "bunnyfile", {})
    plan = make(loaded.bunnyfile, loaded.file, AMD64)
    assert [found.code for found in plan.warnings] == ["UnsupportedRuntime"]


def test_freebsds_images_are_pulled_for_freebsd() -> None:
    """Everything of the root filesystem; a kernel's image may be for Linux."""
    said = HEAD % "freebsd" + (
        "kernel: {from: 'kernels:1', path: /kernel}\nrootfs: {from: 'freebsd:15', type: raw}\n"
    )
    lowering = lower(said)
    build = lowering.build
    assert build.platform_of("freebsd:15") == Platform("freebsd", "amd64")
    assert build.platform_of("kernels:1") == AMD64


def rootfs_of(system: str, init: str) -> tuple[tuple[str, ...], str]:
    """The arguments of a raw image's process, and the graph of its files."""
    lowering = lower(
        HEAD % system
        + f"init: {init}\nkernel: {{from: local, path: k}}\n"
        + "rootfs: {type: raw, include: [a:/a]}\ncmd: [/a]\n"
    )
    tree = lowering.rootfs.tree
    assert tree is not None
    return lowering.rootfs.process.args, graph(tree, AMD64)


def test_freebsds_init() -> None:
    """urunc starts the first word of the image's process."""
    args, files = rootfs_of("freebsd", "auto")
    assert args == ("/urunit", "/a")
    assert "freebsd-amd64 -> /urunit" in files
    args, files = rootfs_of("freebsd", "none")
    assert args == ("/a",)
    assert "init" not in files
    args, files = rootfs_of("freebsd", "/rescue/init")
    assert args == ("/rescue/init", "/a")
    assert "freebsd-amd64" not in files


def test_freebsds_libraries() -> None:
    """hutch's init starts no rc, which would look for them; another init may."""
    hints = "-m frameworks.freebsd.steps.hints"
    for init, told in (("auto", True), ("none", False), ("/sbin/init", False)):
        assert (hints in rootfs_of("freebsd", init)[1]) is told
    program = f"{HEAD % 'freebsd'}kernel: {{from: local, path: k}}\nrootfs: {{type: raw}}\n"
    app = "app: {from: local, build: make, sysroot: none, artifacts: [a:/a]}\ncmd: [/a]\n"
    tree = lower(program + app).rootfs.tree
    assert tree is not None
    assert hints not in graph(tree, AMD64)


def test_netbsds_init() -> None:
    """Its kernel starts /sbin/init, whatever the process is."""
    args, files = rootfs_of("netbsd", "auto")
    assert args == ("/a",)
    assert "netbsd-amd64 -> /sbin/init" in files
    args, files = rootfs_of("netbsd", "none")
    assert args == ("/a",)
    assert "init" not in files
    args, files = rootfs_of("netbsd", "/rescue/init")
    assert args == ("/a",)
    assert "copy /rescue/init -> /sbin/init" in files
    assert "netbsd-amd64" not in files
    _, files = rootfs_of("netbsd", "/sbin/init")
    assert "init" not in files


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_an_old_file_has_no_init(system: str) -> None:
    """A v0.1 file is packed as it says, and no other."""
    said = (
        f"version: v0.1\nplatforms: {{framework: {system}, monitor: qemu}}\n"
        "kernel: {from: local, path: k}\n"
        "rootfs: {from: scratch, type: raw, include: ['a:/a']}\ncmd: [/a]\n"
    )
    lowering = lower(said)
    assert lowering.rootfs.process.args == ("/a",)
    assert lowering.rootfs.tree is not None
    assert "init" not in graph(lowering.rootfs.tree, AMD64)


@pytest.mark.parametrize("framework", ["freebsd", "netbsd"])
def test_tools_of_a_version_that_there_is_not(framework: str) -> None:
    """Beside a kernel of the user's the version is a label only, until tools are asked for."""
    said = f"version: v1\nplatforms: {{framework: {framework}, monitor: qemu, version: '99.9'}}\n"
    said += "kernel: {from: local, path: k}\n"
    with pytest.raises(Problems) as caught:
        _ = lower(said).toolchain
    (found,) = caught.value.diagnostics
    assert found.code == "unknown-value"
    assert found.at is not None
    assert found.at.start.line == 2
    assert found.file is not None
