"""The lint rules, one row each: a name, a sentence, a page, and the check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import frameworks
from frameworks.architectures import NAMES
from frameworks.diagnostics import Diagnostic, did_you_mean
from frameworks.process import Process, merge
from frameworks.runtime import RUNTIME
from frameworks.spec import Bunnyfile, GitSource, Settings, Text
from frontend.bunnyfile.args import PLATFORM_ARGS
from frontend.bunnyfile.nodes import Entry, Mapping, Node, Scalar, Sequence
from llb import InvalidReference, Range, Reference


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule looks at: the decoded file, its tree, the warnings of reading it, and the names
    of the build's contexts (`--build-context`), which are not images, and of its arguments."""

    bunnyfile: Bunnyfile
    tree: Mapping
    warnings: tuple[Diagnostic, ...] = ()
    contexts: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found at one place."""

    message: str
    hint: str
    at: Range


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `url` is its page, relative to the repository."""

    name: str
    description: str
    check: Callable[[Subject], Iterator[Finding]]

    @property
    def url(self) -> str:
        return f"docs/rules/{self.name}.md"


def _context_name(image: str) -> str:
    """The name of the build context that would stand in for an image, as buildx has it."""
    try:
        return Reference.parse(image).familiar.removesuffix(":latest")
    except InvalidReference:
        return image


def _unpinned_image(subject: Subject) -> Iterator[Finding]:
    for image in subject.bunnyfile.images():
        name = image.rpartition("/")[2]
        if "@" in name or _context_name(image) in subject.contexts:
            continue
        if ":" not in name or name.endswith(":latest"):
            yield Finding(
                f"'{image}' is whatever its newest image is on the day of the build",
                "name a version, or pin it with '@sha256:...'",
                image.at,
            )


def _unpinned_source(subject: Subject) -> Iterator[Finding]:
    kernel = subject.bunnyfile.kernel
    if kernel is not None and isinstance(kernel.source, GitSource):
        source = kernel.source
        if source.commit is None:
            what = f"'{source.ref}'" if source.ref else "the default branch"
            hint = "add 'commit:' with the full hash that it must be"
            yield Finding(
                f"{what} can be moved to another commit", hint, (source.ref or source.url).at
            )
    app = subject.bunnyfile.app
    if app is not None and app.git is not None:
        pinned = app.git.commit or re.fullmatch(r"[0-9a-f]{40}", app.git.ref or "")
        if not pinned:
            hint = "end the URL with '#' and the full hash of a commit"
            yield Finding("the repository's content can change", hint, app.from_.at)


_SECRET = re.compile(r"passw(or)?d|secret|token|api_?key|private_?key|credential", re.IGNORECASE)


def _secret_in_envs(subject: Subject) -> Iterator[Finding]:
    pairs: list[tuple[Text, Text | None]] = [*subject.bunnyfile.settings.envs]
    pairs += subject.bunnyfile.args
    for name, value in pairs:
        if value and _SECRET.search(name) and not name.upper().endswith(("_FILE", "_PATH")):
            yield Finding(
                f"'{name}' looks like a secret, and whoever has the image can read it",
                "give it to the container at run time instead",
                name.at,
            )


def _deprecated_cmdline(subject: Subject) -> Iterator[Finding]:
    entry = _entry(subject.tree, "cmdline")
    if subject.bunnyfile.version == "v1" or entry is None or not isinstance(entry.value, Scalar):
        return
    hint = "write the arguments as a list: 'cmd: [...]'"
    if _SPACED_QUOTE.search(entry.value.text):
        message = "'cmdline' is split at spaces, and quotes in it have no meaning"
        yield Finding(message, hint, entry.value.at)
        return
    yield Finding("'cmdline' is deprecated", hint, entry.key.at)


_SPACED_QUOTE = re.compile(r"""(^|\s)["']|\\\s""")


def _ignored_key(subject: Subject) -> Iterator[Finding]:
    """Of v0.1; of v1 it is known once there is a plan (`frontend.lint.effects`)."""
    tree = subject.tree
    cmdline, cmd = _entry(tree, "cmdline"), tree.find("cmd")
    if cmdline is not None and isinstance(cmd, Sequence) and cmd.items:
        yield Finding("'cmdline' is not read where there is 'cmd'", "remove it", cmdline.key.at)


_ARCHITECTURE = re.compile(
    rf"(?<![a-z0-9])({'|'.join(sorted(NAMES, reverse=True)).replace('_', '[_-]')})(?![a-z0-9])",
    re.IGNORECASE,
)
_OF_THE_BUILD = re.compile(r"\$\{TARGET(ARCH|PLATFORM)\b")


def _architecture(subject: Subject) -> Iterator[Finding]:
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
            yield Finding(message, "check which of the two is right", name.at)
    used = [scalar.at for scalar in _scalars(subject.tree) if _OF_THE_BUILD.search(scalar.text)]
    if used and said.at not in used:  # where it is the build's platform itself, nothing is fixed
        yield Finding(
            f"the build's platform is used here, but 'architecture' fixes it to '{said}'",
            "remove 'platforms.architecture' and let --platform decide",
            said.at,
        )


