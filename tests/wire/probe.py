"""A frontend for the integration tests: it does on the wire what the build argument PROBE says.

It runs inside the image of `tests/integration/test_wire.py`, on top of the real frontend image, so
that the real interpreter, the real start-up and a real daemon are tested.
"""

import json
import os
import sys
import time

from frontend.gateway import stdio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from frontend.dockerui.contexts import Contexts
    from frontend.gateway.client import Client
    from frontend.gateway.result import Result
    from llb import State


def handle(client: "Client") -> "Result":
    from frontend.dockerui.contexts import Contexts
    from frontend.dockerui.options import Environment, Options

    environment = Environment.read()
    options = Options.parse(environment.options, environment.build_platform)
    contexts = Contexts(client, options, environment)
    probe = options.build_args.get("PROBE", "context")
    return PROBES[probe](contexts)


def context(contexts: "Contexts") -> "Result":
    """The context's files under /context, the build file under /build-file, and all we know."""
    from dataclasses import asdict

    from frontend.dockerui.images import Images
    from frontend.dockerui.named import load
    from llb import scratch

    file = contexts.build_file().file
    args = contexts.options.build_args
    follow = args["FOLLOW"].split(",") if "FOLLOW" in args else ()
    state = scratch().copy(contexts.main(follow), "/", "/context", contents_only=True)
    state = state.mkfile("/build-file", file.data)
    if name := args.get("NAMED"):
        named = load(contexts, name, contexts.options.platforms[0])
        state = state.mkfile("/named", repr(named).encode())
        if named is not None:
            state = state.copy(named.state, "/", "/named-files", contents_only=True)
            state = state.mkfile("/named-config", named.config)
    if name := args.get("IMAGE"):
        found = Images(contexts).resolve(name, contexts.environment.build_platform)
        state = state.mkfile("/image", found.reference.encode())
        state = state.mkfile("/image-config", found.config)
    platforms = [str(p) for p in contexts.options.platforms]
    skipped = contexts.options.no_cache
    facts = {
        "filename": file.filename,
        "target": contexts.options.target,
        "labels": dict(contexts.options.labels),
        "args": dict(args),
        "no_cache": skipped if isinstance(skipped, bool) else sorted(skipped),
        "hosts": contexts.options.hosts,
        "ulimits": [asdict(limit) for limit in contexts.options.ulimits],
        "network": contexts.options.network,
        "mode": contexts.options.resolve_mode,
        "platforms": platforms,
        "ignored": contexts.ignored(),
        "grpc": sorted(contexts.client.abilities.gateway),
    }
    state = state.mkfile("/facts.json", json.dumps(facts).encode())
    return image(contexts, state)


def image(contexts: "Contexts", state: "State") -> "Result":
    """Return a state for every platform that was asked for."""
    from frontend.gateway.result import Builder

    options = contexts.options
    builder = Builder(multi_platform=options.multi_platform)
    for platform in options.platforms or (contexts.environment.build_platform,):
        definition = state.marshal(platform=platform, caps=contexts.client.llb_caps)
        ref = contexts.client.solve(definition, cache_imports=options.cache_imports).ref
        config = {
            "architecture": platform.architecture,
            "os": platform.os,
            "config": {"Labels": dict(options.labels)},
        }
        if platform.variant:
            config["variant"] = platform.variant
        builder.add(platform, ref, config)
    builder.annotate("org.example.probe", "yes")
    builder.fact("probe", "a fact")
    return builder.build()


def tool(contexts: "Contexts", program: str, line: int) -> "State":
    """The result of a program that runs in our own image, for line `line` of the build file."""
    from frontend.dockerui.images import Images
    from llb import Location, Meta, Network, Position, Range

    file = contexts.build_file().file
    where = Range(Position(line), Position(line, 4))
    step = (
        Images(contexts)
        .own()
        .run(
            ["/usr/bin/python3", "-I", "-S", "-c", program],
            network=Network.NONE,
            meta=Meta(name="[probe] run a program", location=Location(file, (where,))),
        )
    )
    return step.root


