"""`hutch lock`, and builds after everything that was locked has moved on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
