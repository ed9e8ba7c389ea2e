"""The files of an image, as its layers stacked on each other show them to a container.

A layer is a tar archive over the one below. A file `.wh.NAME` in it hides NAME of the layers below,
`.wh..wh..opq` hides all that they have in its directory (image-spec, layer.md).

Layers come from whoever wrote them: however one is made, reading it takes bounded memory and time,
and ends in a LayerError that says in one line what is wrong.
"""

from __future__ import annotations

import gzip
import os
import posixpath
import subprocess
import tarfile
import threading
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, cast

from llb.masked import printable

_HIDES = ".wh."
_OPAQUE = ".wh..wh..opq"

MOST_UNPACKED = 16 << 30
"""How many bytes the layers of an image may have, unpacked."""
_MOST_HEADERS = 1 << 20
"""How many bytes of headers one file of an archive may have."""
_MOST_FILES = 500_000
_MOST_PLACES = 2_000_000
"""How many paths, and directories on the way to them, an image may have."""
_LONGEST_PATH = 4096
_MOST_IN_MEMORY = 2 << 30
_PIECE = 1 << 20
_NOTHING = bytes(_PIECE)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""How what these write begins (RFC 1952, RFC 8878)."""


class LayerError(OSError):
    """Why a layer cannot be read, in one line for the user."""

    def __init__(self, why: str) -> None:
        super().__init__(printable(why))  # names of files are in it


@dataclass(frozen=True, slots=True)
class LayerFile:
    """One file of the stack: its header, and which layer (0 is the lowest) it is in."""

    info: tarfile.TarInfo
    layer: int


@dataclass(slots=True)
class _Place:
    """A path: the file that is there, and what is below."""

    entry: LayerFile | None = None
    below: dict[str, _Place] = field(default_factory=dict)


class ImageFiles:
    """An image's files by their absolute path."""

    def __init__(self, layers: Sequence[tuple[str, IO[bytes]]], most: int = MOST_UNPACKED) -> None:
        """Stack `layers`, pairs of media type and archive, the lowest first; unpacked they have at
        most so many bytes. Raises LayerError."""
        self._root = _Place()
        self._places = 0
        self._archives: list[tarfile.TarFile] = []
        self._files: list[dict[str, tarfile.TarInfo]] = []
        opened: list[IO[bytes]] = []
        weakref.finalize(self, _close, opened)
        budget = _Budget(most)
        for number, (media_type, file) in enumerate(layers):
            with _reading(number):
                unpacked = _to_file(_unpacked(media_type, file), budget)
                opened.append(unpacked)
                archive = tarfile.open(fileobj=_opened(unpacked), mode="r:")  # noqa: SIM115
                self._archives.append(archive)
                self._files.append({})
                self._stack(number)

    def __contains__(self, path: str) -> bool:
        return self._find(path) is not None

    def __iter__(self) -> Iterator[str]:
        """The paths, sorted."""
        found = []
        stack = [("", self._root)]
        while stack:
            path, place = stack.pop()
            if place.entry is not None:
                found.append(path)
            stack += [(f"{path}/{name}", each) for name, each in place.below.items()]
        return iter(sorted(found))

    def stat(self, path: str) -> tarfile.TarInfo:
        """The header of the file at `path`, as its archive has it. Raises FileNotFoundError."""
        return self._entry(path).info

    def layer(self, path: str) -> int:
        """The number of the layer that the file is in. Raises FileNotFoundError."""
        return self._entry(path).layer

    def read(self, path: str, most: int = _MOST_IN_MEMORY) -> bytes | None:
        """The content of the regular file at `path`, None where there is none.

        Raises LayerError where it has more than `most` bytes.
        """
        entry = self._find(path)
        if entry is None or not (entry.info.isfile() or entry.info.islnk()):
            return None
        return b"".join(self._pieces(path, entry, most))

    def pieces(self, path: str) -> Iterator[bytes]:
        """The content of the regular file at `path`. Raises FileNotFoundError, LayerError."""
        entry = self._find(path)
        if entry is None or not (entry.info.isfile() or entry.info.islnk()):
            raise FileNotFoundError(f"there is no file {path} in the image")
        yield from self._pieces(path, entry, MOST_UNPACKED)

    def open(self, path: str) -> IO[bytes]:
        """A copy of the regular file at `path` to read; it goes away when it is closed.

        Raises FileNotFoundError, LayerError.
        """
        file = TemporaryFile()  # noqa: SIM115
        try:
            for piece in self.pieces(path):
                file.write(piece)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def save(self, path: str, to: str) -> None:
        """Write the regular file at `path` into the file `to`. Raises FileNotFoundError."""
        with open(to, "wb") as out:
            for piece in self.pieces(path):
                out.write(piece)

    def unpack(self, directory: str) -> None:
        """Write every file into `directory`, with modes, owners where this user may, and times.

        Device nodes are left out. Raises LayerError for a path that leads out of `directory`.
        """
        first: dict[tuple[int, str], str] = {}
        later: list[tuple[str, tarfile.TarInfo]] = []
        for path in self:
            entry = self._entry(path)
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

    # --- stacking ---

    def _stack(self, number: int) -> None:
        """Put the layer `number` on top: first what it hides, then what it has."""
        members = list(_members(self._archives[number]))
        for info in members:
            directory, name = posixpath.split(_clean(info.name))
            if name == _OPAQUE:
                self._hide(directory, itself=False)
            elif name.startswith(_HIDES):
                self._hide(posixpath.join(directory, name.removeprefix(_HIDES)), itself=True)
        files = self._files[number]
        for info in members:
            path = _clean(info.name)
            if info.isfile():
                files[path] = info
            if path == "/" or posixpath.basename(path).startswith(_HIDES):
                continue
            place = self._make(path)
            if not info.isdir():
                place.below.clear()
            place.entry = LayerFile(info, number)

    def _make(self, path: str) -> _Place:
        place = self._root
        for name in path.split("/")[1:]:
            below = place.below.get(name)
            if below is None:
                self._places += 1
                if self._places > _MOST_PLACES:
                    raise LayerError("the image has too many files")
                below = place.below[name] = _Place()
            place = below
        return place

    def _look(self, path: str) -> _Place | None:
        place: _Place | None = self._root
        for name in path.split("/")[1:] if path != "/" else ():
            if place is None:
                return None
            place = place.below.get(name)
        return place

    def _hide(self, path: str, *, itself: bool) -> None:
        place = self._look(path)
        if place is None:
            return
        place.below.clear()
        if itself:
            place.entry = None

    # --- reading ---

    def _find(self, path: str) -> LayerFile | None:
        place = self._look(path)
        return None if place is None else place.entry

    def _entry(self, path: str) -> LayerFile:
        entry = self._find(path)
        if entry is None:
            raise FileNotFoundError(f"there is no {path} in the image")
        return entry

    def _pieces(self, path: str, entry: LayerFile, most: int) -> Iterator[bytes]:
        info = entry.info
        if info.islnk():
            target = self._files[entry.layer].get(_clean(info.linkname))
            if target is None:
                raise LayerError(f"{path} is a hard link to {info.linkname}, which is not there")
            info = target
        if info.size > most:
            raise LayerError(f"{path} has {info.size} bytes, and {most} are the most to read")
        with _reading(entry.layer):
            yield from _content(self._archives[entry.layer], info)


