"""Plans into states: the graph of each kind of file as a text tree, and who depends on whom."""

from __future__ import annotations

import json
import re

import pytest

import llb
from frameworks.base import Flags, Image
from frameworks.diagnostics import Problems
from frameworks.lower import Lowering
from frontend.targets import TARGETS, find
from llb import Caps, Network, Platform, Resources, State, Ulimit
from llb.definition import DecodedOp
from llb.pb.ops_pb2 import ExecOp, MountType, NetMode
from llb.tree import render
from tests.unit.core.helpers import AMD64, FakeInputs, assembled, check_golden, graph, lower

HEAD = "version: {version}\nplatforms: {{framework: {framework}, monitor: qemu}}\n"
LOCAL = "kernel: {from: local, path: vmlinuz}\n"

FILES = {
    "v0-kernel-only": ("v0.1", "linux", LOCAL),
    "v0-initrd": ("v0.1", "linux", LOCAL + "rootfs: {type: initrd, include: [a:/a, b/:/etc]}\n"),
    "v0-prebuilt": ("v0.1", "linux", LOCAL + "rootfs: {from: local, path: root.cpio}\n"),
    "v0-kernel-of-image": (
        "v0.1",
        "unikraft",
        "kernel: {from: 'unikraft.org/nginx:1.15', path: /unikraft/bin/kernel}\n",
    ),
    "v0-raw-image": ("v0.1", "linux", LOCAL + "rootfs: {from: 'nginx:1.27', type: raw}\n"),
    "v1-block": (
        "v1",
        "linux",
        LOCAL + "rootfs: {type: block, size: 64M, include: [{from: 'busybox:1', source: /bin, "
        "destination: /bin, owner: '0:0', mode: '0755'}]}\n",
    ),
    "v1-squashfs": (
        "v1",
        "linux",
        LOCAL + "rootfs: {from: 'alpine:3', type: block, filesystem: squashfs}\n",
    ),
}


def text(name: str) -> str:
    version, framework, rest = FILES[name]
    return HEAD.format(version=version, framework=framework) + rest


@pytest.mark.parametrize("name", FILES)
def test_the_graph(name: str, update_goldens: bool) -> None:
    check_golden(name, lower(text(name)), update=update_goldens)


def test_a_changed_file_of_the_application_leaves_the_kernel_alone() -> None:
    kernels = []
    for path in ("a", "b"):
        lowering = lower(text("v0-initrd").replace("[a:/a", f"[{path}:/a"))
        assert lowering.kernel is not None
        kernels.append(graph(lowering.layers[0]).replace(f'\\"{path}\\"', "app"))
    assert kernels[0] == kernels[1]
    assert "pack" not in kernels[0]


def test_every_vertex_has_a_name_a_group_and_its_lines() -> None:
    lowering = lower(text("v1-block"))
    definition = assembled(lowering).marshal(platform=AMD64).to_pb()
    ours = 0
    for digest, metadata in definition.metadata.items():
        name = metadata.description.get("llb.customname", "")
        if name.startswith("[linux] "):
            ours += 1
            assert metadata.progress_group.name in ("[linux] kernel", "[linux] rootfs",
                                                    "[linux] image")  # fmt: skip
            if name != "[linux] put the image together":
                assert definition.Source.locations[digest].locations[0].ranges
    assert ours == 7


def test_an_include_is_copied_as_a_dockerfile_would_but_in_v0_as_bunny_does() -> None:
    rest = LOCAL + "rootfs: {type: raw, include: ['conf/*:/etc/']}\n"
    new, old = (
        graph(lower(HEAD.format(version=version, framework="linux") + rest).layers[0])
        for version in ("v1", "v0.1")
    )
    copied = "copy /conf/* -> /etc/ time=315532800"
    assert f"{copied} follow-symlink contents parents wildcard\n" in new
    assert f"{copied} parents\n" in old


def test_a_named_context_stands_in_for_an_image_and_brings_its_config() -> None:
    config = json.dumps({"config": {"Cmd": ["/mine"], "Env": ["A=b"]}}).encode()
    inputs = FakeInputs(named={"nginx:1.27": Image(llb.local("mine"), "mine", config)})
    lowering = lower(text("v0-raw-image"), inputs)
    assert "local://mine" in graph(lowering.layers[0])
    assert lowering.rootfs.process.cmd == ("/mine",)
    assert lowering.rootfs.process.env == {"A": "b"}


