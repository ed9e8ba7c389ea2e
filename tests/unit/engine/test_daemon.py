"""A daemon's settings."""

from __future__ import annotations

import json
from pathlib import Path

from engine import daemon
from engine.layout import (
    DEFAULT,
    DEFAULT_STATE,
    Layout,
)


def test_daemon_settings_leave_the_hosts_docker_alone() -> None:
    home = Layout(Path(DEFAULT_STATE)).instance(DEFAULT)
    root = Path("/srv/roots/forky-0123456789ab")
    settings = daemon.settings(
        DEFAULT, Layout(Path(DEFAULT_STATE)).place(DEFAULT), home, root, "localhost:5000"
    )
    assert settings["labels"] == ["hutch.root=forky-0123456789ab"]
    assert settings["iptables"] is False
    assert settings["hosts"] == [f"unix://{home}/docker.sock"]
    assert settings["features"] == {"buildkit": True, "containerd-snapshotter": True}
    assert settings["registry-mirrors"] == ["http://localhost:5000"]
    text = json.dumps(settings)
    assert "/var/run/docker.sock" not in text
    assert "/var/lib/docker" not in text
