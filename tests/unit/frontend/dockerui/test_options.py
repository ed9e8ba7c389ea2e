"""Build options: from the daemon's strings to values."""

from __future__ import annotations

import json

import pytest

from frameworks.diagnostics import Problems
from frontend.dockerui.options import Environment, Options, Sbom
from frontend.gateway.client import CacheImport
from llb import Network, Platform, Proxy, ResolveMode, Resources, Ulimit

AMD64 = Platform("linux", "amd64")


def parse(**options: str) -> Options:
    return Options.parse({k.replace("__", ":"): v for k, v in options.items()}, AMD64)


def test_defaults() -> None:
    options = Options.parse({}, AMD64)
    assert options.filename == "Dockerfile"
    assert options.build_file_local == "dockerfile"
    assert options.platforms == ()
    assert not options.multi_platform
    assert options.no_cache is False
    assert options.network is None
    assert options.resolve_mode is ResolveMode.DEFAULT
    assert options.resources is None
    assert options.proxy is None
    assert options.sbom is None


def test_maps_are_cut_from_their_prefixes() -> None:
    options = Options.parse(
        {
            "build-arg:A": "1",
            "label:org.example": "x=y",
            "context:debian": "docker-image://alpine",
            "context:debian::linux/arm64": "local:d",
            "input-metadata:i": "{}",
            "local-sessionid:context": "s2",
            "sharedkey:localdir:d": "k",
            "unknown": "kept out",
        },
        AMD64,
    )
    assert options.build_args == {"A": "1"}
    assert options.labels == {"org.example": "x=y"}
    assert options.named_contexts["debian::linux/arm64"] == "local:d"
    assert options.input_metadata == {"i": "{}"}
    assert options.local_sessions == {"context": "s2"}
    assert options.shared_keys == {"d": "k"}
    assert options.raw["unknown"] == "kept out"


def test_context_and_build_file_keys() -> None:
    options = Options.parse(
        {
            "filename": "bunnyfile",
            "dockerfilekey": "stdin-1",
            "contextkey": "where",
            "where": "https://h/x.git",
            "contextsubdir": "sub",
            "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1",
        },
        AMD64,
    )
    assert (options.filename, options.build_file_local) == ("bunnyfile", "stdin-1")
    assert options.force_local_build_file
    assert options.context == "https://h/x.git"
    assert options.context_subdir == "sub"
    assert options.keep_git_dir


@pytest.mark.parametrize(
    ("text", "platforms"),
    [
        ("linux/amd64", ["linux/amd64"]),
        ("linux/x86_64,linux/aarch64", ["linux/amd64", "linux/arm64"]),
        ("linux/arm", ["linux/arm/v7"]),
        ("arm64", ["linux/arm64"]),
        ("linux", ["linux/amd64"]),
    ],
)
def test_platforms(text: str, platforms: list[str]) -> None:
    options = parse(platform=text)
    assert [str(p) for p in options.platforms] == platforms
    assert options.multi_platform == (len(platforms) > 1)


def test_a_single_platform_may_be_asked_for_as_a_map() -> None:
    assert Options.parse(
        {"platform": "linux/amd64", "multi-platform": "true"}, AMD64
    ).multi_platform
    by_argument = {"build-arg:BUILDKIT_MULTI_PLATFORM": "1", "multi-platform": "false"}
    assert Options.parse(by_argument, AMD64).multi_platform


def test_no_cache() -> None:
    assert Options.parse({"no-cache": ""}, AMD64).no_cache is True
    assert Options.parse({"no-cache": "Kernel,app"}, AMD64).no_cache == frozenset(("kernel", "app"))


def test_a_platform_that_is_written_twice_is_one() -> None:
    options = Options.parse({"platform": "linux/amd64,linux/x86_64"}, AMD64)
    assert options.platforms == (AMD64,)
    assert not options.multi_platform


def test_flags_of_steps() -> None:
    options = Options.parse(
        {
            "force-network-mode": "none",
            "image-resolve-mode": "local",
            "add-hosts": "Mirror=10.0.0.1,six=::1",
            "ulimit": "nofile=1:2,core=0,memlock=-1",
            "shm-size": "65536",
            "cgroup-parent": "/c",
            "hostname": "h",
            "memory": "1024",
            "memswap": "-1",
            "cpusetcpus": "0-3,5",
            "build-arg:HTTP_PROXY": "http://p",
            "build-arg:no_proxy": "localhost",
        },
        AMD64,
    )
    assert options.network is Network.NONE
    assert options.resolve_mode is ResolveMode.LOCAL
    assert options.hosts == (("mirror", "10.0.0.1"), ("six", "::1"))
    assert options.ulimits == (
        Ulimit("nofile", 1, 2),
        Ulimit("core", 0, 0),
        Ulimit("memlock", -1, -1),
    )
    assert options.shm_size == 65536
    assert (options.cgroup_parent, options.hostname) == ("/c", "h")
    assert options.resources == Resources(memory=1024, memory_swap=-1, cpuset_cpus="0-3,5")
    assert options.proxy == Proxy(http="http://p", no="localhost")


def test_build_argument_for_the_hostname_wins() -> None:
    options = Options.parse({"hostname": "a", "build-arg:BUILDKIT_SANDBOX_HOSTNAME": "b"}, AMD64)
    assert options.hostname == "b"


def test_cache_imports_new_and_old() -> None:
    entries = [
        {"Type": "gha", "Attrs": {"scope": "x"}},
        {"Type": "registry", "Attrs": {"ref": "r"}},
    ]
    options = Options.parse({"cache-imports": json.dumps(entries), "cache-from": "r,s"}, AMD64)
    assert options.cache_imports == (
        CacheImport("gha", {"scope": "x"}),
        CacheImport("registry", {"ref": "r"}),
        CacheImport("registry", {"ref": "s"}),
    )


