"""The graphs whose digests BuildKit's own Go client was asked for (goldens/go.json), by name.

Each is built here with this library; `test_go.py` compares. The names say what a case is about.
"""

from collections.abc import Callable

import llb
from llb import Location, Meta, Mount, Platform, Position, Range, SourceFile, State

D1 = "sha256:" + "1" * 64
AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
REPOSITORY = "https://github.com/moby/buildkit.git"
URL = "https://example.com/a%20b?c=d#e"

S = llb.scratch()
ALPINE = llb.image("alpine")
BUSY = llb.image("busybox:1.36")
CONTEXT = llb.local("context", session="sess")

CASES: dict[str, State] = {}
# What a case's marshal() gets besides linux/amd64.
PLATFORMS = {
    "image base riscv64": Platform("linux", "riscv64"),
    "exec platform base": ARM64,
}
CAPS = {
    "caps": llb.Caps(llb.Cap),
    "no default path": llb.Caps(set(llb.Cap) - {llb.Cap.EXEC_SETS_DEFAULT_PATH}),
}


def run(state: State, *mounts: Mount, **options: object) -> State:
    return state.run(["true"], mounts=mounts, **options).root  # type: ignore[arg-type]


def _images() -> None:
    image = llb.image
    everything = {"internal": True, "layer_limit": 3, "checksum": D1}
    CASES.update(
        {
            "image": ALPINE,
            "image tag": image("debian:12-slim"),
            "image digest": image(f"debian@{D1}"),
            "image tag and digest": image(f"debian:12@{D1}"),
            "image hub user": image("moby/buildkit"),
            "image registry port": image("localhost:5000/a/b__c.d-e:T.1"),
            "image registry localhost": image("localhost/x"),
            "image registry ipv6": image("[::1]:5000/x"),
            "image legacy hub": image("index.docker.io/alpine"),
            "image pull": image("alpine", resolve_mode=llb.ResolveMode.PULL),
            "image local": image("alpine", resolve_mode=llb.ResolveMode.LOCAL),
            "image internal": image("alpine", internal=True),
            "image layer limit": image("alpine", layer_limit=0),
            "image checksum": image("alpine", checksum=D1),
            "image everything": image(
                "alpine",
                resolve_mode=llb.ResolveMode.PULL,
                **everything,  # type: ignore[arg-type]
            ),
            "image arm64": image("alpine", platform=ARM64),
            "image armv7": image("alpine", platform=Platform("linux", "arm", "v7")),
            "image windows": image(
                "mcr.example.com/nano",
                platform=Platform("windows", "amd64", "", "10.0.17763.1", ("win32k", "a")),
            ),
            "image base riscv64": ALPINE,
            "image require": image("alpine", meta=Meta(require=("label.a==b", "c==d"))),
            "image blob": llb.image_blob(f"example.com/a/b@{D1}"),
            "image blob everything": llb.image_blob(
                f"alpine@{D1}", filename="f", mode=0o755, uid=1, gid=2
            ),
            "oci layout": llb.oci_layout(f"store@{D1}"),
            "oci layout everything": llb.oci_layout(
                f"example.com/x:y@{D1}",
                store=llb.Store("sess", "store"),
                layer_limit=2,
                platform=ARM64,
            ),
            "oci layout blob": llb.oci_layout_blob(
                f"example.com/x@{D1}",
                store=llb.Store("sess", "store"),
                filename="f",
                mode=0o600,
            ),
        }
    )


def _local(**options: object) -> State:
    return llb.local("context", session="sess", **options)  # type: ignore[arg-type]


def _files_of_the_client() -> None:
    CASES.update(
        {
            "local unique": llb.local("context", unique="unique"),
            "local session": CONTEXT,
            "local filters": _local(
                include=["a/*", "b"], exclude=[".git", "!x"], follow=["p"], shared_key_hint="hint"
            ),
            "local json": _local(
                exclude=['<a>&"\\', "é\u2028\u2029\U0001f40b", "\t\n\r\b\f\x01\x7f", "/"]
            ),
            "local empty filters": _local(exclude=[], follow=()),
            "local differ none": _local(differ=llb.Differ.NONE),
            "local differ required": _local(differ=llb.Differ.METADATA, require_differ=True),
            "local metadata": _local(metadata_only=True),
            "local metadata except": _local(metadata_only=True, metadata_except=["*.go"]),
        }
    )


