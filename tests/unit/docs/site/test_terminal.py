"""A recording as a picture: sound XML, nothing from elsewhere, each line drawn once."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from docs.site.terminal import Frame, animated

PROMPT = (("$ ", "#98c379", True), ("ls <a> & b", "#d7dae0", False))
SAID = (("    a  b", "#d7dae0", False),)
FRAMES = [
    Frame(0.0, (PROMPT, (), ())),
    Frame(1.0, (PROMPT, SAID, ())),
    Frame(1.5, (SAID, PROMPT, ())),
]


def test_a_picture() -> None:
    text = animated(FRAMES, 20, 3, title='a "b" & c', pause=0.5)
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.attrib["aria-label"] == 'a "b" & c'
    lines = root.findall(f"{space}defs/{space}text")
    assert ["".join(line.itertext()) for line in lines] == ["$ls <a> & b", "a  b".strip()]
    groups = root.findall(f"{space}g")
    assert [[use.attrib["href"] for use in group] for group in groups] == [
        ["#l0"],
        ["#l0", "#l1"],
        ["#l1", "#l0"],
    ]
    assert "script" not in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]


def test_frames_follow_each_other() -> None:
    text = animated(FRAMES, 20, 3, title="x", pause=0.5)
    assert "@keyframes k0{0%{visibility:visible}0.000%{visibility:visible}50.000%{" in text
    assert "@keyframes k1{0%{visibility:hidden}50.000%{visibility:visible}75.000%{" in text
    assert "@keyframes k2{0%{visibility:hidden}75.000%{visibility:visible}}" in text
    assert "#f2{animation:k2 2.00s step-end infinite}" in text


def test_without_motion_the_last_one_is_seen() -> None:
    text = animated(FRAMES, 20, 3, title="x")
    assert "reduce){*{animation:none!important}#f0,#f1{visibility:hidden}}" in text
    assert "{visibility:hidden}}" not in animated(FRAMES[:1], 20, 3, title="x")


def test_words_are_as_wide_as_their_columns() -> None:
    text = animated(FRAMES, 20, 3, title="x")
    assert '<tspan x="33.6" textLength="33.6" lengthAdjust="spacingAndGlyphs"' in text
