"""One table of architectures: what guests say of each is whole, and no module takes one for all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

import frameworks
from frameworks import kit
from frameworks.architectures import ALL, AMD64, ARM64, NAMES, TABLE, of_elf
from frameworks.base import Framework
from frameworks.bsd.recipe import BSD
from frameworks.kernelfile import KernelFile, is_for
from frameworks.linux.configs import LAYERS
from frameworks.runtime import monitors
from llb import Platform, tree
from tests.places import ROOT
from tests.sources import choices, named
from tests.unit.core.helpers import lower


def test_every_name_means_one_architecture() -> None:
    names = [name for each in TABLE.values() for name in each.names]
    assert sorted(set(names)) == sorted(names) == sorted(NAMES)
    assert all(each.name in each.names for each in TABLE.values())
    assert [of_elf(each.elf) for each in TABLE.values()] == list(TABLE)
    assert of_elf(243) == "riscv64"
    assert of_elf(9999) == ""


def test_names_of_packages_and_programs() -> None:
    assert (AMD64.gnu_triplet, AMD64.cross_suffix) == ("x86_64-linux-gnu", "x86-64-linux-gnu")
    assert (ARM64.gnu_triplet, ARM64.cross_suffix) == ("aarch64-linux-gnu", "aarch64-linux-gnu")


def test_a_kernel_for_an_architecture_without_guests_is_for_another() -> None:
    assert not is_for(KernelFile("elf", "riscv64"), "amd64")
    assert is_for(KernelFile("elf", "386"), "amd64")
    assert not is_for(KernelFile("elf", "386"), "arm64")


@pytest.mark.parametrize("name", list(frameworks.TABLE))
def test_what_a_framework_says_of_its_architectures_is_whole(name: str) -> None:
    framework = frameworks.get(name)
    guest = framework.guest
    ours = {architecture for row in guest.monitors.values() for architecture in row}
    assert ours <= set(ALL)
    if guest.kernel_memory:
        assert set(guest.kernel_memory) == ours
    if not isinstance(framework, BSD):
        return
    assert set(framework.default_config) == ours
    for architecture, config in framework.default_config.items():
        own = ROOT / "frameworks" / name / "configs" / f"{config}.{architecture}"
        assert config.isupper() or own.is_file(), "neither of the tree nor of ours"


def test_a_compiler_is_pinned_on_and_for_each() -> None:
    for guest in TABLE.values():
        for worker in ALL:
            assert kit.release().exact(kit.compiler(guest), worker)[-1].startswith("gcc-14-")


def test_linux_has_configurations_for_each() -> None:
    folder = ROOT / "frameworks" / "linux" / "configs"
    for layer in LAYERS:
        names = [f"{layer}.{each.linux.arch}.config" for each in TABLE.values()]
        assert len({(folder / name).is_file() for name in names}) == 1, "told apart for some only"


FILES = {
    "linux": "rootfs: {from: scratch, type: initrd, include: [a]}",
    "netbsd": "rootfs: {from: scratch, type: block, include: [a]}\ninit: auto",
    "freebsd": "rootfs: {from: scratch, type: block, include: [a]}\ninit: auto",
    "mirage": "",
    "rumprun": "",
    "unikraft": "rootfs: {from: scratch, type: initrd, include: [a]}",
}
AMD64_ONLY = ("rumprun",)  # whose recipe refuses others (its own tests): they come as files
APP = "app: {from: local, build: make, artifacts: ['a:/a']}"


def _builds() -> Iterator[tuple[str, str, str]]:
    for name in frameworks.TABLE:
        framework = frameworks.get(name)
        if type(framework).kernel is Framework.kernel:
            continue
        for monitor, row in framework.guest.monitors.items():
            if monitors.get(monitor).kind == "own":
                continue  # kernels for one of its own kind come built
            for architecture in row:
                if architecture == AMD64.name or name not in AMD64_ONLY:
                    yield name, monitor, architecture


@pytest.mark.parametrize(("name", "monitor", "architecture"), list(_builds()))
def test_every_recipe_knows_each_architecture_of_its_guests(
    name: str, monitor: str, architecture: str
) -> None:
    """Kernel, application and init, as far as the framework has them: a name that is missing from
    one of its own tables is an error here."""
    app = APP.replace(", artifacts: ['a:/a']", "") if name in ("mirage", "rumprun") else APP
    lowered = lower(
        f"version: v1\nplatforms: {{framework: {name}, monitor: {monitor}}}\n"
        f"kernel: {{from: source}}\n{app}\n{FILES[name]}\n",
        platform=Platform("linux", architecture),
    )
    assert lowered.kernel is not None
    platform = Platform("linux", architecture)
    layers = "\n".join(tree.render(layer.marshal(platform=platform)) for layer in lowered.layers)
    ours = TABLE[architecture]
    assert any(name in layers for name in (ours.cpu, ours.gnu_triplet, ours.solo5, ours.name))
    foreign = {each for each in TABLE.values() if each not in (ours, AMD64)}  # amd64 builds
    assert not [each.name for each in foreign if each.gnu_triplet in layers]


def test_no_module_tells_architectures_apart_by_name() -> None:
    """A branch on one name is a silent default for the next: what differs is a field of the
    table."""
    found = []
    for room in ("frameworks", "frontend"):
        for path in (ROOT / room).rglob("*.py"):
            where = str(path.relative_to(ROOT))
            if path.name == "architectures.py":
                continue
            for node in choices(path, NAMES):
                by_key = isinstance(node, ast.Dict) and any(named(key, NAMES) for key in node.keys)
                if by_key or isinstance(node, ast.Compare | ast.MatchValue):
                    found.append(f"{where}:{node.lineno}")
    assert not found
