"""Packages that a file names, by a script around apt, run here with an apt that only plays along.

With the real ones it runs in tests/integration/test_lock.py and test_applications.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from frameworks import exits
from frontend.bunnyfile import lock
from tests.places import ROOT

SCRIPT = ROOT / "frameworks" / "kit" / "steps" / "packages.sh"

APT = """\
#!/bin/sh
# Has two packages, whose files it fetches unless they are there in their size.
echo "apt-get $*" >> "$ROOT/log"
case "$*" in
*print-uris*)
	[ "$*" != "${*#*install}" ] || exit 0
	for file in foo_1%3a2-1_amd64.deb bar_3_arm64.deb; do
		echo "'http://m.example/pool/$file' $file 4 MD5Sum:$(cat "$ROOT/sum")"
	done
	;;
*download-only*)
	for word; do
		case $word in Dir::Cache::archives=*) to=${word#*=} ;; esac
	done
	mkdir -p "$to/partial"
	touch "$to/lock"
	for file in foo_1%3a2-1_amd64.deb bar_3_arm64.deb; do
		[ -f "$to/$file" ] || { echo "$file" >> "$ROOT/downloaded" && printf file > "$to/$file"; }
	done
	;;
*install*)
	cat "$ROOT/complaint" >&2
	exit "$(cat "$ROOT/status")"
	;;
esac
"""
DPKG = '#!/bin/sh\n[ "$1" = --print-architecture ] && echo amd64 || echo "dpkg $*" >> "$ROOT/log"\n'
DPKG_QUERY = """\
#!/bin/sh
cat "$ROOT/installed"
"""
SUM = hashlib.md5(b"file", usedforsecurity=False).hexdigest()


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A root for the script, with an apt in `bin`."""
    for name in ("bin", "out", "hutch/archives", "usr/sbin", "dev/shm"):
        (tmp_path / name).mkdir(parents=True)
    for name, text in (
        ("apt-get", APT),
        ("dpkg", DPKG),
        ("apt-config", "#!/bin/sh\n"),
        ("dpkg-query", DPKG_QUERY),
    ):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "sum").write_text(SUM)
    (tmp_path / "log").touch()
    return tmp_path


def run(system: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "ROOT": str(system), "SOURCE_DATE_EPOCH": "0"}
    environ["PATH"] = f"{system}/bin:{os.environ['PATH']}"
    return subprocess.run(["sh", SCRIPT, *words], env=environ, capture_output=True, text=True)


def fetch(system: Path) -> list[dict[str, str]]:
    """Fetch anew; returns the list."""
    for path in (system / "out").iterdir():
        path.unlink()
    done = run(system, "fetch", str(system / "out"), "", "amd64", "foo", "bar:arm64")
    assert done.returncode == 0, done.stderr
    data = (system / "out/packages.json").read_bytes()
    assert len(lock.packages_of(data)) == 2
    found: list[dict[str, str]] = json.loads(data)
    return found


def test_what_is_fetched_is_listed(system: Path) -> None:
    """By names, versions and URLs; a package of another processor says so in its name."""
    listed = fetch(system)
    files = {path.name for path in (system / "out").iterdir()}
    assert files == {"foo_1%3a2-1_amd64.deb", "bar_3_arm64.deb", "packages.json"}
    told = [(each["name"], each["version"], each["url"].rpartition("/")[2]) for each in listed]
    assert told == [
        ("bar:arm64", "3", "bar_3_arm64.deb"),
        ("foo", "1:2-1", "foo_1%3a2-1_amd64.deb"),
    ]
    assert {each["sha256"] for each in listed} == {hashlib.sha256(b"file").hexdigest()}
    log = (system / "log").read_text().splitlines()
    assert log[0] == "dpkg --add-architecture arm64"


def test_nothing_is_downloaded_twice(system: Path) -> None:
    fetch(system)
    assert len((system / "downloaded").read_text().split()) == 2
    fetch(system)
    assert len((system / "downloaded").read_text().split()) == 2
    # A file of another distribution has the same name, and is another file.
    (system / "hutch/archives/bar_3_arm64.deb").write_text("elif")
    fetch(system)
    assert (system / "downloaded").read_text().split()[2:] == ["bar_3_arm64.deb"]
    assert (system / "hutch/archives/bar_3_arm64.deb").read_text() == "file"
    assert not list((system / "hutch/archives").glob("*.deb.*"))


def test_a_builder_without_the_cache(system: Path) -> None:
    (system / "hutch/archives").rmdir()
    assert len(fetch(system)) == 2


@pytest.mark.parametrize(
    ("complaint", "status"),
    [
        ("E: Unable to correct problems, you have held broken packages.", exits.UNFIT_PACKAGES),
        ("The following packages have unmet dependencies:", exits.UNFIT_PACKAGES),
        ("E: Unable to satisfy dependencies. Reached two conflicting", exits.UNFIT_PACKAGES),
        ("E: Sub-process /usr/bin/dpkg returned an error code (1)", 1),
    ],
)
def test_what_does_not_fit_is_told_apart(system: Path, complaint: str, status: int) -> None:
    fetch(system)
    (system / "complaint").write_text(f"{complaint}\n")
    (system / "status").write_text("100")
    done = run(system, "install", str(system / "out"), "foo")
    assert done.returncode == status
    assert complaint in done.stderr


INSTALLED = """\
install ok installed foo amd64 1:2-1 httpd, foo-abi (= 2)
hold ok installed bar arm64 3 httpd-cgi
install ok installed common all 1.0~rc1
deinstall ok config-files gone amd64 1 gone-too
"""


@pytest.mark.parametrize(
    "asked",
    [
        *("foo", "foo:amd64", "foo=1:2-1", "foo:amd64=1:2-1", "foo:any", "foo:native"),
        *("bar", "bar:arm64", "common", "common:amd64", "common:all", "common=1.0~rc1"),
        *("httpd", "foo-abi", "httpd-cgi", "httpd-cgi:arm64"),
    ],
)
def test_what_was_asked_for_is_there(system: Path, asked: str) -> None:
    (system / "installed").write_text(INSTALLED)
    done = run(system, "install", str(system / "out"), "foo", asked)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "asked",
    [
        *("fo", "foo:arm64", "foo=2-1", "bar:amd64", "bar=3.1", "abi", "foo-ab", "httpd=1"),
        *("gone", "gone-too", "baz"),
    ],
)
@pytest.mark.parametrize("files", [False, True])
def test_what_a_lock_has_lost(system: Path, asked: str, *, files: bool) -> None:
    """With part of the files, and without any, as where all of them are in the base."""
    if files:
        fetch(system)
        (system / "complaint").touch()
        (system / "status").write_text("0")
    (system / "installed").write_text(INSTALLED)
    done = run(system, "install", str(system / "out"), "foo", asked)
    assert done.returncode == exits.UNFIT_PACKAGES
    said = "these packages are asked for, and are not among what is installed"
    assert done.stderr.endswith(f"hutch: {said}: {asked}\n")
