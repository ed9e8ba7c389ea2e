"""State: a filesystem in the graph, and the settings that commands run on it start with.

A State never changes; every method returns a new one. Nothing is built before the graph is
marshalled and a daemon solves it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from llb import fileop, paths
from llb.exec import Device, Exec, ExecOp, Network, Proxy, Security, Ulimit
from llb.fileop import FileAction, FileOp, Owner
from llb.merge import DiffOp, MergeOp, PassthroughOp
from llb.meta import NO_META, Meta
from llb.mount import (
    BindMount,
    CacheMount,
    Mount,
    SecretEnv,
    SecretMount,
    SSHMount,
    TmpfsMount,
    select,
)
from llb.platform import Platform
from llb.settings import Settings, check_hosts, override
from llb.vertex import Output

if TYPE_CHECKING:
    from llb.caps import Caps
    from llb.definition import Definition


_DEFAULTS: Final = Settings()


@dataclass(frozen=True, slots=True, repr=False)
class State:
    """A filesystem (`output`; None is the empty one) and the settings for commands on it."""

    output: Output | None = None
    settings: Settings = field(default=_DEFAULTS)

    # What there is

    @property
    def env(self) -> dict[str, str]:
        """The environment of later commands, in order."""
        return dict(self.settings.env)

    @property
    def cwd(self) -> str:
        """The working directory of later commands, and where relative paths start."""
        return self.settings.cwd

    @property
    def user(self) -> str:
        """The user of later commands; empty for root."""
        return self.settings.user

    @property
    def platform(self) -> Platform | None:
        """The platform of later commands; None for that given to `marshal`."""
        return self.settings.platform

    # Settings of later commands

    def with_env(self, env: Mapping[str, str]) -> "State":
        """Set variables; a value that was there is replaced and moves to the end."""
        return self._with(env=override(self.settings.env, env))

    def without_env(self, *names: str) -> "State":
        """Unset variables."""
        return self._with(env=tuple(pair for pair in self.settings.env if pair[0] not in names))

    def with_cwd(self, directory: str) -> "State":
        """Set the working directory; a relative one starts at the present one."""
        if not paths.is_absolute(directory):
            directory = paths.join(self.cwd, directory)
        return self._with(cwd=directory)

    def with_user(self, user: str) -> "State":
        """Set the user, as `name`, `id`, `name:group` or `id:id`."""
        return self._with(user=user)

    def with_platform(self, platform: Platform) -> "State":
        """Set the platform that later commands run on."""
        return self._with(platform=platform)

    def with_network(self, network: Network) -> "State":
        """Set the network of later commands."""
        return self._with(network=Network(network))

    def with_security(self, security: Security) -> "State":
        """Set how much later commands may do."""
        return self._with(security=Security(security))

    def with_hosts(self, hosts: Iterable[tuple[str, str]]) -> "State":
        """Add pairs of a host name and an IP address to /etc/hosts."""
        return self._with(hosts=self.settings.hosts + check_hosts(hosts))

    def with_ulimits(self, ulimits: Iterable[Ulimit]) -> "State":
        """Add process limits (BuildKit 0.10)."""
        return self._with(ulimits=self.settings.ulimits + tuple(ulimits))

    def with_hostname(self, hostname: str) -> "State":
        """Set the container's host name."""
        return self._with(hostname=hostname)

    def with_cgroup_parent(self, cgroup: str) -> "State":
        """Set the cgroup above the containers' (BuildKit 0.10)."""
        return self._with(cgroup_parent=cgroup)

    def with_image_config(self, config: bytes) -> "State":
        """Take environment, working directory and platform from an OCI image config (JSON bytes).

        As in Go's client the image's user is left out: `with_user` sets it. Raises ValueError if
        the bytes are not an image config.
        """
        from llb.imageconfig import read

        found = read(config)
        state = self.with_env(found.env).with_cwd(found.working_dir)
        return state if found.platform is None else state.with_platform(found.platform)

    def with_output(self, output: Output | None) -> "State":
        """Return another filesystem with the settings of this one."""
        return replace(self, output=output)

    # Commands

    def run(
        self,
        args: Sequence[str],
        *,
        mounts: Iterable[Mount] = (),
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        user: str | None = None,
        network: Network | None = None,
        security: Security | None = None,
        hosts: Iterable[tuple[str, str]] = (),
        ulimits: Iterable[Ulimit] = (),
        proxy: Proxy | None = None,
        valid_exit_codes: Iterable[int] = (),
        devices: Iterable[Device] = (),
        readonly_root: bool = False,
        hostname: str | None = None,
        cgroup_parent: str | None = None,
        platform: Platform | None = None,
        meta: Meta = NO_META,
    ) -> Exec:
        """Run a command with this filesystem as its root.

        args: the program and its arguments; no shell reads them.
        env, cwd, user, ...: for this command only, on top of the state's settings.
        valid_exit_codes: what counts as success, by default 0 only (BuildKit 0.17).
        readonly_root: forbid writing to the root; `Exec.root` is then this state.

        Returns the Exec; its `root` and `mount(dest)` are States with this state's settings. Raises
        ValueError for no arguments, two mounts at one place, or an address that is no IP address;
        TypeError if args is a string.
        """
        if isinstance(args, str):
            raise TypeError(f"args is a list of arguments, not the string {args!r}")
        if not args or not args[0]:
            raise ValueError("a command needs at least the name of a program")
        settings = self.settings
        given = tuple(mounts)
        root = BindMount(dest="/", state=self, readonly=readonly_root, keep=not readonly_root)
        op = ExecOp(
            meta=meta,
            args=tuple(args),
            cwd=self.cwd if cwd is None else self.with_cwd(cwd).cwd,
            filesystems=_sorted_filesystems(root, given),
            env=settings.env if env is None else override(settings.env, env),
            user=settings.user if user is None else user,
            hostname=settings.hostname if hostname is None else hostname,
            cgroup_parent=settings.cgroup_parent if cgroup_parent is None else cgroup_parent,
            hosts=settings.hosts + check_hosts(hosts),
            ulimits=settings.ulimits + tuple(ulimits),
            proxy=proxy,
            valid_exit_codes=tuple(valid_exit_codes),
            network=settings.network if network is None else Network(network),
            security=settings.security if security is None else Security(security),
            devices=tuple(devices),
            secrets=select(given, SecretMount),
            secret_env=select(given, SecretEnv),
            sockets=_named_sockets(select(given, SSHMount)),
            platform=settings.platform if platform is None else platform,
        )
        if readonly_root:
            return Exec(self, op)
        return Exec(self.with_output(Output(op, op.output_index("/"))), op)

    # Files

    def file(self, *actions: FileAction, meta: Meta = NO_META) -> "State":
        """Do file actions one after the other, as one op.

        The actions are made by `llb.copy`, `llb.mkfile`, `llb.mkdir`, `llb.rm` and `llb.symlink`.
        Raises ValueError for no actions, and for an owner's name when there is no base to look it
        up.
        """
        if not actions:
            raise ValueError("a file op needs at least one action")
        fileop.check_owners(self.output, actions)
        op = FileOp(meta=meta, base=self.output, cwd=self.cwd, actions=actions)
        return self.with_output(Output(op))

    def copy(
        self,
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
        meta: Meta = NO_META,
    ) -> "State":
        """Copy as one op; the arguments are those of `llb.copy`."""
        action = fileop.copy(
            source,
            src,
            dst,
            owner=owner,
            mode=mode,
            timestamp=timestamp,
            include=include,
            exclude=exclude,
            required=required,
            follow_symlink=follow_symlink,
            contents_only=contents_only,
            create_dest_path=create_dest_path,
            wildcard=wildcard,
            allow_empty_wildcard=allow_empty_wildcard,
            unpack=unpack,
            always_replace=always_replace,
        )
        return self.file(action, meta=meta)

    def mkfile(
        self,
        path: str,
        data: bytes | str,
        *,
        mode: int = 0o644,
        owner: Owner | str | None = None,
        timestamp: int | None = None,
        meta: Meta = NO_META,
    ) -> "State":
        """Write a file as one op; the arguments are those of `llb.mkfile`."""
        action = fileop.mkfile(path, data, mode=mode, owner=owner, timestamp=timestamp)
        return self.file(action, meta=meta)

    def mkdir(
        self,
        path: str,
        *,
        mode: int = 0o755,
        parents: bool = True,
        owner: Owner | str | None = None,
        timestamp: int | None = None,
        meta: Meta = NO_META,
    ) -> "State":
        """Make a directory as one op; the arguments are those of `llb.mkdir`."""
        action = fileop.mkdir(path, mode=mode, parents=parents, owner=owner, timestamp=timestamp)
        return self.file(action, meta=meta)

    def rm(
        self,
        path: str,
        *,
        allow_not_found: bool = False,
        wildcard: bool = False,
        meta: Meta = NO_META,
    ) -> "State":
        """Remove as one op; the arguments are those of `llb.rm`."""
        action = fileop.rm(path, allow_not_found=allow_not_found, wildcard=wildcard)
        return self.file(action, meta=meta)

    def symlink(
        self,
        target: str,
        path: str,
        *,
        owner: Owner | str | None = None,
        timestamp: int | None = None,
        meta: Meta = NO_META,
    ) -> "State":
        """Make a symbolic link as one op; the arguments are those of `llb.symlink`."""
        return self.file(fileop.symlink(target, path, owner=owner, timestamp=timestamp), meta=meta)

    # Relations

    def requires(self, id: str, *states: "State", meta: Meta = NO_META) -> "State":
        """Return this filesystem, to be had only once `states` are built too (BuildKit 0.31).

        `id` names the relation in the op. Without any state that is not empty, return this one.
        """
        required = tuple(state.output for state in states if state.output is not None)
        if not required:
            return self
        if self.output is None:
            raise ValueError("the empty filesystem is always there; it can require nothing")
        if not id:
            raise ValueError("a requirement needs an id")
        op = PassthroughOp(meta=meta, id=id, subject=self.output, required=required)
        return self.with_output(Output(op))

    # Out of the graph and into it

    def marshal(self, *, platform: Platform, caps: "Caps | None" = None) -> "Definition":
        """Turn the graph below this state into a Definition that a daemon can solve.

        platform: for images and commands that name none.
        caps: what the daemon can do. With it each op's needs are checked and MissingCapability is
            raised; a merge becomes copies where there is no merge. Without it nothing is checked.

        The empty state gives an empty Definition, which cannot be solved.
        """
        from llb.marshal import marshal

        return marshal(self.output, platform=platform, caps=caps)

    @classmethod
    def from_definition(cls, definition: "Definition") -> "State":
        """Return the filesystem that a Definition stands for, to build on.

        Its ops are kept byte for byte, so their digests stay. The state's platform is that of the
        definition's head. Raises InvalidDefinition if the definition has no head.
        """
        from llb.foreign import load

        output, platform = load(definition)
        state = cls(output)
        return state if platform is None else state.with_platform(platform)

    def __repr__(self) -> str:
        if self.output is None:
            return "<State scratch>"
        return f"<State {self.output.vertex!r}>"

    def _with(self, **changes: object) -> "State":
        return replace(self, settings=replace(self.settings, **changes))  # type: ignore[arg-type]