def _git() -> None:
    git = llb.git
    user_port_path = "http://user:p%40ss@Example.com:8080//a/./b%20c/../d%41.git"
    CASES.update(
        {
            "git": git(REPOSITORY),
            "git no protocol": git("github.com/moby/buildkit.git"),
            "git ref": git(REPOSITORY, ref="v0.11"),
            "git subdir": git(REPOSITORY, subdir="/a/../b/"),
            "git ref subdir": git(f"{REPOSITORY}#v0.11:a/b"),
            "git user port path": git(user_port_path, ref="main"),
            "git upper scheme": git("HTTPS://example.com/a"),
            "git protocol": git("git://example.com/a"),
            "git scp": git(
                "git@127.0.0.1:moby/buildkit.git", ref="main", known_ssh_hosts="h1 k1\nh2 k2"
            ),
            "git ssh url": git("ssh://git@127.0.0.1:1/a/b", ssh_socket="id"),
            "git keep dir": git(REPOSITORY, keep_git_dir=True),
            "git secrets": git(REPOSITORY, auth_token_secret="t", auth_header_secret="h"),
            "git no secrets": git(REPOSITORY, auth_token_secret="", auth_header_secret=""),
            "git everything": git(
                REPOSITORY,
                ref="main",
                checksum="abcdef0",
                skip_submodules=True,
                mtime=llb.MTime.COMMIT,
                fetch_by_commit=True,
            ),
            "git bundle": git(
                REPOSITORY,
                ref="main",
                checksum="abcdef0",
                bundle=f"oci-layout+blob://x@{D1}",
                bundle_store=llb.Store("sess", "store"),
                checkout_bundle=True,
            ),
        }
    )


def _http() -> None:
    CASES.update(
        {
            "http": llb.http(URL),
            "http everything": llb.http(
                URL,
                checksum=D1,
                filename="f",
                mode=0o644,
                uid=10,
                gid=20,
                auth_header_secret="h",
                accept="a/b",
                user_agent="u",
                signature=llb.HTTPSignature("KEY", "SIG"),
            ),
            "http small": llb.http(URL, mode=7, uid=0, gid=20),
        }
    )


CONFIG = (
    b'{"os":"linux","architecture":"arm64","variant":"v8","config":'
    b'{"Env":["PATH=/bin","A=1=2","=x","B"],"WorkingDir":"/w","User":"u"}}'
)


