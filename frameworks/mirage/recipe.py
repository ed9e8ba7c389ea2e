"""MirageOS on Solo5: OCaml's cross compiler, and the application that becomes the kernel.

A MirageOS application is a dune project that `mirage configure` has written rules for (dist/), with
the sources of its libraries in it (duniverse/); or it has a config.ml, and is made into one here
(`frameworks.mirage.configured`). docs/contract/kernels.md 5 has the recipe.
"""

from __future__ import annotations

from typing import ClassVar

from frameworks import kit
from frameworks.app import directory, sources
from frameworks.architectures import AMD64
from frameworks.base import Build, File, Framework, Guest, Plan, Splitting
from frameworks.diagnostics import Collector, Diagnostic, Problems
from frameworks.kit import checks
from frameworks.rootfs.filesystems import EXT2, EXT4
from frameworks.runtime import monitors
from frameworks.scripts import run_script, script
from frameworks.solo5 import layer
from frameworks.spec import App, naming
from llb import Mount, State, scratch

PREFIX = "/opt/mirage"
_OCAML = kit.Landmarks("source tree of OCaml", ("VERSION",))
_OCAML_SOLO5 = kit.Landmarks("ocaml-solo5 tree", ("configure.sh", "ocaml-solo5.opam"))
_FINDLIB = "/etc/ocamlfind.conf.d"
_PACKAGES = (
    "ca-certificates", "git", "ocaml", "ocaml-dune", "ocaml-findlib", "opam-installer", "xz-utils",
)  # fmt: skip


