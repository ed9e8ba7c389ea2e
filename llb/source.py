"""Sources: where files come from. Each function makes a State with one SourceOp.

Identifiers and attributes are those of solver/pb/attr.go; which are set, and when, follows
client/llb/source.go, so that digests are the same as Go's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from llb import paths
from llb.caps import Cap
from llb.giturl import GitUrl
from llb.meta import NO_META, Meta
from llb.platform import Platform
from llb.reference import InvalidReference, Reference, check_digest, normalise
from llb.sourceop import Attributes, Store, json_list
from llb.state import State


class ResolveMode(StrEnum):
    """Whether a registry is asked about an image: DEFAULT is up to the daemon."""

    DEFAULT = "default"
    PULL = "pull"
    LOCAL = "local"


class Differ(StrEnum):
    """How a client's directory is compared with what the daemon has: not at all, or by metadata."""

    NONE = "none"
    METADATA = "metadata"


class MTime(StrEnum):
    """What time git's files get: that of the checkout or that of the commit."""

    CHECKOUT = "checkout"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class GitSignature:
    """Who must have signed. `pubkey` is an armoured OpenPGP key or an SSH public key."""

    pubkey: str
    reject_expired: bool = False
    require_signed_tag: bool = False
    ignore_signed_tag: bool = False


@dataclass(frozen=True, slots=True)
class HTTPSignature:
    """A detached, armoured OpenPGP signature of a file, and the public key to check it with."""

    pubkey: str
    signature: str


def scratch() -> State:
    """Return the empty filesystem. It is not an op, so it cannot be solved by itself."""
    return State()


def image(
    ref: str,
    *,
    platform: Platform | None = None,
    resolve_mode: ResolveMode = ResolveMode.DEFAULT,
    internal: bool = False,
    layer_limit: int | None = None,
    checksum: str = "",
    meta: Meta = NO_META,
) -> State:
    """Return the filesystem of an image in a registry or in the daemon's store.

    `ref` is put into normal form; a digest in it pins the image. `platform` also becomes the
    platform of the steps that follow; without one they and the image take that of `State.marshal`.
    The image's environment, directory and user are *not* known to the graph: see
    `State.with_image_config`.

    internal: leave the image out of the daemon's list of pulled images.
    layer_limit: use only the first layers, as many as this.
    checksum: the digest that the manifest must have (BuildKit 0.25).

    Raises InvalidReference.
    """
    source = Attributes(Cap.SOURCE_IMAGE)
    if ResolveMode(resolve_mode) is not ResolveMode.DEFAULT:
        # Preferring what is local is only a wish, so an older daemon may ignore it.
        forced = resolve_mode == ResolveMode.PULL
        source.set(
            "image.resolvemode", resolve_mode, Cap.SOURCE_IMAGE_RESOLVE_MODE if forced else None
        )
    if internal:
        source.set("image.recordtype", "internal")
    if layer_limit is not None:
        source.set("image.layerlimit", str(layer_limit), Cap.SOURCE_IMAGE_LAYER_LIMIT)
    if checksum:
        check_digest(ref, checksum)
        source.set("image.checksum", checksum, Cap.SOURCE_IMAGE_CHECKSUM)
    return source.state(f"docker-image://{normalise(ref)}", meta, platform)


def image_blob(
    ref: str,
    *,
    filename: str = "",
    mode: int | None = None,
    uid: int = 0,
    gid: int = 0,
    meta: Meta = NO_META,
) -> State:
    """Return a directory that holds one blob of a registry as a file (BuildKit 0.28).

    `ref` is `name@digest`, without a tag. See `http` for the other arguments.
    """
    source = Attributes(Cap.SOURCE_IMAGE_BLOB)
    source.set_file(filename, mode, uid, gid)
    return source.state(f"docker-image+blob://{_blob_reference(ref)}", meta)


def oci_layout(
    ref: str,
    *,
    store: Store | None = None,
    layer_limit: int | None = None,
    platform: Platform | None = None,
    meta: Meta = NO_META,
) -> State:
    """Return the filesystem of an image in an OCI layout that a client offers (BuildKit 0.11).

    `ref` is `name@digest`, taken as it is.
    """
    source = Attributes(Cap.SOURCE_OCI_LAYOUT)
    source.set_store(store)
    if layer_limit is not None:
        source.set("oci.layerlimit", str(layer_limit))
    return source.state(f"oci-layout://{ref}", meta, platform)


