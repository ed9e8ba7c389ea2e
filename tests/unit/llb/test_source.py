"""Sources: what is refused, and what the digests in goldens/go.json do not show."""

import json

import pytest

import llb
from tests.unit.llb.reading import attrs, head, identifier

D1 = "sha256:" + "1" * 64
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def test_an_image_reference_is_put_into_normal_form() -> None:
    assert identifier(llb.image("debian")) == "docker-image://docker.io/library/debian:latest"
    assert identifier(llb.image(f"a/b@{D1}")) == f"docker-image://docker.io/a/b@{D1}"


@pytest.mark.parametrize("ref", ["", "Debian", "debian@sha256:12", "a b", "https://example.com/a"])
def test_what_is_no_image_reference_is_refused(ref: str) -> None:
    with pytest.raises(llb.InvalidReference):
        llb.image(ref)


def test_a_blob_is_named_by_its_digest_alone() -> None:
    for ref in ("alpine", "alpine:3", f"alpine:3@{D1}"):
        with pytest.raises(llb.InvalidReference, match="named by its digest"):
            llb.image_blob(ref)
        with pytest.raises(llb.InvalidReference, match="named by its digest"):
            llb.oci_layout_blob(ref)


def test_a_checksum_must_be_a_digest() -> None:
    with pytest.raises(llb.InvalidReference):
        llb.image("alpine", checksum="1234")
    with pytest.raises(llb.InvalidReference):
        llb.http("https://example.com/a", checksum="sha256:1234")


@pytest.mark.parametrize(
    ("state", "has_platform"),
    [
        (llb.image("alpine"), True),
        (llb.oci_layout(f"a@{D1}"), True),
        (llb.image_blob(f"a@{D1}"), False),
        (llb.oci_layout_blob(f"a@{D1}"), False),
        (llb.local("context"), False),
        (llb.git("example.com/a"), False),
        (llb.http("https://example.com/a"), False),
    ],
)
def test_only_images_carry_a_platform(state: llb.State, has_platform: bool) -> None:
    message = head(state).message
    assert message.HasField("platform") is has_platform
    assert message.HasField("constraints")


def test_the_platform_of_an_image_is_that_of_the_steps_on_it() -> None:
    arm = llb.Platform("linux", "arm64")
    assert llb.image("alpine", platform=arm).platform == arm
    ran = llb.image("alpine", platform=arm).run(["true"]).root
    assert head(ran).message.platform.Architecture == "arm64"


def test_filters_of_a_client_s_directory_are_json_lists() -> None:
    found = attrs(llb.local("c", session="s", exclude=["a b", "<é>"], include=iter(["x"])))
    assert json.loads(found["local.excludepatterns"]) == ["a b", "<é>"]
    assert found["local.excludepatterns"] == '["a b","\\u003cé\\u003e"]'
    assert found["local.includepattern"] == '["x"]'
    assert "local.followpaths" not in found
    assert "local.unique" not in found


def test_one_pattern_is_not_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match="list of strings"):
        llb.local("c", exclude="*.o")


def test_a_directory_without_a_session_is_told_apart_by_name() -> None:
    assert attrs(llb.local("c")) == {"local.unique": ""}
    assert attrs(llb.local("c", unique="u")) == {"local.unique": "u"}


def test_git_always_names_the_full_address_and_the_default_secrets() -> None:
    assert attrs(llb.git("https://example.com/a.git", ref="v1")) == {
        "git.fullurl": "https://example.com/a.git",
        "git.authtokensecret": "GIT_AUTH_TOKEN",
        "git.authheadersecret": "GIT_AUTH_HEADER",
    }


def test_git_over_https_and_ssh_is_one_source() -> None:
    over_https = identifier(llb.git("https://example.com/a.git", ref="v1"))
    over_ssh = identifier(llb.git("git@example.com:a.git", ref="v1"))
    assert over_https == over_ssh == "git://example.com/a.git#v1"