def _unusable_rootfs(subject: Subject) -> Iterator[Finding]:
    """docs/contract/urunc.md 2.1 and 2.3: what the runtime can hand to a guest depends on the
    monitor too."""
    platforms = subject.bunnyfile.platforms
    framework, monitor = platforms.framework, platforms.monitor
    type, at = _rootfs_type(subject.bunnyfile)
    guests = f"{framework} guests on {monitor}"
    guest = frameworks.guest(framework)
    if type == "raw" and guest.needs_snapshot(monitor):
        yield Finding(
            f"{guests} can use a raw root file system only with a devmapper snapshotter",
            "with 'type: block' it works everywhere",
            at,
        )
    elif type == "block" and not guest.reaches(monitor, type):
        others = " or ".join(each for each in guest.monitors if guest.reaches(each, type))
        message = f"{guests} get no disk from {RUNTIME.name}"
        yield Finding(message, f"with the monitor {others} they do", at)
    elif not guest.reaches(monitor, type):
        others = next((each for each in guest.rootfs if guest.reaches(monitor, each)), "none")
        message = f"{guests} cannot use a {type} root file system"
        yield Finding(message, f"with 'type: {others}' it works", at)


def _rootfs_type(file: Bunnyfile) -> tuple[str, Range]:
    """The type of the root file system and where it is said; "" where only the build can tell."""
    rootfs, platforms = file.rootfs, file.platforms
    if rootfs is not None and rootfs.type is not None:
        return rootfs.type, rootfs.type.at
    adds = rootfs.path is None if rootfs is not None else file.app and file.app.artifacts
    if not adds or platforms.framework not in frameworks.TABLE:
        return "", platforms.monitor.at
    return frameworks.get(platforms.framework).guest.rootfs[0], platforms.monitor.at


def _unquoted_number(subject: Subject) -> Iterator[Finding]:
    for entry in subject.tree:
        for scalar in _scalars(_without_options(entry)):
            if scalar.kind == "number" and _changes(scalar.text):
                yield Finding(
                    f"{scalar.text} is a number to other programs, which drop its zeros",
                    f'put it in quotes: "{scalar.text}"',
                    scalar.at,
                )


def _changes(text: str) -> bool:
    """Whether a number loses something of its text when it is read as one: 6.10, 0644, 1e3."""
    return bool(re.fullmatch(r"[0-9]+\.[0-9]*0|0[0-9]+|[0-9.]+[eE][-+]?[0-9]+", text))


def _no_command(subject: Subject) -> Iterator[Finding]:
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
    yield Finding(
        "nothing says which program the guest runs",
        "add 'cmd: [...]' or 'entrypoint: [...]'",
        framework.at,
    )


_TOOLS = re.compile(
    r"BUILDKIT_\w+|HUTCH_\w+|SOURCE_DATE_EPOCH|(?:https?|ftp|no|all)_proxy", re.IGNORECASE
)
"""Build arguments that are for the tools themselves (docs.docker.com, "Predefined ARGs")."""


def _unknown_argument(subject: Subject) -> Iterator[Finding]:
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
        yield Finding(message, hint, file.version.at)


_REFERENCE = re.compile(r"\$(?:\$|(?P<name>[A-Za-z_][A-Za-z0-9_]*))")


def _literal_variable(subject: Subject) -> Iterator[Finding]:
    envs = subject.tree.find("envs")
    for scalar in _scalars(envs) if envs is not None else ():
        found = next((f for f in _REFERENCE.finditer(scalar.text) if f["name"]), None)
        if found is None:
            continue
        name = found["name"]
        hint = "write the value out, as the image has it"
        if subject.bunnyfile.version == "v1":
            hint += f"; ${{{name}}} is a build argument, and '$${name}' means the text itself"
        yield Finding(
            f"'${name}' stays as it is: variables are not filled in, as in a Dockerfile's ENV",
            hint,
            scalar.at,
        )


def _lost_without_init(subject: Subject) -> Iterator[Finding]:
    """Of the file's own words: what its base brings, a build sees (`imagechecks.lost`)."""
    file = subject.bunnyfile
    process = merge(b"{}", file.settings, compat=file.version != "v1")
    framework = file.platforms.framework
    return lost_without_init(framework, file.init, file.settings, process, framework.at)


