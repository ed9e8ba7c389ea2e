"""Images as the format says."""

from __future__ import annotations

import io
import json

from engine import oci


def test_descriptor_of_a_file() -> None:
    data = io.BytesIO(b"hello")
    data.read()
    digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert oci.describe(oci.LAYER, data) == oci.Descriptor(oci.LAYER, digest, 5)
    assert data.read() == b"hello"


def test_manifest_is_what_the_image_format_says() -> None:
    config = oci.Descriptor(oci.CONFIG, "sha256:1", 1)
    layer = oci.Descriptor(oci.LAYER, "sha256:2", 2)
    manifest = json.loads(oci.image_manifest(config, layer))
    assert manifest["mediaType"] == oci.MANIFEST
    assert manifest["layers"] == [{"mediaType": oci.LAYER, "digest": "sha256:2", "size": 2}]
    image = json.loads(oci.image_config("arm64", "sha256:3"))
    assert image["architecture"] == "arm64"
    assert image["rootfs"]["diff_ids"] == ["sha256:3"]
    assert "created" not in image
