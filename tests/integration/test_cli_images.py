"""`hutch build`, `inspect`, `diff`, `push`, `copy` and `attach`, as a user types them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from frontend.images.registry import Repository
from frontend.images.write import TITLE, attached
from tests.integration.harness import ROOT, Builder, Guests, programs
from tests.integration.harness.matrix import Images

pytestmark = pytest.mark.integration


class Cli:
    """The command, in this builder's environment and a directory."""

    def __init__(self, builder: Builder, folder: Path) -> None:
        self._folder = folder
        self.environ = {**builder.environ, "PYTHONPATH": str(ROOT)}
        self.environ["HUTCH_FRONTEND"] = builder.frontend

    def __call__(self, *words: str, status: int = 0, **environ: str) -> str:
        """What it prints on standard output; fails when it does not end with `status`."""
        done = subprocess.run(
            [sys.executable, "-m", "frontend", *words],
            cwd=self._folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=3600,
        )
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        self.said = done.stderr
        return done.stdout


@pytest.fixture
def hutch(builder: Builder, tmp_path: Path) -> Cli:
    return Cli(builder, tmp_path)


def test_build_and_run(builder: Builder, hutch: Cli, tmp_path: Path) -> None:
    """Without a syntax line: built, booted, booted from its directory, and pushed."""
    programs.put("three", tmp_path)
    (tmp_path / "bunnyfile").write_text(
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: source, config: tiny}\nrootfs: {type: initrd}\n"
        f"{programs.app('three')}cmd: [/bin/three]\n"
    )
    assert "hi\n" in hutch("build", "--run", ".", "--", "-m", "128m", status=3)
    assert "hi\n" in hutch("run", "bunnyfile", status=3)
    # The same kernel: its bytes, and what of it this program needs.
    sizes = json.loads(hutch("kernel", "size", "--run", "--json", "bunnyfile", "--", "-m", "128m"))
    options, directories = sizes["options"], sizes["directories"]
    assert 200_000 < sizes["file"] < sum(each["bytes"] for each in directories.values())
    assert options["BLK_DEV_INITRD"]["own"]["bytes"] > 0
    assert options["PRINTK"]["all"]["ran"] > 0
    assert directories["mm"]["bytes"] > 50_000
    assert sizes["objects"]["kernel/fork.o"]["options"] == []
    assert 0 < sizes["objects"]["kernel/fork.o"]["ran"] < sizes["objects"]["kernel/fork.o"]["code"]
    assert "BINFMT_ELF" not in sizes["unused"]
    shown = hutch("kernel", "size", "-n", "3", "bunnyfile")
    assert shown.splitlines()[0].startswith("kernel: ")
    assert "code that ran" not in shown
    ref = builder.name_of()
    hutch("build", "--provenance=false", "--push", "-t", ref, "-f", "bunnyfile", ".")
    shown = json.loads(hutch("inspect", "--json", ref))
    assert [each["platform"] for each in shown] == ["linux/amd64"]
    (found,) = shown
    assert found["runtime"]["agree"]
    assert found["kernel"]["form"] == "bzimage"
    assert found["kernel"]["version"].startswith("6.")
    assert found["config"]["Cmd"] == ["/bin/three"]
    assert "(the compressed kernel)" in hutch("kernel", "size", ref)
    hutch("build", "--no-such-flag", ".", status=2)
    (tmp_path / "bunnyfile").write_text("version: v1\n")
    hutch("build", ".", status=1)
    assert "[missing-key]" in hutch.said or "platforms" in hutch.said


def test_copies_keep_their_digests(
    builder: Builder, images: Images, hutch: Cli, tmp_path: Path
) -> None:
    """An index of two platforms with provenance, from a registry and from a layout."""
    ref, layout = builder.name_of(), tmp_path / "image.tar"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /a\nCMD [a]\n")
    file = str(tmp_path / "Dockerfile")
    words = ["--platform", "linux/amd64,linux/arm64", "-f", file, "--provenance=true"]
    done = builder.docker("buildx", "build", "--push", "-t", ref, *words, str(tmp_path))
    assert done.status == 0, done.log
    first = digest(ref)
    copied, pushed, one = (builder.name_of(name) for name in ("copied", "pushed", "one"))
    assert hutch("copy", ref, copied).strip().endswith(f"@{first}")
    assert digest(copied) == first
    hutch("diff", ref, copied, "--platform", "arm64")
    hutch("copy", ref, one, "--platform", "arm64")
    with Repository(one) as found:
        assert [str(each.platform) for each in found.images()] == ["linux/arm64"]
    output = f"type=oci,dest={layout}"
    done = builder.docker("buildx", "build", "-o", output, *words, str(tmp_path))
    assert done.status == 0, done.log
    hutch("push", str(layout), pushed)
    with Repository(pushed) as found, Repository(ref) as there:
        assert [each.digest for each in found.images()] == [each.digest for each in there.images()]
        assert len(found.index()) == 4
    assert "cannot read" in said(hutch, "copy", f"{builder.registry}/hutch-test/none:1", one)


