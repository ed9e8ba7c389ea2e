"""The command away from the checkout: from its wheel, and in its image."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, Builder
from tests.integration.harness.matrix import Images

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `hutch` of a wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run([*pip, *wheel], check=True, timeout=600)
    (made,) = folder.glob("hutch-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True, timeout=600)
    own = [str(folder / "env/bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*own, "install", str(made)], check=True, timeout=600)
    return folder / "env/bin/hutch"


def test_it_works_anywhere(
    builder: Builder, images: Images, installed: Path, tmp_path: Path
) -> None:
    environ = {**builder.environ, "HUTCH_FRONTEND": builder.frontend}
    environ.pop("PYTHONPATH", None)

    def hutch(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [str(installed), *words],
            cwd=tmp_path,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    (tmp_path / "bunnyfile").write_text(
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"
    )
    ref = images.of("initrd", None)
    assert hutch("--version").startswith("hutch ")
    assert "linux on qemu" in hutch("check")
    assert "argument 1: [one]" in hutch("run", ref)
    assert "started by: urunc" in hutch("inspect", ref)
    assert hutch("diff", ref, ref) == ""
    assert "complete -o default -F _hutch hutch" in hutch("completion", "bash")
    assert '"$schema"' in hutch("schema")
    assert "exec" in hutch("llb")


def test_its_image_works(builder: Builder, images: Images, project: Path) -> None:
    """docs/releases.md: what it says of the image, built by the command that it has."""
    page = (ROOT / "docs/releases.md").read_text()
    assert "`docker buildx build --load --target cli -t hutch-cli:1 .`" in page
    bundle = builder.environ.get("HUTCH_CA_BUNDLE")
    secret = ("--secret", f"id=ca,src={bundle}") if bundle else ()
    name = "hutch-cli:test"
    words = ("--load", "--target", "cli", "-t", name, *secret)
    builder.docker("buildx", "build", *words, ".", cwd=ROOT).ok()
    shutil.copy(ROOT / "examples/linux-static-c/bunnyfile", project)
    (project / "wrong").write_text("version: v1\nkernle: {}\n")

    def hutch(*words: str, status: int = 0) -> str:
        # The files are copied into it: the daemon of a machine elsewhere cannot mount them.
        made = builder.docker("create", "--network", "host", name, *words).ok().out.strip()
        try:
            builder.docker("cp", f"{project}/.", f"{made}:/src").ok()
            done = builder.docker("start", "--attach", made)
        finally:
            builder.docker("rm", "--force", made).ok()
        assert done.status == status, done.log
        return done.log

    try:
        assert hutch("--version").startswith("hutch ")
        assert hutch("check", "bunnyfile") == (
            "bunnyfile: linux on qemu for linux/amd64: no errors\n"
        )
        assert "wrong:2" in hutch("check", "wrong", status=1)
        assert "config: tiny" in hutch("plan", "--tree")
        assert "started by: urunc" in hutch("inspect", images.of("initrd", None))
        # What it lacks, it says.
        assert "nothing to build with" in hutch("build", "bunnyfile", status=1)
    finally:
        builder.docker("image", "rm", "--force", name).ok()
