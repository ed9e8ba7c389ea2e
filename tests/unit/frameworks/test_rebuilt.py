"""Images that are made of images which were made for urunc already."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from frameworks import rebuilt
from frameworks.diagnostics import Problems
from frameworks.process import Process
from llb.tree import render
from tests.unit.core.helpers import AMD64, FakeInputs, lower

HEAD = (
    "version: {0}\nplatforms: {{framework: {1}, monitor: qemu}}\nkernel: {{from: local, path: k}}\n"
)
MADE = {"com.urunc.unikernel.unikernelType": "linux"}
FILES = ("/.boot", "/.hutch", "/urunc.json", "/urunit")


def built(
    rest: str, config: Mapping[str, object], version: str = "v1", framework: str = "linux"
) -> tuple[Process, str]:
    """The process and the graph of a file whose root filesystem is an image with `config`."""
    inputs = FakeInputs({"base:1": {"config": config}})
    lowered = lower(HEAD.format(version, framework) + rest, inputs)
    root = lowered.rootfs
    tree = root.tree or root.packed
    assert tree is not None
    return root.process, render(tree.marshal(platform=AMD64))


@pytest.mark.parametrize("type", ["raw", "initrd", "block"])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("labels", [MADE, {}])
def test_its_init_is_replaced(type: str, times: int, labels: dict[str, str]) -> None:
    """However often: also where older hutch put one before the other."""
    config = {"Entrypoint": ["/urunit"] * times, "Cmd": ["/app", "a"], "Labels": labels}
    process, graph = built(f"rootfs: {{from: 'base:1', type: {type}}}\n", config)
    assert process.args == ("/urunit", "/app", "a")
    # Those of a raw root are written over: to remove them first would be one more layer.
    assert [path for path in FILES if f"rm {path}" in graph] == ([] if type == "raw" else [*FILES])


def test_what_nothing_is_put_in_the_place_of_goes() -> None:
    config = {"Entrypoint": ["/urunit"], "Cmd": ["/app"], "Labels": MADE}
    _, graph = built("rootfs: {from: 'base:1', type: raw}\ninit: none\n", config)
    assert [path for path in FILES if f"rm {path}" in graph] == ["/.hutch", "/urunit"]


@pytest.mark.parametrize("framework", ["netbsd", "freebsd"])
def test_so_is_that_of_other_systems(framework: str) -> None:
    config = {"Entrypoint": ["/urunit"], "Cmd": ["/app"], "Labels": MADE}
    process, graph = built("rootfs: {from: 'base:1', type: block}\n", config, framework=framework)
    assert process.args == (("/urunit",) if framework == "freebsd" else ()) + ("/app",)
    assert "/urunc.json" in graph


def test_an_image_that_was_not_made_for_urunc_stays_as_it_is() -> None:
    process, graph = built("rootfs: {from: 'base:1', type: raw}\n", {"Cmd": ["/app"]})
    assert process.args == ("/urunit", "/app")
    assert "urunc.json" not in graph


@pytest.mark.parametrize(
    ("rest", "args"),
    [
        ("init: none\n", ("/app",)),
        ("init: /mine\n", ("/mine", "/app")),
        ("init: none\nentrypoint: [/urunit]\ncmd: [/b]\n", ("/urunit", "/b")),
        ("entrypoint: [/urunit]\ncmd: [/b]\n", ("/urunit", "/b")),
        ("cmd: [/b]\n", ("/urunit", "/b")),
    ],
)
def test_what_the_file_says_of_init_holds(rest: str, args: tuple[str, ...]) -> None:
    config = {"Entrypoint": ["/urunit"], "Cmd": ["/app"], "Labels": MADE}
    assert built("rootfs: {from: 'base:1', type: raw}\n" + rest, config)[0].args == args


def test_a_first_file_gets_ours_where_the_base_had_one() -> None:
    """bunny keeps the base's program, and the configuration of its old command with it."""
    config = {"Entrypoint": ["/urunit"], "Cmd": ["/app"]}
    rest = "rootfs: {from: 'base:1', type: raw}\ncmd: [/b]\n"
    process, graph = built(rest, config, "v0.1")
    assert process.args == ("/urunit", "/b")
    assert "/usr/lib/hutch/init/linux-amd64" in graph
    process, graph = built(rest, {"Cmd": ["/app"]}, "v0.1")
    assert process.args == ("/b",)
    assert "/usr/lib/hutch" not in graph


@pytest.mark.parametrize("key", ["initrd", "block"])
def test_files_that_are_packed_are_no_base(key: str) -> None:
    labels = {**MADE, f"com.urunc.unikernel.{key}": "/.boot/rootfs"}
    with pytest.raises(Problems) as raised:
        built("rootfs: {from: 'base:1', type: raw}\n", {"Labels": labels})
    (found,) = raised.value.diagnostics
    assert (found.code, found.at and found.at.start.line) == ("packed-base", 4)
    inputs = FakeInputs({"base:1": {"config": {"Labels": labels, "Entrypoint": ["/urunit", "/a"]}}})
    taken = lower(
        HEAD.format("v1", "linux")
        + f"rootfs: {{from: 'base:1', path: /.boot/rootfs, type: {key}}}\n",
        inputs,
    ).rootfs
    assert taken.process.args == ("/urunit", "/a"), "the init is in the packed file"


def test_labels_tell_in_any_spelling_of_their_field() -> None:
    assert rebuilt.is_made(json.dumps({"CONFIG": {"labels": MADE}}).encode())
    assert not rebuilt.is_made(b'{"config": {"Labels": {"com.urunc.other": "x"}}}')


@pytest.mark.parametrize(
    ("rest", "args"),
    [
        ("entrypoint: []\n", ()),
        ("entrypoint: []\ncmd: [/b]\n", ("/b",)),
        ("cmd: []\n", ("/base",)),
        ("cmd: []\nentrypoint: []\n", ()),
        ("", ("/base", "a")),
    ],
)
def test_an_empty_list_is_a_value(rest: str, args: tuple[str, ...]) -> None:
    config = {"Entrypoint": ["/base"], "Cmd": ["a"]}
    rest = "rootfs: {from: 'base:1', type: raw}\ninit: none\n" + rest
    assert built(rest, config)[0].args == args


def test_an_empty_list_of_a_first_file_is_none() -> None:
    config = {"Entrypoint": ["/base"], "Cmd": ["a"]}
    rest = "rootfs: {from: 'base:1', type: raw}\nentrypoint: []\ncmd: []\n"
    assert built(rest, config, "v0.1")[0].args == ("/base", "a")


@pytest.mark.parametrize(("init", "args"), [("", ("/a",)), ("init: /mine\n", ("/mine", "/a"))])
def test_an_init_named_beside_a_packed_root_comes_first(init: str, args: tuple[str, ...]) -> None:
    rest = "rootfs: {from: local, path: root.ext4, type: block}\ncmd: [/a]\n" + init
    assert lower(HEAD.format("v1", "linux") + rest).rootfs.process.args == args
