"""HTTP to a registry: within a time, with Docker's credentials, and with none of them in clear.

    transport = Transport("registry.example.com", scope="repository:app:pull", seconds=300)
    with transport.get("/v2/app/manifests/1", {"Accept": "..."}) as response:
        response.status, response.header("Content-Type"), response.read(1 << 16)

Whatever a server does, every call ends within the time that a Transport has in all, and raises
TransportError with a line for the user. Standard library alone: what there is to get right here
(a deadline over every byte, who is sent which credentials) the usual libraries leave open.

Sources: the distribution project's docs/content/spec/auth (token.md, oauth.md); Docker's
cli/config/configfile and docker-credential-helpers for where credentials are.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import time
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

from llb import strictjson

_STEP = 30
"""The most seconds that a server may be silent."""
_REDIRECTIONS = 5
_MOST_ANSWER = 1 << 20
_HUB = "registry-1.docker.io"
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", _HUB)
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_CHALLENGE = re.compile(r'([a-zA-Z_]+)=(?:"([^"]*)"|([^\s,"]+))')


class TransportError(OSError):
    """Why a server cannot be talked to, in one line for the user."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Docker's configuration has for a registry; `identity` is a token for a password."""

    user: str = ""
    password: str = ""
    identity: str = ""

    @property
    def basic(self) -> str:
        """The value of an `Authorization` header."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()


def is_loopback(host: str) -> bool:
    """Whether `host` (with or without a port) is this machine, by its name alone."""
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return name in ("localhost", "[::1]") or re.fullmatch(r"127(\.\d{1,3}){3}", name) is not None


class Response:
    """An answer, whose body is read as it comes."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse):
        self._connection = connection
        self._answer = answer
        self.status = answer.status

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()
        self._connection.close()

    def header(self, name: str) -> str:
        """A header's value, "" where there is none."""
        return self._answer.headers.get(name) or ""

    def headers(self, name: str) -> list[str]:
        """All values of a header."""
        return self._answer.headers.get_all(name) or []

    def read(self, size: int) -> bytes:
        """The next bytes, up to `size`; none at the end. Raises TransportError."""
        try:
            return self._answer.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportError(_reason(error)) from None

    def all(self, most: int) -> bytes:
        """The whole body. Raises TransportError where it has more than `most` bytes."""
        found = bytearray()
        while piece := self.read(1 << 16):
            found += piece
            if len(found) > most:
                raise TransportError(f"the answer is larger than {most >> 20} MiB")
        return bytes(found)


