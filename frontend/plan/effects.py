"""Keys of a bunnyfile that the combination it chose makes no use of: none is without a word.

Every key of the schema is in `KEYS`, with what makes it idle, or in `ALWAYS`, and a test compares
the two with the schema. An idle key is a finding of the lint rule IgnoredKey, or an error where the
file cannot mean what it says: boot parameters that no kernel would see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from frameworks.base import Framework, Plan
from frameworks.diagnostics import Collector
from frameworks.rootfs.filesystems import TABLE
from frameworks.runtime import RUNTIME, monitors
from frameworks.spec import Bunnyfile, Text
from llb import Range

IGNORED = "IgnoredKey"

Place = Text | Range


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a file, and the plan and the framework that it amounts to."""

    file: Bunnyfile
    plan: Plan
    framework: Framework

    @property
    def builds_kernel(self) -> bool:
        """Whether the kernel is built from source."""
        return self.plan.kernel is not None and self.plan.kernel.from_ == "source"

    @property
    def runs_scripts(self) -> bool:
        """Whether a script of the application's runs in the build."""
        app = self.plan.app
        return app is not None and (app.fetch is not None or app.build is not None)

    @property
    def makes_kernel_of_app(self) -> bool:
        """Whether the kernel from source is the application itself (a unikernel)."""
        return self.framework.has_app_in_kernel(self.plan)

    @property
    def has_root(self) -> bool:
        """Whether the guest has a root filesystem that an init may be in."""
        return self.plan.rootfs.type != "none"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: where the file says it (None for nowhere), and why it is idle ("" where it is not).

    `hint` is what to do then; `error` makes it more than a finding of lint.
    """

    place: Callable[[Bunnyfile], Place | None]
    idle: Callable[[Subject], str]
    hint: str | Callable[[Subject], str] = "remove it"
    error: bool = False


def note(file: Bunnyfile, plan: Plan, framework: Framework, problems: Collector) -> None:
    """Note the keys of `file` that `plan` makes no use of, each at its line."""
    subject = Subject(file, plan, framework)
    for name, key in KEYS.items():
        place = key.place(file)
        if place is None or not (why := key.idle(subject)):
            continue
        at = place.at if isinstance(place, Text) else place
        hint = key.hint if isinstance(key.hint, str) else key.hint(subject)
        if key.error:
            problems.error("bad-combination", f"'{name}' {why}", hint=hint, at=at)
        else:
            problems.warn(IGNORED, f"'{name}' {why}", hint=hint, at=at)


def used(name: str, file: Bunnyfile, plan: Plan, framework: Framework) -> bool:
    """Whether `plan` makes use of the key `name` of `KEYS`, which `file` has."""
    return not KEYS[name].idle(Subject(file, plan, framework))


# --- where a key is ---


def _toolchain_packages(file: Bunnyfile) -> Place | None:
    return next(iter(file.toolchain.packages), None)


def _app(name: str) -> Callable[[Bunnyfile], Place | None]:
    """The value of a key of `app`; of a list or of secrets the first."""

    def place(file: Bunnyfile) -> Place | None:
        value = getattr(file.app, name) if file.app is not None else None
        first = next(iter(value), None) if isinstance(value, tuple) else value
        for name_of in ("id", "source", "name", "from_"):
            first = getattr(first, name_of, first)
        return first

    return place


def _rootfs(name: str) -> Callable[[Bunnyfile], Place | None]:
    """The value of a key of `rootfs`, where the file says it itself."""

    def place(file: Bunnyfile) -> Place | None:
        value = getattr(file.rootfs, name) if file.rootfs is not None else None
        if isinstance(value, tuple):  # the arguments of a Dockerfile
            return value[0][0] if value else None
        said = isinstance(value, Text) and file.rootfs is not None and value.at != file.rootfs.at
        return value if said else None

    return place


def _setting(name: str) -> Callable[[Bunnyfile], Place | None]:
    """The value of a key at the top; of a list the first."""

    def place(file: Bunnyfile) -> Place | None:
        value = getattr(file.settings, name)
        first = next(iter(value), None) if isinstance(value, tuple) else value
        return first[0] if isinstance(first, tuple) else first

    return place


def _init(file: Bunnyfile) -> Place | None:
    """An init of the user's own: that there is none, or hutch's where it is needed, is no wish."""
    return file.init if file.init not in (None, "none", "auto") else None


# --- why it is idle ---


def _without_building(subject: Subject) -> str:
    building = subject.builds_kernel or subject.runs_scripts
    return "" if building else "is not used: nothing is built from source"


def _boot_parameters(subject: Subject) -> str:
    if not subject.builds_kernel:
        what = "cannot be given to a kernel that is built already"
        return f"{what}: {RUNTIME.name} writes its command line"
    if not subject.framework.takes_parameters:
        return f"has no way to a {subject.framework.name} kernel"
    return ""


def _instead_of_parameters(subject: Subject) -> str:
    if subject.framework.app_is_kernel:
        return "what the application is told goes under 'cmd'"
    return "a Linux kernel from source ('from: source') can have them built in"


def _without_scripts(subject: Subject) -> str:
    return "" if subject.runs_scripts else "is not used: 'app' has neither 'fetch' nor 'build'"


def _without_compiling(subject: Subject) -> str:
    compiles = subject.makes_kernel_of_app and subject.framework.compiles_app
    return "" if compiles else _without_scripts(subject)


def _without_fetch(subject: Subject) -> str:
    app = subject.plan.app
    return "" if app is not None and app.fetch is not None else "is not used without 'app.fetch'"


def _without_artifacts(subject: Subject) -> str:
    app = subject.plan.app
    if app is None or app.artifacts or subject.makes_kernel_of_app:
        return ""
    return "is not used: nothing of the application goes into the image"


def _without_configuring(subject: Subject) -> str:
    if not subject.framework.configures_app:
        return f"is not used: applications of {subject.framework.name} are not configured"
    return "" if subject.makes_kernel_of_app else "is not used: the kernel is built already"


def _without_linking(subject: Subject) -> str:
    framework, app = subject.framework, subject.plan.app
    if not framework.links_libraries:
        return f"is not used: nothing is linked into {framework.name} kernels by name"
    if not subject.builds_kernel:
        return "is not used: the kernel is built already"
    if app is not None and app.artifacts:
        return "is not used: the application is a program of the root filesystem"
    return ""


def _without_sysroot(subject: Subject) -> str:
    if not subject.framework.takes_sysroot:
        return f"is not used: compilers for {subject.framework.name} guests have their own"
    return _without_compiling(subject)


def _into_a_file(subject: Subject) -> str:
    if subject.plan.rootfs.path is None:
        return ""
    return "cannot go into a root filesystem that is one file already"


def _without_rootfs(subject: Subject) -> str:
    return "is not used with 'type: none'" if subject.plan.rootfs.type == "none" else ""


def _of_a_disk(subject: Subject) -> str:
    rootfs = subject.plan.rootfs
    if rootfs.type in ("block", None):
        return ""
    return f"is only read with 'type: block', and here the type is '{rootfs.type}'"


def _of_a_new_disk(subject: Subject) -> str:
    if subject.plan.rootfs.path is not None:
        return "is not used: the file system exists already"
    return _of_a_disk(subject)


def _of_a_disk_with_room(subject: Subject) -> str:
    known = TABLE.get(subject.plan.rootfs.filesystem or "")
    if known is not None and not known.largest and subject.plan.rootfs.path is None:
        return f"is not used: {known.limits.name} is as large as what is in it"
    return _of_a_new_disk(subject)


def _without_root(subject: Subject) -> str:
    if not subject.has_root:
        return "is not used: the guest has no root filesystem"
    if type(subject.framework).init is Framework.init:
        return f"is not used: {subject.framework.name} guests have no init"
    return ""


def _lacking(name: str) -> Callable[[Subject], str]:
    def idle(subject: Subject) -> str:
        guest = subject.framework.guest
        if name not in guest.lacks:
            return ""
        guests = f"{subject.framework.name} guests"
        return f"is not used: {RUNTIME.name} gives {guests} nothing of it"

    return idle


def _without_volumes(subject: Subject) -> str:
    """A disk for each, which an init mounts; or the container's, where the root is shared."""
    plan, guest = subject.plan, subject.framework.guest
    known = plan.monitor in guest.monitors
    shared = known and plan.rootfs.type == "raw" and monitors.get(plan.monitor).shares
    if guest.opaque or guest.type in RUNTIME.with_volumes or shared:
        return ""
    return f"is not used: {RUNTIME.name} attaches no volume to {subject.framework.name} guests"


