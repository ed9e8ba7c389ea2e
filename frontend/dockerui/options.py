"""What the user asked for on the command line, as one typed value.

buildx, bake and dockerd turn their flags into a flat map of strings; `Options.parse` turns the map
into values and collects every mistake in it. Keys that this file does not name are left alone: they
belong to the daemon, or to a newer client. Sources: docs/contract/buildkit.md 1.2 and 4.1
(frontend/dockerui/config.go, attr.go).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from frameworks.diagnostics import Collector, Problems, did_you_mean, problem
from frontend.gateway.client import CacheImport
from llb import Network, Platform, Proxy, ResolveMode, Resources, Ulimit
from llb.masked import printable

DEFAULT_FILENAME = "Dockerfile"
DEFAULT_SBOM_GENERATOR = "docker.io/docker/buildkit-syft-scanner:stable-1"

_CODE = "bad-build-option"
_OPTION_PREFIX = "BUILDKIT_FRONTEND_OPT_"
_ULIMITS = (
    *("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"),
    *("nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
)
_MAX_CPU = 8192
_SHOWN = 60
LAST_SECOND = (1 << 32) - 1
"""The last second since 1970 that a cpio archive can hold, in 2106."""

LOCK_MODES = ("strict", "off")
"""What `HUTCH_LOCK` may be: everything has to be in the lock file, or nobody reads it."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the daemon put into our environment (docs/contract/buildkit.md 1.2)."""

    options: Mapping[str, str] = field(default_factory=dict)
    session_id: str = ""
    product: str = ""
    build_platform: Platform = field(default_factory=lambda: _own_platform())

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Environment:
        """Read the `BUILDKIT_*` variables; the options are unordered `KEY=VALUE` strings."""
        options: dict[str, str] = {}
        for name, entry in environ.items():
            if name.startswith(_OPTION_PREFIX):
                key, _, value = entry.partition("=")
                options[key] = value
        return cls(
            options=options,
            session_id=environ.get("BUILDKIT_SESSION_ID", ""),
            product=environ.get("BUILDKIT_EXPORTEDPRODUCT", ""),
            build_platform=_worker_platform(environ.get("BUILDKIT_WORKERS", "")),
        )


@dataclass(frozen=True, slots=True)
class Sbom:
    """A request for an SBOM: the scanner image and its parameters."""

    generator: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Options:
    """The build's options. `raw` is the map they were read from, to hand on to other frontends."""

    raw: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)

    # the build file and the contexts
    filename: str = DEFAULT_FILENAME
    build_file_local: str = "dockerfile"
    force_local_build_file: bool = False
    context: str = ""
    context_subdir: str = ""
    keep_git_dir: bool = False
    named_contexts: Mapping[str, str] = field(default_factory=dict, hash=False)
    input_metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    local_sessions: Mapping[str, str] = field(default_factory=dict, hash=False)
    shared_keys: Mapping[str, str] = field(default_factory=dict, hash=False)

    # what to build
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict, hash=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    platforms: tuple[Platform, ...] = ()
    multi_platform: bool = False
    epoch: int | None = None
    epoch_from_context: bool = False
    lock: str = ""
    enter: bool = False

    # how to build it
    no_cache: bool | frozenset[str] = False
    resolve_mode: ResolveMode = ResolveMode.DEFAULT
    network: Network | None = None
    hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    shm_size: int = 0
    cgroup_parent: str = ""
    hostname: str = ""
    resources: Resources | None = None
    proxy: Proxy | None = None
    cache_imports: tuple[CacheImport, ...] = ()
    cache_namespace: str = ""

    # what else to answer with
    request: str = ""
    sbom: Sbom | None = None

    # ourselves
    source: str = ""
    cmdline: str = ""

    @classmethod
    def parse(cls, raw: Mapping[str, str], build_platform: Platform | None = None) -> Options:
        """Read the options; raises `Problems` with every value that makes no sense.

        `build_platform`, the daemon's own, completes a `--platform` that names an operating system
        or an architecture only.
        """
        return _Parser(raw, build_platform or _own_platform()).parse()


