"""What kernels are built from by default: `versions.toml` as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from frameworks.scripts import pinned


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the kernel and the pinned source package it is built from.

    `suite` and `archive` say where a mirror of Debian has the package, `snapshot` (a time stamp)
    where its snapshot service keeps the version.
    """

    name: str
    package: str
    version: str
    suite: str
    archive: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The defaults: series by name, and the toolchain's image and packages.

    `snapshot` is (archive, suite, time) of the pinned packages. `target` and `cross` are packages
    by the guest's architecture; `native` and `foreign` the pinned ones of a builder of that
    architecture and of another.
    """

    default: str
    series: Mapping[str, Series]
    image: str
    snapshot: tuple[str, str, str]
    packages: tuple[str, ...]
    target: Mapping[str, tuple[str, ...]]
    native: Mapping[str, tuple[str, ...]]
    foreign: Mapping[str, tuple[str, ...]]
    cross: Mapping[str, tuple[str, ...]]

    def of_package(self, package: str) -> Series | None:
        """The series that a source package (without version) belongs to."""
        return next((s for s in self.series.values() if s.package == package), None)


@cache
def versions() -> Versions:
    """The content of `versions.toml`."""
    data = pinned("frameworks.linux")
    toolchain = data["toolchain"]

    def by_architecture(name: str) -> dict[str, tuple[str, ...]]:
        return {architecture: tuple(row) for architecture, row in toolchain[name].items()}

    return Versions(
        default=data["default"],
        series={name: Series(name, **row) for name, row in data["series"].items()},
        image=toolchain["image"],
        snapshot=(toolchain["archive"], toolchain["suite"], toolchain["snapshot"]),
        packages=tuple(toolchain["packages"]),
        target=by_architecture("target"),
        native=by_architecture("native"),
        foreign=by_architecture("foreign"),
        cross=by_architecture("cross"),
    )
