"""A team's builders: two remote ones, a cache in a registry, and fifty files in one bake.

The second is an engine that is new here, with nothing in its cache. Kernels are those of Unikraft's
stand-in trees, which here leave a number of their own in what they build: equal bytes come of one
run.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Builder, Done
from tests.integration.harness.engines import another
from tests.integration.harness.remote import Remotes, address
from tests.places import TREES

pytestmark = pytest.mark.integration

FILES = 50
KERNELS = 2
PLATFORMS = ("linux/amd64", "linux/arm64")
FILE = """\
version: v1
platforms: {{framework: unikraft, monitor: qemu}}
kernel: {{from: source, options: {{APPHELLO_LOUD: {loud}}}}}
app: {{from: local, path: app}}
cmd: [serve, "{number}"]
"""


@pytest.fixture
def remotes(builder: Builder, tmp_path: Path) -> Iterator[Remotes]:
    """`farm`: a builder of both engines, one for each platform. `fresh`: the second engine."""
    state = tmp_path / "e"
    state.mkdir()
    with (
        another("28", builder.environ, state) as second,
        address(builder.environ) as here,
        address(second) as there,
    ):
        made = Remotes(builder, tmp_path / "buildx")
        made.create("farm", (here, PLATFORMS[0]), (there, PLATFORMS[1]))
        made.create("fresh", (there, PLATFORMS[0]))
        yield made


def trees(to: Path) -> dict[str, str]:
    """The contexts of Unikraft's trees, of which the core numbers what it builds."""
    shutil.copytree(TREES / "unikraft", to)
    stub = to / "core/stub.sh"
    numbered = 'see make\n\t\trecord "run: $(cat /proc/sys/kernel/random/uuid)"'
    text = stub.read_text().replace("see make", f"# {uuid.uuid4().hex}\n\t\t{numbered}", 1)
    assert numbered in text
    stub.write_text(text)
    names = {"unikraft": "core", "lib-lwip": "lib-lwip", "lwip": "lwip"}
    return {name: str(to / folder) for name, folder in names.items()}


def ran(done: Done, step: str) -> int:
    """How often a step really ran in a bake: targets that share a run tell of one digest."""
    digests = set()
    for line in done.log.splitlines():
        if line.startswith("{"):
            for vertex in json.loads(line).get("vertexes") or ():
                name, ended = vertex["name"].rpartition("] ")[2], "completed" in vertex
                if name == step and ended and not vertex.get("cached"):
                    digests.add(vertex["digest"])
    return len(digests)


def platform(number: int) -> str:
    """What a file is built for: each kernel for both platforms."""
    return PLATFORMS[number // KERNELS % len(PLATFORMS)]


def test_two_remote_builders_build_each_kernel_once(
    builder: Builder, remotes: Remotes, tmp_path: Path
) -> None:
    """A farm of two, then a builder that has built none of them: for all, each kernel once.

    Ten files at a time: BuildKit ends a frontend whose container is not up in ten seconds. An image
    that leaves its cache in the registry leaves its kernel there, too, and not the toolchain.
    """
    context = tmp_path / "context"
    shutil.copytree(TREES / "unikraft/app", context / "app")
    for number in range(FILES):
        loud = "true" if number % KERNELS else "false"
        text = builder.file(FILE.format(loud=loud, number=number))
        (context / f"{number}.bunnyfile").write_text(text)
    cache = builder.name_of("cache")
    different = KERNELS * len(PLATFORMS)
    common: dict[str, Any] = {
        "context": str(context),
        "contexts": trees(tmp_path / "trees"),
        "attest": ["type=provenance,disabled=true"],
    }
    images = {f"image-{number}": builder.name_of(f"farm-{number}") for number in range(FILES)}
    targets = {
        name: common
        | {
            "dockerfile": f"{number}.bunnyfile",
            "platforms": [platform(number)],
            "tags": [ref],
            "output": ["type=registry"],
            "cache-from": [f"type=registry,ref={cache}-{number % different}"],
        }
        for number, (name, ref) in enumerate(images.items())
    }
    for number in range(different):
        kept = {"cache-to": [f"type=registry,ref={cache}-{number}"], "output": ["type=cacheonly"]}
        targets[f"cache-{number}"] = targets[f"image-{number}"] | kept
    plan = tmp_path / "bake.json"
    plan.write_text(json.dumps({"target": targets}))

    def bake(name: str, *names: str) -> Done:
        options = ("--builder", name, "--progress=rawjson", "--allow=fs.read=*", "-f", str(plan))
        return remotes.run("bake", *options, *names).ok()

    def kernel(name: str) -> bytes:
        packed = builder.read(images[name], targets[name]["platforms"][0])
        assert f"image-{packed.args[1]}" == name
        return packed.read("/.boot/kernel")

    names = list(images)
    farm = [bake("farm", *names[at : at + 10]) for at in range(0, FILES, 10)]
    assert sum(ran(done, "make") for done in farm) == different
    made = {name: kernel(name) for name in names}
    assert len(set(made.values())) == different

    kept_there = bake("farm", *(name for name in targets if name not in images))
    assert ran(kept_there, "make") == 0
    here = [name for number, name in enumerate(names[:20]) if platform(number) == PLATFORMS[0]]
    fresh = bake("fresh", *here)
    assert ran(fresh, "make") == ran(fresh, "install the toolchain") == 0
    assert [kernel(name) for name in here] == [made[name] for name in here]
