"""`hutch lock` against registries and git servers on the loopback interface."""

from __future__ import annotations

import hashlib
import http.server
import io
import itertools
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from frontend.cli import lookup, main
from frontend.images import docker

INDEX = "application/vnd.oci.image.index.v1+json"


class Registry:
    """Tags with their manifests, which change when the registry is told to."""

    def __init__(self) -> None:
        self.tags: dict[str, bytes] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = outer.tags.get(self.path.removeprefix("/v2/").replace("/manifests/", ":"))
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", INDEX)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"localhost:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def push(self, tag: str, content: str) -> str:
        """Put a manifest under a tag; returns its digest."""
        self.tags[tag] = json.dumps({"mediaType": INDEX, "x": content}).encode()
        return "sha256:" + hashlib.sha256(self.tags[tag]).hexdigest()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry, which is Docker Hub's mirror, too."""
    found = Registry()

    class Docker:
        def ask(self, *words: str) -> Any:
            assert words == ("info", "--format", "{{json .RegistryConfig.Mirrors}}")
            answer = json.dumps([f"http://{found.host}/"])
            return subprocess.CompletedProcess(words, 0, answer, "")

    monkeypatch.setattr(docker, "find", Docker)
    yield found
    found.http.shutdown()
    found.http.server_close()


def git(*words: str, at: Path) -> str:
    """Run git; returns what it prints."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.org"}
    done = subprocess.run(
        ["git", *words], cwd=at, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Repository:
    """A repository that is served by plain HTTP."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        git("init", "-q", "-b", "main", ".", at=self.work)
        self.first = self.commit("one")
        handler = partial(_Files, directory=str(folder))
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/work/.git"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def commit(self, text: str) -> str:
        """Commit something; returns the hash."""
        (self.work / "file").write_text(text)
        git("add", "file", at=self.work)
        git("commit", "-q", "-m", text, at=self.work)
        self.publish()
        return git("rev-parse", "HEAD", at=self.work)

    def publish(self) -> None:
        """Tell clients of plain HTTP what there is."""
        git("update-server-info", at=self.work)


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    found = Repository(tmp_path / "git")
    yield found
    found.http.shutdown()
    found.http.server_close()


def _project(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "bunnyfile").write_text(text)
    return folder


def _lock(folder: Path) -> dict[str, Any]:
    text = (folder / "bunnyfile.lock").read_text()
    found: dict[str, Any] = json.loads(text[text.index("{") :])
    return found


def _file(registry: Registry, more: str = "") -> str:
    return (
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: local, path: kernel}\n"
        f"rootfs:\n  from: {registry.host}/base:1\n  include:\n"
        f"  - {{from: 'debian:trixie-slim', source: /a, destination: /a}}\n{more}"
        "cmd: [a]\n"
    )


