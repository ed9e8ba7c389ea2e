"""The valid tree as `frameworks.spec` values; the last place that looks keys up by name.

A tree gets here only when its schema found nothing wrong with it. What a schema cannot say well
(keys that exclude each other, say) is judged in `frontend.bunnyfile.rules`, on the result.
"""

from __future__ import annotations

import frameworks
from frameworks.diagnostics import Collector, Problems, problem
from frameworks.git import bad_url
from frameworks.spec import (
    App,
    Artifact,
    Bunnyfile,
    GitSource,
    Include,
    Kernel,
    LocalSource,
    Option,
    Origin,
    PackageSource,
    Platforms,
    Rootfs,
    Secret,
    Settings,
    Source,
    Text,
    Toolchain,
    UrlSource,
    is_url,
    url_file,
)
from frontend.bunnyfile.args import declared
from frontend.bunnyfile.nodes import Entry, Mapping, Node, Scalar, Sequence, is_null
from llb import Range, giturl


def decode(root: Mapping, version: str, problems: Collector) -> Bunnyfile:
    """The bunnyfile of a valid tree; `version` is "v0.1" or "v1".

    What is wrong with single values beyond their schema (an include without a source) is noted in
    `problems`.
    """
    return _decode_v1(root, problems) if version == "v1" else _decode_v0(root, problems)


# --- v0.1: bunny's (docs/contract/urunc.md 4.1) ---


def _decode_v0(root: Mapping, problems: Collector) -> Bunnyfile:
    platforms = _section(root, "platforms")
    kernel = root.find("kernel")
    framework = _required(platforms, "framework")
    rootfs = root.find("rootfs")
    return Bunnyfile(
        version=Text("v0.1", _required(root, "version").at),
        platforms=Platforms(
            framework=framework,
            monitor=_required(platforms, "monitor"),
            version=_nonempty(platforms, "version"),
            architecture=_nonempty(platforms, "architecture"),
        ),
        kernel=Kernel(_at(root, "kernel"), _required(kernel, "from"), _required(kernel, "path"))
        if isinstance(kernel, Mapping)
        else None,
        rootfs=_rootfs_v0(root, rootfs, framework) if isinstance(rootfs, Mapping) else None,
        settings=_settings_v0(root, problems),
    )


def _rootfs_v0(root: Mapping, section: Mapping, framework: Text) -> Rootfs | None:
    """A `rootfs` that names no files at all means none, as bunny documents but does not do."""
    at = _at(root, "rootfs")
    from_ = _nonempty(section, "from") or Text("scratch", at)
    path = _nonempty(section, "path")
    type = _nonempty(section, "type")
    include = tuple(_include(item) for item in _items(section, "include"))
    if from_ == "scratch" and path is None and type is None and not include:
        return None
    if type is None and path is None:
        type = Text(frameworks.guest(framework).rootfs_v01, at)
    return Rootfs(at, from_, path=path, type=type, include=include)


def _settings_v0(root: Mapping, problems: Collector) -> Settings:
    cmd = tuple(_texts(root, "cmd"))
    if not cmd and (line := _nonempty(root, "cmdline")) is not None:
        # bunny splits at each space, so two of them make an empty argument; quotes it never knew.
        cmd = tuple(Text(word, line.at) for word in line.split(" ") if word)
    entrypoint = tuple(_texts(root, "entrypoint"))
    envs: list[tuple[Text, Text]] = []
    for item in _texts(root, "envs"):
        name, equals, value = item.partition("=")
        if not name:
            problems.error(
                "bad-env", "the variable has no name", hint="write KEY=value", at=item.at
            )
        elif not equals:
            hint = f"write '{name}=' for an empty value"
            problems.warn("bad-env", f"the variable '{name}' has no value", hint=hint, at=item.at)
        envs.append((Text(name, item.at), Text(value, item.at)))
    return Settings(cmd=cmd or None, entrypoint=entrypoint or None, envs=tuple(envs))


# --- v1: ours ---


def _decode_v1(root: Mapping, problems: Collector) -> Bunnyfile:
    platforms = _section(root, "platforms")
    toolchain = root.find("toolchain")
    kernel = root.find("kernel")
    app = root.find("app")
    rootfs = root.find("rootfs")
    return Bunnyfile(
        version=_required(root, "version"),
        platforms=Platforms(
            framework=_required(platforms, "framework"),
            monitor=_required(platforms, "monitor"),
            version=_optional(platforms, "version"),
            architecture=_optional(platforms, "architecture"),
        ),
        toolchain=Toolchain(_optional(toolchain, "from"), tuple(_texts(toolchain, "packages")))
        if isinstance(toolchain, Mapping)
        else Toolchain(),
        kernel=_kernel(_at(root, "kernel"), kernel, problems)
        if isinstance(kernel, Mapping)
        else None,
        app=_app(_at(root, "app"), app, problems) if isinstance(app, Mapping) else None,
        rootfs=_rootfs(_at(root, "rootfs"), rootfs) if isinstance(rootfs, Mapping) else None,
        init=_optional(root, "init"),
        settings=_settings(root, problems),
        args=tuple(
            (_text(name), None if default is None else _text(default))
            for name, default in declared(root)
        ),
    )


