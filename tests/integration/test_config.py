"""The image around the guest: its config, annotations, history and layers."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from frontend.images.oci import Descriptor
from tests.integration.harness import EPOCH, PREFIX, Builder
from tests.integration.harness.counted import counted
from tests.integration.harness.images import raw
from tests.unit.frameworks.test_kernelfile import elf64

pytestmark = pytest.mark.integration

FILE = """
version: v1
platforms: {framework: generic, monitor: qemu}
kernel: {from: local, path: kernel}
"""

APPLICATION = """
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
app: {from: local, path: app, artifacts: ["server:/bin/server"]}
rootfs: {from: "BASE", type: raw, include: ["assets:/srv/assets"]}
workdir: /srv
cmd: [/bin/server]
"""

BASE = r"""
FROM debian:trixie-slim
RUN echo one > /one
ENV PATH=/opt/bin:/usr/bin LANG=C
WORKDIR /srv
USER 1000:100
EXPOSE 80/tcp
VOLUME /data
LABEL owner=base keep=yes com.urunc.unikernel.unikernelType=rumprun com.urunc.unikernel.block=/old
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s CMD ["/check", "now"]
SHELL ["/bin/bash", "-c"]
ONBUILD RUN echo again
ENTRYPOINT ["/entry"]
CMD ["base"]
"""


@pytest.fixture(scope="module")
def base(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> str:
    return builder.push(tmp_path_factory.mktemp("base"), BASE)


@pytest.fixture
def project(project: Path) -> Path:
    (project / "kernel").write_bytes(b"kernel" * 1000)
    (project / "file").write_text("file\n")
    return project


class TestConfig:
    def test_nothing_of_the_base_is_lost(self, builder: Builder, project: Path, base: str) -> None:
        packed = builder.pack(project, FILE + f"rootfs: {{from: {base!r}, type: raw}}\n")
        before = builder.read(base)
        had, has = before.process, packed.process
        for key in ("Healthcheck", "Shell", "StopSignal", "Volumes", "ExposedPorts"):
            assert has[key] == had[key], key
        assert "OnBuild" not in has  # it would act in a later build, and nothing here says so
        for key in ("Env", "Entrypoint", "Cmd", "User", "WorkingDir"):
            assert has[key] == had[key], key
        assert has["Labels"]["owner"] == "base"
        assert has["Labels"]["keep"] == "yes"
        # What the base told the runtime is about the base.
        assert packed.keys["unikernelType"] == "generic"
        assert PREFIX + "block" not in has["Labels"]
        assert packed.read("/one") == b"one\n"

    def test_its_layers_are_kept_as_they_are(
        self, builder: Builder, project: Path, base: str
    ) -> None:
        packed = builder.pack(project, FILE + f"rootfs: {{from: {base!r}, type: raw}}\n")
        before = builder.read(base)
        count = len(before.image.layers)
        assert [layer.digest for layer in packed.image.layers[:count]] == [
            layer.digest for layer in before.image.layers
        ]
        config, old = json.loads(packed.image.config), json.loads(before.image.config)
        assert config["rootfs"]["diff_ids"][:count] == old["rootfs"]["diff_ids"]
        assert config["history"][: len(old["history"])] == old["history"]

    def test_history_has_a_line_for_each_layer(self, any_builder: Builder, project: Path) -> None:
        packed = any_builder.pack(project, FILE + "rootfs: {include: ['file:/file'], type: raw}\n")
        config = json.loads(packed.image.config)
        filled = [line for line in config["history"] if not line.get("empty_layer")]
        assert len(filled) == len(config["rootfs"]["diff_ids"]) == len(packed.image.layers)
        if any_builder.has_containerd_store:  # BuildKit 0.8 writes history lines of its own
            assert any("kernel" in line["created_by"] for line in filled)

    def test_the_files_words_win(self, any_builder: Builder, project: Path) -> None:
        (project / "passwd").write_text("nobody:x:65534:65534::/:\n")
        (project / "group").write_text("users:x:100:\n")
        base = any_builder.push(
            project,
            'FROM scratch\nCOPY file /\nENV A=1 B=2\nENTRYPOINT ["/e"]\nCMD ["c"]\nUSER 5\n'
            "COPY passwd group /etc/\n"
            "LABEL l=base\nEXPOSE 80\nVOLUME /a\nWORKDIR /w\n",
        )
        packed = any_builder.pack(
            project,
            FILE
            + f"""
