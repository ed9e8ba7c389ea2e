"""Images in files: an OCI layout, its archive, and what older Dockers save."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from frontend.images.layout import Layout, is_layout
from frontend.images.oci import INDEXES, MANIFESTS, ImageError

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Files:
    """The files of a layout that is being made."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(self, data: bytes, media_type: str = "", **more: Any) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def image(self, arch: str = "amd64", **more: Any) -> dict[str, Any]:
        config = {"os": "linux", "architecture": arch, "config": {"Cmd": [arch]}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFESTS[0],
            "config": self.blob(json.dumps(config).encode()),
            "layers": [self.blob(gzip.compress(archive(a=arch.encode())), LAYER)],
        }
        return self.blob(json.dumps(manifest).encode(), MANIFESTS[0], **more)

    def index(self, *entries: dict[str, Any]) -> bytes:
        made = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": entries}
        return json.dumps(made).encode()

    def write(self, to: Path, *, packed: bool) -> str:
        if packed:
            to.with_suffix(".tar").write_bytes(archive(**self.files))
            return str(to.with_suffix(".tar"))
        for name, data in self.files.items():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(data)
        return str(to)


def named(name: str) -> dict[str, Any]:
    return {"annotations": {"io.containerd.image.name": name}}


def platform(arch: str) -> dict[str, Any]:
    return {"platform": {"os": "linux", "architecture": arch}}


@pytest.mark.parametrize("packed", [False, True])
class TestOne:
    def test_an_image(self, tmp_path: Path, packed: bool) -> None:
        files = Files()
        entry = files.image(**named("docker.io/library/x:1"))
        files.files["index.json"] = files.index(entry)
        path = files.write(tmp_path / "out", packed=packed)
        assert is_layout(path)
        with Layout(path) as layout:
            image = layout.image()
            assert image.digest == entry["digest"]
            assert layout.tree(image).read("/a") == b"amd64"
        for ref in ("x:1", "docker.io/library/x:1"):
            with Layout(path, ref):
                pass
        with pytest.raises(ImageError, match="has no image x:2"):
            Layout(path, "x:2")

    def test_one_of_several(self, tmp_path: Path, packed: bool) -> None:
        files = Files()
        one, two = files.image("amd64", **named("x:1")), files.image("arm64", **named("x:2"))
        files.files["index.json"] = files.index(one, two)
        path = files.write(tmp_path / "out", packed=packed)
        with pytest.raises(ImageError, match="has x:1, x:2"):
            Layout(path)
        with Layout(path, "x:2") as layout:
            assert layout.image().process["Cmd"] == ["arm64"]

    def test_platforms(self, tmp_path: Path, packed: bool) -> None:
        """As buildx writes them, an index in the index; and of them those that are there."""
        files = Files()
        amd, arm = files.image("amd64", **platform("amd64")), files.image("arm64")
        lost = {**arm, "digest": "sha256:" + "0" * 64, **platform("riscv64")}
        inner = files.blob(files.index(amd, {**arm, **platform("arm64")}, lost), INDEXES[0])
        files.files["index.json"] = files.index(inner)
        with Layout(files.write(tmp_path / "out", packed=packed)) as layout:
            assert [str(each.platform) for each in layout.images()] == [
                "linux/amd64",
                "linux/arm64",
            ]
        files.files["index.json"] = files.index(amd, {**arm, **platform("arm64")})
        with Layout(files.write(tmp_path / "flat", packed=packed)) as layout:
            assert len(layout.images()) == 2

    def test_other_bytes(self, tmp_path: Path, packed: bool) -> None:
        for number, part in enumerate(("manifest", "layer")):
            files = Files()
            entry = files.image()
            files.files["index.json"] = files.index(entry)
            for name, data in files.files.items():
                is_manifest = name.endswith(entry["digest"].removeprefix("sha256:"))
                if name.startswith("blobs/") and is_manifest == (part == "manifest"):
                    files.files[name] = data[:-1] + b" "
            with (
                Layout(files.write(tmp_path / f"out{number}", packed=packed)) as layout,
                pytest.raises(ImageError, match="other bytes"),
            ):
                layout.tree(layout.image())

    @pytest.mark.parametrize(
        "index", [b"", b"[]", b"{}", b'{"manifests": [{}]}', b'{"manifests": [{"digest": "../x"}]}']
    )
    def test_an_index_that_is_none(self, tmp_path: Path, packed: bool, index: bytes) -> None:
        files = Files()
        files.files["index.json"] = index
        with pytest.raises(ImageError):
            Layout(files.write(tmp_path / "out", packed=packed))


def test_what_older_dockers_save(tmp_path: Path) -> None:
    """Without an index and manifests: they are made of the config."""
    layers = [archive(a=b"1"), archive(b=b"2")]
    diffs = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diffs}, "config": {}}
    ).encode()
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}]
    files = {
        "c.json": config,
        "0/layer.tar": layers[0],
        "1/layer.tar": layers[1],
        "manifest.json": json.dumps(manifest).encode(),
    }
    path = tmp_path / "x.tar"
    path.write_bytes(archive(**files))
    for ref in ("", "x:1"):
        with Layout(str(path), ref) as layout:
            image = layout.image()
            tree = layout.tree(image)
            assert (tree.read("/a"), tree.read("/b")) == (b"1", b"2")
    with pytest.raises(ImageError, match="not one image called y:1"):
        Layout(str(path), "y:1")
    files["0/layer.tar"] = archive(a=b"x")
    path.write_bytes(archive(**files))
    with Layout(str(path)) as layout, pytest.raises(ImageError, match="other bytes"):
        layout.tree(layout.image())


def test_what_is_no_image(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    assert not is_layout(str(text))
    assert not is_layout(str(tmp_path))
    assert not is_layout(str(tmp_path / "none"))
    with pytest.raises(ImageError, match="no archive of an image"):
        Layout(str(text))
    (tmp_path / "empty.tar").write_bytes(archive(x=b""))
    with pytest.raises(ImageError, match="neither index"):
        Layout(str(tmp_path / "empty.tar"))
