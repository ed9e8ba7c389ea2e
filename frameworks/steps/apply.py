"""The command that puts additions into a base: `python3 -m frameworks.steps.apply ... PATH...`.

It runs in hutch's own image, after the file ops that put files into a tree. Each of them is a
layer, and gives the directories that it changes the time of the builder's clock. This takes what is
new at the given paths over into the base: as one layer, with times that follow from the input
alone. A directory of the base that only got new entries keeps its time; a new one has `--time`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import sys
from collections.abc import Sequence

from frameworks.rootfs import inside
from frameworks.steps import full

_LARGEST = 1 << 20
"""Bytes of a list of users or groups."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Apply; 0, or 1 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="apply", description="Put additions into a base.")
    parser.add_argument("--tree", required=True, help="the base with the additions")
    parser.add_argument("--output", required=True, help="the base, to be changed")
    parser.add_argument("--time", type=int, required=True, help="of new directories, in seconds")
    parser.add_argument("--workdir", help="the one of the paths that is the working directory")
    parser.add_argument("--before", help="where it is looked for, in the place of the output")
    parser.add_argument("--user", help="who is to own that directory if it is new: USER[:GROUP]")
    parser.add_argument("paths", nargs="+", help="where the additions are; absolute")
    options = parser.parse_args(arguments)
    application = _Application(options.tree, options.output, options.time)
    try:
        before = options.before or options.output
        is_new = options.workdir and inside.resolve(before, options.workdir) is None
        application.run(options.paths)
        if is_new and options.user:
            application.own(options.workdir, options.user)
    except (OSError, OverflowError) as error:
        print(f"hutch: {full.words(error)}", file=sys.stderr)
        return 1
    return 0


