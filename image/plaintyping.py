"""What the image's modules have in the place of `typing`: names, of which nothing is ever asked.

`image.expand` takes them from here where a module names none beside these, for `typing` is a
twentieth of what a start imports. It is in the image only, beside the standard library.
"""

from collections.abc import Callable

TYPE_CHECKING = False


class _Form:
    """A type form, which forgets what it is given."""

    __slots__ = ()

    def __call__(self, *arguments: object, **options: object) -> "_Form":
        return self

    def __getitem__(self, arguments: object) -> "_Form":
        return self

    def __or__(self, other: object) -> "_Form":
        return self

    __ror__ = __or__


FORM = _Form()
Any = BinaryIO = Final = IO = Literal = NoReturn = TypeAlias = TypeVar = FORM


class Protocol:
    """A base of classes that are never made."""

    __slots__ = ()


class Generic:
    """A base of classes whose arguments are forgotten."""

    __slots__ = ()

    def __class_getitem__(cls, arguments: object) -> type:
        return cls


def cast(form: object, value: object) -> object:
    """The value."""
    return value


def overload(function: Callable[..., object]) -> Callable[..., object]:
    """The function, which the last of its name replaces."""
    return function
