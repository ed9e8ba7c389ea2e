"""A real BuildKit, hutch's image in its registry, and real guests to boot.

Three engines: Docker 28, the same with its classic image store, and 20.10 for what has to work on
old ones (`builder` is the first, `any_builder` each of them). Nothing here is a stand-in:
images are built by `docker buildx build`, pushed to a registry and read back from it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from frontend.images import boot
from tests.integration.harness import EXAMPLES, ROOT, Builder, Guests
from tests.integration.harness.engines import start
from tests.integration.harness.matrix import Images

LONGEST = ("linux", "examples", "bsd", "ci", "cli_run", "farm", "site", "cli_images")
"""The files that take minutes, or hold one test that is long. `make integration` gives workers
whole files in the order in which they are collected, and at the end none shall wait for these."""


def pytest_configure() -> None:
    """Take Ctrl-C, also where a shell has started these tests in the background and ignores it.

    What they start would inherit that, and no test that sends it would come to an end.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take long first."""

    def place(item: pytest.Item) -> int:
        name = item.path.stem.removeprefix("test_")
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


def _frontend(environ: Mapping[str, str]) -> str:
    """hutch's image, built from this tree and pushed, by its digest."""
    if given := os.environ.get("HUTCH_FRONTEND"):  # `make integration` has built it
        return given
    bundle = environ.get("HUTCH_CA_BUNDLE")
    secret = ("--secret", f"id=ca,src={bundle}") if bundle else ()
    with closing(Builder("28", environ, "")) as plain:
        done = plain.build(ROOT, None, *secret)
    return f"{done.ref}@{done.digest}"


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """Docker 28 with the containerd store: everything that BuildKit 0.25 can do."""
    environ = start(None)
    with closing(Builder("28", environ, _frontend(environ))) as built:
        yield built


def _beside(builder: Builder, name: str) -> Iterator[Builder]:
    """Another engine, with the frontend of `builder`."""
    if os.environ.get("HUTCH_TEST_OLD") == "0":
        pytest.skip("HUTCH_TEST_OLD=0")
    with closing(Builder(name, start(name), builder.frontend)) as built:
        yield built


@pytest.fixture(scope="session")
def old_builder(builder: Builder) -> Iterator[Builder]:
    """Docker 20.10: BuildKit 0.8, Docker's own image store."""
    yield from _beside(builder, "20.10")


@pytest.fixture(scope="session")
def classic_builder(builder: Builder) -> Iterator[Builder]:
    """Docker 28 with Docker's own image store, which most Docker hosts still have."""
    yield from _beside(builder, "28-classic")


@pytest.fixture(
    params=["builder", "classic_builder", "old_builder"], ids=["28", "28-classic", "20.10"]
)
def any_builder(request: pytest.FixtureRequest) -> Builder:
    """Each engine in turn, for what has to work on all."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Builder)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty build context."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


KERNEL = """
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
"""
"""The kernel that every Linux image of hutch has that does not ask for another."""


def _example_inputs(builder: Builder, to: Path, *options: str) -> Path:
    folder = EXAMPLES / "linux-hello"
    file = str(folder / "inputs.Dockerfile")
    builder.build(folder, None, "-f", file, *options, output=f"type=local,dest={to}")
    return to


@pytest.fixture(scope="session")
def linux(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Guests:
    """For amd64; the kernel takes minutes the first time, then BuildKit has it."""
    inputs = _example_inputs(builder, tmp_path_factory.mktemp("linux"))
    folder, out = tmp_path_factory.mktemp("kernel"), tmp_path_factory.mktemp("out")
    builder.build(folder, KERNEL, "--target", "kernel", output=f"type=local,dest={out}")
    (kernel,) = out.iterdir()
    return Guests(inputs / "vmlinuz", inputs / "hello", kernel)


@pytest.fixture(scope="session")
def images(builder: Builder, linux: Guests, tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Small images of every shape and user."""
    return Images(builder, linux.kernel, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def linux_arm64(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's kernel (`vmlinuz`) and `hello`, for arm64."""
    to = tmp_path_factory.mktemp("linux-arm64")
    return _example_inputs(builder, to, "--platform", "linux/arm64")


@pytest.fixture
def booted() -> Callable[..., str]:
    """Boot an image to its end and return what it printed; fails when it ends in another way.

    `status` is what the guest's command must end with (`boot.Outcome.status`).
    """

    def run(ref: str, timeout: float = 120, status: int = 0, **options: Any) -> str:
        outcome = boot.boot(ref, timeout=timeout, **options)
        assert outcome.status == status, f"status {outcome.status}\n{outcome.output}"
        return outcome.output

    return run
