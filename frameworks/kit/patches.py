"""Patches: the file's own, and those that hutch has for a source.

Both are put on by one script, `steps/patch.sh`. A patch that does not apply ends the build with
`frameworks.exits.BAD_PATCH`.

hutch's own lie in `frameworks/<name>/patches/<series>/<NNNN>-<what>.patch`. A series is `all`,
`before-6.8`, `from-5.2` or `from-5.2-before-6.8`: the versions of the source that its patches are
for. Each patch begins with a header that says what it does, why, and what became of it upstream.
One that the source has already is left out, so that what is fixed there needs no new release of
hutch.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace

from frameworks.base import Build
from frameworks.kit.source import SourceTree
from frameworks.scripts import FOLDER, OURS, files, read, run_script, script
from llb import FileAction, Meta, Mount, State, mkdir, mkfile, scratch
from llb.mount import BindMount


def patches(package: str) -> list[Mount]:
    """hutch's own patches of `package`, and the script that puts them on, as mounts of a step.

    The step's script calls it on a tree that it can write to, with the tree's version where there
    are series: `sh /hutch/patch.sh --own TREE [VERSION]`. `patch` has to be installed.
    """
    actions = list[FileAction]()
    for series in files(package, "patches"):
        actions.append(mkdir(f"/{series}", timestamp=0))
        for name in files(package, "patches", series):
            data = read(package, "patches", series, name)
            assert data is not None
            actions.append(mkfile(f"/{series}/{name}", data, timestamp=0))
    state = scratch().file(*actions, meta=Meta(name="[internal] patches", group=OURS))
    return [
        script("frameworks.kit", "patch.sh"),
        Mount.bind(f"{FOLDER}/patches", state, readonly=True),
    ]


def user_patches(build: Build) -> list[BindMount]:
    """The files of `kernel.patches`, in order, as mounts."""
    kernel = build.plan.kernel
    return [
        Mount.bind(
            f"/patches/{index:03}",
            build.inputs.context(patch),
            posixpath.join("/", patch),
            readonly=True,
        )
        for index, patch in enumerate(kernel.patches if kernel is not None else ())
    ]


def patched(build: Build, tree: SourceTree, tools: State, dest: str = "/src") -> SourceTree:
    """`tree` with the patches of the file (`kernel.patches`); `tools` has `patch`."""
    kernel = build.plan.kernel
    names = kernel.patches if kernel is not None else ()
    state, key = tree.state, tree.key
    for name, mount in zip(names, user_patches(build), strict=True):
        state = build.run(
            tools,
            run_script("patch.sh", dest, mount.dest, name),
            mounts=[script("frameworks.kit", "patch.sh"), mount, Mount.bind(dest, state)],
            meta=build.meta("kernel", f"patch {name}", name),
        ).mount(dest)
        key += f"+{name}"
    return replace(tree, state=state, key=key, pinned=tree.pinned and not names)
