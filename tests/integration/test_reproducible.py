"""The same input gives the same image, whoever builds it, when, where and how often."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.harness import EPOCH, Builder, difference, entries

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
    built = []
    for number in range(2):
        project = fill(tmp_path / str(number), backwards=bool(number))
        if number:
            for path in (*project.rglob("*"), project):
                os.utime(path, (10**9, 10**9), follow_symlinks=False)
            time.sleep(1.1)  # another second on the builder's clock
        built.append(builder.build(project, text, "--no-cache", epoch=EPOCH))
    first, second = built
    assert difference(entries(first.ref), entries(second.ref)) is None
    assert first.digest == second.digest


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


ADDED = """
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: kernel}}
app: {{from: local, path: tree, artifacts: ["a:/etc/app/a", "b:/opt/deep/er/b"]}}
rootfs:
  from: {base}
  type: {type}
  include:
    - "tree/a:/etc/there/new"
    - "tree/a:/usr/link/new"
    - "tree/b:/new/one"
    - "tree/z:/new/two"
    - "tree/c:/etc"
    - {{source: tree/z, destination: /secret/z, mode: "0600", owner: "7:8"}}
    - {{from: {base}, source: /etc/there, destination: /copied}}
user: daemon
workdir: /srv/made
volumes: [/data]
cmd: [/etc/there/a]
"""

BASE = """
FROM scratch
COPY tree /etc/there
COPY --chmod=0750 --chown=3:4 tree/c /usr/lib
COPY <<EOF /etc/passwd
daemon:x:2:5::/:/none
EOF
COPY <<EOF /etc/group
daemon:x:5:
EOF
COPY links /usr/
"""


@pytest.mark.parametrize("epoch", [None, EPOCH], ids=["no epoch", "epoch"])
@pytest.mark.parametrize("kind", ["raw", "initrd", "block", "block\n  filesystem: squashfs"])
def test_every_entry_of_every_layer(
    builder: Builder, tmp_path: Path, kind: str, epoch: int | None
) -> None:
    """All that can be put into an image, into directories that it has and into new ones."""
    folder = fill(tmp_path / "base")
    (folder / "links").mkdir()
    (folder / "links/link").symlink_to("lib")
    base = builder.push(folder, BASE, "--build-arg", "SOURCE_DATE_EPOCH=1")
    text = ADDED.format(base=base, type=kind)
    listed = []
    for number in range(2):
        project = fill(tmp_path / str(number), backwards=bool(number))
        done = builder.build(project, text, "--no-cache", epoch=epoch)
        listed.append(entries(done.ref))
        time.sleep(1.1)  # another second on the builder's clock
    first, second = listed
    assert difference(first, second) is None
    if kind != "raw":
        return
    # What was in the base keeps its mode, its owner and its time; what is new has ours.
    before, after = ({entry[1]: entry[2:6] for entry in each} for each in (entries(base), first))
    ours = epoch or 315532800
    for kept in ("etc", "etc/there", "usr/lib"):
        assert after[kept] == before[kept]
    assert "usr/link/new" not in after
    for made in ("new", "opt/deep/er", "secret"):
        assert after[made] == (0o755, 0, 0, ours)
    assert after["srv/made"] == (0o755, 2, 5, ours)


def test_many_includes_are_few_layers(any_builder: Builder, tmp_path: Path) -> None:
    """Engines take 127 layers at most, and Docker 20.10 no graph that is as deep."""
    project = fill(tmp_path)
    more = "".join(f'    - "tree/z:/many/{number}"\n' for number in range(150))
    text = FILE.format(framework="linux", type="raw").replace("cmd:", more + "cmd:")
    packed = any_builder.pack(project, text)
    assert len(packed.image.layers) <= 3
    assert packed.read("/many/149") == b"z" * 1000


@pytest.mark.parametrize("kind", ["raw", "initrd"])
def test_a_new_file_that_nothing_uses(any_builder: Builder, tmp_path: Path, kind: str) -> None:
    project = fill(tmp_path)
    text = FILE.format(framework="linux", type=kind)
    any_builder.build(project, text)
    (project / "unrelated").write_text("new\n")
    (project / "tree2").mkdir()
    cached = any_builder.build(project, text, "--progress=rawjson").steps
    # BuildKit says of steps without an input that they ran, whatever it did.
    steps = {n: c for n, c in cached.items() if n.startswith("[linux]") and "urunc.json" not in n}
    assert steps
    assert all(steps.values()), steps


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


@pytest.mark.parametrize(
    ("kind", "rewrite"), [("initrd", False), ("block", False), ("raw", False), ("raw", True)]
)
def test_copy_of_a_dockerfile(builder: Builder, tmp_path: Path, kind: str, rewrite: bool) -> None:
    """It keeps the times of the client's files: docs/flags.md says what is the way out."""
    text = FILE.format(framework="linux", type=kind).replace(
        "rootfs:", "rootfs:\n  dockerfile: Dockerfile"
    )
    text = text.replace('  include:\n    - "tree:/"\n    - "tree/b:/again"\n', "")
    digests = []
    for number in range(2):
        project = fill(tmp_path / str(number))
        (project / "Dockerfile").write_text("FROM scratch\nCOPY tree /tree\nCOPY tree/b /b\n")
        when = EPOCH + 1000 * (number + 1)  # checked out after the commit
        for path in (*project.rglob("*"), project):
            os.utime(path, (when, when), follow_symlinks=False)
        output = f"type=oci,dest={tmp_path / 'image.tar'}"
        if rewrite:
            output += ",rewrite-timestamp=true"
        done = builder.build(project, text, "--no-cache", epoch=EPOCH, output=output)
        digests.append(done.digest)
    assert (digests[0] == digests[1]) is (kind != "raw" or rewrite)
