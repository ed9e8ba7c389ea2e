"""The size of a pushed image, and how long its interpreter takes to import the frontend."""

from __future__ import annotations

import json
import statistics
import subprocess
import urllib.request

from engine.oci import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST

IMPORT = """
import time
start = time.perf_counter()
from frontend.startup import prepare
prepare()
import frontend.gateway.session, frontend.build
print(time.perf_counter() - start)
"""


def manifest(reference: str) -> dict[str, object]:
    """The manifest or index behind `registry/name:tag` or `registry/name@digest`."""
    registry, _, rest = reference.partition("/")
    name, _, version = rest.partition("@") if "@" in rest else rest.rpartition(":")
    request = urllib.request.Request(
        f"http://{registry}/v2/{name}/manifests/{version}",
        headers={"Accept": ", ".join((INDEX, MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def compressed_size(reference: str) -> int:
    """Bytes that a pull of one platform of the image transfers: the largest, of an index."""
    found = manifest(reference)
    match found:
        case {"layers": list(layers)}:
            return sum(int(layer["size"]) for layer in layers)
        case {"manifests": list(manifests)}:
            name = reference.partition("@")[0]
            stem = name[: name.rindex(":")] if ":" in name.rpartition("/")[2] else name
            return max(
                compressed_size(f"{stem}@{each['digest']}")
                for each in manifests
                if each.get("platform", {}).get("architecture") != "unknown"
            )
        case _:
            raise SystemExit(f"{reference} is no image")


def import_time(reference: str, rounds: int) -> float:
    """Median seconds, over new processes, to import what a build imports first."""
    command = ("docker", "run", "--rm", "--network=none", "--entrypoint=/usr/bin/python3")
    taken = [
        float(subprocess.check_output((*command, reference, "-I", "-S", "-B", "-c", IMPORT)))
        for _ in range(rounds)
    ]
    return statistics.median(taken)