def test_a_named_context_for_the_guests_platform_and_another_for_the_builders() -> None:
    """What steps run in is the builder's, what goes into the guest is the guest's."""
    arm64 = Platform("linux", "arm64")
    named = {
        f"base::{platform}": Image(llb.local(f"base-{platform.architecture}"), "base")
        for platform in (AMD64, arm64)
    }
    file = HEAD.format(version="v1", framework="linux") + (
        "toolchain: {from: base}\n"
        "app: {build: make, artifacts: ['a:/a']}\n"
        "rootfs: {from: base, type: raw}\n"
    )
    lowering = lower(file, FakeInputs(named=named), arm64)
    assert lowering.app is not None
    assert "local://base-amd64" in graph(lowering.app.state)
    assert "local://base-arm64" not in graph(lowering.app.state)
    base = [op for op in ops(lowering.rootfs.tree) if op.kind == "source"]
    assert "local://base-arm64" in {op.message.source.identifier for op in base}


APP = HEAD.format(version="v1", framework="linux") + (
    "args: {WHO: world, NONE: }\n"
    "app:\n"
    "  secrets: [token, {id: key, target: /root/key, env: KEY, required: false}]\n"
    "  ssh: [default, deploy]\n"
    "  fetch: fetch it\n"
    "  build: build it\n"
    "  artifacts: ['a:/a']\n"
)


def ops(state: State | None) -> tuple[DecodedOp, ...]:
    assert state is not None
    return state.marshal(platform=AMD64).ops()


def scripts(lowering: Lowering) -> dict[str, ExecOp]:
    """The steps of the application, by their names."""
    assert lowering.app is not None
    definition = lowering.app.state.marshal(platform=AMD64)
    names = {d: m.description.get("llb.customname", "") for d, m in definition.metadata.items()}
    return {names[op.digest]: op.message.exec for op in definition.ops() if op.kind == "exec"}


def test_scripts_see_the_builds_arguments_and_the_compiler() -> None:
    arm64 = Platform("linux", "arm64")
    found = scripts(lower(APP, platform=arm64))["[linux] build the application"]
    env = dict(pair.split("=", 1) for pair in found.meta.env)
    assert env["WHO"] == "world"
    assert "NONE" not in env
    assert (env["TARGETPLATFORM"], env["BUILDARCH"]) == ("linux/arm64", "amd64")
    assert env["CC"] == "aarch64-linux-gnu-gcc"


def test_only_what_fetches_has_the_network_and_the_agents() -> None:
    found = scripts(lower(APP))
    fetch = found["[linux] fetch what the application needs"]
    build = found["[linux] build the application"]
    assert fetch.network == NetMode.UNSET
    assert build.network == NetMode.NONE
    assert [m.SSHOpt.ID for m in fetch.mounts if m.mountType == MountType.SSH] == ["", "deploy"]
    assert not [m for m in build.mounts if m.mountType == MountType.SSH]
    for step, more in ((fetch, [("ca", "/run/secrets/ca", True)]), (build, [])):
        secrets = [m for m in step.mounts if m.mountType == MountType.SECRET]
        assert [(m.secretOpt.ID, m.dest, m.secretOpt.optional) for m in secrets] == [
            ("token", "/run/secrets/token", False),
            ("key", "/root/key", True),
            *more,
        ]
        assert [(s.ID, s.name, s.optional) for s in step.secretenv] == [("key", "KEY", True)]
    given = next(m.input for m in build.mounts if m.dest == "/app")
    assert given >= 0


def test_the_build_needs_no_cache_for_what_was_fetched() -> None:
    """Go and Cargo build out of what they downloaded: it is part of the state, and no cache."""
    found = scripts(lower(APP))
    fetch = found["[linux] fetch what the application needs"]
    build = found["[linux] build the application"]
    caches = [
        {m.dest: m.cacheOpt.ID for m in step.mounts if m.mountType == MountType.CACHE}
        for step in (fetch, build)
    ]
    own = {"/hutch/cache": caches[0]["/hutch/cache"]}
    assert caches == [{"/hutch/downloads": "hutch/downloads/public", **own}, own]
    (left,) = [m for m in fetch.mounts if m.dest == "/hutch/fetched"]
    (taken,) = [m for m in build.mounts if m.dest == "/hutch/fetched"]
    assert left.output >= 0
    assert (taken.mountType, taken.output) == (MountType.BIND, -1)
    env = dict(pair.split("=", 1) for pair in build.meta.env)
    assert env["GOMODCACHE"].startswith("/hutch/fetched/")
    assert env["CARGO_HOME"].startswith("/hutch/fetched/")


