"""Packages: the kit's scripts around apt, run here with an apt that only plays along."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from frameworks import exits
from tests.places import ROOT

STEPS = ROOT / "frameworks" / "kit" / "steps"


def step(
    name: str, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script; its outputs are not mixed."""
    return subprocess.run(
        ["sh", STEPS / name, *arguments],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
    )


APT = """\
#!/bin/sh
# Has what is asked for where $ROOT/have says: a word of the sources that apt was given.
echo "apt-get $*" >> "$ROOT/log"
sources="own $(cat "$ROOT/etc/apt/sources.list.d/hutch.list" 2> /dev/null || true)"
case "$*" in
*indextargets*) cat "$ROOT/mirror" ;;
*update*) echo 'Hit: everything' ;;
*download* | *install*)
	for word in $(cat "$ROOT/have"); do
		case "$sources" in *"$word"*) exit 0 ;; esac
	done
	echo "E: nothing in ${sources##*/}" >&2
	exit 100
	;;
esac
"""
DPKG_DEB = '#!/bin/sh\ncat "$ROOT/package.tar"\n'
PLACES = ("debian", "trixie", "20261120T000000Z")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A root for the scripts, with an apt in `bin`."""
    for name in ("bin", "out", "etc/apt/sources.list.d", "etc/apt/preferences.d", "var/log"):
        (tmp_path / name).mkdir(parents=True)
    for name, text in (("apt-get", APT), ("dpkg-deb", DPKG_DEB), ("dpkg", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "Makefile").write_text("the source")
    # tar goes by what an archive holds, and this one is not compressed.
    with tarfile.open(tmp_path / "linux.tar.xz", "w") as tar:
        tar.add(tmp_path / "Makefile", "linux-source-1/Makefile")
    with tarfile.open(tmp_path / "package.tar", "w") as tar:
        tar.add(tmp_path / "linux.tar.xz", "./usr/src/linux.tar.xz")
    (tmp_path / "mirror").write_text("http://deb.host.example/debian/\n")
    return tmp_path


def run(
    system: Path, have: str, name: str, *arguments: str, env: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a script where only sources with one of the words `have` have it; what apt was told."""
    (system / "have").write_text(have)
    env = {"ROOT": str(system), "PATH": f"{system}/bin:{os.environ['PATH']}", **(env or {})}
    done = step(name, *arguments, env=env)
    return done, (system / "log").read_text().splitlines()


def fetch(system: Path, have: str, *places: str) -> subprocess.CompletedProcess[str]:
    return run(system, have, "fetch.sh", str(system / "out"), "linux=1", *places)[0]


@pytest.mark.parametrize("have", ["own", "deb.host.example/debian ", "snapshot.host.example"])
def test_a_source_is_fetched_from_where_it_is(system: Path, have: str) -> None:
    done = fetch(system, have, *PLACES)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (system / "out").iterdir()] == ["Makefile"]
    assert (system / "out/Makefile").read_text() == "the source"
    assert done.stderr == "", "no complaint about where it was not"
    assert "--no-install-recommends --allow-downgrades xz-utils" in (system / "log").read_text()


def test_a_snapshot_is_the_mirrors(system: Path) -> None:
    assert fetch(system, "snapshot", *PLACES).returncode == 0
    said = (system / "etc/apt/sources.list.d/hutch.list").read_text()
    assert said.endswith(
        "] http://snapshot.host.example/archive/debian/20261120T000000Z trixie main\n"
    )


def test_a_source_that_is_nowhere(system: Path) -> None:
    done = fetch(system, "none", *PLACES)
    assert done.returncode == 1
    for said in (
        "hutch: linux=1 is not in the image's own sources\n",
        "hutch: linux=1 is not in the mirror's debian trixie\n",
        "hutch: linux=1 is not in the snapshot of 20261120T000000Z\n",
        "hutch: linux=1 cannot be fetched",
    ):
        assert said in done.stderr
    assert done.stderr.count("E: nothing in ") == 3, "apt's own words, of each place"


def test_a_package_of_ones_own_has_no_other_places(system: Path) -> None:
    done = fetch(system, "debian")
    assert done.returncode == 1
    assert done.stderr.count("is not in") == 1


def test_a_mirror_without_snapshots(system: Path) -> None:
    (system / "mirror").write_text("https://mirror.example/debian\n")
    done = fetch(system, "none", *PLACES)
    assert done.returncode == 1
    assert "the mirror https://mirror.example is not known to keep old versions" in done.stderr


def test_packages_are_installed(system: Path) -> None:
    (system / "var/log/apt.log").write_text("12:00")
    done, told = run(system, "own", "install.sh", "gcc", "libssl-dev:arm64")
    assert done.returncode == 0, done.stderr
    assert told[-1].endswith("-- gcc libssl-dev:arm64")
    assert not list((system / "var/log").iterdir())


