"""Lint of a build file as it is read: what works, but not as it was meant, or not for long.

    report = lint(loaded)

Each check has the name of its rule (`frontend.lint.rules`), with a page `docs/rules/<Name>.md`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import frameworks
from frameworks.architectures import NAMES
from frameworks.diagnostics import Diagnostic, did_you_mean
from frameworks.process import Process, merge
from frameworks.runtime import RUNTIME
from frameworks.spec import Bunnyfile, GitSource, Settings, Text
from frontend.bunnyfile import Loaded
from frontend.bunnyfile.args import PLATFORM_ARGS
from frontend.bunnyfile.nodes import Entry, Mapping, Node, Scalar, Sequence
from frontend.lint import directive
from frontend.lint.findings import START, Report, finding, report
from llb import Range
from llb.reference import context_name, context_names

if TYPE_CHECKING:
    from frontend.bunnyfile.lock import Lock


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check looks at: the decoded file, its tree, the warnings of reading it, the names of
    the build's contexts (`--build-context`), which are not images, and of its arguments, the faults
    of its `# check=` line, and the lock file, whose commits the file has, or the name of another
    tool's file in its place."""

    bunnyfile: Bunnyfile
    tree: Mapping
    warnings: tuple[Diagnostic, ...] = ()
    contexts: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    faults: tuple[Diagnostic, ...] = ()
    lock: Lock | None = None
    foreign_lock: str = ""


def _unpinned_image(subject: Subject) -> Iterator[Diagnostic]:
    for image in subject.bunnyfile.images():
        name = image.rpartition("/")[2]
        if "@" in name or context_name(image) in subject.contexts:
            continue
        if subject.lock is not None and subject.lock.digest(image):
            continue
        if ":" not in name or name.endswith(":latest"):
            yield finding(
                "UnpinnedImage",
                f"'{image}' is whatever its newest image is on the day of the build",
                "name a version, or pin it with '@sha256:...'",
                image.at,
            )


def _unpinned_source(subject: Subject) -> Iterator[Diagnostic]:
    kernel = subject.bunnyfile.kernel
    if kernel is not None and isinstance(kernel.source, GitSource):
        source = kernel.source
        if source.commit is None:
            what = f"'{source.ref}'" if source.ref else "the default branch"
            hint = "add 'commit:' with the full hash that it must be"
            yield finding(
                "UnpinnedSource",
                f"{what} can be moved to another commit",
                hint,
                (source.ref or source.url).at,
            )
    app = subject.bunnyfile.app
    if app is not None and app.git is not None:
        pinned = app.git.commit or re.fullmatch(r"[0-9a-f]{40}", app.git.ref or "")
        if not pinned:
            hint = "end the URL with '#' and the full hash of a commit"
            yield finding(
                "UnpinnedSource", "the repository's content can change", hint, app.from_.at
            )


def foreign_lock(name: str) -> Iterator[Diagnostic]:
    """The finding about a file `name` in the lock file's place that is another tool's."""
    if name:
        from frontend.bunnyfile.lock import ELSEWHERE  # few files have one

        yield finding(
            "ForeignLock",
            f"'{name.rpartition('/')[2]}' is not hutch's: nothing is locked by it",
            ELSEWHERE,
            START,
        )


def _foreign_lock(subject: Subject) -> Iterator[Diagnostic]:
    yield from foreign_lock(subject.foreign_lock)


_SECRET = re.compile(r"passw(or)?d|secret|token|api_?key|private_?key|credential", re.IGNORECASE)


def _secret_in_envs(subject: Subject) -> Iterator[Diagnostic]:
    pairs: list[tuple[Text, Text | None]] = [*subject.bunnyfile.settings.envs]
    pairs += subject.bunnyfile.args
    for name, value in pairs:
        if value and _SECRET.search(name) and not name.upper().endswith(("_FILE", "_PATH")):
            yield finding(
                "SecretInEnvs",
                f"'{name}' looks like a secret, and whoever has the image can read it",
                "give it to the container at run time instead",
                name.at,
            )


def _deprecated_cmdline(subject: Subject) -> Iterator[Diagnostic]:
    entry = _entry(subject.tree, "cmdline")
    if subject.bunnyfile.version == "v1" or entry is None or not isinstance(entry.value, Scalar):
        return
    hint = "write the arguments as a list: 'cmd: [...]'"
    if _SPACED_QUOTE.search(entry.value.text):
        message = "'cmdline' is split at spaces, and quotes in it have no meaning"
        yield finding("DeprecatedCmdline", message, hint, entry.value.at)
        return
    yield finding("DeprecatedCmdline", "'cmdline' is deprecated", hint, entry.key.at)


