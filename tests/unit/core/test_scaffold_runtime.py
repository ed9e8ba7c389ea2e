"""A new monitor is one row, and another runtime one class: CONTRIBUTING.md's words, done in a copy
of the source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from frameworks.runtime import monitors
from tests.places import ROOT
from tests.sources import choices

ROW = """
def _owl(said: Contract, files: Files, machine: Machine) -> list[str]:
    from frameworks.runtime.urunc import guests

    parameters = guests.boot_parameters(said, files, machine)
    return ["owl", "--memory", f"{OWL.memory(machine.memory)}M", files.kernel, parameters]


OWL = Monitor(
    name="owl",
    kind="machine",
    since="next",
    architectures=(architectures.AMD64.name,),
    kernels=("bzimage",),
    images=(),
    shares=(),
    bus="pci",
    console="hvc7",
    solo5="virtio",
    mib=True,
    restarts=True,
    command=_owl,
)

TABLE"""
BUILT = """\
version: v1
platforms: {framework: linux, monitor: owl}
kernel: {from: source}
rootfs: {from: "base:1", type: initrd}
cmd: [/hoot]
"""
SHARED = """\
version: v1
platforms: {framework: generic, monitor: owl}
kernel: {from: local, path: k}
rootfs: {from: "base:1", type: raw}
cmd: [/hoot]
"""
SHARED_LINUX = SHARED.replace("generic", "linux")

OF_A_MONITOR = """
import json, sys
from frameworks.diagnostics import Problems
from frameworks.kernelfile import KernelFile, complaint
from frameworks.linux import roots
from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, Files, Machine, NotBootable
from frontend import bunnyfile
from frontend.bunnyfile.reference import page
from frontend.targets import find
from llb import tree
from tests.unit.core.helpers import AMD64, lower
from tests.unit.frontend.lint.test_filechecks import names

built_text, shared, linux = json.load(sys.stdin)
lowered = lower(built_text)
image = find("", lowered)
keys = RUNTIME.short(image.keys)
contract = Contract(keys, ("/urunit", "/hoot"))


def line(version):
    try:
        return RUNTIME.command(contract, Files("K", "I"), Machine(version=version))
    except NotBootable as error:
        return str(error)


try:
    lower(built_text.replace("owl", "owll"))
except Problems as problems:
    mistyped = str(problems.diagnostics[0].hint)
print(json.dumps({
    "schema": bunnyfile.schema("v1")["$defs"]["platforms"]["properties"]["monitor"],
    "page": page(),
    "mistyped": mistyped,
    "keys": keys,
    "graph": "".join(tree.render(layer.marshal(platform=AMD64)) for layer in lowered.layers),
    "generic": RUNTIME.short(find("", lower(shared)).keys),
    "lint": names(linux),
    "elf": complaint(KernelFile("elf", "amd64"), "owl", "amd64"),
    "drivers": [sorted(way) for way in roots.ways("raw", "owl")],
    "next": line("next"),
    "now": line(""),
}))
"""


def copy_of_the_source(to: Path) -> Path:
    for package in ("frameworks", "frontend", "llb", "schemas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, to / package, ignore=ignored)
    return to


def run(source: Path, program: str, given: object) -> Any:
    """What a program prints as JSON, which imports our packages from `source`."""
    path = os.pathsep.join((str(source), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=source,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_row_is_a_monitor(tmp_path: Path) -> None:
    source = copy_of_the_source(tmp_path)
    table = source / "frameworks" / "runtime" / "monitors.py"
    replace(table, "\nTABLE", ROW)
    replace(table, "HYPERLIGHT_UNIKRAFT)", "HYPERLIGHT_UNIKRAFT, OWL)")
    said = run(source, OF_A_MONITOR, [BUILT, SHARED, SHARED_LINUX])
    assert said["schema"]["enum"] == [*monitors.TABLE, "owl"]
    assert "qemu, firecracker, cloud-hypervisor or owl, or Solo5's" in said["schema"]["description"]
    assert "`hyperlight-unikraft`, `owl`." in said["page"]
    assert "did you mean 'owl'?" in said["mistyped"]
    assert said["keys"]["hypervisor"] == said["generic"]["hypervisor"] == "owl"
    assert "[linux] check that owl can boot it" in said["graph"]
    assert "[linux] make bzImage" in said["graph"]
    assert said["lint"] == ["UnusableRootfs"]
    assert said["elf"] == "it is an ELF file for amd64, and owl boots only a bzImage"
    assert said["drivers"] == [["EXT4_FS", "VIRTIO_BLK", "VIRTIO_PCI"]]
    assert said["next"][:4] == ["owl", "--memory", "256M", "K"]
    assert "console=hvc7 " in said["next"][4]
    assert "rdinit=/urunit -- /hoot" in said["next"][4]
    assert said["now"] == "urunc 2026-08 does not know owl"


RUNTIME = """
from frameworks.runtime import monitors
from frameworks.runtime.base import Keys, Runtime, Slot, BootFacts


