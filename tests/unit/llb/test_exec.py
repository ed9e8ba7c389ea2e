"""Commands: what is refused, outputs, inheritance, and the zeros that mean something."""

import pytest

import llb
from llb import Mount
from llb.pb import ops_pb2 as pb
from tests.unit.llb.reading import execution, head, marshal

ALPINE = llb.image("alpine")
BUSY = llb.image("busybox")


def mount_at(run: pb.ExecOp, dest: str) -> pb.Mount:
    (found,) = [mount for mount in run.mounts if mount.dest == dest]
    return found


def test_args_are_a_list() -> None:
    with pytest.raises(TypeError, match="list of arguments"):
        ALPINE.run("echo hello")
    for args in ([], [""]):
        with pytest.raises(ValueError, match="name of a program"):
            ALPINE.run(args)


def test_settings_of_a_state_last_and_those_of_a_run_do_not() -> None:
    state = ALPINE.with_env({"A": "1"}).with_cwd("/w").with_user("u")
    first = state.run(["true"], env={"A": "2", "B": "3"}, cwd="x", user="root")
    run = execution(first.root)
    assert list(run.meta.env) == ["A=2", "B=3"]
    assert (run.meta.cwd, run.meta.user) == ("/w/x", "root")
    second = execution(first.root.run(["true"]).root)
    assert list(second.meta.env) == ["A=1"]
    assert (second.meta.cwd, second.meta.user) == ("/w", "u")


def test_a_state_never_changes() -> None:
    before = ALPINE.with_env({"A": "1"})
    before.with_env({"A": "2"}).with_cwd("/x").run(["true"])
    assert before.env == {"A": "1"}
    assert before.cwd == "/"
    with pytest.raises(AttributeError):
        before.output = None  # type: ignore[misc]


def test_the_order_of_the_environment() -> None:
    state = ALPINE.with_env({"Z": "1", "A": "2"}).with_env({"Z": "3"})
    assert list(state.env.items()) == [("A", "2"), ("Z", "3")]
    assert state.without_env("A", "nothing").env == {"Z": "3"}
    for name in ("", "A=B"):
        with pytest.raises(ValueError, match="environment variable"):
            state.with_env({name: "x"})


def test_every_writable_bind_mount_is_an_output_in_the_order_of_destinations() -> None:
    done = ALPINE.run(
        ["true"],
        mounts=[
            Mount.bind("/z", BUSY),
            Mount.bind("/b", BUSY, readonly=True),
            Mount.bind("/a", llb.scratch()),
            Mount.bind("/c", BUSY, output=False),
            Mount.cache("/d", "id"),
            Mount.tmpfs("/e"),
        ],
    )
    run = execution(done.root)
    outputs = {mount.dest: mount.output for mount in run.mounts}
    assert outputs == {"/": 0, "/a": 1, "/b": -1, "/c": -1, "/d": -1, "/e": -1, "/z": 2}
    assert [mount.dest for mount in run.mounts] == sorted(outputs)
    assert marshal(done.root).output_index == 0
    assert marshal(done.mount("/a/")).output_index == 1
    assert marshal(done.mount("/z")).output_index == 2
    assert done.mount("/") is done.root
    assert done.mount("/b") is BUSY


@pytest.mark.parametrize("dest", ["/c", "/d", "/e", "/nothing"])
def test_what_keeps_nothing_cannot_be_used(dest: str) -> None:
    done = ALPINE.run(
        ["true"],
        mounts=[Mount.bind("/c", BUSY, output=False), Mount.cache("/d", "id"), Mount.tmpfs("/e")],
    )
    with pytest.raises(ValueError, match="mount"):
        done.mount(dest)


def test_a_mount_s_state_keeps_the_settings_of_what_was_mounted() -> None:
    done = ALPINE.with_cwd("/a").run(["true"], mounts=[Mount.bind("/m", BUSY.with_cwd("/b"))])
    assert done.root.cwd == "/a"
    assert done.mount("/m").cwd == "/b"


def test_a_read_only_root_has_no_output() -> None:
    done = ALPINE.run(["true"], mounts=[Mount.bind("/out", llb.scratch())], readonly_root=True)
    assert done.root is ALPINE
    root = mount_at(execution(done.mount("/out")), "/")
    assert (root.readonly, root.output) == (True, -1)
    assert marshal(done.mount("/out")).output_index == 0


