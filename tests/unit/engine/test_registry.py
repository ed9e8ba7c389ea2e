"""The registry's settings."""

from __future__ import annotations

import json
from pathlib import Path

from engine import registry


def test_registry_settings_are_on_loopback() -> None:
    settings = json.loads(registry.settings(Path("/srv/registry/storage"), 5001))
    assert settings["http"]["addr"] == "127.0.0.1:5001"
