"""From a plan to states: the steps of a framework, put together in the order of a build.

    kernel, app, rootfs = the framework's steps
    image               = kernel + rootfs, from what changes least to what changes most

Nothing is solved here. Each target is a state of its own, so that building one of them runs no
step of another: a changed application runs no vertex of the kernel.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from frameworks import rebuilt, spec
from frameworks.base import Build, File, Image
from frameworks.process import Process, merge
from frameworks.rootfs import packages, packed, tree
from frameworks.rootfs.packed import ROOTFS
from frameworks.runtime import RUNTIME
from frameworks.spec import Text, is_url
from llb import FileAction, Meta, State, copy, mkdir, scratch

KERNEL = "/.boot/kernel"
_KERNEL_MODE = _FOLDER_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Root:
    """The guest's root filesystem: one file, a tree (`raw`), or nothing; and what runs in it."""

    process: Process
    config: bytes
    file: File | None = None
    tree: State | None = None
    packed: State | None = None
    """The tree of files that `file` was made of, where hutch made it."""
    report: File | None = None
    """What the format of such a file could not keep of the tree."""
    layered: bool = False
    """Whether `tree` starts with the layers of the image that `config` is of."""


class Lowering:
    """The states of one platform's build; each is made when it is first asked for."""

    def __init__(self, build: Build) -> None:
        self.framework = build.framework
        self.build = replace(build, fetched={})
        self.plan = build.plan

    @cached_property
    def toolchain(self) -> State:
        """The image that kernels and applications are built in."""
        return self.framework.toolchain(self.build)

    @cached_property
    def kernel(self) -> File | None:
        """The kernel file, built or prebuilt; None for an image that has none."""
        kernel = self.plan.kernel
        if kernel is None:
            return None
        if kernel.from_ == "source":
            return self.framework.kernel(self.build)
        assert kernel.path is not None
        if kernel.from_ == "local":
            return File(self.build.inputs.context(kernel.path), kernel.path)
        if is_url(kernel.from_):
            return tree.downloaded(self.build, "kernel", kernel.from_, kernel.path, kernel.sha256)
        return File(tree.source(self.build, kernel.from_, kernel.path).state, kernel.path)

    @cached_property
    def app(self) -> File | None:
        """The directory in which the application was built; None where there is none."""
        return None if self.plan.app is None else self.framework.app(self.build)

    @property
    def base(self) -> Image:
        """What the root filesystem starts from."""
        return self._base()

    @property
    def packages(self) -> Mapping[str, File]:
        """What the plan's lists of packages come to today, whatever a lock says, by their sections.

        Each is a `frameworks.rootfs.packages.LIST`.
        """
        plan = self.plan
        open_ = {name: replace(each, files=None) for name, each in plan.packages.items()}
        today = Lowering(replace(self.build, plan=replace(plan, packages=open_)))
        build = today.build
        if spec.TOOLCHAIN in open_:
            _ = today.toolchain
        if spec.APP in open_:
            _ = today.app
            # Of a unikernel it may be the kernel's step that builds the application.
            _ = today.kernel
        if spec.ROOTFS in open_:
            build.fetched[spec.ROOTFS] = self.framework.fetch_packages(build, today.base.state)
        return {name: File(build.fetched[name], packages.LIST) for name in open_}

    @property
    def missing_packages(self) -> File | None:
        """Which of `rootfs.packages` are nowhere: read when fetching them failed."""
        return self.framework.missing_packages(self.build, self.base.state)

    @cached_property
    def rootfs(self) -> Root:
        """The root filesystem, with the image config that comes with its base."""
        plan = self.plan
        rootfs = plan.rootfs
        compat = plan.compat
        if rootfs.path is not None:
            own = rootfs.from_ == "local" or is_url(rootfs.from_)
            config = self._kernel_config() if own else self._base().config
            process = merge(config, plan.settings, compat=compat)
            if plan.init not in (None, "auto", "none"):  # a program that is in the file
                _, process = self.framework.init(self.build, scratch(), process)
            return Root(process, config, file=tree.prebuilt(self.build, rootfs, rootfs.path))
        base = Image(scratch(), "") if rootfs.type == "none" else self._base()
        config = base.config if base.ref else self._kernel_config()
        process = merge(config, plan.settings, compat=compat)
        if rootfs.type == "none":
            return Root(process, config)
        if rebuilt.is_made(config):
            base, process = self._unmade(base, process)
        filled, process = self._filled(base.state, process)
        if rootfs.type == "raw":
            return Root(process, config, tree=filled, layered=bool(base.ref))
        pack = packed.initrd if rootfs.type == "initrd" else packed.block
        made = pack(self.build, filled)
        return Root(process, config, file=made.file, packed=filled, report=made.report)

    def _filled(self, base: State, process: Process) -> tuple[State, Process]:
        """The guest's tree of files, and the process as the image's config has to name it."""
        build, plan = self.build, self.plan
        if plan.rootfs.packages:
            base = packages.install(build, base)
        before = None
        additions = [*tree.included(build)]
        artifacts = [*tree.artifacts(build, self.app)]
        if additions and artifacts and plan.rootfs.type == "raw":
            # The application changes more often: a layer of its own is all that is pushed then.
            filled = tree.put(build, base, additions)
            before, base = base, tree.apply(build, base, filled, additions, process)
            additions = []
        additions += [*artifacts, *tree.workdir(build, process)]
        filled = tree.put(build, base, additions)
        actions, process = self.framework.init(self._init_build(process), filled, process)
        if actions:
            init = tree.Addition("add the init program", plan.init or plan.rootfs.at, actions)
            filled = tree.put(build, filled, [init])
            additions.append(init)
        return tree.apply(build, base, filled, additions, process, before), process

    def _init_build(self, process: Process) -> Build:
        """The build as the init's step sees it: an init that a v0.1 file's base has is replaced."""
        plan = self.plan
        if plan.init is not None or not plan.compat or process.args[:1] != (RUNTIME.init,):
            return self.build
        auto = Text("auto", plan.rootfs.from_.at)
        return replace(self.build, plan=replace(plan, init=auto))

    def _unmade(self, base: Image, process: Process) -> tuple[Image, Process]:
        """A base that was made for the runtime already, without what was put into it for its boot.

        What is replaced is not removed before, which would be one more layer. Raises Problems where
        its files are in a packed root filesystem.
        """
        plan, build = self.plan, self.build
        brings = any(plan.keys.get(key) for key in RUNTIME.keys.roots)
        if base.ref and not brings and (kind := rebuilt.packed(base.config)):
            named = plan.rootfs.dockerfile or plan.rootfs.from_
            raise rebuilt.no_files(str(named), kind, named.at)
        if plan.init == "none" and plan.settings.entrypoint is None:
            process = rebuilt.without_init(process)
        if not base.ref:
            return base, process
        kept = [value for key, value in plan.keys.items() if key in RUNTIME.keys.files]
        if plan.init == "none":
            kept += process.args[:1]
        if plan.rootfs.type == "raw":
            actions, _ = self.framework.init(self._init_build(process), base.state, process)
            kept += tree.Addition("", plan.rootfs.at, actions).paths
            kept += [RUNTIME.file, *([KERNEL] if plan.kernel is not None else [])]
        meta = build.meta("rootfs", "remove what booted the base image", plan.rootfs.from_)
        return replace(base, state=rebuilt.bare(base.state, kept, meta)), process

    @cached_property
    def placed_kernel(self) -> File | None:
        """The kernel as the image has it, in a layer of its own."""
        if self.kernel is None:
            return None
        return File(
            self._place(self.kernel, KERNEL, _KERNEL_MODE, "kernel", "add the kernel"), KERNEL
        )

    @cached_property
    def placed_rootfs(self) -> File | None:
        """The packed root filesystem as the image has it, in a layer of its own; None for none."""
        file = self.rootfs.file
        if file is None or file.path == ROOTFS:  # the packing step leaves it in its place
            return file
        mode = RUNTIME.initrd_mode if self.plan.rootfs.type == "initrd" else RUNTIME.drive_mode
        return File(self._place(file, ROOTFS, mode, "rootfs", "add the root filesystem"), ROOTFS)

    @cached_property
    def layers(self) -> tuple[State, ...]:
        """The image's files, from what changes least to what changes most: base, kernel, rootfs.

        They are independent of each other, so that a change in one leaves the others as they are.
        """
        root = self.rootfs
        layers = [] if root.tree is None else [root.tree]
        layers += [file.state for file in (self.placed_kernel, self.placed_rootfs) if file]
        if root.packed is not None and root.process.names_user:
            layers.append(self._accounts(root.packed))
        return tuple(layers)

    def _accounts(self, packed: State) -> State:
        """The two files by which the container engine turns a user's name into a number.

        It looks for them in the image, never inside a packed root filesystem, and starts nothing
        when it does not find the name.
        """
        meta = self.build.meta("image", "add the names of users", self.plan.settings.user)
        # Where there is no /etc at all, what is looked for in it is missing, and not an error.
        packed = packed.file(mkdir("/etc", timestamp=self.plan.timestamp), meta=meta)
        files = [
            copy(
                packed,
                path,
                path.replace("[", "").replace("]", ""),
                wildcard=True,
                allow_empty_wildcard=True,
                create_dest_path=True,
                follow_symlink=True,
                timestamp=self.plan.timestamp,
            )
            for path in ("/etc/passw[d]", "/etc/grou[p]")
        ]
        return scratch().file(*files, self._folder("/etc", meta), meta=meta)

    def _folder(self, path: str, meta: Meta) -> FileAction:
        """Give a directory that other actions made its own mode and time.

        A copy gives the directories that it makes the file's mode, and each new entry sets the time
        by the builder's clock.
        """
        timestamp = self.plan.timestamp
        made = scratch().mkdir(path, mode=_FOLDER_MODE, timestamp=timestamp, meta=meta)
        return copy(made, "/", "/", contents_only=True, timestamp=timestamp)

    def _base(self) -> Image:
        return tree.base(self.build)

    def _kernel_config(self) -> bytes:
        """The config that a kernel's image brings where no root filesystem brings one."""
        kernel = self.plan.kernel
        if kernel is None or kernel.from_ in ("local", "source") or is_url(kernel.from_):
            return b"{}"
        return tree.source(self.build, kernel.from_, kernel.path or "/").config

    def _place(self, file: File, path: str, mode: int, step: str, what: str) -> State:
        kernel = self.plan.kernel
        at = kernel.at if step == "kernel" and kernel is not None else self.plan.rootfs.at
        timestamp = self.plan.timestamp
        meta = self.build.meta(step, what, at)
        actions: list[FileAction] = [
            copy(
                file.state,
                file.path,
                path,
                mode=mode,
                follow_symlink=True,
                create_dest_path=True,
                timestamp=timestamp,
            )
        ]
        if mode != _FOLDER_MODE:
            actions.append(self._folder(posixpath.dirname(path), meta))
        return scratch().file(*actions, meta=meta)