rootfs: {{from: {base!r}, type: raw}}
entrypoint: [/new]
cmd: [x, "y z"]
envs: {{B: "3", C: "4"}}
user: nobody:users
workdir: /srv
ports: ["8080", 53/udp]
volumes: [/b]
labels: {{l: file, "my.label": "two words"}}
""",
        )
        process = packed.process
        assert packed.args == ["/new", "x", "y z"]
        assert packed.env[1:] == ["A=1", "B=3", "C=4"]
        assert process["User"] == "nobody:users"
        assert process["WorkingDir"] == "/srv"
        assert sorted(process["ExposedPorts"]) == ["53/udp", "80/tcp", "8080/tcp"]
        assert sorted(process["Volumes"]) == ["/a", "/b"]
        assert process["Labels"]["l"] == "file"
        assert process["Labels"]["my.label"] == "two words"

    def test_an_entrypoint_drops_the_bases_command(self, builder: Builder, project: Path) -> None:
        base = builder.push(project, 'FROM scratch\nCOPY file /\nENTRYPOINT ["/e"]\nCMD ["c"]\n')
        packed = builder.pack(
            project, FILE + f"rootfs: {{from: {base!r}, type: raw}}\nentrypoint: [/new]\n"
        )
        assert packed.args == ["/new"]

    def test_annotations(self, builder: Builder, project: Path) -> None:
        text = FILE + "annotations: {org.opencontainers.image.title: my guest}\n"
        packed = builder.pack(project, text)
        assert packed.image.annotations["org.opencontainers.image.title"] == "my guest"
        # The runtime's own file and the labels have the runtime's keys only.
        assert "org.opencontainers.image.title" not in packed.read("/urunc.json").decode()


class TestLayers:
    def test_each_part_is_a_layer_of_its_own(self, any_builder: Builder, project: Path) -> None:
        packed = any_builder.pack(
            project, FILE + "rootfs: {include: ['file:/file'], type: initrd}\n"
        )
        tree = packed.tree
        order = [tree.layer(path) for path in ("/.boot/kernel", "/.boot/rootfs", "/urunc.json")]
        # BuildKit 0.8 cannot merge layers: there the last two are one.
        assert order == ([0, 1, 2] if any_builder.has_containerd_store else [0, 1, 1])
        assert len(packed.image.layers) == len(set(order))
        assert packed.files == ["/.boot/kernel", "/.boot/rootfs", "/urunc.json"]

    def test_a_changed_application_keeps_the_kernels_layer(
        self, builder: Builder, project: Path
    ) -> None:
        text = FILE + "rootfs: {include: ['file:/file'], type: initrd}\n"
        first = builder.pack(project, text)
        (project / "file").write_text("changed\n")
        second = builder.pack(project, text)
        assert first.image.layers[0] == second.image.layers[0]
        assert first.image.layers[1] != second.image.layers[1]

    def test_a_changed_application_moves_only_its_layer(
        self, builder: Builder, project: Path
    ) -> None:
        """Not the base image, nor what lies beside it: what a push sends is counted, and a pull
        takes the layers that are new."""
        sizes = {"base": 3 << 20, "assets": 2 << 20, "app/server": 100_000}
        (project / "app").mkdir()
        for name, size in sizes.items():
            (project / name).write_bytes(os.urandom(size))
        (project / "kernel").write_bytes(elf64() + os.urandom(1 << 20))
        base = builder.push(project, "FROM scratch\nCOPY base /base\n")
        text = APPLICATION.replace("BASE", base)
        with counted(builder.registry) as registry:

            def pushed() -> list[Descriptor]:
                ref = f"{registry.name}/hutch-test/moved:{uuid.uuid4().hex}"
                builder.build(project, text, output=f"type=image,name={ref},push=true")
                return list(builder.read(ref.replace(registry.name, builder.registry)).image.layers)

            first = pushed()
            # The base image's layer is there, under another name.
            assert registry.sent > sizes["assets"] + sizes["app/server"]
            registry.reset()
            (project / "app/server").write_bytes(os.urandom(sizes["app/server"]))
            second = pushed()
            assert sizes["app/server"] < registry.sent < 3 * sizes["app/server"]
        (new,) = (layer for layer in second if layer not in first)
        # What starts it is in its layer, too: it may be a file of the application.
        assert sizes["app/server"] < new.size < 3 * sizes["app/server"]
        assert len(second) == len(first)

    @pytest.mark.parametrize(
        ("compression", "kind"),
        [("gzip", "tar+gzip"), ("zstd", "tar+zstd"), ("uncompressed", "tar")],
    )
    def test_the_compression_that_is_asked_for(
        self, builder: Builder, project: Path, compression: str, kind: str
    ) -> None:
        """Not estargz: asked for that, Debian's Docker 28.5.2 ends, whoever the frontend is."""
        ref = builder.name_of()
        words = f"type=image,name={ref},push=true,compression={compression},force-compression=true"
        text = FILE + "rootfs: {include: ['file:/file'], type: initrd}\n"
        builder.build(project, text, output=f"{words},oci-mediatypes=true")
        layers = raw(ref).manifest["layers"]
        assert {each["mediaType"].rpartition(".")[2] for each in layers} == {kind}
        packed = builder.read(ref)
        builder.check_keys(packed)
        assert packed.read("/.boot/kernel") == (project / "kernel").read_bytes()

    def test_with_provenance_the_image_is_in_an_index(
        self, builder: Builder, project: Path
    ) -> None:
        """As docker does by default: what urunc reads is in the index's manifest."""
        done = builder.build(project, FILE, provenance=True)
        packed = builder.read(done.ref)
        builder.check_keys(packed)
        assert packed.image.digest != done.digest

    def test_no_more_than_needed_is_sent(self, builder: Builder, project: Path) -> None:
        """Ten gigabytes that nobody asks for stay where they are."""
        with (project / "huge").open("wb") as out:
            out.truncate(10 << 30)
        (project / "unreadable").mkdir()
        (project / "unreadable/dangling").symlink_to("/nowhere")
        done = builder.build(project, FILE + "rootfs: {include: ['file:/file'], type: initrd}\n")
        assert done.transferred < 50_000


class TestEpoch:
    def test_everything_has_the_epochs_time(self, any_builder: Builder, project: Path) -> None:
        text = FILE + "rootfs: {include: ['file:/etc/file'], type: raw}\n"
        packed = any_builder.pack(project, text, epoch=EPOCH)
        assert json.loads(packed.image.config)["created"] == "2023-11-14T22:13:20Z"
        # BuildKit 0.8 gives directories that it makes on the way the time of the build.
        paths = packed.tree if any_builder.has_containerd_store else packed.files
        times = {path: packed.tree.stat(path).mtime for path in paths}
        assert set(times.values()) == {EPOCH}, times

    def test_without_it_the_time_is_fixed(self, builder: Builder, project: Path) -> None:
        packed = builder.pack(project, FILE)
        assert packed.tree.stat("/.boot/kernel").mtime == 315532800
