"""Dockerfiles: as the build file, and as a root filesystem (docs/contract/urunc.md 4.3 and 4.6)."""

from __future__ import annotations

import io
import json
from base64 import b64decode
from pathlib import Path

import pytest

from frameworks.kernelfile import identify
from frameworks.steps import cpio
from frameworks.steps.entries import walk
from tests.integration.harness import Builder
from tests.integration.harness.flags import hutch, tree
from tests.integration.harness.images import raw

__all__ = ["hutch"]

pytestmark = pytest.mark.integration

PREFIX = "com.urunc.unikernel."
# The kernel is a file of the context: building one is `test_source`'s business.
LOCAL = "LABEL hutch.kernel=local hutch.kernel.path=kernel\n"


def write(hutch: Builder, folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"# syntax={hutch.frontend}\n{text}")
    (folder / "kernel").write_text("KERNEL")
    (folder / "data").write_text("DATA")
    return folder


def keys(folder: Path) -> dict[str, str]:
    said = json.loads((folder / "urunc.json").read_text())
    return {k.removeprefix(PREFIX): b64decode(v).decode() for k, v in said.items()}


class TestBuildFile:
    def test_defaults(self, hutch: Builder, tmp_path: Path) -> None:
        folder = write(
            hutch,
            tmp_path / "c",
            f'FROM scratch\nCOPY data /data\n{LOCAL}LABEL hutch.init=none\nCMD ["/data"]\n'
            'HEALTHCHECK CMD ["/data"]\n',
        )
        out = hutch.files(tmp_path, folder, file="Dockerfile")
        assert (out / "data").read_text() == "DATA"
        assert (out / ".boot/kernel").read_text() == "KERNEL"
        assert keys(out) == {
            "unikernelType": "linux",
            "hypervisor": "qemu",
            "mountRootfs": "true",
            "binary": "/.boot/kernel",
            "cmdline": "/data",
        }
        image = hutch.publish(folder, "--provenance=false", file="Dockerfile")
        assert image.labels[f"{PREFIX}binary"] == "/.boot/kernel"  # bunny leaves defaults out
        assert image.config["config"]["Healthcheck"]["Test"] == ["CMD", "/data"]
        assert "who" not in keys(out)

    def test_labels_decide(self, hutch: Builder, tmp_path: Path) -> None:
        folder = write(
            hutch,
            tmp_path / "c",
            "FROM scratch\nCOPY data /initrd\nCOPY kernel /k\n"
            f'LABEL {PREFIX}hypervisor=firecracker {PREFIX}binary=/k "{PREFIX}initrd"=/initrd\n'
            'LABEL who=me hutch.init=none\nCMD ["/x"]\n',
        )
        out = hutch.files(tmp_path, folder, file="Dockerfile")
        found = keys(out)
        assert found["hypervisor"] == "firecracker"
        assert found["binary"] == "/k"
        assert found["initrd"] == "/initrd"
        assert found["mountRootfs"] == "false"
        assert ".boot/kernel" not in tree(out)
        flag = ("--label", f"{PREFIX}hypervisor=qemu")
        assert keys(hutch.files(tmp_path, folder, *flag, file="Dockerfile"))["hypervisor"] == "qemu"

    def test_arguments_stages_and_contexts_reach_the_dockerfile(
        self, hutch: Builder, tmp_path: Path
    ) -> None:
        folder = write(
            hutch,
            tmp_path / "c",
            f"ARG NAME=a\nFROM scratch AS first\nARG NAME\nCOPY data /$NAME\n{LOCAL}"
            "LABEL hutch.init=none\nFROM first\nCOPY data /last\n",
        )
        flags = ("--build-arg", "NAME=b", "--target", "first")
        out = hutch.files(tmp_path, folder, *flags, file="Dockerfile")
        assert set(tree(out)) == {".boot/kernel", "b", "urunc.json"}

    def test_the_kernel_by_build_argument(self, hutch: Builder, tmp_path: Path) -> None:
        folder = write(hutch, tmp_path / "c", "FROM scratch\nCOPY data /data\n")
        flags = [
            f"--build-arg=HUTCH_{name}"
            for name in ("KERNEL=local", "KERNEL_PATH=kernel", "INIT=none")
        ]
        out = hutch.files(tmp_path, folder, *flags, file="Dockerfile")
        assert (out / ".boot/kernel").read_text() == "KERNEL"

    def test_labels_of_a_base_image_are_not_obeyed(self, hutch: Builder, tmp_path: Path) -> None:
        base = tmp_path / "base"
        base.mkdir()
        (base / "Dockerfile").write_text(
            f"FROM scratch\nLABEL {PREFIX}hypervisor=spt {PREFIX}unikernelType=rumprun\n"
            "COPY Dockerfile /x\n"
        )
        ref = f"{hutch.registry}/hutch-test/flags-labelled:1"
        hutch.buildx(base, "--push", "-t", ref, "--provenance=false", file=None).ok()
        folder = write(
            hutch, tmp_path / "c", f"FROM {ref}\nCOPY data /data\n{LOCAL}LABEL hutch.init=none\n"
        )
        done = hutch.buildx(folder, "-o", str(tmp_path / "o"), file="Dockerfile").ok()
        assert keys(tmp_path / "o")["hypervisor"] == "qemu"
        if not hutch.is_old:
            assert "InheritedLabel" in done.log

    def test_a_label_s_name_in_other_words_is_not_the_label(
        self, hutch: Builder, tmp_path: Path
    ) -> None:
        """The base's `binary` stays the base's, although the file has its name."""
        base = tmp_path / "base"
        base.mkdir()
        (base / "Dockerfile").write_text(
            f"FROM scratch\nLABEL {PREFIX}binary=/evil {PREFIX}hypervisor=spt\nCOPY Dockerfile /x\n"
        )
        ref = f"{hutch.registry}/hutch-test/flags-evil:1"
        hutch.buildx(base, "--push", "-t", ref, "--provenance=false", file=None).ok()
        text = f'FROM {ref}\nENV NOTE="see {PREFIX}binary=/evil"\n{LOCAL}LABEL hutch.init=none\n'
        text += f"ARG KEY=hypervisor\nLABEL {PREFIX}$KEY=firecracker\n"
        folder = write(hutch, tmp_path / "c", text)
        found = keys(hutch.files(tmp_path, folder, file="Dockerfile"))
        assert (found["binary"], found["hypervisor"]) == ("/.boot/kernel", "firecracker")

    def test_a_prebuilt_root_and_a_cmdline(self, hutch: Builder, tmp_path: Path) -> None:
        """No init that is not in it, and the command is not lost."""
        text = "FROM scratch\nCOPY kernel /k\nCOPY data /root.ext2\n"
        text += f"LABEL {PREFIX}binary=/k {PREFIX}block=/root.ext2 {PREFIX}blkMntPoint=/\n"
        text += f'LABEL {PREFIX}cmdline="/sbin/app -v"\n'
        folder = write(hutch, tmp_path / "c", text)
        image = hutch.publish(folder, "--provenance=false", file="Dockerfile")
        assert image.config["config"]["Cmd"] == ["/sbin/app", "-v"]
        assert "Entrypoint" not in image.config["config"]
        assert image.labels[f"{PREFIX}cmdline"] == "/sbin/app -v"
        assert image.labels[f"{PREFIX}mountRootfs"] == "false"
        done = hutch.buildx(folder, file="Dockerfile").ok()
        if not hutch.is_old:
            assert "DeprecatedCmdline" in done.log
            assert "UnbootableKernel" in done.log

    def test_what_is_started_is_looked_for_in_a_prebuilt_root(
        self, hutch: Builder, tmp_path: Path
    ) -> None:
        if hutch.is_old:
            pytest.skip("warnings need BuildKit 0.11")
        out = io.BytesIO()
        (tmp_path / "root").mkdir()
        (tmp_path / "root/other").write_text("x")
        cpio.write(walk(str(tmp_path / "root"), 0), out)
        text = "FROM scratch\nCOPY kernel initrd /\nUSER 1\n"
        text += f'LABEL {PREFIX}binary=/kernel {PREFIX}initrd=/initrd\nCMD ["/app"]\n'
        folder = write(hutch, tmp_path / "c", text)
        (folder / "initrd").write_bytes(out.getvalue())
        said = hutch.buildx(folder, file="Dockerfile").ok().log
        assert "UnstartableRoot: '/app' is what the guest starts first, and is not in" in said

    def test_its_user_is_looked_up(self, hutch: Builder, tmp_path: Path) -> None:
        """Docker builds it, and starts nothing: `unable to find user nobdy`."""
        text = f'FROM debian:trixie-slim\n{LOCAL}USER nobdy\nCMD ["/sbin/init"]\n'
        folder = write(hutch, tmp_path / "c", text)
        said = hutch.buildx(folder, file="Dockerfile").failed()
        assert "[unknown-user]" in said
        assert ">>> USER nobdy" in said
        (folder / "Dockerfile").write_text(
            (folder / "Dockerfile").read_text().replace("nobdy", "nobody:nogroup")
        )
        done = hutch.buildx(folder, file="Dockerfile").ok()
        assert hutch.is_old or "SecondInit" in done.log
        # Without an init nobody becomes that user.
        done = hutch.buildx(folder, "--label", "hutch.init=none", file="Dockerfile").ok()
        lost = "LostWithoutInit: without an init the program runs as root (line 1)"
        assert hutch.is_old or lost in done.log

    def test_a_file_that_a_label_names_is_there(self, hutch: Builder, tmp_path: Path) -> None:
        text = f'FROM scratch\nCOPY kernel /k\nLABEL {PREFIX}binary=/kernel\nCMD ["/a"]\n'
        folder = write(hutch, tmp_path / "c", text)
        said = hutch.buildx(folder, file="Dockerfile").failed()
        assert "there is no '/kernel' in the image" in said
        assert f">>> LABEL {PREFIX}binary=/kernel" in said

    def test_images_of_unikraft_are_for_a_monitor(self, hutch: Builder, tmp_path: Path) -> None:
        """As the registry of Unikraft publishes them, and bunny's first example writes it."""
        if hutch.is_old:
            pytest.skip("its Dockerfile frontend knows no build contexts")
        base = tmp_path / "base"
        base.mkdir()
        (base / "kernel").write_text("KERNEL")
        (base / "Dockerfile").write_text(
            "FROM scratch\nCOPY kernel /unikraft/bin/kernel\nENV A=1\n"
        )
        ref = f"{hutch.registry}/hutch-test/flags-unikraft:1.15"
        flags = ("--platform", "qemu/amd64,fc/amd64", "--provenance=false")
        hutch.buildx(base, *flags, "--push", "-t", ref, file=None).ok()
        text = (
            f'FROM {ref}\n\nLABEL {PREFIX}binary="/unikraft/bin/kernel"\n'
            f'LABEL "{PREFIX}unikernelType"="unikraft"\n'
            f'LABEL "{PREFIX}hypervisor"="qemu"\n\nCMD ["-c", "/nginx/conf/nginx.conf"]\n'
        )
        folder = write(hutch, tmp_path / "c", text)
        image = hutch.publish(folder, "--provenance=false", file="Dockerfile")
        assert image.config["os"] == "linux"
        assert "A=1" in image.config["config"]["Env"]
        assert image.labels[f"{PREFIX}binary"] == "/unikraft/bin/kernel"
        assert (hutch.files(tmp_path, folder, file="Dockerfile") / "unikraft/bin/kernel").is_file()
        file = "version: v1\nplatforms: {framework: unikraft, monitor: firecracker}\n"
        file += f"kernel: {{from: '{ref}', path: /unikraft/bin/kernel}}\n"
        hutch.project(tmp_path / "p", file + "rootfs: {type: none}\ncmd: [a]\n")
        assert hutch.files(tmp_path, tmp_path / "p", "--target", "kernel")

    def test_other_guests_need_a_kernel(self, hutch: Builder, tmp_path: Path) -> None:
        text = f"FROM scratch\nCOPY data /data\nLABEL {PREFIX}unikernelType=unikraft\n"
        folder = write(hutch, tmp_path / "c", text)
        said = hutch.buildx(folder, file="Dockerfile").failed()
        assert "missing-kernel" in said
        assert f">>> LABEL {PREFIX}unikernelType=unikraft" in said

    def test_its_errors_are_the_dockerfile_s(self, hutch: Builder, tmp_path: Path) -> None:
        folder = write(hutch, tmp_path / "c", "FROM scratch\nCOPY nothing /data\n")
        text = hutch.buildx(folder, file="Dockerfile").failed()
        assert ">>> COPY nothing /data" in text
        folder = write(hutch, tmp_path / "d", "FROM scratch\nCOPPY data /data\n")
        text = hutch.buildx(folder, file="Dockerfile").failed()
        assert ">>> COPPY data /data" in text

    def test_a_failing_run_shows_its_line(self, hutch: Builder, tmp_path: Path) -> None:
        text = "FROM debian:trixie-slim\nRUN echo sorry >&2; exit 3\n"
        folder = write(hutch, tmp_path / "c", text)
        done = hutch.buildx(folder, file="Dockerfile")
        assert ">>> RUN echo sorry >&2; exit 3" in done.failed()
        assert "sorry" in done.log

    def test_questions_are_the_dockerfile_frontend_s(self, hutch: Builder, tmp_path: Path) -> None:
        if hutch.is_old:
            pytest.skip("buildx asks only daemons of BuildKit 0.11 and newer")
        folder = write(hutch, tmp_path / "c", "FROM scratch as one\nCOPY data /data\n")
        assert "FromAsCasing" in hutch.buildx(folder, "--check", file="Dockerfile").failed()
        assert "one" in hutch.buildx(folder, "--call=targets", file="Dockerfile").ok().out

    def test_several_platforms(self, hutch: Builder, tmp_path: Path) -> None:
        if not hutch.has_containerd_store:
            pytest.skip("several platforms need Docker's containerd image store")
        text = f"FROM scratch\nCOPY data /data\n{LOCAL}LABEL hutch.init=none\n"
        folder = write(hutch, tmp_path / "c", text)
        platforms = ("--platform", "linux/amd64,linux/arm64", "--provenance=false")
        image = hutch.publish(folder, *platforms, file="Dockerfile")
        assert set(image.manifests) == {"linux/amd64", "linux/arm64"}
        for manifest in image.manifests.values():
            assert manifest["annotations"][f"{PREFIX}hypervisor"] == "qemu"


