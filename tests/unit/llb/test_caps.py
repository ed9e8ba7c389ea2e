"""Every field that an older daemon would ignore is tied to a capability."""

import pytest

import llb
from llb import Cap, Meta, Mount
from llb.caps import FIRST_BUILDKIT, Caps, MissingCapability, first_docker
from tests.unit.llb.cases import CASES
from tests.unit.llb.reading import head, marshal

S = llb.scratch()
ALPINE = llb.image("alpine")
CONTEXT = llb.local("context", session="s")
GIT = "https://example.com/a"
D1 = "sha256:" + "1" * 64


def run(**options: object) -> llb.State:
    return ALPINE.run(["true"], **options).root  # type: ignore[arg-type]


NEEDS = {
    Cap.SOURCE_IMAGE_RESOLVE_MODE: llb.image("a", resolve_mode=llb.ResolveMode.PULL),
    Cap.SOURCE_IMAGE_LAYER_LIMIT: llb.image("a", layer_limit=1),
    Cap.SOURCE_IMAGE_CHECKSUM: llb.image("a", checksum=D1),
    Cap.SOURCE_IMAGE_BLOB: llb.image_blob(f"a@{D1}"),
    Cap.SOURCE_OCI_LAYOUT: llb.oci_layout(f"a@{D1}"),
    Cap.SOURCE_LOCAL_UNIQUE: llb.local("a"),
    Cap.SOURCE_LOCAL_SESSION: llb.local("a", session="s"),
    Cap.SOURCE_LOCAL_INCLUDE: llb.local("a", include=["x"]),
    Cap.SOURCE_LOCAL_FOLLOW: llb.local("a", follow=["x"]),
    Cap.SOURCE_LOCAL_EXCLUDE: llb.local("a", exclude=["x"]),
    Cap.SOURCE_LOCAL_SHARED_KEY_HINT: llb.local("a", shared_key_hint="x"),
    Cap.SOURCE_LOCAL_DIFFER: llb.local("a", differ=llb.Differ.NONE, require_differ=True),
    Cap.SOURCE_LOCAL_METADATA: llb.local("a", metadata_only=True),
    Cap.SOURCE_GIT_KEEP_DIR: llb.git(GIT, keep_git_dir=True),
    Cap.SOURCE_GIT_FULL_URL: llb.git(GIT),
    Cap.SOURCE_GIT_HTTP_AUTH: llb.git(GIT, auth_token_secret="t"),
    Cap.SOURCE_GIT_KNOWN_SSH_HOSTS: llb.git("git@example.com:a"),
    Cap.SOURCE_GIT_MOUNT_SSH_SOCK: llb.git("git@example.com:a"),
    Cap.SOURCE_GIT_SUBDIR: llb.git(GIT, subdir="x"),
    Cap.SOURCE_GIT_CHECKSUM: llb.git(GIT, checksum="abcdef0"),
    Cap.SOURCE_GIT_SKIP_SUBMODULES: llb.git(GIT, skip_submodules=True),
    Cap.SOURCE_GIT_SIGNATURE: llb.git(GIT, signature=llb.GitSignature("key")),
    Cap.SOURCE_GIT_MTIME: llb.git(GIT, mtime=llb.MTime.COMMIT),
    Cap.SOURCE_GIT_FETCH_BY_COMMIT: llb.git(GIT, checksum="abcdef0", fetch_by_commit=True),
    Cap.SOURCE_GIT_BUNDLE: llb.git(GIT, checksum="abcdef0", bundle=f"docker-image+blob://a@{D1}"),
    Cap.SOURCE_GIT_CHECKOUT_BUNDLE: llb.git(GIT, checkout_bundle=True),
    Cap.SOURCE_HTTP_AUTH: llb.http(GIT, auth_header_secret="h"),
    Cap.SOURCE_HTTP_CHECKSUM: llb.http(GIT, checksum=D1),
    Cap.SOURCE_HTTP_PERM: llb.http(GIT, mode=0o644),
    Cap.SOURCE_HTTP_UID_GID: llb.http(GIT, gid=1),
    Cap.SOURCE_HTTP_HEADER: llb.http(GIT, accept="text/plain"),
    Cap.SOURCE_HTTP_SIGNATURE: llb.http(GIT, signature=llb.HTTPSignature("key", "signature")),
    Cap.EXEC_CGROUP_PARENT: run(cgroup_parent="/x"),
    Cap.EXEC_NETWORK: run(network=llb.Network.NONE),
    Cap.EXEC_PROXY: run(proxy=llb.Proxy(http="x")),
    Cap.EXEC_SECURITY: run(security=llb.Security.INSECURE),
    Cap.EXEC_ULIMIT: run(ulimits=[llb.Ulimit("nofile", 1, 2)]),
    Cap.EXEC_CDI: run(devices=[llb.Device("a.com/b=c")]),
    Cap.EXEC_LINUX_RESOURCES: run(meta=Meta(resources=llb.Resources(memory=1))),
    Cap.EXEC_SECRET_ENV: run(mounts=[Mount.secret_env("a")]),
    Cap.EXEC_VALID_EXIT_CODE: run(valid_exit_codes=[0, 1]),
    Cap.MOUNT_BIND_NO_OUTPUT: run(mounts=[Mount.bind("/a", ALPINE, output=False)]),
    Cap.MOUNT_CACHE: run(mounts=[Mount.cache("/a", "id")]),
    Cap.MOUNT_CACHE_SHARING: run(mounts=[Mount.cache("/a", "id")]),
    Cap.MOUNT_SELECTOR: run(mounts=[Mount.bind("/a", ALPINE, "/x")]),
    Cap.MOUNT_TMPFS: run(mounts=[Mount.tmpfs("/a")]),
    Cap.MOUNT_TMPFS_SIZE: run(mounts=[Mount.tmpfs("/a", size=1)]),
    Cap.MOUNT_SECRET: run(mounts=[Mount.secret("a")]),
    Cap.MOUNT_SSH: run(mounts=[Mount.ssh()]),
    Cap.MOUNT_CONTENT_CACHE: run(
        mounts=[Mount.bind("/a", ALPINE, content_cache=llb.ContentCache.ON)]
    ),
    Cap.FILE_RM_WILDCARD: ALPINE.rm("/a*", wildcard=True),
    Cap.FILE_COPY_INCLUDE_EXCLUDE: S.copy(CONTEXT, "/", "/", exclude=["x"]),
    Cap.FILE_COPY_REQUIRED_PATHS: S.copy(CONTEXT, "/", "/", include=["x"], required=["x"]),
    Cap.FILE_COPY_ALWAYS_REPLACE: S.copy(CONTEXT, "/", "/", always_replace=True),
    Cap.FILE_SYMLINK: S.symlink("a", "/b"),
    Cap.DIFF: llb.diff(ALPINE, run()),
    Cap.PASSTHROUGH: run().requires("id", ALPINE),
}
# What every op of its kind needs.
ALWAYS = {
    Cap.SOURCE_IMAGE: ALPINE,
    Cap.SOURCE_LOCAL: CONTEXT,
    Cap.SOURCE_GIT: llb.git(GIT),
    Cap.SOURCE_HTTP: llb.http(GIT),
    Cap.EXEC_BASE: run(),
    Cap.MOUNT_BIND: run(),
    Cap.FILE_BASE: S.mkfile("/a", ""),
}
# For these there is another way, or nothing is lost.
GENTLE = {
    Cap.MERGE,
    Cap.EXEC_SETS_DEFAULT_PATH,
    Cap.CONSTRAINTS,
    Cap.PLATFORM,
    Cap.META_IGNORE_CACHE,
    Cap.META_DESCRIPTION,
    Cap.META_EXPORT_CACHE,
}


