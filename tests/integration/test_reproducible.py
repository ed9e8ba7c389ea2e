"""The same input gives the same image, whoever builds it, when, where and how often."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.harness import EPOCH, Builder

pytestmark = pytest.mark.integration

FILE = """
version: v1
platforms: {{framework: {framework}, monitor: qemu}}
kernel: {{from: local, path: kernel}}
rootfs:
  type: {type}
  include:
    - "tree:/"
    - "tree/b:/again"
cmd: [/b]
"""

KINDS = [
    ("linux", "raw"),
    ("linux", "initrd"),
    ("linux", "block"),
    ("linux", "block\n  filesystem: ext2"),
    ("linux", "block\n  filesystem: squashfs"),
    ("linux", "block\n  filesystem: erofs"),
    ("generic", "none"),
    ("netbsd", "block\n  filesystem: ext2"),
    ("netbsd", "block\n  filesystem: ffs"),
    ("freebsd", "block\n  filesystem: ufs"),
    ("freebsd", "raw"),
]
IDS = [" ".join((framework, *kind.split())) for framework, kind in KINDS]


def fill(project: Path, *, backwards: bool = False) -> Path:
    """The same context, its files made in one order or the other."""
    names = ["a", "b", "c/d", "c/e/f", "z"]
    for name in reversed(names) if backwards else names:
        path = project / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name * 1000)
    (project / "tree/link").symlink_to("c/d")
    os.link(project / "tree/a", project / "tree/y")
    for path in project.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
    (project / "kernel").write_bytes(b"kernel" * 1000)
    (project / "kernel").chmod(0o644)
    return project


@pytest.mark.parametrize(("framework", "kind"), KINDS, ids=IDS)
def test_twice_without_cache(builder: Builder, tmp_path: Path, framework: str, kind: str) -> None:
    """From two directories, made in another order and at another time, with nothing cached."""
    text = FILE.format(framework=framework, type=kind)
    if kind == "none":
        text = text[: text.index("  include")] + "cmd: [/b]\n"
    digests = []
    for number in range(2):
        project = fill(tmp_path / str(number), backwards=bool(number))
        if number:
            for path in (*project.rglob("*"), project):
                os.utime(path, (10**9, 10**9), follow_symlinks=False)
            time.sleep(1.1)  # another second on the builder's clock
        digests.append(builder.build(project, text, "--no-cache", epoch=EPOCH).digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("kind", ["initrd", "block", "raw"])
def test_whoever_builds(builder: Builder, tmp_path: Path, kind: str) -> None:
    """Time zone, locale, umask and the client's own epoch variable are not part of the input."""
    text = FILE.format(framework="linux", type=kind)
    environments: list[Mapping[str, str]] = [
        {},
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "C", "HOME": "/nonexistent"},
    ]
    digests = []
    for number, env in enumerate(environments):
        mask = os.umask(0o077 if number else 0o022)
        try:
            project = fill(tmp_path / str(number))
            digests.append(builder.build(project, text, "--no-cache", epoch=EPOCH, env=env).digest)
        finally:
            os.umask(mask)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("kind", ["initrd", "block", "raw"])
def test_files_added_to_an_image(builder: Builder, tmp_path: Path, kind: str) -> None:
    """Into directories that the image has already, whose times the copies must not tell."""
    base = builder.push(
        fill(tmp_path / "base"),
        "FROM scratch\nCOPY tree /etc\n",
        "--build-arg",
        "SOURCE_DATE_EPOCH=1",
    )
    text = FILE.format(framework="linux", type=kind).replace('"tree:/"', '"tree:/etc/c"')
    text = text.replace("rootfs:", f"rootfs:\n  from: {base}")
    digests = []
    for number in range(2):
        project = fill(tmp_path / str(number))
        digests.append(builder.build(project, text, "--no-cache", epoch=EPOCH).digest)
        time.sleep(1.1)
    assert digests[0] == digests[1]


def test_the_epoch_of_the_clients_environment(builder: Builder, tmp_path: Path) -> None:
    """buildx passes SOURCE_DATE_EPOCH on by itself."""
    project = fill(tmp_path / "0")
    text = FILE.format(framework="linux", type="initrd")
    given = builder.build(project, text, epoch=EPOCH)
    inherited = builder.build(project, text, env={"SOURCE_DATE_EPOCH": str(EPOCH)})
    assert given.digest == inherited.digest


@pytest.mark.parametrize(("framework", "kind"), KINDS, ids=IDS)
def test_without_an_epoch_the_files_are_the_same(
    builder: Builder, tmp_path: Path, framework: str, kind: str
) -> None:
    """Only the time of the build, in the config, tells two builds apart."""
    text = FILE.format(framework=framework, type=kind)
    if kind == "none":
        text = text[: text.index("  include")] + "cmd: [/b]\n"
    layers = []
    for number in range(2):
        project = fill(tmp_path / str(number))
        done = builder.build(project, text, "--no-cache")
        layers.append(builder.read(done.ref).image.layers)
        shutil.rmtree(project)
        time.sleep(1.1)  # another second on the builder's clock
    assert layers[0] == layers[1]


def test_on_old_docker(old_builder: Builder, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        project = fill(tmp_path / str(number), backwards=bool(number))
        text = FILE.format(framework="linux", type="block")
        packed = old_builder.pack(project, text, "--no-cache", epoch=EPOCH)
        files.append([packed.read(path) for path in packed.files])
        assert packed.files == ["/.boot/kernel", "/.boot/rootfs", "/urunc.json"]
    assert files[0] == files[1]
