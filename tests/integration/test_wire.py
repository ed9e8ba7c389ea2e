"""The wire against a real BuildKit: `tests/wire/probe.py` is the frontend, docker is the client."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder
from tests.integration.harness.engines import start
from tests.integration.harness.images import raw
from tests.integration.harness.serving import repository, serve

pytestmark = pytest.mark.integration

FILE = "# syntax={image}\nversion: v1\nplatforms:\n  framework: linux\n  version: 1\n"


@pytest.fixture(scope="session")
def probe(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """The engine, with the probe as the frontend."""
    name = os.environ.get("HUTCH_TEST_ENGINE") or "28"
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.py").write_bytes((ROOT / "tests/wire/probe.py").read_bytes())
    made = builder.push(
        folder,
        f"FROM {builder.frontend}\n"
        "COPY probe.py /usr/lib/python3.13/probe.py\n"
        'ENTRYPOINT ["/usr/bin/python3", "-I", "-S", "-B", "-m", "probe"]\n',
    )
    with closing(Builder(name, start(name), made)) as probed:
        yield probed


@pytest.fixture
def project(tmp_path: Path, probe: Builder) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "bunnyfile").write_text(FILE.format(image=probe.frontend))
    (folder / "src/main.c").write_text("int main;")
    (folder / "secret.txt").write_text("no")
    (folder / "notes.md").write_text("notes")
    (folder / ".dockerignore").write_text("# nothing secret\nsecret.txt\n")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


class TestContexts:
    def test_local_context_and_its_ignore_file(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        out = probe.files(tmp_path, project)
        expected = {"bunnyfile", "src/main.c", "notes.md", ".dockerignore"}
        assert names(out / "context") == expected
        assert (out / "build-file").read_text() == FILE.format(image=probe.frontend)

    def test_ignore_file_beside_the_build_file_wins(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        (project / "bunnyfile.dockerignore").write_text("*\n!src\n")
        out = probe.files(tmp_path, project)
        assert names(out / "context") == {"src/main.c"}

    def test_sends_only_what_is_followed(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        (project / "here").symlink_to("src/main.c")
        file = str(project / "bunnyfile")
        out = probe.files(
            tmp_path, project, "-f", file, "--build-arg", "FOLLOW=/here,notes.*", file=None
        )
        assert {p for p in names(out / "context")} == {"here", "src/main.c", "notes.md"}

    def test_build_file_outside_the_context(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "elsewhere.yaml"
        elsewhere.write_text(FILE.format(image=probe.frontend) + "# elsewhere\n")
        out = probe.files(tmp_path, project, "-f", str(elsewhere), file=None)
        assert "elsewhere" in (out / "build-file").read_text()

    def test_build_file_from_stdin(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        text = FILE.format(image=probe.frontend) + "# from stdin\n"
        out = probe.files(tmp_path, project, "-f", "-", file=None, data=text.encode())
        assert "from stdin" in (out / "build-file").read_text()
        assert "src/main.c" in names(out / "context")

    def test_context_as_an_archive_on_stdin(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(project, ".")
        out = probe.files(tmp_path, "-", data=archive.getvalue())
        assert "src/main.c" in names(out / "context")
        # An ignore file applies to the client's own directories only.
        assert "secret.txt" in names(out / "context")

    def test_context_from_the_web(
        self, probe: Builder, project: Path, tmp_path: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        # The Dockerfile frontend, which reads the file first, knows no archive with PAX headers.
        plain = tarfile.GNU_FORMAT
        with tarfile.open(folder / "project.tar", mode="w", format=plain) as tar:
            tar.add(project, ".")
        out = probe.files(tmp_path, f"{url}/project.tar")
        assert "src/main.c" in names(out / "context")

    def test_a_plain_file_from_the_web_is_the_build_file(
        self, probe: Builder, project: Path, tmp_path: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        (folder / "bunnyfile").write_bytes((project / "bunnyfile").read_bytes())
        out = probe.files(tmp_path, f"{url}/bunnyfile", file=None)
        assert names(out / "context") == {"context"}
        assert (out / "build-file").read_bytes() == (project / "bunnyfile").read_bytes()

    @pytest.mark.parametrize("form", ["#main:sub", "?ref=main&subdir=sub"])
    def test_git_context(
        self, probe: Builder, project: Path, tmp_path: Path, web: tuple[Path, str], form: str
    ) -> None:
        folder, url = web
        work = tmp_path / "work"
        work.mkdir()
        project.rename(work / "sub")
        repository(work, folder / "repo.git")
        out = probe.files(tmp_path, f"{url}/repo.git{form}")
        assert names(out / "context") >= {"bunnyfile", "src/main.c", "secret.txt"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory and its address on the loopback interface."""
    folder = tmp_path / "web"
    folder.mkdir()
    with serve(folder) as url:
        yield folder, url


