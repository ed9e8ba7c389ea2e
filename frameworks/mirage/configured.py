"""An application that has a config.ml: configured here, by MirageOS's own tool.

The tool is a layer of its own, from opam, for all applications and architectures. Of an application
three steps are made:

    application ─configure─▶ dist/ ─────────────────────────────────────┬─▶ kernel
                    └─ opam's descriptions ─fetch─▶ duniverse/ ─────────┤
                                              └─build─▶ programs of opam┘

What it is built of depends on the descriptions alone: a changed program is configured again, and
neither fetched for nor given its programs again. Only fetching has the network, and what it fetches
is decided by the commits of two repositories of opam's, or by the application's lock file. Archives
that a build context has, or a cache of the builder's, are not fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from frameworks import kit
from frameworks.base import Build, File, Plan
from frameworks.diagnostics import Diagnostic
from frameworks.runtime import monitors
from frameworks.scripts import pinned, run_script, script
from frameworks.solo5 import layer
from frameworks.spec import Option
from llb import Mount, State, scratch

ROOT = "/opt/opam"
_SWITCH = f"{ROOT}/hutch"
_PACKAGES = ("bzip2", "opam", "rsync", "unzip")
_BUILDING = (
    *("ca-certificates", "gcc", "git", "libc6-dev", "make", "ocaml", "ocaml-findlib", "patch"),
    "pkg-config",
)
_PACKAGE = "frameworks.mirage"
_REPOSITORY = kit.Landmarks("opam repository", ("repo", "packages"))
_ARCHIVES = kit.Landmarks("cache of opam's", ())
"""Which directory an archive is in, its checksum says: steps/opam.sh wants one of three."""
_MIRAGE = kit.Landmarks("tree of MirageOS's tool", ("mirage.opam",))

NOT_KEYS = frozenset(
    (
        *("build-dir", "color", "config-file", "context-file", "depext", "dry-run", "extra-repos"),
        *("file", "help", "no-depext", "no-extra-repo", "output", "quiet", "target", "verbose"),
        *("verbosity", "version"),
    )
)
"""What `mirage configure` takes beside the application's keys (mirage: lib/functoria/cli.ml)."""