def lost_without_init(
    framework: str, init: Text | None, said: Settings, process: Process, at: Range
) -> Iterator[Finding]:
    """What of `process` does not reach a guest of `framework`, whose init is `init`.

    What `said` says has its own place; what a base brings is found at `at`.
    """
    places = {str(name): name.at for name, _ in said.envs}
    cut = [name for name, value in process.env.items() if _BLANK.search(value)]
    guest = frameworks.guest(framework)
    if guest.words_for_env:
        for name in cut:
            message = (
                f"the value of '{name}' ends at its first blank in {frameworks.TABLE[framework][1]}"
            )
            yield Finding(message, "give the value in a file", places.get(name, at))
    if guest.words_for_own_init and init is not None and init not in ("auto", "none"):
        # An init that the runtime does not know hears of variables by the kernel's words.
        for name in () if RUNTIME.hands_init(init) else cut:
            message = f"an init of your own hears '{name}' up to its first blank only"
            hint = "let hutch's init start yours: cmd, not init"
            yield Finding(message, hint, places.get(name, at))
    if init != "none" or not guest.runs_program:
        return
    if process.args and process.args[0].rpartition("/")[2] == "urunit":
        return  # an init of the image's own
    hint = "remove 'init: none', or let your own init do it"
    if process.user not in ("", "0", "root", "0:0", "root:root"):
        place = said.user.at if said.user is not None else at
        yield Finding("without an init the program runs as root", hint, place)
    if process.workdir not in ("", "/"):
        place = said.workdir.at if said.workdir is not None else at
        yield Finding("without an init the program starts in /", hint, place)
    words = {str(word): word.at for word in (*(said.entrypoint or ()), *(said.cmd or ()))}
    split = next((word for word in process.args if not word or _BLANK.search(word)), None)
    if split is not None:
        yield Finding("without an init words are split at blanks", hint, words.get(split, at))
    for name in cut:
        message = f"without an init the value of '{name}' ends at its first blank"
        yield Finding(message, hint, places.get(name, at))


_BLANK = re.compile(r"\s")


def _unused_argument(subject: Subject) -> Iterator[Finding]:
    rootfs = subject.bunnyfile.rootfs
    if rootfs is not None and rootfs.dockerfile is not None:
        return  # which gets them all
    used = "\n".join(scalar.text for scalar in _scalars(subject.tree))
    for name, _ in subject.bunnyfile.args:
        if not re.search(rf"\$(\{{{name}\b|{name}\b)", used):
            yield Finding(f"the build argument '{name}' is not used", "remove it", name.at)


def _bare_variable(subject: Subject) -> Iterator[Finding]:
    return _from_warnings(subject, "bad-env")


def _from_warnings(subject: Subject, code: str) -> Iterator[Finding]:
    for found in subject.warnings:
        if found.code == code and found.at is not None:
            yield Finding(found.message, found.hint, found.at)


def _nothing(subject: Subject) -> Iterator[Finding]:
    """Found elsewhere: where the directive is read, by a framework, or by a build."""
    del subject
    return iter(())


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


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("UnsupportedRuntime", "No released urunc boots this guest", _nothing),
        Rule("UnknownFramework", "A v0.1 file names a framework that is not known", _nothing),
        Rule("UnpinnedImage", "An image is named without a version", _unpinned_image),
        Rule("UnpinnedSource", "A git repository is named without a commit", _unpinned_source),
        Rule("SecretInEnvs", "A secret would be part of the image", _secret_in_envs),
        Rule(
            "DeprecatedCmdline", "'cmdline' is deprecated, 'cmd' replaces it", _deprecated_cmdline
        ),
        Rule("IgnoredKey", "A key has no effect beside the others", _ignored_key),
        Rule("ArchitectureContradiction", "Two architectures are named", _architecture),
        Rule(
            "UnusableRootfs",
            "The guest may not be able to use its root file system",
            _unusable_rootfs,
        ),
        Rule("UnbootableKernel", "A kernel is of a form that the monitor does not boot", _nothing),
        Rule("LargeInitrd", "An initrd does not fit the memory that a guest has", _nothing),
        Rule("OversizedImage", "A disk image is mostly empty", _nothing),
        Rule("LostCapabilities", "A program in an initrd loses its capabilities", _nothing),
        Rule("ClosedFile", "The image's user cannot read what the guest needs", _nothing),
        Rule("DanglingLink", "An included symbolic link leads nowhere in the guest", _nothing),
        Rule("ChangedTimes", "A file's time is more than the format can hold", _nothing),
        Rule("UnquotedNumber", "Text that looks like a number should be quoted", _unquoted_number),
        Rule("NoCommand", "The guest has no program to run", _no_command),
        Rule(
            "UnstartableRoot", "A prebuilt root file system lacks what is started in it", _nothing
        ),
        Rule("UnrunnableCommand", "The guest cannot run its command", _nothing),
        Rule("SecondInit", "The command has to be the first program, and is not", _nothing),
        Rule("UnusedArgument", "A build argument is declared and not used", _unused_argument),
        Rule("UnknownArgument", "A build argument is given and not declared", _unknown_argument),
        Rule("LiteralVariable", "A variable in a value is not filled in", _literal_variable),
        Rule("LostWithoutInit", "Nothing does in the guest what an init would", _lost_without_init),
        Rule("NoNetwork", "Ports are named, and the guest has no network", _nothing),
        Rule("BareVariable", "An environment variable has no value", _bare_variable),
        Rule("InheritedLabel", "A label of the base image for the runtime is not used", _nothing),
        Rule("NoScanner", "The default SBOM scanner cannot be had", _nothing),
        Rule("InvalidCheckDirective", "A '# check=' line cannot be understood", _nothing),
    )
}
"""The rules by name, in the order in which they are checked."""