def test_each_project_has_a_cache_of_its_own() -> None:
    """Its name stays while sources and build change, and is the same on every builder."""

    def own(file: str) -> str:
        fetch = scripts(lower(file))["[linux] fetch what the application needs"]
        (mount,) = [m for m in fetch.mounts if m.dest == "/hutch/cache"]
        env = dict(pair.split("=", 1) for pair in fetch.meta.env)
        for name in ("GOCACHE", "PIP_CACHE_DIR", "npm_config_cache"):
            assert env[name].startswith("/hutch/cache/")
        return str(mount.cacheOpt.ID)

    first = own(APP)
    assert re.fullmatch("hutch/linux/amd64/app/[0-9a-f]{16}", first)
    assert own(APP.replace("build: ", "build: echo && ")) == first
    others = {
        own(APP.replace(*change))
        for change in (
            ("fetch: fetch it", "fetch: fetch them"),
            ("secrets: [token", "secrets: [other"),
            ("  fetch:", "  path: more\n  fetch:"),
            ("a:/a", "a:/else"),
        )
    }
    assert len(others) == 4
    assert first not in others


def test_a_build_alone_has_nothing_that_was_fetched() -> None:
    file = APP.replace("  fetch: fetch it\n", "")
    build = scripts(lower(file))["[linux] build the application"]
    assert not [m for m in build.mounts if m.dest in ("/hutch/fetched", "/hutch/downloads")]


def test_a_secret_of_the_file_is_not_mounted_twice() -> None:
    file = HEAD.format(version="v1", framework="linux") + (
        "app: {secrets: [ca], fetch: get, artifacts: ['a:/a']}\n"
    )
    fetch = scripts(lower(file))["[linux] fetch what the application needs"]
    secrets = [m.secretOpt for m in fetch.mounts if m.mountType == MountType.SECRET]
    assert [(secret.ID, secret.optional) for secret in secrets] == [("ca", False)]


@pytest.mark.parametrize("framework", ["linux", "netbsd", "freebsd"])
def test_contexts_that_stand_in_for_whole_sources(framework: str) -> None:
    """`--build-context kernel-source=... --build-context app-source=...`."""
    names = ("kernel-source", "app-source::linux/amd64")
    named = {name.partition("::")[0]: Image(llb.local(f"my-{name[:3]}"), "x") for name in names}
    file = HEAD.format(version="v1", framework=framework) + (
        "kernel: {from: source}\n"
        "app: {from: 'https://host/app.git', build: make, artifacts: ['a:/a']}\n"
    )
    lowering = lower(file, FakeInputs(named=named), contexts=names)
    assert lowering.app is not None
    assert lowering.kernel is not None
    assert "local://my-app" in graph(lowering.app.state)
    assert "git://" not in graph(lowering.app.state)
    assert "local://my-ker" in graph(lowering.kernel.state)
    assert "git://" not in graph(lowering.kernel.state)


@pytest.mark.parametrize(
    ("said", "caps", "attributes"),
    [
        ("url#v1", None, {"ref": "v1"}),
        ("url?ref=v1&commit=C", None, {"ref": "C"}),
        ("url?ref=v1&commit=C", (0, 22), {"ref": "v1", "git.checksum": "C"}),
        ("url?ref=v1&commit=C", (0, 21), {"ref": "C"}),
        ("url?commit=C", (0, 30), {"ref": "", "git.checksum": "C", "git.fetchbycommit": "true"}),
        ("url?commit=C", (0, 29), {"ref": "C"}),
        ("url?ref=v1&subdir=d", None, {"ref": "v1:d"}),
    ],
)
def test_a_repository(said: str, caps: tuple[int, int] | None, attributes: dict[str, str]) -> None:
    commit, url = "c" * 40, "https://host/x.git"
    file = HEAD.format(version="v1", framework="linux") + (
        f"app: {{from: '{said.replace('url', url).replace('C', commit)}', build: make, "
        "artifacts: ['a:/a']}\n"
    )
    lowering = lower(file, caps=caps and Caps.of_buildkit(*caps))
    assert lowering.app is not None
    (source,) = [
        op.message.source
        for op in ops(lowering.app.state)
        if op.kind == "source" and op.message.source.identifier.startswith("git://")
    ]
    found = {key: value for key, value in source.attrs.items() if key in attributes}
    found["ref"] = source.identifier.partition("#")[2]
    assert found == {key: value.replace("C", commit) for key, value in attributes.items()}
    assert source.attrs["git.fullurl"] == url


