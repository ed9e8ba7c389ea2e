"""What the integration tests build with, and what they look at: see `conftest` for who makes it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
import tarfile
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from frameworks.runtime import RUNTIME
from frontend.images.layers import Tree
from frontend.images.registry import Image, Repository, decode
from llb import Platform

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PREFIX = RUNTIME.prefix
EPOCH = 1700000000
"""A SOURCE_DATE_EPOCH: 2023-11-14."""


@dataclass(frozen=True, slots=True)
class Done:
    """A build that ended: its status, all it printed, its name in the registry."""

    status: int
    log: str
    ref: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest of what was pushed, as BuildKit says it."""
        return str(self.metadata["containerimage.digest"])

    @property
    def marked(self) -> list[str]:
        """The lines of the file that buildx marked with `>>>`, without the mark."""
        found = re.findall(r"^ *\d+ \| >>> (.*)$", self.log, re.MULTILINE)
        return [line.strip() for line in found]

    @property
    def error(self) -> str:
        """The last `ERROR:` and what follows it."""
        return self.log.rpartition("ERROR: ")[2]

    @property
    def steps(self) -> dict[str, bool]:
        """The steps of a build with `--progress=rawjson`, by name: was each found in the cache?"""
        found: dict[str, bool] = {}
        for line in self.log.splitlines():
            if line.startswith("{"):
                for vertex in json.loads(line).get("vertexes") or ():
                    found[vertex["name"]] = bool(vertex.get("cached"))
        return found

    @property
    def transferred(self) -> int:
        """The bytes of the build context that were sent, as the progress output rounds them."""
        units = {"B": 1, "kB": 1e3, "MB": 1e6}
        sizes: dict[str, float] = {}
        context: set[str] = set()
        for line in self.log.splitlines():
            if match := re.match(r"(#\d+) \[internal\] load build context", line):
                context.add(match[1])
            if match := re.match(r"(#\d+) transferring context: ([\d.]+)(B|kB|MB)", line):
                sizes[match[1]] = float(match[2]) * units[match[3]]
        return int(sum(size for step, size in sizes.items() if step in context))


@dataclass(frozen=True, slots=True)
class Packed:
    """An image that was read back: one platform's manifest, config and files."""

    image: Image
    tree: Tree

    @property
    def keys(self) -> dict[str, str]:
        """What `/urunc.json` says, without the prefix."""
        raw = self.tree.read("/urunc.json")
        assert raw is not None, "no /urunc.json"
        return {key.removeprefix(PREFIX): value for key, value in decode(raw).items()}

    @property
    def process(self) -> dict[str, Any]:
        """The config's `config`."""
        return self.image.process

    @property
    def env(self) -> list[str]:
        """The environment."""
        return list(self.process.get("Env") or ())

    @property
    def args(self) -> list[str]:
        """Entrypoint and command."""
        return [*(self.process.get("Entrypoint") or ()), *(self.process.get("Cmd") or ())]

    @property
    def files(self) -> list[str]:
        """Every path that is no directory, sorted."""
        return [path for path in self.tree if not self.tree.stat(path).isdir()]

    def read(self, path: str) -> bytes:
        """The file at `path`, which must be there."""
        data = self.tree.read(path)
        assert data is not None, f"no {path} among {self.files}"
        return data


