"""MirageOS through the real BuildKit, with trees that answer like Solo5's and ocaml-solo5's.

What is real: Debian's OCaml, dune and opam, mounts, caches, networks, image, annotations. The
kernels boot nothing (trees/README.md); docs/verified.md has what was built of the real ones.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import uuid
from base64 import b64decode
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.integration.harness import EXAMPLES, Builder
from tests.integration.harness.serving import serve
from tests.integration.harness.trees import RAW, build_contexts, section, steps
from tests.places import TREES

pytestmark = pytest.mark.integration

MIRAGE = """\
version: v1
platforms: {framework: mirage, monitor: spt}
kernel: {from: source}
app: {from: local, path: app}
"""
OCAML = "[mirage] build OCaml for Solo5"
SOLO5 = "[mirage] build Solo5"


@pytest.fixture
def application(project: Path) -> Path:
    shutil.copytree(TREES / "mirage-app", project / "app")
    # A library of this test alone: nothing that another test left in dune's cache counts.
    (project / "app" / "library.c").write_text(f"int library_{uuid.uuid4().hex};\n")
    return project


def contexts(*without: str, more: Sequence[str] = ()) -> tuple[str, ...]:
    names = [name for name in ("solo5", "ocaml-solo5", "ocaml", *more) if name not in without]
    return build_contexts({name: TREES / name for name in names})


def test_the_image(builder: Builder, application: Path) -> None:
    """What the runtime reads, and how the toolchain was called: for the one file, one build."""
    text = MIRAGE + 'cmd: ["--hello=a world", "--port=80"]\n'
    packed = builder.read(builder.build(application, text, *contexts()).ref)
    builder.check_keys(packed)
    assert packed.keys == {
        "unikernelType": "mirage",
        "hypervisor": "spt",
        "binary": "/.boot/kernel",
        "cmdline": "--hello=a world --port=80",
        "mountRootfs": "false",
        "solo5NetDev": "uplink",
    }
    noted = section(packed.read("/.boot/kernel"), ".record").splitlines()
    assert noted == [
        "solo5 called: --prefix=/opt/solo5",
        "solo5 epoch: 315532800",
        "solo5 tools: cc ld objcopy",
        "solo5 network: lo ",
        '#define SOLO5_VERSION "v0.12.1"',
        "solo5 flags: -Wall-Wall",
        "ocaml-solo5 called: --prefix=/opt/mirage --target=x86_64-solo5-none-static"
        " --sysroot=/opt/mirage/lib/ocaml-solo5",
        "ocaml-solo5 epoch: 315532800",
        "ocaml-solo5 compiles for: x86_64-linux-gnu",
        "ocaml-solo5 network: lo ",
        "ocaml-solo5 stubs: STUB_ABORT(longjmp); STUB_ABORT(fstat); ",
        "ocaml source: of a build context",
        "ocaml-solo5 patched with git",
        "dune target: spt",
        "dune toolchains: solo5.conf",
        "dune compiler: /usr/bin/ocamlopt.byte",
        "dune network: lo ",
    ]


def test_a_changed_application(builder: Builder, application: Path) -> None:
    """Neither the toolchain nor a library that is as it was is built again; the bytes return."""
    first = builder.build(application, MIRAGE, RAW, *contexts(), epoch=1)
    assert "the library is compiled" in logs(first.log)
    before = builder.read(first.ref).read("/.boot/kernel")
    script = application / "app" / "record.sh"
    script.write_text(script.read_text() + "echo changed\n")
    second = builder.build(application, MIRAGE, RAW, *contexts(), epoch=2)
    ran = steps(second)
    assert not ran.get(SOLO5)
    assert not ran.get(OCAML)
    assert ran["[mirage] build for Solo5's spt"]
    assert "the library is compiled" not in logs(second.log)
    changed = builder.read(second.ref).read("/.boot/kernel")
    assert section(changed, ".record").endswith("changed\n")
    again = builder.export(
        application, MIRAGE, "kernel", *contexts(), "--no-cache-filter", "kernel"
    )
    assert again == changed != before


def logs(rawjson: str) -> str:
    """What the steps of a build (with `RAW`) printed."""
    return "".join(
        b64decode(log["data"]).decode()
        for line in rawjson.splitlines()
        if line.startswith("{")
        for log in json.loads(line).get("logs") or ()
    )


@pytest.mark.parametrize(("monitor", "target"), [("hvt", "hvt"), ("qemu", "virtio")])
def test_the_target_is_the_monitors(
    builder: Builder, application: Path, monitor: str, target: str
) -> None:
    """A kernel for another monitor is another target of the same toolchain."""
    text = MIRAGE.replace("spt", monitor)
    if monitor == "qemu":
        # The stub of a kernel has no way in for QEMU, and that is seen.
        failed = builder.fail(application, text, *contexts())
        assert "qemu cannot boot this kernel: it is an ELF file for Solo5 virtio" in failed.log
        assert failed.marked == ["platforms: {framework: mirage, monitor: qemu}"]
        return
    noted = section(builder.export(application, text, "kernel", *contexts()), ".record")
    assert f"dune target: {target}\n" in noted


def test_arm64(builder: Builder, application: Path) -> None:
    noted = section(
        builder.export(application, MIRAGE, "kernel", *contexts(), "--platform", "linux/arm64"),
        ".record",
    ).splitlines()
    assert "solo5 tools: aarch64-linux-gnu-gcc aarch64-linux-gnu-ld aarch64-linux-gnu-objcopy" in (
        noted
    )
    assert "ocaml-solo5 compiles for: aarch64-linux-gnu" in noted


def test_debians_source_of_ocaml(builder: Builder, application: Path) -> None:
    """Without a build context for it, it comes from the image's own distribution."""
    given = contexts("ocaml")
    noted = section(builder.export(application, MIRAGE, "kernel", *given), ".record")
    assert "ocaml source: the real one\n" in noted