class TestNamedContexts:
    def named(self, probe: Builder, project: Path, tmp_path: Path, name: str, value: str) -> Path:
        return probe.files(
            tmp_path,
            project,
            *("--platform", "linux/amd64"),
            *("--build-arg", f"NAMED={name}"),
            *("--build-context", f"{name}={value}"),
        )

    def test_directory_with_its_own_ignore_file(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "named"
        folder.mkdir()
        (folder / "a").write_text("a")
        (folder / "b").write_text("b")
        (folder / ".dockerignore").write_text("b")
        out = self.named(probe, project, tmp_path, "thing", str(folder))
        assert names(out / "named-files") == {"a", ".dockerignore"}

    def test_image(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        value = f"docker-image://{probe.frontend}"
        out = self.named(probe, project, tmp_path, "debian", value)
        assert json.loads((out / "named-config").read_text())["config"]["Entrypoint"]
        assert (out / "named-files/usr/lib/python3.13/probe.py").exists()
        assert "@sha256:" in (out / "named").read_text()

    def test_scratch(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        out = self.named(probe, project, tmp_path, "debian", "docker-image://scratch")
        assert (out / "named-config").read_bytes() == b""

    def test_oci_layout(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        layout = tmp_path / "layout"
        probe.buildx(
            project,
            *("--platform", "linux/amd64"),
            *("--output", f"type=oci,tar=false,dest={layout}"),
            "--provenance=false",
        ).ok()
        out = self.named(probe, project, tmp_path, "base", f"oci-layout://{layout}")
        assert names(out / "named-files") >= {"build-file", "facts.json"}
        assert json.loads((out / "named-config").read_text())["os"] == "linux"

    def test_web(
        self, probe: Builder, project: Path, tmp_path: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        (folder / "kernel.bin").write_text("kernel")
        out = self.named(probe, project, tmp_path, "kernel", f"{url}/kernel.bin")
        assert (out / "named-files/context").read_text() == "kernel"

    def test_target_of_bake(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        (project / "base.Dockerfile").write_text(
            "FROM scratch\nCOPY notes.md /from-bake\nENV A=b\n"
        )
        out = tmp_path / "baked"
        bake = {
            "target": {
                "base": {"context": str(project), "dockerfile": "base.Dockerfile"},
                "top": {
                    "context": str(project),
                    "dockerfile": "bunnyfile",
                    "contexts": {"thing": "target:base"},
                    "args": {"NAMED": "thing"},
                    "platforms": ["linux/amd64"],
                    "output": [f"type=local,dest={out}"],
                },
            }
        }
        probe.bake(bake, "top").ok()
        assert names(out / "named-files") == {"from-bake"}
        assert "A=b" in json.loads((out / "named-config").read_text())["config"]["Env"]

    def test_bad_context(self, probe: Builder, project: Path) -> None:
        done = probe.buildx(
            project,
            *("--platform", "linux/amd64"),
            *("--build-arg", "NAMED=debian"),
            *("--build-context", "debian=docker-image://localhost:5000/no/such:image"),
        )
        assert done.status != 0
        assert "cannot find the image localhost:5000/no/such:image" in done.log


class TestImages:
    def test_pins_and_reads_the_config(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        out = probe.files(tmp_path, project, "--build-arg", "IMAGE=debian:trixie-slim")
        pinned = (out / "image").read_text()
        assert pinned.startswith("docker.io/library/debian:trixie-slim@sha256:")
        assert json.loads((out / "image-config").read_text())["os"] == "linux"

    def test_unknown_image(self, probe: Builder, project: Path) -> None:
        done = probe.buildx(project, "--build-arg", "IMAGE=localhost:5000/no/such:image")
        assert done.status != 0
        assert "cannot find the image localhost:5000/no/such:image" in done.log

    def test_own_image_runs_steps(self, probe: Builder, project: Path, tmp_path: Path) -> None:
        out = probe.files(tmp_path, project, "--build-arg", "PROBE=own")
        assert (out / "made").read_text() == "by ourselves"


def test_options_arrive(probe: Builder, project: Path, tmp_path: Path) -> None:
    out = probe.files(
        tmp_path,
        project,
        *("--target", "kernel"),
        *("--label", "a=b=c"),
        *("--build-arg", "X=y"),
        *("--no-cache-filter", "kernel,rootfs"),
        *("--network", "none"),
        *("--add-host", "mirror:10.0.0.1"),
        *("--ulimit", "nofile=10:20"),
        "--pull",
        *("--platform", "linux/arm64/v8"),
    )
    facts = json.loads((out / "facts.json").read_text())
    assert facts["filename"] == "bunnyfile"
    assert facts["target"] == "kernel"
    assert facts["labels"] == {"a": "b=c"}
    assert facts["args"]["X"] == "y"
    assert facts["no_cache"] == ["kernel", "rootfs"]
    assert facts["hosts"] == [["mirror", "10.0.0.1"]]
    assert facts["ulimits"] == [{"name": "nofile", "soft": 10, "hard": 20}]
    assert facts["network"] == "none"
    assert facts["mode"] == "pull"
    assert facts["platforms"] == ["linux/arm64"]
    assert facts["ignored"] == ["secret.txt"]


class TestResults:
    def test_manifest_annotations_and_metadata(
        self, probe: Builder, project: Path, tmp_path: Path
    ) -> None:
        name = probe.name_of()
        facts = tmp_path / "facts.json"
        probe.buildx(
            project,
            "--push",
            *("-t", name),
            "--provenance=false",
            *("--metadata-file", str(facts)),
            *("--label", "l=v"),
        ).ok()
        assert raw(name).annotations == {"org.example.probe": "yes"}
        assert json.loads(facts.read_text())["frontend.probe"] == "a fact"

    def test_two_platforms_make_an_index(self, probe: Builder, project: Path) -> None:
        name = probe.name_of()
        probe.buildx(
            project,
            "--push",
            *("-t", name),
            "--provenance=false",
            *("--platform", "linux/amd64,linux/arm64"),
        ).ok()
        assert set(raw(name).manifests) == {"linux/amd64", "linux/arm64"}

    def test_default_attestations(self, probe: Builder, project: Path) -> None:
        name = probe.name_of()
        probe.buildx(project, "--push", "-t", name, "--provenance=mode=max").ok()
        shown = probe.docker(
            "buildx", "imagetools", "inspect", name, "--format", "{{json .Provenance}}"
        )
        assert "local://context" in shown.out or "buildType" in shown.out, shown

    def test_metadata_without_an_image(self, probe: Builder, project: Path) -> None:
        (project / "big").write_bytes(bytes(range(256)) * 1024 * 20)
        (project / "dir").mkdir()
        (project / "dir/x").touch()
        (project / "link").symlink_to("big")
        done = probe.buildx(project, "--build-arg", "PROBE=read", "--call=read").ok()
        assert "all read" in done.out


def test_a_dockerfile_of_another_frontend(
    builder: Builder, probe: Builder, project: Path, tmp_path: Path
) -> None:
    """The Dockerfile of a root filesystem names its own frontend (here the probe), and gets it,
    with the build's options; the bunnyfile names hutch."""
    (project / "Dockerfile").write_text(
        f"# syntax={probe.frontend} with words\nFROM nothing-that-docker-would-find\n"
    )
    (project / "kernel").write_text("kernel")
    (project / "bunnyfile").write_text(
        f"# syntax={builder.frontend}\nversion: v1\n"
        "platforms: {framework: generic, monitor: qemu}\n"
        "kernel: {from: local, path: kernel}\n"
        "rootfs: {dockerfile: Dockerfile, target: last, type: raw}\ncmd: [/x]\n"
    )
    flags = ("-f", str(project / "bunnyfile"), "--build-arg", "X=y", "--label", "a=b")
    out = probe.files(tmp_path, project, *flags, file=None)
    facts = json.loads((out / "facts.json").read_text())
    assert facts["filename"] == "Dockerfile"
    assert facts["target"] == "last"
    assert facts["args"]["X"] == "y"
    assert facts["platforms"] == ["linux/amd64"]
    assert "src/main.c" in names(out / "context")
    assert (out / ".boot/kernel").read_text() == "kernel"


class TestErrors:
    def failed(self, probe: Builder, project: Path, name: str) -> str:
        done = probe.buildx(project, "--build-arg", f"PROBE={name}")
        assert done.status == 1, done.log
        return done.log

    def test_problems_show_their_lines_in_order(self, probe: Builder, project: Path) -> None:
        shown = self.failed(probe, project, "problems")
        assert "bunnyfile:2:3: the second line is wrong (mend it) [unknown-key]" in shown
        assert "bunnyfile:4:3: the fourth line is wrong (mend it) [unknown-key]" in shown
        second, fourth = shown.index(">>> version: v1"), shown.index(">>>   framework: linux")
        assert second < fourth
        assert ">>> # syntax" not in shown

    def test_failing_step_shows_its_line_and_our_words(self, probe: Builder, project: Path) -> None:
        shown = self.failed(probe, project, "step")
        assert "cannot make the kernel: process " in shown
        assert "did not complete successfully: exit code" in shown
        assert ">>> platforms:" in shown
        assert "from the step" in shown

    def test_step_that_fails_after_return(self, probe: Builder, project: Path) -> None:
        shown = self.failed(probe, project, "lazy")
        assert ">>> version: v1" in shown
        assert "exit code: 9" in shown

    def test_details_of_hundreds_of_kilobytes(self, probe: Builder, project: Path) -> None:
        with (project / "bunnyfile").open("a") as file:
            file.write(("# " + "x" * 98 + "\n") * 4000)
        shown = self.failed(probe, project, "step")
        assert "cannot make the kernel: process " in shown
        assert ">>> platforms:" in shown
        assert "metadata size" not in shown

    def test_bug(self, probe: Builder, project: Path) -> None:
        shown = self.failed(probe, project, "bug")
        assert "a bug in hutch: RuntimeError: the moon is in the wrong place" in shown
        assert "Traceback" not in shown

    def test_missing_build_file(self, probe: Builder, project: Path, web: tuple[Path, str]) -> None:
        folder, url = web
        with tarfile.open(folder / "p.tar", mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.add(project, ".")
        done = probe.buildx(
            f"{url}/p.tar",
            *("--build-arg", f"BUILDKIT_SYNTAX={probe.frontend}"),
            *("-f", "no-such-file"),
            file=None,
        )
        assert done.status == 1
        assert "there is no build file 'no-such-file' (name it with -f" in done.log


def test_stray_output_is_harmless(probe: Builder, project: Path, tmp_path: Path) -> None:
    out = probe.files(tmp_path, project, "--build-arg", "PROBE=noise")
    assert "src/main.c" in names(out / "context")


def test_warning_is_counted(probe: Builder, project: Path) -> None:
    done = probe.buildx(project, "--build-arg", "PROBE=warn").ok()
    assert "1 warning found" in done.log


def test_a_start_of_twelve_seconds(probe: Builder, project: Path, tmp_path: Path) -> None:
    out = probe.files(tmp_path, project, "--build-arg", "PROBE=slow")
    assert "src/main.c" in names(out / "context")
