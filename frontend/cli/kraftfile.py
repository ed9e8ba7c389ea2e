"""A Kraftfile as a bunnyfile, as far as it goes.

The format is kraft's, v0.5 and v0.6 (unikraft/docs, content/docs/cli/reference/kraftfile/v0.6.mdx;
unikraft/kraftkit, schema/v0.6.json). What of it a build of hutch has under another name is put
there; everything else is noted at its line.

    runtime     a kernel that is built already: the image that kraft would take
    template    the ELF loader, which is what hutch's own kernel for Linux programs is
    unikraft    a kernel from source, without a template with the application in it
    libraries   app.libraries, and their options
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from frameworks.architectures import NAMES, TABLE
from frameworks.runtime import monitors
from frameworks.scripts import pinned
from frontend.bunnyfile import yaml
from frontend.bunnyfile.nodes import Entry, Node, Scalar, Sequence, is_null
from frontend.bunnyfile.nodes import Mapping as Tree
from frontend.cli.translation import Translation
from llb import SourceFile

FILES = ("Kraftfile", "kraft.yaml", "kraft.yml")
"""What kraft looks for in a directory, in this order."""

_PACKAGE = "frameworks.unikraft"
_TITLE = "org.opencontainers.image.title"
_SPECS = ("0.5", "0.6")
_CATALOGUE = "unikraft.org"
_KERNEL = "/unikraft/bin/kernel"
"""Where kraft's images have their kernel (kraftkit: oci/well_known.go, WellKnownKernelPath)."""
_MONITOR = monitors.QEMU.name
"""What urunc can start everywhere, and kraft takes by itself."""
_KVM = "kvm"
"""kraft's older name of QEMU (kraftkit: machine/platform/platform.go)."""
_FRAMEWORK = "unikraft"
_OFFICIAL = re.compile(r"(?:https://|ssh://git@)github\.com/unikraft/unikraft(?:\.git)?/?")
_REMOTE = re.compile(r"[a-z+]+://|git@")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_FULL_COMMIT = 40
_LOADER = ("lwip", "libelf")
"""The libraries that hutch's kernel with the ELF loader has of itself."""


def is_kraftfile(name: str, data: bytes) -> bool:
    """Whether a file is one: by its name, or by the key that all of them have."""
    return os.path.basename(name) in FILES or bool(
        re.search(rb"^spec(ification)?:", data, re.MULTILINE)
    )


def translate(name: str, data: bytes, directory: str) -> Translation:
    """The bunnyfile of a Kraftfile whose project is `directory`. Raises Problems for bad YAML."""
    tree = yaml.parse(SourceFile(name, data), last_counts=True)
    return _Kraft(Translation(os.path.basename(name)), tree, directory).translated()


