"""A Dockerfile as the build file: its image, with what makes the runtime boot it.

BuildKit's own Dockerfile frontend builds the image; then it is treated as the raw root filesystem
of a bunnyfile that says nothing else, and gets kernel, init program and the runtime's keys. What is
to be different is said with labels, in the Dockerfile or with `--label`:

    LABEL com.urunc.unikernel.hypervisor=firecracker   any key of the runtime's
    LABEL hutch.kernel=source                          where the kernel is from (`kernelargs`)

or with build arguments (`--build-arg HUTCH_KERNEL=...`). Source: docs/contract/urunc.md 4.3 and
4.6, item 13.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import frameworks
from frameworks import rebuilt
from frameworks.diagnostics import Collector, Diagnostic, Problems, did_you_mean, problem
from frameworks.runtime import RUNTIME, monitors
from frameworks.spec import Bunnyfile, Kernel, Platforms, Rootfs, Settings, Text
from frameworks.unikraft import Unikraft
from frontend import kernelargs
from frontend import plan as plans
from frontend.bunnyfile.nodes import Mapping as Tree
from frontend.dockerui import nested
from frontend.dockerui.instructions import UNKNOWN, Dockerfile
from frontend.gateway.errors import GatewayError
from frontend.inputs.gateway import first_variant
from frontend.lint.filechecks import Subject, foreign_lock, unusable_rootfs
from frontend.lint.findings import finding
from llb import Position, Range, imageconfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frameworks.base import Plan
    from frontend.dockerui.contexts import BuildFile
    from frontend.dockerui.resolve import ResolvedImage
    from frontend.inputs.gateway import GatewayInputs
    from frontend.lint.verdict import Verdict
    from frontend.session import Session
    from llb import Platform, SourceFile

INIT = "hutch.init"
_PREFIX, _KEYS = RUNTIME.prefix, RUNTIME.keys
_CMDLINE = _PREFIX + _KEYS.command
_BUNNY_INIT = "bunny.urunit"
_START = Range(Position(1), Position(1))


def make(session: Session, source: BuildFile, platform: Platform, inputs: GatewayInputs) -> Plan:
    """Build the Dockerfile for one platform, and plan what is put around it.

    Raises Problems for labels that make no sense, and GatewayError, with the Dockerfile's own
    lines, where it does not build.
    """
    file = source.file
    options = session.options
    args = {**plans.platform_args(platform, session.worker), **options.build_args}
    parsed = Dockerfile(file.data, args)
    image = nested.solve(
        session.contexts,
        file.data,
        file.filename,
        options.target,
        platform,
        ours=True,
        stand_ins=_stand_ins(session, parsed, platform),
        pinned=nested.pinned(session.contexts, parsed.images(), placed=True),
    )
    path = Text(file.filename, _START)
    request = Request(
        file, image.config, options.labels, options.build_args, parsed, options.target
    )
    inputs.give_dockerfile(path, "", platform, replace(image, config=request.base_config))
    planned = plan(request, path, platform, options.epoch)
    foreign = foreign_lock(session.contexts.foreign_lock)
    session.reporter.tell((*request.ignored(), *planned.warnings, *foreign))
    return planned


def _stand_ins(
    session: Session, parsed: Dockerfile, platform: Platform
) -> Mapping[str, ResolvedImage]:
    """The bases of a Unikraft guest that have a monitor's name where others have `linux`.

    So Unikraft's registry publishes its images (`qemu/x86_64`), and so they are where they have
    been copied to. The Dockerfile's frontend would not find them.
    """
    said: dict[str, str] = {**session.options.labels}
    for name, value in parsed.labels(session.options.target, {}).items():
        said.setdefault(name, value)
    if said.get(_PREFIX + _KEYS.type) != Unikraft.guest.type:
        return {}
    monitor = str(said.get(_PREFIX + _KEYS.monitor, monitors.DEFAULT.name))
    if monitor not in RUNTIME.monitors:
        return {}  # the plan says so, at its line
    found: dict[str, ResolvedImage] = {}
    for base in parsed.bases():
        others = Unikraft.platforms(monitor, platform)
        resolve = partial(session.images.resolve, str(base))
        try:
            variant, image = first_variant((platform, *others), resolve)
        except (GatewayError, Problems):
            continue  # the Dockerfile's frontend says it, at its line
        if variant != platform:
            found[str(base)] = image
    return found


def plan(request: Request, path: Text, platform: Platform, epoch: int | None) -> Plan:
    """What is put around the image of the Dockerfile `path`. Raises Problems."""
    keys = request.keys()
    bunnyfile = _bunnyfile(request, path)
    request.check_base()
    planned = plans.make(bunnyfile, request.file, platform, epoch=epoch)
    if bunnyfile.rootfs is None:
        # The files of such a guest are in its kernel or its disk; the image's are beside them.
        keys.setdefault(_KEYS.tree, Text("false", _START))
    warnings = (*planned.warnings, *request.remarks(bunnyfile, keys))
    return replace(planned, rootfs=_rootfs(path), keys=keys, warnings=warnings)


def judge(
    file: SourceFile,
    platform: Platform,
    *,
    args: Mapping[str, str],
    labels: Mapping[str, str],
    target: str,
    epoch: int | None,
    foreign_lock: str = "",
) -> Verdict:
    """What a build would say of a Dockerfile's labels, as far as the file's own text tells.

    `args` are the values of arguments, the platform's too, and `labels` those of `--label`. What a
    label takes from a variable of the base image is not judged, nor what depends on it.
    `foreign_lock` is the name of another tool's file in the place of the lock file, "" for none.
    """
    from frameworks.process import merge
    from frontend.lint import directive, filechecks, imagechecks
    from frontend.lint.findings import report
    from frontend.lint.verdict import Verdict

    parsed = Dockerfile(file.data, args)
    if not parsed.chain(target):
        return Verdict((), fails=False)  # there is no such stage: the Dockerfile's frontend says it
    config = json.dumps({"config": parsed.process(target)}).encode()
    request = Request(file, config, labels, args, parsed, target, parsed.has_base(target))
    if request.is_open:
        return Verdict((), fails=False)
    try:
        planned = plan(request, Text(file.filename, _START), platform, epoch)
    except Problems as problems:
        return Verdict((), fails=False, problems=problems.placed(file))
    process = merge(config, planned.settings, compat=False)
    noted = (
        *planned.warnings,
        *imagechecks.lost(planned, process),
        *filechecks.foreign_lock(foreign_lock),
    )
    checks, _ = directive.read(file, args.get("BUILDKIT_DOCKERFILE_CHECK"))
    shown = report(file, checks, noted)
    return Verdict(shown.findings, shown.fails, plan=planned)


def _rootfs(path: Text) -> Rootfs:
    return Rootfs(_START, Text("dockerfile", _START), dockerfile=path, type=Text("raw", _START))


@dataclass(frozen=True)
class Request:
    """What a Dockerfile says about its guest: by labels that are its own, not its base image's.

    `config` is that of the image it makes, `given` the labels of `--label`, `args` the build's
    arguments, and `target` the stage that is built ("": the last). `partial` says that the config
    lacks what a base image brings: it is what `Dockerfile.process` tells.
    """

    file: SourceFile
    config: bytes
    given: Mapping[str, str]
    args: Mapping[str, str]
    parsed: Dockerfile
    target: str = ""
    partial: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something that is said here depends on what the base image has set."""
        prefixes = (_PREFIX, "hutch.", _BUNNY_INIT)
        return any(
            UNKNOWN in name or (UNKNOWN in value and name.startswith(prefixes))
            for name, value in self._own.items()
        )

    def get(self, name: str, default: str = "") -> Text:
        """A label by its full name, with the line that it is on."""
        return self._own.get(name, Text(default, _START))

    def setting(self, name: str, default: str = "") -> Text:
        """One of hutch's own settings: its build argument, or else its label."""
        argument = kernelargs.argument(name)
        if argument in self.args:
            return Text(self.args[argument], _START)
        return self.get(name, default)

    def keys(self) -> dict[str, Text]:
        """The runtime's keys that are given, by short name; `mountRootfs` follows from others.

        `cmdline` is none of them: it becomes the command, or nothing. Raises Problems with all that
        the runtime would not take.
        """
        said = {
            Text(name.removeprefix(_PREFIX), value.at): value
            for name, value in self._own.items()
            if name.startswith(_PREFIX)
        }
        problems = Collector(self.file)
        RUNTIME.check(said, problems)
        problems.check()
        keys = {str(name): value for name, value in said.items() if name != _KEYS.command}
        if _KEYS.tree not in keys and self.packed is not None:
            keys[_KEYS.tree] = Text("false", self.packed.at)
        return keys

    @cached_property
    def packed(self) -> Text | None:
        """The path of a file that is the guest's root; None where the image's files are it."""
        if initrd := self.get(_PREFIX + _KEYS.initrd):
            return initrd
        block = self.get(_PREFIX + _KEYS.disk)
        return block if block and self.get(_PREFIX + _KEYS.mount) == "/" else None

    @cached_property
    def settings(self) -> Settings:
        """The image's command and user, at the lines that say so.

        A `cmdline` label is the command of an image that has none.
        """
        at = self.parsed.place(self.target, "ENTRYPOINT")
        entrypoint = tuple(self._config.get("Entrypoint") or ())
        while at is None and entrypoint[:1] == (RUNTIME.init,):
            entrypoint = entrypoint[1:]  # the base's own, in whose place ours is put
        cmd = tuple(self._config.get("Cmd") or ())
        cmd_at = self.parsed.place(self.target, "CMD")
        cmdline = self.get(_CMDLINE)
        if not entrypoint and not cmd:
            cmd, cmd_at = tuple(cmdline.split()), cmdline.at
        user = self._config.get("User")
        user_at = self.parsed.place(self.target, "USER")
        from_ = self._base.at
        return Settings(
            entrypoint=tuple(Text(word, at or from_) for word in entrypoint),
            cmd=tuple(Text(word, cmd_at or from_) for word in cmd),
            user=Text(user, user_at or from_) if user else None,
        )

    @cached_property
    def base_config(self) -> bytes:
        """The image's config without the runtime's labels that are the Dockerfile's own: what is
        left of them tells of the base image."""
        if not any(name.startswith(_PREFIX) for name in self._own):
            return self.config
        image = imageconfig.parse(self.config)
        labels = image["config"].get("Labels") or {}
        kept = {
            name: value
            for name, value in labels.items()
            if not name.startswith(_PREFIX) or name not in self._own
        }
        image["config"]["Labels"] = kept
        return json.dumps(image, ensure_ascii=False).encode()

    def check_base(self) -> None:
        """Raise Problems where the base's files are packed, so that the image has none of its own
        and none are named."""
        kind = rebuilt.packed(self.base_config)
        if kind and self.packed is None:
            raise rebuilt.no_files(str(self._base), kind, self._base.at, self.file)

    def remarks(self, bunnyfile: Bunnyfile, keys: Mapping[str, Text]) -> Iterator[Diagnostic]:
        """What is worth a warning; the code of each is the name of a rule of lint."""
        yield from self._about_cmdline()
        settings = self.settings
        framework = bunnyfile.platforms.framework
        silent = not settings.entrypoint and not settings.cmd
        if frameworks.guest(framework).runs_program and silent and not self.partial:
            yield self._warning(
                "NoCommand",
                "nothing says which program the guest runs",
                "add CMD or ENTRYPOINT",
                self._base.at,
            )
        if keys.get(_KEYS.tree) not in RUNTIME.false and bunnyfile.rootfs is not None:
            for found in unusable_rootfs(Subject(bunnyfile, Tree((), _START))):
                hint = "with a bunnyfile's 'type: block' (or 'initrd') it works everywhere"
                at = bunnyfile.platforms.monitor.at
                yield self._warning("UnusableRootfs", found.message, hint, at)

    def ignored(self) -> list[Diagnostic]:
        """The runtime's labels that come with the base image: that was booted in its own way."""
        names = sorted(k for k in self._all if k.startswith(_PREFIX) and k not in self._own)
        if not names:
            return []
        said = ", ".join(f"{name}={self._all[name]}" for name in names)
        message = f"labels of the base image are not used: {said}"
        hint = "repeat in this file what is meant of them"
        return [self._warning("InheritedLabel", message, hint, self._base.at)]

    def _about_cmdline(self) -> Iterator[Diagnostic]:
        """What becomes of a `cmdline` label, which only old runtimes read."""
        cmdline = self.get(_CMDLINE)
        settings = self.settings
        if not cmdline or (self.partial and not self._config.get("Entrypoint")):
            return  # whether the base image has an entrypoint nobody knows then
        args = [*(settings.entrypoint or ()), *(settings.cmd or ())]
        message = f"'{_CMDLINE}' is now the image's command"
        hint = f"write it as CMD {json.dumps(cmdline.split())}"
        if args != cmdline.split():
            message = f"'{_CMDLINE}' is not used: the image has a command"
            hint = "remove it, or make it the command with CMD"
        elif args[0].at != cmdline.at:
            message = f"'{_CMDLINE}' is deprecated, and the image's command says the same"
            hint = "remove it"
        yield self._warning("DeprecatedCmdline", message, hint, cmdline.at)

    def _warning(self, code: str, message: str, hint: str, at: Range) -> Diagnostic:
        return finding(code, message, hint, at, self.file)

    @cached_property
    def _config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = imageconfig.parse(self.config).get("config") or {}
        return config

    @cached_property
    def _base(self) -> Text:
        """The image that the stage to build starts from, at its FROM."""
        chain = self.parsed.chain(self.target)
        return chain[0].base if chain else Text("", _START)

    @cached_property
    def _all(self) -> dict[str, str]:
        return {**(self._config.get("Labels") or {}), **self.given}

    @cached_property
    def _own(self) -> dict[str, Text]:
        """The labels of the file itself, and of `--label`, with the places of their names."""
        env = dict(entry.partition("=")[::2] for entry in self._config.get("Env") or ())
        places = {str(name): name.at for name in self.parsed.labels(self.target, env)}
        return {
            name: Text(value, places.get(name, _START))
            for name, value in self._all.items()
            if name in self.given or name in places
        }


