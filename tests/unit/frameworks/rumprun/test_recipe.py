"""The graphs of the Rumprun examples, and who depends on whom in them."""

from __future__ import annotations

import pytest

import llb
from frameworks.base import Image
from frameworks.diagnostics import Problems
from frameworks.rumprun.recipe import DISK, DISKLESS, GLUE
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

FOLDER = ROOT / "frameworks" / "rumprun"
RUMPRUN = """\
version: v1
platforms: {framework: rumprun, monitor: spt}
kernel: {from: source}
app: {from: local, path: ., build: make}
"""
PLAIN = RUMPRUN.replace("from: source", "from: source, config: solo5_plain")


def kernel(text: str, inputs: FakeInputs | None = None) -> str:
    file = lower(text, inputs).kernel
    assert file is not None
    return graph(file.state)


def arguments(text: str) -> list[str]:
    """What bake.sh is called with."""
    file = lower(text).kernel
    assert file is not None
    ((_, *rest),) = [
        op.message.exec.meta.args[1:]
        for op in file.state.marshal(platform=AMD64).ops()
        if op.kind == "exec" and "/hutch/bake.sh" in op.message.exec.meta.args
    ]
    return rest


EXAMPLES = ("rumprun-hello", "rumprun-http", "rumprun-darkhttpd")
PLATFORMS = {"amd64": AMD64, "arm64": Platform("linux", "arm64")}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples(name: str, platform: str, update_goldens: bool) -> None:
    text = (ROOT / "examples" / name / "bunnyfile").read_text()
    lowering = lower(text, platform=PLATFORMS[platform])
    check_golden(f"{name}-{platform}", lowering, update=update_goldens)


def test_one_toolchain_for_all_applications() -> None:
    first = graph(lower(RUMPRUN).toolchain)
    for text in (
        RUMPRUN.replace("spt", "hvt"),
        RUMPRUN.replace("path: .", "path: other"),
        RUMPRUN.replace("source", "source, config: solo5_plain"),
        RUMPRUN + "rootfs: {type: block, include: [a:/a]}\n",
    ):
        assert graph(lower(text).toolchain) == first


def test_the_configuration_follows_what_is_asked() -> None:
    """A network always, as urunc gives one; a disk where the image has one."""
    disk = "rootfs: {type: block, include: [a:/a]}\n"
    assert arguments(RUMPRUN) == ["bake", "x86_64", "spt", "", "solo5_net", ""]
    assert arguments(RUMPRUN + disk) == ["bake", "x86_64", "spt", "", "solo5_net_block", "block"]
    told = RUMPRUN.replace(
        "from: source",
        "from: source, config: solo5_plain, fragments: [a.conf, b.conf], "
        "options: {rumpfs_kernfs: true, rumpdev_vnd: false}",
    )
    assert arguments(told.replace("spt", "hvt") + "cmd: [bin/server, -v]\n") == [
        "bake", "x86_64", "hvt", "server", "solo5_plain", "", "+rumpfs_kernfs", "-rumpdev_vnd",
        "/config/0", "/config/1",
    ]  # fmt: skip


def test_no_step_of_the_kernel_has_the_network() -> None:
    lowering = lower(RUMPRUN)
    assert lowering.kernel is not None
    assert steps_with_network(lowering.kernel.state) == {"[rumprun] install the toolchain"}


def test_build_contexts_stand_in_for_the_trees() -> None:
    names = ("solo5", "rumprun", "src-netbsd", "buildrump")
    trees = {name: Image(llb.local(name), "") for name in names}
    made = kernel(RUMPRUN, FakeInputs(named=trees))
    assert all(f"local://{name}" in made for name in names)
    assert "git://" not in made


def test_patches_are_put_on_the_tree() -> None:
    made = kernel(RUMPRUN.replace("source}", "source, patches: [mend.patch]}"))
    assert "patch.sh /usr/src/rumprun /patches/000 mend.patch" in made


def test_all_of_the_glue_goes_along() -> None:
    assert set(GLUE) == {path.name for path in (FOLDER / "glue").iterdir()} - {"README.md"}


