"""A docker client for the tests of flags: builds with the real daemon, reads what came out.

`HUTCH_TEST_ENGINE` picks one of the engine's Dockers: 28 (the default), 28-classic, 20.10.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Builder

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json,"
    "application/vnd.docker.distribution.manifest.list.v2+json,"
    "application/vnd.docker.distribution.manifest.v2+json"
)

FILE = """\
version: v1
platforms:
  framework: generic
  monitor: qemu
kernel:
  from: local
  path: kernel
rootfs:
  include:
    - hello:/hello
cmd: [/hello]
"""


@dataclass(frozen=True)
class Done:
    """How a build ended: `text` is all that docker printed."""

    status: int
    out: str
    text: str

    def ok(self) -> Done:
        assert self.status == 0, self.text
        return self

    def failed(self) -> str:
        """The output without progress lines. The build must have failed."""
        assert self.status != 0, self.text
        return "\n".join(x for x in self.text.splitlines() if not x.startswith("#"))

    def vertices(self) -> dict[str, str]:
        """The steps by name: `cached`, or `run`."""
        names: dict[str, str] = {}
        states: dict[str, str] = {}
        for line in self.text.splitlines():
            number, _, rest = line.partition(" ")
            if not number.startswith("#"):
                continue
            if rest == "CACHED":
                states[number] = "cached"
            elif not rest.startswith(("DONE", "ERROR", "...")) and number not in names:
                names[number] = rest
        return {name: states.get(number, "run") for number, name in names.items()}


@dataclass(frozen=True)
class Image:
    """What a registry has under a name."""

    index: dict[str, Any] | None
    manifest: dict[str, Any]
    config: dict[str, Any]
    manifests: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        return self.config["config"].get("Labels") or {}

    @property
    def annotations(self) -> dict[str, str]:
        return self.manifest.get("annotations") or {}


class Hutch:
    """One Docker, with one build of hutch as the frontend."""

    def __init__(self, engine: str, image: str, environ: Mapping[str, str] | None = None) -> None:
        listed = run_engine("env", engine, "--json", environ=environ)
        self.engine = engine
        self.environ = {**os.environ, **json.loads(listed)}
        self.registry = self.environ["HUTCH_REGISTRY"]
        self.image = image

    # --- what the engine can do ---

    @property
    def is_old(self) -> bool:
        """BuildKit 0.8 of Docker 20.10."""
        return self.engine == "20.10"

    @property
    def has_containerd_store(self) -> bool:
        return self.engine == "28"

    def marks(self, text: str, line: str) -> bool:
        """Whether a line of the file is marked: by buildx, or with Docker 20.10 in the message."""
        return f">>> {line}" in text

    # --- running ---

    def docker(
        self,
        *args: str,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Done:
        done = subprocess.run(
            ["docker", *args],
            env={**self.environ, **(env or {})},
            cwd=cwd,
            capture_output=True,
            input=data,
            timeout=900,
        )
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return Done(done.returncode, out, out + err)

    def build(
        self,
        context: Path | str,
        *args: str,
        file: str | None = "bunnyfile",
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """`docker buildx build` with plain progress."""
        named: tuple[str, ...] = ()
        if file is not None:
            named = ("-f", str(context / file) if isinstance(context, Path) else file)
        command = ("buildx", "build", "--progress=plain", *named, *args, str(context))
        return self.docker(*command, data=data, env=env)

    def files(self, to: Path, context: Path | str, *args: str, **more: Any) -> Path:
        """Build to a directory."""
        out = to / uuid.uuid4().hex
        self.build(context, "--output", f"type=local,dest={out}", *args, **more).ok()
        return out

    def push(self, context: Path | str, *args: str, **more: Any) -> Image:
        """Build to the registry, and read it back."""
        name = f"hutch-test/flags-{uuid.uuid4().hex[:12]}"
        self.build(context, "--push", "-t", f"{self.registry}/{name}:1", *args, **more).ok()
        return self.pull(name)

    def pull(self, name: str, tag: str = "1") -> Image:
        top = self._manifest(name, tag)
        if "manifests" not in top:
            return Image(None, top, self._blob(name, top["config"]["digest"]))
        found = {}
        for entry in top["manifests"]:
            platform = entry.get("platform") or {}
            if platform.get("os") == "unknown":
                continue
            found[f"{platform['os']}/{platform['architecture']}"] = entry["digest"]
        manifests = {key: self._manifest(name, digest) for key, digest in found.items()}
        first = next(iter(manifests.values()))
        return Image(top, first, self._blob(name, first["config"]["digest"]), manifests)

    def attestations(self, name: str, tag: str = "1") -> list[dict[str, Any]]:
        """Every in-toto statement of an image, of whatever platform."""
        top = self._manifest(name, tag)
        found = []
        for entry in top.get("manifests", ()):
            if (entry.get("platform") or {}).get("os") == "unknown":
                manifest = self._manifest(name, entry["digest"])
                found += [self._blob(name, layer["digest"]) for layer in manifest["layers"]]
        return found

    def config(self, name: str, manifest: dict[str, Any]) -> dict[str, Any]:
        return self._blob(name, manifest["config"]["digest"])

    def _manifest(self, name: str, reference: str) -> dict[str, Any]:
        url = f"http://{self.registry}/v2/{name}/manifests/{reference}"
        request = urllib.request.Request(url, headers={"Accept": MANIFESTS})
        return self._json(request)

    def _blob(self, name: str, digest: str) -> dict[str, Any]:
        return self._json(
            urllib.request.Request(f"http://{self.registry}/v2/{name}/blobs/{digest}")
        )

    @staticmethod
    def _json(request: urllib.request.Request) -> dict[str, Any]:
        with urllib.request.urlopen(request) as answer:
            value = json.load(answer)
        assert isinstance(value, dict)
        return value

    def project(self, folder: Path, file: str = FILE, **files: str) -> Path:
        """A directory with a bunnyfile, a kernel and a program that are only bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bunnyfile").write_text(self.bunnyfile(file))
        (folder / "kernel").write_text("KERNEL")
        (folder / "hello").write_text("HELLO")
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    def bunnyfile(self, file: str = FILE) -> str:
        return f"# syntax={self.image}\n{file}"


