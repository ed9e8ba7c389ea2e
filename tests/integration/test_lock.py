"""`hutch lock`, and builds after everything that was locked has moved on."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks.spec import Package
from frontend.bunnyfile import lock
from llb import SourceFile
from tests.integration.harness import ROOT, Builder
from tests.integration.harness.flags import tree
from tests.integration.harness.serving import git, repository, serve

pytestmark = pytest.mark.integration

FILE = """
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: kernel}}
app: {{from: "{git}#{ref}", artifacts: ["file:/app"]}}
rootfs:
  dockerfile: Dockerfile
  include:
    - {{from: "{files}", source: /x, destination: /include}}
init: none
cmd: [/app]
"""
ROOTFS = ("--target", "rootfs")


def hutch(builder: Builder, *words: str) -> str:
    """`hutch WORDS...`, which must succeed; returns what it prints."""
    environ = {**builder.environ, "HUTCH_FRONTEND": builder.frontend}
    done = subprocess.run(
        [sys.executable, "-m", "frontend", *words],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def push(builder: Builder, context: Path, name: str, text: str) -> str:
    """An image with the file /x under a tag that moves."""
    ref = f"{builder.registry}/hutch-test/lock-{name}:1"
    (context / "x").write_text(text)
    words = ("--provenance=false", "--push", "-t", ref, "-f", "-")
    builder.buildx(context, *words, file=None, data=b"FROM scratch\nCOPY x /x\n").ok()
    return ref


def test_what_is_locked_stays(builder: Builder, tmp_path: Path) -> None:
    images, work, web = tmp_path / "images", tmp_path / "work", tmp_path / "web"
    for folder in (images, work, web):
        folder.mkdir()
    base, files = (push(builder, images, name, "first") for name in ("base", "files"))
    (work / "file").write_text("first")
    repository(work, web / "app.git")
    git(work, "tag", "-a", "-m", "first", "v1")
    git(work, "push", "-q", str(web / "app.git"), "v1")
    git(web / "app.git", "update-server-info")
    with serve(web) as url:
        text = FILE.format(git=f"{url}/app.git", ref="main", files=files)
        dockerfile = f"FROM {base} AS base\nFROM base\nCOPY --from={files} /x /copied\n"
        project = builder.project(tmp_path / "project", text, Dockerfile=dockerfile)
        hutch(builder, "lock", str(project))
        hutch(builder, "lock", "--check", str(project))

        for name in ("base", "files"):
            push(builder, images, name, "second")
        (work / "file").write_text("second")
        git(work, "commit", "-qam", "second")
        git(work, "push", "-q", str(web / "app.git"), "main")
        git(web / "app.git", "update-server-info")

        first = dict.fromkeys(("app", "copied", "include", "x"), "first")
        second = dict.fromkeys(first, "second")
        strict = ("--build-arg", "HUTCH_LOCK=strict")
        assert tree(builder.files(tmp_path, project, *ROOTFS, *strict)) == first
        off = ("--build-arg", "HUTCH_LOCK=off")
        assert tree(builder.files(tmp_path, project, *ROOTFS, *off)) == second
        # A build context wins over the lock, in the file as in its Dockerfile.
        other = ("--build-context", f"{files}=docker-image://{files}")
        assert tree(builder.files(tmp_path, project, *ROOTFS, *other)) == {
            **first,
            "copied": "second",
            "include": "second",
        }
        # The context of a git URL has the lock beside the file, and bake passes nothing of it.
        repository(project, web / "project.git")
        remote = f"{url}/project.git"
        found = builder.files(tmp_path, remote, *ROOTFS, file="bunnyfile")
        assert tree(found) == first
        out = tmp_path / "baked"
        baked = {
            "target": {
                "it": {
                    "context": str(project),
                    "dockerfile": "bunnyfile",
                    "target": "rootfs",
                    "output": [f"type=local,dest={out}"],
                }
            }
        }
        builder.bake(baked, "it").ok()
        assert tree(out) == first

        # The images of a Dockerfile that is the build file itself.
        kernel = "LABEL hutch.kernel=local hutch.kernel.path=bunnyfile hutch.init=none"
        (project / "own").write_text(
            f'# syntax={builder.frontend}\nFROM {base}\n{kernel}\nCMD ["/x"]\n'
        )
        word = ("HUTCH_LOCK=strict",)
        failed = builder.buildx(project, "--build-arg", *word, file="own")
        assert failed.status != 0
        assert "there is none" in failed.log
        hutch(builder, "lock", str(project / "own"))
        push(builder, images, "base", "third")
        found = builder.files(tmp_path, project, *strict, file="own")
        assert (found / "x").read_text() == "second"
        push(builder, images, "base", "second")

        # A tag is fetched by its name, and is the commit that it was.
        (project / "bunnyfile").write_text(
            builder.file(FILE.format(git=f"{url}/app.git", ref="v1", files=files))
        )
        changes = json.loads(hutch(builder, "lock", "--json", str(project)))["entries"]
        told = sorted(each["change"] for each in changes)
        assert told == ["added", "removed", *["same"] * (len(changes) - 2)]
        assert tree(builder.files(tmp_path, project, *ROOTFS, *strict)) == first
        hutch(builder, "lock", "--update", str(project))
        assert tree(builder.files(tmp_path, project, *ROOTFS, *strict)) == {
            **second,
            "app": "first",
        }


TOOLS = """
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
toolchain: {packages: [tree]}
app:
  from: local
  packages: [hello, "xxd"]
  build: |
    hello | xxd -p > said
    tree --version > version
    dpkg-query -W -f '${Package} ${Version}\\n' hello tree xxd > installed
  artifacts: ["said:/said", "version:/version", "installed:/installed"]