class _Parser:
    """Reads one map; each method notes its mistakes and goes on."""

    def __init__(self, raw: Mapping[str, str], build_platform: Platform) -> None:
        self._raw = raw
        self._build_platform = build_platform
        self._problems = Collector()

    def parse(self) -> Options:
        self._check_text()
        raw = self._raw
        args = _cut(raw, "build-arg:")
        asked = self._each("platform", _split(raw.get("platform", "")), self._platform)
        platforms = tuple(dict.fromkeys(asked))  # one may be written in several ways
        attestations = self._attestations()
        # Daemons before BuildKit 0.32 refuse the word "context" for Docker's own argument.
        when = args.get("HUTCH_SOURCE_DATE_EPOCH") or args.get("SOURCE_DATE_EPOCH", "")
        epoch, from_context = self._epoch(when)
        options = Options(
            raw=MappingProxyType(dict(raw)),
            filename=raw.get("filename") or DEFAULT_FILENAME,
            build_file_local=raw.get("dockerfilekey") or "dockerfile",
            force_local_build_file="dockerfilekey" in raw,
            context=raw.get(raw.get("contextkey") or "context", ""),
            context_subdir=raw.get("contextsubdir", ""),
            keep_git_dir=_bool(args.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR", "")) or False,
            named_contexts=_cut(raw, "context:"),
            input_metadata=_cut(raw, "input-metadata:"),
            local_sessions=_cut(raw, "local-sessionid:"),
            shared_keys=_cut(raw, "sharedkey:localdir:"),
            target=raw.get("target", ""),
            build_args=args,
            labels=_cut(raw, "label:"),
            platforms=platforms,
            multi_platform=self._multi_platform(args, len(platforms)),
            epoch=epoch,
            epoch_from_context=from_context,
            lock=self._lock(args.get("HUTCH_LOCK", "")),
            enter=_bool(args.get("HUTCH_ENTER", "")) or False,
            no_cache=_no_cache(raw.get("no-cache")),
            resolve_mode=self._resolve_mode(),
            network=self._network(),
            hosts=self._each("add-hosts", _fields(raw.get("add-hosts", "")), _host),
            ulimits=self._each("ulimit", _fields(raw.get("ulimit", "")), _ulimit),
            shm_size=self._number("shm-size", 0),
            cgroup_parent=raw.get("cgroup-parent", ""),
            hostname=args.get("BUILDKIT_SANDBOX_HOSTNAME") or raw.get("hostname", ""),
            resources=self._resources(),
            proxy=_proxy(args),
            cache_imports=self._cache_imports(),
            cache_namespace=args.get("BUILDKIT_CACHE_MOUNT_NS", ""),
            request=raw.get("requestid", ""),
            sbom=_sbom(attestations.get("sbom")),
            source=raw.get("source", ""),
            cmdline=raw.get("cmdline", ""),
        )
        self._problems.check()
        return options

    def _check_text(self) -> None:
        """Everything that is asked for travels as text: nothing else is looked at if it is none."""
        for key, value in sorted(self._raw.items()):
            if not is_text(key + value):
                shown, flag = printable(key), _flag(key)
                what = f"{flag} {shown.partition(':')[2]}" if flag else f"the build option {shown}"
                self._problems.error(
                    _CODE,
                    f"{what} has a value that is not UTF-8 text: {printable(value)}",
                    hint="write it in UTF-8, or put it into a file of the build context",
                )
        self._problems.check()

    def _bad(self, key: str, value: str, why: str, hint: str = "") -> None:
        flag = _FLAGS.get(key, f"the build option {key!r}")
        shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        self._problems.error(_CODE, f"{flag} cannot be {shown!r}: {why}", hint=hint)

    def _each(
        self, key: str, values: Iterable[str], read: Callable[[str], Value]
    ) -> tuple[Value, ...]:
        found: list[Value] = []
        for value in values:
            try:
                found.append(read(value))
            except _Mistake as mistake:
                self._bad(key, value, mistake.why, mistake.hint)
        return tuple(found)

    def _platform(self, text: str) -> Platform:
        mine = self._build_platform
        full = text
        if text.lower() in ("linux", "windows", "darwin", "freebsd"):
            full = f"{text}/{mine.architecture}" + (f"/{mine.variant}" if mine.variant else "")
        elif text and "/" not in text:
            full = f"{mine.os}/{text}"
        try:
            return Platform.parse(full)
        except ValueError as error:
            raise _Mistake(str(error), "for example linux/amd64 or linux/arm64") from None

    def _number(self, key: str, least: int, *, or_minus_one: bool = False) -> int:
        text = self._raw.get(key, "")
        if not text:
            return 0
        number = whole_number(text)
        if number is None:
            self._bad(key, text, "not a whole number")
            return 0
        if number < least and not (or_minus_one and number == -1):
            unlimited = " (or -1, for no limit)" if or_minus_one else ""
            self._bad(key, text, f"must be {least} or more{unlimited}")
        return number

    def _resolve_mode(self) -> ResolveMode:
        text = self._raw.get("image-resolve-mode") or "default"
        try:
            return ResolveMode(text)
        except ValueError:
            self._bad("image-resolve-mode", text, f"not one of {', '.join(ResolveMode)}")
            return ResolveMode.DEFAULT

    def _network(self) -> Network | None:
        text = self._raw.get("force-network-mode", "")
        if not text:
            return None
        try:
            return Network(text)
        except ValueError:
            self._bad("force-network-mode", text, f"not one of {', '.join(Network)}")
            return None

    def _multi_platform(self, args: Mapping[str, str], count: int) -> bool:
        text = args.get("BUILDKIT_MULTI_PLATFORM") or self._raw.get("multi-platform", "")
        if not text:
            return count > 1
        wanted = _bool(text)
        if wanted is None:
            self._bad("multi-platform", text, "not true or false")
        elif not wanted and count > 1:
            self._bad("multi-platform", text, f"{count} platforms were asked for")
        return bool(wanted)

    def _epoch(self, text: str) -> tuple[int | None, bool]:
        if text == "context":
            return None, True
        try:
            return epoch_of(text), False
        except Problems as problems:
            self._problems.take(problems)
            return None, False

    def _lock(self, text: str) -> str:
        if text and text not in LOCK_MODES:
            message = f"--build-arg HUTCH_LOCK cannot be {text[:_SHOWN]!r}"
            self._problems.error(_CODE, message, hint=did_you_mean(text, LOCK_MODES))
        return text

    def _resources(self) -> Resources | None:
        limits = Resources(
            memory=self._number("memory", 1),
            memory_swap=self._number("memswap", 1, or_minus_one=True),
            cpu_shares=self._number("cpushares", 1),
            cpu_period=self._number("cpuperiod", 1),
            cpu_quota=self._number("cpuquota", 1),
            cpuset_cpus=self._cpuset("cpusetcpus"),
            cpuset_mems=self._cpuset("cpusetmems"),
        )
        return limits if limits != Resources() else None

    def _cpuset(self, key: str) -> str:
        text = self._raw.get(key, "")
        for part in filter(None, map(str.strip, text.split(","))):
            low, dash, high = part.partition("-")
            first = whole_number(low.strip())
            last = whole_number(high.strip()) if dash else first
            if first is None or last is None or not 0 <= first <= last <= _MAX_CPU:
                self._bad(key, text, f"{part!r} is not a number or a range", "for example 0-3,5")
                return ""
        return text

    def _cache_imports(self) -> tuple[CacheImport, ...]:
        found: list[CacheImport] = []
        if text := self._raw.get("cache-imports", ""):
            from llb import strictjson

            try:
                for entry in strictjson.loads(text.encode()) or ():
                    attrs = entry.get("Attrs") or {}
                    found.append(
                        CacheImport(entry["Type"], {str(k): str(v) for k, v in attrs.items()})
                    )
            except (ValueError, TypeError, AttributeError, KeyError):
                self._bad("cache-imports", text, "not a JSON list of caches")
        for ref in _split(self._raw.get("cache-from", "")):
            entry = CacheImport("registry", {"ref": ref})
            if entry not in found:
                found.append(entry)
        return tuple(found)

    def _attestations(self) -> dict[str, dict[str, str]]:
        texts = {k.lower(): v for k, v in _cut(self._raw, "attest:").items()}
        texts |= {k.lower(): v for k, v in _cut(self._raw, "build-arg:BUILDKIT_ATTEST_").items()}
        found: dict[str, dict[str, str]] = {}
        for kind, text in texts.items():
            if kind not in ("sbom", "provenance"):
                self._bad("attest", kind, "no such attestation", "one of: sbom, provenance")
                continue
            pairs = (entry.partition("=") for entry in _fields(text))
            found[kind] = {key: value for key, _, value in pairs}
        return found


_FLAGS = {
    "platform": "--platform",
    "image-resolve-mode": "the image resolve mode (--pull)",
    "force-network-mode": "--network",
    "add-hosts": "--add-host",
    "ulimit": "--ulimit",
    "shm-size": "--shm-size",
    "cache-imports": "--cache-from",
    "attest": "--attest type",
    "memory": "--resource memory",
    "memswap": "--resource memory-swap",
    "cpushares": "--resource cpu-shares",
    "cpuperiod": "--resource cpu-period",
    "cpuquota": "--resource cpu-quota",
    "cpusetcpus": "--resource cpuset-cpus",
    "cpusetmems": "--resource cpuset-mems",
}


class _Mistake(Exception):
    """Why one value of a list makes no sense."""

    def __init__(self, why: str, hint: str = "") -> None:
        self.why = why
        self.hint = hint
        super().__init__(why)


def _host(text: str) -> tuple[str, str]:
    name, equals, ip = text.lower().partition("=")
    if not equals or not name:
        raise _Mistake("not NAME=ADDRESS", "for example mirror.local=10.0.0.5")
    import socket

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, ip)
        except (OSError, ValueError):
            continue
        return name, ip
    raise _Mistake(f"{ip!r} is not an IP address")