def test_pinned_packages_come_from_the_snapshot_if_they_must(system: Path) -> None:
    arguments = ["--snapshot", *PLACES, "gcc=1"]
    done, told = run(system, "own", "install.sh", *arguments)
    assert done.returncode == 0
    assert not any("Check-Valid-Until" in line for line in told)

    done, told = run(system, "snapshot", "install.sh", *arguments)
    assert done.returncode == 0, done.stderr
    assert "trying the snapshot of 20261120T000000Z" in done.stderr
    assert "--allow-downgrades -- gcc=1" in told[-1]
    # The image's own sources count for what is installed later.
    assert not list((system / "etc/apt/preferences.d").iterdir())
    assert not list((system / "etc/apt/sources.list.d").iterdir())

    done, _ = run(system, "snapshot", "install.sh", "gcc=1")
    assert done.returncode == 1
    done, _ = run(system, "none", "install.sh", *arguments)
    assert done.returncode == 1
    assert done.stderr.endswith("E: nothing in 20261120T000000Z trixie main\n")


@pytest.mark.parametrize(
    ("said", "status", "last"),
    [
        ("E: Unable to locate package no-such", exits.NO_PACKAGE, "packages: no-such"),
        ("E: Version '9' for 'make' was not found", exits.NO_PACKAGE, "packages: see above"),
        ("E: Failed to fetch http://h/x  Temporary failure resolving 'h'", exits.NO_NETWORK, "ror"),
        ("E: Sub-process /usr/bin/dpkg returned an error code (1)", 1, "code (1)"),
    ],
)
def test_why_nothing_was_installed(system: Path, said: str, status: int, last: str) -> None:
    (system / "bin/apt-get").write_text(
        f'#!/bin/sh\ncase $* in *install*)\necho "{said}" >&2\nexit 100;;\nesac\n'
    )
    (system / "log").touch()
    done, _ = run(system, "own", "install.sh", "no-such")
    assert said in done.stderr
    assert done.returncode == status
    assert done.stderr.rstrip().endswith(last)


def test_lists_that_were_not_fetched_are_the_cause(system: Path) -> None:
    """apt-get update ends well when it fetched nothing; then no package is there."""
    apt = (system / "bin/apt-get").read_text()
    failed = "W: Failed to fetch http://h/x  Could not connect to h:80"
    apt = apt.replace("echo 'Hit: everything'", f"echo '{failed}' >&2")
    (system / "bin/apt-get").write_text(apt)
    for name, arguments in (("install.sh", ("--snapshot", *PLACES, "gcc=1")), ("fetch.sh", ())):
        done, told = run(system, "none", name, *(arguments or (str(system / "out"), "x", *PLACES)))
        assert done.returncode == exits.NO_NETWORK
        assert not any("Check-Valid-Until" in line for line in told), "no other place is tried"
        assert done.stderr.endswith("could not reach the packages' mirror\n")


@pytest.mark.parametrize("name", ["install.sh", "fetch.sh"])
def test_a_builder_without_names_is_told_at_once(system: Path, name: str) -> None:
    apt = (system / "bin/apt-get").read_text()
    uri = "'http://user:pw@mirror.invalid:80/debian/dists/sid/InRelease' x 0"
    apt = apt.replace('case "$*" in\n', f'case "$*" in\n*print-uris*) echo "{uri}" ;;\n', 1)
    (system / "bin/apt-get").write_text(apt)
    (system / "bin/apt-config").write_text("#!/bin/sh\n")
    (system / "bin/getent").write_text("#!/bin/sh\nexit 2\n")
    for tool in ("apt-config", "getent"):
        (system / "bin" / tool).chmod(0o755)
    clean = {key: "" for key in os.environ if key.lower().endswith("_proxy")}
    done, told = run(system, "own", name, str(system / "out"), "linux=1", env=clean)
    assert done.returncode == exits.NO_NETWORK
    assert "cannot find the address of mirror.invalid: it has no network, or no DNS" in done.stderr
    assert not any("download" in line or "install" in line for line in told)
    # A proxy looks them up.
    done, told = run(system, "own", name, str(system / "out"), "linux=1", env={"HTTP_PROXY": "p"})
    assert done.returncode == 0, done.stderr


# Wants one file, and downloads it to where apt or `apt-get download` puts it.
DOWNLOADING = """\
#!/bin/sh
to=.
for word; do
	case $word in Dir::Cache::archives=*) to=${word#*=} ;; esac
done
case "$*" in
*print-uris*update*) ;;
*print-uris*)
	sum=$(printf whole | sha256sum)
	echo "'http://h/linux_1_all.deb' linux_1_all.deb 5 SHA256:${sum%% *}"
	;;
*xz-utils*) ;;
*download*)
	[ -f "$to/linux_1_all.deb" ] && exit 0
	echo downloaded >> "$ROOT/log"
	printf whole > "$to/linux_1_all.deb"
	;;
esac
"""


