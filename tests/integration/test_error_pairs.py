"""Mistakes that only a build finds: `tests/errors/CODE/NAME.bunnyfile` and what docker prints.

A pair is a file, `NAME.toml` with how to build it, and `NAME.err` with the end of docker's output.
`pytest -m integration tests/integration/test_error_pairs.py --update-goldens` writes the last.

flags      more words of the command line
files      files of the context, beside those that every pair has
special    what is no file, by name: "fifo", "null" (that device), "directory", "-> WHERE" (a link)
binary     files of the context in base64
size       how many bytes the file is to have, with comments added, and the line that names hutch
engine     "20.10" for what only an old daemon lacks
context    "web" for a context that is an archive on the web, which docker does not look into
served     files of a web server on this machine, by path, in base64
image      a word that stands for an image whose configuration is broken, or has the labels `labels`

In a file, REGISTRY and FRONTEND stand for the registry and hutch's image, SITE for the web server.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.errors.test_errors import BUILT, name_of
from tests.integration.harness import Builder, Done
from tests.integration.harness.images import push_config
from tests.integration.harness.serving import serve

pytestmark = pytest.mark.integration

# The lines of the file, or the error itself, whichever is first.
ANSWER = re.compile(r"^(?:\S+:\d+\n-{20}\n|ERROR: failed to build)", re.MULTILINE)


def odd_image(registry: str, labels: dict[str, str] | None) -> str:
    """Push an image without files; returns its name.

    Without `labels` its environment is no list, as no builder makes one.
    """
    path = "hutch-test/broken" if labels is None else "hutch-test/labelled"
    config = {"Env": "A=b"} if labels is None else {"Labels": labels}
    rootfs = {"type": "layers", "diff_ids": []}
    name = f"{registry}/{path}:1"
    push_config(name, {"architecture": "amd64", "os": "linux", "config": config, "rootfs": rootfs})
    return name


@contextmanager
def on_the_web(folder: Path) -> Iterator[str]:
    """The URL of an archive of `folder`."""
    with tarfile.open(folder.parent / "context.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, ".")
    with serve(folder.parent) as url:
        yield f"{url}/context.tar"


def make_special(path: Path, kind: str) -> None:
    """What is no regular file, in the place of whatever is at `path`."""
    path.unlink(missing_ok=True)
    if kind.startswith("-> "):
        path.symlink_to(kind.removeprefix("-> "))
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        assert kind == "null"
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))


def build(builder: Builder, project: Path, text: str, settings: dict[str, Any]) -> Done:
    """Build one pair's file; it must fail."""
    flags = list(settings.get("flags", ()))
    if settings.get("context") != "web":
        return builder.fail(project, text, *flags)
    flags += ["--build-arg", f"BUILDKIT_SYNTAX={builder.frontend}"]
    with on_the_web(project) as url:
        done = builder.build(url, None, *flags, check=False)
    assert done.status != 0, done.log
    return done


@pytest.mark.parametrize("path", BUILT, ids=name_of)
def test_a_pair(
    request: pytest.FixtureRequest,
    project: Path,
    tmp_path: Path,
    path: Path,
    update_goldens: bool,
) -> None:
    settings = tomllib.loads(path.with_suffix(".toml").read_text())
    fixture = "old_builder" if settings.get("engine") == "20.10" else "builder"
    builder: Builder = request.getfixturevalue(fixture)
    words = {"FRONTEND": builder.frontend, "REGISTRY": builder.registry}
    serving = ExitStack()
    if "served" in settings:
        for name, data in settings["served"].items():
            (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "site" / name).write_bytes(b64decode(data))
        words["SITE"] = serving.enter_context(serve(tmp_path / "site"))
    if "image" in settings:
        words[settings["image"]] = odd_image(builder.registry, settings.get("labels"))

    def filled(text: str) -> str:
        return re.sub("|".join(words), lambda found: words[found[0]], text)

    (project / "kernel").write_bytes(b"kernel" * 1000)
    (project / "file").write_text("file\n")
    for name, text in settings.get("files", {}).items():
        (project / name).write_text(filled(text))
    for name, data in settings.get("binary", {}).items():
        (project / name).write_bytes(b64decode(data))
    for name, kind in settings.get("special", {}).items():
        make_special(project / name, kind)
    text = filled(path.with_suffix(".bunnyfile").read_text())
    text += "#" * (settings.get("size", 0) - len(builder.file(text)))
    with serving:
        log = build(builder, project, text, settings).log
    found = ANSWER.search(log)
    assert found is not None, log
    shown = log[found.start() :].rstrip("\n") + "\n"
    for word, value in words.items():
        shown = shown.replace(value, word)
    shown = shown.replace(f"{project}/", "")
    golden = path.with_suffix(".err")
    if update_goldens:
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")