def digest(ref: str) -> str:
    with Repository(ref) as found:
        return found.manifest()[0]


def said(hutch: Cli, *words: str) -> str:
    hutch(*words, status=1)
    return hutch.said


def test_differences(images: Images, hutch: Cli) -> None:
    one, other = images.of("ext4", None), images.of("ext4", "4321", cmd=("two",))
    assert hutch("diff", one, one) == ""
    lines = hutch("diff", one, other, status=1)
    assert '+ config User: "4321"\n' in lines
    assert '~ config Cmd: ["/bin/probe", "one"] -> ["/bin/probe", "two"]\n' in lines
    changes = json.loads(hutch("diff", "--json", one, other, status=1))
    assert {"what": "config", "name": "User", "old": None, "new": '"4321"'} in changes
    hutch("diff", one, "./none", status=2)
    assert "started by: urunc 0.6.0" in hutch("inspect", one)


def test_files_beside_an_image(
    builder: Builder, images: Images, hutch: Cli, tmp_path: Path
) -> None:
    # A repository of this run's own: what is attached stays with the image.
    ref = f"{builder.registry}/hutch-test/attached-{uuid.uuid4().hex}:1"
    hutch("copy", images.of("initrd", None), ref)
    before = digest(ref)
    (tmp_path / "r.spdx.json").write_text("{}")
    (tmp_path / "note").write_text("a note")
    names = [hutch("attach", ref, name).strip() for name in ("r.spdx.json", "note", "note")]
    assert names[1] == names[2]
    listed = json.loads(hutch("attach", "--json", ref))
    kinds = [each["artifactType"] for each in listed]
    assert kinds == ["application/spdx+json", "application/octet-stream"]
    assert [each["annotations"][TITLE] for each in listed] == ["r.spdx.json", "note"]
    assert hutch("attach", ref).splitlines()[1].endswith("  application/octet-stream  note")
    assert digest(ref) == before
    with Repository(ref) as found:
        assert len(attached(found)) == 2


def test_a_first_file(hutch: Cli, tmp_path: Path) -> None:
    """What `hutch init` writes builds and boots."""
    programs.put("three", tmp_path)
    hutch("init", "--yes", ".")
    assert "hi\n" in hutch("build", "--run", ".", status=3)


@pytest.mark.parametrize("language", ["c", "make"])
def test_a_first_program(hutch: Cli, language: str) -> None:
    """What it writes where nothing is builds and boots."""
    hutch("init", "--yes", "--language", language, ".")
    assert "hello\n" in hutch("build", "--run", ".")


def test_names_with_blanks(hutch: Cli, tmp_path: Path) -> None:
    """A source whose name the shell would take for two."""
    programs.put("three", tmp_path)
    (tmp_path / "three.c").rename(tmp_path / "th ree.c")
    hutch("init", "--yes", ".")
    assert "hi\n" in hutch("build", "--run", ".", status=3)


def test_a_migrated_file_is_the_same_image(
    builder: Builder, linux: Guests, hutch: Cli, tmp_path: Path
) -> None:
    """Byte for byte."""
    shutil.copy(linux.kernel, tmp_path / "vmlinuz")
    (tmp_path / "data").write_text("x")
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "bunnyfile").write_text(
        "version: v0.1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: local, path: vmlinuz}\n"
        "rootfs: {type: initrd, include: ['data:/a/data', 'link:/link']}\n"
        "envs: ['A=b c']\ncmd: [/a, 'two words']\n"
    )
    old, new = builder.name_of(), builder.name_of()
    hutch("build", "--provenance=false", "--push", "-t", old, ".")
    hutch("migrate", "--write")
    assert "version: v1" in (tmp_path / "bunnyfile").read_text()
    hutch("build", "--provenance=false", "--push", "-t", new, ".")
    assert digest(old) == digest(new)


def test_a_change_starts_the_guest_again(builder: Builder, hutch: Cli, tmp_path: Path) -> None:
    """A build that fails leaves the old one; what is right again is built and booted."""
    programs.put("three", tmp_path)
    hutch("init", "--yes", ".")
    source = tmp_path / "three.c"
    right = source.read_text()
    with subprocess.Popen(
        [sys.executable, "-m", "frontend", "dev", "--", "-q"],
        cwd=tmp_path,
        env=hutch.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None

        def until(text: str) -> None:
            assert process.stdout is not None
            assert any(text in line for line in process.stdout), text

        until("hutch: started after")
        until("the guest ended with status 3")
        source.write_text("int main(")
        until("failed to solve")
        source.write_text(right.replace("hi", "ho"))
        until("hutch: started after")
        until("ho\n")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 130


def test_how_fast_it_boots(images: Images, hutch: Cli) -> None:
    ref = images.of("initrd", None)
    found = json.loads(hutch("bench", "boot", "-n", "1", "--phases", "--json", ref))
    phases = found["seconds"]
    parts = sum(phases[name] for name in ("monitor", "kernel", "application"))
    assert abs(phases["all"] - parts) < 0.01
    assert "from the monitor's start to the application's" in hutch("bench", "boot", ref)