ALWAYS = frozenset(
    (
        *("version", "args", "platforms", "platforms.framework", "platforms.version"),
        *("platforms.monitor", "platforms.architecture", "toolchain", "kernel", "kernel.from"),
        # What is wrong with these beside the others is an error (frontend.bunnyfile.rules).
        *("kernel.path", "kernel.sha256", "kernel.source", "kernel.source.package"),
        *("kernel.source.git", "kernel.source.ref", "kernel.source.commit", "kernel.source.url"),
        *("kernel.source.sha256", "kernel.source.local", "kernel.config", "kernel.fragments"),
        *("kernel.options", "kernel.patches", "app", "app.from", "app.path", "app.fetch"),
        *("app.secrets[].id", "app.secrets[].target", "app.secrets[].env"),
        *("app.sysroot.from", "app.sysroot.sha256"),
        *("app.sysroot[].from", "app.sysroot[].sha256"),
        *("app.secrets[].required", "rootfs", "rootfs.path", "rootfs.sha256", "rootfs.type"),
        *("rootfs.packages", "rootfs.include", "rootfs.include[].from", "rootfs.include[].follow"),
        *("rootfs.include[].sha256", "rootfs.include[].source", "rootfs.include[].destination"),
        *("rootfs.include[].owner", "rootfs.include[].mode"),
        # These are the image's, whatever its guest is.
        *("user", "ports", "labels", "annotations"),
    )
)
"""Keys that have an effect, or an error of their own, in every combination."""

