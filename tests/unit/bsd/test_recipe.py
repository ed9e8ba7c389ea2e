"""The graphs of the BSD examples on every platform, and who depends on whom in them."""

from __future__ import annotations

from pathlib import Path

import pytest

import frameworks
from frameworks.bsd.source import pins
from frameworks.diagnostics import Problems
from frontend import image
from frontend.bunnyfile import load
from frontend.plan import make, platform_args
from llb import Platform, State
from llb.tree import render
from tests.unit.core.helpers import AMD64, lower

ROOT = Path(__file__).parents[3]
GOLDENS = ROOT / "tests" / "goldens"
EXAMPLES = ("freebsd-hello", "freebsd-http", "netbsd-bozohttpd", "netbsd-hello")
ARM64 = Platform("linux", "arm64")
PLATFORMS = {"amd64": AMD64, "arm64": ARM64}


def text(name: str) -> str:
    said = (ROOT / "examples" / name / "bunnyfile").read_text()
    return said.replace("BASE_SHA256:  ", f"BASE_SHA256: {'0' * 64}")


def graph(state: State, platform: Platform) -> str:
    return render(state.marshal(platform=platform))


@pytest.mark.parametrize("architecture", PLATFORMS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples(name: str, architecture: str, update_goldens: bool) -> None:
    platform = PLATFORMS[architecture]
    lowering = lower(text(name), platform=platform)
    keys = image.runtime_keys(lowering.build, lowering.rootfs)
    made = graph(image.assemble(lowering.build, lowering.layers, keys), platform)
    golden = GOLDENS / f"{name}-{architecture}.txt"
    if update_goldens:
        golden.write_text(made)
    assert made == golden.read_text()


HEAD = "version: v1\nplatforms: {framework: %s, monitor: qemu}\n"


def kernel_of(system: str, rest: str = "", epoch: int | None = None) -> str:
    said = HEAD % system + rest
    if "kernel:" not in rest:
        said += "kernel: {from: source}\n"
    kernel = lower(said, epoch=epoch).kernel
    assert kernel is not None
    return graph(kernel.state, AMD64)


def tools_of(system: str, rest: str = "", epoch: int | None = None) -> str:
    said = HEAD % system + "kernel: {from: source}\n" if "kernel:" not in rest else HEAD % system
    return graph(lower(said + rest, epoch=epoch).toolchain, AMD64)


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_tools_do_not_depend_on_the_kernels_configuration(system: str) -> None:
    plain = tools_of(system)
    assert plain == tools_of(system, "kernel: {from: source, config: GENERIC}\n")
    assert plain == tools_of(system, "kernel: {from: source, options: {INET6: false}}\n")
    assert plain == tools_of(system, epoch=1234)


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_another_source_is_another_cache(system: str) -> None:
    def caches(rest: str) -> set[str]:
        return {line for line in kernel_of(system, rest).splitlines() if "cache" in line}

    source = "kernel: {from: source, source: {git: 'https://example.com/src', ref: a}}\n"
    assert caches(source) != caches(source.replace("ref: a", "ref: b"))


def test_defaults_are_pinned() -> None:
    for name in ("netbsd", "freebsd"):
        framework = frameworks.get(name)
        default, known = pins(framework.folder)  # type: ignore[attr-defined]
        assert len(known[default].commit) == 40


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
    """Everything of the root file system; a kernel's image may be for Linux."""
    said = HEAD % "freebsd" + (
        "kernel: {from: 'kernels:1', path: /kernel}\nrootfs: {from: 'freebsd:15', type: raw}\n"
    )
    lowering = lower(said)
    build = lowering.build
    assert build.platform_of("freebsd:15") == Platform("freebsd", "amd64")
    assert build.platform_of("kernels:1") == AMD64


@pytest.mark.parametrize(("said", "init"), [("none", False), ("auto", True)])
def test_init(said: str, init: bool) -> None:
    rest = (
        f"init: {said}\nkernel: {{from: local, path: k}}\nrootfs: {{type: raw, include: [a:/a]}}\n"
    )
    lowering = lower(HEAD % "freebsd" + rest + "cmd: [/a]\n")
    args = lowering.rootfs.process.args
    assert args == (("/urunit", "/a") if init else ("/a",))
    assert lowering.rootfs.tree is not None
    assert ("freebsd-amd64" in graph(lowering.rootfs.tree, AMD64)) == init
