"""The lock file beside a bunnyfile: what the file leaves open, as it was on the day of the lock.

    lock = read(SourceFile("bunnyfile.lock", data))
    pinned = lock.pinned(bunnyfile)

`hutch lock` writes it (`written`), and builds honour it: an image is the one of its digest, a git
repository is at its commit, and of packages the files are fetched by their checksums. It is JSON
after a few lines of comment: a lock names hundreds of packages, and is read before each build.
The format is in docs/lock.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from frameworks.diagnostics import Problems, problem
from frameworks.rootfs.packages import file_name
from frameworks.spec import ROOTFS, Bunnyfile, GitSource, Package, PackageList, Text
from frontend.bunnyfile.kind import LOCK_FILE, MOST_LOCKED
from llb import InvalidReference, Platform, Position, Range, Reference, SourceFile, strictjson
from llb.masked import masked
from llb.reference import context_name

_VERSION = 1
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAG = "refs/tags/"
_HEAD = """\
# What {name} leaves open, as `hutch lock` found it; builds take these. Keep this file beside it.
# `hutch lock --update` renews it.
"""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a ref of a git repository was: its whole name ("refs/heads/main"), and the hash."""

    ref: str
    commit: str


@dataclass(frozen=True, slots=True)
class Packages:
    """What packages (`asked`) came to over `base`: images by `pinned_base`, "" for others."""

    asked: tuple[str, ...]
    files: tuple[Package, ...]
    base: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock: digests by the names of images (`name_of`), commits by `git_name`, packages by
    `packages_name`."""

    images: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, Commit] = field(default_factory=dict)
    packages: Mapping[str, Packages] = field(default_factory=dict)

    def digest(self, image: str) -> str:
        """The digest of an image that is named without one; "" where there is none for it."""
        return self.images.get(name_of(image), "") if is_open(image) else ""

    def files(
        self,
        section: str,
        said: PackageList,
        platform: Platform,
        worker: Platform | None,
        base: Sequence[str] | None,
    ) -> tuple[Package, ...] | None:
        """The files of a section's packages, for guests of `platform` on a builder of `worker`.

        None where the lock is of other packages, or of none, or over something else than `base`:
        the names of images, None for what no lock knows. Where nobody has asked the builder
        (`worker` is None), any will do.
        """
        name = packages_name(section, platform, worker)
        over = None if base is None else pinned_base(base, self.images)
        for key in sorted(self.packages):
            found = self.packages[key]
            fits = key == name or (worker is None and without_builder(key) == name)
            fits = fits and (over is None or found.base == over)
            if fits and set(found.asked) == set(said.asked):
                return found.files
        return None

    def pinned(self, file: Bunnyfile) -> Bunnyfile:
        """The file with the commits of its repositories.

        A branch moves, and its commit is fetched instead. A tag is fetched by its name, which is
        quick everywhere, and has to be its commit.
        """
        kernel, app = file.kernel, file.app
        if kernel is not None and isinstance(kernel.source, GitSource):
            kernel = replace(kernel, source=self._pinned(kernel.source))
        if app is not None and app.git is not None:
            app = replace(app, git=self._pinned(app.git))
        return replace(file, kernel=kernel, app=app)

    def _pinned(self, source: GitSource) -> GitSource:
        found = self.git.get(git_name(source)) if is_open_git(source) else None
        if found is None:
            return source
        commit = Text(found.commit, (source.ref or source.url).at)
        return replace(
            source, ref=source.ref if found.ref.startswith(_TAG) else None, commit=commit
        )

    def lacks(self, image: str, contexts: Collection[str]) -> bool:
        """Whether an image is left open: by its name, and by the lock.

        `contexts` are the names of build contexts, which are theirs to say.
        """
        return is_open(image) and context_name(image) not in contexts and not self.digest(image)

    def lacking(
        self, file: Bunnyfile, packages: Mapping[str, PackageList], contexts: Collection[str]
    ) -> Iterator[Text]:
        """The words of a file that stand for something else each day, and that the lock lacks.

        `packages` are those of its plan, with the lock's files; `contexts` are as for `lacks`.
        """
        yield from (image for image in file.images() if self.lacks(image, contexts))
        for source in repositories(file):
            if is_open_git(source) and git_name(source) not in self.git:
                yield source.ref or source.url
        yield from (each.names[0] for each in packages.values() if each.files is None)


def repositories(file: Bunnyfile) -> Iterator[GitSource]:
    """The git repositories that a file names."""
    if file.kernel is not None and isinstance(file.kernel.source, GitSource):
        yield file.kernel.source
    if file.app is not None and file.app.git is not None:
        yield file.app.git


def pinned_base(base: Sequence[str], images: Mapping[str, str]) -> str:
    """What packages are over, as `Packages.base`: images, with the digests that `images` has."""
    names = sorted({name_of(each) for each in base})
    return ",".join(f"{name}@{images[name]}" if name in images else name for name in names)


_ON = " on "


def packages_name(section: str, platform: Platform, worker: Platform | None) -> str:
    """What a lock calls the packages of a section, for guests of `platform`.

    The guest's own are the same on every builder. Those of a toolchain are of the builder's
    processor: without `worker`, the builder's platform, this is what the names for all builders
    begin with.
    """
    if section == ROOTFS:
        return str(platform)
    name = f"{section} for {platform}"
    return name if worker is None else f"{name}{_ON}{worker}"


def without_builder(name: str) -> str:
    """A `packages_name` without its builder."""
    return name.partition(_ON)[0]


def name_of(image: str) -> str:
    """What a lock calls an image: as people write it, with its tag."""
    return Reference.parse(image).tagged().familiar


def is_open(image: str) -> bool:
    """Whether a name is that of an image, and leaves open which."""
    try:
        return not Reference.parse(image).digest
    except InvalidReference:
        return False


def git_name(source: GitSource) -> str:
    """What a lock calls a repository at a ref; a password in the URL is nobody's to read."""
    return f"{masked(source.url)}#{source.ref or 'HEAD'}"


