"""The sections of a bunnyfile as plain, frozen values.

The bunnyfile's model is made of these, and so is a `Plan`, where every default is filled in. A
scalar of the file is a `Text`: a `str` that remembers where it stands, so an error far down in a
recipe still points at the user's line. Names and meaning: docs/bunnyfile.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from frameworks.rootfs.filesystems import TABLE
from llb import Position, Range

_NOWHERE = Range(Position(1), Position(1))


class Text(str):
    """A scalar of the file with the range it was read from (`at`); otherwise a plain `str`."""

    __slots__ = ("at",)
    at: Range

    def __new__(cls, value: str, at: Range = _NOWHERE) -> Text:
        text = super().__new__(cls, value)
        text.at = at
        return text


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of `kernel.options` or `app.options`: a name and its value."""

    name: Text
    value: bool | int | str


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The distribution's source package (`package: linux-source-6.12`)."""

    package: Text


@dataclass(frozen=True, slots=True)
class GitSource:
    """A git repository; `ref` a branch or tag, `commit` the full hash it must resolve to.

    `subdir` is the directory of it that is meant, "" for all of it.
    """

    url: Text
    ref: Text | None = None
    commit: Text | None = None
    subdir: str = ""


@dataclass(frozen=True, slots=True)
class UrlSource:
    """An archive by URL, with the hex SHA-256 of its bytes."""

    url: Text
    sha256: Text


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A directory or archive of the build context, or the name of a named build context."""

    path: Text


Source = PackageSource | GitSource | UrlSource | LocalSource


def naming(source: Source) -> Text:
    """The word of the file that says where a source is."""
    match source:
        case LocalSource(path):
            return path
        case UrlSource(url) | GitSource(url):
            return url
    return source.package


@dataclass(frozen=True, slots=True)
class Platforms:
    """`platforms`: what boots the image."""

    framework: Text
    monitor: Text
    version: Text | None = None
    architecture: Text | None = None


@dataclass(frozen=True, slots=True)
class Toolchain:
    """`toolchain`: the image where building happens, and packages added to it."""

    from_: Text | None = None
    packages: tuple[Text, ...] = ()


def is_url(from_: str) -> bool:
    """Whether a `from` is something to download, by its checksum."""
    return from_.lower().startswith(("http://", "https://"))


def url_file(url: Text) -> Text:
    """The name of the file that a URL is: its last part, at the URL's place."""
    name = url.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]
    return Text("/" + (name if name.strip(".") else "file"), url.at)


@dataclass(frozen=True, slots=True)
class Kernel:
    """`kernel`: a file (`local`, in an image, by URL), or what to build (`from: source`).

    A URL without a `path` of the user's is the file itself, and `path` is `url_file`'s.
    """

    at: Range
    from_: Text
    path: Text | None = None
    sha256: Text | None = None
    source: Source | None = None
    config: Text | None = None
    fragments: tuple[Text, ...] = ()
    options: tuple[Option, ...] = ()
    patches: tuple[Text, ...] = ()
    cmdline: Text | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """`app.artifacts`: a file the application's build left, and where it goes in the rootfs."""

    source: Text
    destination: Text


@dataclass(frozen=True, slots=True)
class Secret:
    """`app.secrets`: a build secret, as a file at `target` or as the variable `env`."""

    id: Text
    target: Text | None = None
    env: Text | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """An entry of `app.sysroot`: an image or a build context, or the URL of an archive.

    The bytes of an archive have `sha256`.
    """

    from_: Text
    sha256: Text | None = None


@dataclass(frozen=True, slots=True)
class App:
    """`app`: what is built from source. `fetch` and `build` are scripts: all that is code here.

    `git` is the repository that `from_` is the URL of; `ssh` are ids of agents; `libraries` are
    names of the framework's own, for an application that is linked into the kernel. `sysroot` is
    empty where the file does not say; `source` and `none` stand in it alone.
    """

    at: Range
    from_: Text
    git: GitSource | None = None
    path: Text | None = None
    packages: tuple[Text, ...] = ()
    secrets: tuple[Secret, ...] = ()
    ssh: tuple[Text, ...] = ()
    fetch: Text | None = None
    build: Text | None = None
    artifacts: tuple[Artifact, ...] = ()
    options: tuple[Option, ...] = ()
    libraries: tuple[Text, ...] = ()
    sysroot: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Include:
    """`rootfs.include`: files of the context (`from_` "local"), an image or a build context.

    Where `from_` is a URL, they are files of the archive there, whose bytes have `sha256`.
    """

    at: Range
    from_: Text
    source: Text
    destination: Text
    owner: Text | None = None
    mode: Text | None = None
    sha256: Text | None = None
    follow: bool = True
    """Whether a source that is a symbolic link means what it leads to, and not the link."""

    @property
    def is_archive(self) -> bool:
        """Whether the files come out of an archive that is fetched."""
        return is_url(self.from_)


