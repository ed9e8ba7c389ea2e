"""Where the build file and the sources come from: the client's directories, git, http, or a graph.

    contexts = Contexts(client, options, environment)
    file = contexts.build_file()
    state = contexts.main(follow=["src", "kernel.config"])

Named contexts are `frontend.dockerui.named`'s.
The names, the hints and the fallbacks are those of BuildKit's own Dockerfile frontend, so that a
bunnyfile is found, and its context is sent, as a Dockerfile's would be.
Source: docs/contract/buildkit.md 4.2 (frontend/dockerui/context.go, config.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from posixpath import basename, dirname, join
from typing import TYPE_CHECKING

from frameworks.diagnostics import Problems, problem
from frameworks.git import bad_url
from frontend.bunnyfile.kind import LOCK_FILE, MOST_LOCKED
from frontend.dockerui import ignorefile
from frontend.dockerui.options import Environment, Options
from frontend.gateway.errors import GatewayError, NotAFile
from llb import (
    Cap,
    Definition,
    Differ,
    Meta,
    MTime,
    Range,
    SourceFile,
    State,
    git,
    giturl,
    http,
    local,
    scratch,
)
from llb.paths import clean
from llb.reference import context_names

if TYPE_CHECKING:
    from frontend.bunnyfile.lock import Lock
    from frontend.gateway.client import Client, Ref

CONTEXT = "context"
IGNORE_FILE = ".dockerignore"
HTTP_FILE = "context"
MOST_BYTES = 1 << 20
"""How long a build file may be. It travels with every graph and every error."""

_DEFAULT_FILENAME = "Dockerfile"
_ARCHIVES = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00")
_TAR_HEADER = 512
_OF_CONTEXT = (CONTEXT, f"{CONTEXT}-{IGNORE_FILE}", f"[internal] load {IGNORE_FILE}")
_LOCAL = re.compile(rb"local|include|dockerfile|^ *(?:COPY|ADD) ", re.MULTILINE | re.IGNORECASE)
"""Words of a build file that, most likely, reads the build context."""


@dataclass(frozen=True, slots=True)
class BuildFile:
    """The build file: its bytes, the digest that warnings about it must carry, and its lock file.

    `lock` is None where there is none beside it.
    """

    file: SourceFile
    digest: str
    lock: SourceFile | None = None


@dataclass(frozen=True, slots=True)
class _Main:
    """Where the main context is. `state` is None for the client's own directory; `build_file` is
    where the build file is, if not in the client's directory of build files."""

    state: State | None = None
    build_file: State | None = None
    filename: str = ""


@dataclass(slots=True)
class _Found:
    """What was read once."""

    main: _Main | None = None
    build_file: BuildFile | None = None
    ignored: tuple[str, ...] | None = None
    beside: bytes | None = field(default=None, repr=False)
    lock: Lock | None = None
    foreign_lock: str = ""
    is_locked: bool = False