class Mirage(Framework):
    """MirageOS on Solo5: one block device, whose format is the application's business."""

    name: ClassVar[str] = "mirage"
    guest: ClassVar[Guest] = Guest(
        type="mirage",
        monitors={**monitors.of_kind("tender"), monitors.QEMU.name: (AMD64.name,)},
        rootfs=("block", "none"),
        filesystems=(EXT2, EXT4),
        mount="/data",
        own_format=True,
        unreachable=frozenset({(monitors.QEMU.name, "block")}),
        reads_solo5_keys=tuple(monitors.of_kind("tender")),
        lacks=frozenset({"envs", "workdir"}),
        # mirage-bootvar: parse_argv/mirage_bootvar_parse_argv.ml
        splits_cmd=Splitting(
            r'(?s:[^ "\\]|\\.|"(?:[^"\\]|\\.)*")+',
            "put quotes around what belongs together: '--hello=\"two words\"'",
        ),
    )

    app_is_kernel: ClassVar[bool] = True
    configures_app: ClassVar[bool] = True
    compiles_app: ClassVar[bool] = True

    def check(self, plan: Plan, problems: Collector) -> None:
        """Note an application without its kernel, and what a kernel of this kind cannot be told."""
        app = plan.app
        kernel = checks.unikernel(plan, "MirageOS", "app: {from: local, path: .}", problems)
        if kernel is None:
            return
        if kernel.source is not None:
            problems.error(
                "unsupported-source",
                "a MirageOS kernel has no source of its own: its application is 'app'",
                hint="for other trees: --build-context solo5=..., --build-context ocaml-solo5=...",
                at=naming(kernel.source).at,
            )
        given = (
            ("config", kernel.config),
            ("fragments", next(iter(kernel.fragments), None)),
            ("options", kernel.options[0].name if kernel.options else None),
            ("patches", next(iter(kernel.patches), None)),
        )
        for key, value in given:
            if value is not None:
                problems.error(
                    "bad-combination",
                    f"'kernel.{key}' has no meaning for a MirageOS kernel",
                    hint="remove it; keys of the application are 'app.options', or words of 'cmd'",
                    at=value.at,
                )
        if app is not None:
            self._check_options(app, problems)
        if plan.version is not None:
            problems.error(
                "unknown-value",
                "MirageOS has no version here: it is that of the application's own libraries",
                hint="remove 'version'",
                at=plan.version.at,
            )

    def _check_options(self, app: App, problems: Collector) -> None:
        from frameworks.mirage.configured import NOT_KEYS  # most applications have none

        for option in app.options:
            if option.name in NOT_KEYS:
                why = (
                    "the target is the monitor's"
                    if option.name == "target"
                    else "hutch runs that tool"
                )
                problems.error(
                    "bad-value",
                    f"'{option.name}' is an option of 'mirage configure', and no key of the "
                    "application",
                    hint=f"remove it: {why}",
                    at=option.name.at,
                )
            elif len(option.name) == 1:
                problems.error(
                    "bad-value",
                    f"'{option.name}' is a short name, and hutch gives keys by their long ones",
                    hint="'mirage configure --help' lists the names of each key",
                    at=option.name.at,
                )
        if app.options and app.build is not None:
            problems.error(
                "bad-combination",
                "'app.options' are for an application that hutch configures, and 'app.build' "
                "builds it by itself",
                hint="remove one of them",
                at=app.options[0].name.at,
            )

    def toolchain(self, build: Build) -> State:
        """Debian's OCaml and dune, with Solo5 and OCaml's cross compiler for it."""
        debian = layer.debian(build, _PACKAGES)
        solo5 = layer.solo5(build, debian)
        ocaml = self._ocaml(build, debian, solo5)
        meta = build.meta("toolchain", "add Solo5 and its OCaml")
        tools = (
            debian.copy(solo5, "/", layer.PREFIX, contents_only=True, meta=meta)
            .copy(ocaml, "/", PREFIX, contents_only=True, meta=meta)
            .copy(
                ocaml,
                "/lib/findlib.conf.d/solo5.conf",
                f"{_FINDLIB}/solo5.conf",
                create_dest_path=True,
                meta=meta,
            )
        )
        return kit.extra(build, tools)

    def kernel(self, build: Build) -> File:
        """The application, linked for the monitor: an ELF file with Solo5's notes.

        Raises Problems for a directory that is no application.
        """
        plan = build.plan
        app = plan.app
        assert app is not None
        self._refuse(build, app)
        target = monitors.get(plan.monitor).solo5
        architecture = plan.platform.architecture
        tools, env = self._app_toolchain(build, app), self._env(build)
        made, mounts = self.app(build).state, tuple[Mount, ...]()
        if self._configures(build, app):
            from frameworks.mirage import configured

            tools = self._with_opam(build, app)
            ready = configured.configured(*self._configuring(build, app))
            made, mounts, env = ready.app, ready.mounts(), configured.environment(env)
        step = build.run(
            tools,
            run_script("mirage.sh", target, "dune" if app.build is None else "built"),
            mounts=(
                script("frameworks.mirage", "mirage.sh"),
                Mount.bind("/app", made, output=False),
                *mounts,
                # dune keeps what it has made by the content of all it was made of, for every
                # application that has the same libraries.
                build.cache("/var/cache/dune", f"mirage/{architecture}/dune"),
                Mount.bind("/out", scratch()),
            ),
            env=env,
            meta=build.meta("kernel", f"build for Solo5's {target}", app.build or app.from_),
        )
        return kit.checked(build, step.mount("/out"), "kernel")

    def report(self, build: Build) -> File | None:
        """What the application lacks to be one, after `app.fetch`: to read when `kernel` fails."""
        app = build.plan.app
        if app is None or app.build is not None:
            return None
        if self._configures(build, app):
            from frameworks.mirage import configured

            return configured.report(*self._configuring(build, app))
        step = build.tool(
            "frameworks.mirage.steps.project",
            ["/app", "/out/report"],
            mounts=(
                Mount.bind("/app", self.app(build).state, readonly=True),
                Mount.bind("/out", scratch()),
            ),
            meta=build.meta("kernel", "look at the application", app.path or app.from_),
        )
        return File(step.mount("/out"), "/report")

    def explain(self, report: bytes, plan: Plan) -> tuple[Diagnostic, ...]:
        """The content of `report` as a diagnostic at the application's line."""
        text = report.decode(errors="replace")
        if text.startswith("configure:"):
            from frameworks.mirage.configured import explain

            return explain(text, plan)
        return (_lacking(text, plan),) if text else ()

    def app(self, build: Build) -> File:
        """The application's directory as its own scripts left it."""
        return directory(build, lambda app: (self._app_toolchain(build, app), self._env(build)))

    def linked(self, build: Build) -> State | None:
        """The lock file of opam-monorepo, and the sources in duniverse/."""
        app = build.plan.app
        if app is None:
            return None
        if not self._configures(build, app):
            return self.app(build).state
        from frameworks.mirage import configured

        return configured.configured(*self._configuring(build, app)).libraries

    def _configures(self, build: Build, app: App) -> bool:
        """Whether hutch configures the application: it has a config.ml, and no rules yet."""
        if app.build is not None or app.options:
            return app.build is None
        brought = sources(build, app)
        ruled = build.inputs.has(brought, "/dist/dune")
        return build.inputs.has(brought, "/config.ml") is True and not ruled

    def _configuring(
        self, build: Build, app: App
    ) -> tuple[Build, State, State, State, dict[str, str]]:
        """What configuring takes: the tools, opam's tree, the application, and its variables."""
        from frameworks.mirage import configured

        tools, opam = self._with_opam(build, app), configured.tool(build)
        return build, tools, opam, self.app(build).state, self._env(build)

    def _refuse(self, build: Build, app: App) -> None:
        """Raise Problems for what is no application, before a toolchain is built for it.

        What a script of the application brings is not there yet: `report` looks for that.
        """
        if app.fetch is not None or app.build is not None:
            return
        brought, has = sources(build, app), build.inputs.has
        if has(brought, "/config.ml") is not False:
            return
        if app.options:
            raise Problems([_lacking("unconfigurable", build.plan)])
        if has(brought, "/dist/dune") is False:
            project = has(brought, "/dune-project")
            if project is not None:
                raise Problems([_lacking("unruled" if project else "none", build.plan)])

    def _with_opam(self, build: Build, app: App) -> State:
        from frameworks.mirage import configured

        return kit.app_packages(build, configured.image(build, self.toolchain(build)), app)

    def _app_toolchain(self, build: Build, app: App) -> State:
        return kit.app_packages(build, self.toolchain(build), app)

    def _env(self, build: Build) -> dict[str, str]:
        """MODE is the target's name, as ocaml-solo5's own example has it."""
        return {
            "DUNE_CACHE": "enabled",
            "DUNE_CACHE_ROOT": "/var/cache/dune",
            "DUNE_CACHE_STORAGE_MODE": "copy",
            "HOME": "/root",
            "MODE": monitors.get(build.plan.monitor).solo5,
            "PATH": f"{PREFIX}/bin:{layer.PATH}",
        }

    def _ocaml(self, build: Build, debian: State, solo5: State) -> State:
        """What ocaml-solo5 installs at `PREFIX`."""
        source = kit.named(build, "ocaml", _OCAML) or self._ocaml_source(build, debian)
        pin = kit.pin("frameworks.mirage", "ocaml-solo5")
        ours = kit.pinned_tree(build, "ocaml-solo5", pin, _OCAML_SOLO5)
        triple = build.plan.architecture.solo5
        return build.run(
            debian,
            run_script("ocaml-solo5.sh", PREFIX, triple),
            mounts=(
                script("frameworks.mirage", "ocaml-solo5.sh"),
                *kit.patches("frameworks.mirage"),
                # Writable, and thrown away: it is built in its own tree.
                Mount.bind("/usr/src/ocaml-solo5", ours, output=False),
                Mount.bind("/usr/src/ocaml/ocaml-src", source, output=False),
                Mount.bind(layer.PREFIX, solo5, readonly=True),
                Mount.bind(PREFIX, scratch()),
            ),
            env={**kit.FIXED, "PATH": layer.PATH, "HOME": "/root"},
            meta=build.meta("toolchain", "build OCaml for Solo5", build.origin),
        ).mount(PREFIX)

    def _ocaml_source(self, build: Build, debian: State) -> State:
        return build.run(
            debian,
            run_script("ocaml.sh", "/out", *kit.snapshot(build)),
            mounts=(
                script("frameworks.mirage", "ocaml.sh"),
                script("frameworks.kit", "apt.sh"),
                Mount.bind("/out", scratch()),
            ),
            network=True,
            env=kit.FIXED,
            meta=build.meta("toolchain", "fetch OCaml's source", build.origin),
        ).mount("/out")


def _lacking(word: str, plan: Plan) -> Diagnostic:
    """What a word of `WORDS` says, at the application's line."""
    from frameworks.mirage.project import WORDS  # which a step runs as a module of its own

    assert plan.app is not None
    message, hint = WORDS[word]
    hint = hint.format(target=monitors.get(plan.monitor).solo5)
    at = (plan.app.path or plan.app.from_).at
    return Diagnostic("not-an-application", message, hint, at, plan.file)