ROOTFS = """\
version: v1
platforms: {framework: generic, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs:
  from: dockerfile
  dockerfile: app/my.Dockerfile
  target: small
  type: raw
"""


class TestRootfs:
    def project(self, hutch: Builder, folder: Path, dockerfile: str) -> Path:
        hutch.project(folder, ROOTFS)
        (folder / "app").mkdir()
        (folder / "app/my.Dockerfile").write_text(dockerfile)
        return folder

    def test_a_stage_with_its_config(self, hutch: Builder, tmp_path: Path) -> None:
        folder = self.project(
            hutch,
            tmp_path / "p",
            'FROM scratch AS small\nARG X=1\nCOPY hello /hi\nENV X=$X\nCMD ["/hi"]\n'
            "FROM small\nCOPY kernel /big\n",
        )
        image = hutch.publish(folder, "--build-arg", "X=2", "--provenance=false")
        assert image.config["config"]["Cmd"] == ["/hi"]
        assert "X=2" in image.config["config"]["Env"]
        out = hutch.files(tmp_path, folder)
        assert set(tree(out)) == {".boot/kernel", "hi", "urunc.json"}

    def test_arguments_of_the_file_reach_it(self, hutch: Builder, tmp_path: Path) -> None:
        """Declared ones by their names, and others by a key; the command line decides the first."""
        folder = self.project(
            hutch,
            tmp_path / "p",
            "FROM scratch AS small\nARG WHO=nobody\nARG X\nCOPY hello /$WHO\nENV X=$X\n",
        )
        text = hutch.file(ROOTFS) + "  args: {X: '${WHO}-x'}\nargs: {WHO: file}\n"
        (folder / "bunnyfile").write_text(text + "labels: {who: '${WHO}'}\ninit: none\ncmd: [/a]\n")
        assert "file" in tree(hutch.files(tmp_path, folder))
        image = hutch.publish(folder, "--build-arg", "WHO=line", "--provenance=false")
        assert image.labels["who"] == "line"
        assert "X=line-x" in image.config["config"]["Env"]
        assert "line" in tree(hutch.files(tmp_path, folder, "--build-arg", "WHO=line"))

    def test_errors_keep_the_dockerfile_s_excerpt(self, hutch: Builder, tmp_path: Path) -> None:
        folder = self.project(hutch, tmp_path / "p", "FROM scratch AS small\nCOPY no /no\n")
        text = hutch.buildx(folder).failed()
        assert hutch.is_old or "my.Dockerfile:2" in text
        assert ">>> COPY no /no" in text

    def test_recursion_ends(self, hutch: Builder, tmp_path: Path) -> None:
        dockerfile = f"# syntax={hutch.frontend}\nFROM scratch AS small\nCOPY hello /hi\n"
        folder = self.project(hutch, tmp_path / "p", dockerfile)
        text = hutch.buildx(folder).failed()
        assert "dockerfile-recursion" in text
        assert ">>>   dockerfile: app/my.Dockerfile" in text

    def test_a_missing_one(self, hutch: Builder, tmp_path: Path) -> None:
        folder = self.project(hutch, tmp_path / "p", "FROM scratch\n")
        (folder / "app/my.Dockerfile").unlink()
        text = hutch.buildx(folder).failed()
        assert "no-such-file" in text
        assert ">>>   dockerfile: app/my.Dockerfile" in text