@dataclass(frozen=True, slots=True)
class Rootfs:
    """`rootfs`: the guest's root filesystem. `type` None means the default of the framework.

    `path` and a URL are as for a kernel; `packages` are names as the base's package manager has
    them.
    """

    at: Range
    from_: Text
    sha256: Text | None = None
    dockerfile: Text | None = None
    target: Text | None = None
    args: tuple[tuple[Text, Text], ...] = ()
    path: Text | None = None
    type: Text | None = None
    filesystem: Text | None = None
    size: Text | None = None
    mount: Text | None = None
    include: tuple[Include, ...] = ()
    packages: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """One file of a package that a lock names: `sha256` is that of its bytes, in hexadecimal."""

    name: str
    version: str
    url: str
    sha256: str


ROOTFS, TOOLCHAIN, APP = "rootfs", "toolchain", "app"
"""The sections of a file that name packages."""


@dataclass(frozen=True, slots=True)
class PackageList:
    """The packages that a section names, and what they come to.

    `over` are those that are installed below them: an application's over its toolchain's. `files`
    are what a lock file has of them, None where it does not say.
    """

    names: tuple[Text, ...]
    over: tuple[Text, ...] = ()
    files: tuple[Package, ...] | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """All of the names, by which a lock knows the list again."""
        return tuple(map(str, (*self.over, *self.names)))


@dataclass(frozen=True, slots=True)
class Settings:
    """What goes into the image's config: the process, its surroundings, and labels.

    `cmd` and `entrypoint` are None where the file does not say, so that a base image's own apply.
    """

    cmd: tuple[Text, ...] | None = None
    entrypoint: tuple[Text, ...] | None = None
    envs: tuple[tuple[Text, Text], ...] = ()
    user: Text | None = None
    workdir: Text | None = None
    ports: tuple[Text, ...] = ()
    volumes: tuple[Text, ...] = ()
    labels: tuple[tuple[Text, Text], ...] = ()
    annotations: tuple[tuple[Text, Text], ...] = ()

    def runtime_keys(self, prefix: str) -> dict[Text, Text]:
        """The annotations whose names start with `prefix`, by the rest of their names."""
        return {
            Text(name.removeprefix(prefix), name.at): value
            for name, value in self.annotations
            if name.startswith(prefix)
        }


@dataclass(frozen=True, slots=True)
class Bunnyfile:
    """A whole file, either version, checked against its schema but not against a framework."""

    version: Text
    platforms: Platforms
    kernel: Kernel | None = None
    toolchain: Toolchain = field(default_factory=Toolchain)
    app: App | None = None
    rootfs: Rootfs | None = None
    init: Text | None = None
    settings: Settings = field(default_factory=Settings)
    args: tuple[tuple[Text, Text | None], ...] = ()

    def images(self) -> Iterator[Text]:
        """Every name of an image, or of a build context in the place of one."""
        if self.toolchain.from_ is not None and self.toolchain.from_ != "source":
            yield self.toolchain.from_
        kernel = self.kernel
        built = ("local", "source")
        if kernel is not None and kernel.from_ not in built and not is_url(kernel.from_):
            yield kernel.from_
        if self.app is not None and self.app.from_ != "local" and self.app.git is None:
            yield self.app.from_
        if self.app is not None:
            for origin in self.app.sysroot:
                if origin.from_ not in ("source", "none") and not is_url(origin.from_):
                    yield origin.from_
        if self.rootfs is not None:
            from_ = self.rootfs.from_
            if from_ not in ("scratch", "local", "dockerfile") and not is_url(from_):
                yield from_
            for include in self.rootfs.include:
                if include.from_ != "local" and not include.is_archive:
                    yield include.from_


_LARGEST = max(each.largest for each in TABLE.values())
_LONGEST = 15
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_size(text: str) -> int:
    """A size such as `64M` in bytes; K, M and G are powers of 1024.

    Raises ValueError where it is not one, or is nothing.
    """
    number = text.rstrip("KMGkmg")
    unit = text[len(number) :].upper()
    if not (number.isascii() and number.isdigit() and unit in _UNITS) or not number.strip("0"):
        raise ValueError(f"'{text}' is not a size")
    if len(number) > _LONGEST or (size := int(number) * _UNITS[unit]) > _LARGEST:
        raise ValueError(f"'{text}' is more than a file system can have")
    return size