def _bunnyfile(request: Request, path: Text) -> Bunnyfile:
    """The bunnyfile that the labels amount to."""
    type = request.get(_PREFIX + _KEYS.type, frameworks.DEFAULT)
    if type not in frameworks.TABLE:
        raise problem(
            "unknown-framework",
            f"unknown framework '{type}'",
            hint=did_you_mean(type, frameworks.TABLE),
            at=type.at,
            file=request.file,
        )
    version = request.get(_PREFIX + _KEYS.version) or request.setting(kernelargs.VERSION)
    return Bunnyfile(
        version=Text("v1", _START),
        platforms=Platforms(
            framework=type,
            monitor=request.get(_PREFIX + _KEYS.monitor, monitors.DEFAULT.name),
            version=version or None,
        ),
        kernel=_kernel(request, type),
        rootfs=_rootfs(path) if "raw" in frameworks.get(type).guest.rootfs else None,
        init=_init(request),
        settings=request.settings,
    )


def _kernel(request: Request, type: Text) -> Kernel | None:
    """The kernel to put into the image; None where the Dockerfile brings its own."""
    if request.get(_PREFIX + _KEYS.kernel):
        return None
    from_ = request.setting(
        kernelargs.KERNEL, "source" if frameworks.get(type).kernel_by_default else ""
    )
    if not from_:
        raise problem(
            "missing-kernel",
            f"the file makes a {type} guest, and does not say where its kernel is",
            hint=f"add 'LABEL {_PREFIX}{_KEYS.kernel}=PATH' for a file of the image, or "
            f"'{kernelargs.KERNEL}=...'",
            at=type.at,
            file=request.file,
        )
    return kernelargs.kernel(from_, request.setting, request.file)


def _init(request: Request) -> Text | None:
    """The init program; none of ours where the root is a file that it cannot be put into."""
    asked_for = request.setting(INIT)
    if asked_for:
        return asked_for
    bunnys = request.get(_BUNNY_INIT)
    if bunnys == "false":
        return Text("none", bunnys.at)
    return Text("none", request.packed.at) if request.packed is not None and not bunnys else None
