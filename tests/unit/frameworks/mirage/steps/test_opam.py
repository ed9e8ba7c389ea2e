"""What steps with opam share, `opam.sh`, run here with programs that only say something."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from frameworks import exits
from tests.places import ROOT

SHARED = ROOT / "frameworks/mirage/steps/opam.sh"


def fetching(folder: Path, said: str, status: int) -> subprocess.CompletedProcess[str]:
    """What is told by a step whose program prints `said` and ends with `status`."""
    program = folder / "program"
    program.write_text(
        f"#!/bin/sh\ncat << 'END' >&2\n{said}\nEND\necho \"called: $*\"\nexit {status}\n"
    )
    program.chmod(0o755)
    places = f"kept={folder}/kept brought={folder}/brought OPAMROOT={folder}"
    script = f"set -eu; . {SHARED}; {places}; fetching {program} a 'b c'; echo went on"
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True)


def test_what_fetches_is_run(tmp_path: Path) -> None:
    ran = fetching(tmp_path, "fetched", 0)
    assert (ran.returncode, ran.stdout) == (0, "went on\n")
    assert sorted(ran.stderr.splitlines()) == ["called: a b c", "fetched"]


@pytest.mark.parametrize(
    "said",
    [
        'OpamSolution.Fetch_fail("https://x.invalid/a (Download command failed: '
        '\\"/usr/bin/wget -t 3 -O a.part -- https://x.invalid/a\\" exited with code 4)")',
        'https://x.invalid/a (Download command failed: "/usr/bin/curl -L" exited with code 6)',
        "fatal: unable to access 'https://x.invalid/': Could not resolve host: x.invalid",
    ],
)
def test_nothing_can_be_reached(tmp_path: Path, said: str) -> None:
    """The step ends with the status that the frontend knows, after the program's own words."""
    ran = fetching(tmp_path, said, 40)
    assert (ran.returncode, ran.stdout) == (exits.NO_NETWORK, "")
    assert said in ran.stderr
    assert ran.stderr.endswith("hutch: the builder could not reach what opam fetches from\n")


def test_other_failures_keep_their_status(tmp_path: Path) -> None:
    ran = fetching(tmp_path, 'failed: "/usr/bin/wget -- https://x/a" exited with code 8)', 40)
    assert (ran.returncode, ran.stdout) == (40, "")
    assert "hutch:" not in ran.stderr


@pytest.mark.parametrize("status", [0, 40])
def test_archives_are_kept_for_the_next_build(tmp_path: Path, status: int) -> None:
    """Also of a step that fails; not those that the user brings."""
    got = tmp_path / "download-cache"
    for name in ("sha256/ab/abc", "sha256/cd/cde"):
        (got / name).parent.mkdir(parents=True)
        (got / name).write_text(name)
    (got / "md5" / "12").mkdir(parents=True)
    (got / "md5" / "12" / "123").symlink_to("../../sha256/ab/abc")
    (tmp_path / "brought" / "sha256" / "cd").mkdir(parents=True)
    (tmp_path / "brought" / "sha256" / "cd" / "cde").write_text("sha256/cd/cde")
    assert fetching(tmp_path, "fetched", status).returncode == status
    kept = tmp_path / "kept"
    assert (kept / "md5/12/123").read_text() == (kept / "sha256/ab/abc").read_text()
    assert sorted(str(each.relative_to(kept)) for each in kept.rglob("*") if not each.is_dir()) == [
        "md5/12/123",
        "sha256/ab/abc",
    ]