rootfs: {type: initrd}
init: none
cmd: [/said]
"""
AMD64 = "linux/amd64 on linux/amd64"


def debian(folder: Path, needs: str) -> str:
    """Make a package in `folder`; returns its name there."""
    (folder / "package/DEBIAN").mkdir(parents=True)
    (folder / "package/DEBIAN/control").write_text(
        "Package: hutch-test\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\n"
        f"Depends: {needs}\nDescription: a package of a test\n"
    )
    command = ["dpkg-deb", "--build", "--root-owner-group", "package", "hutch-test_1_all.deb"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return "hutch-test_1_all.deb"


def test_what_builds_is_locked(builder: Builder, tmp_path: Path) -> None:
    """Packages of the toolchain and the application: at their versions, twice the same bytes."""
    project = builder.project(tmp_path / "project", TOOLS)
    path = project / "bunnyfile.lock"
    hutch(builder, "lock", "--platform", "amd64", str(project))

    def locked() -> lock.Lock:
        return lock.read(SourceFile(path.name, path.read_bytes()))

    found = locked()
    assert set(found.packages) == {f"toolchain for {AMD64}", f"app for {AMD64}"}
    tools, app = found.packages[f"toolchain for {AMD64}"], found.packages[f"app for {AMD64}"]
    assert (tools.asked, app.asked) == (("tree",), ("tree", "hello", "xxd"))
    assert app.base == tools.base == f"debian:trixie-slim@{found.images['debian:trixie-slim']}"
    versions = {each.name: each.version for each in (*tools.files, *app.files)}
    assert {"tree"} <= {each.name for each in tools.files}
    assert {"hello", "xxd"} <= {each.name for each in app.files}
    assert "tree" not in {each.name for each in app.files}

    before = path.read_bytes()
    hutch(builder, "lock", "--check", "--platform", "amd64", str(project))
    hutch(builder, "lock", "--platform", "amd64", str(project))
    assert path.read_bytes() == before

    strict = ("--build-arg", "HUTCH_LOCK=strict", "--platform", "linux/amd64")
    once = builder.export(project, TOOLS, "rootfs", *strict)
    anew = ("--no-cache-filter", "app,toolchain")
    assert builder.export(project, TOOLS, "rootfs", *strict, *anew) == once
    out = builder.files(tmp_path, project, "--target", "app", *strict)
    said = dict(line.split() for line in (out / "installed").read_text().splitlines())
    assert said == {name: versions[name] for name in ("hello", "tree", "xxd")}

    # Another package is in no lock.
    other = TOOLS.replace("[hello, ", "[hello, jq, ")
    failed = builder.fail(project, other, *strict)
    assert failed.marked == ['packages: [hello, jq, "xxd"]']
    assert "'hello' is not in the lock file" in failed.error
    assert "(add it with 'hutch lock') [not-locked]" in failed.error
    # Of a lock every file is the one of its checksum, and has to fit.
    web = tmp_path / "web"
    web.mkdir()
    name = debian(web, "hutch-nowhere")
    with serve(web) as url:
        sum = hashlib.sha256((web / name).read_bytes()).hexdigest()
        for file, digest, message in (
            (name, sum, "or do not fit what they are installed over"),
            (name, "0" * 64, "what is at the URL of a locked package is not what was locked"),
            ("gone", "1" * 64, "what is at the URL of a locked package is not what was locked"),
        ):
            bad = Package("hutch-test", "1", f"{url}/{file}", digest)
            lists = {**found.packages, f"app for {AMD64}": replace(app, files=(bad,))}
            text = lock.written(replace(found, packages=lists), "bunnyfile")
            path.write_text(text)
            failed = builder.fail(project, TOOLS, *strict)
            assert failed.marked == ['packages: [hello, "xxd"]']
            assert message in failed.error
            assert "'hutch lock --update bunnyfile packages'" in failed.error
            assert "[stale-lock]" in failed.error
    # What the lock says of the toolchain is as good as ever.
    hutch(builder, "lock", "--update", "--platform", "amd64", str(project), "packages")
    assert locked() == found


@pytest.mark.parametrize("file", ["own", "bunnyfile"])
def test_another_tool_s_file_locks_nothing(builder: Builder, tmp_path: Path, file: str) -> None:
    """It is told by `--check` and by the build, which goes on."""
    project = builder.project(tmp_path / "project")
    kernel = "LABEL hutch.kernel=local hutch.kernel.path=kernel hutch.init=none"
    (project / "own").write_text(
        f'# syntax={builder.frontend}\nFROM scratch\nCOPY hello /hello\n{kernel}\nCMD ["/hello"]\n'
    )
    (project / f"{file}.lock").write_text('{"dockerfiles": {"Dockerfile": []}}\n')
    said = f"'{file}.lock' is not hutch's: nothing is locked by it"
    checked = builder.buildx(project, "--check", file=file)
    assert said in checked.log
    built = builder.buildx(project, "--output", "type=cacheonly", file=file).ok()
    assert f"ForeignLock: {said}" in built.log
