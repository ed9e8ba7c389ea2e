"""The first format, v0.1: every field of its table, and its three examples, on both engines.

The files are ours, in the form of that format's documentation. Images of `unikraft.org`, whose
platform says `qemu` where others say `linux`, are made here and pushed under the registry's name.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.integration.harness import Builder

pytestmark = pytest.mark.integration

# A file with every row of the table.
EVERY_FIELD = """
version: v0.1

platforms:
  framework: unikraft
  version: v0.15.0
  monitor: qemu
  architecture: x86

rootfs:
  from: local
  path: initrd
  type: initrd

kernel:
  from: local
  path: kernel

envs:
  - HOME=/home/ubuntu

cmd: ["app"]

entrypoint: ["init"]
"""

DOCKERS_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a Dockerfile gives every image that starts from scratch."""

LINUX = """
version: v0.1
platforms:
  framework: linux
  monitor: qemu
kernel:
  from: local
  path: kernel
"""


@pytest.fixture
def project(project: Path) -> Path:
    """A context with a kernel that no monitor would look into, and some files."""
    (project / "kernel").write_bytes(b"\x7fELF a kernel" * 100)
    (project / "initrd").write_bytes(b"070701 prebuilt" * 100)
    (project / "src").mkdir()
    (project / "src" / "one").write_text("one\n")
    (project / "src" / "two").write_text("two\n")
    (project / "server").write_text("#!/bin/sh\n")
    (project / "server").chmod(0o755)
    return project