KEYS: Mapping[str, Key] = {
    "toolchain.from": Key(lambda file: file.toolchain.from_, _without_building),
    "toolchain.packages": Key(_toolchain_packages, _without_building),
    "kernel.cmdline": Key(
        lambda file: file.kernel.cmdline if file.kernel is not None else None,
        _boot_parameters,
        hint=_instead_of_parameters,
        error=True,
    ),
    "app.packages": Key(_app("packages"), _without_compiling),
    "app.secrets": Key(_app("secrets"), _without_scripts),
    "app.ssh": Key(_app("ssh"), _without_fetch),
    "app.build": Key(
        _app("build"), _without_artifacts, hint="name what it leaves under 'app.artifacts'"
    ),
    "app.options": Key(_app("options"), _without_configuring, error=True),
    "app.artifacts": Key(
        _app("artifacts"), _into_a_file, hint="remove it, or 'rootfs.path'", error=True
    ),
    "app.libraries": Key(_app("libraries"), _without_linking),
    "app.sysroot": Key(_app("sysroot"), _without_sysroot),
    "rootfs.from": Key(_rootfs("from_"), _without_rootfs),
    "rootfs.dockerfile": Key(_rootfs("dockerfile"), _without_rootfs),
    "rootfs.target": Key(_rootfs("target"), _without_rootfs),
    "rootfs.args": Key(_rootfs("args"), _without_rootfs),
    "rootfs.filesystem": Key(_rootfs("filesystem"), _of_a_new_disk),
    "rootfs.size": Key(_rootfs("size"), _of_a_disk_with_room),
    "rootfs.mount": Key(_rootfs("mount"), _of_a_disk),
    "init": Key(_init, _without_root),
    "cmd": Key(_setting("cmd"), _lacking("cmd")),
    "entrypoint": Key(_setting("entrypoint"), _lacking("entrypoint")),
    "envs": Key(_setting("envs"), _lacking("envs")),
    "workdir": Key(_setting("workdir"), _lacking("workdir")),
    "volumes": Key(
        _setting("volumes"),
        _without_volumes,
        hint="remove it: what such a guest reads and writes is in 'rootfs'",
    ),
}
"""Keys by their path, as docs/bunnyfile.md has it, that some combination makes no use of."""
