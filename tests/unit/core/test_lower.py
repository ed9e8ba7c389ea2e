"""Plans into states: the graph of each kind of file as a text tree, and who depends on whom."""

from __future__ import annotations

from pathlib import Path

import pytest

import llb
from frameworks.base import Flags
from frameworks.diagnostics import Problems
from frameworks.lower import Lowering
from frontend import image
from frontend.targets import TARGETS, find
from llb import Network, Platform, Resources, State, Ulimit
from llb.tree import render
from tests.unit.core.helpers import AMD64, FakeInputs, lower

GOLDENS = Path(__file__).parents[2] / "goldens"
HEAD = "version: {version}\nplatforms: {{framework: {framework}, monitor: qemu}}\n"
LOCAL = "kernel: {from: local, path: vmlinuz}\n"

FILES = {
    "v0-kernel-only": ("v0.1", "linux", LOCAL),
    "v0-initrd": ("v0.1", "linux", LOCAL + "rootfs: {type: initrd, include: [a:/a, b/:/etc]}\n"),
    "v0-prebuilt": ("v0.1", "linux", LOCAL + "rootfs: {from: local, path: root.cpio}\n"),
    "v0-kernel-of-image": (
        "v0.1",
        "unikraft",
        "kernel: {from: 'unikraft.org/nginx:1.15', path: /unikraft/bin/kernel}\n",
    ),
    "v0-raw-image": ("v0.1", "linux", LOCAL + "rootfs: {from: 'nginx:1.27', type: raw}\n"),
    "v1-block": (
        "v1",
        "linux",
        LOCAL + "rootfs: {type: block, size: 64M, include: [{from: 'busybox:1', source: /bin, "
        "destination: /bin, owner: '0:0', mode: '0755'}]}\n",
    ),
    "v1-squashfs": (
        "v1",
        "linux",
        LOCAL + "rootfs: {from: 'alpine:3', type: block, filesystem: squashfs}\n",
    ),
}


def text(name: str) -> str:
    version, framework, rest = FILES[name]
    return HEAD.format(version=version, framework=framework) + rest


def graph(state: State) -> str:
    return render(state.marshal(platform=AMD64))


def assembled(lowering: Lowering) -> State:
    keys = image.runtime_keys(lowering.build, lowering.rootfs)
    return image.assemble(lowering.build, lowering.layers, keys)


@pytest.mark.parametrize("name", FILES)
def test_the_graph(name: str, update_goldens: bool) -> None:
    made = graph(assembled(lower(text(name))))
    golden = GOLDENS / f"{name}.txt"
    if update_goldens:
        golden.write_text(made)
    assert made == golden.read_text()


def test_a_changed_file_of_the_application_leaves_the_kernel_alone() -> None:
    kernels = []
    for path in ("a", "b"):
        lowering = lower(text("v0-initrd").replace("[a:/a", f"[{path}:/a"))
        assert lowering.kernel is not None
        kernels.append(graph(lowering.layers[0]).replace(f'\\"{path}\\"', "app"))
    assert kernels[0] == kernels[1]
    assert "pack" not in kernels[0]


def test_every_vertex_has_a_name_a_group_and_its_lines() -> None:
    lowering = lower(text("v1-block"))
    definition = assembled(lowering).marshal(platform=AMD64).to_pb()
    ours = 0
    for digest, metadata in definition.metadata.items():
        name = metadata.description.get("llb.customname", "")
        if name.startswith("[linux] "):
            ours += 1
            assert metadata.progress_group.name in ("[linux] kernel", "[linux] rootfs",
                                                    "[linux] image")  # fmt: skip
            if name != "[linux] put the image together":
                assert definition.Source.locations[digest].locations[0].ranges
    assert ours == 7


def test_an_include_is_copied_as_a_dockerfile_would_but_in_v0_as_bunny_does() -> None:
    rest = LOCAL + "rootfs: {type: raw, include: ['conf/*:/etc/']}\n"
    new = graph(lower(HEAD.format(version="v1", framework="linux") + rest).layers[0])
    old = graph(lower(HEAD.format(version="v0.1", framework="linux") + rest).layers[0])
    assert "wildcard" in new
    assert "contents" in new
    assert "wildcard" not in old
    assert "contents" not in old


def test_a_named_context_stands_in_for_an_image() -> None:
    inputs = FakeInputs(named={"nginx:1.27": llb.local("mine")})
    assert "local://mine" in graph(lower(text("v0-raw-image"), inputs).layers[0])


def test_unikrafts_images_are_pulled_for_their_monitor() -> None:
    lowering = lower(text("v0-kernel-of-image"))
    assert "qemu/amd64" in graph(lowering.layers[0])
    fire = text("v0-kernel-of-image").replace("monitor: qemu", "monitor: firecracker")
    assert "fc/amd64" in graph(lower(fire).layers[0])


def test_flags_reach_every_step() -> None:
    flags = Flags(
        network=Network.HOST,
        hosts=(("db", "10.0.0.1"),),
        ulimits=(Ulimit("nofile", 10, 20),),
        shm_size=1 << 20,
        cgroup_parent="builds",
        hostname="here",
        resources=Resources(memory=1 << 30),
        no_cache=frozenset({"rootfs"}),
    )
    lowering = lower(text("v0-initrd"), flags=flags)
    definition = lowering.layers[1].marshal(platform=AMD64)
    made = render(definition)
    assert "network none" in made  # no step of ours uses a network that it does not need
    for word in ("10.0.0.1", "nofile", "/dev/shm", "builds", "here"):
        assert word in made
    pb = definition.to_pb()
    ignored = [m for m in pb.metadata.values() if m.ignore_cache]
    assert len(ignored) == 3
    assert not [
        m for m in lowering.layers[0].marshal(platform=AMD64).to_pb().metadata.values()
        if m.ignore_cache
    ]  # fmt: skip


def test_steps_run_on_the_builders_own_platform() -> None:
    lowering = lower(text("v0-initrd"), platform=Platform("linux", "arm64"))
    made = render(lowering.layers[1].marshal(platform=Platform("linux", "arm64")))
    assert 'exec "[linux] pack the initrd" linux/amd64' in made


@pytest.mark.parametrize("name", ["app", "rootfs"])
def test_a_target_that_the_file_does_not_have(name: str) -> None:
    with pytest.raises(Problems, match=f"the file has no {name} to build"):
        find(name, lower(text("v0-kernel-only")))


def test_an_unknown_target() -> None:
    with pytest.raises(Problems, match=r"unknown target 'kernl' \(did you mean 'kernel'"):
        find("kernl", lower(text("v0-kernel-only")))


def test_targets_are_the_files_themselves() -> None:
    lowering = lower(text("v0-initrd"))
    assert "copy /vmlinuz -> /vmlinuz" in graph(find("kernel", lowering).state)
    assert "copy /.boot/rootfs -> /rootfs" in graph(find("ROOTFS", lowering).state)
    assert find("kernel", lowering).annotations == {}
    assert set(TARGETS) == {"image", "kernel", "rootfs", "app", "toolchain"}


def test_a_step_that_a_framework_lacks_is_an_error_with_a_hint() -> None:
    source = HEAD.format(version="v1", framework="unikraft") + "kernel: {from: source}\n"
    with pytest.raises(Problems, match="cannot build a kernel from source for unikraft yet"):
        lower(source)