def find(
    layers: Iterable[tuple[str, Callable[[], IO[bytes]]]], path: str, most: int
) -> bytes | None:
    """The file at `path` of the image that `layers` make, the highest first, without the others.

    `layers` are pairs of a media type and what opens the archive, which is done for no layer below
    the one that decides. The file, and what is hidden, has to be named as itself: nothing follows a
    link. At most 1 MiB of the file is read, and `most` bytes of layers, unpacked. Raises
    LayerError.
    """
    budget = _Budget(most)
    parents = []
    parent = path
    while parent != "/":
        parent = posixpath.dirname(parent)
        parents.append(parent)
    for number, (media_type, open_) in enumerate(layers):
        found: bytes | None = None
        hidden = False
        with _reading(-1 - number), open_() as file:
            stream = _Stream(_unpacked(media_type, file), budget)
            with tarfile.open(fileobj=_opened(stream), mode="r:") as archive:
                for info in _members(archive):
                    name = _clean(info.name)
                    directory, base = posixpath.split(name)
                    if name == path:
                        hidden, found = True, None
                        if info.isfile():
                            if info.size > _PIECE:
                                raise LayerError(f"{path} has {info.size} bytes")
                            found = b"".join(_content(archive, info))
                    elif base == _OPAQUE:
                        hidden |= directory in parents
                    elif base.startswith(_HIDES):
                        gone = posixpath.join(directory, base.removeprefix(_HIDES))
                        hidden |= gone == path or gone in parents
                    vars(archive)["members"] = []  # the archive would keep them all
        if found is not None or hidden:
            return found
    return None