def oci_layout_blob(
    ref: str,
    *,
    store: Store | None = None,
    filename: str = "",
    mode: int | None = None,
    uid: int = 0,
    gid: int = 0,
    meta: Meta = NO_META,
) -> State:
    """Return a directory that holds one blob of an OCI layout as a file (BuildKit 0.28)."""
    source = Attributes(Cap.SOURCE_IMAGE_BLOB)
    source.set_file(filename, mode, uid, gid)
    source.set_store(store)
    return source.state(f"oci-layout+blob://{_blob_reference(ref)}", meta)


def local(
    name: str,
    *,
    session: str = "",
    unique: str = "",
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    follow: Iterable[str] = (),
    shared_key_hint: str = "",
    differ: Differ | None = None,
    require_differ: bool = False,
    metadata_only: bool = False,
    metadata_except: Iterable[str] = (),
    meta: Meta = NO_META,
) -> State:
    """Return a directory of the client, under the name that the client offers it.

    session: the client's session id. Without one `unique` tells this directory from others of the
        same name; a client that has no session of its own should make it random.
    include, exclude: .dockerignore-like patterns of what to send.
    follow: paths to send, with what symbolic links in them lead to.
    shared_key_hint: what distinguishes this set of files; use another hint for each set of filters,
        or transfers of one undo the other (source/local/source.go).
    differ: how to find out what changed; `require_differ` makes it more than a wish.
    metadata_only: send no contents but of what matches `metadata_except` (BuildKit 0.21).
    """
    source = Attributes(Cap.SOURCE_LOCAL)
    if session:
        source.set("local.session", session, Cap.SOURCE_LOCAL_SESSION)
    else:
        source.set("local.unique", unique, Cap.SOURCE_LOCAL_UNIQUE)
    for key, patterns, cap in (
        ("local.includepattern", include, Cap.SOURCE_LOCAL_INCLUDE),
        ("local.followpaths", follow, Cap.SOURCE_LOCAL_FOLLOW),
        ("local.excludepatterns", exclude, Cap.SOURCE_LOCAL_EXCLUDE),
    ):
        if encoded := json_list(patterns):
            source.set(key, encoded, cap)
    if shared_key_hint:
        source.set("local.sharedkeyhint", shared_key_hint, Cap.SOURCE_LOCAL_SHARED_KEY_HINT)
    if differ is not None:
        source.set(
            "local.differ", Differ(differ), Cap.SOURCE_LOCAL_DIFFER if require_differ else None
        )
    if metadata_only:
        source.set("local.metadatatransfer", "true", Cap.SOURCE_LOCAL_METADATA)
        if encoded := json_list(metadata_except):
            source.set("local.metadatatransferexclude", encoded)
    return source.state(f"local://{name}", meta)


