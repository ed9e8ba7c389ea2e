"""The graphs of the Unikraft examples on every platform, and what their trees stand for."""

from __future__ import annotations

import itertools
import json

import pytest

import llb
from frameworks.base import Image
from frameworks.diagnostics import Problems
from frameworks.kit.kconfig import Loss
from llb import Platform
from tests.places import ROOT
from tests.unit.core.helpers import (
    AMD64,
    FakeInputs,
    check_golden,
    graph,
    lower,
    steps_with_network,
)

EXAMPLES = ("unikraft-hello", "unikraft-http", "unikraft-elfloader")
PLATFORMS = {"amd64": AMD64, "arm64": Platform("linux", "arm64")}
TREES = ("unikraft", "app-elfloader", "lib-libelf", "lib-lwip", "lib-musl", "lwip", "musl")
HELLO = """\
version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: source}
app: {from: local, path: .}
"""
LOADER = """\
version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: source}
rootfs: {include: ["server:/server"]}
cmd: [/server]
"""


def kernel(text: str, **given: Image) -> str:
    named = {name.replace("_", "-"): tree for name, tree in given.items()}
    file = lower(text, FakeInputs(named=named)).kernel
    assert file is not None
    return graph(file.state)


def test_what_is_no_library_is_refused_before_a_core_is_fetched() -> None:
    """Of an application whose scripts may bring the file, a step says it."""
    assert lower(HELLO, FakeInputs(there=("/Makefile.uk",))).kernel is not None
    for scripts in ("fetch: ls", "build: ls"):
        text = HELLO.replace("path: .", f"path: ., {scripts}")
        assert lower(text, FakeInputs(there=())).kernel is not None
    assert lower(LOADER, FakeInputs(there=())).kernel is not None
    with pytest.raises(Problems) as raised:
        lower(HELLO, FakeInputs(there=("/Config.uk",)))
    (found,) = raised.value.diagnostics
    assert found.code == "not-an-application"
    assert found.message == "the application is no Unikraft library: it has no Makefile.uk"
    assert found.at is not None
    assert found.at.start.line == 4


@pytest.mark.parametrize(
    ("name", "architecture"),
    [*itertools.product(EXAMPLES, PLATFORMS)],
)
def test_the_examples(name: str, architecture: str, update_goldens: bool) -> None:
    platform = PLATFORMS[architecture]
    text = (ROOT / "examples" / name / "bunnyfile").read_text()
    lowering = lower(text, platform=platform)
    check_golden(f"{name}-{architecture}", lowering, update=update_goldens)


def test_one_toolchain_for_all_kernels() -> None:
    first = graph(lower(HELLO).toolchain)
    assert graph(lower(LOADER).toolchain) == first
    assert graph(lower(HELLO.replace("qemu", "firecracker"), epoch=1234).toolchain) == first


def test_no_step_of_the_kernel_has_the_network() -> None:
    """What is fetched is sources and packages; what runs on them is alone."""
    text = HELLO.replace("path: .", "path: ., libraries: [musl, lwip]")
    made = lower(text).kernel
    assert made is not None
    assert steps_with_network(made.state) == {"[unikraft] install the toolchain"}


def test_a_program_of_the_root_is_no_part_of_the_kernel() -> None:
    """One kernel for all of them: neither the root nor its date are in it."""
    other = LOADER.replace("server", "other")
    assert kernel(LOADER) == kernel(other)
    with_app = LOADER + "app: {from: local, path: ., build: make, artifacts: [made:/made]}\n"
    assert kernel(with_app).replace("line 3", "") == kernel(LOADER).replace("line 3", "")


def test_build_contexts_stand_in_for_the_trees() -> None:
    trees = {name: Image(llb.local(name), "") for name in TREES}
    text = HELLO.replace("path: .", "path: ., libraries: [libelf, musl, lwip]")
    made = kernel(text, **trees)
    assert all(f"local://{name}" in made for name in TREES if name != "app-elfloader")
    assert "git://" not in made
    assert "https://" not in made
    loader = kernel(LOADER, **trees)
    assert "local://app-elfloader" in loader
    assert "git://" not in loader


def test_each_version_has_its_core_and_its_loader() -> None:
    """Both are pinned; what the file says itself stands in for the core alone."""
    default = kernel(LOADER)
    assert "unikraft/unikraft#e453b74a2e78" in default
    assert "unikraft/app-elfloader#681fdb6b3de8" in default
    newer = kernel(LOADER.replace("monitor: qemu", 'monitor: qemu, version: "0.17.0"'))
    assert "unikraft/unikraft#484ff209a526" in newer
    assert "unikraft/app-elfloader#e4f701462689" in newer
    own = kernel(LOADER.replace("from: source", "from: source, source: {local: mine}"))
    assert "unikraft/unikraft#" not in own
    assert "unikraft/app-elfloader#681fdb6b3de8" in own


def test_a_library_of_a_build_context() -> None:
    text = HELLO.replace("path: .", "path: ., libraries: [zlib]")
    made = kernel(text, lib_zlib=Image(llb.local("lib-zlib"), ""))
    assert "L=/src/libs/zlib" in made
    with pytest.raises(Problems) as found:
        kernel(text)
    (one,) = found.value.diagnostics
    assert one.code == "unknown-value"
    assert "no Unikraft library 'zlib'" in one.message
    with pytest.raises(Problems) as found:
        kernel(text.replace("zlib", "mussl"))
    (one,) = found.value.diagnostics
    assert "did you mean 'musl'?" in (one.hint or "")


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        (HELLO, "base amd64 qemu"),
        (HELLO.replace("qemu", "firecracker"), "base amd64 firecracker"),
        (HELLO.replace("path: .", "path: ., libraries: [lwip]"), "base amd64 qemu lwip"),
        (HELLO + "envs: [A=b]\n", "base amd64 qemu environ"),
        (HELLO + "rootfs: {include: [a:/a]}\n", "base amd64 qemu files initrd"),
        (LOADER, "base amd64 qemu elfloader environ files initrd libelf lwip"),
        (
            LOADER.replace("rootfs: {", "rootfs: {type: raw, "),
            "base amd64 qemu elfloader elfloader-raw environ files raw libelf lwip",
        ),
    ],
)
def test_what_a_kernel_is_configured_for(text: str, fragments: str) -> None:
    made = kernel(text)
    paths = (f"/requests/ours/{at:02}-{name}.config" for at, name in enumerate(fragments.split()))
    assert f"--out /out/request {' '.join(paths)}\n" in made


def test_the_report_is_said_at_its_lines() -> None:
    text = HELLO.replace("from: source", "from: source, options: {LIBVFSCORE: true}")
    lowering = lower(text)
    framework, plan = lowering.framework, lowering.plan
    report = framework.report(lowering.build)
    assert report is not None
    assert report.path == "/report"
    (found,) = framework.explain(b'"none"', plan)
    assert (found.code, found.message) == (
        "not-an-application",
        "the application is no Unikraft library: it has no Makefile.uk",
    )
    assert found.at is not None
    assert found.at.start.line == 4
    loss = Loss("LIBVFSCORE", "y", "n", "requests/options", 1, "dependency", ("LIBX",))
    data = json.dumps([{name: getattr(loss, name) for name in Loss.__slots__}]).encode()
    (found,) = framework.explain(data, plan)
    assert found.message == "the kernel has no LIBVFSCORE=y: it needs LIBX"
    assert found.at is not None
    assert found.at.start.line == 3
    assert framework.explain(b"[]", plan) == ()