@dataclass(frozen=True, slots=True)
class Configured:
    """An application's directory with its rules, and what it is built of.

    `libraries` is a directory with duniverse/, `opam` the tree of opam that goes to `ROOT`.
    """

    app: State
    libraries: State
    opam: State

    def mounts(self) -> tuple[Mount, ...]:
        """What goes beside the application into a step that builds it."""
        return (
            Mount.bind("/app/duniverse", self.libraries, "/duniverse", output=False),
            Mount.bind(ROOT, self.opam, output=False),
        )


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` of a step, with what opam has installed before the image's own."""
    return {
        **env,
        "CAML_LD_LIBRARY_PATH": f"{_SWITCH}/lib/stublibs:{_SWITCH}/lib/ocaml/stublibs",
        "OCAMLPATH": f"{_SWITCH}/lib",
        "OPAMROOT": ROOT,
        "PATH": f"{_SWITCH}/bin:{env['PATH']}",
    }


def image(build: Build, tools: State) -> State:
    """`tools` with opam."""
    meta = build.meta("toolchain", "install opam")
    return kit.install(build, tools, _PACKAGES, meta)


def _archives(build: Build) -> tuple[Mount, ...]:
    """The build context with archives of opam's packages, for each step that fetches."""
    given = kit.named(build, "opam-archives", _ARCHIVES)
    if given is None:
        return ()
    return (Mount.bind("/repositories/opam-archives", given, output=False),)


def _downloads(build: Build) -> Mount:
    """What was fetched before, for steps that fetch: opam knows an archive by its checksum."""
    return build.cache("/hutch/archives", "mirage/archives")


def tool(build: Build) -> State:
    """opam's tree with `mirage` and `opam-monorepo`, which are for the machine that builds.

    So it is built in an image of its own: one tool for the guests of all architectures.
    """
    versions = pinned(_PACKAGE)
    meta = build.meta("toolchain", "install what builds MirageOS's tool")
    tools = kit.install(build, kit.base(build), sorted((*_BUILDING, *_PACKAGES)), meta)
    names = ("opam-repository", "opam-overlays")
    mounts: list[Mount] = [
        Mount.bind(
            f"/repositories/{name}",
            kit.pinned_tree(build, name, kit.pin(_PACKAGE, name), _REPOSITORY),
            output=False,
        )
        for name in names
    ]
    mounts += _archives(build)
    own: tuple[Mount, ...] = ()
    if (mirage := kit.named(build, "mirage", _MIRAGE)) is not None:
        own = (Mount.bind("/repositories/mirage", mirage, output=False),)
    arguments = (
        kit.pin("frameworks.solo5", "solo5").version,
        kit.pin(_PACKAGE, "ocaml-solo5").version,
        versions["tools"]["mirage"],
        versions["tools"]["opam-monorepo"],
    )
    env = environment({**kit.FIXED, "PATH": layer.PATH, "HOME": "/root"})
    scripts = (script(_PACKAGE, "tool.sh"), script(_PACKAGE, "opam.sh"))
    fetched = build.run(
        tools,
        run_script("tool.sh", "fetch", *arguments),
        mounts=(*scripts, *mounts, *own, _downloads(build), Mount.bind(ROOT, scratch())),
        network=True,
        env=env,
        meta=build.meta("toolchain", "fetch MirageOS's tool"),
    ).mount(ROOT)
    # A copy is known by its content: other archives beside those of the tool make it no other tool.
    meta = build.meta("toolchain", "take what MirageOS's tool is built of")
    taken = scratch().copy(fetched, "/", "/", contents_only=True, meta=meta)
    return build.run(
        tools,
        run_script("tool.sh", "build", *arguments),
        mounts=(*scripts, *own, Mount.bind(ROOT, taken)),
        env=env,
        meta=build.meta("toolchain", "build MirageOS's tool"),
    ).mount(ROOT)


def configured(
    build: Build, tools: State, opam: State, app: State, env: Mapping[str, str]
) -> Configured:
    """`app` configured for the monitor, with all that it is built of.

    `tools` is the image with opam, `opam` what `tool` gives, `env` the variables of a build.
    """
    said = build.plan.app
    assert said is not None
    line = said.path or said.from_
    # Of the image's date nothing here depends.
    env = environment({**env, **kit.FIXED})
    target = monitors.get(build.plan.monitor).solo5
    written = build.run(
        tools,
        run_script("configure.sh", "build", target, *arguments(said.options)),
        mounts=(
            script(_PACKAGE, "configure.sh"),
            Mount.bind(ROOT, opam, output=False),
            Mount.bind("/app", app),
            Mount.bind("/asked", scratch()),
        ),
        env=env,
        meta=build.meta("kernel", f"configure for Solo5's {target}", line),
    )
    # A copy is known by its content: of the same descriptions, what follows is the same.
    meta = build.meta("kernel", "take what describes the application's libraries", line)
    asked = scratch().copy(written.mount("/asked"), "/", "/", contents_only=True, meta=meta)
    scripts = (script(_PACKAGE, "depends.sh"), script(_PACKAGE, "opam.sh"))
    fetched = build.run(
        tools,
        run_script("depends.sh", "fetch"),
        mounts=(
            *scripts,
            *_archives(build),
            _downloads(build),
            Mount.bind(ROOT, opam),
            Mount.bind("/app", asked),
        ),
        network=True,
        env=env,
        meta=build.meta("kernel", "fetch the application's libraries", line),
    )
    libraries = fetched.mount("/app")
    made = build.run(
        tools,
        run_script("depends.sh", "build"),
        mounts=(
            *scripts,
            Mount.bind(ROOT, fetched.mount(ROOT)),
            Mount.bind("/app", libraries, output=False),
        ),
        env=env,
        meta=build.meta("kernel", "build what the application's build calls", line),
    ).mount(ROOT)
    return Configured(written.mount("/app"), libraries, made)


def report(build: Build, tools: State, opam: State, app: State, env: Mapping[str, str]) -> File:
    """What the tool says of the application and its keys; empty where it is content."""
    said = build.plan.app
    assert said is not None
    target = monitors.get(build.plan.monitor).solo5
    step = build.run(
        tools,
        run_script("configure.sh", "report", target, *arguments(said.options)),
        mounts=(
            script(_PACKAGE, "configure.sh"),
            Mount.bind(ROOT, opam, output=False),
            Mount.bind("/app", app, output=False),
            Mount.bind("/out", scratch()),
        ),
        env=environment(env),
        meta=build.meta("kernel", "ask what the application can be told", said.from_),
    )
    return File(step.mount("/out"), "/report")


def arguments(options: tuple[Option, ...]) -> Iterator[str]:
    """`app.options` as words of the tool's command line."""
    for option in options:
        if option.value is not False:
            yield f"--{option.name}" + ("" if option.value is True else f"={option.value}")


_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_ABOUT = re.compile(r"Usage:|Try ")
_UNKNOWN = re.compile(r"unknown option '?--([A-Za-z0-9_-]+)")
_NEAR = re.compile(r"[Dd]id you mean ('?--[^?]+)\?")
_REFUSED = re.compile(r"option '?--([A-Za-z0-9_-]+)'?(?:=\S+)?(: | (?=is a flag|needs))(.+)")


def explain(said: str, plan: Plan) -> tuple[Diagnostic, ...]:
    """What the tool said, at the lines of the keys; nothing where it is about something else."""
    app = plan.app
    lines = _ESCAPE.sub("", said).splitlines()
    text = " ".join(" ".join(line for line in lines if not _ABOUT.match(line)).split())
    if app is None:
        return ()
    for option in app.options:
        for found in _UNKNOWN.finditer(text):
            if found[1] == option.name:
                near = _NEAR.search(text)
                names = near[1].replace("--", "").replace("'", "") if near else ""
                hint = (
                    f"did you mean {names}?"
                    if names
                    else "'mirage configure --help' lists the keys of its config.ml"
                )
                message = f"the application has no key '{option.name}'"
                return (Diagnostic("lost-option", message, hint, option.name.at, plan.file),)
        for found in _REFUSED.finditer(text):
            if found[1] == option.name:
                message = f"the application's key '{option.name}'{found[2]}{found[3].rstrip('. ')}"
                return (Diagnostic("bad-value", message, "", option.name.at, plan.file),)
    return ()