def _execs() -> None:
    with_env = ALPINE.with_env({"A": "1"}).with_env({"B": "2", "C": ""}).with_env({"A": "3"})
    hosts = [("a", "1.2.3.4"), ("b", "2001:DB8:0:0:1:0:0:1"), ("c", "::ffff:9.8.7.6")]
    read_only = ALPINE.run(["true"], mounts=[Mount.bind("/out", llb.scratch())], readonly_root=True)
    CASES.update(
        {
            "exec": run(ALPINE),
            "exec args": ALPINE.run(["sh", "-c", 'echo "é"', ""]).root,
            "exec env": run(with_env, env={"B": "x=y"}),
            "exec cwd": run(ALPINE.with_cwd("/a/b").with_cwd("../c")),
            "exec cwd once": run(run(ALPINE.with_cwd("/a"), cwd="b")),
            "exec user": run(ALPINE.with_user("u:g")),
            "exec hostname": run(ALPINE.with_hostname("h")),
            "exec network host": run(ALPINE, network=llb.Network.HOST),
            "exec network none": run(ALPINE.with_network(llb.Network.NONE)),
            "exec security": run(ALPINE, security=llb.Security.INSECURE),
            "exec hosts": run(ALPINE.with_hosts(hosts[:1]), hosts=hosts[1:]),
            "exec ulimits": run(
                ALPINE.with_ulimits([llb.Ulimit("nofile", 10, 20)]),
                ulimits=[llb.Ulimit("core", -1, 0)],
            ),
            "exec cgroup": run(ALPINE, cgroup_parent="/c"),
            "exec proxy": run(ALPINE, proxy=llb.Proxy("h", "hs", "f", "n", "a")),
            "exec proxy empty": run(ALPINE, proxy=llb.Proxy()),
            "exec exit codes": run(ALPINE, valid_exit_codes=[0, 3, 255]),
            "exec devices": run(
                ALPINE,
                devices=[llb.Device("v.com/c=n"), llb.Device("v.com/c=m", optional=True)],
            ),
            "exec platform base": run(ALPINE),
            "exec platform of image": run(llb.image("alpine", platform=ARM64)),
            "exec platform of state": run(ALPINE.with_platform(Platform("linux", "aarch64"))),
            "exec platform own": run(ALPINE, platform=Platform("linux", "armel")),
            "exec require": run(ALPINE, meta=Meta(require=("x",))),
            "exec scratch": run(S),
            "exec read-only root": read_only.mount("/out"),
            "exec image config": run(ALPINE.with_image_config(CONFIG)),
            "caps": run(ALPINE, env={"A": "1"}),
            "no default path": run(ALPINE, env={"A": "1"}),
        }
    )


def _mounts() -> None:
    bind = Mount.bind
    content = llb.ContentCache
    cache = Mount.cache
    owned = S.mkdir("/cache", mode=0o700, parents=False, owner="1:2")
    CASES.update(
        {
            "mount bind": run(ALPINE, bind("/m", BUSY)),
            "mount bind output": ALPINE.run(["true"], mounts=[bind("/m", BUSY)]).mount("/m"),
            "mount bind read-only": run(ALPINE, bind("/m", BUSY, readonly=True)),
            "mount bind selector": run(ALPINE, bind("/m", BUSY, "/a/b", readonly=True)),
            "mount bind no output": run(ALPINE, bind("/m", BUSY, output=False)),
            "mount bind content cache on": run(ALPINE, bind("/m", BUSY, content_cache=content.ON)),
            "mount bind content cache off": run(
                ALPINE, bind("/m", BUSY, content_cache=content.OFF)
            ),
            "mount bind scratch": run(ALPINE, bind("/m", S)),
            "mount cache shared": run(ALPINE, cache("/m", "id")),
            "mount cache private": run(ALPINE, cache("/m", "id", sharing=llb.CacheSharing.PRIVATE)),
            "mount cache locked": run(ALPINE, cache("/m", "id", sharing=llb.CacheSharing.LOCKED)),
            "mount cache owned": run(ALPINE, cache("/m", "id", state=owned, source="/cache")),
            "mount cache read-only": run(ALPINE, cache("/m", "id", readonly=True)),
            "mount tmpfs": run(ALPINE, Mount.tmpfs("/m")),
            "mount tmpfs size": run(ALPINE, Mount.shm(65536)),
            "mount secret": run(ALPINE, Mount.secret("dir/tok")),
            "mount secret everything": run(
                ALPINE, Mount.secret("tok", "/s", uid=1, gid=2, mode=0o440, optional=True)
            ),
            "mount secret env": run(
                ALPINE, Mount.secret_env("tok", "TOK"), Mount.secret_env("b", optional=True)
            ),
            "mount ssh": run(ALPINE, Mount.ssh()),
            "mount ssh two": run(ALPINE, Mount.ssh("a", "/sock"), Mount.ssh("b", optional=True)),
            "mount ssh env": run(
                ALPINE.with_env({"SSH_AUTH_SOCK": "/x"}),
                Mount.ssh(dest="/sock", uid=1, gid=2, mode=0o660),
            ),
        }
    )
    many = ALPINE.run(
        ["make"],
        mounts=[
            bind("/z", CONTEXT, readonly=True),
            bind("/out", S),
            cache("/cache", "c"),
            bind("/a", BUSY),
            bind("/b", BUSY, "x"),
            bind("/é", CONTEXT, output=False),
            Mount.tmpfs("/t"),
            Mount.secret("s1", "/s1"),
            Mount.ssh(),
            Mount.secret_env("s2", "S2"),
            bind("/base", ALPINE),
        ],
    )
    CASES.update(
        {
            "mounts root": many.root,
            "mounts out": many.mount("/out"),
            "mounts b": many.mount("/b"),
            "mounts z": many.mount("/z"),
            "mounts combined": S.file(
                plain(many.mount("/out"), "/", "/"),
                plain(many.mount("/a"), "/", "/"),
                plain(many.root, "/", "/"),
            ),
        }
    )