def test_building_on_a_built_image_gives_the_same(hutch: Builder, tmp_path: Path) -> None:
    """Once, twice, as a Dockerfile, as a raw root and packed: one init, and the same files."""
    text = f'FROM scratch\nCOPY data /data\nUSER 7\n{LOCAL}CMD ["/data", "x"]\n'
    folder = write(hutch, tmp_path / "c", text)
    seen = []
    for number in range(3):
        ref = f"{hutch.registry}/hutch-test/flags-again-{number}:1"
        hutch.buildx(folder, *hutch.pushed(ref), "--provenance=false", file="Dockerfile").ok()
        image = raw(ref)
        files = tree(hutch.files(tmp_path, folder, file="Dockerfile"))
        process = {k: v for k, v in image.config["config"].items() if k != "OnBuild"}
        seen.append((process, files))
        assert process["Entrypoint"] == ["/urunit"]
        assert process["Cmd"] == ["/data", "x"]
        head = f"# syntax={hutch.frontend}\nFROM {ref}\n"
        (folder / "Dockerfile").write_text(head + LOCAL)
    assert seen[0] == seen[1] == seen[2]
    packed = []
    for base in ("0", "2"):
        rootfs = f"{{from: '{hutch.registry}/hutch-test/flags-again-{base}:1', type: initrd}}"
        file = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        file += f"kernel: {{from: local, path: kernel}}\nrootfs: {rootfs}\n"
        out = hutch.files(tmp_path, hutch.project(tmp_path / base, file))
        packed.append((out / ".boot/rootfs").read_bytes())
    assert packed[0] == packed[1]
    assert b"urunc.json" not in packed[0]
    (folder / "Dockerfile").write_text(
        f"# syntax={hutch.frontend}\nFROM {ref}\n{LOCAL}LABEL hutch.init=none\n"
    )
    bare = tree(hutch.files(tmp_path, folder, file="Dockerfile"))
    assert set(bare) == {".boot/kernel", "data", "urunc.json"}


def test_a_kernel_from_source(hutch: Builder, tmp_path: Path) -> None:
    """The default: minutes the first time. The facts say what it was built from."""
    if not hutch.has_containerd_store:
        pytest.skip("a kernel is built on one engine: it takes minutes")
    text = 'FROM debian:trixie-slim\nCMD ["/bin/true"]\n'
    folder = write(hutch, tmp_path / "c", text)
    facts = tmp_path / "facts.json"
    out = tmp_path / "out"
    flags = ("--metadata-file", str(facts), "-o", f"type=local,dest={out}")
    hutch.buildx(folder, *flags, file="Dockerfile").ok()
    with (out / ".boot/kernel").open("rb") as stream:
        assert identify(stream).format == "bzimage"
    assert (out / "urunit").is_file()
    found = json.loads(facts.read_text())
    assert found["frontend.hutch.kernel.version"].startswith("6.")
    assert found["frontend.hutch.kernel.source"].startswith("pkg:deb/debian/linux-source-6.")
    assert found["frontend.hutch.kernel.config"].startswith("sha256:")
