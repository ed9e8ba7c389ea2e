"""The table of images beside containers: what is compared, and how it is written."""

from __future__ import annotations

import pytest

from bench import sizes
from tests.integration.harness import services


@pytest.mark.parametrize("name", services.SERVICES)
def test_each_service_has_a_container(name: str) -> None:
    """Its own Dockerfile, or one here, of the same base as its root."""
    files = services.files(services.SERVICES[name].heading)
    assert ("Dockerfile" in files) != (name in sizes.CONTAINERS)
    dockerfile = files.get("Dockerfile") or sizes.CONTAINERS[name]
    base = dockerfile.partition("\n")[0].removeprefix("FROM ")
    if base != "scratch":
        assert f"from: {base}" in files["bunnyfile"] or "from: dockerfile" in files["bunnyfile"]


@pytest.mark.parametrize(
    ("rootfs", "kind"),
    [
        ("{type: initrd}", "initrd"),
        ("\n  from: scratch\n  type: block\n  filesystem: erofs", "erofs"),
    ],
)
def test_the_kind_of_a_root(rootfs: str, kind: str) -> None:
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\ncmd: [/a]\n"
    assert sizes.root(f"{text}rootfs: {rootfs}\n") == kind


def test_the_table() -> None:
    assert sizes.table({"Go": sizes.Sizes(2_000_000, 8_450_431, 6_000_000, "ext4")}) == (
        "| | container | guest | its kernel | root filesystem | guest to container |\n"
        "|---|---|---|---|---|---|\n"
        "| Go | 2,000,000 | 8,450,431 | 6,000,000 | ext4 | 4.23 |\n"
    )


def test_the_page_has_a_place_for_it() -> None:
    text = services.PAGE.read_text()
    assert text.count(sizes.BEGIN) == 1
    assert sizes.END in text.partition(sizes.BEGIN)[2]