def merge(states: Iterable[State], *, meta: Meta = NO_META) -> State:
    """Lay filesystems one upon the other without copying, the last on top (BuildKit 0.10).

    Empty ones are left out; one that is left is returned as it is. The settings are those of the
    first. Where the daemon has no merge, marshalling makes it copies, which show the same files but
    for two things: a deletion in an upper one (from `diff`) is not carried out, and the space is
    taken once more.
    """
    layers = [state for state in states if state.output is not None]
    if not layers:
        return State()
    if len(layers) == 1:
        return layers[0]
    op = MergeOp(meta=meta, layers=tuple(s.output for s in layers if s.output is not None))
    return layers[0].with_output(Output(op))


def diff(lower: State, upper: State, *, meta: Meta = NO_META) -> State:
    """Return what changes `lower` into `upper`, for use in `merge` (BuildKit 0.10).

    The difference from an empty filesystem is `upper` itself. Where the daemon has no diff, a merge
    that lays it right upon `lower` copies `upper` instead; no other op can tell a difference, so
    any other use of it raises MissingCapability when it is marshalled.
    """
    if lower.output is None:
        return upper
    op = DiffOp(meta=meta, lower=lower.output, upper=upper.output)
    return lower.with_output(Output(op))


def _sorted_filesystems(
    root: BindMount, mounts: tuple[Mount, ...]
) -> tuple[BindMount | CacheMount | TmpfsMount, ...]:
    filesystems: list[BindMount | CacheMount | TmpfsMount] = [root]
    filesystems += [m for m in mounts if isinstance(m, BindMount | CacheMount | TmpfsMount)]
    filesystems.sort(key=lambda mount: mount.dest)
    for before, after in pairwise(filesystems):
        if before.dest == after.dest:
            raise ValueError(f"two things are mounted at {after.dest!r}")
    return tuple(filesystems)


def _named_sockets(sockets: tuple[SSHMount, ...]) -> tuple[SSHMount, ...]:
    return tuple(
        socket if socket.dest else replace(socket, dest=f"/run/buildkit/ssh_agent.{number}")
        for number, socket in enumerate(sockets)
    )
