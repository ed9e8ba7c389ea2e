"""Where OCaml's source comes from: `ocaml.sh`, run here with an apt that only plays along."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from frameworks import exits
from tests.places import ROOT

APT = """\
#!/bin/sh
# Has the source where $ROOT/have says: a word of the sources of sources that apt was given.
echo "apt-get $*" >> "$ROOT/log"
case "$*" in
*indextargets*) echo http://deb.host.example/debian/ ;;
*update*) ;;
*source*)
	have=$(cat "$ROOT/have")
	cd "$ROOT/etc/apt/sources.list.d"
	if cat -- * | grep -q "^deb-src .*$have" || grep -qs "^Types: deb deb-src" "$have.sources"; then
		cd - > /dev/null
		cp "$ROOT/ocaml.tar" ocaml_5.3.0.orig.tar.xz
	else
		echo "E: Can not find version '5.3.0-3' of package 'ocaml'" >&2
		exit 100
	fi
	;;
esac
"""
PLACE = ("debian", "trixie", "20261120T000000Z")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    for name in ("bin", "out", "hutch", "etc/apt/sources.list.d", "etc/apt/preferences.d"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "frameworks/mirage/steps/ocaml.sh", tmp_path / "hutch")
    shutil.copy(ROOT / "frameworks/kit/steps/apt.sh", tmp_path / "hutch")
    for name, text in (("apt-get", APT), ("dpkg-query", "#!/bin/sh\necho 5.3.0-3\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "VERSION").write_text("5.3.0\n")
    with tarfile.open(tmp_path / "ocaml.tar", "w") as tar:
        tar.add(tmp_path / "VERSION", "ocaml-5.3.0/VERSION")
    return tmp_path


def fetch(system: Path, have: str, *place: str) -> subprocess.CompletedProcess[str]:
    (system / "have").write_text(have)
    path = f"{system}/bin:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", system / "hutch/ocaml.sh", system / "out", *place],
        env={**os.environ, "ROOT": str(system), "PATH": path, "http_proxy": "http://p"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("form", ["list", "sources"])
def test_from_the_images_own_sources(system: Path, form: str) -> None:
    text = {
        "list": "deb http://deb.host.example/debian own main\n",
        "sources": "Types: deb\nURIs: http://deb.host.example/debian\nSuites: own\n",
    }[form]
    (system / f"etc/apt/sources.list.d/own.{form}").write_text(text)
    done = fetch(system, "own", *PLACE)
    assert done.returncode == 0, done.stderr
    assert (system / "out/VERSION").read_text() == "5.3.0\n"
    assert "Check-Valid-Until" not in (system / "log").read_text()


def test_from_the_snapshot_that_the_compiler_came_from(system: Path) -> None:
    (system / "etc/apt/sources.list.d/own.list").write_text("deb http://h/debian own main\n")
    done = fetch(system, "snapshot.host.example/archive/debian/20261120T000000Z", *PLACE)
    assert done.returncode == 0, done.stderr
    assert "trying the snapshot of 20261120T000000Z" in done.stderr
    assert (system / "out/VERSION").read_text() == "5.3.0\n"


def test_an_image_of_ones_own_has_no_other_place(system: Path) -> None:
    done = fetch(system, "nowhere")
    assert done.returncode == 1
    assert "snapshot" not in done.stderr
    assert "E: Can not find version '5.3.0-3'" in done.stderr


def test_no_mirror_is_no_reason_for_the_snapshot(system: Path) -> None:
    (system / "bin/apt-get").write_text("#!/bin/sh\necho 'E: Could not resolve h' >&2\nexit 100\n")
    done = fetch(system, "own", *PLACE)
    assert done.returncode == exits.NO_NETWORK
    assert "snapshot" not in done.stderr