def _kernel(at: Range, section: Mapping, problems: Collector) -> Kernel:
    source = section.find("source")
    options = section.find("options")
    from_ = _required(section, "from")
    return Kernel(
        at=at,
        from_=from_,
        path=_path(section, from_),
        sha256=_optional(section, "sha256"),
        source=_source(source, problems) if isinstance(source, Mapping) else None,
        config=_optional(section, "config"),
        fragments=tuple(_texts(section, "fragments")),
        options=tuple(_option(entry) for entry in options) if isinstance(options, Mapping) else (),
        patches=tuple(_texts(section, "patches")),
        cmdline=_optional(section, "cmdline"),
    )


def _path(section: Mapping, from_: Text) -> Text | None:
    """`path`; a URL without one is the file itself."""
    said = _optional(section, "path")
    return url_file(from_) if said is None and is_url(from_) else said


_DIGITS = 20
"""How long a number may be to be one: longer than any that a kernel takes is only text."""


def _option(entry: Entry) -> Option:
    scalar = entry.value
    assert isinstance(scalar, Scalar)
    value: bool | int | str = Text(scalar.text, scalar.at)
    if scalar.kind == "bool":
        value = scalar.text.lower() == "true"
    elif scalar.kind == "int" and len(scalar.text) <= _DIGITS:
        value = int(scalar.text)
    return Option(_text(entry.key), value)


def _source(section: Mapping, problems: Collector) -> Source:
    if (package := _optional(section, "package")) is not None:
        return PackageSource(package)
    if (git := _optional(section, "git")) is not None:
        return _git(git, _optional(section, "ref"), _optional(section, "commit"), problems)
    if (url := _optional(section, "url")) is not None:
        return UrlSource(url, _required(section, "sha256"))
    return LocalSource(_required(section, "local"))


def _git(text: Text, ref: Text | None, commit: Text | None, problems: Collector) -> GitSource:
    """What a repository's URL says, and the keys beside it, which may not contradict it."""
    try:
        url = giturl.repository(text)
        for what, said, beside in (("ref", url.ref, ref), ("commit", url.checksum, commit)):
            if said and beside and said != beside:
                message = f"the URL says '{said}', and '{what}' says '{beside}'"
                raise problem("bad-git-url", message, hint="keep one of them", at=beside.at)
        if url.checksum and len(url.checksum) != _COMMIT:
            message = f"'{url.checksum}' is not the full hash of a commit"
            hint = f"give all its {_COMMIT} hexadecimal digits"
            raise problem("bad-git-url", message, hint=hint, at=text.at)
    except giturl.InvalidGitUrl as error:
        problems.take(bad_url(error, text.at))
        return GitSource(text)
    except Problems as found:
        problems.take(found)
        return GitSource(text)
    return GitSource(
        Text(url.remote, text.at),
        ref or (Text(url.ref, text.at) if url.ref else None),
        commit or (Text(url.checksum, text.at) if url.checksum else None),
        url.subdir,
    )


_COMMIT = 40


def _app(at: Range, section: Mapping, problems: Collector) -> App:
    options = section.find("options")
    from_ = _optional(section, "from") or Text("local", at)
    is_git = giturl.is_repository(from_)
    return App(
        at=at,
        from_=from_,
        git=_git(from_, None, None, problems) if is_git else None,
        path=_optional(section, "path"),
        packages=tuple(_texts(section, "packages")),
        secrets=tuple(map(_secret, _items(section, "secrets"))),
        ssh=tuple(_texts(section, "ssh")),
        fetch=_optional(section, "fetch"),
        build=_optional(section, "build"),
        artifacts=tuple(_artifact(item) for item in _texts(section, "artifacts")),
        options=tuple(_option(entry) for entry in options) if isinstance(options, Mapping) else (),
        libraries=tuple(_texts(section, "libraries")),
        sysroot=_origins(section.find("sysroot")),
    )


def _origins(node: Node | None) -> tuple[Origin, ...]:
    """One, or a list of them; each a name, or a mapping."""
    if node is None:
        return ()
    return tuple(map(_origin, node if isinstance(node, Sequence) else (node,)))


def _origin(node: Node) -> Origin:
    if not isinstance(node, Mapping):
        return Origin(_text(node))
    return Origin(_required(node, "from"), _optional(node, "sha256"))


def _secret(node: Node) -> Secret:
    """An id, or a mapping."""
    if not isinstance(node, Mapping):
        return Secret(_text(node))
    return Secret(
        id=_required(node, "id"),
        target=_optional(node, "target"),
        env=_optional(node, "env"),
        required=_yes(node, "required"),
    )


