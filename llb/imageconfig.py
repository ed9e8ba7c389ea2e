"""The part of an OCI image config that a State takes over (image-spec, config.md)."""

import json
from dataclasses import dataclass

from llb.platform import Platform


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Environment, working directory and platform of an image; None if it names no platform."""

    env: dict[str, str]
    working_dir: str
    platform: Platform | None


def read(data: bytes) -> ImageConfig:
    """Read an image config. Raises ValueError if it is not JSON or not of the right types."""
    try:
        document = json.loads(data)
    except ValueError as error:
        raise ValueError(f"the image config is not JSON: {error}") from error
    document = _mapping(document, "the image config")
    config = _mapping(document.get("config") or {}, "config")
    env: dict[str, str] = {}
    for entry in _strings(config.get("Env") or [], "config.Env"):
        name, _, value = entry.partition("=")
        if name:
            env.pop(name, None)
            env[name] = value
    platform = None
    system = _string(document.get("os"), "os")
    architecture = _string(document.get("architecture"), "architecture")
    if system and architecture:
        platform = Platform(
            os=system,
            architecture=architecture,
            variant=_string(document.get("variant"), "variant"),
            os_version=_string(document.get("os.version"), "os.version"),
            os_features=tuple(_strings(document.get("os.features") or [], "os.features")),
        )
    return ImageConfig(env, _string(config.get("WorkingDir"), "config.WorkingDir"), platform)


def _mapping(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not a JSON object")
    return value


def _string(value: object, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{what} in the image config is not a string")
    return value


def _strings(value: object, what: str) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{what} in the image config is not a list")
    return [_string(item, what) for item in value]