class TestFields:
    def test_every_field_at_once(self, any_builder: Builder, project: Path) -> None:
        packed = any_builder.pack(project, EVERY_FIELD)
        assert packed.keys == {
            "unikernelType": "unikraft",
            "unikernelVersion": "v0.15.0",
            "hypervisor": "qemu",
            "binary": "/.boot/kernel",
            "initrd": "/.boot/rootfs",
            "mountRootfs": "false",
            "cmdline": "init app",
        }
        assert packed.files == ["/.boot/kernel", "/.boot/rootfs", "/urunc.json"]
        assert packed.read("/.boot/kernel") == (project / "kernel").read_bytes()
        assert packed.read("/.boot/rootfs") == (project / "initrd").read_bytes()
        assert packed.process["Cmd"] == ["app"]
        assert packed.process["Entrypoint"] == ["init"]
        assert packed.env == ["HOME=/home/ubuntu"]
        assert str(packed.image.platform) == "linux/amd64"

    @pytest.mark.parametrize("version", ["v0.1", "0.1", "v0.0.1"])
    def test_version(self, builder: Builder, project: Path, version: str) -> None:
        packed = builder.pack(project, LINUX.replace("v0.1", version))
        assert packed.keys["unikernelType"] == "linux"

    @pytest.mark.parametrize(
        ("framework", "monitor"),
        [
            ("unikraft", "firecracker"),
            ("linux", "cloud-hypervisor"),
            ("rumprun", "hvt"),
            ("mirage", "spt"),
            ("mewz", "qemu"),
        ],
    )
    def test_framework_and_monitor(
        self, builder: Builder, project: Path, framework: str, monitor: str
    ) -> None:
        text = LINUX.replace("linux", framework).replace("qemu", monitor)
        packed = builder.pack(project, text)
        assert packed.keys["unikernelType"] == framework
        assert packed.keys["hypervisor"] == monitor
        assert packed.keys["mountRootfs"] == "false", "no rootfs means none"
        assert packed.files == ["/.boot/kernel", "/urunc.json"]

    def test_a_framework_that_is_not_known(self, builder: Builder, project: Path) -> None:
        """bunny takes any name, and so a runtime may know what neither of them does."""
        packed = builder.pack(project, LINUX.replace("linux", "includeos") + "cmd: [a]\n")
        assert packed.keys["unikernelType"] == "includeos"
        assert packed.files == ["/.boot/kernel", "/urunc.json"]

    @pytest.mark.parametrize(
        ("name", "platform"), [("aarch64", "linux/arm64"), ("x86_64", "linux/amd64")]
    )
    def test_architecture(self, builder: Builder, project: Path, name: str, platform: str) -> None:
        text = LINUX.replace("  monitor:", f"  architecture: {name}\n  monitor:")
        assert str(builder.pack(project, text).image.platform) == platform

    def test_rootfs_from_scratch(self, any_builder: Builder, project: Path) -> None:
        """Without a type it is what the guest takes: for Linux the tree itself."""
        text = LINUX + "rootfs:\n  from: scratch\n  include:\n    - server:/bin/server\n"
        packed = any_builder.pack(project, text)
        assert packed.keys["mountRootfs"] == "true"
        assert packed.read("/bin/server") == b"#!/bin/sh\n"
        assert packed.tree.stat("/bin/server").mode & 0o7777 == 0o755
        assert "initrd" not in packed.keys

    def test_unikraft_packs_an_initrd_by_default(self, any_builder: Builder, project: Path) -> None:
        text = LINUX.replace("linux", "unikraft") + "rootfs:\n  include: [server]\n"
        packed = any_builder.pack(project, text)
        assert packed.keys["initrd"] == "/.boot/rootfs"
        assert packed.read("/.boot/rootfs").startswith(b"070701")

    def test_rootfs_path_in_an_image(self, any_builder: Builder, project: Path) -> None:
        """The image brings the one file and its config, not the rest of it."""
        image = any_builder.push(
            project, 'FROM scratch\nCOPY initrd /boot/rd\nCOPY server /s\nCMD ["from-image"]\n'
        )
        text = LINUX + f"rootfs:\n  from: {image}\n  path: /boot/rd\n  type: initrd\n"
        packed = any_builder.pack(project, text)
        assert packed.read("/.boot/rootfs") == (project / "initrd").read_bytes()
        assert packed.args == ["from-image"]
        assert "/s" not in packed.tree
        assert "/boot/rd" not in packed.tree

    def test_rootfs_of_an_image(self, any_builder: Builder, project: Path) -> None:
        image = any_builder.push(project, "FROM scratch\nCOPY src /srv\nENV A=1\n")
        packed = any_builder.pack(project, LINUX + f"rootfs:\n  from: {image}\n  type: raw\n")
        assert packed.keys["mountRootfs"] == "true"
        assert packed.read("/srv/two") == b"two\n"
        assert packed.env == [DOCKERS_PATH, "A=1"]

    @pytest.mark.parametrize(
        ("include", "expected"),
        [
            ("- src/one", "/src/one"),
            ("- src/one:/etc/conf", "/etc/conf"),
            ("- src/one:etc/conf", "/etc/conf"),
            ("- src/:/etc", "/etc/one"),
            ("- src:/etc/", "/etc/src/one"),
            ("- {from: local, source: src/one, destination: /etc/conf}", "/etc/conf"),
        ],
    )
    def test_include(self, builder: Builder, project: Path, include: str, expected: str) -> None:
        packed = builder.pack(project, LINUX + f"rootfs:\n  type: raw\n  include:\n    {include}\n")
        assert packed.read(expected) == b"one\n"

    def test_include_from_an_image(self, any_builder: Builder, project: Path) -> None:
        image = any_builder.push(project, "FROM scratch\nCOPY src /usr/share/src\n")
        include = f"{{from: {image}, source: /usr/share/src/two, destination: /opt/two}}"
        packed = any_builder.pack(
            project, LINUX + f"rootfs:\n  type: raw\n  include:\n    - {include}\n"
        )
        assert packed.read("/opt/two") == b"two\n"
        assert [path for path in packed.files if path.startswith("/usr")] == []

    def test_kernel_from_an_image(self, any_builder: Builder, project: Path) -> None:
        """The file and the config come along, nothing else."""
        image = any_builder.push(
            project,
            'FROM scratch\nCOPY kernel /boot/vmlinuz\nCOPY src /src\nCMD ["/init"]\nENV K=1\n',
        )
        text = LINUX.replace("local", image).replace("path: kernel", "path: /boot/vmlinuz")
        packed = any_builder.pack(project, text)
        assert packed.files == ["/.boot/kernel", "/urunc.json"]
        assert packed.read("/.boot/kernel") == (project / "kernel").read_bytes()
        assert packed.args == ["/init"]
        assert packed.env == [DOCKERS_PATH, "K=1"]

    def test_envs_override_those_of_the_base(self, any_builder: Builder, project: Path) -> None:
        image = any_builder.push(project, "FROM scratch\nCOPY src /\nENV PATH=/bin LANG=C\n")
        text = LINUX + f"rootfs:\n  from: {image}\n  type: raw\nenvs:\n"
        text += "  - PATH=/usr/bin:/bin\n  - EMPTY=\n  - 'QUOTED=a \"b\" $c'\n"
        packed = any_builder.pack(project, text)
        assert packed.env == ["PATH=/usr/bin:/bin", "LANG=C", "EMPTY=", 'QUOTED=a "b" $c']

    def test_arguments_stay_whole(self, any_builder: Builder, project: Path) -> None:
        words = ["/bin/sh", "-c", "echo 'hi  there'; x=\"$y\" && `z`", "", "ü\tn"]
        packed = any_builder.pack(project, LINUX + f"cmd: {json.dumps(words)}\n")
        assert packed.process["Cmd"] == words

    def test_cmdline_is_split_at_spaces(self, any_builder: Builder, project: Path) -> None:
        packed = any_builder.pack(project, LINUX + "cmdline: /init  --port 80\n")
        assert packed.process["Cmd"] == ["/init", "--port", "80"]
        assert packed.keys["cmdline"] == "/init --port 80"

    @pytest.mark.parametrize(
        ("head", "kind"),
        [
            (b"070701", "initrd"),
            (b"\x1f\x8b\x08", "initrd"),
            (b"\0" * 0x438 + b"\x53\xef", "block"),
        ],
    )
    def test_a_prebuilt_rootfs_is_annotated_as_what_it_is(
        self, any_builder: Builder, project: Path, head: bytes, kind: str
    ) -> None:
        (project / "fs").write_bytes(head + b"\0" * 4096)
        packed = any_builder.pack(project, LINUX + "rootfs:\n  from: local\n  path: fs\n")
        assert packed.keys[kind] == "/.boot/rootfs"
        assert packed.keys["mountRootfs"] == "false"
        assert packed.keys.get("blkMntPoint") == ("/" if kind == "block" else None)