@pytest.mark.parametrize("name", ["install.sh", "fetch.sh"])
def test_what_was_downloaded_before_is_not_downloaded_again(system: Path, name: str) -> None:
    """Out of a cache that other builds fill, too: what is not the archive's is not taken."""
    (system / "bin/apt-get").write_text(DOWNLOADING)
    (system / "log").touch()
    kept = system / "hutch/archives/linux_1_all.deb"
    kept.parent.mkdir(parents=True)
    arguments = [str(system / "out"), "linux"] if name == "fetch.sh" else ["linux"]
    for downloads in (1, 1):
        done, told = run(system, "own", name, *arguments)
        assert done.returncode == 0, done.stderr
        assert (len(told), kept.read_text()) == (downloads, "whole")
    kept.write_text("another's")
    assert run(system, "own", name, *arguments)[1] == ["downloaded", "downloaded"]
    assert kept.read_text() == "whole"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    kept.unlink()
    kept.parent.rmdir()
    assert run(system, "own", name, *arguments)[0].returncode == 0, "it does without a cache"


# --- Scripts of the file -------------------------------------------------------------------------


def run_script(tmp_path: Path, text: str, key: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "app.sh"
    script.write_text(text)
    runner = STEPS.parents[1] / "steps/run.sh"
    return subprocess.run(["sh", runner, script, key], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "key", "status", "last"),
    [
        ("echo one; echo two >&2", "app.build", 0, ""),
        ("false; echo never", "app.build", 1, ""),
        ("exit 211", "app.build", 1, ""),
        ("exit 7", "app.fetch", 7, ""),
        ("echo 'E: Unable to locate package x'; exit 100", "app.build", 211, "under app.packages"),
        ("echo 'E: Unable to locate package x'; exit 100", "app.fetch", 100, ""),
        ("echo 'Could not resolve host: h' >&2; exit 6", "app.build", 211, "under app.packages"),
        ("echo 'Could not resolve host: h' >&2; exit 6", "app.fetch", 212, "network and DNS"),
        # Told by a script that copes with it.
        ("echo 'Could not resolve host: h' >&2", "app.build", 0, ""),
    ],
)
def test_a_script_says_that_it_wanted_the_network(
    tmp_path: Path, text: str, key: str, status: int, last: str
) -> None:
    done = run_script(tmp_path, text, key)
    assert done.returncode == status
    assert done.stderr.rstrip().endswith(last) if last else done.stderr == ""
    assert "never" not in done.stdout
    if text.startswith("echo one"):
        assert done.stdout == "one\ntwo\n"


