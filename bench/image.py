"""The size of a pushed image, and its layers."""

from __future__ import annotations

import json
import subprocess
import urllib.request

from engine.oci import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST


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


def version(reference: str) -> str:
    """What an image says is its version, or its digest, which always says which one it is."""
    subprocess.run(("docker", "pull", "--quiet", reference), check=True, stdout=subprocess.DEVNULL)
    said = subprocess.check_output(
        ("docker", "image", "inspect", "--format", "{{json .}}", reference), text=True
    )
    found = json.loads(said)
    labels = found["Config"].get("Labels") or {}
    digest = next(iter(found.get("RepoDigests") or ()), "").partition("@")[2] or found["Id"]
    return str(labels.get("org.opencontainers.image.version") or digest)


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


def blobs(reference: str) -> dict[str, int]:
    """The bytes of an image's layers as a registry has them, by digest."""
    match manifest(reference):
        case {"layers": list(listed)}:
            return {str(layer["digest"]): int(layer["size"]) for layer in listed}
        case _:
            raise SystemExit(f"{reference} is not one image")


def layers(reference: str) -> tuple[int, int]:
    """The number of an image's layers, and their bytes as a registry has them."""
    found = blobs(reference)
    return len(found), sum(found.values())