def plain(source: State, src: str, dst: str, **options: object) -> llb.FileAction:
    """Copy as Go's client does without options."""
    arguments: dict[str, object] = {"create_dest_path": False} | options
    return llb.copy(source, src, dst, **arguments)  # type: ignore[arg-type]


def _copy(src: str, dst: str, **options: object) -> State:
    return ALPINE.file(plain(CONTEXT, src, dst, **options))


def _files() -> None:
    at_work = ALPINE.with_cwd("/w")
    CASES.update(
        {
            "mkfile": S.mkfile("/f", "x"),
            "mkfile empty": S.mkfile("/f", b"", mode=0),
            "mkfile everything": S.mkfile(
                "d/../f", b"\0\xff", mode=0o755, owner="root:7", timestamp=1700000000
            ),
            "mkfile epoch": S.mkfile("/f", "x", timestamp=0),
            "mkfile dir": at_work.mkfile("f", "x"),
            "mkfile owner names": ALPINE.mkfile("/f", "x", owner="www:data"),
            "mkfile owner root": ALPINE.mkfile("/f", "x", owner="root:12"),
            "mkfile owner user": ALPINE.mkfile("/f", "x", owner=llb.Owner(user=5)),
            "mkdir": S.mkdir("/d", parents=False),
            "mkdir everything": S.mkdir("/d/e/", mode=0o700, owner="1:2", timestamp=1),
            "rm": ALPINE.rm("/f"),
            "rm everything": ALPINE.rm("a/*", allow_not_found=True, wildcard=True),
            "symlink": S.symlink("../a", "/b"),
            "symlink everything": S.symlink("/a", "/b", owner="1:2", timestamp=2),
            "copy": _copy("/a", "/b"),
            "copy dir slash": _copy("a/", "/b/"),
            "copy dot": _copy(".", "/b/."),
            "copy root dot": _copy("../..", "/."),
            "copy relative": at_work.file(plain(CONTEXT.with_cwd("/c"), "a", "b/")),
            "copy mode": _copy("/a", "/b", mode=0o4755),
            "copy mode zero": _copy("/a", "/b", mode="0000"),
            "copy mode letters": _copy("/a", "/b", mode="u=rwX,go=rX"),
            "copy flags": _copy(
                "/a",
                "/b",
                follow_symlink=True,
                contents_only=True,
                unpack=True,
                create_dest_path=True,
                wildcard=True,
                allow_empty_wildcard=True,
                always_replace=True,
            ),
            "copy patterns": _copy("/", "/", include=["a", "b/**"], exclude=["c"], required=["a"]),
            "copy owner time": _copy("/a", "/b", owner="www:5", timestamp=0),
            "copy from scratch": ALPINE.file(plain(S, "/", "/")),
            "copy from itself": ALPINE.file(plain(ALPINE, "/a", "/b")),
            "copy onto scratch": S.file(plain(CONTEXT, "/a", "/b")),
            "file chain": at_work.file(
                llb.mkdir("d", parents=False),
                plain(BUSY, "/x", "d/", owner="www"),
                plain(CONTEXT, "/y", "/y"),
                plain(BUSY, "/z", "/z"),
                llb.rm("/q"),
                llb.symlink("a", "/l"),
                llb.mkfile("d/f", "data", mode=0o600),
            ),
            "file chain scratch": S.file(
                plain(BUSY, "/x", "/x"), llb.mkfile("/f", "1"), plain(BUSY, "/y", "/y")
            ),
            "file then file": S.mkfile("/a", "1").mkfile("/b", "2"),
        }
    )


