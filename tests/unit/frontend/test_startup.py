"""What a start leaves out until it is asked for."""

from __future__ import annotations

import importlib
import sys

import pytest

from frontend.startup import Late


def test_a_module_comes_when_more_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "colorsys", None)  # as it was, after the test
    late = Late("colorsys", known=7)
    assert importlib.import_module("colorsys") is late
    assert late.known == 7
    assert sys.modules["colorsys"] is late
    found = late.rgb_to_hsv
    assert sys.modules["colorsys"] is not late
    assert found is importlib.import_module("colorsys").rgb_to_hsv
    assert late.hsv_to_rgb is importlib.import_module("colorsys").hsv_to_rgb
    assert not hasattr(late, "nothing")
    assert not hasattr(late, "__path__")
