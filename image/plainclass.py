"""What the image's modules have in the place of `dataclasses` (`image.expand` writes the classes).

It is in the image only, beside the standard library. `dataclasses` itself is imported when its
rarer functions are called after all.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import Field

NEW = object()
"""The default of a parameter whose value is made anew for each object."""

put = object.__setattr__
"""Sets a field of a frozen class."""


class Plain:
    """What is known of a class's fields: the names of all, of those in the repr, and so on.

    `compared` and `hashed` get the values that objects are compared and hashed by.
    """

    __slots__ = ("compared", "hashed", "names", "shown")

    def __init__(
        self,
        names: tuple[str, ...],
        shown: tuple[str, ...],
        compared: tuple[str, ...],
        hashed: tuple[str, ...],
    ) -> None:
        self.names = names
        self.shown = shown
        self.compared = _getter(compared)
        self.hashed = _getter(hashed)


def _getter(names: tuple[str, ...]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda instance: None


def cannot_assign(self: object, name: str, value: object) -> NoReturn:
    """`__setattr__` of a frozen class."""
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def cannot_delete(self: object, name: str) -> NoReturn:
    """`__delattr__` of a frozen class."""
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def show(self: Any) -> str:
    """`__repr__`, of the fields that are to be shown."""
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__plain__.shown)
    return f"{type(self).__qualname__}({shown})"


def equal(self: Any, other: Any) -> Any:
    """`__eq__`: only objects of the very same class are compared."""
    if self is other:
        return True
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = self.__plain__.compared
    return compared(self) == compared(other)


def hash_of(self: Any) -> int:
    """`__hash__` of a frozen class."""
    return hash(self.__plain__.hashed(self))


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared = self.__plain__.compared
        return compare(compared(self), compared(other))

    return method


less, less_or_equal, greater, greater_or_equal = map(_ordered, (lt, le, gt, ge))
"""`__lt__`, `__le__`, `__gt__`, `__ge__`."""


def get_state(self: Any) -> list[object]:
    """`__getstate__` of a frozen class with slots, which copies need."""
    return [getattr(self, name) for name in self.__plain__.names]


def set_state(self: Any, state: list[object]) -> None:
    """`__setstate__` of a frozen class with slots."""
    for name, value in zip(self.__plain__.names, state, strict=True):
        put(self, name, value)


class Fields:
    """`__dataclass_fields__`, made when `dataclasses` asks for it."""

    __slots__ = ()

    def __get__(self, instance: object, owner: Any) -> "Mapping[str, Field[Any]]":
        from dataclasses import make_dataclass

        made: Any = make_dataclass("Names", [(name, object) for name in owner.__plain__.names])
        fields: Mapping[str, Field[Any]] = made.__dataclass_fields__
        return fields


FIELDS = Fields()


def replace(instance: Any, /, **changes: object) -> Any:
    """A copy of a value with some fields changed, as `dataclasses.replace`."""
    for name in type(instance).__plain__.names:
        if name not in changes:
            changes[name] = getattr(instance, name)
    return type(instance)(**changes)


def is_dataclass(value: object) -> bool:
    """As `dataclasses.is_dataclass`."""
    return hasattr(value if isinstance(value, type) else type(value), "__plain__")


def asdict(value: Any) -> dict[str, Any]:
    """As `dataclasses.asdict`."""
    import dataclasses

    return dataclasses.asdict(value)
