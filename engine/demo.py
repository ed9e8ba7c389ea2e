"""`make demo`: a bunnyfile built, pushed, read back and booted, with a word about each step.

The engine is up and the frontend image is pushed when this starts (see the Makefile). Everything it
builds from is `examples/linux-hello`, copied, so that nothing is left in the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.boot import running
from engine.guests import Machine, NotBootable
from engine.report import EngineError

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "linux-hello"
EXPECTED = "hello"
BOOT_SECONDS = 120.0

_BOLD, _PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def main() -> int:
    """Run the demo; 0 if the guest said what it should."""
    try:
        registry, frontend = os.environ["HUTCH_REGISTRY"], os.environ["HUTCH_FRONTEND"]
    except KeyError as error:
        print(f"demo: {error.args[0]} is not set: run `make demo`", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="hutch-demo-") as directory:
            return _demo(Path(directory) / "linux-hello", registry, frontend)
    except (EngineError, NotBootable, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1


def _demo(work: Path, registry: str, frontend: str) -> int:
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns("vmlinuz", "hello"))
    image = f"{registry}/linux-hello:demo"

    _step(1, "Get the two files that will be packaged: a kernel of Debian's, and hello.c compiled")
    _docker(
        "buildx", "build", "--progress=quiet", "-f", "inputs.Dockerfile", "-o", ".", ".", at=work
    )
    for name in ("vmlinuz", "hello"):
        print(f"    {name:8} {(work / name).stat().st_size / 1e6:5.1f} MB")

    _step(2, "The bunnyfile says what is to be packaged, for which virtual machine monitor")
    text = (work / "bunnyfile").read_text(encoding="utf-8")
    _, _, rest = text.partition("\n")
    # The line names hutch as your registry has it; here that is the one which the engine provides.
    text = f"# syntax={frontend}\n{rest}"
    (work / "bunnyfile").write_text(text, encoding="utf-8")
    print("".join(f"    {line}\n" for line in text.splitlines()), end="")

    _step(3, "Build it with the docker command that you know, and push it")
    command = ["buildx", "build", "-f", "bunnyfile", "-t", image, "--push", "."]
    print(f"    docker {' '.join(command)}\n")
    _docker(*command, at=work)

    _step(4, "Read it back from the registry: this is what the urunc runtime goes by")
    from frontend import registry as registries

    registries.show(image)

    _step(5, "Boot it with QEMU, with the command line that urunc would give it")
    begun = time.monotonic()
    print("    (the kernel's own messages are left out)\n", flush=True)
    with running(image, machine=Machine()) as guest:
        outcome = guest.wait(BOOT_SECONDS)
    kernel, program, said = outcome.output.partition("as init process\n")
    print(said if program else kernel, end="")
    if outcome.status != 0 or EXPECTED not in outcome.output:
        print("\ndemo: the guest did not say what it should", file=sys.stderr)
        return 1
    print(f"\n    The machine ended with its program, after {time.monotonic() - begun:.1f} s.")
    _end(image, frontend)
    return 0


def _end(image: str, frontend: str) -> None:
    print(
        f"""
{_BOLD}Done.{_PLAIN} You built an OCI image that holds a kernel and a root filesystem, pushed it
to a registry and booted it. On a host with urunc, the same image runs as a container:

    docker run --runtime io.containerd.urunc.v2 {image}

What to try next, from this directory:

    eval "$(python3 -m engine env)"          # the docker command of the demo
    cd examples/linux-static-c               # builds its own kernel, from source (some minutes)
    docker buildx build --build-arg BUILDKIT_SYNTAX={frontend} -f bunnyfile \\
      -t {image.rpartition("/")[0]}/static-c --push .
    cd ../.. && .venv/bin/python -m engine.boot {image.rpartition("/")[0]}/static-c

`make engine-down` ends what the demo started; docs/ and examples/ say more."""
    )


def _step(number: int, what: str) -> None:
    print(f"\n{_BOLD}{number}. {what}{_PLAIN}\n", flush=True)


def _docker(*arguments: str, at: Path) -> None:
    done = subprocess.run(["docker", *arguments], cwd=at)
    if done.returncode != 0:
        raise EngineError(f"`docker {' '.join(arguments)}` failed: its own words are above")


if __name__ == "__main__":
    sys.exit(main())
