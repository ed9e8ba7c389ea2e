"""What is said of one image."""

from __future__ import annotations

from frameworks.runtime import RUNTIME
from frontend.cli import inspect
from frontend.images.facts import FILE, Facts, Kernel

NEEDED = {RUNTIME.keys.type: "linux", RUNTIME.keys.monitor: "qemu", RUNTIME.keys.kernel: "/k"}


def lines(
    annotations: dict[str, str],
    labels: dict[str, str],
    file: dict[str, str],
    *,
    config: bool = False,
) -> list[str]:
    facts = Facts(
        digest="sha256:1",
        platform="linux/amd64",
        keys={"annotations": annotations, "labels": labels, FILE: file},
        annotations={},
        labels={},
        process={},
        layers=(),
        kernel=Kernel("/k", 10, "bzimage", "amd64", "6.1"),
        versions=("1",),
    )
    return [line.strip() for line in inspect._lines(facts, config=config)]


def keys(shown: list[str]) -> list[str]:
    kept = [line for line in shown if line.startswith((f"{RUNTIME.prefix}mount", "keys:"))]
    return [line.removeprefix(RUNTIME.prefix) for line in kept]


def test_places_that_agree() -> None:
    said = {**NEEDED, "mountRootfs": "true"}
    shown = lines(said, said, said)
    assert keys(shown) == [
        "mountRootfs = true",
        "keys: the same in annotations, labels and urunc.json",
    ]
    # As Docker keeps an image: without annotations.
    assert keys(lines({}, said, said)) == [
        "mountRootfs = true",
        "keys: the same in labels and urunc.json; none in annotations",
    ]
    assert keys(lines({}, {}, said)) == [
        "mountRootfs = true",
        "keys: in urunc.json; none in annotations and labels",
    ]


def test_places_that_do_not() -> None:
    """Each value once, with its places, and which the runtime takes."""
    said = {**NEEDED, "mountRootfs": "true"}
    other = {**NEEDED, "mountRootfs": "false"}
    assert keys(lines(other, said, said)) == [
        "mountRootfs = false  (only in annotations; urunc takes it)",
        "mountRootfs = true  (only in labels and urunc.json; urunc does not take it)",
        "keys: in annotations, labels and urunc.json, which do not say the same",
    ]
    # A label counts where no annotation has its name, and the file where the others lack one.
    assert keys(lines(NEEDED, said, NEEDED))[0] == (
        "mountRootfs = true  (only in labels; urunc takes it)"
    )
    assert keys(lines({"mountRootfs": "false"}, {}, said))[:2] == [
        "mountRootfs = false  (only in annotations; urunc does not take it)",
        "mountRootfs = true  (only in urunc.json; urunc takes it)",
    ]


def test_a_kernel_without_its_configuration() -> None:
    said = [line for line in lines(NEEDED, {}, {}) if line.startswith("kernel's configuration: ")]
    assert said == [f"kernel's configuration: {inspect.NO_OPTIONS}"]
