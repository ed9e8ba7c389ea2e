"""What is tried: each target makes one input from a random generator and hands it to hutch.

A target raises AssertionError, or anything else, where hutch did what it must not: an error that is
no message, a message that can act, other bytes for the same input.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import tarfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import frameworks
from frameworks import kernelfile
from frameworks.base import Build, Flags
from frameworks.diagnostics import Problems
from frameworks.lower import Lowering
from frameworks.rootfs import detect, superblock
from frameworks.runtime import monitors
from frameworks.steps import cpio
from frameworks.steps import unpack as rootfs_unpack
from frameworks.steps.entries import walk
from frontend import plan, targets
from frontend.bunnyfile import load
from frontend.bunnyfile.render import render
from frontend.dockerui import epoch, ignorefile, nested
from frontend.dockerui.options import Options
from frontend.failures import explain
from frontend.gateway import hpack, status
from frontend.gateway.errors import GatewayError
from frontend.gateway.http2 import _check, _Stream
from frontend.images.layers import ImageFiles, LayerError, find
from frontend.images.oci import ImageError, decode
from frontend.images.registry import Repository
from frontend.images.transport import TransportError
from frontend.lint.filechecks import lint
from llb import (
    InvalidReference,
    MissingCapability,
    Platform,
    Reference,
    SourceFile,
    giturl,
    imageconfig,
    masked,
)
from llb.pb import status_pb2
from tests.fuzz import grammar
from tests.fuzz.values import any_case, as_json, mutated, some, value, word
from tests.unit.core.helpers import FakeInputs

PLATFORMS = (*("amd64", "arm64") * 5, "arm/v7", "386", "riscv64", "s390x")


def bunnyfile(rng: random.Random) -> None:
    """A file by the grammar, or one that somebody wrote with some bytes changed."""
    data = grammar.bunnyfile(rng) if rng.random() < 0.6 else rng.choice(grammar.corpus())
    if rng.random() < 0.3:
        data = mutated(rng, data, rng.choice((2, 8)))
    try:
        _build(rng, data)
    except Problems as problems:
        _message(data, problems)
    except MissingCapability:
        pass


def _build(rng: random.Random, data: bytes) -> None:
    platform = Platform.parse(f"linux/{rng.choice(PLATFORMS)}")
    args = {"A": word(rng), **plan.platform_args(platform, platform)}
    loaded = load(data, "bunnyfile", args)
    lint(loaded, None)
    planned = plan.make(loaded.bunnyfile, loaded.file, platform, args=loaded.args)
    json.dumps(plan.to_json(planned)).encode("utf-8", "surrogatepass")
    planned = plan.with_rootfs_type(planned, rng.choice((None, b"070701" + bytes(99), bytes(2048))))
    config = _config(rng) if rng.random() < 0.3 else {}
    name = rng.choice((*targets.TARGETS, ""))

    def once() -> tuple[bytes, bytes]:
        inputs = FakeInputs({str(planned.rootfs.from_): config})
        build = Build(planned, frameworks.get(planned.framework), inputs, platform, Flags())
        for _ in range(2):
            lowering = Lowering(build)
            target = targets.find(name, lowering)
        definition = target.state.marshal(platform=platform)
        return definition.to_bytes(), target.config({})

    try:
        graph, made = once()
    except ValueError as error:
        # A base's config is judged where it comes from (frontend.dockerui.images).
        if "image config" not in str(error):
            raise
        return
    assert (graph, made) == once(), "the same input gave other bytes"
    _image(made)
    for key, said in (json.loads(made).get("config", {}).get("Labels") or {}).items():
        reserved = key.startswith("com.urunc.unikernel.")
        assert not (reserved and said == "evil"), "a base has a say in how its image boots"


def _image(made: bytes) -> None:
    """A key of an image's config is there once, in any spelling."""
    document = json.loads(made)
    for each in (document, document.get("config", {})):
        folded = [key.translate({0x17F: "s", 0x212A: "k"}).lower() for key in each]
        folded = [key for key in folded if key in _KNOWN]
        assert len(set(folded)) == len(folded), f"{folded}"


_KNOWN = {name.lower() for name in (*imageconfig._IMAGE, *imageconfig._PROCESS)}


def _message(data: bytes, problems: Problems) -> None:
    """Every error is in the file, and cannot act on a terminal."""
    lines = data.decode("utf-8", "replace").split("\n")
    assert problems.diagnostics
    for found in problems.diagnostics:
        assert str(found).isprintable()
        assert len(str(found)) < 20_000
        if found.at is not None:
            assert 1 <= found.at.start.line <= len(lines), str(found)
    assert render(problems.diagnostics)
    wire = status.from_problems(problems)
    assert wire.code
    wire.SerializeToString()