class Transport:
    """One registry, for one scope of it, and so many `seconds` for all that is asked of it."""

    def __init__(self, host: str, scope: str, seconds: float, *, plain: bool = False) -> None:
        """With `plain` the registry is spoken to without TLS, wherever it is."""
        self._host = host
        self._scope = scope
        self._ends = time.monotonic() + seconds
        self._seconds = seconds
        self._plain = plain
        self._scheme = "http" if plain or is_loopback(host) else "https"
        self._authorization = ""
        self._context: ssl.SSLContext | None = None

    def get(self, path: str, headers: dict[str, str]) -> Response:
        """GET a path of the registry, which is asked for credentials if it wants them.

        The answer may be of any status but 401. Raises TransportError.
        """
        return self._admitted(lambda: self._follow(f"{self._base}{path}", headers))

    def send(
        self,
        method: str,
        to: str,
        headers: dict[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
    ) -> Response:
        """Another request than GET, to a path or to an address that the registry has named.

        `body` is sent from its start; a file is one that can seek. Nothing is redirected, and
        whoever is not the registry itself is sent no credentials. The answer may be of any status
        but 401. Raises TransportError.
        """
        url = urljoin(self._base, to)
        size = 0
        if isinstance(body, bytes):
            size = len(body)
        elif body is not None:
            size = body.seek(0, os.SEEK_END)

        def once() -> Response:
            sent = {"Content-Length": str(size), **(headers or {})}
            if self._authorization and urlsplit(url).netloc == urlsplit(self._base).netloc:
                sent["Authorization"] = self._authorization
            if body is not None and not isinstance(body, bytes):
                body.seek(0)
            return self._request(method, url, sent, body)

        return self._admitted(once)

    @property
    def _base(self) -> str:
        return f"{self._scheme}://{self._host}"

    def _admitted(self, ask: Callable[[], Response]) -> Response:
        """What a request is answered, with the credentials that the registry asks for."""
        for known in (bool(self._authorization), False):
            response = ask()
            if response.status != 401:
                return response
            with response:
                challenges = response.headers("WWW-Authenticate")
            self._authorization = ""
            self._authorization = self._answer(challenges)
            if not known:
                break
        response = ask()
        if response.status == 401:
            with response:
                raise TransportError("access denied")
        return response

    # --- requests ---

    def _follow(self, url: str, headers: dict[str, str]) -> Response:
        """GET, and go where it is redirected to; only the registry itself is sent credentials."""
        start = urlsplit(url).netloc
        for _ in range(_REDIRECTIONS + 1):
            sent = dict(headers)
            if self._authorization and urlsplit(url).netloc == start:
                sent["Authorization"] = self._authorization
            response = self._request("GET", url, sent)
            if response.status not in (301, 302, 303, 307, 308):
                return response
            with response:
                url = urljoin(url, response.header("Location"))
        raise TransportError(f"it was redirected more than {_REDIRECTIONS} times")

    def _request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | IO[bytes] | None = None,
    ) -> Response:
        """One request. Raises TransportError, also for plain HTTP to another machine."""
        try:
            to = urlsplit(url)
            host, port = to.hostname or "", to.port
            secure = to.scheme == "https"
            if not host or to.scheme not in ("http", "https"):
                raise TransportError(f"it names an address that is none: {url[:200]!r}")
            asked = self._plain and to.netloc == self._host
            if not secure and not asked and not is_loopback(to.netloc.rpartition("@")[2]):
                raise TransportError(f"it names plain HTTP on another machine: {url[:200]!r}")
            connection = self._connection(host, port, secure)
            target = to.path or "/"
            if to.query:
                target += f"?{to.query}"
            try:
                connection.request(method, target, body, {"User-Agent": "hutch", **headers})
                return Response(connection, connection.getresponse())
            except BaseException:
                connection.close()
                raise
        except TransportError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportError(_reason(error)) from None

    def _connection(self, host: str, port: int | None, secure: bool) -> http.client.HTTPConnection:
        proxy = None
        if not is_loopback(f"[{host}]" if ":" in host else host):
            name = urllib.request.getproxies().get("https" if secure else "http")
            if name and not urllib.request.proxy_bypass(host):
                proxy = urlsplit(name if "://" in name else f"http://{name}")
        timeout = self._left()
        connection: http.client.HTTPConnection
        if secure:
            if self._context is None:
                self._context = ssl.create_default_context()
                self._context.sslsocket_class = _timed(ssl.SSLSocket, self._left)
            to = (proxy.hostname or "", proxy.port) if proxy is not None else (host, port)
            connection = http.client.HTTPSConnection(
                to[0], to[1], timeout=timeout, context=self._context
            )
            if proxy is not None:
                known = {}
                if proxy.username:
                    said = Credentials(proxy.username, proxy.password or "")
                    known["Proxy-Authorization"] = said.basic
                connection.set_tunnel(host, port or 443, known)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        plain = _timed(socket.socket, self._left)

        def connect(address: tuple[str, int], *_: object) -> socket.socket:
            made = socket.create_connection(address, self._left())
            timed: socket.socket = plain(made.family, made.type, made.proto, made.detach())
            timed.settimeout(self._left())
            return timed

        vars(connection)["_create_connection"] = connect
        return connection

    def _left(self) -> float:
        """The seconds that the next step may take. Raises TimeoutError where none are left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"it took longer than {self._seconds:g} seconds")
        return min(left, _STEP)

    # --- credentials ---

    def _answer(self, challenges: list[str]) -> str:
        """The `Authorization` header that answers a registry's challenges."""
        credentials = docker_credentials(self._host)
        for challenge in challenges:
            kind, _, rest = challenge.strip().partition(" ")
            values = {key.lower(): one or two for key, one, two in _CHALLENGE.findall(rest)}
            if kind.lower() == "basic":
                if credentials is None or credentials.identity:
                    raise TransportError("access denied, and there are no credentials for it")
                return credentials.basic
            if kind.lower() == "bearer":
                if not values.get("realm"):
                    raise TransportError("access denied, and it does not say who gives access")
                return self._token(values, credentials)
        raise TransportError("access denied, and it does not say how access is given")

    def _token(self, asked: dict[str, str], credentials: Credentials | None) -> str:
        realm = asked["realm"]
        values = {"service": asked.get("service", ""), "scope": asked.get("scope") or self._scope}
        headers: dict[str, str] = {}
        if credentials is not None and credentials.identity:
            values |= {
                "grant_type": "refresh_token",
                "client_id": "hutch",
                "refresh_token": credentials.identity,
            }
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            response = self._request("POST", realm, headers, urlencode(values).encode())
        else:
            if credentials is not None:
                headers["Authorization"] = credentials.basic
            mark = "&" if "?" in realm else "?"
            response = self._request("GET", f"{realm}{mark}{urlencode(values)}", headers)
        with response:
            if response.status != 200:
                raise TransportError(f"access denied (HTTP status {response.status} for a token)")
            data = response.all(_MOST_ANSWER)
        try:
            said = strictjson.loads(data)
            token = said.get("token") or said.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise TransportError("access denied: what should be a token is none")
        return f"Bearer {token}"