def test_git_over_ssh_asks_no_host_for_its_key() -> None:
    found = attrs(llb.git("ssh://git@example.com/a"))
    assert found["git.mountsshsock"] == "default"
    assert "git.knownsshhosts" not in found


def test_git_reads_a_fragment_unless_ref_or_subdir_is_given() -> None:
    assert identifier(llb.git("example.com/a#v1:sub/")) == "git://example.com/a#v1:sub"
    with pytest.raises(ValueError, match="fragment"):
        llb.git("example.com/a#v1", ref="v2")


@pytest.mark.parametrize("subdir", ["../..", "/", ".", "a/.."])
def test_a_subdir_of_git_cannot_leave_the_repository(subdir: str) -> None:
    assert identifier(llb.git("example.com/a", subdir=subdir)) == "git://example.com/a"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://example.com/a", "not fetched with 'ftp'"),
        ("https://example.com/a?ref=v1", "has a query"),
        ("git@example.com:a?ref=v1", "has a query"),
        ("ht tp://example.com/a", "not the address"),
    ],
)
def test_what_is_no_git_address_is_refused(address: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        llb.git(address)


def test_git_signatures() -> None:
    signature = llb.GitSignature(KEY, require_signed_tag=True)
    found = attrs(llb.git("example.com/a", signature=signature))
    assert found["git.sig.pubkey"] == KEY
    assert found["git.sig.requiresignedtag"] == "true"
    assert "git.sig.rejectexpired" not in found
    assert "git.sig.ignoresignedtag" not in found


def test_git_bundles() -> None:
    with pytest.raises(ValueError, match="checksum"):
        llb.git("example.com/a", bundle=f"docker-image+blob://a@{D1}")
    with pytest.raises(ValueError, match="neither"):
        llb.git("example.com/a", checkout_bundle=True, keep_git_dir=True)


@pytest.mark.parametrize("mode", [0, -1, 0o1000])
def test_a_fetched_file_cannot_have_a_mode_that_the_daemon_takes_for_unset(mode: int) -> None:
    with pytest.raises(ValueError, match="not a mode"):
        llb.http("https://example.com/a", mode=mode)


def test_an_unset_mode_and_owner_of_a_fetched_file_are_left_out() -> None:
    assert attrs(llb.http("https://example.com/a")) == {}
    assert attrs(llb.http("https://example.com/a", mode=0o644, uid=3)) == {
        "http.perm": "0644",
        "http.uid": "3",
    }


def test_http_means_http() -> None:
    with pytest.raises(ValueError, match="http"):
        llb.http("file:///etc/passwd")


def test_plain_strings_from_a_file_do_for_enumerations() -> None:
    state = llb.image("alpine", resolve_mode=llb.ResolveMode("pull"))
    assert attrs(state) == {"image.resolvemode": "pull"}
    with pytest.raises(ValueError, match="never"):
        llb.ResolveMode("never")


def test_a_source_has_the_bytes_of_the_daemon_s_own_frontend() -> None:
    """So that the two share it: what comes from the client's standard input comes only once.

    Before 0.17 (gogo/protobuf) the fields are in the order of their numbers: solver/pb/ops.pb.go of
    v0.8.3, Op.MarshalToSizedBuffer.
    """
    state = llb.http("http://buildkit-session/x", filename="context")
    platform = llb.Platform("linux", "amd64")
    source = b"\x1a5\n\x19http://buildkit-session/x\x12\x18\n\rhttp.filename\x12\x07context"

    def first(caps: llb.Caps | None) -> bytes:
        return state.marshal(platform=platform, caps=caps).raw[0]

    assert first(None) == b"Z\x00" + source
    assert first(llb.Caps.of_buildkit(0, 17)) == b"Z\x00" + source
    assert first(llb.Caps.of_buildkit(0, 16)) == source + b"Z\x00"
