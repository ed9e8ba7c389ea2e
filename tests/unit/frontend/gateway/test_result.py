"""Results in the daemon's form."""

from __future__ import annotations

import json

import pytest

from frontend.gateway.client import Ref
from frontend.gateway.result import Builder, answer
from llb import Platform
from llb.pb import gateway_pb2 as gw

AMD64 = Platform("linux", "amd64")
ARM = Platform("linux", "arm", "v7")
CONFIG = {"os": "linux", "architecture": "amd64"}


def test_one_platform() -> None:
    builder = Builder()
    builder.add(AMD64, Ref("r"), CONFIG)
    builder.epoch(5)
    builder.base_config(AMD64, b"{}")
    message = builder.build().message
    assert message.ref.id == "r"
    assert json.loads(message.metadata["containerimage.config"]) == CONFIG
    assert message.metadata["source.date.epoch"] == b"5"
    assert message.metadata["containerimage.base.config"] == b"{}"
    assert json.loads(message.metadata["refs.platforms"]) == {
        "Platforms": [
            {"ID": "linux/amd64", "Platform": {"architecture": "amd64", "os": "linux"}},
        ]
    }


def test_an_empty_filesystem_is_still_a_result() -> None:
    builder = Builder()
    builder.add(AMD64, Ref(), CONFIG)
    message = builder.build().message
    assert message.WhichOneof("result") == "ref"
    assert message.ref.id == ""


def test_several_platforms() -> None:
    builder = Builder()
    builder.epoch(5, ARM)  # before it is known that there are several
    builder.add(AMD64, Ref("a"), CONFIG)
    builder.add(ARM, Ref("b"), b'{"raw":1}')
    message = builder.build().message
    assert {key: ref.id for key, ref in message.refs.refs.items()} == {
        "linux/amd64": "a",
        "linux/arm/v7": "b",
    }
    assert message.metadata["containerimage.config/linux/arm/v7"] == b'{"raw":1}'
    assert message.metadata["source.date.epoch/linux/arm/v7"] == b"5"
    listed = json.loads(message.metadata["refs.platforms"])["Platforms"]
    assert listed[1]["Platform"] == {"architecture": "arm", "os": "linux", "variant": "v7"}


def test_one_platform_as_a_map() -> None:
    builder = Builder(multi_platform=True)
    builder.add(AMD64, Ref("a"), CONFIG)
    message = builder.build().message
    assert list(message.refs.refs) == ["linux/amd64"]
    assert "containerimage.config/linux/amd64" in message.metadata


def test_annotations_and_facts() -> None:
    builder = Builder()
    builder.add(AMD64, Ref("a"), CONFIG)
    builder.annotate("com.urunc.unikernel.hypervisor", "qemu")
    builder.annotate("k", "v", platform=AMD64)
    builder.fact("kernel", "6.12")
    metadata = builder.build().message.metadata
    assert metadata["annotation-manifest.com.urunc.unikernel.hypervisor"] == b"qemu"
    assert metadata["annotation-manifest[linux/amd64].k"] == b"v"
    assert metadata["frontend.kernel"] == b"6.12"
    with pytest.raises(ValueError, match="no blanks"):
        builder.annotate("a b", "c")


def test_attestations() -> None:
    builder = Builder()
    builder.add(AMD64, Ref("a"), CONFIG)
    builder.attest_bundle(AMD64, Ref("s"))
    (bundle,) = builder.build().message.attestations["linux/amd64"].attestation
    assert bundle.kind == gw.Bundle
    assert bundle.inTotoPredicateType == "https://spdx.dev/Document"
    assert bundle.metadata == {"reason": b"sbom", "sbom-core": b"sbom"}


def test_mistakes_of_ours() -> None:
    with pytest.raises(ValueError, match="at least one platform"):
        Builder().build()
    builder = Builder()
    builder.add(AMD64, Ref("a"), CONFIG)
    with pytest.raises(ValueError, match="already"):
        builder.add(AMD64, Ref("b"), CONFIG)


def test_answers_have_no_image() -> None:
    message = answer({"result.json": "{}", "version": b"1"}).message
    assert message.WhichOneof("result") is None
    assert message.metadata == {"result.json": b"{}", "version": b"1"}
