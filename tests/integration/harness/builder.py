"""One engine, seen through docker's own client: builds, and what came of them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frontend.images.registry import Repository
from llb import Platform
from tests.integration.harness.images import PREFIX, Packed, Raw, raw

EPOCH = 1700000000
"""A SOURCE_DATE_EPOCH: 2023-11-14."""

FILE = """\
version: v1
platforms:
  framework: generic
  monitor: qemu
kernel:
  from: local
  path: kernel
rootfs:
  include:
    - hello:/hello
cmd: [/hello]
"""
"""The bunnyfile of `Builder.project`."""


def abandoned(vertex: Mapping[str, Any]) -> bool:
    """Whether what a log says of a step is that BuildKit gave up a look at its files.

    It does where it has found the step in its cache by other means.
    """
    return str(vertex.get("error", "")).endswith("context canceled")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command of docker's ended.

    `out` is its standard output, `log` that and what it printed about the build. A build that was
    pushed has its name in the registry in `ref`, and what BuildKit says of it in `metadata`.
    """

    status: int
    out: str
    log: str
    ref: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def ok(self) -> Done:
        """The same, if it went well; the test fails if not."""
        assert self.status == 0, self.log
        return self

    def failed(self) -> str:
        """The output without progress lines. The build must have failed."""
        assert self.status != 0, self.log
        return "\n".join(line for line in self.log.splitlines() if not line.startswith("#"))

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
        """The steps by name, of plain progress or of rawjson: was each found in the cache?"""
        found: dict[str, bool] = {}
        names: dict[str, str] = {}
        for line in self.log.splitlines():
            number, _, rest = line.partition(" ")
            if line.startswith("{"):
                for vertex in json.loads(line).get("vertexes") or ():
                    if not abandoned(vertex):
                        found[vertex["name"]] = bool(vertex.get("cached"))
            elif rest == "CACHED" and number in names:
                found[names[number]] = True
            elif re.match(r"#\d+ (?!DONE|ERROR|\.\.\.)", line) and number not in names:
                names[number] = rest
                found[rest] = False
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


