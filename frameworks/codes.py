"""Every error that a user can see: its code, a title, and one sentence about it.

A code is part of the interface: it is printed, has a page `docs/errors/<code>.md`, and is never
given to another error. One row for each; a test compares them with the code's own calls.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    # The file as such (frontend/bunnyfile/yaml.py)
    "file-too-large": ("File too large", "The file is larger than a bunnyfile can be."),
    "not-utf8": ("Not UTF-8", "The file is not text in UTF-8."),
    "control-character": ("Control character", "The file has a character YAML does not allow."),
    "empty-file": ("Empty file", "The file has no content, or only comments."),
    "not-a-bunnyfile": (
        "Not a bunnyfile",
        "The file is something else: a Dockerfile, a list, text.",
    ),
    "yaml-syntax": ("YAML syntax", "The file is not well-formed YAML."),
    "multiple-documents": ("Multiple documents", "The file has more than one YAML document."),
    "too-deep": ("Nested too deep", "Values are nested deeper than any bunnyfile needs."),
    "too-many-aliases": (
        "Too many aliases",
        "Aliases (`*name`) make the file grow without bounds.",
    ),
    "unknown-alias": ("Unknown alias", "An alias (`*name`) names nothing above it."),
    "custom-tag": ("Custom tag", "A value has a YAML tag (`!name`), which has no meaning here."),
    "bad-key": ("Bad key", "A key of a mapping is not text."),
    "duplicate-key": ("Duplicate key", "The same key, or variable, is there twice."),
    # Versions and build arguments
    "missing-version": (
        "Missing version",
        "The file does not say which version of the format it is.",
    ),
    "unsupported-version": (
        "Unsupported version",
        "The file's version is not one that hutch knows.",
    ),
    "undeclared-argument": ("Undeclared argument", "A build argument is used that `args` lacks."),
    "missing-argument": ("Missing argument", "A build argument has neither a value nor a default."),
    "bad-substitution": ("Bad substitution", "A `${...}` is not the form of a build argument."),
    # Keys and values
    "unknown-key": ("Unknown key", "A key has no meaning at its place."),
    "missing-key": ("Missing key", "A key that is needed is not there."),
    "empty-value": ("Empty value", "A key has no value, or an empty one."),
    "wrong-type": (
        "Wrong type",
        "A value is of another kind than its key takes: text, list, mapping.",
    ),
    "unknown-value": ("Unknown value", "A value is not among those its key takes."),
    "bad-value": ("Bad value", "A value does not have the form that its key asks for."),
    "bad-env": ("Bad variable", "An environment variable is not of the form KEY=value."),
    "choose-one": ("Choose one", "Exactly one of several keys must be given."),
    "bad-combination": ("Bad combination", "Two keys of the file exclude each other."),
    "empty-rootfs": ("Empty root filesystem", "The root filesystem would have no files."),
    "path-escapes": ("Path escapes", "A path leads out of its directory with `..`."),
    "bad-path": ("Bad path", "The runtime does not take a path in the image."),
    "bad-size": ("Bad size", "A size is not a number with K, M or G."),
    "unknown-user": ("Unknown user", "The image has no account of the name that is its user."),
    "packed-base": (
        "Packed base",
        "An image to build on has its files in a packed root filesystem.",
    ),
    "reserved-annotation": (
        "Reserved annotation",
        "An annotation or label belongs to the runtime.",
    ),
    "too-many-errors": ("Too many errors", "Only the first of very many errors are shown."),
    # What the guest can do (frontend/plan/)
    "unknown-framework": ("Unknown framework", "There is no framework of that name."),
    "unknown-architecture": ("Unknown architecture", "There is no architecture of that name."),
    "wrong-architecture": ("Wrong architecture", "A kernel's file is for another architecture."),
    "architecture-contradiction": (
        "Architecture contradiction",
        "The file names one architecture and the build asks for another.",
    ),
    "unsupported-monitor": ("Unsupported monitor", "The framework does not run on that monitor."),
    "unsupported-platform": ("Unsupported platform", "The guest cannot be built for the platform."),
    "unsupported-rootfs": (
        "Unsupported root filesystem",
        "The guest cannot use a type of rootfs.",
    ),
    "unsupported-filesystem": ("Unsupported file system", "The guest cannot mount a file system."),
    "unsupported-mount": (
        "Unsupported mount point",
        "The guest cannot mount a disk at that place.",
    ),
    "unattachable-device": (
        "Unattachable device",
        "The runtime cannot attach the devices that a Solo5 kernel has to be given.",
    ),
    "unknown-rootfs-file": (
        "Unknown rootfs file",
        "A prebuilt file is no kind of root filesystem.",
    ),
    "unusable-rootfs-file": (
        "Unusable rootfs file",
        "A prebuilt file is of a kind that no guest can use as its root.",
    ),
    # The build's options and contexts (frontend/gateway)
    "bad-build-option": ("Bad build option", "A flag of the build command has a useless value."),
    "bad-build-context": ("Bad build context", "A named build context cannot be used."),
    "bad-git-url": ("Bad git URL", "The query of a git URL makes no sense."),
    "bad-image": ("Bad image", "An image's configuration cannot be read."),
    "bad-image-reference": ("Bad image reference", "Something is not the name of an image."),
    "needs-newer-buildkit": ("Needs a newer BuildKit", "The builder lacks an ability."),
    "no-build-file": ("No build file", "There is no file under the name given with -f."),
    "no-such-file": ("No such file", "A file that the bunnyfile names is not there."),
    "not-a-file": ("Not a file", "What is at a path is a directory, a device or a pipe."),
    "missing-secret": ("Missing secret", "The build was not given a secret that it reads."),
    "missing-agent": ("Missing agent", "The build was not given an SSH agent that it uses."),
    "no-such-image": ("No such image", "An image cannot be found, or may not be read."),
    "bad-lock": ("Bad lock", "The lock file beside the bunnyfile cannot be used."),
    "not-locked": (
        "Not locked",
        "The build takes only what is locked, and the lock file lacks something.",
    ),
    "stale-lock": (
        "Stale lock",
        "Packages of the lock file cannot be had any more, or do not fit.",
    ),
    "dockerfile-recursion": ("Dockerfile recursion", "A Dockerfile would call hutch for ever."),
    "unknown-target": ("Unknown target", "There is no part of the build of that name."),
    "no-such-target": ("No such target", "The file lacks the section that a target would build."),
    "missing-kernel": ("Missing kernel", "Nothing says which kernel the guest boots."),
    "unsupported-source": ("Unsupported source", "The kernel's source cannot come from there."),
    "wrong-source": (
        "Wrong source",
        "A source tree is not of the system that it is to be built as.",
    ),
    "wrong-checksum": (
        "Wrong checksum",
        "A file that was fetched is not the one that was asked for.",
    ),
    "lost-option": ("Lost option", "The kernel did not end up with an option that was asked for."),
    "failed-step": ("Failed step", "A step of the build, or a script of the file, failed."),
    "needs-network": ("Needs the network", "The script of `app.build` wanted the network."),
    "no-network": ("No network", "A step that needs the network could not reach it."),
    "no-such-package": ("No such package", "A distribution lacks a package that is asked for."),
    "no-package-manager": (
        "No package manager",
        "Packages are to be installed into a root filesystem that cannot install any.",
    ),
    "bad-patch": ("Bad patch", "A patch does not apply to the kernel's source."),
    "not-an-application": (
        "Not an application",
        "What `app` names is no application that the framework can build.",
    ),
    "unsupported-step": ("Unsupported step", "The framework lacks a step that the file asks for."),
}
"""code -> (title, one sentence)."""
