"""What a recipe asks for, answered over the gateway.

A recipe is run until it asks for nothing new. The first time an image or a Dockerfile's result is
asked for, a stand-in is handed out and the request noted; between the runs everything noted is
fetched at once, in parallel. The paths that a recipe reads of a context are learned the same way,
and no others are sent by the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, overload

from frameworks.base import Image, Inputs
from frameworks.diagnostics import Diagnostic, Problems, problem
from frameworks.spec import Text
from frontend.dockerui.images import Images
from frontend.dockerui.resolve import ResolvedImage
from frontend.gateway.errors import GatewayError
from llb import Platform, State, scratch

if TYPE_CHECKING:
    from frontend.dockerui.contexts import Contexts
    from frontend.dockerui.named import NamedContext
    from llb import Definition

_AT_ONCE = 8
_NO_VARIANT = "no match for platform"
"""Of containerd's error for an index that lacks a platform (images/image.go)."""

Key = tuple[str, ...]


class GatewayInputs(Inputs):
    """The inputs of one platform's build."""

    def __init__(self, contexts: Contexts, images: Images) -> None:
        self._contexts = contexts
        self._images = images
        self._paths: dict[str, set[str]] = {}
        self._main: tuple[int, State] | None = None
        self._named: dict[Key, tuple[int, Image | None]] = {}
        self._found: dict[Key, Image] = {}
        self._wanted: dict[Key, Callable[[], Image]] = {}
        self._looked: dict[Key, bool] = {}
        self._looks: dict[Key, Definition] = {}
        self._complete = True

    def fetch_wanted(self) -> bool:
        """Fetch what was asked for since the last call; False if a recipe has to run again.

        Raises Problems with every image that cannot be had.
        """
        complete, self._complete = self._complete, True
        if self._wanted:
            wanted, self._wanted = self._wanted, {}
            self._found.update(_fetch(wanted))
            self._looks.clear()
            return False
        # What is looked at is built first: that waits until all of it is known.
        # One state after the other: what is found in one may end the build before the next is made.
        looks, self._looks = self._looks, {}
        if complete and looks:
            first, _ = next(iter(looks))
            for key, definition in looks.items():
                if key[0] == first:
                    self._looked[key] = self._is_there(definition, key[1])
            return False
        return complete

    def _is_there(self, definition: Definition, path: str) -> bool:
        client = self._contexts.client
        try:
            client.stat_file(client.solve(definition).ref, path)
        except GatewayError as error:
            if not error.is_missing_file:
                raise
            return False
        return True

    def context(self, path: str) -> State:
        paths, is_new = self._follow("", path)
        # The recipe runs again for a new path: till then an answer for fewer of them will do. Each
        # answer looks at all paths, and a file may name thousands.
        if self._main is None or not (is_new or self._main[0] == len(paths)):
            self._main = (len(paths), self._contexts.main(paths))
        return self._main[1]

    def named(self, name: Text, platform: Platform, path: str = "/") -> Image | None:
        if not self._contexts.options.named_contexts:
            return None
        paths, is_new = self._follow(name, path)
        key = (name, str(platform))
        known = self._named.get(key)
        if known is None or not (is_new or known[0] == len(paths)):
            from frontend.dockerui.named import load

            found = _placed(name, lambda: load(self._contexts, name, platform, sorted(paths)))
            known = self._named[key] = (len(paths), found)
        return known[1]

    def image(self, ref: Text, platform: Platform, others: Sequence[Platform] = ()) -> Image:
        platforms = tuple(dict.fromkeys((platform, *others)))

        def resolve() -> ResolvedImage:
            self._contexts.check_locked(ref)
            return first_variant(platforms, lambda each: self._images.resolve(ref, each))[1]

        hint = ""
        if len(platforms) > 1:
            hint = "it was looked for as " + ", ".join(map(str, platforms))
        key = ("image", ref, str(platform))
        return self._ask(key, lambda: _placed(ref, resolve, hint))

    def dockerfile(
        self, path: Text, target: Text | None, platform: Platform, args: Mapping[str, str]
    ) -> Image:
        from frontend.dockerui.nested import dockerfile

        def build() -> Image:
            return _placed(path, lambda: dockerfile(self._contexts, path, target, platform, args))

        return self._ask(("dockerfile", path, target or "", str(platform)), build)

    def give_dockerfile(
        self, path: Text, target: str, platform: Platform, result: ResolvedImage
    ) -> None:
        """Answer for a Dockerfile that was built already."""
        key = ("dockerfile", path, target, str(platform))
        self._found[key] = Image(result.state, str(path), result.config)

    def has(self, state: State, path: str) -> bool | None:
        definition = self._contexts.marshal(state)
        key = (definition.head, path)
        if key not in self._looked:
            self._looks[key] = definition
        return self._looked.get(key)

    def tools(self) -> State:
        return self._images.own()

    def _follow(self, name: str, path: str) -> tuple[set[str], bool]:
        """The paths to send of the context `name` ("" for the main one), now with `path`, and
        whether that is new."""
        paths = self._paths.setdefault(name, set())
        if path in paths:
            return paths, False
        paths.add(path)
        self._complete = False
        return paths, True

    def _ask(self, key: tuple[str, ...], answer: Callable[[], Image]) -> Image:
        if key in self._found:
            return self._found[key]
        self._wanted[key] = answer
        self._complete = False
        return Image(scratch(), key[1])


