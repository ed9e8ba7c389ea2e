"""The files of an image, as its layers stacked on each other show them to a container.

A layer is a tar archive over the one below. A file `.wh.NAME` in it hides NAME of the layers below,
`.wh..wh..opq` hides all that they have in its directory (image-spec, layer.md).
"""

from __future__ import annotations

import os
import posixpath
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

_HIDES = ".wh."
_OPAQUE = ".wh..wh..opq"


class LayerError(OSError):
    """Why a layer cannot be read, in one line for the user."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the stack: its header, and which layer (0 is the lowest) it is in."""

    info: tarfile.TarInfo
    layer: int


class Tree:
    """An image's files by their absolute path."""

    def __init__(self, layers: Sequence[tuple[str, IO[bytes]]]) -> None:
        """Stack `layers`, pairs of media type and archive, the lowest first. Raises LayerError."""
        self._archives = [_open(media_type, file) for media_type, file in layers]
        self._entries: dict[str, Entry] = {}
        for number in range(len(self._archives)):
            self._stack(number)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def stat(self, path: str) -> tarfile.TarInfo:
        """The header of the file at `path`, as its archive has it. Raises FileNotFoundError."""
        try:
            return self._entries[path].info
        except KeyError:
            raise FileNotFoundError(f"there is no {path} in the image") from None

    def layer(self, path: str) -> int:
        """The number of the layer that the file is in. Raises FileNotFoundError."""
        self.stat(path)
        return self._entries[path].layer

    def read(self, path: str) -> bytes | None:
        """The content of the regular file at `path`, None where there is none."""
        entry = self._entries.get(path)
        if entry is None or not (entry.info.isfile() or entry.info.islnk()):
            return None
        stream = self._archives[entry.layer].extractfile(entry.info)
        return None if stream is None else stream.read()

    def save(self, path: str, to: str) -> None:
        """Write the regular file at `path` into the file `to`. Raises FileNotFoundError."""
        data = self.read(path)
        if data is None:
            raise FileNotFoundError(f"there is no file {path} in the image")
        with open(to, "wb") as out:
            out.write(data)

    def unpack(self, directory: str) -> None:
        """Write every file into `directory`, with modes, owners where this user may, and times.

        Device nodes are left out. Raises LayerError for a path that leads out of `directory`.
        """
        first: dict[tuple[int, str], str] = {}
        later: list[tuple[str, tarfile.TarInfo]] = []
        for path in self:
            entry = self._entries[path]
            info, to = entry.info, os.path.join(directory, path.lstrip("/"))
            if os.path.realpath(os.path.dirname(to)) != _real(directory, path):
                raise LayerError(f"{path} is behind a symbolic link that another layer made")
            os.makedirs(os.path.dirname(to), exist_ok=True)
            name = info.linkname if info.islnk() else info.name
            if info.isdir():
                os.makedirs(to, exist_ok=True)
            elif info.issym():
                os.symlink(info.linkname, to)
            elif (entry.layer, _clean(name)) in first:
                os.link(first[entry.layer, _clean(name)], to, follow_symlinks=False)
                continue
            elif info.isfile() or info.islnk():
                self.save(path, to)
                first[entry.layer, _clean(name)] = to
            elif info.isfifo():
                os.mkfifo(to)
            else:
                continue
            later.append((to, info))
        for to, info in reversed(later):  # a directory's time last, when nothing more goes into it
            if os.geteuid() == 0:
                os.chown(to, info.uid, info.gid, follow_symlinks=False)
            if not info.issym():
                os.chmod(to, info.mode & 0o7777)
            os.utime(to, (info.mtime, info.mtime), follow_symlinks=False)

    def _stack(self, number: int) -> None:
        """Put the layer `number` on top: first what it hides, then what it has."""
        try:
            members = self._archives[number].getmembers()
        except (tarfile.TarError, EOFError, OSError) as error:
            raise LayerError(f"layer {number + 1} is not a tar archive: {error}") from None
        for info in members:
            directory, name = posixpath.split(_clean(info.name))
            if name == _OPAQUE:
                self._hide(directory, itself=False)
            elif name.startswith(_HIDES):
                self._hide(posixpath.join(directory, name.removeprefix(_HIDES)), itself=True)
        for info in members:
            path = _clean(info.name)
            if path == "/" or posixpath.basename(path).startswith(_HIDES):
                continue
            old = self._entries.get(path)
            if old is not None and old.info.isdir() and not info.isdir():
                self._hide(path, itself=True)
            self._entries[path] = Entry(info, number)

    def _hide(self, path: str, *, itself: bool) -> None:
        below = path.rstrip("/") + "/"
        for each in [each for each in self._entries if each.startswith(below)]:
            del self._entries[each]
        if itself:
            self._entries.pop(path, None)


def _open(media_type: str, file: IO[bytes]) -> tarfile.TarFile:
    """Raises LayerError for a compression that Python's tarfile does not know."""
    if "zstd" in media_type:
        raise LayerError(f"cannot read a layer of type {media_type}; build with compression=gzip")
    try:
        return tarfile.open(fileobj=file, mode="r:*")
    except tarfile.TarError as error:
        raise LayerError(f"a layer of type {media_type} is not a tar archive: {error}") from None


def _clean(name: str) -> str:
    """An archive's name for a file as an absolute path; `..` cannot leave the root."""
    return posixpath.normpath("/" + name)


def _real(directory: str, path: str) -> str:
    """Where the parent of `path` is when no symbolic link is on the way."""
    parent = posixpath.dirname(path).lstrip("/")
    return os.path.join(os.path.realpath(directory), parent).rstrip("/")