class Contexts:
    """The contexts of one build; each is looked up once."""

    def __init__(self, client: Client, options: Options, environment: Environment) -> None:
        self.client = client
        self.options = options
        self.environment = environment
        self._found = _Found()

    # --- the build file ---

    def begin(self) -> None:
        """Ask the client for the build file, without waiting; whoever reads it gets the errors."""
        if self.options.context:
            return  # of a remote context the daemon has to be asked first what it is
        with suppress(GatewayError):
            self.client.begin_solve(self.marshal(self._build_file_state()), evaluate=True)

    def build_file(self) -> BuildFile:
        """Read the build file, which need not be in the context.

        Raises `Problems` if there is none under that name, `GatewayError` if it cannot be read.
        """
        if self._found.build_file is None:
            self._found.build_file = self._read_build_file()
        return self._found.build_file

    def lock(self) -> Lock | None:
        """What the lock file beside the build file pins; None without it, or with `HUTCH_LOCK=off`.

        It is known once the build file is read. Another tool's file of that name is none, and in
        `foreign_lock`. Raises `Problems` for one that cannot be used, and where
        `HUTCH_LOCK=strict` wants one.
        """
        found = self._found
        if found.build_file is not None and not found.is_locked:
            found.lock = self._read_lock(found.build_file.file, found.build_file.lock)
            found.is_locked = True
        return found.lock

    @property
    def foreign_lock(self) -> str:
        """The name of a file that has the lock's, and is another tool's; "" for none."""
        self.lock()
        return self._found.foreign_lock

    def check_locked(self, image: str, at: Range | None = None) -> None:
        """Raise `Problems` where the lock file has to pin an image of the build's, and does not.

        Those that a bunnyfile names are judged with it; others are the toolchain's. `at` is where
        a Dockerfile that is the build file names it.
        """
        if self.options.lock != "strict" or (found := self.lock()) is None:
            return
        if found.lacks(image, context_names(self.options.named_contexts)):
            hint = "add it with 'hutch lock'"
            raise problem("not-locked", f"'{image}' is not in the lock file", hint=hint, at=at)

    def _read_lock(self, build_file: SourceFile, file: SourceFile | None) -> Lock | None:
        mode = self.options.lock
        if mode == "off":
            return None
        if file is None and mode != "strict":
            return None
        from frontend.bunnyfile import lock

        if file is None:
            raise lock.missing(build_file)
        if lock.is_foreign(file.data):
            if mode == "strict":
                raise lock.missing(build_file, foreign=True)
            self._found.foreign_lock = file.filename
            return None
        return lock.read(file)

    def _names(self) -> list[str]:
        """What the build file may be called, the likeliest first."""
        name = self._main().filename
        if basename(name) == _DEFAULT_FILENAME:
            return [name, join(dirname(name), _DEFAULT_FILENAME.lower())]
        return [name]

    def _build_file_state(self) -> State:
        main = self._main()
        state = None if self.options.force_local_build_file else main.build_file
        if state is not None:
            return state
        where, (name, *others) = self.options.build_file_local, self._names()
        return local(
            where,
            session=self.session(where),
            follow=[name, name + IGNORE_FILE, name + LOCK_FILE, *others],
            shared_key_hint=where,
            differ=Differ.NONE,
            meta=Meta(name=f"[internal] load build definition from {name}"),
        )

    def _read_build_file(self) -> BuildFile:
        name, *_ = names = self._names()
        definition = self.marshal(self._build_file_state())
        try:
            ref = self.client.solve(definition).ref
            beside_it = (name + IGNORE_FILE, name + LOCK_FILE)
            self.client.ahead([(ref, each) for each in (name, *beside_it)])
            data = self._first_of(ref, names)
            beside = self._read_if_there(ref, name + IGNORE_FILE)
            locked = self._read_if_there(ref, name + LOCK_FILE, MOST_LOCKED + 1)
        except GatewayError as error:
            raise error.during(f"cannot read the build file {name}") from error
        if data is None:
            raise problem(
                "no-build-file",
                f"there is no build file {name!r}",
                hint="name it with -f, for example: docker build -f bunnyfile .",
            )
        self._found.beside = beside
        if not beside and self._main().state is None and _LOCAL.search(data):
            with suppress(GatewayError):
                self.client.begin_solve(self._ignore_file(*_OF_CONTEXT), evaluate=True)
        lock = None if locked is None else SourceFile(name + LOCK_FILE, locked, "json")
        return BuildFile(SourceFile(name, data, "yaml"), definition.head, lock)

    def _first_of(self, ref: Ref, names: Iterable[str]) -> bytes | None:
        for name in names:
            data = self._read_if_there(ref, name, MOST_BYTES + 1)
            if data is not None and len(data) > MOST_BYTES:
                raise problem(
                    "file-too-large",
                    f"the build file {name!r} has more than {MOST_BYTES >> 20} MiB",
                    hint="is this the right file? -f names it",
                    file=SourceFile(name, b""),
                )
            if data is not None:
                return data
        return None

    def _read_if_there(self, ref: Ref, path: str, length: int | None = None) -> bytes | None:
        try:
            return self.client.read_file(ref, path, length=length)
        except NotAFile as found:
            raise problem(
                "not-a-file",
                f"'{path}' is {found.kind}, and only a file can be read",
                file=SourceFile(path, b""),
            ) from found
        except GatewayError as error:
            if error.is_missing_file:
                return None
            raise

    # --- the main context ---

    def main(self, follow: Iterable[str] = ()) -> State:
        """The main build context.

        Of the client's directory only `follow` (paths or wildcards, links in them resolved) is
        sent, or everything if it is empty or names the root; `.dockerignore` applies either way.
        """
        main = self._main()
        if main.state is not None:
            return main.state
        return local(
            CONTEXT,
            session=self.session(CONTEXT),
            exclude=self.ignored(),
            follow=followed(follow),
            shared_key_hint=CONTEXT,
            meta=Meta(name="[internal] load build context"),
        )

    def build_file_of(self, path: str) -> tuple[bytes | None, bytes]:
        """Another build file, `path` in the main context, and the ignore file beside it.

        Like the first one it is found whatever `.dockerignore` says. None, b"" for no such file.
        """
        beside = path + IGNORE_FILE
        state = self._main().state
        if state is None:
            state = local(
                CONTEXT,
                session=self.session(CONTEXT),
                follow=[path, beside],
                shared_key_hint=f"{CONTEXT}-{path}",
                differ=Differ.NONE,
                meta=Meta(name=f"[internal] load build definition from {path}"),
            )
        try:
            ref = self.client.solve(self.marshal(state)).ref
            return self._read_if_there(ref, path), self._read_if_there(ref, beside) or b""
        except GatewayError as error:
            raise error.during(f"cannot read {path}") from error

    @property
    def is_local(self) -> bool:
        """Whether the main context is the client's own directory."""
        return self._main().state is None

    def ignored(self) -> tuple[str, ...]:
        """The patterns of the context's ignore file; none if the context is not a directory.

        `FILE.dockerignore` beside the build file is used instead of `.dockerignore`.
        """
        if self._main().state is not None:
            return ()
        if self._found.ignored is None:
            self.build_file()
            name, data = f"{self._main().filename}{IGNORE_FILE}", self._found.beside
            if not data:
                name, data = IGNORE_FILE, self.read_ignore_file(*_OF_CONTEXT)
            self._found.ignored = ignorefile.read(data, name)
        return self._found.ignored

    def read_ignore_file(self, name: str, hint: str, title: str) -> bytes:
        """The `.dockerignore` of one of the client's directories, b"" if it has none."""
        try:
            ref = self.client.solve(self._ignore_file(name, hint, title)).ref
            return self._read_if_there(ref, IGNORE_FILE) or b""
        except GatewayError as error:
            raise error.during(f"cannot read {IGNORE_FILE}") from error

    def _ignore_file(self, name: str, hint: str, title: str) -> Definition:
        return self.marshal(
            local(
                name,
                session=self.session(name),
                follow=[IGNORE_FILE],
                shared_key_hint=hint,
                differ=Differ.NONE,
                meta=Meta(name=title),
            )
        )

    def _main(self) -> _Main:
        if self._found.main is None:
            self._found.main = self._scoped(self._find_main())
        return self._found.main

    def _find_main(self) -> _Main:
        options = self.options
        name = options.filename
        if (state := self.git(options.context)) is not None:
            return _Main(state, state, name)
        if options.context.startswith(("http://", "https://")):
            return self._http(options.context, name)
        given = self.client.inputs()
        state = build_file = None
        if (graph := given.get(CONTEXT)) is not None:
            state = State.from_definition(graph)
        if (graph := given.get(options.build_file_local)) is not None:
            build_file = State.from_definition(graph)
        return _Main(state, build_file, name)

    def _scoped(self, main: _Main) -> _Main:
        """Only the directory that `contextsubdir` names, which old Docker clients send."""
        subdir = self.options.context_subdir
        if main.state is None or not subdir:
            return main
        state = scratch().copy(main.state, subdir, "/", contents_only=True)
        return _Main(state, main.build_file, main.filename)

    def _http(self, url: str, filename: str) -> _Main:
        """A file from the web: an archive is the context, anything else is the build file."""
        title = Meta(name="[internal] load remote build context")
        fetched = http(url, filename=HTTP_FILE, meta=title)
        try:
            ref = self.client.solve(self.marshal(fetched)).ref
            start = self.client.read_file(ref, HTTP_FILE, length=1024)
        except GatewayError as error:
            raise error.during(f"cannot fetch the build context {url}") from error
        if not is_archive(start):
            return _Main(fetched, fetched, HTTP_FILE)
        unpacked = scratch().copy(fetched, "/" + HTTP_FILE, "/", unpack=True)
        return _Main(unpacked, unpacked, filename)

    def git(self, text: str, *, keep_git_dir: bool = False) -> State | None:
        """The checkout that a git URL asks for; None if `text` is no git URL.

        `keep_git_dir` asks for all of it, with its `.git`. Raises `Problems` for a URL that asks
        for what makes no sense.
        """
        try:
            url = giturl.context(text)
        except giturl.InvalidGitUrl as error:
            raise bad_url(error) from None
        if url is None:
            return None
        reproducible = self.options.epoch is not None or self.options.epoch_from_context
        by_commit = reproducible and Cap.SOURCE_GIT_MTIME in self.client.llb_caps
        mtime = url.mtime or ("commit" if by_commit else "")
        return git(
            url.remote,
            ref=url.ref,
            subdir="" if keep_git_dir else url.subdir,
            keep_git_dir=keep_git_dir or self.options.keep_git_dir or bool(url.keep_git_dir),
            checksum=url.checksum,
            skip_submodules=url.submodules is False,
            mtime=MTime(mtime) if mtime else None,
            fetch_by_commit=url.fetch_by_commit,
            meta=Meta(name=f"[internal] load git source {text}"),
        )

    # --- for all of them ---

    def marshal(self, state: State) -> Definition:
        """The state's graph for this daemon."""
        platform = self.environment.build_platform
        return state.marshal(platform=platform, caps=self.client.llb_caps)

    def session(self, name: str) -> str:
        """The session of the client that offers the directory `name`: bake may share one between
        its targets."""
        return self.options.local_sessions.get(name, self.environment.session_id)


def begin(client: Client) -> None:
    """Ask for the build file of the build that the environment describes, without waiting.

    Who reads it solves the same graph, which the client then does not send again.
    """
    environment = Environment.read()
    try:
        options = Options.parse(environment.options, environment.build_platform)
    except Problems:
        return  # the build will say so
    Contexts(client, options, environment).begin()


def followed(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths in a context as the client wants them: relative, sorted; none if the root is wanted."""
    wanted = {clean("/" + path).removeprefix("/") for path in paths}
    return () if "" in wanted else tuple(sorted(wanted))


def is_archive(start: bytes) -> bool:
    """Whether a file that starts so is a tar archive, plain or compressed (bzip2, gzip, xz)."""
    if start.startswith(_ARCHIVES):
        return True
    header = start[:_TAR_HEADER]
    if len(header) < _TAR_HEADER:
        return False
    checksum = header[148:156].strip(b"\x00 ")
    if not checksum or not all(byte in b"01234567" for byte in checksum):
        return False
    total = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    return total == int(checksum, 8)