def test_a_script_may_leave_something_running(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "app.sh").write_text(f"sleep 600 & echo $! > {pid}\n")
    command = ["sh", str(STEPS.parents[1] / "steps/run.sh"), f"{tmp_path}/app.sh", "app.build"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert done.returncode == 0
    os.kill(int(pid.read_text()), 15)


RUNNER = STEPS.parents[1] / "steps/run.sh"

GO = """\
#!/bin/sh
case "$*" in
"env GOPROXY") echo "${GOPROXY:-https://proxy.golang.org,direct}" ;;
"env GOPRIVATE GONOPROXY") printf '%s\\n' "$GOPRIVATE" "${GONOPROXY:-$GOPRIVATE}" ;;
"get "*) # the module cache, as go fills it
	folder=$GOMODCACHE/cache/download/example.com/m/@v
	mkdir -p "$folder"
	for end in info mod zip ziphash lock; do echo "$2" > "$folder/$2.$end"; done
	echo "$2" > "$folder/list"
	;;
esac
"""


CARGO = """#!/bin/sh
for each; do
	there=$CARGO_HOME/registry/cache/${REGISTRY:-index.crates.io-1}/$each.crate
	[ ! -e "$there" ] || { echo "had $each"; continue; }
	mkdir -p "${there%/*}"
	printf %s "$each" > "$there"
	echo "downloaded $each"
done
"""


class Fetching:
    """A machine with the two folders of downloads, and a tool that a script calls."""

    def __init__(self, folder: Path, tool: str, text: str) -> None:
        self.folder, self.public, self.own = folder, folder / "public", folder / "own"
        self._tools = folder / "bin"
        self._tools.mkdir()
        (self._tools / tool).write_text(text)
        (self._tools / tool).chmod(0o755)

    def fetch(self, script: str, home: str, credentials: int = 0, **env: str) -> str:
        """What the script says on a builder whose state has nothing yet (`home`)."""
        (self.folder / "app.sh").write_text(script)
        places = (str(self.public), str(self.own), str(credentials))
        homes = {"GOMODCACHE": f"{self.folder}/{home}", "CARGO_HOME": f"{self.folder}/{home}"}
        path = {"PATH": f"{self._tools}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", str(RUNNER), str(self.folder / "app.sh"), "app.fetch", *places],
            cwd=self.folder,
            env={**os.environ, **path, **homes, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return done.stdout

    def kept(self, folder: Path) -> set[str]:
        """The names of the files there."""
        return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def cargo(tmp_path: Path) -> Fetching:
    """With a lock file that has the checksums of itoa-1.0.1 and ryu-2.0.0."""
    lock = "version = 4\n\n"
    for name in ("itoa-1.0.1", "ryu-2.0.0"):
        crate, _, version = name.partition("-")
        sum_ = hashlib.sha256(name.encode()).hexdigest()
        lock += f'[[package]]\nname = "{crate}"\nversion = "{version}"\nchecksum = "{sum_}"\n\n'
    (tmp_path / "Cargo.lock").write_text(lock)
    return Fetching(tmp_path, "cargo", CARGO)


@pytest.fixture
def go(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path, "go", GO)


def test_crates_of_cargo_are_kept_and_found_again(cargo: Fetching) -> None:
    """By later builds, those that have the checksum of the lock file: Cargo looks at none again."""
    first = "downloaded itoa-1.0.1\ndownloaded ryu-2.0.0\n"
    assert cargo.fetch("cargo itoa-1.0.1 ryu-2.0.0", "first", credentials=1) == first
    assert cargo.kept(cargo.public) == {"itoa-1.0.1.crate", "ryu-2.0.0.crate"}
    assert cargo.kept(cargo.own) == set()
    (cargo.public / "cargo/index.crates.io-1/ryu-2.0.0.crate").write_text("another's")
    second = "had itoa-1.0.1\ndownloaded ryu-2.0.0\n"
    assert cargo.fetch("cargo itoa-1.0.1 ryu-2.0.0", "second") == second
    (cargo.folder / "Cargo.lock").unlink()
    assert cargo.fetch("cargo itoa-1.0.1", "third") == "downloaded itoa-1.0.1\n"


def test_crates_of_another_registry_are_for_the_project_alone(cargo: Fetching) -> None:
    registry: dict[str, Any] = {"REGISTRY": "cargo.corp.example-2"}
    cargo.fetch("cargo itoa-1.0.1", "first", **registry)
    assert cargo.kept(cargo.public) == set()
    assert cargo.kept(cargo.own) == {"itoa-1.0.1.crate"}
    assert cargo.fetch("cargo itoa-1.0.1", "second", **registry) == "had itoa-1.0.1\n"


VERSION = {f"v1.0.0.{end}" for end in ("info", "mod", "zip", "ziphash")}


def test_modules_of_go_are_kept_and_found_again(go: Fetching) -> None:
    """By later builds, before any proxy; what may change of a module is not kept."""
    before = f"file://{go.own}/go,file://{go.public}/go"
    said = go.fetch("go get v1.0.0; env | sed -n s/^GOPROX.=//p", "first")
    assert said == f"{before},https://proxy.golang.org,direct\n"
    assert go.kept(go.public) == VERSION
    # What is there stays: another build may be reading it. What a failed script left is not taken.
    first = go.public / "go/example.com/m/@v/v1.0.0.zip"
    first.write_text("first")
    go.fetch("go get v1.0.0; go get v2.0.0; false", "first")
    assert go.kept(go.public) == VERSION
    go.fetch("go get v1.1.0", "second")
    assert first.read_text() == "first"
    assert go.kept(go.public) > {*VERSION, "v1.1.0.zip"}
    assert go.kept(go.own) == set()


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ("go get v1.0.0", {"credentials": 1}),
        ("go get v1.0.0", {"GOPRIVATE": "git.corp.example"}),
        ("go get v1.0.0", {"GONOPROXY": "git.corp.example"}),
        ("go get v1.0.0", {"GOPROXY": "https://me:word@go.corp.example"}),
        ("go get v1.0.0", {"GOPROXY": "direct"}),
        ("export GOPROXY=https://go.corp.example; go get v1.0.0", {}),
        # What Go leaves where it asked a repository itself, as for want of the module in its proxy.
        ("mkdir -p $GOMODCACHE/cache/vcs/5e1ec7; go get v1.0.0", {}),
    ],
)
def test_private_modules_are_for_the_project_alone(
    go: Fetching, script: str, more: dict[str, Any]
) -> None:
    go.fetch(script, "first", **more)
    assert go.kept(go.public) == set()
    assert go.kept(go.own) == VERSION