_FIELDS = (
    *("User", "WorkingDir", "StopSignal", "Env", "Entrypoint", "Cmd", "OnBuild", "Volumes"),
    *("ExposedPorts", "Labels", "Healthcheck", "Shell", "StopTimeout"),
)


def _config(rng: random.Random, odd: float = 0.5) -> dict[str, Any]:
    """An image config by which somebody wants to have a say."""
    evil: dict[str, Any] = {
        "Env": ["A=evil", word(rng)],
        "Entrypoint": ["/evil"],
        "Cmd": ["/evil"],
        "OnBuild": ["RUN evil"],
        "Volumes": {"/evil": {}},
        "ExposedPorts": {"1/tcp": {}},
        "Labels": {"com.urunc.unikernel.binary": "evil", "com.urunc.unikernel.bootKernel": "evil"},
        "Healthcheck": {"Test": ["CMD", "evil"]},
    }

    def process() -> dict[str, Any]:
        names = some(rng, _FIELDS)
        return {
            any_case(rng, name): evil.get(name, "evil")
            for name in names
            if name in evil or rng.random() < odd
        }

    document: dict[str, Any] = {"os": "linux", "architecture": "amd64"}
    for key in some(rng, ("config", "CONFIG", "Config", "con\ufb01g", "rootfs", "History")):
        if key.lower().startswith("con"):
            document[key] = process()
        elif rng.random() < odd:
            document[key] = value(rng)
    if rng.random() < odd / 2:
        document[any_case(rng, "config")] = value(rng)
    return document


def config(rng: random.Random) -> None:
    """An image config, as bytes from a registry."""
    data = as_json(rng, _config(rng) if rng.random() < 0.7 else value(rng), 0.4)
    try:
        once = imageconfig.normal(data)
    except ValueError as error:
        _one_line(error)
        return
    assert imageconfig.normal(once) == once
    imageconfig.read(once)
    _image(once)


def _one_line(error: Exception) -> None:
    text = str(error)
    assert text, repr(error)
    assert "\n" not in text, repr(error)
    assert len(text) < 6000, repr(error)[:1000]


# --- kernels and disks ---


class _Reads(io.BytesIO):
    """A file over the gateway, of which every read is a call."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.calls = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 <= size <= 1 << 20
        self.calls += 1
        return super().read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        assert 0 <= offset < 1 << 63
        return super().seek(offset, whence)


def kernel(rng: random.Random) -> None:
    """A kernel's file, a disk's, an archive's: what its first bytes are taken for."""
    from tests.unit.frameworks.test_kernelfile import (
        IMAGE,
        XEN,
        bzimage,
        elf32,
        elf64,
        manifest,
        solo5,
    )

    made = (
        *(bzimage(), elf64(XEN), elf32(multiboot=True), solo5(1), IMAGE, b"\x1f\x8b"),
        elf64(XEN + manifest(("service", 2), ("storage", 1))),
        bytes(0x438) + b"\x53\xef" + bytes(4000),
        b"070701" + b"0" * 500,
    )
    data = mutated(rng, rng.choice(made)) if rng.random() < 0.9 else rng.randbytes(9000)
    stream = _Reads(data)
    found = kernelfile.identify(stream)
    assert stream.calls <= 20
    assert str(found)
    for monitor in monitors.TABLE:
        kernelfile.complaint(found, monitor, rng.choice(("amd64", "arm64")))
    detect.identify(data[: detect.HEAD])
    superblock.read(data[: superblock.HEAD])


# --- archives ---


def _archive(rng: random.Random) -> bytes:
    out = io.BytesIO()
    format = rng.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))
    kinds = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE)
    names = (
        "a",
        "a/b",
        "../a",
        "/a",
        "a/.wh.b",
        ".wh.a",
        ".wh..wh..opq",
        "urunc.json",
        "a//./b",
        "",
    )
    with tarfile.open(fileobj=out, mode="w", format=format) as made:
        for _ in range(rng.randrange(6)):
            info = tarfile.TarInfo(rng.choice(names) or "x" * rng.choice((1, 200, 5000)))
            info.type = rng.choice(kinds)
            info.linkname = rng.choice(names)
            info.mode, info.mtime = rng.randrange(1 << 12), rng.choice((0, 1, 1 << 33))
            info.size = rng.choice((0, 5, 700)) if info.type == tarfile.REGTYPE else 0
            if rng.random() < 0.2:
                info.pax_headers = {
                    rng.choice(
                        ("size", "mtime", "path", "GNU.sparse.map", "GNU.sparse.major")
                    ): rng.choice(("1", "nan", "x", "9" * 30, "a\nb", "1,2,3"))
                }
            made.addfile(info, io.BytesIO(bytes(info.size)))
    data = out.getvalue()
    if rng.random() < 0.7:
        data = mutated(rng, data)
    if rng.random() < 0.5:
        data = gzip.compress(data, 1)
        if rng.random() < 0.5:
            data = mutated(rng, data, 3)
    return data