def first_variant(
    platforms: Sequence[Platform], resolve: Callable[[Platform], ResolvedImage]
) -> tuple[Platform, ResolvedImage]:
    """The first of `platforms` that an image has a variant for, and the image.

    Raises what `resolve` raised for the last of them, or at once for anything but that.
    """
    for platform in platforms[:-1]:
        try:
            return platform, resolve(platform)
        except GatewayError as error:
            if _NO_VARIANT not in error.message:
                raise
    return platforms[-1], resolve(platforms[-1])


def at_once(tasks: Sequence[Callable[[], object]]) -> list[BaseException | None]:
    """Run `tasks` in threads, and return how each ended: its error, or None."""
    if len(tasks) == 1:
        try:
            tasks[0]()
        except Exception as error:
            return [error]
        return [None]
    from concurrent.futures import ThreadPoolExecutor  # imports much; most have one task

    pool = ThreadPoolExecutor(min(_AT_ONCE, len(tasks)))
    try:
        running = [pool.submit(task) for task in tasks]
        return [future.exception() for future in running]
    finally:  # without waiting: of an interrupted build the daemon ends what it has begun
        pool.shutdown(wait=False, cancel_futures=True)


def _fetch(wanted: Mapping[Key, Callable[[], Image]]) -> dict[Key, Image]:
    """All answers; every failure of a user's making is reported, not only the first."""
    found: dict[Key, Image] = {}

    def fetch(key: Key, answer: Callable[[], Image]) -> None:
        found[key] = answer()

    failed: list[Diagnostic] = []
    for error in at_once([partial(fetch, key, answer) for key, answer in wanted.items()]):
        if isinstance(error, Problems):
            failed.extend(error.diagnostics)
        elif error is not None:
            raise error
    if failed:
        raise Problems(failed)
    return found


@overload
def _placed(at: Text, resolve: Callable[[], ResolvedImage], hint: str = "") -> Image: ...
@overload
def _placed(at: Text, resolve: Callable[[], NamedContext | None]) -> Image | None: ...
def _placed(
    at: Text, resolve: Callable[[], ResolvedImage | NamedContext | None], hint: str = ""
) -> Image | None:
    """An answer, or an error that stands at the line that asked for it.

    `hint` is for an image that has no variant for the platform.
    """
    try:
        found = resolve()
    except Problems as problems:
        raise Problems(
            d if d.at is not None else replace(d, at=at.at) for d in problems.diagnostics
        ) from None
    except GatewayError as error:
        if error.status.details:  # the step that failed knows its own lines better
            raise
        if _NO_VARIANT not in error.message:
            hint = ""
            if not set(at) & set("/:@."):
                hint = f"if it is to be a build context, add --build-context {at}=..."
        raise problem("no-such-image", error.message, hint=hint, at=at.at) from error
    if found is None:
        return None
    sent = not isinstance(found, ResolvedImage) and found.sent
    return Image(found.state, found.reference or str(at), found.config or b"{}", sent)