def is_open_git(source: GitSource) -> bool:
    """Whether a repository is named without its commit."""
    return not source.commit and not _COMMIT.fullmatch(source.ref or "")


# --- the file ---

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REF = re.compile(r"HEAD|refs/[!-~]+")
_URL = re.compile(r"https?://[!-~]+")
_WORD = re.compile(r"[!-~]+")
_CONFLICT = re.compile(rb"[<=>|]{7}")


class _Fault(Exception):
    """What is wrong with a value, and the keys that lead to it."""

    def __init__(self, what: str, *path: str | int) -> None:
        super().__init__(what)
        self.what = what
        self.path = path


def read(file: SourceFile) -> Lock:
    """The lock in a file. Raises Problems with the first thing that is wrong, at its line."""
    if len(file.data) > MOST_LOCKED:
        raise _bad(file, f"it has more than {MOST_LOCKED >> 20} MiB", Position(1))
    # Comments stay lines, so that the others keep their numbers.
    head = re.match(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n)*", file.data)
    skipped = head.end() if head else 0
    data = b"\n" * file.data.count(b"\n", 0, skipped) + file.data[skipped:]
    try:
        return _decoded(_object_of(strictjson.loads(data, pairs=True), ()))
    except json.JSONDecodeError as error:
        line = data.split(b"\n")[error.lineno - 1]
        what = "git could not merge it" if _CONFLICT.match(line) else "it is not JSON here"
        raise _bad(file, what, Position(error.lineno, error.colno - 1)) from None
    except ValueError as error:
        raise _bad(file, str(error), Position(1)) from None
    except _Fault as fault:
        at = _place(file, fault.path)
        raise _bad(file, fault.what, at.start, at.end) from None


_OURS = re.compile(rb'`hutch lock`|"version"\s*:\s*\d')
"""What the start of a lock says, also of one that is broken: our comment, or the first key."""
_START = 4096


