"""The manifests of examples/kubernetes, against the schemas of Kubernetes' API."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.integration.harness import EXAMPLES

pytestmark = pytest.mark.integration

FOLDER = EXAMPLES / "kubernetes"
RELEASES = ("1.30", "1.34")


def documents(name: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all((FOLDER / name).read_text(encoding="utf-8")))


MANIFESTS = [
    (name, document) for name in ("runtimeclass.yaml", "pod.yaml") for document in documents(name)
]


def validate(document: dict[str, Any], release: str) -> None:
    """Raises ValidationError for what a release's API does not take, unknown keys included."""
    importlib.import_module("kubernetes_validate").validate(document, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
def test_a_manifest_is_one_of_the_api(release: str) -> None:
    assert [document["kind"] for _, document in MANIFESTS] == ["RuntimeClass", "Pod", "Service"]
    for _, document in MANIFESTS:
        validate(document, release)


def test_the_schemas_refuse_what_is_misspelled() -> None:
    refusal = importlib.import_module("kubernetes_validate").ValidationError
    for kind, path, wrong in (
        ("RuntimeClass", ("handler",), 7),
        ("Pod", ("spec", "runtimeClass"), "urunc"),
        ("Service", ("spec", "ports", 0, "port"), "redis"),
    ):
        document = copy.deepcopy(next(d for _, d in MANIFESTS if d["kind"] == kind))
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        with pytest.raises(refusal):
            validate(document, RELEASES[-1])


def test_the_manifests_fit_each_other_and_the_example() -> None:
    by_kind = {document["kind"]: document for _, document in MANIFESTS}
    pod = by_kind["Pod"]["spec"]
    assert pod["runtimeClassName"] == by_kind["RuntimeClass"]["metadata"]["name"]
    (container,) = pod["containers"]
    example = YAML(typ="safe").load((EXAMPLES / "linux-redis/bunnyfile").read_text())
    assert [f"{port['containerPort']}/tcp" for port in container["ports"]] == example["ports"]
    probes = [value for key, value in container.items() if key.endswith("Probe")]
    assert probes
    assert not any("exec" in probe for probe in probes)
    service = by_kind["Service"]["spec"]
    assert service["selector"].items() <= by_kind["Pod"]["metadata"]["labels"].items()
    (compose,) = documents("compose.yaml")
    service = compose["services"]["redis"]
    assert service["runtime"] == "io.containerd.urunc.v2"
    assert service["image"] == container["image"]