def docker_credentials(host: str) -> Credentials | None:
    """What Docker's own configuration has for a registry; None for nothing.

    Raises TransportError for a configuration that cannot be read.
    """
    home = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    path = os.path.join(home, "config.json")
    try:
        with open(path, "rb") as file:
            config = strictjson.loads(file.read(_MOST_ANSWER + 1))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise TransportError(f"{path} cannot be read: {error}") from None
    names = _HUB_KEYS if host == _HUB else (host, f"https://{host}", f"https://{host}/v1/")
    try:
        helper = (config.get("credHelpers") or {}).get(host) or config.get("credsStore")
        if helper:
            return _of_helper(helper, names[0])
        for key, entry in (config.get("auths") or {}).items():
            if key in names:
                return _of_entry(entry)
    except (ValueError, AttributeError, TypeError) as error:
        raise TransportError(f"{path} is not Docker's configuration: {error}") from None
    return None


def _of_entry(entry: dict[str, Any]) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials(identity=str(token))
    if auth := entry.get("auth"):
        user, _, password = b64decode(auth, validate=True).decode().partition(":")
        return Credentials(user, password.rstrip("\0"))
    if entry.get("username"):
        return Credentials(str(entry["username"]), str(entry.get("password", "")))
    return None


def _of_helper(helper: str, server: str) -> Credentials | None:
    """Ask `docker-credential-HELPER`, as Docker does."""
    import subprocess

    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        raise ValueError(f"{helper!r} is not the name of a credential helper")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_STEP, check=False
        )
    except FileNotFoundError:
        raise TransportError(
            f"Docker's configuration names {program}, which is not there"
        ) from None
    except subprocess.TimeoutExpired:
        raise TransportError(f"{program} did not answer in {_STEP} seconds") from None
    if done.returncode != 0:
        return None  # it has none for this server
    said = json.loads(done.stdout)
    user, secret = str(said.get("Username", "")), str(said.get("Secret", ""))
    return Credentials(identity=secret) if user == "<token>" else Credentials(user, secret)


def _timed(base: type[Any], left: Any) -> type[Any]:
    """A kind of socket of which each read has what is `left` of the time, however little comes."""

    class Timed(base):  # type: ignore[misc]
        def recv_into(self, *args: Any, **kwargs: Any) -> int:
            self.settimeout(left())
            return int(super().recv_into(*args, **kwargs))

    return Timed


def _reason(error: Exception) -> str:
    """The words of an error of the network's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not right: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return str(error) if "longer than" in str(error) else "it does not answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
