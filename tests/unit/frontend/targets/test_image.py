"""The runtime contract: keys three ways, and a config that loses nothing of its base's."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from frameworks.base import Image
from frameworks.runtime import RUNTIME
from frameworks.spec import Text
from frontend.targets import find, image
from llb import Platform
from tests.unit.core.helpers import FakeInputs, lower

KERNEL = "kernel: {from: local, path: vmlinuz}"
PREFIX = "com.urunc.unikernel."


def file(rest: str = "", framework: str = "linux", monitor: str = "qemu", kernel: str = KERNEL,
         version: str = "v1", extra: str = "") -> str:  # fmt: skip
    return (
        f"version: {version}\nplatforms: {{framework: {framework}, monitor: {monitor}{extra}}}\n"
        f"{kernel}\n{rest}\n"
    )


def keys(text: str, head: bytes | None = None) -> dict[str, str]:
    lowering = lower(text, head=head)
    found = image.runtime_keys(lowering.build, lowering.rootfs)
    assert list(found) == sorted(found)
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


def config(text: str, base: dict[str, Any] | None = None, epoch: int | None = None,
           labels: dict[str, str] | None = None) -> dict[str, Any]:  # fmt: skip
    lowering = lower(text, FakeInputs({"base": base or {}}), epoch=epoch)
    made: dict[str, Any] = json.loads(find("", lowering).config(labels or {}))
    return made


def test_keys_without_a_root_filesystem() -> None:
    assert keys(file()) == {
        "unikernelType": "linux",
        "hypervisor": "qemu",
        "binary": "/.boot/kernel",
        "mountRootfs": "false",
    }


def test_keys_of_each_root_filesystem() -> None:
    tree = "include: [a:/a]"
    assert keys(file(f"rootfs: {{type: raw, {tree}}}"))["mountRootfs"] == "true"
    assert keys(file(f"rootfs: {{type: initrd, {tree}}}"))["initrd"] == "/.boot/rootfs"
    block = keys(file(f"rootfs: {{type: block, {tree}}}"))
    assert (block["block"], block["blkMntPoint"]) == ("/.boot/rootfs", "/")
    block = keys(file(f"rootfs: {{type: block, mount: /srv, {tree}}}"))
    assert block["blkMntPoint"] == "/srv"


def test_a_tree_from_nothing_has_no_history_of_the_kernels_image() -> None:
    base = {"config": {"Cmd": ["/k"]}, "history": [{"created_by": "x"}], "rootfs": {"a": 1}}
    rest = "rootfs: {type: raw, include: [a:/a]}"
    kernel = "kernel: {from: base, path: /k}"
    made = config(file(rest, kernel=kernel), base)
    assert made["config"]["Cmd"] == ["/k"]
    assert not {"history", "rootfs"} & set(made)
    target = find("", lower(file(rest, kernel=kernel), FakeInputs({"base": base})))
    assert target.base_config == b""


def test_a_prebuilt_file_is_annotated_as_what_it_is() -> None:
    text = file("rootfs: {from: local, path: image}", version="v0.1")
    assert keys(text, b"070701" + bytes(99))["initrd"] == "/.boot/rootfs"
    found = keys(text, bytes(0x438) + b"\x53\xef")
    assert found["block"] == "/.boot/rootfs"
    assert found["mountRootfs"] == "false"


def test_the_version_and_the_old_command_line() -> None:
    found = keys(
        file("cmd: [redis-server, /data/redis.conf]", "unikraft", extra=", version: '0.18.0'")
    )
    assert found["unikernelVersion"] == "0.18.0"
    assert found["cmdline"] == "redis-server /data/redis.conf"


def test_keys_that_the_file_says_itself_are_in_all_three_places() -> None:
    text = file(
        f"annotations: {{{PREFIX}solo5NetDev: net0, org.example.a: b}}", "mirage", monitor="spt"
    )
    assert keys(text)["solo5NetDev"] == "net0"
    target = find("", lower(text))
    assert target.annotations[PREFIX + "solo5NetDev"] == "net0"
    assert target.annotations["org.example.a"] == "b"
    assert json.loads(target.config({}))["config"]["Labels"][PREFIX + "solo5NetDev"] == "net0"


def test_urunc_json_holds_the_keys_in_base64() -> None:
    plain = {PREFIX + "hypervisor": "qemu", PREFIX + "cmdline": "a 'ü'"}
    encoded = json.loads(RUNTIME.written(plain))
    assert {name: b64decode(value).decode() for name, value in encoded.items()} == plain


def test_labels_annotations_and_urunc_json_say_the_same() -> None:
    target = find("", lower(file("annotations: {org.example.a: b}\nlabels: {mine: yes}")))
    labels = json.loads(target.config({}))["config"]["Labels"]
    assert target.keys.items() <= labels.items()
    assert labels["mine"] == "yes"
    assert target.annotations == {**target.keys, "org.example.a": "b"}


def test_what_the_file_says_of_the_process() -> None:
    made = config(
        file(
            "cmd: ['a b', c]\nentrypoint: [/init]\nenvs: {K: 'v=w'}\nuser: '1:2'\nworkdir: /srv\n"
            "ports: [80, 53/udp]\nvolumes: [/data]"
        )
    )["config"]
    assert made["Cmd"] == ["a b", "c"]
    assert made["Entrypoint"] == ["/init"]
    assert made["Env"] == ["K=v=w"]
    assert (made["User"], made["WorkingDir"]) == ("1:2", "/srv")
    assert made["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert made["Volumes"] == {"/data": {}}


BASE: dict[str, Any] = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "created": "2001-01-01T00:00:00Z",
    "moby.buildkit.cache.v0": "x",
    "rootfs": {"type": "layers", "diff_ids": ["sha256:1"]},
    "history": [{"created_by": "base"}],
    "x-unknown": [1],
    "config": {
        "Cmd": ["nginx"],
        "Entrypoint": ["/entry"],
        "Env": ["PATH=/bin", "A=1"],
        "Healthcheck": {"Test": ["NONE"]},
        "OnBuild": ["RUN x"],
        "Shell": ["/bin/bash"],
        "StopSignal": "SIGQUIT",
        "User": "nginx",
        "Labels": {"base": "1", PREFIX + "binary": "/old"},
        "ExposedPorts": {"80/tcp": {}},
    },
}
RAW = "rootfs: {from: base, type: raw}"


def test_a_base_config_is_edited_and_not_lost() -> None:
    made = config(file(f"{RAW}\ninit: none\nenvs: [A=2, B=3]\nlabels: {{l: m}}\nports: [81]"), BASE)
    inner = made["config"]
    for key in ("Healthcheck", "Shell", "StopSignal", "User", "Cmd", "Entrypoint"):
        assert inner[key] == BASE["config"][key]
    assert "OnBuild" not in inner  # it was for who builds on the base
    assert inner["Env"] == ["PATH=/bin", "A=2", "B=3"]
    assert inner["ExposedPorts"] == {"80/tcp": {}, "81/tcp": {}}
    assert inner["Labels"]["base"] == "1"
    assert inner["Labels"][PREFIX + "binary"] == "/.boot/kernel"
    assert made["x-unknown"] == [1]
    assert made["history"] == BASE["history"]
    assert made["architecture"] == "amd64"
    assert not {"variant", "created", "moby.buildkit.cache.v0"} & set(made)


def test_layers_of_a_base_that_is_packed_are_not_claimed() -> None:
    made = config(file("rootfs: {from: base, type: initrd}"), BASE)
    assert not {"history", "rootfs"} & set(made)
    assert made["config"]["Cmd"] == ["nginx"]


def test_a_kernels_image_brings_its_config_where_no_root_filesystem_does() -> None:
    kernel = "kernel: {from: base, path: /boot/kernel}"
    for version in ("v0.1", "v1"):
        text = file("rootfs: {type: initrd, include: [a:/a]}", kernel=kernel, version=version)
        assert config(text, BASE)["config"]["Cmd"] == ["nginx"]
        assert config(file(kernel=kernel, version=version), BASE)["config"]["User"] == "nginx"


def test_an_entrypoint_drops_the_bases_command_but_not_in_v0() -> None:
    rest = f"{RAW}\nentrypoint: [/mine]"
    assert "Cmd" not in config(file(rest), BASE)["config"]
    assert config(file(rest, version="v0.1"), BASE)["config"]["Cmd"] == ["nginx"]


def test_the_epoch_is_the_time_of_creation() -> None:
    assert config(file(), epoch=0)["created"] == "1970-01-01T00:00:00Z"
    assert config(file(), epoch=1700000000)["created"] == "2023-11-14T22:13:20Z"
    assert "created" not in config(file())


def test_labels_of_the_build_win() -> None:
    made = config(file("labels: {a: file, b: file}"), labels={"a": "flag"})
    assert made["config"]["Labels"]["a"] == "flag"
    assert made["config"]["Labels"]["b"] == "file"


def test_a_result_is_always_linux() -> None:
    lowering = lower(file(), platform=Platform("linux", "arm64"))
    made = json.loads(find("", lowering).config({}))
    assert (made["os"], made["architecture"]) == ("linux", "arm64")


@pytest.mark.parametrize("cmd", ["a\nb", "$(reboot)", "; rm -rf /", "'\"`\\"])
def test_a_value_is_data(cmd: str) -> None:
    made = config(file(f"cmd: [{json.dumps(cmd)}]"))
    assert made["config"]["Cmd"] == [cmd]


HOSTILE = {
    "os": "linux",
    "architecture": "amd64",
    "config": {
        "user": "0",
        "cmd": ["/evil"],
        "entrypoint": ["/evil"],
        "onbuild": ["RUN evil"],
        "labels": {PREFIX + "binary": "/evil", PREFIX + "bootKernel": "/host", "kept": "1"},
    },
    "CONFIG": {"USER": "0", "LABELS": {PREFIX + "RPCAddress": "evil"}, "WorkingDIR": "/evil"},
}


@pytest.mark.parametrize("rootfs", [RAW, "rootfs: {from: base, type: initrd}"])
def test_a_base_overrides_nothing(rootfs: str) -> None:
    """However a base spells its keys: readers of the image take any spelling."""
    rest = (
        f"{rootfs}\ninit: none\nuser: '1000'\nentrypoint: [/bin/init]\ncmd: [/bin/app]\nworkdir: /w"
    )
    made = config(file(rest), HOSTILE)
    folded = [key.lower() for key in made]
    assert len(set(folded)) == len(folded)
    inner = made["config"]
    assert set(inner) == {"User", "Entrypoint", "Cmd", "Labels", "WorkingDir"}
    assert (inner["User"], inner["Cmd"], inner["WorkingDir"]) == ("1000", ["/bin/app"], "/w")
    assert inner["Entrypoint"] == ["/bin/init"]
    labels = inner["Labels"]
    assert labels["kept"] == "1"
    assert labels[PREFIX + "binary"] == "/.boot/kernel"
    assert not {PREFIX + "bootKernel", PREFIX + "RPCAddress"} & set(labels)


def test_what_a_dockerfile_leaves_for_others_stays() -> None:
    """BuildKit has run what its base had, so the rest is its author's."""

    class Built(FakeInputs):
        def dockerfile(
            self, path: Text, target: Text | None, platform: Platform, args: Mapping[str, str]
        ) -> Image:
            found = super().dockerfile(path, target, platform, args)
            return replace(found, config=json.dumps({"config": {"onbuild": ["RUN x"]}}).encode())

    text = file("rootfs: {from: dockerfile, dockerfile: Dockerfile, type: raw}\ninit: none")
    made = json.loads(find("", lower(text, Built())).config({}))
    assert made["config"]["OnBuild"] == ["RUN x"]
