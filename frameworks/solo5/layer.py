"""Solo5's bindings, its linker and its tenders at `PREFIX`, as one cached step
(docs/contract/kernels.md 4)."""

from __future__ import annotations

from frameworks import kit
from frameworks.base import Build
from frameworks.scripts import run_script, script
from llb import Mount, State, scratch

PREFIX = "/opt/solo5"
PATH = f"{PREFIX}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SOURCE = kit.Landmarks("Solo5 tree", ("configure.sh", "bindings", "include/solo5.h"))
_PACKAGES = ("gcc", "libc6-dev", "libseccomp-dev", "make", "patch", "pkg-config")


def debian(build: Build, packages: tuple[str, ...] = ()) -> State:
    """The image that compilers run in: Debian, or `toolchain.from`, with Solo5's needs and more."""
    guest = build.plan.architecture
    wanted = {*_PACKAGES, *kit.compiler(guest), *packages}
    if build.is_cross:
        wanted.add(kit.libc(guest))
    return kit.toolchain(build, sorted(wanted))


def solo5(build: Build, tools: State) -> State:
    """What Solo5 installs, at the top of a state of its own; `tools` is the image to build in.

    With the guests' linker (`<triple>-ld`) for the plan's architecture come the tenders
    (`solo5-spt`, `solo5-hvt`) and `solo5-elftool` for the machine that builds.
    """
    pin = kit.pin("frameworks.solo5", "solo5")
    source = kit.pinned_tree(build, "solo5", pin, SOURCE)
    env = {**kit.FIXED}
    if build.is_cross:
        gnu = build.plan.architecture.gnu_triplet
        for variable, tool in (("CC", "gcc"), ("LD", "ld"), ("OBJCOPY", "objcopy")):
            env[f"TARGET_{variable}"] = f"{gnu}-{tool}"
    return build.run(
        tools,
        run_script("solo5.sh", PREFIX, f"v{pin.version}"),
        mounts=(
            script("frameworks.solo5", "solo5.sh"),
            *kit.patches("frameworks.solo5"),
            # Writable, and thrown away: Solo5 builds in its own tree.
            Mount.bind("/usr/src/solo5", source, output=False),
            Mount.bind(PREFIX, scratch()),
        ),
        env=env,
        meta=build.meta("toolchain", "build Solo5", build.origin),
    ).mount(PREFIX)