def test_attestations() -> None:
    plain = Options.parse({"attest:sbom": "", "attest:provenance": "mode=max"}, AMD64)
    assert plain.sbom == Sbom("docker.io/docker/buildkit-syft-scanner:stable-1", {})
    given = Options.parse({"attest:sbom": 'generator=g:1,"k=a,b"'}, AMD64)
    assert given.sbom == Sbom("g:1", {"k": "a,b"})
    by_argument = Options.parse({"build-arg:BUILDKIT_ATTEST_SBOM": ""}, AMD64)
    assert by_argument.sbom is not None


def test_epoch() -> None:
    assert parse(**{"build-arg__SOURCE_DATE_EPOCH": "1700000000"}).epoch == 1700000000
    assert parse(**{"build-arg__SOURCE_DATE_EPOCH": "context"}).epoch_from_context
    assert parse(**{"build-arg__SOURCE_DATE_EPOCH": ""}).epoch is None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("platform", "linux/", "--platform cannot be 'linux/'"),
        ("platform", "a/b/c/d", "is not of the form os/architecture"),
        ("image-resolve-mode", "never", "not one of default, pull, local"),
        ("force-network-mode", "bridge", "--network cannot be 'bridge'"),
        ("add-hosts", "mirror", "not NAME=ADDRESS"),
        ("add-hosts", "mirror=10.0.0", "is not an IP address"),
        ("ulimit", "nofile", "not NAME=SOFT"),
        ("ulimit", "nofiles=1", "'nofiles' is not a limit"),
        ("ulimit", "nofile=1:2:3", "'1:2:3' is not SOFT or SOFT:HARD"),
        ("ulimit", "nofile=2:1", "the soft limit 2 is above the hard limit 1"),
        ("ulimit", "nofile=-1:1", "the soft limit -1 is above"),
        ("shm-size", "64m", "not a whole number"),
        ("memory", "0", "must be 1 or more"),
        ("memswap", "-2", "or -1, for no limit"),
        ("cpusetcpus", "3-1", "'3-1' is not a number or a range"),
        ("cpusetmems", "x", "'x' is not a number or a range"),
        ("multi-platform", "perhaps", "not true or false"),
        ("cache-imports", "[1]", "not a JSON list of caches"),
        ("cache-imports", "{", "not a JSON list of caches"),
        ("attest:vex", "", "no such attestation"),
        ("build-arg:SOURCE_DATE_EPOCH", "soon", "not a number of seconds since 1970"),
        ("build-arg:SOURCE_DATE_EPOCH", "-5", "not a number of seconds since 1970"),
        ("build-arg:SOURCE_DATE_EPOCH", "\u00b2", "not a number of seconds since 1970"),
        ("build-arg:SOURCE_DATE_EPOCH", "9" * 20, "not a number of seconds since 1970"),
        ("build-arg:SOURCE_DATE_EPOCH", "9" * 5000, "not a number of seconds since 1970"),
        ("build-arg:SOURCE_DATE_EPOCH", "4294967296", "not a number of seconds since 1970"),
        (
            "build-arg:NAME",
            "a\udcff",
            r"--build-arg NAME has a value that is not UTF-8 text: a\udcff",
        ),
        ("label:l\udcff", "", r"--label l\udcff has a value that is not UTF-8 text"),
        ("target", "\udcff", r"the build option target has a value that is not UTF-8 text"),
        ("cache-imports", "[" * 3000, "not a JSON list of caches"),
        ("cache-imports", '[{"Type":"x","Attrs":{"a":' + "9" * 5000 + "}}]", "not a JSON list"),
    ],
)
def test_mistakes_are_explained(key: str, value: str, words: str) -> None:
    with pytest.raises(Problems) as caught:
        Options.parse({key: value}, AMD64)
    (found,) = caught.value.diagnostics
    assert words in found.message
    assert found.code == "bad-build-option"


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(Problems) as caught:
        Options.parse({"ulimit": "a=1,nofile=x", "memory": "x", "platform": "/"}, AMD64)
    assert len(caught.value.diagnostics) == 4


def test_conflicting_platforms() -> None:
    with pytest.raises(Problems, match="2 platforms were asked for"):
        Options.parse({"platform": "linux/amd64,linux/arm64", "multi-platform": "0"}, AMD64)


def test_a_near_miss_gets_a_hint() -> None:
    with pytest.raises(Problems) as caught:
        Options.parse({"ulimit": "nofiles=1"}, AMD64)
    assert caught.value.diagnostics[0].hint == "did you mean 'nofile'?"


def test_environment() -> None:
    workers = [{"id": "w", "platforms": [{"os": "linux", "architecture": "arm64"}]}]
    environment = Environment.read(
        {
            "BUILDKIT_FRONTEND_OPT_0": "build-arg:A=b=c",
            "BUILDKIT_FRONTEND_OPT_7": "no-cache",
            "BUILDKIT_FRONTEND_OPT_2": "target=",
            "BUILDKIT_SESSION_ID": "s",
            "BUILDKIT_EXPORTEDPRODUCT": "docker",
            "BUILDKIT_WORKERS": json.dumps(workers),
            "PATH": "/bin",
        }
    )
    assert environment.options == {"build-arg:A": "b=c", "no-cache": "", "target": ""}
    assert environment.session_id == "s"
    assert environment.product == "docker"
    assert environment.build_platform == Platform("linux", "arm64")


@pytest.mark.parametrize("workers", ["", "null", "[]", "{", '[{"platforms": []}]', '[{"id": 1}]'])
def test_unknown_workers_mean_our_own_platform(workers: str) -> None:
    assert Environment.read({"BUILDKIT_WORKERS": workers}).build_platform.os == "linux"