class Crux(Runtime):
    name = "crux"
    prefix = "org.crux."
    keys = Keys(
        type="kind", monitor="vmm", version="version", kernel="kernel", initrd="ram", disk="disk",
        mount="at", tree="tree", command="args", solo5_net="net", solo5_disk="drive",
    )
    optional = frozenset()
    false = frozenset({"no"})
    file = "/crux.json"
    system = "linux"
    monitors = monitors.TABLE
    memory = 512
    init = "/cruxinit"
    drive_mode = 0o600
    initrd_mode = 0o400
    versions = ("1",)
    newest = "1"

    def first_version(self, type): return "1"
    def hands_init(self, word): return word == self.init
    def slots(self, type): return ()
    def is_device_name(self, name): return True
    def path_fault(self, path, *, root=False): return ""
    def check(self, keys, problems): pass
    def annotate(self, facts):
        keys = {"kind": facts.type, "vmm": facts.monitor, "kernel": facts.kernel}
        return {self.prefix + name: value for name, value in {**keys, "disk": facts.disk}.items()}
    def written(self, keys): return repr(dict(keys)).encode()
    def read(self, data): return {}
    def effective(self, annotations, labels, file, version): return dict(annotations)
    def arguments(self, keys, args, version): return args
    def command(self, contract, files, machine): return ["crux", contract.monitor]
    def init_file(self, contract, machine): return None


RUNTIME: Runtime = Crux()
"""
OF_A_RUNTIME = """
import json, sys
from frameworks.runtime import RUNTIME
from frontend.targets import find
from llb import tree
from tests.unit.core.helpers import AMD64, lower

lowered = lower(json.load(sys.stdin))
image = find("", lowered)
graph = tree.render(image.state.marshal(platform=AMD64))
config = image.config({})
print(json.dumps({
    "keys": image.keys, "config": json.loads(config), "graph": graph,
    "modules": [name for name in sys.modules if name.startswith("frameworks.runtime.urunc")],
}))
"""


def test_a_class_is_a_runtime(tmp_path: Path) -> None:
    """An image for it has nothing of urunc's: no other module knows its keys, files or init."""
    source = copy_of_the_source(tmp_path)
    (source / "frameworks" / "runtime" / "__init__.py").write_text(RUNTIME)
    shutil.rmtree(source / "frameworks" / "runtime" / "urunc")
    text = SHARED_LINUX.replace("owl", "qemu").replace("raw", "block")
    said = run(source, OF_A_RUNTIME, text)
    assert said["keys"] == {
        "org.crux.kind": "linux",
        "org.crux.vmm": "qemu",
        "org.crux.kernel": "/.boot/kernel",
        "org.crux.disk": "/.boot/rootfs",
    }
    assert said["config"]["config"]["Labels"] == said["keys"]
    assert said["config"]["config"]["Entrypoint"] == ["/cruxinit"]
    assert "/crux.json" in said["graph"]
    assert "/cruxinit" in said["graph"]
    assert "urunc" not in json.dumps(said)
    assert "urunit" not in json.dumps(said)
    assert said["modules"] == []


ELSEWHERE = {
    "frameworks/kernelfile.py": "_SOLO5: the targets of Solo5's own notes, which are called so too",
}


def test_no_module_outside_the_room_tells_monitors_apart_by_name() -> None:
    """A branch on a name is a silent default for the next monitor: what differs is a field of the
    row."""
    found = []
    for top in ("frontend", "frameworks", "schemas", "engine", "image"):
        for path in (ROOT / top).rglob("*.py"):
            where = str(path.relative_to(ROOT))
            if where.startswith("frameworks/runtime/") or where in ELSEWHERE:
                continue
            found += [f"{where}:{node.lineno}" for node in choices(path, monitors.TABLE)]
    assert not found


@pytest.mark.parametrize("where", ELSEWHERE)
def test_the_exceptions_are_some(where: str) -> None:
    assert any(f'"{name}"' in (ROOT / where).read_text() for name in monitors.TABLE)