def test_trees_that_are_none(builder: Builder, application: Path) -> None:
    (application / "other").mkdir()
    (application / "other" / "README").write_text("nothing\n")
    other = str(application / "other")
    failed = builder.fail(
        application, MIRAGE, *contexts("solo5"), "--build-context", f"solo5={other}"
    )
    assert "the build context 'solo5' is no Solo5 tree: there is no configure.sh in it" in (
        failed.error
    )
    assert failed.marked == ["kernel: {from: source}"]
    shutil.copytree(TREES / "ocaml-solo5", application / "newer")
    opam = application / "newer" / "ocaml-solo5.opam"
    opam.write_text(opam.read_text().replace("5.3.0", "5.4.1"))
    newer = f"ocaml-solo5={application / 'newer'}"
    failed = builder.fail(application, MIRAGE, *contexts("ocaml-solo5"), "--build-context", newer)
    assert "this ocaml-solo5 is for OCaml 5.4.1, and the toolchain has OCaml 5.3.0" in failed.log


def test_applications_that_are_none(builder: Builder, application: Path) -> None:
    """Each is one error at the line that names the application, before a toolchain is built."""
    app = application / "app"
    shutil.rmtree(app / "dist")
    late = builder.fail(
        application, MIRAGE.replace("path: app", "path: app, fetch: ls"), *contexts()
    )
    taken = "[context solo5] load from client"
    assert taken in late.log
    failed = builder.fail(application, MIRAGE, *contexts())
    assert taken not in failed.log
    assert failed.error == late.error
    assert "the application has no dist/dune, whose rules say which file is the kernel" in (
        failed.error
    )
    assert "[not-an-application]" in failed.error
    assert failed.marked == ["app: {from: local, path: app}"]
    (app / "dune-project").unlink()
    failed = builder.fail(application, MIRAGE, *contexts())
    assert "it has neither a dune-project nor a config.ml" in failed.error


def test_an_application_builds_itself(builder: Builder, application: Path) -> None:
    """A build script of its own leaves the kernel in dist/; a failing one is shown at its line."""
    (application / "app" / "record").write_text("by hand\n")
    text = MIRAGE.replace(
        "app: {from: local, path: app}",
        "app:\n  from: local\n  path: app\n  build: |\n"
        "    x86_64-solo5-none-static-cc -z solo5-abi=$MODE -o dist/mine.$MODE kernel.S\n",
    )
    made = builder.export(application, text, "kernel", *contexts())
    assert section(made, ".record") == "by hand\n"
    failed = builder.fail(application, text.replace("kernel.S", "lost.S"), *contexts())
    assert "lost.S: No such file or directory" in failed.log
    script = [line.strip() for line in text.partition("  build: ")[2].splitlines()]
    assert failed.marked == [f"build: {script[0]}", script[1].replace("kernel.S", "lost.S")]
    failed = builder.fail(application, text.replace("mine.$MODE", "mine.elf"), *contexts())
    assert "the build left no dist/*.spt" in failed.log
    assert failed.marked == [f"build: {script[0]}", script[1].replace("mine.$MODE", "mine.elf")]


