"""How the BSDs' packages come: whom to trust, and what a step says that gets nothing."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from frameworks import exits
from frameworks.bsd.steps import fetching
from frameworks.bsd.steps.fetching import Unknown, Unreachable, Wrong, get


def test_the_statuses() -> None:
    """They are written twice, as nothing else of hutch is where these programs run."""
    assert Unreachable.status == exits.NO_NETWORK
    assert Unknown.status == exits.NO_PACKAGE


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of its own for this machine, with its key in the same file."""
    key, cert = tmp_path / "key", tmp_path / "cert"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    (tmp_path / "both").write_text(key.read_text() + cert.read_text())
    return cert


@contextmanager
def served(both: Path) -> Iterator[str]:
    """The URL of a server that this certificate is of."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://localhost:{server.server_address[1]}/x"
    finally:
        server.shutdown()
        server.server_close()


def test_the_secret_ca_says_whom_to_trust(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "ca"
    monkeypatch.setattr(fetching, "CA", secret)
    with served(tmp_path / "both") as url:
        for text in (None, ""):  # a build that was given none, and one whose file is empty
            if text is not None:
                secret.write_text(text)
            with pytest.raises(Wrong, match="self-signed certificate") as caught:
                get(url)
            assert caught.value.status == 1
            assert "the secret 'ca' says whom to trust" in str(caught.value)
        secret.write_text("no certificates")
        with pytest.raises(Wrong, match="the secret 'ca' has no certificates"):
            get(url)
        secret.write_text(certificate.read_text())
        assert get(url) == b"ok"


def test_what_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"^http://nowhere\.invalid/x: "):
        get("http://nowhere.invalid/x")
    with pytest.raises(Unreachable, match=r"^http://127\.0\.0\.1:1/x: .*refused"):
        get("http://127.0.0.1:1/x")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nab", "IncompleteRead"),
        (b"HTTP/1.0 500 Oh\r\n\r\n", "500 Oh"),
    ],
)
def test_an_answer_that_is_none(answer: bytes, said: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def once() -> None:
            with closing(server.accept()[0]) as talk:
                talk.recv(1 << 16)
                talk.sendall(answer)

        threading.Thread(target=once, daemon=True).start()
        with pytest.raises(Wrong, match=said) as caught:
            get(f"http://127.0.0.1:{server.getsockname()[1]}/x")
        assert caught.value.status == 1