_SPACED_QUOTE = re.compile(r"""(^|\s)["']|\\\s""")


def _ignored_key(subject: Subject) -> Iterator[Diagnostic]:
    """Of v0.1; of v1 it is known once there is a plan (`frontend.plan.effects`)."""
    tree = subject.tree
    cmdline, cmd = _entry(tree, "cmdline"), tree.find("cmd")
    if cmdline is not None and isinstance(cmd, Sequence) and cmd.items:
        yield finding(
            "IgnoredKey", "'cmdline' is not read where there is 'cmd'", "remove it", cmdline.key.at
        )


_ARCHITECTURE = re.compile(
    rf"(?<![a-z0-9])({'|'.join(sorted(NAMES, reverse=True)).replace('_', '[_-]')})(?![a-z0-9])",
    re.IGNORECASE,
)
_OF_THE_BUILD = re.compile(r"\$\{TARGET(ARCH|PLATFORM)\b")


def _architecture(subject: Subject) -> Iterator[Diagnostic]:
    file = subject.bunnyfile
    said = file.platforms.architecture
    if said is None:
        return
    meant = NAMES.get(said.lower())
    names = (
        file.kernel.path if file.kernel is not None else None,
        file.rootfs.path if file.rootfs is not None else None,
    )
    for name in names:
        if name is None:
            continue
        words = _ARCHITECTURE.findall(name.lower())
        found = {NAMES[word.replace("-", "_")] for word in words}
        if meant and found and meant not in found:
            message = f"'{name}' sounds like another architecture than '{said}'"
            yield finding(
                "ArchitectureContradiction", message, "check which of the two is right", name.at
            )
    used = [scalar.at for scalar in _scalars(subject.tree) if _OF_THE_BUILD.search(scalar.text)]
    if used and said.at not in used:  # where it is the build's platform itself, nothing is fixed
        yield finding(
            "ArchitectureContradiction",
            f"the build's platform is used here, but 'architecture' fixes it to '{said}'",
            "remove 'platforms.architecture' and let --platform decide",
            said.at,
        )


def unusable_rootfs(subject: Subject) -> Iterator[Diagnostic]:
    """docs/contract/urunc.md 2.1 and 2.3: what the runtime can hand to a guest depends on the
    monitor too."""
    platforms = subject.bunnyfile.platforms
    framework, monitor = platforms.framework, platforms.monitor
    type, at = _rootfs_type(subject.bunnyfile)
    guests = f"{framework} guests on {monitor}"
    guest = frameworks.guest(framework)
    if type == "raw" and guest.needs_snapshot(monitor):
        yield finding(
            "UnusableRootfs",
            f"{guests} can use a raw root filesystem only with a devmapper snapshotter",
            "with 'type: block' it works everywhere",
            at,
        )
    elif type == "block" and not guest.reaches(monitor, type):
        others = " or ".join(each for each in guest.monitors if guest.reaches(each, type))
        message = f"{guests} get no disk from {RUNTIME.name}"
        yield finding("UnusableRootfs", message, f"with the monitor {others} they do", at)
    elif not guest.reaches(monitor, type):
        others = next((each for each in guest.rootfs if guest.reaches(monitor, each)), "none")
        message = f"{guests} cannot use a {type} root filesystem"
        yield finding("UnusableRootfs", message, f"with 'type: {others}' it works", at)


def _rootfs_type(file: Bunnyfile) -> tuple[str, Range]:
    """The type of the root filesystem and where it is said; "" where only the build can tell."""
    rootfs, platforms = file.rootfs, file.platforms
    if rootfs is not None and rootfs.type is not None:
        return rootfs.type, rootfs.type.at
    adds = rootfs.path is None if rootfs is not None else file.app and file.app.artifacts
    if not adds or platforms.framework not in frameworks.TABLE:
        return "", platforms.monitor.at
    return frameworks.get(platforms.framework).guest.rootfs[0], platforms.monitor.at


def _unquoted_number(subject: Subject) -> Iterator[Diagnostic]:
    for entry in subject.tree:
        for scalar in _scalars(_without_options(entry)):
            if scalar.kind == "number" and _changes(scalar.text):
                yield finding(
                    "UnquotedNumber",
                    f"{scalar.text} is a number to other programs, which drop its zeros",
                    f'put it in quotes: "{scalar.text}"',
                    scalar.at,
                )


def _changes(text: str) -> bool:
    """Whether a number loses something of its text when it is read as one: 6.10, 0644, 1e3."""
    return bool(re.fullmatch(r"[0-9]+\.[0-9]*0|0[0-9]+|[0-9.]+[eE][-+]?[0-9]+", text))


