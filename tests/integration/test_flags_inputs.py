"""Where a build's inputs come from: docs/contract/buildkit.md 9, from "build file" to "bake
target"."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import FILE, Builder
from tests.integration.harness.flags import hutch, project, tree
from tests.integration.harness.images import raw
from tests.integration.harness.serving import git, repository, serve

__all__ = ["hutch", "project"]

pytestmark = pytest.mark.integration

ROOTFS = ("--target", "rootfs")


class TestBuildFile:
    def test_outside_the_context(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere" / "my.bunny"
        elsewhere.parent.mkdir()
        (project / "bunnyfile").rename(elsewhere)
        out = hutch.files(tmp_path, project, *ROOTFS, "-f", str(elsewhere), file=None)
        assert tree(out) == {"hello": "HELLO"}

    def test_on_stdin(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        data = (project / "bunnyfile").read_bytes()
        (project / "bunnyfile").unlink()
        out = hutch.files(tmp_path, project, *ROOTFS, "-f", "-", file=None, data=data)
        assert tree(out) == {"hello": "HELLO"}

    def test_by_url(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        (tmp_path / "web").mkdir()
        (project / "bunnyfile").rename(tmp_path / "web/bunnyfile")
        with serve(tmp_path / "web") as url:
            out = hutch.files(tmp_path, project, *ROOTFS, "-f", f"{url}/bunnyfile", file=None)
        assert tree(out) == {"hello": "HELLO"}

    def test_named_like_a_dockerfile(self, hutch: Builder, project: Path, tmp_path: Path) -> None:
        (project / "bunnyfile").rename(project / "Dockerfile")
        out = hutch.files(tmp_path, project, *ROOTFS, file=None)
        assert tree(out) == {"hello": "HELLO"}

    def test_a_missing_one_is_said(self, hutch: Builder, project: Path) -> None:
        done = hutch.buildx(project, file="nothing")
        assert "nothing" in done.failed()


class TestFroms:
    def test_the_whole_context(self, hutch: Builder, tmp_path: Path) -> None:
        """`from: local` is all that the client sends, with more on top."""
        file = FILE.replace(
            "  include:\n    - hello:/hello", "  from: local\n  include: [hello:/a/b]"
        )
        folder = hutch.project(tmp_path / "p", file, secret="SECRET")
        (folder / ".dockerignore").write_text("secret\nbunnyfile\n.dockerignore\n")
        out = hutch.files(tmp_path, folder, *ROOTFS)
        assert tree(out) == {"hello": "HELLO", "kernel": "KERNEL", "a/b": "HELLO"}

    def test_a_file_by_url(self, hutch: Builder, tmp_path: Path) -> None:
        """Kernel and root filesystem, each the file itself or out of an archive."""
        web = tmp_path / "web"
        web.mkdir()
        (web / "image").write_bytes(b"070701" + b"0" * 104)
        with tarfile.open(web / "all.tar.gz", "w:gz") as archive:
            archive.add(web / "image", "boot/image")
        whole, packed = (
            hashlib.sha256((web / name).read_bytes()).hexdigest()
            for name in ("image", "all.tar.gz")
        )
        with serve(web) as url:
            itself = f"from: '{url}/image?x=1'\n  sha256: '{whole}'"
            inside = f"from: {url}/all.tar.gz\n  sha256: '{packed}'\n  path: boot/image"
            for kernel, root in ((itself, inside), (inside, itself)):
                file = FILE.replace("from: local\n  path: kernel", kernel)
                file = file.replace("include:\n    - hello:/hello", f"{root}\n  type: initrd")
                folder = hutch.project(tmp_path / "p", file)
                for target in ("kernel", "rootfs"):
                    out = hutch.files(tmp_path, folder, "--target", target)
                    assert tree(out) == {"image": "070701" + "0" * 104}
            wrong = FILE.replace("from: local\n  path: kernel", itself.replace(whole, "1" * 64))
            folder = hutch.project(tmp_path / "p", wrong)
            text = hutch.buildx(folder, "--target", "kernel").failed()
            assert ">>>   from: 'http" in text
            assert "[wrong-checksum]" in text


class TestMainContext:
    def test_ignore_file(self, hutch: Builder, project: Path) -> None:
        (project / ".dockerignore").write_text("hello\n")
        text = hutch.buildx(project).failed()
        assert ">>>     - hello:/hello" in text

    def test_ignore_file_beside_the_build_file_wins(
        self, hutch: Builder, project: Path, tmp_path: Path
    ) -> None:
        (project / ".dockerignore").write_text("hello\n")
        (project / "bunnyfile.dockerignore").write_text("*.md\n")
        assert tree(hutch.files(tmp_path, project, *ROOTFS)) == {"hello": "HELLO"}

    def test_only_what_is_named_is_sent(self, hutch: Builder, project: Path) -> None:
        (project / "big").write_bytes(os.urandom(3 << 20))
        text = hutch.buildx(project, *ROOTFS).ok().log
        sent = [line for line in text.splitlines() if "transferring context" in line]
        assert sent
        assert not any("MB" in line for line in sent)

    @pytest.mark.parametrize("form", ["#main:app", "#v1:app", "?branch=main&subdir=app"])
    def test_git(self, hutch: Builder, tmp_path: Path, form: str) -> None:
        if hutch.is_old and "?" in form:
            pytest.skip("the query form of git URLs needs BuildKit 0.24")
        if hutch.is_old:
            pytest.skip("a directory of a git context needs BuildKit 0.9")
        work, web = tmp_path / "work", tmp_path / "web"
        web.mkdir()
        hutch.project(work / "app")
        git(tmp_path, "init", "-q", str(work))
        git(work, "add", "-A")
        git(work, "commit", "-qm", "one")
        git(work, "tag", "v1")
        (work / "app/hello").write_text("NEWER")
        repository(work, web / "repo.git")
        with serve(web) as url:
            out = hutch.files(
                tmp_path, f"{url}/repo.git{form}", *ROOTFS, "-f", "bunnyfile", file=None
            )
        assert tree(out) == {"hello": "HELLO" if "v1" in form else "NEWER"}

    @pytest.fixture
    def archive(self, project: Path, tmp_path: Path) -> Path:
        archive = tmp_path / "web/context.tar.gz"
        archive.parent.mkdir()
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(project, ".")
        return archive

    def test_archive_by_url(self, hutch: Builder, archive: Path, tmp_path: Path) -> None:
        with serve(archive.parent) as url:
            context = f"{url}/{archive.name}"
            out = hutch.files(tmp_path, context, *ROOTFS, "-f", "bunnyfile", file=None)
        assert tree(out) == {"hello": "HELLO"}

    def test_archive_on_stdin(self, hutch: Builder, archive: Path, tmp_path: Path) -> None:
        flags = (*ROOTFS, "-f", "bunnyfile")
        out = hutch.files(tmp_path, "-", *flags, file=None, data=archive.read_bytes())
        assert tree(out) == {"hello": "HELLO"}

    def test_a_lone_file_by_url_is_the_build_file(self, hutch: Builder, tmp_path: Path) -> None:
        text = hutch.file(
            "version: v1\nplatforms: {framework: generic, monitor: qemu}\n"
            "kernel: {from: base, path: there}\nrootfs: {from: base, type: raw}\n"
        )
        (tmp_path / "web").mkdir()
        (tmp_path / "web/one.yaml").write_text(text)
        (tmp_path / "base").mkdir()
        (tmp_path / "base/there").write_text("THERE")
        if hutch.is_old:
            pytest.skip("named build contexts need BuildKit 0.10")
        with serve(tmp_path / "web") as url:
            out = hutch.files(
                tmp_path,
                f"{url}/one.yaml",
                *ROOTFS,
                *("--build-context", f"base={tmp_path / 'base'}"),
                file=None,
            )
        assert tree(out) == {"there": "THERE"}


NAMED = """\
version: v1
platforms: {framework: generic, monitor: qemu}
kernel: {from: guest.example.com/kernel:1, path: /kernel}
rootfs:
  include:
    - {from: other, source: /data, destination: /data}