def is_foreign(data: bytes) -> bool:
    """Whether a file that has a lock's name is another tool's; one without content is nobody's."""
    return bool(data.strip()) and not _OURS.search(data[:_START])


def missing(file: SourceFile, *, foreign: bool = False) -> Problems:
    """The error where a build has to have a lock file, and its build file has none beside it.

    `foreign` says that what is there is another tool's.
    """
    name = f"{file.filename}{LOCK_FILE}"
    what = f"{name} is not hutch's" if foreign else "there is none"
    hint = ELSEWHERE if foreign else "write it with 'hutch lock'"
    return problem(
        "not-locked",
        f"HUTCH_LOCK=strict asks for {'a lock file' if foreign else name}, and {what}",
        hint=hint,
        at=Range(Position(1), Position(1)),
        file=file,
    )


ELSEWHERE = "give hutch a build file of another name: the lock file of NAME is NAME.lock"
"""What to do where another tool has the lock's name."""


def _bad(file: SourceFile, what: str, start: Position, end: Position | None = None) -> Problems:
    return problem(
        "bad-lock",
        f"the lock file cannot be used: {what}",
        hint="'hutch lock --update' writes it anew",
        at=Range(start, end or start),
        file=file,
    )


def _place(file: SourceFile, path: tuple[str | int, ...]) -> Range:
    """Where a value is: JSON is YAML, whose reader knows."""
    from frontend.bunnyfile import nodes
    from frontend.bunnyfile.yaml import parse

    try:
        node: nodes.Node = parse(file)
    except Problems as problems:  # the one thing that JSON has and YAML has not
        twice = (found.at for found in problems.diagnostics if found.code == "duplicate-key")
        return next(filter(None, twice), Range(Position(1), Position(1)))
    for step in path:
        found: nodes.Node | None = None
        if isinstance(node, nodes.Mapping):
            found = node.find(str(step))
        elif isinstance(node, nodes.Sequence) and isinstance(step, int):
            found = node.items[step] if step < len(node.items) else None
        if found is None:
            break
        node = found
    return node.at


def _object_of(value: Any, at: tuple[str | int, ...]) -> Any:
    """A value with its objects as mappings. Raises _Fault for a key that is there twice.

    Git leaves two after a merge of sides that each have the key, and JSON lets either count.
    """
    if isinstance(value, strictjson.Pairs):
        found: dict[str, Any] = {}
        for key, each in value:
            if key in found:
                raise _Fault(f"there is a second {key!r} in it", *at, key)
            found[key] = _object_of(each, (*at, key))
        return found
    if isinstance(value, list):
        return [_object_of(each, (*at, number)) for number, each in enumerate(value)]
    return value


def _decoded(value: Any) -> Lock:
    """A lock of JSON values. Raises _Fault."""
    whole = _object(value, (), "version", "images", "git", "packages")
    if whole.get("version") != _VERSION:
        raise _Fault(f"this hutch reads version {_VERSION} of its format", "version")
    images, git = whole.get("images", {}), whole.get("git", {})
    packages = whole.get("packages", {})
    for key, section in (("images", images), ("git", git), ("packages", packages)):
        _object(section, (key,))
    return Lock(
        {name: _word(each, _DIGEST, ("images", name)) for name, each in images.items()},
        {name: _commit(each, ("git", name)) for name, each in git.items()},
        {name: _packages(each, ("packages", name)) for name, each in packages.items()},
    )


def _commit(value: Any, at: tuple[str | int, ...]) -> Commit:
    entry = _object(value, at, "ref", "commit")
    return Commit(
        _word(entry.get("ref"), _REF, (*at, "ref")),
        _word(entry.get("commit"), _COMMIT, (*at, "commit")),
    )