# The format's documentation has three examples; ours have their form.
CHTTP = """
version: v0.1

platforms:
  framework: unikraft
  version: 0.18.0
  monitor: qemu
  architecture: x86

rootfs:
  from: scratch
  include:
    - server:/chttp

kernel:
  from: {base}
  path: /unikraft/bin/kernel

cmd: ["/chttp"]
"""

NGINX = """
version: v0.1

platforms:
  framework: unikraft
  monitor: qemu
  architecture: x86

kernel:
  from: {base}
  path: /unikraft/bin/kernel

cmd: ["-c", "/nginx/conf/nginx.conf"]
"""

REDIS = """
version: v0.1

platforms:
  framework: rumprun
  monitor: hvt
  architecture: x86

rootfs:
  from: scratch
  type: raw
  include:
  - conf/:/conf

kernel:
  from: local
  path: redis.hvt

cmd: ["redis-server", "/data/conf/redis.conf"]
"""


class TestExamples:
    """What each of them gives."""

    @pytest.fixture
    def base(self, any_builder: Builder, project: Path) -> str:
        (project / "nginx.conf").write_text("events {}\n")
        return any_builder.push(
            project,
            "FROM scratch\nCOPY kernel /unikraft/bin/kernel\nCOPY nginx.conf /nginx/conf/\n"
            'ENV NGINX=1\nCMD ["base"]\n',
        )

    def test_chttp(self, any_builder: Builder, project: Path, base: str) -> None:
        packed = any_builder.pack(project, CHTTP.format(base=base))
        assert packed.files == ["/.boot/kernel", "/.boot/rootfs", "/urunc.json"]
        assert packed.keys == {
            "unikernelType": "unikraft",
            "unikernelVersion": "0.18.0",
            "hypervisor": "qemu",
            "binary": "/.boot/kernel",
            "initrd": "/.boot/rootfs",
            "mountRootfs": "false",
            "cmdline": "/chttp",
        }
        assert packed.args == ["/chttp"]

    def test_nginx(self, any_builder: Builder, project: Path, base: str) -> None:
        packed = any_builder.pack(project, NGINX.format(base=base))
        assert packed.files == ["/.boot/kernel", "/urunc.json"]
        assert packed.keys["mountRootfs"] == "false"
        assert "initrd" not in packed.keys
        assert packed.args == ["-c", "/nginx/conf/nginx.conf"]
        assert packed.env == [DOCKERS_PATH, "NGINX=1"]

    def test_redis(self, any_builder: Builder, project: Path) -> None:
        (project / "redis.hvt").write_bytes((project / "kernel").read_bytes())
        (project / "conf").mkdir()
        (project / "conf/redis.conf").write_text("port 6379\n")
        packed = any_builder.pack(project, REDIS)
        assert packed.files == ["/.boot/kernel", "/conf/redis.conf", "/urunc.json"]
        assert packed.keys["mountRootfs"] == "true"
        assert packed.args == ["redis-server", "/data/conf/redis.conf"]

    def test_an_image_for_a_monitor(self, builder: Builder, project: Path) -> None:
        """Unikraft's registry says `qemu` where others say `linux`; a build context stands in."""
        base = builder.push(
            project, "FROM scratch\nCOPY kernel /unikraft/bin/kernel\n", "--platform", "qemu/amd64"
        )
        text = NGINX.format(base="unikraft.org/nginx:1.15")
        done = builder.build(
            project, text, "--build-context", f"unikraft.org/nginx:1.15=docker-image://{base}"
        )
        packed = builder.read(done.ref)
        assert packed.read("/.boot/kernel") == (project / "kernel").read_bytes()
        assert str(packed.image.platform) == "linux/amd64"


