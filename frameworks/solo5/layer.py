"""Solo5's bindings, its linker and its tenders at `PREFIX`, as one cached step
(docs/contract/kernels.md 4)."""

from __future__ import annotations

from dataclasses import dataclass

from frameworks.base import Build
from frameworks.bsd.recipe import EPOCH, install
from frameworks.git import checkout
from frameworks.scripts import pinned, run_script, script
from frameworks.spec import GitSource, Text
from llb import Mount, State, scratch

PREFIX = "/opt/solo5"
PATH = f"{PREFIX}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PACKAGES = ("gcc", "libc6-dev", "libseccomp-dev", "make", "pkg-config")
_IMAGE = "debian:trixie-slim"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A source that hutch knows: its version, and the commit that it has to be."""

    version: str
    git: GitSource


def pin(package: str, name: str) -> Pinned:
    """What `versions.toml` of `package` says of the tree `name`."""
    entry = pinned(package)[name]
    git = GitSource(Text(entry["git"]), Text(entry["ref"]), Text(entry["commit"]))
    return Pinned(entry["version"], git)


def context(build: Build, name: str) -> State | None:
    """The build context `name`, None where there is none."""
    named = build.inputs.named(Text(name), build.worker)
    if named is None:
        return None
    # A copy is known by its content, which a directory of the client is not.
    meta = build.meta("toolchain", f"take {name} from its build context")
    return scratch().copy(named.state, "/", "/", contents_only=True, meta=meta)


def source(build: Build, name: str, pinned_source: Pinned) -> State:
    """The source tree `name`: the build context of that name, or the pinned commit."""
    if (given := context(build, name)) is not None:
        return given
    what = f"fetch {name} {pinned_source.version}"
    return checkout(build, pinned_source.git, build.meta("toolchain", what))


def debian(build: Build, packages: tuple[str, ...] = ()) -> State:
    """The image that compilers run in: Debian, or `toolchain.from`, with Solo5's needs and more."""
    plan = build.plan
    said = plan.toolchain
    base = build.fetch(said.from_ or Text(_IMAGE), build.worker).state.with_platform(build.worker)
    wanted = {*_PACKAGES, *packages}
    if _is_cross(build):
        guest = plan.architecture
        wanted |= {f"gcc-{guest.cross_suffix}", f"libc6-dev-{guest.debian}-cross"}
    return install(build, base, sorted(wanted), "install the compilers", said.from_)


def solo5(build: Build, tools: State) -> State:
    """What Solo5 installs, at the top of a state of its own; `tools` is the image to build in.

    With the guests' linker (`<triple>-ld`) for the plan's architecture come the tenders
    (`solo5-spt`, `solo5-hvt`) and `solo5-elftool` for the machine that builds.
    """
    pinned_source = pin("frameworks.solo5", "solo5")
    env = {"SOURCE_DATE_EPOCH": EPOCH}
    if _is_cross(build):
        gnu = build.plan.architecture.gnu_triplet
        for variable, tool in (("CC", "gcc"), ("LD", "ld"), ("OBJCOPY", "objcopy")):
            env[f"TARGET_{variable}"] = f"{gnu}-{tool}"
    return build.run(
        tools,
        run_script("solo5.sh", PREFIX, f"v{pinned_source.version}"),
        mounts=(
            script("frameworks.solo5", "solo5.sh"),
            # Writable, and thrown away: Solo5 builds in its own tree.
            Mount.bind("/usr/src/solo5", source(build, "solo5", pinned_source), output=False),
            Mount.bind(PREFIX, scratch()),
        ),
        env=env,
        meta=build.meta("toolchain", "build Solo5"),
    ).mount(PREFIX)


def _is_cross(build: Build) -> bool:
    return build.plan.platform.architecture != build.worker.architecture
