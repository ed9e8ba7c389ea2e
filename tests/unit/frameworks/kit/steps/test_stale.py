"""When a cache of object files is emptied: `stale.sh`, run as a build step runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.places import ROOT

SCRIPT = ROOT / "frameworks" / "kit" / "steps" / "stale.sh"
BUILT = 2_000_000_000


class Cache:
    """A source tree and the objects that were built of it, at `BUILT`."""

    def __init__(self, top: Path) -> None:
        self.source, self.objects = top / "source", top / "objects"
        self.source.mkdir()
        self.objects.mkdir()
        self.write("a.c", "a", BUILT - 100)
        self.write("dir/b c.h", "b", BUILT - 100)
        self.begin()
        self.end()

    def write(self, name: str, text: str, time: int) -> None:
        path = self.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (time, time))

    def begin(self) -> bool:
        """The start of a build: are the objects of the last one still there?"""
        subprocess.run(["sh", SCRIPT, self.source, self.objects], check=True)
        return (self.objects / "a.o").exists()

    def end(self) -> None:
        (self.objects / "a.o").touch()
        (self.objects / ".built").touch()
        os.utime(self.objects / ".built", (BUILT, BUILT))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_the_same_tree(cache: Cache) -> None:
    assert cache.begin()


def test_a_build_that_was_killed_goes_on(cache: Cache) -> None:
    (cache.objects / ".built").unlink()
    assert cache.begin()


def test_a_newer_file_is_left_to_make(cache: Cache) -> None:
    cache.write("a.c", "other", BUILT + 1)
    cache.write("new.c", "new", BUILT + 1)
    assert cache.begin()


@pytest.mark.parametrize("time", [BUILT - 200, BUILT - 50])
def test_another_file_that_is_older_than_the_objects(cache: Cache, time: int) -> None:
    cache.write("a.c", "a", time)
    assert not cache.begin()


def test_an_old_file_that_was_not_there(cache: Cache) -> None:
    cache.write("dir/new.h", "new", BUILT - 100)
    assert not cache.begin()


def test_a_file_that_is_gone(cache: Cache) -> None:
    (cache.source / "dir/b c.h").unlink()
    assert not cache.begin()


def test_a_change_while_a_killed_build_ran(cache: Cache) -> None:
    """No one knows when that build's last object came."""
    (cache.objects / ".built").unlink()
    cache.write("a.c", "other", BUILT + 1)
    assert not cache.begin()


def test_objects_of_an_unknown_tree(cache: Cache) -> None:
    (cache.objects / ".sources").unlink()
    assert not cache.begin()


def test_one_tree_after_the_other(cache: Cache) -> None:
    """What is compared with is the last tree, not the first."""
    cache.write("a.c", "other", BUILT + 1)
    assert cache.begin()
    cache.end()
    cache.write("a.c", "a", BUILT - 100)
    assert not cache.begin()