def _no_command(subject: Subject) -> Iterator[Diagnostic]:
    file = subject.bunnyfile
    framework, rootfs, settings = file.platforms.framework, file.rootfs, file.settings
    runs = frameworks.guest(framework).runs_program
    if not runs or settings.cmd or settings.entrypoint:
        return
    brings = {"scratch", "local"}  # an image or a Dockerfile may bring a command
    if rootfs is not None and rootfs.from_ not in brings:
        return
    if file.kernel is not None and file.kernel.from_ not in ("local", "source"):
        return
    yield finding(
        "NoCommand",
        "nothing says which program the guest runs",
        "add 'cmd: [...]' or 'entrypoint: [...]'",
        framework.at,
    )


_TOOLS = re.compile(
    r"BUILDKIT_\w+|HUTCH_\w+|SOURCE_DATE_EPOCH|(?:https?|ftp|no|all)_proxy", re.IGNORECASE
)
"""Build arguments that are for the tools themselves (docs.docker.com, "Predefined ARGs")."""


def _unknown_argument(subject: Subject) -> Iterator[Diagnostic]:
    file = subject.bunnyfile
    if file.rootfs is not None and file.rootfs.from_ == "dockerfile":
        return  # it has arguments of its own
    declared = {str(name) for name, _ in file.args}
    for name in sorted(subject.given):
        if name in declared or name in PLATFORM_ARGS or _TOOLS.fullmatch(name):
            continue
        hint = did_you_mean(name, declared)
        if not hint.startswith("did you mean"):
            hint = "declare it at the top: 'args: {" + name + ": default}'"
        if file.version != "v1":
            hint = "a v0.1 file has no arguments"
        message = f"the build argument '{name}' was given, and nothing declares it"
        yield finding("UnknownArgument", message, hint, file.version.at)


_REFERENCE = re.compile(r"\$(?:\$|(?P<name>[A-Za-z_][A-Za-z0-9_]*))")


def _literal_variable(subject: Subject) -> Iterator[Diagnostic]:
    envs = subject.tree.find("envs")
    for scalar in _scalars(envs) if envs is not None else ():
        found = next((f for f in _REFERENCE.finditer(scalar.text) if f["name"]), None)
        if found is None:
            continue
        name = found["name"]
        hint = "write the value out, as the image has it"
        if subject.bunnyfile.version == "v1":
            hint += f"; ${{{name}}} is a build argument, and '$${name}' means the text itself"
        yield finding(
            "LiteralVariable",
            f"'${name}' stays as it is: variables are not filled in, as in a Dockerfile's ENV",
            hint,
            scalar.at,
        )


def _lost_without_init(subject: Subject) -> Iterator[Diagnostic]:
    """Of the file's own words: what its base brings, a build sees (`imagechecks.lost`)."""
    file = subject.bunnyfile
    process = merge(b"{}", file.settings, compat=file.version != "v1")
    framework = file.platforms.framework
    return lost_without_init(framework, file.init, file.settings, process, framework.at)


def lost_without_init(
    framework: str, init: Text | None, settings: Settings, process: Process, at: Range
) -> Iterator[Diagnostic]:
    """What of `process` does not reach a guest of `framework`, whose init is `init`.

    What `settings` have has its own place; what a base brings is found at `at`.
    """
    places = {str(name): name.at for name, _ in settings.envs}
    cut = [name for name, value in process.env.items() if _BLANK.search(value)]
    guest = frameworks.guest(framework)
    if guest.words_for_env:
        for name in cut:
            message = (
                f"the value of '{name}' ends at its first blank in {frameworks.TABLE[framework][1]}"
            )
            yield finding(
                "LostWithoutInit", message, "give the value in a file", places.get(name, at)
            )
    if guest.words_for_own_init and init is not None and init not in ("auto", "none"):
        # An init that the runtime does not know hears of variables by the kernel's words.
        for name in () if RUNTIME.hands_init(init) else cut:
            message = f"an init of your own hears '{name}' up to its first blank only"
            hint = "let hutch's init start yours: cmd, not init"
            yield finding("LostWithoutInit", message, hint, places.get(name, at))
    words = {str(word): word.at for word in (*(settings.entrypoint or ()), *(settings.cmd or ()))}
    if guest.splits_cmd is not None:
        for word in process.args:
            if not re.fullmatch(guest.splits_cmd.whole, word):
                title = frameworks.TABLE[framework][1]
                message, hint = f"{title} splits the command at its blanks again", ""
                if not word:
                    message += ": an empty word is none"
                elif _BLANK.search(word):
                    hint = guest.splits_cmd.hint
                else:
                    message = f"{title} reads quotes and backslashes in the command"
                    hint = "put a backslash before each that is meant as it stands"
                yield finding("LostWithoutInit", message, hint, words.get(word, at))
                break
    if init != "none" or not guest.runs_program:
        return
    if process.args and posixpath.basename(process.args[0]) == posixpath.basename(RUNTIME.init):
        return  # an init of the image's own
    hint = "remove 'init: none', or let your own init do it"
    if process.user not in ("", "0", "root", "0:0", "root:root"):
        place = settings.user.at if settings.user is not None else at
        yield finding("LostWithoutInit", "without an init the program runs as root", hint, place)
    if process.workdir not in ("", "/"):
        place = settings.workdir.at if settings.workdir is not None else at
        yield finding("LostWithoutInit", "without an init the program starts in /", hint, place)
    split = next((word for word in process.args if not word or _BLANK.search(word)), None)
    if split is not None:
        yield finding(
            "LostWithoutInit",
            "without an init words are split at blanks",
            hint,
            words.get(split, at),
        )
    for name in cut:
        message = f"without an init the value of '{name}' ends at its first blank"
        yield finding("LostWithoutInit", message, hint, places.get(name, at))