class _Kraft:
    """One file on its way."""

    def __init__(self, made: Translation, tree: Tree, directory: str) -> None:
        self.made = made
        self.directory = directory
        self.said = {entry.key.text: entry for entry in tree}
        self.options: dict[str, Any] = {}
        self.kernel: dict[str, Any] = {"from": "source"}
        self.platforms: dict[str, Any] = {"framework": _FRAMEWORK, "monitor": _MONITOR}
        self.app: dict[str, Any] | None = None
        self.loader = False

    def translated(self) -> Translation:
        """The whole."""
        take = self._take
        spec = take("spec", "specification")
        if spec is not None:
            self._spec(spec)
        name, outdir = take("name"), take("outdir")
        if outdir is not None:
            self._note(outdir, "a build writes where it is told: --output")
        runtime, template = take("runtime"), take("template")
        core = take("unikraft")
        libraries, targets, rootfs = take("libraries"), take("targets"), take("rootfs")
        self._targets(targets)
        self._kernel(runtime, template, core)
        if libraries is not None:
            self._libraries(libraries)
        if self.options:
            self.kernel["options"] = self.options
        put = self.made.put
        put("platforms", self.platforms)
        put("kernel", self.kernel)
        put("app", self.app)
        self._rootfs(rootfs)
        env, cmd, labels, volumes = take("env"), take("cmd"), take("labels"), take("volumes")
        if env is not None:
            put("envs", {key: _dollars(value) for key, value in self._pairs(env)})
        if cmd is not None:
            self._cmd(cmd)
        said = {} if name is None else {_TITLE: _text(name.value)}
        if labels is not None:
            said |= self._pairs(labels)
        put("labels", {key: _dollars(value) for key, value in said.items()})
        if volumes is not None:
            self._volumes(volumes)
        for entry in self.said.values():
            self._note(entry, "a Kraftfile has no such key")
        self.made.notes.sort(key=lambda note: note.line)
        return self.made

    # --- the parts ---

    def _spec(self, entry: Entry) -> None:
        version = _text(entry.value).removeprefix("v")
        if version not in _SPECS:
            self._note(entry, f"this was read as v0.6, and says {version or 'nothing'}")

    def _kernel(self, runtime: Entry | None, template: Entry | None, core: Entry | None) -> None:
        if core is not None:
            self._core(core)
        if template is not None:
            source, version = _component(template.value)
            if "elfloader" not in source:
                self._note(template, "what it brings has to be written out here")
            else:
                self.loader = True
                if version not in ("", "stable", *self._versions):
                    tree = f"{source}#{version}" if _REMOTE.match(source) else "a tree of it"
                    self._note(
                        template,
                        "the ELF loader is the one of the kernel's version; another is"
                        f" --build-context app-elfloader={tree}",
                    )
        if runtime is not None:
            self._runtime(runtime, built=core is not None)
        elif core is not None and template is None:
            self.app = {"from": "local", "path": "."}

    def _core(self, entry: Entry) -> None:
        source, version = _component(entry.value)
        if not version and not _REMOTE.match(source) and "/" not in source:
            source, version = "", source  # the short form
        at = _within(entry, "version")
        known = version.removeprefix("RELEASE-").removeprefix("v")
        official = not source or bool(_OFFICIAL.fullmatch(source))
        if official and known in self._versions:
            self.platforms["version"] = known
        elif official and version in ("", "stable"):
            self._note(at, f"the default is a pinned release, {pinned(_PACKAGE)['default']}")
        elif source and not _REMOTE.match(source):
            self._note(at, f"a tree of this machine is --build-context unikraft={source}")
        else:
            url = source or pinned(_PACKAGE)["versions"][self._versions[0]]["git"]
            self._git(at, url, version)
        self._kconfig(entry.value)

    def _git(self, at: Entry, url: str, version: str) -> None:
        if len(version) == _FULL_COMMIT and _COMMIT.fullmatch(version):
            self.kernel["source"] = {"git": url, "commit": version}
            return
        if _COMMIT.fullmatch(version):
            self._note(at, f"a commit is written in full, and {version} is not")
            version = ""
        self.kernel["source"] = {"git": url, "ref": version or "staging"}
        if not version:
            self._note(at, "no branch is named: staging was taken")

    def _runtime(self, entry: Entry, *, built: bool) -> None:
        source, version = _component(entry.value)
        if built:
            self._note(entry, "the kernel is built, so none that is there already is taken")
            return
        if source.startswith((".", "/")) or os.path.exists(os.path.join(self.directory, source)):
            self._note(entry, "a project or a kernel of this machine: build it first, and say path")
        ref = source if "/" in source else f"{_CATALOGUE}/{source}"
        name = ref.rpartition("/")[2]
        if "@" not in ref and ":" not in name:
            ref += f":{version or 'latest'}"
        self.kernel = {"from": ref, "path": _KERNEL}
        if name.partition(":")[0] != "base":
            self._note(
                entry,
                f"{ref} may have files and a command of its own, which kraft adds:"
                " look with `hutch inspect`",
            )

    def _libraries(self, entry: Entry) -> None:
        if not isinstance(entry.value, Tree):
            self._note(entry, "it is no mapping")
            return
        names = []
        for library in entry.value:
            name = library.key.text
            source, version = _component(library.value)
            self._kconfig(library.value)
            if self.app is None:
                if not (self.loader and name in _LOADER):
                    self._note(library, "the kernel with the ELF loader has lwip and libelf alone")
            else:
                names.append(name)
            if name in self._pins:
                if version not in ("", "stable"):
                    what = f"{source}#{version}" if _REMOTE.match(source) else "a tree of it"
                    self._note(
                        library, f"hutch pins it; another is --build-context lib-{name}={what}"
                    )
            elif self.app is not None:
                what = source or "a tree of it"
                self._note(library, f"it comes from --build-context lib-{name}={what}")
        if self.app is not None and names:
            self.app["libraries"] = names

    def _kconfig(self, node: Node) -> None:
        found = node.find("kconfig") if isinstance(node, Tree) else None
        if found is None:
            return
        for key, value in _pairs_of(found):
            self.options[key.removeprefix("CONFIG_")] = _option(value)

    def _targets(self, entry: Entry | None) -> None:
        if entry is None:
            return
        items = entry.value.items if isinstance(entry.value, Sequence) else ()
        usable = []
        for item in items:
            platform, processor = _target(item)
            at = Entry(Scalar(f"{platform}/{processor}", "str", False, item.at), item)
            monitor, architecture = _monitor(platform), _architecture(processor)
            if monitor is None or (processor and architecture is None):
                self._note(at, "urunc has no such guest")
            else:
                usable.append((monitor, architecture, at))
        if not usable:
            return
        chosen = next((each for each in usable if each[0] == _MONITOR), usable[0])
        self.platforms["monitor"], architecture, at = chosen
        if architecture:
            self.platforms["architecture"] = architecture
        self._kconfig(at.value)
        for each in usable:
            if each is not chosen:
                self._note(each[2], "one file is for one monitor, and another for another")

    def _rootfs(self, entry: Entry | None) -> None:
        put = self.made.put
        if entry is None:
            if self.app is None and "path" in self.kernel:
                self.made.note(
                    1, "rootfs", "none is named: kraft takes the runtime's, if it has one"
                )
            return
        path = os.path.normpath(_text(entry.value))
        here = os.path.join(self.directory, path)
        if os.path.basename(path).lower().startswith("dockerfile") or path.endswith(".Dockerfile"):
            put("rootfs", {"from": "dockerfile", "dockerfile": path, "type": "initrd"})
        elif path.endswith((".cpio", ".cpio.gz")):
            put("rootfs", {"from": "local", "path": path, "type": "initrd"})
        elif path.endswith((".tar", ".tar.gz", ".tgz")):
            self._note(
                entry,
                f"a Dockerfile unpacks it: `FROM scratch`, `ADD {path} /`, and from: dockerfile",
            )
        else:
            if not os.path.isdir(here):
                self._note(entry, f"'{path}' is not there: it was taken for a directory")
            put("rootfs", {"type": "initrd", "include": [f"{path}:/"]})

    def _cmd(self, entry: Entry) -> None:
        if isinstance(entry.value, Sequence):
            words = [_text(each) for each in entry.value]
        else:
            words = shlex.split(_text(entry.value))
        if "--" in words:
            before, words = words[: words.index("--")], words[words.index("--") + 1 :]
            self._note(
                entry,
                f"{' '.join(before)}: the runtime writes such words; variables are envs",
            )
        self.made.put("cmd", [_dollars(word) for word in words])

    def _volumes(self, entry: Entry) -> None:
        items = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        for item in items:
            if isinstance(item, Tree):
                source, to = (_text(item.find(key)) for key in ("source", "destination"))
            else:
                source, _, to = _text(item).partition(":")
            said = Entry(Scalar(entry.key.text, "str", True, item.at), item)
            self._note(said, f"whoever starts the guest attaches it: -v {source}:{to or source}")

    # --- what they are made of ---

    def _take(self, *names: str) -> Entry | None:
        found = [self.said.pop(name) for name in names if name in self.said]
        return found[0] if found and not is_null(found[0].value) else None

    def _note(self, entry: Entry, advice: str) -> None:
        self.made.note(entry.key.at.start.line, entry.key.text, advice)

    def _pairs(self, entry: Entry) -> Iterator[tuple[str, str]]:
        return _pairs_of(entry.value)

    @property
    def _versions(self) -> list[str]:
        return list(pinned(_PACKAGE)["versions"])

    @property
    def _pins(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = pinned(_PACKAGE)["libraries"]
        return found


def _text(node: Node | None) -> str:
    """A scalar's text; "" for everything else, and for nothing."""
    return node.text if isinstance(node, Scalar) and not is_null(node) else ""


def _component(node: Node) -> tuple[str, str]:
    """Where a component is from, and its version: of `SOURCE[@VERSION]`, or of a mapping."""
    if isinstance(node, Tree):
        source = _text(node.find("source")) or _text(node.find("name"))
        return source, _text(node.find("version"))
    text = _text(node)
    if _REMOTE.match(text):
        head, _, version = text.rpartition("@")
        if head and "/" in head.partition("://")[2]:
            return head, version
    return text, ""


def _within(entry: Entry, key: str) -> Entry:
    """The entry `key` of a mapping's; the mapping's own where it has none."""
    if isinstance(entry.value, Tree):
        for each in entry.value:
            if each.key.text == key:
                return each
    return entry


def _pairs_of(node: Node) -> Iterator[tuple[str, str]]:
    """What kraft writes as a mapping or as a list of KEY=VALUE."""
    if isinstance(node, Tree):
        for entry in node:
            yield entry.key.text, _text(entry.value)
    elif isinstance(node, Sequence):
        for item in node:
            key, _, value = _text(item).partition("=")
            yield key, value


def _option(value: str) -> bool | int | str:
    """An option of Kconfig as a bunnyfile writes it."""
    value = value.strip('"')
    if value in ("y", "n"):
        return value == "y"
    return int(value) if re.fullmatch(r"0|-?[1-9][0-9]*", value) else _dollars(value)


def _target(node: Node) -> tuple[str, str]:
    """The platform and the processor of a target."""
    if isinstance(node, Tree):
        platform = node.find("plat") or node.find("platform")
        processor = node.find("arch") or node.find("architecture")
        return _text(platform), _text(processor)
    platform_, _, processor_ = _text(node).partition("/")
    return platform_, processor_


def _monitor(platform: str) -> str | None:
    """The monitor that kraft's platform is, None where urunc starts no such guest there."""
    if platform == _KVM:
        return _MONITOR
    for monitor in monitors.TABLE.values():
        if platform in (monitor.name, *monitor.aliases) and monitor.kind == "machine":
            return monitor.name
    return None


def _architecture(processor: str) -> str | None:
    """What a bunnyfile calls the processor, None where no guest is built for it."""
    known = NAMES.get(processor)
    return None if known is None else TABLE[known].cpu


def _dollars(text: str) -> str:
    """A text that a bunnyfile reads as it stands here."""
    return text.replace("$", "$$")