def layers(rng: random.Random) -> None:
    """Layers of an image, stacked and looked through."""
    made = [_archive(rng) for _ in range(rng.randrange(1, 4))]
    try:
        tree = ImageFiles([("tar", io.BytesIO(data)) for data in made], most=64 << 20)
        for path in tree:
            assert path.startswith("/")
            assert ".." not in path.split("/")
            tree.stat(path)
            try:
                tree.read(path, 1 << 20)
            except LayerError as error:
                _one_line(error)
    except LayerError as error:
        _one_line(error)
    opened: list[tuple[str, Callable[[], io.BytesIO]]] = [
        ("tar", lambda data=data: io.BytesIO(data))  # type: ignore[misc]
        for data in reversed(made)
    ]
    try:
        find(opened, "/urunc.json", 64 << 20)
    except LayerError as error:
        _one_line(error)


def unpack(rng: random.Random) -> None:
    """An archive that a bunnyfile includes, unpacked: nothing is written outside the directory."""
    with TemporaryDirectory(prefix="hutch-fuzz-") as name:
        outside, inside = Path(name, "outside"), Path(name, "outside", "inside")
        inside.mkdir(parents=True)
        file = Path(name, "archive")
        file.write_bytes(_archive(rng))
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = rootfs_unpack.main([str(file), str(inside)])
        assert status in (0, 1)
        assert said.getvalue().count("\n") <= 2
        assert said.getvalue().replace("\n", "").isprintable()
        assert [path.name for path in outside.iterdir()] == ["inside"]
        if status == 0:
            with contextlib.suppress(ValueError):
                cpio.write(walk(str(inside)), io.BytesIO())


# --- registries and daemons ---


class _Answers:
    """A registry's answers, by path."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.manifest = b""
        self.blobs: dict[str, bytes] = {}

    def get(self, path: str, headers: Mapping[str, str]) -> Any:
        rng = self._rng
        if rng.random() < 0.02:
            raise TransportError("it does not answer")
        body = self.blobs.get(path.rpartition("/")[2], self.manifest)
        return _Answer(body if rng.random() < 0.98 else mutated(rng, body), rng)


class _Answer:
    def __init__(self, body: bytes, rng: random.Random) -> None:
        self._body = io.BytesIO(body)
        self.status = 200 if rng.random() < 0.99 else rng.choice((403, 404, 500, 999))
        self._digest = "" if rng.random() < 0.98 else word(rng)

    def __enter__(self) -> _Answer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def header(self, name: str) -> str:
        return self._digest

    def read(self, size: int) -> bytes:
        return self._body.read(size)


def registry(rng: random.Random) -> None:
    """A registry that says whatever it likes."""
    answers = _Answers(rng)

    def put(data: bytes) -> dict[str, Any]:
        digest = "sha256:" + sha256(data).hexdigest()
        answers.blobs[digest] = data
        said: dict[str, Any] = {"digest": digest, "size": len(data), "mediaType": "tar"}
        if rng.random() < 0.03:
            said[rng.choice(("digest", "size", "mediaType", "platform"))] = value(rng)
        return said

    def image() -> dict[str, Any]:
        keys = {"com.urunc.unikernel.binary": word(rng), word(rng): word(rng)}
        encoded = {key: b64encode(b"v").decode() for key in keys}
        made = {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": put(
                as_json(rng, {**_config(rng, 0.1), "os": "linux", "architecture": "amd64"})
            ),
            "layers": [put(_archive(rng)) for _ in range(rng.randrange(3))],
            "annotations": keys,
            "x": encoded,
        }
        if rng.random() < 0.1:
            made[rng.choice(tuple(made))] = value(rng)
        return made

    document: Any = image()
    if rng.random() < 0.4:
        entries = [
            {**put(as_json(rng, image())), "platform": {"os": "linux", "architecture": "amd64"}}
            for _ in range(rng.randrange(3))
        ]
        document = {"manifests": entries if rng.random() < 0.9 else value(rng)}
    answers.manifest = as_json(rng, document)
    try:
        with Repository("localhost:1/x:1") as repository:
            vars(repository)["_transport"] = answers
            for found in repository.images():
                assert isinstance(found.labels, dict)
                data = repository.find(found, "/urunc.json")
                if data is not None:
                    decode(data)
    except (ImageError, LayerError) as error:
        _one_line(error)


def daemon(rng: random.Random) -> None:
    """A daemon's statuses and headers."""
    made = status_pb2.Status(code=rng.choice((0, 2, 14)), message="failed")
    source = {"info": {"filename": "f"}, "ranges": [{"start": {"line": 1}, "end": {"line": 2}}]}
    made.details.add(
        type_url="github.com/moby/buildkit/errdefs.Source+json", value=as_json(rng, source, 0.4)
    )
    details = b64encode(made.SerializeToString())
    stream = _Stream(0)
    stream.headers = {
        name: mutated(rng, data, 3) if rng.random() < 0.4 else data
        for name, data in (
            (b"grpc-status", rng.choice((b"0", b"2", b"x", b"9" * 5000))),
            (b"grpc-message", b"digest mismatch sha256:%s: sha256:%s" % (b"a" * 64, b"b" * 64)),
            (b"grpc-status-details-bin", details),
            (b":status", b"200"),
        )
        if rng.random() < 0.8
    }
    try:
        _check(stream)
    except GatewayError as error:
        explain(error, SourceFile("f", b"a\nb\n"))
        status.from_exception(error).SerializeToString()
    block = hpack.encode([(b":status", b"200"), (b"grpc-status", b"0"), (b"x", b"y" * 300)])
    try:
        hpack.Decoder().decode(mutated(rng, block))
    except hpack.HeaderError as header:
        _one_line(header)


