"""The real urunc, from `HUTCH_URUNC`: images as bundles, and through containerd with its shim.

Its monitor is QEMU without KVM: a small program (`programs/monitor.c`) stands where urunc looks for
QEMU. That and what urunc shares with its monitor are in a mount namespace of their own, so that
nothing of this machine changes.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from frameworks.runtime.urunc import versions
from frameworks.runtime.urunc.versions import Version
from frontend.images import boot
from frontend.images.registry import Repository
from frontend.images.users import User, resolve
from tests.integration.harness import programs

MEMORY = 256 << 20
LIBRARY = "/usr/lib/hutch-test-monitor"
"""Where the real QEMU is, for the monitor: urunc shares /usr/lib with it."""

MODULES = "/usr/lib/x86_64-linux-gnu/qemu"

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of linux/prctl.h."""

GATEWAY, ADDRESS = "10.250.7.1", "10.250.7.2"


@dataclass(frozen=True, slots=True)
class Ran:
    """A container that ended: what came on its output, without the monitor's own two lines.

    `command` is the monitor's command line, empty when it was never started, and `user` whom it ran
    as, as `UID:GID`. `exit` is the status of the container's own process, as who waits for it gets
    it; None where another process does.
    """

    output: str
    command: tuple[str, ...]
    user: str
    exit: int | None = None

    @classmethod
    def of(cls, log: bytes, exit: int | None = None) -> Ran:
        """Take the monitor's lines out of a log."""
        text = boot.plain(log)
        command: tuple[str, ...] = ()
        user = ""
        if found := re.search(r"^monitor:((?: [0-9a-f]*)+)\nuser: (\d+:\d+)\n", text, re.M):
            words = found[1].split(" ")[1:]
            command = tuple(bytes.fromhex(word).decode() for word in words)
            user = found[2]
            text = text[: found.start()] + text[found.end() :]
        return cls(text, command, user, exit)

    @property
    def status(self) -> int | None:
        """The guest's status, by what it printed (`boot.Outcome.status`)."""
        return boot.Outcome(self.output, 0, 0).status