@contextmanager
def _reading(number: int) -> Iterator[None]:
    """Whatever an archive's reader fails with, as a LayerError. Layers below 0 count from above."""
    which = f"layer {number + 1}" if number >= 0 else f"layer {-number} from above"
    try:
        yield
    except LayerError:
        raise
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError, LookupError) as bad:
        raise LayerError(f"{which} is not a tar archive: {bad}") from None
    except OSError as bad:
        raise LayerError(f"{which} cannot be read: {bad}") from None


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    count = 0
    while (info := archive.next()) is not None:
        count += 1
        if count > _MOST_FILES:
            raise LayerError(f"it has more than {_MOST_FILES} files")
        if len(info.name) > _LONGEST_PATH:
            raise LayerError(f"it has a path of {len(info.name)} characters")
        yield info


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    stream = archive.extractfile(info)
    if stream is None:
        return
    with stream:
        while piece := stream.read(_PIECE):
            yield piece


def _unpacked(media_type: str, file: IO[bytes]) -> IO[bytes]:
    """What is in a layer, by its first bytes. Raises LayerError."""
    start = file.read(len(_ZSTD))
    file.seek(0)
    if start.startswith(_GZIP):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb"))
    if start == _ZSTD:
        return cast("IO[bytes]", _Zstd(file))
    if "zstd" in media_type:
        raise LayerError(f"it is not what its type says, {media_type}")
    return file


class _Zstd:
    """What the program zstd makes of a file, for Python's own library has it from 3.14 on only.

    The program takes at most 128 MiB for a window, whatever a frame asks for (zstd(1)).
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Raises LayerError where there is no such program."""
        command = ["zstd", "-d", "-c", "-q"]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
        except FileNotFoundError:
            raise LayerError(
                "it is compressed with zstd: apt-get install zstd, or build with compression=gzip"
            ) from None
        weakref.finalize(self, _end, self._process)
        threading.Thread(target=_feed, args=(file, self._process), daemon=True).start()

    def read(self, size: int) -> bytes:
        """As many bytes, fewer at the end. Raises LayerError for what is damaged."""
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if not data and self._process.wait() != 0:
            raise LayerError("it is not what zstd writes")
        return data


def _feed(file: IO[bytes], process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(OSError, ValueError):  # the program ended, or who reads has closed the file
        while piece := file.read(_PIECE):
            process.stdin.write(piece)
    with suppress(OSError):
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


class _Budget:
    """So many bytes, for all layers of an image."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise LayerError(f"the image has more than {self._most >> 20} MiB, unpacked")


def _to_file(stream: IO[bytes], budget: _Budget) -> IO[bytes]:
    """A file of the disk with what `stream` holds; where that is zeros, it takes no space."""
    out = cast("IO[bytes]", TemporaryFile())  # noqa: SIM115
    try:
        size = 0
        while piece := stream.read(_PIECE):
            size += len(piece)
            budget.take(len(piece))
            if piece == _NOTHING[: len(piece)]:
                out.seek(size)
            else:
                out.write(piece)
        out.truncate(size)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


class _Stream:
    """An archive that is read from its start to its end, and never back."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        self._file = file
        self._budget = budget
        self._at = 0

    def seek(self, offset: int) -> int:
        if offset < self._at:
            raise LayerError("its headers lead back")
        while self._at < offset:
            if not self.read(min(_PIECE, offset - self._at)):
                break
        return self._at

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._budget.take(len(data))
        self._at += len(data)
        return data

    def tell(self) -> int:
        return self._at


class _Archive:
    """What tarfile reads. It seeks before each header, and takes any size for one from the file."""

    def __init__(self, file: IO[bytes] | _Stream) -> None:
        self._file = file
        self._run = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        assert whence == os.SEEK_SET
        self._run = 0
        return self._file.seek(offset)

    def read(self, size: int) -> bytes:
        self._run += size
        if size < 0 or self._run > _MOST_HEADERS:
            raise LayerError("a file of it has headers without end")
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell()


def _opened(file: IO[bytes] | _Stream) -> IO[bytes]:
    return cast("IO[bytes]", _Archive(file))


def _close(files: list[IO[bytes]]) -> None:
    for file in files:
        file.close()


def _clean(name: str) -> str:
    """An archive's name for a file as an absolute path; `..` cannot leave the root."""
    return posixpath.normpath("/" + name.lstrip("/"))


def _real(directory: str, path: str) -> str:
    """Where the parent of `path` is when no symbolic link is on the way."""
    parent = posixpath.dirname(path).lstrip("/")
    return os.path.join(os.path.realpath(directory), parent).rstrip("/")