def test_unikrafts_images_are_pulled_for_their_monitor() -> None:
    lowering = lower(text("v0-kernel-of-image"))
    assert "qemu/amd64" in graph(lowering.layers[0])
    fire = text("v0-kernel-of-image").replace("monitor: qemu", "monitor: firecracker")
    assert "fc/amd64" in graph(lower(fire).layers[0])


def test_flags_reach_every_step() -> None:
    flags = Flags(
        network=Network.HOST,
        hosts=(("db", "10.0.0.1"),),
        ulimits=(Ulimit("nofile", 10, 20),),
        shm_size=1 << 20,
        cgroup_parent="builds",
        hostname="here",
        resources=Resources(memory=1 << 30),
        no_cache=frozenset({"rootfs"}),
    )
    lowering = lower(text("v0-initrd"), flags=flags)
    definition = lowering.layers[1].marshal(platform=AMD64)
    made = render(definition)
    assert "network none" in made  # no step of ours uses a network that it does not need
    for word in ("10.0.0.1", "nofile", "/dev/shm", "builds", "here"):
        assert word in made
    pb = definition.to_pb()
    ignored = [m for m in pb.metadata.values() if m.ignore_cache]
    assert len(ignored) == 4
    assert not [
        m for m in lowering.layers[0].marshal(platform=AMD64).to_pb().metadata.values()
        if m.ignore_cache
    ]  # fmt: skip


def test_steps_run_on_the_builders_own_platform() -> None:
    lowering = lower(text("v0-initrd"), platform=Platform("linux", "arm64"))
    made = render(lowering.layers[1].marshal(platform=Platform("linux", "arm64")))
    assert 'exec "[linux] pack the initrd" linux/amd64' in made


@pytest.mark.parametrize("name", ["app", "rootfs"])
def test_a_target_that_the_file_does_not_have(name: str) -> None:
    with pytest.raises(Problems, match=f"the file has no {name} to build"):
        find(name, lower(text("v0-kernel-only")))


def test_an_unknown_target() -> None:
    with pytest.raises(Problems, match=r"unknown target 'kernl' \(did you mean 'kernel'"):
        find("kernl", lower(text("v0-kernel-only")))


def test_targets_are_the_files_themselves() -> None:
    lowering = lower(text("v0-initrd"))
    assert "copy /vmlinuz -> /vmlinuz" in graph(find("kernel", lowering).state)
    assert "copy /.boot/rootfs -> /rootfs" in graph(find("ROOTFS", lowering).state)
    assert find("kernel", lowering).annotations == {}
    targets = {"image", "kernel", "kernel-size", "rootfs", "app", "toolchain"}
    assert set(TARGETS) == targets | {"packages", "builder"}


def test_a_step_that_a_framework_lacks_is_an_error_with_a_hint() -> None:
    source = HEAD.format(version="v1", framework="hermit") + "kernel: {from: source}\n"
    with pytest.raises(Problems, match="cannot build a kernel from source for hermit yet"):
        lower(source)


def test_artifacts_of_one_name_are_told_apart_by_where_they_go() -> None:
    file = HEAD.format(version="v1", framework="linux") + "app:\n  artifacts: "
    for artifacts, names in (
        ("['a/x:/bin/x', 'b/y:/y']", {"/x", "/y"}),
        ("['a/x:/bin/x', 'b/x:/y']", {"/bin/x", "/y"}),
    ):
        state = find("app", lower(file + artifacts + "\n")).state
        copies = [action.copy for op in ops(state) for action in op.message.file.actions]
        assert {copy.dest for copy in copies} - {"/"} == names