def test_a_program_that_does_not_compile(builder: Builder, application: Path) -> None:
    """What dune says is shown, and the line that names the application."""
    (application / "app" / "library.c").write_text("int library = lost;\n")
    failed = builder.fail(application, MIRAGE, *contexts())
    assert "library.c:1:15: error: " in failed.log
    assert "[failed-step]" in failed.error
    assert failed.marked == ["app: {from: local, path: app}"]


def test_devices_of_a_kernel_that_is_built_here(builder: Builder, application: Path) -> None:
    """As many as the runtime attaches: another number is an error at the line of the kernel."""
    assembly = application / "app" / "kernel.S"
    one = assembly.read_text()
    device = one[one.index('3:\t.ascii\t"uplink"') : one.index("2:\n")]
    another = device.replace("3:", "4:").replace("3b", "4b").replace("uplink", "second")
    assembly.write_text(one.replace(device, device + another).replace("0, 1, 2", "0, 1, 3"))
    failed = builder.fail(application, MIRAGE, *contexts())
    assert "the kernel wants 2 network devices (uplink, second), and urunc attaches one" in (
        failed.error
    )
    assert "[unattachable-device]" in failed.error
    assert failed.marked == ["kernel: {from: source}"]
    assembly.write_text(one.replace(".long\t2\n\t.fill\t32", ".long\t1\n\t.fill\t32"))
    failed = builder.fail(application, MIRAGE, *contexts())
    assert "the kernel wants the block device 'uplink', and the image has no disk" in failed.error


def test_two_platforms_and_what_they_are_made_of(
    builder: Builder, application: Path, tmp_path: Path
) -> None:
    """One build: each image has its kernel, its facts, and an SBOM of its own."""
    if not builder.has_containerd_store:
        pytest.skip("images of several platforms need Docker's containerd image store")
    (application / "bunnyfile").write_text(builder.file(MIRAGE))
    (application / "app" / "mirage").mkdir()
    locked = application / "app" / "mirage" / "app-spt.opam.locked"
    locked.write_text('depends: [\n  "lwt" {= "5.9.3" & ?vendor}\n]\n')
    said = tmp_path / "facts.json"
    both = ("--platform", "linux/amd64,linux/arm64", "--attest", "type=sbom,generator=hutch")
    image = builder.publish(application, *contexts(), *both, "--metadata-file", str(said))
    assert set(image.manifests) == {"linux/amd64", "linux/arm64"}
    facts = json.loads(said.read_text())
    for platform in image.manifests:
        assert facts[f"frontend.hutch.framework/{platform}"] == "mirage"
    documents = [each["predicate"] for each in image.statements if "spdx" in each["predicateType"]]
    assert len(documents) == 2
    for document in documents:
        names = {each["name"]: each for each in document["packages"]}
        assert names["kernel"]["packageFileName"] == "./.boot/kernel"
        assert "ocaml-dune" in names
        assert names["lwt"]["versionInfo"] == "5.9.3"
        assert "mirage-spt" in names


OPAM = ("opam-repository", "opam-overlays")
FETCH = "[mirage] fetch the application's libraries"
ON_HOST = ("--network", "host", "--allow", "network.host")
PROGRAMS = "[mirage] build what the application's build calls"
KEYS = "app:\n  from: local\n  path: app\n  options:\n"
CONFIGURED = MIRAGE.replace("app: {from: local, path: app}\n", KEYS)


@pytest.fixture
def unconfigured(application: Path) -> Path:
    """An application with a config.ml, whose rules the tool is to write."""
    app = application / "app"
    (app / "dist" / "dune").rename(app / "rules")
    (app / "dist").rmdir()
    (app / "config.ml").write_text("(* keys: net no-dhcp *)\n")
    return application