def _relations() -> None:
    first = S.mkfile("/a", "1")
    second = S.mkfile("/b", "2")
    ran = run(ALPINE)
    left = ran.mkfile("/l", b"")
    right = ran.run(["r"]).root
    chain = ALPINE
    for number in range(40):
        chain = chain.run(["n", str(number)]).root.mkfile(f"/f{number}", bytes([number]))
    one = llb.image("alpine", meta=Meta(name="one"))
    two = llb.image("alpine", meta=Meta(name="two"))
    CASES.update(
        {
            "merge": llb.merge([ALPINE, first, second]),
            "merge twice the same": llb.merge([ALPINE, first, first]),
            "merge scratch": llb.merge([S, first, S, second]),
            "merge one": llb.merge([S, first]),
            "diff": llb.diff(ALPINE, run(ALPINE)),
            "diff upper scratch": llb.diff(ALPINE, S),
            "diff lower scratch": llb.diff(S, ALPINE),
            "diff itself": llb.diff(ALPINE, ALPINE),
            "merge diff run": run(
                llb.merge([ALPINE.with_cwd("/w"), llb.diff(ALPINE, run(ALPINE))])
            ),
            "passthrough": run(ALPINE).requires("id", first, S, second),
            "diamond": llb.merge([left, right, left.file(plain(right, "/", "/"))]),
            "chain": chain,
            "equal vertices": S.file(plain(one, "/a", "/a"), plain(two, "/b", "/b")),
        }
    )


def _said_about_them() -> None:
    def described(**options: object) -> State:
        return run(ALPINE, meta=Meta(**options))  # type: ignore[arg-type]

    def there(file: SourceFile, *ranges: tuple[int, int, int, int]) -> Meta:
        return Meta(
            location=Location(
                file, tuple(Range(Position(a, b), Position(c, d)) for a, b, c, d in ranges)
            )
        )

    bunnyfile = SourceFile("bunnyfile", b"a: 1\n")
    again = SourceFile("bunnyfile", bytes(bytearray(b"a: 1\n")))
    other = SourceFile("other", b"b\n")
    image = llb.image("alpine", meta=there(bunnyfile, (1, 0, 1, 4)))
    ran = run(image, meta=there(other, (1, 0, 1, 1), (1, 1, 2, 0)))
    inner = described(name="inner").marshal(platform=ARM64)
    foreign = State.from_definition(inner)
    resources = llb.Resources(1, -1, 2, 3, 4, "0-3", "0")
    CASES.update(
        {
            "meta name": described(name="[a] é"),
            "meta ignore cache": described(ignore_cache=True),
            "meta export cache": described(export_cache=True),
            "meta no export cache": described(export_cache=False),
            "meta group": described(group=llb.ProgressGroup("id", "name")),
            "meta weak group": llb.image(
                "x", meta=Meta(group=llb.ProgressGroup("id", "name", weak=True))
            ),
            "meta resources": described(resources=resources),
            "locations": ran.mkfile("/a", b"", meta=there(again, (1, 3, 1, 4))),
            "foreign": foreign.mkfile("/x", b""),
            "foreign run": run(foreign),
        }
    )


_SECTIONS: tuple[Callable[[], None], ...] = (
    _images,
    _files_of_the_client,
    _git,
    _http,
    _execs,
    _mounts,
    _files,
    _relations,
    _said_about_them,
)
for _section in _SECTIONS:
    _section()


def marshal(name: str) -> "llb.Definition":
    """Marshal a case as Go's client was told to."""
    return CASES[name].marshal(platform=PLATFORMS.get(name, AMD64), caps=CAPS.get(name))
