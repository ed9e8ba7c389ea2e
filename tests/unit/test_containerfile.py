"""What a Dockerfile's labels say about its guest, and a daemon's words in the user's."""

from __future__ import annotations

import json

import pytest

from frameworks.diagnostics import Problems
from frameworks.spec import Text
from frontend.containerfile import _bunnyfile, _Labels, plan
from frontend.failures import explain
from frontend.gateway.errors import GatewayError
from llb import Platform, SourceFile
from llb.pb import status_pb2

KEY = "com.urunc.unikernel."


def labels(text: str, config: dict[str, str], given: dict[str, str] | None = None) -> _Labels:
    data = json.dumps({"config": {"Labels": config}}).encode()
    return _Labels(SourceFile("Dockerfile", text.encode(), "Dockerfile"), data, given or {}, {})


def test_defaults() -> None:
    made = _bunnyfile(labels("FROM x\n", {}), Text("Dockerfile"))
    assert (made.platforms.framework, made.platforms.monitor) == ("linux", "qemu")
    assert made.kernel is not None
    assert made.kernel.from_ == "source"
    assert made.init is None


def test_only_the_file_s_own_labels_count() -> None:
    text = f"FROM x\n# {KEY}initrd\nLABEL {KEY}hypervisor=firecracker\n"
    config = {f"{KEY}hypervisor": "firecracker", f"{KEY}binary": "/k"}
    text += f"# {KEY}binary\nLABEL x.{KEY}binary=/x {KEY}binary.more=/x\n"
    found = labels(text, config)
    assert found.keys() == {"hypervisor": "firecracker"}
    assert found.get(f"{KEY}hypervisor").at.start.line == 3
    (warning,) = found.ignored()
    assert f"{KEY}binary=/k" in warning.message
    assert labels("FROM x\n", {}, {f"{KEY}binary": "/k"}).keys() == {"binary": "/k"}


@pytest.mark.parametrize(
    ("given", "mounted"),
    [
        ({"initrd": "/i"}, "false"),
        ({"block": "/b", "blkMntPoint": "/"}, "false"),
        ({"block": "/b", "blkMntPoint": "/data"}, None),
        ({"initrd": "/i", "mountRootfs": "true"}, "true"),
        ({}, None),
    ],
)
def test_mount_rootfs_follows(given: dict[str, str], mounted: str | None) -> None:
    found = labels("FROM x\n", {}, {KEY + name: value for name, value in given.items()}).keys()
    assert found.get("mountRootfs") == mounted


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({f"{KEY}unikernelType": "unikraft"}, "missing-kernel"),
        ({f"{KEY}unikernelType": "linus"}, "unknown-framework"),
        ({"hutch.kernel": "local"}, "missing-key"),
    ],
)
def test_what_makes_no_sense(given: dict[str, str], code: str) -> None:
    with pytest.raises(Problems) as raised:
        _bunnyfile(labels("FROM x\n", {}, given), Text("Dockerfile"))
    assert [found.code for found in raised.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"bootKernel": "/boot/x"}, "reserved-annotation"),
        ({"hypervisr": "qemu"}, "unknown-key"),
        ({"binary": "/a b"}, "bad-path"),
        ({"block": "../z", "blkMntPoint": "/"}, "bad-path"),
        ({"block": "/z"}, "missing-key"),
        ({"blkMntPoint": "/z"}, "missing-key"),
        ({"mountRootfs": "yes"}, "bad-value"),
        ({"solo5NetDev": "net-0"}, "bad-value"),
    ],
)
def test_keys_that_urunc_would_not_take(given: dict[str, str], code: str) -> None:
    (name, value), *_ = given.items()
    text = f"FROM x\nLABEL {KEY}{name}='{value}'\n"
    with pytest.raises(Problems) as raised:
        labels(text, {}, {KEY + name: value for name, value in given.items()}).keys()
    (found,) = raised.value.diagnostics
    assert (found.code, found.at and found.at.start.line) == (code, 2)


@pytest.mark.parametrize(("type", "mounted"), [("linux", True), ("mirage", False)])
def test_guests_that_cannot_mount_the_image(type: str, mounted: bool) -> None:
    given = {f"{KEY}unikernelType": type, f"{KEY}binary": "/k"}
    if type == "mirage":
        given[f"{KEY}hypervisor"] = "spt"
    made = plan(labels("FROM x\n", {}, given), Text("Dockerfile"), Platform("linux", "amd64"), None)
    assert made.rootfs.type == "raw"
    assert (made.keys.get("mountRootfs", "true") == "true") is mounted


@pytest.mark.parametrize(("label", "init"), [("false", "none"), ("true", None)])
def test_bunny_s_own_label(label: str, init: str | None) -> None:
    made = _bunnyfile(labels("FROM x\n", {}, {"bunny.urunit": label}), Text("Dockerfile"))
    assert made.init == init


def failure(message: str, filename: str) -> GatewayError:
    status = status_pb2.Status(code=2, message=message)
    source = {
        "info": {"filename": filename},
        "ranges": [{"start": {"line": 7}, "end": {"line": 7}}],
    }
    status.details.add(
        type_url="github.com/moby/buildkit/errdefs.Source+json", value=json.dumps(source).encode()
    )
    return GatewayError(status)


def test_a_missing_file_is_explained_at_its_line() -> None:
    file = SourceFile("bunnyfile", b"")
    message = 'failed to calculate checksum of ref a::b: "/hello": not found'
    problems = explain(failure(message, "bunnyfile"), file)
    assert problems is not None
    (found,) = problems.diagnostics
    assert (found.code, found.at and found.at.start.line) == ("no-such-file", 7)
    assert "'/hello'" in found.message
    assert explain(failure(message, "Dockerfile"), file) is None
    assert explain(failure("exit code: 1", "bunnyfile"), file) is None