class Builder:
    """One engine, seen through docker's own client, with hutch's image in its registry."""

    def __init__(self, name: str, environ: Mapping[str, str], frontend: str) -> None:
        self.name = name
        self.environ = dict(environ)
        self.frontend = frontend
        self.registry = environ["HUTCH_REGISTRY"]
        self._open = ExitStack()

    @property
    def annotates(self) -> bool:
        """Whether images of this engine have annotations: with Docker's old store they have not."""
        return self.name == "28"

    def close(self) -> None:
        """Close what was read, and remove the images that a push left in the engine."""
        self._open.close()
        wanted = f"reference={self.registry}/hutch-test/*"
        form = "{{.Repository}}:{{.Tag}}"
        listed = self.docker("image", "ls", "--filter", wanted, "--format", form)
        if listed.returncode == 0 and listed.stdout:
            self.docker("image", "rm", "--force", *listed.stdout.split())

    def docker(
        self, *args: str, data: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run docker; its two outputs are one text, in `stdout`."""
        done = subprocess.run(
            ["docker", *args],
            env={**self.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            input=data,
            timeout=3600,  # a guard against hanging: kernels take minutes, on a busy machine many
        )
        text = done.stdout.decode(errors="replace")
        return subprocess.CompletedProcess(done.args, done.returncode, text, "")

    def name_of(self, what: str = "image") -> str:
        """A new name in the registry."""
        return f"{self.registry}/hutch-test/{what}:{uuid.uuid4().hex[:12]}"

    def file(self, text: str) -> str:
        """A bunnyfile with the line that makes BuildKit read it with hutch."""
        return f"# syntax={self.frontend}\n{text}"

    def build(
        self,
        context: Path | str,
        text: str | bytes | None = None,
        *options: str,
        epoch: int | None = None,
        output: str | None = None,
        data: bytes | None = None,
        check: bool = True,
        provenance: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """`docker buildx build` in `context`, pushed, or written to `output`.

        `text` is the bunnyfile without its syntax line; without it the options name one. Fails
        the test when the build does and `check` is set.
        """
        ref = self.name_of()
        words = ["buildx", "build", "--progress=plain"]
        if not provenance:
            words.append("--provenance=false")
        if epoch is not None:
            words += ["--build-arg", f"SOURCE_DATE_EPOCH={epoch}"]
        facts = Path(self._open.enter_context(scratch_file()))
        words += ["--metadata-file", str(facts)]
        words += ["--tag", ref, "--push"] if output is None else ["--output", output]
        if text is not None:
            file = Path(context) / "bunnyfile"
            if isinstance(text, bytes):
                file.write_bytes(f"# syntax={self.frontend}\n".encode() + text)
            else:
                file.write_text(self.file(text))
            words += ["-f", str(file)]
        done = self.docker(*words, *options, str(context), data=data, env=env)
        if check:
            assert done.returncode == 0, done.stdout
        raw = facts.read_text()
        return Done(done.returncode, done.stdout, ref, json.loads(raw) if raw else {})

    def fail(self, context: Path, text: str | bytes, *options: str) -> Done:
        """A build that must fail, and without a traceback."""
        done = self.build(context, text, *options, check=False)
        assert done.status != 0, done.log
        assert "Traceback" not in done.log
        return done

    def read(self, ref: str, platform: str | None = None) -> Packed:
        """The image `ref` as the registry has it."""
        repository = self._open.enter_context(Repository(ref))
        image = repository.image(None if platform is None else Platform.parse(platform))
        return Packed(image, repository.tree(image))

    def pack(self, context: Path, text: str, *options: str, epoch: int | None = None) -> Packed:
        """Build `text` and read the image back; the runtime's keys must be the same everywhere."""
        packed = self.read(self.build(context, text, *options, epoch=epoch).ref)
        self.check_keys(packed)
        return packed

    def check_keys(self, packed: Packed) -> None:
        """The three places that urunc reads say the same."""
        said = {PREFIX + key: value for key, value in packed.keys.items()}
        assert {k: v for k, v in packed.image.labels.items() if k.startswith(PREFIX)} == said
        if self.annotates:
            found = packed.image.annotations
            assert {k: v for k, v in found.items() if k.startswith(PREFIX)} == said
        else:
            assert not packed.image.annotations

    def push(self, context: Path, dockerfile: str, *options: str) -> str:
        """An image built from a Dockerfile by Docker's own frontend."""
        ref = self.name_of("base")
        done = self.docker(
            *("buildx", "build", "--provenance=false", "--push", "-t", ref, "-f", "-"),
            *(*options, str(context)),
            data=dockerfile.encode(),
        )
        assert done.returncode == 0, done.stdout
        return ref


Listed = tuple[int, str, int, int, int, int, str | None]


def entries(ref: str) -> list[Listed]:
    """Each layer's entries: its number, name, mode, uid, gid, time, and the content's sha256."""
    found: list[Listed] = []
    with Repository(ref) as repository:
        for number, layer in enumerate(repository.image().layers):
            with repository.blob(layer) as file, tarfile.open(fileobj=file) as archive:
                for member in archive:
                    data = archive.extractfile(member) if member.isreg() else None
                    digest = None if data is None else hashlib.sha256(data.read()).hexdigest()
                    mode = stat.S_IMODE(member.mode)
                    owner = (member.uid, member.gid)
                    name = member.name.strip("/")
                    found.append((number, name, mode, *owner, int(member.mtime), digest))
    return found


def difference(first: list[Listed], second: list[Listed]) -> tuple[object, object] | None:
    """The first entry that is not the same in two images, as each of them has it."""
    pairs = zip_longest(first, second)
    return next(((one, other) for one, other in pairs if one != other), None)


class scratch_file:
    """An empty file that goes away."""

    def __enter__(self) -> str:
        self.path = Path("/tmp") / f"hutch-metadata-{uuid.uuid4().hex}.json"
        self.path.touch()
        return str(self.path)

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Guests:
    """Real kernels and a real program to put into images.

    `debian` is Debian's cloud kernel, which boots an initrd only; `kernel` is hutch's default, with
    every root filesystem's driver built in; `hello` prints what it was given and ends the machine.
    """

    debian: Path
    hello: Path
    kernel: Path


def said(output: str) -> list[str]:
    """The lines that `hello` printed, without the kernel's."""
    return [
        line for line in output.splitlines() if re.match(r"(argument \d+|environment|uid): ", line)
    ]