def run_engine(verb: str, engine: str, *more: str, environ: Mapping[str, str] | None = None) -> str:
    """`python3 -m engine VERB` for one Docker; its output."""
    name, _, store = engine.partition("-")
    choice = ["--engine", name] + (["--store", store] if store else [])
    drop = ("DOCKER_HOST", "BUILDKIT_HOST")
    done = subprocess.run(
        [sys.executable, "-m", "engine", verb, *choice, *more],
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if k not in drop}, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def pruned(hutch: Hutch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hutch]:
    """A second engine of the same kind, whose cache is nobody else's and may be pruned."""
    state = tmp_path_factory.mktemp("engine")
    roots = Path(hutch.environ["DOCKER_CONFIG"]).parent / "roots"
    if not roots.is_dir() or os.geteuid() != 0:
        pytest.skip("needs the private engine")
    (state / "roots").symlink_to(roots)
    environ = {"HUTCH_ENGINE_DIR": str(state), "HUTCH_REGISTRY": hutch.registry}
    run_engine("up", hutch.engine, environ=environ)
    yield Hutch(hutch.engine, hutch.image, environ)
    run_engine("down", hutch.engine, environ=environ)


@pytest.fixture(scope="session")
def hutch(builder: Builder) -> Hutch:
    """The engine under test, which is started if it is not up, and the frontend of `builder`."""
    engine = os.environ.get("HUTCH_TEST_ENGINE") or "28"
    run_engine("up", engine)
    return Hutch(engine, builder.frontend)


@pytest.fixture
def project(hutch: Hutch, tmp_path: Path) -> Path:
    return hutch.project(tmp_path / "project")


def tree(folder: Path) -> dict[str, str]:
    """Files below a folder -> their text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def serve(
    folder: Path, respond: Callable[[http.server.SimpleHTTPRequestHandler], bool] | None = None
) -> Iterator[str]:
    """Files over http on loopback; `respond` may answer a request itself."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def do_GET(self) -> None:
            if respond is None or not respond(self):
                super().do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def git(folder: Path, *args: str, when: int = 1_600_000_000) -> str:
    """Run git with a fixed author and time."""
    who = {"NAME": "hutch", "EMAIL": "hutch@example.com", "DATE": f"{when} +0000"}
    env = {
        f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()
    }
    command = ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *args]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env={**os.environ, **env}
    )
    return done.stdout.decode().strip()


def repository(work: Path, bare: Path, when: int = 1_600_000_000) -> str:
    """Commit everything in `work`, publish it as `bare` for plain http; returns the commit."""
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-qm", "all", when=when)
    git(work, "clone", "-q", "--bare", ".", str(bare))
    git(bare, "update-server-info")
    return git(work, "rev-parse", "HEAD")
