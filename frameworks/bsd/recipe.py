"""The steps that NetBSD and FreeBSD share."""

from __future__ import annotations

import json
import posixpath
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from frameworks.base import Build, Framework, Plan
from frameworks.bsd.source import Tree, cache_key, pins, tree
from frameworks.diagnostics import Collector, did_you_mean
from frameworks.init import config
from frameworks.process import Process
from frameworks.spec import Kernel, PackageSource, Text
from llb import Mount, Range, State, copy, mkdir, mkfile, scratch

SOURCE = "/src"
CONFIG = "/config"
EPOCH = "315532800"
"""The time that kernels and tools carry, whatever SOURCE_DATE_EPOCH says: an application's new date
must not build a new kernel."""

PROGRAMS = "/usr/lib/hutch/init"
"""Where hutch's own image has the init programs, built: `<system>-<architecture>`."""

_IMAGE = "debian:trixie-slim"
INSTALL = """\
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
rm -rf /var/lib/apt/lists /var/log/apt /var/log/dpkg.log /var/cache/ldconfig
"""


class BSD(Framework):
    """NetBSD or FreeBSD: a kernel from source, and an init that does what urunit does."""

    folder: ClassVar[Path]
    marker: ClassVar[str]
    """A file at the top of every source tree."""
    init_path: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    default_config: ClassVar[str]
    conf_directories: ClassVar[dict[str, tuple[str, ...]]]
    """For each architecture, where a tree may keep its kernel configurations."""

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note a source or a version that there is not."""
        kernel = plan.kernel
        if kernel is None or kernel.from_ != "source":
            return
        if isinstance(kernel.source, PackageSource):
            problems.error(
                "unsupported-source",
                f"no distribution has the source of {self.name} as a package",
                hint="name it with `git`, `url` or `local`, or leave `source` out",
                at=kernel.source.package.at,
            )
        if plan.version is not None and kernel.source is None:
            known = pins(self.folder)[1]
            if plan.version not in known:
                problems.error(
                    "unknown-value",
                    f"hutch knows no {self.name} {plan.version}",
                    hint=did_you_mean(plan.version, known)
                    or "name the source with `kernel.source`",
                    at=plan.version.at,
                )

    def debian(self, build: Build) -> State:
        """The image that compilers run in: Debian with this framework's packages."""
        said = build.plan.toolchain
        image = said.from_ if said.from_ is not None and said.from_ != "source" else Text(_IMAGE)
        base = build.inputs.named(image)
        if base is None:
            base = build.inputs.image(image, build.worker).state
        packages = [*self.packages, *map(str, said.packages)]
        return build.run(
            base,
            ["/bin/sh", "-euc", INSTALL, "install", *packages],
            network=True,
            env={"SOURCE_DATE_EPOCH": EPOCH},
            meta=build.meta("toolchain", "install the compilers", said.from_),
        ).root

    def source(self, build: Build) -> Tree:
        """The source tree."""
        return tree(build, self.folder, self.marker)

    def configure(self, build: Build, toolchain: State, source: Tree) -> State:
        """A directory with the configuration `HUTCH`; what the tree does not know fails."""
        kernel = build.plan.kernel
        assert kernel is not None
        request, files = self._request(build, kernel)
        at = kernel.config.at if kernel.config is not None else kernel.from_.at
        program = (Path(__file__).parent / "kernconf.py").read_bytes()
        request_files = files.file(
            mkdir("/hutch"),
            mkfile("/hutch/kernconf.py", program, timestamp=int(EPOCH)),
            mkfile("/hutch/request.json", request, timestamp=int(EPOCH)),
            meta=build.meta("kernel", "note what the kernel is to have", at),
        )
        command = ["/usr/bin/python3", "/request/hutch/kernconf.py"]
        written = build.run(
            toolchain,
            [*command, "write", "/request/hutch/request.json", "--source", SOURCE, "--out", CONFIG],
            mounts=(
                Mount.bind("/request", request_files, readonly=True),
                Mount.bind(SOURCE, source.state, readonly=True),
                Mount.bind(CONFIG, scratch()),
            ),
            env={"SOURCE_DATE_EPOCH": EPOCH},
            meta=build.meta("kernel", "write the kernel configuration", at),
        ).mount(CONFIG)
        # Of a directory's own, so that the report can be read when this step fails.
        named = kernel.options[0].name.at if kernel.options else at
        return build.run(
            toolchain,
            [*command, "require", f"{CONFIG}/report.json"],
            mounts=(
                Mount.bind("/request", request_files, readonly=True),
                Mount.bind(CONFIG, written),
            ),
            env={"SOURCE_DATE_EPOCH": EPOCH},
            meta=build.meta(
                "kernel",
                "check that the source tree knows the configuration",
                Range(named.start, kernel.options[-1].name.at.end) if kernel.options else at,
            ),
        ).mount(CONFIG)

    def _request(self, build: Build, kernel: Kernel) -> tuple[bytes, State]:
        """What `kernconf.py` is asked, and the files of the context that it reads."""
        files = scratch()
        name = str(kernel.config or self.default_config)
        own = self.folder / "configs" / name
        base: str | None = name
        file: str | None = None
        if own.is_file():
            base, file = None, "/request/hutch/base"
            files = files.file(
                mkdir("/hutch"), mkfile("/hutch/base", own.read_bytes(), timestamp=int(EPOCH))
            )
        elif kernel.config is not None and ("/" in name or not name.isupper()):
            # The trees' own configurations are in capitals; anything else is a file of the context.
            base, file = None, "/request/context/0"
            files = self._take(build, files, kernel.config, 0)
        fragments = []
        for number, fragment in enumerate(kernel.fragments, 1):
            files = self._take(build, files, fragment, number)
            fragments.append(f"/request/context/{number}")
        request = {
            "system": self.name,
            "directory": self.conf_directories[build.plan.platform.architecture],
            "base": base,
            "file": file,
            "fragments": fragments,
            "options": [[str(option.name), _plain(option.value)] for option in kernel.options],
        }
        return json.dumps(request, indent=1, sort_keys=True).encode(), files

    def _take(self, build: Build, files: State, path: Text, number: int) -> State:
        context = build.inputs.context(path)
        return files.file(
            copy(context, path, f"/context/{number}", timestamp=int(EPOCH)),
            meta=build.meta("kernel", f"take {path}", path),
        )

    def patched(self, build: Build, source: Tree) -> Tree:
        """The source with the plan's patches on it."""
        kernel = build.plan.kernel
        assert kernel is not None
        state, key = source.state, source.key
        for patch in kernel.patches:
            context = build.inputs.context(patch)
            state = build.run(
                self.debian(build),
                ["/usr/bin/patch", "-p1", "--batch", "-d", SOURCE, "-i", f"/patch/{patch}"],
                mounts=(
                    Mount.bind("/patch", context, readonly=True),
                    Mount.bind(SOURCE, state),
                ),
                env={"SOURCE_DATE_EPOCH": EPOCH},
                meta=build.meta("kernel", f"patch the source with {patch}", patch),
            ).mount(SOURCE)
            key += f"+{patch}"
        return Tree(state, key)

    def objects(self, build: Build, source: Tree, what: str) -> str:
        """The id of the cache of object files: another source or architecture is another cache."""
        architecture = build.plan.platform.architecture
        return f"{self.name}/{architecture}/{cache_key(source)}/{what}"

    def init(self, build: Build, tree: State, process: Process) -> tuple[State, Process]:
        """Put hutch's init where this kernel looks for it, and with it the image's own words."""
        plan = build.plan
        if plan.init is not None and plan.init != "auto":
            return tree, process
        stamp = plan.timestamp
        program = f"{PROGRAMS}/{self.name}-{plan.platform.architecture}"
        # A directory each, so that none of them gets its time from the moment of the build.
        folders = dict.fromkeys(("/dev", posixpath.dirname(self.init_path), "/.hutch"))
        tree = tree.file(
            *(mkdir(path, timestamp=stamp) for path in folders if path != "/"),
            copy(build.inputs.tools(), program, self.init_path, mode=0o755, timestamp=stamp),
            mkfile(config.PATH, config.render(process), timestamp=stamp),
            meta=build.meta("rootfs", "add the init", plan.init),
        )
        return tree, self.started(process)

    def started(self, process: Process) -> Process:
        """The process as the image's config names it; default: unchanged."""
        return process


def prepend(process: Process, program: str) -> Process:
    """`process` with `program` before its arguments, as an entrypoint."""
    if process.entrypoint[:1] == (program,):
        return process
    return replace(process, entrypoint=(program, *process.entrypoint))


def _plain(value: bool | int | str) -> bool | int | str:
    return value if isinstance(value, bool | int) else str(value)
