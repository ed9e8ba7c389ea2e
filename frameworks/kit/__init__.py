"""The recipe kit: what every framework that builds from source would otherwise write again.

A recipe (`frameworks/<name>/recipe.py`) says what its kernel is built from and how its build is
called. What is the same for all is here; each function gives an `llb` state, or a mount for
`Build.run`, with the vertex's name and lines already right:

    tools = kit.toolchain(build, ("gcc", "make"))        Debian, packages of pinned versions
    tools = kit.extra(build, tools)                      and those of the file's toolchain.packages
    tree = kit.source(build, said, tools)                git, a URL, the context: a tree at its top
    tree = kit.patched(build, tree, tools)               kernel.patches of the file
    step = build.run(
        tools,
        run_script("kernel.sh"),                         frameworks/<name>/steps/kernel.sh
        mounts=(
            script("frameworks.<name>", "kernel.sh"),
            *kit.patches("frameworks.<name>"),           /hutch/patch.sh --own TREE puts ours on
            tree.mount("/src"),
            kit.objects(build, "/obj", tree.kind),       objects of earlier builds
            Mount.bind("/out", scratch()),
        ),
        env=kit.FIXED,
        meta=build.meta("kernel", "make", build.origin),
    )
    return kit.checked(build, step.mount("/out"), "kernel")   an error, if no monitor can boot it

What several recipes refuse of a plan is in `frameworks.kit.checks`, which they call in `check`.

`kit.app_packages` installs `app.packages`, `kit.cross` has the variables by which an application's
scripts find the guest's compiler, `kit.with_sysroot` the headers and libraries that it reads,
`kit.named` takes the build context of a name instead of a pinned tree
(`--build-context solo5=...`), `frameworks.init` puts hutch's init into a root.

Beside the recipe lie, by name:

    versions.toml      what is built from when a file does not say (`kit.pin`, `kit.versioned`)
    steps/             scripts, which run in steps (`frameworks.scripts`)
    patches/<series>/  hutch's own changes to the source (`kit.patches`)

What a toolchain's packages are pinned to is one table for all: `frameworks/kit/versions.toml`.
Nothing here reads the network: a step does, and only one that fetches or installs.
"""

from frameworks.kit.cross import Cross, cross, gcc
from frameworks.kit.debian import (
    FIXED,
    Release,
    app_packages,
    base,
    compiler,
    extra,
    host_compiler,
    image,
    install,
    libc,
    release,
    snapshot,
    toolchain,
)
from frameworks.kit.kernel import checked, fingerprint, objects
from frameworks.kit.patches import patched, patches
from frameworks.kit.source import (
    Landmarks,
    Pin,
    SourceTree,
    named,
    pin,
    pinned_tree,
    source,
    versioned,
)
from frameworks.kit.sysroot import SYSROOT, place_sysroot, with_sysroot

__all__ = [
    "FIXED",
    "SYSROOT",
    "Cross",
    "Landmarks",
    "Pin",
    "Release",
    "SourceTree",
    "app_packages",
    "base",
    "checked",
    "compiler",
    "cross",
    "extra",
    "fingerprint",
    "gcc",
    "host_compiler",
    "image",
    "install",
    "libc",
    "named",
    "objects",
    "patched",
    "patches",
    "pin",
    "pinned_tree",
    "place_sysroot",
    "release",
    "snapshot",
    "source",
    "toolchain",
    "versioned",
    "with_sysroot",
]