class Builder:
    """One engine, with hutch's image (or another frontend's) in its registry.

    `name` is the engine's: 28, 28-classic, 20.10; `environ` is what docker's client needs for it.
    """

    def __init__(self, name: str, environ: Mapping[str, str], frontend: str) -> None:
        self.name = name
        self.environ = dict(environ)
        self.frontend = frontend
        self.registry = environ["HUTCH_REGISTRY"]
        self._named: set[str] = set()
        self._open = ExitStack()
        self._scratch = Path(self._open.enter_context(tempfile.TemporaryDirectory()))

    # --- what the engine can do ---

    @property
    def is_old(self) -> bool:
        """Docker 20.10, with BuildKit 0.8."""
        return self.name == "20.10"

    @property
    def has_containerd_store(self) -> bool:
        """Images of several platforms, annotations and attestations need this store."""
        return self.name == "28"

    # --- docker's client ---

    def docker(
        self,
        *args: str,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Done:
        """Run docker, with `data` on its standard input."""
        self._named.update(word for word in args if word.startswith(f"{self.registry}/hutch-test/"))
        done = subprocess.run(
            ["docker", *args],
            env={**self.environ, **(env or {})},
            cwd=cwd,
            capture_output=True,
            input=data,
            timeout=3600,  # a guard against hanging: kernels take minutes, on a busy machine many
            check=False,
        )
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return Done(done.returncode, out, out + err)

    def buildx(
        self,
        context: Path | str,
        *args: str,
        file: str | None = "bunnyfile",
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """`docker buildx build` as a user types it; `file` is the build file in the context."""
        named: tuple[str, ...] = ()
        if file is not None:
            named = ("-f", str(context / file) if isinstance(context, Path) else file)
        command = ("buildx", "build", "--progress=plain", *named, *args, str(context))
        return self.docker(*command, data=data, env=env)

    def bake(self, description: Mapping[str, Any], target: str) -> Done:
        """`docker buildx bake` of a target."""
        file = self._scratch / f"{uuid.uuid4().hex}.json"
        file.write_text(json.dumps(description))
        words = ("--progress=plain", "--allow=fs=*", "-f", str(file), target)
        return self.docker("buildx", "bake", *words)

    def name_of(self, what: str = "image") -> str:
        """A new name in the registry."""
        name = f"{self.registry}/hutch-test/{what}:{uuid.uuid4().hex[:12]}"
        self._named.add(name)
        return name

    def pushed(self, ref: str) -> tuple[str, ...]:
        """The options of a build that goes to the registry, and not into the engine's store too.

        Docker's containerd store collects its garbage at the end of each image that is removed,
        which takes longer than a build. Its older store can only push what it holds.
        """
        if self.has_containerd_store:
            return ("--output", f"type=image,name={ref},push=true,store=false")
        return ("--tag", ref, "--push")

    def close(self) -> None:
        """Close what was read, and remove this builder's images that the engine still holds."""
        self._open.close()
        wanted = f"reference={self.registry}/hutch-test/*"
        form = "{{.Repository}}:{{.Tag}}"
        listed = self.docker("image", "ls", "--filter", wanted, "--format", form)
        if mine := self._named.intersection(listed.out.split()):
            self.docker("image", "rm", "--force", *sorted(mine))

    # --- building ---

    def file(self, text: str = FILE) -> str:
        """A bunnyfile with the line that makes BuildKit read it with hutch."""
        return f"# syntax={self.frontend}\n{text}"

    def project(self, folder: Path, file: str = FILE, **files: str) -> Path:
        """A directory with a bunnyfile, a kernel and a program that are only bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {"bunnyfile": self.file(file), "kernel": "KERNEL", "hello": "HELLO", **files}
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

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
        """Build in `context`, and push, or write to `output`.

        `text` is the bunnyfile without its syntax line; without it the options name one. Fails
        the test when the build does and `check` is set.
        """
        ref = self.name_of()
        facts = self._scratch / f"{uuid.uuid4().hex}.json"
        words = ["--metadata-file", str(facts)]
        if not provenance:
            words.append("--provenance=false")
        if epoch is not None:
            words += ["--build-arg", f"SOURCE_DATE_EPOCH={epoch}"]
        words += self.pushed(ref) if output is None else ("--output", output)
        if text is not None:
            file = Path(context) / "bunnyfile"
            if isinstance(text, bytes):
                file.write_bytes(f"# syntax={self.frontend}\n".encode() + text)
            else:
                file.write_text(self.file(text))
            words += ["-f", str(file)]
        done = self.buildx(context, *words, *options, file=None, data=data, env=env)
        if check:
            done.ok()
        said = json.loads(facts.read_text()) if facts.exists() else {}
        return Done(done.status, done.out, done.log, ref, said)

    def fail(self, context: Path, text: str | bytes, *options: str) -> Done:
        """A build that must fail, and without a traceback."""
        done = self.build(context, text, *options, check=False)
        assert done.status != 0, done.log
        assert "Traceback" not in done.log
        return done

    def push(self, context: Path, dockerfile: str, *options: str) -> str:
        """An image built from a Dockerfile by Docker's own frontend."""
        ref = self.name_of("base")
        words = ("--provenance=false", *self.pushed(ref), "-f", "-", *options)
        self.buildx(context, *words, file=None, data=dockerfile.encode()).ok()
        return ref

    # --- reading back ---

    def files(self, to: Path, context: Path | str, *args: str, **more: Any) -> Path:
        """Build to a new directory in `to`; `args` and `more` are those of `buildx`."""
        out = to / uuid.uuid4().hex
        self.buildx(context, "--output", f"type=local,dest={out}", *args, **more).ok()
        return out

    def export(self, context: Path, text: str, target: str, *options: str) -> bytes:
        """The content of the one file that a target leaves, exported to this machine."""
        out = context / f"out-{uuid.uuid4().hex[:8]}"
        self.build(context, text, "--target", target, *options, output=f"type=local,dest={out}")
        (file,) = [path for path in out.rglob("*") if path.is_file()]
        return file.read_bytes()

    def publish(self, context: Path | str, *args: str, **more: Any) -> Raw:
        """Build to the registry, with `buildx`, and say what the registry has then."""
        ref = self.name_of()
        self.buildx(context, *self.pushed(ref), *args, **more).ok()
        return raw(ref)

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
        if self.has_containerd_store:
            found = packed.image.annotations
            assert {k: v for k, v in found.items() if k.startswith(PREFIX)} == said
        else:
            assert not packed.image.annotations