def test_no_capability_is_forgotten() -> None:
    assert set(NEEDS) | set(ALWAYS) | GENTLE == set(Cap)


@pytest.mark.parametrize("cap", sorted(NEEDS | ALWAYS))
def test_what_needs_a_capability_is_refused_without_it(cap: Cap) -> None:
    state = (NEEDS | ALWAYS)[cap]
    assert cap in head(state).metadata.caps
    marshal(state, Caps(Cap))
    with pytest.raises(MissingCapability) as caught:
        marshal(state, Caps(set(Cap) - {cap}))
    assert caught.value.cap == cap
    assert caught.value.buildkit == ".".join(map(str, FIRST_BUILDKIT[cap]))


@pytest.mark.parametrize("cap", sorted(NEEDS))
def test_nobody_else_needs_it(cap: Cap) -> None:
    plain = S.file(llb.copy(llb.git(GIT), "/", "/"), llb.copy(run(), "/", "/"))
    if cap is not Cap.SOURCE_GIT_FULL_URL:
        marshal(plain, Caps(set(Cap) - {cap}))


def test_the_message_says_who_wants_what_and_since_when_there_is_such_a_thing() -> None:
    file = llb.SourceFile("bunnyfile", b"x")
    location = llb.Location(file, (llb.Range(llb.Position(3), llb.Position(3, 5)),))
    state = run(
        mounts=[Mount.secret_env("token")], meta=Meta(name="[app] fetch", location=location)
    )
    with pytest.raises(MissingCapability) as caught:
        marshal(state, Caps.of_buildkit(0, 8))
    assert str(caught.value) == (
        "the builder lacks the capability 'exec.secretenv', which '[app] fetch' needs;"
        " it came with BuildKit 0.10 and Docker Engine 23.0"
    )
    assert caught.value.wanted_by == "[app] fetch"
    assert caught.value.location is location
    assert str(location) == "bunnyfile:3"