def test_images(registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _project(tmp_path, _file(registry))
    base, debian = registry.push("base:1", "a"), registry.push("library/debian:trixie-slim", "b")
    assert main(["lock", "--check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert f"bunnyfile:5:9: {folder}/bunnyfile.lock lacks {registry.host}/base:1\n" in out
    assert "there is no" in out
    assert registry.asked == []

    assert main(["lock", str(folder)]) == 0
    assert _lock(folder) == {
        "version": 1,
        "images": {f"{registry.host}/base:1": base, "debian:trixie-slim": debian},
    }
    assert main(["lock", "--check", str(folder)]) == 0

    # What is locked stays, until it is to be renewed: by name, or all of it.
    moved = registry.push("base:1", "c")
    newer = registry.push("library/debian:trixie-slim", "d")
    before = (folder / "bunnyfile.lock").read_bytes()
    assert main(["lock", str(folder)]) == 0
    assert (folder / "bunnyfile.lock").read_bytes() == before
    assert main(["lock", "--update", str(folder), "debian:trixie-slim"]) == 0
    assert _lock(folder)["images"] == {f"{registry.host}/base:1": base, "debian:trixie-slim": newer}
    capsys.readouterr()
    assert main(["lock", "--update", "--json", str(folder)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["entries"] == [
        {"change": "same", "name": "debian:trixie-slim", "old": newer, "new": newer},
        {"change": "changed", "name": f"{registry.host}/base:1", "old": base, "new": moved},
    ]


def test_what_nobody_asks_for_any_more(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _project(tmp_path, _file(registry))
    registry.push("base:1", "a")
    registry.push("library/debian:trixie-slim", "b")
    assert main(["lock", str(folder)]) == 0
    file = folder / "bunnyfile"
    file.write_text(file.read_text().replace("debian:trixie-slim", f"{registry.host}/base:1"))
    assert main(["lock", "--check", "--json", str(folder)]) == 1
    said = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert said == {
        "file": f"{folder}/bunnyfile.lock",
        "lacking": [],
        "stale": ["debian:trixie-slim"],
    }
    assert main(["lock", str(folder)]) == 0
    assert list(_lock(folder)["images"]) == [f"{registry.host}/base:1"]
    assert "debian:trixie-slim: removed" in capsys.readouterr().out


def test_a_build_context_is_not_looked_up(registry: Registry, tmp_path: Path) -> None:
    folder = _project(tmp_path, _file(registry))
    registry.push("base:1", "a")
    words = ["lock", str(folder), "--build-context", "debian:trixie-slim=docker-image://x"]
    assert main(words) == 0
    assert list(_lock(folder)["images"]) == [f"{registry.host}/base:1"]


def test_the_images_of_a_dockerfile(registry: Registry, tmp_path: Path) -> None:
    folder = _project(
        tmp_path,
        "version: v1\nargs: {TAG: '1'}\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: local, path: kernel}\nrootfs: {dockerfile: Dockerfile}\ncmd: [a]\n",
    )
    (folder / "Dockerfile").write_text(
        f"ARG TAG\nFROM {registry.host}/base:$TAG AS one\nFROM scratch AS two\nFROM one\n"
        f"COPY --from={registry.host}/files:1 /a /a\nCOPY --from=one /b /b\n"
        f"RUN --mount=type=bind,from={registry.host}/tools:1,target=/t --mount=from=0 true\n"
    )
    for tag in ("base:1", "files:1", "tools:1"):
        registry.push(tag, tag)
    assert main(["lock", str(folder)]) == 0
    names = [f"{registry.host}/{each}:1" for each in ("base", "files", "tools")]
    assert list(_lock(folder)["images"]) == names


def test_a_dockerfile_as_the_build_file(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        f"ARG TAG=1\nFROM {registry.host}/base:$TAG AS one\nFROM scratch\n"
        f"COPY --from={registry.host}/files:1 /a /a\nCOPY --from=one /b /b\n"
        'LABEL com.urunc.unikernel.unikernelType="linux"\n'
    )
    registry.push("base:1", "a")
    assert main(["lock", str(file)]) == 1
    assert "Dockerfile:4:13: error: cannot read" in capsys.readouterr().err
    registry.push("files:1", "b")
    registry.push("library/debian:trixie-slim", "c")  # where its kernel is compiled
    assert main(["lock", str(file)]) == 0
    lock = json.loads(re.sub("^#.*$", "", (tmp_path / "Dockerfile.lock").read_text(), flags=re.M))
    names = [f"{registry.host}/{each}:1" for each in ("base", "files")]
    assert list(lock["images"]) == ["debian:trixie-slim", *names]
    assert main(["lock", "--check", str(file)]) == 0
    file.write_text(f"FROM {registry.host}/other:1\n")
    assert main(["lock", "--check", str(file)]) == 1


def test_an_image_that_is_not_there_is_told_at_its_line(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _project(tmp_path, _file(registry))
    registry.push("library/debian:trixie-slim", "b")
    assert main(["lock", str(folder)]) == 1
    assert f"bunnyfile:5:9: error: cannot read {registry.host}/base:1: not found" in (
        capsys.readouterr().err
    )
    assert not (folder / "bunnyfile.lock").exists()


def test_git(repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _project(
        tmp_path,
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        f"kernel: {{from: source, source: {{git: '{repository.url}', ref: v1}}}}\n"
        "toolchain: {from: tools}\n"
        f"app: {{from: '{repository.url}', build: make, artifacts: ['a:/a']}}\ncmd: [a]\n",
    )
    git("tag", "-a", "-m", "one", "v1", at=repository.work)
    second = repository.commit("two")
    words = ["lock", str(folder), "--build-context", "tools=docker-image://x"]
    assert main(words) == 0
    assert _lock(folder) == {
        "version": 1,
        "git": {
            f"{repository.url}#HEAD": {"ref": "HEAD", "commit": second},
            # An annotated tag is an object of its own: the lock has its commit.
            f"{repository.url}#v1": {"ref": "refs/tags/v1", "commit": repository.first},
        },
    }
    # git takes a branch of the same name first.
    git("branch", "v1", at=repository.work)
    repository.publish()
    assert main([*words, "--update"]) == 0
    assert _lock(folder)["git"][f"{repository.url}#v1"] == {
        "ref": "refs/heads/v1",
        "commit": second,
    }
    (folder / "bunnyfile").write_text(
        (folder / "bunnyfile").read_text().replace("ref: v1", "ref: none")
    )
    capsys.readouterr()
    assert main(words) == 1
    err = capsys.readouterr().err
    assert f"error: {repository.url} has no branch and no tag 'none'" in err
    assert "bunnyfile:3:" in err


def test_words_that_make_no_sense(
    registry: Registry,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = _project(tmp_path, _file(registry))
    for words, said in (
        ([str(folder), "debian"], "names are for --update"),
        (["--check", "--update", str(folder)], "--check writes nothing"),
    ):
        with pytest.raises(SystemExit) as raised:
            main(["lock", *words])
        assert raised.value.code == 2
        assert said in capsys.readouterr().err
    assert main(["lock", "--update", str(folder), "debian:trixie"]) == 1
    assert "has no entry 'debian:trixie': one of: " in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"version: v1\n")))
    assert main(["lock", "-"]) == 1
    assert "standard input is beside nothing" in capsys.readouterr().err


def test_a_lock_that_cannot_be_read_is_written_anew_by_update_alone(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _project(tmp_path, _file(registry))
    registry.push("base:1", "a")
    registry.push("library/debian:trixie-slim", "b")
    (folder / "bunnyfile.lock").write_text('{"version": 1,\n<<<<<<< HEAD\n')
    assert main(["lock", str(folder)]) == 1
    assert "bunnyfile.lock:2:1: error: the lock file cannot be used" in capsys.readouterr().err
    assert main(["lock", "--update", str(folder)]) == 0
    assert len(_lock(folder)["images"]) == 2


def test_check_and_plan_read_it(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _project(tmp_path, _file(registry, "init: none\n"))
    base = registry.push("base:1", "a")
    registry.push("library/debian:trixie-slim", "b")
    assert main(["lock", str(folder)]) == 0
    text = (folder / "bunnyfile.lock").read_text()
    (folder / "bunnyfile.lock").write_text(text.replace("debian:trixie-slim", "debian:old"))
    (folder / "kernel").write_bytes(b"k")
    capsys.readouterr()
    assert main(["check", "--platform", "amd64", str(folder)]) == 0
    assert "UnlockedSource" in capsys.readouterr().out
    strict = ["--build-arg", "HUTCH_LOCK=strict", "--platform", "amd64", str(folder)]
    assert main(["check", *strict]) == 1
    err = capsys.readouterr().err
    assert "bunnyfile:7:12: error: 'debian:trixie-slim' is not in the lock file" in err
    assert main(["plan", "--platform", "amd64", str(folder)]) == 0
    fetched = json.loads(capsys.readouterr().out)["fetched"]
    assert f"docker-image://{registry.host}/base:1@{base}" in fetched
    assert main(["plan", "--build-arg", "HUTCH_LOCK=off", str(folder)]) == 0
    fetched = json.loads(capsys.readouterr().out)["fetched"]
    assert f"docker-image://{registry.host}/base:1" in fetched
    (folder / "bunnyfile.lock").unlink()
    assert main(["check", *strict]) == 1
    assert "HUTCH_LOCK=strict asks for" in capsys.readouterr().err


class Chooser:
    """A Docker whose builds choose packages: those that are asked for, each at one version."""

    def __init__(self, platform: str = "linux/amd64") -> None:
        self.platform = platform
        self.version = "1"
        self.targets: list[str] = []

    def ask(self, *words: str) -> Any:
        return subprocess.CompletedProcess(words, 0, "[]", "")

    def works(self, *words: str) -> bool:
        return True

    def run(self, *words: str) -> int:
        given = dict(itertools.pairwise(words))
        assert "HUTCH_LOCK=off" in words
        self.targets.append(target := given["--target"])
        out = Path(given["--output"].partition("dest=")[2])
        if target == "builder":
            (out / "builder").write_text(self.platform)
            return 0
        for section in ("rootfs", "toolchain", "app"):
            url = f"http://m.example/{section}_{self.version}.deb"
            entry = {"name": section, "version": self.version, "url": url, "sha256": "1" * 64}
            (out / f"{section}.json").write_text(json.dumps([entry]))
        return 0


TOOLS = """\
version: v1
platforms: {framework: linux, monitor: qemu, architecture: amd64}
kernel: {from: local, path: kernel}
toolchain: {from: 'tools:1', packages: [clang]}
app: {from: local, packages: [cmake], build: make, artifacts: ['a:/a']}
cmd: [a]
"""
AMD64 = " for linux/amd64 on linux/amd64"
ARM64 = " for linux/amd64 on linux/arm64"


@pytest.fixture
def chooser(monkeypatch: pytest.MonkeyPatch) -> Chooser:
    """The Docker of these builds."""
    found = Chooser()
    monkeypatch.setattr(docker, "find", lambda: found)
    monkeypatch.setenv("HUTCH_FRONTEND", "hutch:test")
    return found


def test_packages_of_the_toolchain_and_the_application(
    chooser: Chooser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _project(tmp_path, TOOLS)
    context = ["--build-context", "tools:1=docker-image://x"]
    words = ["lock", str(folder), *context]
    assert main([*words, "--check"]) == 1
    out = capsys.readouterr().out
    assert "bunnyfile:4:41: " in out
    assert "lacks packages of toolchain for linux/amd64\n" in out
    assert "bunnyfile:5:31: " in out
    assert "lacks packages of app for linux/amd64\n" in out

    assert main(words) == 0
    assert chooser.targets == ["builder", "packages"]
    packages = _lock(folder)["packages"]
    assert {name: each["asked"] for name, each in packages.items()} == {
        f"toolchain{AMD64}": ["clang"],
        f"app{AMD64}": ["clang", "cmake"],
    }
    assert [each["version"] for each in packages[f"app{AMD64}"]["files"]] == ["1"]
    assert main([*words, "--check"]) == 0

    # What is locked stays; the builder is asked whether it is of its processor.
    chooser.version = "2"
    chooser.targets.clear()
    assert main(words) == 0
    assert chooser.targets == ["builder"]
    assert _lock(folder)["packages"] == packages
    assert main(["lock", "--update", str(folder), "packages", *context]) == 0
    assert _lock(folder)["packages"][f"app{AMD64}"]["files"][0]["version"] == "2"

    # A builder of another processor adds its own, and takes nobody's away.
    chooser.platform = "linux/arm64"
    assert main(words) == 0
    both = {f"{name}{on}" for name in ("toolchain", "app") for on in (AMD64, ARM64)}
    assert {*_lock(folder)["packages"]} == both
    assert main([*words, "--check"]) == 0


def test_packages_that_are_asked_for_no_more(
    chooser: Chooser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _project(tmp_path, TOOLS)
    words = ["lock", str(folder), "--build-context", "tools:1=docker-image://x"]
    assert main(words) == 0
    chooser.platform = "linux/arm64"
    assert main(words) == 0
    chooser.version = "2"
    file = folder / "bunnyfile"
    # Another package of the application's: the toolchain's below it are chosen with it.
    file.write_text(TOOLS.replace("[cmake]", "[cmake, ninja-build]"))
    capsys.readouterr()
    assert main([*words, "--check", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in said["lacking"]] == ["packages of app for linux/amd64"]
    assert said["stale"] == []
    assert main(words) == 0
    found = _lock(folder)["packages"]
    assert {name: each["files"][0]["version"] for name, each in found.items()} == {
        f"app{ARM64}": "2",
        f"toolchain{ARM64}": "2",
        f"toolchain{AMD64}": "1",
    }
    # None of the toolchain's: the application's are others then, too.
    file.write_text(TOOLS.replace(", packages: [clang]", ""))
    capsys.readouterr()
    assert main([*words, "--check"]) == 1
    out = capsys.readouterr().out
    assert f"nothing asks for packages of toolchain{ARM64} any more" in out
    assert "lacks packages of app for linux/amd64\n" in out
    assert main(words) == 0
    assert {*_lock(folder)["packages"]} == {f"app{ARM64}"}


def test_packages_over_another_image_are_chosen_anew(
    registry: Registry, chooser: Chooser, tmp_path: Path
) -> None:
    folder = _project(tmp_path, TOOLS.replace("tools:1", f"{registry.host}/tools:1"))
    first = registry.push("tools:1", "a")
    assert main(["lock", str(folder)]) == 0
    found = _lock(folder)["packages"][f"app{AMD64}"]
    assert found["base"] == f"{registry.host}/tools:1@{first}"
    second = registry.push("tools:1", "b")
    chooser.version = "2"
    assert main(["lock", "--update", str(folder), f"{registry.host}/tools:1"]) == 0
    found = _lock(folder)["packages"][f"app{AMD64}"]
    assert found["base"] == f"{registry.host}/tools:1@{second}"
    assert found["files"][0]["version"] == "2"


HEAD = "version: v1\nplatforms: {framework: %s, monitor: %s, architecture: amd64}\n"
KERNEL = "kernel: {from: source}\n"
PROGRAM = "app: {from: local, packages: [cmake], build: make, artifacts: ['a:/a']}\ncmd: [a]\n"
OVER = "toolchain: {packages: [clang]}\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD % ("linux", "qemu") + KERNEL + OVER + PROGRAM,
        HEAD % ("linux", "qemu") + KERNEL + "rootfs: {from: 'b:1', packages: [a]}\ncmd: [a]\n",
        HEAD % ("netbsd", "qemu") + KERNEL + OVER + PROGRAM,
        HEAD % ("netbsd", "qemu") + KERNEL + OVER.replace("{", "{from: 'b:1', ") + PROGRAM,
        HEAD % ("netbsd", "qemu") + KERNEL + OVER.replace("{", "{from: source, ") + PROGRAM,
        HEAD % ("freebsd", "qemu") + KERNEL + OVER + PROGRAM,
        HEAD % ("rumprun", "spt") + KERNEL + OVER + PROGRAM.replace("artifacts: ['a:/a']", ""),
        HEAD % ("mirage", "spt") + KERNEL + OVER + "app: {from: local, packages: [cmake]}\n",
        HEAD % ("unikraft", "qemu") + KERNEL + OVER + "app: {from: local, packages: [cmake]}\n",
    ],
)
def test_a_build_takes_what_was_locked(
    registry: Registry,
    chooser: Chooser,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
) -> None:
    """Each framework's compilers run in the image that its packages were chosen for."""
    folder = _project(tmp_path, text.replace("b:1", f"{registry.host}/b:1"))
    asked = lookup.Registries.digest
    monkeypatch.setattr(
        lookup.Registries,
        "digest",
        lambda self, name: asked(self, name) if "/" in name else "sha256:" + "ab" * 32,
    )
    registry.push("b:1", "a")
    strict = ["check", str(folder), "--build-arg", "HUTCH_LOCK=strict"]
    assert main(["lock", str(folder)]) == 0
    assert main(["lock", "--check", str(folder)]) == 0
    assert "base" in next(iter(_lock(folder)["packages"].values()))
    capsys.readouterr()
    assert main(strict) == 0, capsys.readouterr().err


def test_packages_of_another_image_are_not_locked(
    chooser: Chooser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are chosen anew: what was locked is of another distribution."""
    files = '[{"name": "nginx", "version": "1", "url": "http://m/n.deb", "sha256": "%s"}]'
    entry = f'{{"asked": ["nginx"], "base": "%s", "files": {files % ("1" * 64)}}}'
    digest = "sha256:" + "ab" * 32
    images = f'"images": {{"ubuntu:24.04": "{digest}"}}'
    text = HEAD % ("linux", "qemu") + "kernel: {from: local, path: kernel}\n"
    text += "rootfs: {from: 'ubuntu:24.04', packages: [nginx]}\ncmd: [nginx]\n"
    folder = _project(tmp_path, text)
    (folder / "kernel").write_bytes(b"k")
    lock = folder / "bunnyfile.lock"
    strict = ["check", str(folder), "--build-arg", "HUTCH_LOCK=strict"]
    for base, status in (("debian:trixie", 1), ("ubuntu:24.04", 1), (f"ubuntu:24.04@{digest}", 0)):
        packages = f'"packages": {{"linux/amd64": {entry % base}}}'
        lock.write_text(f'{{"version": 1, {images}, {packages}}}')
        assert main(["lock", "--check", str(folder)]) == status
        capsys.readouterr()
        assert main(strict) == status
        said = capsys.readouterr().err
        assert ("bunnyfile:4:43: error: 'nginx' is not in the lock file" in said) is bool(status)
        assert main(["llb", str(folder)]) == 0
        assert ("http://m/n.deb" in capsys.readouterr().out) is not bool(status)
    # Whatever a build context has in the image's place, the lock is all there is.
    lock.write_text(lock.read_text().replace(f"ubuntu:24.04@{digest}", "debian:trixie"))
    assert main([*strict, "--build-context", "ubuntu:24.04=docker-image://x"]) == 0


def test_check_asks_no_builder(
    chooser: Chooser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So the packages that were locked on any of them will do."""
    folder = _project(tmp_path, TOOLS)
    (folder / "kernel").write_bytes(b"k")
    chooser.platform = "linux/arm64"
    context = ["--build-context", "tools:1=docker-image://x"]
    assert main(["lock", str(folder), *context]) == 0
    strict = ["check", str(folder), *context, "--build-arg", "HUTCH_LOCK=strict"]
    assert main(strict) == 0
    file = folder / "bunnyfile"
    file.write_text(TOOLS.replace("[cmake]", "[cmake, ninja-build]"))
    capsys.readouterr()
    assert main(strict) == 1
    err = capsys.readouterr().err
    assert "bunnyfile:5:31: error: 'cmake' is not in the lock file" in err
    assert main(["plan", str(folder), *context]) == 0
    fetched = json.loads(capsys.readouterr().out)["fetched"]
    assert "http://m.example/toolchain_1.deb" in fetched
    assert "http://m.example/app_1.deb" not in fetched


FOREIGN = '{"dockerfiles": {"Dockerfile": []}}\n'


@pytest.mark.parametrize("name", ["Dockerfile", "bunnyfile"])
def test_another_tool_s_file_is_left_alone(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file, beside = tmp_path / name, tmp_path / f"{name}.lock"
    file.write_text(
        'FROM debian:trixie-slim\nLABEL com.urunc.unikernel.unikernelType="linux"\nCMD ["/a"]\n'
        if name == "Dockerfile"
        else _file(registry)
    )
    (tmp_path / "kernel").write_bytes(b"k")
    beside.write_text(FOREIGN)
    for words in (["lock"], ["lock", "--update"], ["lock", "--check"]):
        assert main([*words, str(file)]) == 1
        assert f"{beside} is not hutch's, and is left alone: give hutch a build file" in (
            capsys.readouterr().err
        )
    assert beside.read_text() == FOREIGN
    assert main(["check", str(file)]) == 0
    assert f"'{name}.lock' is not hutch's: nothing is locked by it" in capsys.readouterr().out
    assert main(["check", "--build-arg", "HUTCH_LOCK=off", str(file)]) == 0
    assert "ForeignLock" not in capsys.readouterr().out
    file.write_text("# check=skip=ForeignLock\n" + file.read_text())
    assert main(["check", str(file)]) == 0
    assert "ForeignLock" not in capsys.readouterr().out
    if name == "bunnyfile":
        assert main(["check", "--build-arg", "HUTCH_LOCK=strict", str(file)]) == 1
        assert "asks for a lock file, and" in capsys.readouterr().err
    assert main(["plan", str(file)]) == 0
