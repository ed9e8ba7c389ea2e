"""The config of an OCI image: one spelling of each field, and the part that a State takes over.

Docker, BuildKit and containerd read it with Go's JSON package, which takes `USER`, `user` and
`User` for the same field, merges objects that are there twice and lets the last of other values
win. Whoever looks for one spelling only, and keeps the rest, hands the others on unseen. So every
config from outside goes through `parse`, and what comes out has each known field once, in the
standard's spelling, with a value of the right type.

Sources: image-spec config.md; moby's image/image.go and api/types/container for what Docker adds;
Go's encoding/json, decode.go and fold.go.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from llb import strictjson
from llb.platform import Platform
from llb.strictjson import Pairs

Kind: TypeAlias = "Literal['any', 'text', 'texts', 'words', 'set', 'map'] | Mapping[str, Kind]"
"""What a field holds: `words` are a list, or one text for a list of one; `set` is an object whose
keys count, `map` one of texts; a mapping is an object with fields of its own."""

_HEALTHCHECK: Final[Mapping[str, Kind]] = {
    "Test": "texts",
    **dict.fromkeys(("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"), "any"),
}
_PROCESS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("User", "WorkingDir", "StopSignal"), "text"),
    **dict.fromkeys(("Hostname", "Domainname", "Image", "MacAddress"), "text"),
    **dict.fromkeys(("Env", "OnBuild"), "texts"),
    **dict.fromkeys(("Entrypoint", "Cmd", "Shell"), "words"),
    **dict.fromkeys(("ExposedPorts", "Volumes"), "set"),
    "Labels": "map",
    "Healthcheck": _HEALTHCHECK,
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin"), "any"),
    **dict.fromkeys(("StdinOnce", "ArgsEscaped", "NetworkDisabled", "StopTimeout"), "any"),
    **dict.fromkeys(("Memory", "MemorySwap", "CpuShares"), "any"),
}
_IMAGE: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("created", "author", "architecture", "variant", "os", "os.version"), "text"),
    "os.features": "texts",
    "config": _PROCESS,
    "rootfs": {"type": "text", "diff_ids": "texts"},
    "history": "any",
    "container_config": _PROCESS,
    **dict.fromkeys(("id", "parent", "comment", "container", "docker_version", "Size"), "any"),
    "moby.buildkit.cache.v0": "any",
}
_HISTORY: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("created", "created_by", "author", "comment"), "text"),
    "empty_layer": "any",
}
_FOLDED = str.maketrans({"\u017f": "s", "\u212a": "k"})
"""The two characters beyond ASCII that Go takes for letters of a field's name."""


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Environment, working directory and platform of an image; None if it names no platform."""

    env: dict[str, str]
    working_dir: str
    platform: Platform | None


def parse(data: bytes) -> dict[str, Any]:
    """The config as JSON values, each known field once and in the standard's spelling.

    Fields that nobody knows stay as they are. Raises ValueError, which says why, for what is no
    image config.
    """
    try:
        document = strictjson.loads(data, pairs=True)
    except ValueError as error:
        raise ValueError(f"the image config is not JSON: {error}") from None
    if not isinstance(document, Pairs):
        raise ValueError("the image config is not a JSON object")
    image = _object(document, _IMAGE, "")
    if (history := image.get("history")) is not None:
        entries = isinstance(history, list) and not isinstance(history, Pairs)
        if not entries or any(not isinstance(each, Pairs) for each in history):
            raise ValueError("history in the image config is not a list of objects")
        image["history"] = [_object(each, _HISTORY, "history.") for each in history]
    plain: dict[str, Any] = _plain(image)
    return plain


def normal(data: bytes) -> bytes:
    """The config as `parse` reads it, as JSON again. Raises ValueError as `parse` does."""
    return json.dumps(parse(data), ensure_ascii=False).encode()


def read(data: bytes) -> ImageConfig:
    """What a State takes over. Raises ValueError as `parse` does."""
    document = parse(data)
    config = document.get("config") or {}
    env: dict[str, str] = {}
    for entry in config.get("Env") or ():
        name, _, value = entry.partition("=")
        if name:
            env.pop(name, None)
            env[name] = value
    platform = None
    system, architecture = document.get("os", ""), document.get("architecture", "")
    if system and architecture:
        platform = Platform(
            os=system,
            architecture=architecture,
            variant=document.get("variant", ""),
            os_version=document.get("os.version", ""),
            os_features=tuple(document.get("os.features") or ()),
        )
    return ImageConfig(env, config.get("WorkingDir", ""), platform)


def _object(pairs: Pairs, fields: Mapping[str, Kind], where: str) -> dict[str, Any]:
    """An object with fields that are known, read as Go reads it."""
    known = {name.lower(): name for name in fields}
    found: dict[str, Any] = {}
    for key, value in pairs:
        name = known.get(key.translate(_FOLDED).lower())
        if name is None:
            found[key] = value
            continue
        kind = fields[name]
        if value is None:
            if kind != "text" and not isinstance(kind, Mapping):
                found.pop(name, None)
            continue
        value = _value(value, kind, where + name)
        found[name] = _merged(found.get(name), value)
    return found


def _merged(old: Any, new: Any) -> Any:
    """An object that is there twice has the fields of both."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merged(old.get(key), each) for key, each in new.items()}}


def _value(value: Any, kind: Kind, where: str) -> Any:
    if isinstance(kind, Mapping):
        return _object(_pairs(value, where), kind, f"{where}.")
    if kind == "text":
        return _text(value, where)
    if kind == "words" and isinstance(value, str):
        value = [value]
    if kind in ("texts", "words"):
        if not isinstance(value, list) or isinstance(value, Pairs):
            raise ValueError(f"{where} in the image config is not a list")
        return [_text(each, where) for each in value]
    if kind == "map":
        return {_text(key, where): _text(each, where) for key, each in _pairs(value, where)}
    if kind == "set":
        return {_text(key, where): {} for key, _ in _pairs(value, where)}
    return value


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{where} in the image config is not a string")
    if "\0" in value:
        raise ValueError(f"{where} in the image config has a NUL, which ends a text")
    return value


def _pairs(value: Any, where: str) -> Pairs:
    if not isinstance(value, Pairs):
        raise ValueError(f"{where} in the image config is not a JSON object")
    return value


def _plain(value: Any) -> Any:
    """JSON values without `Pairs`; `strictjson` has bounded how deep they are."""
    if isinstance(value, Pairs):
        return {key: _plain(each) for key, each in value}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