@dataclass(slots=True)
class Network:
    """A network namespace with one interface, `eth0`, of which this host is the gateway."""

    name: str = field(default_factory=lambda: f"hutch-{uuid.uuid4().hex[:7]}")

    def __enter__(self) -> Network:
        ip = ["ip"]
        host = f"h{self.name[-7:]}"
        _run(*ip, "netns", "add", self.name)
        _run(*ip, "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _run(*ip, "addr", "add", f"{GATEWAY}/24", "dev", host)
        _run(*ip, "link", "set", host, "up")
        inside = [*ip, "-n", self.name]
        _run(*inside, "link", "set", "lo", "up")
        _run(*inside, "addr", "add", f"{ADDRESS}/24", "dev", "eth0")
        _run(*inside, "link", "set", "eth0", "up")
        _run(*inside, "route", "add", "default", "via", GATEWAY)
        return self

    def __exit__(self, *_: object) -> None:
        _run("ip", "link", "del", f"h{self.name[-7:]}", check=False)
        _run("ip", "netns", "del", self.name, check=False)

    @property
    def path(self) -> str:
        """The namespace's file."""
        return f"/run/netns/{self.name}"


class Running:
    """A container that was started; leaving its `with` block kills and deletes it."""

    def __init__(self, host: Host, name: str, log: Path, pid: int) -> None:
        self._host, self._name, self._log, self._pid = host, name, log, pid

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._host.delete(self._name)

    @property
    def output(self) -> str:
        """Everything on its output so far."""
        return boot.plain(self._log.read_bytes())

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        try:
            state = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"

    def wait(self, seconds: float) -> Ran:
        """Wait for its end. Raises TimeoutError with its output."""
        deadline = time.monotonic() + seconds
        while not self.ended:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the container did not end:\n{self.output}")
            time.sleep(0.1)
        with contextlib.suppress(ChildProcessError):
            return Ran.of(self._log.read_bytes(), _status(os.waitpid(self._pid, 0)[1]))
        return Ran.of(self._log.read_bytes())


class Host:
    """Where urunc runs: a mount namespace, urunc's state, its monitors."""

    def __init__(self, urunc: Path, directory: Path, *, spt: Path | None = None) -> None:
        self.urunc, self.directory = urunc, directory
        # As an engine's shim: what `urunc create` leaves behind becomes a child of this process.
        ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
        self.state = directory / "state"
        self.state.mkdir()
        tools = directory / "bin"
        tools.mkdir()
        qemu = shutil.which("qemu-system-x86_64")
        assert qemu is not None, "apt-get install qemu-system-x86"
        library = directory / "library" / Path(LIBRARY).name
        library.mkdir(parents=True)
        real = Path(qemu).resolve()
        shutil.copy(real, library / real.name)
        monitor = tools / "monitor"
        programs.compiled("monitor", monitor, QEMU=f"{LIBRARY}/{real.name}", MODULES=MODULES)
        # Debian has firmware in directories that not every urunc shares.
        data = directory / "data"
        for folder in ("/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu"):
            shutil.copytree(folder, data, dirs_exist_ok=True)
        layers = [directory / name for name in ("upper", "work")]
        for layer in layers:
            layer.mkdir()
        options = f"lowerdir={library.parent}:/usr/lib,upperdir={layers[0]},workdir={layers[1]}"
        setup = [
            f"mount -t overlay overlay -o {options} /usr/lib",
            f"mount --bind {data} /usr/share/qemu",
            f"mount --bind {monitor} {real}",
        ]
        if spt is not None:
            setup.append(
                f"mount -t tmpfs tmpfs /usr/local/sbin; cp {spt} /usr/local/sbin/solo5-spt"
            )
        # The machine's first network namespace makes /run/netns a mount of its own; what is mounted
        # there later comes over only to where that mount is.
        first = Network().name
        _run("ip", "netns", "add", first)
        _run("ip", "netns", "del", first)
        script = "; ".join(["set -e", *setup, "echo ready", "exec sleep infinity"])
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError("the mount namespace for urunc could not be set up")
        self.version = self.call("--version").stdout.strip()

    def close(self) -> None:
        """End the namespace."""
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()

    def enter(self, *words: str) -> list[str]:
        """The command line of `words` in the mount namespace."""
        target = f"--mount=/proc/{self._holder.pid}/ns/mnt"
        return ["nsenter", target, f"--wd={self.directory}", *words]

    def call(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`urunc` with `words`."""
        command = self.enter(str(self.urunc), "--root", str(self.state), *words)
        done = subprocess.run(command, capture_output=True, text=True, env=_environment())
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def model(self) -> Version:
        """The entry of `VERSIONS` that this urunc is: by `HUTCH_URUNC_LIKE`, or its version.

        The version that urunc's own Makefile gives a program ends with the commit.
        """
        if name := os.environ.get("HUTCH_URUNC_LIKE"):
            return versions.VERSIONS[name]
        for each in versions.VERSIONS.values():
            commits = re.findall(r"@([0-9a-f]{7})", each.read_at)
            if any(commit in self.version for commit in commits):
                return each
        for each in versions.VERSIONS.values():
            if re.search(rf"\b{re.escape(each.name)}\b", self.version):
                return each
        raise AssertionError(f"{self.version!r} is in no entry of VERSIONS: HUTCH_URUNC_LIKE")

    @contextlib.contextmanager
    def started(
        self,
        ref: str,
        *,
        user: str | None = None,
        args: Sequence[str] | None = None,
        env: Sequence[str] = (),
        network: Network | None = None,
        memory: int = MEMORY,
        annotations: Mapping[str, str] | None = None,
    ) -> Iterator[Running]:
        """The image `ref` as a bundle, through `urunc create` and `urunc start`.

        `user` and `args` replace the image's, as `docker run` does.
        """
        name = f"hutch-{uuid.uuid4().hex[:12]}"
        with tempfile.TemporaryDirectory(dir=self.directory, prefix="bundle-") as folder:
            bundle = Path(folder)
            bundle.chmod(0o711)
            spec = _unpack(ref, bundle, user, args, env)
            spec["linux"] = {
                "namespaces": [
                    *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                    {"type": "network"} | ({"path": network.path} if network else {}),
                ],
                "resources": {"memory": {"limit": memory}},
            }
            spec["annotations"] = dict(annotations or {})
            (bundle / "config.json").write_text(json.dumps(spec))
            log = bundle / "log"
            # As a container engine's: a mount, and of a type that urunc takes for no disk.
            layers = {"lowerdir": "lower", "upperdir": "upper", "workdir": "work"}
            for layer in (*layers.values(), "rootfs"):
                (bundle / layer).mkdir(exist_ok=True)
            options = ",".join(f"{key}={bundle / layer}" for key, layer in layers.items())
            root = str(bundle / "rootfs")
            _run(*self.enter("mount", "-t", "overlay", "overlay", "-o", options, root))
            with log.open("wb") as out:
                done = subprocess.run(
                    self.enter(
                        *(str(self.urunc), "--root", str(self.state), "create"),
                        *("--bundle", str(bundle), name),
                    ),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                    timeout=60,
                )
            assert done.returncode == 0, log.read_text()
            state = json.loads((self.state / name / "state.json").read_text())
            with Running(self, name, log, state["pid"]) as running:
                self._start(name, running)
                yield running
            _run(*self.enter("umount", "--lazy", root), check=False)

    def run(
        self,
        ref: str,
        *,
        seconds: float = 180,
        user: str | None = None,
        args: Sequence[str] | None = None,
        env: Sequence[str] = (),
        memory: int = MEMORY,
        annotations: Mapping[str, str] | None = None,
    ) -> Ran:
        """Start the image `ref` as `started` does, and wait for its end."""
        with self.started(
            ref, user=user, args=args, env=env, memory=memory, annotations=annotations
        ) as running:
            return running.wait(seconds)

    def _start(self, name: str, running: Running) -> None:
        """`create` returns before its socket is there, so that `start` at once can fail."""
        deadline = time.monotonic() + 20
        while True:
            done = self.call("start", name, check=False)
            if done.returncode == 0 or "monitor:" in running.output:
                return
            assert time.monotonic() < deadline, done.stdout + done.stderr + running.output
            time.sleep(0.2)

    def delete(self, name: str) -> None:
        """Kill the container and forget it."""
        self.call("kill", name, "KILL", check=False)
        self.call("delete", "--force", name, check=False)


class Containerd:
    """A containerd of our own, in the host's mount namespace, with urunc's shim."""

    def __init__(self, host: Host, shim: Path, containerd: str, ctr: str) -> None:
        self.host, self._ctr = host, ctr
        self.directory = Path(tempfile.mkdtemp(prefix="hc-", dir="/run"))
        tools = self.directory / "bin"
        tools.mkdir()
        (tools / "urunc").symlink_to(host.urunc)
        (tools / "containerd-shim-urunc-v2").symlink_to(shim)
        for name in ("runc", "containerd-shim-runc-v2"):
            if found := Path(containerd).parent / name:
                (tools / name).symlink_to(found)
        self.socket = self.directory / "sock"
        config = f"""
version = 2
root = "{self.directory}/root"
state = "{self.directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{self.socket}"
"""
        (self.directory / "config.toml").write_text(config)
        self.log = self.directory / "log"
        with self.log.open("wb") as out:
            self._daemon = subprocess.Popen(
                host.enter(containerd, "--config", str(self.directory / "config.toml")),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=_environment(tools),
            )
        deadline = time.monotonic() + 30
        while self.ctr("version", check=False).returncode != 0:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def close(self) -> None:
        """End it, and remove what it kept."""
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)

    def ctr(
        self, *words: str, check: bool = True, seconds: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """`ctr` with `words`; its two outputs are one."""
        done = subprocess.run(
            self.host.enter(self._ctr, "--address", str(self.socket), *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
            timeout=seconds,
        )
        assert not check or done.returncode == 0, done.stdout + self.log.read_text()
        return done

    def run(self, ref: str, *options: str) -> Ran:
        """`ctr run` of an image that is pulled first; `options` come before its name."""
        self.ctr("images", "pull", "--plain-http", ref)
        words = ("--runtime", "io.containerd.urunc.v2", "--memory-limit", str(MEMORY), *options)
        for _ in range(10):
            name = f"hutch-{uuid.uuid4().hex[:12]}"
            done = self.ctr("run", "--rm", *words, ref, name, check=False)
            if "failed to create connection with reexec socket" not in done.stdout:
                break  # older uruncs' `create` returns before the socket is there
        return Ran.of(done.stdout.encode())


def _unpack(
    ref: str, bundle: Path, user: str | None, args: Sequence[str] | None, env: Sequence[str]
) -> dict[str, object]:
    """An image's files, as a container engine lays them, and the OCI spec of its process."""
    with Repository(ref) as repository:
        image = repository.image(None)
        tree = repository.tree(image)
        (bundle / "lower").mkdir()
        tree.unpack(str(bundle / "lower"))
        process = image.process
        who: User = resolve(process.get("User") or "" if user is None else user, tree)
    command = process.get("Cmd") or () if args is None else args
    return {
        "ociVersion": "1.0.2",
        "hostname": "guest",
        "root": {"path": "rootfs"},
        "process": {
            "user": {"uid": who.uid, "gid": who.gid, "additionalGids": list(who.groups)},
            "args": [*(process.get("Entrypoint") or ()), *command],
            "env": [*(process.get("Env") or ()), *env],
            "cwd": process.get("WorkingDir") or "/",
        },
        "mounts": [],
    }


def _environment(tools: Path | None = None) -> dict[str, str]:
    path = PATH if tools is None else f"{tools}:{PATH}"
    return {"PATH": path, "HOME": "/root", "XDG_RUNTIME_DIR": ""}


def _run(*words: str, check: bool = True) -> None:
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert not check or done.returncode == 0, f"{words}: {done.stdout}"


def _status(waited: int) -> int:
    """A status of `wait` as an engine reports it: 128 and the signal for what one ended."""
    code = os.waitstatus_to_exitcode(waited)
    return code if code >= 0 else 128 - code