def options(rng: random.Random) -> None:
    """A build's options, as the daemon hands them on."""
    keys = (
        *("filename", "target", "platform", "add-hosts", "ulimit", "shm-size", "cache-imports"),
        *(
            "cache-from",
            "image-resolve-mode",
            "force-network-mode",
            "no-cache",
            "memory",
            "attest:x",
        ),
        *("build-arg:SOURCE_DATE_EPOCH", "build-arg:A", "label:a", "attest:sbom", "cpusetcpus"),
        *("build-arg:BUILDKIT_MULTI_PLATFORM", "context:a", "input-metadata:a", "requestid"),
    )
    given = {key: _option(rng) for key in some(rng, keys)}
    try:
        parsed = Options.parse(given, Platform("linux", "amd64"))
    except Problems as problems:
        _message(b"", Problems(d for d in problems.diagnostics if d.at is None))
    else:
        assert parsed.epoch is None or 0 <= parsed.epoch < 1 << 32


def _option(rng: random.Random) -> str:
    said = word(rng)
    if rng.random() < 0.5:
        said = rng.choice(
            ("linux/amd64", "linux,windows/386", "nofile=1:2", "a=10.0.0.1", "[]", '[{"Type":"x"}]')
        )
    if rng.random() < 0.2:
        said = mutated(rng, said.encode("utf-8", "surrogatepass")).decode(
            "utf-8", "surrogateescape"
        )
    return said


def texts(rng: random.Random) -> None:
    """Small languages: references, git URLs, ignore files, `# syntax=` lines, commits."""
    text = word(rng) + word(rng)
    data = mutated(rng, text.encode("utf-8", "surrogatepass"))
    nested.syntax_of(b"# syntax=" + data)
    assert len(masked.masked_bytes(data)) == len(data)
    assert len(masked.masked(text)) == len(text)
    try:
        ignorefile.read(data)
    except Problems as problems:
        _message(data, problems)
    with contextlib.suppress(InvalidReference):
        Reference.parse(text).tagged()
    with contextlib.suppress(giturl.InvalidGitUrl):
        giturl.context(text)
    with contextlib.suppress(ValueError):
        Platform.parse(text)
    for read in (epoch.parse_commit, epoch.unpack_object):
        with contextlib.suppress(ValueError, LookupError, zlib.error):  # of_context says them
            read(mutated(rng, b"committer a <b> 12 +0000\n"))


TARGETS: dict[str, Callable[[random.Random], None]] = {
    "bunnyfile": bunnyfile,
    "config": config,
    "kernel": kernel,
    "layers": layers,
    "unpack": unpack,
    "registry": registry,
    "daemon": daemon,
    "options": options,
    "texts": texts,
}


def run(target: str, seed: str) -> None:
    """One input of a target; the same seed makes the same input."""
    TARGETS[target](random.Random(f"{target}/{seed}"))