def test_an_op_without_a_name_is_described() -> None:
    with pytest.raises(MissingCapability, match="'run true'"):
        marshal(run(network=llb.Network.NONE), Caps(set(Cap) - {Cap.EXEC_NETWORK}))
    with pytest.raises(MissingCapability, match="'mkdir, symlink'"):
        marshal(S.file(llb.mkdir("/d"), llb.symlink("a", "/b")), Caps.of_buildkit(0, 18))


def test_a_merge_says_where_docker_has_it() -> None:
    with pytest.raises(MissingCapability, match="containerd image store"):
        marshal(NEEDS[Cap.DIFF], Caps(set(Cap) - {Cap.DIFF}))


def test_an_unknown_capability_has_no_version() -> None:
    error = MissingCapability("some.thing", "x")
    assert (error.buildkit, error.docker) == (None, None)
    assert str(error) == "the builder lacks the capability 'some.thing', which 'x' needs"


@pytest.mark.parametrize(
    ("buildkit", "docker"),
    [((0, 3), "20.10"), ((0, 9), "23.0"), ((0, 19), "28.0"), ((0, 24), "28.5"), ((0, 32), "29.7")],
)
def test_versions_of_docker(buildkit: tuple[int, int], docker: str) -> None:
    assert first_docker(buildkit) == docker


def test_versions_that_no_docker_has() -> None:
    assert first_docker((9, 9)) is None


def test_letters_as_a_mode_wait_for_buildkit_0_17() -> None:
    state = S.copy(CONTEXT, "/a", "/b", mode="a+x")
    with pytest.raises(MissingCapability) as caught:
        marshal(state, Caps.of_buildkit(0, 16))
    assert caught.value.buildkit == "0.17"
    # Its own id is one that no daemon knows, and daemons refuse ids that they do not know.
    op = head(state, Caps.of_buildkit(0, 17))
    assert "file.copy.modestring" not in op.metadata.caps
    assert Cap.EXEC_VALID_EXIT_CODE not in op.metadata.caps


def test_only_capabilities_that_the_daemon_has_are_written_down() -> None:
    caps = Caps(Cap)
    for name, state in CASES.items():
        for op in marshal(state, caps).ops():
            assert set(op.metadata.caps) <= caps, name


def test_names_and_groups_are_dropped_without_a_word() -> None:
    meta = Meta(name="x", group=llb.ProgressGroup("id", "name"))
    bare = head(S.mkfile("/a", "", meta=meta), Caps({Cap.FILE_BASE}))
    assert not bare.metadata.description
    assert not bare.metadata.HasField("progress_group")
    full = head(S.mkfile("/a", "", meta=meta), Caps.of_buildkit(0, 10))
    assert full.name == "x"
    assert full.metadata.progress_group.name == "name"
    assert bare.digest == full.digest


def test_the_graph_of_an_old_docker() -> None:
    caps = Caps.of_buildkit(0, 8)
    tools = llb.image("debian").run(
        ["make"],
        mounts=[
            Mount.bind("/src", CONTEXT, readonly=True),
            Mount.bind("/out", S),
            Mount.cache("/c", "id"),
            Mount.secret("s"),
        ],
        network=llb.Network.NONE,
        meta=Meta(name="make", group=llb.ProgressGroup("a", "b")),
    )
    state = llb.merge([llb.image("debian"), S.copy(tools.mount("/out"), "/", "/")])
    kinds = [op.kind for op in marshal(state, caps).ops()]
    assert kinds.count("merge") == 0
    assert kinds[-2:] == ["file", "terminal"]