def test_an_edge_that_is_mounted_twice_is_one_input() -> None:
    done = ALPINE.run(["true"], mounts=[Mount.bind("/a", ALPINE), Mount.bind("/b", BUSY)])
    run = execution(done.root)
    assert [mount.input for mount in run.mounts] == [0, 0, 1]
    assert len(head(done.root).inputs) == 2


def test_numbers_of_nothing_are_minus_one_and_not_zero() -> None:
    run = execution(
        llb.scratch()
        .run(
            ["true"],
            mounts=[
                Mount.bind("/b", llb.scratch()),
                Mount.cache("/c", "id"),
                Mount.tmpfs("/t"),
                Mount.secret("s"),
                Mount.ssh(),
            ],
        )
        .root
    )
    assert [mount.input for mount in run.mounts] == [-1] * 6


def test_the_mode_of_a_secret_is_never_zero_by_chance() -> None:
    run = execution(ALPINE.run(["true"], mounts=[Mount.secret("s"), Mount.ssh()]).root)
    assert mount_at(run, "/run/secrets/s").secretOpt.mode == 0o400
    assert mount_at(run, "/run/buildkit/ssh_agent.0").SSHOpt.mode == 0o600
    with pytest.raises(ValueError, match="not a mode"):
        Mount.secret("s", mode=0o1777)


def test_places_of_mounts() -> None:
    for dest in ("", "a", "./a"):
        with pytest.raises(ValueError, match="absolute"):
            Mount.bind(dest, BUSY)
    for dest in ("/", "//", "/a/.."):
        with pytest.raises(ValueError, match="root"):
            Mount.bind(dest, BUSY)
    with pytest.raises(ValueError, match="two things are mounted at '/a'"):
        ALPINE.run(["true"], mounts=[Mount.bind("/a", BUSY), Mount.tmpfs("/a/")])


def test_ids_are_needed() -> None:
    for make in (
        lambda: Mount.cache("/c", ""),
        lambda: Mount.secret(""),
        lambda: Mount.secret_env(""),
    ):
        with pytest.raises(ValueError, match="id"):
            make()
    with pytest.raises(ValueError, match="bytes"):
        Mount.tmpfs("/t", size=-1)


def test_a_source_of_slash_is_no_selector() -> None:
    run = execution(
        ALPINE.run(
            ["true"],
            mounts=[Mount.bind("/a", BUSY, "/"), Mount.bind("/b", BUSY, "x/../y/")],
        ).root
    )
    assert mount_at(run, "/a").selector == ""
    assert mount_at(run, "/b").selector == "/y"


def test_addresses_of_hosts_are_checked_and_normal() -> None:
    run = execution(ALPINE.run(["true"], hosts=[("a", "::FFFF:1.2.3.4"), ("b", "FE80::1")]).root)
    assert [(h.Host, h.IP) for h in run.meta.extraHosts] == [("a", "1.2.3.4"), ("b", "fe80::1")]
    with pytest.raises(ValueError, match="host-gateway"):
        ALPINE.run(["true"], hosts=[("a", "host-gateway")])


def test_every_exec_cleans_up_its_mount_points() -> None:
    assert execution(ALPINE.run(["true"]).root).meta.removeMountStubsRecursive


def test_the_zero_among_exit_codes_is_kept() -> None:
    run = execution(ALPINE.run(["true"], valid_exit_codes=[0]).root)
    assert list(run.meta.validExitCodes) == [0]
    assert not execution(ALPINE.run(["true"]).root).meta.validExitCodes


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"config":[1]}', "not a JSON object"),
        (b'{"config":{"Env":"A=1"}}', "not a list"),
        (b'{"config":{"Env":[1]}}', "not a string"),
        (b'{"os":1}', "not a string"),
    ],
)
def test_what_is_no_image_config_is_refused(config: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ALPINE.with_image_config(config)


def test_an_empty_image_config_changes_nothing() -> None:
    assert ALPINE.with_image_config(b"{}") == ALPINE
    assert ALPINE.with_image_config(b'{"config":null}') == ALPINE
