"""JSON that others wrote: read within bounds, and refused with a reason in one line.

Python's own reader ends in RecursionError for deep nesting, takes NaN, numbers of any length and
halves of characters, and the writer puts out again what no other reader takes.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 20
"""As many as an integer of 64 bits can have, with its sign."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Pairs(list[tuple[str, Any]]):
    """An object as it was written: its keys in order, also those that are there twice."""


def loads(data: bytes, *, pairs: bool = False) -> Any:
    """The value that `data` (UTF-8) holds; with `pairs` each object is a `Pairs`.

    Raises ValueError, which says why, for what is not JSON, nests deeper than `MAX_DEPTH`, or has a
    number or a character that cannot be written again.
    """
    hook: Callable[[list[tuple[str, Any]]], Any] | None = Pairs if pairs else None
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=hook,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except RecursionError:
        raise ValueError(_too_deep()) from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8 text") from None
    _check(value)
    return value


def _check(value: Any) -> None:
    """Look at every text, and how deep each is. A stack of ours: it must not be Python's."""
    stack = [(value, 1)]
    while stack:
        each, depth = stack.pop()
        if isinstance(each, str):
            if not each.isascii() and (half := _SURROGATE.search(each)):
                raise ValueError(f"the escape of U+{ord(half[0]):04X} is half a character")
            continue
        if isinstance(each, dict):
            inner: list[Any] = [*each, *each.values()]
        elif isinstance(each, Pairs):
            inner = [part for pair in each for part in pair]
        elif isinstance(each, list):
            inner = each
        else:
            continue
        if depth > MAX_DEPTH:
            raise ValueError(_too_deep())
        stack += [(part, depth + 1) for part in inner]


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text) if len(text) <= 4 * MAX_DIGITS else float("inf")
    if abs(number) == float("inf"):
        raise ValueError("a number is too large")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _too_deep() -> str:
    return f"values are nested more than {MAX_DEPTH} deep"
