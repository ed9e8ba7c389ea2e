"""A Dockerfile as the build file: its image, with what makes urunc boot it.

BuildKit's own Dockerfile frontend builds the image; then it is treated as the raw root filesystem
of a bunnyfile that says nothing else, and gets kernel, init program and the runtime's keys. What is
to be different is said with labels, in the Dockerfile or with `--label`:

    LABEL com.urunc.unikernel.hypervisor=firecracker   any key of the runtime's
    LABEL hutch.kernel=source                          where the kernel is from: `frontend.asked`

or with build arguments (`--build-arg HUTCH_KERNEL=...`). Source: urunc.md 4.3 and 4.6, item 13.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import frameworks
from frameworks.diagnostics import Collector, Diagnostic, Severity, did_you_mean, problem
from frameworks.spec import Bunnyfile, Kernel, Platforms, Rootfs, Text
from frontend import asked, urunc
from frontend import plan as plans
from frontend.gateway import nested
from frontend.urunc import PREFIX
from llb import Position, Range, imageconfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frameworks.base import Plan
    from frontend.build import Session
    from frontend.gateway.contexts import BuildFile
    from frontend.inputs import GatewayInputs
    from llb import Platform, SourceFile

INHERITED = "InheritedLabel"
"""The name of the warning about a label of the base image."""

INIT = "hutch.init"
_PAGE = "docs/containerfile.md"
_BUNNY_INIT = "bunny.urunit"


def make(session: Session, source: BuildFile, platform: Platform, inputs: GatewayInputs) -> Plan:
    """Build the Dockerfile for one platform, and plan what is put around it.

    Raises Problems for labels that make no sense, and GatewayError, with the Dockerfile's own
    lines, where it does not build.
    """
    file = source.file
    options = session.options
    image = nested.solve(
        session.contexts, file.data, file.filename, options.target, platform, ours=True
    )
    path = Text(file.filename, _START)
    inputs.give_dockerfile(path, "", platform, image)
    labels = _Labels(file, image.config, options.labels, options.build_args)
    for found in labels.ignored():
        session.remarks.warn(found, _PAGE)
    return plan(labels, path, platform, options.epoch)


def plan(labels: _Labels, path: Text, platform: Platform, epoch: int | None) -> Plan:
    """What is put around the image of the Dockerfile `path`. Raises Problems."""
    keys = labels.keys()
    bunnyfile = _bunnyfile(labels, path)
    planned = plans.make(bunnyfile, labels.file, platform, epoch=epoch)
    if bunnyfile.rootfs is None:
        # The files of such a guest are in its kernel or its disk; the image's are beside them.
        keys.setdefault("mountRootfs", "false")
    return replace(planned, rootfs=_rootfs(path), keys=keys)


def _rootfs(path: Text) -> Rootfs:
    return Rootfs(_START, Text("dockerfile", _START), dockerfile=path, type=Text("raw", _START))


_START = Range(Position(1), Position(1))


@dataclass(frozen=True, slots=True)
class _Labels:
    """What a Dockerfile says about its guest: the labels that are its own, not its base image's."""

    file: SourceFile
    config: bytes
    given: Mapping[str, str]
    args: Mapping[str, str]

    def get(self, name: str, default: str = "") -> Text:
        """A label by its full name, with the line that it is on."""
        found = self._own().get(name)
        if found is None:
            return Text(default, _START)
        return Text(found, self._place(name) or _START)

    def setting(self, name: str, default: str = "") -> Text:
        """One of hutch's own settings: its build argument, or else its label."""
        argument = asked.argument(name)
        if argument in self.args:
            return Text(self.args[argument], _START)
        return self.get(name, default)

    def keys(self) -> dict[str, str]:
        """The runtime's keys that are given, by short name; `mountRootfs` follows from others.

        Raises Problems with all that urunc would not take.
        """
        said: dict[Text, Text] = {}
        for name, value in self._own().items():
            if name.startswith(PREFIX):
                at = self._place(name) or _START
                said[Text(name.removeprefix(PREFIX), at)] = Text(value, at)
        problems = Collector(self.file)
        urunc.check(said, problems)
        problems.check()
        keys = {str(name): str(value) for name, value in said.items()}
        if "mountRootfs" not in keys and ("initrd" in keys or keys.get("blkMntPoint") == "/"):
            keys["mountRootfs"] = "false"
        return keys

    def ignored(self) -> list[Diagnostic]:
        """The runtime's labels that come with the base image: that was booted in its own way."""
        own = self._own()
        inherited = [k for k in self._all() if k.startswith(PREFIX) and k not in own]
        return [
            Diagnostic(
                INHERITED,
                f"the base image's label {name}={self._all()[name]} is not used",
                "repeat it in this file if it is meant",
                _START,
                self.file,
                Severity.WARNING,
            )
            for name in sorted(inherited)
        ]

    def _all(self) -> dict[str, str]:
        labels = (imageconfig.parse(self.config).get("config") or {}).get("Labels") or {}
        return {**labels, **self.given}

    def _own(self) -> dict[str, str]:
        return {
            name: value
            for name, value in self._all().items()
            if name in self.given or self._place(name) is not None
        }

    def _place(self, name: str) -> Range | None:
        """Where the label is set: its last mention on a line that is no comment."""
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
        for number, line in reversed(
            list(enumerate(self.file.data.decode("utf-8", "replace").split("\n"), 1))
        ):
            if not line.lstrip().startswith("#") and (found := word.search(line)):
                return Range(Position(number, found.start()), Position(number, found.end()))
        return None


def _bunnyfile(labels: _Labels, path: Text) -> Bunnyfile:
    """The bunnyfile that the labels amount to."""
    type = labels.get(f"{PREFIX}unikernelType", "linux")
    if type not in frameworks.TABLE:
        raise problem(
            "unknown-framework",
            f"unknown framework '{type}'",
            hint=did_you_mean(type, frameworks.TABLE),
            at=type.at,
            file=labels.file,
        )
    version = labels.get(f"{PREFIX}unikernelVersion") or labels.setting(asked.VERSION)
    return Bunnyfile(
        version=Text("v1", _START),
        platforms=Platforms(
            framework=type,
            monitor=labels.get(f"{PREFIX}hypervisor", "qemu"),
            version=version or None,
        ),
        kernel=_kernel(labels, type),
        rootfs=_rootfs(path) if "raw" in frameworks.get(type).guest.rootfs else None,
        init=_init(labels),
    )


def _kernel(labels: _Labels, type: Text) -> Kernel | None:
    """The kernel to put into the image; None where the Dockerfile brings its own."""
    if labels.get(f"{PREFIX}binary"):
        return None
    from_ = labels.setting(asked.KERNEL, "source" if type == "linux" else "")
    if not from_:
        raise problem(
            "missing-kernel",
            f"the file makes a {type} guest, and does not say where its kernel is",
            hint=f"add 'LABEL {PREFIX}binary=PATH' for a file of the image, or "
            f"'{asked.KERNEL}=...'",
            at=type.at,
            file=labels.file,
        )
    return asked.kernel(from_, labels.setting, labels.file)


def _init(labels: _Labels) -> Text | None:
    said = labels.setting(INIT)
    if said:
        return said
    if labels.get(_BUNNY_INIT) == "false":
        return Text("none", labels.get(_BUNNY_INIT).at)
    return None
