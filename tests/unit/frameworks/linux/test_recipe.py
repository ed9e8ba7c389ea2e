"""The recipe: the steps of a file, what they depend on, and what is refused before any runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks import kit
from frameworks.architectures import TABLE
from frameworks.base import Image
from frameworks.diagnostics import Collector, Problems
from frameworks.kit.options import assignment, quote
from frameworks.linux import Linux
from frameworks.linux.versions import versions
from frameworks.spec import Option, Text
from llb import Definition, Platform, State, scratch
from llb.pb import ops_pb2
from llb.tree import render
from tests.unit.core.helpers import AMD64, FakeInputs, lower

GOLDENS = Path(__file__).parent / "goldens"
ARM64 = Platform("linux", "arm64")

HEAD = "version: v1\nplatforms: {framework: linux, monitor: MONITOR}\n"
SOURCE = "kernel: {from: source}\n"
APP = (
    "app: {from: local, path: src, packages: [libssl-dev], build: make, "
    "artifacts: ['server:/bin/server']}\n"
)


def text(rest: str, monitor: str = "qemu") -> str:
    return HEAD.replace("MONITOR", monitor) + rest


def definition(state: State, platform: Platform = AMD64) -> Definition:
    return state.marshal(platform=platform)


def tree(rest: str, platform: Platform = AMD64, monitor: str = "qemu") -> str:
    kernel = lower(text(rest, monitor), platform=platform).kernel
    assert kernel is not None
    return render(definition(kernel.state, platform))


FILES = {
    "kernel": (SOURCE, AMD64, "qemu"),
    "kernel-arm64": (SOURCE, ARM64, "firecracker"),
    "kernel-git": (
        "kernel: {from: source, source: {git: 'https://host/linux.git', ref: v6.12, commit: '"
        + "a" * 40
        + "'}, config: my.config, fragments: [a.config, b/c.config], patches: [p/one.patch, "
        "two.patch], options: {IKCONFIG: true, CONFIG_NET: false, LOG_BUF_SHIFT: 18, "
        "LOCALVERSION: '-my \"one\"'}, cmdline: quiet}\n"
        "toolchain: {from: 'debian:sid', packages: [clang, lld, llvm]}\n",
        AMD64,
        "cloud-hypervisor",
    ),
    "kernel-url": (
        "kernel: {from: source, source: {url: 'https://host/linux.tar.xz', sha256: '"
        + "b" * 64
        + "'}, config: defconfig}\n",
        AMD64,
        "firecracker",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_graph(name: str, update_goldens: bool) -> None:
    rest, platform, monitor = FILES[name]
    said = tree(rest, platform, monitor)
    golden = GOLDENS / f"{name}.txt"
    if update_goldens:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(said)
    assert said == golden.read_text()


def test_the_kernel_knows_nothing_of_the_application() -> None:
    """Neither another application nor another root filesystem touches a vertex of the kernel."""
    plain = lower(text(SOURCE)).kernel
    other = lower(
        text(SOURCE + APP + "rootfs: {type: initrd, include: [a:/b]}\ncmd: [/bin/server]\n")
    ).kernel
    assert plain is not None
    assert other is not None
    assert definition(plain.state).head == definition(other.state).head


def test_the_toolchain_is_shared() -> None:
    lowering = lower(text(SOURCE + APP))
    tools = definition(lowering.toolchain).head
    assert lowering.kernel is not None
    assert lowering.app is not None
    for state in (lowering.kernel.state, lowering.app.state):
        assert tools in {op.digest for op in definition(state).ops()}


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_compiler_is_pinned(architecture: str) -> None:
    """On either machine, in our own image; another image has what its distribution has."""
    platform = Platform("linux", architecture)
    for worker in (AMD64, ARM64):
        build = replace(lower(text(SOURCE), platform=platform).build, worker=worker)
        said = render(definition(Linux().toolchain(build)))
        assert f"--snapshot {' '.join(kit.release().snapshot)} " in said
        exact = kit.release().exact(kit.compiler(TABLE[architecture]), worker.architecture)
        assert [package.partition("=")[0] for package in exact if "=" in package] == [
            kit.compiler(TABLE[architecture])[0],
            kit.compiler(TABLE[architecture])[1].replace("gcc", "gcc-14"),
        ]
        assert said.count(f" {' '.join(exact[1:])}\n") == 1
    said = tree("kernel: {from: source}\ntoolchain: {from: 'debian:sid'}\n", platform)
    assert "--snapshot" not in said
    assert "gcc-14" not in said


@pytest.mark.parametrize(
    ("packages", "installed", "variables"),
    [
        ("[clang]", "clang lld llvm", "LLVM=1 CC=clang "),
        ("[clang-19]", "clang-19 lld-19 llvm-19", "LLVM=-19 CC=clang-19 "),
        ("['clang=1:19.0-63', lld]", "clang=1:19.0-63 lld llvm", "LLVM=1 CC=clang "),
        ("[clang-tidy]", "clang-tidy", "CC=x86_64-linux-gnu-gcc "),
    ],
)
def test_clang_brings_its_tools(packages: str, installed: str, variables: str) -> None:
    said = tree(f"{SOURCE}toolchain: {{packages: {packages}}}\n", monitor="firecracker")
    assert f"packages.sh fetch /out '' amd64 {installed}\n" in said
    assert f"packages.sh install /hutch/packages {installed}\n" in said
    assert variables in said
    assert ("STRIP=llvm-strip" in said) == ("LLVM" in variables)


def test_a_default_source_is_pinned_in_every_way() -> None:
    table = versions()
    assert table.default in table.series
    said = tree(SOURCE)
    pinned = table.series[table.default]
    assert f"{pinned.package}={pinned.version}" in said
    for series in table.series.values():
        assert series.version
        assert {series.archive, series.suite, series.snapshot}.isdisjoint({""})
    assert f"{pinned.archive} {pinned.suite} {pinned.snapshot}" in said


def test_values_never_reach_a_shell() -> None:
    evil = "x; touch /pwned $(id) `id`"
    said = tree(
        f"kernel: {{from: source, source: {{local: '{evil}'}}, patches: ['{evil}']}}\n"
        "toolchain: {packages: ['a;b']}\n".replace("a;b", "libfoo-dev")
    )
    for line in said.splitlines():
        if line.strip().startswith("args") and "pwned" in line:
            # As one word of a command that is no shell's.
            assert "/bin/sh -c" not in line


@pytest.mark.parametrize(
    ("monitor", "platform", "target"),
    [
        ("qemu", AMD64, "arch/x86/boot/bzImage"),
        ("firecracker", AMD64, " vmlinux "),
        ("cloud-hypervisor", AMD64, " vmlinux "),
        ("qemu", ARM64, "arch/arm64/boot/Image"),
        ("firecracker", ARM64, "arch/arm64/boot/Image"),
    ],
)
def test_the_file_is_the_monitors(monitor: str, platform: Platform, target: str) -> None:
    said = tree(SOURCE, platform, monitor)
    assert f"/config/config {target.strip()} /out/kernel" in said
    assert f"frameworks.steps.kernelfile {monitor} {platform.architecture}" in said


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("IKCONFIG", True, "CONFIG_IKCONFIG=y"),
        ("CONFIG_IKCONFIG", "y", "CONFIG_IKCONFIG=y"),
        ("NET", False, "# CONFIG_NET is not set"),
        ("NET", "n", "# CONFIG_NET is not set"),
        ("LOG_BUF_SHIFT", 18, "CONFIG_LOG_BUF_SHIFT=18"),
        ("PHYSICAL_START", "0x1000000", "CONFIG_PHYSICAL_START=0x1000000"),
        ("LOCALVERSION", '-a "b" \\c', 'CONFIG_LOCALVERSION="-a \\"b\\" \\\\c"'),
        ("LOCALVERSION", "", 'CONFIG_LOCALVERSION=""'),
        # In quotes in the file: a text, whatever it looks like.
        ("LOCALVERSION", "2024", 'CONFIG_LOCALVERSION="2024"'),
    ],
)
def test_options_as_lines(name: str, value: bool | int | str, line: str) -> None:
    assert assignment(Option(Text(name), value)) == line


def test_quote() -> None:
    assert quote('a"b') == '"a\\"b"'


@pytest.mark.parametrize(
    ("rest", "codes"),
    [
        ("kernel: {from: source, config: mikrovm}\n", ["unknown-value"]),
        ("kernel: {from: source, options: {NET: m}}\n", ["bad-value"]),
        ('kernel: {from: source, options: {LOCALVERSION: "a\\nCONFIG_X=y"}}\n', ["bad-value"]),
        ('kernel: {from: source, cmdline: "a\\nb"}\n', ["bad-value"]),
        ("kernel: {from: source, config: tiny}\nrootfs: {from: x}\n", ["unsupported-rootfs"]),
    ],
)
def test_refused(rest: str, codes: list[str]) -> None:
    with pytest.raises(Problems) as caught:
        lower(text(rest))
    assert [found.code for found in caught.value.diagnostics] == codes
    assert all(found.at is not None for found in caught.value.diagnostics)


@pytest.mark.parametrize(
    ("version", "refused"),
    [("6.12", False), ("6.1", False), ("6.12.117", False), ("6.12.1", True), ("5.10", True)],
)
def test_versions(version: str, refused: bool) -> None:
    said = f"version: v1\nplatforms: {{framework: linux, monitor: qemu, version: '{version}'}}\n"
    if refused:
        with pytest.raises(Problems) as caught:
            lower(said + SOURCE)
        assert [found.code for found in caught.value.diagnostics] == ["unknown-value"]
    else:
        lower(said + SOURCE)
    # A source of one's own may be of any version.
    lower(said + "kernel: {from: source, source: {local: linux}}\n")


def test_explain_points_at_the_line() -> None:
    lowering = lower(
        text(
            "kernel:\n  from: source\n  fragments: [debug.config]\n  options:\n"
            "    IKCONFIG: true\n    CONFIG_NOPE: true\n"
        )
    )
    common = {"got": "n", "wanted": "y"}
    report = [
        {
            **common,
            "option": "NOPE",
            "fragment": "requests/options",
            "line": 2,
            "reason": "unknown",
            "missing": [],
            "nearest": "NOPE_NOT",
        },
        {
            **common,
            "option": "KASAN",
            "fragment": "theirs/00",
            "line": 7,
            "reason": "dependency",
            "missing": ["SLUB"],
            "nearest": "",
        },
        {
            **common,
            "option": "VIRTIO_NET",
            "fragment": "ours/02-microvm.config",
            "line": 9,
            "reason": "dependency",
            "missing": ["NET"],
            "nearest": "",
        },
        {
            **common,
            "option": "",
            "wanted": "SLUB=y",
            "fragment": "theirs/00",
            "line": 8,
            "reason": "syntax",
            "missing": [],
            "nearest": "CONFIG_SLUB=y",
        },
    ]
    found = Linux().explain(json.dumps(report).encode(), lowering.plan)
    assert [str(diagnostic) for diagnostic in found] == [
        "bunnyfile:8:5: the kernel has no NOPE=y: this kernel has no such option "
        "(did you mean NOPE_NOT?) [lost-option]",
        "bunnyfile:5:15: the kernel has no KASAN=y (debug.config, line 7): it needs SLUB "
        "[lost-option]",
        "bunnyfile:3:1: the kernel has no VIRTIO_NET=y (configuration microvm, "
        "02-microvm.config, line 9): it needs NET [lost-option]",
        "bunnyfile:5:15: 'SLUB=y' is no line of a kernel configuration (debug.config, line 8) "
        "(did you mean CONFIG_SLUB=y?) [lost-option]",
    ]
    Collector(lowering.plan.file).check()


def test_report_shares_the_kernels_configuration() -> None:
    lowering = lower(text(SOURCE))
    report = Linux().report(lowering.build)
    assert report.path == "/report"
    said = render(definition(report.state))
    assert "make olddefconfig" in said
    assert "build.sh" not in said


# --- Application and init ------------------------------------------------------------------------


def test_application() -> None:
    lowering = lower(text(APP), platform=ARM64)
    assert lowering.app is not None
    said = render(definition(lowering.app.state, ARM64))
    assert "packages.sh fetch /out '' amd64 libssl-dev\n" in said
    assert "packages.sh install /hutch/packages libssl-dev\n" in said
    assert "/bin/sh /hutch/run.sh /hutch/app.sh app.build" in said
    assert "CC=aarch64-linux-gnu-gcc" in said
    # The packages are fetched in a step of their own: the script has no network.
    runs = [op for op in definition(lowering.app.state, ARM64).ops() if op.kind == "exec"]
    networks = {op.message.exec.meta.args[1]: op.message.exec.network for op in runs}
    assert networks["/hutch/run.sh"] == ops_pb2.NONE
    assert networks["/hutch/packages.sh"] == ops_pb2.NONE  # the last: that which installs


def test_application_without_a_build() -> None:
    app = "app: {from: local, path: dist, artifacts: ['x:/x']}\n"
    found = lower(text(app)).app
    assert found is not None
    assert "exec" not in render(definition(found.state))


def test_init_goes_into_the_root() -> None:
    root = lower(
        text("rootfs: {type: raw, include: [a:/a]}\nentrypoint: [/a]\ncmd: ['b c']\nuser: www\n")
    ).rootfs
    assert root.process.args == ("/urunit", "/a", "b c")
    assert root.tree is not None
    said = render(definition(root.tree))
    assert "/usr/lib/hutch/init/linux-amd64 -> /urunit 0755" in said
    assert "mkfile /.hutch/init.conf 0644" in said


@pytest.mark.parametrize(
    ("init", "args"), [("none", ("/a",)), ("/sbin/init", ("/sbin/init", "/a"))]
)
def test_other_inits(init: str, args: tuple[str, ...]) -> None:
    root = lower(text(f"init: {init}\nrootfs: {{type: raw, include: [a:/a]}}\ncmd: [/a]\n")).rootfs
    assert root.process.args == args
    assert root.tree is not None
    assert "urunit" not in render(definition(root.tree))


def test_v0_1_files_get_no_init() -> None:
    file = "version: v0.1\nplatforms: {framework: linux, monitor: qemu}\n"
    file += "kernel: {from: local, path: k}\nrootfs: {type: raw, include: [a:/a]}\ncmd: [/a]\n"
    assert lower(file).rootfs.process.args == ("/a",)


def test_names_of_users_can_be_looked_up() -> None:
    """A container engine reads /etc/passwd of the image, and not of a packed root filesystem."""
    packed = "rootfs: {type: initrd, include: [etc:/etc]}\ncmd: [/a]\n"
    for user, added in (("www", True), ("www:33", True), ("'33:33'", False), ("'33'", False)):
        layers = lower(text(f"{packed}user: {user}\n")).layers
        said = [render(definition(layer)) for layer in layers]
        assert any("/etc/passwd" in layer and "urunit" in layer for layer in said) == added
    raw = lower(text(f"{packed.replace('initrd', 'raw')}user: www\n")).layers
    assert not any("add the names" in render(definition(layer)) for layer in raw)


# --- The source tree -----------------------------------------------------------------------------


def test_named_contexts_stand_in(tmp_path: Path) -> None:
    inputs = FakeInputs(named={"mylinux": Image(scratch().mkfile("/Makefile", b""), "mylinux")})
    file = text("kernel: {from: source, source: {local: mylinux}}\n")
    kernel = lower(file, inputs).kernel
    assert kernel is not None
    said = render(definition(kernel.state))
    assert "mkfile /Makefile" in said
    assert "local://" not in said