@pytest.mark.skipif("BUNNY_REPOSITORY" not in os.environ, reason="needs a checkout of bunny")
def test_bunnys_own_files(any_builder: Builder, project: Path) -> None:
    """The bunnyfiles of bunny's documentation as they are, but for two things: the syntax line, and
    images that only its registry has. BUNNY_REPOSITORY names a checkout of it."""
    root = Path(os.environ["BUNNY_REPOSITORY"])
    base = any_builder.push(project, "FROM scratch\nCOPY kernel /unikraft/bin/kernel\n")
    for name in ("redis.hvt", "chttp", "initramfs-x86_64.cpio"):
        (project / name).write_bytes((project / "initrd").read_bytes())
    (project / "conf").mkdir()
    (project / "conf/redis.conf").write_text("port 6379\n")
    found = 0
    for page in [root / "README.md", *sorted(root.glob("examples/*.md"))]:
        for text in re.findall(
            r"^```[a-z]*\n#syntax=\S+\n(.*?)^```", page.read_text(), re.M | re.S
        ):
            if "platforms:" not in text or "<src>" in text:  # a Containerfile; a list of all fields
                continue
            text = re.sub(r"unikraft\.org/[a-z]+:[a-z0-9.]+", base, text)
            assert any_builder.pack(project, text).keys["binary"] == "/.boot/kernel"
            found += 1
    assert found >= 4
