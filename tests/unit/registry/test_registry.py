"""A registry that lies, refuses or is not there; the honest one is in tests/integration."""

from __future__ import annotations

import gc
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("oras")

from frontend.registry import RegistryError, Repository, decode, show
from frontend.urunc import PREFIX
from llb import Platform

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Server:
    """A registry of one repository, `x`, on the loopback interface."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = outer.answers.get(self.path, (404, b"{}", {}))
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"localhost:{self.http.server_port}/x"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def blob(self, data: bytes, media_type: str = "") -> dict[str, Any]:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.answers[f"/v2/x/blobs/{digest}"] = (200, data, {})
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(self, what: dict[str, Any], tag: str = "") -> dict[str, Any]:
        data = json.dumps(what, indent=1).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        answer = (200, data, {"Docker-Content-Digest": digest, "Content-Type": what["mediaType"]})
        self.answers[f"/v2/x/manifests/{digest}"] = answer
        if tag:
            self.answers[f"/v2/x/manifests/{tag}"] = answer
        return {"mediaType": what["mediaType"], "digest": digest, "size": len(data)}

    def image(self, arch: str = "amd64", tag: str = "", **keys: str) -> dict[str, Any]:
        """An image that tells urunc `keys`, three times."""
        named = {PREFIX + key: value for key, value in keys.items()}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            encoded = {key: b64encode(value.encode()).decode() for key, value in named.items()}
            data = json.dumps(encoded).encode()
            info = tarfile.TarInfo("urunc.json")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        layer = self.blob(gzip.compress(out.getvalue()), MANIFEST.replace("manifest", "layer"))
        config = {"os": "linux", "architecture": arch, "config": {"Labels": named, "Cmd": ["/a"]}}
        return self.manifest(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self.blob(json.dumps(config).encode()),
                "layers": [layer],
                "annotations": named,
            },
            tag,
        )


KEYS = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k"}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def test_an_image(server: Server) -> None:
    described = server.image(tag="1", **KEYS)
    with Repository(f"{server.name}:1") as repository:
        image = repository.image()
        assert image.digest == described["digest"]
        assert image.platform == Platform("linux", "amd64")
        assert image.annotations[PREFIX + "binary"] == "/k"
        assert image.labels == dict(image.annotations)
        data = repository.tree(image).read("/urunc.json")
        assert data is not None
        assert decode(data) == dict(image.annotations)
    with Repository(f"{server.name}@{described['digest']}") as repository:
        assert repository.image() == image


def test_an_index_by_platform(server: Server) -> None:
    amd, arm = server.image("amd64", **KEYS), server.image("arm64", **KEYS)
    attestation = server.image("amd64")
    amd["platform"] = {"os": "linux", "architecture": "amd64"}
    arm["platform"] = {"os": "linux", "architecture": "arm64"}
    attestation["platform"] = {"os": "unknown", "architecture": "unknown"}
    server.manifest(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [attestation, amd, arm]}, "1"
    )
    with Repository(f"{server.name}:1") as repository:
        assert [str(image.platform) for image in repository.images()] == [
            "linux/amd64",
            "linux/arm64",
        ]
        assert repository.image(Platform("linux", "aarch64")).digest == arm["digest"]
        assert len(repository.index()) == 3
        with pytest.raises(RegistryError, match="but for linux/amd64, linux/arm64"):
            repository.image(Platform("linux", "riscv64"))


class TestLies:
    def test_another_manifest_than_the_digest(self, server: Server) -> None:
        path = f"/v2/x/manifests/{server.image(**KEYS)['digest']}"
        status, body, headers = server.answers[path]
        server.answers[path] = (status, body.replace(b"linux", b"linus"), headers)
        with (
            pytest.raises(RegistryError, match="other bytes"),
            Repository(f"{server.name}@{path.rpartition('/')[2]}") as repository,
        ):
            repository.image()

    def test_another_manifest_than_its_header(self, server: Server) -> None:
        server.image(tag="1", **KEYS)
        status, body, headers = server.answers["/v2/x/manifests/1"]
        server.answers["/v2/x/manifests/1"] = (status, body + b" ", headers)
        with (
            pytest.raises(RegistryError, match="other bytes"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()

    @pytest.mark.parametrize("change", [lambda data: data + b"x", lambda data: data[:-1] + b"x"])
    def test_another_blob(self, server: Server, change: Any) -> None:
        server.image(tag="1", **KEYS)
        for path, (status, body, headers) in list(server.answers.items()):
            if "/blobs/" in path:
                server.answers[path] = (status, change(body), headers)
        with pytest.raises(RegistryError), Repository(f"{server.name}:1") as repository:
            repository.image()

    def test_no_end(self, server: Server) -> None:
        server.answers["/v2/x/manifests/1"] = (200, b" " * (5 << 20), {})
        with (
            pytest.raises(RegistryError, match="larger than 4 MiB"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()


class TestRefusals:
    @pytest.mark.parametrize(("status", "words"), [(404, "not found"), (500, "HTTP status 500")])
    def test_statuses(self, server: Server, status: int, words: str) -> None:
        server.answers["/v2/x/manifests/1"] = (status, b"{}", {})
        with (
            pytest.raises(RegistryError, match=words),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_challenge_that_cannot_be_met(self, server: Server) -> None:
        challenge = {"Www-Authenticate": 'Basic realm="x"'}
        server.answers["/v2/x/manifests/1"] = (403, b"{}", challenge)
        with pytest.raises(RegistryError), Repository(f"{server.name}:1") as repository:
            repository.image()
        gc.collect()  # oras leaves its connection open then, which Python notices here

    def test_nobody_there(self) -> None:
        with (
            pytest.raises(RegistryError, match="refused"),
            Repository("localhost:1/x:1") as repository,
        ):
            repository.image()

    def test_no_reference(self) -> None:
        with pytest.raises(RegistryError, match="lower case"):
            Repository("localhost:1/X")

    def test_no_image(self, server: Server) -> None:
        config = server.blob(b"{}")
        server.manifest(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}, "1"
        )
        with (
            pytest.raises(RegistryError, match="names no platform"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()


class TestShow:
    def test_what_urunc_takes(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        server.image(tag="1", **KEYS)
        assert show(f"{server.name}:1") == 0
        printed = capsys.readouterr().out
        assert "com.urunc.unikernel.binary = /k\n" in printed
        assert 'arguments: ["/a"]' in printed
        assert "only in" not in printed

    def test_what_it_does_not(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        server.image(tag="1", unikernelType="linux")
        assert show(f"{server.name}:1") == 1
        assert "ordinary container" in capsys.readouterr().out


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"a": 1}', b'{"a": "not base64!"}', b'{"a": "/w=="}']
)
def test_a_bad_urunc_json(data: bytes) -> None:
    with pytest.raises(RegistryError, match=r"urunc\.json"):
        decode(data)
