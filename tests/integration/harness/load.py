"""What a service in a guest has to bear: `python3 -m tests.integration.harness.load HOST:PORT`.

It asks a guest that runs `programs/service`: many requests at once, one large file there and back,
the clock, and random numbers.
"""

from __future__ import annotations

import hashlib
import http.client
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_TIMEOUT = 600


@dataclass(frozen=True, slots=True)
class Answers:
    """`faults` are the requests that were not answered well, by what was wrong."""

    requests: int
    faults: dict[str, int]
    seconds: float


def ask(where: str, path: str, body: bytes | None = None) -> bytes:
    """One request on a connection of its own. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection(where, timeout=_TIMEOUT)
    try:
        connection.request("GET" if body is None else "PUT", path, body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise OSError(f"{answer.status} {content!r}")
        return content
    finally:
        connection.close()


def many(where: str, path: str, requests: int, at_once: int) -> Answers:
    """`requests` requests, of which `at_once` are under way."""
    expected = ask(where, path)

    def one(_: int) -> str:
        try:
            return "" if ask(where, path) == expected else "another answer"
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"

    start = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        said = list(pool.map(one, range(requests)))
    faults = {each: said.count(each) for each in sorted(set(said)) if each}
    return Answers(requests, faults, time.monotonic() - start)


def large(where: str, size: int) -> bool:
    """Whether a file of `size` bytes comes back as it was sent."""
    data = b"".join(hashlib.sha256(str(at).encode()).digest() for at in range(size // 32))
    digest = hashlib.sha256(data).hexdigest()
    return ask(where, "/file", data).decode().strip() == digest and ask(where, "/file") == data


def clock(where: str) -> tuple[float, int]:
    """How far the guest's clock is from ours in seconds, and how long 100 ms are there, in ms."""
    at, slept = ask(where, "/clock").split()
    return abs(int(at) - time.time()), int(slept)


def random(where: str, times: int) -> int:
    """How many different numbers come in so many `times`."""
    return len({ask(where, "/random") for _ in range(times)})


def main() -> None:
    where = sys.argv[1]
    print(ask(where, "/").decode().strip())
    print(many(where, "/", 10_000, 100))
    print("64 MiB there and back:", large(where, 64 << 20))
    print("clock:", clock(where), "random:", random(where, 100))
    for name in sys.argv[2:]:
        print(name, ask(where, f"/resolve?name={name}").decode().strip())


if __name__ == "__main__":
    main()
