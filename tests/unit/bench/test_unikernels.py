"""How starts of unikernels are measured, with monitors of our own in PATH."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench import page, unikernels
from frameworks.runtime import RUNTIME
from frontend.images.oci import MANIFESTS
from tests.places import ROOT
from tests.unit.bench.test_page import RESULT
from tests.unit.frontend.images.test_layout import LAYER, Files, archive

LOADER = next(each for each in unikernels.ROWS if each.name == "unikraft-elfloader")


@pytest.fixture
def monitors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def monitor(at: Path, script: str) -> None:
    at.write_text(f"#!/bin/sh\n{script}\n")
    at.chmod(0o755)


def test_a_start_is_till_the_line(monitors: Path) -> None:
    noted = monitors / "noted"
    said = f'echo "$@" >> {noted}; echo starting; echo listening on port 80; exec sleep 60'
    monitor(monitors / "qemu-system-x86_64", said)
    kernel, initrd = monitors / "kernel", monitors / "rootfs"
    seconds = unikernels.started(LOADER, "qemu", kernel, 3, initrd)
    assert seconds is not None
    calls = noted.read_text().splitlines()
    assert len(calls) == 3
    assert all(
        each.endswith(f"-kernel {kernel} -append {LOADER.words} -initrd {initrd}") for each in calls
    )


def test_a_guest_that_ends_without_the_line(monitors: Path) -> None:
    monitor(monitors / "qemu-system-x86_64", "echo assertion failure")
    with pytest.raises(RuntimeError, match="ended without b'listening on port 80':\nassertion"):
        unikernels.started(LOADER, "qemu", Path("kernel"), 1)


def test_a_monitor_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert unikernels.started(unikernels.ROWS[0], "spt", Path("kernel"), 1) is None


def layout(to: Path) -> str:
    """An image of a kernel and an initrd for QEMU, as a layout."""
    keys = {
        "unikernelType": "unikraft",
        "hypervisor": "qemu",
        "binary": "/.boot/kernel",
        "initrd": "/.boot/rootfs",
    }
    files = Files()
    layer = archive(**{".boot/kernel": b"kernel", ".boot/rootfs": b"root"})
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFESTS[0],
        "config": files.blob(b'{"os": "linux", "architecture": "amd64", "config": {}}'),
        "layers": [files.blob(gzip.compress(layer), LAYER)],
        "annotations": {f"{RUNTIME.prefix}{key}": value for key, value in keys.items()},
    }
    files.files["index.json"] = files.index(files.blob(json.dumps(manifest).encode(), MANIFESTS[0]))
    return files.write(to, packed=False)


def test_images_that_are_there(monitors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel and the initrd are the image's, the words those of the example's row."""
    noted = monitors / "noted"
    said = f'echo "$@" >> {noted}; while [ "$1" != -kernel ]; do shift; done; cat "$2" >> {noted}'
    monitor(monitors / "qemu-system-x86_64", f"{said}; echo listening on port 80")
    monkeypatch.setenv(unikernels.IMAGES, layout(monitors / LOADER.name))
    [(name, start)] = unikernels.brought(unikernels.images(), 1)
    assert name == "unikraft-elfloader on qemu"
    assert (start.size, start.initrd) == (6, 4)
    assert start.seconds is not None
    assert noted.read_text().endswith("kernel")
    assert f"-append {LOADER.words} -initrd " in noted.read_text()


def test_an_image_that_is_called_as_no_example() -> None:
    with pytest.raises(ValueError, match="localhost:5000/x/hello:1 is called as none of mirage-"):
        list(unikernels.brought(["localhost:5000/x/hello:1"], 1))


def test_every_row_is_an_example_for_its_monitor() -> None:
    """What is built is the example with the monitor in the place of its own."""
    for row in unikernels.ROWS:
        said = (ROOT / "examples" / row.name / "bunnyfile").read_text()
        assert f"monitor: {row.monitors[0]}" in said


def test_the_table() -> None:
    starts = {
        "unikraft-hello on qemu": {"size": 224_000, "initrd": 0, "seconds": 0.5},
        "linux-static-c on qemu": {"size": 1_200_000, "initrd": 900_000, "seconds": None},
    }
    text = page.render({**RESULT, "unikernels": {"load": 2.5, "starts": starts}})
    assert "## Unikernels, and Linux beside them" in text
    assert "Starts are medians of 5 starts, at a load of 2.5; QEMU runs without KVM." in text
    assert "| unikraft-hello on qemu | 0.2 MB |  | 500 ms |" in text
    assert "| linux-static-c on qemu | 1.2 MB | 0.9 MB |  |" in text
