"""A registry that lies, refuses or is not there; the honest one is in tests/integration."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import socket
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frameworks.runtime import RUNTIME
from frontend.cli import main
from frontend.images.layers import LayerError
from frontend.images.oci import ImageError, decode
from frontend.images.registry import Repository
from llb import Platform

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Server:
    """A registry of one repository, `x`, on the loopback interface."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[tuple[str, str]] = []  # path, and the Authorization that came with it
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization", "")))
                found = outer.answers.get(self.path) or outer.answers.get(self.path.split("?")[0])
                status, body, headers = found or (404, b"{}", {})
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
        named = {RUNTIME.prefix + key: value for key, value in keys.items()}
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
        assert image.annotations[RUNTIME.prefix + "binary"] == "/k"
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
        with pytest.raises(ImageError, match="but for linux/amd64, linux/arm64"):
            repository.image(Platform("linux", "riscv64"))


class TestLies:
    def test_another_manifest_than_the_digest(self, server: Server) -> None:
        path = f"/v2/x/manifests/{server.image(**KEYS)['digest']}"
        status, body, headers = server.answers[path]
        server.answers[path] = (status, body.replace(b"linux", b"linus"), headers)
        with (
            pytest.raises(ImageError, match="other bytes"),
            Repository(f"{server.name}@{path.rpartition('/')[2]}") as repository,
        ):
            repository.image()

    def test_another_manifest_than_its_header(self, server: Server) -> None:
        server.image(tag="1", **KEYS)
        status, body, headers = server.answers["/v2/x/manifests/1"]
        server.answers["/v2/x/manifests/1"] = (status, body + b" ", headers)
        with (
            pytest.raises(ImageError, match="other bytes"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()

    @pytest.mark.parametrize("change", [lambda data: data + b"x", lambda data: data[:-1] + b"x"])
    def test_another_blob(self, server: Server, change: Any) -> None:
        server.image(tag="1", **KEYS)
        for path, (status, body, headers) in list(server.answers.items()):
            if "/blobs/" in path:
                server.answers[path] = (status, change(body), headers)
        with pytest.raises(ImageError), Repository(f"{server.name}:1") as repository:
            repository.image()

    def test_no_end(self, server: Server) -> None:
        server.answers["/v2/x/manifests/1"] = (200, b" " * (5 << 20), {})
        with (
            pytest.raises(ImageError, match="larger than 4 MiB"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()


class TestRefusals:
    @pytest.mark.parametrize(("status", "words"), [(404, "not found"), (500, "HTTP status 500")])
    def test_statuses(self, server: Server, status: int, words: str) -> None:
        server.answers["/v2/x/manifests/1"] = (status, b"{}", {})
        with (
            pytest.raises(ImageError, match=words),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()

    def test_a_challenge_that_cannot_be_met(self, server: Server) -> None:
        challenge = {"Www-Authenticate": 'Basic realm="x"'}
        server.answers["/v2/x/manifests/1"] = (403, b"{}", challenge)
        with pytest.raises(ImageError), Repository(f"{server.name}:1") as repository:
            repository.image()

    def test_nobody_there(self) -> None:
        with (
            pytest.raises(ImageError, match="refused"),
            Repository("localhost:1/x:1") as repository,
        ):
            repository.image()

    def test_no_reference(self) -> None:
        with pytest.raises(ImageError, match="lower case"):
            Repository("localhost:1/X")

    def test_no_image(self, server: Server) -> None:
        config = server.blob(b"{}")
        server.manifest(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}, "1"
        )
        with (
            pytest.raises(ImageError, match="names no platform"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()


class TestShow:
    def test_what_urunc_takes(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        server.image(tag="1", **KEYS)
        assert main(["inspect", f"{server.name}:1"]) == 0
        printed = capsys.readouterr().out
        assert "com.urunc.unikernel.binary = /k\n" in printed
        assert 'arguments: ["/a"]' in printed
        assert "only in" not in printed

    def test_what_it_does_not(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        server.image(tag="1", unikernelType="linux")
        assert main(["inspect", f"{server.name}:1"]) == 1
        assert "ordinary container" in capsys.readouterr().out


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"a": 1}', b'{"a": "not base64!"}', b'{"a": "/w=="}']
)
def test_a_bad_urunc_json(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"urunc\.json"):
        decode(data)


def wrong(server: Server, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that `hutch inspect` says of an image that is none."""
    assert main(["inspect", f"{server.name}:1"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("hutch: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()
    assert len(err) < 1000
    return err


NESTED = b"[" * 100_000
MANIFESTS = [
    *(b"x", b"", b"null", b"[]", b"1", b'"a"', b"{}", b"\xff", NESTED, b'{"config":' + NESTED),
    *(b'{"config":null,"layers":[]}', b'{"config":{},"layers":[]}', b'{"config":[],"layers":null}'),
    *(b'{"manifests":{}}', b'{"manifests":[null]}', b'{"manifests":[{}]}', b'{"manifests":1}'),
    b'{"manifests":[{"digest":"sha256:x","size":1}]}',
    b'{"manifests":[{"digest":"../../x","size":1,"platform":{"os":"linux"}}]}',
    b'{"manifests":[{"digest":"sha256:' + b"a" * 64 + b'","size":1,"platform":{"os":[]}}]}',
    b'{"manifests":[{"digest":"sha256:' + b"a" * 64 + b'","size":"1"}]}',
    b'{"manifests":[{"digest":"sha256:' + b"a" * 64 + b'","size":-1}]}',
    b'{"mediaType":[1],"config":{},"layers":[]}',
    b'{"mediaType":"\\u001b[2J\\nforged","config":{},"layers":[]}',
    b'{"config":{"digest":"sha256:' + b"a" * 64 + b'","size":' + b"9" * 5000 + b'},"layers":[]}',
    b'{"config":{"digest":"sha256:' + b"a" * 64 + b'","size":1e999},"layers":[]}',
]


@pytest.mark.parametrize("body", MANIFESTS, ids=range(len(MANIFESTS)))
def test_a_manifest_that_is_none(
    server: Server, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    server.answers["/v2/x/manifests/1"] = (200, body, {})
    wrong(server, capsys)


CONFIGS = [
    *(b"", b"null", b"[]", b"x", NESTED, b'{"os":1}', b'{"os":"linux"}'),
    b'{"os":"linux","architecture":"amd64","config":[]}',
    b'{"os":"linux","architecture":"amd64","config":{"Labels":[]}}',
    b'{"os":"linux","architecture":"amd64","config":{"Cmd":{}}}',
]
TAR = "application/vnd.oci.image.layer.v1.tar"


def put(server: Server, config: bytes, *layers: bytes, **more: object) -> None:
    """An image with this config and these layers."""
    described = [server.blob(layer, TAR) for layer in layers]
    image = {"schemaVersion": 2, "mediaType": MANIFEST, "config": server.blob(config)}
    server.manifest({**image, "layers": described, **more}, "1")


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_a_config_that_is_none(
    server: Server, capsys: pytest.CaptureFixture[str], config: bytes
) -> None:
    put(server, config)
    wrong(server, capsys)


GOOD = b'{"os":"linux","architecture":"amd64"}'


def archive(*entries: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as made:
        for entry in entries:
            made.addfile(entry, io.BytesIO(bytes(entry.size)))
    return out.getvalue()


def entry(name: str, size: int = 0, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def pax(size: int) -> bytes:
    """An archive that starts with a header of `size` bytes."""
    return entry("x", size, type=tarfile.XHDTYPE).tobuf() + bytes(min(size, 4 << 20))


LAYERS = [
    *(b"", b"x", b"\x1f\x8b", b"\x1f\x8b\x08\0rest", gzip.compress(b"x")[:-4]),
    gzip.compress(archive(entry("a", 9999)))[:40],
    archive(entry("a"), entry("b" * 5000)),
    archive(entry("urunc.json", 2 << 20)),
    pax(3 << 30),
    gzip.compress(pax(3 << 30)),
    archive(entry("a", type=tarfile.GNUTYPE_LONGNAME, size=2 << 20)),
    archive(entry("a", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})),
    archive(entry("a", pax_headers={"GNU.sparse.size": "9" * 30, "GNU.sparse.map": "x"})),
]


@pytest.mark.parametrize("layer", LAYERS, ids=range(len(LAYERS)))
def test_a_layer_that_is_none(
    server: Server, capsys: pytest.CaptureFixture[str], layer: bytes
) -> None:
    put(server, GOOD, layer)
    wrong(server, capsys)


def test_a_layer_that_unpacks_without_end(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """It is never in memory, and not read to its end."""
    monkeypatch.setattr("frontend.images.oci._MOST_LOOKED_AT", 64 << 20)
    bomb = gzip.compress(entry("a", 1 << 40).tobuf() + bytes(96 << 20))
    put(server, GOOD, bomb)
    with (
        pytest.raises(LayerError, match="more than 64 MiB, unpacked"),
        Repository(f"{server.name}:1") as repository,
    ):
        repository.find(repository.image(), "/urunc.json")


def test_only_the_layers_that_it_takes_are_fetched(server: Server) -> None:
    """What urunc reads is in the uppermost; below may be gigabytes."""
    put(server, GOOD, b"never read", archive(entry("urunc.json", 2)))
    with Repository(f"{server.name}:1") as repository:
        assert repository.find(repository.image(), "/urunc.json") == bytes(2)
    assert len([path for path, _ in server.asked if "/blobs/" in path]) == 2


@pytest.mark.parametrize("hides", [".wh.urunc.json", ".wh..wh..opq"])
def test_a_file_that_is_hidden(server: Server, hides: str) -> None:
    put(server, GOOD, archive(entry("urunc.json", 2)), archive(entry(hides)))
    with Repository(f"{server.name}:1") as repository:
        assert repository.find(repository.image(), "/urunc.json") is None


def test_an_index_with_thousands_of_equal_entries(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {**server.image(**KEYS), "platform": {"os": "linux", "architecture": "amd64"}}
    server.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [one] * 3000}, "1")
    assert main(["inspect", f"{server.name}:1"]) == 0
    assert capsys.readouterr().out.count("linux/amd64") == 1
    assert len(server.asked) == 4
    others = [{**one, "digest": f"sha256:{number:064x}"} for number in range(3000)]
    server.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": others}, "1")
    assert "an index of 3000 images" in wrong(server, capsys)


def test_only_the_platform_that_is_wanted_is_fetched(server: Server) -> None:
    amd, arm = server.image("amd64", **KEYS), server.image("arm64", **KEYS)
    amd["platform"] = {"os": "linux", "architecture": "amd64"}
    arm["platform"] = {"os": "linux", "architecture": "arm64"}
    server.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd, arm]}, "1")
    with Repository(f"{server.name}:1") as repository:
        assert repository.image(Platform("linux", "arm64")).digest == arm["digest"]
    assert amd["digest"] not in str(server.asked)


def test_what_an_image_says_cannot_act(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b[2J\nlinux/amd64  forged\u202e\x9b"
    labels = {RUNTIME.prefix + "binary": evil, RUNTIME.prefix + "x\nforged": "1"}
    config = {"os": "linux", "architecture": "amd64", "config": {"Labels": labels, "Cmd": [evil]}}
    put(server, json.dumps(config).encode(), archive(entry("a")))
    assert main(["inspect", f"{server.name}:1"]) == 1
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    assert "\nlinux/amd64  forged" not in out
    assert len(out.splitlines()) == 7


@pytest.mark.parametrize("when", ["head", "body", "status"])
def test_a_byte_at_a_time(when: str) -> None:
    """Such a server is left, however long it could go on."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                if when == "body":
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                elif when == "head":
                    peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.05):
                    peer.sendall(b"x")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with (
            pytest.raises(ImageError, match=r"longer than 0\.3 seconds|does not answer"),
            Repository(f"127.0.0.1:{port}/x:1", seconds=0.3) as repository,
        ):
            repository.image()
    finally:
        over.set()
        listener.close()
        thread.join()


class TestCredentials:
    """Who is sent Docker's own, and who is not."""

    @pytest.fixture(autouse=True)
    def configured(self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path / "docker"
        self.folder.mkdir()
        monkeypatch.setenv("DOCKER_CONFIG", str(self.folder))
        self.host = server.name.partition("/")[0]
        self.write({"auths": {self.host: {"auth": b64encode(b"me:secret").decode()}}})

    def write(self, config: object) -> None:
        (self.folder / "config.json").write_text(json.dumps(config))

    BASIC = "Basic " + b64encode(b"me:secret").decode()

    def challenge(self, server: Server, challenge: str) -> None:
        headers = {"WWW-Authenticate": challenge} if challenge else {}
        server.answers["/v2/x/manifests/1"] = (401, b"{}", headers)

    def sent(self, server: Server) -> list[str]:
        with (
            pytest.raises(ImageError, match="access denied"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()
        return [authorization for _, authorization in server.asked]

    def test_basic(self, server: Server) -> None:
        self.challenge(server, 'Basic realm="x"')
        assert self.sent(server) == ["", self.BASIC]

    def test_a_token(self, server: Server) -> None:
        realm = f"http://{self.host}/token"
        self.challenge(server, f'Bearer realm="{realm}",service="s",scope="repository:x:pull"')
        server.answers["/token"] = (200, b'{"token":"abc"}', {})
        assert self.sent(server) == ["", self.BASIC, "Bearer abc"]
        assert server.asked[1][0] == "/token?service=s&scope=repository%3Ax%3Apull"

    @pytest.mark.parametrize(
        "token", [b"", b"null", b"[]", b'{"token":1}', b'{"token":"a\\nb: c"}', NESTED]
    )
    def test_a_token_that_is_none(self, server: Server, token: bytes) -> None:
        self.challenge(server, f'Bearer realm="http://{self.host}/token"')
        server.answers["/token"] = (200, token, {})
        assert self.sent(server) == ["", self.BASIC]

    @pytest.mark.parametrize("challenge", ["", "Bearer", 'Bearer service="x"', "Odd realm=1", ","])
    def test_a_challenge_that_asks_nothing(self, server: Server, challenge: str) -> None:
        self.challenge(server, challenge)
        assert self.sent(server) == [""]

    def test_none_in_clear_to_another_machine(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("it was connected to")

        self.challenge(server, 'Bearer realm="http://evil.example/token"')
        before = socket.create_connection

        def connect(address: tuple[str, int], *rest: object) -> socket.socket:
            assert address[0] == "localhost"
            return before(address)

        monkeypatch.setattr(socket, "create_connection", connect)
        with (
            pytest.raises(ImageError, match="names plain HTTP on another machine"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()

    def test_none_to_where_it_is_redirected(self, server: Server) -> None:
        self.challenge(server, 'Basic realm="x"')
        other = Server()
        blobs = {"Location": f"http://127.0.0.1:{other.http.server_port}/elsewhere"}
        server.answers["/v2/x/manifests/1"] = (307, b"", blobs)
        repository = Repository(f"{server.name}:1")
        vars(repository)["_transport"]._authorization = self.BASIC
        with pytest.raises(ImageError, match="not found"):
            repository.image()
        assert [said for _, said in server.asked] == [self.BASIC]
        assert [said for _, said in other.asked] == [""]
        other.http.shutdown()
        other.http.server_close()

    def test_a_helper(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        helper = tmp_path / "docker-credential-mine"
        helper.write_text(
            '#!/bin/sh\nread host\n[ "$1" = get ] || exit 1\n'
            'echo "{\\"Username\\":\\"me\\",\\"Secret\\":\\"secret\\"}"\n'
        )
        helper.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        self.write({"credHelpers": {self.host: "mine"}})
        self.challenge(server, 'Basic realm="x"')
        assert self.sent(server) == ["", self.BASIC]

    @pytest.mark.parametrize(
        "config", [[], {"auths": ["x"]}, {"auths": {"HOST": {"auth": "!"}}}, {"credsStore": "../x"}]
    )
    def test_a_configuration_that_is_none(self, server: Server, config: Any) -> None:
        self.write(json.loads(json.dumps(config).replace("HOST", self.host)))
        self.challenge(server, 'Basic realm="x"')
        with (
            pytest.raises(ImageError, match="is not Docker's configuration"),
            Repository(f"{server.name}:1") as repository,
        ):
            repository.image()