cmd: [/x]
"""


class TestNamedContexts:
    """Every image of a file, and every plain name, can be replaced."""

    @pytest.fixture(autouse=True)
    def _since(self, hutch: Builder) -> None:
        if hutch.is_old:
            pytest.skip("named build contexts need BuildKit 0.10")

    @pytest.fixture
    def named(self, hutch: Builder, tmp_path: Path) -> Path:
        folder = hutch.project(tmp_path / "named", NAMED)
        (tmp_path / "guest").mkdir()
        (tmp_path / "guest/kernel").write_text("REPLACED")
        (tmp_path / "other").mkdir()
        (tmp_path / "other/data").write_text("DATA")
        return folder

    def kernel_of(self, hutch: Builder, named: Path, tmp_path: Path, kernel: str) -> str:
        out = hutch.files(
            tmp_path,
            named,
            *("--build-context", f"guest.example.com/kernel:1={kernel}"),
            *("--build-context", f"other={tmp_path / 'other'}"),
        )
        assert (out / "data").read_text() == "DATA"
        return (out / ".boot/kernel").read_text()

    def test_directory(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        assert self.kernel_of(hutch, named, tmp_path, f"{tmp_path / 'guest'}") == "REPLACED"

    def test_directory_has_its_own_ignore_file(
        self, hutch: Builder, named: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "guest/.dockerignore").write_text("kernel\n")
        done = hutch.buildx(
            named,
            *("--build-context", f"guest.example.com/kernel:1={tmp_path / 'guest'}"),
            *("--build-context", f"other={tmp_path / 'other'}"),
        )
        assert "/kernel" in done.failed()

    def test_image(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        (tmp_path / "guest/Dockerfile").write_text("FROM scratch\nCOPY kernel /kernel\n")
        ref = f"{hutch.registry}/hutch-test/flags-guest:1"
        hutch.buildx(tmp_path / "guest", "-t", ref, "--push", file=None).ok()
        assert self.kernel_of(hutch, named, tmp_path, f"docker-image://{ref}") == "REPLACED"

    def test_git(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        (tmp_path / "web").mkdir()
        repository(tmp_path / "guest", tmp_path / "web/guest.git")
        with serve(tmp_path / "web") as url:
            found = self.kernel_of(hutch, named, tmp_path, f"{url}/guest.git#main")
        assert found == "REPLACED"

    def test_http(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        text = (named / "bunnyfile").read_text().replace("path: /kernel", "path: /context")
        (named / "bunnyfile").write_text(text)
        with serve(tmp_path / "guest") as url:
            assert self.kernel_of(hutch, named, tmp_path, f"{url}/kernel") == "REPLACED"

    def test_oci_layout(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        if not hutch.has_containerd_store:
            pytest.skip("writing an OCI layout with the docker driver needs the containerd store")
        (tmp_path / "guest/Dockerfile").write_text("FROM scratch\nCOPY kernel /kernel\n")
        layout = tmp_path / "layout"
        hutch.buildx(tmp_path / "guest", "-o", f"type=oci,tar=false,dest={layout}", file=None).ok()
        assert self.kernel_of(hutch, named, tmp_path, f"oci-layout://{layout}") == "REPLACED"

    def test_bake_target_and_inputs(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        (tmp_path / "guest/Dockerfile").write_text("FROM scratch\nCOPY kernel /kernel\n")
        bake = {
            "target": {
                "guest": {"context": str(tmp_path / "guest")},
                "image": {
                    "context": str(named),
                    "dockerfile": "bunnyfile",
                    "contexts": {
                        "guest.example.com/kernel:1": "target:guest",
                        "other": str(tmp_path / "other"),
                    },
                    "output": [f"type=local,dest={tmp_path / 'out'}"],
                },
            }
        }
        hutch.bake(bake, "image").ok()
        assert (tmp_path / "out/.boot/kernel").read_text() == "REPLACED"

    BASE = (
        "FROM scratch\nARG TARGETARCH\nCOPY kernel /for-$TARGETARCH\n"
        'ENV FROM=base\nUSER 7\nCMD ["/from/base"]\n'
    )
    RAW = (
        "version: v1\nplatforms: {framework: generic, monitor: qemu}\n"
        "kernel: {from: local, path: kernel}\nrootfs: {from: base, type: raw}\n"
    )

    @pytest.fixture
    def based(self, hutch: Builder, tmp_path: Path) -> Path:
        (tmp_path / "base").mkdir()
        (tmp_path / "base/kernel").write_text("BASE")
        (tmp_path / "base/Dockerfile").write_text(self.BASE)
        return hutch.project(tmp_path / "based", self.RAW)

    def check_config(self, config: dict[str, Any]) -> None:
        """The command, environment and user are the named image's own."""
        assert config["config"]["Cmd"] == ["/from/base"]
        assert "FROM=base" in config["config"]["Env"]
        assert config["config"]["User"] == "7"

    @pytest.mark.parametrize("kind", ["image", "oci-layout"])
    def test_an_image_brings_its_config(
        self, hutch: Builder, based: Path, tmp_path: Path, kind: str
    ) -> None:
        if kind == "oci-layout" and not hutch.has_containerd_store:
            pytest.skip("writing an OCI layout with the docker driver needs the containerd store")
        ref, layout = f"{hutch.registry}/hutch-test/flags-base:1", tmp_path / "layout"
        output = ["--push", "-t", ref]
        if kind == "oci-layout":
            output = ["-o", f"type=oci,tar=false,dest={layout}"]
        hutch.buildx(tmp_path / "base", *output, file=None).ok()
        value = f"docker-image://{ref}" if kind == "image" else f"oci-layout://{layout}"
        self.check_config(hutch.publish(based, "--build-context", f"base={value}").config)

    def test_a_bake_target_brings_its_config(
        self, hutch: Builder, based: Path, tmp_path: Path
    ) -> None:
        name = hutch.name_of()
        bake = {
            "target": {
                "base": {"context": str(tmp_path / "base")},
                "image": {
                    "context": str(based),
                    "dockerfile": "bunnyfile",
                    "contexts": {"base": "target:base"},
                    "output": ["type=registry"],
                    "tags": [name],
                },
            }
        }
        hutch.bake(bake, "image").ok()
        self.check_config(raw(name).config)

    def test_each_platform_gets_its_own(self, hutch: Builder, based: Path, tmp_path: Path) -> None:
        """What goes into the guest is of its platform, whatever the builder's is."""
        if not hutch.has_containerd_store:
            pytest.skip("several platforms need Docker's containerd image store")
        ref = f"{hutch.registry}/hutch-test/flags-base-both:1"
        both = ("--platform", "linux/amd64,linux/arm64")
        hutch.buildx(tmp_path / "base", *both, "--push", "-t", ref, file=None).ok()
        given = ("--build-context", f"base=docker-image://{ref}")
        (based / "bunnyfile").write_text(
            (based / "bunnyfile").read_text().replace("generic", "linux")
        )
        out = hutch.files(tmp_path, based, *both, *given)
        for architecture in ("amd64", "arm64"):
            assert f"for-{architecture}" in tree(out / f"linux_{architecture}")

    def test_a_useless_one_is_said(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        done = hutch.buildx(
            named,
            *("--build-context", "other=docker-image://example.com/UPPER"),
            *("--build-context", f"guest.example.com/kernel:1={tmp_path / 'guest'}"),
        )
        assert "bad-build-context" in done.failed()

    def test_a_useless_git_url_is_said(self, hutch: Builder, named: Path, tmp_path: Path) -> None:
        done = hutch.buildx(
            named,
            *("--build-context", "other=https://example.com/x.git?branch=a&tag=b"),
            *("--build-context", f"guest.example.com/kernel:1={tmp_path / 'guest'}"),
        )
        assert "bad-git-url" in done.failed()


def test_what_is_no_image_is_said_at_its_line(hutch: Builder, tmp_path: Path) -> None:
    file = NAMED.replace("guest.example.com/kernel:1", "example.com/Not/Image")
    folder = hutch.project(tmp_path / "p", file.replace("from: other", "from: debian"))
    text = hutch.buildx(folder).failed()
    assert "bad-image-reference" in text
    assert ">>> kernel: {from: example.com/Not/Image" in text


ARGS = """\
version: v1
args:
  # WHO the one who is greeted
  WHO: world
  MODE:
platforms: {framework: generic, monitor: qemu}
kernel: {from: local, path: "kernel"}
rootfs:
  include: ["hello:/${WHO}"]
cmd: ["/bin/${WHO}", "${MODE:-plain}", "${TARGETARCH}", "$$HOME"]
envs: {ON: "${BUILDPLATFORM}"}
"""


class TestArguments:
    def test_defaults_and_values(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "args", ARGS)
        image = hutch.publish(folder, "--build-arg", "WHO=moon")
        assert image.config["config"]["Cmd"] == ["/bin/moon", "plain", "amd64", "$HOME"]
        assert "ON=linux/amd64" in image.config["config"]["Env"]
        assert tree(hutch.files(tmp_path, folder, *ROOTFS)) == {"world": "HELLO"}

    def test_an_undeclared_one_is_an_error_at_its_line(
        self, hutch: Builder, tmp_path: Path
    ) -> None:
        folder = hutch.project(tmp_path / "args", ARGS.replace("/${WHO}", "/${WHI}", 1))
        text = hutch.buildx(folder).failed()
        assert "did you mean 'WHO'?" in text
        assert '>>>   include: ["hello:/${WHI}"]' in text

    def test_outline_shows_them(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "args", ARGS)
        done = hutch.buildx(folder, "--call=outline", "--build-arg", "WHO=moon")
        if hutch.is_old:
            pytest.skip("buildx asks daemons before 23.0 no questions")
        rows = [line.split() for line in done.ok().out.splitlines()]
        assert ["WHO", "moon", "the", "one", "who", "is", "greeted"] in rows


GIT_APP = """\
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: kernel}}
app:
  from: {url}
  artifacts: ["main.c:/main.c"]
rootfs: {{type: initrd}}
cmd: [/main.c]
"""


class TestPrivateSources:
    def test_git_over_http_with_a_token(self, hutch: Builder, tmp_path: Path) -> None:
        """The secret GIT_AUTH_TOKEN, as for a Dockerfile's ADD."""
        (tmp_path / "work").mkdir()
        (tmp_path / "web").mkdir()
        (tmp_path / "work/main.c").write_text("int main;")
        repository(tmp_path / "work", tmp_path / "web/repo.git")
        expected = "basic " + base64.b64encode(b"x-access-token:s3cret").decode()
        asked: list[str] = []

        def guard(request: SimpleHTTPRequestHandler) -> bool:
            given = request.headers.get("Authorization", "")
            asked.append(given)
            if given.lower() == expected.lower():
                return False
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="git"')
            request.end_headers()
            return True

        (tmp_path / "token").write_text("s3cret")
        with serve(tmp_path / "web", guard) as url:
            file = GIT_APP.format(url=f"{url}/repo.git#main")
            folder = hutch.project(tmp_path / "private", file)
            refused = hutch.buildx(folder, "--target", "app", "--no-cache").failed()
            assert f">>>   from: {url}/repo.git#main" in refused
            out = hutch.files(
                tmp_path,
                folder,
                *("--target", "app", "--no-cache"),
                *("--secret", f"id=GIT_AUTH_TOKEN,src={tmp_path / 'token'}"),
            )
        assert tree(out) == {"main.c": "int main;"}
        assert any(asked)

    def test_git_over_ssh_asks_for_the_agent(self, hutch: Builder, tmp_path: Path) -> None:
        """Without `--ssh` the daemon says so, at the line of the source."""
        file = GIT_APP.format(url="git@127.0.0.1:repo.git#main")
        folder = hutch.project(tmp_path / "ssh", file)
        text = hutch.buildx(folder, "--target", "app", "--no-cache").failed()
        assert "ssh" in text.lower()
        if not hutch.is_old:
            done = hutch.buildx(folder, "--call=outline,format=json", "--target", "app").ok()
            outline = json.loads(done.out)
            assert outline["ssh"] == [{"name": "default", "required": True}]


def test_the_command_line_is_docker_s_own(hutch: Builder, project: Path) -> None:
    """dockerd's own build API, without buildx: the legacy client with DOCKER_BUILDKIT=1."""
    buildkit = {"DOCKER_BUILDKIT": "1"}
    done = hutch.docker(
        *("build", "-q", "-f", str(project / "bunnyfile"), str(project)), env=buildkit
    )
    assert done.ok().out.startswith("sha256:")


def test_a_context_on_stdin_with_the_build_file_in_it(hutch: Builder, tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in (
            ("Dockerfile", hutch.file()),
            ("kernel", "KERNEL"),
            ("hello", "HELLO"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    out = hutch.files(tmp_path, "-", *ROOTFS, file=None, data=data.getvalue())
    assert tree(out) == {"hello": "HELLO"}
