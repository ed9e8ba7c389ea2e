"""What questions are answered with, without a daemon: text in columns, comments, needs."""

from __future__ import annotations

import json

import pytest

import llb
from frontend.subrequests import QUESTIONS
from frontend.subrequests.answers import Reply
from frontend.subrequests.outline import _described, _Needs
from frontend.subrequests.table import columns


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = columns(("A", "B"), [("one", "1"), ("three", "")], gap=2)
    assert text == "A      B\none    1\nthree  \n"


@pytest.mark.parametrize(("failed", "code"), [(None, None), (False, b"0"), (True, b"1")])
def test_a_reply_s_metadata(failed: bool | None, code: bytes | None) -> None:
    message = Reply({"a": 1}, "text", failed).to_result().message
    assert json.loads(message.metadata["result.json"]) == {"a": 1}
    assert message.metadata["result.txt"] == b"text"
    assert message.metadata["version"] == b"1.0.0"
    assert message.metadata.get("result.statuscode") == code
    assert message.WhichOneof("result") is None


def test_descriptions_have_what_buildx_reads() -> None:
    for name, question in QUESTIONS.items():
        described = question.description(name)
        assert described["name"].startswith("frontend.")
        assert described["type"] == "rpc"
        assert {"name": "result.json"} in described["metadata"]


@pytest.mark.parametrize(
    ("comment", "text"),
    [("  # WHO the greeted", "the greeted"), ("# WHOM x", ""), ("# WHO", ""), ("x: 1", "")],
)
def test_an_argument_s_comment(comment: str, text: str) -> None:
    assert _described(f"args:\n{comment}\n  WHO: x\n".encode(), "WHO", 3) == text


def test_what_steps_need() -> None:
    image = llb.image("debian")
    run = image.run(
        ["x"],
        mounts=[
            llb.Mount.cache("/c", "cache"),
            llb.Mount.secret("key"),
            llb.Mount.secret("other", optional=True),
            llb.Mount.ssh(),
            llb.Mount.bind("/a", llb.git("https://example.com/a.git")),
            llb.Mount.bind("/b", llb.git("git@example.com:b.git")),
        ],
    )
    needs = _Needs(run.root.marshal(platform=llb.Platform("linux", "amd64")))
    assert needs.secrets == {
        "key": True,
        "other": False,
        "GIT_AUTH_TOKEN": False,
        "GIT_AUTH_HEADER": False,
    }
    assert needs.agents == {"default": True}
    assert needs.caches == {"cache"}