def _artifact(item: Text) -> Artifact:
    source, _, destination = item.partition(":")
    return Artifact(Text(source, item.at), Text(destination, item.at))


def _rootfs(at: Range, section: Mapping) -> Rootfs:
    dockerfile = _optional(section, "dockerfile")
    implied = Text("scratch", at) if dockerfile is None else Text("dockerfile", dockerfile.at)
    from_ = _optional(section, "from") or implied
    return Rootfs(
        at=at,
        from_=from_,
        sha256=_optional(section, "sha256"),
        dockerfile=dockerfile,
        target=_optional(section, "target"),
        args=_pairs(section, "args"),
        path=_path(section, from_),
        type=_optional(section, "type"),
        filesystem=_optional(section, "filesystem"),
        size=_optional(section, "size"),
        mount=_optional(section, "mount"),
        include=tuple(_include(item) for item in _items(section, "include")),
        packages=tuple(_texts(section, "packages")),
    )


def _settings(root: Mapping, problems: Collector) -> Settings:
    return Settings(
        cmd=_list_or_none(root, "cmd"),
        entrypoint=_list_or_none(root, "entrypoint"),
        envs=tuple(_envs(root.find("envs"), problems)),
        user=_optional(root, "user"),
        workdir=_optional(root, "workdir"),
        ports=tuple(
            item if "/" in item else Text(f"{item}/tcp", item.at) for item in _texts(root, "ports")
        ),
        volumes=tuple(_texts(root, "volumes")),
        labels=_pairs(root, "labels"),
        annotations=_pairs(root, "annotations"),
    )


def _envs(node: Node | None, problems: Collector) -> list[tuple[Text, Text]]:
    """`envs` of either form, in order; a name that comes twice is an error."""
    pairs: list[tuple[Text, Text]] = []
    if isinstance(node, Mapping):
        pairs = [(_text(entry.key), _text(entry.value)) for entry in node]
    elif isinstance(node, Sequence):
        for item in map(_text, node):
            name, _, value = item.partition("=")
            pairs.append((Text(name, item.at), Text(value, item.at)))
    seen: dict[str, Text] = {}
    for name, _ in pairs:
        if (first := seen.setdefault(str(name), name)) is not name:
            problems.error(
                "duplicate-key",
                f"the variable '{name}' is here a second time",
                hint=f"it is first on line {first.at.start.line}: keep one of them",
                at=name.at,
            )
    return pairs


# --- both ---


def _include(node: Node) -> Include:
    """`source[:destination]`, split at the first colon, or a mapping."""
    if isinstance(node, Mapping):
        return Include(
            at=node.at,
            from_=_nonempty(node, "from") or Text("local", node.at),
            source=_required(node, "source"),
            destination=_required(node, "destination"),
            owner=_optional(node, "owner"),
            mode=_optional(node, "mode"),
            sha256=_optional(node, "sha256"),
            follow=_yes(node, "follow"),
        )
    item = _text(node)
    source, _, destination = item.partition(":")
    return Include(
        at=item.at,
        from_=Text("local", item.at),
        source=Text(source, item.at),
        destination=Text(destination or source, item.at),
    )


def _text(node: Node) -> Text:
    assert isinstance(node, Scalar)
    return Text(node.text, node.at)


def _yes(section: Mapping, key: str) -> bool:
    """Whether a key that is true by default is."""
    value = section.find(key)
    return not isinstance(value, Scalar) or value.text.lower() == "true"


def _section(root: Mapping, key: str) -> Mapping:
    section = root.find(key)
    assert isinstance(section, Mapping)
    return section


def _required(section: Mapping, key: str) -> Text:
    node = section.find(key)
    assert node is not None
    return _text(node)


def _optional(section: Mapping, key: str) -> Text | None:
    node = section.find(key)
    return None if node is None or is_null(node) else _text(node)


def _nonempty(section: Mapping, key: str) -> Text | None:
    """In v0.1 an empty text is as good as none."""
    return _optional(section, key) or None


def _items(section: Mapping, key: str) -> tuple[Node, ...]:
    node = section.find(key)
    return node.items if isinstance(node, Sequence) else ()


def _texts(section: Mapping, key: str) -> list[Text]:
    return [_text(item) for item in _items(section, key)]


def _list_or_none(section: Mapping, key: str) -> tuple[Text, ...] | None:
    return tuple(_texts(section, key)) if section.find(key) is not None else None


def _pairs(section: Mapping, key: str) -> tuple[tuple[Text, Text], ...]:
    node = section.find(key)
    if not isinstance(node, Mapping):
        return ()
    return tuple((_text(entry.key), _text(entry.value)) for entry in node)


def _at(root: Mapping, key: str) -> Range:
    """The range of a whole section, from its key to its end."""
    for entry in root:
        if entry.key.text == key:
            start = entry.key.at.start
            return Range(start, max(entry.key.at.end, entry.value.at.end))
    return root.at
