"""What can be built of a bunnyfile: the image, or one step of it (`--target`).

`TARGETS` are those that there are, `DESCRIPTIONS` says what each is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import frameworks
from frameworks.base import File, Plan
from frameworks.diagnostics import Problems, did_you_mean, problem
from frameworks.lower import Lowering, Root
from frameworks.process import Process
from frameworks.runtime import RUNTIME
from frameworks.spec import Bunnyfile
from frontend.targets import image
from llb import Range, State, scratch

DEFAULT = "image"
KERNEL_SIZE = "kernel-size"
PACKAGES = "packages"
BUILDER = "builder"


@dataclass(frozen=True, slots=True)
class Target:
    """One result: its files, what its image config comes from, and the manifest's annotations.

    `base_config` is the config of the image whose layers it starts with, b"" if none.
    """

    state: State
    lowering: Lowering
    root: Root
    keys: Mapping[str, str] = field(default_factory=dict)
    base_config: bytes = b""

    def config(self, labels: Mapping[str, str]) -> bytes:
        """The image config, with the labels of `--label`."""
        return image.config(self.lowering.plan, self.root, {**self.keys, **labels})

    @property
    def annotations(self) -> dict[str, str]:
        """The runtime's keys, and the file's own annotations."""
        if not self.keys:
            return {}
        own = self.lowering.plan.settings.annotations
        return {**{str(key): str(value) for key, value in own}, **self.keys}


def find(name: str, lowering: Lowering) -> Target:
    """The target called `name` ("" is the image). Raises Problems if there is none of that name."""
    return TARGETS[_known(name)](lowering)


def check(name: str, plan: Plan) -> str:
    """The target's name in full ("" is the image). Raises Problems where `find` would."""
    target = _known(name)
    lacks = {
        "kernel": plan.kernel is None,
        "rootfs": plan.rootfs.type == "none",
        "app": plan.app is None,
        PACKAGES: not plan.packages,
        BUILDER: not plan.packages,
    }
    if lacks.get(target):
        raise _nothing(plan, target)
    if target == KERNEL_SIZE:
        _check_measured(plan)
    return target


def _check_measured(plan: Plan) -> None:
    """Raise Problems for a kernel whose parts nobody knows."""
    kernel = plan.kernel
    if kernel is None:
        raise _nothing(plan, "kernel")
    if kernel.from_ != "source":
        raise problem(
            "no-such-target",
            "a kernel that is there already has no parts to be counted",
            hint="with `from: source` it is built, and its parts are known",
            at=kernel.from_.at,
            file=plan.file,
        )
    if not frameworks.get(plan.framework).counts_bytes:
        raise problem(
            "no-such-target",
            f"the parts of a kernel of {plan.framework} are not counted",
            hint="`hutch kernel size` of an image shows the sections of its kernel's file",
            at=kernel.from_.at,
            file=plan.file,
        )


def _known(name: str) -> str:
    target = name.casefold() or DEFAULT
    if target not in TARGETS:
        raise problem(
            "unknown-target", f"unknown target '{name}'", hint=did_you_mean(name, TARGETS)
        )
    return target


def _image(lowering: Lowering) -> Target:
    root = lowering.rootfs
    keys = image.runtime_keys(lowering.build, root)
    state = image.assemble(lowering.build, lowering.layers, keys)
    layers_of = root.config if root.layered and root.config != b"{}" else b""
    return Target(state, lowering, root, keys, layers_of)


def _kernel(lowering: Lowering) -> Target:
    if lowering.kernel is None:
        raise _nothing(lowering.plan, "kernel")
    return _file(lowering, "kernel", lowering.kernel)


def _kernel_size(lowering: Lowering) -> Target:
    check(KERNEL_SIZE, lowering.plan)
    return _file(lowering, "kernel", lowering.framework.sizes(lowering.build))


def _rootfs(lowering: Lowering) -> Target:
    root = lowering.rootfs
    if root.tree is not None:
        return Target(root.tree, lowering, _bare(root.tree))
    if root.file is None:
        raise _nothing(lowering.plan, "rootfs")
    return _file(lowering, "rootfs", root.file)