def _ulimit(text: str) -> Ulimit:
    name, equals, limits = text.partition("=")
    if not equals:
        raise _Mistake("not NAME=SOFT or NAME=SOFT:HARD", "for example nofile=1024:2048")
    if name not in _ULIMITS:
        raise _Mistake(f"{name!r} is not a limit", did_you_mean(name, _ULIMITS))
    first, colon, second = limits.partition(":")
    soft = whole_number(first)
    hard = whole_number(second) if colon else soft
    if soft is None or hard is None:
        raise _Mistake(f"{limits!r} is not SOFT or SOFT:HARD in whole numbers")
    if hard != -1 and (soft == -1 or soft > hard):
        raise _Mistake(f"the soft limit {soft} is above the hard limit {hard}")
    return Ulimit(name, soft, hard)


def _proxy(args: Mapping[str, str]) -> Proxy | None:
    found: dict[str, str] = {}
    for key, value in sorted(args.items()):
        found.setdefault(key.lower(), value)
    proxy = Proxy(
        http=found.get("http_proxy", ""),
        https=found.get("https_proxy", ""),
        ftp=found.get("ftp_proxy", ""),
        no=found.get("no_proxy", ""),
        all=found.get("all_proxy", ""),
    )
    return proxy if proxy != Proxy() else None


