"""The frontend image as it was pushed: what is in it, and what is not."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.image import compressed_size
from image import assemble
from tests.integration.harness import Builder

pytestmark = pytest.mark.integration

IMPORT_ALL = """
import importlib, os, sys
top = "/usr/lib/python3.13"
for directory, _, names in os.walk(top):
    for name in sorted(names):
        path = os.path.relpath(os.path.join(directory, name), top)
        if name.endswith(".pyc") and name != "__main__.pyc" and path != "site.pyc":
            module = path.removesuffix(".pyc").replace("/", ".").removesuffix(".__init__")
        elif path.startswith("lib-dynload/"):
            module = name.partition(".")[0]
        else:
            continue
        try:
            importlib.import_module(module)
        except ImportError as error:
            print(module, error)
from google.protobuf.internal import api_implementation
print(api_implementation.Type(), len([m for m in sys.modules if m.startswith("frontend.")]) > 10)
"""


@pytest.fixture(scope="module")
def frontend(builder: Builder) -> Builder:
    """The engine, with the frontend's image in it."""
    builder.docker("pull", "-q", builder.frontend).ok()
    return builder


@pytest.fixture(scope="module")
def files(frontend: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tarfile.TarFile]:
    """The image's files, as one archive."""
    archive = tmp_path_factory.mktemp("image") / "files.tar"
    container = frontend.docker("create", frontend.frontend).ok().out.strip()
    try:
        frontend.docker("export", "-o", str(archive), container).ok()
    finally:
        frontend.docker("rm", container).ok()
    with tarfile.open(archive) as opened:
        yield opened


def run(frontend: Builder, program: str, *arguments: str) -> str:
    options = ("--rm", "--network=none", "--read-only", f"--entrypoint={program}")
    return frontend.docker("run", *options, frontend.frontend, *arguments).ok().log


def test_every_module_of_ours_and_of_the_libraries_imports(frontend: Builder) -> None:
    """What the image leaves out is missed by none of those that it holds."""
    assert run(frontend, "/usr/bin/python3", "-ISB", "-c", IMPORT_ALL) == "upb True\n"


START = """
import sys
texts = []
sys.addaudithook(lambda event, args: texts.append(args[0]) if event == "compile" else None)
from frontend.startup import Start, prepare
prepare()
import frontend.gateway.session, frontend.build, frontend.lint.filechecks
print(sum(b"__dataclass_" in text for text in texts if isinstance(text, bytes)))
print([name for name, module in sys.modules.items() if type(module).__name__ == "Late"])
print({"ast", "calendar", "dataclasses", "inspect", "tempfile", "typing"} & {*sys.modules})
loaders = {name: getattr(module, "__loader__", None) for name, module in sys.modules.items()}
files = [name for name, each in loaders.items() if type(each).__name__ == "SourcelessFileLoader"]
print(sorted(files))
import frameworks.linux.check, frameworks.linux.recipe
from dataclasses import fields, is_dataclass
from llb import Platform
print([field.name for field in fields(Platform)], is_dataclass(Platform))
"""


def test_a_start_compiles_no_dataclass_and_imports_little(frontend: Builder) -> None:
    assert run(frontend, "/usr/bin/python3", "-ISB", "-c", START).splitlines() == [
        "0",
        "['google.protobuf.internal.python_message', 'google.protobuf.internal.well_known_types']",
        "set()",
        "['__future__', 'encodings', 'encodings.aliases', 'encodings.utf_8', 'frontend', "
        "'frontend.startup', 'linecache', 'types']",
        "['os', 'architecture', 'variant', 'os_version', 'os_features'] True",
    ]


def test_the_command_runs(frontend: Builder) -> None:
    assert run(frontend, "/usr/bin/python3", "-ISB", "-m", "frontend", "--version").startswith(
        "hutch "
    )


@pytest.mark.parametrize(
    ("program", "argument", "says"),
    [
        ("mke2fs", "-V", "mke2fs 1.47.2"),
        ("mksquashfs", "-version", "mksquashfs version 4.6.1"),
        ("mkfs.erofs", "-V", "mkfs.erofs (erofs-utils) 1.8.6"),
    ],
)
def test_the_tools_run(frontend: Builder, program: str, argument: str, says: str) -> None:
    assert run(frontend, program, argument).startswith(says)


def test_it_holds_no_shell_no_source_and_no_certificate(files: tarfile.TarFile) -> None:
    names = [member.name for member in files.getmembers()]
    assert "usr/bin/python3.13" in names
    assert not [n for n in names if Path(n).name in ("sh", "bash", "dash", "apt", "dpkg", "pip")]
    sources = {n for n in names if n.endswith((".py", ".pem", ".crt"))}
    assert sources == {f"{assemble.STDLIB}/{path}" for path in assemble.ELSEWHERE}


def test_a_step_with_a_read_only_root_finds_its_mount_points(files: tarfile.TarFile) -> None:
    for name in ("proc", "sys", "dev", "run", "tmp", "tree", "out"):
        assert files.getmember(name).isdir()
    assert files.getmember("tmp").mode & 0o7777 == 0o1777


def test_it_is_small(frontend: Builder) -> None:
    assert compressed_size(frontend.frontend) <= 10_000_000


def test_labels_let_buildkit_run_it_without_network(frontend: Builder) -> None:
    shown = ("--format", "{{json .Config.Labels}}", frontend.frontend)
    labels = json.loads(frontend.docker("image", "inspect", *shown).ok().out)
    assert labels["moby.buildkit.frontend.network.none"] == "true"
    assert "moby.buildkit.frontend.contexts" in labels["moby.buildkit.frontend.caps"].split(",")