def _packages(value: Any, at: tuple[str | int, ...]) -> Packages:
    entry = _object(value, at, "asked", "base", "files")
    asked, files = (_list(entry.get(key), (*at, key)) for key in ("asked", "files"))
    base = entry.get("base", "")
    found = tuple(package(each, (*at, "files", n)) for n, each in enumerate(files))
    names: dict[str, str] = {}
    for n, each in enumerate(found):
        name = file_name(each.url)
        if name in names:
            raise _Fault(f"{names[name]} has a file {name}, too", *at, "files", n, "url")
        names[name] = each.name
    return Packages(
        tuple(_word(each, _WORD, (*at, "asked", n)) for n, each in enumerate(asked)),
        found,
        _word(base, _WORD, (*at, "base")) if base else "",
    )


def package(value: Any, at: tuple[str | int, ...] = ()) -> Package:
    """A package of JSON values, as a lock has it and `frameworks.rootfs.packages.LIST`."""
    keys = {"name": _WORD, "version": _WORD, "url": _URL, "sha256": _SHA256}
    entry = _object(value, at, *keys)
    return Package(*(_word(entry.get(key), form, (*at, key)) for key, form in keys.items()))


def packages_of(data: bytes) -> tuple[Package, ...]:
    """The packages that a build has listed (`frameworks.rootfs.packages.LIST`). Raises ValueError.

    They are in the order of their names.
    """
    try:
        found = [package(each, (n,)) for n, each in enumerate(_list(strictjson.loads(data), ()))]
    except _Fault as fault:
        raise ValueError(f"{'.'.join(map(str, fault.path))}: {fault.what}") from None
    return tuple(sorted(found, key=lambda each: (each.name, each.url)))


def _object(value: Any, at: tuple[str | int, ...], *keys: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Fault("a mapping is missing here", *at)
    for key in value if keys else ():
        if key not in keys:
            raise _Fault(f"there is no key {key!r} here", *at, key)
    return value


def _list(value: Any, at: tuple[str | int, ...]) -> list[Any]:
    if not isinstance(value, list):
        raise _Fault("a list is missing here", *at)
    return value


def _word(value: Any, form: re.Pattern[str], at: tuple[str | int, ...]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        what = _FORMS[form]
        raise _Fault(f"{what} is missing here", *at)
    return value


_FORMS = {
    _DIGEST: "the digest of an image",
    _COMMIT: "the full hash of a commit",
    _REF: "the whole name of a ref",
    _SHA256: "the SHA-256 of a file",
    _URL: "the URL of a file",
    _WORD: "a word",
}


def written(lock: Lock, name: str) -> str:
    """The text of a lock for the build file called `name`: the same lock is the same text.

    Each entry is a line, so that a change of one is a change of one line.
    """
    sections: dict[str, list[str]] = {}
    if lock.images:
        sections["images"] = _lines(lock.images)
    if lock.git:
        sections["git"] = _lines(
            {key: {"ref": each.ref, "commit": each.commit} for key, each in lock.git.items()}
        )
    if lock.packages:
        sections["packages"] = [
            f"{_json(key)}: {_section(lock.packages[key])}" for key in sorted(lock.packages)
        ]
    lines = [f'"version": {_VERSION}']
    for key, entries in sections.items():
        inner = ",\n    ".join(entries)
        lines.append(f"{_json(key)}: {{\n    {inner}\n  }}")
    return _HEAD.format(name=name) + "{\n  " + ",\n  ".join(lines) + "\n}\n"


def _lines(entries: Mapping[str, object]) -> list[str]:
    return [f"{_json(key)}: {_json(entries[key])}" for key in sorted(entries)]


def _section(packages: Packages) -> str:
    lines = [f'"asked": {_json(list(packages.asked))}']
    if packages.base:
        lines.append(f'"base": {_json(packages.base)}')
    files = [
        _json({"name": each.name, "version": each.version, "url": each.url, "sha256": each.sha256})
        for each in sorted(packages.files, key=lambda each: (each.name, each.url))
    ]
    inner = ",\n        ".join(files)
    lines.append(f'"files": [\n        {inner}\n      ]' if files else '"files": []')
    return "{\n      " + ",\n      ".join(lines) + "\n    }"


def _json(value: object) -> str:
    return json.dumps(value)