class _Application:
    """One run: paths are below both roots, and begin with a slash; "" is the root itself."""

    def __init__(self, tree: str, output: str, time: int) -> None:
        self._tree = tree.rstrip("/")
        self._output = output.rstrip("/")
        self._time = time * 10**9
        self._times: dict[str, int] = {}
        """Directories that may have changed, and the time that each gets in the end, in ns."""
        self._made: dict[tuple[int, int], str] = {}
        """Files with several names: the tree's device and inode, and the first name here."""

    def run(self, paths: Sequence[str]) -> None:
        """Take over what is at `paths`. Raises OSError."""
        places: set[str] = set()
        for path in paths:
            for place in inside.places(self._tree, path)[0]:
                places.add(place)
                self._parents(place)
        for place in sorted(places):
            self._take(place)
        for path, when in sorted(self._times.items(), reverse=True):
            os.utime(self._output + path, ns=(when, when))

    def own(self, path: str, user: str) -> None:
        """Give the directory `path` to `user`, unless the tree does not know the names."""
        name, _, group = user.partition(":")
        uid, gid = self._ids("/etc/passwd", name)
        if group:
            gid = self._ids("/etc/group", group)[0]
        found = inside.resolve(self._output, path)
        if found is not None and uid is not None:
            os.chown(found, uid, -1 if gid is None else gid)

    def _ids(self, file: str, name: str) -> tuple[int | None, int | None]:
        """The number of a user or group, and the one that stands behind it in the file."""
        if name.isdecimal():
            return int(name), 0
        text = (inside.read(self._output, file, _LARGEST) or b"").decode("utf-8", "replace")
        for line in text.splitlines():
            fields = line.split(":")
            if fields[0] == name and len(fields) > 2 and fields[2].isdecimal():
                gid = fields[3] if len(fields) > 3 else ""
                return int(fields[2]), int(gid) if gid.isdecimal() else 0
        return None, None

    def _parents(self, place: str) -> None:
        """See that the directories above `place` are there, and note their times."""
        parts = place.split("/")[1:-1]
        for number in range(len(parts) + 1):
            self._directory("/".join(["", *parts[:number]]), inner=False)

    def _take(self, place: str) -> None:
        """Make what is at `place`, and below, in the output what it is in the tree."""
        pending = [place]
        while pending:
            path = pending.pop()
            try:
                new = os.lstat(self._tree + path)
            except FileNotFoundError:
                continue  # a pattern that matched nothing, or a link that leads nowhere
            if stat.S_ISDIR(new.st_mode):
                self._directory(path, inner=path != place)
                names = sorted(os.listdir(self._tree + path), reverse=True)
                pending += [f"{path}/{name}" for name in names]
            elif not stat.S_ISSOCK(new.st_mode) and not self._same(path, new):
                self._remove(path)
                self._create(path, new)

    def _directory(self, path: str, *, inner: bool) -> None:
        """Make a directory what it is in the tree.

        An inner one has the time that the addition gave it; the clock's is on others.
        """
        target = self._output + path
        new = os.lstat(self._tree + path)
        old = _lstat(target)
        if old is None or not stat.S_ISDIR(old.st_mode):
            self._remove(path)
            os.mkdir(target)
            old = None
        if old is None or _facts(old) != _facts(new):
            self._owner(path, new)
        if path not in self._times:
            if inner:
                self._times[path] = new.st_mtime_ns
            else:
                self._times[path] = self._time if old is None else old.st_mtime_ns

    def _same(self, path: str, new: os.stat_result) -> bool:
        """Whether the base has the very file already."""
        old = _lstat(self._output + path)
        if old is None or _facts(old) != _facts(new) or old.st_mtime_ns != new.st_mtime_ns:
            return False
        if (old.st_ino, old.st_ctime_ns) == (new.st_ino, new.st_ctime_ns):
            return True  # of one lower layer
        ours, theirs = self._output + path, self._tree + path
        if _attributes(ours) != _attributes(theirs):
            return False
        if stat.S_ISLNK(new.st_mode):
            return os.readlink(ours) == os.readlink(theirs)
        return not stat.S_ISREG(new.st_mode) or _equal(ours, theirs)

    def _create(self, path: str, new: os.stat_result) -> None:
        source, target = self._tree + path, self._output + path
        key = (new.st_dev, new.st_ino)
        if new.st_nlink > 1 and (first := self._made.setdefault(key, target)) != target:
            os.link(first, target, follow_symlinks=False)
            return
        if stat.S_ISREG(new.st_mode):
            shutil.copyfile(source, target)
        elif stat.S_ISLNK(new.st_mode):
            os.symlink(os.readlink(source), target)
        else:
            os.mknod(target, new.st_mode, new.st_rdev)
        self._owner(path, new)
        when = (new.st_mtime_ns, new.st_mtime_ns)
        os.utime(target, ns=when, follow_symlinks=False)

    def _owner(self, path: str, new: os.stat_result) -> None:
        """Give owner, mode and attributes; a new owner takes some of the others away."""
        target = self._output + path
        os.chown(target, new.st_uid, new.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(new.st_mode):
            os.chmod(target, stat.S_IMODE(new.st_mode))
        had = _attributes(target)
        for name, value in _attributes(self._tree + path).items():
            if had.get(name) != value:
                os.setxattr(target, name, value, follow_symlinks=False)

    def _remove(self, path: str) -> None:
        target = self._output + path
        old = _lstat(target)
        if old is None:
            return
        if stat.S_ISDIR(old.st_mode):
            shutil.rmtree(target)
        else:
            os.unlink(target)


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _facts(info: os.stat_result) -> tuple[int, ...]:
    size = 0 if stat.S_ISDIR(info.st_mode) else info.st_size
    return (info.st_mode, info.st_uid, info.st_gid, size, info.st_rdev)


def _equal(first: str, second: str) -> bool:
    """Whether two files of one size have the same content."""
    with open(first, "rb") as ours, open(second, "rb") as theirs:
        while piece := ours.read(1 << 20):
            if piece != theirs.read(1 << 20):
                return False
    return True


def _attributes(path: str) -> dict[str, bytes]:
    """The extended attributes of the file at `path`, of a link its own."""
    names = os.listxattr(path, follow_symlinks=False)
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


if __name__ == "__main__":
    sys.exit(main())
