"""Image configs as Docker and containerd read them, whatever their keys are spelled like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llb import imageconfig, strictjson


def parse(document: object) -> dict[str, Any]:
    text = document if isinstance(document, str) else json.dumps(document)
    return imageconfig.parse(text.encode())


def test_a_field_has_one_spelling() -> None:
    found = parse(
        {
            "OS": "linux",
            "Architecture": "amd64",
            "config": {"user": "0", "cmd": ["/a"], "labels": {"A": "b", "a": "c"}},
            "CONFIG": {"User": "1", "CMD": ["/b", "c"], "Labels": {"A": "d"}, "x-Own": {"User": 1}},
            "x-Unknown": [1.5, None, {"User": True}],
        }
    )
    assert found == {
        "os": "linux",
        "architecture": "amd64",
        "config": {
            "User": "1",
            "Cmd": ["/b", "c"],
            "Labels": {"A": "d", "a": "c"},
            "x-Own": {"User": 1},
        },
        "x-Unknown": [1.5, None, {"User": True}],
    }


def test_what_is_there_twice_is_read_as_go_reads_it() -> None:
    found = parse('{"config":{"User":"a"},"config":{"Cmd":["b"],"cmd":null,"user":null}}')
    assert found == {"config": {"User": "a"}}
    assert parse('{"config":{"Cmd":["a"]},"config":{"cmd":["b"]}}')["config"]["Cmd"] == ["b"]


def test_the_two_letters_beyond_ascii() -> None:
    found = parse({"config": {"u\u017fer": "0", "Hea\u013athcheck": 1, "Wor\u212aingDir": "/"}})
    assert found["config"] == {"User": "0", "Hea\u013athcheck": 1, "WorkingDir": "/"}


def test_fields_at_every_depth() -> None:
    found = parse(
        {
            "History": [{"CREATED_BY": "x", "Empty_Layer": True}],
            "RootFS": {"TYPE": "layers", "DIFF_IDS": ["sha256:1"]},
            "config": {"healthcheck": {"TEST": ["NONE"], "interval": 5}},
        }
    )
    assert found["history"] == [{"created_by": "x", "empty_layer": True}]
    assert found["rootfs"] == {"type": "layers", "diff_ids": ["sha256:1"]}
    assert found["config"]["Healthcheck"] == {"Test": ["NONE"], "Interval": 5}


def test_a_command_in_one_text() -> None:
    assert parse({"config": {"Cmd": "a b"}})["config"]["Cmd"] == ["a b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("x", "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"config":[]}', "config in the image config is not a JSON object"),
        ('{"Config":{"env":"A=b"}}', "config.Env in the image config is not a list"),
        ('{"config":{"env":[1]}}', "config.Env in the image config is not a string"),
        ('{"config":{"env":{}}}', "config.Env in the image config is not a list"),
        ('{"config":{"labels":{"a":1}}}', "config.Labels in the image config is not a string"),
        ('{"config":{"env":["A=\\u0000"]}}', "config.Env in the image config has a NUL"),
        ('{"config":{"labels":{"a":"\\u0000"}}}', "config.Labels in the image config has a NUL"),
        ('{"config":{"env":["A=\\ud800"]}}', "the escape of U+D800 is half a character"),
        ('{"x":"\\udfff"}', "the escape of U+DFFF is half a character"),
        ('{"history":{}}', "history in the image config is not a list of objects"),
        ('{"history":[1]}', "history in the image config is not a list of objects"),
        ('{"os":1}', "os in the image config is not a string"),
        ('{"x":' + "9" * 5000 + "}", "a number has 5000 digits"),
        ('{"x":1e999}', "a number is too large"),
        ('{"x":NaN}', "NaN is no number of JSON"),
        ('{"x":' + "[" * 3000 + "]" * 3000 + "}", "nested more than 64 deep"),
        ('{"x":' + "[" * 100_000, "nested more than 64 deep"),
        ('{"x":' * 100 + "1" + "}" * 100, "nested more than 64 deep"),
    ],
)
def test_what_is_none(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        parse(text)
    assert says in str(caught.value)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ValueError, match="byte 2 is not UTF-8 text"):
        strictjson.loads(b'"\xff"')


def test_it_can_be_written_and_read_again() -> None:
    data = json.dumps({"os": "linux", "CONFIG": {"ENV": ["A=\u00e4"], "Cmd": None}}).encode()
    once = imageconfig.normal(data)
    assert imageconfig.normal(once) == once
    assert imageconfig.read(once).env == {"A": "\u00e4"}
