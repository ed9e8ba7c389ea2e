"""The lint rules, one row each: a name, a sentence, a page, and the phases that look for it.

A phase has the checks: the file's are in `frontend.lint.filechecks`, the built image's in
`frontend.lint.imagechecks`. Findings about a plan are noted by what makes the plan: only there is
known what came of each key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from frontend import pages


class Phase(StrEnum):
    """When a rule is looked at. `--check` and `hutch check` end before the last."""

    FILE = "the file"
    PLAN = "the plan"
    IMAGE = "the built image"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `url` is its page (`frontend.pages`)."""

    name: str
    description: str
    phases: tuple[Phase, ...]

    @property
    def url(self) -> str:
        return pages.rule(self.name)


def _rule(name: str, description: str, *phases: Phase) -> Rule:
    return Rule(name, description, phases)


FILE, PLAN, IMAGE = Phase

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        _rule("UnsupportedRuntime", "No released urunc boots this guest", PLAN),
        _rule("UnknownFramework", "A v0.1 file names a framework that is not known", PLAN),
        _rule("UnpinnedImage", "An image is named without a version", FILE),
        _rule("UnpinnedSource", "A git repository is named without a commit", FILE),
        _rule("UnlockedSource", "The lock file lacks something that the file leaves open", PLAN),
        _rule("ForeignLock", "Another tool's file has the name of the lock file", FILE),
        _rule("SecretInEnvs", "A secret would be part of the image", FILE),
        _rule("DeprecatedCmdline", "'cmdline' is deprecated, 'cmd' replaces it", FILE, PLAN),
        _rule("IgnoredKey", "A key has no effect beside the others", FILE, PLAN),
        _rule("ArchitectureContradiction", "Two architectures are named", FILE),
        _rule(
            "UnusableRootfs",
            "The guest may not be able to use its root filesystem",
            FILE,
            PLAN,
            IMAGE,
        ),
        _rule("UnbootableKernel", "A kernel is of a form that the monitor does not boot", IMAGE),
        _rule("LargeInitrd", "An initrd does not fit the memory that a guest has", IMAGE),
        _rule("OversizedImage", "A disk image is mostly empty", IMAGE),
        _rule("LostCapabilities", "A program in an initrd loses its capabilities", IMAGE),
        _rule("ClosedFile", "The image's user cannot read what the guest needs", IMAGE),
        _rule("DanglingLink", "An included symbolic link leads nowhere in the guest", IMAGE),
        _rule("ChangedTimes", "A file's time is more than the format can hold", IMAGE),
        _rule("UnquotedNumber", "Text that looks like a number should be quoted", FILE),
        _rule("NoCommand", "The guest has no program to run", FILE, PLAN, IMAGE),
        _rule("UnstartableRoot", "A prebuilt root filesystem lacks what is started in it", IMAGE),
        _rule("UnrunnableCommand", "The guest cannot run its command", IMAGE),
        _rule("SecondInit", "The command has to be the first program, and is not", IMAGE),
        _rule("UnusedArgument", "A build argument is declared and not used", FILE),
        _rule("UnknownArgument", "A build argument is given and not declared", FILE),
        _rule("LiteralVariable", "A variable in a value is not filled in", FILE),
        _rule("LostWithoutInit", "Nothing does in the guest what an init would", FILE, IMAGE),
        _rule("NoNetwork", "Ports are named, and the guest has no network", PLAN),
        _rule("BareVariable", "An environment variable has no value", FILE),
        _rule("InheritedLabel", "A label of the base image for the runtime is not used", PLAN),
        _rule("NoScanner", "The default SBOM scanner cannot be had", IMAGE),
        _rule("InvalidCheckDirective", "A '# check=' line cannot be understood", FILE),
    )
}
"""The rules by name, in the order in which they are checked."""
