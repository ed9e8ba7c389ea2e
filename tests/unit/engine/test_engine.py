"""The pure parts of the engine: paths, records, settings, rules, manifests."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import client, daemon, debian, found, network, oci, process, registry
from engine.layout import (
    DEFAULT,
    DEFAULT_STATE,
    FLAVOURS,
    FORKY,
    LONGEST_SOCKET_PATH,
    Layout,
    flavour,
)
from engine.report import EngineError

DEFAULT_LAYOUT = Layout(Path(DEFAULT_STATE))


def test_layout_is_the_default_without_a_variable() -> None:
    assert Layout.from_environment({}).state == Path(DEFAULT_STATE)
    assert Layout.from_environment({"HUTCH_ENGINE_DIR": ""}).state == Path(DEFAULT_STATE)


def test_layout_takes_the_variable_and_tidies_it() -> None:
    layout = Layout.from_environment({"HUTCH_ENGINE_DIR": "/srv//engine/"})
    assert layout.socket(DEFAULT) == Path("/srv/engine/instances/28/docker.sock")


@pytest.mark.parametrize("path", ["relative", "/with space", "/with:colon", "/quote'", "/a\nb"])
def test_layout_refuses_odd_paths(path: str) -> None:
    with pytest.raises(EngineError, match="HUTCH_ENGINE_DIR"):
        Layout.from_environment({"HUTCH_ENGINE_DIR": path})


def test_layout_refuses_a_path_that_leaves_no_room_for_a_socket() -> None:
    longest = "/instances/28-classic/docker.sock"
    fits = "/" + "x" * (LONGEST_SOCKET_PATH - len(longest) - 1)
    Layout.from_environment({"HUTCH_ENGINE_DIR": fits})
    with pytest.raises(EngineError, match="too long"):
        Layout.from_environment({"HUTCH_ENGINE_DIR": fits + "x"})


def test_flavours() -> None:
    assert flavour("28", None) is DEFAULT
    assert flavour("28", None).containerd_store
    assert not flavour("20.10", None).containerd_store
    assert flavour("28", "classic").name == "28-classic"
    with pytest.raises(EngineError, match=r"20\.10 has no containerd"):
        flavour("20.10", "containerd")


def test_daemons_share_nothing_in_the_kernel() -> None:
    other = Layout(Path("/srv/other"))
    places = [layout.place(f) for layout in (DEFAULT_LAYOUT, other) for f in FLAVOURS.values()]
    for values in ([p.bridge for p in places], [p.subnet for p in places]):
        assert len(set(values)) == len(values)
    # IFNAMSIZ is 16 with the final NUL.
    assert max(len(p.bridge) for p in places) <= 15


def test_rules_name_the_bridge_and_nothing_of_docker() -> None:
    place = DEFAULT_LAYOUT.place(DEFAULT)
    rules = network.rules(place)
    assert [(table, chain) for table, chain, _ in rules] == [
        ("nat", "POSTROUTING"),
        ("filter", "FORWARD"),
        ("filter", "FORWARD"),
    ]
    assert all(place.bridge in arguments for _, _, arguments in rules)


def test_resolver_skips_servers_on_loopback(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    real.write_text("# servers\nnameserver 192.0.2.1\n")
    assert network.resolver((stub, real)) == real.read_text()
    assert network.resolver((real, stub)) == real.read_text()
    assert network.resolver((stub, tmp_path / "missing")) == stub.read_text()


def test_start_time_is_found_behind_a_nasty_name() -> None:
    fields = ["S", "1", *(str(n) for n in range(5, 53))]
    assert process.start_time(f"42 (a) b (c)) {' '.join(fields)}") == "22"
    assert process.start_time(f"42 (dead) {' '.join(['Z', *fields[1:]])}") is None


def test_a_record_is_recalled_only_for_the_very_process(tmp_path: Path) -> None:
    record = tmp_path / "process.json"
    me = process.identify(os.getpid())
    assert me is not None
    process.remember(record, me)
    assert process.recall(record) == me
    process.remember(record, process.ProcessId(me.pid, str(int(me.start) - 1), me.boot))
    assert process.recall(record) is None
    process.remember(record, process.ProcessId(me.pid, me.start, "another boot"))
    assert process.recall(record) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "x": 2}'])
def test_a_broken_record_is_no_process(tmp_path: Path, text: str) -> None:
    record = tmp_path / "process.json"
    record.write_text(text)
    assert process.recall(record) is None
    assert not process.stop(record)
    assert not record.exists()


@pytest.mark.parametrize("ignore", ["", "trap '' TERM;"])
def test_stop_ends_a_process_even_one_that_ignores_it(tmp_path: Path, ignore: str) -> None:
    record = tmp_path / "process.json"
    script = f"{ignore} echo ready; while :; do sleep 0.01; done"
    with subprocess.Popen(("/bin/sh", "-c", script), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        started = process.identify(child.pid)
        assert started is not None
        process.remember(record, started)
        assert process.stop(record, patience=0.2)
        assert child.wait() == (-9 if ignore else -15)
    assert not record.exists()


def test_daemon_settings_leave_the_hosts_docker_alone() -> None:
    home = DEFAULT_LAYOUT.instance(DEFAULT)
    root = Path("/srv/roots/forky-0123456789ab")
    settings = daemon.settings(DEFAULT, DEFAULT_LAYOUT.place(DEFAULT), home, root, "localhost:5000")
    assert settings["labels"] == ["hutch.root=forky-0123456789ab"]
    assert settings["iptables"] is False
    assert settings["hosts"] == [f"unix://{home}/docker.sock"]
    assert settings["features"] == {"buildkit": True, "containerd-snapshotter": True}
    assert settings["registry-mirrors"] == ["http://localhost:5000"]
    text = json.dumps(settings)
    assert "/var/run/docker.sock" not in text
    assert "/var/lib/docker" not in text


def test_registry_settings_are_on_loopback() -> None:
    settings = json.loads(registry.settings(Path("/srv/registry/storage"), 5001))
    assert settings["http"]["addr"] == "127.0.0.1:5001"


def test_root_path_changes_with_its_packages() -> None:
    other = type(FORKY)(FORKY.suite, (*FORKY.packages, "vim"))
    paths = {debian.root_path(Path("/r"), root) for root in (FORKY, other)}
    assert len(paths) == 2
    assert all(path.name.startswith("forky-") for path in paths)


def test_client_script_gives_defaults_that_the_user_can_override(tmp_path: Path) -> None:
    program = tmp_path / "it's.sh"
    program.write_text('#!/bin/sh\necho "$DOCKER_HOST|$*"\n')
    program.chmod(0o755)
    script = client.script(program, {"DOCKER_HOST": "unix:///a b/docker.sock"})

    def run(**environ: str) -> str:
        command = ("/bin/sh", "-c", script, "docker", "x y", "z")
        return subprocess.check_output(command, env=environ, text=True)

    assert run() == "unix:///a b/docker.sock|x y z\n"
    assert run(DOCKER_HOST="tcp://1") == "tcp://1|x y z\n"


def test_found_prefers_buildkit_and_never_finds_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "works", lambda *argv: True)
    monkeypatch.setenv("BUILDKIT_HOST", "tcp://builder:1234")
    assert found.find(DEFAULT_LAYOUT) == found.OwnBuildKit("buildkit", "tcp://builder:1234")
    monkeypatch.delenv("BUILDKIT_HOST")
    monkeypatch.setenv("DOCKER_HOST", "ssh://builder")
    assert found.find(DEFAULT_LAYOUT) == found.OwnBuildKit("docker", "ssh://builder")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{DEFAULT_LAYOUT.socket(DEFAULT)}")
    assert found.find(DEFAULT_LAYOUT) is None


def test_found_wants_buildx_beside_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILDKIT_HOST", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(found, "works", lambda *argv: "buildx" not in argv)
    assert found.find(DEFAULT_LAYOUT) is None


def test_descriptor_of_a_file() -> None:
    data = io.BytesIO(b"hello")
    data.read()
    digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert oci.describe(oci.LAYER, data) == oci.Descriptor(oci.LAYER, digest, 5)
    assert data.read() == b"hello"


def test_manifest_is_what_the_image_format_says() -> None:
    config = oci.Descriptor(oci.CONFIG, "sha256:1", 1)
    layer = oci.Descriptor(oci.LAYER, "sha256:2", 2)
    manifest = json.loads(oci.image_manifest(config, layer))
    assert manifest["mediaType"] == oci.MANIFEST
    assert manifest["layers"] == [{"mediaType": oci.LAYER, "digest": "sha256:2", "size": 2}]
    image = json.loads(oci.image_config("arm64", "sha256:3"))
    assert image["architecture"] == "arm64"
    assert image["rootfs"]["diff_ids"] == ["sha256:3"]
    assert "created" not in image


@pytest.mark.parametrize("argv", [["env"], ["env", "--json"], ["run", "--", "true"]])
def test_nothing_is_claimed_when_the_engine_is_down(tmp_path: Path, argv: list[str]) -> None:
    environ = {"PATH": "/nonexistent", "HUTCH_ENGINE_DIR": str(tmp_path)}
    done = subprocess.run(
        (sys.executable, "-m", "engine", *argv),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "engine: the engine is not up: run `python3 -m engine up`\n"


def test_up_says_what_to_do_where_it_cannot_help(tmp_path: Path) -> None:
    environ = {"PATH": "/nonexistent", "HUTCH_ENGINE_DIR": str(tmp_path)}
    done = subprocess.run(
        (sys.executable, "-m", "engine", "up"),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "start Docker, or set DOCKER_HOST or BUILDKIT_HOST" in done.stderr
    assert "Traceback" not in done.stderr
