"""Platforms: what an image is made for and what a step runs on.

The syntax and the normal form are containerd's (containerd/platforms: `platforms.go`,
`database.go`), with one difference: this library never asks for the host's platform, so a
specifier that leaves the operating system or the architecture out is an error here.
"""

import re
from dataclasses import dataclass
from typing import Final

_OS: Final = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?")
_PART: Final = re.compile(r"[A-Za-z0-9_.-]+")
# "%" first when encoding, so that the other codes are not encoded twice.
_ESCAPES: Final = (("%", "%25"), ("+", "%2B"), ("(", "%28"), (")", "%29"), ("/", "%2F"))


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system and a processor, always in normal form (`x86_64` becomes `amd64`).

    `variant` is the processor's version where it matters (`v7` of `arm`); `os_version` and
    `os_features` are used by Windows images. Two spellings of one platform are equal.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.os or not self.architecture:
            raise ValueError("a platform needs an operating system and an architecture")
        system = self.os.lower()
        architecture, variant = _normalise(self.architecture.lower(), self.variant.lower())
        object.__setattr__(self, "os", "darwin" if system == "macos" else system)
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "variant", variant)
        object.__setattr__(self, "os_features", tuple(sorted(set(self.os_features))))

    @classmethod
    def parse(cls, specifier: str) -> "Platform":
        """Read `os[(version[+feature...])]/architecture[/variant]`, for example `linux/arm64`.

        Raises ValueError for anything else, a bare `linux` or `arm64` included.
        """
        parts = specifier.split("/")
        if not 2 <= len(parts) <= 3:
            raise ValueError(
                f"platform {specifier!r} is not of the form os/architecture[/variant],"
                " for example linux/amd64"
            )
        system = _OS.fullmatch(parts[0])
        if system is None:
            raise ValueError(f"platform {specifier!r}: {parts[0]!r} names no operating system")
        for part in parts[1:]:
            if _PART.fullmatch(part) is None:
                raise ValueError(f"platform {specifier!r}: {part!r} is not a valid component")
        features = (system[3] or "").split("+")[1:]
        return cls(
            os=system[1],
            architecture=parts[1],
            variant=parts[2] if len(parts) == 3 else "",
            os_version=_decode(system[2] or ""),
            os_features=tuple(_decode(feature) for feature in features),
        )

    def __str__(self) -> str:
        """Format it as containerd's FormatAll does; `Platform.parse` reads it back."""
        system = self.os
        options = _encode(self.os_version)
        options += "".join("+" + _encode(feature) for feature in self.os_features if feature)
        if options:
            system += f"({options})"
        return "/".join(part for part in (system, self.architecture, self.variant) if part)


def _normalise(architecture: str, variant: str) -> tuple[str, str]:
    match architecture, variant:
        case "i386", _:
            return "386", ""
        case (("x86_64" | "x86-64" | "amd64"), _):
            return "amd64", "" if variant == "v1" else variant
        case (("aarch64" | "arm64"), ("8" | "v8" | "v8.0")):
            return "arm64", ""
        case (("aarch64" | "arm64"), ("9" | "9.0" | "v9.0")):
            return "arm64", "v9"
        case "aarch64", _:
            return "arm64", variant
        case "armhf", _:
            return "arm", "v7"
        case "armel", _:
            return "arm", "v6"
        case "arm", ("" | "7"):
            return "arm", "v7"
        case "arm", ("5" | "6" | "8"):
            return "arm", "v" + variant
        case _:
            return architecture, variant


def _encode(option: str) -> str:
    for char, code in _ESCAPES:
        option = option.replace(char, code)
    return option


def _decode(option: str) -> str:
    if "%" not in option:
        return option
    from urllib.parse import unquote  # only Windows' platforms come here

    return unquote(option)