_BLANK = re.compile(r"\s")


def _unused_argument(subject: Subject) -> Iterator[Diagnostic]:
    rootfs = subject.bunnyfile.rootfs
    if rootfs is not None and rootfs.dockerfile is not None:
        return  # which gets them all
    used = "\n".join(scalar.text for scalar in _scalars(subject.tree))
    framework = subject.bunnyfile.platforms.framework
    for name, _ in subject.bunnyfile.args:
        if re.search(rf"\$(\{{{name}\b|{name}\b)", used):
            continue
        if framework in frameworks.TABLE and name in frameworks.get(framework).arguments:
            continue
        yield finding(
            "UnusedArgument", f"the build argument '{name}' is not used", "remove it", name.at
        )


def _bare_variable(subject: Subject) -> Iterator[Diagnostic]:
    for found in subject.warnings:
        if found.code == "bad-env":
            yield finding("BareVariable", found.message, found.hint, found.at)


def _invalid_directive(subject: Subject) -> Iterator[Diagnostic]:
    return iter(subject.faults)


def _entry(tree: Mapping, key: str) -> Entry | None:
    return next((entry for entry in tree if entry.key.text == key), None)


def _without_options(entry: Entry) -> Node:
    """The values under a key of the top, but for kernel options, whose types are meant."""
    node = entry.value
    if entry.key.text == "kernel" and isinstance(node, Mapping):
        kept = tuple(inner for inner in node if inner.key.text != "options")
        return Mapping(kept, node.at)
    return node


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node:
            yield from _scalars(item)
    else:
        for entry in node:
            if not entry.key.text.startswith("x-"):
                yield from _scalars(entry.value)


CHECKS: dict[str, Callable[[Subject], Iterator[Diagnostic]]] = {
    "UnpinnedImage": _unpinned_image,
    "UnpinnedSource": _unpinned_source,
    "ForeignLock": _foreign_lock,
    "SecretInEnvs": _secret_in_envs,
    "DeprecatedCmdline": _deprecated_cmdline,
    "IgnoredKey": _ignored_key,
    "ArchitectureContradiction": _architecture,
    "UnusableRootfs": unusable_rootfs,
    "UnquotedNumber": _unquoted_number,
    "NoCommand": _no_command,
    "UnusedArgument": _unused_argument,
    "UnknownArgument": _unknown_argument,
    "LiteralVariable": _literal_variable,
    "LostWithoutInit": _lost_without_init,
    "BareVariable": _bare_variable,
    "InvalidCheckDirective": _invalid_directive,
}
"""The checks of a file by the names of their rules."""


def lint(
    loaded: Loaded,
    options: str | None = None,
    contexts: Collection[str] = (),
    noted: Collection[Diagnostic] = (),
    given: Collection[str] = (),
) -> Report:
    """Look at a file with every rule that applies.

    `options` is the build's `BUILDKIT_DOCKERFILE_CHECK` argument, None without one. `contexts` are
    the names of the build's contexts, which are not images. `noted` are a plan's warnings, each
    under the name of its rule; `given` the names of the build's arguments.
    """
    checks, faults = directive.read(loaded.file, options)
    names = context_names(contexts)
    subject = Subject(
        loaded.bunnyfile,
        loaded.tree,
        loaded.warnings,
        names,
        frozenset(given),
        faults,
        loaded.lock,
        loaded.foreign_lock,
    )
    found = [
        each for name, check in CHECKS.items() if checks.apply(name) for each in check(subject)
    ]
    return report(loaded.file, checks, [*found, *noted])