def _no_cache(text: str | None) -> bool | frozenset[str]:
    """Everything (`--no-cache`), or the targets of a filter, in lower case."""
    if not text:
        return text is not None
    return frozenset(map(str.casefold, _split(text)))


def _sbom(attributes: dict[str, str] | None) -> Sbom | None:
    if attributes is None:
        return None
    parameters = dict(attributes)
    generator = parameters.pop("generator", "") or DEFAULT_SBOM_GENERATOR
    return Sbom(generator, parameters)


def _own_platform() -> Platform:
    """What we run on, which is a platform of the daemon's."""
    return Platform("linux", os.uname().machine)


def _worker_platform(text: str) -> Platform:
    """The first platform of the first worker: what the daemon builds for by default."""
    from llb import strictjson

    try:
        entry = strictjson.loads(text.encode())[0]["platforms"][0]
        os_name, architecture = entry["os"], entry["architecture"]
    except (ValueError, TypeError, LookupError):
        return _own_platform()
    return Platform(os_name, architecture, entry.get("variant", ""), entry.get("os.version", ""))


def _cut(options: Mapping[str, str], prefix: str) -> Mapping[str, str]:
    """The options under a prefix, without it, sorted."""
    found = {k[len(prefix) :]: v for k, v in sorted(options.items()) if k.startswith(prefix)}
    return MappingProxyType(found)


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def _fields(text: str) -> list[str]:
    """The fields of one CSV line: a field in quotes may hold commas, and quotes twice."""
    fields: list[str] = []
    while text:
        if text.startswith('"'):
            parts: list[str] = []
            quoted, more = "", True
            while more:
                quoted, _, text = text[1:].partition('"')
                parts.append(quoted)
                more = text.startswith('"')
            fields.append('"'.join(parts))
            text = text.removeprefix(",")
        else:
            field, comma, text = text.partition(",")
            fields.append(field)
            if comma and not text:
                fields.append("")
    return fields


def epoch_of(text: str) -> int | None:
    """SOURCE_DATE_EPOCH: seconds since 1970; None for "". Raises Problems for what is no time."""
    if not text:
        return None
    seconds = whole_number(text)
    if seconds is None or not 0 <= seconds <= LAST_SECOND:
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
        raise problem(
            _CODE,
            f"SOURCE_DATE_EPOCH cannot be {shown!r}: not a number of seconds since 1970, up to "
            "2106",
            hint="for example SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct)",
        )
    return seconds


def whole_number(text: str) -> int | None:
    """A decimal number as Go reads it: a sign and digits, nothing else."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def is_text(value: str) -> bool:
    """Whether a value from the environment, or from the command line, was UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flag(key: str) -> str:
    """The flag of the build command behind an option with a name in it, "" for another."""
    return {"build-arg": "--build-arg", "label": "--label", "context": "--build-context"}.get(
        key.partition(":")[0], ""
    )


def _bool(text: str) -> bool | None:
    """A boolean as Go reads it; None if it is none."""
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    return None