def archived(project: Path, site: str) -> tuple[Path, bytes, str]:
    """opam's packages where `app-tool` is in an archive of `site`'s, the archive, its checksum."""
    repository = project / "repository"
    shutil.copytree(TREES / "opam-repository", repository)
    package = repository / "packages" / "app-tool" / "app-tool.1.0"
    # Unlike any before it: the builder may have kept that.
    (package / "files" / "README").write_text(f"{uuid.uuid4()}\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(package / "files", "app-tool-1.0")
    checksum = hashlib.sha256(packed.getvalue()).hexdigest()
    shutil.rmtree(package / "files")
    kept = [
        line
        for line in (package / "opam").read_text().splitlines(keepends=True)
        if not line.startswith("extra-files:")
    ]
    (package / "opam").write_text(
        "".join(kept) + f'url {{\n  src: "{site}/app-tool-1.0.tar.gz"\n'
        f'  checksum: "sha256={checksum}"\n}}\n'
    )
    return repository, packed.getvalue(), checksum


class TestConfigured:
    """Applications that hutch configures: opam is Debian's, its packages are scripts."""

    def test_the_steps(self, builder: Builder, unconfigured: Path) -> None:
        """The tool is told the target, fetching alone has a network, and there is one lock file.

        Of the overlays are the libraries, and not what runs on the builder.
        """
        given = contexts(more=OPAM)
        noted = section(builder.export(unconfigured, MIRAGE, "kernel", *given), ".record")
        # Solo5's, though opam has brought an ocamlfind that knows of none.
        assert "dune compiler: /usr/bin/ocamlopt.byte\n" in noted
        assert noted.partition("dune network: lo \n")[2].splitlines() == [
            "mirage called: configure --target spt",
            "mirage network: lo ",
            "monorepo called: pull --lockfile mirage/app-spt.opam.locked --root /app",
            "monorepo lock file: made here by monorepo lock --require-cross-compile --build-only"
            " app-spt --lockfile mirage/app-spt.opam.locked --ocaml-version 5.3.0",
            "monorepo takes packages from: overlays provided default ",
            "monorepo sees: ./dune-project ./mirage/app-spt.opam ./mirage/app-spt.opam.locked ",
            "monorepo has a network",
            "app-tool called",
        ]

    def test_keys_and_a_lock_file_of_its_own(self, builder: Builder, unconfigured: Path) -> None:
        """Another application, for another monitor: nothing of the tool is built again."""
        (unconfigured / "app" / "mirage").mkdir()
        (unconfigured / "app" / "mirage" / "app-hvt.opam.locked").write_text("brought\n")
        text = CONFIGURED.replace("spt", "hvt")
        text += "    net: direct\n    no-dhcp: true\n"
        given = contexts(more=OPAM)
        built = builder.build(unconfigured, text, RAW, *given, epoch=3)
        ran = steps(built)
        assert ran["[mirage] configure for Solo5's hvt"]
        noted = section(builder.read(built.ref).read("/.boot/kernel"), ".record")
        assert "mirage called: configure --target hvt --net=direct --no-dhcp\n" in noted
        assert "monorepo lock file: brought\n" in noted

    def test_what_builds_what_anew(self, builder: Builder, unconfigured: Path) -> None:
        """A changed program is configured and built; what it is built of is as it was."""
        app, given = unconfigured / "app", contexts(more=OPAM)
        built = partial(builder.build, unconfigured, MIRAGE, RAW, *given)
        (app / "lib").mkdir()
        (app / "lib" / "mine.opam").write_text(f'opam-version: "2.0"\n# {uuid.uuid4()}\n')
        noted = section(builder.read(built(epoch=1).ref).read("/.boot/kernel"), ".record")
        assert "./lib/mine.opam " in noted
        (app / "unikernel.ml").write_text(f"let start () = ignore {uuid.uuid4().int}\n")
        ran = steps(built(epoch=2))
        assert ran["[mirage] configure for Solo5's spt"]
        assert not ran[FETCH]
        assert not ran[PROGRAMS]
        assert ran["[mirage] build for Solo5's spt"]
        with (app / "lib" / "mine.opam").open("a") as file:
            file.write("# another\n")
        ran = steps(built(epoch=3))
        assert ran[FETCH]

    def test_libraries_of_its_own(self, builder: Builder, unconfigured: Path) -> None:
        """A duniverse/ that is there is what the kernel is built of, and nothing is pulled."""
        (unconfigured / "app" / "duniverse").mkdir()
        (unconfigured / "app" / "duniverse" / "called").write_text("brought\n")
        given = contexts(more=OPAM)
        noted = section(builder.export(unconfigured, MIRAGE, "kernel", *given), ".record")
        assert noted.endswith("mirage network: lo \nbrought\napp-tool called\n")

    def test_the_example(self, builder: Builder, project: Path) -> None:
        """Its own files, with what the stand-ins are made of beside them."""
        shutil.copytree(TREES / "mirage-app", project, dirs_exist_ok=True)
        (project / "dist" / "dune").rename(project / "rules")
        shutil.copytree(EXAMPLES / "mirage-config", project, dirs_exist_ok=True)
        text = (project / "bunnyfile").read_text()
        packed = builder.read(builder.build(project, text, *contexts(more=OPAM)).ref)
        assert packed.keys["cmdline"] == "--from=3"
        noted = section(packed.read("/.boot/kernel"), ".record")
        assert "mirage called: configure --target spt\n" in noted

    def test_what_cannot_be_configured(self, builder: Builder, unconfigured: Path) -> None:
        """A key that it has not is an error at its line, in the tool's own words."""
        given = contexts(more=OPAM)
        failed = builder.fail(unconfigured, CONFIGURED + "    nett: direct\n", *given)
        assert "the application has no key 'nett' (did you mean net?) [lost-option]" in failed.error
        assert failed.marked == ["nett: direct"]
        failed = builder.fail(unconfigured, CONFIGURED + "    net: dircet\n", *given)
        assert "key 'net': invalid value dircet, expected either direct or socket" in failed.error
        assert failed.marked == ["net: dircet"]
        (unconfigured / "app" / "rules").rename(unconfigured / "rules")
        failed = builder.fail(unconfigured, MIRAGE, *given)
        assert "cannot stat 'rules'" in failed.log
        assert "[failed-step]" in failed.error
        assert failed.marked == ["app: {from: local, path: app}"]
        (unconfigured / "app" / "config.ml").unlink()
        failed = builder.fail(unconfigured, CONFIGURED + "    net: direct\n", *given)
        assert "the application has no config.ml, and 'app.options' are keys of one" in failed.error

    def test_archives_that_are_brought(self, builder: Builder, unconfigured: Path) -> None:
        """A package whose archive can be had nowhere is built from the one of a build context."""
        repository, packed, checksum = archived(unconfigured, "https://archives.invalid")
        archives = unconfigured / "archives"
        (archives / "sha256" / checksum[:2]).mkdir(parents=True)
        (archives / "sha256" / checksum[:2] / checksum).write_bytes(packed)
        given = (*contexts(more=OPAM[1:]), "--build-context", f"opam-repository={repository}")
        brought = ("--build-context", f"opam-archives={archives}")
        kernel = builder.export(unconfigured, MIRAGE, "kernel", *given, *brought)
        assert section(kernel, ".record").endswith("app-tool called\n")
        # Another one beside it is no reason to build the tool anew.
        (archives / "sha256" / checksum[:2] / "another").write_text(f"{uuid.uuid4()}\n")
        ran = steps(builder.build(unconfigured, MIRAGE, RAW, *given, *brought))
        assert ran["[mirage] fetch MirageOS's tool"]
        assert not ran["[mirage] build MirageOS's tool"]
        failed = builder.fail(unconfigured, MIRAGE, *given)
        assert "https://archives.invalid/app-tool-1.0.tar.gz" in failed.log
        assert "a step for this line could not reach the network" in failed.error
        other = f"opam-archives={repository}"
        failed = builder.fail(unconfigured, MIRAGE, *given, "--build-context", other)
        assert "no cache of opam's: opam-archives has no md5/, sha256/ or sha512/" in failed.log

    def test_archives_that_were_fetched(
        self, builder: Builder, unconfigured: Path, tmp_path: Path
    ) -> None:
        """They are fetched once, whatever asks for them next, while the builder keeps its cache."""
        mine = unconfigured / "app" / "mine.opam"
        with serve(tmp_path / "site") as url:
            repository, packed, _ = archived(unconfigured, url)
            (tmp_path / "site").mkdir()
            (tmp_path / "site" / "app-tool-1.0.tar.gz").write_bytes(packed)
            given = (*contexts(more=OPAM[1:]), "--build-context", f"opam-repository={repository}")
            mine.write_text('opam-version: "2.0"\n')
            builder.export(unconfigured, MIRAGE, "kernel", *given, *ON_HOST)
        mine.write_text('opam-version: "2.0"\nsynopsis: "Another"\n')
        kernel = builder.export(unconfigured, MIRAGE, "kernel", *given, *ON_HOST)
        assert section(kernel, ".record").endswith("app-tool called\n")

    def test_repositories_that_are_none(self, builder: Builder, unconfigured: Path) -> None:
        given = contexts(more=OPAM[:1])
        other = f"opam-overlays={TREES / 'solo5'}"
        failed = builder.fail(unconfigured, MIRAGE, *given, "--build-context", other)
        assert "the build context 'opam-overlays' is no opam repository: there is no repo" in (
            failed.error
        )