@pytest.mark.parametrize(
    ("line", "code", "word", "at"),
    [
        ("config solo5_nte solo5_net solo5_plain", "unknown-value", "solo5_net", "solo5_nte"),
        ("component rumpfs_kernfss", "lost-option", "rumpfs_kernfss", "rumpfs_kernfss"),
        ("disk solo5_nte", "bad-combination", "solo5_nte", "solo5_nte"),
        ("none", "not-an-application", "$CC", "make"),
        ("several a b", "not-an-application", "a b", "make"),
    ],
)
def test_the_report_is_said_at_the_line(line: str, code: str, word: str, at: str) -> None:
    text = RUMPRUN.replace(
        "{from: source}", "{from: source, config: solo5_nte, options: {rumpfs_kernfss: true}}"
    )
    lowering = lower(text)
    report = lowering.framework.report(lowering.build)
    assert report is not None
    assert report.path == "/report"
    (found,) = lowering.framework.explain(f"{line}\n".encode(), lowering.plan)
    assert found.code == code
    assert word in f"{found.message} {found.hint}"
    assert found.at is not None
    line_of = text.splitlines()[found.at.start.line - 1]
    assert line_of[found.at.start.character :].startswith(at)
    assert lowering.framework.explain(b"", lowering.plan) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (RUMPRUN.partition("app:")[0], "missing-key"),
        (RUMPRUN.replace("{from: source}", "{from: local, path: kernel}"), "bad-combination"),
        (RUMPRUN.replace("source}", "source, source: {package: rumprun}}"), "unsupported-source"),
        (RUMPRUN.replace("spt}", "spt, version: '1'}"), "unknown-value"),
        (PLAIN + "rootfs: {type: block, include: [a:/a]}\n", "bad-combination"),
        (PLAIN + "rootfs: {from: local, path: disk}\n", "bad-combination"),
        (PLAIN.replace("plain", "net") + "rootfs: {from: base, type: raw}\n", "bad-combination"),
        (
            PLAIN.replace("plain", "net, options: {rumpdev_disk: true}")
            + "rootfs: {type: block, include: [a:/a]}\n",
            "bad-combination",
        ),
    ],
)
def test_what_a_file_cannot_say(text: str, code: str) -> None:
    with pytest.raises(Problems) as caught:
        lower(text)
    assert [problem.code for problem in caught.value.diagnostics] == [code]


@pytest.mark.parametrize(
    "more",
    [
        "config: solo5_block",
        "fragments: [a.conf]",
        "options: {rumpdev_disk: true, rumpfs_ext2fs: true}",
    ],
)
def test_a_disk_may_be_in_the_configuration(more: str) -> None:
    """Where something is said beside hutch's configurations, only the step knows."""
    said = "source, config: solo5_plain, "
    text = PLAIN.replace("source, config: solo5_plain", said + more)
    if more.startswith("config"):
        text = text.replace(said, "source, ")
    assert lower(text + "rootfs: {type: block, include: [a:/a]}\n").kernel is not None


@pytest.mark.parametrize("name", DISK)
def test_a_disk_whose_driver_is_left_out(name: str) -> None:
    """At the option, whatever the configuration has; without a disk it may be left out."""
    disk, options = (
        "rootfs: {type: block, include: [a:/a]}\n",
        f"source, options: {{{name}: false}}",
    )
    for more in ("", ", config: solo5_block", ", fragments: [a.conf]"):
        with pytest.raises(Problems) as caught:
            lower(RUMPRUN.replace("source", options + more) + disk)
        (problem,) = caught.value.diagnostics
        assert (
            problem.message == f"the guest has a disk, which its kernel cannot use without {name}"
        )
        assert problem.at is not None
        assert problem.at.start.character == RUMPRUN.replace("source", options).splitlines()[
            problem.at.start.line - 1
        ].index(name)
    assert lower(RUMPRUN.replace("source", options)).kernel is not None
    assert (FOLDER / "steps" / "bake.sh").read_text().count(name) == 1


def test_a_tree_without_its_submodules() -> None:
    """Each may be a build context of its own, and has to be in the tree where it is none."""
    there = ("/build-rr.sh", "/platform/solo5/Makefile", "/src-netbsd/build.sh")
    given = {"rumprun": Image(llb.local("rumprun"), "", sent=True)}
    with pytest.raises(Problems) as caught:
        lower(RUMPRUN, FakeInputs(named=given, there=there))
    (problem,) = caught.value.diagnostics
    assert problem.code == "wrong-source"
    assert problem.message == (
        "the build context 'rumprun' is no Rumprun tree with Solo5: there is no "
        "buildrump.sh/buildrump.sh in it"
    )
    assert problem.hint == "its git submodule has it, or '--build-context buildrump=...'"
    given["buildrump"] = Image(llb.local("buildrump"), "")
    assert lower(RUMPRUN, FakeInputs(named=given, there=there)).kernel is not None


def test_hutchs_configurations_without_a_disk() -> None:
    """Those that `DISKLESS` names are the ones of glue/bake.conf that lead to no `_stdfs`."""
    parts: dict[str, set[str]] = {}
    for line in (FOLDER / "glue" / "bake.conf").read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "conf":
            name = rest[0]
        elif word == "assimilate":
            parts[name] = set(rest).union(*(parts.get(each, set()) for each in rest))
    assert {name for name in parts if "_stdfs" not in parts[name]} == DISKLESS


def test_what_scripts_of_an_application_find() -> None:
    """The names that every guest's compiler has, and Rumprun's own."""
    made = kernel(RUMPRUN)
    for variable in (
        "CC=x86_64-rumprun-netbsd-gcc",
        "RANLIB=x86_64-rumprun-netbsd-ranlib",
        "host_alias=x86_64-rumprun-netbsd",
        "HOST=x86_64-rumprun-netbsd",
        "MESON_CROSS_FILE=/hutch/cross/meson.ini",
        "CMAKE_TOOLCHAIN_FILE=/opt/rumprun/rumprun-x86_64/share/x86_64-rumprun-netbsd-toolchain.cmake",
        "PKG_CONFIG_LIBDIR=/opt/rumprun/rumprun-x86_64/lib/pkgconfig",
    ):
        assert variable in made