def git(
    remote: str,
    *,
    ref: str = "",
    subdir: str = "",
    keep_git_dir: bool = False,
    auth_token_secret: str | None = None,
    auth_header_secret: str | None = None,
    known_ssh_hosts: str = "",
    ssh_socket: str = "default",
    checksum: str = "",
    skip_submodules: bool = False,
    mtime: MTime | None = None,
    fetch_by_commit: bool = False,
    bundle: str = "",
    bundle_store: Store | None = None,
    checkout_bundle: bool = False,
    signature: GitSignature | None = None,
    meta: Meta = NO_META,
) -> State:
    """Return a checkout of a git repository.

    remote: `https://host/path`, `ssh://...`, `user@host:path` or `host/path`. A fragment
        `#ref:subdir` is read too, if `ref` and `subdir` are not given.
    ref: a branch, a tag or a commit. 40 hex digits need no look-up.
    subdir: the directory to take (BuildKit 0.9).
    auth_token_secret, auth_header_secret: ids of the build secrets that authenticate over HTTP, by
        default GIT_AUTH_TOKEN and GIT_AUTH_HEADER; `""` for none.
    known_ssh_hosts: lines of a known_hosts file, for SSH. This library asks no host for its key.
    ssh_socket: the id of the SSH agent to use.
    checksum: the commit, or the start of one, that `ref` must be (BuildKit 0.22).
    fetch_by_commit: fetch `checksum` whatever `ref` is by now (BuildKit 0.30).
    bundle: take the history from a bundle (`docker-image+blob://name@digest`) (BuildKit 0.30).
    checkout_bundle: give one file `bundle` in place of a work tree (BuildKit 0.30).

    Raises ValueError for an address that is none.
    """
    address = GitUrl.parse(remote)
    if address.ref or address.subdir:
        if ref or subdir:
            raise ValueError(f"{remote!r} has a fragment; do not give ref and subdir as well")
        ref, subdir = address.ref, address.subdir
    subdir = paths.join("/", subdir).lstrip("/")
    source = Attributes(Cap.SOURCE_GIT)
    if keep_git_dir:
        source.set("git.keepgitdir", "true", Cap.SOURCE_GIT_KEEP_DIR)
    # Always: without it daemons fall back to the git:// protocol of the identifier.
    source.set("git.fullurl", address.remote, Cap.SOURCE_GIT_FULL_URL)
    source.set_secret("git.authtokensecret", auth_token_secret, "GIT_AUTH_TOKEN")
    source.set_secret("git.authheadersecret", auth_header_secret, "GIT_AUTH_HEADER")
    if address.scheme == "ssh":
        if known_ssh_hosts:
            source.set("git.knownsshhosts", known_ssh_hosts.rstrip("\n") + "\n")
        source.need(Cap.SOURCE_GIT_KNOWN_SSH_HOSTS)
        source.set("git.mountsshsock", ssh_socket or "default", Cap.SOURCE_GIT_MOUNT_SSH_SOCK)
    if subdir:
        source.need(Cap.SOURCE_GIT_SUBDIR)
    if checksum:
        source.set("git.checksum", checksum, Cap.SOURCE_GIT_CHECKSUM)
    if skip_submodules:
        source.set("git.skipsubmodules", "true", Cap.SOURCE_GIT_SKIP_SUBMODULES)
    if mtime is not None:
        source.set("git.mtime", MTime(mtime), Cap.SOURCE_GIT_MTIME)
    if fetch_by_commit:
        source.set("git.fetchbycommit", "true", Cap.SOURCE_GIT_FETCH_BY_COMMIT)
    if bundle:
        if not checksum:
            raise ValueError(f"a git bundle needs the checksum of a commit: {bundle!r}")
        source.set("git.bundle", bundle, Cap.SOURCE_GIT_BUNDLE)
        source.set_store(bundle_store)
    if checkout_bundle:
        if keep_git_dir or subdir:
            raise ValueError("a checkout bundle has neither a .git directory nor a subdir")
        source.set("git.checkoutbundle", "true", Cap.SOURCE_GIT_CHECKOUT_BUNDLE)
    if signature is not None:
        source.set("git.sig.pubkey", signature.pubkey, Cap.SOURCE_GIT_SIGNATURE)
        source.set_flag("git.sig.rejectexpired", signature.reject_expired)
        source.set_flag("git.sig.requiresignedtag", signature.require_signed_tag)
        source.set_flag("git.sig.ignoresignedtag", signature.ignore_signed_tag)
    identity = address.identity
    if ref or subdir:
        identity += f"#{ref}:{subdir}" if subdir else f"#{ref}"
    return source.state(f"git://{identity}", meta)


def http(
    url: str,
    *,
    checksum: str = "",
    filename: str = "",
    mode: int | None = None,
    uid: int = 0,
    gid: int = 0,
    auth_header_secret: str = "",
    accept: str = "",
    user_agent: str = "",
    signature: HTTPSignature | None = None,
    meta: Meta = NO_META,
) -> State:
    """Return a directory that holds one file, fetched from `url`.

    checksum: the digest that the file must have; with one, a cached file needs no network.
    filename: the file's name, by default the last part of the URL.
    mode: permission bits from 1 to 0o777; BuildKit's default is 0600 (source/http/source.go).
    uid, gid: who owns the file.
    auth_header_secret: the id of the build secret that holds the Authorization header (0.21).
    accept, user_agent: request headers (BuildKit 0.21).
    signature: an OpenPGP signature that must fit (BuildKit 0.28).

    Raises ValueError for a URL that is neither http nor https.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"{url!r} starts neither with http:// nor with https://")
    source = Attributes(Cap.SOURCE_HTTP)
    if checksum:
        check_digest(url, checksum)
        source.set("http.checksum", checksum, Cap.SOURCE_HTTP_CHECKSUM)
    source.set_file(filename, mode, uid, gid, gated=True)
    if auth_header_secret:
        source.set("http.authheadersecret", auth_header_secret, Cap.SOURCE_HTTP_AUTH)
    if accept:
        source.set("http.header.accept", accept, Cap.SOURCE_HTTP_HEADER)
    if user_agent:
        source.set("http.header.user-agent", user_agent, Cap.SOURCE_HTTP_HEADER)
    if signature is not None:
        source.set("http.sig.pubkey", signature.pubkey, Cap.SOURCE_HTTP_SIGNATURE)
        source.set("http.sig.signature", signature.signature)
    return source.state(url, meta)


def _blob_reference(text: str) -> str:
    reference = Reference.parse(text)
    if reference.tag or not reference.digest:
        raise InvalidReference(text, "a blob is named by its digest, without a tag")
    return str(reference)
