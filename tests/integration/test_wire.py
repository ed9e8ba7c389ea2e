"""The wire against a real BuildKit: `tests/wire/probe.py` is the frontend, docker is the client."""

from __future__ import annotations

import functools
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ENGINE = os.environ.get("HUTCH_WIRE_ENGINE", "").split()  # for example: --engine 20.10
ROOT = Path(__file__).resolve().parents[2]
FILE = "# syntax={image}\nversion: v1\nplatforms:\n  framework: linux\n  version: 1\n"


class Builder:
    """The docker client of the private engine, with the probe as the frontend."""

    def __init__(self, environ: Mapping[str, str], image: str) -> None:
        self.environ = {**os.environ, **environ}
        self.image = image

    def name_of(self) -> str:
        """A new name in the registry."""
        return f"{self.environ['HUTCH_REGISTRY']}/hutch-test/wire-result:{uuid.uuid4().hex[:8]}"

    def docker(self, *args: str, data: bytes | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["docker", *args], env=self.environ, capture_output=True, input=data, timeout=300
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def build(
        self, *args: str, context: str | Path = ".", data: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.docker("buildx", "build", "--progress=plain", *args, str(context), data=data)

    def files(self, tmp: Path, *args: str, context: str | Path, data: bytes | None = None) -> Path:
        """Build to a directory and return it."""
        out = tmp / f"out-{uuid.uuid4().hex}"
        done = self.build("--output", f"type=local,dest={out}", *args, context=context, data=data)
        assert done.returncode == 0, done.stderr
        return out


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    listed = subprocess.run(
        [sys.executable, "-m", "engine", "env", "--json", *ENGINE],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    environ = json.loads(listed.stdout)
    registry = environ["HUTCH_REGISTRY"]
    build = Builder(environ, f"{registry}/hutch-probe:test")
    base = os.environ.get("HUTCH_FRONTEND", "")  # `make integration` has built it
    if not base:
        base = f"{registry}/hutch-wire-base:test"
        secret = f"id=ca,src={environ['HUTCH_CA_BUNDLE']}"
        done = build.docker("buildx", "build", "--secret", secret, "--push", "-t", base, str(ROOT))
        assert done.returncode == 0, done.stderr
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.py").write_bytes((ROOT / "tests/wire/probe.py").read_bytes())
    (folder / "Dockerfile").write_text(
        f"FROM {base}\n"
        "COPY probe.py /usr/lib/python3.13/probe.py\n"
        'ENTRYPOINT ["/usr/bin/python3", "-I", "-S", "-B", "-m", "probe"]\n'
    )
    done = build.docker("buildx", "build", "--push", "-t", build.image, str(folder))
    assert done.returncode == 0, done.stderr
    return build


@pytest.fixture
def project(tmp_path: Path, builder: Builder) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "bunnyfile").write_text(FILE.format(image=builder.image))
    (folder / "src/main.c").write_text("int main;")
    (folder / "secret.txt").write_text("no")
    (folder / "notes.md").write_text("notes")
    (folder / ".dockerignore").write_text("# nothing secret\nsecret.txt\n")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def probe(name: str, *args: str) -> tuple[str, ...]:
    return ("-f", "bunnyfile", "--build-arg", f"PROBE={name}", *args)


class TestContexts:
    def test_local_context_and_its_ignore_file(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        out = builder.files(tmp_path, "-f", str(project / "bunnyfile"), context=project)
        expected = {"bunnyfile", "src/main.c", "notes.md", ".dockerignore"}
        assert names(out / "context") == expected
        assert (out / "build-file").read_text() == FILE.format(image=builder.image)

    def test_ignore_file_beside_the_build_file_wins(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        (project / "bunnyfile.dockerignore").write_text("*\n!src\n")
        out = builder.files(tmp_path, "-f", str(project / "bunnyfile"), context=project)
        assert names(out / "context") == {"src/main.c"}

    def test_sends_only_what_is_followed(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        (project / "here").symlink_to("src/main.c")
        file = str(project / "bunnyfile")
        out = builder.files(
            tmp_path, "-f", file, "--build-arg", "FOLLOW=/here,notes.*", context=project
        )
        assert {p for p in names(out / "context")} == {"here", "src/main.c", "notes.md"}

    def test_build_file_outside_the_context(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "elsewhere.yaml"
        elsewhere.write_text(FILE.format(image=builder.image) + "# elsewhere\n")
        out = builder.files(tmp_path, "-f", str(elsewhere), context=project)
        assert "elsewhere" in (out / "build-file").read_text()

    def test_build_file_from_stdin(self, builder: Builder, project: Path, tmp_path: Path) -> None:
        text = FILE.format(image=builder.image) + "# from stdin\n"
        out = builder.files(tmp_path, "-f", "-", context=project, data=text.encode())
        assert "from stdin" in (out / "build-file").read_text()
        assert "src/main.c" in names(out / "context")

    def test_context_as_an_archive_on_stdin(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(project, ".")
        out = builder.files(tmp_path, "-f", "bunnyfile", context="-", data=archive.getvalue())
        assert "src/main.c" in names(out / "context")
        # An ignore file applies to the client's own directories only.
        assert "secret.txt" in names(out / "context")

    def test_context_from_the_web(
        self, builder: Builder, project: Path, tmp_path: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        # The Dockerfile frontend, which reads the file first, knows no archive with PAX headers.
        plain = tarfile.GNU_FORMAT
        with tarfile.open(folder / "project.tar", mode="w", format=plain) as tar:
            tar.add(project, ".")
        out = builder.files(tmp_path, "-f", "bunnyfile", context=f"{url}/project.tar")
        assert "src/main.c" in names(out / "context")

    def test_a_plain_file_from_the_web_is_the_build_file(
        self, builder: Builder, project: Path, tmp_path: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        (folder / "bunnyfile").write_bytes((project / "bunnyfile").read_bytes())
        out = builder.files(tmp_path, context=f"{url}/bunnyfile")
        assert names(out / "context") == {"context"}
        assert (out / "build-file").read_bytes() == (project / "bunnyfile").read_bytes()

    @pytest.mark.parametrize("form", ["#main:sub", "?ref=main&subdir=sub"])
    def test_git_context(
        self, builder: Builder, project: Path, tmp_path: Path, web: tuple[Path, str], form: str
    ) -> None:
        folder, url = web
        work = tmp_path / "work"
        work.mkdir()
        (project).rename(work / "sub")
        for command in (
            ["init", "-q", "-b", "main"],
            ["add", "-A"],
            ["-c", "user.name=t", "-c", "user.email=t@example", "commit", "-qm", "all"],
            ["clone", "-q", "--bare", ".", str(folder / "repo.git")],
        ):
            subprocess.run(["git", *command], cwd=work, check=True)
        bare = folder / "repo.git"
        subprocess.run(["git", "update-server-info"], cwd=bare, check=True)
        out = builder.files(tmp_path, "-f", "bunnyfile", context=f"{url}/repo.git{form}")
        assert names(out / "context") >= {"bunnyfile", "src/main.c", "secret.txt"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory and its address on the loopback interface."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class TestNamedContexts:
    def named(self, builder: Builder, project: Path, tmp_path: Path, name: str, value: str) -> Path:
        return builder.files(
            tmp_path,
            *("-f", str(project / "bunnyfile"), "--platform", "linux/amd64"),
            *("--build-arg", f"NAMED={name}", "--build-context", f"{name}={value}"),
            context=project,
        )

    def test_directory_with_its_own_ignore_file(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "named"
        folder.mkdir()
        (folder / "a").write_text("a")
        (folder / "b").write_text("b")
        (folder / ".dockerignore").write_text("b")
        out = self.named(builder, project, tmp_path, "thing", str(folder))
        assert names(out / "named-files") == {"a", ".dockerignore"}

    def test_image(self, builder: Builder, project: Path, tmp_path: Path) -> None:
        value = f"docker-image://{builder.image}"
        out = self.named(builder, project, tmp_path, "debian", value)
        assert json.loads((out / "named-config").read_text())["config"]["Entrypoint"]
        assert (out / "named-files/usr/lib/python3.13/probe.py").exists()
        assert "@sha256:" in (out / "named").read_text()

    def test_scratch(self, builder: Builder, project: Path, tmp_path: Path) -> None:
        out = self.named(builder, project, tmp_path, "debian", "docker-image://scratch")
        assert (out / "named-config").read_bytes() == b""

    def test_oci_layout(self, builder: Builder, project: Path, tmp_path: Path) -> None:
        layout = tmp_path / "layout"
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--platform", "linux/amd64"),
            *("--output", f"type=oci,tar=false,dest={layout}", "--provenance=false"),
            context=project,
        )
        assert done.returncode == 0, done.stderr
        out = self.named(builder, project, tmp_path, "base", f"oci-layout://{layout}")
        assert names(out / "named-files") >= {"build-file", "facts.json"}
        assert json.loads((out / "named-config").read_text())["os"] == "linux"

    def test_web(
        self, builder: Builder, project: Path, tmp_path: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        (folder / "kernel.bin").write_text("kernel")
        out = self.named(builder, project, tmp_path, "kernel", f"{url}/kernel.bin")
        assert (out / "named-files/context").read_text() == "kernel"

    def test_target_of_bake(self, builder: Builder, project: Path, tmp_path: Path) -> None:
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
        (tmp_path / "bake.json").write_text(json.dumps(bake))
        done = builder.docker(
            *("buildx", "bake", "--progress=plain", "--allow=fs=*"),
            *("-f", str(tmp_path / "bake.json"), "top"),
        )
        assert done.returncode == 0, done.stderr
        assert names(out / "named-files") == {"from-bake"}
        assert "A=b" in json.loads((out / "named-config").read_text())["config"]["Env"]

    def test_bad_context(self, builder: Builder, project: Path) -> None:
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--platform", "linux/amd64"),
            *("--build-arg", "NAMED=debian"),
            *("--build-context", "debian=docker-image://localhost:5000/no/such:image"),
            context=project,
        )
        assert done.returncode != 0
        assert "cannot find the image localhost:5000/no/such:image" in done.stderr


class TestImages:
    def test_pins_and_reads_the_config(
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        out = builder.files(
            tmp_path,
            *("-f", str(project / "bunnyfile"), "--build-arg", "IMAGE=debian:trixie-slim"),
            context=project,
        )
        pinned = (out / "image").read_text()
        assert pinned.startswith("docker.io/library/debian:trixie-slim@sha256:")
        assert json.loads((out / "image-config").read_text())["os"] == "linux"

    def test_unknown_image(self, builder: Builder, project: Path) -> None:
        done = builder.build(
            *(
                "-f",
                str(project / "bunnyfile"),
                "--build-arg",
                "IMAGE=localhost:5000/no/such:image",
            ),
            context=project,
        )
        assert done.returncode != 0
        assert "cannot find the image localhost:5000/no/such:image" in done.stderr

    def test_own_image_runs_steps(self, builder: Builder, project: Path, tmp_path: Path) -> None:
        out = builder.files(
            tmp_path,
            *("-f", str(project / "bunnyfile"), "--build-arg", "PROBE=own"),
            context=project,
        )
        assert (out / "made").read_text() == "by ourselves"


def test_options_arrive(builder: Builder, project: Path, tmp_path: Path) -> None:
    out = builder.files(
        tmp_path,
        *("-f", str(project / "bunnyfile"), "--target", "kernel", "--label", "a=b=c"),
        *("--build-arg", "X=y", "--no-cache-filter", "kernel,rootfs", "--network", "none"),
        *("--add-host", "mirror:10.0.0.1", "--ulimit", "nofile=10:20", "--pull"),
        *("--platform", "linux/arm64/v8"),
        context=project,
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
        self, builder: Builder, project: Path, tmp_path: Path
    ) -> None:
        name = builder.name_of()
        facts = tmp_path / "facts.json"
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--push", "-t", name, "--provenance=false"),
            *("--metadata-file", str(facts), "--label", "l=v"),
            context=project,
        )
        assert done.returncode == 0, done.stderr
        raw = builder.docker("buildx", "imagetools", "inspect", "--raw", name)
        assert json.loads(raw.stdout)["annotations"] == {"org.example.probe": "yes"}
        assert json.loads(facts.read_text())["frontend.probe"] == "a fact"

    def test_two_platforms_make_an_index(self, builder: Builder, project: Path) -> None:
        name = builder.name_of()
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--push", "-t", name, "--provenance=false"),
            *("--platform", "linux/amd64,linux/arm64"),
            context=project,
        )
        assert done.returncode == 0, done.stderr
        raw = builder.docker("buildx", "imagetools", "inspect", "--raw", name)
        manifests = json.loads(raw.stdout)["manifests"]
        platforms = [entry["platform"]["architecture"] for entry in manifests]
        assert sorted(platforms) == ["amd64", "arm64"]

    def test_default_attestations(self, builder: Builder, project: Path) -> None:
        name = builder.name_of()
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--push", "-t", name, "--provenance=mode=max"),
            context=project,
        )
        assert done.returncode == 0, done.stderr
        shown = builder.docker(
            "buildx", "imagetools", "inspect", name, "--format", "{{json .Provenance}}"
        )
        assert "local://context" in shown.stdout or "buildType" in shown.stdout, shown

    def test_metadata_without_an_image(self, builder: Builder, project: Path) -> None:
        (project / "big").write_bytes(bytes(range(256)) * 1024 * 20)
        (project / "dir").mkdir()
        (project / "dir/x").touch()
        (project / "link").symlink_to("big")
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--build-arg", "PROBE=read", "--call=read"),
            context=project,
        )
        assert done.returncode == 0, done.stderr
        assert "all read" in done.stdout


def test_a_dockerfile_of_another_frontend(builder: Builder, project: Path, tmp_path: Path) -> None:
    """The Dockerfile of a root file system names its own frontend (here the probe), and gets it,
    with the build's options; the bunnyfile names hutch."""
    hutch = os.environ.get("HUTCH_FRONTEND")
    if not hutch:
        pytest.fail("HUTCH_FRONTEND is not set: use `make integration`")
    (project / "Dockerfile").write_text(
        f"# syntax={builder.image} with words\nFROM nothing-that-docker-would-find\n"
    )
    (project / "kernel").write_text("kernel")
    (project / "bunnyfile").write_text(
        f"# syntax={hutch}\nversion: v1\nplatforms: {{framework: generic, monitor: qemu}}\n"
        "kernel: {from: local, path: kernel}\n"
        "rootfs: {dockerfile: Dockerfile, target: last, type: raw}\ncmd: [/x]\n"
    )
    flags = ("-f", str(project / "bunnyfile"), "--build-arg", "X=y", "--label", "a=b")
    out = builder.files(tmp_path, *flags, context=project)
    facts = json.loads((out / "facts.json").read_text())
    assert facts["filename"] == "Dockerfile"
    assert facts["target"] == "last"
    assert facts["args"]["X"] == "y"
    assert facts["platforms"] == ["linux/amd64"]
    assert "src/main.c" in names(out / "context")
    assert (out / ".boot/kernel").read_text() == "kernel"


class TestErrors:
    def failed(self, builder: Builder, project: Path, name: str) -> str:
        done = builder.build(
            *("-f", str(project / "bunnyfile"), "--build-arg", f"PROBE={name}"), context=project
        )
        assert done.returncode == 1, done.stderr
        return done.stderr

    def test_problems_show_their_lines_in_order(self, builder: Builder, project: Path) -> None:
        shown = self.failed(builder, project, "problems")
        assert "bunnyfile:2:3: the second line is wrong (mend it) [unknown-key]" in shown
        assert "bunnyfile:4:3: the fourth line is wrong (mend it) [unknown-key]" in shown
        second, fourth = shown.index(">>> version: v1"), shown.index(">>>   framework: linux")
        assert second < fourth
        assert ">>> # syntax" not in shown

    def test_failing_step_shows_its_line_and_our_words(
        self, builder: Builder, project: Path
    ) -> None:
        shown = self.failed(builder, project, "step")
        assert "cannot make the kernel: process " in shown
        assert "did not complete successfully: exit code" in shown
        assert ">>> platforms:" in shown
        assert "from the step" in shown

    def test_step_that_fails_after_return(self, builder: Builder, project: Path) -> None:
        shown = self.failed(builder, project, "lazy")
        assert ">>> version: v1" in shown
        assert "exit code: 9" in shown

    def test_details_of_hundreds_of_kilobytes(self, builder: Builder, project: Path) -> None:
        with (project / "bunnyfile").open("a") as file:
            file.write(("# " + "x" * 98 + "\n") * 4000)
        shown = self.failed(builder, project, "step")
        assert "cannot make the kernel: process " in shown
        assert ">>> platforms:" in shown
        assert "metadata size" not in shown

    def test_bug(self, builder: Builder, project: Path) -> None:
        shown = self.failed(builder, project, "bug")
        assert "a bug in hutch: RuntimeError: the moon is in the wrong place" in shown
        assert "Traceback" not in shown

    def test_missing_build_file(
        self, builder: Builder, project: Path, web: tuple[Path, str]
    ) -> None:
        folder, url = web
        with tarfile.open(folder / "p.tar", mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.add(project, ".")
        done = builder.build(
            *("--build-arg", f"BUILDKIT_SYNTAX={builder.image}", "-f", "no-such-file"),
            context=f"{url}/p.tar",
        )
        assert done.returncode == 1
        assert "there is no build file 'no-such-file' (name it with -f" in done.stderr


def test_stray_output_is_harmless(builder: Builder, project: Path, tmp_path: Path) -> None:
    out = builder.files(
        tmp_path, *("-f", str(project / "bunnyfile"), "--build-arg", "PROBE=noise"), context=project
    )
    assert "src/main.c" in names(out / "context")


def test_warning_is_counted(builder: Builder, project: Path) -> None:
    done = builder.build(
        *("-f", str(project / "bunnyfile"), "--build-arg", "PROBE=warn"), context=project
    )
    assert done.returncode == 0, done.stderr
    assert "1 warning found" in done.stderr


def test_a_start_of_twelve_seconds(builder: Builder, project: Path, tmp_path: Path) -> None:
    out = builder.files(
        tmp_path, *("-f", str(project / "bunnyfile"), "--build-arg", "PROBE=slow"), context=project
    )
    assert "src/main.c" in names(out / "context")