def _app(lowering: Lowering) -> Target:
    app = lowering.plan.app
    if app is None or lowering.app is None:
        raise _nothing(lowering.plan, "app")
    names = [posixpath.basename(artifact.source.rstrip("/")) for artifact in app.artifacts]
    if len(set(names)) < len(names):  # then where they go tells them apart
        names = [artifact.destination.lstrip("/") for artifact in app.artifacts]
    built = {
        name: File(lowering.app.state, posixpath.join(lowering.app.path, artifact.source))
        for name, artifact in zip(names, app.artifacts, strict=True)
    }
    places = {name: artifact.source.at for name, artifact in zip(names, app.artifacts, strict=True)}
    return _files(lowering, "app", built, places)


def _toolchain(lowering: Lowering) -> Target:
    return Target(lowering.toolchain, lowering, _bare(lowering.toolchain))


def _packages(lowering: Lowering) -> Target:
    if not lowering.plan.packages:
        raise _nothing(lowering.plan, PACKAGES)
    lists = {f"{section}.json": file for section, file in lowering.packages.items()}
    return _files(lowering, PACKAGES, lists, {})


def _builder(lowering: Lowering) -> Target:
    name = str(lowering.build.worker)
    meta = lowering.build.meta(PACKAGES, "name the builder's platform")
    state = scratch().mkfile("/builder", name, timestamp=lowering.plan.timestamp, meta=meta)
    return Target(state, lowering, _bare(state))


TARGETS: dict[str, Callable[[Lowering], Target]] = {
    "image": _image,
    "kernel": _kernel,
    KERNEL_SIZE: _kernel_size,
    "rootfs": _rootfs,
    "app": _app,
    "toolchain": _toolchain,
    PACKAGES: _packages,
    BUILDER: _builder,
}


DESCRIPTIONS = {
    "image": f"the image that {RUNTIME.name} boots",
    "kernel": "the kernel file alone",
    KERNEL_SIZE: "what the kernel's bytes are, as JSON, for `hutch kernel size`: of Linux alone",
    "rootfs": "the root filesystem: its file, or the tree of a raw one",
    "app": "the application's artifacts",
    "toolchain": "the image that kernels and applications are built in",
    PACKAGES: "what the packages that the file names come to today, a list for each section that "
    "names some: 'hutch lock' writes them down",
    BUILDER: "the platform that compilers run on, for 'hutch lock'",
}
"""The targets in words, for `--call=targets`."""


def available(bunnyfile: Bunnyfile) -> frozenset[str]:
    """The targets that a file has the sections for."""
    kernel, app = bunnyfile.kernel, bunnyfile.app
    builds = app is not None or (kernel is not None and kernel.from_ == "source")
    packed = bunnyfile.rootfs is not None or (app is not None and bool(app.artifacts))
    named = [
        each.packages for each in (bunnyfile.rootfs, bunnyfile.toolchain, app) if each is not None
    ]
    framework = str(bunnyfile.platforms.framework)
    counted = framework in frameworks.TABLE and frameworks.get(framework).counts_bytes
    sections = {
        "image": True,
        "kernel": kernel is not None,
        KERNEL_SIZE: kernel is not None and kernel.from_ == "source" and counted,
        "rootfs": packed,
        "app": app is not None,
        "toolchain": builds,
        PACKAGES: any(named),
        BUILDER: any(named),
    }
    return frozenset(name for name, there in sections.items() if there)


def _file(lowering: Lowering, step: str, file: File) -> Target:
    """One file, under its own name."""
    return _files(lowering, step, {posixpath.basename(file.path): file}, {})


def _files(
    lowering: Lowering, step: str, files: Mapping[str, File], places: Mapping[str, Range]
) -> Target:
    """Files by their names in the result, and the lines that ask for them."""
    state = scratch()
    for name, file in files.items():
        state = state.copy(
            file.state,
            file.path,
            f"/{name}",
            follow_symlink=True,
            timestamp=lowering.plan.timestamp,
            meta=lowering.build.meta(step, f"take {name}", places.get(name)),
        )
    return Target(state, lowering, _bare(state))


def _bare(state: State) -> Root:
    return Root(Process(), b"{}", tree=state)


def _nothing(plan: Plan, section: str) -> Problems:
    return problem(
        "no-such-target",
        f"the file has no {section} to build",
        hint=f"add a `{section}:` section, or leave --target out",
        at=plan.monitor.at,
    )
