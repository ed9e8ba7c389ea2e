"""`make demo`: from a bunnyfile to a booted virtual machine, one command a user knows at a time.

It needs an engine (`python3 -m engine up`) and builds everything else: hutch's own image, the
example's kernel and program, the example. Each step says what it runs. On a terminal docker shows
its progress; elsewhere its output is shown only when a build fails. Running it again repeats it,
from BuildKit's cache.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.report import EngineError
from frameworks.runtime.machine import NotBootable
from frontend.images import boot

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "linux-hello"
STEPS = 5
PROOF = "argument 0: /hello"
"""What only the example's program, in the guest, prints."""


class Demo:
    """The story: what has happened, and how it is told."""

    def __init__(self, registry: str, frontend: str = "") -> None:
        self.built = frontend
        self.frontend = frontend or f"{registry}/hutch:demo"
        self.image = f"{registry}/linux-hello:demo"
        self._step = 0

    def run(self) -> None:
        """Tell it to the end. Raises EngineError for a step that failed."""
        with self.step("hutch's own image, the one that a '# syntax=' line names"):
            if self.built:
                _tell(f"{self.built}, built by `make image`")
            else:
                secret = ["--secret", f"id=ca,src={bundle}"] if (bundle := _bundle()) else []
                _docker("build", "-t", self.frontend, "--push", *secret, ".", cwd=ROOT)
        with self.step("a kernel for virtual machines from Debian, and a small program in C"):
            _docker("build", "-f", "inputs.Dockerfile", "-o", ".", ".", cwd=EXAMPLE)
            for name in ("vmlinuz", "hello"):
                size = (EXAMPLE / name).stat().st_size
                _tell(f"{EXAMPLE.relative_to(ROOT)}/{name}  {size / 1e6:.1f} MB")
        with self.step("an image from the bunnyfile"):
            _tell((EXAMPLE / "bunnyfile").read_text().rstrip())
            _tell("# The syntax line is replaced: this hutch is in the engine's own registry.")
            syntax = f"BUILDKIT_SYNTAX={self.frontend}"
            words = ["-f", "bunnyfile", "-t", self.image, "--push", "."]
            _docker("build", "--build-arg", syntax, *words, cwd=EXAMPLE)
        with self.step("what the image tells the runtime"):
            self._show()
        with self.step("the virtual machine (QEMU without hardware support: a few seconds)"):
            self._boot()
        print(self._end())

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One numbered step, and how long it took."""
        self._step += 1
        print(f"\n[{self._step}/{STEPS}] {what}", flush=True)
        start = time.monotonic()
        yield
        print(f"      {time.monotonic() - start:.1f} s", flush=True)

    def _show(self) -> None:
        shown = subprocess.run(
            [sys.executable, "-m", "frontend", "inspect", self.image],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _tell(f"$ hutch inspect {self.image}\n{shown.stdout.rstrip()}")
        if shown.returncode != 0:
            raise EngineError("the image does not say what urunc needs to know")

    def _boot(self) -> None:
        _tell(f"$ hutch run {self.image}")
        outcome = boot.boot(self.image, timeout=180)
        if PROOF not in outcome.output or outcome.status != 0:
            raise EngineError(
                f"the guest did not say what it should; all it said:\n{outcome.output}"
            )
        # What comes before is the firmware's and the kernel's; the kernel's lines have its clock.
        said = outcome.output.partition("as init process\n")[2].splitlines()
        _tell("\n".join(line for line in said if line and not line.startswith("[")))

    def _end(self) -> str:
        again = f"docker buildx build --build-arg BUILDKIT_SYNTAX={self.frontend} \\"
        return textwrap.dedent(f"""
            Done. Docker built a virtual machine: a kernel, a root filesystem with one program, and
            the notes that the urunc runtime reads to start them. It is an ordinary image, in a
            registry: {self.image}

            To use docker as this demo did:    eval "$(python3 -m engine env)"
            Change cmd: in {EXAMPLE.relative_to(ROOT)}/bunnyfile, then build and boot it yourself:

                cd {EXAMPLE.relative_to(ROOT)}
                {again}
                    -f bunnyfile -t {self.image} --push .
                cd -
                .venv/bin/hutch run {self.image}

            What to put into a bunnyfile: docs/getting-started.md. More examples: examples/README.md
            The engine stays up; `make engine-down` ends it.""")


def _docker(verb: str, *words: str, cwd: Path) -> None:
    """Run a docker buildx command, shown as a user would type it. Raises EngineError.

    Its progress belongs on a terminal; without one it is silent unless it fails.
    """
    command = ["docker", "buildx", verb, *words]
    shown = shlex.join(word for word in command if "id=ca" not in word and word != "--secret")
    _tell(f"$ {shown}")
    live = sys.stderr.isatty()
    sink = None if live else subprocess.PIPE
    done = subprocess.run(
        command, cwd=cwd, stdout=sink, stderr=None if live else subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise EngineError(f"this failed: {shown}\n\n{_last(done.stdout or '')}".rstrip())


def _last(output: str, lines: int = 30) -> str:
    return "\n".join(output.rstrip().splitlines()[-lines:])


def _bundle() -> str:
    path = os.environ.get("HUTCH_CA_BUNDLE", "")
    return path if path and Path(path).is_file() else ""


def _tell(text: str) -> None:
    print(textwrap.indent(text, "      "), flush=True)


def _engine() -> None:
    """Make sure of an engine, and of its variables in this process. Raises EngineError."""
    _find_engine()
    asked = ["docker", "buildx", "version"]
    if shutil.which("docker") is None or subprocess.run(asked, capture_output=True).returncode:
        raise EngineError("there is no docker with buildx: install Docker's plugin docker-buildx")


def _find_engine() -> None:
    if os.environ.get("HUTCH_REGISTRY") and os.environ.get("HUTCH_ENGINE"):
        return  # `python3 -m engine run` started us
    run = [sys.executable, "-m", "engine"]
    if subprocess.run([*run, "up"], cwd=ROOT).returncode != 0:
        raise EngineError("there is no engine to build with")
    listed = subprocess.run([*run, "env", "--json"], cwd=ROOT, stdout=subprocess.PIPE)
    if listed.returncode != 0:
        raise EngineError("the engine does not say how to use it")
    os.environ.update(json.loads(listed.stdout))


def main(arguments: Sequence[str] = ()) -> int:
    """Run the demonstration; 0 when the guest said what it should, else 1."""
    try:
        _engine()
        Demo(os.environ["HUTCH_REGISTRY"], os.environ.get("HUTCH_FRONTEND", "")).run()
    except (EngineError, NotBootable, boot.NotInstalled, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
