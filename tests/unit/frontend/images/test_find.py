"""What a user's word for an image means: a path, Docker's image, or a registry's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frontend.images import find
from frontend.images.oci import ImageError
from frontend.images.registry import Repository

DOCKER = """\
#!/bin/sh
case "$1 $2" in
  "image inspect") test "$5" = docker.io/library/here:latest ;;
  "image save") echo "no space" >&2; exit 1 ;;
  *) exit ${DOWN:-0} ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A docker that has one image, and cannot save it."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("docker")
def test_docker_is_asked_first() -> None:
    with pytest.raises(ImageError, match=r"docker cannot save .*/here:latest: no sp"):
        find.images("here")
    with find.images("there") as found:
        assert isinstance(found, Repository)
    with find.images("here", "always") as found:
        assert isinstance(found, Repository)
    with pytest.raises(ImageError, match="no registry is to be asked"):
        find.images("there", "never")


@pytest.mark.usefixtures("docker")
def test_why_docker_s_image_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's own words first, then the registry's."""
    there = "localhost:1/there:1"
    with (
        find.images(there) as found,
        pytest.raises(ImageError, match=r"there:1: Docker has no such image; of its registry: .*"),
    ):
        found.images()
    monkeypatch.setenv("DOWN", "1")
    with (
        find.images(there) as found,
        pytest.raises(ImageError, match=r"there:1: no Docker answers here; of its registry: .*"),
    ):
        found.images()
    with pytest.raises(ImageError, match="there:1: no Docker answers here, and no registry is to"):
        find.images(there, "never")


@pytest.mark.usefixtures("docker")
def test_the_private_engine_s_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`hutch build` builds there where Docker does not answer, and its images are there."""
    engine = tmp_path / "engine"
    (engine / "instances" / "28").mkdir(parents=True)
    (engine / "instances" / "28" / "docker.sock").touch()
    (engine / "bin").mkdir()
    private = engine / "bin" / "docker"
    private.write_text(
        '#!/bin/sh\ntest "$2" = inspect || { echo "of $DOCKER_HOST" >&2; exit 1; }\n'
    )
    private.chmod(0o755)
    monkeypatch.setenv("HUTCH_ENGINE_DIR", str(engine))
    with find.images("there") as found:  # the Docker that answers is asked alone, as by builds
        assert isinstance(found, Repository)
    monkeypatch.setenv("DOWN", "1")
    with pytest.raises(ImageError, match=rf"cannot save .*: of unix://{engine}/inst"):
        find.images("there")


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ImageError, match="'text' is no image"):
        find.images("text")
    with pytest.raises(ImageError, match=r"there is no '\./none'"):
        find.images("./none")


def test_without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with find.images("here") as found:
        assert isinstance(found, Repository)
    with pytest.raises(ImageError, match="lower case"):
        find.images("HERE")
