"""File actions: copy, mkfile, mkdir, rm, symlink, and the FileOp that does several in a row.

`State.file(copy(...), mkfile(...))` is one op, one snapshot and one line of progress however many
actions it has. Each action works on the result of the one before; only the last is kept
(client/llb/fileop.go; solver/llbsolver/ops/file.go).

Three zeros mean something on the wire, so "unset" is None here and -1 there: a copy's mode, every
action's timestamp and the input numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llb import paths
from llb.caps import Cap
from llb.vertex import Output, Vertex

if TYPE_CHECKING:
    from llb.state import State


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns what an action makes: ids, or names that the base's /etc/passwd and group know."""

    user: int | str | None = None
    group: int | str | None = None

    def __post_init__(self) -> None:
        for who in (self.user, self.group):
            if isinstance(who, int) and not 0 <= who < 1 << 32:
                raise ValueError(f"{who} is not the id of a user or a group")

    @classmethod
    def parse(cls, text: str) -> "Owner":
        """Read `user`, `user:group` or `:group`; digits are ids and `root` is 0."""
        user, _, group = text.partition(":")
        return cls(user=_id_or_name(user), group=_id_or_name(group))

    @property
    def has_names(self) -> bool:
        """Say whether a name must be looked up in the base."""
        return isinstance(self.user, str) or isinstance(self.group, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """See `copy`."""

    source: "State"
    src: str
    dst: str
    owner: Owner | None = None
    mode: int | str | None = None
    timestamp: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    follow_symlink: bool = False
    contents_only: bool = False
    create_dest_path: bool = True
    wildcard: bool = False
    allow_empty_wildcard: bool = False
    unpack: bool = False
    always_replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mkfile:
    """See `mkfile`."""

    path: str
    data: bytes
    mode: int = 0o644
    owner: Owner | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mkdir:
    """See `mkdir`."""

    path: str
    mode: int = 0o755
    parents: bool = True
    owner: Owner | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rm:
    """See `rm`."""

    path: str
    allow_not_found: bool = False
    wildcard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Symlink:
    """See `symlink`."""

    target: str
    path: str
    owner: Owner | None = None
    timestamp: int | None = None


FileAction = Copy | Mkfile | Mkdir | Rm | Symlink


def copy(
    source: "State",
    src: str,
    dst: str,
    *,
    owner: Owner | str | None = None,
    mode: int | str | None = None,
    timestamp: int | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    required: Iterable[str] = (),
    follow_symlink: bool = False,
    contents_only: bool = False,
    create_dest_path: bool = True,
    wildcard: bool = False,
    allow_empty_wildcard: bool = False,
    unpack: bool = False,
    always_replace: bool = False,
) -> Copy:
    """Copy `src` of `source` to `dst`.

    Relative paths start at the working directory of `source` and of the base. A `dst` that ends in
    `/` is a directory to copy into.

    owner: who owns the copies; None keeps the owner of the originals.
    mode: permission bits (0 to 0o7777), octal digits, or chmod's letters such as `u=rwX,go=rX`
        (BuildKit 0.17); None keeps the originals'.
    timestamp: seconds since the epoch; None keeps the originals'.
    include, exclude: .dockerignore-like patterns of what to copy (BuildKit 0.9).
    required: paths that `include` must have found (BuildKit 0.26).
    follow_symlink: copy what a link `src` leads to, not the link.
    contents_only: copy what is in the directory `src`, not the directory.
    create_dest_path: make missing directories above `dst`.
    wildcard: `*`, `?` and `[...]` in `src` are patterns, of which at least one path must match
        unless `allow_empty_wildcard`.
    unpack: unpack `src` into `dst` if it is an archive, as Dockerfile's ADD does.
    always_replace: replace what is at `dst` even by another kind of file (BuildKit 0.14).

    Raises ValueError for a mode that is none, or for `required` without `include`.
    """
    if required and not include:
        raise ValueError("required paths are only looked at together with include patterns")
    if allow_empty_wildcard and not wildcard:
        raise ValueError("allow_empty_wildcard means nothing without wildcard")
    return Copy(
        source=source,
        src=paths.resolve(source.cwd, src),
        dst=dst,
        owner=_owner(owner),
        mode=_copy_mode(mode),
        timestamp=timestamp,
        include=_patterns(include),
        exclude=_patterns(exclude),
        required=_patterns(required),
        follow_symlink=follow_symlink,
        contents_only=contents_only,
        create_dest_path=create_dest_path,
        wildcard=wildcard,
        allow_empty_wildcard=allow_empty_wildcard,
        unpack=unpack,
        always_replace=always_replace,
    )


def mkfile(
    path: str,
    data: bytes | str,
    *,
    mode: int = 0o644,
    owner: Owner | str | None = None,
    timestamp: int | None = None,
) -> Mkfile:
    """Write a file, text as UTF-8, into a directory that is there. Root owns it by default.

    The daemon's umask is taken from `mode`: Docker Engine's is 022, so there 0o666 gives 0644,
    while buildkitd's is 0. Keep to modes without these bits, or use `copy`, whose mode is exact.
    """
    return Mkfile(
        path=path,
        data=data.encode() if isinstance(data, str) else bytes(data),
        mode=_mode(mode, 0o777),
        owner=_owner(owner),
        timestamp=timestamp,
    )


def mkdir(
    path: str,
    *,
    mode: int = 0o755,
    parents: bool = True,
    owner: Owner | str | None = None,
    timestamp: int | None = None,
) -> Mkdir:
    """Make a directory and, with `parents`, the missing ones above it, of the same mode and owner.

    One that is there is left as it is. For `mode` and the daemon's umask see `mkfile`.
    """
    return Mkdir(
        path=path,
        mode=_mode(mode, 0o777),
        parents=parents,
        owner=_owner(owner),
        timestamp=timestamp,
    )


def rm(path: str, *, allow_not_found: bool = False, wildcard: bool = False) -> Rm:
    """Remove a file or a whole directory; with `wildcard`, everything that the pattern matches."""
    return Rm(path=path, allow_not_found=allow_not_found, wildcard=wildcard)


def symlink(
    target: str,
    path: str,
    *,
    owner: Owner | str | None = None,
    timestamp: int | None = None,
) -> Symlink:
    """Make a symbolic link at `path` that says `target`, which is not looked at (BuildKit 0.19)."""
    if not target:
        raise ValueError(f"the symbolic link {path!r} needs a target")
    return Symlink(target=target, path=path, owner=_owner(owner), timestamp=timestamp)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class FileOp(Vertex):
    """File actions one after the other on `base` (None: an empty filesystem)."""

    base: Output | None
    cwd: str
    actions: tuple[FileAction, ...]

    @property
    def inputs(self) -> tuple[Output, ...]:
        # Go's client looks at the base and then at the sources from the last action to the first.
        edges: dict[Output, None] = {}
        if self.base is not None:
            edges[self.base] = None
        for action in reversed(self.actions):
            if isinstance(action, Copy) and action.source.output is not None:
                edges[action.source.output] = None
        return tuple(edges)

    def capabilities(self) -> Iterator[str]:
        yield Cap.FILE_BASE
        for action in self.actions:
            match action:
                case Copy():
                    yield from _copy_capabilities(action)
                case Rm(wildcard=True):
                    yield Cap.FILE_RM_WILDCARD
                case Symlink():
                    yield Cap.FILE_SYMLINK

    def implied_capabilities(self) -> Iterator[str]:
        """Yield capabilities that stand for features which have none of their own.

        A copy's textual mode came in BuildKit 0.17. Its own id, `file.copy.modestring`, is declared
        but never registered (solver/pb/caps.go), so no daemon reports it and every daemon refuses
        it. The exit codes of that same release are looked for instead; they must not be sent.
        """
        if any(isinstance(a, Copy) and isinstance(a.mode, str) for a in self.actions):
            yield Cap.EXEC_VALID_EXIT_CODE

    def describe(self) -> str:
        return ", ".join(type(action).__name__.lower() for action in self.actions)


def check_owners(base: Output | None, actions: Iterable[FileAction]) -> None:
    """Raise ValueError if an owner is named but there is no base to look the name up in."""
    if base is not None:
        return
    for action in actions:
        if not isinstance(action, Rm) and action.owner is not None and action.owner.has_names:
            raise ValueError("an empty filesystem knows no user names; give the owner as numbers")


def _copy_capabilities(action: Copy) -> Iterator[str]:
    # Go's client means to add these but looks at an empty list (client/llb/fileop.go, Marshal).
    if action.include or action.exclude:
        yield Cap.FILE_COPY_INCLUDE_EXCLUDE
    if action.required:
        yield Cap.FILE_COPY_REQUIRED_PATHS
    if action.always_replace:
        yield Cap.FILE_COPY_ALWAYS_REPLACE


def _owner(owner: Owner | str | None) -> Owner | None:
    return Owner.parse(owner) if isinstance(owner, str) else owner


def _id_or_name(text: str) -> int | str | None:
    if not text:
        return None
    if text == "root":
        return 0
    return int(text) if text.isascii() and text.isdigit() else text


def _copy_mode(mode: int | str | None) -> int | str | None:
    if not isinstance(mode, str):
        return None if mode is None else _mode(mode, 0o7777)
    if not mode:
        raise ValueError("an empty string is no mode; use None to keep the modes")
    if set(mode) <= set("01234567"):
        return _mode(int(mode, 8), 0o7777)
    return mode


def _mode(mode: int, highest: int) -> int:
    if not 0 <= mode <= highest:
        raise ValueError(f"{mode:#o} is not a mode between 0 and {highest:#o}")
    return mode


def _patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    if isinstance(patterns, str):
        raise TypeError(f"patterns are a list of strings, not the string {patterns!r}")
    return tuple(patterns)
