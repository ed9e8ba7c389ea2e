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
    """The defaults: series by name, and the packages of the toolchain."""

    default: str
    series: Mapping[str, Series]
    packages: tuple[str, ...]

    def of_package(self, package: str) -> Series | None:
        """The series that a source package (without version) belongs to."""
        return next((s for s in self.series.values() if s.package == package), None)


@cache
def versions() -> Versions:
    """The content of `versions.toml`."""
    data = pinned("frameworks.linux")
    return Versions(
        default=data["default"],
        series={name: Series(name, **row) for name, row in data["series"].items()},
        packages=tuple(data["toolchain"]["packages"]),
    )