def step(contexts: "Contexts") -> "Result":
    """A step that fails while we wait for it."""
    from frontend.gateway.errors import GatewayError

    program = f"import sys; print('from the step'); sys.exit({time.time_ns() % 7 + 3})"
    state = tool(contexts, program, 3)
    platform = contexts.environment.build_platform
    definition = state.marshal(platform=platform, caps=contexts.client.llb_caps)
    try:
        contexts.client.solve(definition, evaluate=True)
    except GatewayError as error:
        raise error.during("cannot make the kernel") from error
    raise AssertionError("the step did not fail")


def lazy(contexts: "Contexts") -> "Result":
    """A step that fails after Return."""
    return image(contexts, tool(contexts, "raise SystemExit(9)", 2))


def own(contexts: "Contexts") -> "Result":
    """A file made by a step in our own image."""
    from frontend.dockerui.images import Images
    from llb import Mount, Network, scratch

    step = (
        Images(contexts)
        .own()
        .run(
            ["/usr/bin/python3", "-I", "-S", "-c", "open('/out/made', 'w').write('by ourselves')"],
            mounts=[Mount.bind("/out", scratch())],
            network=Network.NONE,
        )
    )
    return image(contexts, step.mount("/out"))


def problems(contexts: "Contexts") -> "Result":
    """Two mistakes of the user, on lines 2 and 4."""
    from frameworks.diagnostics import Collector
    from llb import Position, Range

    found = Collector(contexts.build_file().file)
    for line, word in ((4, "fourth"), (2, "second")):
        at = Range(Position(line, 2), Position(line, 6))
        found.error("unknown-key", f"the {word} line is wrong", hint="mend it", at=at)
    found.check()
    raise AssertionError


def bug(contexts: "Contexts") -> "Result":
    raise RuntimeError("the moon is in the wrong place")


def noise(contexts: "Contexts") -> "Result":
    print("printed to stdout")
    os.write(1, b"written to descriptor 1\n" * 1000)
    return context(contexts)


def warn(contexts: "Contexts") -> "Result":
    from llb.pb import ops_pb2

    build_file = contexts.build_file()
    file = build_file.file
    contexts.client.warn(
        build_file.digest,
        "old-key: this key is old",
        detail=["It will go away."],
        info=ops_pb2.SourceInfo(filename=file.filename, data=file.data, language=file.language),
        ranges=[ops_pb2.Range(start=ops_pb2.Position(line=2), end=ops_pb2.Position(line=2))],
    )
    return context(contexts)


def read(contexts: "Contexts") -> "Result":
    """Read a file of several chunks, a directory and a missing file from a result."""
    from frontend.gateway.errors import GatewayError
    from llb import scratch

    client = contexts.client
    data = bytes(range(256)) * 1024 * 20  # 5 MiB
    definition = contexts.marshal(scratch().copy(contexts.main(), "/", "/"))
    ref = client.solve(definition).ref
    big = client.read_file(ref, "/big")
    assert big == data, len(big)
    assert client.read_file(ref, "big", offset=1 << 20, length=3) == data[1 << 20 :][:3]
    assert client.stat_file(ref, "/big").size == len(data)
    names = {entry.path: entry for entry in client.read_dir(ref, "/")}
    assert names["dir"].is_dir, names
    assert not names["big"].is_dir
    assert names["link"].is_symlink
    assert names["link"].link == "big"
    missing = None
    try:
        client.read_file(ref, "/missing")
    except GatewayError as error:
        missing = error
    assert missing is not None
    assert missing.is_missing_file, missing.status
    from frontend.gateway.result import answer

    return answer({"result.txt": "all read", "result.json": b"{}", "version": "1.0.0"})


PROBES = {
    "context": context,
    "step": step,
    "lazy": lazy,
    "own": own,
    "problems": problems,
    "bug": bug,
    "noise": noise,
    "warn": warn,
    "read": read,
    "slow": context,
}


def main() -> None:
    if any(value == "build-arg:PROBE=slow" for value in os.environ.values()):
        greet = stdio.seize

        def dawdle() -> tuple[int, int]:
            pipes = greet()
            assert "google.protobuf" not in sys.modules
            time.sleep(12)
            return pipes

        stdio.seize = dawdle
    stdio.serve(handle)


if __name__ == "__main__":
    main()
